#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16, CHUNK = 256 * 1024 };

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(ALIGNMENT) unsigned char bytes[];
};

struct arena {
	struct chunk *chunks;
	uint64_t given, ceiling;
	bool failed;
};

struct arena *arena_create(uint64_t ceiling)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->ceiling = ceiling;
	return arena;
}

void arena_destroy(struct arena *arena)
{
	if (!arena)
		return;
	for (struct chunk *c = arena->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(arena);
}

static struct chunk *chunk_add(struct arena *arena, size_t need)
{
	size_t size = need > CHUNK ? need : CHUNK;
	struct chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	size_t bytes, padded;

	if (__builtin_mul_overflow(count, size, &bytes) ||
	    __builtin_add_overflow(bytes, ALIGNMENT - 1, &padded))
		goto fail;
	padded &= ~(size_t)(ALIGNMENT - 1);
	if (padded == 0)
		padded = ALIGNMENT;
	if (padded > arena->ceiling - arena->given)
		goto fail;
	struct chunk *chunk = arena->chunks;
	if (!chunk || chunk->size - chunk->used < padded)
		chunk = chunk_add(arena, padded);
	if (!chunk)
		goto fail;
	void *result = chunk->bytes + chunk->used;
	chunk->used += padded;
	arena->given += padded;
	return result;
fail:
	arena->failed = true;
	return NULL;
}

bool arena_failed(const struct arena *arena)
{
	return arena->failed;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1, 1);

	if (!copy)
		return (char *)"";
	memcpy(copy, text, length);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1, 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text ? text : (char *)"";
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

void list_init(struct list *list, struct arena *arena, size_t item_size, size_t limit)
{
	*list = (struct list){.arena = arena, .item_size = item_size, .limit = limit};
	/* Allocated up front: list_add() must have something to return when nothing is left. */
	list->scratch = arena_alloc(arena, 1, item_size);
}

static bool list_grow(struct list *list)
{
	size_t capacity = list->capacity ? list->capacity * 2 : 8;

	if (capacity > list->limit)
		capacity = list->limit;
	void *items = arena_alloc(list->arena, capacity, list->item_size);
	if (!items)
		return false;
	if (list->count)
		memcpy(items, list->items, list->count * list->item_size);
	list->items = items;
	list->capacity = capacity;
	return true;
}

/* Where list_add() points when even the scratch element could not be had. */
static _Alignas(ALIGNMENT) unsigned char last_resort[4096];

void *list_add(struct list *list)
{
	if (list->count >= list->limit || (list->count == list->capacity && !list_grow(list))) {
		list->overflowed = true;
		void *scratch = list->scratch ? list->scratch : last_resort;
		return memset(scratch, 0, list->item_size);
	}
	return (char *)list->items + list->count++ * list->item_size;
}

void *list_at(const struct list *list, size_t index)
{
	return index < list->count ? (char *)list->items + index * list->item_size : NULL;
}
