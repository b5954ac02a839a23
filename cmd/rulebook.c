#include "rulebook.h"

#include "ceilings.h"
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
