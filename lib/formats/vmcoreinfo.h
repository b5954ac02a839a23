/* VMCOREINFO: the note in which a kernel tells how to read its own dump, lines of KEY=VALUE.
 * Documentation/admin-guide/kdump/vmcoreinfo.rst */
#ifndef CULPRIT_VMCOREINFO_H
#define CULPRIT_VMCOREINFO_H

#include "arena.h"

#include <stdint.h>

struct vmcoreinfo_entry {
	const char *key;   /* "SYMBOL(prb)" */
	const char *value; /* safe text */
};

struct vmcoreinfo {
	struct vmcoreinfo_entry *entries; /* by key, each key once (the first counts) */
	size_t count;
};

/* Parses @p size bytes; lines without '=' are left out. False without memory. */
bool vmcoreinfo_parse(struct arena *arena, const void *text, size_t size, struct vmcoreinfo *ret);

/* NULL if the key is not there. */
const char *vmcoreinfo_value(const struct vmcoreinfo *info, const char *key);

/* The number of a whole key ("SYMBOL(prb)", "NUMBER(VA_BITS)", "KERNELOFFSET", "PAGESIZE"). SYMBOL
 * and KERNELOFFSET are hexadecimal, the rest decimal unless they begin with 0x; negative numbers
 * wrap. False if the key is missing or its value is no number. */
bool vmcoreinfo_number(const struct vmcoreinfo *info, const char *key, uint64_t *ret);

/* The same by the name in the parentheses: vmcoreinfo_offset(info, "prb_desc.state_var", &v). */
bool vmcoreinfo_symbol(const struct vmcoreinfo *info, const char *name, uint64_t *ret);
bool vmcoreinfo_offset(const struct vmcoreinfo *info, const char *name, uint64_t *ret);
bool vmcoreinfo_size(const struct vmcoreinfo *info, const char *name, uint64_t *ret);

#endif
