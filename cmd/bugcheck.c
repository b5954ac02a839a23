/* culprit bugcheck: the help-desk page of a stop code. */
#include "command.h"
#include "knowledge.h"
#include "message.h"
#include "pages.h"
#include "rulebook.h"
#include "terminal.h"

#include <inttypes.h>
#include <string.h>

static json_t *text(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

/* The page's own words for a parameter, or those of its role; NULL: it is not used. */
static const char *parameter_text(const struct knowledge *knowledge,
				  const struct bugcheck *bugcheck, const struct bugcheck_page *page,
				  int i)
{
	if (page && page->parameters[i])
		return page->parameters[i];
	if (!bugcheck->role[i] || strcmp(bugcheck->role[i], "-") == 0)
		return NULL;
	return knowledge_role_text(knowledge, bugcheck->role[i]);
}

static json_t *page_json(const struct knowledge *knowledge, const struct bugcheck *bugcheck,
			 const struct bugcheck_page *page)
{
	json_t *o = json_object(), *parameters = json_array(), *subcodes = json_array();
	char code[16];

	snprintf(code, sizeof(code), "0x%08" PRIx32, bugcheck->code);
	for (int i = 0; i < 4; i++) {
		json_t *p = json_object();
		json_object_set_new(p, "role", text(bugcheck->role[i]));
		json_object_set_new(p, "text", text(parameter_text(knowledge, bugcheck, page, i)));
		json_array_append_new(parameters, p);
	}
	if (page) {
		LIST_EACH(struct subcode, s, &page->subcodes) {
			json_t *e = json_object();
			json_object_set_new(e, "value", text(s->value));
			json_object_set_new(e, "text", text(s->text));
			json_array_append_new(subcodes, e);
		}
	}
	json_object_set_new(o, "schema", json_string("culprit.bugcheck/1"));
	json_object_set_new(o, "code", json_string(code));
	json_object_set_new(o, "name", text(bugcheck->name));
	json_object_set_new(o, "kind", text(bugcheck->kind));
	json_object_set_new(o, "family", text(bugcheck->family));
	json_object_set_new(o, "meaning", text(page ? page->meaning : NULL));
	json_object_set_new(o, "parameters", parameters);
	json_object_set_new(o, "causes", page ? rulebook_lines(&page->causes) : json_array());
	json_object_set_new(o, "advice", page ? rulebook_lines(&page->advice) : json_array());
	json_object_set_new(o, "subcode_parameter",
			    page && page->subcode_parameter ? json_integer(page->subcode_parameter)
							    : json_null());
	json_object_set_new(o, "subcodes", subcodes);
	return o;
}

/* The name in the rules that is nearest to what was typed, or NULL. */
static const char *near_name(const struct knowledge *knowledge, struct arena *arena,
			     const char *typed)
{
	enum { NAMES_MAX = 2000 };
	const char *table = knowledge_file(knowledge, "bugchecks.tsv", NULL);
	const char **names = arena_alloc(arena, NAMES_MAX + 1, sizeof(*names));
	size_t count = 0;

	while (table && names && *table && count < NAMES_MAX) {
		size_t code = strcspn(table, "\t\n");
		const char *name = table + code + (table[code] == '\t');
		if (table[code] == '\t')
			names[count++] = arena_strndup(arena, name, strcspn(name, "\t\n"));
		table += strcspn(table, "\n");
		table += *table == '\n';
	}
	return names ? suggest(typed, names) : NULL;
}

static int print_page(const struct options *options, const struct knowledge *knowledge,
		      struct arena *arena)
{
	struct render render = {.out = stdout, .width = terminal_width(stdout, RENDER_WIDTH)};
	const struct bugcheck *bugcheck =
		knowledge_bugcheck_named(knowledge, options->arguments[0]);
	struct bugcheck_page *page = NULL;
	const char *format;

	if (!choice("format", options->format, "text json", &format) ||
	    !terminal_color(options->color, stdout, &render.color))
		return EXIT_USAGE;
	if (!bugcheck) {
		const char *near = near_name(knowledge, arena, options->arguments[0]);
		complain("'%s' is no stop code that the rules know%s%s%s", options->arguments[0],
			 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
		return EXIT_NO_CULPRIT;
	}
	struct error *err = knowledge_bugcheck_page(knowledge, arena, bugcheck, &page);
	if (err)
		complain_error(err); /* the roles of the table must do */
	json_t *json = page_json(knowledge, bugcheck, page);
	if (strcmp(format, "json") == 0) {
		rulebook_print_json(json);
	} else {
		bugcheck_page_text(&render, json);
	}
	json_decref(json);
	return 0;
}

static int run(const struct options *options)
{
	return rulebook_run(options, print_page);
}

static const struct option_row options[] = {
	{'f', "format", "FORMAT", "text (default) or json", offsetof(struct options, format)},
	OPTION_RULES,
	OPTION_COLOR,
	{0},
};

const struct command command_bugcheck = {
	.name = "bugcheck",
	.synopsis = "CODE|NAME",
	.summary = "What a stop code means, what its parameters are, and what to try",
	.details = "CODE is a number as Windows shows it (0x50, 50, 0x00000050), NAME its name.",
	.options = options,
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
