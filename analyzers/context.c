/* Where was the processor when things went wrong? The header of a small dump has the registers of
 * the crash call, not of the fault; those must be recovered. windows-dumps.md 1.8, 5.3 */
#include "support.h"

#include <string.h>

enum { CONTEXT_STEP = 8, TRAP_FRAME_RIP = 0x168, NULL_PAGE = 0x10000 };

static void take(struct analysis *a, const struct registers *regs, const char *source,
		 bool is_fault)
{
	a->report->crash.context = *regs;
	a->report->crash.has_context = true;
	a->report->crash.context_source = source;
	a->report->crash.is_fault = is_fault;
}

/* A frame's own stack pointer: above it on the same stack, or on another one. */
static bool plausible_sp(const struct analysis *a, const struct registers *regs, uint64_t at)
{
	struct stack_span saved = saved_stack(a->dump);

	return dump_is_kernel_address(a->dump, regs->sp) && regs->sp % pointer_size(a->dump) == 0 &&
	       (regs->sp > at || regs->sp < saved.low);
}

/* Whether registers can be those of this fault: where the stop code says it happened, at the
 * address that could not be fetched, in a driver, or nowhere at all (a call through NULL). */
static bool plausible(const struct analysis *a, const struct registers *regs)
{
	uint64_t expected;

	if (regs->user_mode)
		return false;
	if (stop_parameter_value(a, "code_addr", &expected))
		return regs->ip == expected;
	if (a->report->crash.has_address && regs->ip == a->report->crash.address)
		return true;
	return regs->ip < NULL_PAGE || module_of(a->dump, regs->ip, NULL);
}

/* The parameter that points at the registers. */
static bool from_parameter(struct analysis *a)
{
	static const struct {
		const char *role;
		enum record_kind kind;
	} roles[] = {{"ctx_record", RECORD_CONTEXT}, {"trap_frame", RECORD_TRAP_FRAME}};
	struct registers regs;
	uint64_t address;

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		if (stop_parameter_value(a, roles[i].role, &address) &&
		    a->dump->ops->registers_at(a->dump, roles[i].kind, address, &regs) &&
		    plausible(a, &regs)) {
			take(a, &regs, "parameter", true);
			return true;
		}
	}
	return false;
}

/* Whether a stop of this code is about a fault, whose registers must then be somewhere. */
static bool code_has_fault(const struct analysis *a)
{
	static const char *const roles[] = {"code_addr", "bad_addr",   "exc_code",
					    "trap_no",   "exc_record", "trap_frame"};

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (stop_parameter(a, roles[i]) >= 0)
			return true;
	return false;
}

/* A complete CONTEXT on the stack, as the exception dispatcher leaves one. */
static bool from_stack_context(struct analysis *a)
{
	const struct dump *d = a->dump;
	struct registers regs;

	if (stop_parameter(a, "code_addr") < 0 && stop_parameter(a, "exc_code") < 0)
		return false;
	struct stack_span saved = saved_stack(d);
	for (uint64_t at = saved.low; at < saved.high; at += CONTEXT_STEP) {
		if (d->ops->registers_at(d, RECORD_CONTEXT, at, &regs) && plausible(a, &regs) &&
		    plausible_sp(a, &regs, at)) {
			take(a, &regs, "context-on-stack", true);
			return true;
		}
	}
	return false;
}

/* The frame the processor pushed when the fault happened, and the trap frame around it. */
static bool from_machine_frame(struct analysis *a, bool is_fault, const char *source)
{
	const struct dump *d = a->dump;
	struct registers regs, full;

	struct stack_span saved = saved_stack(d);
	for (uint64_t at = saved.low; at < saved.high; at += pointer_size(d)) {
		if (!d->ops->registers_at(d, RECORD_MACHINE_FRAME, at, &regs) ||
		    !plausible(a, &regs) || !plausible_sp(a, &regs, at))
			continue;
		if (d->arch == ARCH_X86_64 &&
		    d->ops->registers_at(d, RECORD_TRAP_FRAME, at - TRAP_FRAME_RIP, &full) &&
		    full.ip == regs.ip && full.sp == regs.sp)
			regs = full;
		take(a, &regs, source, is_fault);
		return true;
	}
	return false;
}

/* The watchdog's interrupt saved what was running as a trap frame, often on another stack than the
 * one that was saved; the interrupt's own stack still points at it (seen: kd-dell-133). */
static bool from_interrupt(struct analysis *a)
{
	const struct dump *d = a->dump;
	struct stack_span saved = saved_stack(d);
	struct registers regs;
	uint64_t value;

	if (from_machine_frame(a, false, "interrupted"))
		return true;
	for (uint64_t at = saved.low; at < saved.high; at += pointer_size(d)) {
		if (!read_pointer(d, at, &value) || !dump_is_kernel_address(d, value) ||
		    !d->ops->registers_at(d, RECORD_TRAP_FRAME, value, &regs) || regs.user_mode ||
		    !module_of(d, regs.ip, NULL) || regs.sp <= value)
			continue;
		take(a, &regs, "interrupted", false);
		return true;
	}
	return false;
}

/* 0x101 names the processor that hung; its registers say what it was doing. */
static bool from_processor(struct analysis *a)
{
	uint64_t block;

	if (!stop_parameter_value(a, "prcb", &block))
		return false;
	LIST_EACH(struct cpu, cpu, &a->dump->cpus) {
		if (cpu->control_block == block && cpu->has_context && cpu->context.ip) {
			take(a, &cpu->context, "processor", true);
			return true;
		}
	}
	return false;
}

/* What the exception record says of the address, where the parameters do not. */
static void exception_facts(struct analysis *a)
{
	struct report *r = a->report;
	struct exception_record rec;
	uint64_t address;

	if (!stop_parameter_value(a, "exc_record", &address) ||
	    !a->dump->ops->exception_at(a->dump, address, &rec))
		return;
	if (!r->crash.exception)
		r->crash.exception = rec.code;
	if (rec.code != 0xc0000005 || rec.parameters < 2 || r->crash.has_address)
		return;
	r->crash.access = rec.parameter[0] == 0   ? "read"
			  : rec.parameter[0] == 1 ? "write"
						  : "execute";
	r->crash.address = rec.parameter[1];
	r->crash.has_address = true;
}

static void page_fault_address(struct analysis *a)
{
	struct report *r = a->report;

	if (r->crash.has_address || r->crash.exception != 0xc0000005)
		return;
	/* CR2 keeps the last address that faulted; good enough when nothing else tells.
	 * windows-dumps.md 4.3 */
	LIST_EACH(struct cpu, cpu, &a->dump->cpus) {
		if (cpu->crashed && cpu->has_cr2 && cpu->cr2) {
			r->crash.address = cpu->cr2;
			r->crash.has_address = true;
		}
	}
}

static struct error *run(struct analysis *a)
{
	const struct dump *d = a->dump;

	if (!d->ops || !d->ops->registers_at)
		return NULL;
	exception_facts(a);
	if (from_parameter(a) || from_processor(a)) {
		/* found */
	} else if (d->has_header_context && d->header_context_is_fault) {
		take(a, &d->header_context, "header", true);
	} else if (stop_family(a, "hang") && from_interrupt(a)) {
		/* the watchdog interrupted whatever was running */
	} else if (code_has_fault(a) &&
		   (from_stack_context(a) || from_machine_frame(a, true, "machine-frame"))) {
		/* found */
	} else if (d->has_header_context) {
		take(a, &d->header_context, "header", false);
	}
	page_fault_address(a);
	return NULL;
}

const struct analyzer analyzer_context = {
	.id = "context",
	.summary = "recovers the registers of the fault",
	.os = OS_WINDOWS,
	.run = run,
};
