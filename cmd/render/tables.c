#include "tables.h"

struct libscols_table *table_create(const struct render *render, const struct column *columns)
{
	struct libscols_table *table = scols_new_table();
	if (!table)
		return NULL;
	scols_table_set_stream(table, render->out);
	scols_table_enable_noencoding(table, 1); /* every string is safe already */
	scols_table_set_termforce(table,
				  render->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (render->width)
		scols_table_set_termwidth(table, render->width);
	for (const struct column *c = columns; c->title; c++)
		scols_table_new_column(table, c->title, 0,
				       (c->right ? SCOLS_FL_RIGHT : 0) |
					       (c->wrap ? SCOLS_FL_WRAP : 0));
	return table;
}

void table_row(struct libscols_table *table, const char *const *cells)
{
	struct libscols_line *line = table ? scols_table_new_line(table, NULL) : NULL;
	size_t count = table ? scols_table_get_ncols(table) : 0;

	for (size_t i = 0; line && i < count; i++)
		scols_line_set_data(line, i, cells[i] ? cells[i] : "-");
}

size_t table_print(struct libscols_table *table)
{
	if (!table)
		return 0;
	size_t lines = scols_table_get_nlines(table) + 1;
	scols_print_table(table);
	scols_unref_table(table);
	return lines;
}
