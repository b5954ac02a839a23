#ifndef CULPRIT_ANALYZER_H
#define CULPRIT_ANALYZER_H

#include "errors.h"
#include "report.h"
#include "want.h"

struct knowledge;
struct reach_map;

/* What an analyzer may look at and where it writes. */
struct analysis {
	const struct dump *dump;           /* the evidence; only `origin` may fill its own fields */
	const struct knowledge *knowledge; /* the rules */
	struct report *report;   /* what the analyzers before this one found, and the output */
	unsigned want;           /* enum want */
	struct reach_map *reach; /* made by the first analyzer that asks for it (reach.h) */
};

/**
 * An analyzer answers one question about a dump.
 *
 * To add one:
 *   1. write analyzers/NAME.c: a `static struct error *run(struct analysis *a)` that reads the
 *      neutral model (dump.h), asks the rules (knowledge.h) and adds to the report (report.h),
 *      each claim with its evidence; and at its end
 *      `const struct analyzer analyzer_NAME = {...}`;
 *   2. add the line ANALYZER(NAME) to analyzers/analyzers.def where it belongs in the order;
 *   3. describe a sample that shows it in samples/NAME.recipe, and one that must stay silent.
 * Nothing else: the list is read by the C registry and by CMake.
 *
 * Absence is no error: an analyzer that finds nothing to say returns NULL. An error is only for
 * what makes the whole report worthless (memory). It never prints and keeps no static state.
 */
struct analyzer {
	const char *id;      /* equals the file name */
	const char *summary; /* one line, no full stop */
	enum os os;          /* the only system it knows; OS_UNKNOWN: any */
	struct error *(*run)(struct analysis *a);
};

/* Runs all of analyzers.def in order. Defined in analyzers/registry.c. */
struct error *analyzers_run(struct analysis *a);
/* The registry itself, for lists and tests: NULL-terminated. */
extern const struct analyzer *const analyzers_all[];

#endif
