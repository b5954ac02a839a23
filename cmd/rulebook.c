#include "rulebook.h"

#include "ceilings.h"
#include "command.h"
#include "json_put.h"
#include "knowledge.h"
#include "message.h"

enum { PROBLEMS_MAX = 1000 };

struct knowledge *rulebook_open(const char *directory)
{
	struct knowledge *knowledge = NULL;
	struct error *err;

	if (!directory) {
		err = knowledge_load_builtin(&knowledge);
	} else {
		struct arena *arena = arena_create(LIMIT_RULES);
		struct list problems;
		if (!arena) {
			complain("out of memory");
			return NULL;
		}
		list_init(&problems, arena, sizeof(struct rule_problem), PROBLEMS_MAX);
		err = knowledge_load_directory(directory, arena, &problems, &knowledge);
		LIST_EACH(struct rule_problem, p, &problems)
			complain("rule file left out: %s:%u: %s", p->file, p->line, p->reason);
		arena_destroy(arena);
	}
	if (err) {
		complain_error(err);
		return NULL;
	}
	return knowledge;
}

int rulebook_run(const struct options *options,
		 int (*page)(const struct options *options, const struct knowledge *knowledge,
			     struct arena *arena))
{
	struct knowledge *knowledge = rulebook_open(options->rules);
	struct arena *arena = arena_create(LIMIT_RULES);
	int exit = EXIT_USAGE;

	if (knowledge && arena)
		exit = page(options, knowledge, arena);
	arena_destroy(arena);
	knowledge_destroy(knowledge);
	return exit;
}

json_t *rulebook_lines(const struct list *lines)
{
	json_t *array = json_array();

	LIST_EACH(const char *, line, lines)
		json_array_append_new(array, json_string(*line));
	return array;
}

void rulebook_print_json(const json_t *page)
{
	json_put(stdout, page, JSON_INDENT(2));
	putchar('\n');
}
