/* From the events of a log to its story: which began it, and which ended it. */
#include "oops_lines.h"

#include <string.h>

enum { GAP_LINES = 400 }; /* between things that belong together */

static const char *reason_of(const struct oops *e)
{
	const char *p = strstr(e->headline, "Kernel panic - not syncing");

	p = p ? p : e->headline;
	line_skip(&p, "Kernel panic - not syncing");
	line_skip(&p, ":");
	line_skip_blanks(&p);
	return p;
}

/* Things found out by checks before they do harm: as good a beginning as the crash itself. */
static bool is_detection(enum oops_kind kind)
{
	return kind == OOPS_KASAN || kind == OOPS_KFENCE || kind == OOPS_LIST_CORRUPTION ||
	       kind == OOPS_SLAB_CORRUPTION || kind == OOPS_STACK_OVERFLOW ||
	       kind == OOPS_STACK_END;
}

static bool is_more_than_warning(enum oops_kind kind)
{
	return kind != OOPS_WARNING && kind != OOPS_SCHEDULING && kind != OOPS_BACKTRACE &&
	       kind != OOPS_OOM && kind != OOPS_UBSAN && kind != OOPS_PANIC && kind != OOPS_NONE;
}

typedef bool (*oops_test)(const struct oops *e, enum oops_kind kind);

static bool is_first_fatal(const struct oops *e, enum oops_kind kind)
{
	(void)kind;
	return e->number || is_detection(e->kind);
}

static bool is_kind(const struct oops *e, enum oops_kind kind)
{
	return e->kind == kind;
}

static bool is_serious(const struct oops *e, enum oops_kind kind)
{
	(void)kind;
	return is_more_than_warning(e->kind);
}

static bool is_any(const struct oops *e, enum oops_kind kind)
{
	(void)kind;
	return e->kind != OOPS_BACKTRACE;
}

/* The first event that passes, from number @p begin on. */
static struct oops *first(const struct oops_log *log, size_t begin, oops_test test,
			  enum oops_kind kind)
{
	for (size_t i = begin; i < log->events.count; i++) {
		struct oops *e = list_at(&log->events, i);
		if (test(e, kind))
			return e;
	}
	return NULL;
}

static bool is_fatal(const struct oops *e, enum oops_kind kind)
{
	return e->number || e->kind == kind;
}

/* A console log may hold several boots, the last often that of the kernel that writes the dump:
 * the story is that of the last boot that died. */
static size_t first_of_last_story(const struct oops_log *log, const struct oops_boots *boots)
{
	size_t any = 0;

	for (size_t i = boots->count; i-- > 0;) {
		if (first(log, boots->first_event[i], is_fatal, OOPS_PANIC))
			return boots->first_event[i];
		if (boots->first_event[i] < log->events.count)
			any = boots->first_event[i];
	}
	return first(log, 0, is_fatal, OOPS_PANIC) ? 0 : any;
}

/* A crash asked for by sysrq is a NULL pointer write in kernels before 5.0. */
static void recognise_sysrq(const struct oops_log *log)
{
	LIST_EACH(struct oops, e, &log->events) {
		if (e->ip.symbol && strcmp(e->ip.symbol, "sysrq_handle_crash") == 0)
			e->kind = OOPS_SYSRQ;
	}
}

static struct oops *choose_cause(const struct oops_log *log, size_t begin, struct oops *end,
				 enum oops_kind panic_kind)
{
	struct oops *cause = first(log, begin, is_first_fatal, OOPS_NONE);

	if (!cause && panic_kind != OOPS_PANIC)
		cause = first(log, begin, is_kind, panic_kind);
	if (!cause)
		cause = first(log, begin, is_serious, OOPS_NONE);
	if (!cause)
		cause = end;
	return cause ? cause : first(log, begin, is_any, OOPS_NONE);
}

/* "sysrq: Trigger a crash" is one line; who, where and how is in the panic right after it. */
static void inherit(struct oops *cause, const struct oops *end)
{
	if (cause == end || cause->frames.count || cause->ip.text || cause->has_registers ||
	    end->first_line - cause->last_line > GAP_LINES)
		return;
	if (!cause->has_cpu) {
		cause->has_cpu = end->has_cpu;
		cause->cpu = end->cpu;
	}
	if (!cause->has_pid) {
		cause->has_pid = end->has_pid;
		cause->pid = end->pid;
		cause->comm = end->comm;
	}
	cause->ip = end->ip;
	cause->frames = end->frames;
	if (!cause->tainted)
		cause->tainted = end->tainted;
	if (!cause->release) {
		cause->release = end->release;
		cause->version = end->version;
	}
	if (!cause->hardware) {
		cause->hardware = end->hardware;
		cause->vendor = end->vendor;
		cause->product = end->product;
		cause->bios = end->bios;
	}
	if (cause->modules.count == 0)
		cause->modules = end->modules;
}

/* Stalls and hard lockups are noticed by another processor: where the one in question was follows
 * as a backtrace of its own. */
static void adopt_backtrace(const struct oops_log *log, struct oops *e)
{
	size_t index = (size_t)(e - (struct oops *)log->events.items);

	if ((e->kind != OOPS_RCU_STALL && e->kind != OOPS_HARD_LOCKUP) || e->ip.text || !e->has_cpu)
		return;
	for (size_t i = index + 1; i < log->events.count; i++) {
		const struct oops *b = list_at(&log->events, i);
		if (b->kind != OOPS_BACKTRACE || b->first_line - e->last_line > GAP_LINES)
			return;
		if (!b->has_cpu || b->cpu != e->cpu || (!b->frames.count && !b->ip.text))
			continue;
		struct oops merged = *b;
		merged.kind = e->kind;
		merged.headline = e->headline;
		merged.detail = e->detail;
		merged.first_line = e->first_line;
		merged.has_ns = e->has_ns;
		merged.ns = e->ns;
		merged.seconds = e->seconds;
		if (e->modules.count)
			merged.modules = e->modules;
		*e = merged;
		return;
	}
}

/* An error code says what the access was when nothing else did: bit 1 write, bit 4 fetch; ESR
 * bit 6 write for data aborts. */
static void conclude_event(const struct oops_log *log, enum arch arch, struct oops *e)
{
	adopt_backtrace(log, e);
	if (e->arch == ARCH_UNKNOWN)
		e->arch = arch;
	bool fault = e->kind == OOPS_PAGE_FAULT || e->kind == OOPS_NULL_POINTER;
	if (e->access == OOPS_ACCESS_UNKNOWN && fault && e->has_error_code && e->arch == ARCH_ARM64)
		e->access = e->error_code >> 6 & 1 ? OOPS_ACCESS_WRITE : OOPS_ACCESS_READ;
	else if (e->access == OOPS_ACCESS_UNKNOWN && fault && e->has_error_code)
		e->access = e->error_code & 16  ? OOPS_ACCESS_EXECUTE
			    : e->error_code & 2 ? OOPS_ACCESS_WRITE
						: OOPS_ACCESS_READ;
	if (!e->has_address && fault && e->has_cr2) {
		e->has_address = true;
		e->address = e->cr2;
	}
}

static void conclude_machine(struct oops_log *out, struct arena *arena,
			     const struct oops_boots *boots, size_t begin)
{
	for (size_t i = begin; i < out->events.count; i++) {
		struct oops *e = list_at(&out->events, i);
		conclude_event(out, boots->arch, e);
		if (e->release)
			out->release = e->release;
		if (e->hardware && !out->product) {
			out->vendor = e->vendor;
			out->product = e->product;
			out->bios = e->bios;
		}
		if (e->arch != ARCH_UNKNOWN)
			out->arch = e->arch;
	}
	if (out->arch == ARCH_UNKNOWN)
		out->arch = boots->arch;
	if (boots->hardware && !out->product)
		line_hardware(arena, boots->hardware, &out->vendor, &out->product, &out->bios);
}

void oops_conclude(struct oops_log *out, struct arena *arena, const struct oops_boots *boots)
{
	enum oops_kind panic_kind = OOPS_PANIC;
	struct oops *end = NULL;

	size_t begin = first_of_last_story(out, boots);
	recognise_sysrq(out);
	for (size_t i = begin; i < out->events.count; i++) {
		struct oops *e = list_at(&out->events, i);
		if (e->kind == OOPS_PANIC)
			end = e;
	}
	if (end) {
		out->end = end;
		out->panic_reason = reason_of(end);
		panic_kind = oops_kind_of_panic(out->panic_reason);
		end->fatal = true;
	}
	struct oops *cause = choose_cause(out, begin, end, panic_kind);
	if (cause && end) {
		inherit(cause, end);
		if (cause == end)
			cause->kind = panic_kind;
	}
	out->cause = cause;
	conclude_machine(out, arena, boots, begin);
}
