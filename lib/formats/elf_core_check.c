#include "elf_core_check.h"

#include "cursor.h"
#include "elf_notes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* elf.h; the numbers are the specification's. */
enum {
	HEADER_BYTES = 64,
	PROGRAM_BYTES = 56,
	SECTION_BYTES = 64,
	TYPE_CORE = 4,
	MACHINE_X86_64 = 62,
	MACHINE_ARM64 = 183,
	PT_LOAD_TYPE = 1,
	PT_NOTE_TYPE = 4,
	PN_XNUM_VALUE = 0xffff,
	SEGMENTS_MAX = 1 << 20,
	SECTIONS_MAX = 65536,
	NOTES_MAX_BYTES = 64 << 20,
	NAMES_MAX_BYTES = 1 << 20,
	NT_PRSTATUS_TYPE = 1,
	NT_PRPSINFO_TYPE = 3,
	NT_AUXV_TYPE = 6,
	NT_FILE_TYPE = 0x46494c45,
	PROBLEMS_MAX = 32,
};

struct header {
	uint16_t type, machine, program_size, section_size;
	uint64_t programs, sections; /* offsets */
	uint32_t program_count, section_count, names_section;
};

struct segment {
	uint32_t type;
	uint64_t offset, address, physical, in_file, in_memory;
	uint64_t at; /* of the header itself */
};

struct span {
	uint64_t start, end;
	uint64_t mapping; /* distance of its virtual addresses, 0 if it has none */
};

struct checker {
	const struct reader *file;
	uint64_t size;
	struct arena *arena;
	struct elf_core_facts *facts;
	struct header header;
	struct span *spans; /* physical memory of the PT_LOADs */
	bool has_process_note;
};

static void problem(struct checker *c, const char *code, uint64_t offset, const char *message)
{
	if (c->facts->problems.count >= c->facts->problems.limit)
		return;
	struct problem *p = list_add(&c->facts->problems);
	*p = (struct problem){
		.code = code, .message = message, .has_offset = true, .offset = offset};
}

bool elf_core_is(const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	if (size < 18 || memcmp(p, "\177ELF", 4) != 0)
		return false;
	unsigned type = p[5] == 2 ? p[16] << 8 | p[17] : p[16] | p[17] << 8;
	return type == TYPE_CORE;
}

/* Class, byte order and machine. */
static struct error *check_kind(const uint8_t *p, const struct header *h)
{
	if (p[4] != 2)
		return error_at(ERROR_UNSUPPORTED, 4,
				"a 32-bit ELF core: only 64-bit ones are read");
	if (p[5] != 1)
		return error_at(ERROR_UNSUPPORTED, 5, "a big-endian ELF core is not supported");
	if (h->machine != MACHINE_X86_64 && h->machine != MACHINE_ARM64)
		return error_at(ERROR_UNSUPPORTED, 18,
				"an ELF core of machine %u: only x86-64 and arm64 are read",
				h->machine);
	return NULL;
}

static bool inside(const struct checker *c, uint64_t offset, uint64_t length)
{
	return offset <= c->size && length <= c->size - offset;
}

/* With PN_XNUM the number of program headers is in section header 0. */
static struct error *extended_count(struct checker *c)
{
	struct header *h = &c->header;

	if (h->program_count != PN_XNUM_VALUE)
		return NULL;
	if (!inside(c, h->sections, SECTION_BYTES) ||
	    !reader_u32(c->file, h->sections + 44, &h->program_count))
		return error_at(
			ERROR_TRUNCATED, h->sections,
			"the section header with the number of segments is not in the file");
	return NULL;
}

/* Sections only name themselves in a core (QEMU writes a string table at the file's end), so that a
 * file without them is merely cut. */
static struct error *check_sections(struct checker *c)
{
	struct header *h = &c->header;
	uint64_t offset, length;

	if (h->section_count == 0 || h->sections == 0)
		return NULL;
	if (h->section_size != SECTION_BYTES || h->section_count > SECTIONS_MAX ||
	    h->names_section >= h->section_count)
		return error_at(
			ERROR_BAD_DATA, 58,
			"%u section headers of %u bytes with names in number %u make no sense",
			h->section_count, h->section_size, h->names_section);
	if (!inside(c, h->sections, (uint64_t)h->section_count * SECTION_BYTES)) {
		problem(c, "truncated", h->sections, "the section headers are not in the file");
		return NULL;
	}
	uint64_t at = h->sections + (uint64_t)h->names_section * SECTION_BYTES;
	if (h->names_section == 0 || !reader_u64(c->file, at + 24, &offset) ||
	    !reader_u64(c->file, at + 32, &length))
		return NULL;
	if (length > NAMES_MAX_BYTES)
		return error_at(ERROR_BAD_DATA, at + 32, "%" PRIu64 " bytes of section names",
				length);
	if (!inside(c, offset, length))
		problem(c, "truncated", at + 24, "the section names are not in the file");
	return NULL;
}

static struct error *read_header(struct checker *c)
{
	uint8_t bytes[HEADER_BYTES];
	struct header *h = &c->header;

	if (!reader_exact(c->file, 0, bytes, sizeof(bytes)))
		return error_at(ERROR_TRUNCATED, 0, "the ELF core ends in its header");
	struct cursor k = cursor_make(bytes, sizeof(bytes), 0, "ELF header");
	h->type = cursor_u16_at(&k, 16);
	h->machine = cursor_u16_at(&k, 18);
	h->programs = cursor_u64_at(&k, 32);
	h->sections = cursor_u64_at(&k, 40);
	h->program_size = cursor_u16_at(&k, 54);
	h->program_count = cursor_u16_at(&k, 56);
	h->section_size = cursor_u16_at(&k, 58);
	h->section_count = cursor_u16_at(&k, 60);
	h->names_section = cursor_u16_at(&k, 62);
	struct error *err = check_kind(bytes, h);
	if (!err)
		err = extended_count(c);
	if (err)
		return err;
	c->facts->is_64 = true;
	c->facts->arch = h->machine == MACHINE_ARM64 ? ARCH_ARM64 : ARCH_X86_64;
	c->facts->segments = h->program_count;
	if (h->program_count == 0 || h->program_count > SEGMENTS_MAX)
		return error_at(ERROR_BAD_DATA, 56, "the ELF core claims %u segments",
				h->program_count);
	if (h->program_size != PROGRAM_BYTES)
		return error_at(ERROR_BAD_DATA, 54, "program headers of %u bytes instead of 56",
				h->program_size);
	if (!inside(c, h->programs, (uint64_t)h->program_count * PROGRAM_BYTES))
		return error_at(ERROR_TRUNCATED, h->programs,
				"the program headers lie beyond the end of the file");
	return check_sections(c);
}

static void take_note(void *context, const struct elf_note *note)
{
	struct checker *c = context;
	struct elf_core_facts *f = c->facts;

	if (strcmp(note->name, "VMCOREINFO") == 0) {
		f->has_vmcoreinfo = true;
		f->vmcoreinfo_offset = note->offset;
		f->vmcoreinfo_size = note->size;
	} else if (strcmp(note->name, "QEMU") == 0) {
		f->is_qemu = true;
	} else if (strcmp(note->name, "CORE") == 0) {
		f->prstatus += note->type == NT_PRSTATUS_TYPE;
		c->has_process_note |= note->type == NT_PRPSINFO_TYPE ||
				       note->type == NT_AUXV_TYPE || note->type == NT_FILE_TYPE;
	}
}

static struct error *check_notes(struct checker *c, const struct segment *s)
{
	uint64_t at;

	if (s->in_file > NOTES_MAX_BYTES)
		return error_at(ERROR_BAD_DATA, s->at + 32, "the notes claim %" PRIu64 " bytes",
				s->in_file);
	if (!inside(c, s->offset, s->in_file))
		return error_at(ERROR_TRUNCATED, s->at,
				"the notes (registers, VMCOREINFO) lie beyond the end of the file");
	if (!elf_notes_walk(c->file, s->offset, s->in_file, take_note, c, &at))
		problem(c, "notes-damaged", at, "a note does not fit into its segment");
	return NULL;
}

static struct error *check_load(struct checker *c, const struct segment *s)
{
	struct elf_core_facts *f = c->facts;
	uint64_t end;

	if (s->in_file > s->in_memory)
		return error_at(ERROR_BAD_DATA, s->at + 32,
				"a segment has more bytes in the file than in memory");
	if (__builtin_add_overflow(s->offset, s->in_file, &end) || end > INT64_MAX)
		return error_at(ERROR_BAD_DATA, s->at + 8, "a segment's place in the file wraps");
	if (__builtin_add_overflow(s->physical, s->in_memory, &end))
		return error_at(ERROR_BAD_DATA, s->at + 24, "a segment's physical memory wraps");
	if (s->in_memory && s->address > UINT64_MAX - (s->in_memory - 1))
		return error_at(ERROR_BAD_DATA, s->at + 16, "a segment's virtual memory wraps");
	uint64_t there = s->offset < c->size ? c->size - s->offset : 0;
	if (there > s->in_file)
		there = s->in_file;
	f->memory = f->memory > UINT64_MAX - s->in_memory ? UINT64_MAX : f->memory + s->in_memory;
	f->stored += there;
	uint64_t absent = s->in_file - there;
	f->missing = f->missing > UINT64_MAX - absent ? UINT64_MAX : f->missing + absent;
	c->spans[f->loads++] = (struct span){s->physical, s->physical + s->in_memory,
					     s->address ? s->address - s->physical : 0};
	return NULL;
}

static bool read_segment(struct checker *c, uint32_t index, struct segment *ret)
{
	uint8_t bytes[PROGRAM_BYTES];
	uint64_t at = c->header.programs + (uint64_t)index * PROGRAM_BYTES;

	if (!reader_exact(c->file, at, bytes, sizeof(bytes)))
		return false;
	struct cursor k = cursor_make(bytes, sizeof(bytes), at, "program header");
	*ret = (struct segment){.type = cursor_u32_at(&k, 0),
				.offset = cursor_u64_at(&k, 8),
				.address = cursor_u64_at(&k, 16),
				.physical = cursor_u64_at(&k, 24),
				.in_file = cursor_u64_at(&k, 32),
				.in_memory = cursor_u64_at(&k, 40),
				.at = at};
	return true;
}

static struct error *check_segments(struct checker *c)
{
	for (uint32_t i = 0; i < c->header.program_count; i++) {
		struct segment s;
		struct error *err = NULL;
		if (!read_segment(c, i, &s))
			return error_at(ERROR_TRUNCATED,
					c->header.programs + (uint64_t)i * PROGRAM_BYTES,
					"program header %u cannot be read", i);
		if (s.type == PT_LOAD_TYPE)
			err = check_load(c, &s);
		else if (s.type == PT_NOTE_TYPE)
			err = check_notes(c, &s);
		if (err)
			return err;
	}
	return NULL;
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->mapping != y->mapping)
		return x->mapping > y->mapping ? 1 : -1;
	return (x->start > y->start) - (x->start < y->start);
}

/* Overlapping segments are read from whichever comes first; worth a word, no more. The kernel's own
 * text is there twice, in /proc/vmcore as one segment and in the ELF files of makedumpfile -E as
 * one for each piece that it kept: with its own virtual addresses, and as the RAM it lies in. */
static void check_overlap(struct checker *c)
{
	uint32_t overlaps = 0;

	if (c->facts->loads)
		qsort(c->spans, c->facts->loads, sizeof(*c->spans), by_start);
	for (uint32_t i = 1; i < c->facts->loads; i++)
		overlaps += c->spans[i].mapping == c->spans[i - 1].mapping &&
			    c->spans[i].start < c->spans[i - 1].end;
	if (overlaps)
		problem(c, "segments-overlap", c->header.programs,
			arena_printf(c->arena, "%u segments overlap others", overlaps));
}

static struct error *check(struct checker *c)
{
	struct elf_core_facts *f = c->facts;
	struct error *err = read_header(c);

	if (err)
		return err;
	c->spans = calloc(c->header.program_count, sizeof(*c->spans));
	if (!c->spans)
		return error_create(ERROR_NOMEM, "no memory for %u segments",
				    c->header.program_count);
	err = check_segments(c);
	if (!err && f->loads == 0)
		err = error_at(ERROR_BAD_DATA, c->header.programs, "the ELF core has no memory");
	if (!err && f->stored == 0)
		err = error_at(ERROR_TRUNCATED, c->size,
			       "the file ends before the first byte of memory");
	if (!err) {
		check_overlap(c);
		f->is_user = c->has_process_note && !f->has_vmcoreinfo && !f->is_qemu;
		if (f->missing)
			problem(c, "truncated", c->size,
				arena_printf(c->arena,
					     "the file ends early: %" PRIu64 " of %" PRIu64
					     " bytes of memory are missing",
					     f->missing, f->missing + f->stored));
	}
	free(c->spans);
	return err;
}

struct error *elf_core_check(const struct reader *file, uint64_t size, struct arena *arena,
			     struct elf_core_facts *ret)
{
	struct elf_core_facts facts = {0};
	struct checker c = {.file = file, .size = size, .arena = arena, .facts = &facts};

	list_init(&facts.problems, arena, sizeof(struct problem), PROBLEMS_MAX);
	struct error *err = check(&c);
	if (!err)
		*ret = facts;
	return err;
}
