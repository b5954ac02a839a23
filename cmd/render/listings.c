/* Sections that list what the dump holds. */
#include "sections.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

static void row_of_texts(const struct rows *rows, const json_t *item, const char *const *fields,
			 size_t count)
{
	enum { CELLS_MAX = 8 };
	const char *cells[CELLS_MAX] = {NULL};

	for (size_t i = 0; i < count && i < CELLS_MAX; i++) {
		const json_t *value = get(item, fields[i]);
		cells[i] = json_is_number(value)
				   ? arena_printf(rows->arena, "%.0f", json_number_value(value))
				   : json_string_value(value);
	}
	rows->sink(rows->context, cells);
}

static void rows_of(const struct rows *rows, const char *array, const char *const *fields,
		    size_t count)
{
	for (size_t i = 0; i < get_count(rows->report, array); i++)
		row_of_texts(rows, get_item(rows->report, array, i), fields, count);
}

#define ROWS_OF(rows, array, ...)                                                                  \
	rows_of(rows, array, (const char *const[]){__VA_ARGS__},                                   \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void fill_problems(const struct rows *rows)
{
	ROWS_OF(rows, "input.problems", "code", "message", "offset");
}

const struct section section_problems = {
	"Problems of the input",
	(const struct column[]){{"Code"}, {"What", .wrap = true}, {"At byte"}, {NULL}},
	fill_problems,
};

static void fill_findings(const struct rows *rows)
{
	ROWS_OF(rows, "findings", "severity", "kind", "subject", "text");
}

const struct section section_findings = {
	"Also found",
	(const struct column[]){
		{"Severity"}, {"Kind"}, {"Subject"}, {"What", .wrap = true}, {NULL}},
	fill_findings,
};

static void fill_timeline(const struct rows *rows)
{
	ROWS_OF(rows, "timeline", "time", "event", "source");
}

const struct section section_timeline = {
	"Timeline (UTC)",
	(const struct column[]){{"Time"}, {"Event", .wrap = true}, {"Source"}, {NULL}},
	fill_timeline,
};

static void fill_contributions(const struct rows *rows)
{
	ROWS_OF(rows, "contributions", "name", "guid", "size", "text");
}

const struct section section_contributions = {
	"Data that components added",
	(const struct column[]){{"Component", .wrap = true},
				{"GUID"},
				{"Bytes", .right = true},
				{"Says", .wrap = true},
				{NULL}},
	fill_contributions,
};

static void fill_strings(const struct rows *rows)
{
	ROWS_OF(rows, "strings", "address", "encoding", "text");
}

const struct section section_strings = {
	"Strings",
	(const struct column[]){{"Address"}, {"Encoding"}, {"Text", .wrap = true}, {NULL}},
	fill_strings,
};

static void fill_hits(const struct rows *rows)
{
	ROWS_OF(rows, "scan_hits", "address", "rule", "string", "length", "near", "bytes");
}

const struct section section_hits = {
	"Content rules that matched",
	(const struct column[]){{"Address"},
				{"Rule"},
				{"String"},
				{"Bytes", .right = true},
				{"Where", .wrap = true},
				{"Begins with", .wrap = true},
				{NULL}},
	fill_hits,
};

/* ---- modules: what is not of the operating system first
 * ------------------------------------------ */

static int origin_rank(const json_t *module)
{
	static const char *const order[] = {"third-party", "unknown", "os-inbox-thirdparty", "os"};
	const char *origin = get_text(module, "origin");
	int rank = 0, known = (int)(sizeof(order) / sizeof(order[0]));

	while (rank < known && !same(origin, order[rank]))
		rank++;
	return rank;
}

struct ranked {
	const json_t *module;
	int rank;
	size_t index;
};

static int compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static const char *product_of(struct arena *arena, const json_t *module)
{
	const char *vendor = get_text(module, "vendor"), *product = get_text(module, "product");

	if (!vendor || !product)
		return vendor ? vendor : product;
	if (strncmp(vendor, product, strlen(vendor)) == 0)
		return product;
	return arena_printf(arena, "%s %s", vendor, product);
}

static void fill_modules(const struct rows *rows)
{
	size_t count = get_count(rows->report, "modules");
	struct ranked *ranked = arena_alloc(rows->arena, count + 1, sizeof(*ranked));

	if (!ranked)
		return;
	for (size_t i = 0; i < count; i++) {
		const json_t *m = get_item(rows->report, "modules", i);
		ranked[i] = (struct ranked){m, origin_rank(m), i};
	}
	qsort(ranked, count, sizeof(*ranked), compare);
	for (size_t i = 0; i < count; i++) {
		const json_t *m = ranked[i].module;
		const char *time = get_text(m, "timestamp");
		rows->sink(
			rows->context,
			(const char *const[]){
				get_text(m, "name"), get_text(m, "base"),
				arena_printf(rows->arena, "0x%llx",
					     (unsigned long long)get_number(m, "size")),
				words_is_time(time) ? arena_strndup(rows->arena, time, 10) : time,
				get_text(m, "version"), get_text(m, "origin"),
				get_bool(m, "loaded") ? "yes" : "no", product_of(rows->arena, m)});
	}
}

const struct section section_modules = {
	"Modules",
	(const struct column[]){{"Name"},
				{"Base"},
				{"Size", .right = true},
				{"Date"},
				{"Version"},
				{"Origin"},
				{"Loaded"},
				{"Of", .wrap = true},
				{NULL}},
	fill_modules,
};
