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

struct instruction {
	uint64_t address;
	unsigned length;
	char text[96];
	bool is_call, is_indirect_call, is_return;
	unsigned operand_count;
	struct memory_operand operand[2]; /* memory operands, explicit and hidden */
	int tests_register;               /* register compared with itself or zero, -1 none */
};

/* Decodes one instruction of x86-64 or x86 from @p bytes, as it would run at @p address. @p regs
 * (may be NULL) gives the operands their addresses. False if the bytes are no valid instruction,
 * are cut off, or the architecture has no decoder here (ARM64: see instruction_decode_call). */
bool instruction_decode(enum arch arch, const uint8_t *bytes, size_t size, uint64_t address,
			const struct registers *regs, struct instruction *ret);

/* Whether the bytes that end right before @p return_address are a call. @p before holds @p size
 * (at most 8) bytes. For ARM64 the word before must be bl or blr. */
bool instruction_is_call_before(enum arch arch, const uint8_t *before, size_t size,
				uint64_t return_address);

#endif
