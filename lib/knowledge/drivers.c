/* What is known about a module by its file name. */
#include "internal.h"
#include "text.h"

#include <string.h>

#define CONFIDENCE                                                                                 \
	{                                                                                          \
		"confidence", CELL_ENUM, .words = "sourced|memory"                                 \
	}

#define PRODUCTS(table, module)                                                                    \
	{                                                                                          \
		.file = table, .key = 1, .columns = {                                              \
			{module, CELL_GLOB},                                                       \
			{"vendor", CELL_TEXT},                                                     \
			{"product", CELL_TEXT, .optional = true},                                  \
			{"category", CELL_WORD},                                                   \
			CONFIDENCE                                                                 \
		}                                                                                  \
	}

static const struct table_spec vendors = PRODUCTS("vendors.tsv", "driver");
static const struct table_spec linux_modules = PRODUCTS("linux_modules.tsv", "module");
static const struct table_spec linux_intree = {
	.file = "linux_intree.tsv",
	.key = 1,
	.columns = {{"module", CELL_FILE}},
};
static const struct table_spec altitudes = {
	.file = "altitudes.tsv",
	.columns = {{"minifilter", CELL_GLOB},
		    {"company", CELL_TEXT, .optional = true},
		    {"altitude", CELL_NUMBER}},
};
static const struct table_spec inbox = {
	.file = "inbox.tsv",
	.key = 1,
	.columns = {{"file", CELL_GLOB},
		    {"kind", CELL_ENUM,
		     .words = "microsoft|inbox-thirdparty|microsoft-optional|pattern"}},
};
static const struct table_spec passthrough = {
	.file = "passthrough.tsv",
	.key = 1,
	.columns = {{"glob", CELL_GLOB}, {"why", CELL_TEXT}},
};
static const struct table_spec loldrivers = {
	.file = "loldrivers.tsv",
	.columns = {{"file", CELL_FILE},
		    {"category", CELL_ENUM, .words = "vulnerable driver|malicious"},
		    {"id", CELL_TEXT},
		    {"timestamp", CELL_HEX, .optional = true}},
};

/* A glob that fits nearly everything would make a vendor the suspect of every crash. */
static void check_globs_narrow(struct checker *c, const struct table *t)
{
	for (size_t i = 0; c && i < t->rows; i++) {
		const char *glob = table_cell(t, i, 0);
		if (has_wildcard(glob) && glob_fixed(glob) < 2)
			check_problem(c, table_line(i), "'%s' fits too many names", glob);
	}
}

static bool names_load(struct knowledge *k, struct checker *c, const struct table_spec *spec,
		       struct driver_info **ret, struct index *index)
{
	struct table t;

	if (!table_load(k, c, spec, &t))
		return !arena_failed(k->arena);
	check_globs_narrow(c, &t);
	if (check_failed(c))
		return true;
	struct driver_info *rows = arena_alloc(k->arena, t.rows, sizeof(*rows));
	if (!rows)
		return false;
	for (size_t i = 0; i < t.rows; i++)
		rows[i] = (struct driver_info){
			.name = table_cell(&t, i, 0),
			.vendor = table_cell(&t, i, 1),
			.product = table_cell(&t, i, 2),
			.category = table_cell(&t, i, 3),
			.confirmed = !strcmp(table_cell(&t, i, 4), "sourced"),
		};
	*ret = rows;
	return index_build(index, k->arena, rows, t.rows, sizeof(*rows));
}

/* Microsoft's list of file system filters: it names the company only, and is official. Where it
 * leaves the company out it says nothing of use. */
static bool altitudes_load(struct knowledge *k, struct checker *c)
{
	size_t count = 0;
	struct table t;

	if (!table_load(k, c, &altitudes, &t))
		return !arena_failed(k->arena);
	check_globs_narrow(c, &t);
	if (check_failed(c))
		return true;
	struct driver_info *rows = arena_alloc(k->arena, t.rows, sizeof(*rows));
	if (!rows)
		return false;
	for (size_t i = 0; i < t.rows; i++)
		if (*table_cell(&t, i, 1))
			rows[count++] = (struct driver_info){
				.name = table_cell(&t, i, 0),
				.vendor = table_cell(&t, i, 1),
				.product = "",
				.category = "",
				.confirmed = true,
			};
	k->altitudes = rows;
	return index_build(&k->altitude_index, k->arena, rows, count, sizeof(*rows));
}

static bool inbox_load(struct knowledge *k, struct checker *c)
{
	struct table t;

	if (!table_load(k, c, &inbox, &t))
		return !arena_failed(k->arena);
	for (size_t i = 0; c && i < t.rows; i++)
		if (has_wildcard(table_cell(&t, i, 0)) && strcmp(table_cell(&t, i, 1), "pattern"))
			check_problem(c, table_line(i),
				      "names with * or ? are of the kind 'pattern'");
	check_globs_narrow(c, &t);
	if (check_failed(c))
		return true;
	k->inbox = arena_alloc(k->arena, t.rows, sizeof(*k->inbox));
	if (!k->inbox)
		return false;
	for (size_t i = 0; i < t.rows; i++)
		k->inbox[i] = (struct inbox_row){
			table_cell(&t, i, 0),
			strcmp(table_cell(&t, i, 1), "inbox-thirdparty") ? INBOX_MICROSOFT
									 : INBOX_THIRD_PARTY,
		};
	return index_build(&k->inbox_index, k->arena, k->inbox, t.rows, sizeof(*k->inbox));
}

static bool passthrough_load(struct knowledge *k, struct checker *c)
{
	struct table t;

	if (!table_load(k, c, &passthrough, &t))
		return !arena_failed(k->arena);
	check_globs_narrow(c, &t);
	if (check_failed(c))
		return true;
	k->passthrough = arena_alloc(k->arena, t.rows, sizeof(*k->passthrough));
	if (!k->passthrough)
		return false;
	for (size_t i = 0; i < t.rows; i++)
		k->passthrough[i] =
			(struct passthrough){table_cell(&t, i, 0), table_cell(&t, i, 1)};
	return index_build(&k->passthrough_index, k->arena, k->passthrough, t.rows,
			   sizeof(*k->passthrough));
}

static bool loldrivers_load(struct knowledge *k, struct checker *c)
{
	struct table t;

	if (!table_load(k, c, &loldrivers, &t))
		return !arena_failed(k->arena);
	struct bad_driver *rows = arena_alloc(k->arena, t.rows, sizeof(*rows));
	if (!rows)
		return false;
	for (size_t i = 0; i < t.rows; i++) {
		uint64_t timestamp = 0;
		parse_hex(table_cell(&t, i, 3), &timestamp);
		if (c && timestamp > UINT32_MAX)
			check_problem(c, table_line(i), "timestamp has more than 32 bits");
		rows[i] = (struct bad_driver){
			.name = table_cell(&t, i, 0),
			.category = table_cell(&t, i, 1),
			.id = table_cell(&t, i, 2),
			.timestamp = (uint32_t)timestamp,
		};
	}
	if (check_failed(c))
		return true;
	k->bad_drivers = rows;
	return index_build(&k->bad_driver_index, k->arena, rows, t.rows, sizeof(*rows));
}

static bool vendors_load(struct knowledge *k, struct checker *c)
{
	return names_load(k, c, &vendors, &k->vendors, &k->vendor_index);
}

static bool linux_modules_load(struct knowledge *k, struct checker *c)
{
	return names_load(k, c, &linux_modules, &k->linux_modules, &k->linux_index);
}

/* Thousands of names that are rarely asked for: looked up in the file itself. */
static bool linux_intree_load(struct knowledge *k, struct checker *c)
{
	struct table t;

	return !c || table_load(k, c, &linux_intree, &t) || !arena_failed(k->arena);
}

bool drivers_load(struct knowledge *k, struct checker *c)
{
	static table_loader *const loaders[] = {
		vendors_load, linux_modules_load, altitudes_load,  linux_intree_load,
		inbox_load,   passthrough_load,   loldrivers_load, NULL};

	return tables_load(k, c, loaders);
}

/* ---- lookup --------------------------------------------------------------------------------- */

/* Module names of Linux have no extension (but for .ko on disk), and - and _ are the same in them.
 */
static const struct driver_info *find_linux(const struct knowledge *k, const char *name)
{
	char plain[128];
	size_t length = strlen(name);

	if (length > 3 && text_ends_nocase(name, ".ko"))
		length -= 3;
	if (length >= sizeof(plain) || memchr(name, '.', length))
		return NULL;
	for (size_t i = 0; i < length; i++)
		plain[i] = name[i] == '-' ? '_' : name[i];
	plain[length] = '\0';
	return index_find(&k->linux_index, plain);
}

const struct driver_info *knowledge_driver(const struct knowledge *knowledge, const char *name)
{
	const struct driver_info *found = index_find(&knowledge->vendor_index, name);

	if (!found)
		found = index_find(&knowledge->altitude_index, name);
	return found ? found : find_linux(knowledge, name);
}

enum inbox knowledge_inbox(const struct knowledge *knowledge, const char *name)
{
	const struct inbox_row *found = index_find(&knowledge->inbox_index, name);

	return found ? found->inbox : INBOX_NO;
}

bool knowledge_passes_blame(const struct knowledge *knowledge, const char *name,
			    const char **ret_why)
{
	const struct passthrough *found = index_find(&knowledge->passthrough_index, name);

	if (found && ret_why)
		*ret_why = found->why;
	return found != NULL;
}

/* The list's times were partly written as local time: a sample is the same at a difference of whole
 * hours, up to the 14 that time zones differ by. */
static bool same_time(uint32_t a, uint32_t b)
{
	uint32_t difference = a > b ? a - b : b - a;

	return a && b && difference % 3600 == 0 && difference <= 14 * 3600;
}

const struct bad_driver *knowledge_bad_driver(const struct knowledge *knowledge, const char *name,
					      uint32_t timestamp, bool *ret_exact)
{
	const struct bad_driver *first = NULL, *row;
	uint32_t cursor = 0;

	*ret_exact = false;
	while ((row = index_next(&knowledge->bad_driver_index, name, &cursor))) {
		if (same_time(row->timestamp, timestamp)) {
			*ret_exact = true;
			return row;
		}
		if (!first)
			first = row;
	}
	return first;
}

bool knowledge_in_tree(const struct knowledge *knowledge, const char *name)
{
	size_t size, length = strlen(name);
	const char *text = knowledge_file(knowledge, "linux_intree.tsv", &size);
	char line[128] = "\n";

	if (!text || length + 3 > sizeof(line))
		return false;
	for (size_t i = 0; i < length; i++)
		line[i + 1] = name[i] == '-' ? '_' : name[i];
	line[length + 1] = '\n';
	return memmem(text, size, line, length + 2) != NULL;
}
