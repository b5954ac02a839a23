/* The kernel's symbol table out of the kernel's memory (kernel/kallsyms.c, scripts/kallsyms.c).
 * linux-vmcores.md, "kallsyms". Names stay compressed; they are expanded when asked for. */
#ifndef CULPRIT_KALLSYMS_H
#define CULPRIT_KALLSYMS_H

#include "arena.h"
#include "errors.h"
#include "reader.h"

enum { KALLSYMS_NAME_MAX = 512 }; /* KSYM_NAME_LEN, with the NUL */

/* Addresses of the tables, 0 where unknown. SYMBOL(kallsyms_...) of VMCOREINFO since 6.0. */
struct kallsyms_tables {
	uint64_t names, num_syms, token_table, token_index;
	uint64_t offsets,
		relative_base; /* CONFIG_KALLSYMS_BASE_RELATIVE: 64-bit kernels from 4.6 to 6.x */
	uint64_t addresses;    /* before: absolute u64s */
};

struct kallsyms;

struct kallsyms_symbol {
	uint64_t address;
	uint64_t size; /* to the next higher address, 0 for the last */
	char type;     /* as nm: 't', 'T', 'd' ... */
	char name[KALLSYMS_NAME_MAX];
};

/* Reads and checks the tables. */
struct error *kallsyms_load(const struct reader *memory, const struct kallsyms_tables *tables,
			    struct arena *arena, struct kallsyms **ret);

/* Finds the tables by their shape in [start, start+size), the kernel's read-only data: for kernels
 * whose VMCOREINFO does not have them. False if they are not there. */
bool kallsyms_find_tables(const struct reader *memory, uint64_t start, uint64_t size,
			  struct arena *arena, struct kallsyms_tables *ret);

size_t kallsyms_count(const struct kallsyms *kallsyms);
/* "absolute-percpu", "relative", "self-relative", "absolute": how addresses were stored. */
const char *kallsyms_encoding(const struct kallsyms *kallsyms);

/* The symbol that covers @p address: the last at or below it; functions are preferred to data and
 * globals to locals where several share the address. False below the first one and beyond
 * the last one's page. */
bool kallsyms_at(const struct kallsyms *kallsyms, uint64_t address, struct kallsyms_symbol *ret);
/* Address of the symbol of that name (the first if there are several); false if there is none.
 * The name index is made at the first call. */
bool kallsyms_address(struct kallsyms *kallsyms, const char *name, uint64_t *ret);
/* The @p index-th symbol in address order; false beyond the end. */
bool kallsyms_symbol(const struct kallsyms *kallsyms, size_t index, struct kallsyms_symbol *ret);

#endif
