/* Which modules and BPF programs are suspected of a Linux crash, and what speaks for nobody?
 *
 * The order of trust: the code that faulted or ran; who called it; who blocks others. A trace that
 * was unwound by the kernel's own tables is a chain of calls, not leftovers, so a caller counts;
 * less so the farther away it is, and little where the callee is one that suffers for others'
 * deeds (allocators, lists). */
#include "support.h"

#include "linux_support.h"

#include <inttypes.h>
#include <string.h>

static const double WEIGHT_FAULTING_CODE = 0.85;
static const double WEIGHT_CALLER = 0.75;
static const double WEIGHT_NEAR_CALLER = 0.65;
static const double WEIGHT_FAR_CALLER = 0.3;
static const double WEIGHT_VICTIM = 0.35;
static const double WEIGHT_RUNNING = 0.8;
static const double WEIGHT_WAITING = 0.75;
static const double WEIGHT_OTHER_WAITING = 0.3;
static const double WEIGHT_LOG_AGREES = 0.3;
static const double WEIGHT_LOG_ALONE = 0.08;
static const double WEIGHT_CONTENT = 0.4;

enum { NEAR_FRAMES = 4 };

/* Code that works on everybody's data: it trips over what others have damaged. */
static bool is_victim(const char *symbol)
{
	static const char *const prefixes[] = {"kmem_cache_",
					       "__kmalloc",
					       "kmalloc",
					       "kfree",
					       "__kfree",
					       "___slab",
					       "__slab",
					       "slab_",
					       "get_freepointer",
					       "__list_",
					       "list_",
					       "rb_",
					       "__rb_",
					       "kvfree",
					       "vfree",
					       "__free_pages",
					       "get_page_from_freelist",
					       "rmqueue",
					       "__alloc_pages",
					       "krealloc",
					       "__kvmalloc",
					       "xas_"};

	for (size_t i = 0; symbol && i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(symbol, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static bool accusable(const struct analysis *a, const struct frame *f)
{
	return f->module && f->trust != TRUST_SCAN && may_be_culprit(a, f->module, NULL);
}

/* Index of the first frame that is a third party's, SIZE_MAX if none is. */
static size_t first_foreign(const struct analysis *a)
{
	const struct list *stack = &a->report->stack;

	for (size_t i = 0; i < stack->count; i++)
		if (accusable(a, list_at(stack, i)))
			return i;
	return SIZE_MAX;
}

static const char *place(const struct frame *f)
{
	return f->symbol ? f->symbol : "an address without a name";
}

static void log_agrees(struct analysis *a, struct suspect *s, const struct frame *f)
{
	if (f->call_seen)
		suspect_evidence(a->report, s, "log", WEIGHT_LOG_AGREES, f->address,
				 "the trace that the kernel printed names the same place");
}

/* A vmcore that has lost what its kernel knows of modules and symbols is read like its log. */
static void log_alone(struct analysis *a, struct suspect *s)
{
	if (a->dump->modules_lost && !s->module->base)
		suspect_evidence(a->report, s, "log-alone", -WEIGHT_LOG_ALONE, 0,
				 "only the trace in the kernel's log names it: where modules and "
				 "symbols lie in memory could not be read from this dump");
}

static void fault_in(struct analysis *a, struct suspect *s, const struct frame *f)
{
	suspect_evidence(a->report, s, "faulting-ip", WEIGHT_FAULTING_CODE, f->address,
			 "the instruction that faulted is its own: %s", place(f));
}

static void fault_below(struct analysis *a, struct suspect *s, const struct frame *f, size_t index)
{
	struct report *r = a->report;
	const struct frame *top = list_at(&r->stack, 0);
	bool text = a->dump->fault_address && top->address < 0x10000;

	if (!top->module && index == 1) {
		suspect_evidence(
			r, s, "bad-call", WEIGHT_RUNNING, f->slot,
			text || top->address < 0x10000
				? "it called through a NULL pointer: the return address on "
				  "top of the stack is %s"
				: "it called an address that is no code: the return address "
				  "on top of the stack is %s",
			place(f));
		return;
	}
	if (is_victim(top->symbol)) {
		suspect_evidence(r, s, "caller", WEIGHT_VICTIM, f->slot,
				 "%s called the kernel's %s, which faulted on damaged data; who "
				 "damaged it is another question",
				 place(f), place(top));
		return;
	}
	double weight = index == 1             ? WEIGHT_CALLER
			: index <= NEAR_FRAMES ? WEIGHT_NEAR_CALLER
					       : WEIGHT_FAR_CALLER;
	suspect_evidence(r, s, "caller", weight, f->slot,
			 index == 1 ? "the kernel's %s faulted on what %s had given it"
				    : "the kernel's %s faulted in a call that %s had begun",
			 place(top), place(f));
}

static void running(struct analysis *a, struct suspect *s, const struct frame *f, size_t index)
{
	struct report *r = a->report;
	const struct frame *top = list_at(&r->stack, 0);

	if (index == 0)
		suspect_evidence(r, s, "interrupted", WEIGHT_RUNNING, f->address,
				 "it was executing (%s) when the watchdog struck", place(f));
	else
		suspect_evidence(
			r, s, "interrupted",
			index <= NEAR_FRAMES ? WEIGHT_WAITING : WEIGHT_NEAR_CALLER, f->slot,
			"the processor was busy on its behalf when the watchdog struck: %s "
			"had called %s",
			place(f), place(top));
}

static void waiting(struct analysis *a, struct suspect *s, const struct frame *f)
{
	suspect_evidence(a->report, s, "blocked", WEIGHT_WAITING, f->slot,
			 "the task that blocks waits inside of it: %s", place(f));
}

/* Tasks beside the one that was reported, which sleep in third-party code while the machine
 * hangs. */
static void others_waiting(struct analysis *a)
{
	LIST_EACH(struct task, t, &a->dump->tasks) {
		if (!t->blocked)
			continue;
		LIST_EACH(struct call, c, &t->calls) {
			const struct module *m = dump_module_at(a->dump, c->address);
			if (!m || !may_be_culprit(a, m, NULL))
				continue;
			suspect_evidence(a->report, report_suspect(a->report, m), "sleeping",
					 WEIGHT_OTHER_WAITING, c->slot,
					 "task %s (%" PRIu64 ") is blocked in it too: %s",
					 t->name ? t->name : "?", t->pid,
					 c->symbol ? c->symbol : "?");
			break;
		}
	}
}

static void is_trigger(struct analysis *a, const struct module *m)
{
	const struct frame *top = list_at(&a->report->stack, 0);

	if (m->kind == MODULE_BPF && top && top->module != m)
		report_finding(a->report, "info", "trigger", m->name,
			       "the BPF program %s%s%s was the trigger; the code that ran was the "
			       "kernel's %s",
			       m->name, m->loader ? " of process " : "", m->loader ? m->loader : "",
			       place(top));
}

/* A program that loads, attaches or removes BPF programs can lead the kernel into a bug of its own:
 * none of its code is on the stack. */
static void is_bpf_call(struct analysis *a)
{
	const struct list *stack = &a->report->stack;
	const struct frame *top = list_at(stack, 0), *step = top;
	const char *task = a->dump->process.name;

	LIST_EACH(const struct frame, f, stack) {
		if (f->trust != TRUST_SCAN && f->symbol &&
		    strncmp(f->symbol, "__sys_bpf+", 10) == 0 && f != top) {
			report_finding(a->report, "warning", "trigger", task,
				       "process %s was the trigger, with a call of bpf() (%s); the "
				       "code that ran was the kernel's %s",
				       task ? task : "?", place(step), place(top));
			return;
		}
		step = f;
	}
}

static void from_stack(struct analysis *a)
{
	size_t index = first_foreign(a);
	const struct frame *f = index == SIZE_MAX ? NULL : list_at(&a->report->stack, index);

	if (!f) {
		is_bpf_call(a);
		return;
	}
	struct suspect *s = report_suspect(a->report, f->module);
	switch (a->dump->failure) {
	case FAILURE_SOFT_LOCKUP:
	case FAILURE_HARD_LOCKUP:
	case FAILURE_RCU_STALL: running(a, s, f, index); break;
	case FAILURE_HUNG_TASK: waiting(a, s, f); break;
	case FAILURE_REQUESTED:
	case FAILURE_OUT_OF_MEMORY:
	case FAILURE_MACHINE_CHECK:
	case FAILURE_STACK_END:
		suspect_evidence(a->report, s, "stack", 0.1, f->slot, "it is on the stack: %s",
				 place(f));
		return;
	default:
		if (index == 0)
			fault_in(a, s, f);
		else
			fault_below(a, s, f, index);
	}
	log_agrees(a, s, f);
	log_alone(a, s);
	is_trigger(a, f->module);
}

/* The value that was used as a pointer stands in a file which a suspect holds. */
static void from_content(struct analysis *a)
{
	LIST_EACH(struct content_file, f, &a->report->content_files) {
		const struct reason *holds = evidence_of(&f->evidence, "pointer-in-content");
		LIST_EACH(struct suspect, s, &a->report->suspects) {
			const struct reason *first = list_at(&s->evidence, 0);
			/* What linux_overrun found is this very thing. */
			if (!holds || !f->owner || !f->path || !first ||
			    !strcmp(first->kind, "bytes-owned") ||
			    strcmp(f->owner, s->module->name) != 0)
				continue;
			suspect_evidence(a->report, s, "content", WEIGHT_CONTENT, f->address,
					 "the file that it was working on, %s: %s", f->path,
					 holds->text);
		}
	}
}

/* ---- what speaks for nobody ---- */

static void decide(struct analysis *a, enum verdict_class c, bool certain, const char *text)
{
	struct report *r = a->report;

	r->verdict.verdict_class = c;
	report_say(r, &r->verdict.because, "%s", text);
	if (!certain)
		return;
	r->verdict.decided = true;
	LIST_EACH(struct suspect, s, &r->suspects)
		suspect_evidence(r, s, verdict_class_name(c), -1.0, 0, "%s", text);
}

static void innocence(struct analysis *a)
{
	const struct dump *d = a->dump;
	const char *task = d->process.name ? d->process.name : "an unknown task";

	switch (d->failure) {
	case FAILURE_REQUESTED:
		decide(a, CLASS_USER_INITIATED, true,
		       arena_printf(
			       a->report->arena,
			       "somebody asked for this crash: task %s used the kernel's crash "
			       "trigger (sysrq)",
			       task));
		break;
	case FAILURE_MACHINE_CHECK:
		decide(a, CLASS_HARDWARE, true, "the hardware reported an error of its own");
		break;
	case FAILURE_OUT_OF_MEMORY:
		decide(a, CLASS_UNKNOWN, true,
		       "the machine had no memory left and was told to stop then; which program "
		       "used it up is in the log");
		break;
	case FAILURE_STACK_END:
		decide(a, CLASS_MEMORY_CORRUPTION, false,
		       arena_printf(
			       a->report->arena,
			       "the end of the stack of task %s was found overwritten, by calls "
			       "that went too deep or by code that wrote past its own memory; "
			       "who it was is not certain",
			       task));
		break;
	case FAILURE_CORRUPTION:
		decide(a, CLASS_MEMORY_CORRUPTION, false,
		       "the kernel found one of its structures damaged; who damaged it is not "
		       "certain");
		break;
	default: break;
	}
	uint64_t values[BAD_POINTERS_MAX];
	unsigned count = bad_pointers(a, values);
	char text[9];
	const struct frame *top = list_at(&a->report->stack, 0);
	for (unsigned i = 0; i < count; i++) {
		if (a->report->verdict.verdict_class == CLASS_UNKNOWN && top && top->module &&
		    top->module->origin == ORIGIN_OS &&
		    (linux_is_text(values[i], text) || is_victim(top->symbol)))
			decide(a, CLASS_MEMORY_CORRUPTION, false,
			       "the kernel tripped over a pointer that had been overwritten "
			       "earlier; who wrote there is not certain");
	}
	LIST_EACH(struct finding, f, &a->report->findings) {
		if (a->report->verdict.verdict_class == CLASS_UNKNOWN &&
		    strcmp(f->kind, "lock-overwritten") == 0)
			decide(a, CLASS_MEMORY_CORRUPTION, false,
			       "the kernel waited for a lock that had been overwritten earlier; "
			       "who wrote there is not certain");
	}
}

static struct error *run(struct analysis *a)
{
	from_stack(a);
	from_content(a);
	others_waiting(a);
	innocence(a);
	return NULL;
}

const struct analyzer analyzer_linux_blame = {
	.id = "linux_blame",
	.summary = "collects what speaks for a module or BPF program being at fault, and what for "
		   "nobody",
	.os = OS_LINUX,
	.run = run,
};
