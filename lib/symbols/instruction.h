/* What the instruction at an address does, and which of its operands touched memory. */
#ifndef CULPRIT_INSTRUCTION_H
#define CULPRIT_INSTRUCTION_H

#include "dump.h"

enum access { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE, ACCESS_BOTH };

struct memory_operand {
	enum access access;
	unsigned bytes;
	int base, index; /* register numbers as in struct registers, -1 none */
	unsigned scale;
	int64_t displacement;
	bool ip_relative;
	bool known;       /* every register in it is known, so `address` is right */
	uint64_t address; /* effective address */
};

/* What an instruction does with general registers, as far as the origin of a value can be followed
 * through it. What is not listed is EFFECT_OTHER: then only `writes` tells. */
enum effect {
	EFFECT_OTHER,
	EFFECT_CONSTANT, /* target = amount */
	EFFECT_COPY, /* target = source, of which `source_bits` count, extended by its sign or 0 */
	EFFECT_ADD,  /* target += amount */
	EFFECT_ADDRESS, /* target = the address that operand[0] stands for, whose access is NONE */
	EFFECT_LOAD,    /* target = what operand[0] reads, a whole register of it */
	EFFECT_COMPARE, /* source is compared with amount */
	EFFECT_JUMP,    /* to `destination`, if `condition` holds */
};
/* Of a jump after a comparison: whether it is taken for a register that is not yet the amount, less
 * than it, or at most it (signed or not). */
enum condition { CONDITION_OTHER, CONDITION_NOT_EQUAL, CONDITION_LESS, CONDITION_AT_MOST };

struct instruction {
	uint64_t address;
	unsigned length;
	char text[96];
	bool is_call, is_indirect_call, is_return;
	unsigned operand_count;
	struct memory_operand operand[2]; /* memory operands, explicit and hidden */
	int tests_register;               /* register compared with itself or zero, -1 none */
	uint32_t
		writes; /* a bit for each general register that it changes; of a call: may change */
	enum effect effect;
	int target, source;   /* registers, -1 none */
	unsigned target_bits; /* that the result has; above them it is 0 */
	unsigned source_bits;
	bool is_signed;
	int64_t amount;
	enum condition condition;
	uint64_t destination;
};

/* Decodes one instruction from @p bytes, as it would run at @p address. @p regs (may be NULL) gives
 * the operands their addresses. False if the bytes are no valid instruction or are cut off; on
 * ARM64 also if it is none of the common ones, and `text` is empty for all that do not touch
 * memory. */
bool instruction_decode(enum arch arch, const uint8_t *bytes, size_t size, uint64_t address,
			const struct registers *regs, struct instruction *ret);

/* Whether the bytes that end right before @p return_address are a call. @p before holds @p size
 * (at most 8) bytes. For ARM64 the word before must be bl or blr. */
bool instruction_is_call_before(enum arch arch, const uint8_t *before, size_t size,
				uint64_t return_address);

#endif
