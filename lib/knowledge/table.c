/* Tab-separated tables: a header line, then a row a line. Read once; the cells point into a private
 * copy of the file in which tabs and line ends became NULs. */
#include "internal.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ROWS_MAX = 200000 };

static void check_cell(struct checker *c, unsigned line, const struct column *column,
		       const char *text)
{
	const char *wrong = NULL, *more = "";
	size_t length = strlen(text);

	if (!length) {
		if (!column->optional)
			check_problem(c, line, "%s is empty", column->name);
		return;
	}
	if (text[0] == ' ' || text[length - 1] == ' ') {
		check_problem(c, line, "%s '%s' begins or ends with a space", column->name, text);
		return;
	}
	switch (column->cell) {
	case CELL_TEXT: break;
	case CELL_CODE: wrong = check_code(text); break;
	case CELL_HEX: wrong = check_hex(text); break;
	case CELL_WORD: wrong = check_word(text); break;
	case CELL_SYMBOL:
		if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789_") != length)
			wrong = "is not a word of letters, digits and _";
		break;
	case CELL_ENUM:
		wrong = check_enum(text, column->words);
		more = column->words;
		break;
	case CELL_FILE: wrong = check_file(text); break;
	case CELL_GLOB: wrong = check_glob(text); break;
	case CELL_GLOBS: wrong = check_globs(text, column->words); break;
	case CELL_DIRECTORY:
		if (text[0] != '\\' && text[0] != '/')
			wrong = "does not begin with \\ or /";
		else if (strpbrk(text, "*?[]"))
			wrong = "has a wildcard; only the file name may";
		else if (strpbrk(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
			wrong = "is not in lower case";
		break;
	case CELL_NUMBER:
		if (strspn(text, "0123456789.") != length || text[0] == '.' ||
		    strchr(text, '.') != strrchr(text, '.'))
			wrong = "is not a number";
		break;
	}
	if (wrong)
		check_problem(c, line, "%s '%s' %s%s%s", column->name, text, wrong,
			      *more ? " " : "", more);
}

/* Ends the cell at @p p and returns where the next one begins; *ret_last if it was the line's. */
static char *cell_end(char *p, char *end, bool *ret_last)
{
	while (p < end && *p != '\t' && *p != '\n')
		p++;
	*ret_last = p == end || *p == '\n';
	if (*ret_last && p[-1] == '\r')
		p[-1] = '\0';
	*p = '\0';
	return p < end ? p + 1 : end;
}

static size_t column_count(const struct table_spec *spec)
{
	size_t count = 0;

	while (spec->columns[count].name)
		count++;
	return count;
}

/* Splits the line at @p p into @p cells; cells it lacks are empty. Returns the next line. */
static char *row_split(char *p, char *end, const char **cells, size_t columns, size_t *ret_found)
{
	size_t found = 0;
	bool last = false;

	while (!last) {
		const char *cell = p;
		p = cell_end(p, end, &last);
		if (found < columns)
			cells[found] = cell;
		found++;
	}
	for (size_t i = found; i < columns; i++)
		cells[i] = "";
	*ret_found = found;
	return p;
}

static void check_header(struct checker *c, const struct table_spec *spec, const char **cells,
			 size_t columns, size_t found)
{
	for (size_t i = 0; i < columns; i++)
		if (i >= found || strcmp(cells[i], spec->columns[i].name)) {
			check_problem(c, 1, "column %zu of the header must be '%s', not '%s'",
				      i + 1, spec->columns[i].name, i < found ? cells[i] : "");
			return;
		}
	if (found > columns)
		check_problem(c, 1, "the header has %zu columns, not %zu", found, columns);
}

struct key {
	const char *cells[2];
	unsigned line;
};

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = strcasecmp(x->cells[0], y->cells[0]);

	if (!order)
		order = strcasecmp(x->cells[1], y->cells[1]);
	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void check_unique(struct checker *c, const struct table_spec *spec, struct table *table)
{
	if (!spec->key || table->rows < 2)
		return;
	struct key *keys = calloc(table->rows, sizeof(*keys));
	if (!keys)
		return;
	for (size_t i = 0; i < table->rows; i++) {
		keys[i].cells[0] = table_cell(table, i, 0);
		keys[i].cells[1] = spec->key > 1 ? table_cell(table, i, 1) : "";
		keys[i].line = table_line(i);
	}
	qsort(keys, table->rows, sizeof(*keys), by_key);
	for (size_t i = 1; i < table->rows; i++)
		if (!strcasecmp(keys[i - 1].cells[0], keys[i].cells[0]) &&
		    !strcasecmp(keys[i - 1].cells[1], keys[i].cells[1]))
			check_problem(c, keys[i].line, "%s %s stands already in line %u",
				      keys[i].cells[0], keys[i].cells[1], keys[i - 1].line);
	free(keys);
}

bool table_load(struct knowledge *knowledge, struct checker *c, const struct table_spec *spec,
		struct table *ret)
{
	const struct rule_file *file = knowledge_find(knowledge, spec->file);
	size_t columns = column_count(spec), lines = 1, found;
	const char *header[COLUMNS_MAX];

	*ret = (struct table){.columns = columns};
	check_begin(c, spec->file);
	if (!file)
		return true;
	for (const char *p = file->data, *end = p + file->size;
	     (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	if (lines > ROWS_MAX) {
		check_problem(c, 0, "has more than %d lines", ROWS_MAX);
		return false;
	}
	char *copy = arena_alloc(knowledge->arena, file->size + 1, 1);
	ret->cells = arena_alloc(knowledge->arena, lines * columns, sizeof(*ret->cells));
	if (!copy || !ret->cells)
		return false;
	memcpy(copy, file->data, file->size);

	char *end = copy + file->size, *p = row_split(copy, end, header, columns, &found);
	check_header(c, spec, header, columns, found);
	bool usual = !check_failed(c); /* else every line would be wrong */
	while (p < end && usual) {
		const char **cells = ret->cells + ret->rows * columns;
		p = row_split(p, end, cells, columns, &found);
		if (c && found != columns)
			check_problem(c, table_line(ret->rows), "%zu columns, not %zu", found,
				      columns);
		for (size_t i = 0; c && i < columns; i++)
			check_cell(c, table_line(ret->rows), &spec->columns[i], cells[i]);
		ret->rows++;
	}
	if (c && !check_failed(c))
		check_unique(c, spec, ret);
	if (!check_failed(c))
		return true;
	ret->rows = 0;
	return false;
}

bool tables_load(struct knowledge *knowledge, struct checker *c, table_loader *const loaders[])
{
	for (; *loaders; loaders++) {
		if (!(*loaders)(knowledge, c))
			return false;
		if (!check_failed(c))
			continue;
		for (size_t i = 0; i < knowledge->file_count; i++)
			if (!strcmp(knowledge->files[i].name, c->file))
				knowledge->files[i].data = NULL;
	}
	return true;
}

/* ---- finding a row by name ------------------------------------------------------------------ */

static uint32_t name_hash(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *name; name++) {
		unsigned char b = (unsigned char)*name;
		if (b >= 'A' && b <= 'Z')
			b += 'a' - 'A';
		hash = (hash ^ b) * 16777619u;
	}
	return hash;
}

static const char *row_name(const struct index *index, size_t row)
{
	const char *name;

	memcpy(&name, index->rows + row * index->stride, sizeof(name));
	return name;
}

bool index_build(struct index *index, struct arena *arena, const void *rows, size_t count,
		 size_t stride)
{
	size_t size = 8, globs = 0;

	*index = (struct index){.rows = rows, .stride = stride};
	while (size < count * 2)
		size *= 2;
	for (size_t i = 0; i < count; i++)
		globs += has_wildcard(row_name(index, i));
	index->slots = arena_alloc(arena, size, sizeof(*index->slots));
	index->globs = arena_alloc(arena, globs, sizeof(*index->globs));
	if (!index->slots || !index->globs)
		return false;
	index->mask = (uint32_t)(size - 1);
	for (uint32_t i = 0; i < count; i++) {
		const char *name = row_name(index, i);
		if (has_wildcard(name)) {
			index->globs[index->glob_count++] = i;
			continue;
		}
		uint32_t slot = name_hash(name) & index->mask;
		while (index->slots[slot])
			slot = (slot + 1) & index->mask;
		index->slots[slot] = i + 1;
	}
	return true;
}

const void *index_next(const struct index *index, const char *name, uint32_t *cursor)
{
	if (!index->slots)
		return NULL;
	/* Equal names stand one after the other on the way to the first free slot. */
	for (uint32_t hash = name_hash(name);;) {
		uint32_t row = index->slots[(hash + *cursor) & index->mask];
		if (!row)
			return NULL;
		(*cursor)++;
		if (text_equal_nocase(row_name(index, row - 1), name))
			return index->rows + (row - 1) * index->stride;
	}
}

const void *index_find(const struct index *index, const char *name)
{
	uint32_t cursor = 0;
	const void *row = index_next(index, name, &cursor);

	for (size_t i = 0; !row && i < index->glob_count; i++)
		if (text_glob(row_name(index, index->globs[i]), name))
			row = index->rows + index->globs[i] * index->stride;
	return row;
}
