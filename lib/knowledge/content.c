/* Content files: what a path says about who wrote the file and who reads it. */
#include "ceilings.h"
#include "internal.h"
#include "text.h"

#include <string.h>

static const struct table_spec content_files = {
	.file = "content_files.tsv",
	.key = 1,
	.columns = {{"id", CELL_WORD},
		    {"vendor", CELL_TEXT},
		    {"product", CELL_TEXT},
		    {"os", CELL_ENUM, .words = "windows|linux|macos"},
		    {"directory", CELL_DIRECTORY, .optional = true},
		    {"globs", CELL_GLOBS, .words = " "},
		    {"owners", CELL_GLOBS, .words = ", "},
		    {"magic", CELL_TEXT, .optional = true},
		    {"confidence", CELL_ENUM, .words = "sourced|memory"}},
};

/* Splits @p text at spaces into the rule's globs. */
static bool split_globs(struct arena *arena, struct content_rule *rule, const char *text)
{
	char *copy = arena_strdup(arena, text), *rest = copy, *glob;
	size_t count = 1;

	for (const char *p = text; *p; p++)
		count += *p == ' ';
	rule->globs = arena_alloc(arena, count, sizeof(*rule->globs));
	rule->fixed = arena_alloc(arena, count, sizeof(*rule->fixed));
	if (arena_failed(arena))
		return false;
	while ((glob = strsep(&rest, " ")))
		if (*glob) {
			rule->globs[rule->glob_count] = glob;
			rule->fixed[rule->glob_count++] = glob_fixed(glob);
		}
	return true;
}

/* Lower case, \ between parts. */
static void fold_path(char *path)
{
	for (; *path; path++) {
		if (*path == '/')
			*path = '\\';
		else if (*path >= 'A' && *path <= 'Z')
			*path = (char)(*path - 'A' + 'a');
	}
}

static bool rule_fill(struct knowledge *k, const struct table *t, size_t row,
		      struct content_rule *rule)
{
	rule->type = (struct content_type){
		.id = table_cell(t, row, 0),
		.vendor = table_cell(t, row, 1),
		.product = table_cell(t, row, 2),
		.os = table_cell(t, row, 3),
		.directory = table_cell(t, row, 4),
		.globs = table_cell(t, row, 5),
		.owners = table_cell(t, row, 6),
		.confirmed = !strcmp(table_cell(t, row, 8), "sourced"),
	};
	char *directory = arena_strdup(k->arena, rule->type.directory);
	fold_path(directory);
	rule->directory = directory;
	return split_globs(k->arena, rule, rule->type.globs);
}

/* Copies the owner at @p p to @p owner (empty if it is too long); returns where the next begins. */
static const char *next_owner(const char *p, char owner[256])
{
	size_t length = strcspn(p, ",");

	owner[0] = '\0';
	if (length < 256) {
		memcpy(owner, p, length);
		owner[length] = '\0';
	}
	p += length;
	return p + strspn(p, ", ");
}

/* Owners that are drivers are in the tables of drivers; programs are in none. */
static void check_owners(const struct knowledge *k, struct checker *c, unsigned line,
			 const struct content_type *type)
{
	char owner[256];

	for (const char *p = type->owners; *p;) {
		p = next_owner(p, owner);
		if (text_ends_nocase(owner, ".sys") && !has_wildcard(owner) &&
		    !knowledge_driver(k, owner) && knowledge_inbox(k, owner) == INBOX_NO)
			check_problem(c, line,
				      "owner '%s' is in neither vendors.tsv, "
				      "altitudes.tsv nor inbox.tsv",
				      owner);
	}
}

static bool content_files_load(struct knowledge *k, struct checker *c)
{
	struct table t;

	if (!table_load(k, c, &content_files, &t))
		return !arena_failed(k->arena);
	struct content_rule *rules = arena_alloc(k->arena, t.rows, sizeof(*rules));
	if (!rules)
		return false;
	/* Without the table they would all be unknown. */
	bool drivers_known = c && knowledge_find(k, "vendors.tsv");
	for (size_t i = 0; i < t.rows; i++) {
		if (!rule_fill(k, &t, i, &rules[i]))
			return false;
		for (unsigned g = 0; c && !*rules[i].directory && g < rules[i].glob_count; g++)
			if (rules[i].fixed[g] < 3 && !strchr(rules[i].globs[g], '.'))
				check_problem(c, table_line(i),
					      "'%s' without a directory fits too many files",
					      rules[i].globs[g]);
		if (drivers_known)
			check_owners(k, c, table_line(i), &rules[i].type);
	}
	if (check_failed(c))
		return true;
	k->content = rules;
	k->content_count = t.rows;
	return true;
}

bool content_load(struct knowledge *k, struct checker *c)
{
	static table_loader *const loaders[] = {content_files_load, NULL};

	return tables_load(k, c, loaders);
}

/* ---- lookup --------------------------------------------------------------------------------- */

static bool rule_fits(const struct content_rule *rule, const char *path, const char *name)
{
	bool bare = name == path;

	if (!bare && *rule->directory) {
		const char *found = strstr(path, rule->directory);
		if (!found || found + strlen(rule->directory) > name)
			return false;
	}
	for (unsigned i = 0; i < rule->glob_count; i++)
		if ((!bare || rule->fixed[i] >= 4) && text_glob(rule->globs[i], name))
			return true;
	return false;
}

const struct content_type *knowledge_content_type(const struct knowledge *knowledge,
						  const char *path)
{
	char folded[LIMIT_NAME_CHARS * 4 + 2];
	size_t length = strlen(path);

	if (length == 0 || length >= sizeof(folded) - 1)
		return NULL;
	/* A path such as "drivers\x" gets the separator that the directories begin with. */
	folded[0] = '\\';
	memcpy(folded + 1, path, length + 1);
	fold_path(folded);
	const char *name = text_basename(folded), *from = folded;
	if (name == folded + 1 && path[0] != '\\' && path[0] != '/')
		from = name;
	if (!*name)
		return NULL;
	for (size_t i = 0; i < knowledge->content_count; i++)
		if (rule_fits(&knowledge->content[i], from, name))
			return &knowledge->content[i].type;
	return NULL;
}

const struct content_type *knowledge_content_type_on(const struct knowledge *knowledge,
						     const char *id, const char *os)
{
	const struct content_type *wanted = NULL;

	for (size_t i = 0; i < knowledge->content_count && !wanted; i++)
		if (!strcmp(knowledge->content[i].type.id, id))
			wanted = &knowledge->content[i].type;
	if (!wanted || !strcmp(wanted->os, os))
		return wanted;
	for (size_t i = 0; i < knowledge->content_count; i++) {
		const struct content_type *t = &knowledge->content[i].type;
		if (!strcmp(t->os, os) && !strcmp(t->vendor, wanted->vendor) &&
		    !strcmp(t->product, wanted->product))
			return t;
	}
	return NULL;
}

bool knowledge_consumes(const struct knowledge *knowledge, const struct content_type *type,
			const char *module)
{
	char owner[256];

	for (const char *p = type->owners; *p;) {
		p = next_owner(p, owner);
		if (*owner && text_glob(owner, module))
			return true;
	}
	const struct driver_info *driver = knowledge_driver(knowledge, module);
	return driver && text_equal_nocase(driver->vendor, type->vendor);
}
