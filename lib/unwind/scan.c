#include "scan.h"

#include "cursor.h"
#include "instruction.h"

enum { PAGE = 0x1000, SECTION_EXECUTE = 0x20000000, SECTION_ENTRY = 40, SECTIONS_MAX = 96 };

/* Looks the section of @p offset up in the image's header, as far as the dump has it.
 * windows-dumps.md 8.1 (RVAs: the image is mapped) */
static bool section_is_executable(const struct dump *dump, const struct module *module,
				  uint64_t offset, bool *ret)
{
	uint8_t page[PAGE];
	size_t size = space_read_some(dump->space, module->base, page, sizeof(page));
	struct cursor c = cursor_make(page, size, 0, "image header");

	if (cursor_u16(&c) != 0x5a4d || !cursor_seek(&c, cursor_u32_at(&c, 0x3c)) ||
	    cursor_u32(&c) != 0x4550)
		return false;
	uint64_t coff = c.pos;
	unsigned count = cursor_u16_at(&c, coff + 2);
	uint64_t table = coff + 20 + cursor_u16_at(&c, coff + 16);
	if (c.failed || count > SECTIONS_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		uint64_t entry = table + (uint64_t)i * SECTION_ENTRY;
		uint32_t virtual_size = cursor_u32_at(&c, entry + 8);
		uint32_t start = cursor_u32_at(&c, entry + 12);
		uint32_t flags = cursor_u32_at(&c, entry + 36);
		if (c.failed)
			return false;
		if (offset >= start && offset - start < virtual_size) {
			*ret = flags & SECTION_EXECUTE;
			return true;
		}
	}
	return false;
}

bool scan_can_be_code(const struct dump *dump, const struct module *module, uint64_t offset)
{
	bool executable;

	if (offset < PAGE)
		return false;
	if (module->loaded && section_is_executable(dump, module, offset, &executable))
		return executable;
	return true;
}

enum return_check scan_check_return(const struct dump *dump, uint64_t value,
				    const struct module **ret_module)
{
	uint8_t before[8];
	const struct module *module;

	if (!dump_is_kernel_address(dump, value) || (dump->arch == ARCH_ARM64 && value % 4))
		return RETURN_NO;
	module = dump_module_at(dump, value);
	if (!module)
		module = dump_unloaded_at(dump, value);
	if (!module || !scan_can_be_code(dump, module, value - module->base))
		return RETURN_NO;
	*ret_module = module;
	/* Often the bytes from the address on are there and those before are not. */
	for (size_t size = sizeof(before); size >= 4; size--) {
		if (!space_read(dump->space, value - size, before, size))
			continue;
		if (instruction_is_call_before(dump->arch, before, size, value))
			return RETURN_CALL_SEEN;
		if (size >= 7 || dump->arch == ARCH_ARM64)
			return RETURN_NO;
		break;
	}
	return RETURN_POSSIBLE;
}
