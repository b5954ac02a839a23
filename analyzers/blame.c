/* Which drivers are suspected, with what for and against each? windows-dumps.md 5
 *
 * The order of trust: what the stop code itself names, then the registers of the fault, then who
 * made the call that went wrong, and last, worth little alone, addresses lying on the stack. */
#include "support.h"

#include <inttypes.h>
#include <string.h>

/* Weights of evidence: 0.6 is enough to name a driver (verdict.c). Two independent pieces of
 * WEIGHT_STACK never are. */
static const double WEIGHT_MADE_UP_CODE = 0.9;
static const double WEIGHT_FAULTING_CODE = 0.85;
static const double WEIGHT_NAMED = 0.8;
static const double WEIGHT_CALLER = 0.75;
static const double WEIGHT_LEAF_CALLER = 0.7;
static const double WEIGHT_STUCK = 0.7;
static const double WEIGHT_VERIFIED = 0.65;
static const double WEIGHT_HANGING = 0.62;
static const double WEIGHT_LIKELY_LEAF_CALLER = 0.45;
static const double WEIGHT_POOL_CALLER = 0.4;
static const double WEIGHT_STACK = 0.2;
static const double WEIGHT_CALL_SEEN = 0.1;

enum { STUCK_FRAMES = 3, DEEPLY_STUCK = 10, HANGING_FRAMES = 3 };

/* The suspect for @p module, NULL if it cannot be one. */
static struct suspect *suspect(struct analysis *a, const struct module *module)
{
	if (!module || !may_be_culprit(a, module, NULL))
		return NULL;
	return report_suspect(a->report, module);
}

static struct suspect *suspect_at(struct analysis *a, uint64_t address)
{
	return suspect(a, module_of(a->dump, address, NULL));
}

static const char *where(struct analysis *a, uint64_t address)
{
	return report_where(a->report, a->dump, address);
}

/* The code that faulted, by the recovered registers or by the stop code's parameter. */
static void faulting_code(struct analysis *a)
{
	struct report *r = a->report;
	uint64_t ip = 0, parameter = 0;
	struct suspect *s;

	if (r->crash.has_context && r->crash.is_fault)
		ip = r->crash.context.ip;
	bool named = stop_parameter_value(a, "code_addr", &parameter);
	if (!ip)
		ip = parameter;
	if (!ip || !(s = suspect_at(a, ip)))
		return;
	if (strcmp(r->crash.context_source ? r->crash.context_source : "", "processor") == 0)
		suspect_evidence(r, s, "hung-processor", WEIGHT_FAULTING_CODE, ip,
				 "the processor that stopped answering was executing %s",
				 where(a, ip));
	else
		suspect_evidence(r, s, "faulting-ip", WEIGHT_FAULTING_CODE, ip,
				 "the instruction that faulted is %s", where(a, ip));
	if (named && parameter == ip && r->crash.is_fault)
		suspect_evidence(r, s, "parameter", 0.3, parameter,
				 "the stop code's own parameter names the same address");
}

/* A call through a bad pointer: the caller, not the address it landed on. windows-dumps.md 5.2 */
static void bad_call(struct analysis *a)
{
	struct report *r = a->report;
	const struct frame *caller = list_at(&r->stack, 1);
	uint64_t ip = r->crash.context.ip;
	struct suspect *s;

	if (!r->crash.is_fault || !caller || caller->trust != TRUST_UNWIND)
		return;
	/* Code of a loaded driver that cannot be fetched is that driver's page missing, and whoever
	 * called it did nothing wrong. */
	if (dump_module_at(a->dump, ip) || !(s = suspect(a, caller->module)))
		return;
	/* An address in no driver means nothing if drivers of the list could not be read. */
	if (a->dump->modules_lost && ip >= 0x10000)
		return;
	suspect_evidence(r, s, "bad-call", WEIGHT_CALLER, caller->slot,
			 ip < 0x10000
				 ? "it called through a NULL pointer: the return address on top "
				   "of the stack is %s"
				 : "it called an address that is no code: the return address on "
				   "top of the stack is %s",
			 where(a, caller->address));
}

/* Small routines of the kernel (memory copy, string length ...) have no frame: when one faults on
 * the pointer it was given, the caller's return address is on top of the stack. That it really is
 * one is only certain if the call before it is in the dump. */
static void leaf_caller(struct analysis *a)
{
	struct report *r = a->report;
	const struct frame *f = list_at(&r->stack, 1);
	const struct module *at = dump_module_at(a->dump, r->crash.context.ip);
	struct suspect *s;

	if (!r->crash.is_fault || !at || at->origin != ORIGIN_OS || !f ||
	    f->slot != r->crash.context.sp || f->trust != TRUST_SCAN ||
	    !(s = suspect(a, f->module)))
		return;
	suspect_evidence(
		r, s, "leaf-caller", f->call_seen ? WEIGHT_LEAF_CALLER : WEIGHT_LIKELY_LEAF_CALLER,
		f->slot,
		"it called the routine of %s that faulted: the return address on top of the "
		"stack is %s%s",
		at->name, where(a, f->address), f->call_seen ? ", right behind a call" : "");
}

/* The driver that called the crash routine itself. */
static void raised_by(struct analysis *a)
{
	struct report *r = a->report;
	const struct frame *caller = list_at(&r->stack, 1);
	bool made_up = !knowledge_bugcheck(a->knowledge, a->dump->code);
	struct suspect *s;

	if (!r->crash.has_context || r->crash.is_fault || !caller ||
	    caller->trust != TRUST_UNWIND || !(s = suspect(a, caller->module)))
		return;
	suspect_evidence(
		r, s, "raised-by", made_up ? WEIGHT_MADE_UP_CODE : WEIGHT_NAMED, caller->slot,
		made_up ? "it stopped the machine itself, with a stop code of its own: the "
			  "crash routine returns to %s"
			: "it stopped the machine itself: the crash routine returns to %s",
		where(a, caller->address));
}

/* Code or data of a driver that is no longer there. */
static void unloaded(struct analysis *a)
{
	struct report *r = a->report;
	uint64_t addresses[2] = {r->crash.has_context && r->crash.is_fault ? r->crash.context.ip
									   : 0,
				 r->crash.has_address ? r->crash.address : 0};

	for (unsigned i = 0; i < 2; i++) {
		const struct module *m =
			addresses[i] ? dump_unloaded_at(a->dump, addresses[i]) : NULL;
		if (!m || dump_module_at(a->dump, addresses[i]) || !suspect(a, m))
			continue;
		suspect_evidence(r, suspect(a, m), "unloaded", WEIGHT_FAULTING_CODE, addresses[i],
				 "0x%" PRIx64 " was inside it, and it had already been unloaded",
				 addresses[i]);
		return;
	}
}

/* A parameter that points into the driver, at its name, or at the request it sits on. */
static void named_by_parameter(struct analysis *a)
{
	struct report *r = a->report;
	const struct dump_ops *ops = a->dump->ops;
	uint64_t value, device, driver, start;
	struct suspect *s;
	char *name = NULL;

	if (stop_parameter_value(a, "driver_ptr", &value) && (s = suspect_at(a, value)))
		suspect_evidence(r, s, "parameter", WEIGHT_NAMED, value,
				 "the stop code points at it: %s", where(a, value));
	if (stop_parameter_value(a, "name_ustr", &value) && ops->counted_string_at &&
	    (name = ops->counted_string_at(a->dump, r->arena, value)) &&
	    (s = suspect(a, dump_module_named(a->dump, name))))
		suspect_evidence(r, s, "parameter", WEIGHT_NAMED, value,
				 "the stop code gives its name: %s", name);
	if (stop_parameter_value(a, "irp", &value) && ops->device_of_irp && ops->driver_of_device &&
	    ops->driver_object_at && (device = ops->device_of_irp(a->dump, value)) &&
	    (driver = ops->driver_of_device(a->dump, device)) &&
	    ops->driver_object_at(a->dump, driver, &name, &start) && (s = suspect_at(a, start)))
		suspect_evidence(r, s, "request", WEIGHT_NAMED, value,
				 "the request that is stuck waits in a device of this driver (%s)",
				 name ? name : "no name in the dump");
}

/* Driver Verifier and some others pass the offender's address in a parameter that varies. */
static void varying_parameter(struct analysis *a)
{
	const struct bugcheck *b = knowledge_bugcheck(a->knowledge, a->dump->code);

	if (!stop_family(a, "verifier"))
		return;
	for (unsigned i = 1; b && i < 4; i++) {
		uint64_t value = a->dump->parameter[i];
		struct suspect *s = strcmp(b->role[i], "var") == 0 ? suspect_at(a, value) : NULL;
		if (s)
			suspect_evidence(a->report, s, "parameter", WEIGHT_NAMED, value,
					 "Driver Verifier points at it: %s", where(a, value));
	}
}

static unsigned frames_of(const struct analysis *a, const struct module *m)
{
	unsigned count = 0;

	LIST_EACH(struct frame, f, &a->report->stack)
		count += f->module == m;
	return count;
}

/* What being first on the stack is worth for this kind of stop. */
static double stack_weight(const struct analysis *a, const struct frame *f, const char **ret_text)
{
	uint32_t code = stop_code(a->dump);
	unsigned count = frames_of(a, f->module);

	if (stop_family(a, "video") && count >= STUCK_FRAMES && f->module->category &&
	    !strcmp(f->module->category, "graphics")) {
		*ret_text =
			"the display stack stopped in it: %s is the first of %u return addresses";
		return count >= DEEPLY_STUCK ? WEIGHT_NAMED : WEIGHT_STUCK;
	}
	if (code == 0x133 && count >= HANGING_FRAMES) {
		*ret_text = "it is what the processor was busy with: %s is the first of %u return "
			    "addresses of this driver on the stack";
		return WEIGHT_HANGING;
	}
	if (stop_family(a, "verifier") && f->trust != TRUST_SCAN) {
		*ret_text = "Driver Verifier caught it: %s called the check (%u return addresses)";
		return WEIGHT_VERIFIED;
	}
	if (stop_family(a, "verifier") || code == 0xc2) {
		*ret_text =
			"%s is the first third-party return address above the check that failed "
			"(%u of this driver)";
		return WEIGHT_POOL_CALLER;
	}
	*ret_text = "%s is on the stack, one of %u address(es) of this driver there, which may be "
		    "left over "
		    "from an earlier call";
	return WEIGHT_STACK + (f->call_seen ? WEIGHT_CALL_SEEN : 0);
}

static bool seen_before(const struct analysis *a, size_t index)
{
	const struct frame *f = list_at(&a->report->stack, index), *other = a->report->stack.items;

	for (size_t i = 0; i < index; i++)
		if (other[i].module == f->module)
			return true;
	return false;
}

/* First suspectable module on the stack; the ones behind it are hardly more than bystanders. A
 * driver that something better already speaks against gets its frames mentioned, no more. */
static void on_the_stack(struct analysis *a)
{
	struct report *r = a->report;
	size_t direct = r->suspects.count;
	double share = 1;

	for (size_t i = 0; i < r->stack.count; i++) {
		const struct frame *f = list_at(&r->stack, i);
		const char *text;
		if (!f->module || f->slot == 0 || seen_before(a, i) ||
		    !may_be_culprit(a, f->module, NULL))
			continue;
		struct suspect *s = report_suspect(r, f->module);
		unsigned count = frames_of(a, f->module);
		if ((size_t)(s - (struct suspect *)r->suspects.items) < direct) {
			suspect_evidence(r, s, "stack", WEIGHT_CALL_SEEN, f->slot,
					 "%u address%s of it %s on the stack", count,
					 count == 1 ? "" : "es", count == 1 ? "is" : "are");
			continue;
		}
		double weight = stack_weight(a, f, &text) * share;
		suspect_evidence(r, s, "stack", weight, f->slot, "%s",
				 arena_printf(r->arena, text, where(a, f->address), count));
		share = 0.3;
	}
}

static void interrupted(struct analysis *a)
{
	struct report *r = a->report;
	struct suspect *s;

	if (!r->crash.has_context || strcmp(r->crash.context_source, "interrupted") != 0 ||
	    !(s = suspect_at(a, r->crash.context.ip)))
		return;
	suspect_evidence(r, s, "interrupted", WEIGHT_CALLER, r->crash.context.ip,
			 "it was executing (%s) when the watchdog ran out",
			 where(a, r->crash.context.ip));
}

static struct error *run(struct analysis *a)
{
	if (!a->dump->ops)
		return NULL;
	faulting_code(a);
	unloaded(a);
	bad_call(a);
	leaf_caller(a);
	raised_by(a);
	interrupted(a);
	named_by_parameter(a);
	varying_parameter(a);
	on_the_stack(a);
	return NULL;
}

const struct analyzer analyzer_blame = {
	.id = "blame",
	.summary = "collects what speaks for each driver being the culprit",
	.os = OS_WINDOWS,
	.run = run,
};
