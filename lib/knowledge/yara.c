/* Rules for the bytes of content files: content/ *.yar. Only source is ever taken from a directory;
 * compiled rules are byte code for an interpreter that trusts them. */
#include "internal.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#include <yara.h>

struct error *yara_begin(struct knowledge *knowledge)
{
	if (yr_initialize() != ERROR_SUCCESS)
		return error_create(ERROR_NOMEM, "libyara cannot be initialized");
	knowledge->yara_initialized = true;
	return NULL;
}

void yara_end(struct knowledge *knowledge)
{
	if (knowledge->yara)
		yr_rules_destroy(knowledge->yara);
	knowledge->yara = NULL;
	/* libyara counts; the last one frees. */
	if (knowledge->yara_initialized)
		yr_finalize();
	knowledge->yara_initialized = false;
}

/* Where the messages of a compiler go: to a checker, or the first one into `text`. */
struct messages {
	struct checker *c;
	unsigned line;
	char text[256];
};

static void on_message(int level, const char *file, int line, const YR_RULE *rule,
		       const char *message, void *context)
{
	struct messages *messages = context;

	(void)file;
	(void)rule;
	if (level != YARA_ERROR_LEVEL_ERROR)
		return;
	check_problem(messages->c, (unsigned)line, "%s", message);
	if (messages->text[0])
		return;
	messages->line = (unsigned)line;
	strncpy(messages->text, message, sizeof(messages->text) - 1);
}

/* A compiler that cannot open other files. */
static YR_COMPILER *compiler_create(struct messages *messages)
{
	YR_COMPILER *compiler;

	if (yr_compiler_create(&compiler) != ERROR_SUCCESS)
		return NULL;
	yr_compiler_set_include_callback(compiler, NULL, NULL, NULL);
	yr_compiler_set_callback(compiler, on_message, messages);
	return compiler;
}

static YR_RULES *compile_files(const struct rule_file *files, size_t count, struct messages *m,
			       size_t *ret_bad)
{
	YR_COMPILER *compiler = compiler_create(m);
	YR_RULES *rules = NULL;

	*ret_bad = count;
	if (!compiler)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (!files[i].data)
			continue;
		check_begin(m->c, files[i].name);
		if (yr_compiler_add_string(compiler, files[i].data, NULL)) {
			*ret_bad = i;
			break;
		}
	}
	if (*ret_bad == count && yr_compiler_get_rules(compiler, &rules) != ERROR_SUCCESS)
		rules = NULL;
	yr_compiler_destroy(compiler);
	return rules;
}

struct error *yara_compile(struct knowledge *knowledge, struct checker *c)
{
	const struct rule_file *first;
	size_t count = knowledge_folder(knowledge, "content/", &first), bad;
	struct rule_file *files = knowledge->files + (first - knowledge->files);

	/* A compiler is of no use after its first error: begin again without that file. */
	for (size_t left = count; left; left--) {
		struct messages m = {.c = c};
		knowledge->yara = compile_files(files, count, &m, &bad);
		if (knowledge->yara)
			return NULL;
		if (bad == count)
			return error_create(ERROR_NOMEM, "no memory left for YARA rules");
		if (!c)
			return error_create(ERROR_RULES, "%s:%u: %s", files[bad].name, m.line,
					    m.text);
		files[bad].data = NULL;
	}
	return NULL;
}

/* ---- checking ------------------------------------------------------------------------------- */

static const char *meta_text(YR_RULE *rule, const char *name)
{
	YR_META *meta;

	yr_rule_metas_foreach(rule, meta) {
		if (meta->type == META_TYPE_STRING && !strcmp(meta->identifier, name))
			return meta->string;
	}
	return NULL;
}

static bool is_type(const struct knowledge *k, const char *id)
{
	for (size_t i = 0; i < k->content_count; i++)
		if (!strcmp(k->content[i].type.id, id))
			return true;
	return false;
}

/* Of any type: one rule may serve the types of several systems. */
static bool is_owner(const struct knowledge *k, const char *owner)
{
	size_t length = strlen(owner);

	for (size_t i = 0; i < k->content_count; i++) {
		const char *owners = k->content[i].type.owners;
		for (const char *p = owners; (p = strstr(p, owner)); p++)
			if ((p == owners || p[-1] == ' ') && (!p[length] || p[length] == ','))
				return true;
	}
	return false;
}

/* The line of the rule called @p name, by its text. */
static unsigned rule_line(const struct rule_file *file, const char *name)
{
	size_t length = strlen(name);
	unsigned line = 1;

	for (const char *p = file->data; *p; p++) {
		if (*p == '\n')
			line++;
		if (strncmp(p, "rule", 4) || (p != file->data && !strchr(" \t\r\n", p[-1])))
			continue;
		const char *found = p + 4 + strspn(p + 4, " \t");
		if (!strncmp(found, name, length) && strchr(" \t\r\n:{", found[length]))
			return line;
	}
	return 0;
}

/* A rule says what it finds: `type`, a content file's id, and `owner`, who reads such files. With
 * an empty owner it is a format that belongs to nobody (PE), and the type any word. */
static void check_rule(const struct knowledge *k, struct checker *c, unsigned line, YR_RULE *rule)
{
	const char *type = meta_text(rule, "type"), *owner = meta_text(rule, "owner");

	if (!type || !owner) {
		check_problem(c, line, "rule %s has no meta '%s'", rule->identifier,
			      type ? "owner" : "type");
		return;
	}
	if (check_word(type))
		check_problem(c, line, "rule %s: type '%s' %s", rule->identifier, type,
			      check_word(type));
	if (!*owner || !k->content_count)
		return;
	if (!is_type(k, type))
		check_problem(c, line, "rule %s: type '%s' is not in content_files.tsv",
			      rule->identifier, type);
	if (!is_owner(k, owner))
		check_problem(c, line, "rule %s: '%s' owns nothing in content_files.tsv",
			      rule->identifier, owner);
}

static void check_rules(const struct knowledge *k, struct checker *c, const struct rule_file *file,
			YR_RULES *rules)
{
	YR_RULE *rule;

	yr_rules_foreach(rules, rule)
	{
		if (!(rule->flags & RULE_FLAGS_PRIVATE))
			check_rule(k, c, rule_line(file, rule->identifier), rule);
	}
}

void yara_check(const struct knowledge *knowledge, struct checker *c, const struct rule_file *file)
{
	struct messages m = {.c = c};
	size_t bad;
	YR_RULES *rules = compile_files(file, 1, &m, &bad);

	if (!rules && !check_failed(c))
		check_problem(c, 0, "YARA cannot compile it");
	if (!rules)
		return;
	check_rules(knowledge, c, file, rules);
	yr_rules_destroy(rules);
}

/* ---- rules compiled when the program was built ---------------------------------------------- */

struct reader {
	const unsigned char *bytes;
	size_t left;
};

static size_t read_bytes(void *to, size_t size, size_t count, void *context)
{
	struct reader *reader = context;

	if (size == 0)
		return 0;
	if (count > reader->left / size)
		count = reader->left / size;
	memcpy(to, reader->bytes, count * size);
	reader->bytes += count * size;
	reader->left -= count * size;
	return count;
}

struct error *yara_load(struct knowledge *knowledge, const void *bytes, size_t size)
{
	struct reader reader = {bytes, size};
	YR_STREAM stream = {.user_data = &reader, .read = read_bytes};
	YR_RULES *rules;

	if (yr_rules_load_stream(&stream, &rules) != ERROR_SUCCESS)
		return error_create(ERROR_RULES, "the compiled YARA rules are of another version");
	knowledge->yara = rules;
	return NULL;
}

void *knowledge_yara(const struct knowledge *knowledge)
{
	return knowledge->yara;
}

void knowledge_set_yara(struct knowledge *knowledge, void *rules)
{
	if (knowledge->yara)
		yr_rules_destroy(knowledge->yara);
	knowledge->yara = rules;
}
