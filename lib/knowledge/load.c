/* From rule files to a `struct knowledge`. */
#include "ceilings.h"
#include "embedded.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* The files, a private copy of the tables, and what points into it. */
static const uint64_t arena_ceiling = 8 * LIMIT_RULES;

struct error *knowledge_create(struct knowledge **ret)
{
	struct knowledge *k = calloc(1, sizeof(*k));

	if (k)
		k->arena = arena_create(arena_ceiling);
	if (!k || !k->arena) {
		free(k);
		return error_create(ERROR_NOMEM, "no memory for rules");
	}
	*ret = k;
	return NULL;
}

void knowledge_destroy(struct knowledge *knowledge)
{
	if (!knowledge)
		return;
	yara_end(knowledge);
	arena_destroy(knowledge->arena);
	free(knowledge);
}

/* ---- files ---------------------------------------------------------------------------------- */

static int file_by_name(const void *key, const void *element)
{
	const struct rule_file *file = element;

	return strcmp(key, file->name);
}

const struct rule_file *knowledge_find(const struct knowledge *knowledge, const char *name)
{
	if (!knowledge->file_count)
		return NULL;
	const struct rule_file *file =
		bsearch(name, knowledge->files, knowledge->file_count, sizeof(*file), file_by_name);
	return file && file->data ? file : NULL;
}

size_t knowledge_folder(const struct knowledge *knowledge, const char *folder,
			const struct rule_file **ret_first)
{
	size_t length = strlen(folder), first = 0, count = 0;

	while (first < knowledge->file_count &&
	       strncmp(knowledge->files[first].name, folder, length))
		first++;
	while (first + count < knowledge->file_count &&
	       !strncmp(knowledge->files[first + count].name, folder, length))
		count++;
	*ret_first = knowledge->files + first;
	return count;
}

const char *knowledge_hash(const struct knowledge *knowledge)
{
	return knowledge->hash;
}

const char *const *knowledge_files(const struct knowledge *knowledge)
{
	return knowledge->names;
}

const char *knowledge_file(const struct knowledge *knowledge, const char *name, size_t *ret_size)
{
	const struct rule_file *file = knowledge_find(knowledge, name);

	if (!file)
		return NULL;
	if (ret_size)
		*ret_size = file->size;
	return file->data;
}

/* ---- loading -------------------------------------------------------------------------------- */

/* Takes out the files that were left out, and lists the rest. */
static bool list_files(struct knowledge *k)
{
	size_t count = 0, ids = 0;

	for (size_t i = 0; i < k->file_count; i++)
		if (k->files[i].data)
			k->files[count++] = k->files[i];
	k->file_count = count;
	k->names = arena_alloc(k->arena, count + 1, sizeof(*k->names));
	k->incident_ids = arena_alloc(k->arena, count + 1, sizeof(*k->incident_ids));
	if (!k->names || !k->incident_ids)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *name = k->files[i].name;
		k->names[i] = name;
		if (rule_kind(name) == RULE_INCIDENT) {
			const char *id = strchr(name, '/') + 1;
			k->incident_ids[ids++] =
				arena_strndup(k->arena, id, strlen(id) - strlen(".yaml"));
		}
	}
	return !arena_failed(k->arena);
}

static void check_texts(struct knowledge *k, struct checker *c)
{
	for (size_t i = 0; i < k->file_count; i++) {
		check_begin(c, k->files[i].name);
		check_text(c, &k->files[i]);
		if (check_failed(c))
			k->files[i].data = NULL;
	}
}

static void check_document(struct knowledge *k, struct checker *c, struct rule_file *file)
{
	switch (rule_kind(file->name)) {
	case RULE_BUGCHECK: bugcheck_check(k, c, file); break;
	case RULE_INCIDENT: incident_check(k, c, file); break;
	case RULE_FIX: fix_check(k, c, file); break;
	case RULE_YARA: yara_check(k, c, file); break;
	case RULE_TABLE:
	case RULE_UNKNOWN: break;
	}
}

static void check_documents(struct knowledge *k, struct checker *c)
{
	for (size_t i = 0; i < k->file_count; i++) {
		struct rule_file *file = &k->files[i];
		if (!file->data)
			continue;
		check_begin(c, file->name);
		c->scratch = arena_create(SCRATCH_MAX);
		if (c->scratch)
			check_document(k, c, file);
		if (!c->scratch || (arena_failed(c->scratch) && !check_failed(c)))
			check_problem(c, 0, "needs more memory than a rule file may");
		arena_destroy(c->scratch);
		c->scratch = NULL;
		if (check_failed(c))
			file->data = NULL;
	}
}

struct error *knowledge_fill(struct knowledge *k, struct checker *c)
{
	if (c)
		check_texts(k, c);
	if (!bugchecks_load(k, c) || !drivers_load(k, c) || !content_load(k, c))
		return error_create(ERROR_LIMIT, "the rules need more memory than they may");
	struct error *err = yara_begin(k);
	if (err)
		return err;
	if (c)
		check_documents(k, c);
	else if (embedded_yara_size) /* fails with another libyara than at build time: compile */
		error_destroy(yara_load(k, embedded_yara, embedded_yara_size));
	if (!k->yara)
		err = yara_compile(k, c);
	if (err)
		return err;
	if (!list_files(k))
		return error_create(ERROR_LIMIT, "the rules need more memory than they may");
	if (!c)
		memcpy(k->hash, embedded_hash, sizeof(k->hash));
	else
		rule_files_hash(k->files, k->file_count, k->hash);
	return NULL;
}

static struct error *load_embedded(struct checker *c, struct knowledge **ret)
{
	struct knowledge *k;
	struct error *err = knowledge_create(&k);

	if (err)
		return err;
	k->files = arena_alloc(k->arena, embedded_count, sizeof(*k->files));
	if (!k->files) {
		knowledge_destroy(k);
		return error_create(ERROR_NOMEM, "no memory for rules");
	}
	for (size_t i = 0; i < embedded_count; i++)
		k->files[i] = (struct rule_file){
			embedded_files[i].name,
			embedded_bytes + embedded_files[i].offset,
			embedded_files[i].size,
		};
	k->file_count = embedded_count;
	err = knowledge_fill(k, c);
	if (err) {
		knowledge_destroy(k);
		return err;
	}
	*ret = k;
	return NULL;
}

struct error *knowledge_load_builtin(struct knowledge **ret)
{
	return load_embedded(NULL, ret);
}

static void checker_init(struct checker *c, struct arena *arena, struct list *problems)
{
	list_init(problems, arena, sizeof(struct rule_problem), PROBLEMS_MAX);
	*c = (struct checker){.arena = arena, .problems = problems, .file = ""};
}

struct error *knowledge_check_builtin(struct arena *arena, struct list *ret_problems)
{
	struct knowledge *k = NULL;
	struct checker c;

	checker_init(&c, arena, ret_problems);
	struct error *err = load_embedded(&c, &k);
	knowledge_destroy(k);
	return err;
}

struct error *knowledge_load_directory(const char *directory, struct arena *arena,
				       struct list *ret_problems, struct knowledge **ret)
{
	struct knowledge *k;
	struct checker c;
	struct error *err = knowledge_create(&k);

	if (err)
		return err;
	checker_init(&c, arena, ret_problems);
	err = directory_read(k, &c, directory);
	if (!err)
		err = knowledge_fill(k, &c);
	if (!err && !k->file_count)
		err = error_create(ERROR_RULES, "no rules can be used of this directory");
	if (!err && arena_failed(arena))
		err = error_create(ERROR_LIMIT, "the rules need more memory than they may");
	if (err) {
		knowledge_destroy(k);
		return err;
	}
	*ret = k;
	return NULL;
}
