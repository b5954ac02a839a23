#include "page_walk.h"

#include <string.h>
#include <time.h>

enum {
	BLOCK = 4 << 20,
	OVERLAP = 64 << 10, /* the longest match that is sure to be found where blocks meet */
	PAGE = 4096,
	BLOCKS_MAX = 1 << 20,
};

struct block {
	uint64_t base, physical, size; /* place in the row; where its first piece begins */
};

struct page_walk {
	const struct dump *dump;
	struct list blocks; /* struct block, ascending */
	size_t at;          /* of the iterator */
	uint8_t *buffer;
	size_t loaded; /* index of the block in the buffer; SIZE_MAX none */
	uint64_t next_base, next_physical, done;
	bool ended;
	struct timespec start;
	unsigned seconds, most_seconds;
	YR_MEMORY_BLOCK_ITERATOR iterator;
	YR_MEMORY_BLOCK current;
};

static bool is_over(const struct page_walk *w, unsigned seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - w->start.tv_sec - (now.tv_nsec < w->start.tv_nsec) >= (time_t)seconds;
}

/* A piece of a block: `offset` is its place in it. */
struct piece {
	uint64_t offset, physical, size;
	bool goes_on; /* behind the block */
};

/* The piece behind @p p, or the first one if its size is 0; false if the block is full or nothing
 * is left. */
static bool next_piece(const struct page_walk *w, struct piece *p)
{
	uint64_t offset = p->size ? p->offset + p->size + SPACE_GAP : 0, start, size;

	if (p->goes_on || offset + PAGE > BLOCK ||
	    !w->dump->ops->next_memory(w->dump, p->physical + p->size, &start, &size))
		return false;
	uint64_t room = (BLOCK - offset) & ~(uint64_t)(PAGE - 1);
	*p = (struct piece){offset, start, size < room ? size : room, size > room};
	return true;
}

static void read_piece(const struct page_walk *w, const struct piece *p)
{
	uint8_t *to = w->buffer + p->offset;

	if (w->dump->ops->read_physical(w->dump, p->physical, to, p->size))
		return;
	for (uint64_t done = 0; done < p->size; done += PAGE) {
		uint64_t part = p->size - done < PAGE ? p->size - done : PAGE;
		if (!w->dump->ops->read_physical(w->dump, p->physical + done, to + done, part))
			memset(to + done, 0, part);
	}
}

/* Adds the block that begins where the last one ended. */
static bool add_block(struct page_walk *w)
{
	struct block b = {w->next_base, w->next_physical, 0};
	struct piece p = {.physical = b.physical};

	while (next_piece(w, &p)) {
		b.size = p.offset + p.size;
		w->done += p.size;
	}
	if (b.size == 0)
		return false;
	uint64_t again = !p.goes_on ? 0 : p.size < OVERLAP ? p.size : OVERLAP;
	w->done -= again;
	w->next_physical = p.physical + p.size - again;
	w->next_base = b.base + b.size + (p.goes_on ? 0 : SPACE_GAP) - again;
	*(struct block *)list_add(&w->blocks) = b;
	return !w->blocks.overflowed;
}

static const uint8_t *fetch(YR_MEMORY_BLOCK *self)
{
	struct page_walk *w = self->context;
	const struct block *b = list_at(&w->blocks, w->at);
	struct piece p = {.physical = b->physical};

	if (w->loaded == w->at)
		return w->buffer;
	if (is_over(w, w->most_seconds))
		return NULL;
	memset(w->buffer, 0, BLOCK);
	while (next_piece(w, &p))
		read_piece(w, &p);
	w->loaded = w->at;
	return w->buffer;
}

static YR_MEMORY_BLOCK *block_at(struct page_walk *w, size_t index)
{
	if (index == w->blocks.count && !w->ended)
		w->ended = is_over(w, w->seconds) || !add_block(w);
	const struct block *b = list_at(&w->blocks, index);
	if (!b)
		return NULL;
	w->at = index;
	w->current = (YR_MEMORY_BLOCK){b->size, b->base, w, fetch};
	return &w->current;
}

static YR_MEMORY_BLOCK *first(YR_MEMORY_BLOCK_ITERATOR *self)
{
	return block_at(self->context, 0);
}

static YR_MEMORY_BLOCK *next(YR_MEMORY_BLOCK_ITERATOR *self)
{
	struct page_walk *w = self->context;

	return block_at(w, w->at + 1);
}

struct page_walk *page_walk_create(const struct dump *dump, struct arena *arena, unsigned seconds,
				   unsigned most_seconds)
{
	struct page_walk *w = arena_alloc(arena, 1, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct page_walk){.dump = dump,
				.loaded = SIZE_MAX,
				.seconds = seconds,
				.most_seconds = most_seconds,
				.buffer = arena_alloc(arena, 1, BLOCK)};
	list_init(&w->blocks, arena, sizeof(struct block), BLOCKS_MAX);
	w->iterator = (YR_MEMORY_BLOCK_ITERATOR){.context = w, .first = first, .next = next};
	clock_gettime(CLOCK_MONOTONIC, &w->start);
	return w->buffer ? w : NULL;
}

YR_MEMORY_BLOCK_ITERATOR *page_walk_iterator(struct page_walk *walk)
{
	return &walk->iterator;
}

/* The last block that begins at or before @p offset. */
static const struct block *find_block(const struct page_walk *w, uint64_t offset)
{
	size_t low = 0, high = w->blocks.count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct block *b = list_at(&w->blocks, mid);
		if (b->base <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? list_at(&w->blocks, low - 1) : NULL;
}

bool page_walk_place(const struct page_walk *walk, uint64_t offset, uint64_t *ret_physical,
		     uint64_t *ret_left)
{
	const struct block *b = find_block(walk, offset);
	struct piece p = {.physical = b ? b->physical : 0};

	while (b && next_piece(walk, &p)) {
		uint64_t at = offset - b->base;
		if (at < p.offset)
			return false;
		if (at - p.offset >= p.size)
			continue;
		*ret_physical = p.physical + (at - p.offset);
		*ret_left = p.size - (at - p.offset);
		return true;
	}
	return false;
}

void page_walk_progress(const struct page_walk *walk, uint64_t *ret_done, uint64_t *ret_all)
{
	uint64_t from = 0, start, size;

	*ret_done = walk->done;
	*ret_all = 0;
	for (; walk->dump->ops->next_memory(walk->dump, from, &start, &size); from = start + size) {
		*ret_all += size;
		if (is_over(walk, walk->most_seconds))
			break;
	}
}
