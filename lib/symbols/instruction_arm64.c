/* The instructions of arm64 through which a value can be followed, and those that touch memory.
 * Arm Architecture Reference Manual, C4.1: the encodings are those of its index by encoding. */
#include "instruction_arm64.h"

#include <stdio.h>

enum {
	ZERO = 31,                  /* as a register: the zero register or the stack pointer */
	LINK = 30,                  /* x30 */
	CHANGED_BY_CALLS = 0x7ffff, /* x0 to x18 (AAPCS64), beside x30 */
	WORD = 4,
};

static unsigned field(uint32_t word, unsigned low, unsigned bits)
{
	return word >> low & ((1u << bits) - 1);
}

static int64_t signed_field(uint32_t word, unsigned low, unsigned bits)
{
	int64_t value = field(word, low, bits);

	return value >> (bits - 1) ? value - (INT64_C(1) << bits) : value;
}

static uint32_t bit_of(unsigned reg)
{
	return reg == ZERO ? 0 : UINT32_C(1) << reg;
}

static int number_of(unsigned reg)
{
	return reg == ZERO ? -1 : (int)reg;
}

/* ---- jumps ---- */

static enum condition condition_of(unsigned code)
{
	switch (code) {
	case 1: return CONDITION_NOT_EQUAL; /* ne */
	case 3:
	case 11: return CONDITION_LESS; /* lo, lt */
	case 9:
	case 13: return CONDITION_AT_MOST; /* ls, le */
	default: return CONDITION_OTHER;
	}
}

static void jump(struct instruction *in, int64_t words, enum condition condition)
{
	in->effect = EFFECT_JUMP;
	in->condition = condition;
	in->destination = in->address + (uint64_t)(words * WORD);
}

static bool branch(uint32_t w, struct instruction *in)
{
	bool is_link = (w & 0xfc000000) == 0x94000000, is_indirect = (w & 0xfe000000) == 0xd6000000;
	unsigned kind = field(w, 21, 4); /* of an indirect branch: br, blr, ret */

	if (is_link || (is_indirect && (kind & 7) == 1)) {
		in->is_call = true;
		in->is_indirect_call = is_indirect;
		in->writes = CHANGED_BY_CALLS | bit_of(LINK);
	} else if (is_indirect) {
		in->is_return = (kind & 7) == 2;
		in->effect = EFFECT_JUMP;
	} else if ((w & 0xff000010) == 0x54000000) {
		jump(in, signed_field(w, 5, 19), condition_of(field(w, 0, 4)));
	} else if ((w & 0xfc000000) == 0x14000000) {
		jump(in, signed_field(w, 0, 26), CONDITION_OTHER);
	} else if ((w & 0x7e000000) == 0x34000000) { /* cbz, cbnz */
		in->tests_register = number_of(field(w, 0, 5));
		jump(in, signed_field(w, 5, 19), CONDITION_OTHER);
	} else if ((w & 0x7e000000) == 0x36000000) { /* tbz, tbnz */
		jump(in, signed_field(w, 5, 14), CONDITION_OTHER);
	} else if ((w & 0xfffff01f) ==
		   0xd503201f) { /* nop and hints, some of which sign x30 or x17 */
		in->writes = bit_of(LINK) | bit_of(17);
	} else {
		return false;
	}
	return true;
}

/* ---- arithmetic: bits 0 to 4 name the one register that changes ---- */

static void add_immediate(uint32_t w, struct instruction *in)
{
	unsigned from = field(w, 5, 5), to = field(w, 0, 5);
	bool subtracts = field(w, 30, 1), flags = field(w, 29, 1);
	int64_t amount = (int64_t)field(w, 10, 12) << (field(w, 22, 1) ? 12 : 0);

	if (flags && subtracts && to == ZERO && from != ZERO) {
		in->effect = EFFECT_COMPARE;
		in->source = (int)from;
		in->amount = amount;
		return;
	}
	if (from == ZERO || to == ZERO)
		return;
	amount = subtracts ? -amount : amount;
	if (from == to) {
		in->effect = EFFECT_ADD;
		in->amount = amount;
	} else if (in->target_bits == 64) {
		in->effect = EFFECT_ADDRESS;
		in->operand_count = 1;
		in->operand[0] = (struct memory_operand){
			.base = (int)from, .index = -1, .displacement = amount};
	}
}

static void copy(struct instruction *in, unsigned from, unsigned bits, bool is_signed)
{
	in->effect = from == ZERO ? EFFECT_CONSTANT : EFFECT_COPY;
	in->source = number_of(from);
	in->source_bits = bits;
	in->is_signed = is_signed;
}

static void arithmetic(uint32_t w, struct instruction *in)
{
	in->target = number_of(field(w, 0, 5));
	in->target_bits = field(w, 31, 1) ? 64 : 32;
	in->writes = bit_of(field(w, 0, 5));
	if ((w & 0x1f800000) == 0x11000000) {
		add_immediate(w, in);
	} else if (in->target < 0) {
		return;
	} else if ((w & 0x7fe0ffe0) == 0x2a0003e0) { /* mov */
		copy(in, field(w, 16, 5), in->target_bits, false);
	} else if ((w & 0xfffffc00) == 0x93407c00) { /* sxtw */
		copy(in, field(w, 5, 5), 32, true);
	} else if ((w & 0x7f800000) == 0x52800000) { /* movz */
		in->effect = EFFECT_CONSTANT;
		in->amount = (int64_t)((uint64_t)field(w, 5, 16) << 16 * field(w, 21, 2));
	}
}

/* ---- memory ---- */

struct access_form {
	unsigned size; /* log2 of the bytes */
	bool is_load, is_vector, is_pair;
	bool writes_base, after; /* the base moves on; only after the access */
	unsigned extension;      /* of the index: 3 none, others of 32 bits but 7 */
	bool is_shifted;         /* the index counts whole elements */
	const char *kind;        /* of its name: ldr, ldur, ldtr */
};

/* Of one register, or false. */
static bool single(uint32_t w, struct access_form *f, struct memory_operand *op)
{
	unsigned kind = field(w, 22, 2), mode = field(w, 10, 2);

	*f = (struct access_form){
		.size = field(w, 30, 2), .is_vector = field(w, 26, 1), .extension = 3, .kind = "r"};
	if (f->is_vector && (kind & 2))
		f->size = 4;
	f->is_load = f->is_vector ? kind & 1 : kind != 0;
	if (!f->is_vector && f->size == 3 && kind == 2) /* prfm */
		return false;
	if ((w & 0x3b000000) == 0x39000000) {
		op->displacement = (int64_t)field(w, 10, 12) << f->size;
		return true;
	}
	if ((w & 0x3b200000) == 0x38000000) {
		f->writes_base = mode & 1;
		f->after = mode == 1;
		f->kind = mode == 0 ? "ur" : mode == 2 ? "tr" : "r";
		op->displacement = signed_field(w, 12, 9);
		return true;
	}
	if ((w & 0x3b200c00) != 0x38200800)
		return false;
	f->extension = field(w, 13, 3);
	f->is_shifted = field(w, 12, 1);
	op->index = number_of(field(w, 16, 5));
	op->scale = f->is_shifted ? 1u << f->size : 1;
	return true;
}

static bool pair(uint32_t w, struct access_form *f, struct memory_operand *op)
{
	unsigned mode = field(w, 23, 2), kind = field(w, 30, 2);

	*f = (struct access_form){.is_load = field(w, 22, 1),
				  .is_vector = field(w, 26, 1),
				  .is_pair = true,
				  .extension = 3,
				  .kind = mode ? "p" : "np",
				  .writes_base = mode & 1,
				  .after = mode == 1};
	f->size = f->is_vector ? 2 + kind : kind & 2 ? 3 : 2;
	op->displacement = signed_field(w, 15, 7) * (INT64_C(1) << f->size);
	/* Not ldpsw and what shares its bits. */
	return (w & 0x3a000000) == 0x28000000 && kind != 3 && (f->is_vector || kind != 1);
}

static void address(struct memory_operand *op, bool on_stack, const struct access_form *f,
		    const struct registers *regs)
{
	uint64_t sum = f->after ? 0 : (uint64_t)op->displacement;

	op->known = regs && f->extension == 3;
	if (op->known && on_stack)
		sum += regs->sp;
	if (op->base >= 0 && op->known) {
		op->known = regs->known & (UINT32_C(1) << op->base);
		sum += regs->r[op->base];
	}
	if (op->index >= 0 && op->known) {
		op->known = regs->known & (UINT32_C(1) << op->index);
		sum += regs->r[op->index] * op->scale;
	}
	op->address = sum;
}

static const char *name_of(unsigned reg, char text[8], char bank)
{
	if (reg == ZERO && bank == 'b') /* as a base */
		return "sp";
	snprintf(text, 8, reg == ZERO ? "%czr" : "%c%u", bank == 'b' ? 'x' : bank, reg);
	return text;
}

static void index_text(const struct access_form *f, int reg, char *text, size_t size)
{
	static const char *const extension[] = {"", "", "uxtw", "lsl", "", "", "sxtw", "sxtx"};
	int used = snprintf(text, size, ", %c%d", f->extension & 1 ? 'x' : 'w', reg);

	if (f->extension != 3 || f->is_shifted)
		used += snprintf(text + used, size - (size_t)used, ", %s", extension[f->extension]);
	if (f->is_shifted)
		snprintf(text + used, size - (size_t)used, " #%u", f->size);
}

static void describe(uint32_t w, const struct access_form *f, struct instruction *in)
{
	static const char *const width[] = {"b", "h", "", "", ""};
	const struct memory_operand *op = &in->operand[0];
	bool is_signed = !f->is_pair && !f->is_vector && field(w, 22, 2) >= 2;
	char bank = f->is_vector ? "bhsdq"[f->size] : f->size == 3 ? 'x' : 'w';
	char first[8], second[8], base[8], index[32] = "";

	if (is_signed && field(w, 22, 2) == 2)
		bank = 'x';
	if (op->index >= 0)
		index_text(f, op->index, index, sizeof(index));
	else if (op->displacement)
		snprintf(index, sizeof(index), ", #%lld", (long long)op->displacement);
	snprintf(in->text, sizeof(in->text), "%s%s%s%s %s%s%s, [%s%s%s%s", f->is_load ? "ld" : "st",
		 f->kind, is_signed ? "s" : "",
		 f->is_vector                ? ""
		 : is_signed && f->size == 2 ? "w"
					     : width[f->size],
		 name_of(field(w, 0, 5), first, bank), f->is_pair ? ", " : "",
		 f->is_pair ? name_of(field(w, 10, 5), second, bank) : "",
		 name_of(field(w, 5, 5), base, 'b'), f->after ? "]" : "", index,
		 f->after         ? ""
		 : f->writes_base ? "]!"
				  : "]");
}

static bool memory(uint32_t w, const struct registers *regs, struct instruction *in)
{
	struct memory_operand *op = &in->operand[0];
	unsigned base = field(w, 5, 5), target = field(w, 0, 5);
	struct access_form f;

	*op = (struct memory_operand){.base = number_of(base), .index = -1};
	if (!pair(w, &f, op)) {
		*op = (struct memory_operand){.base = number_of(base), .index = -1};
		if (!single(w, &f, op))
			return false;
	}
	in->operand_count = 1;
	op->access = f.is_load ? ACCESS_READ : ACCESS_WRITE;
	op->bytes = (f.is_pair ? 2u : 1u) << f.size;
	address(op, base == ZERO, &f, regs);
	describe(w, &f, in);
	if (f.is_load && !f.is_vector)
		in->writes |= bit_of(target) | (f.is_pair ? bit_of(field(w, 10, 5)) : 0);
	if (f.writes_base)
		in->writes |= bit_of(base);
	/* Not through an index of 32 bits, nor through a base that moves. */
	if (f.is_load && !f.is_vector && !f.is_pair && f.size == 3 && !f.writes_base &&
	    f.extension == 3 && target != ZERO && base != ZERO) {
		in->effect = EFFECT_LOAD;
		in->target = (int)target;
		in->target_bits = 64;
	}
	if (f.extension != 3 || f.writes_base)
		op->scale = 0;
	return true;
}

bool instruction_decode_arm64(const uint8_t *bytes, size_t size, uint64_t address,
			      const struct registers *regs, struct instruction *ret)
{
	if (size < WORD)
		return false;
	uint32_t w = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		     (uint32_t)bytes[3] << 24;
	struct instruction in = {.address = address,
				 .length = WORD,
				 .target = -1,
				 .source = -1,
				 .tests_register = -1};
	unsigned group = field(w, 25, 4);

	if ((group & 7) == 5 || (group & 14) == 8)
		arithmetic(w, &in);
	else if ((group & 14) == 10 ? !branch(w, &in) : (group & 5) != 4 || !memory(w, regs, &in))
		return false;
	*ret = in;
	return true;
}
