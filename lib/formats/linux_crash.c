/* What the kernel's log says went wrong, and the clocks. */
#include "linux_kernel.h"

#include "ceilings.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t unix_epoch = UINT64_C(116444736000000000);
enum { LATEST = 1 << 30 };

static enum failure failure_of(enum oops_kind kind)
{
	switch (kind) {
	case OOPS_NULL_POINTER: return FAILURE_NULL;
	case OOPS_PAGE_FAULT: return FAILURE_BAD_ADDRESS;
	case OOPS_GENERAL_PROTECTION: return FAILURE_PROTECTION;
	case OOPS_BUG: return FAILURE_ASSERTION;
	case OOPS_DIVIDE:
	case OOPS_INVALID_OPCODE:
	case OOPS_DIE:
	case OOPS_DOUBLE_FAULT: return FAILURE_INSTRUCTION;
	case OOPS_STACK_OVERFLOW: return FAILURE_STACK_OVERFLOW;
	case OOPS_STACK_END: return FAILURE_STACK_END;
	case OOPS_LIST_CORRUPTION:
	case OOPS_SLAB_CORRUPTION:
	case OOPS_KASAN:
	case OOPS_KFENCE:
	case OOPS_UBSAN: return FAILURE_CORRUPTION;
	case OOPS_SOFT_LOCKUP: return FAILURE_SOFT_LOCKUP;
	case OOPS_HARD_LOCKUP: return FAILURE_HARD_LOCKUP;
	case OOPS_HUNG_TASK: return FAILURE_HUNG_TASK;
	case OOPS_RCU_STALL: return FAILURE_RCU_STALL;
	case OOPS_MACHINE_CHECK: return FAILURE_MACHINE_CHECK;
	case OOPS_SYSRQ: return FAILURE_REQUESTED;
	case OOPS_OOM: return FAILURE_OUT_OF_MEMORY;
	case OOPS_WARNING:
	case OOPS_SCHEDULING: return FAILURE_WARNING;
	case OOPS_PANIC: return FAILURE_PANIC;
	case OOPS_NONE:
	case OOPS_BACKTRACE: break;
	}
	return FAILURE_UNKNOWN;
}

const struct oops *linux_main_event(const struct oops_log *events)
{
	return events->cause ? events->cause : events->end;
}

void linux_failure(struct dump *dump, const struct oops_log *events)
{
	const struct oops *cause = linux_main_event(events);

	if (events->end)
		dump->panic = events->end->headline;
	if (!dump->os_version)
		dump->os_version = events->release;
	if (events->vendor && !dump->manufacturer)
		dump->manufacturer = events->vendor;
	if (events->product && !dump->product)
		dump->product = events->product;
	if (events->bios && !dump->bios)
		dump->bios = events->bios;
	if (!cause)
		return;
	dump->failure = failure_of(cause->kind);
	dump->headline = cause->headline;
	dump->has_fault_address = cause->has_address;
	dump->fault_address = cause->address;
	dump->access = cause->access == OOPS_ACCESS_READ      ? "read"
		       : cause->access == OOPS_ACCESS_WRITE   ? "write"
		       : cause->access == OOPS_ACCESS_EXECUTE ? "execute"
							      : NULL;
	if (cause->tainted && !dump->taints)
		dump->taints = cause->tainted;
	if (cause->comm) {
		dump->process.name = cause->comm;
		dump->process.has_pid = cause->has_pid;
		dump->process.pid = cause->pid;
	}
}

void linux_log_lines(struct dump *dump, const struct linux_log *log)
{
	LIST_EACH(struct linux_line, from, &log->lines) {
		struct log_line *to = list_add(&dump->log);
		to->seconds = (double)from->ns / 1e9;
		to->text = from->text;
	}
	if (log->partial) {
		dump_problem(dump, "log-cut", "%s", log->why ? log->why : "the log has gaps");
		dump->partial = true;
	}
}

static struct call *log_call(struct dump *dump, const struct oops_place *place)
{
	struct call *c = list_add(&dump->crash_task.calls);

	c->address = place->address;
	c->source = CALL_LOG;
	c->in_log = true;
	c->module = place->module;
	c->symbol = place->symbol ? arena_printf(dump->arena, "%s+0x%llx", place->symbol,
						 (unsigned long long)place->offset)
				  : NULL;
	return c;
}

void linux_log_calls(struct dump *dump, const struct oops *event)
{
	if (event->ip.text && !event->ip_user)
		log_call(dump, &event->ip);
	LIST_EACH(struct oops_frame, f, &event->frames) {
		if (!f->questionable && !f->user &&
		    !(f->interrupted && event->ip.text && f->place.text &&
		      strcmp(f->place.text, event->ip.text) == 0))
			log_call(dump, &f->place);
	}
	dump->crash_task.pid = event->pid;
	dump->crash_task.name = event->comm;
}

static struct module *module_named(struct dump *dump, const char *name)
{
	LIST_EACH(struct module, m, &dump->modules) {
		if (strcmp(m->name, name) == 0)
			return m;
	}
	struct module *m = list_add(&dump->modules);
	m->name = name;
	m->loaded = true;
	return m;
}

void linux_log_modules(struct dump *dump, const struct oops_log *log)
{
	LIST_EACH(struct oops, event, &log->events) {
		/* Printed newest first. */
		for (size_t i = event->modules.count; i > 0; i--) {
			const struct oops_module *from = list_at(&event->modules, i - 1);
			struct module *m = module_named(dump, from->name);
			m->taints = from->taints;
			m->state = from->state == '+'   ? "coming"
				   : from->state == '-' ? "going"
							: "live";
		}
		if (event->ip.module)
			module_named(dump, event->ip.module);
		LIST_EACH(struct oops_frame, f, &event->frames) {
			if (f->place.module)
				module_named(dump, f->place.module);
		}
	}
}

void vm_log(struct vmcore *v)
{
	struct error *err = linux_log_read(&v->memory, &v->info, v->arena, &v->log);

	if (err) {
		dump_problem(v->dump, "no-log", "the kernel's log cannot be read: %s",
			     err->message);
		v->dump->partial = true;
		error_destroy(err);
		list_init(&v->log.lines, v->arena, sizeof(struct linux_line), 1);
	}
	linux_log_lines(v->dump, &v->log);
	oops_parse(&v->log, v->arena, &v->events);
	linux_failure(v->dump, &v->events);
}

uint64_t linux_filetime(uint64_t seconds, uint64_t nanoseconds)
{
	if (seconds == 0 || seconds > UINT64_C(7258118400) || nanoseconds >= 1000000000)
		return 0;
	return unix_epoch + seconds * 10000000 + nanoseconds / 100;
}

/* The timekeeper: wall clock as of its last tick, and when the machine was started. */
static void timekeeper(struct vmcore *v, uint64_t *ret_now, uint64_t *ret_boot)
{
	uint64_t core = vm_symbol(v, "tk_core");
	if (!core) /* since 6.17 the first of several */
		core = vm_symbol(v, "timekeeper_data");
	int64_t inside = vm_offset(v, "tk_data", "timekeeper"); /* a type of its own since 6.13 */
	if (inside <
	    0) { /* before: behind the counter, which has its lock beside it with PREEMPT_RT */
		uint64_t counter = v->types ? types_size(v->types, "seqcount_raw_spinlock") : 0;
		inside = counter > 8 ? 16 : 8;
	}
	uint64_t tk = core ? core + (uint64_t)inside : 0;
	uint64_t seconds = vm_field(v, tk, vm_offset(v, "timekeeper", "xtime_sec"));
	uint64_t nsec = vm_field(v, tk, vm_offset(v, "timekeeper", "tkr_mono.xtime_nsec"));
	uint32_t shift = vm_field32(v, tk, vm_offset(v, "timekeeper", "tkr_mono.shift"));
	int64_t to_mono =
		(int64_t)vm_field(v, tk, vm_offset(v, "timekeeper", "wall_to_monotonic.tv_sec"));
	int64_t to_mono_ns =
		(int64_t)vm_field(v, tk, vm_offset(v, "timekeeper", "wall_to_monotonic.tv_nsec"));
	int64_t to_boot = (int64_t)vm_field(v, tk, vm_offset(v, "timekeeper", "offs_boot"));

	if (!seconds || shift >= 64 || to_mono >= 0)
		return;
	*ret_now = linux_filetime(seconds, nsec >> shift);
	uint64_t boot = linux_filetime((uint64_t)-to_mono, 0);
	if (boot && to_boot >= 0 && to_boot / 100 < (int64_t)boot)
		*ret_boot = boot - (uint64_t)(to_mono_ns / 100) - (uint64_t)(to_boot / 100);
}

void vm_clock(struct vmcore *v)
{
	struct dump *d = v->dump;
	uint64_t now = 0, boot = 0, crash = 0, ns = 0;

	timekeeper(v, &now, &boot);
	if (vmcoreinfo_number(&v->info, "CRASHTIME", &crash))
		crash = linux_filetime(crash, 0);
	LIST_EACH(struct linux_line, line, &v->log.lines) {
		if (line->has_ns && line->ns > ns)
			ns = line->ns;
	}
	d->boot_time = boot;
	d->crash_time = now ? now : crash;
	const struct oops *cause = linux_main_event(&v->events);
	if (boot && cause && cause->has_ns)
		d->crash_time = boot + cause->ns / 100;
	if (ns) {
		d->has_uptime = true;
		d->uptime_s = (double)(cause && cause->has_ns ? cause->ns : ns) / 1e9;
	}
}
