/* culprit rules: which rules are in use, what is in them, and whether a folder of them is sound. */
#include "ceilings.h"
#include "command.h"
#include "knowledge.h"
#include "message.h"
#include "rulebook.h"

#include <stdio.h>
#include <string.h>

enum { PROBLEMS_MAX = 10000, NAMES_MAX = 1024 };

static int list_rules(const struct knowledge *knowledge)
{
	for (const char *const *name = knowledge_files(knowledge); *name; name++) {
		size_t size = 0;
		knowledge_file(knowledge, *name, &size);
		printf("%8zu  %s\n", size, *name);
	}
	printf("%s\n", knowledge_hash(knowledge));
	return 0;
}

static int show_rule(const struct knowledge *knowledge, const char *name)
{
	size_t size = 0;
	const char *bytes = knowledge_file(knowledge, name, &size);

	if (!bytes) {
		const char *near = suggest(name, knowledge_files(knowledge));
		return usage_error("rules", "there is no rule file '%s'%s%s%s", name,
				   near ? "; did you mean '" : "", near ? near : "",
				   near ? "'?" : "");
	}
	fwrite(bytes, 1, size, stdout);
	return 0;
}

/* 0: all of them are sound; 1: problems were printed; 3: it is no folder of rules. */
static int check_rules(const char *directory)
{
	struct arena *arena = arena_create(LIMIT_RULES);
	struct knowledge *knowledge = NULL;
	struct list problems;
	int exit = 0;

	if (!arena)
		return EXIT_UNREADABLE;
	list_init(&problems, arena, sizeof(struct rule_problem), PROBLEMS_MAX);
	struct error *err =
		directory ? knowledge_load_directory(directory, arena, &problems, &knowledge)
			  : knowledge_check_builtin(arena, &problems);
	LIST_EACH(struct rule_problem, p, &problems) {
		printf("%s:%u: %s\n", p->file, p->line, p->reason);
		exit = 1;
	}
	if (err) {
		complain_error(err);
		exit = exit ? exit : EXIT_UNREADABLE;
	} else if (exit == 0 && knowledge) {
		size_t count = 0;
		while (knowledge_files(knowledge)[count])
			count++;
		printf("%zu rule files are sound, %s\n", count, knowledge_hash(knowledge));
	}
	knowledge_destroy(knowledge);
	arena_destroy(arena);
	return exit;
}

static int run(const struct options *options)
{
	const char *verb = options->arguments[0];
	const char *argument = options->argument_count > 1 ? options->arguments[1] : NULL;
	static const char *const verbs[] = {"list", "show", "check", NULL};
	int exit;

	if (strcmp(verb, "check") == 0)
		return check_rules(argument ? argument : options->rules);
	bool list = strcmp(verb, "list") == 0, show = strcmp(verb, "show") == 0;
	if (!list && !show) {
		const char *near = suggest(verb, verbs);
		return usage_error("rules", "rules cannot '%s'%s%s%s", verb,
				   near ? "; did you mean '" : ": choose list, show or check",
				   near ? near : "", near ? "'?" : "");
	}
	if (show && !argument)
		return usage_error("rules", "show needs the NAME of a rule file");
	if (list && argument)
		return usage_error("rules",
				   "list takes no argument; --rules DIR names other rules");
	struct knowledge *knowledge = rulebook_open(options->rules);
	if (!knowledge)
		return EXIT_USAGE;
	exit = list ? list_rules(knowledge) : show_rule(knowledge, argument);
	knowledge_destroy(knowledge);
	return exit;
}

static const struct option_row options[] = {
	OPTION_RULES,
	{0},
};

const struct command command_rules = {
	.name = "rules",
	.synopsis = "list | show NAME | check [DIR]",
	.summary = "The rules: list them, show one, check a folder of them",
	.details = "check prints FILE:LINE: REASON for each problem; it exits with 0 if there is "
		   "none, 1 "
		   "if\nthere are some, 3 if DIR cannot be read. Without DIR it checks the "
		   "built-in rules.",
	.options = options,
	.minimum = 1,
	.maximum = 2,
	.run = run,
};
