/* Is this a known incident? */
#include "support.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double MATCH_AT = 0.6;
enum { WHY_MAX = 16 };

/* ISO 8601 UTC, date alone or with a time, to FILETIME; 0 if it is none. */
static uint64_t iso_filetime(const char *text)
{
	struct tm tm = {.tm_mday = 1};
	const char *end = text ? strptime(text, "%Y-%m-%d", &tm) : NULL;

	if (!end)
		return 0;
	if (*end == 'T')
		strptime(end + 1, "%H:%M:%S", &tm);
	return ((uint64_t)timegm(&tm) + UINT64_C(11644473600)) * 10000000;
}

struct match {
	struct analysis *a;
	const struct incident *incident;
	struct incident_match *result;
	double score;
	bool specific; /* the offset or the content file agrees, not only driver and stop code */
};

static void agree(struct match *m, double weight, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void agree(struct match *m, double weight, const char *format, ...)
{
	va_list args;
	const char **why = list_add(&m->result->why);

	va_start(args, format);
	*why = arena_vprintf(m->a->report->arena, format, args);
	va_end(args);
	m->score += weight;
}

static bool names_driver(const struct incident *in, const char *driver)
{
	LIST_EACH(const char *, glob, &in->drivers)
		if (text_glob(*glob, driver))
			return true;
	return false;
}

static void match_code(struct match *m)
{
	uint32_t code = stop_code(m->a->dump);

	LIST_EACH(const char *, text, &m->incident->bugchecks) {
		if (strtoul(*text, NULL, 16) == code) {
			agree(m, 0.3, "stop code 0x%" PRIx32 " is one of this incident", code);
			return;
		}
	}
}

static void match_offset(struct match *m)
{
	const struct report *r = m->a->report;
	const struct module *culprit = r->verdict.culprit;

	if (!r->crash.has_context || r->crash.context.ip < culprit->base)
		return;
	uint64_t offset = r->crash.context.ip - culprit->base;
	LIST_EACH(struct incident_offset, o, &m->incident->offsets) {
		if (text_equal_nocase(o->module, culprit->name) &&
		    strtoull(o->offset, NULL, 16) == offset) {
			agree(m, 0.4,
			      "it faulted at %s+0x%" PRIx64
			      ", the published place (driver version %s)",
			      culprit->name, offset, o->version);
			m->specific = true;
			return;
		}
	}
}

/* Globs are relative: they fit behind any folder, but only at a border between names. */
static bool fits_glob(const char *glob, const char *path)
{
	char pattern[1024];
	char separator = strchr(path, '\\') ? '\\' : '/';

	snprintf(pattern, sizeof(pattern), "*%c%s", separator, glob);
	return text_glob(glob, path) || text_glob(pattern, path);
}

static void match_content(struct match *m)
{
	LIST_EACH(const char *, glob, &m->incident->content_files) {
		LIST_EACH(struct content_file, f, &m->a->report->content_files) {
			if (!f->path || !fits_glob(*glob, f->path))
				continue;
			agree(m, f->cited ? 0.4 : 0.1, "%s %s (evidence grade %c)",
			      text_basename(f->path),
			      f->cited ? "is its content file and the fault leads to it"
				       : "has the name of its content file, but nothing links it "
					 "to the "
					 "fault",
			      f->grade);
			m->specific |= f->cited;
			return;
		}
	}
}

/* False if the crash cannot be of this incident because of when it happened. */
static bool match_time(struct match *m)
{
	uint64_t first = iso_filetime(m->incident->first), last = iso_filetime(m->incident->last);
	uint64_t crash = m->a->dump->crash_time;

	if (!crash)
		return true;
	if ((first && crash < first) || (last && crash > last))
		return false;
	if (first)
		agree(m, 0.1, "the crash falls into its time (from %s on)", m->incident->first);
	return true;
}

static void match_times(struct match *m)
{
	list_init(&m->result->times, m->a->report->arena, sizeof(struct timeline_entry), 64);
	LIST_EACH(struct incident_time, t, &m->incident->timeline) {
		struct timeline_entry *e = list_add(&m->result->times);
		e->time = iso_filetime(t->time);
		e->event = t->event;
		e->source = arena_printf(m->a->report->arena, "published: %s", m->incident->id);
	}
}

/* A listed attacker's driver must be that very file: its name alone is also the victim's. */
static bool is_listed_sample(const struct analysis *a, const struct module *culprit)
{
	bool exact = false;

	return knowledge_bad_driver(a->knowledge, culprit->name, culprit->timestamp, &exact) &&
	       exact;
}

static struct incident_match *match(struct analysis *a, const struct incident *in)
{
	const struct module *culprit = a->report->verdict.culprit;
	struct incident_match *result = arena_alloc(a->report->arena, 1, sizeof(*result));
	struct match m = {.a = a, .incident = in, .result = result};
	bool malicious =
		strstr(in->incident_class, "malicious") || strstr(in->incident_class, "vulnerable");

	if (!result || strcmp(in->os, "windows") != 0 || !names_driver(in, culprit->name))
		return NULL;
	list_init(&result->why, a->report->arena, sizeof(const char *), WHY_MAX);
	result->id = in->id;
	result->title = in->title;
	agree(&m, 0.3, "the culprit is %s", culprit->name);
	/* Neither the vendor's incidents fit a driver of somebody else's making, nor the reverse.
	 */
	if (malicious != is_listed_sample(a, culprit) || (!malicious && !culprit->vendor))
		return NULL;
	if (malicious) {
		agree(&m, 0.5, "its link time is that of a listed sample");
		m.specific = true;
	}
	if (!match_time(&m))
		return NULL;
	match_code(&m);
	match_offset(&m);
	match_content(&m);
	match_times(&m);
	/* An incident with known marks needs one of them: the same driver crashes for other
	 * reasons. */
	bool has_marks = in->offsets.count || in->content_files.count;
	if ((has_marks && !m.specific) || m.score < MATCH_AT)
		return NULL;
	result->score = m.score > 1 ? 1 : m.score;
	return result;
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;
	struct list incidents;

	if (!r->verdict.culprit)
		return NULL;
	struct error *err = knowledge_incidents_for(a->knowledge, r->arena,
						    r->verdict.culprit->name, &incidents);
	take_incident(a, err, &incidents, match);
	return NULL;
}

const struct analyzer analyzer_incident = {
	.id = "incident",
	.summary = "matches the crash with known incidents",
	.os = OS_WINDOWS,
	.run = run,
};
