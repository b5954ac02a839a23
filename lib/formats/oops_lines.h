/* Parts of an oops's lines; the inside of oops.c. All work on safe text, keep nothing of it that is
 * not copied to the arena, and return false on what they do not know. */
#ifndef CULPRIT_OOPS_LINES_H
#define CULPRIT_OOPS_LINES_H

#include "oops.h"

/* Whether *@p p begins with @p word; then *@p p is moved behind it. */
bool line_skip(const char **p, const char *word);
void line_skip_blanks(const char **p);
/* Digits at *@p p, which is moved behind them; hexadecimal with or without 0x. */
bool line_decimal(const char **p, uint64_t *ret);
bool line_hexadecimal(const char **p, uint64_t *ret);

/* As oops_place_parse(), with what older kernels put around it: "[<ffffffffa0123456>] ". *ret_rest
 * (may be NULL) is what follows. */
bool line_place(struct arena *arena, const char *text, struct oops_place *ret,
		const char **ret_rest);

/* "RAX: 0 RBX: 1 ...", "x29: 0 x28: 1", "EAX: ...", "CS: ... CR0: ...": true if at least one
 * register of the event's set was in it. */
bool line_registers(const char *text, struct oops *event);
/* Code bytes; @p text is what follows "Code:". */
void line_code(struct arena *arena, const char *text, struct oops *event);
/* What follows "Modules linked in:". */
void line_modules(struct arena *arena, const char *text, struct oops *event);
/* "CPU: 0 PID: 122 Comm: x Tainted: P OE 6.1.0 #1 ..." and its forms since 2.6. */
bool line_task(struct arena *arena, const char *text, struct oops *event);
/* "Tainted: P  OE  RELEASE #1 ..." or "Not tainted RELEASE ...". */
bool line_taint(struct arena *arena, const char *text, struct oops *event);
/* Splits "VENDOR PRODUCT/BOARD, BIOS VERSION DATE". */
void line_hardware(struct arena *arena, const char *text, const char **ret_vendor,
		   const char **ret_product, const char **ret_bios);

/* The event that @p text announces: kind, address and what else the line says go to @p event, which
 * is empty. False if it announces none. */
bool line_headline(struct arena *arena, const char *text, struct oops *event);
/* The kind of event that a panic's reason speaks of. */
enum oops_kind oops_kind_of_panic(const char *reason);

enum { OOPS_BOOTS_MAX = 64 }; /* of one console log that are told apart, the last ones */

/* What the boots in a log said. */
struct oops_boots {
	size_t first_event[OOPS_BOOTS_MAX]; /* how many events were before each "Linux version" */
	size_t count;
	const char *hardware; /* what follows "DMI:" */
	enum arch arch;
};

/* Fills in everything of @p out but its events, and what the events can say of each other. */
void oops_conclude(struct oops_log *out, struct arena *arena, const struct oops_boots *boots);

#endif
