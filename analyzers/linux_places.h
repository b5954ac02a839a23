/* Whose memory it is, in a Linux kernel; and the memory that the fault leads to. */
#ifndef CULPRIT_LINUX_PLACES_H
#define CULPRIT_LINUX_PLACES_H

#include "reach.h"

/* Who has the memory at @p address, in words: a content file of the report, a module, a stack, a
 * file in the page cache, an object of the heap; NULL if that is not known. */
const char *linux_whose(const struct analysis *a, uint64_t address);
/* How many bytes from @p address on belong together, at most @p most. */
uint64_t linux_extent(const struct analysis *a, uint64_t address, uint64_t most);
/* A copy of the memory around what the pointers of @p map point at, as far as they are somebody's
 * at fault; NULL without memory. */
struct space *linux_reached(struct analysis *a, const struct reach_map *map);

#endif
