/* Which processor, which task, which registers: the place of the crash.
 *
 * NT_PRSTATUS has the registers a processor had when it was stopped. After an oops the crashing
 * one's are those of the fault; after panic() from an interrupt or a watchdog they stand in
 * __crash_kexec or in a halt loop, and what was interrupted is a pt_regs further up the stack.
 * linux-vmcores.md, "Registers" */
#include "linux_kernel.h"

#include "ceilings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	COMM_BYTES = 16,
	STACK_DEFAULT = 16384,
	STACK_MOST = 65536,
	UNWOUND_MAX = 4096,
	TASK_BLOCKED = 2 /* TASK_UNINTERRUPTIBLE */
};

static const char *const x86_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

static bool cpu_registers(struct vmcore *v, unsigned number, struct registers *ret)
{
	char name[16];

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < (v->arm ? 31u : 16u); i++) {
		snprintf(name, sizeof(name), i == 30 ? "lr" : "x%u", i);
		if (vm_register(v, number, v->arm ? name : x86_names[i], &ret->r[i]))
			ret->known |= UINT32_C(1) << i;
	}
	if (!vm_register(v, number, v->arm ? "pc" : "rip", &ret->ip))
		return false;
	vm_register(v, number, v->arm ? "pstate" : "rflags", &ret->flags);
	if (v->arm)
		vm_register(v, number, "sp", &ret->sp);
	else
		ret->sp = ret->r[REG_RSP];
	ret->fp = ret->r[v->arm ? 29 : REG_RBP];
	ret->user_mode = !(ret->ip >> 63) && ret->sp && !(ret->sp >> 63);
	return true;
}

static struct unwind_state state_of(const struct registers *regs)
{
	struct unwind_state s = {.ip = regs->ip,
				 .sp = regs->sp,
				 .fp = regs->fp,
				 .exact = true,
				 .known = regs->known};

	memcpy(s.r, regs->r, sizeof(s.r));
	return s;
}

static void cpus_read(struct vmcore *v)
{
	uint64_t count = 0;

	vm_number(v, KDUMP_ATTR_NUM_CPUS, &count);
	if (count > LIMIT_CPUS)
		count = LIMIT_CPUS;
	v->dump->cpu_count = (unsigned)count;
	for (unsigned i = 0; i < count; i++) {
		struct cpu *cpu = list_add(&v->dump->cpus);
		cpu->number = i;
		cpu->has_context = cpu_registers(v, i, &cpu->context);
	}
}

/* The variable that is -1 until somebody crashes. */
static bool cpu_of(struct vmcore *v, const char *symbol, unsigned *ret)
{
	uint64_t address = vm_symbol(v, symbol);
	uint32_t value;

	if (!address || !space_u32(v->dump->space, address, &value) || value >= LIMIT_CPUS)
		return false;
	*ret = value;
	return true;
}

static void find_cpu(struct vmcore *v)
{
	const struct oops *e = linux_main_event(&v->events);

	v->has_crash_cpu =
		cpu_of(v, "crashing_cpu", &v->crash_cpu) || cpu_of(v, "panic_cpu", &v->crash_cpu);
	/* A lockup or stall is of one processor, and another may have panicked about it. */
	if (e && e->has_cpu && e->cpu < LIMIT_CPUS) {
		v->crash_cpu = e->cpu;
		v->has_crash_cpu = true;
	}
	LIST_EACH(struct cpu, cpu, &v->dump->cpus)
		cpu->crashed = v->has_crash_cpu && cpu->number == v->crash_cpu;
}

static uint64_t per_cpu_pointer(struct vmcore *v, uint64_t base, const char *symbol, int64_t inside)
{
	uint64_t at = vm_symbol(v, symbol);

	return at && inside >= 0 ? vm_u64(v, base + at + (uint64_t)inside) : 0;
}

/* What a processor was running: names of the variable by kernel and architecture. */
static uint64_t current_of(struct vmcore *v, unsigned cpu)
{
	uint64_t table = vm_symbol(v, "__per_cpu_offset"), base, task = 0;

	if (!table || !space_u64(v->dump->space, table + 8 * (uint64_t)cpu, &base))
		return 0;
	task = per_cpu_pointer(v, base, "pcpu_hot", vm_offset(v, "pcpu_hot", "current_task"));
	if (!task)
		task = per_cpu_pointer(v, base, "current_task", 0);
	if (!task && v->arm)
		task = per_cpu_pointer(v, base, "__entry_task", 0);
	if (!task)
		task = per_cpu_pointer(v, base, "runqueues", vm_offset(v, "rq", "curr"));
	return vm_is_pointer(task) ? task : 0;
}

static void task_fill(struct vmcore *v, uint64_t address, struct task *task)
{
	const struct layout *l = &v->layout;

	task->address = address;
	task->pid = vm_field32(v, address, l->task_pid);
	if (l->task_comm >= 0)
		task->name = vm_string(v, v->arena, address + (uint64_t)l->task_comm, COMM_BYTES);
	task->stack_low = vm_field(v, address, l->task_stack);
	task->stack_size = task->stack_low ? v->stack_bytes : 0;
	task->blocked = vm_field32(v, address, l->task_state) & TASK_BLOCKED;
}

void vm_each_task(struct vmcore *v, bool (*visit)(struct vmcore *, uint64_t, void *), void *context)
{
	const struct layout *l = &v->layout;
	uint64_t first = vm_symbol(v, "init_task"), leader = first;
	unsigned count = 0;

	if (!first || l->task_tasks < 0 || l->task_signal < 0 || l->task_thread_node < 0 ||
	    l->signal_thread_head < 0)
		return;
	do {
		uint64_t head =
			vm_field(v, leader, l->task_signal) + (uint64_t)l->signal_thread_head;
		for (uint64_t at = vm_u64(v, head); at && at != head && count < LIMIT_TASKS_WALKED;
		     at = vm_u64(v, at), count++)
			if (visit(v, at - (uint64_t)l->task_thread_node, context))
				return;
		uint64_t next = vm_field(v, leader, l->task_tasks);
		leader = next ? next - (uint64_t)l->task_tasks : 0;
		count++;
	} while (leader && leader != first && count < LIMIT_TASKS_WALKED);
}

struct wanted {
	uint64_t pid, found;
};

static bool is_pid(struct vmcore *v, uint64_t task, void *context)
{
	struct wanted *w = context;

	if (vm_field32(v, task, v->layout.task_pid) != w->pid)
		return false;
	w->found = task;
	return true;
}

static uint64_t task_of_pid(struct vmcore *v, uint64_t pid)
{
	struct wanted w = {pid, 0};

	if (pid)
		vm_each_task(v, is_pid, &w);
	return w.found;
}

/* Where a task that does not run stands. */
static bool unwind_sleeping(struct vmcore *v, struct task *task)
{
	struct unwind_state state;
	uint64_t at = task->address + (uint64_t)v->layout.task_thread;

	if (v->layout.task_thread < 0)
		return false;
	task->sleeping = true;
	if (v->arm ? !unwind_state_sleeping_arm64(&v->memory, at, &state)
		   : !unwind_state_sleeping_x86_64(&v->memory, vm_u64(v, at), &state))
		return false;
	return vm_unwind(v, task, &state, false);
}

/* Whether @p c is the place the log says it happened. */
static bool is_place(const struct call *c, const struct oops *e)
{
	size_t n = e->ip.symbol ? strlen(e->ip.symbol) : 0;

	if (!e->ip.text || e->ip_user)
		return false;
	if (!n)
		return c->address == e->ip.address;
	return c->symbol && strncmp(c->symbol, e->ip.symbol, n) == 0 && c->symbol[n] == '+' &&
	       strtoull(c->symbol + n + 1, NULL, 16) == e->ip.offset;
}

static void set_context(struct vmcore *v, const struct registers *regs, const char *source)
{
	struct dump *d = v->dump;

	d->has_header_context = true;
	d->header_context = *regs;
	d->context_source = source;
}

/* Walks from registers that were saved where it happened. */
static void start_at(struct vmcore *v, const struct registers *regs, const char *source)
{
	struct unwind_state state = state_of(regs);

	set_context(v, regs, source);
	vm_unwind(v, &v->dump->crash_task, &state, false);
}

/* The registers the log printed, where memory has none for the place. */
static bool start_from_log(struct vmcore *v, const struct oops *e)
{
	struct registers regs = e->registers;

	if (!e->has_registers || !e->ip.text || e->ip_user)
		return false;
	regs.ip = vm_place(v, &e->ip);
	if (!regs.sp)
		return false;
	if (!regs.fp)
		regs.fp = regs.r[v->arm ? 29 : REG_RBP];
	start_at(v, &regs, "log");
	return true;
}

/* The frame of the trace that the log speaks of, or the innermost one that was interrupted. */
static const struct call *place_of(const struct list *calls, const struct oops *e)
{
	const struct call *first = NULL;

	LIST_EACH(struct call, c, calls) {
		if (!c->registers)
			continue;
		if (e && is_place(c, e))
			return c;
		if (!first && c->source == CALL_INTERRUPTED)
			first = c;
	}
	return e && e->ip.text ? NULL : first;
}

static bool has_place(enum failure failure)
{
	switch (failure) {
	case FAILURE_HUNG_TASK:
	case FAILURE_REQUESTED:
	case FAILURE_OUT_OF_MEMORY:
	case FAILURE_PANIC:
	case FAILURE_UNKNOWN: return false;
	default: return true;
	}
}

static bool is_fault(enum failure failure)
{
	return has_place(failure) && failure != FAILURE_SOFT_LOCKUP &&
	       failure != FAILURE_HARD_LOCKUP && failure != FAILURE_RCU_STALL;
}

static void crash_of_cpu(struct vmcore *v)
{
	const struct oops *e = linux_main_event(&v->events);
	struct dump *d = v->dump;
	const struct cpu *cpu = list_at(&d->cpus, v->crash_cpu);
	bool walked = false;

	if (v->has_crash_cpu && cpu && cpu->has_context && !cpu->context.user_mode) {
		struct unwind_state state = state_of(&cpu->context);
		vm_unwind(v, &d->crash_task, &state, true);
		walked = true;
	}
	const struct call *place = walked ? place_of(&d->crash_task.calls, e) : NULL;
	if (place && place->source == CALL_REGISTERS)
		set_context(v, place->registers, "prstatus");
	else if (place && has_place(d->failure))
		start_at(v, place->registers, is_fault(d->failure) ? "pt_regs" : "interrupted");
	else if (!has_place(d->failure) && walked)
		set_context(v, &cpu->context, "prstatus");
	else if (e && start_from_log(v, e))
		walked = true;
	else if (walked)
		set_context(v, &cpu->context, "prstatus");
	d->header_context_is_fault = is_fault(d->failure) && d->has_header_context && (place || !e);
	if (is_fault(d->failure) && d->has_header_context && strcmp(d->context_source, "log") == 0)
		d->header_context_is_fault = true;
}

static void compare_with_log(struct vmcore *v)
{
	const struct oops *e = linux_main_event(&v->events);
	struct dump *d = v->dump;

	LIST_EACH(struct call, c, &d->crash_task.calls) {
		if (!e || !c->symbol)
			continue;
		c->in_log = is_place(c, e);
		LIST_EACH(struct oops_frame, f, &e->frames) {
			size_t n = f->place.symbol ? strlen(f->place.symbol) : 0;
			if (n && strncmp(c->symbol, f->place.symbol, n) == 0 && c->symbol[n] == '+')
				c->in_log = true;
		}
	}
}

/* The trace the log has, with addresses where the symbols can be found again. */
static void use_log_trace(struct vmcore *v, const struct oops *e)
{
	struct dump *d = v->dump;

	list_init(&d->crash_task.calls, v->arena, sizeof(struct call), LIMIT_FRAMES);
	struct task keep = d->crash_task;
	linux_log_calls(d, e);
	d->crash_task.name = keep.name ? keep.name : d->crash_task.name;
	d->crash_task.pid = keep.pid ? keep.pid : d->crash_task.pid;
	LIST_EACH(struct call, c, &d->crash_task.calls) {
		const char *plus = c->symbol ? strrchr(c->symbol, '+') : NULL;
		if (!plus)
			continue;
		struct oops_place place = {
			.symbol = arena_strndup(v->arena, c->symbol, (size_t)(plus - c->symbol)),
			.offset = strtoull(plus + 1, NULL, 16),
			.module = c->module};
		uint64_t address = place.symbol ? vm_place(v, &place) : 0;
		c->address = address ? address : c->address;
	}
}

/* The task that blocks, told by the log alone: its task_struct is not in the dump. Its stack may
 * be. */
static void find_blocked(struct vmcore *v, const struct oops *e)
{
	struct dump *d = v->dump;
	struct task *t = &d->crash_task;

	*t = (struct task){0};
	use_log_trace(v, e);
	struct list logged = t->calls;
	bool found = vm_find_stack(v, t, &logged);
	const struct call *first = list_at(&t->calls, 0);
	if (found && first->registers)
		set_context(v, first->registers, "sleeping");
	dump_problem(
		d, "task-lost",
		"the task that blocks (%s, %" PRIu64 ") was left out when the dump was "
		"written: %s",
		t->name ? t->name : "?", t->pid,
		found ? "its stack was found by the trace that the kernel printed, its open "
			"files are not known"
		      : "the trace is the one that the kernel printed, and what the task worked "
			"on is not known");
}

/* What part of memory is the stack of the crash. */
static void stack_bounds(struct vmcore *v)
{
	struct dump *d = v->dump;
	const struct task *t = &d->crash_task;
	uint64_t sp = d->has_header_context ? d->header_context.sp : 0;

	d->stack_low = t->stack_low;
	d->stack_size = t->stack_size;
	/* On another stack: of an interrupt or an exception. */
	if (sp && (sp < t->stack_low || sp - t->stack_low >= t->stack_size)) {
		d->stack_low = sp & ~(uint64_t)7;
		d->stack_size = v->stack_bytes - (sp & (v->stack_bytes - 1));
	}
	d->thread.address = t->address;
	d->thread.stack_limit = t->stack_low;
	d->thread.stack_base = t->stack_low + t->stack_size;
}

void vm_crash(struct vmcore *v)
{
	struct dump *d = v->dump;
	const struct oops *e = linux_main_event(&v->events);
	struct task *t = &d->crash_task;

	v->stack_bytes = v->types ? types_size(v->types, "thread_union") : 0;
	if (v->stack_bytes < 4096 || v->stack_bytes > STACK_MOST ||
	    (v->stack_bytes & (v->stack_bytes - 1)))
		v->stack_bytes = STACK_DEFAULT;
	cpus_read(v);
	find_cpu(v);
	uint64_t task = v->has_crash_cpu ? current_of(v, v->crash_cpu) : 0;
	if (e && e->has_pid &&
	    (!task || vm_field32(v, task, v->layout.task_pid) != e->pid ||
	     d->failure == FAILURE_HUNG_TASK)) {
		uint64_t other = task_of_pid(v, e->pid);
		task = other || d->failure == FAILURE_HUNG_TASK ? other : task;
	}
	if (task)
		task_fill(v, task, t);
	v->crash_task = task;
	if (d->failure == FAILURE_HUNG_TASK && !task && e && e->has_pid) {
		find_blocked(v, e);
	} else if (d->failure == FAILURE_HUNG_TASK) {
		if (task && unwind_sleeping(v, t)) {
			const struct call *first = list_at(&t->calls, 0);
			if (first && first->registers)
				set_context(v, first->registers, "sleeping");
		}
	} else {
		crash_of_cpu(v);
	}
	if (e && (t->calls.count < 2 || (!t->whole && t->calls.count < e->frames.count)))
		use_log_trace(v, e);
	compare_with_log(v);
	stack_bounds(v);
	if (t->name && (t->address || d->failure == FAILURE_HUNG_TASK)) {
		d->process.name = t->name;
		d->process.has_pid = true;
		d->process.pid = t->pid;
		d->process.address = t->address;
	}
	vm_task_files(v, t);
}

static bool is_foreign(const struct module *m)
{
	return m &&
	       (m->kind == MODULE_BPF || (m->kind == MODULE_DRIVER && m->taints && *m->taints));
}

struct unwound {
	unsigned count;
};

/* Keeps a sleeping task that has foreign code on its stack. */
static bool keep_foreign(struct vmcore *v, uint64_t address, void *context)
{
	struct unwound *u = context;
	struct task task = {0};

	if (u->count++ >= UNWOUND_MAX)
		return true;
	if (address == v->crash_task || vm_field32(v, address, v->layout.task_on_cpu))
		return false;
	task_fill(v, address, &task);
	if (task.stack_low && task.stack_low == v->dump->crash_task.stack_low)
		return false;
	list_init(&task.calls, v->arena, sizeof(struct call), LIMIT_FRAMES);
	unwind_sleeping(v, &task);
	bool foreign = false;
	LIST_EACH(struct call, c, &task.calls)
		foreign |= is_foreign(dump_module_at(v->dump, c->address));
	if (foreign)
		*(struct task *)list_add(&v->dump->tasks) = task;
	return v->dump->tasks.overflowed;
}

void vm_other_tasks(struct vmcore *v)
{
	struct unwound u = {0};

	if (v->dump->failure == FAILURE_HUNG_TASK || v->dump->failure == FAILURE_SOFT_LOCKUP ||
	    v->dump->failure == FAILURE_RCU_STALL || v->dump->failure == FAILURE_HARD_LOCKUP)
		vm_each_task(v, keep_foreign, &u);
}
