/* Was the pointer that faulted an element of an array, which one, and is that one beyond its end?
 *
 * The code right before the fault (or before the call that faulted) tells where the pointer was
 * read from; that is only said when memory still holds the same pointer there. How many elements
 * the array has is known where a function on the stack, of the same module, fills it in a loop. */
#include "array.h"

#include "support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const double WEIGHT_BEYOND = 0.3, WEIGHT_ELEMENT = 0.05;

enum {
	LOOK_BACK = 64,      /* bytes of code before the fault */
	SHORTEST = 4,        /* of them that are worth decoding */
	FUNCTION_MAX = 4096, /* bytes of a function that are looked through */
	ELEMENTS_MAX = 256,  /* that are looked at before the one that faulted */
	OWN_FRAMES = 2,      /* the code that faulted, and what called it */
	FRAMES_MAX = 32,     /* whose functions are */
	STACK_WORDS = 1024,
	ARM64_BYTES = 4, /* of every instruction */
};

/* Decodes up to @p size bytes at @p address into @p ret, which has room for as many instructions;
 * @p ret_end gets where decoding ended. */
static size_t decode(const struct analysis *a, const uint8_t *bytes, size_t size, uint64_t address,
		     struct instruction *ret, uint64_t *ret_end)
{
	size_t count = 0, at = 0;

	for (; at < size; at += ret[count++].length) {
		if (instruction_decode(a->dump->arch, bytes + at, size - at, address + at, NULL,
				       &ret[count]))
			continue;
		if (a->dump->arch != ARCH_ARM64 || size - at < ARM64_BYTES)
			break;
		/* One that is not known here may do anything. */
		ret[count] = (struct instruction){.address = address + at,
						  .length = ARM64_BYTES,
						  .writes = UINT32_MAX,
						  .target = -1,
						  .source = -1};
	}
	*ret_end = address + at;
	return count;
}

/* Whether @p e is in memory and holds one of the pointers that faulted. */
static bool is_confirmed(const struct analysis *a, const struct element *e)
{
	uint64_t bad[BAD_POINTERS_MAX], value;
	unsigned count = bad_pointers(a, bad);

	if (e->size != pointer_size(a->dump) || !read_pointer(a->dump, e->address, &value))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (bad[i] == value)
			return true;
	return false;
}

/* The element that the code before @p end read. Where that code begins is not known: any beginning
 * will do from which decoding arrives at @p end, since memory has the last word. */
static bool element_before(const struct analysis *a, uint64_t end, struct element *ret)
{
	struct instruction code[LOOK_BACK];
	uint8_t bytes[LOOK_BACK];
	uint64_t stop;

	for (size_t back = LOOK_BACK; back >= SHORTEST; back--) {
		if (!space_read(a->dump->space, end - back, bytes, back))
			continue;
		size_t count = decode(a, bytes, back, end - back, code, &stop);
		for (size_t i = stop == end ? count : 0; i-- > 0;)
			if (array_element_read(code, count, i, &a->report->crash.context, ret) &&
			    is_confirmed(a, ret))
				return true;
	}
	return false;
}

/* Whether the code of frame @p f, or what it called, had @p object in hands: its address is in a
 * register of the fault or saved on the stack up to that frame, or the heap has one there. */
static bool is_in_hands(const struct analysis *a, const struct frame *f, uint64_t object)
{
	const struct registers *regs = &a->report->crash.context;
	struct stack_span live = live_stack(a);
	struct heap_object heap;
	uint64_t word;

	for (unsigned i = 0; i < REGISTERS_MAX; i++)
		if ((regs->known & (UINT32_C(1) << i)) && regs->r[i] == object)
			return true;
	for (unsigned i = 0; i < STACK_WORDS && live.low + 8 * (uint64_t)i < f->slot; i++)
		if (read_pointer(a->dump, live.low + 8 * (uint64_t)i, &word) && word == object)
			return true;
	return a->dump->ops->heap_object_at &&
	       a->dump->ops->heap_object_at(a->dump, object, &heap) && heap.address == object;
}

/* Room for one function's code, used again for the next. */
struct function {
	uint8_t bytes[FUNCTION_MAX];
	struct instruction code[FUNCTION_MAX];
};

/* How many elements of @p e's array the function of frame @p f fills, 0 unknown. */
static uint64_t filled_by(const struct analysis *a, const struct frame *f, const struct element *e,
			  struct function *room)
{
	const char *plus = f->symbol ? strrchr(f->symbol, '+') : NULL;
	uint64_t size = plus ? strtoull(plus + 1, NULL, 16) : 0, stop;
	struct array_fill fill;

	if (size == 0 || size > FUNCTION_MAX || f->trust == TRUST_SCAN)
		return 0;
	if (!space_read(a->dump->space, f->address - size, room->bytes, size))
		return 0;
	size_t count = decode(a, room->bytes, size, f->address - size, room->code, &stop);
	for (size_t i = 0; i < count; i++)
		/* At its object's beginning any array would look the same. */
		if (array_filled(room->code, count, i, &fill) && fill.size == e->size &&
		    fill.displacement > 0 &&
		    is_in_hands(a, f, e->array - (uint64_t)fill.displacement))
			return fill.entries;
	return 0;
}

/* Whether every element before @p e points at memory that the dump has. */
static bool others_are_good(const struct analysis *a, const struct element *e)
{
	uint64_t value;

	for (uint64_t i = 0; i < e->index; i++)
		if (i == ELEMENTS_MAX || !read_pointer(a->dump, e->array + i * e->size, &value) ||
		    !dump_is_kernel_address(a->dump, value) || !space_has(a->dump->space, value))
			return false;
	return e->index > 1;
}

static void tell(struct analysis *a, struct suspect *s, const struct element *e)
{
	struct report *r = a->report;
	struct function *room = arena_alloc(r->arena, 1, sizeof(*room));
	unsigned left = room ? FRAMES_MAX : 0;

	LIST_EACH(struct frame, f, &r->stack) {
		if (f->module != s->module || left == 0)
			continue;
		left--;
		uint64_t entries = filled_by(a, f, e, room);
		if (entries == 0)
			continue;
		if (e->index < entries)
			break;
		suspect_evidence(r, s, "array-index", WEIGHT_BEYOND, e->address,
				 "the pointer was read as index %" PRIu64 " of an array of %" PRIu64
				 " (at 0x%016" PRIx64
				 "), from beyond its end: %.*s fills 0 to %" PRIu64,
				 e->index, entries, e->array, (int)strcspn(f->symbol, "+"),
				 f->symbol, entries - 1);
		return;
	}
	suspect_evidence(r, s, "array-index", WEIGHT_ELEMENT, e->address,
			 "the pointer was read as index %" PRIu64 " of an array (at 0x%016" PRIx64
			 ", index in %s)%s",
			 e->index, e->array, register_name(a->dump->arch, (unsigned)e->holder),
			 others_are_good(a, e) ? "; all before it point at memory that the dump has"
					       : "");
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;
	struct element e;

	if (!r->crash.has_context || !r->crash.is_fault || !a->dump->ops)
		return NULL;
	for (size_t i = 0; i < OWN_FRAMES && i < r->stack.count; i++) {
		const struct frame *f = list_at(&r->stack, i);
		if (!f->module || f->trust == TRUST_SCAN || !may_be_culprit(a, f->module, NULL))
			continue;
		if (element_before(a, f->address, &e))
			tell(a, report_suspect(r, f->module), &e);
		break;
	}
	return NULL;
}

const struct analyzer analyzer_array_index = {
	.id = "array_index",
	.summary = "tells whether the pointer that faulted was an element of an array, and which",
	.run = run,
};
