/* An address space made of pieces: the stack, data blocks, processor and process areas of a small
 * dump. Pieces may overlap and come in any order; where they overlap the one added first counts.
 * A read may span pieces that touch. "Not in this dump" is an ordinary answer. */
#ifndef CULPRIT_SPACE_H
#define CULPRIT_SPACE_H

#include "arena.h"

#include <stdbool.h>
#include <stdint.h>

/* What a piece is: it decides how much a value found in it says about the fault. */
enum piece_kind {
	PIECE_STACK,       /* stack of the thread that crashed */
	PIECE_OTHER_STACK, /* stack of another processor's thread */
	PIECE_PROCESSOR,   /* processor control block */
	PIECE_PROCESS,
	PIECE_THREAD,
	PIECE_DEBUGGER, /* debugger data block */
	PIECE_DATA,     /* memory around pointers the crashing context held */
};

struct range {
	uint64_t address, size;
	const uint8_t *data;
	uint64_t file_offset; /* of data[0] in the evidence */
	enum piece_kind kind;
};

struct space;

struct space *space_create(struct arena *arena);
/* Adds a piece; @p data must live as long as the space. Empty and wrapping pieces are ignored, as
 * are those beyond LIMIT_PIECES. Not allowed after space_seal(). */
void space_add(struct space *space, uint64_t address, uint64_t size, const uint8_t *data,
	       uint64_t file_offset, enum piece_kind kind);
/* Sorts and cuts the pieces; reading works from then on. False without memory. */
bool space_seal(struct space *space);

/* Memory that is read when it is asked for. @p fetch returns the @p page_size bytes at @p page (a
 * multiple of it, a power of two), which stay valid until the next call, or NULL if they are not in
 * the dump. Pieces come first, and space_ranges() and space_runs() know pieces only. */
typedef const uint8_t *(*space_fetch)(void *context, uint64_t page);
void space_set_fetch(struct space *space, space_fetch fetch, void *context, unsigned page_size);

/* Whether there is a byte at @p address. */
bool space_has(const struct space *space, uint64_t address);

/* Ranges in ascending order, without overlap. */
size_t space_ranges(const struct space *space, const struct range **ret);
/* The range that holds @p address, or NULL. */
const struct range *space_find(const struct space *space, uint64_t address);

/* The same memory for searches: ranges that touch are joined into one piece of bytes each, so that
 * no search stops at a seam, and stretches of zeros of 64 KiB and more are left out. Made once, at
 * the first call; 0 without memory. */
size_t space_runs(struct space *space, const struct range **ret);
/* The bytes of all runs in one buffer, in their order, with SPACE_GAP zeros between two: their
 * `data` points into it. NULL without memory. */
enum { SPACE_GAP = 64 };
const uint8_t *space_image(struct space *space, size_t *ret_size);

/* How many of @p size bytes could be copied from @p address on (0 if not even the first). */
size_t space_read_some(const struct space *space, uint64_t address, void *buffer, size_t size);
bool space_read(const struct space *space, uint64_t address, void *buffer, size_t size);
bool space_u16(const struct space *space, uint64_t address, uint16_t *ret);
bool space_u32(const struct space *space, uint64_t address, uint32_t *ret);
bool space_u64(const struct space *space, uint64_t address, uint64_t *ret);

#endif
