/* The trace of the crash, as the reader unwound it. */
#include "support.h"

#include <string.h>

static enum trust trust_of(enum call_source source)
{
	switch (source) {
	case CALL_REGISTERS:
	case CALL_INTERRUPTED: return TRUST_CONTEXT;
	case CALL_UNWIND:
	case CALL_LOG: return TRUST_UNWIND;
	case CALL_FRAME_POINTER: return TRUST_FRAME_POINTER;
	case CALL_SCAN: break;
	}
	return TRUST_SCAN;
}

static const char *why(const struct analysis *a, const struct call *c, size_t index)
{
	const struct dump *d = a->dump;

	if (index == 0 && d->crash_task.sleeping)
		return "the task waits here";
	if (index == 0 && a->report->crash.is_fault)
		return "the processor was here when it faulted";
	if (index == 0 && a->report->crash.has_context &&
	    strcmp(a->report->crash.context_source, "interrupted") == 0)
		return "was running when the watchdog struck";
	if (c->source == CALL_INTERRUPTED)
		return "was interrupted here";
	if (c->source == CALL_LOG)
		return "as the kernel's log has it";
	if (c->in_log)
		return "the trace in the log has it too";
	return NULL;
}

static const struct module *module_for(const struct dump *d, const struct call *c)
{
	const struct module *m = NULL;

	if (c->address)
		m = dump_module_at(d, c->address - (c->source >= CALL_UNWIND &&
						    c->source <= CALL_FRAME_POINTER));
	if (!m && c->module)
		m = dump_module_named(d, c->module);
	if (!m && c->source == CALL_LOG && c->symbol && !c->module)
		m = list_at(&d->modules, 0);
	return m;
}

static struct error *run(struct analysis *a)
{
	size_t index = 0;

	LIST_EACH(struct call, c, &a->dump->crash_task.calls) {
		struct frame *f = list_add(&a->report->stack);
		f->address = c->address;
		f->slot = c->slot;
		f->symbol = c->symbol;
		f->sources = c->sources.count ? &c->sources : NULL;
		f->trust = trust_of(c->source);
		f->module = module_for(a->dump, c);
		f->offset = f->module && f->address >= f->module->base
				    ? f->address - f->module->base
				    : 0;
		f->why = why(a, c, index++);
		f->call_seen = c->in_log && c->source != CALL_LOG;
	}
	return NULL;
}

const struct analyzer analyzer_linux_stack = {
	.id = "linux_stack",
	.summary = "lists the calls that led to the crash",
	.os = OS_LINUX,
	.run = run,
};
