/* YAML documents: libcyaml reads them by a table of keys into a struct; everything it allocates is
 * in an arena. Anchors, aliases, unknown and repeated keys are refused. */
#ifndef CULPRIT_KNOWLEDGE_DOCUMENT_H
#define CULPRIT_KNOWLEDGE_DOCUMENT_H

#include "internal.h"

#include <cyaml/cyaml.h>

enum { TEXT_LENGTH_MAX = 8000, ENTRIES_MAX = 1000 };

/* Lines of such a table. An entry `KEY: text` goes to a `const char *`, a list of texts to
 * `const char **MEMBER` and `unsigned MEMBER_count`. */
#define DOCUMENT_TEXT(key, type, member)                                                           \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, TEXT_LENGTH_MAX)
#define DOCUMENT_TEXT_OPTIONAL(key, type, member, least)                                           \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, least, \
			       TEXT_LENGTH_MAX)
#define DOCUMENT_LIST(key, type, member, entry)                                                    \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER, type, member, entry, 0, ENTRIES_MAX)
#define DOCUMENT_LIST_OPTIONAL(key, type, member, entry)                                           \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, entry,   \
			     0, ENTRIES_MAX)
#define DOCUMENT_BOOL(key, type, member)                                                           \
	CYAML_FIELD_ENUM(key, CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL, type, member,               \
			 document_bools, DOCUMENT_BOOLS)
#define DOCUMENT_CONFIDENCE(key, type, member)                                                     \
	CYAML_FIELD_ENUM(key, CYAML_FLAG_STRICT, type, member, document_confidences,               \
			 DOCUMENT_CONFIDENCES)

enum { DOCUMENT_BOOLS = 2, DOCUMENT_CONFIDENCES = 2 };
extern const cyaml_strval_t document_bools[DOCUMENT_BOOLS];
extern const cyaml_strval_t document_confidences[DOCUMENT_CONFIDENCES];
extern const cyaml_schema_value_t document_text; /* an entry of a list of texts */
extern const cyaml_schema_value_t document_step; /* struct fix_step */

/* What is wrong with a document. */
struct fault {
	unsigned line;
	const char *reason; /* in the arena */
};

/* Parses @p file by @p schema into @p arena. False: see @p fault. */
bool document_parse(struct arena *arena, const struct rule_file *file,
		    const cyaml_schema_value_t *schema, void **ret, struct fault *fault);
/* The same with the fault as an error "FILE:LINE: REASON". */
struct error *document_load(struct arena *arena, const struct rule_file *file,
			    const cyaml_schema_value_t *schema, void **ret);

/* A text of the document, as the scan below saw it. */
struct scalar {
	unsigned line;
	const char *text;
};

/* Looks at the whole document without a schema: syntax (with exact lines), no anchors, tags or
 * second document, no deep nesting, texts of one safe line. Puts its texts into @p scalars. */
bool document_scan(struct arena *arena, const struct rule_file *file, struct list *scalars,
		   struct fault *fault);

/* The full look at a document: scan, parse. NULL: what is wrong went to @p c. */
void *document_check(struct checker *c, const struct rule_file *file,
		     const cyaml_schema_value_t *schema, struct list *scalars);
/* The line of the first text equal to @p text; 0 if there is none. */
unsigned document_line(const struct list *scalars, const char *text);

/* Copies the value of the top-level `KEY: word` without parsing; "" if there is none. For choosing
 * among documents before one of them is parsed. */
void document_peek(const struct rule_file *file, const char *key, char *buffer, size_t size);

/* A list of texts or structs that was parsed, as a struct list. */
struct list document_list(struct arena *arena, const void *items, size_t count, size_t size);

/* Runbook steps: none, or one that would delete more than a named file, is a problem. */
void steps_check(struct checker *c, const struct list *scalars, const struct fix_step *steps,
		 unsigned count);

#endif
