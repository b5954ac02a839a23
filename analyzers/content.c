/* Which files' names and objects are in memory, and does the crashing thread lead to them?
 *
 * Grades (culprit-report(5)): A the fault's registers or stack lead to the open file or its bytes;
 * B an open file one step away, of a shape a driver consumes; C a path reached from the crashing
 * thread, or an open file of such a shape that is not; D a name only. */
#include "support.h"

#include "memory_text.h"
#include "reach.h"
#include "text.h"

#include <string.h>

static struct content_file *file_of(struct analysis *a, const char *path)
{
	struct report *r = a->report;

	LIST_EACH(struct content_file, f, &r->content_files) {
		if (f->path && text_equal_nocase(f->path, path))
			return f;
	}
	const struct content_type *type = knowledge_content_type(a->knowledge, path);
	struct content_file *f = list_add(&r->content_files);
	*f = (struct content_file){.path = path, .grade = 'D'};
	if (type) {
		f->type = type->id;
		f->owner = type->owners;
		f->vendor = type->vendor;
	}
	list_init(&f->evidence, r->arena, sizeof(struct reason), 64);
	return f;
}

static char grade(const struct found_text *t, const struct reach *reach, bool shaped)
{
	bool object = t->kind == TEXT_FILE_OBJECT;

	switch (reach->kind) {
	case REACH_REGISTER:
	case REACH_STACK: return object ? 'A' : 'C';
	case REACH_INDIRECT: return object && shaped ? 'B' : 'C';
	case REACH_DEAD_STACK: return 'C';
	case REACH_BYSTANDER:
	case REACH_NONE: break;
	}
	return object && shaped ? 'C' : 'D';
}

static void consider(struct analysis *a, const struct reach_map *map, const struct found_text *t)
{
	static const double weights[] = {
		['A' - 'A'] = 0.8, ['B' - 'A'] = 0.6, ['C' - 'A'] = 0.3, ['D' - 'A'] = 0.1};
	struct content_file *f = file_of(a, t->text);
	struct reach reach = reach_find(map, t->address, t->size);
	char g = grade(t, &reach, f->type != NULL);

	if (!f->address || g < f->grade)
		f->address = t->address;
	if (g < f->grade)
		f->grade = g;
	content_evidence(a->report, f, t->kind == TEXT_FILE_OBJECT ? "file-object" : "path",
			 weights[g - 'A'], t->address, "%s: %s",
			 t->kind == TEXT_FILE_OBJECT ? "an open file object has this name"
			 : t->kind == TEXT_COUNTED   ? "a counted string in memory has this path"
						     : "the path is in memory as text",
			 reach_words(a, &reach));
}

/* Best first: grade, then files of a known kind. */
static int rank(const struct content_file *f)
{
	return f->grade * 2 + (f->type ? 0 : 1);
}

static void sort(struct list *files)
{
	struct content_file *f = files->items, keep;

	for (size_t i = 1; i < files->count; i++) {
		keep = f[i];
		size_t k = i;
		for (; k > 0 && rank(&f[k - 1]) > rank(&keep); k--)
			f[k] = f[k - 1];
		f[k] = keep;
	}
}

static bool is_candidate(const struct analysis *a, const struct found_text *t)
{
	if (t->kind == TEXT_FILE_OBJECT)
		return strlen(t->text) > 1;
	return is_file_path(a->dump, t->text);
}

static struct error *run(struct analysis *a)
{
	struct list texts;
	enum { FILES_MAX = 1000 };

	memory_text_find(a->dump, a->report->arena, true, &texts);
	const struct reach_map *map = reach_map(a);
	if (!map)
		return NULL;
	LIST_EACH(struct found_text, t, &texts) {
		if (a->report->content_files.count >= FILES_MAX)
			break;
		if (is_candidate(a, t))
			consider(a, map, t);
	}
	sort(&a->report->content_files);
	return NULL;
}

const struct analyzer analyzer_content = {
	.id = "content",
	.summary = "finds the files whose names and objects are in memory and grades their link to "
		   "the "
		   "fault",
	.os = OS_WINDOWS,
	.run = run,
};
