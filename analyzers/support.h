/* What several analyzers share. */
#ifndef CULPRIT_SUPPORT_H
#define CULPRIT_SUPPORT_H

#include "analyzer.h"
#include "knowledge.h"

/* Index 0..3 of the stop code's parameter with @p role ("ctx_record"), -1 if it has none. */
int stop_parameter(const struct analysis *a, const char *role);
/* Its value; false if the code has no such parameter or it is 0. */
bool stop_parameter_value(const struct analysis *a, const char *role, uint64_t *ret);
/* Whether the stop code belongs to @p family. */
bool stop_family(const struct analysis *a, const char *family);
/* The code without the 0x10000000 bit that small dumps set on some codes. windows-dumps.md 1.1 */
uint32_t stop_code(const struct dump *dump);

/* Whether a module may be called a culprit at all: loaded or unloaded, not Windows' own, not a
 * crash-time copy, not one that only passes a crash on. @p ret_why_not (may be NULL) says why. */
bool may_be_culprit(const struct analysis *a, const struct module *module,
		    const char **ret_why_not);

/* Name for a person: "csagent.sys (CrowdStrike Falcon sensor)". */
char *module_title(const struct analysis *a, const struct module *module);

/* The module an address lies in, loaded first; NULL if none. @p ret_unloaded may be NULL. */
const struct module *module_of(const struct dump *dump, uint64_t address, bool *ret_unloaded);

/* The part of the stack that was in use where the recovered registers stand: from their stack
 * pointer up, on whichever stack that is; the saved stack if they point nowhere. */
struct stack_span {
	uint64_t low, high; /* [low, high), at most LIMIT_STACK */
};
struct stack_span live_stack(const struct analysis *a);

/* All of the saved stack, at most LIMIT_STACK of it. */
struct stack_span saved_stack(const struct dump *dump);

typedef struct incident_match *(*incident_matcher)(struct analysis *a, const struct incident *in);
/* Keeps the best match among @p incidents. @p err is what came of looking for them; it is
 * destroyed: a rule that cannot be read is told, but must not cost the verdict. */
void take_incident(struct analysis *a, struct error *err, const struct list *incidents,
		   incident_matcher match);

/* A 64-bit (32-bit on x86) pointer at @p address. */
bool read_pointer(const struct dump *dump, uint64_t address, uint64_t *ret);
unsigned pointer_size(const struct dump *dump);
/* Hexadecimal digits; NULL without memory. */
const char *hex_text(struct arena *arena, const uint8_t *bytes, size_t size);

enum { BAD_POINTERS_MAX = 4 };

/* Values that were used as a pointer and are none: the address that faulted and the registers it
 * was made of. Small ones prove nothing and are left out. */
unsigned bad_pointers(const struct analysis *a, uint64_t values[BAD_POINTERS_MAX]);

/* "s" unless @p n is 1. */
const char *plural(uint64_t n);

#endif
