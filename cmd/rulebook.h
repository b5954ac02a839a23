/* The rules a command works by. */
#ifndef CULPRIT_RULEBOOK_H
#define CULPRIT_RULEBOOK_H

#include <jansson.h>

struct arena;
struct knowledge;
struct list;
struct options;

/* The built-in rules, or those of @p directory if it is not NULL; bad files in there are left out
 * and complained about, one line each. NULL: complained. */
struct knowledge *rulebook_open(const char *directory);

/* For commands that print a page of the rules: @p page with the rules that @p options want, and an
 * arena. Returns what it returns, or EXIT_USAGE. */
int rulebook_run(const struct options *options,
		 int (*page)(const struct options *options, const struct knowledge *knowledge,
			     struct arena *arena));
/* A list of const char * as an array. */
json_t *rulebook_lines(const struct list *lines);
void rulebook_print_json(const json_t *page);

#endif
