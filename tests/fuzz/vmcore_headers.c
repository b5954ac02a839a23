/* Headers of kdump and ELF vmcores, and of the parts of a split one. */
#include "diskdump_split.h"
#include "elf_core_check.h"

/* The file as two parts of one dump: as it is, and with all that follows its frames. */
static void join(const struct reader *file, const struct diskdump_facts *facts, struct arena *arena)
{
	struct diskdump_part parts[2] = {{"one", *file, *facts, 0}, {"two", *file, *facts, 1}};
	struct diskdump_whole whole;

	parts[1].facts.start_pfn = facts->end_pfn;
	parts[1].facts.end_pfn = facts->max_mapnr;
	for (size_t count = 1; count <= 2; count++)
		error_destroy(diskdump_join(parts, count, arena, &whole));
}

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
	struct error *err = diskdump_check(&file, size, arena, &kdump);
	if (!err)
		join(&file, &kdump, arena);
	error_destroy(err);
	error_destroy(elf_core_check(&file, size, arena, &elf));
	arena_destroy(arena);
	return 0;
}
