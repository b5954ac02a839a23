#include "cursor.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

struct cursor cursor_make(const void *data, uint64_t size, uint64_t origin, const char *what)
{
	return (struct cursor){.data = data, .size = size, .origin = origin, .what = what};
}

struct cursor cursor_slice(const struct cursor *c, uint64_t offset, uint64_t length,
			   const char *what)
{
	if (offset <= c->size && length <= c->size - offset)
		return cursor_make(c->data + offset, length, c->origin + offset, what);
	struct cursor none = cursor_make(c->data, 0, c->origin + offset, what);
	none.failed = true;
	none.failed_at = c->origin + (offset < c->size ? c->size : offset);
	return none;
}

uint64_t cursor_left(const struct cursor *c)
{
	return c->size - c->pos;
}

static bool fail(struct cursor *c, uint64_t pos)
{
	if (!c->failed) {
		c->failed = true;
		c->failed_at = c->origin + pos;
	}
	return false;
}

bool cursor_seek(struct cursor *c, uint64_t pos)
{
	if (pos > c->size)
		return fail(c, pos);
	c->pos = pos;
	return true;
}

bool cursor_skip(struct cursor *c, uint64_t count)
{
	if (count > cursor_left(c))
		return fail(c, c->pos);
	c->pos += count;
	return true;
}

/* Little-endian bytes to a number. Inlined for each width: this is where culprit spends its time.
 */
static inline __attribute__((always_inline)) uint64_t get(struct cursor *c, uint64_t pos,
							  unsigned width)
{
	uint64_t value = 0;

	if (pos > c->size || width > c->size - pos) {
		fail(c, pos);
		return 0;
	}
	memcpy(&value, c->data + pos, width);
	return le64toh(value);
}

static inline __attribute__((always_inline)) uint64_t next(struct cursor *c, unsigned width)
{
	uint64_t value = get(c, c->pos, width);

	if (width <= cursor_left(c))
		c->pos += width;
	return value;
}

uint8_t cursor_u8(struct cursor *c)
{
	return (uint8_t)next(c, 1);
}

uint16_t cursor_u16(struct cursor *c)
{
	return (uint16_t)next(c, 2);
}

uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)next(c, 4);
}

uint64_t cursor_u64(struct cursor *c)
{
	return next(c, 8);
}

uint8_t cursor_u8_at(struct cursor *c, uint64_t pos)
{
	return (uint8_t)get(c, pos, 1);
}

uint16_t cursor_u16_at(struct cursor *c, uint64_t pos)
{
	return (uint16_t)get(c, pos, 2);
}

uint32_t cursor_u32_at(struct cursor *c, uint64_t pos)
{
	return (uint32_t)get(c, pos, 4);
}

uint64_t cursor_u64_at(struct cursor *c, uint64_t pos)
{
	return get(c, pos, 8);
}

const uint8_t *cursor_bytes(struct cursor *c, uint64_t count)
{
	if (count > cursor_left(c)) {
		fail(c, c->pos);
		return NULL;
	}
	const uint8_t *bytes = c->data + c->pos;
	c->pos += count;
	return bytes;
}

bool cursor_fits(const struct cursor *c, uint64_t count, uint64_t size)
{
	uint64_t bytes;

	return !__builtin_mul_overflow(count, size, &bytes) && bytes <= cursor_left(c);
}

struct error *cursor_error(const struct cursor *c)
{
	if (!c->failed)
		return NULL;
	return error_at(ERROR_TRUNCATED, c->failed_at,
			"the %s ends before it is complete (at offset 0x%" PRIx64 ")", c->what,
			c->failed_at);
}
