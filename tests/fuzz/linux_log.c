/* The kernel's log in memory: 0 the lockless ring, 1 log_buf, else VMCOREINFO comes with the input;
 * and the same bytes as a text. */
#include "linux_log.h"
#include "../formats/linux_writer.c"

enum { INFO_BYTES = 1024 };

static void read_rings(struct arena *arena, const uint8_t *data, size_t size, unsigned which)
{
	struct reader_bytes bytes = {.data = data, .size = size, .base = IMAGE_BASE};
	const char *text = which ? old_vmcoreinfo : ring_vmcoreinfo;
	size_t length = which ? strlen(old_vmcoreinfo) : strlen(ring_vmcoreinfo);
	struct reader memory = reader_of_bytes(&bytes);
	struct vmcoreinfo info;
	struct linux_log log;

	if (which > 1 && size > INFO_BYTES) {
		text = (const char *)data;
		length = INFO_BYTES;
	}
	if (vmcoreinfo_parse(arena, text, length, &info))
		error_destroy(linux_log_read(&memory, &info, arena, &log));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create(32 << 20);
	struct linux_log log;

	if (size && arena) {
		read_rings(arena, data + 1, size - 1, data[0]);
		linux_log_bid(data, size);
		linux_log_from_text(data, size, arena, &log);
	}
	arena_destroy(arena);
	return 0;
}
