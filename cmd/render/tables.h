/* Tables for people, by libsmartcols: a cell that does not fit is wrapped between words, and
 * nothing is ever cut off. */
#ifndef CULPRIT_TABLES_H
#define CULPRIT_TABLES_H

#include "arena.h"
#include "render.h"

struct column {
	const char *title;
	bool right; /* numbers */
	bool wrap;  /* may take more than one line where the table is wider than the paper */
};

struct table;

/* @p columns ends with a column without a title. NULL without memory. */
struct table *table_create(const struct render *render, struct arena *arena,
			   const struct column *columns);
/* A row; cells may be NULL and must live as long as the table. There must be as many as there are
 * columns. */
void table_row(struct table *table, const char *const *cells);
size_t table_count(const struct table *table); /* rows; accepts NULL */
/* Prints it if it has rows; returns how many. Accepts NULL. */
size_t table_print(struct table *table);

#endif
