/* Tables for people, by libsmartcols: columns shrink or wrap, nothing is ever cut off a line that
 * goes to a pipe. */
#ifndef CULPRIT_TABLES_H
#define CULPRIT_TABLES_H

#include "render.h"

#include <libsmartcols.h>

struct column {
	const char *title;
	bool right; /* numbers */
	bool wrap;  /* the column that may take more than one line */
};

/* @p columns ends with a column without a title. NULL without memory. */
struct libscols_table *table_create(const struct render *render, const struct column *columns);
/* A row; cells may be NULL. There must be as many as there are columns. */
void table_row(struct libscols_table *table, const char *const *cells);
/* Prints and destroys it; returns the number of lines. Accepts NULL. */
size_t table_print(struct libscols_table *table);

#endif
