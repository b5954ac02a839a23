/* What did the kernel say, and where did the processor stand? */
#include "support.h"

#include <string.h>

/* The families that fixes and words go by. */
static const char *family_of(enum failure failure)
{
	switch (failure) {
	case FAILURE_SOFT_LOCKUP:
	case FAILURE_HARD_LOCKUP:
	case FAILURE_HUNG_TASK:
	case FAILURE_RCU_STALL: return "hang";
	case FAILURE_MACHINE_CHECK: return "hardware";
	case FAILURE_BAD_ADDRESS:
	case FAILURE_NULL:
	case FAILURE_PROTECTION: return "memory";
	case FAILURE_STACK_END:
	case FAILURE_CORRUPTION: return "pool";
	default: return NULL;
	}
}

/* A jump to where no code is: when that is no possible address, the kernel prints none beside RIP.
 */
static void take_wild_jump(struct analysis *a)
{
	struct report *r = a->report;
	uint64_t ip = r->crash.context.ip;

	if (a->dump->failure != FAILURE_PROTECTION || r->crash.has_address || !r->crash.is_fault ||
	    dump_module_at(a->dump, ip) || space_has(a->dump->space, ip))
		return;
	r->crash.has_address = true;
	r->crash.address = ip;
	r->crash.access = "execute";
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;
	const struct dump *d = a->dump;

	r->crash.kind = d->failure == FAILURE_UNKNOWN && !d->panic ? "unknown" : "panic";
	r->crash.name = failure_name(d->failure);
	r->crash.family = family_of(d->failure);
	r->crash.message = d->headline && d->failure != FAILURE_REQUESTED ? d->headline : d->panic;
	if (!r->crash.message)
		r->crash.message = d->headline;
	r->crash.access = d->access;
	r->crash.has_address = d->has_fault_address;
	r->crash.address = d->fault_address;
	if (d->has_header_context) {
		r->crash.has_context = true;
		r->crash.context = d->header_context;
		r->crash.context_source = d->context_source;
		r->crash.is_fault = d->header_context_is_fault;
		take_wild_jump(a);
	}
	return NULL;
}

const struct analyzer analyzer_linux_crash = {
	.id = "linux_crash",
	.summary = "takes over what the kernel reported, and the registers of the fault",
	.os = OS_LINUX,
	.run = run,
};
