/* Text out of evidence: UTF-16, bytes, and the counted strings and named objects of Windows, in
 * memory that is the input itself. */
#include "../formats/windows_check.h"
#include "windows_kernel.h"

static void check_objects(const uint8_t *data, size_t size, enum arch arch, uint64_t base)
{
	struct arena *arena = arena_create(UINT64_C(64) << 20);
	struct dump *dump = arena ? dump_create(arena) : NULL;
	const struct range range = {.address = base, .size = size};

	if (!dump)
		abort();
	dump->arch = arch;
	dump->ops = &windows_kernel_ops;
	space_add(dump->space, base, size, data, 0, PIECE_DATA);
	if (!space_seal(dump->space))
		abort();
	check_operations(dump, &range);
	arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4096)
		return 0;
	struct arena *arena = arena_create(UINT64_C(64) << 20);
	if (!arena)
		abort();
	char *text = text_from_utf16(arena, data, size / 2);
	check_text(text);
	check_text(text_basename(text));
	check_text(text_from_bytes(arena, data, size));
	arena_destroy(arena);
	check_objects(data, size, ARCH_X86_64, UINT64_C(0xffffe00000000000));
	check_objects(data, size, ARCH_X86, 0x8d000000);
	return 0;
}
