/* culprit analyze: the verdict. */
#include "command.h"
#include "debug_store.h"
#include "knowledge.h"
#include "message.h"
#include "output.h"
#include "render.h"
#include "rulebook.h"
#include "run.h"
#include "terminal.h"

#include <string.h>
#include <sys/stat.h>

extern const char report_schema[];

struct answer {
	const struct renderer *renderer;
	struct render render;
	int exit;
};

static bool on_report(void *context, json_t *report)
{
	struct answer *answer = context;

	answer->exit = exit_worse(answer->exit, report_exit(report));
	answer->renderer->report(&answer->render, report);
	json_decref(report);
	return !ferror(answer->render.out);
}

/* Evidence is never written to, whatever --force says. */
static bool is_input(const struct options *options, const char *path)
{
	struct stat a, b;

	if (!path || stat(path, &a) != 0)
		return false;
	if (options->vmlinux && stat(options->vmlinux, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino)
		return true;
	for (int i = 0; i < options->argument_count; i++)
		if (stat(options->arguments[i], &b) == 0 && a.st_dev == b.st_dev &&
		    a.st_ino == b.st_ino)
			return true;
	return false;
}

static int run(const struct options *options)
{
	struct answer answer = {.exit = -1};
	struct output output;

	if (options->schema) {
		fputs(report_schema, stdout);
		return 0;
	}
	answer.renderer = renderer_named(options->format);
	if (!answer.renderer)
		return usage_error("analyze", "there is no format '%s': choose one of: %s",
				   options->format, renderer_names());
	if (!terminal_color(options->color, options->output ? NULL : stdout, &answer.render.color))
		return EXIT_USAGE;
	if (is_input(options, options->output))
		return usage_error("analyze",
				   "%s is one of the inputs, and evidence is never overwritten",
				   options->output);
	struct debug_store debug;
	if (!debug_store_open(options, &debug))
		return EXIT_USAGE;
	struct knowledge *knowledge = rulebook_open(options->rules);
	if (!knowledge || !output_open(&output, options->output, options->force)) {
		debug_store_close(&debug);
		knowledge_destroy(knowledge);
		return EXIT_USAGE;
	}
	answer.render.out = output.file;
	answer.render.all = options->all;
	answer.render.several = options->argument_count > 1 && !options->split;
	answer.render.width = options->output ? RENDER_WIDTH : terminal_width(stdout, RENDER_WIDTH);
	if (answer.renderer->begin)
		answer.renderer->begin(&answer.render);
	struct run run_all = {.knowledge = knowledge,
			      .debug = &debug,
			      .split = options->split,
			      .sink = on_report,
			      .context = &answer};
	bool fine = run_inputs(&run_all, options->arguments, options->argument_count);
	if (answer.renderer->end)
		answer.renderer->end(&answer.render);
	debug_store_close(&debug);
	knowledge_destroy(knowledge);
	return output_commit(&output) && fine ? answer.exit : EXIT_USAGE;
}

static const struct option_row options[] = {
	{'f', "format", "FORMAT", "text (default), json, jsonl or markdown",
	 offsetof(struct options, format)},
	{'a', "all", NULL, "everything that is known, not only what fits one screen",
	 offsetof(struct options, all)},
	{'o', "output", "FILE", "write the answer to FILE, which appears whole or not at all",
	 offsetof(struct options, output)},
	{0, "force", NULL, "let -o replace a file that is there", offsetof(struct options, force)},
	OPTION_SPLIT,
	OPTIONS_DEBUG,
	OPTION_RULES,
	OPTION_COLOR,
	{0, "schema", NULL, "print the JSON Schema of the json and jsonl formats",
	 offsetof(struct options, schema)},
	{0},
};

const struct command command_analyze = {
	.name = "analyze",
	.synopsis = "FILE...",
	.summary = "The verdict: who crashed this machine, why, and what to do",
	.details = "FILE is a dump, or an archive or compressed file with dumps in it; it is\n"
		   "recognised by its content. ARCHIVE!MEMBER picks one, - is standard input.",
	.options = options,
	.minimum = 1,
	.maximum = -1,
	.run = run,
};
