/* The parts of a report that are tables. Each is described once; the text renderer, the Markdown
 * renderer and the view commands print the same rows.
 *
 * To add one: write its columns and rows in sections.c or listings.c, and add it to sections_all.
 */
#ifndef CULPRIT_SECTIONS_H
#define CULPRIT_SECTIONS_H

#include "arena.h"
#include "get.h"
#include "tables.h"

typedef void (*row_sink)(void *context, const char *const *cells);

struct rows {
	struct arena *arena;
	const json_t *report;
	row_sink sink;
	void *context;
};

struct section {
	const char *title;
	const struct column *columns; /* ends with one without a title */
	void (*fill)(
		const struct rows *rows); /* calls rows->sink for each row; cells may be NULL */
};

extern const struct section section_facts, section_parameters, section_registers, section_stack,
	section_suspects, section_files, section_problems, section_findings, section_timeline,
	section_modules, section_contributions, section_strings, section_hits;

/* What --all and Markdown show below the first screen, in order; NULL-terminated. */
extern const struct section *const sections_all[];

/* Prints @p section as a text table with its title (unless @p title is false) if it has rows;
 * returns how many. */
size_t section_print(const struct section *section, const struct render *render,
		     struct arena *arena, const json_t *report, bool title);

#endif
