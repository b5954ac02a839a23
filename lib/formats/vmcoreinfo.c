#include "vmcoreinfo.h"

#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The kernel's note is one page (VMCOREINFO_BYTES); makedumpfile adds a few lines of its own. */
enum { VMCOREINFO_MAX_BYTES = 256 * 1024, VMCOREINFO_MAX_LINES = 8192, KEY_MAX = 256 };

struct sortable {
	struct vmcoreinfo_entry entry;
	size_t order;
};

static int by_key(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	int order = strcmp(x->entry.key, y->entry.key);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* One line into @p lines if it is KEY=VALUE. */
static void add_line(struct list *lines, struct arena *arena, const char *line, size_t length)
{
	const char *equals = memchr(line, '=', length);

	if (!equals || equals == line || lines->count >= lines->limit)
		return;
	size_t key = (size_t)(equals - line);
	struct sortable *s = list_add(lines);
	s->entry.key = text_from_bytes(arena, line, key);
	s->entry.value = text_from_bytes(arena, equals + 1, length - key - 1);
	s->order = lines->count;
}

bool vmcoreinfo_parse(struct arena *arena, const void *text, size_t size, struct vmcoreinfo *ret)
{
	const char *p = text;
	struct list lines;

	list_init(&lines, arena, sizeof(struct sortable), VMCOREINFO_MAX_LINES);
	if (size > VMCOREINFO_MAX_BYTES)
		size = VMCOREINFO_MAX_BYTES;
	size = text ? strnlen(text, size) : 0;
	for (size_t at = 0; at < size;) {
		const char *newline = memchr(p + at, '\n', size - at);
		size_t length = newline ? (size_t)(newline - p) - at : size - at;
		add_line(&lines, arena, p + at, length);
		at += length + 1;
	}
	struct sortable *sorted = lines.items;
	struct vmcoreinfo info = {
		.entries = arena_alloc(arena, lines.count + 1, sizeof(*info.entries))};
	if (!info.entries || arena_failed(arena))
		return false;
	if (lines.count)
		qsort(sorted, lines.count, sizeof(*sorted), by_key);
	for (size_t i = 0; i < lines.count; i++)
		if (i == 0 || strcmp(sorted[i].entry.key, sorted[i - 1].entry.key) != 0)
			info.entries[info.count++] = sorted[i].entry;
	*ret = info;
	return true;
}

const char *vmcoreinfo_value(const struct vmcoreinfo *info, const char *key)
{
	size_t low = 0, high = info->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(info->entries[middle].key, key);
		if (order == 0)
			return info->entries[middle].value;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* VMCOREINFO_SYMBOL() and KERNELOFFSET print "%lx", the others "%lu", "%ld" or "0x%llx". */
static bool is_hexadecimal(const char *key, const char *value)
{
	return strncmp(key, "SYMBOL(", 7) == 0 || strcmp(key, "KERNELOFFSET") == 0 ||
	       strncmp(value, "0x", 2) == 0;
}

bool vmcoreinfo_number(const struct vmcoreinfo *info, const char *key, uint64_t *ret)
{
	const char *value = vmcoreinfo_value(info, key);
	char *end;

	if (!value || !*value)
		return false;
	const char *digits = *value == '-' ? value + 1 : value;
	if (!strchr("0123456789abcdefABCDEF", *digits) || !*digits)
		return false;
	errno = 0;
	uint64_t number = strtoull(digits, &end, is_hexadecimal(key, digits) ? 16 : 10);
	if (errno || *end)
		return false;
	*ret = *value == '-' ? -number : number;
	return true;
}

static bool number_of(const struct vmcoreinfo *info, const char *kind, const char *name,
		      uint64_t *ret)
{
	char key[KEY_MAX];
	size_t k = strlen(kind), n = strlen(name);

	if (k + n + 3 > sizeof(key))
		return false;
	memcpy(key, kind, k);
	key[k] = '(';
	memcpy(key + k + 1, name, n);
	memcpy(key + k + 1 + n, ")", 2);
	return vmcoreinfo_number(info, key, ret);
}

bool vmcoreinfo_symbol(const struct vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return number_of(info, "SYMBOL", name, ret);
}

bool vmcoreinfo_offset(const struct vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return number_of(info, "OFFSET", name, ret);
}

bool vmcoreinfo_size(const struct vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return number_of(info, "SIZE", name, ret);
}
