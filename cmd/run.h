/* Runs the inputs of a command, each in a sandboxed child, and hands over the reports in order. */
#ifndef CULPRIT_RUN_H
#define CULPRIT_RUN_H

#include <jansson.h>
#include <stdbool.h>

struct debug_store;
struct knowledge;

/* Gets each report; @p report belongs to the callee. Return false to stop. */
typedef bool (*report_sink)(void *context, json_t *report);

struct run {
	const struct knowledge *knowledge;
	const struct debug_store *debug; /* NULL: nothing was given beside the inputs */
	unsigned want;                   /* enum want */
	bool split;                      /* all arguments are the parts of one dump */
	report_sink sink;
	void *context;
};

/* Every input gives at least one report: one that is not readable says so in one. False:
 * complained, something could not be started at all. */
bool run_inputs(const struct run *run, char **arguments, int count);

/* Exit code of one report: unreadable, partial, a verdict, no culprit. */
int report_exit(const json_t *report);
/* Of several, by the rule "the first of 3, 4, 1, 0 that occurred". Start with a = -1. */
int exit_worse(int a, int b);

#endif
