/* Flattened files: whatever comes out, comes out of bounds never. */
#include "flattened.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader_bytes bytes = {.data = data, .size = size};
	struct reader file = reader_of_bytes(&bytes);
	struct arena *arena = arena_create(1 << 20);
	struct flattened f = {.fd = -1};

	if (!arena)
		return 0;
	error_destroy(flattened_rearrange(&file, size, 1 << 20, arena, &f));
	if (f.fd >= 0) {
		if (f.stored > size || (!f.complete && (!f.cut || f.cut_at > size)))
			abort();
		close(f.fd);
	}
	arena_destroy(arena);
	return 0;
}
