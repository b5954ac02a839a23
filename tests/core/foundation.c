/* What everything else leans on: cursor, text, address space, arena, errors. */
#include "arena.h"
#include "cursor.h"
#include "errors.h"
#include "space.h"
#include "text.h"

#include <criterion/criterion.h>
#include <string.h>

enum { CEILING = 1 << 20 };

static struct arena *arena;

static void setup(void)
{
	arena = arena_create(CEILING);
}

static void teardown(void)
{
	arena_destroy(arena);
}

TestSuite(foundation, .init = setup, .fini = teardown);

Test(foundation, cursor_never_reads_past_the_end)
{
	const uint8_t bytes[] = {1, 2, 3, 4, 5};
	struct cursor c = cursor_make(bytes, sizeof(bytes), 0x100, "thing");

	cr_assert_eq(cursor_u32(&c), 0x04030201);
	cr_assert_eq(cursor_u32(&c), 0);
	cr_assert(c.failed);
	cr_assert_eq(c.failed_at, 0x104);
	cr_assert_eq(c.pos, 4, "a failed read does not move");
	cr_assert_eq(cursor_u8(&c), 5, "what is there can still be read");
	struct error *err = cursor_error(&c);
	cr_assert_not_null(err);
	cr_assert_not_null(strstr(err->message, "thing"));
	cr_assert_not_null(strstr(err->message, "0x104"));
	error_destroy(err);
}

Test(foundation, cursor_slices_and_counts_are_checked)
{
	const uint8_t bytes[16] = {0};
	struct cursor c = cursor_make(bytes, sizeof(bytes), 0, "thing");

	cr_assert_not(cursor_slice(&c, 8, 8, "part").failed);
	cr_assert(cursor_slice(&c, 8, 9, "part").failed);
	cr_assert(cursor_slice(&c, UINT64_MAX, 2, "part").failed, "no wrap-around");
	cr_assert(cursor_fits(&c, 2, 8));
	cr_assert_not(cursor_fits(&c, UINT64_C(1) << 62, 8), "no overflow");
	cr_assert_null(cursor_bytes(&c, 17));
}

Test(foundation, text_from_evidence_is_harmless)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{"plain.sys", "plain.sys"},
		{"\x1b]0;owned\x07", "\\x1b]0;owned\\x07"},
		{"a\xff\xfe", "a\\xff\\xfe"},
		{"gpj\xe2\x80\xae.sys", "gpj\\u202e.sys"},
		{"caf\xc3\xa9", "caf\xc3\xa9"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"line\nbreak", "line\\x0abreak"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *text = text_from_bytes(arena, cases[i].bytes, strlen(cases[i].bytes));
		cr_assert_str_eq(text, cases[i].text);
		cr_assert(text_is_safe(text, strlen(text)));
	}
	cr_assert_not(text_is_safe("\x1b[2J", 4));
	cr_assert_not(text_is_safe("\xe2\x80\xae", 3));
}

Test(foundation, utf16_keeps_names_and_escapes_halves)
{
	const uint8_t name[] = {'a', 0, 0x3d, 0xd8, 0x00, 0xde, 0x00, 0xd8, 'b', 0, 0, 0, 'c', 0};

	cr_assert_str_eq(text_from_utf16(arena, name, sizeof(name) / 2),
			 "a\xf0\x9f\x98\x80\\ud800b");
}

Test(foundation, file_names_of_both_systems)
{
	cr_assert_str_eq(text_basename("\\SystemRoot\\System32\\drivers\\x.sys"), "x.sys");
	cr_assert_str_eq(text_basename("/opt/acme/x.ko"), "x.ko");
	cr_assert_str_eq(text_basename("x.sys"), "x.sys");
	cr_assert_str_eq(text_basename("\\a\\odd/name.sys"), "odd/name.sys");
}

Test(foundation, globs)
{
	cr_assert(text_glob("C-00000291-*.sys", "c-00000291-00000000-00000032.SYS"));
	cr_assert_not(text_glob("C-00000291-*.sys", "C-00000290-00000000-00000032.sys"));
	cr_assert(text_glob("falcon_lsm_pinned_*", "falcon_lsm_pinned_17706"));
	cr_assert(text_glob("?.dat", "a.dat"));
	cr_assert_not(text_glob("?.dat", ".dat"));
	cr_assert(text_glob("*", ""));
	/* would take exponential time in a naive matcher */
	char text[4096], pattern[512];
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(pattern) - 2; i += 2)
		memcpy(pattern + i, "*a", 2);
	memcpy(pattern + sizeof(pattern) - 2, "b", 2);
	cr_assert_not(text_glob(pattern, text));
}

Test(foundation, times)
{
	cr_assert_str_eq(text_filetime(arena, 133658394370000000, 0), "2024-07-19T05:10:37Z");
	cr_assert_str_eq(text_filetime(arena, 133658394370000007, 7),
			 "2024-07-19T05:10:37.0000007Z");
	cr_assert_null(text_filetime(arena, 0, 0));
	cr_assert_null(text_filetime(arena, UINT64_MAX, 0));
}

Test(foundation, space_reads_across_pieces_and_prefers_the_first)
{
	static const uint8_t a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8}, c[] = {9, 9, 9, 9, 9, 9};
	struct space *space = space_create(arena);
	uint8_t got[8] = {0};
	const struct range *ranges;

	space_add(space, 0x1004, 4, b, 0, PIECE_DATA);
	space_add(space, 0x1000, 4, a, 0, PIECE_STACK);
	space_add(space, 0x1006, 6, c, 0, PIECE_DATA);
	cr_assert(space_seal(space));
	cr_assert(space_read(space, 0x1000, got, 8));
	cr_assert_arr_eq(got, ((uint8_t[]){1, 2, 3, 4, 5, 6, 7, 8}), 8);
	cr_assert_eq(space_read_some(space, 0x1006, got, 8), 6);
	cr_assert_arr_eq(got, ((uint8_t[]){7, 8, 9, 9, 9, 9}), 6);
	cr_assert_not(space_read(space, 0x0fff, got, 2));
	cr_assert_null(space_find(space, 0x100c));
	cr_assert_eq(space_runs(space, &ranges), 1);
	cr_assert_eq(ranges[0].size, 12);
}

Test(foundation, space_survives_hostile_pieces)
{
	static const uint8_t byte[16];
	struct space *space = space_create(arena);
	uint64_t value;

	space_add(space, UINT64_MAX - 3, 16, byte, 0, PIECE_DATA); /* wraps */
	space_add(space, 0x2000, 0, byte, 0, PIECE_DATA);          /* empty */
	for (unsigned i = 0; i < 1000; i++)                        /* all over each other */
		space_add(space, 0x3000 + i % 7, 16, byte, i, PIECE_DATA);
	cr_assert(space_seal(space));
	cr_assert(space_u64(space, 0x3000, &value));
	cr_assert_not(space_u64(space, UINT64_MAX - 3, &value));
}

Test(foundation, arena_has_a_ceiling_and_says_so)
{
	cr_assert_not_null(arena_alloc(arena, CEILING / 2, 1));
	cr_assert_not(arena_failed(arena));
	cr_assert_null(arena_alloc(arena, SIZE_MAX / 2, 4), "overflow");
	cr_assert(arena_failed(arena));
	cr_assert_str_eq(arena_printf(arena, "%*d", CEILING, 1), "");
}

Test(foundation, a_full_list_takes_no_more_and_breaks_nothing)
{
	struct list list;

	list_init(&list, arena, sizeof(int), 3);
	for (int i = 0; i < 10; i++)
		*(int *)list_add(&list) = i;
	cr_assert_eq(list.count, 3);
	cr_assert(list.overflowed);
	cr_assert_eq(*(int *)list_at(&list, 2), 2);
	cr_assert_null(list_at(&list, 3));
}

Test(foundation, errors_gain_context_on_their_way_up)
{
	struct error *err = error_at(ERROR_BAD_DATA, 0x2000, "count is %d", 7);

	err = error_prepend(err, "%s", "a.dmp");
	cr_assert_str_eq(err->message, "a.dmp: count is 7");
	cr_assert_eq(err->offset, 0x2000);
	cr_assert_null(error_prepend(NULL, "x"));
	error_destroy(err);
	error_destroy(NULL);
}

static unsigned fetched;

/* Pages 0x3000 and 0x4000 exist; every byte is the page's number. */
static const uint8_t *fetch_page(void *context, uint64_t page)
{
	static uint8_t bytes[0x1000];

	cr_assert_str_eq(context, "me");
	fetched++;
	if (page != 0x3000 && page != 0x4000)
		return NULL;
	memset(bytes, (int)(page >> 12), sizeof(bytes));
	return bytes;
}

Test(foundation, space_fetches_what_no_piece_has)
{
	const uint8_t piece[4] = {9, 9, 9, 9};
	uint8_t got[16];
	struct space *space = space_create(arena);
	const struct range *ranges;

	space_add(space, 0x3ff8, 4, piece, 0, PIECE_DATA);
	cr_assert(space_seal(space));
	cr_assert_not(space_has(space, 0x3ff0), "nothing is fetched before it may be");
	space_set_fetch(space, fetch_page, (void *)"me", 0x1000);
	cr_assert(space_read(space, 0x3ff8, got, 16), "a piece, then two pages");
	cr_assert_arr_eq(got, ((uint8_t[]){9, 9, 9, 9, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4}), 16);
	cr_assert_eq(space_read_some(space, 0x4ff8, got, 16), 8, "up to where memory ends");
	cr_assert_not(space_has(space, 0x2fff));
	cr_assert(space_has(space, 0x4fff));
	cr_assert_eq(space_read_some(space, UINT64_MAX - 3, got, 16), 0, "no wrap-around");
	cr_assert_eq(space_ranges(space, &ranges), 1, "what is fetched is no range");
	cr_assert_gt(fetched, 0);
}
