#include "view.h"

#include "debug_store.h"
#include "knowledge.h"
#include "message.h"
#include "paper.h"
#include "render.h"
#include "rulebook.h"
#include "run.h"
#include "terminal.h"
#include "words.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { VIEW_ARENA = 64 << 20 };

struct showing {
	const struct view *view;
	const struct options *options;
	struct render render;
	json_t *parts; /* NULL: text */
	int exit;
};

/* The part of @p report that the view is about. */
static json_t *part_of(const struct view *view, const json_t *report)
{
	static const char *const facts[] = {"schema", "tool",    "input",    "system",
					    "crash",  "verdict", "incident", "signature"};
	if (view->key)
		return json_incref(json_object_get(report, view->key));
	json_t *part = json_object();
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		json_object_set(part, facts[i], json_object_get(report, facts[i]));
	return part;
}

static void show_text(struct showing *showing, struct arena *arena, const json_t *report)
{
	struct paper p = paper_make(&showing->render);

	if (showing->render.count > 1)
		paper_gap(&p);
	if (words_is_member(report))
		paper_line(&p, INK_LABEL,
			   arena_printf(arena, "== %s", get_text(report, "input.path")));
	if (section_print(showing->view->section, &showing->render, arena, report, false) == 0)
		complain("%s", showing->view->nothing);
}

static bool on_report(void *context, json_t *report)
{
	struct showing *showing = context;
	struct arena *arena = arena_create(VIEW_ARENA);
	int exit = report_exit(report);

	/* whether somebody can be blamed is not what a view is asked */
	showing->exit = exit_worse(showing->exit, exit == EXIT_NO_CULPRIT ? EXIT_VERDICT : exit);
	showing->render.count++;
	for (size_t i = 0; i < get_count(report, "input.problems"); i++) {
		const json_t *problem = get_item(report, "input.problems", i);
		const char *text = words_problem(arena, problem);
		/* a complete dump's are no news, but for what the person's own files are short of
		 */
		if (exit == EXIT_VERDICT && !words_is_about_given(problem))
			continue;
		complain("%s: %s", get_text(report, "input.path"), text ? text : "damaged");
	}
	for (size_t i = 0; i < get_count(report, "findings"); i++) {
		const json_t *finding = get_item(report, "findings", i);
		const char *kind = get_text(finding, "kind"), *text = get_text(finding, "text");
		/* what the part is short of, such as scan-timeout for scan_hits */
		if (!kind || !text ||
		    strncmp(kind, showing->view->command, strlen(showing->view->command)) != 0)
			continue;
		complain("%s", text);
		showing->exit = exit_worse(showing->exit, EXIT_PARTIAL);
	}
	if (showing->parts) {
		json_t *one = json_object();
		json_object_set(one, "path",
				json_object_get(json_object_get(report, "input"), "path"));
		json_object_set_new(
			one, showing->view->key ? showing->view->key : showing->view->command,
			part_of(showing->view, report));
		json_array_append_new(showing->parts, one);
	} else if (exit != EXIT_UNREADABLE) {
		show_text(showing, arena, report);
	}
	if (showing->view->on_report && !showing->view->on_report(showing->options, report))
		showing->exit = EXIT_USAGE;
	arena_destroy(arena);
	json_decref(report);
	return true;
}

/* One dump: the part itself. Several: an array of objects with the dump's path and the part. */
static void print_parts(const struct showing *showing)
{
	const json_t *all = showing->parts, *only = json_array_get(all, 0);
	const char *key = showing->view->key ? showing->view->key : showing->view->command;

	json_dumpf(json_array_size(all) == 1 ? json_object_get(only, key) : all, stdout,
		   JSON_INDENT(2) | JSON_REAL_PRECISION(12) | JSON_ENCODE_ANY);
	putchar('\n');
}

int view_run(const struct view *view, const struct options *options,
	     const struct knowledge *knowledge)
{
	const char *format;
	struct showing showing = {.view = view, .options = options, .exit = -1};
	struct knowledge *own = NULL;

	if (!choice("format", options->format, "text json", &format) ||
	    !terminal_color(options->color, stdout, &showing.render.color))
		return EXIT_USAGE;
	struct debug_store debug;
	if (!debug_store_open(options, &debug))
		return EXIT_USAGE;
	if (!knowledge && !(knowledge = own = rulebook_open(options->rules))) {
		debug_store_close(&debug);
		return EXIT_USAGE;
	}
	showing.render.out = stdout;
	showing.render.width = isatty(STDOUT_FILENO) ? terminal_width(stdout, UINT_MAX) : 0;
	showing.parts = strcmp(format, "json") == 0 ? json_array() : NULL;

	struct run run = {.knowledge = knowledge,
			  .debug = &debug,
			  .want = view->want,
			  .split = options->split,
			  .sink = on_report,
			  .context = &showing};
	if (!run_inputs(&run, options->arguments, options->argument_count))
		showing.exit = EXIT_USAGE;
	if (showing.parts)
		print_parts(&showing);
	json_decref(showing.parts);
	debug_store_close(&debug);
	knowledge_destroy(own);
	return showing.exit;
}

const struct option_row view_options[] = {
	{'f', "format", "FORMAT", "text (default) or json: that part of the report",
	 offsetof(struct options, format)},
	OPTION_SPLIT,
	OPTIONS_DEBUG,
	OPTION_RULES,
	OPTION_COLOR,
	{0},
};
