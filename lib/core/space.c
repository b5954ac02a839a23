#include "space.h"

#include "ceilings.h"

#include <stdlib.h>
#include <string.h>

/* Memory is searched without its long stretches of zeros, of which a dump may be full. */
enum { ZERO_BLOCK = 4096, ZERO_STRETCH = 16 * ZERO_BLOCK };

struct space {
	struct arena *arena;
	struct list pieces;   /* struct range, in order of addition */
	struct range *ranges; /* sorted, cut: no two overlap */
	size_t count;
	struct range *runs; /* what is searched; NULL until asked for */
	size_t run_count;
	uint8_t *image; /* the bytes of the runs, with gaps between them */
	size_t image_size;
	space_fetch fetch; /* NULL: all there is, is in the pieces */
	void *fetch_context;
	unsigned page_size;
};

struct space *space_create(struct arena *arena)
{
	struct space *space = arena_alloc(arena, 1, sizeof(*space));

	if (!space)
		return NULL;
	space->arena = arena;
	list_init(&space->pieces, arena, sizeof(struct range), LIMIT_PIECES);
	return space;
}

void space_add(struct space *space, uint64_t address, uint64_t size, const uint8_t *data,
	       uint64_t file_offset, enum piece_kind kind)
{
	if (size == 0 || address + size < address)
		return;
	struct range *piece = list_add(&space->pieces);
	*piece = (struct range){address, size, data, file_offset, kind};
}

/* A border where a piece begins or ends; `piece` is its rank in order of addition. */
struct border {
	uint64_t address;
	uint32_t piece;
	bool end;
};

static int border_compare(const void *a, const void *b)
{
	const struct border *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* A heap of the pieces that are open at the sweep's position, the first added on top. */
struct open {
	uint32_t *heap;
	size_t count;
};

static void open_push(struct open *open, uint32_t piece)
{
	size_t i = open->count++;

	for (; i > 0 && open->heap[(i - 1) / 2] > piece; i = (i - 1) / 2)
		open->heap[i] = open->heap[(i - 1) / 2];
	open->heap[i] = piece;
}

static void open_pop(struct open *open)
{
	uint32_t last = open->heap[--open->count];
	size_t i = 0;

	for (size_t child; (child = 2 * i + 1) < open->count; i = child) {
		if (child + 1 < open->count && open->heap[child + 1] < open->heap[child])
			child++;
		if (last <= open->heap[child])
			break;
		open->heap[i] = open->heap[child];
	}
	open->heap[i] = last;
}

/* Adds [from, to) of @p piece; continues the range before where it is the same piece. */
static void emit(struct space *space, const struct range *piece, uint64_t from, uint64_t to)
{
	uint64_t skip = from - piece->address;
	struct range *last = space->count ? &space->ranges[space->count - 1] : NULL;

	if (last && last->kind == piece->kind && last->address + last->size == from &&
	    last->data + last->size == piece->data + skip) {
		last->size += to - from;
		return;
	}
	space->ranges[space->count++] = (struct range){from, to - from, piece->data + skip,
						       piece->file_offset + skip, piece->kind};
}

bool space_seal(struct space *space)
{
	const struct range *pieces = space->pieces.items;
	size_t n = space->pieces.count;
	struct border *borders = arena_alloc(space->arena, 2 * n + 1, sizeof(*borders));
	struct open open = {arena_alloc(space->arena, n + 1, sizeof(uint32_t)), 0};

	space->ranges = arena_alloc(space->arena, 2 * n + 1, sizeof(*space->ranges));
	if (!borders || !open.heap || !space->ranges)
		return false;
	for (size_t i = 0; i < n; i++) {
		borders[2 * i] = (struct border){pieces[i].address, (uint32_t)i, false};
		borders[2 * i + 1] =
			(struct border){pieces[i].address + pieces[i].size, (uint32_t)i, true};
	}
	qsort(borders, 2 * n, sizeof(*borders), border_compare);
	/* Sweep upwards; between two borders the open piece that was added first owns the bytes. */
	for (size_t i = 0; i < 2 * n;) {
		uint64_t here = borders[i].address;
		for (; i < 2 * n && borders[i].address == here; i++)
			if (!borders[i].end)
				open_push(&open, borders[i].piece);
		while (open.count &&
		       pieces[open.heap[0]].address + pieces[open.heap[0]].size <= here)
			open_pop(&open);
		if (open.count && i < 2 * n)
			emit(space, &pieces[open.heap[0]], here, borders[i].address);
	}
	return true;
}

size_t space_ranges(const struct space *space, const struct range **ret)
{
	*ret = space->ranges;
	return space->count;
}

/* Length of the zeros at the beginning of @p data, in whole blocks. */
static size_t zeros(const uint8_t *data, size_t size)
{
	static const uint8_t nothing[ZERO_BLOCK];
	size_t length = 0;

	while (size - length >= ZERO_BLOCK && memcmp(data + length, nothing, ZERO_BLOCK) == 0)
		length += ZERO_BLOCK;
	return length;
}

/* Where the next part to search of @p r ends that begins at @p from, and how many zeros follow it
 * that are not worth a search. */
static size_t part_end(const struct range *r, size_t from, size_t *ret_skipped)
{
	for (size_t at = from; at < r->size; at += ZERO_BLOCK) {
		size_t length = zeros(r->data + at, r->size - at);
		if (length >= ZERO_STRETCH) {
			*ret_skipped = length;
			return at;
		}
		at += length;
	}
	*ret_skipped = 0;
	return r->size;
}

/* Copies [from, to) of @p r behind what is there, after a gap where addresses do not go on. */
static void append(struct space *space, const struct range *r, size_t from, size_t to)
{
	struct range *last = space->run_count ? &space->runs[space->run_count - 1] : NULL;

	if (!last || last->address + last->size != r->address + from) {
		space->image_size += space->run_count ? SPACE_GAP : 0;
		last = &space->runs[space->run_count++];
		*last = (struct range){r->address + from, 0, space->image + space->image_size,
				       r->file_offset + from, r->kind};
	}
	memcpy(space->image + space->image_size, r->data + from, to - from);
	space->image_size += to - from;
	last->size += to - from;
}

static void join(struct space *space)
{
	size_t total = 0, parts = 0;

	for (size_t i = 0; i < space->count; i++) {
		total += space->ranges[i].size + SPACE_GAP;
		parts += 1 + space->ranges[i].size / ZERO_STRETCH;
	}
	space->runs = arena_alloc(space->arena, parts + 1, sizeof(*space->runs));
	space->image = arena_alloc(space->arena, total + 1, 1);
	for (size_t i = 0; space->runs && space->image && i < space->count; i++) {
		const struct range *r = &space->ranges[i];
		for (size_t from = 0, to, skipped; from < r->size; from = to + skipped) {
			to = part_end(r, from, &skipped);
			if (to > from)
				append(space, r, from, to);
		}
	}
}

size_t space_runs(struct space *space, const struct range **ret)
{
	if (!space->runs)
		join(space);
	*ret = space->runs;
	return space->run_count;
}

const uint8_t *space_image(struct space *space, size_t *ret_size)
{
	const struct range *runs;

	space_runs(space, &runs);
	*ret_size = space->image_size;
	return space->image;
}

const struct range *space_find(const struct space *space, uint64_t address)
{
	size_t low = 0, high = space->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct range *r = &space->ranges[mid];
		if (address < r->address)
			high = mid;
		else if (address - r->address >= r->size)
			low = mid + 1;
		else
			return r;
	}
	return NULL;
}

void space_set_fetch(struct space *space, space_fetch fetch, void *context, unsigned page_size)
{
	space->fetch = fetch;
	space->fetch_context = context;
	space->page_size = page_size;
}

/* How many of @p size bytes at @p address the pieces have. */
static size_t read_pieces(const struct space *space, uint64_t address, void *buffer, size_t size)
{
	const struct range *r = space_find(space, address), *end = space->ranges + space->count;
	size_t done = 0;

	for (; r && r < end && done < size && address + done - r->address < r->size; r++) {
		uint64_t skip = address + done - r->address;
		size_t part = r->size - skip < size - done ? (size_t)(r->size - skip) : size - done;
		memcpy((char *)buffer + done, r->data + skip, part);
		done += part;
	}
	return done;
}

/* The part of one page that a read wants; 0 if the page is not in the dump. */
static size_t read_page(const struct space *space, uint64_t address, void *buffer, size_t size)
{
	uint64_t skip = address & (space->page_size - 1);
	size_t part = space->page_size - skip < size ? (size_t)(space->page_size - skip) : size;
	const uint8_t *page = space->fetch(space->fetch_context, address - skip);

	if (page)
		memcpy(buffer, page + skip, part);
	return page ? part : 0;
}

size_t space_read_some(const struct space *space, uint64_t address, void *buffer, size_t size)
{
	size_t done = space->count ? read_pieces(space, address, buffer, size) : 0;

	while (space->fetch && done < size && address + done >= address) {
		size_t part = read_page(space, address + done, (char *)buffer + done, size - done);
		if (part == 0)
			break;
		done += part;
	}
	return done;
}

bool space_has(const struct space *space, uint64_t address)
{
	uint8_t byte;

	return space_read_some(space, address, &byte, 1) == 1;
}

bool space_read(const struct space *space, uint64_t address, void *buffer, size_t size)
{
	return space_read_some(space, address, buffer, size) == size;
}

static bool number(const struct space *space, uint64_t address, unsigned width, uint64_t *ret)
{
	uint8_t bytes[8];
	uint64_t value = 0;

	if (!space_read(space, address, bytes, width))
		return false;
	for (unsigned i = 0; i < width; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	*ret = value;
	return true;
}

bool space_u16(const struct space *space, uint64_t address, uint16_t *ret)
{
	uint64_t value;

	if (!number(space, address, 2, &value))
		return false;
	*ret = (uint16_t)value;
	return true;
}

bool space_u32(const struct space *space, uint64_t address, uint32_t *ret)
{
	uint64_t value;

	if (!number(space, address, 4, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool space_u64(const struct space *space, uint64_t address, uint64_t *ret)
{
	return number(space, address, 8, ret);
}
