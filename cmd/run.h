/* Runs the inputs of a command one after the other, each in its own sandboxed child. */
#ifndef CULPRIT_RUN_H
#define CULPRIT_RUN_H

#include "inputs.h"

#include <jansson.h>

struct knowledge;

/* Gets each report in input order; @p report belongs to the caller. Return false to stop. */
typedef bool (*report_sink)(void *context, json_t *report);

struct run {
	const struct knowledge *knowledge;
	bool want_strings;
	report_sink sink;
	void *context;
};

/* Every input gives at least one report: one that is not readable says so in one. */
void run_input(const struct run *run, const struct input *input);

/* Exit code of one report: unreadable, partial, a verdict, no culprit. */
int report_exit(const json_t *report);
/* Of several, by the rule "the first of 3, 4, 1, 0 that occurred". Start with a = -1. */
int exit_worse(int a, int b);

#endif
