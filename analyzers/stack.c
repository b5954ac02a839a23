/* Who called whom, as far as a stack without unwind tables can tell. */
#include "scan.h"

#include "ceilings.h"
#include "support.h"

#include <string.h>

enum {
	MAX_RECORDS = 64,
	CONTEXT_SIZE = 0x4d0,
	FRAMES_SHOWN = 128,
	NULL_PAGE = 0x10000,
	FAULT_LOOP = 8
};

/* Parts of the stack that hold saved registers: an address there is a copy, not a return address.
 */
struct records {
	uint64_t start[MAX_RECORDS], end[MAX_RECORDS];
	unsigned count;
};

static uint64_t inside_record(const struct records *records, uint64_t at)
{
	for (unsigned i = 0; i < records->count; i++)
		if (at >= records->start[i] && at < records->end[i])
			return records->end[i];
	return 0;
}

static void find_records(const struct analysis *a, struct stack_span span, struct records *records)
{
	const struct dump *d = a->dump;
	struct registers regs;

	if (d->arch == ARCH_X86)
		return;
	for (uint64_t at = span.low; at < span.high; at += 8) {
		if (records->count == MAX_RECORDS)
			return;
		if (d->ops->registers_at(d, RECORD_CONTEXT, at, &regs) &&
		    module_of(d, regs.ip, NULL)) {
			records->start[records->count] = at;
			records->end[records->count++] = at + CONTEXT_SIZE;
		}
	}
}

static struct frame *add(struct analysis *a, uint64_t address, uint64_t slot, enum trust trust)
{
	struct frame *f = list_add(&a->report->stack);

	f->address = address;
	f->slot = slot;
	f->trust = trust;
	f->module = module_of(a->dump, address, &f->unloaded);
	if (!f->module)
		f->unloaded = false;
	else
		f->offset = address - f->module->base;
	return f;
}

/* A call to an address that is no code leaves the return address right at the stack pointer. */
static bool jumped_nowhere(const struct analysis *a)
{
	const struct report *r = a->report;
	const struct registers *regs = &r->crash.context;

	return r->crash.is_fault && (regs->ip < NULL_PAGE || !module_of(a->dump, regs->ip, NULL) ||
				     (r->crash.has_address && r->crash.address == regs->ip));
}

/* The frames that are certain: where the registers stand, and the return address at the stack
 * pointer when nothing has been pushed since the call. Returns where the scan starts. */
static uint64_t certain_frames(struct analysis *a)
{
	const struct dump *d = a->dump;
	const struct report *r = a->report;
	const struct registers *regs = &r->crash.context;
	uint64_t caller, sp = regs->sp;

	if (!r->crash.has_context)
		return d->stack_low;
	struct frame *f = add(a, regs->ip, 0, TRUST_CONTEXT);
	f->why = r->crash.is_fault ? "the processor was here when it faulted"
				   : "the call that stopped the machine";
	if (strcmp(r->crash.context_source, "interrupted") == 0)
		f->why = "was running when the watchdog struck";
	bool entry = !r->crash.is_fault && !strcmp(r->crash.context_source, "header");
	if (!entry && !jumped_nowhere(a))
		return sp;
	if (d->arch == ARCH_ARM64) {
		/* x29 holds {previous x29, return address}; x30 is 0 in what the kernel saved.
		 * windows-dumps.md 1.8 */
		return sp;
	}
	if (read_pointer(d, sp, &caller) && module_of(d, caller, NULL)) {
		f = add(a, caller, sp, TRUST_UNWIND);
		f->why = entry ? "called the crash routine: its return address is on top of the "
				 "stack"
			       : "made the call that went wrong: its return address is on top of "
				 "the "
				 "stack";
		return sp + pointer_size(d);
	}
	return sp;
}

/* x29 chains, while they stay on the stack and grow. windows-dumps.md 7.2 */
static uint64_t frame_pointer_chain(struct analysis *a, uint64_t from)
{
	const struct dump *d = a->dump;
	uint64_t fp = a->report->crash.context.fp, next, address, last = from;

	for (unsigned i = 0; i < FRAMES_SHOWN && fp >= last && fp % 8 == 0; i++) {
		const struct module *m;
		if (!read_pointer(d, fp, &next) || !read_pointer(d, fp + 8, &address))
			break;
		/* Return addresses may be signed: the kernel's own bits are all ones above 47. */
		if (address >> 47)
			address |= UINT64_C(0xffff) << 48;
		enum return_check check = scan_check_return(d, address, &m);
		if (check == RETURN_NO)
			break;
		struct frame *f = add(a, address, fp + 8, TRUST_FRAME_POINTER);
		f->call_seen = check == RETURN_CALL_SEEN;
		last = fp + 16;
		fp = next;
	}
	return last;
}

static void scan(struct analysis *a, uint64_t from)
{
	const struct dump *d = a->dump;
	struct records records = {.count = 0};
	unsigned step = pointer_size(d);
	struct stack_span live = live_stack(a);
	uint64_t value, interrupted = 0;
	unsigned repeated = 0;

	if (from < live.low || from >= live.high)
		from = live.low;
	find_records(a, live, &records);
	for (uint64_t at = from; at < live.high && a->report->stack.count < FRAMES_SHOWN;) {
		struct registers regs;
		const struct module *m;
		uint64_t skip = inside_record(&records, at);
		if (skip) {
			at = skip;
			continue;
		}
		/* An interrupt or trap frame: what it interrupted is a frame for certain; a
		 * user-mode one is the end of the kernel's part. windows-dumps.md 5.3 */
		if (d->ops->registers_at(d, RECORD_MACHINE_FRAME, at, &regs) && regs.sp > at) {
			if (regs.user_mode)
				return;
			if (module_of(d, regs.ip, NULL)) {
				if (regs.ip == interrupted)
					repeated++;
				else
					add(a, regs.ip, at, TRUST_CONTEXT)->why =
						"was interrupted here";
				interrupted = regs.ip;
				at += 5 * step;
				continue;
			}
		}
		if (read_pointer(d, at, &value)) {
			enum return_check check = scan_check_return(d, value, &m);
			if (check != RETURN_NO)
				add(a, value, at, TRUST_SCAN)->call_seen =
					check == RETURN_CALL_SEEN;
		}
		at += step;
	}
	if (repeated >= FAULT_LOOP)
		report_finding(a->report, "warning", "fault-loop", NULL,
			       "the processor faulted %u times in a row at %s: its fault handler "
			       "could not "
			       "even start, so its stack or its page tables were no longer usable",
			       repeated + 1, report_where(a->report, d, interrupted));
}

static struct error *run(struct analysis *a)
{
	if (!a->dump->ops || !a->dump->ops->registers_at)
		return NULL;
	uint64_t from = certain_frames(a);
	if (a->dump->arch == ARCH_ARM64)
		from = frame_pointer_chain(a, from);
	scan(a, from);
	return NULL;
}

const struct analyzer analyzer_stack = {
	.id = "stack",
	.summary = "lists the return addresses on the stack with how far each can be trusted",
	.os = OS_WINDOWS,
	.run = run,
};
