/* Call traces of a vmcore: the kernel's own tables handed to lib/unwind. */
#include "linux_kernel.h"

#include "ceilings.h"

#include <string.h>

enum { SEARCH_BYTES = 4096, ORC_MAX = 8 << 20 };

static bool table_of(void *context, uint64_t ip, struct orc_table *ret)
{
	struct vmcore *v = context;
	struct module_tables *t = vm_tables_of(v, ip);

	if (ip >= v->text_start && ip < v->text_end)
		*ret = v->orc;
	else if (t)
		*ret = t->orc;
	else
		return false;
	return ret->count > 0;
}

static bool is_text(void *context, uint64_t address)
{
	return vm_is_text(context, address);
}

static uint64_t function_at(void *context, uint64_t address)
{
	return vm_function_at(context, address);
}

static uint16_t small(int64_t offset)
{
	return offset > 0 && offset < UINT16_MAX ? (uint16_t)offset : 0;
}

static enum orc_layout layout_of(struct vmcore *v)
{
	struct member type, other;

	if (v->types && types_member(v->types, "orc_entry", "type", &type))
		return orc_layout_refine(
			orc_layout_of(type.bits,
				      types_member(v->types, "orc_entry", "signal", &other),
				      types_member(v->types, "orc_entry", "end", &other)),
			&v->memory, &v->orc);
	return orc_layout_guess(&v->memory, &v->orc);
}

void vm_unwind_init(struct vmcore *v)
{
	struct unwinder *u = &v->unwinder;
	uint64_t end = vm_symbol(v, "__stop_orc_unwind_ip");

	v->orc.ip = vm_symbol(v, "__start_orc_unwind_ip");
	v->orc.entries = vm_symbol(v, "__start_orc_unwind");
	if (v->orc.ip && end > v->orc.ip && (end - v->orc.ip) / 4 < ORC_MAX)
		v->orc.count = (uint32_t)((end - v->orc.ip) / 4);
	u->memory = &v->memory;
	u->context = v;
	u->table = table_of;
	u->is_text = is_text;
	u->function = function_at;
	u->regs = orc_pt_regs();
	if (v->arm) {
		vmcoreinfo_number(&v->info, "NUMBER(KERNELPACMASK)", &u->pac_mask);
		u->regs_pc = small(vm_offset(v, "pt_regs", "pc"));
		u->regs_sp = small(vm_offset(v, "pt_regs", "sp"));
		u->regs_pstate = small(vm_offset(v, "pt_regs", "pstate"));
		u->regs_stackframe = small(vm_offset(v, "pt_regs", "stackframe"));
		u->regs_size = v->types ? small((int64_t)types_size(v->types, "pt_regs")) : 0;
	} else {
		u->layout = layout_of(v);
		if (!v->orc.count) {
			dump_problem(v->dump, "no-orc",
				     "the kernel's unwind tables (ORC) are not in the dump: the "
				     "stack is the one the log printed");
			v->dump->partial = true;
		}
	}
}

static const struct registers *registers_of(struct vmcore *v, const struct unwind_state *s)
{
	struct registers *regs = arena_alloc(v->arena, 1, sizeof(*regs));

	if (!regs)
		return NULL;
	*regs = (struct registers){.known = s->known, .ip = s->ip, .sp = s->sp, .fp = s->fp};
	memcpy(regs->r, s->r, sizeof(regs->r));
	return regs;
}

static enum call_source source_of(const struct unwind_frame *f, size_t index)
{
	if (f->trust == UNWIND_CONTEXT)
		return index == 0 ? CALL_REGISTERS : CALL_INTERRUPTED;
	return f->trust == UNWIND_FRAME_POINTER ? CALL_FRAME_POINTER : CALL_UNWIND;
}

static void take_frames(struct vmcore *v, struct task *task, const struct list *frames)
{
	uint64_t slot = 0;
	size_t index = 0;

	LIST_EACH(struct unwind_frame, f, frames) {
		struct call *c = list_add(&task->calls);
		c->address = f->ip;
		c->slot = f->exact ? f->regs : slot;
		c->source = source_of(f, index++);
		c->symbol = vm_symbol_at(v, v->arena, f->ip, !f->exact);
		if (f->exact || index == 1)
			c->registers = registers_of(v, &f->state);
		slot = f->cfa ? f->cfa - 8 : 0;
	}
}

bool vm_unwind(struct vmcore *v, struct task *task, const struct unwind_state *state, bool search)
{
	struct list frames;
	enum unwind_end end;

	list_init(&frames, v->arena, sizeof(struct unwind_frame), LIMIT_FRAMES / 4);
	end = v->arm ? unwind_arm64(&v->unwinder, state, &frames)
		     : unwind_x86_64(&v->unwinder, state, &frames);
	if (search && !v->arm && !unwind_end_is_clean(end)) {
		struct list other;
		list_init(&other, v->arena, sizeof(struct unwind_frame), LIMIT_FRAMES / 4);
		if (unwind_x86_64_search(&v->unwinder, state, SEARCH_BYTES, &other, &end))
			frames = other;
	}
	list_init(&task->calls, v->arena, sizeof(struct call), LIMIT_FRAMES);
	take_frames(v, task, &frames);
	task->whole = unwind_end_is_clean(end);
	return task->whole;
}
