/* Runbook steps, as incidents and fixes have them. */
#include "document.h"
#include "text.h"

#include <string.h>

static const cyaml_schema_field_t step_fields[] = {
	DOCUMENT_TEXT("check", struct fix_step, check),
	DOCUMENT_TEXT("do", struct fix_step, action),
	DOCUMENT_TEXT_OPTIONAL("command", struct fix_step, command, 1),
	DOCUMENT_TEXT("verify", struct fix_step, verify),
	DOCUMENT_TEXT("undo", struct fix_step, undo),
	DOCUMENT_TEXT_OPTIONAL("brief", struct fix_step, brief, 1),
	CYAML_FIELD_END,
};
const cyaml_schema_value_t document_step = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct fix_step, step_fields),
};

/* The next word of a command line at *p: up to a space, or to the closing quote. "" at the end; the
 * signs that begin another command are words of their own. */
static void next_word(const char **p, char *word, size_t size)
{
	size_t n = 0;
	char quote = 0;

	*p += strspn(*p, " \t");
	if (**p && strchr("&|;()", **p)) {
		word[n++] = *(*p)++;
		word[n] = '\0';
		return;
	}
	for (; **p && (quote || !strchr(" \t&|;()", **p)); ++*p) {
		if (quote ? **p == quote : (**p == '"' || **p == '\''))
			quote = quote ? 0 : **p;
		else if (n + 1 < size)
			word[n++] = **p;
	}
	word[n] = '\0';
}

enum deleting { DELETES_NOTHING, DELETES_FILES, DELETES_DIRECTORIES };

static enum deleting deleting(const char *word)
{
	static const char *const files[] = {"del", "erase",       "rm",    "unlink",
					    "ri",  "remove-item", "shred", NULL};
	static const char *const directories[] = {"rd",   "rmdir",  "deltree", "format",
						  "mkfs", "cipher", NULL};
	const char *name = text_basename(word);

	for (const char *const *verb = directories; *verb; verb++)
		if (text_equal_nocase(name, *verb))
			return DELETES_DIRECTORIES;
	for (const char *const *verb = files; *verb; verb++)
		if (text_equal_nocase(name, *verb))
			return DELETES_FILES;
	return DELETES_NOTHING;
}

/* What is wrong with deleting @p target; NULL if it is a file that is named well enough. */
static const char *target_wrong(const char *target)
{
	const char *name = text_basename(target);

	if (!*name)
		return "is a directory";
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return "is a directory";
	if (has_wildcard(name) && glob_fixed(name) < 4)
		return "fits too many files (at least 4 characters must be fixed)";
	for (const char *p = target; p < name; p++)
		if (*p == '*' || *p == '?')
			return "has a wildcard in its directory";
	if (!strchr(name, '.') && !has_wildcard(name))
		return "may be a directory (a file to delete is named with its extension)";
	return NULL;
}

static bool is_recursive(const char *option)
{
	if (text_equal_nocase(option, "/s") || text_starts_nocase(option, "-rec") ||
	    !strcmp(option, "--recursive"))
		return true;
	return option[0] == '-' && option[1] != '-' && strpbrk(option, "rR") &&
	       strspn(option + 1, "rRfiIvd") == strlen(option + 1);
}

static void command_check(struct checker *c, unsigned line, const char *command)
{
	enum deleting what = DELETES_NOTHING;
	char word[512];

	for (const char *p = command; next_word(&p, word, sizeof(word)), *word;) {
		if (strchr("&|;()", word[0])) {
			what = DELETES_NOTHING;
			continue;
		}
		if (what == DELETES_NOTHING) {
			what = deleting(word);
			if (what == DELETES_DIRECTORIES)
				check_problem(c, line,
					      "command: '%s' removes more than a named file", word);
			continue;
		}
		if (is_recursive(word)) {
			check_problem(c, line, "command: '%s' deletes whole directories", word);
			continue;
		}
		if (word[0] == '-' ||
		    (word[0] == '/' && strlen(word) <= 5 && strchr("afpqsAFPQS", word[1])))
			continue;
		const char *wrong = what == DELETES_FILES ? target_wrong(word) : NULL;
		if (wrong)
			check_problem(c, line, "command: what it deletes, '%s', %s", word, wrong);
	}
}

void steps_check(struct checker *c, const struct list *scalars, const struct fix_step *steps,
		 unsigned count)
{
	if (!count)
		check_problem(c, document_line(scalars, "steps"), "steps: at least one is needed");
	for (unsigned i = 0; i < count; i++)
		if (steps[i].command)
			command_check(c, document_line(scalars, steps[i].command),
				      steps[i].command);
}
