/* One zstd frame, unpacked in one step to where its bytes are needed. libarchive's reader for zstd
 * fills a window of up to 8 MiB and copies out of it, which for a dump of 10 MB costs more than the
 * unpacking itself. */
#ifndef CULPRIT_ZSTD_FRAME_H
#define CULPRIT_ZSTD_FRAME_H

#include "source.h"

/* Reads @p s to its end and opens @p ret_inside over what it holds, if it is a single whole frame
 * that tells its size, LIMIT_EVIDENCE at most. False if it is not, or if the budget stopped;
 * what was read stays in @p s for another reader. */
bool zstd_frame_unpack(struct source *s, struct source *ret_inside);

#endif
