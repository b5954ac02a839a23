/* culprit runbook: the fix of an incident, to print and to tick off. */
#include "command.h"
#include "knowledge.h"
#include "message.h"
#include "pages.h"
#include "rulebook.h"
#include "tables.h"
#include "terminal.h"

#include <string.h>
#include <unistd.h>

static void set(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, value && *value ? json_string(value) : json_null());
}

static json_t *steps_json(const struct list *steps)
{
	json_t *array = json_array();

	LIST_EACH(struct fix_step, s, steps) {
		json_t *o = json_object();
		set(o, "check", s->check);
		set(o, "do", s->action);
		set(o, "command", s->command);
		set(o, "verify", s->verify);
		set(o, "undo", s->undo);
		set(o, "brief", s->brief);
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *offsets_json(const struct list *offsets, struct arena *arena)
{
	json_t *array = json_array();

	LIST_EACH(struct incident_offset, f, offsets) {
		const char *line = arena_printf(arena, "%s+%s", f->module ? f->module : "?",
						f->offset ? f->offset : "?");
		if (f->version)
			line = arena_printf(arena, "%s, version %s", line, f->version);
		if (f->instruction)
			line = arena_printf(arena, "%s: %s", line, f->instruction);
		if (f->note)
			line = arena_printf(arena, "%s (%s)", line, f->note);
		json_array_append_new(array, json_string(line));
	}
	return array;
}

static json_t *times_json(const struct list *times)
{
	json_t *array = json_array();

	LIST_EACH(struct incident_time, t, times) {
		json_t *o = json_object();
		set(o, "time", t->time);
		set(o, "event", t->event);
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *page_json(const struct incident *in, struct arena *arena)
{
	json_t *o = json_object();

	set(o, "schema", "culprit.runbook/1");
	set(o, "id", in->id);
	set(o, "title", in->title);
	set(o, "date", in->date);
	set(o, "os", in->os);
	set(o, "vendor", in->vendor);
	set(o, "class", in->incident_class);
	set(o, "cause", in->cause);
	set(o, "affected", in->affected);
	json_object_set_new(o, "drivers", rulebook_lines(&in->drivers));
	json_object_set_new(o, "content_files", rulebook_lines(&in->content_files));
	json_object_set_new(o, "bugchecks", rulebook_lines(&in->bugchecks));
	json_object_set_new(o, "panic_patterns", rulebook_lines(&in->panic_patterns));
	json_object_set_new(o, "kernels", rulebook_lines(&in->kernels));
	json_object_set_new(o, "functions", rulebook_lines(&in->functions));
	json_object_set_new(o, "offsets", offsets_json(&in->offsets, arena));
	json_object_set_new(o, "cautions", rulebook_lines(&in->cautions));
	json_object_set_new(o, "steps", steps_json(&in->steps));
	json_object_set_new(o, "timeline", times_json(&in->timeline));
	json_object_set_new(o, "notes", rulebook_lines(&in->notes));
	json_object_set_new(o, "references", rulebook_lines(&in->references));
	json_object_set_new(o, "confirmed", json_boolean(in->confirmed));
	return o;
}

/* Without an argument: what there is. */
static int list_incidents(const struct knowledge *knowledge, struct arena *arena, bool json)
{
	static const struct column columns[] = {
		{"Incident"}, {"Date"}, {"System"}, {"Title", .wrap = true}, {NULL}};
	struct render render = {.out = stdout};
	render.width = isatty(STDOUT_FILENO) ? terminal_width(stdout, RENDER_WIDTH) : 0;
	struct table *table = json ? NULL : table_create(&render, arena, columns);
	json_t *array = json_array();

	for (const char *const *id = knowledge_incident_ids(knowledge); *id; id++) {
		struct incident *in = NULL;
		struct error *err = knowledge_incident(knowledge, arena, *id, &in);
		if (err) {
			complain_error(err);
			continue;
		}
		if (!in)
			continue;
		json_t *o = json_object();
		set(o, "id", in->id);
		set(o, "date", in->date);
		set(o, "os", in->os);
		set(o, "title", in->title);
		json_array_append_new(array, o);
		table_row(table, (const char *const[]){in->id, in->date, in->os, in->title});
	}
	table_print(table);
	if (json) {
		rulebook_print_json(array);
	}
	json_decref(array);
	return 0;
}

static int print_runbook(const struct options *options, const struct knowledge *knowledge,
			 struct arena *arena)
{
	struct render render = {.out = stdout, .width = terminal_width(stdout, RENDER_WIDTH)};
	struct incident *incident = NULL;
	const char *format;

	if (!choice("format", options->format, "text markdown json", &format) ||
	    !terminal_color(options->color, stdout, &render.color))
		return EXIT_USAGE;
	if (options->argument_count == 0)
		return list_incidents(knowledge, arena, strcmp(format, "json") == 0);
	const char *id = options->arguments[0];
	struct error *err = knowledge_incident(knowledge, arena, id, &incident);
	if (err) {
		complain_error(err);
		return EXIT_USAGE;
	}
	if (!incident) {
		const char *near = suggest(id, knowledge_incident_ids(knowledge));
		return usage_error(
			"runbook", "there is no incident '%s'%s%s%s (culprit runbook lists them)",
			id, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	json_t *page = page_json(incident, arena);
	if (strcmp(format, "json") == 0) {
		rulebook_print_json(page);
	} else if (strcmp(format, "markdown") == 0) {
		runbook_page_markdown(&render, page);
	} else {
		runbook_page_text(&render, page);
	}
	json_decref(page);
	return 0;
}

static int run(const struct options *options)
{
	return rulebook_run(options, print_runbook);
}

static const struct option_row options[] = {
	{'f', "format", "FORMAT", "text (default), markdown or json",
	 offsetof(struct options, format)},
	OPTION_RULES,
	OPTION_COLOR,
	{0},
};

const struct command command_runbook = {
	.name = "runbook",
	.synopsis = "[INCIDENT]",
	.summary = "The fix of a known incident as a printable runbook",
	.details = "Without INCIDENT it lists those that are known.",
	.options = options,
	.minimum = 0,
	.maximum = 1,
	.run = run,
};
