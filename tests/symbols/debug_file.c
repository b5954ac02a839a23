/* ELF files with DWARF: debug_sample.c as the compiler made it, as an executable like a vmlinux and
 * as a relocatable file like a module, in DWARF 4 and 5. */
#include "debug_file.h"
#include "debug_sample.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(debug_file);

/* SAMPLES: the folder of what the build made. */
static const char *const samples[] = {SAMPLES "/sample-vmlinux-4", SAMPLES "/sample-vmlinux-5",
				      SAMPLES "/sample-4.ko", SAMPLES "/sample-5.ko"};
enum { SAMPLE_COUNT = sizeof(samples) / sizeof(samples[0]) };

static struct debug_file *open_sample(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct debug_file *file = NULL;
	struct error *err = debug_file_open(fd, &file);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_null(err, "%s: %s", path, err ? err->message : "");
	close(fd);
	return file;
}

static const char *why_not(const void *bytes, size_t size)
{
	int fd = memfd_create("given", MFD_CLOEXEC);
	struct debug_file *file;
	static char message[256];

	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	struct error *err = debug_file_open(fd, &file);
	cr_assert_not_null(err);
	snprintf(message, sizeof(message), "%s", err->message);
	error_destroy(err);
	close(fd);
	return message;
}

Test(debug_file, says_what_it_cannot_read)
{
	uint8_t image[0x1000] = {0};

	cr_assert_str_eq(why_not("garbage, and not a little", 25), "it is not an ELF file");
	cr_assert_str_eq(why_not("", 0), "it is too short for an ELF file");
	cr_assert_str_eq(why_not("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0", 18),
			 "it is a damaged ELF file, or not all of it");
	memcpy(image, "MZ", 2);
	memcpy(image + 0x202, "HdrS", 4);
	cr_assert(strstr(why_not(image, sizeof(image)), "bootable kernel image"));
}

Test(debug_file, knows_its_build_id_and_facts)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct debug_file *file = open_sample(samples[i]);
		uint64_t size = 0;
		cr_assert_str_eq(debug_file_build_id(file),
				 "00112233445566778899aabbccddeeff01234567");
		cr_assert_str_eq(debug_file_fact(file, "srcversion"), "0123456789ABCDEF");
		cr_assert_str_eq(debug_file_fact(file, "vermagic"), "6.1.0-sample SMP preempt ");
		cr_assert_str_eq(debug_file_fact(file, "name"), "sample");
		cr_assert_null(debug_file_fact(file, "vermag"));
		cr_assert(debug_file_has_dwarf(file));
		cr_assert_null(debug_file_section(file, ".BTF", &size));
		debug_file_close(file);
	}
}

Test(debug_file, finds_symbols_and_bytes)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct debug_file *file = open_sample(samples[i]);
		struct debug_symbol s, at;
		uint64_t size;
		cr_assert(debug_file_symbol(file, "sample_leaf", &s), "%s", samples[i]);
		cr_assert(s.is_function && s.is_global && s.is_alone && s.size > 0);
		cr_assert(debug_file_symbol_at(file, s.address + s.size - 1, &at));
		cr_assert_str_eq(at.name, "sample_leaf");
		cr_assert(debug_file_symbol(file, "sample_object", &s));
		cr_assert(!s.is_function && s.size == sizeof(struct outer));
		cr_assert_not(debug_file_symbol(file, "sample_lea", &s));
		cr_assert(debug_file_symbol(file, "linux_banner", &s));
		const uint8_t *banner = debug_file_bytes(file, s.address, &size);
		cr_assert(banner && size > 20 && memcmp(banner, "Linux version 6.1.0-", 20) == 0,
			  "%s", samples[i]);
		cr_assert_null(debug_file_bytes(file, UINT64_C(0xffffffff00000000), &size));
		debug_file_close(file);
	}
}

static void same(const struct types *types, const char *structure, const char *path,
		 struct member wanted)
{
	struct member m;

	cr_assert(types_member(types, structure, path, &m), "%s.%s", structure, path);
	cr_assert(m.offset == wanted.offset && m.size == wanted.size && m.count == wanted.count &&
			  m.bits == wanted.bits && m.is_pointer == wanted.is_pointer,
		  "%s.%s: offset %lu, size %lu, count %lu, bits %u, pointer %d", structure, path,
		  m.offset, m.size, m.count, m.bits, m.is_pointer);
}

#define FIELD(type, field, elements)                                                               \
	((struct member){.offset = offsetof(type, field),                                          \
			 .size = sizeof(((type *)0)->field),                                       \
			 .count = (elements)})

Test(debug_file, describes_structures)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct debug_file *file = open_sample(samples[i]);
		struct types *types = NULL;
		struct error *err = debug_file_types(file, &types);
		struct member m;
		cr_assert_null(err, "%s: %s", samples[i], err ? err->message : "");
		cr_assert_eq(types_size(types, "outer"), sizeof(struct outer));
		cr_assert_eq(types_size(types, "either"), sizeof(union either));
		cr_assert_eq(types_size(types, "declared_only"), 0);
		same(types, "outer", "name", FIELD(struct outer, name, 16));
		same(types, "outer", "in", FIELD(struct outer, in, 1));
		same(types, "outer", "in.b", FIELD(struct outer, in.b, 1));
		same(types, "outer", "in.c", FIELD(struct outer, in.c, 12));
		same(types, "outer", "in.d", FIELD(struct outer, in.d, 1));
		same(types, "outer", "grid", FIELD(struct outer, grid, 12));
		same(types, "either", "outer.in.a", FIELD(union either, outer.in.a, 1));
		same(types, "outer", "next",
		     (struct member){offsetof(struct outer, next), 8, 1, 0, true});
		/* both bit fields are in the byte behind `in` */
		uint64_t byte = offsetof(struct outer, in) + sizeof(struct inner);
		same(types, "outer", "flag", (struct member){byte, 4, 1, 3, false});
		same(types, "outer", "other", (struct member){byte, 4, 1, 5, false});
		cr_assert_not(types_member(types, "outer", "nam", &m));
		cr_assert_not(types_member(types, "outer", "next.name", &m),
			      "a pointer is no part of what holds it");
		cr_assert_not(types_member(types, "inner_alias", "a", &m));
		cr_assert_eq(types_offset(types, "outer", ""), -1);
		types_destroy(types);
		debug_file_close(file);
	}
}

static void check_lines(struct debug_file *file, struct arena *arena, const char *path)
{
	struct debug_symbol s;
	struct list at;
	bool inlined = false;

	cr_assert(debug_file_symbol(file, "sample_leaf", &s));
	list_init(&at, arena, sizeof(struct source_line), 8);
	cr_assert(debug_file_source(file, s.address, arena, &at), "%s", path);
	const struct source_line *line = list_at(&at, 0);
	cr_assert_eq(at.count, 1);
	cr_assert(line->line >= 100 && line->line <= 102, "%s: %u", path, line->line);
	cr_assert_str_eq(line->function, "sample_leaf");
	cr_assert_str_eq(line->file + strlen(line->file) - strlen("fs/sample.c"), "fs/sample.c");

	cr_assert(debug_file_symbol(file, "sample_dispatch", &s));
	for (uint64_t k = 0; k < s.size; k++) {
		list_init(&at, arena, sizeof(struct source_line), 8);
		/* clang gives code that two lines share the line 0: of neither */
		if (!debug_file_source(file, s.address + k, arena, &at))
			continue;
		const struct source_line *inner = list_at(&at, 0), *outer = list_at(&at, 1);
		if (at.count != 2 || strcmp(inner->function, "read_through") != 0)
			continue;
		cr_assert_str_eq(outer->function, "sample_dispatch");
		cr_assert_eq(outer->line, 204);
		inlined |= inner->line == 107;
	}
	cr_assert(inlined, "%s: the inlined function is not told", path);
	list_init(&at, arena, sizeof(struct source_line), 8);
	cr_assert_not(debug_file_source(file, UINT64_C(0xffffffff00000000), arena, &at));
}

Test(debug_file, tells_lines)
{
	struct arena *arena = arena_create(8 << 20);

	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct debug_file *file = open_sample(samples[i]);
		check_lines(file, arena, samples[i]);
		debug_file_close(file);
	}
	arena_destroy(arena);
}

/* The descriptor is the caller's: a second dump of an archive uses it again. */
Test(debug_file, leaves_the_descriptor_open)
{
	int fd = open(samples[0], O_RDONLY | O_CLOEXEC);
	struct debug_file *file;

	for (int i = 0; i < 3; i++) {
		cr_assert_null(debug_file_open(fd, &file));
		debug_file_close(file);
	}
	cr_assert_eq(close(fd), 0);
}
