/* Is this a known incident of a Linux product?
 *
 * An incident is known by its module (or, for BPF programs, by the process that loaded them), by
 * lines of the panic, by functions on the stack, and by the kernels on which it happened. The name
 * alone is never enough. */
#include "support.h"

#include "pattern.h"
#include "text.h"

#include <string.h>

static const double MATCH_AT = 0.6;
enum { WHY_MAX = 16, LINES_MAX = 2000, WORDS_MAX = 5, NAME_MIN = 5 };

struct match {
	struct analysis *a;
	const struct incident *incident;
	struct incident_match *result;
	double score;
	unsigned marks; /* patterns and functions that fitted */
};

static void agree(struct match *m, double weight, const char *text)
{
	const char **why = list_add(&m->result->why);

	*why = text;
	m->score += weight;
}

/* The last line of the log that @p pattern fits; NULL if none does. */
static const char *line_for(const struct dump *d, const char *pattern)
{
	const char *found = NULL;
	regex_t regex;

	if (!pattern_compile(pattern, &regex))
		return NULL;
	size_t count = d->log.count;
	for (size_t i = 0; i < count && i < LINES_MAX && !found; i++) {
		const struct log_line *line = list_at(&d->log, count - 1 - i);
		if (regexec(&regex, line->text, 0, NULL, 0) == 0)
			found = line->text;
	}
	regfree(&regex);
	return found;
}

static void match_patterns(struct match *m)
{
	struct arena *arena = m->a->report->arena;
	unsigned fitted = 0;

	LIST_EACH(const char *, pattern, &m->incident->panic_patterns) {
		const char *line = line_for(m->a->dump, *pattern);
		if (line && !fitted++)
			agree(m, 0.2, arena_printf(arena, "the log has a line of it: %s", line));
	}
	if (fitted && fitted == m->incident->panic_patterns.count)
		m->score += 0.2;
	m->marks += fitted;
}

static void match_functions(struct match *m)
{
	struct arena *arena = m->a->report->arena;

	LIST_EACH(struct frame, f, &m->a->report->stack) {
		if (!f->symbol)
			continue;
		const char *name = arena_strndup(arena, f->symbol, strcspn(f->symbol, "+"));
		LIST_EACH(const char *, glob, &m->incident->functions) {
			if (!text_glob(*glob, name))
				continue;
			agree(m, 0.3,
			      arena_printf(arena, "%s, a function of it, is on the stack", name));
			m->marks++;
			return;
		}
	}
}

static bool match_module(struct match *m)
{
	const struct module *culprit = m->a->report->verdict.culprit;
	struct arena *arena = m->a->report->arena;

	LIST_EACH(const char *, glob, &m->incident->drivers) {
		if (culprit && text_glob(*glob, culprit->name)) {
			agree(m, 0.3, arena_printf(arena, "the culprit is %s", culprit->name));
			return true;
		}
	}
	return m->incident->drivers.count == 0;
}

/* False: it is about other kernels. */
static bool match_kernel(struct match *m)
{
	const char *release = m->a->dump->os_version;
	struct arena *arena = m->a->report->arena;
	bool fits = m->incident->kernels.count == 0;
	regex_t regex;

	LIST_EACH(const char *, pattern, &m->incident->kernels) {
		if (fits || !release || !pattern_compile(*pattern, &regex))
			continue;
		fits = regexec(&regex, release, 0, NULL, 0) == 0;
		regfree(&regex);
		if (fits)
			agree(m, 0.1,
			      arena_printf(arena, "it happened on kernels like %s", release));
	}
	return fits;
}

static struct incident_match *match(struct analysis *a, const struct incident *in)
{
	struct incident_match *result = arena_alloc(a->report->arena, 1, sizeof(*result));
	struct match m = {.a = a, .incident = in, .result = result};

	if (!result)
		return NULL;
	list_init(&result->why, a->report->arena, sizeof(const char *), WHY_MAX);
	list_init(&result->times, a->report->arena, sizeof(struct timeline_entry), 64);
	result->id = in->id;
	result->title = in->title;
	if (!match_module(&m) || !match_kernel(&m))
		return NULL;
	match_patterns(&m);
	match_functions(&m);
	if (m.marks == 0 || m.score < MATCH_AT)
		return NULL;
	result->score = m.score > 1 ? 1 : m.score;
	return result;
}

/* A program's name without what its threads add to it ("falcon-sensor-b"); NULL: it adds nothing.
 */
static const char *program_of(struct arena *arena, const char *task)
{
	const char *end = strrchr(task, '-');

	return end && end - task >= NAME_MIN ? arena_strndup(arena, task, (size_t)(end - task))
					     : NULL;
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;
	const struct module *culprit = r->verdict.culprit;
	const char *words[WORDS_MAX] = {0};
	struct list incidents;
	unsigned n = 0;

	if (culprit && culprit->kind == MODULE_DRIVER)
		words[n++] = culprit->name;
	if (culprit && culprit->loader)
		words[n++] = culprit->loader;
	if (a->dump->process.name && strlen(a->dump->process.name) >= NAME_MIN) {
		words[n++] = a->dump->process.name;
		words[n] = program_of(r->arena, a->dump->process.name);
		n += words[n] != NULL;
	}
	if (n == 0)
		return NULL;
	struct error *err =
		knowledge_incidents_mentioning(a->knowledge, r->arena, "linux", words, &incidents);
	take_incident(a, err, &incidents, match);
	return NULL;
}

const struct analyzer analyzer_linux_incident = {
	.id = "linux_incident",
	.summary = "matches the crash with known incidents of Linux products",
	.os = OS_LINUX,
	.run = run,
};
