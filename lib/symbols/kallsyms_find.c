/* Where the kallsyms tables are in a kernel that does not say (VMCOREINFO before 6.0).
 *
 * scripts/kallsyms.c writes them one behind the other, each aligned to 8:
 *   until 6.4   offsets, relative_base, num_syms, names, markers, [seqs_of_names,] token_table,
 *               token_index          (addresses instead of offsets and relative_base before 4.6)
 *   since 6.5   num_syms, names, markers, token_table, token_index, offsets, relative_base
 * token_index cannot be mistaken for anything else; the rest is found from there. */
#include "kallsyms.h"

#include "cursor.h"

#include <stdlib.h>
#include <string.h>

enum {
	TOKENS = 256,
	INDEX_BYTES = TOKENS * 2,
	TOKEN_TABLE_MAX = 16384,
	TOKEN_MAX = 255,
	CHUNK = 256 * 1024,
	WINDOW = 12 * 1024 * 1024, /* how far before token_table num_syms is looked for */
	COUNT_MIN = 1000,
	COUNT_MAX = 4 * 1024 * 1024,
	NAME_BYTES_MAX = 512,
	MARKER_STEP = 256, /* one marker for so many names */
	TOKEN_TRIES_MAX = 32,
	NAME_STEPS_MAX = 32 * 1024 * 1024, /* names looked at, over all candidates */
};
#define KERNEL_HALF (UINT64_C(0xffff) << 48)

struct finder {
	const struct reader *memory;
	uint16_t index[TOKENS];
	char tokens[TOKEN_TABLE_MAX];
	uint64_t token_table, token_index;
	uint8_t *window; /* memory before token_table, absent pages as zeros */
	uint64_t window_at;
	size_t window_size;
	uint64_t num_syms, names;
	uint32_t count;
	unsigned tries; /* token tables looked for */
	uint32_t steps; /* names looked at */
};

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static uint64_t round8(uint64_t v)
{
	return (v + 7) & ~UINT64_C(7);
}

/* 256 offsets from 0 on, each at least a character and a NUL further than the one before. */
static bool is_token_index(const uint8_t *p)
{
	if (le16(p) != 0 || le16(p + INDEX_BYTES - 2) >= TOKEN_TABLE_MAX - TOKEN_MAX)
		return false;
	for (int i = 1; i < TOKENS; i++) {
		int step = le16(p + 2 * i) - le16(p + 2 * i - 2);
		if (step < 2 || step > TOKEN_MAX + 1)
			return false;
	}
	return true;
}

/* Whether the strings at @p at are the tokens of the index, the last with @p last characters. */
static bool is_token_table(struct finder *f, uint64_t at, size_t last)
{
	size_t size = f->index[TOKENS - 1] + last + 1;

	if (!reader_exact(f->memory, at, f->tokens, size))
		return false;
	for (int i = 0; i < TOKENS; i++) {
		size_t length = i + 1 < TOKENS ? f->index[i + 1] - f->index[i] - 1u : last;
		if (strnlen(f->tokens + f->index[i], length + 1) != length)
			return false;
	}
	return true;
}

/* The token table ends right before its index, but for alignment. */
static bool find_token_table(struct finder *f)
{
	for (size_t last = 1; last <= TOKEN_MAX; last++) {
		uint64_t size = round8(f->index[TOKENS - 1] + last + 1);
		if (size > f->token_index)
			return false;
		if (is_token_table(f, f->token_index - size, last)) {
			f->token_table = f->token_index - size;
			return true;
		}
	}
	return false;
}

static bool try_index(struct finder *f, const uint8_t *p, uint64_t at)
{
	if (!is_token_index(p) || ++f->tries > TOKEN_TRIES_MAX)
		return false;
	for (int i = 0; i < TOKENS; i++)
		f->index[i] = le16(p + 2 * i);
	f->token_index = at;
	return find_token_table(f);
}

static bool find_tokens(struct finder *f, uint64_t start, uint64_t size)
{
	uint8_t *chunk = malloc(CHUNK);
	bool found = false;

	for (uint64_t at = start; chunk && !found && at - start < size;) {
		size_t got = reader_some(f->memory, at, chunk, CHUNK);
		for (size_t i = 0; i + INDEX_BYTES <= got && !found; i += 8)
			found = chunk[i] == 0 && try_index(f, chunk + i, at + i);
		/* absent pages are passed over; a table across two chunks is seen again */
		at = got == CHUNK ? at + CHUNK - INDEX_BYTES : ((at + got) | 4095) + 1;
	}
	free(chunk);
	return found;
}

/* ---- names -------------------------------------------------------------------------------- */

static bool load_window(struct finder *f)
{
	uint64_t size = f->token_table < WINDOW ? f->token_table : WINDOW;

	f->window_at = (f->token_table - size + 7) & ~UINT64_C(7);
	f->window_size = (size_t)(f->token_table - f->window_at);
	f->window = calloc(f->window_size + 8, 1);
	for (size_t at = 0; f->window && at < f->window_size;) {
		size_t got = reader_some(f->memory, f->window_at + at, f->window + at,
					 f->window_size - at);
		at += got;
		if (at < f->window_size)
			at += 4096 - ((f->window_at + at) & 4095);
	}
	return f->window != NULL;
}

/* Bytes of the compressed name at @p at of the window, 0 if there can be none: a name begins with
 * its type, a letter, and has only printable characters. */
static size_t name_bytes(const struct finder *f, size_t at)
{
	size_t length, head = 1;

	if (at + 2 > f->window_size)
		return 0;
	length = f->window[at];
	if (length & 0x80) {
		length = (length & 0x7f) | (size_t)f->window[at + 1] << 7;
		head = 2;
	}
	if (length == 0 || length > NAME_BYTES_MAX || length > f->window_size - at - head)
		return 0;
	const char *first = f->tokens + f->index[f->window[at + head]];
	if (!strchr("aAbBcCdDgGiNpPrRsStTuUvVwW?-", *first) || !*first)
		return 0;
	return head + length;
}

/* Whether the markers at @p at say where names 0, 256, 512 ... begin. u32 since 4.20, else u64. */
static bool markers_fit(const struct finder *f, size_t at, const uint32_t *expected, size_t count)
{
	for (size_t width = 4; width <= 8; width += 4) {
		bool fit = at + width * count <= f->window_size;
		for (size_t i = 0; fit && i < count; i++)
			fit = le32(f->window + at + width * i) == expected[i];
		if (fit)
			return true;
	}
	return false;
}

enum { MARKERS_CHECKED = 8 };

/* Whether @p count names begin at @p at: all have the form of names, and markers follow. */
static bool names_at(struct finder *f, size_t at, uint32_t count)
{
	uint32_t expected[MARKERS_CHECKED];
	size_t markers = 0, p = at;

	for (uint32_t i = 0; i < count; i++) {
		size_t n = name_bytes(f, p);
		if (n == 0 || ++f->steps > NAME_STEPS_MAX)
			return false;
		if (i % MARKER_STEP == 0 && markers < MARKERS_CHECKED)
			expected[markers++] = (uint32_t)(p - at);
		p += n;
	}
	uint64_t end = round8(f->window_at + p) - f->window_at;
	return markers_fit(f, (size_t)end, expected, markers);
}

static bool find_names(struct finder *f)
{
	for (size_t at = 0; at + 16 < f->window_size; at += 8) {
		uint32_t count = le32(f->window + at);
		if (count < COUNT_MIN || count > COUNT_MAX || le32(f->window + at + 4) != 0)
			continue;
		if (!names_at(f, at + 8, count))
			continue;
		f->count = count;
		f->num_syms = f->window_at + at;
		f->names = f->num_syms + 8;
		return true;
	}
	return false;
}

/* ---- addresses ---------------------------------------------------------------------------- */

/* A sample of @p count values of @p width bytes at @p table: most are in order (as s32: absolute
 * percpu offsets go down). */
static bool mostly_ordered(const struct finder *f, uint64_t table, size_t width)
{
	uint8_t a[8], b[8];
	uint32_t up = 0, down = 0, step = f->count / 64 + 1, seen = 0;

	for (uint32_t i = 0; i + step < f->count; i += step, seen++) {
		if (!reader_exact(f->memory, table + (uint64_t)i * width, a, width) ||
		    !reader_exact(f->memory, table + (uint64_t)(i + step) * width, b, width))
			return false;
		uint64_t x = le32(a), y = le32(b);
		if (width == 8) {
			x |= (uint64_t)le32(a + 4) << 32;
			y |= (uint64_t)le32(b + 4) << 32;
			if (y < KERNEL_HALF)
				continue;
		}
		up += x <= y;
		down += x >= y;
	}
	return seen && (up > seen * 3 / 4 || down > seen * 3 / 4);
}

static bool is_base(const struct finder *f, uint64_t at)
{
	uint64_t base;

	return reader_u64(f->memory, at, &base) && base >= KERNEL_HALF && (base & 0xfff) == 0;
}

static bool find_addresses(const struct finder *f, struct kallsyms_tables *t)
{
	uint64_t bytes = round8(4 * (uint64_t)f->count);
	uint64_t before = f->num_syms - 8 - bytes, after = f->token_index + INDEX_BYTES;
	uint64_t absolute = f->num_syms - 8 * (uint64_t)f->count;

	if (is_base(f, f->num_syms - 8) && mostly_ordered(f, before, 4)) {
		t->offsets = before;
		t->relative_base = f->num_syms - 8;
	} else if (is_base(f, after + bytes) && mostly_ordered(f, after, 4)) {
		t->offsets = after;
		t->relative_base = after + bytes;
	} else if (mostly_ordered(f, absolute, 8)) {
		t->addresses = absolute;
	} else {
		return false;
	}
	return true;
}

bool kallsyms_find_tables(const struct reader *memory, uint64_t start, uint64_t size,
			  struct arena *arena, struct kallsyms_tables *ret)
{
	struct finder *f = arena_alloc(arena, 1, sizeof(*f));
	struct kallsyms_tables tables = {0};
	bool found = false;

	if (!f)
		return false;
	f->memory = memory;
	if (find_tokens(f, start & ~UINT64_C(7), size) && load_window(f) && find_names(f)) {
		tables.names = f->names;
		tables.num_syms = f->num_syms;
		tables.token_table = f->token_table;
		tables.token_index = f->token_index;
		found = find_addresses(f, &tables);
	}
	free(f->window);
	if (found)
		*ret = tables;
	return found;
}
