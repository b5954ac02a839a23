/* Symbol tables in memory: where write_kallsyms() puts them (first byte: which layout), and found
 * by their shape. */
#include "kallsyms.h"
#include "../formats/linux_writer.c"

#include <stdlib.h>

static void look(const struct reader *memory, const struct kallsyms_tables *tables,
		 struct arena *arena)
{
	struct kallsyms *k;
	struct kallsyms_symbol s;
	uint64_t address;
	struct error *err = kallsyms_load(memory, tables, arena, &k);

	if (err) {
		error_destroy(err);
		return;
	}
	for (size_t i = 0; i < kallsyms_count(k); i += 97)
		if (kallsyms_symbol(k, i, &s) && strlen(s.name) >= sizeof(s.name))
			abort();
	kallsyms_at(k, KALLSYMS_TEXT + 0x123, &s);
	kallsyms_address(k, "symbol_0007", &address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct image image;
	struct kallsyms_image where;
	struct kallsyms_tables found;

	if (size < 2)
		return 0;
	write_kallsyms(&image, data[0] % 4, data[0] & 4, &where);
	struct kallsyms_tables tables = {.names = where.names,
					 .num_syms = where.num_syms,
					 .token_table = where.token_table,
					 .token_index = where.token_index,
					 .offsets = where.offsets,
					 .relative_base = where.relative_base,
					 .addresses = where.addresses};
	struct reader_bytes bytes = {.data = data + 1, .size = size - 1, .base = IMAGE_BASE};
	struct reader memory = reader_of_bytes(&bytes);
	struct arena *arena = arena_create(64 << 20);
	if (!arena)
		return 0;
	look(&memory, &tables, arena);
	if (kallsyms_find_tables(&memory, IMAGE_BASE, size, arena, &found))
		look(&memory, &found, arena);
	arena_destroy(arena);
	return 0;
}
