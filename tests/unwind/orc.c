/* ORC and frame records over stacks made for the purpose. */
#include "orc.h"
#include "linux_writer.h"

#include <criterion/criterion.h>
#include <string.h>

/* The image holds the tables first, the stack behind; code is nowhere: only its addresses count. */
enum { IP_TABLE = 0, ENTRIES = 1024, STACK = 8192, STACK2 = 16384 };
#define TEXT             UINT64_C(0xffffffff81000000)
#define MODULE           UINT64_C(0xffffffffc0000000)
#define STACK_AT(offset) (IMAGE_BASE + STACK + (offset))
enum { DX = 2, DI = 3, BP = 4, SP = 5, R10 = 6, BP_INDIRECT = 8, SP_INDIRECT = 9 };
enum { CALL = 0, REGS = 1, PARTIAL = 2, END = 1 << 10 };

static struct arena *arena;
static struct image image;
static struct reader_bytes bytes;
static struct reader memory;
static struct unwinder unwinder;
static struct list frames;
static uint32_t entries;

static bool table_of(void *context, uint64_t ip, struct orc_table *ret)
{
	(void)context;
	*ret = (struct orc_table){IMAGE_BASE + IP_TABLE, IMAGE_BASE + ENTRIES, entries};
	return ip >= TEXT && ip < TEXT + 0x10000;
}

/* Kernel text, and a program made at run time that has no tables. */
static bool is_text(void *context, uint64_t ip)
{
	(void)context;
	return (ip >= TEXT && ip < TEXT + 0x10000) || (ip >= MODULE && ip < MODULE + 0x1000);
}

static uint64_t function_of(void *context, uint64_t ip)
{
	(void)context;
	return ip & ~UINT64_C(0xff);
}

static void setup(void)
{
	arena = arena_create(16 << 20);
	memset(&image, 0, sizeof(image));
	bytes = (struct reader_bytes){.data = image.bytes, .size = IMAGE_BYTES, .base = IMAGE_BASE};
	memory = reader_of_bytes(&bytes);
	entries = 0;
	unwinder = (struct unwinder){.memory = &memory,
				     .table = table_of,
				     .is_text = is_text,
				     .function = function_of,
				     .layout = ORC_TYPE2_END10,
				     .regs = orc_pt_regs(),
				     .regs_pc = 256,
				     .regs_sp = 248,
				     .regs_pstate = 264,
				     .regs_stackframe = 304};
	list_init(&frames, arena, sizeof(struct unwind_frame), 64);
}

static void teardown(void)
{
	arena_destroy(arena);
}

TestSuite(orc, .init = setup, .fini = teardown);

/* From @p ip on: how to find the caller. */
static void entry(uint64_t ip, unsigned sp_reg, int sp, unsigned bp_reg, int bp, unsigned flags)
{
	put32(&image, IP_TABLE + 4 * entries,
	      (uint32_t)(ip - (IMAGE_BASE + IP_TABLE + 4 * entries)));
	put16(&image, ENTRIES + 6 * entries, (uint16_t)sp);
	put16(&image, ENTRIES + 6 * entries + 2, (uint16_t)bp);
	put16(&image, ENTRIES + 6 * entries + 4, (uint16_t)(sp_reg | bp_reg << 4 | flags << 8));
	entries++;
}

/* The same with `flags` as bits 8 and up already. */
static void end_entry(uint64_t ip)
{
	entry(ip, 0, 0, 0, 0, END >> 8);
}

static void stack(unsigned offset, uint64_t value)
{
	put64(&image, STACK + offset, value);
}

static enum unwind_end walk(uint64_t ip, uint64_t sp, uint64_t fp, bool exact)
{
	struct unwind_state s = {.ip = ip, .sp = sp, .fp = fp, .exact = exact};

	s.r[4] = sp;
	s.r[5] = fp;
	s.known = exact ? 0xffff : 0x30;
	return unwind_x86_64(&unwinder, &s, &frames);
}

static const struct unwind_frame *frame(size_t index)
{
	const struct unwind_frame *f = list_at(&frames, index);

	cr_assert_not_null(f, "frame %zu", index);
	return f;
}

/* The tables lie within 2 GiB of the code only as numbers do; see entry(). */
static void common_entries(void)
{
	entry(TEXT + 0x000, SP, 8, 0, 0, CALL);    /* at a function's start */
	entry(TEXT + 0x100, SP, 24, 1, -16, CALL); /* rbp pushed, 8 bytes of locals */
	entry(TEXT + 0x200, BP, 16, 1, -16, CALL); /* with a frame pointer */
	entry(TEXT + 0x300, SP, 8, 0, 0, REGS);    /* interrupt entry */
	end_entry(TEXT + 0x400);
	entry(TEXT + 0x500, SP_INDIRECT, 8, 0, 0, CALL);
	entry(TEXT + 0x600, 0, 0, 0, 0, 0); /* knows nothing */
	entry(TEXT + 0x700, SP, 0, 0, 0, PARTIAL);
	entry(TEXT + 0x800, R10, 0, 0, 0, CALL);
	entry(TEXT + 0x900, BP_INDIRECT, -8, 0, 0, CALL);
	entry(TEXT + 0xa00, SP, 8, 0, 0, CALL);
}

/* A self-relative number must fit s32: pretend the tables lie right behind the text. */
#define NEAR_TEXT (TEXT + 0x100000)

static size_t read_near(void *context, uint64_t address, void *buffer, size_t size)
{
	const struct reader_bytes *b = context;
	struct reader plain = reader_of_bytes(b);

	if (address >= NEAR_TEXT && address < NEAR_TEXT + IMAGE_BYTES)
		address = address - NEAR_TEXT + IMAGE_BASE;
	return reader_some(&plain, address, buffer, size);
}

static bool near_table(void *context, uint64_t ip, struct orc_table *ret)
{
	if (!table_of(context, ip, ret))
		return false;
	ret->ip += NEAR_TEXT - IMAGE_BASE;
	return true;
}

/* entry() wrote addresses relative to IMAGE_BASE; make them relative to NEAR_TEXT. */
static void use_near_tables(void)
{
	common_entries();
	for (uint32_t i = 0; i < entries; i++) {
		uint32_t relative = image.bytes[4 * i] | (uint32_t)image.bytes[4 * i + 1] << 8 |
				    (uint32_t)image.bytes[4 * i + 2] << 16 |
				    (uint32_t)image.bytes[4 * i + 3] << 24;
		put32(&image, 4 * i, relative + (uint32_t)(IMAGE_BASE - NEAR_TEXT));
	}
	memory = (struct reader){.read = read_near, .context = &bytes};
	unwinder.table = near_table;
}

Test(orc, calls_to_the_end_of_the_stack)
{
	use_near_tables();
	stack(0, TEXT + 0x120);  /* return address of the innermost, right at its start */
	stack(8, 0x11);          /* a local */
	stack(16, STACK_AT(64)); /* rbp pushed */
	stack(24, TEXT + 0x210);
	stack(64, 0); /* rbp of the frame-pointer function */
	stack(72, TEXT + 0x410);
	cr_assert_eq(walk(TEXT + 0x10, STACK_AT(0), 0, true), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 4);
	cr_assert(frame(0)->exact && frame(0)->trust == UNWIND_CONTEXT);
	cr_assert_eq(frame(0)->cfa, STACK_AT(8));
	cr_assert(frame(1)->ip == TEXT + 0x120 && frame(1)->trust == UNWIND_TABLE);
	cr_assert(frame(2)->ip == TEXT + 0x210 && frame(2)->state.fp == STACK_AT(64));
	cr_assert_eq(frame(2)->cfa, STACK_AT(80));
	cr_assert(frame(3)->ip == TEXT + 0x410 && frame(3)->cfa == 0);
}

Test(orc, a_return_address_is_looked_up_before_itself)
{
	use_near_tables();
	stack(0, TEXT + 0x200); /* returns right behind a function that never returns: 0x1ff */
	stack(16, 0);
	stack(24, TEXT + 0x410);
	cr_assert_eq(walk(TEXT + 0x10, STACK_AT(0), 0, true), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 3);
}

static void put_regs(unsigned at, uint64_t ip, uint64_t cs, uint64_t sp, uint64_t bp)
{
	for (unsigned i = 0; i < 15; i++)
		stack(at + 8 * i, 0xa000 + i);
	stack(at + 32, bp);
	stack(at + 128, ip);
	stack(at + 136, cs);
	stack(at + 152, sp);
}

Test(orc, registers_of_an_interrupt)
{
	use_near_tables();
	put_regs(8, TEXT + 0x20, 0x10, STACK_AT(512), 0x77);
	stack(512, TEXT + 0x410);
	cr_assert_eq(walk(TEXT + 0x310, STACK_AT(0), 0, false), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 3);
	cr_assert(frame(1)->exact && frame(1)->trust == UNWIND_CONTEXT);
	cr_assert_eq(frame(1)->regs, STACK_AT(8));
	cr_assert_eq(frame(1)->state.r[0], 0xa00a, "rax");
	cr_assert_eq(frame(1)->state.r[10], 0xa007, "r10");
	cr_assert_eq(frame(1)->state.known, 0xffff);
	cr_assert_eq(frame(2)->state.known, 0x30, "nothing but rsp and rbp is known in a caller");
	frames.count = 0;
	put_regs(8, 0x401000, 0x33, 0x7fffffffe000, 0);
	cr_assert_eq(walk(TEXT + 0x310, STACK_AT(0), 0, false), UNWIND_USER);
	cr_assert_eq(frames.count, 1);
}

Test(orc, what_the_processor_pushed)
{
	use_near_tables();
	stack(0, TEXT + 0x20);
	stack(8, 0x10);
	stack(24, STACK_AT(256));
	stack(256, TEXT + 0x410);
	cr_assert_eq(walk(TEXT + 0x710, STACK_AT(0), 0x55, false), UNWIND_COMPLETE);
	cr_assert(frame(1)->exact && frame(1)->state.fp == 0x55 && frame(1)->sp == STACK_AT(256));
}

/* The tables as 7.x writes them: types of three bits, and registers in another order. */
static void use_tables_of_7(void)
{
	static const uint8_t number[16] = {
		[1] = 8,  [DX] = 2,  [DI] = 5,           [BP] = 4,
		[SP] = 3, [R10] = 6, [BP_INDIRECT] = 10, [SP_INDIRECT] = 9};

	use_near_tables();
	for (uint32_t e = 0; e < entries; e++) {
		uint8_t *flags = &image.bytes[ENTRIES + 6 * e + 4];
		unsigned type = flags[1] & 3;
		bool end = flags[1] == END >> 8, nothing = !flags[0] && !end;
		flags[1] = nothing ? 0 : end ? 1 : (uint8_t)(type + 2);
		flags[0] = (uint8_t)(number[flags[0] & 15] | number[flags[0] >> 4] << 4);
	}
	unwinder.layout = ORC_TYPE3_RENUMBERED;
}

static void other_registers(void)
{
	/* on another stack, whose top word points back; the offset counts after reading */
	stack(0, STACK_AT(96));
	stack(96, TEXT + 0x410);
	cr_assert_eq(walk(TEXT + 0x510, STACK_AT(0), 0, false), UNWIND_COMPLETE);
	frames.count = 0;
	/* until 5.12: the offset counts before */
	stack(0, 0x1234);
	stack(8, STACK_AT(104));
	cr_assert_eq(walk(TEXT + 0x510, STACK_AT(0), 0, false), UNWIND_COMPLETE);
	frames.count = 0;
	stack(192, STACK_AT(232));
	stack(224, TEXT + 0x410);
	cr_assert_eq(walk(TEXT + 0x910, STACK_AT(0), STACK_AT(200), false), UNWIND_COMPLETE);
	frames.count = 0;
	struct unwind_state s = {.ip = TEXT + 0x810, .sp = STACK_AT(0), .exact = true};
	s.r[10] = STACK_AT(232);
	s.known = 1 << 10;
	cr_assert_eq(unwind_x86_64(&unwinder, &s, &frames), UNWIND_COMPLETE);
	frames.count = 0;
	s.known = 0;
	cr_assert_eq(unwind_x86_64(&unwinder, &s, &frames), UNWIND_BAD_TABLE);
	frames.count = 0;
}

Test(orc, indirect_and_other_registers)
{
	use_near_tables();
	other_registers();
}

Test(orc, the_numbers_of_registers_in_7)
{
	struct orc_table table;

	use_tables_of_7();
	near_table(NULL, TEXT, &table);
	cr_assert_eq(orc_layout_guess(&memory, &table), ORC_TYPE3_RENUMBERED);
	/* BTF tells the width of the type, not the numbers */
	cr_assert_eq(orc_layout_refine(orc_layout_of(3, true, false), &memory, &table),
		     ORC_TYPE3_RENUMBERED);
	cr_assert_eq(orc_layout_refine(ORC_TYPE2_END10, &memory, &table), ORC_TYPE2_END10);
	other_registers();
	stack(0, TEXT + 0x120);
	stack(16, STACK_AT(64)); /* rbp, saved below where the stack was: prev_sp */
	stack(24, TEXT + 0x210);
	stack(72, TEXT + 0x410);
	cr_assert_eq(walk(TEXT + 0x10, STACK_AT(0), 0, true), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 4);
	cr_assert_eq(frame(2)->state.fp, STACK_AT(64));
	frames.count = 0;
	put_regs(8, TEXT + 0x20, 0x10, STACK_AT(512), 0x77);
	stack(512, TEXT + 0x410);
	cr_assert_eq(walk(TEXT + 0x310, STACK_AT(0), 0, false), UNWIND_COMPLETE);
	cr_assert(frame(1)->exact && frame(1)->regs == STACK_AT(8));
	frames.count = 0;
	/* 1 was where the caller's stack was; now it is ax, in which no stack is kept */
	image.bytes[ENTRIES + 6 * 10 + 4] = 1;
	cr_assert_eq(walk(TEXT + 0xa10, STACK_AT(0), 0, true), UNWIND_BAD_TABLE);
}

Test(orc, the_old_numbers_stay)
{
	struct orc_table table;

	use_tables_of_7();
	for (uint32_t e = 0; e < entries; e++) /* sp, as most entries have it */
		if ((image.bytes[ENTRIES + 6 * e + 4] & 15) == 3)
			image.bytes[ENTRIES + 6 * e + 4] += SP - 3;
	near_table(NULL, TEXT, &table);
	cr_assert_eq(orc_layout_guess(&memory, &table), ORC_TYPE3);
	cr_assert_eq(orc_layout_refine(ORC_TYPE3, &memory, &table), ORC_TYPE3);
}

Test(orc, a_wild_jump_leaves_its_return_address)
{
	use_near_tables();
	stack(0, TEXT + 0xa10);
	stack(8, TEXT + 0x410);
	cr_assert_eq(walk(0, STACK_AT(0), 0, true), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 3);
	cr_assert_eq(frame(1)->trust, UNWIND_GUESS);
	cr_assert_eq(frame(1)->state.known, 0xffff, "nothing ran in between");
	frames.count = 0;
	stack(0, 0x1234);
	cr_assert_eq(walk(0, STACK_AT(0), 0, true), UNWIND_NOT_TEXT);
	cr_assert_eq(frames.count, 1);
}

Test(orc, programs_without_tables_keep_a_frame_pointer)
{
	use_near_tables();
	stack(40, STACK_AT(200)); /* rbp of its caller */
	stack(48, TEXT + 0x210);
	stack(200, 0);
	stack(208, TEXT + 0x410);
	cr_assert_eq(walk(MODULE + 0x66, STACK_AT(0), STACK_AT(40), true), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 3);
	cr_assert_eq(frame(1)->trust, UNWIND_FRAME_POINTER);
	cr_assert_eq(frame(2)->trust, UNWIND_TABLE);
	frames.count = 0;
	cr_assert_eq(walk(MODULE + 0x66, STACK_AT(0), 0x1234, true), UNWIND_NO_TABLE);
	frames.count = 0;
	cr_assert_eq(walk(MODULE + 0x66, STACK_AT(0), IMAGE_BASE, true), UNWIND_NO_TABLE,
		     "below the stack pointer");
}

Test(orc, ends_that_are_not_clean)
{
	use_near_tables();
	cr_assert_eq(walk(TEXT + 0x610, STACK_AT(0), 0, true), UNWIND_BAD_TABLE);
	frames.count = 0;
	stack(0, 0xdead);
	cr_assert_eq(walk(TEXT + 0x10, STACK_AT(0), 0, true), UNWIND_NOT_TEXT);
	cr_assert_eq(frames.count, 1);
	frames.count = 0;
	cr_assert_eq(walk(TEXT + 0x10, 0xffff880000000000, 0, true), UNWIND_UNREADABLE);
	frames.count = 0;
	stack(64, STACK_AT(64)); /* a frame pointer that leads to itself */
	stack(72, TEXT + 0x210);
	cr_assert_eq(walk(TEXT + 0x210, STACK_AT(0), STACK_AT(64), true), UNWIND_LOOP);
	frames.count = 0;
	for (unsigned at = 0; at < 4096; at += 8)
		stack(at, TEXT + 0xa10);
	cr_assert_eq(walk(TEXT + 0xa10, STACK_AT(0), 0, true), UNWIND_LIMIT);
	cr_assert_eq(frames.count, 64);
	for (int end = UNWIND_COMPLETE; end <= UNWIND_LIMIT; end++)
		cr_assert_eq(unwind_end_is_clean(end), end <= UNWIND_USER);
}

Test(orc, layouts)
{
	static const struct {
		enum orc_layout layout;
		unsigned call, end, regs;
	} layouts[] = {
		{ORC_TYPE2_END10, 0, 1 << 2, 1},
		{ORC_TYPE2_SIGNAL_END11, 0, 1 << 3, 1 | 1 << 2},
		{ORC_TYPE3, 2, 1, 3 | 1 << 3},
	};

	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		struct orc_table table;
		teardown();
		setup();
		use_near_tables();
		for (uint32_t e = 0; e < entries; e++) {
			size_t at = ENTRIES + 6 * e + 5;
			unsigned flags = image.bytes[at];
			image.bytes[at] = (uint8_t)(flags == 4            ? layouts[i].end
						    : flags == REGS       ? layouts[i].regs
						    : flags == PARTIAL    ? layouts[i].regs + 1
						    : image.bytes[at - 1] ? layouts[i].call
									  : 0);
		}
		near_table(NULL, TEXT, &table);
		cr_assert_eq(orc_layout_guess(&memory, &table), layouts[i].layout, "%zu", i);
		unwinder.layout = layouts[i].layout;
		put_regs(8, TEXT + 0x20, 0x10, STACK_AT(512), 0x77);
		stack(512, TEXT + 0x410);
		cr_assert_eq(walk(TEXT + 0x310, STACK_AT(0), 0, false), UNWIND_COMPLETE, "%zu", i);
		cr_assert_eq(frames.count, 3);
		frames.count = 0;
		cr_assert_eq(walk(TEXT + 0x610, STACK_AT(0), 0, true), UNWIND_BAD_TABLE);
	}
	cr_assert_eq(orc_layout_of(2, false, true), ORC_TYPE2_END10);
	cr_assert_eq(orc_layout_of(2, true, true), ORC_TYPE2_SIGNAL_END11);
	cr_assert_eq(orc_layout_of(3, true, false), ORC_TYPE3);
	cr_assert_eq(orc_layout_of(0, false, false), ORC_LAYOUT_UNKNOWN);
}

Test(orc, search_for_a_way_out_of_panic)
{
	enum unwind_end end;
	struct unwind_state s = {.ip = TEXT + 0x610, .sp = STACK_AT(0), .exact = true};

	use_near_tables();
	stack(16, TEXT + 0x610); /* leads nowhere */
	stack(40, TEXT + 0xa10);
	stack(48, TEXT + 0x410);
	cr_assert_neq(unwind_x86_64(&unwinder, &s, &frames), UNWIND_COMPLETE);
	cr_assert(unwind_x86_64_search(&unwinder, &s, 4096, &frames, &end));
	cr_assert_eq(end, UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 2);
	cr_assert_eq(frame(0)->ip, TEXT + 0xa10);
	cr_assert_not(unwind_x86_64_search(&unwinder, &s, 32, &frames, &end));
	cr_assert_eq(frames.count, 0);
}

Test(orc, a_sleeping_task)
{
	struct unwind_state s;

	use_near_tables();
	for (unsigned i = 0; i < 6; i++)
		stack(8 * i, 0xb0 + i);
	stack(48, TEXT + 0xa10);
	stack(56, TEXT + 0x410);
	cr_assert(unwind_state_sleeping_x86_64(&memory, STACK_AT(0), &s));
	cr_assert(s.r[15] == 0xb0 && s.r[12] == 0xb3 && s.r[3] == 0xb4 && s.fp == 0xb5);
	cr_assert(s.ip == TEXT + 0xa10 && s.sp == STACK_AT(56) && !s.exact);
	cr_assert_eq(unwind_x86_64(&unwinder, &s, &frames), UNWIND_COMPLETE);
}

/* ---- arm64 -------------------------------------------------------------------------------------
 */

static void record(unsigned at, uint64_t fp, uint64_t lr)
{
	stack(at, fp);
	stack(at + 8, lr);
}

static enum unwind_end walk_arm64(uint64_t pc, uint64_t fp, uint64_t lr)
{
	struct unwind_state s = {.ip = pc, .sp = STACK_AT(0), .fp = fp, .exact = true};

	s.r[30] = lr;
	s.known = 1 << 30;
	return unwind_arm64(&unwinder, &s, &frames);
}

Test(orc, arm64_frame_records)
{
	record(0, STACK_AT(32), TEXT + 0x110);
	record(32, STACK_AT(64), TEXT + 0x210);
	record(64, 0, 0);
	cr_assert_eq(walk_arm64(TEXT + 0x10, STACK_AT(0), TEXT + 0x110), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 3, "x30 is what the record says");
	cr_assert_eq(frame(1)->trust, UNWIND_FRAME_POINTER);
	cr_assert_eq(frame(0)->cfa, STACK_AT(16));
	frames.count = 0;
	cr_assert_eq(walk_arm64(TEXT + 0x10, STACK_AT(0), TEXT + 0x20), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 3, "x30 points into the function itself");
	frames.count = 0;
	cr_assert_eq(walk_arm64(TEXT + 0x10, STACK_AT(0), TEXT + 0x910), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 4, "a leaf: only x30 knows its caller");
	cr_assert(frame(1)->ip == TEXT + 0x910 && frame(1)->trust == UNWIND_GUESS);
	frames.count = 0;
	cr_assert_eq(walk_arm64(0, STACK_AT(0), TEXT + 0x910), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 4, "a wild jump");
	frames.count = 0;
	cr_assert_eq(walk_arm64(0, STACK_AT(0), 0), UNWIND_NOT_TEXT);
}

Test(orc, arm64_exceptions_and_pointer_authentication)
{
	unsigned regs = 512;

	/* pt_regs with its record inside: x29 and pc of what was interrupted */
	record(0, STACK_AT(regs + 304), (TEXT + 0x110) & ~(UINT64_C(0x7f) << 48));
	for (unsigned i = 0; i < 31; i++)
		stack(regs + 8 * i, 0xc000 + i);
	stack(regs + 8 * 29, STACK_AT(1024));
	stack(regs + 8 * 30, 0);
	stack(regs + 248, STACK_AT(1000));
	stack(regs + 256, TEXT + 0x20);
	stack(regs + 264, 0x5);
	record(regs + 304, STACK_AT(1024), TEXT + 0x20);
	record(1024, 0, 0);
	cr_assert_eq(walk_arm64(TEXT + 0x310, STACK_AT(0), 0), UNWIND_COMPLETE);
	cr_assert_eq(frames.count, 3);
	cr_assert_eq(frame(1)->ip, TEXT + 0x110, "without its code");
	cr_assert(frame(2)->exact && frame(2)->regs == STACK_AT(regs));
	cr_assert_eq(frame(2)->state.r[7], 0xc007);
	/* 6.13 and later: zeros and a type */
	frames.count = 0;
	record(regs + 304, 0, 0);
	stack(regs + 320, 2);
	cr_assert_eq(walk_arm64(TEXT + 0x310, STACK_AT(0), 0), UNWIND_COMPLETE);
	cr_assert(frame(2)->exact && frame(2)->ip == TEXT + 0x20);
	frames.count = 0;
	stack(regs + 264, 0); /* EL0 */
	stack(regs + 256, 0x401000);
	cr_assert_eq(walk_arm64(TEXT + 0x310, STACK_AT(0), 0), UNWIND_USER);
	cr_assert_eq(arm64_strip_pac(0xff80ffff81000000, UINT64_C(0xff7f) << 48),
		     0xffffffff81000000);
	cr_assert_eq(arm64_strip_pac(0x00050000deadbeef, UINT64_C(0x7f) << 48), 0xdeadbeef);
}

Test(orc, arm64_ends)
{
	record(0, STACK_AT(0), TEXT + 0x110);
	cr_assert_eq(walk_arm64(TEXT + 0x10, STACK_AT(0), 0), UNWIND_LOOP);
	frames.count = 0;
	record(0, STACK_AT(16), 0x1234);
	cr_assert_eq(walk_arm64(TEXT + 0x10, STACK_AT(0), 0), UNWIND_NOT_TEXT);
	frames.count = 0;
	cr_assert_eq(walk_arm64(TEXT + 0x10, 0xffff880000000000, 0), UNWIND_UNREADABLE);
	frames.count = 0;
	for (unsigned at = 0; at < 4096; at += 16)
		record(at, STACK_AT(at + 16), TEXT + 0x110);
	cr_assert_eq(walk_arm64(TEXT + 0x10, STACK_AT(0), 0), UNWIND_LIMIT);
	struct unwind_state s;
	for (unsigned i = 0; i < 13; i++)
		stack(8 * i, 0xd0 + i);
	cr_assert(unwind_state_sleeping_arm64(&memory, STACK_AT(0), &s));
	cr_assert(s.r[19] == 0xd0 && s.fp == 0xda && s.sp == 0xdb && s.ip == 0xdc);
}
