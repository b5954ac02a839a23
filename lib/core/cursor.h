/* The only way to read bytes of evidence.
 *
 * A cursor is a position in a slice of evidence. Reading past the slice's end gives zeros, sets
 * `failed` and remembers where: a parser reads a whole record and asks cursor_error() once. All
 * values are little-endian, whatever their alignment. */
#ifndef CULPRIT_CURSOR_H
#define CULPRIT_CURSOR_H

#include "errors.h"

#include <stddef.h>

struct cursor {
	const uint8_t *data;
	uint64_t size;
	uint64_t pos;
	uint64_t origin;  /* offset of data[0] in the evidence, for messages */
	const char *what; /* what the slice is: "driver list" */
	bool failed;
	uint64_t failed_at; /* offset in the evidence of the first read that did not fit */
};

struct cursor cursor_make(const void *data, uint64_t size, uint64_t origin, const char *what);

/* A cursor over [offset, offset+length) of @p c. If that does not lie inside, the result is empty
 * and already failed. @p c itself does not move and does not fail. */
struct cursor cursor_slice(const struct cursor *c, uint64_t offset, uint64_t length,
			   const char *what);

uint64_t cursor_left(const struct cursor *c);
bool cursor_seek(struct cursor *c, uint64_t pos); /* false (and failed) beyond the end */
bool cursor_skip(struct cursor *c, uint64_t count);

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);

/* Values at an absolute position of the slice; the position does not move. */
uint8_t cursor_u8_at(struct cursor *c, uint64_t pos);
uint16_t cursor_u16_at(struct cursor *c, uint64_t pos);
uint32_t cursor_u32_at(struct cursor *c, uint64_t pos);
uint64_t cursor_u64_at(struct cursor *c, uint64_t pos);

/* @p count bytes at the position, which moves; NULL (and failed) if fewer remain. */
const uint8_t *cursor_bytes(struct cursor *c, uint64_t count);

/* Whether @p count elements of @p size bytes still fit: ask before allocating for them. */
bool cursor_fits(const struct cursor *c, uint64_t count, uint64_t size);

/* NULL if every read so far was inside, else a new ERROR_TRUNCATED that names the slice. */
struct error *cursor_error(const struct cursor *c);

#endif
