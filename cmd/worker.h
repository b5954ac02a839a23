/* What the sandboxed child does with one input.
 *
 * It answers in lines: {"begin": MEMBER-or-null} before it touches a piece of evidence and
 * {"report": {...}} when it is done with it, so that the parent knows what killed it. Of an input
 * that is several files (--split) it says {"part": MEMBER-or-null, "file": N} of each part before
 * that. */
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
