#include "zstd_frame.h"

#include "ceilings.h"

#include <stdlib.h>
#include <zstd.h>

bool zstd_frame_unpack(struct source *s, struct source *ret_inside)
{
	unsigned long long size = ZSTD_getFrameContentSize(s->data, s->have);
	uint8_t *data;

	/* The two values that mean "unknown" and "error" are larger than any size. */
	if (size == 0 || size > LIMIT_EVIDENCE)
		return false;
	if (!source_fill(s, ZSTD_compressBound(size)) || !s->ended || s->cut[0])
		return false;
	data = source_memory(size);
	if (!data)
		return false;
	if (ZSTD_decompress(data, size, s->data, s->have) == size)
		return source_open_memory(ret_inside, s->budget, data, size);
	free(data);
	return false;
}
