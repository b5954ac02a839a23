/* Collects the parts of one dump that the person named with --split, whatever they are packed in.
 */
#ifndef CULPRIT_SPLIT_H
#define CULPRIT_SPLIT_H

#include "ceilings.h"
#include "evidence.h"

struct input;

struct split {
	struct arena *arena; /* of what is kept of the parts; the caller's */
	/* Called with each part before it is touched, may be NULL; @p file is the number of the
	 * input it is in. False ends the collecting. */
	bool (*announce)(void *context, unsigned file, const char *member);
	void *context;

	struct evidence parts[LIMIT_PARTS]; /* each with its `next` */
	unsigned count;
	uint64_t bytes; /* of all of them */
	/* of split_add() alone */
	uint64_t unpacked;
	unsigned files;
	const struct input *input;
};

/* Adds the file of @p input, or each dump in it if it is an archive. An error: it is nothing that
 * can be a part of a dump. What comes out of containers counts against one LIMIT_UNPACK. */
struct error *split_add(struct split *split, const struct input *input);
/* Closes the files of the parts. */
void split_close(struct split *split);

#endif
