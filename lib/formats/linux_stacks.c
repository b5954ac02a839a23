/* The stack of a task without the task.
 *
 * Stacks have pages of their own, mapped one by one into the vmalloc area (CONFIG_VMAP_STACK), and
 * stay in a dump whose writer has left heap pages out: makedumpfile 1.7.2 takes some of those for
 * user memory from kernel 6.10 on, and a task_struct is on the heap. A sleeping task's stack ends
 * in what __switch_to_asm pushed; from there the trace that the kernel printed must come out again,
 * call for call. */
#include "linux_kernel.h"

#include "ceilings.h"

#include <string.h>

enum {
	STACKS_MAX = 1 << 14, /* looked at */
	STEPS_MAX = 1 << 20,  /* on the way through the page tables */
	TRIES_MAX = 1 << 12,  /* places at which a trace is tried */
	PUSHED_WORDS = 6,     /* by __switch_to_asm below the return address */
	FEWEST_CALLS = 4,     /* that prove a stack */
};

/* Documentation/arch/x86/x86_64/mm.rst; moved by KASLR, then vmalloc_base has it. */
static const uint64_t vmalloc_start = UINT64_C(0xffffc90000000000);
static const uint64_t vmalloc_size = UINT64_C(1) << 45;

static bool same_calls(const struct list *calls, const struct list *logged)
{
	if (calls->count != logged->count)
		return false;
	for (size_t i = 0; i < calls->count; i++) {
		const struct call *c = list_at(calls, i), *l = list_at(logged, i);
		if (c->address != l->address)
			return false;
	}
	return true;
}

/* Whether the task slept with @p slot holding the innermost of the @p logged calls. */
static bool slept_at(struct vmcore *v, struct task *task, uint64_t slot, const struct list *logged)
{
	struct unwind_state state;

	return unwind_state_sleeping_x86_64(&v->memory, slot - 8 * PUSHED_WORDS, &state) &&
	       vm_unwind(v, task, &state, false) && same_calls(&task->calls, logged);
}

/* The same for every place in the @p size bytes of a stack at @p low. */
static bool slept_on(struct vmcore *v, struct task *task, uint64_t low, const uint8_t *bytes,
		     size_t size, const struct list *logged, unsigned *tries)
{
	struct cursor c = cursor_make(bytes, size, low, "stack");
	const struct call *first = list_at(logged, 0);

	for (uint64_t i = 8 * PUSHED_WORDS; i + 8 <= size && *tries > 0; i += 8) {
		if (cursor_u64_at(&c, i) != first->address)
			continue;
		--*tries;
		if (slept_at(v, task, low + i, logged))
			return true;
	}
	return false;
}

bool vm_find_stack(struct vmcore *v, struct task *task, const struct list *logged)
{
	uint64_t base = vm_symbol(v, "vmalloc_base"), at = base ? vm_u64(v, base) : vmalloc_start;
	uint64_t end = at + vmalloc_size;
	unsigned steps = STEPS_MAX, tries = TRIES_MAX;
	struct task found = *task;
	uint8_t *bytes = arena_alloc(v->arena, 1, v->stack_bytes);

	if (v->arm || logged->count < FEWEST_CALLS || end < at || !bytes)
		return false;
	at = (at + v->stack_bytes - 1) & ~(v->stack_bytes - 1);
	for (unsigned n = 0; n < STACKS_MAX && vm_next_mapped(v, &at, end, &steps); n++) {
		uint64_t low = at & ~(v->stack_bytes - 1);
		size_t size = space_read_some(v->dump->space, low, bytes, v->stack_bytes);
		if (slept_on(v, &found, low, bytes, size, logged, &tries)) {
			found.stack_low = low;
			found.stack_size = v->stack_bytes;
			found.sleeping = found.blocked = true;
			*task = found;
			return true;
		}
		at = low + v->stack_bytes;
	}
	return false;
}
