/* Errors are values. A function that can fail returns `struct error *`: NULL is success, anything
 * else is owned by the caller, who either returns it further up or destroys it. They are printed
 * once, by cmd/. Outputs are the last parameters, named `ret`, and untouched on failure. */
#ifndef CULPRIT_ERRORS_H
#define CULPRIT_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

enum error_kind {
	ERROR_NOMEM,        /* memory or the arena's budget is used up */
	ERROR_IO,           /* the operating system said no (errno text in the message) */
	ERROR_NOT_EVIDENCE, /* the input is not anything culprit knows how to read */
	ERROR_ZERO_FILLED,  /* every byte is zero: evidence that never reached the disk */
	ERROR_BAD_DATA,     /* recognised, but its structure contradicts itself */
	ERROR_TRUNCATED,    /* recognised, but it ends too early */
	ERROR_UNSUPPORTED,  /* recognised, sound, and of a kind this version does not read */
	ERROR_LIMIT,        /* a ceiling of ceilings.h was reached */
	ERROR_RULES,        /* a rule file is invalid */
	ERROR_USAGE,        /* the person asked for something impossible */
	ERROR_CRASHED,      /* the process that read the evidence died */
};

struct error {
	enum error_kind kind;
	bool has_offset;
	uint64_t offset; /* byte offset in the evidence, when has_offset */
	char *message;   /* one sentence, no final newline; text from evidence is already escaped */
};

/* Returns a new error, never NULL (a static out-of-memory error if allocation fails). */
struct error *error_create(enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));

/* As error_create, remembering @p offset, a byte offset in the evidence. */
struct error *error_at(enum error_kind kind, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4), returns_nonnull));

/* Puts "TEXT: " before the message of @p err and returns it; a NULL @p err stays NULL. */
struct error *error_prepend(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Accepts NULL. */
void error_destroy(struct error *err);

/* The stable word of a kind as it stands in JSON problems: "truncated", "unsupported" ... */
const char *error_kind_name(enum error_kind kind);

#endif
