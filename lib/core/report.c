#include "report.h"

#include "ceilings.h"

#include <inttypes.h>
#include <string.h>

enum { SAYINGS_MAX = 256, EVIDENCE_MAX = 256, SUSPECTS_MAX = 256 };

static void strings_init(struct list *list, struct arena *arena)
{
	list_init(list, arena, sizeof(const char *), SAYINGS_MAX);
}

struct report *report_create(struct arena *arena)
{
	struct report *r = arena_alloc(arena, 1, sizeof(*r));

	if (!r)
		return NULL;
	r->arena = arena;
	strings_init(&r->input.containers, arena);
	list_init(&r->stack, arena, sizeof(struct frame), LIMIT_FRAMES);
	list_init(&r->suspects, arena, sizeof(struct suspect), SUSPECTS_MAX);
	list_init(&r->content_files, arena, sizeof(struct content_file), LIMIT_STRINGS);
	list_init(&r->hits, arena, sizeof(struct hit), LIMIT_HITS);
	list_init(&r->strings, arena, sizeof(struct text_hit), LIMIT_STRINGS);
	list_init(&r->findings, arena, sizeof(struct finding), SAYINGS_MAX);
	list_init(&r->timeline, arena, sizeof(struct timeline_entry), LIMIT_EVENTS);
	strings_init(&r->verdict.because, arena);
	list_init(&r->fix.steps, arena, sizeof(struct step), SAYINGS_MAX);
	strings_init(&r->fix.cautions, arena);
	strings_init(&r->fix.references, arena);
	return r;
}

struct suspect *report_suspect(struct report *report, const struct module *module)
{
	LIST_EACH(struct suspect, s, &report->suspects) {
		if (s->module == module)
			return s;
	}
	struct suspect *s = list_add(&report->suspects);
	s->module = module;
	list_init(&s->evidence, report->arena, sizeof(struct reason), EVIDENCE_MAX);
	return s;
}

static void evidence_add(struct report *report, struct list *list, const char *kind, double weight,
			 uint64_t address, const char *format, va_list args)
{
	struct reason *e = list_add(list);

	e->kind = kind;
	e->against = weight < 0;
	e->weight = weight < 0 ? -weight : weight;
	e->has_address = address != 0;
	e->address = address;
	e->text = arena_vprintf(report->arena, format, args);
}

void suspect_evidence(struct report *report, struct suspect *s, const char *kind, double weight,
		      uint64_t address, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	evidence_add(report, &s->evidence, kind, weight, address, format, args);
	va_end(args);
}

void content_evidence(struct report *report, struct content_file *file, const char *kind,
		      double weight, uint64_t address, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	evidence_add(report, &file->evidence, kind, weight, address, format, args);
	va_end(args);
}

const struct reason *evidence_of(const struct list *evidence, const char *kind)
{
	const struct reason *found = NULL;

	LIST_EACH(const struct reason, e, evidence)
		found = strcmp(e->kind, kind) == 0 ? e : found;
	return found;
}

void report_finding(struct report *report, const char *severity, const char *kind,
		    const char *subject, const char *format, ...)
{
	va_list args;
	struct finding *f = list_add(&report->findings);

	va_start(args, format);
	f->severity = severity;
	f->kind = kind;
	f->subject = subject;
	f->text = arena_vprintf(report->arena, format, args);
	va_end(args);
}

void report_say(struct report *report, struct list *list, const char *format, ...)
{
	va_list args;
	const char **text = list_add(list);

	va_start(args, format);
	*text = arena_vprintf(report->arena, format, args);
	va_end(args);
}

char *report_where(struct report *report, const struct dump *dump, uint64_t address)
{
	const struct module *m = dump_module_at(dump, address);
	char *symbol = m && dump->ops && dump->ops->symbol_at
			       ? dump->ops->symbol_at(dump, report->arena, address)
			       : NULL;

	if (symbol)
		return m->kind == MODULE_DRIVER
			       ? arena_printf(report->arena, "%s [%s]", symbol, m->name)
			       : symbol;
	if (m)
		return arena_printf(report->arena, "%s+0x%" PRIx64, m->name, address - m->base);
	m = dump_unloaded_at(dump, address);
	if (m)
		return arena_printf(report->arena, "%s (unloaded)+0x%" PRIx64, m->name,
				    address - m->base);
	return arena_printf(report->arena, "0x%016" PRIx64, address);
}

const char *verdict_class_name(enum verdict_class c)
{
	static const char *const names[] = {
		[CLASS_UNKNOWN] = "unknown",
		[CLASS_THIRD_PARTY_DRIVER] = "third-party-driver",
		[CLASS_OS_DRIVER] = "os-driver",
		[CLASS_HARDWARE] = "hardware",
		[CLASS_MEMORY_CORRUPTION] = "memory-corruption",
		[CLASS_USER_INITIATED] = "user-initiated",
		[CLASS_APPLICATION] = "application",
	};
	return names[c];
}

const char *confidence_name(enum confidence c)
{
	static const char *const names[] = {
		[CONFIDENCE_NONE] = NULL,
		[CONFIDENCE_LOW] = "low",
		[CONFIDENCE_MEDIUM] = "medium",
		[CONFIDENCE_HIGH] = "high",
	};
	return names[c];
}
