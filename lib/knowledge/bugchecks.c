/* Stop codes, their parameters, sub-codes and NTSTATUS values. */
#include "document.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct table_spec roles = {
	.file = "roles.tsv",
	.key = 1,
	.columns = {{"role", CELL_TEXT}, {"text", CELL_TEXT}},
};
static const struct table_spec bugchecks = {
	.file = "bugchecks.tsv",
	.key = 1,
	.columns = {{"code", CELL_CODE},
		    {"name", CELL_SYMBOL},
		    {"kind", CELL_ENUM, .words = "stop|live|stop+live"},
		    {"family", CELL_WORD, .optional = true},
		    {"role1", CELL_TEXT},
		    {"role2", CELL_TEXT},
		    {"role3", CELL_TEXT},
		    {"role4", CELL_TEXT}},
};
static const struct table_spec subcodes = {
	.file = "subcodes.tsv",
	.key = 2,
	.columns = {{"code", CELL_CODE}, {"value", CELL_HEX}, {"text", CELL_TEXT}},
};
static const struct table_spec statuses = {
	.file = "ntstatus.tsv",
	.key = 1,
	.columns = {{"status", CELL_CODE}, {"name", CELL_SYMBOL}, {"meaning", CELL_TEXT}},
};

static uint32_t cell_code(const char *text)
{
	uint64_t value = 0;

	parse_hex(text, &value);
	return (uint32_t)value;
}

static bool roles_load(struct knowledge *k, struct checker *c)
{
	struct table t;

	if (!table_load(k, c, &roles, &t))
		return !arena_failed(k->arena);
	k->roles = arena_alloc(k->arena, t.rows, sizeof(*k->roles));
	if (!k->roles)
		return false;
	k->role_count = t.rows;
	for (size_t i = 0; i < t.rows; i++)
		k->roles[i] = (struct role){table_cell(&t, i, 0), table_cell(&t, i, 1)};
	return index_build(&k->role_index, k->arena, k->roles, t.rows, sizeof(*k->roles));
}

static int by_code(const void *a, const void *b)
{
	const struct bugcheck *x = a, *y = b;

	return (x->code > y->code) - (x->code < y->code);
}

static void check_roles(const struct knowledge *k, struct checker *c, unsigned line,
			const struct bugcheck *row)
{
	for (int i = 0; k->role_count && i < 4; i++)
		if (!index_find(&k->role_index, row->role[i]))
			check_problem(c, line, "role%d '%s' is not in roles.tsv", i + 1,
				      row->role[i]);
}

static bool codes_load(struct knowledge *k, struct checker *c)
{
	struct table t;

	if (!table_load(k, c, &bugchecks, &t))
		return !arena_failed(k->arena);
	struct bugcheck *rows = arena_alloc(k->arena, t.rows, sizeof(*rows));
	if (!rows)
		return false;
	for (size_t i = 0; i < t.rows; i++) {
		rows[i] = (struct bugcheck){
			.code = cell_code(table_cell(&t, i, 0)),
			.name = table_cell(&t, i, 1),
			.kind = table_cell(&t, i, 2),
			.family = table_cell(&t, i, 3),
		};
		for (size_t role = 0; role < 4; role++)
			rows[i].role[role] = table_cell(&t, i, 4 + role);
		if (!c)
			continue;
		check_roles(k, c, table_line(i), &rows[i]);
		for (size_t other = 0; other < i; other++)
			if (!strcmp(rows[other].name, rows[i].name))
				check_problem(c, table_line(i), "name %s stands already in line %u",
					      rows[i].name, table_line(other));
	}
	if (check_failed(c))
		return true;
	if (t.rows)
		qsort(rows, t.rows, sizeof(*rows), by_code);
	k->bugchecks = rows;
	k->bugcheck_count = t.rows;
	return true;
}

static int by_code_and_value(const void *a, const void *b)
{
	const struct subcode_row *x = a, *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return (x->value > y->value) - (x->value < y->value);
}

static const struct bugcheck *find_code(const struct knowledge *k, uint32_t code)
{
	const struct bugcheck key = {.code = code};

	if (!k->bugcheck_count)
		return NULL;
	return bsearch(&key, k->bugchecks, k->bugcheck_count, sizeof(key), by_code);
}

static bool subcodes_load(struct knowledge *k, struct checker *c)
{
	struct table t;

	if (!table_load(k, c, &subcodes, &t))
		return !arena_failed(k->arena);
	struct subcode_row *rows = arena_alloc(k->arena, t.rows, sizeof(*rows));
	if (!rows)
		return false;
	for (size_t i = 0; i < t.rows; i++) {
		rows[i].code = cell_code(table_cell(&t, i, 0));
		parse_hex(table_cell(&t, i, 1), &rows[i].value);
		rows[i].text = table_cell(&t, i, 2);
		if (c && k->bugcheck_count && !find_code(k, rows[i].code))
			check_problem(c, table_line(i), "code %s is not in bugchecks.tsv",
				      table_cell(&t, i, 0));
	}
	if (check_failed(c))
		return true;
	if (t.rows)
		qsort(rows, t.rows, sizeof(*rows), by_code_and_value);
	k->subcodes = rows;
	k->subcode_count = t.rows;
	return true;
}

static int by_status(const void *a, const void *b)
{
	const struct status_row *x = a, *y = b;

	return (x->status > y->status) - (x->status < y->status);
}

static bool statuses_load(struct knowledge *k, struct checker *c)
{
	struct table t;

	if (!table_load(k, c, &statuses, &t))
		return !arena_failed(k->arena);
	struct status_row *rows = arena_alloc(k->arena, t.rows, sizeof(*rows));
	if (!rows)
		return false;
	for (size_t i = 0; i < t.rows; i++)
		rows[i] = (struct status_row){cell_code(table_cell(&t, i, 0)), table_cell(&t, i, 1),
					      table_cell(&t, i, 2)};
	if (t.rows)
		qsort(rows, t.rows, sizeof(*rows), by_status);
	k->statuses = rows;
	k->status_count = t.rows;
	return true;
}

bool bugchecks_load(struct knowledge *k, struct checker *c)
{
	static table_loader *const loaders[] = {roles_load, codes_load, subcodes_load,
						statuses_load, NULL};

	return tables_load(k, c, loaders);
}

/* ---- lookup --------------------------------------------------------------------------------- */

/* The code without the bit that says "this is the small variant of it" (0x1000007E). Codes such as
 * 0xC000021A and 0xDEADDEAD have that bit for other reasons and are whole. */
static bool is_variant(uint32_t code)
{
	return code >> 28 == 1;
}

static uint32_t plain_code(uint32_t code)
{
	return code & ~UINT32_C(0x10000000);
}

const struct bugcheck *knowledge_bugcheck(const struct knowledge *knowledge, uint32_t code)
{
	const struct bugcheck *found = find_code(knowledge, code);

	if (!found && is_variant(code))
		found = find_code(knowledge, plain_code(code));
	return found;
}

const struct bugcheck *knowledge_bugcheck_named(const struct knowledge *knowledge, const char *text)
{
	uint64_t code;

	for (size_t i = 0; i < knowledge->bugcheck_count; i++)
		if (text_equal_nocase(knowledge->bugchecks[i].name, text))
			return &knowledge->bugchecks[i];
	if (!parse_hex(text, &code) || code > UINT32_MAX)
		return NULL;
	return knowledge_bugcheck(knowledge, (uint32_t)code);
}

const char *knowledge_role_text(const struct knowledge *knowledge, const char *role)
{
	const struct role *found = index_find(&knowledge->role_index, role);

	return found ? found->text : role;
}

static const struct subcode_row *find_subcode(const struct knowledge *k, uint32_t code,
					      uint64_t value)
{
	const struct subcode_row key = {.code = code, .value = value};

	if (!k->subcode_count)
		return NULL;
	return bsearch(&key, k->subcodes, k->subcode_count, sizeof(key), by_code_and_value);
}

const char *knowledge_subcode(const struct knowledge *knowledge, uint32_t code, uint64_t value)
{
	const struct subcode_row *found = find_subcode(knowledge, code, value);

	if (!found && is_variant(code))
		found = find_subcode(knowledge, plain_code(code), value);
	return found ? found->text : NULL;
}

const char *knowledge_status(const struct knowledge *knowledge, uint32_t status,
			     const char **ret_meaning)
{
	const struct status_row key = {.status = status}, *found = NULL;

	if (knowledge->status_count)
		found = bsearch(&key, knowledge->statuses, knowledge->status_count, sizeof(key),
				by_status);
	if (!found)
		return NULL;
	if (ret_meaning)
		*ret_meaning = found->meaning;
	return found->name;
}

/* ---- pages ---------------------------------------------------------------------------------- */

struct page {
	const char *code, *name, *meaning;
	const char **parameters;
	const char *subcode_parameter;
	struct subcode *subcodes;
	const char **causes, **advice;
	unsigned parameters_count, subcodes_count, causes_count, advice_count;
};

static const cyaml_schema_field_t subcode_fields[] = {
	DOCUMENT_TEXT("value", struct subcode, value),
	DOCUMENT_TEXT("text", struct subcode, text),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t subcode_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct subcode, subcode_fields),
};
static const cyaml_schema_field_t page_fields[] = {
	DOCUMENT_TEXT("code", struct page, code),
	DOCUMENT_TEXT("name", struct page, name),
	DOCUMENT_TEXT("meaning", struct page, meaning),
	CYAML_FIELD_SEQUENCE("parameters", CYAML_FLAG_POINTER, struct page, parameters,
			     &document_text, 4, 4),
	DOCUMENT_TEXT_OPTIONAL("subcode_parameter", struct page, subcode_parameter, 1),
	DOCUMENT_LIST_OPTIONAL("subcodes", struct page, subcodes, &subcode_entry),
	DOCUMENT_LIST("causes", struct page, causes, &document_text),
	DOCUMENT_LIST("advice", struct page, advice, &document_text),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t page_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct page, page_fields),
};

static const struct rule_file *page_file(const struct knowledge *k, uint32_t code)
{
	char name[40];

	snprintf(name, sizeof(name), "bugchecks/0x%08X.yaml", code);
	return knowledge_find(k, name);
}

struct error *knowledge_bugcheck_page(const struct knowledge *knowledge, struct arena *arena,
				      const struct bugcheck *bugcheck, struct bugcheck_page **ret)
{
	const struct rule_file *file = page_file(knowledge, bugcheck->code);
	void *data;

	if (!file && is_variant(bugcheck->code))
		file = page_file(knowledge, plain_code(bugcheck->code));
	if (!file) {
		*ret = NULL;
		return NULL;
	}
	struct error *err = document_load(arena, file, &page_schema, &data);
	if (err)
		return err;
	const struct page *raw = data;
	struct bugcheck_page *page = arena_alloc(arena, 1, sizeof(*page));
	if (!page)
		return error_create(ERROR_LIMIT, "no memory left for %s", file->name);
	page->meaning = raw->meaning;
	for (unsigned i = 0; i < 4; i++)
		page->parameters[i] = raw->parameters[i];
	if (raw->subcode_parameter)
		page->subcode_parameter = (unsigned)raw->subcode_parameter[0] - '0';
	page->subcodes =
		document_list(arena, raw->subcodes, raw->subcodes_count, sizeof(*raw->subcodes));
	page->causes = document_list(arena, raw->causes, raw->causes_count, sizeof(char *));
	page->advice = document_list(arena, raw->advice, raw->advice_count, sizeof(char *));
	*ret = page;
	return NULL;
}

static void check_subcodes(struct checker *c, const struct list *scalars, const struct page *page)
{
	const char *which = page->subcode_parameter;

	if (which && (strlen(which) != 1 || which[0] < '1' || which[0] > '4'))
		check_problem(c, document_line(scalars, "subcode_parameter"),
			      "subcode_parameter: '%s' is not one of 1, 2, 3, 4", which);
	if (!which != !page->subcodes_count)
		check_problem(c, 0, "subcode_parameter and subcodes go together");
	for (unsigned i = 0; i < page->subcodes_count; i++) {
		const char *value = page->subcodes[i].value, *wrong = check_hex(value);
		if (wrong)
			check_problem(c, document_line(scalars, value), "value: '%s' %s", value,
				      wrong);
		for (unsigned j = 0; j < i; j++)
			if (text_equal_nocase(page->subcodes[j].value, value))
				check_problem(c, document_line(scalars, value),
					      "value: '%s' is given twice", value);
	}
}

void bugcheck_check(const struct knowledge *knowledge, struct checker *c,
		    const struct rule_file *file)
{
	struct list scalars;
	const struct page *page = document_check(c, file, &page_schema, &scalars);
	char expected[40];

	if (!page)
		return;
	const char *wrong = check_code(page->code);
	if (wrong) {
		check_problem(c, document_line(&scalars, page->code), "code: '%s' %s", page->code,
			      wrong);
		return;
	}
	snprintf(expected, sizeof(expected), "bugchecks/%.10s.yaml", page->code);
	if (strcmp(file->name, expected))
		check_problem(c, document_line(&scalars, page->code),
			      "code: %s belongs into a file of that name", page->code);
	const struct bugcheck *row = find_code(knowledge, cell_code(page->code));
	if (knowledge->bugcheck_count && !row)
		check_problem(c, document_line(&scalars, page->code),
			      "code: %s is not in bugchecks.tsv", page->code);
	if (row && strcmp(row->name, page->name))
		check_problem(c, document_line(&scalars, page->name),
			      "name: %s is called %s in bugchecks.tsv", page->code, row->name);
	if (!page->causes_count)
		check_problem(c, document_line(&scalars, "causes"), "causes: none is given");
	if (!page->advice_count)
		check_problem(c, document_line(&scalars, "advice"), "advice: none is given");
	check_subcodes(c, &scalars, page);
}
