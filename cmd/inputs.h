/* What the person named on the command line, opened. */
#ifndef CULPRIT_INPUTS_H
#define CULPRIT_INPUTS_H

#include "arena.h"

#include <sys/types.h>

struct input {
	const char *name;   /* of the file, safe text; "-" for standard input */
	const char *member; /* behind the ! of "evidence.zip!Minidump/x.dmp", NULL: all of it */
	const char *path;   /* name, or name!member: what the report says */
	int fd;             /* -1: it could not be opened */
	bool seekable;
	off_t start;         /* where to begin in a seekable one */
	const char *trouble; /* one sentence, if fd is -1 */
};

/* Opens @p argument for reading and nothing else. Never fails: a file that cannot be opened becomes
 * an input with `trouble`, which is reported like any other that is not readable. */
struct input input_open(struct arena *arena, const char *argument);
void input_close(struct input *input);

#endif
