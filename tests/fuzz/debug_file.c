/* ELF and DWARF as somebody may have prepared them for who gives them as a vmlinux: everything that
 * a reader asks such a file for. libdw is not hardened; this says what it does to the process that
 * reads, which is the sandboxed one. */
#include "debug_file.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(struct debug_file *file, struct arena *arena)
{
	static const char *const fields[] = {"name", "in.b", "flag", "grid", "next"};
	struct debug_symbol symbol;
	struct member member;
	struct types *types;
	struct list at;
	uint64_t length;

	debug_file_build_id(file);
	debug_file_fact(file, "vermagic");
	debug_file_section(file, ".BTF", &length);
	if (debug_file_symbol(file, "linux_banner", &symbol))
		debug_file_bytes(file, symbol.address, &length);
	if (debug_file_symbol(file, "sample_dispatch", &symbol)) {
		for (uint64_t i = 0; i < 64; i += 4) {
			list_init(&at, arena, sizeof(struct source_line), 8);
			debug_file_source(file, symbol.address + i, arena, &at);
			debug_file_symbol_at(file, symbol.address + i, &symbol);
		}
	}
	struct error *err = debug_file_types(file, &types);
	if (err) {
		error_destroy(err);
		return;
	}
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		types_member(types, "outer", fields[i], &member);
	types_size(types, "either");
	types_destroy(types);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("given", MFD_CLOEXEC);
	struct arena *arena = arena_create(4 << 20);
	struct debug_file *file;

	if (fd >= 0 && arena && write(fd, data, size) == (ssize_t)size) {
		struct error *err = debug_file_open(fd, &file);
		if (!err) {
			look(file, arena);
			debug_file_close(file);
		}
		error_destroy(err);
	}
	arena_destroy(arena);
	if (fd >= 0)
		close(fd);
	return 0;
}
