/* All memory of a dump, whatever its size, as libyara reads it: block by block out of one buffer.
 *
 * libyara counts offsets as signed numbers and finds no match across two blocks: what it sees is
 * one row of bytes that begins at 0, in which the pieces of physical memory stand one behind the
 * other with a gap between two, and a block begins with the end of the one before where a piece
 * goes on. */
#ifndef CULPRIT_PAGE_WALK_H
#define CULPRIT_PAGE_WALK_H

#include "dump.h"

#include <yara.h>

struct page_walk;

/* A walk over @p dump, which has the ops for it. Nothing new is read after @p seconds, nothing at
 * all after @p most_seconds: what rules ask for again makes libyara read again. NULL without
 * memory. */
struct page_walk *page_walk_create(const struct dump *dump, struct arena *arena, unsigned seconds,
				   unsigned most_seconds);
/* Ends with the walk. */
YR_MEMORY_BLOCK_ITERATOR *page_walk_iterator(struct page_walk *walk);
/* The physical address of @p offset and how many bytes go on from there; false in a gap. */
bool page_walk_place(const struct page_walk *walk, uint64_t offset, uint64_t *ret_physical,
		     uint64_t *ret_left);
/* How many bytes the walk has come through, and how many there are. */
void page_walk_progress(const struct page_walk *walk, uint64_t *ret_done, uint64_t *ret_all);

#endif
