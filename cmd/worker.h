/* What the sandboxed child does with one input.
 *
 * It answers in lines: {"begin": MEMBER-or-null} before it touches a piece of evidence,
 * {"report": {...}} when it has read it and {"done": SHA-256-or-null} when it leaves it, so that
 * the parent knows what killed it. The checksum comes last because the parent reads the report
 * while it is made. Of an input that is several files (--split) it says
 * {"part": MEMBER-or-null, "file": N} of each part before the report. */
#ifndef CULPRIT_WORKER_H
#define CULPRIT_WORKER_H

#include <stdbool.h>

struct debug_files;
struct input;
struct knowledge;

struct work {
	const struct input *inputs; /* one, or with `split` the parts of one dump */
	unsigned count;
	bool split;
	unsigned skip; /* pieces of evidence an earlier child has dealt with */
	const struct knowledge *knowledge;
	const struct debug_files *debug; /* NULL: nothing was given */
	unsigned want;                   /* enum want */
};

/* A sandbox_work for a `const struct work *`. */
int worker_run(void *work, int output_fd);

#endif
