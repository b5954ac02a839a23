/* Text in a dump's memory: names of file objects, counted strings, and bare runs of characters. */
#ifndef CULPRIT_MEMORY_TEXT_H
#define CULPRIT_MEMORY_TEXT_H

#include "analyzer.h"

enum text_kind { TEXT_FILE_OBJECT, TEXT_COUNTED, TEXT_UTF16, TEXT_ASCII };
const char *text_kind_name(enum text_kind kind);

struct found_text {
	enum text_kind kind;
	uint64_t address; /* of the object, the counted string's head, or the first character */
	uint64_t size;    /* bytes of that */
	const char *text; /* safe */
};

/* Fills @p list (of struct found_text, in ascending address per kind).
 * @p paths_only: only runs that contain a backslash, which is much faster than every run. Counted
 * strings and file objects are always found. Bounded by LIMIT_STRINGS. */
void memory_text_find(const struct dump *dump, struct arena *arena, bool paths_only,
		      struct list *list);

/* Whether @p text has the form of a file's path (and not of a registry key, a device or a module
 * that is loaded). */
bool is_file_path(const struct dump *dump, const char *text);

#endif
