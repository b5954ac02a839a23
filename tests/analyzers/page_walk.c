/* All memory of a dump as libyara sees it: nothing left out, nothing made up, found where it is. */
#include "page_walk.h"

#include <criterion/criterion.h>
#include <string.h>

enum { PAGE = 4096, MIB = 1 << 20, MARK_BYTES = 12, FOUND_MAX = 16384 };

struct run {
	uint64_t start, size;
};

/* Memory whose every byte tells its address, with a mark across every border of two pages. */
struct machine {
	const struct run *runs;
	size_t count;
	uint64_t unreadable; /* a page that the dump promises and does not have */
};

static uint8_t byte_at(uint64_t address)
{
	static const char mark[MARK_BYTES + 1] = "<a mark of 1";
	uint64_t near = (address + MARK_BYTES / 2) % PAGE;

	if (near < MARK_BYTES)
		return (uint8_t)mark[near];
	return (uint8_t)(0x80 | (address * 2654435761u >> 13));
}

static bool next_memory(const struct dump *dump, uint64_t from, uint64_t *ret_start,
			uint64_t *ret_size)
{
	const struct machine *m = dump->reader;

	for (size_t i = 0; i < m->count; i++) {
		uint64_t end = m->runs[i].start + m->runs[i].size;
		if (end <= from)
			continue;
		*ret_start = m->runs[i].start > from ? m->runs[i].start : from;
		*ret_size = end - *ret_start;
		return true;
	}
	return false;
}

static bool read_physical(const struct dump *dump, uint64_t physical, void *buffer, size_t size)
{
	const struct machine *m = dump->reader;

	if (m->unreadable && m->unreadable >= physical && m->unreadable - physical < size)
		return false;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buffer)[i] = byte_at(physical + i);
	return true;
}

static const struct dump_ops ops = {.next_memory = next_memory, .read_physical = read_physical};

/* The shapes that filters leave: long, a page, page beside page, longer than a block. */
static const struct run shapes[] = {
	{PAGE, PAGE},
	{3 * PAGE, 2 * PAGE},
	{MIB - PAGE, 2 * PAGE},
	{4 * MIB, 4 * MIB - 3 * PAGE},
	{8 * MIB, PAGE},
	{9 * MIB, 11 * MIB},
	{UINT64_C(1) << 40, 5 * MIB},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

static struct arena *arena;
static struct dump *dump;
static struct machine machine;

static struct page_walk *walk_over(const struct run *runs, size_t count, unsigned seconds)
{
	arena = arena_create(64 * MIB);
	dump = dump_create(arena);
	machine = (struct machine){runs, count, 0};
	dump->ops = &ops;
	dump->reader = &machine;
	return page_walk_create(dump, arena, seconds, seconds);
}

Test(page_walk, every_byte_is_there_and_has_its_address)
{
	struct page_walk *w = walk_over(shapes, SHAPES, 60);
	YR_MEMORY_BLOCK_ITERATOR *it = page_walk_iterator(w);
	uint64_t next[SHAPES], done, all, total = 0;

	for (size_t i = 0; i < SHAPES; i++) {
		next[i] = shapes[i].start;
		total += shapes[i].size;
	}
	for (YR_MEMORY_BLOCK *b = it->first(it); b; b = it->next(it)) {
		const uint8_t *data = b->fetch_data(b);
		cr_assert_leq(b->size, 4 * MIB);
		for (size_t i = 0; i < b->size; i++) {
			uint64_t physical, left;
			if (!page_walk_place(w, b->base + i, &physical, &left)) {
				cr_assert_eq(data[i], 0, "a gap is zeros");
				continue;
			}
			size_t k = 0;
			while (physical - shapes[k].start >= shapes[k].size)
				k++;
			/* No byte is left out; what an overlap has again is behind. */
			cr_assert_leq(physical, next[k]);
			next[k] = physical == next[k] ? physical + 1 : next[k];
			/* Asking for each byte costs a walk: the rest of a page at a time. */
			size_t rest = PAGE - physical % PAGE;
			for (size_t n = 0; n < rest; n++)
				cr_assert_eq(data[i + n], byte_at(physical + n));
			if (next[k] == physical + 1)
				next[k] = physical + rest;
			i += rest - 1;
		}
	}
	for (size_t i = 0; i < SHAPES; i++)
		cr_assert_eq(next[i], shapes[i].start + shapes[i].size);
	page_walk_progress(w, &done, &all);
	cr_assert_eq(done, total);
	cr_assert_eq(all, total);
	arena_destroy(arena);
}

struct found {
	const struct page_walk *walk;
	uint64_t at[FOUND_MAX];
	unsigned count;
};

__attribute__((no_sanitize("alignment"))) static int matched(YR_SCAN_CONTEXT *context, int message,
							     void *data, void *user)
{
	struct found *found = user;
	YR_RULE *rule = data;
	YR_STRING *string;
	YR_MATCH *match;
	uint64_t left;

	if (message != CALLBACK_MSG_RULE_MATCHING)
		return CALLBACK_CONTINUE;
	yr_rule_strings_foreach(rule, string) {
		yr_string_matches_foreach(context, string, match) {
			cr_assert_lt(found->count, FOUND_MAX);
			cr_assert(page_walk_place(found->walk,
						  (uint64_t)(match->base + match->offset),
						  &found->at[found->count++], &left));
			cr_assert_geq(left, MARK_BYTES);
		}
	}
	return CALLBACK_CONTINUE;
}

static struct found scan(struct page_walk *w, const char *rule)
{
	struct found found = {.walk = w};
	YR_COMPILER *compiler;
	YR_SCANNER *scanner;
	YR_RULES *rules;

	yr_initialize();
	cr_assert_eq(yr_compiler_create(&compiler), ERROR_SUCCESS);
	cr_assert_eq(yr_compiler_add_string(compiler, rule, NULL), 0);
	cr_assert_eq(yr_compiler_get_rules(compiler, &rules), ERROR_SUCCESS);
	cr_assert_eq(yr_scanner_create(rules, &scanner), ERROR_SUCCESS);
	yr_scanner_set_flags(scanner, SCAN_FLAGS_NO_TRYCATCH);
	yr_scanner_set_callback(scanner, matched, &found);
	cr_assert_eq(yr_scanner_scan_mem_blocks(scanner, page_walk_iterator(w)), ERROR_SUCCESS);
	yr_scanner_destroy(scanner);
	yr_rules_destroy(rules);
	yr_compiler_destroy(compiler);
	yr_finalize();
	return found;
}

static const char mark_rule[] =
	"rule mark { strings: $a = \"<a mark of 1\" condition: for all i in (1..#a): "
	"(uint8(@a[i]) == 0x3c) }";

/* How many are whole: those inside of a run. */
static unsigned marks(const struct run *runs, size_t count)
{
	unsigned sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (unsigned)(runs[i].size / PAGE) - 1;
	return sum;
}

Test(page_walk, a_match_across_pages_and_blocks_is_found_once)
{
	struct page_walk *w = walk_over(shapes, SHAPES, 60);
	struct found found = scan(w, mark_rule);

	cr_assert_eq(found.count, marks(shapes, SHAPES));
	for (unsigned i = 0; i < found.count; i++) {
		cr_assert_eq((found.at[i] + MARK_BYTES / 2) % PAGE, 0);
		cr_assert(i == 0 || found.at[i] > found.at[i - 1]);
	}
	arena_destroy(arena);
}

Test(page_walk, neighbours_in_the_file_are_none_in_memory)
{
	/* The halves of a mark, in pages that do not touch. */
	static const struct run halves[] = {{MIB - PAGE, PAGE}, {2 * MIB, PAGE}};
	struct page_walk *w = walk_over(halves, 2, 60);

	cr_assert_eq(scan(w, mark_rule).count, 0);
	arena_destroy(arena);
}

Test(page_walk, a_page_that_cannot_be_read_costs_no_other)
{
	struct page_walk *w = walk_over(shapes, SHAPES, 60);

	machine.unreadable = 10 * MIB;
	cr_assert_eq(scan(w, mark_rule).count, marks(shapes, SHAPES) - 2);
	arena_destroy(arena);
}

Test(page_walk, ends_when_its_time_is_over)
{
	struct page_walk *w = walk_over(shapes, SHAPES, 0);
	uint64_t done, all;

	cr_assert_null(page_walk_iterator(w)->first(page_walk_iterator(w)));
	page_walk_progress(w, &done, &all);
	cr_assert_eq(done, 0);
	cr_assert_gt(all, 0);
	arena_destroy(arena);
}
