/* What the sandboxed child does with one input.
 *
 * It answers in lines: {"begin": MEMBER-or-null} before it touches a piece of evidence and
 * {"report": {...}} when it is done with it, so that the parent knows what killed it. */
#ifndef CULPRIT_WORKER_H
#define CULPRIT_WORKER_H

#include <stdbool.h>

struct debug_files;
struct knowledge;

struct work {
	int fd;
	const char *name;   /* of the file, safe text */
	const char *member; /* the only one wanted, NULL: every one */
	unsigned skip;      /* pieces of evidence an earlier child has dealt with */
	const struct knowledge *knowledge;
	const struct debug_files *debug; /* NULL: nothing was given */
	bool want_strings;
};

/* Once in the parent: starts what every child would else start for itself (OpenSSL: 2 ms). */
void worker_prepare(void);

/* A sandbox_work for a `const struct work *`. */
int worker_run(void *work, int output_fd);

#endif
