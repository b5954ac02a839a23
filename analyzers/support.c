#include "support.h"

#include "ceilings.h"
#include "text.h"

#include <nettle/base16.h>
#include <string.h>

enum { SMALL_VALUE = 1 << 20, LARGEST_OFFSET = 4096 };

uint32_t stop_code(const struct dump *dump)
{
	uint32_t code = dump->code;

	/* 0xC000021A and 0xDEADDEAD are whole codes; 0x1000007E is 0x7E as a small dump writes it.
	 */
	if ((code & 0xf0000000) == 0x10000000)
		code &= 0x0fffffff;
	return code;
}

static const struct bugcheck *stop(const struct analysis *a)
{
	return knowledge_bugcheck(a->knowledge, a->dump->code);
}

int stop_parameter(const struct analysis *a, const char *role)
{
	const struct bugcheck *b = stop(a);

	for (int i = 0; b && i < 4; i++)
		if (strcmp(b->role[i], role) == 0)
			return i;
	return -1;
}

bool stop_parameter_value(const struct analysis *a, const char *role, uint64_t *ret)
{
	int i = stop_parameter(a, role);

	if (i < 0 || a->dump->parameter[i] == 0)
		return false;
	*ret = a->dump->parameter[i];
	return true;
}

bool stop_family(const struct analysis *a, const char *family)
{
	const struct bugcheck *b = stop(a);

	return b && strcmp(b->family, family) == 0;
}

bool may_be_culprit(const struct analysis *a, const struct module *module, const char **ret_why_not)
{
	const char *why = NULL;

	if (a->dump->os == OS_LINUX)
		why = module->kind == MODULE_KERNEL ? "the kernel itself"
		      : module->origin == ORIGIN_OS ? "one of the kernel's own modules"
						    : NULL;
	else if (module->dump_clone)
		why = "a copy of a storage driver that Windows loads to write the dump";
	else if (knowledge_passes_blame(a->knowledge, module->name, &why))
		why = why ? why : "it only passes a crash on";
	else if (module->origin == ORIGIN_OS)
		why = "part of Windows: usually the victim of what it was given";
	if (ret_why_not)
		*ret_why_not = why;
	return !why;
}

char *module_title(const struct analysis *a, const struct module *module)
{
	struct arena *arena = a->report->arena;

	if (module->kind == MODULE_BPF)
		return arena_printf(arena, "BPF program %s%s%s%s", module->name,
				    module->loader ? " (loaded by process " : "",
				    module->loader ? module->loader : "",
				    module->loader ? ")" : "");
	if (module->vendor && module->product &&
	    text_starts_nocase(module->product, module->vendor))
		return arena_printf(arena, "%s (%s)", module->name, module->product);
	if (module->vendor && module->product)
		return arena_printf(arena, "%s (%s %s)", module->name, module->vendor,
				    module->product);
	if (module->vendor)
		return arena_printf(arena, "%s (%s)", module->name, module->vendor);
	return arena_strdup(arena, module->name);
}

const struct module *module_of(const struct dump *dump, uint64_t address, bool *ret_unloaded)
{
	const struct module *m = dump_module_at(dump, address);

	if (ret_unloaded)
		*ret_unloaded = !m;
	return m ? m : dump_unloaded_at(dump, address);
}

struct stack_span saved_stack(const struct dump *dump)
{
	uint64_t size = dump->stack_size < LIMIT_STACK ? dump->stack_size : LIMIT_STACK;

	return (struct stack_span){dump->stack_low, dump->stack_low + size};
}

struct stack_span live_stack(const struct analysis *a)
{
	struct stack_span saved = saved_stack(a->dump);
	uint64_t sp = a->report->crash.context.sp;
	const struct range *runs;

	if (!a->report->crash.has_context || sp % pointer_size(a->dump))
		return saved;
	if (sp >= saved.low && sp < saved.high)
		return (struct stack_span){sp, saved.high};
	/* Another processor's stack, or the one that was left for the crash. */
	size_t count = space_runs(a->dump->space, &runs);
	for (size_t i = 0; i < count; i++) {
		if (sp < runs[i].address || sp - runs[i].address >= runs[i].size)
			continue;
		uint64_t left = runs[i].size - (sp - runs[i].address);
		return (struct stack_span){sp, sp + (left < LIMIT_STACK ? left : LIMIT_STACK)};
	}
	return saved;
}

const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

const char *hex_text(struct arena *arena, const uint8_t *bytes, size_t size)
{
	char *text = arena_alloc(arena, size + 1, 2);

	if (text)
		base16_encode_update(text, size, bytes);
	return text;
}

unsigned pointer_size(const struct dump *dump)
{
	return dump->arch == ARCH_X86 ? 4 : 8;
}

bool read_pointer(const struct dump *dump, uint64_t address, uint64_t *ret)
{
	uint32_t low;

	if (pointer_size(dump) == 8)
		return space_u64(dump->space, address, ret);
	if (!space_u32(dump->space, address, &low))
		return false;
	*ret = low;
	return true;
}

void take_incident(struct analysis *a, struct error *err, const struct list *incidents,
		   incident_matcher match)
{
	struct report *r = a->report;

	if (err) {
		report_finding(r, "warning", "rules", NULL, "incidents could not be matched: %s",
			       err->message);
		error_destroy(err);
		return;
	}
	LIST_EACH(struct incident, in, incidents) {
		struct incident_match *m = match(a, in);
		if (m && (!r->incident || m->score > r->incident->score))
			r->incident = m;
	}
}

unsigned bad_pointers(const struct analysis *a, uint64_t values[BAD_POINTERS_MAX])
{
	const struct report *r = a->report;
	uint64_t bad = r->crash.address;
	unsigned count = 0;

	if (!r->crash.is_fault || !r->crash.has_address || bad < SMALL_VALUE)
		return 0;
	values[count++] = bad;
	for (unsigned i = 0; r->crash.has_context && i < REGISTERS_MAX && count < BAD_POINTERS_MAX;
	     i++) {
		uint64_t value = r->crash.context.r[i];
		if ((r->crash.context.known & (UINT32_C(1) << i)) && value != bad &&
		    value >= SMALL_VALUE && bad - value + LARGEST_OFFSET <= 2 * LARGEST_OFFSET &&
		    !space_has(a->dump->space, value))
			values[count++] = value;
	}
	return count;
}
