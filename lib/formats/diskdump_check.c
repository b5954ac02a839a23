#include "diskdump_check.h"

#include "cursor.h"
#include "elf_notes.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

/* struct disk_dump_header and struct kdump_sub_header of 64-bit machines; makedumpfile's
 * diskdump_mod.h. Descriptors: {u64 offset, u32 size, u32 flags, u64 page flags}. */
enum {
	HEADER_BYTES = 464,
	SUB_HEADER_BYTES = 104,
	UTS_BYTES = 65,
	UTS_AT = 12,
	DESCRIPTOR_BYTES = 24,
	VERSION_MAX = 6,
	BLOCK_MIN = 4096,
	BLOCK_MAX = 65536,
	SUB_BLOCKS_MAX = 65536,
	CPUS_MAX = 65536,
	INFO_MAX = 1 << 20, /* bytes of VMCOREINFO */
	NOTES_MAX_BYTES = 64 << 20,
	SAMPLE = 1024,      /* page descriptors looked at */
	SCAN_MAX = 4 << 20, /* ... counted one by one, if some pages are missing */
	DESCRIPTORS_AT_ONCE = 1024,
	BITMAP_CHUNK = 65536,
	PROBLEMS_MAX = 32,
};
enum {
	STATUS_ZLIB = 1,
	STATUS_LZO = 2,
	STATUS_SNAPPY = 4,
	STATUS_INCOMPLETE = 8,
	STATUS_ZSTD = 32,
	PAGE_FLAGS = STATUS_ZLIB | STATUS_LZO | STATUS_SNAPPY | STATUS_ZSTD,
};
/* Nobody has more memory than physical addresses of 52 bits can name. */
#define FRAMES_LIMIT (UINT64_C(1) << 40)

struct checker {
	const struct reader *file;
	uint64_t size;
	struct arena *arena;
	struct diskdump_facts *facts;
	uint64_t erase_offset, erase_size;
	uint64_t first_bitmap, second_bitmap;
};

static void problem(struct checker *c, const char *code, uint64_t offset, const char *message)
{
	if (c->facts->problems.count >= c->facts->problems.limit)
		return;
	struct problem *p = list_add(&c->facts->problems);
	*p = (struct problem){
		.code = code, .message = message, .has_offset = true, .offset = offset};
}

bool diskdump_is(const void *bytes, size_t size)
{
	return size >= 8 &&
	       (memcmp(bytes, "KDUMP   ", 8) == 0 || memcmp(bytes, "DISKDUMP", 8) == 0);
}

/* ---- headers ------------------------------------------------------------------------------- */

static const char *uts_field(struct checker *c, const uint8_t *header, unsigned index)
{
	return text_from_bytes(c->arena, header + UTS_AT + index * UTS_BYTES, UTS_BYTES);
}

static const char *compression_name(uint32_t status)
{
	if (status & STATUS_ZSTD)
		return "zstd";
	if (status & STATUS_SNAPPY)
		return "snappy";
	if (status & STATUS_LZO)
		return "lzo";
	return status & STATUS_ZLIB ? "zlib" : "none";
}

static struct error *check_machine(struct checker *c, const uint8_t *header)
{
	struct diskdump_facts *f = c->facts;

	f->node = uts_field(c, header, 1);
	f->release = uts_field(c, header, 2);
	f->version = uts_field(c, header, 3);
	f->machine = uts_field(c, header, 4);
	if (strcmp(f->machine, "x86_64") == 0)
		f->arch = ARCH_X86_64;
	else if (strcmp(f->machine, "aarch64") == 0)
		f->arch = ARCH_ARM64;
	else
		return error_at(ERROR_UNSUPPORTED, UTS_AT + 4 * UTS_BYTES,
				"a kdump file of machine \"%s\": only x86_64 and aarch64 are read",
				f->machine);
	return NULL;
}

static struct error *check_blocks(struct checker *c)
{
	struct diskdump_facts *f = c->facts;

	if (f->block_size < BLOCK_MIN || f->block_size > BLOCK_MAX ||
	    (f->block_size & (f->block_size - 1)))
		return error_at(ERROR_BAD_DATA, 428, "a block size of %" PRIu32 " bytes is no page",
				f->block_size);
	if (f->sub_header_blocks == 0 || f->sub_header_blocks > SUB_BLOCKS_MAX)
		return error_at(ERROR_BAD_DATA, 432, "a sub header of %" PRIu32 " blocks",
				f->sub_header_blocks);
	uint64_t bitmap = (uint64_t)f->bitmap_blocks * f->block_size;
	uint64_t begin = (1 + (uint64_t)f->sub_header_blocks) * f->block_size;
	if (f->bitmap_blocks < 2 || f->bitmap_blocks > INT32_MAX)
		return error_at(ERROR_BAD_DATA, 436, "bitmaps of %" PRIu32 " blocks",
				f->bitmap_blocks);
	if (begin > c->size || bitmap > c->size - begin)
		return error_at(ERROR_TRUNCATED, begin,
				"the file ends before the end of the page bitmaps");
	c->first_bitmap = begin;
	f->descriptors = begin + bitmap;
	return NULL;
}

static struct error *read_header(struct checker *c)
{
	struct diskdump_facts *f = c->facts;
	uint8_t bytes[HEADER_BYTES];

	if (!reader_exact(c->file, 0, bytes, sizeof(bytes)))
		return error_at(ERROR_TRUNCATED, 0, "the kdump file ends in its header");
	if (!diskdump_is(bytes, sizeof(bytes)))
		return error_create(ERROR_NOT_EVIDENCE, "not a kdump file");
	struct cursor k = cursor_make(bytes, sizeof(bytes), 0, "kdump header");
	uint32_t version = cursor_u32_at(&k, 8), status = cursor_u32_at(&k, 424);
	struct error *err = check_machine(c, bytes);
	if (err)
		return err;
	if (version == 0 || version > VERSION_MAX)
		return error_at(ERROR_UNSUPPORTED, 8,
				"kdump header version %" PRIu32 ": 1 to 6 are known", version);
	f->header_version = version;
	f->compression = compression_name(status);
	f->incomplete = status & STATUS_INCOMPLETE;
	f->block_size = cursor_u32_at(&k, 428);
	f->sub_header_blocks = cursor_u32_at(&k, 432);
	f->bitmap_blocks = cursor_u32_at(&k, 436);
	f->max_mapnr = cursor_u32_at(&k, 440);
	f->cpus = cursor_u32_at(&k, 460);
	if (f->cpus > CPUS_MAX)
		return error_at(ERROR_BAD_DATA, 460, "%u processors", f->cpus);
	return check_blocks(c);
}

static struct error *check_range(const struct checker *c, uint64_t header_at, const char *what,
				 uint64_t offset, uint64_t size, uint64_t limit)
{
	if (size == 0)
		return NULL;
	if (size > limit)
		return error_at(ERROR_BAD_DATA, header_at, "%s of %" PRIu64 " bytes", what, size);
	if (offset > c->size || size > c->size - offset)
		return error_at(ERROR_TRUNCATED, header_at, "%s lie beyond the end of the file",
				what);
	return NULL;
}

/* Fields came with header versions: dump_level 1, split 2, VMCOREINFO 3, notes 4, erase info 5,
 * 64-bit frame numbers 6. */
static void take_sub_header(struct checker *c, struct cursor *k)
{
	struct diskdump_facts *f = c->facts;
	unsigned version = f->header_version;

	f->dump_level = cursor_u32_at(k, 8);
	if (version >= 2 && cursor_u32_at(k, 12)) {
		f->split = true;
		f->start_pfn = cursor_u64_at(k, 16);
		f->end_pfn = cursor_u64_at(k, 24);
	}
	if (version >= 3) {
		f->vmcoreinfo_offset = cursor_u64_at(k, 32);
		f->vmcoreinfo_size = cursor_u64_at(k, 40);
	}
	if (version >= 4) {
		f->notes_offset = cursor_u64_at(k, 48);
		f->notes_size = cursor_u64_at(k, 56);
		c->erase_offset = cursor_u64_at(k, 64);
		c->erase_size = cursor_u64_at(k, 72);
	}
	if (version >= 6) {
		if (f->split) {
			f->start_pfn = cursor_u64_at(k, 80);
			f->end_pfn = cursor_u64_at(k, 88);
		}
		f->max_mapnr = cursor_u64_at(k, 96);
	}
}

static struct error *check_frames(const struct checker *c)
{
	const struct diskdump_facts *f = c->facts;
	uint64_t bits = (uint64_t)f->bitmap_blocks * f->block_size * 8;
	unsigned at = f->header_version >= 6 ? f->block_size + 96 : 440;

	if (f->max_mapnr == 0 || f->max_mapnr > FRAMES_LIMIT)
		return error_at(ERROR_BAD_DATA, at, "%" PRIu64 " page frames", f->max_mapnr);
	if (f->max_mapnr > bits / 2)
		return error_at(ERROR_BAD_DATA, at,
				"%" PRIu64 " page frames, but bitmaps for %" PRIu64 " only",
				f->max_mapnr, bits / 2);
	if (f->split && (f->start_pfn > f->end_pfn || f->end_pfn > FRAMES_LIMIT))
		return error_at(ERROR_BAD_DATA, f->block_size + 16,
				"a part from page frame %" PRIu64 " to %" PRIu64, f->start_pfn,
				f->end_pfn);
	return NULL;
}

static struct error *read_sub_header(struct checker *c)
{
	struct diskdump_facts *f = c->facts;
	uint8_t bytes[SUB_HEADER_BYTES];
	uint64_t at = f->block_size;

	if (!reader_exact(c->file, at, bytes, sizeof(bytes)))
		return error_at(ERROR_TRUNCATED, at, "the kdump file ends in its sub header");
	struct cursor k = cursor_make(bytes, sizeof(bytes), at, "kdump sub header");
	take_sub_header(c, &k);
	struct error *err = check_frames(c);
	if (!err)
		err = check_range(c, at + 32, "bytes of VMCOREINFO", f->vmcoreinfo_offset,
				  f->vmcoreinfo_size, INFO_MAX);
	if (!err)
		err = check_range(c, at + 48, "notes", f->notes_offset, f->notes_size,
				  NOTES_MAX_BYTES);
	if (!err)
		err = check_range(c, at + 64, "erase records", c->erase_offset, c->erase_size,
				  NOTES_MAX_BYTES);
	return err;
}

static void take_note(void *context, const struct elf_note *note)
{
	struct checker *c = context;

	if (strcmp(note->name, "VMCOREINFO") == 0 && c->facts->vmcoreinfo_size == 0) {
		c->facts->vmcoreinfo_offset = note->offset;
		c->facts->vmcoreinfo_size = note->size;
	}
}

static void check_notes(struct checker *c)
{
	uint64_t at;

	if (c->facts->notes_size && !elf_notes_walk(c->file, c->facts->notes_offset,
						    c->facts->notes_size, take_note, c, &at))
		problem(c, "notes-damaged", at, "a note does not fit into the notes");
}

/* ---- pages --------------------------------------------------------------------------------- */

/* Bits set of frames [from, to) in the bitmap at @p at. */
static bool count_bits(struct checker *c, uint64_t at, uint64_t from, uint64_t to, uint64_t *ret)
{
	uint8_t chunk[BITMAP_CHUNK];
	uint64_t sum = 0, end = (to + 7) / 8;

	for (uint64_t byte = from / 8; byte < end;) {
		size_t part = end - byte < sizeof(chunk) ? (size_t)(end - byte) : sizeof(chunk);
		if (!reader_exact(c->file, at + byte, chunk, part))
			return false;
		if (byte == from / 8)
			chunk[0] &= (uint8_t)(0xff << (from % 8));
		if (byte + part == end && to % 8)
			chunk[part - 1] &= (uint8_t)(0xff >> (8 - to % 8));
		for (size_t i = 0; i < part; i++)
			sum += (unsigned)__builtin_popcount(chunk[i]);
		byte += part;
	}
	*ret = sum;
	return true;
}

enum descriptor { DESCRIPTOR_GOOD, DESCRIPTOR_ABSENT, DESCRIPTOR_BAD };

/* The page of a descriptor may lie beyond the end of a file that was cut, or never have been
 * written (zeros, in incomplete dumps). */
static enum descriptor judge(const struct checker *c, const uint8_t *bytes)
{
	struct cursor k = cursor_make(bytes, DESCRIPTOR_BYTES, 0, "page descriptor");
	uint64_t offset = cursor_u64(&k);
	uint32_t size = cursor_u32(&k), flags = cursor_u32(&k);

	if (offset == 0 && size == 0)
		return DESCRIPTOR_ABSENT;
	if (size == 0 || size > c->facts->block_size || offset < c->facts->descriptors ||
	    (flags & ~(uint32_t)PAGE_FLAGS) || (flags & (flags - 1)))
		return DESCRIPTOR_BAD;
	return offset > c->size || size > c->size - offset ? DESCRIPTOR_ABSENT : DESCRIPTOR_GOOD;
}

/* Descriptors @p from to @p from + @p count, all in @p chunk afterwards; how many are in the file.
 */
static uint64_t load_descriptors(const struct checker *c, uint64_t from, uint64_t count,
				 uint8_t *chunk)
{
	uint64_t at = c->facts->descriptors + from * DESCRIPTOR_BYTES;
	uint64_t room = at < c->size ? (c->size - at) / DESCRIPTOR_BYTES : 0;

	if (count > room)
		count = room;
	return reader_some(c->file, at, chunk, (size_t)count * DESCRIPTOR_BYTES) / DESCRIPTOR_BYTES;
}

/* All descriptors: exact, for files of which the sample shows that they were cut. Pages of zeros
 * share one place near the beginning, so that what is missing is not simply the last part. */
static uint64_t count_absent(const struct checker *c)
{
	uint8_t chunk[DESCRIPTOR_BYTES * DESCRIPTORS_AT_ONCE];
	uint64_t pages = c->facts->pages, absent = 0, i = 0;

	while (i < pages) {
		uint64_t want = pages - i < DESCRIPTORS_AT_ONCE ? pages - i : DESCRIPTORS_AT_ONCE;
		uint64_t got = load_descriptors(c, i, want, chunk);
		if (got == 0)
			break;
		for (uint64_t j = 0; j < got; j++)
			absent += judge(c, chunk + j * DESCRIPTOR_BYTES) == DESCRIPTOR_ABSENT;
		i += got;
	}
	return absent + (pages - i);
}

static void check_descriptors(struct checker *c)
{
	struct diskdump_facts *f = c->facts;
	uint64_t step = f->pages / SAMPLE + 1, absent = 0, bad = 0, seen = 0;
	uint8_t bytes[DESCRIPTOR_BYTES];

	for (uint64_t i = 0; i < f->pages; i += step, seen++) {
		enum descriptor d = DESCRIPTOR_ABSENT;
		if (load_descriptors(c, i, 1, bytes))
			d = judge(c, bytes);
		absent += d == DESCRIPTOR_ABSENT;
		bad += d == DESCRIPTOR_BAD;
	}
	if (bad)
		problem(c, "page-table-damaged", f->descriptors,
			arena_printf(c->arena,
				     "%" PRIu64 " of %" PRIu64
				     " page descriptors looked at make no sense",
				     bad, seen));
	if (absent && f->pages <= SCAN_MAX)
		f->pages_missing = count_absent(c);
	else if (absent)
		f->pages_missing = absent * (f->pages / seen);
}

static struct error *check_pages(struct checker *c)
{
	struct diskdump_facts *f = c->facts;
	uint64_t half = (uint64_t)f->bitmap_blocks / 2 * f->block_size;
	uint64_t from = f->split ? f->start_pfn : 0;
	uint64_t to = f->split && f->end_pfn < f->max_mapnr ? f->end_pfn : f->max_mapnr;

	if (from > to)
		from = to;
	c->second_bitmap = c->first_bitmap + half;
	if (!count_bits(c, c->first_bitmap, 0, f->max_mapnr, &f->kernel_pages) ||
	    !count_bits(c, c->second_bitmap, from, to, &f->pages))
		return error_at(ERROR_TRUNCATED, c->first_bitmap,
				"the page bitmaps cannot be read");
	if (f->pages == 0 && !f->split) /* the last parts of a split dump can be empty */
		return error_at(ERROR_BAD_DATA, c->second_bitmap, "the kdump file has no pages");
	if (f->pages > f->kernel_pages)
		problem(c, "bitmaps-differ", c->second_bitmap,
			"more pages were saved than memory existed");
	check_descriptors(c);
	if (f->incomplete)
		problem(c, "incomplete", 424,
			"makedumpfile marked this dump as incomplete: it ran out of room");
	if (f->pages_missing)
		problem(c, f->incomplete ? "pages-missing" : "truncated", c->size,
			arena_printf(c->arena,
				     "%" PRIu64 " of %" PRIu64 " pages are not in the file",
				     f->pages_missing, f->pages));
	return NULL;
}

struct error *diskdump_check(const struct reader *file, uint64_t size, struct arena *arena,
			     struct diskdump_facts *ret)
{
	struct diskdump_facts facts = {0};
	struct checker c = {.file = file, .size = size, .arena = arena, .facts = &facts};

	list_init(&facts.problems, arena, sizeof(struct problem), PROBLEMS_MAX);
	struct error *err = read_header(&c);
	if (!err)
		err = read_sub_header(&c);
	if (!err)
		err = check_pages(&c);
	if (err)
		return err;
	check_notes(&c);
	if (arena_failed(arena))
		return error_create(ERROR_NOMEM, "no memory to check a kdump file");
	*ret = facts;
	return NULL;
}
