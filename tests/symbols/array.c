/* Elements of arrays and loops that fill them, in code as compilers write it. */
#include "array.h"

#include <criterion/criterion.h>
#include <string.h>

enum { CODE_MAX = 32, RAX = REG_RAX, RCX = REG_RCX, RDX = REG_RDX, RSI = REG_RSI, RBX = REG_RBX };

static const uint64_t start = 0x1000;
static struct instruction code[CODE_MAX];

static size_t decode_for(enum arch arch, const uint8_t *bytes, size_t size)
{
	size_t count = 0;

	for (size_t at = 0; at < size; at += code[count++].length)
		cr_assert(instruction_decode(arch, bytes + at, size - at, start + at, NULL,
					     &code[count]));
	return count;
}

static size_t decode(const uint8_t *bytes, size_t size)
{
	return decode_for(ARCH_X86_64, bytes, size);
}

#define DECODE(...) decode((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static struct registers all_known(void)
{
	struct registers regs = {.known = 0xffff};

	for (unsigned i = 0; i < 16; i++)
		regs.r[i] = 0xffff800000001000 + 0x10000 * i;
	return regs;
}

Test(array, an_element_whose_address_was_worked_out_in_steps)
{
	/* movsxd r8, edx; lea r8, [rsi+r8*8]; mov r8, [r8] */
	size_t count = DECODE(0x4c, 0x63, 0xc2, 0x4e, 0x8d, 0x04, 0xc6, 0x4d, 0x8b, 0x00);
	struct registers regs = all_known();
	struct element e;

	regs.r[RDX] = 20;
	regs.r[8] = 0xffff9c8e0000008a;
	cr_assert(array_element_read(code, count, 2, &regs, &e));
	cr_assert_eq(e.index, 20);
	cr_assert_eq(e.array, regs.r[RSI]);
	cr_assert_eq(e.address, regs.r[RSI] + 160);
	cr_assert(e.size == 8 && e.holder == RDX);
	cr_assert_not(array_element_read(code, count, 1, &regs, &e), "lea reads nothing");
	regs.r[RDX] = 0xffffffff;
	cr_assert_not(array_element_read(code, count, 2, &regs, &e), "-1 is no index");
	regs.known &= ~(1u << RDX);
	cr_assert_not(array_element_read(code, count, 2, &regs, &e), "the index is not known");
}

Test(array, an_element_read_at_once)
{
	/* mov r8, [rax+r11*8]; test r8, r8; je */
	size_t count = DECODE(0x4e, 0x8b, 0x04, 0xd8, 0x4d, 0x85, 0xc0, 0x74, 0x0d);
	struct registers regs = all_known();
	struct element e;

	regs.r[11] = 0x14;
	cr_assert(array_element_read(code, count, 0, &regs, &e));
	cr_assert(e.index == 20 && e.array == regs.r[RAX] && e.holder == 11);
}

Test(array, an_index_that_was_stepped_on_since)
{
	/* movsxd rax, ecx; inc ecx; mov rax, [rbx+rax*8+0x98] */
	size_t count = DECODE(0x48, 0x63, 0xc1, 0xff, 0xc1, 0x48, 0x8b, 0x84, 0xc3, 0x98, 0, 0, 0);
	struct registers regs = all_known();
	struct element e;

	regs.r[RCX] = 21;
	cr_assert(array_element_read(code, count, 2, &regs, &e));
	cr_assert_eq(e.index, 20);
	cr_assert_eq(e.array, regs.r[RBX] + 0x98);
	cr_assert_eq(e.address, regs.r[RBX] + 0x98 + 160);
}

Test(array, an_index_that_is_lost)
{
	/* mov rax, [rbx+rcx*8]; mov ecx, [rdi] */
	size_t count = DECODE(0x48, 0x8b, 0x04, 0xcb, 0x8b, 0x0f);
	struct registers regs = all_known();
	struct element e;

	regs.r[RCX] = 20;
	cr_assert_not(array_element_read(code, count, 0, &regs, &e));
}

Test(array, what_a_call_may_have_changed)
{
	/* movsxd rax, ebx; mov rdi, [r12+rax*8]; call */
	size_t count =
		DECODE(0x48, 0x63, 0xc3, 0x49, 0x8b, 0x3c, 0xc4, 0xe8, 0xf4, 0xff, 0xff, 0xff);
	struct registers regs = all_known();
	struct element e;

	regs.r[RBX] = 20;
	cr_assert(array_element_read(code, count, 1, &regs, &e));
	cr_assert(e.index == 20 && e.array == regs.r[12]);
	/* mov rdi, [r12+rcx*8]; call */
	count = DECODE(0x49, 0x8b, 0x3c, 0xcc, 0xe8, 0xeb, 0xff, 0xff, 0xff);
	regs.r[RCX] = 20;
	cr_assert_not(array_element_read(code, count, 0, &regs, &e));
}

Test(array, no_array)
{
	/* mov rax, [rbx+rcx]; mov eax, [rbx+rcx*8]; mov rax, [rbx+8] */
	size_t count = DECODE(0x48, 0x8b, 0x04, 0x0b, 0x8b, 0x04, 0xcb, 0x48, 0x8b, 0x43, 0x08);
	struct registers regs = all_known();
	struct element e;

	regs.r[RCX] = 2;
	for (size_t i = 0; i < count; i++)
		cr_assert_not(array_element_read(code, count, i, &regs, &e), "%zu", i);
}

/* xor eax, eax; mov rsi, 0; again: cmp ecx, eax; mov rdi, rsi; cmovg rdi, rbp;
 * mov [rbx+rax*8+0x98], rdi; inc rax; cmp rax, 0x14; jne again */
enum { FILL_BYTES = 35, FILL_BOUND = 32, FILL_JUMP = 33, FILL_STEP = 28, FILL_BEGIN = 1 };
static const uint8_t fill_loop[FILL_BYTES] = {0x31, 0xc0, 0x48, 0xc7, 0xc6, 0,    0,    0,    0,
					      0x39, 0xc1, 0x48, 0x89, 0xf7, 0x48, 0x0f, 0x4f, 0xfd,
					      0x48, 0x89, 0xbc, 0xc3, 0x98, 0,    0,    0,    0x48,
					      0xff, 0xc0, 0x48, 0x83, 0xf8, 0x14, 0x75, 0xe6};

static unsigned fills(const uint8_t *bytes, struct array_fill *ret)
{
	size_t count = decode(bytes, FILL_BYTES);
	unsigned found = 0;

	for (size_t i = 0; i < count; i++)
		found += array_filled(code, count, i, ret);
	return found;
}

Test(array, a_loop_that_fills)
{
	struct array_fill fill;

	cr_assert_eq(fills(fill_loop, &fill), 1);
	cr_assert_eq(fill.entries, 20);
	cr_assert_eq(fill.displacement, 0x98);
	cr_assert_eq(fill.size, 8);
}

Test(array, a_loop_that_fills_up_to_and_with)
{
	uint8_t bytes[FILL_BYTES];
	struct array_fill fill;

	memcpy(bytes, fill_loop, sizeof(bytes));
	bytes[FILL_JUMP] = 0x7e; /* jle */
	cr_assert_eq(fills(bytes, &fill), 1);
	cr_assert_eq(fill.entries, 21);
}

Test(array, loops_of_which_the_number_is_not_known)
{
	static const struct {
		unsigned at;
		uint8_t byte;
		const char *what;
	} changed[] = {
		{FILL_JUMP, 0x74, "je: it does not go on while less"},
		{FILL_JUMP + 1, 0x10, "a jump forwards is no loop"},
		{FILL_JUMP + 1, 0xe7, "a jump to the middle of an instruction"},
		{FILL_STEP, 0xc8, "dec"},
		{FILL_BOUND, 0xec, "compared with -20"},
		{FILL_BEGIN, 0xc8, "xor eax, ecx: it does not begin at 0"},
	};
	uint8_t bytes[FILL_BYTES];
	struct array_fill fill;

	for (size_t i = 0; i < sizeof(changed) / sizeof(*changed); i++) {
		memcpy(bytes, fill_loop, sizeof(bytes));
		bytes[changed[i].at] = changed[i].byte;
		cr_assert_eq(fills(bytes, &fill), 0, "%s", changed[i].what);
	}
}

static size_t decode_words(const uint32_t *words, size_t count)
{
	uint8_t bytes[4 * CODE_MAX];

	for (size_t i = 0; i < 4 * count; i++)
		bytes[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
	return decode_for(ARCH_ARM64, bytes, 4 * count);
}

Test(array, an_element_on_arm64)
{
	/* sxtw x2, w1; add w1, w1, #1; ldr x2, [x4, x2, lsl #3] */
	static const uint32_t words[] = {0x93407c22, 0x11000421, 0xf8627882};
	size_t count = decode_words(words, 3);
	struct registers regs = {.known = 0x7fffffff, .r[1] = 21, .r[4] = 0xffff44b383105298};
	struct element e;

	cr_assert(array_element_read(code, count, 2, &regs, &e));
	cr_assert(e.index == 20 && e.array == regs.r[4] && e.size == 8 && e.holder == 1);
	/* ldr x2, [x4, w2, sxtw #3]: an index of 32 bits is not followed. */
	static const uint32_t other[] = {0xf862d882};
	count = decode_words(other, 1);
	cr_assert_not(array_element_read(code, count, 0, &regs, &e));
}

Test(array, a_loop_that_fills_on_arm64)
{
	/* add x4, x22, #0x98; mov x2, #0; again: cmp w0, w2; csel x1, x3, x19, le;
	 * str x1, [x4, x2, lsl #3]; add x2, x2, #1; cmp x2, #20; b.ne again */
	static const uint32_t words[] = {0x910262c4, 0xd2800002, 0x6b02001f, 0x9a93d061,
					 0xf8227881, 0x91000442, 0xf100505f, 0x54ffff61};
	struct array_fill fill;

	size_t count = decode_words(words, 8);
	cr_assert(array_filled(code, count, 4, &fill));
	cr_assert_eq(fill.entries, 20);
	cr_assert_eq(fill.size, 8);
	cr_assert_eq(fill.displacement, 0x98);
	cr_assert_not(array_filled(code, count - 1, 4, &fill), "without the jump");
}

Test(array, loads_and_stores_of_arm64)
{
	static const struct {
		uint32_t word;
		const char *text;
		enum access access;
		unsigned bytes;
		uint64_t address; /* 0 not known */
		uint32_t writes;
	} known[] = {
		{0x39400042, "ldrb w2, [x2]", ACCESS_READ, 1, 0x2000, 1u << 2},
		{0xf9009ec0, "str x0, [x22, #312]", ACCESS_WRITE, 8, 0x16000 + 312, 0},
		{0xa9bc7bfd, "stp x29, x30, [sp, #-64]!", ACCESS_WRITE, 16, 0x50000 - 64, 0},
		{0xa948dc05, "ldp x5, x23, [x0, #136]", ACCESS_READ, 16, 136, 1u << 5 | 1u << 23},
		{0xf862d882, "ldr x2, [x4, w2, sxtw #3]", ACCESS_READ, 8, 0, 1u << 2},
		{0x385c8060, "ldurb w0, [x3, #-56]", ACCESS_READ, 1, 0x3000 - 56, 1},
		{0xb8404423, "ldr w3, [x1], #4", ACCESS_READ, 4, 0x1000, 1u << 3 | 1u << 1},
	};
	struct registers regs = {.known = 0x7fffffff, .sp = 0x50000};

	for (unsigned i = 0; i < REGISTERS_MAX; i++)
		regs.r[i] = 0x1000 * (uint64_t)i;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		uint32_t w = known[i].word;
		uint8_t bytes[4] = {(uint8_t)w, (uint8_t)(w >> 8), (uint8_t)(w >> 16),
				    (uint8_t)(w >> 24)};
		struct instruction in;
		cr_assert(instruction_decode(ARCH_ARM64, bytes, 4, start, &regs, &in));
		cr_assert_str_eq(in.text, known[i].text);
		cr_assert_eq(in.operand[0].access, known[i].access, "%s", in.text);
		cr_assert_eq(in.operand[0].bytes, known[i].bytes, "%s", in.text);
		cr_assert_eq(in.operand[0].known, known[i].address != 0, "%s", in.text);
		cr_assert(!known[i].address || in.operand[0].address == known[i].address, "%s",
			  in.text);
		cr_assert_eq(in.writes, known[i].writes, "%s", in.text);
		cr_assert_not(instruction_decode(ARCH_ARM64, bytes, 3, start, &regs, &in));
	}
}
