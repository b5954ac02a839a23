#include "reach.h"

#include "ceilings.h"
#include "linux_support.h"
#include "support.h"

#include <inttypes.h>
#include <stdlib.h>

enum { STEP_WORDS = 32, POINTERS_MAX = 1 << 20 };

struct pointer {
	uint64_t value;
	struct reach reach;
};

struct reach_map {
	struct list pointers; /* struct pointer, sorted by value */
};

static void add(struct reach_map *map, uint64_t value, enum reach_kind kind, uint64_t from, int reg)
{
	struct pointer *p = list_add(&map->pointers);

	*p = (struct pointer){value, {kind, from, reg}};
}

/* The words of memory one step behind @p value, as one kind. */
static void step(const struct analysis *a, struct reach_map *map, uint64_t value)
{
	const struct dump *d = a->dump;
	unsigned width = pointer_size(d);
	uint64_t word;

	if (value % width || module_of(d, value, NULL) ||
	    (value >= d->stack_low && value - d->stack_low < d->stack_size) ||
	    !space_has(d->space, value))
		return;
	for (unsigned i = 0; i < STEP_WORDS; i++) {
		if (!read_pointer(d, value + i * width, &word))
			return;
		if (dump_is_kernel_address(d, word))
			add(map, word, REACH_INDIRECT, value + i * width, -1);
	}
}

/* A kernel's frames lie on one stack with those of the modules they serve. */
static enum reach_kind counted_as(const struct analysis *a, uint64_t slot, enum reach_kind kind)
{
	if (a->dump->os != OS_LINUX || kind == REACH_DEAD_STACK || linux_owner_of(a, slot))
		return kind;
	return REACH_BYSTANDER;
}

static void stack_words(const struct analysis *a, struct reach_map *map, struct stack_span span,
			enum reach_kind kind)
{
	uint64_t value;

	for (uint64_t at = span.low; at < span.high; at += pointer_size(a->dump)) {
		if (!read_pointer(a->dump, at, &value) || !dump_is_kernel_address(a->dump, value))
			continue;
		enum reach_kind counted = counted_as(a, at, kind);
		add(map, value, counted, at, -1);
		if (counted == REACH_STACK)
			step(a, map, value);
	}
}

static int compare(const void *a, const void *b)
{
	const struct pointer *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

static struct reach_map *build(const struct analysis *a)
{
	const struct dump *d = a->dump;
	const struct report *r = a->report;
	struct reach_map *map = arena_alloc(r->arena, 1, sizeof(*map));

	if (!map)
		return NULL;
	list_init(&map->pointers, r->arena, sizeof(struct pointer), POINTERS_MAX);
	for (unsigned i = 0; r->crash.has_context && i < REGISTERS_MAX; i++) {
		if (!(r->crash.context.known & (UINT32_C(1) << i)) ||
		    !dump_is_kernel_address(d, r->crash.context.r[i]))
			continue;
		enum reach_kind kind =
			counted_as(a, 0, r->crash.is_fault ? REACH_REGISTER : REACH_STACK);
		add(map, r->crash.context.r[i], kind, 0, (int)i);
		if (kind != REACH_BYSTANDER)
			step(a, map, r->crash.context.r[i]);
	}
	struct stack_span saved = saved_stack(d), live = live_stack(a);
	stack_words(a, map, live, REACH_STACK);
	if (live.low > saved.low && live.low < saved.high)
		saved.high = live.low;
	if (live.low != saved.low)
		stack_words(a, map, saved, REACH_DEAD_STACK);
	if (map->pointers.count)
		qsort(map->pointers.items, map->pointers.count, sizeof(struct pointer), compare);
	return map;
}

const struct reach_map *reach_map(struct analysis *a)
{
	if (!a->reach)
		a->reach = build(a);
	return a->reach;
}

struct reach reach_find(const struct reach_map *map, uint64_t address, uint64_t size)
{
	const struct pointer *p = map->pointers.items;
	size_t low = 0, high = map->pointers.count;
	struct reach best = {REACH_NONE, 0, -1};

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (p[mid].value < address)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < map->pointers.count && p[low].value - address < size; low++)
		if (p[low].reach.kind > best.kind)
			best = p[low].reach;
	return best;
}

void reach_each(const struct reach_map *map, void (*visit)(void *, uint64_t, struct reach),
		void *context)
{
	LIST_EACH(struct pointer, p, &map->pointers)
		visit(context, p->value, p->reach);
}

const char *reach_words(const struct analysis *a, const struct reach *reach)
{
	struct arena *arena = a->report->arena;

	switch (reach->kind) {
	case REACH_REGISTER:
		return arena_printf(arena, "register %s of the fault points at it",
				    register_name(a->dump->arch, (unsigned)reach->reg));
	case REACH_STACK:
		return reach->from ? arena_printf(arena,
						  "the crashing thread's stack points at it (at "
						  "0x%016" PRIx64 ")",
						  reach->from)
				   : "a register of the crash call points at it";
	case REACH_DEAD_STACK:
		return arena_printf(
			arena,
			"a word below the fault on the stack points at it (at 0x%016" PRIx64
			"), which may be left over",
			reach->from);
	case REACH_INDIRECT:
		return arena_printf(arena,
				    "memory that the crashing thread pointed at holds its address "
				    "(at 0x%016" PRIx64 ")",
				    reach->from);
	case REACH_BYSTANDER: return "only code that did not run for a third party points at it";
	case REACH_NONE: break;
	}
	return "nothing of the crashing thread points at it";
}
