/* Memory of one dump's model and report: allocated piece by piece, freed at once, with a ceiling.
 *
 * Running out is sticky: arena_alloc() returns NULL, arena_failed() is true from then on, and the
 * string helpers return "" so that code which only builds text needs no check of its own. Whoever
 * runs a chain of such calls asks arena_failed() once at its end. */
#ifndef CULPRIT_ARENA_H
#define CULPRIT_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* An arena that gives out at most @p ceiling bytes; NULL when memory is short. */
struct arena *arena_create(uint64_t ceiling);
void arena_destroy(struct arena *arena);

/* Zeroed, aligned for any object, @p count * @p size checked for overflow; NULL when used up. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args);
bool arena_failed(const struct arena *arena);

/* A growing list of elements of one size in an arena.
 *
 *     struct list frames;                       // of struct frame
 *     list_init(&frames, arena, sizeof(struct frame), LIMIT_FRAMES);
 *     struct frame *f = list_add(&frames);      // zeroed; never NULL
 *
 * list_add() on a full list, or without memory, returns a scratch element that is not part of the
 * list and sets `overflowed`: evidence can then never make the caller crash, only lose the rest. */
struct list {
	struct arena *arena;
	void *items;
	size_t count, capacity, limit, item_size;
	void *scratch;
	bool overflowed;
};
void list_init(struct list *list, struct arena *arena, size_t item_size, size_t limit);
void *list_add(struct list *list) __attribute__((returns_nonnull));
void *list_at(const struct list *list, size_t index); /* NULL beyond the end */

#define LIST_EACH(type, var, list)                                                                 \
	for (type *var = (list)->items;                                                            \
	     (size_t)((const char *)var - (const char *)(list)->items) <                           \
	     (list)->count * sizeof(*var);                                                         \
	     var++)

#endif
