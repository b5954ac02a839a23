#include "document.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 8, SCALARS_MAX = 20000 };

const cyaml_strval_t document_bools[DOCUMENT_BOOLS] = {{"false", 0}, {"true", 1}};
const cyaml_strval_t document_confidences[DOCUMENT_CONFIDENCES] = {{"memory", 0}, {"sourced", 1}};

const cyaml_schema_value_t document_text = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, TEXT_LENGTH_MAX),
};

/* ---- memory --------------------------------------------------------------------------------- */

/* In front of every block, as arenas do not know sizes. */
struct block {
	_Alignas(16) size_t size;
};

/* realloc() in an arena. libcyaml lets a list grow by one entry at a time; doubling keeps that
 * from using up the arena. */
static void *document_memory(void *context, void *old, size_t size)
{
	struct block *block = old ? (struct block *)old - 1 : NULL;
	size_t room = block ? block->size * 2 : 0;

	if (size == 0)
		return NULL;
	if (block && size <= block->size)
		return old;
	if (room < size)
		room = size;
	if (room > SIZE_MAX / 2)
		return NULL;
	struct block *new = arena_alloc(context, 1, sizeof(*new) + room);
	if (!new)
		return NULL;
	new->size = room;
	if (block)
		memcpy(new + 1, old, block->size);
	return new + 1;
}

/* ---- parsing by a schema -------------------------------------------------------------------- */

/* What libcyaml said: the message, then a backtrace from the inside out. */
struct log {
	char message[256], key[64];
	unsigned line;
};

static void document_log(cyaml_log_t level, void *context, const char *format, va_list args)
{
	static const char in_key[] = "mapping field '", at[] = "(line: ";
	struct log *log = context;
	char text[512];

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	const char *found = strstr(text, at);
	if (found && !log->line)
		log->line = (unsigned)strtoul(found + sizeof(at) - 1, NULL, 10);
	found = strstr(text, in_key);
	if (found && !log->key[0]) {
		snprintf(log->key, sizeof(log->key), "%s", found + sizeof(in_key) - 1);
		log->key[strcspn(log->key, "'")] = '\0';
	}
	if (!log->message[0] && !strstr(text, "Backtrace") && strncmp(text, "  in ", 5))
		snprintf(log->message, sizeof(log->message), "%.255s",
			 strncmp(text, "Load: ", 6) ? text : text + 6);
}

/* libcyaml's message in words of a person who wrote the file. */
static const char *plain_words(struct arena *arena, const struct log *log, cyaml_err_t err)
{
	const char *value = strchr(log->message, ':');

	value = value ? value + 1 + (value[1] == ' ') : "";
	switch (err) {
	case CYAML_ERR_OOM: return "needs more memory than a rule file may";
	case CYAML_ERR_ALIAS: return "anchors and aliases (& and *) are not used in rule files";
	case CYAML_ERR_INVALID_KEY:
		return arena_printf(arena, "'%s' is not a key of such a file", value);
	case CYAML_ERR_MAPPING_FIELD_MISSING: return arena_printf(arena, "'%s' is missing", value);
	case CYAML_ERR_STRING_LENGTH_MIN: return arena_printf(arena, "%s: empty text", log->key);
	case CYAML_ERR_STRING_LENGTH_MAX:
		return arena_printf(arena, "%s: more than %d bytes", log->key, TEXT_LENGTH_MAX);
	case CYAML_ERR_SEQUENCE_ENTRIES_MIN:
		return arena_printf(arena, "%s: too few entries", log->key);
	case CYAML_ERR_SEQUENCE_ENTRIES_MAX:
		return arena_printf(arena, "%s: too many entries", log->key);
	default: break;
	}
	if (!strncmp(log->message, "Mapping field already seen", 26))
		return arena_printf(arena, "'%s' is given twice", value);
	if (!strncmp(log->message, "Expecting STRING", 16))
		return arena_printf(arena, "%s: a text is expected", log->key);
	if (!strncmp(log->message, "Expecting SEQUENCE", 18))
		return arena_printf(arena, "%s: a list is expected", log->key);
	if (!strncmp(log->message, "Expecting MAPPING", 17))
		return arena_printf(arena, "%s%skeys with values are expected", log->key,
				    log->key[0] ? ": " : "");
	if (!strncmp(log->message, "Invalid ENUM value", 18))
		return arena_printf(arena, "%s: '%s' is not a value it can have", log->key, value);
	return arena_strdup(arena, log->message[0] ? log->message : cyaml_strerror(err));
}

bool document_parse(struct arena *arena, const struct rule_file *file,
		    const cyaml_schema_value_t *schema, void **ret, struct fault *fault)
{
	struct log log = {0};
	const cyaml_config_t config = {
		.log_fn = document_log,
		.log_ctx = &log,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = document_memory,
		.mem_ctx = arena,
		.flags = CYAML_CFG_NO_ALIAS,
	};
	void *data = NULL;

	cyaml_err_t err = cyaml_load_data((const uint8_t *)file->data, file->size, &config, schema,
					  &data, NULL);
	if (err == CYAML_OK && data) {
		*ret = data;
		return true;
	}
	fault->line = log.line;
	fault->reason = err == CYAML_OK ? "the file is empty" : plain_words(arena, &log, err);
	return false;
}

struct error *document_load(struct arena *arena, const struct rule_file *file,
			    const cyaml_schema_value_t *schema, void **ret)
{
	struct fault fault;

	if (document_parse(arena, file, schema, ret, &fault))
		return NULL;
	if (arena_failed(arena))
		return error_create(ERROR_LIMIT, "no memory left for %s", file->name);
	return error_create(ERROR_RULES, "%s:%u: %s", file->name, fault.line, fault.reason);
}

/* ---- the full look -------------------------------------------------------------------------- */

static bool fault_at(struct fault *fault, const yaml_mark_t *mark, const char *reason)
{
	fault->line = (unsigned)mark->line + 1;
	fault->reason = reason;
	return false;
}

static bool scan_scalar(struct arena *arena, const yaml_event_t *event, struct list *scalars,
			struct fault *fault)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;

	if (event->data.scalar.anchor)
		return fault_at(fault, &event->start_mark,
				"anchors and aliases (& and *) are not used in rule files");
	if (event->data.scalar.tag)
		return fault_at(fault, &event->start_mark, "tags (!) are not used in rule files");
	if (memchr(text, '\n', length))
		return fault_at(fault, &event->start_mark,
				"a text of several lines; fold it (without | or a final line end)");
	if (!text_is_safe(text, length))
		return fault_at(fault, &event->start_mark, "a control or invisible character");
	struct scalar *scalar = list_add(scalars);
	scalar->line = (unsigned)event->start_mark.line + 1;
	scalar->text = arena_strndup(arena, text, length);
	if (scalars->overflowed)
		return fault_at(fault, &event->start_mark, "more texts than a rule file may have");
	return true;
}

static bool scan_event(struct arena *arena, const yaml_event_t *event, struct list *scalars,
		       unsigned *depth, unsigned *documents, struct fault *fault)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++*documents > 1)
			return fault_at(fault, &event->start_mark, "a second document begins");
		return true;
	case YAML_ALIAS_EVENT:
		return fault_at(fault, &event->start_mark,
				"anchors and aliases (& and *) are not used in rule files");
	case YAML_SCALAR_EVENT: return scan_scalar(arena, event, scalars, fault);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		if (event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
							     : event->data.mapping_start.anchor)
			return fault_at(fault, &event->start_mark,
					"anchors and aliases (& and *) are not used in rule files");
		if (++*depth > DEPTH_MAX)
			return fault_at(fault, &event->start_mark, "nested too deeply");
		return true;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: --*depth; return true;
	default: return true;
	}
}

bool document_scan(struct arena *arena, const struct rule_file *file, struct list *scalars,
		   struct fault *fault)
{
	unsigned depth = 0, documents = 0;
	bool ok = true, more = true;
	yaml_parser_t parser;

	*fault = (struct fault){.reason = "no memory left"};
	list_init(scalars, arena, sizeof(struct scalar), SCALARS_MAX);
	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_input_string(&parser, (const unsigned char *)file->data, file->size);
	while (ok && more) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parser, &event)) {
			fault_at(fault, &parser.problem_mark,
				 arena_strdup(arena,
					      parser.problem ? parser.problem : "cannot be read"));
			ok = false;
			break;
		}
		more = event.type != YAML_STREAM_END_EVENT;
		ok = scan_event(arena, &event, scalars, &depth, &documents, fault);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return ok;
}

unsigned document_line(const struct list *scalars, const char *text)
{
	LIST_EACH(struct scalar, scalar, scalars)
		if (!strcmp(scalar->text, text))
			return scalar->line;
	return 0;
}

/* libcyaml gives the line of what stood before a key that it does not like. */
static unsigned fault_line(const struct list *scalars, const struct fault *fault)
{
	char key[64], what[16];

	if (sscanf(fault->reason, "'%63[^']' is %15s", key, what) != 2 || !strcmp(what, "missing"))
		return fault->line;
	unsigned first = fault->line + !strcmp(what, "given"); /* the second of two */
	LIST_EACH(struct scalar, scalar, scalars)
		if (scalar->line >= first && !strcmp(scalar->text, key))
			return scalar->line;
	return fault->line;
}

void *document_check(struct checker *c, const struct rule_file *file,
		     const cyaml_schema_value_t *schema, struct list *scalars)
{
	struct fault fault;
	void *data;

	if (!document_scan(c->scratch, file, scalars, &fault))
		check_problem(c, fault.line, "%s", fault.reason);
	else if (!document_parse(c->scratch, file, schema, &data, &fault))
		check_problem(c, fault_line(scalars, &fault), "%s", fault.reason);
	else
		return data;
	return NULL;
}

void document_peek(const struct rule_file *file, const char *key, char *buffer, size_t size)
{
	size_t length = strlen(key);
	const char *p = file->data;

	buffer[0] = '\0';
	while (strncmp(p, key, length) || p[length] != ':') {
		p = strchr(p, '\n');
		if (!p)
			return;
		p++;
	}
	p += length + 1;
	p += strspn(p, " '\"");
	length = strcspn(p, " '\"\r\n");
	if (length < size)
		snprintf(buffer, size, "%.*s", (int)length, p);
}

struct list document_list(struct arena *arena, const void *items, size_t count, size_t size)
{
	struct list list;

	list_init(&list, arena, size, count);
	list.items = (void *)(uintptr_t)items;
	list.count = list.capacity = count;
	return list;
}
