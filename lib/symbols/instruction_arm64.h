/* Part of instruction.h: its decoder of arm64. */
#ifndef CULPRIT_INSTRUCTION_ARM64_H
#define CULPRIT_INSTRUCTION_ARM64_H

#include "instruction.h"

#include <stddef.h>

/* As instruction_decode(). Knows arithmetic, jumps and the plain loads and stores, and has a text
 * for the last only; false for all others (exclusive, atomic, vector structures, system). */
bool instruction_decode_arm64(const uint8_t *bytes, size_t size, uint64_t address,
			      const struct registers *regs, struct instruction *ret);

#endif
