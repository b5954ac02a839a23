#include "linux_support.h"

#include "support.h"
#include "text.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 256, SHORTEST_PATH = 4 };

uint64_t linux_word(const uint8_t *bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 8; i++)
		value |= (uint64_t)bytes[i] << (8 * i);
	return value;
}

bool linux_is_text(uint64_t value, char text[9])
{
	for (unsigned i = 0; i < 8; i++) {
		text[i] = (char)(value >> (8 * i));
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	}
	text[8] = '\0';
	return true;
}

const char *linux_sha256(struct arena *arena, const uint8_t *bytes, size_t size)
{
	struct sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_init(&context);
	sha256_update(&context, size, bytes);
	sha256_digest(&context, sizeof(digest), digest);
	return hex_text(arena, digest, sizeof(digest));
}

const char *linux_path_at(const struct dump *d, struct arena *arena, uint64_t address)
{
	static const char *const special[] = {"/dev/", "/proc/", "/sys/"};
	char text[PATH_BYTES];
	size_t have = space_read_some(d->space, address, text, sizeof(text));
	size_t length = strnlen(text, have);

	if (length < SHORTEST_PATH || length == have || text[0] != '/' ||
	    !memchr(text + 1, '/', length - 1))
		return NULL;
	for (size_t i = 0; i < length; i++) {
		/* A pattern is no file. */
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || strchr("*?[", text[i]))
			return NULL;
	}
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
		if (strncmp(text, special[i], strlen(special[i])) == 0)
			return NULL;
	}
	return text_from_bytes(arena, text, length);
}

bool linux_completes(const char *path, const char *whole)
{
	/* A lost part at the beginning may have been several: the walk upwards ended there. */
	if (strncmp(path, "/?/", 3) == 0) {
		size_t tail = strlen(path + 2), length = strlen(whole);
		if (length > tail && strcmp(whole + length - tail, path + 2) == 0)
			return true;
	}
	while (*path == '/' && *whole == '/') {
		size_t part = strcspn(++path, "/"), other = strcspn(++whole, "/");
		bool lost = part == 1 && *path == '?';
		if (!lost && (part != other || memcmp(path, whole, part) != 0))
			return false;
		path += part;
		whole += other;
	}
	return *path == '\0' && *whole == '\0';
}

const struct module *linux_owner_of(const struct analysis *a, uint64_t slot)
{
	const struct list *stack = &a->report->stack;
	size_t index = 0;

	for (size_t i = 1; slot && i < stack->count; i++) {
		const struct frame *f = list_at(stack, i);
		if (f->slot && f->slot <= slot)
			index = i;
	}
	for (size_t i = index; i < stack->count; i++) {
		const struct frame *f = list_at(stack, i);
		if (f->module && may_be_culprit(a, f->module, NULL))
			return f->module;
	}
	return NULL;
}

/* The entry of a path that was found before, for a file whose own path has lost parts. */
static struct content_file *whole_entry(struct report *r, const struct open_file *file)
{
	LIST_EACH(struct content_file, f, &r->content_files) {
		if (!f->passed || !f->path || !linux_completes(file->path, f->path))
			continue;
		f->object = file->address;
		f->inode = file->inode;
		f->mtime = file->mtime;
		f->ctime = file->ctime;
		f->has_size = file->regular;
		f->size = file->size;
		return f;
	}
	return NULL;
}

struct content_file *linux_content_file(struct analysis *a, const struct open_file *file)
{
	struct report *r = a->report;

	LIST_EACH(struct content_file, f, &r->content_files) {
		if (f->object == file->address || (f->inode == file->inode && f->path &&
						   file->path && strcmp(f->path, file->path) == 0))
			return f;
	}
	if (file->path && strstr(file->path, "/?")) {
		struct content_file *whole = whole_entry(r, file);
		if (whole)
			return whole;
	}
	const struct content_type *type =
		file->path ? knowledge_content_type(a->knowledge, file->path) : NULL;
	struct content_file *f = list_add(&r->content_files);
	*f = (struct content_file){.path = file->path,
				   .grade = 'D',
				   .object = file->address,
				   .address = file->address,
				   .mtime = file->mtime,
				   .ctime = file->ctime,
				   .inode = file->inode,
				   .has_size = file->regular,
				   .size = file->size,
				   .task = file->task,
				   .pid = file->pid};
	if (type && strcmp(type->os, "linux") == 0) {
		f->type = type->id;
		f->owner = type->owners;
		f->vendor = type->vendor;
	}
	list_init(&f->evidence, r->arena, sizeof(struct reason), 64);
	return f;
}

static double weight(const struct content_file *f)
{
	double sum = 0;

	LIST_EACH(struct reason, e, &f->evidence)
		sum += e->against ? -e->weight : e->weight;
	return sum;
}

static bool before(const struct content_file *x, const struct content_file *y)
{
	return x->grade != y->grade ? x->grade < y->grade : weight(x) > weight(y);
}

void linux_sort_files(struct list *files)
{
	struct content_file *f = files->items, keep;

	for (size_t i = 1; i < files->count; i++) {
		keep = f[i];
		size_t k = i;
		for (; k > 0 && before(&keep, &f[k - 1]); k--)
			f[k] = f[k - 1];
		f[k] = keep;
	}
}
