/* What `makedumpfile --split` writes: several kdump files, each with the headers and the bitmaps of
 * the whole and the pages of one range of page frames. makedumpfile(8); its write_kdump_header().
 */
#ifndef CULPRIT_DISKDUMP_SPLIT_H
#define CULPRIT_DISKDUMP_SPLIT_H

#include "diskdump_check.h"

struct diskdump_part {
	const char *name; /* for messages, safe text */
	struct reader file;
	struct diskdump_facts facts; /* of diskdump_check() */
	unsigned index;              /* the caller's own number of the file */
};

/* Page frames [from, to). */
struct frame_range {
	uint64_t from, to;
};

struct diskdump_whole {
	struct diskdump_facts facts; /* of all parts; offsets are those of the first part */
	struct list gaps;            /* struct frame_range in no part, ascending */
};

/* Sorts @p parts (@p count of them, at least one) by their page frames and checks that they are of
 * one vmcore: an error says which of them is not and why. Frames in no part are no error, they are
 * `gaps` and one of the problems. A single file that is not split is a whole of one. */
struct error *diskdump_join(struct diskdump_part *parts, size_t count, struct arena *arena,
			    struct diskdump_whole *ret);

#endif
