/* A kernel's log alone: vmcore-dmesg.txt, dmesg, a serial console, a journal. It names what it
 * names; memory, open files and what was not printed are out of reach, and the report says so. */
#include "ceilings.h"
#include "evidence.h"
#include "linux_kernel.h"

#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 32 << 20 };

static int bid(const struct evidence *e)
{
	int sure = linux_log_bid(e->data, e->size);

	return sure > 50 ? 50 : sure; /* any binary format knows better */
}

/* The last event that says how the kernel was tainted. */
static const char *taints_of(const struct oops_log *log)
{
	const char *taints = NULL;

	LIST_EACH(struct oops, event, &log->events) {
		if (event->tainted)
			taints = event->tainted;
	}
	return taints;
}

static void context_of(struct dump *dump, const struct oops *event)
{
	if (!event->has_registers || event->ip_user)
		return;
	dump->has_header_context = true;
	dump->header_context = event->registers;
	dump->header_context.ip = event->ip.address;
	dump->context_source = "log";
	dump->header_context_is_fault =
		event->fatal && event->kind != OOPS_SOFT_LOCKUP && event->kind != OOPS_HARD_LOCKUP;
}

static uint64_t wall_of(const struct linux_log *log, const struct oops *event)
{
	const struct linux_line *line = event ? list_at(&log->lines, event->first_line) : NULL;

	return line && line->wall ? linux_filetime(line->wall, 0) : 0;
}

static void times(struct dump *dump, const struct linux_log *log, const struct oops *event)
{
	dump->crash_time = wall_of(log, event);
	if (event && event->has_ns) {
		dump->has_uptime = true;
		dump->uptime_s = (double)event->ns / 1e9;
		if (dump->crash_time > event->ns / 100)
			dump->boot_time = dump->crash_time - event->ns / 100;
	}
}

static struct error *read_log(const struct evidence *e, struct dump *dump)
{
	struct linux_log log;
	struct oops_log events;

	linux_log_from_text(e->data, e->size < TEXT_MAX ? e->size : TEXT_MAX, dump->arena, &log);
	oops_parse(&log, dump->arena, &events);
	dump->format = "linux-dmesg";
	dump->os = OS_LINUX;
	dump->arch = events.arch;
	dump->taints = taints_of(&events);
	dump->os_version = events.release;
	linux_log_lines(dump, &log);
	linux_failure(dump, &events);
	const struct oops *event = linux_main_event(&events);
	linux_log_modules(dump, &events);
	if (event) {
		linux_log_calls(dump, event);
		context_of(dump, event);
	} else {
		dump_problem(dump, "no-crash",
			     "the log has no oops, panic, lockup or warning: nothing crashed as "
			     "far as it goes");
	}
	times(dump, &log, event);
	dump->partial = true;
	dump_problem(dump, "log-only",
		     "this is a kernel's log alone: module versions, open files and their content, "
		     "and everything that was not printed cannot be known; the vmcore would tell");
	if (!space_seal(dump->space) || arena_failed(dump->arena))
		return error_create(ERROR_NOMEM, "no memory left for the log");
	return NULL;
}

const struct format format_linux_dmesg = {
	.id = "linux-dmesg",
	.summary = "Linux kernel log (vmcore-dmesg.txt, serial console)",
	.bid = bid,
	.read = read_log,
};
