/* A content format that was found in the memory of a Linux kernel: which file is of it, and does
 * the fault lead there? */
#ifndef CULPRIT_LINUX_RECOGNIZE_H
#define CULPRIT_LINUX_RECOGNIZE_H

#include "reach.h"

/* @p hit is the header of a known format, in the bytes of @p file; NULL: in other memory. */
void linux_recognize(struct analysis *a, struct content_file *file, const struct hit *hit,
		     const struct reach *reach);
/* Looks for the first bytes of the content files in @p space. */
void linux_find_content(struct analysis *a, const struct reach_map *map, struct space *space);

#endif
