/* What to do for a class of crash. */
#include "ceilings.h"
#include "document.h"
#include "report.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

struct raw_fix {
	const char *id, *fix_class, *family, *category, *title;
	struct fix_step *steps;
	const char **cautions, **references;
	unsigned steps_count, cautions_count, references_count;
	bool content;
};

static const cyaml_schema_field_t fix_fields[] = {
	DOCUMENT_TEXT("id", struct raw_fix, id),
	DOCUMENT_TEXT("class", struct raw_fix, fix_class),
	DOCUMENT_TEXT_OPTIONAL("family", struct raw_fix, family, 0),
	DOCUMENT_TEXT_OPTIONAL("category", struct raw_fix, category, 0),
	DOCUMENT_BOOL("content", struct raw_fix, content),
	DOCUMENT_TEXT("title", struct raw_fix, title),
	DOCUMENT_LIST("steps", struct raw_fix, steps, &document_step),
	DOCUMENT_LIST("cautions", struct raw_fix, cautions, &document_text),
	DOCUMENT_LIST("references", struct raw_fix, references, &document_text),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t fix_schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_fix, fix_fields),
};

/* What a page is for, as far as it can be seen without parsing it. */
struct purpose {
	char fix_class[40], family[40], category[40], content[8];
};

static void purpose_read(const struct rule_file *file, struct purpose *ret)
{
	document_peek(file, "class", ret->fix_class, sizeof(ret->fix_class));
	document_peek(file, "family", ret->family, sizeof(ret->family));
	document_peek(file, "category", ret->category, sizeof(ret->category));
	document_peek(file, "content", ret->content, sizeof(ret->content));
}

/* How well a page suits: 0 not at all; the driver's kind says more than the stop code's, and a
 * page about content files more than both. */
static int suits(const struct rule_file *file, const char *fix_class, const char *family,
		 const char *category, bool content)
{
	struct purpose page;
	int score = 1;

	purpose_read(file, &page);
	if (strcmp(page.fix_class, fix_class))
		return 0;
	if (page.family[0]) {
		if (!family || strcmp(page.family, family))
			return 0;
		score += 1;
	}
	if (page.category[0]) {
		if (!category || strcmp(page.category, category))
			return 0;
		score += 2;
	}
	if (!strcmp(page.content, "true")) {
		if (!content)
			return 0;
		score += 4;
	}
	return score;
}

struct error *knowledge_fix(const struct knowledge *knowledge, struct arena *arena,
			    const char *verdict_class, const char *family, const char *category,
			    bool content, struct fix_page **ret)
{
	const struct rule_file *files, *best = NULL;
	size_t count = knowledge_folder(knowledge, "fixes/", &files);
	int best_score = 0;
	void *data;

	for (size_t i = 0; i < count; i++) {
		int score = suits(&files[i], verdict_class, family, category, content);
		if (score > best_score) {
			best_score = score;
			best = &files[i];
		}
	}
	if (!best) {
		*ret = NULL;
		return NULL;
	}
	struct error *err = document_load(arena, best, &fix_schema, &data);
	if (err)
		return err;
	const struct raw_fix *raw = data;
	struct fix_page *page = arena_alloc(arena, 1, sizeof(*page));
	if (page)
		*page = (struct fix_page){
			.id = raw->id,
			.title = raw->title,
			.family = raw->family ? raw->family : "",
			.category = raw->category ? raw->category : "",
			.content = raw->content,
			.steps = document_list(arena, raw->steps, raw->steps_count,
					       sizeof(*raw->steps)),
			.cautions = document_list(arena, raw->cautions, raw->cautions_count,
						  sizeof(char *)),
			.references = document_list(arena, raw->references, raw->references_count,
						    sizeof(char *)),
		};
	if (arena_failed(arena))
		return error_create(ERROR_LIMIT, "no memory left for %s", best->name);
	*ret = page;
	return NULL;
}

/* ---- checking ------------------------------------------------------------------------------- */

/* Pages for Linux have a class of their own, so that none of Windows' suits. */
static bool is_verdict_class(const char *word)
{
	if (!strncmp(word, "linux-", 6))
		word += 6;
	for (int class = CLASS_UNKNOWN; class <= CLASS_APPLICATION; class ++)
		if (!strcmp(verdict_class_name((enum verdict_class) class), word))
			return true;
	return false;
}

static bool is_family(const struct knowledge *k, const char *word)
{
	for (size_t i = 0; i < k->bugcheck_count; i++)
		if (!strcmp(k->bugchecks[i].family, word))
			return true;
	return !k->bugcheck_count;
}

/* A value is also found without parsing the page. */
static void check_peek(struct checker *c, const struct rule_file *file, const struct list *scalars,
		       const char *key, const char *value)
{
	char seen[40];

	document_peek(file, key, seen, sizeof(seen));
	if (strcmp(seen, value))
		check_problem(c, document_line(scalars, key),
			      "%s: must be one plain word on the line of its key", key);
}

/* No other page has the same purpose. */
static void check_only(const struct knowledge *k, struct checker *c, const struct rule_file *file)
{
	const struct rule_file *files;
	size_t count = knowledge_folder(k, "fixes/", &files);
	struct purpose mine = {0}, other = {0};

	purpose_read(file, &mine);
	for (size_t i = 0; i < count && &files[i] < file; i++) {
		if (!files[i].data)
			continue;
		purpose_read(&files[i], &other);
		if (!strcmp(mine.fix_class, other.fix_class) &&
		    !strcmp(mine.family, other.family) && !strcmp(mine.category, other.category) &&
		    !strcmp(mine.content, "true") == !strcmp(other.content, "true"))
			check_problem(c, 0, "is for the same class, family and category as %s",
				      files[i].name);
	}
}

void fix_check(const struct knowledge *knowledge, struct checker *c, const struct rule_file *file)
{
	char expected[LIMIT_NAME_CHARS];
	struct list scalars;
	const struct raw_fix *raw = document_check(c, file, &fix_schema, &scalars);

	if (!raw)
		return;
	snprintf(expected, sizeof(expected), "fixes/%s.yaml", raw->id);
	if (strcmp(file->name, expected))
		check_problem(c, document_line(&scalars, raw->id),
			      "id: %s belongs into a file of that name", raw->id);
	if (!is_verdict_class(raw->fix_class))
		check_problem(c, document_line(&scalars, raw->fix_class),
			      "class: '%s' is not a class of verdict", raw->fix_class);
	if (raw->family && *raw->family && !is_family(knowledge, raw->family))
		check_problem(c, document_line(&scalars, raw->family),
			      "family: no stop code of bugchecks.tsv is of '%s'", raw->family);
	if (raw->category && *raw->category && check_word(raw->category))
		check_problem(c, document_line(&scalars, raw->category), "category: '%s' %s",
			      raw->category, check_word(raw->category));
	check_peek(c, file, &scalars, "class", raw->fix_class);
	check_peek(c, file, &scalars, "family", raw->family ? raw->family : "");
	check_peek(c, file, &scalars, "category", raw->category ? raw->category : "");
	if (raw->content)
		check_peek(c, file, &scalars, "content", "true");
	check_only(knowledge, c, file);
	steps_check(c, &scalars, raw->steps, raw->steps_count);
}
