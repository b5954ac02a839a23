/* Headers of kdump and ELF vmcores. */
#include "diskdump_check.h"
#include "elf_core_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader_bytes bytes = {.data = data, .size = size};
	struct reader file = reader_of_bytes(&bytes);
	struct arena *arena = arena_create(4 << 20);
	struct diskdump_facts kdump;
	struct elf_core_facts elf;

	if (!arena)
		return 0;
	error_destroy(diskdump_check(&file, size, arena, &kdump));
	error_destroy(elf_core_check(&file, size, arena, &elf));
	arena_destroy(arena);
	return 0;
}
