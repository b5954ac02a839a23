#include "array.h"

enum {
	DEPTH_MAX = 8,          /* instructions through which one value is followed */
	SMALLEST = 4,           /* bytes of an element that is a pointer */
	INDEX_MAX = 1 << 20,    /* beyond that it is no index */
	LOOP_INSTRUCTIONS = 32, /* from the store to the jump back */
};

struct value {
	uint64_t number;
	int holder; /* the register of `regs` it comes from, -1 none */
};

static bool writes(const struct instruction *in, int reg)
{
	return in->writes & (UINT32_C(1) << reg);
}

static uint64_t cut(uint64_t number, unsigned bits)
{
	return bits >= 64 ? number : number & ((UINT64_C(1) << bits) - 1);
}

static uint64_t extend(uint64_t number, unsigned bits, bool is_signed)
{
	number = cut(number, bits);
	if (is_signed && bits < 64 && number >> (bits - 1))
		number |= ~UINT64_C(0) << bits;
	return number;
}

/* The last of the first @p before instructions that changes @p reg; @p before if none does. */
static size_t last_writer(const struct instruction *code, size_t before, int reg)
{
	for (size_t i = before; i-- > 0;)
		if (writes(&code[i], reg))
			return i;
	return before;
}

/* What @p reg still shows of its value before code[@p at]: only known amounts were added since. */
static bool still_there(const struct instruction *code, size_t count, size_t at, int reg,
			const struct registers *regs, struct value *ret)
{
	uint64_t added = 0;
	unsigned bits = 64;

	if (!(regs->known & (UINT32_C(1) << reg)))
		return false;
	for (size_t i = at; i < count; i++) {
		if (!writes(&code[i], reg))
			continue;
		if (code[i].effect != EFFECT_ADD)
			return false;
		added += (uint64_t)code[i].amount;
		bits = code[i].target_bits < bits ? code[i].target_bits : bits;
	}
	*ret = (struct value){cut(regs->r[reg] - added, bits), reg};
	return true;
}

/* The value of @p reg before code[@p at] ran. */
static bool value_before(const struct instruction *code, size_t count, size_t at, int reg,
			 const struct registers *regs, struct value *ret)
{
	unsigned copied_bits[DEPTH_MAX];
	bool is_signed[DEPTH_MAX];
	unsigned copies = 0;

	while (!still_there(code, count, at, reg, regs, ret)) {
		size_t writer = last_writer(code, at, reg);
		if (writer == at || code[writer].effect != EFFECT_COPY || copies == DEPTH_MAX)
			return false;
		copied_bits[copies] = code[writer].source_bits;
		is_signed[copies++] = code[writer].is_signed;
		reg = code[writer].source;
		at = writer;
	}
	while (copies-- > 0)
		ret->number = extend(ret->number, copied_bits[copies], is_signed[copies]);
	return true;
}

bool array_element_read(const struct instruction *code, size_t count, size_t which,
			const struct registers *regs, struct element *ret)
{
	const struct memory_operand *op = &code[which].operand[0];
	unsigned size = op->bytes;
	uint64_t displacement = 0;
	struct value base = {0, -1}, index;

	if (code[which].effect != EFFECT_LOAD || size < SMALLEST)
		return false;
	/* The address may have been worked out by instructions of its own. */
	for (unsigned depth = 0; op->index < 0; depth++) {
		size_t writer = op->base < 0 ? which : last_writer(code, which, op->base);
		if (writer == which || code[writer].effect != EFFECT_ADDRESS || depth == DEPTH_MAX)
			return false;
		displacement += (uint64_t)op->displacement;
		op = &code[writer].operand[0];
		which = writer;
	}
	if (op->scale != size || op->ip_relative ||
	    (op->base >= 0 && !value_before(code, count, which, op->base, regs, &base)) ||
	    !value_before(code, count, which, op->index, regs, &index) || index.number > INDEX_MAX)
		return false;
	displacement += (uint64_t)op->displacement;
	*ret = (struct element){.array = base.number + displacement,
				.address = base.number + displacement + index.number * size,
				.index = index.number,
				.size = size,
				.holder = index.holder};
	return true;
}

/* The jump back of the loop that begins before code[@p which]: behind it one is added to @p
 * counter, which is then compared with @p ret_bound. @p count if there is none. */
static size_t loop_end(const struct instruction *code, size_t count, size_t which, int counter,
		       int64_t *ret_bound)
{
	size_t end = count - which < LOOP_INSTRUCTIONS ? count : which + LOOP_INSTRUCTIONS;
	bool counted = false, compared = false;

	for (size_t i = which + 1; i < end; i++) {
		const struct instruction *in = &code[i];
		if (in->effect == EFFECT_JUMP && compared)
			return i;
		if (in->effect == EFFECT_JUMP || in->is_return)
			return count;
		/* Between the comparison and the jump nothing may come that sets flags anew. */
		compared = in->effect == EFFECT_COMPARE && in->source == counter && counted;
		*ret_bound = in->amount;
		if (!writes(in, counter))
			continue;
		if (counted || in->effect != EFFECT_ADD || in->amount != 1)
			return count;
		counted = true;
	}
	return count;
}

bool array_filled(const struct instruction *code, size_t count, size_t which,
		  struct array_fill *ret)
{
	const struct memory_operand *op = &code[which].operand[0];
	int64_t bound = 0;
	size_t begin = which;

	if (!code[which].operand_count || op->access != ACCESS_WRITE || op->index < 0 ||
	    op->base < 0 || op->scale != op->bytes || op->bytes < SMALLEST)
		return false;
	int64_t displacement = op->displacement;
	size_t jump = loop_end(code, count, which, op->index, &bound);
	if (jump == count || bound <= 0 || code[jump].condition == CONDITION_OTHER)
		return false;
	while (begin > 0 && code[begin].address > code[jump].destination) {
		begin--;
		if (writes(&code[begin], op->index))
			return false;
	}
	if (code[begin].address != code[jump].destination)
		return false;
	for (size_t i = begin; i < jump; i++)
		if (writes(&code[i], op->base))
			return false;
	/* The base may be the array's own address, worked out before the loop. */
	size_t based = last_writer(code, begin, op->base);
	if (based < begin && code[based].effect == EFFECT_ADDRESS &&
	    code[based].operand[0].index < 0 && !code[based].operand[0].ip_relative)
		displacement += code[based].operand[0].displacement;
	size_t start = last_writer(code, begin, op->index);
	if (start == begin || code[start].effect != EFFECT_CONSTANT || code[start].amount != 0)
		return false;
	*ret = (struct array_fill){.displacement = displacement,
				   .size = op->bytes,
				   .entries = (uint64_t)bound +
					      (code[jump].condition == CONDITION_AT_MOST)};
	return true;
}
