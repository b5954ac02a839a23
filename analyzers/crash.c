/* What was the stop code, and what do its parameters say? */
#include "support.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

/* How the processor touched the bad address, by the stop code that reports it.
 * windows-dumps.md 5.1: 0xA and 0xD1 count 0 read, 1 write, 2 or 8 execute; 0x50 counts 0 read, 1
 * or 2 write, 8 or 0x10 execute. */
static const char *access_word(uint32_t code, uint64_t value)
{
	if (value == 0)
		return "read";
	if (value == 8 || value == 0x10)
		return "execute";
	if (value == 1 || (value == 2 && code == 0x50))
		return "write";
	return value == 2 ? "execute" : NULL;
}

static const char *status_text(const struct analysis *a, uint32_t status)
{
	const char *meaning = NULL;
	const char *name = knowledge_status(a->knowledge, status, &meaning);

	if (!name)
		return NULL;
	return arena_printf(a->report->arena, "%s: %s", name, meaning);
}

/* What a value of that role tells, as far as the value alone can. */
static const char *parameter_meaning(const struct analysis *a, unsigned index, const char *role)
{
	struct report *r = a->report;
	uint64_t value = a->dump->parameter[index];
	uint32_t code = stop_code(a->dump);

	if (strcmp(role, "access") == 0)
		return access_word(code, value);
	if (strcmp(role, "exc_code") == 0 || strcmp(role, "status") == 0)
		return status_text(a, (uint32_t)value);
	if (index == 0 || strcmp(role, "subtype") == 0 || strcmp(role, "pf_kind") == 0) {
		const char *text = knowledge_subcode(a->knowledge, code, value);
		if (text && (index == 0 || strcmp(role, "subtype") == 0))
			return text;
	}
	if (value == 0)
		return NULL;
	if (module_of(a->dump, value, NULL))
		return report_where(r, a->dump, value);
	return NULL;
}

static void parameters(struct analysis *a, const struct bugcheck *b)
{
	struct report *r = a->report;

	r->crash.parameters = 4;
	for (unsigned i = 0; i < 4; i++) {
		const char *role = b ? b->role[i] : "num";
		r->crash.parameter[i].value = a->dump->parameter[i];
		r->crash.parameter[i].role =
			strcmp(role, "-") == 0 ? NULL : knowledge_role_text(a->knowledge, role);
		r->crash.parameter[i].meaning = parameter_meaning(a, i, role);
	}
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;
	const struct dump *d = a->dump;
	const struct bugcheck *b = knowledge_bugcheck(a->knowledge, d->code);
	uint64_t value;

	r->crash.code = d->code;
	r->crash.kind = d->live ? "live-dump" : "bugcheck";
	r->crash.name = b ? b->name : NULL;
	r->crash.family = b ? b->family : NULL;
	parameters(a, b);
	if (stop_parameter_value(a, "exc_code", &value))
		r->crash.exception = (uint32_t)value;
	if (stop_parameter_value(a, "bad_addr", &r->crash.address))
		r->crash.has_address = true;
	int access = stop_parameter(a, "access");
	if (access >= 0)
		r->crash.access = access_word(stop_code(d), d->parameter[access]);
	/* 0x1E has the exception's own two parameters where others have an access and an address.
	 */
	if (stop_code(d) == 0x1e && r->crash.exception == 0xc0000005) {
		r->crash.access = access_word(0, d->parameter[2]);
		r->crash.address = d->parameter[3];
		r->crash.has_address = true;
	}
	if (!b)
		r->crash.message = arena_printf(
			r->arena,
			"0x%08" PRIx32 " is no documented stop code: a driver made it up and "
			"stopped the machine itself",
			d->code);
	return NULL;
}

const struct analyzer analyzer_crash = {
	.id = "crash",
	.summary = "decodes the stop code and its parameters",
	.os = OS_WINDOWS,
	.run = run,
};
