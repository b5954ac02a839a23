#include "tables.h"

#include "paper.h"

#include <libsmartcols.h>

enum { COLUMNS_MAX = 10, ROWS_MAX = 1 << 20, WRAPPED_LEAST = 20 };

struct table {
	const struct render *render;
	struct arena *arena;
	const struct column *columns;
	size_t count;
	struct list rows;             /* const char *[COLUMNS_MAX] */
	unsigned widths[COLUMNS_MAX]; /* natural ones first, then those that fit */
};

struct row {
	const char *cells[COLUMNS_MAX];
};

static void widen(struct table *t, size_t column, const char *text)
{
	unsigned columns = paper_columns(text);
	if (columns > t->widths[column])
		t->widths[column] = columns;
}

struct table *table_create(const struct render *render, struct arena *arena,
			   const struct column *columns)
{
	struct table *t = arena_alloc(arena, 1, sizeof(*t));
	if (!t)
		return NULL;
	*t = (struct table){.render = render, .arena = arena, .columns = columns};
	list_init(&t->rows, arena, sizeof(struct row), ROWS_MAX);
	while (t->count < COLUMNS_MAX && columns[t->count].title) {
		widen(t, t->count, columns[t->count].title);
		t->count++;
	}
	return t;
}

void table_row(struct table *t, const char *const *cells)
{
	struct row *row = t ? list_add(&t->rows) : NULL;
	for (size_t i = 0; row && i < t->count; i++) {
		row->cells[i] = cells[i] ? cells[i] : "-";
		widen(t, i, row->cells[i]);
	}
}

size_t table_count(const struct table *t)
{
	return t ? t->rows.count : 0;
}

/* The columns that may wrap share what the others leave; a narrow one takes no more than it needs.
 */
static void fit(struct table *t)
{
	unsigned wide[COLUMNS_MAX] = {0}, room = t->render->width, wrapping = 0;

	for (size_t i = 0; i < t->count; i++) {
		unsigned need = (t->columns[i].wrap ? 0 : t->widths[i]) + (i ? 1 : 0);
		room = room > need ? room - need : 0;
		wide[i] = t->columns[i].wrap ? t->widths[i] : 0;
		wrapping += t->columns[i].wrap;
	}
	for (bool again = true; again && wrapping;) {
		again = false;
		unsigned share = room / wrapping;
		for (size_t i = 0; i < t->count && wrapping; i++) {
			if (wide[i] == 0 || wide[i] > share)
				continue;
			room -= wide[i];
			wide[i] = 0;
			wrapping--;
			again = true;
		}
	}
	for (size_t i = 0; i < t->count; i++) {
		unsigned share = wrapping ? room / wrapping : 0;
		if (wide[i])
			t->widths[i] = share > WRAPPED_LEAST ? share : WRAPPED_LEAST;
	}
}

/* @p text with line breaks so that no line of it is wider than @p room. */
static const char *broken(struct table *t, const char *text, unsigned room)
{
	const char *out = NULL;

	while (paper_columns(text) > room) {
		size_t bytes = paper_fit(text, room);
		out = arena_printf(t->arena, "%s%s%.*s", out ? out : "", out ? "\n" : "",
				   (int)bytes, text);
		text += bytes;
		while (*text == ' ')
			text++;
	}
	return out ? arena_printf(t->arena, "%s\n%s", out, text) : text;
}

static struct libscols_table *make(struct table *t)
{
	struct libscols_table *table = scols_new_table();

	if (!table)
		return NULL;
	scols_table_set_stream(table, t->render->out);
	scols_table_enable_noencoding(table, 1);                 /* every string is safe already */
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER); /* widths are decided here */
	for (size_t i = 0; i < t->count; i++) {
		const struct column *c = &t->columns[i];
		int flags = (c->right ? SCOLS_FL_RIGHT : 0) | (c->wrap ? SCOLS_FL_WRAP : 0);
		struct libscols_column *column = scols_table_new_column(table, c->title, 0, flags);
		if (column && c->wrap) {
			scols_column_set_safechars(column, "\n");
			scols_column_set_wrapfunc(column, scols_wrapnl_chunksize,
						  scols_wrapnl_nextchunk, NULL);
		}
	}
	return table;
}

size_t table_print(struct table *t)
{
	if (!t || t->rows.count == 0)
		return 0;
	struct libscols_table *table = make(t);
	if (t->render->width)
		fit(t);
	LIST_EACH(struct row, row, &t->rows) {
		struct libscols_line *line = table ? scols_table_new_line(table, NULL) : NULL;
		for (size_t i = 0; line && i < t->count; i++)
			scols_line_set_data(line, i,
					    t->render->width && t->columns[i].wrap
						    ? broken(t, row->cells[i], t->widths[i])
						    : row->cells[i]);
	}
	if (table)
		scols_print_table(table);
	scols_unref_table(table);
	return t->rows.count;
}
