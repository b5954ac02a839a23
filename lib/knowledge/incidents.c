/* Known incidents with their runbooks. */
#include "ceilings.h"
#include "document.h"
#include "pattern.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

struct signatures {
	const char **bugcheck, **panic_regex, **functions, **kernels;
	struct incident_offset *offsets;
	unsigned bugcheck_count, panic_regex_count, functions_count, kernels_count, offsets_count;
};

struct raw_incident {
	const char *id, *title, *date, *os, *vendor, *incident_class;
	const char **drivers, **content_files;
	struct signatures signatures;
	const char *first, *last;
	struct incident_time *timeline;
	const char *affected, *cause;
	struct fix_step *steps;
	const char **cautions, **notes, **references, **from_memory;
	unsigned drivers_count, content_files_count, timeline_count, steps_count, cautions_count,
		notes_count, references_count, from_memory_count;
	bool harmful_file, confirmed;
};

static const cyaml_schema_field_t offset_fields[] = {
	DOCUMENT_TEXT("module", struct incident_offset, module),
	DOCUMENT_TEXT("version", struct incident_offset, version),
	DOCUMENT_TEXT("offset", struct incident_offset, offset),
	DOCUMENT_TEXT_OPTIONAL("instruction", struct incident_offset, instruction, 1),
	DOCUMENT_TEXT_OPTIONAL("note", struct incident_offset, note, 1),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t offset_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct incident_offset, offset_fields),
};
static const cyaml_schema_field_t signature_fields[] = {
	DOCUMENT_LIST("bugcheck", struct signatures, bugcheck, &document_text),
	DOCUMENT_LIST("panic_regex", struct signatures, panic_regex, &document_text),
	DOCUMENT_LIST("functions", struct signatures, functions, &document_text),
	DOCUMENT_LIST_OPTIONAL("kernels", struct signatures, kernels, &document_text),
	DOCUMENT_LIST("offsets", struct signatures, offsets, &offset_entry),
	CYAML_FIELD_END,
};
static const cyaml_schema_field_t time_fields[] = {
	DOCUMENT_TEXT("time", struct incident_time, time),
	DOCUMENT_TEXT("event", struct incident_time, event),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t time_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct incident_time, time_fields),
};
static const cyaml_schema_field_t incident_fields[] = {
	DOCUMENT_TEXT("id", struct raw_incident, id),
	DOCUMENT_TEXT("title", struct raw_incident, title),
	DOCUMENT_TEXT("date", struct raw_incident, date),
	DOCUMENT_TEXT("os", struct raw_incident, os),
	DOCUMENT_TEXT("vendor", struct raw_incident, vendor),
	DOCUMENT_TEXT("class", struct raw_incident, incident_class),
	DOCUMENT_LIST("drivers", struct raw_incident, drivers, &document_text),
	DOCUMENT_LIST("content_files", struct raw_incident, content_files, &document_text),
	CYAML_FIELD_MAPPING("signatures", CYAML_FLAG_DEFAULT, struct raw_incident, signatures,
			    signature_fields),
	DOCUMENT_TEXT_OPTIONAL("first", struct raw_incident, first, 1),
	DOCUMENT_TEXT_OPTIONAL("last", struct raw_incident, last, 1),
	DOCUMENT_LIST_OPTIONAL("timeline", struct raw_incident, timeline, &time_entry),
	DOCUMENT_TEXT("affected", struct raw_incident, affected),
	DOCUMENT_TEXT("cause", struct raw_incident, cause),
	DOCUMENT_BOOL("harmful_file", struct raw_incident, harmful_file),
	DOCUMENT_LIST("steps", struct raw_incident, steps, &document_step),
	DOCUMENT_LIST("cautions", struct raw_incident, cautions, &document_text),
	DOCUMENT_LIST("notes", struct raw_incident, notes, &document_text),
	DOCUMENT_LIST("references", struct raw_incident, references, &document_text),
	DOCUMENT_CONFIDENCE("confidence", struct raw_incident, confirmed),
	DOCUMENT_LIST("from_memory", struct raw_incident, from_memory, &document_text),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t incident_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_incident, incident_fields),
};

static struct list texts(struct arena *arena, const char **items, unsigned count)
{
	return document_list(arena, items, count, sizeof(*items));
}

static void incident_fill(struct arena *arena, const struct raw_incident *raw, struct incident *ret)
{
	const struct signatures *s = &raw->signatures;

	*ret = (struct incident){
		.id = raw->id,
		.title = raw->title,
		.date = raw->date,
		.os = raw->os,
		.vendor = raw->vendor,
		.incident_class = raw->incident_class,
		.drivers = texts(arena, raw->drivers, raw->drivers_count),
		.content_files = texts(arena, raw->content_files, raw->content_files_count),
		.bugchecks = texts(arena, s->bugcheck, s->bugcheck_count),
		.panic_patterns = texts(arena, s->panic_regex, s->panic_regex_count),
		.functions = texts(arena, s->functions, s->functions_count),
		.kernels = texts(arena, s->kernels, s->kernels_count),
		.offsets = document_list(arena, s->offsets, s->offsets_count, sizeof(*s->offsets)),
		.timeline = document_list(arena, raw->timeline, raw->timeline_count,
					  sizeof(*raw->timeline)),
		.first = raw->first,
		.last = raw->last,
		.affected = raw->affected,
		.cause = raw->cause,
		.harmful_file = raw->harmful_file,
		.steps = document_list(arena, raw->steps, raw->steps_count, sizeof(*raw->steps)),
		.cautions = texts(arena, raw->cautions, raw->cautions_count),
		.notes = texts(arena, raw->notes, raw->notes_count),
		.references = texts(arena, raw->references, raw->references_count),
		.confirmed = raw->confirmed,
	};
}

/* ---- lookup --------------------------------------------------------------------------------- */

static bool drivers_fit(const struct raw_incident *raw, const char *driver)
{
	for (unsigned i = 0; i < raw->drivers_count; i++)
		if (text_glob(raw->drivers[i], driver))
			return true;
	return false;
}

/* Whether the list of drivers may have globs in it, as seen without parsing. */
static bool drivers_have_globs(const struct rule_file *file)
{
	const char *p = strstr(file->data, "\ndrivers:");

	for (p = p ? p + 1 : file->data; *p; p++) {
		if (*p == '*' || *p == '?')
			return true;
		if (*p == '\n' && p[1] >= 'a' && p[1] <= 'z')
			return false;
	}
	return false;
}

struct error *knowledge_incidents_for(const struct knowledge *knowledge, struct arena *arena,
				      const char *driver, struct list *ret)
{
	const struct rule_file *files;
	size_t count = knowledge_folder(knowledge, "incidents/", &files);
	struct list list;

	list_init(&list, arena, sizeof(struct incident), ENTRIES_MAX);
	for (size_t i = 0; i < count; i++) {
		void *data;
		/* Parsing all of them would take longer than the whole analysis. */
		if (!text_contains_nocase(files[i].data, driver) && !drivers_have_globs(&files[i]))
			continue;
		struct error *err = document_load(arena, &files[i], &incident_schema, &data);
		if (err)
			return err;
		if (drivers_fit(data, driver))
			incident_fill(arena, data, list_add(&list));
	}
	if (arena_failed(arena))
		return error_create(ERROR_LIMIT, "no memory left for incidents of %s", driver);
	*ret = list;
	return NULL;
}

static bool mentions(const struct rule_file *file, const char *const *words)
{
	for (; *words; words++)
		if (text_contains_nocase(file->data, *words))
			return true;
	return false;
}

struct error *knowledge_incidents_mentioning(const struct knowledge *knowledge, struct arena *arena,
					     const char *os, const char *const *words,
					     struct list *ret)
{
	const struct rule_file *files;
	size_t count = knowledge_folder(knowledge, "incidents/", &files);
	struct list list;

	list_init(&list, arena, sizeof(struct incident), ENTRIES_MAX);
	for (size_t i = 0; i < count; i++) {
		void *data;
		if (!mentions(&files[i], words))
			continue;
		struct error *err = document_load(arena, &files[i], &incident_schema, &data);
		if (err)
			return err;
		if (strcmp(((const struct raw_incident *)data)->os, os) == 0)
			incident_fill(arena, data, list_add(&list));
	}
	if (arena_failed(arena))
		return error_create(ERROR_LIMIT, "no memory left for incidents");
	*ret = list;
	return NULL;
}

struct error *knowledge_incident(const struct knowledge *knowledge, struct arena *arena,
				 const char *id, struct incident **ret)
{
	char name[256];
	void *data;

	const struct rule_file *file = NULL;
	if (!check_word(id) &&
	    snprintf(name, sizeof(name), "incidents/%s.yaml", id) < (int)sizeof(name))
		file = knowledge_find(knowledge, name);
	if (!file) {
		*ret = NULL;
		return NULL;
	}
	struct error *err = document_load(arena, file, &incident_schema, &data);
	if (err)
		return err;
	struct incident *incident = arena_alloc(arena, 1, sizeof(*incident));
	if (incident)
		incident_fill(arena, data, incident);
	if (arena_failed(arena))
		return error_create(ERROR_LIMIT, "no memory left for %s", file->name);
	*ret = incident;
	return NULL;
}

const char *const *knowledge_incident_ids(const struct knowledge *knowledge)
{
	return knowledge->incident_ids;
}

/* ---- checking ------------------------------------------------------------------------------- */

/* Describes @p text, the value of @p key, if @p wrong says something. */
static void check_value(struct checker *c, const struct list *scalars, const char *key,
			const char *text, const char *wrong)
{
	if (wrong)
		check_problem(c, document_line(scalars, text), "%s: '%s' %s", key, text, wrong);
}

static void check_times(struct checker *c, const struct list *scalars,
			const struct raw_incident *raw)
{
	if (strcmp(raw->date, "various"))
		check_value(c, scalars, "date", raw->date, check_time(raw->date));
	if (raw->first)
		check_value(c, scalars, "first", raw->first, check_time(raw->first));
	if (raw->last)
		check_value(c, scalars, "last", raw->last, check_time(raw->last));
	if (raw->first && raw->last && strcmp(raw->first, raw->last) > 0)
		check_problem(c, document_line(scalars, "last"), "last: is before first");
	for (unsigned i = 0; i < raw->timeline_count; i++)
		check_value(c, scalars, "time", raw->timeline[i].time,
			    check_time(raw->timeline[i].time));
}

static void check_drivers(struct checker *c, const struct rule_file *file,
			  const struct list *scalars, const struct raw_incident *raw)
{
	for (unsigned i = 0; i < raw->drivers_count; i++) {
		const char *driver = raw->drivers[i], *wrong = check_glob(driver);
		if (!wrong && has_wildcard(driver) && glob_fixed(driver) < 2)
			wrong = "fits too many drivers";
		/* The search before parsing must find it. */
		if (!wrong && !strstr(file->data, driver))
			wrong = "must be written without escapes";
		check_value(c, scalars, "drivers", driver, wrong);
	}
}

/* A fix that removes a file must say which: by a name, not by a folder. */
static bool is_named(const char *path)
{
	const char *name = text_basename(path);

	return *name && !check_glob(name) && (!has_wildcard(name) || glob_fixed(name) >= 4);
}

static void check_content_files(struct checker *c, const struct list *scalars,
				const struct raw_incident *raw)
{
	bool named = false;

	for (unsigned i = 0; i < raw->content_files_count; i++) {
		const char *path = raw->content_files[i], *name = text_basename(path);
		const char *wrong = check_glob(name);
		if (!wrong && glob_fixed(path) < 4)
			wrong = "fits too many files";
		check_value(c, scalars, "content_files", path, wrong);
		named = named || is_named(path);
	}
	if (!raw->harmful_file)
		return;
	for (unsigned i = 0; i < raw->drivers_count; i++)
		named = named || is_named(raw->drivers[i]);
	if (!named)
		check_problem(c, document_line(scalars, "harmful_file"),
			      "harmful_file: content_files or drivers must name the file");
	if (!raw->cautions_count)
		check_problem(c, document_line(scalars, "harmful_file"),
			      "harmful_file: at least one caution is needed");
}

static void check_patterns(struct checker *c, const struct list *scalars, const char *key,
			   const char **patterns, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		regex_t regex;
		bool fine = pattern_compile(patterns[i], &regex);
		check_value(c, scalars, key, patterns[i], fine ? NULL : "is no regular expression");
		if (fine)
			regfree(&regex);
	}
}

static void check_signatures(struct checker *c, const struct list *scalars,
			     const struct signatures *s)
{
	check_patterns(c, scalars, "panic_regex", s->panic_regex, s->panic_regex_count);
	check_patterns(c, scalars, "kernels", s->kernels, s->kernels_count);
	for (unsigned i = 0; i < s->bugcheck_count; i++) {
		const char *code = s->bugcheck[i], *wrong = check_hex(code);
		if (!wrong && strlen(code) > 10)
			wrong = "has more than 8 digits";
		check_value(c, scalars, "bugcheck", code, wrong);
	}
	for (unsigned i = 0; i < s->offsets_count; i++) {
		const struct incident_offset *offset = &s->offsets[i];
		check_value(c, scalars, "offset", offset->offset, check_hex(offset->offset));
		check_value(c, scalars, "module", offset->module, check_file(offset->module));
	}
}

void incident_check(const struct knowledge *knowledge, struct checker *c,
		    const struct rule_file *file)
{
	char expected[LIMIT_NAME_CHARS];
	struct list scalars;

	(void)knowledge;
	const struct raw_incident *raw = document_check(c, file, &incident_schema, &scalars);
	if (!raw)
		return;
	check_value(c, &scalars, "id", raw->id, check_word(raw->id));
	snprintf(expected, sizeof(expected), "incidents/%s.yaml", raw->id);
	if (strcmp(file->name, expected))
		check_problem(c, document_line(&scalars, raw->id),
			      "id: %s belongs into a file of that name", raw->id);
	if (check_enum(raw->os, "windows|linux|macos"))
		check_problem(c, document_line(&scalars, raw->os),
			      "os: '%s' is not one of windows, linux, macos", raw->os);
	check_value(c, &scalars, "class", raw->incident_class, check_word(raw->incident_class));
	check_times(c, &scalars, raw);
	check_drivers(c, file, &scalars, raw);
	check_content_files(c, &scalars, raw);
	check_signatures(c, &scalars, &raw->signatures);
	steps_check(c, &scalars, raw->steps, raw->steps_count);
}
