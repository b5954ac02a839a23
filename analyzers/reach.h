/* What the crashing thread could reach: which addresses its registers and its stack pointed at when
 * it faulted, directly or by one step through memory. */
#ifndef CULPRIT_REACH_H
#define CULPRIT_REACH_H

#include "analyzer.h"

enum reach_kind {
	REACH_NONE,
	REACH_BYSTANDER, /* only code that ran on nobody's behalf but the kernel's (Linux) */
	REACH_INDIRECT,
	REACH_DEAD_STACK,
	REACH_STACK,
	REACH_REGISTER
};

struct reach {
	enum reach_kind kind;
	uint64_t from; /* stack slot, or the memory word for an indirect one */
	int reg;       /* register number for REACH_REGISTER, else -1 */
};

/* The pointers, collected at the first call. NULL without memory. */
const struct reach_map *reach_map(struct analysis *a);
/* Calls @p visit for each pointer, in ascending order of what it points at. */
void reach_each(const struct reach_map *map, void (*visit)(void *, uint64_t, struct reach),
		void *context);
/* The best pointer into [address, address + size). */
struct reach reach_find(const struct reach_map *map, uint64_t address, uint64_t size);
/* "register r8 points at it", "a word on the faulting stack points at it" ... */
const char *reach_words(const struct analysis *a, const struct reach *reach);

#endif
