/* Flattened files, and the headers of kdump and ELF vmcores, whole and damaged. */
#include "diskdump_check.h"
#include "elf_core_check.h"
#include "flattened.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 256 * 1024 };

static struct arena *arena;
static uint8_t file[ROOM];
static size_t size;

static void setup(void)
{
	arena = arena_create(16 << 20);
	memset(file, 0, sizeof(file));
	size = 0;
}

static void teardown(void)
{
	arena_destroy(arena);
}

TestSuite(vmcore_headers, .init = setup, .fini = teardown);

static struct reader reader_of_file(struct reader_bytes *bytes)
{
	*bytes = (struct reader_bytes){.data = file, .size = size};
	return reader_of_bytes(bytes);
}

static void le(size_t at, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		file[at + i] = (uint8_t)(value >> (8 * i));
	if (at + width > size)
		size = at + width;
}

static void be64(size_t at, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		file[at + i] = (uint8_t)(value >> (56 - 8 * i));
	if (at + 8 > size)
		size = at + 8;
}

/* ---- flattened ---------------------------------------------------------------------------------
 */

static size_t at_record;

static void begin_flattened(void)
{
	memcpy(file, "makedumpfile", 12);
	be64(16, 1);
	be64(24, 1);
	at_record = size = 4096;
}

static void record(uint64_t offset, uint64_t length, uint8_t fill)
{
	be64(at_record, offset);
	be64(at_record + 8, length);
	if (length < ROOM - at_record - 16) {
		memset(file + at_record + 16, fill, length);
		at_record += 16 + length;
		size = at_record;
	}
}

static struct error *rearrange(uint64_t limit, struct flattened *ret)
{
	struct reader_bytes bytes;
	struct reader reader = reader_of_file(&bytes);

	return flattened_rearrange(&reader, size, limit, arena, ret);
}

Test(vmcore_headers, flattened_pieces_come_in_any_order)
{
	struct flattened f;
	uint8_t back[64];

	begin_flattened();
	record(8192, 20, 0xaa);
	record(0, 10, 0xbb);
	record(5, 2, 0xcc); /* written again */
	record(UINT64_MAX, UINT64_MAX, 0);
	cr_assert(flattened_is(file, size));
	cr_assert_null(rearrange(1 << 20, &f));
	cr_assert(f.complete && f.size == 8212 && f.stored == 32 && f.records == 3);
	cr_assert_eq(pread(f.fd, back, 10, 0), 10);
	cr_assert_eq(memcmp(back, "\xbb\xbb\xbb\xbb\xbb\xcc\xcc\xbb\xbb\xbb", 10), 0);
	cr_assert_eq(pread(f.fd, back, 64, 8180), 32);
	cr_assert(back[11] == 0 && back[12] == 0xaa && back[31] == 0xaa);
	close(f.fd);
}

Test(vmcore_headers, flattened_holes_stay_holes)
{
	struct flattened f;

	begin_flattened();
	record(0, 4096, 1);
	record(UINT64_C(1) << 40, 4096, 2); /* a terabyte further */
	record(UINT64_MAX, UINT64_MAX, 0);
	cr_assert_null(rearrange(1 << 20, &f));
	cr_assert(f.complete && f.size == (UINT64_C(1) << 40) + 4096 && f.stored == 8192);
	close(f.fd);
}

static void cut_where(uint64_t at, bool by_limit, uint64_t limit)
{
	struct flattened f;

	cr_assert_null(rearrange(limit, &f));
	cr_assert_not(f.complete);
	cr_assert_eq(f.cut_at, at, "%llu: %s", (unsigned long long)f.cut_at, f.cut);
	cr_assert_eq(f.cut_by_limit, by_limit);
	cr_assert_not_null(f.cut);
	cr_assert_geq(f.stored, 100);
	close(f.fd);
}

Test(vmcore_headers, flattened_and_cut)
{
	begin_flattened();
	record(0, 100, 1);
	cut_where(4096 + 116, false, 1 << 20); /* no end record */
	size -= 20;
	record(0, 100, 1);
	size -= 40; /* in the middle of the second */
	cut_where(size, false, 1 << 20);
	begin_flattened();
	record(0, 100, 1);
	record(UINT64_C(1) << 63, 100, 1);
	cut_where(4096 + 116, false, 1 << 20);
	begin_flattened();
	record(0, 100, 1);
	record(0, UINT64_C(1) << 53, 1);
	cut_where(4096 + 116, false, UINT64_MAX);
	begin_flattened();
	record(0, 100, 1);
	record(0, 0, 1);
	cut_where(4096 + 116, false, 1 << 20);
	begin_flattened();
	record(0, 100, 1);
	record(100, 200, 1);
	cut_where(4096 + 116, true, 250);
}

Test(vmcore_headers, flattened_without_anything)
{
	struct flattened f = {.fd = -5};
	struct error *err;

	begin_flattened();
	err = rearrange(1 << 20, &f);
	cr_assert_eq(err->kind, ERROR_TRUNCATED);
	error_destroy(err);
	be64(24, 2);
	err = rearrange(1 << 20, &f);
	cr_assert_eq(err->kind, ERROR_UNSUPPORTED);
	error_destroy(err);
	file[0] = 'x';
	err = rearrange(1 << 20, &f);
	cr_assert_eq(err->kind, ERROR_NOT_EVIDENCE);
	error_destroy(err);
	cr_assert_eq(f.fd, -5, "untouched");
}

/* ---- kdump
 * --------------------------------------------------------------------------------------- */

/* Blocks of 4096: header, sub header, two bitmaps, descriptors, pages. 100 frames exist, the first
 * 20 of them are saved. */
enum { BLOCK = 4096, BITMAP = 2 * BLOCK, DESCRIPTORS = 4 * BLOCK, PAGES = 5 * BLOCK, SAVED = 20 };

static void write_kdump(void)
{
	memset(file, 0, sizeof(file));
	size = 0;
	memcpy(file, "KDUMP   ", 8);
	le(8, 6, 4);
	strcpy((char *)file + 12 + 65, "host");
	strcpy((char *)file + 12 + 2 * 65, "6.1.0-test");
	strcpy((char *)file + 12 + 4 * 65, "x86_64");
	le(424, 1, 4); /* zlib */
	le(428, BLOCK, 4);
	le(432, 1, 4); /* sub header blocks */
	le(436, 2, 4); /* bitmap blocks */
	le(440, 100, 4);
	le(460, 2, 4);
	le(BLOCK + 8, 31, 4);
	le(BLOCK + 32, BLOCK + 1024, 8); /* VMCOREINFO */
	le(BLOCK + 40, 16, 8);
	le(BLOCK + 48, BLOCK + 512, 8); /* notes */
	le(BLOCK + 56, 40, 8);
	le(BLOCK + 96, 100, 8);
	le(BLOCK + 512, 11, 4); /* a note: VMCOREINFO */
	le(BLOCK + 516, 16, 4);
	memcpy(file + BLOCK + 524, "VMCOREINFO", 10);
	memset(file + BITMAP, 0xff, 12);
	file[BITMAP + 12] = 0x0f;
	memcpy(file + BITMAP + BLOCK, "\xff\xff\x0f", 3);
	for (int i = 0; i < SAVED; i++) {
		le(DESCRIPTORS + 24 * (size_t)i, PAGES + 100 * (size_t)i, 8);
		le(DESCRIPTORS + 24 * (size_t)i + 8, 100, 4);
		le(DESCRIPTORS + 24 * (size_t)i + 12, 1, 4);
	}
	le(PAGES + 100 * SAVED - 1, 1, 1);
}

static struct error *check_kdump(struct diskdump_facts *ret)
{
	struct reader_bytes bytes;
	struct reader reader = reader_of_file(&bytes);

	return diskdump_check(&reader, size, arena, ret);
}

Test(vmcore_headers, a_sound_kdump)
{
	struct diskdump_facts f;

	write_kdump();
	struct error *err = check_kdump(&f);
	cr_assert_null(err, "%s", err->message);
	cr_assert(f.arch == ARCH_X86_64 && f.header_version == 6 && f.block_size == BLOCK);
	cr_assert_str_eq(f.release, "6.1.0-test");
	cr_assert_str_eq(f.node, "host");
	cr_assert_str_eq(f.compression, "zlib");
	cr_assert(f.dump_level == 31 && f.max_mapnr == 100 && f.cpus == 2);
	cr_assert(f.kernel_pages == 100 && f.pages == SAVED && f.pages_missing == 0);
	cr_assert_eq(f.descriptors, DESCRIPTORS);
	cr_assert_eq(f.problems.count, 0);
	cr_assert_not(f.split || f.incomplete);
}

static void refused(size_t at, uint64_t value, unsigned width, enum error_kind kind)
{
	struct diskdump_facts f;

	write_kdump();
	le(at, value, width);
	struct error *err = check_kdump(&f);
	cr_assert_not_null(err, "%zu", at);
	cr_expect_eq(err->kind, kind, "%zu: %s", at, err->message);
	cr_expect(err->has_offset, "%zu: %s", at, err->message);
	error_destroy(err);
}

Test(vmcore_headers, kdump_headers_that_make_no_sense)
{
	refused(8, 0, 4, ERROR_UNSUPPORTED);
	refused(8, 7, 4, ERROR_UNSUPPORTED);
	refused(12 + 4 * 65, 'z', 1, ERROR_UNSUPPORTED);
	refused(428, 0, 4, ERROR_BAD_DATA);
	refused(428, 4097, 4, ERROR_BAD_DATA);
	refused(428, 2048, 4, ERROR_BAD_DATA);
	refused(428, 131072, 4, ERROR_BAD_DATA);
	refused(428, UINT32_MAX, 4, ERROR_BAD_DATA);
	refused(432, 0, 4, ERROR_BAD_DATA);
	refused(432, UINT32_MAX, 4, ERROR_BAD_DATA);
	refused(432, 1000, 4, ERROR_TRUNCATED);
	refused(436, 0, 4, ERROR_BAD_DATA);
	refused(436, UINT32_MAX, 4, ERROR_BAD_DATA);
	refused(436, 1 << 20, 4, ERROR_TRUNCATED);
	refused(460, UINT32_MAX, 4, ERROR_BAD_DATA);
	refused(BLOCK + 32, UINT64_MAX, 8, ERROR_TRUNCATED);
	refused(BLOCK + 40, UINT64_MAX, 8, ERROR_BAD_DATA);
	refused(BLOCK + 48, ROOM, 8, ERROR_TRUNCATED);
	refused(BLOCK + 56, UINT64_C(1) << 40, 8, ERROR_BAD_DATA);
	refused(BLOCK + 72, UINT64_C(1) << 40, 8, ERROR_BAD_DATA);
	refused(BLOCK + 96, 0, 8, ERROR_BAD_DATA);
	refused(BLOCK + 96, UINT64_C(1) << 50, 8, ERROR_BAD_DATA);
	refused(BLOCK + 96, 100000, 8, ERROR_BAD_DATA);
	refused(BITMAP + BLOCK, 0, 3, ERROR_BAD_DATA);
}

Test(vmcore_headers, kdump_parts)
{
	struct diskdump_facts f;

	write_kdump();
	le(BLOCK + 12, 1, 4);
	le(BLOCK + 80, 10, 8);
	le(BLOCK + 88, 15, 8);
	cr_assert_null(check_kdump(&f));
	cr_assert(f.split && f.start_pfn == 10 && f.end_pfn == 15 && f.pages == 5);
	le(BLOCK + 88, 10, 8); /* nothing was left for this part */
	cr_assert_null(check_kdump(&f));
	cr_assert_eq(f.pages, 0);
	le(BLOCK + 88, 9, 8);
	struct error *err = check_kdump(&f);
	cr_assert_eq(err->kind, ERROR_BAD_DATA);
	error_destroy(err);
}

static const struct problem *first_problem(const struct list *problems, const char *code)
{
	const struct problem *p = list_at(problems, 0);

	cr_assert_not_null(p, "%s", code);
	cr_assert_str_eq(p->code, code);
	return p;
}

Test(vmcore_headers, kdump_cut_and_incomplete)
{
	struct diskdump_facts f;

	write_kdump();
	size = PAGES + 1050; /* pages 0 to 9 are whole */
	cr_assert_null(check_kdump(&f));
	cr_assert_eq(f.pages_missing, 10);
	cr_assert_eq(first_problem(&f.problems, "truncated")->offset, size);
	size = DESCRIPTORS + 24 * 5;
	cr_assert_null(check_kdump(&f));
	cr_assert_eq(f.pages_missing, SAVED);
	write_kdump();
	le(424, 1 | 8, 4);
	memset(file + DESCRIPTORS + 24 * 15, 0, 24 * 5);
	cr_assert_null(check_kdump(&f));
	cr_assert(f.incomplete && f.pages_missing == 5);
	first_problem(&f.problems, "incomplete");
	write_kdump();
	le(DESCRIPTORS + 24 * 3 + 8, 5000, 4); /* larger than a page */
	le(DESCRIPTORS + 24 * 4 + 12, 0x1000, 4);
	cr_assert_null(check_kdump(&f));
	first_problem(&f.problems, "page-table-damaged");
	write_kdump();
	le(BLOCK + 512, 1000, 4);
	cr_assert_null(check_kdump(&f));
	first_problem(&f.problems, "notes-damaged");
}

/* ---- ELF
 * ----------------------------------------------------------------------------------------- */

/* Header, three program headers, two notes, two segments of 4096 bytes. */
enum {
	PROGRAMS = 64,
	NOTES = 512,
	NOTES_BYTES = 12 + 8 + 336 + 12 + 12 + 8,
	LOAD1 = 4096,
	LOAD2 = 8192
};

static void program(unsigned index, uint32_t type, uint64_t offset, uint64_t physical,
		    uint64_t in_file, uint64_t in_memory)
{
	size_t at = PROGRAMS + 56 * (size_t)index;

	le(at, type, 4);
	le(at + 8, offset, 8);
	le(at + 16, physical ? 0xffff888000000000 + physical : 0, 8);
	le(at + 24, physical, 8);
	le(at + 32, in_file, 8);
	le(at + 40, in_memory, 8);
}

static void write_elf(void)
{
	memset(file, 0, sizeof(file));
	size = 0;
	memcpy(file, "\177ELF\2\1\1", 7);
	le(16, 4, 2);
	le(18, 62, 2);
	le(32, PROGRAMS, 8);
	le(54, 56, 2);
	le(56, 3, 2);
	program(0, 4, NOTES, 0, NOTES_BYTES, NOTES_BYTES);
	program(1, 1, LOAD1, 0x100000, 4096, 4096);
	program(2, 1, LOAD2, 0x200000, 4096, 8192);
	le(NOTES, 5, 4);
	le(NOTES + 4, 336, 4);
	le(NOTES + 8, 1, 4);
	memcpy(file + NOTES + 12, "CORE", 5);
	size_t second = NOTES + 12 + 8 + 336;
	le(second, 11, 4);
	le(second + 4, 8, 4);
	memcpy(file + second + 12, "VMCOREINFO", 11);
	le(LOAD2 + 4095, 1, 1);
}

static struct error *check_elf(struct elf_core_facts *ret)
{
	struct reader_bytes bytes;
	struct reader reader = reader_of_file(&bytes);

	return elf_core_check(&reader, size, arena, ret);
}

Test(vmcore_headers, a_sound_elf_core)
{
	struct elf_core_facts f;

	write_elf();
	cr_assert(elf_core_is(file, size));
	struct error *err = check_elf(&f);
	cr_assert_null(err, "%s", err->message);
	cr_assert(f.is_64 && f.arch == ARCH_X86_64 && f.segments == 3 && f.loads == 2);
	cr_assert(f.memory == 12288 && f.stored == 8192 && f.missing == 0);
	cr_assert(f.has_vmcoreinfo && f.vmcoreinfo_size == 8 && f.prstatus == 1);
	cr_assert_not(f.is_qemu || f.is_user);
	cr_assert_eq(f.problems.count, 0);
}

static void elf_refused(size_t at, uint64_t value, unsigned width, enum error_kind kind)
{
	struct elf_core_facts f;

	write_elf();
	le(at, value, width);
	struct error *err = check_elf(&f);
	cr_assert_not_null(err, "%zu", at);
	cr_expect_eq(err->kind, kind, "%zu: %s", at, err->message);
	cr_expect(err->has_offset, "%zu: %s", at, err->message);
	error_destroy(err);
}

Test(vmcore_headers, elf_headers_that_make_no_sense)
{
	elf_refused(4, 1, 1, ERROR_UNSUPPORTED);
	elf_refused(5, 2, 1, ERROR_UNSUPPORTED);
	elf_refused(18, 21, 2, ERROR_UNSUPPORTED);
	elf_refused(32, UINT64_MAX - 10, 8, ERROR_TRUNCATED);
	elf_refused(54, 32, 2, ERROR_BAD_DATA);
	elf_refused(56, 0, 2, ERROR_BAD_DATA);
	elf_refused(56, 0xfffe, 2, ERROR_TRUNCATED);
	elf_refused(56, 1, 2, ERROR_BAD_DATA); /* notes only */
	elf_refused(PROGRAMS + 8, ROOM, 8, ERROR_TRUNCATED);
	elf_refused(PROGRAMS + 32, UINT64_MAX, 8, ERROR_BAD_DATA);
	elf_refused(PROGRAMS + 56 + 8, UINT64_MAX - 5, 8, ERROR_BAD_DATA);
	elf_refused(PROGRAMS + 56 + 24, UINT64_MAX - 5, 8, ERROR_BAD_DATA);
	elf_refused(PROGRAMS + 56 + 16, UINT64_MAX - 5, 8, ERROR_BAD_DATA);
	elf_refused(PROGRAMS + 56 + 32, UINT64_C(1) << 60, 8, ERROR_BAD_DATA);
	write_elf();
	cr_assert_not(elf_core_is(file, 10));
	file[16] = 2; /* an executable */
	cr_assert_not(elf_core_is(file, size));
}

Test(vmcore_headers, elf_with_extended_numbering)
{
	struct elf_core_facts f;

	write_elf();
	le(56, 0xffff, 2);
	le(40, 16384, 8); /* section header 0 */
	le(58, 64, 2);
	le(60, 1, 2);
	le(16384 + 44, 3, 4);
	le(16384 + 63, 0, 1);
	cr_assert_null(check_elf(&f));
	cr_assert_eq(f.loads, 2);
	size = 16384;
	struct error *err = check_elf(&f);
	cr_assert_eq(err->kind, ERROR_TRUNCATED);
	error_destroy(err);
}

Test(vmcore_headers, elf_segments_that_overlap)
{
	const size_t virtual = PROGRAMS + 2 * 56 + 16, physical = virtual + 8;
	struct elf_core_facts f;

	/* The kernel's text, mapped at another place than the RAM it lies in. */
	write_elf();
	le(physical, 0x100000, 8);
	le(virtual, UINT64_C(0xffffffff81000000), 8);
	cr_assert_null(check_elf(&f));
	cr_assert_eq(f.problems.count, 0);
	/* The same memory twice in one mapping. */
	le(virtual - 56, UINT64_C(0xffffffff81000000), 8);
	cr_assert_null(check_elf(&f));
	cr_assert_eq(f.problems.count, 1);
	cr_assert_str_eq(((struct problem *)list_at(&f.problems, 0))->code, "segments-overlap");
}

Test(vmcore_headers, elf_cut_and_of_others)
{
	struct elf_core_facts f;

	write_elf();
	size = LOAD2 + 100;
	cr_assert_null(check_elf(&f));
	cr_assert(f.missing == 3996 && f.stored == 4196);
	first_problem(&f.problems, "truncated");
	size = LOAD1;
	struct error *err = check_elf(&f);
	cr_assert_eq(err->kind, ERROR_TRUNCATED);
	error_destroy(err);
	write_elf();
	memcpy(file + NOTES + 12 + 8 + 336 + 12, "QEMU\0______", 11);
	cr_assert_null(check_elf(&f));
	cr_assert(f.is_qemu && !f.has_vmcoreinfo && !f.is_user);
	memcpy(file + NOTES + 12 + 8 + 336 + 12, "CORE\0______", 11);
	le(NOTES + 12 + 8 + 336 + 8, 6, 4); /* NT_AUXV */
	cr_assert_null(check_elf(&f));
	cr_assert(f.is_user);
	le(NOTES + 4, 100000, 4);
	cr_assert_null(check_elf(&f));
	first_problem(&f.problems, "notes-damaged");
}

Test(vmcore_headers, every_byte_of_the_headers_may_be_wrong)
{
	for (size_t at = 0; at < BLOCK + 700; at++) {
		for (int value = 0; value < 256; value += 85) {
			struct diskdump_facts k;
			struct elf_core_facts e;
			write_kdump();
			file[at] = (uint8_t)value;
			error_destroy(check_kdump(&k));
			if (at < 1024) {
				write_elf();
				file[at] = (uint8_t)value;
				error_destroy(check_elf(&e));
			}
		}
		arena_destroy(arena);
		arena = arena_create(16 << 20);
	}
}
