/* Arrays in compiled code: which element a pointer was read from, and how many a loop fills.
 *
 * Both go by straight decoded code alone and by registers as they are at its end. Jumps into the
 * middle of it are not seen: whoever asks has to confirm an element by what memory holds there. */
#ifndef CULPRIT_ARRAY_H
#define CULPRIT_ARRAY_H

#include "instruction.h"

#include <stddef.h>

struct element {
	uint64_t array, address; /* of element 0, and of the one that was read */
	uint64_t index;
	unsigned size; /* of each, in bytes */
	int holder;    /* the register that still holds the index or what it was made of */
};

/* Whether code[@p which] reads a pointer out of an array whose address and index the registers @p
 * regs still tell, which are those at the end of the @p count instructions. */
bool array_element_read(const struct instruction *code, size_t count, size_t which,
			const struct registers *regs, struct element *ret);

struct array_fill {
	int64_t displacement; /* of element 0 from what the loop's base register points at */
	unsigned size;        /* of an element in bytes */
	uint64_t entries;     /* 0 to entries - 1 are written */
};

/* Whether code[@p which] is the store of a loop that writes one element after the other, from the
 * first to a constant number. */
bool array_filled(const struct instruction *code, size_t count, size_t which,
		  struct array_fill *ret);

#endif
