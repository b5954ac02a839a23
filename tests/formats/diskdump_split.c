/* The parts of a vmcore that was written with --split, and files that are not. */
#include "diskdump_split.h"

#include <criterion/criterion.h>
#include <string.h>

enum { MOST = 8, FRAMES = 1000, INFO_AT = 0, NOTES_AT = 64, BYTES = 128 };

static struct arena *arena;
static struct diskdump_part parts[MOST];
static struct reader_bytes bytes[MOST];
static uint8_t headers[MOST][BYTES];
static const char *const names[MOST] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static struct diskdump_whole whole;

static void setup(void)
{
	arena = arena_create(1 << 20);
	memset(&whole, 0, sizeof(whole));
}

static void teardown(void)
{
	arena_destroy(arena);
}

TestSuite(diskdump_split, .init = setup, .fini = teardown);

/* Part @p i with frames [from, to) of a machine with FRAMES of them, a page saved for each. */
static struct diskdump_part *part(unsigned i, uint64_t from, uint64_t to)
{
	struct diskdump_part *p = &parts[i];

	strcpy((char *)headers[i] + INFO_AT, "CRASHTIME=1795319332\n");
	strcpy((char *)headers[i] + NOTES_AT, "registers");
	bytes[i] = (struct reader_bytes){headers[i], BYTES, 0};
	*p = (struct diskdump_part){
		.name = names[i], .index = i, .file = reader_of_bytes(&bytes[i])};
	p->facts = (struct diskdump_facts){.arch = ARCH_X86_64,
					   .release = "6.1.0-test",
					   .version = "#1",
					   .node = "host",
					   .header_version = 6,
					   .block_size = 4096,
					   .max_mapnr = FRAMES,
					   .split = true,
					   .start_pfn = from,
					   .end_pfn = to,
					   .vmcoreinfo_offset = INFO_AT,
					   .vmcoreinfo_size = 21,
					   .notes_offset = NOTES_AT,
					   .notes_size = 10,
					   .pages = to - from};
	list_init(&p->facts.problems, arena, sizeof(struct problem), MOST);
	return p;
}

static void joins(size_t count)
{
	struct error *err = diskdump_join(parts, count, arena, &whole);

	cr_assert_null(err, "%s", err->message);
}

static void refused(size_t count, const char *sentence)
{
	struct error *err = diskdump_join(parts, count, arena, &whole);

	cr_assert_not_null(err, "%s", sentence);
	cr_expect_eq(err->kind, ERROR_USAGE);
	cr_expect_not_null(strstr(err->message, sentence), "%s, not %s", err->message, sentence);
	cr_expect_eq(whole.facts.max_mapnr, 0, "untouched");
	error_destroy(err);
}

static const char *only_problem(const char *code)
{
	const struct problem *p = list_at(&whole.facts.problems, 0);

	cr_assert_eq(whole.facts.problems.count, 1);
	cr_assert_str_eq(p->code, code);
	return p->message;
}

static bool gap(size_t i, uint64_t from, uint64_t to)
{
	const struct frame_range *g = list_at(&whole.gaps, i);

	return g && g->from == from && g->to == to;
}

Test(diskdump_split, any_order_makes_the_whole)
{
	part(0, 700, 1000)->facts.pages_missing = 2;
	part(1, 0, 300);
	part(2, 300, 700)->facts.incomplete = true;
	joins(3);
	cr_assert(whole.facts.pages == 1000 && whole.facts.pages_missing == 2);
	cr_assert(whole.facts.incomplete);
	cr_assert(parts[0].index == 1 && parts[1].index == 2 && parts[2].index == 0);
	cr_assert(whole.gaps.count == 0 && whole.facts.problems.count == 0);
}

Test(diskdump_split, a_part_that_nothing_was_left_for)
{
	part(0, 1000, 1000);
	part(1, 1000, 1000);
	part(2, 0, 1000);
	joins(3);
	cr_assert_eq(parts[0].index, 2);
	cr_assert(whole.gaps.count == 0 && whole.facts.problems.count == 0);
}

Test(diskdump_split, what_no_part_has)
{
	part(0, 400, 500);
	part(1, 100, 300);
	joins(2);
	cr_assert_eq(whole.gaps.count, 3);
	cr_assert(gap(0, 0, 100) && gap(1, 300, 400) && gap(2, 500, 1000));
	cr_assert_not_null(strstr(only_problem("split-missing"),
				  "0x0 to 0x64, 0x12c to 0x190, 0x1f4 to 0x3e8"));
}

Test(diskdump_split, many_holes_are_not_listed_all)
{
	for (unsigned i = 0; i < 6; i++)
		part(i, 100 * i + 50, 100 * i + 100);
	joins(6);
	cr_assert_eq(whole.gaps.count, 7);
	cr_assert_not_null(strstr(only_problem("split-missing"), "and 3 more ranges"));
}

Test(diskdump_split, one_part_alone)
{
	part(0, 300, 1000);
	joins(1);
	cr_assert(whole.gaps.count == 1 && gap(0, 0, 300));
	cr_assert_not_null(strstr(only_problem("split"), "with --split"));
}

Test(diskdump_split, one_file_that_is_not_split)
{
	part(0, 0, 0)->facts.split = false;
	joins(1);
	cr_assert(whole.gaps.count == 0 && whole.facts.problems.count == 0);
}

Test(diskdump_split, whose_problem_it_is)
{
	part(0, 0, 500);
	part(1, 500, 1000);
	*(struct problem *)list_add(&parts[1].facts.problems) =
		(struct problem){.code = "truncated", .message = "5 pages are missing"};
	joins(2);
	cr_assert_str_eq(only_problem("truncated"), "b: 5 pages are missing");
}

Test(diskdump_split, no_wrong_mix)
{
	part(0, 0, 500);
	part(1, 0, 500);
	refused(2, "b are the same part: page frames 0x0 to 0x1f4");
	part(1, 499, 1000);
	refused(2, "a and b overlap: both have page frame 0x1f3");
	part(0, 0, 300);
	part(1, 300, 600);
	part(2, 0, 1000)->facts.split = false;
	refused(3, "c is a whole vmcore");
}

/* One thing differs each time. */
Test(diskdump_split, no_part_of_another_crash)
{
	part(0, 0, 500);
	part(1, 500, 1000)->facts.release = "6.1.0-other";
	refused(2, "a and b are not parts of the same vmcore: the release");
	part(1, 500, 1000)->facts.version = "#2";
	refused(2, "the release");
	part(1, 500, 1000)->facts.node = "other";
	refused(2, "the name of the host");
	part(1, 500, 1000)->facts.arch = ARCH_ARM64;
	refused(2, "the machine");
	part(1, 500, 1000)->facts.header_version = 5;
	refused(2, "the version of the header");
	part(1, 500, 1000)->facts.block_size = 65536;
	refused(2, "the size of a page");
	part(1, 500, 1000)->facts.max_mapnr = FRAMES + 1;
	refused(2, "the amount of memory");
	part(1, 500, 1000);
	headers[1][INFO_AT + 19]++;
	refused(2, "the VMCOREINFO");
	part(1, 500, 1000)->facts.vmcoreinfo_size = 20;
	refused(2, "the VMCOREINFO");
	part(1, 500, 1000)->facts.vmcoreinfo_offset = UINT64_MAX - 5;
	refused(2, "the VMCOREINFO");
	part(1, 500, 1000);
	headers[1][NOTES_AT]++;
	refused(2, "the registers");
	part(1, 500, 1000)->facts.notes_offset = NOTES_AT + 8;
	refused(2, "the registers");
	part(1, 500, 1000);
	joins(2);
}
