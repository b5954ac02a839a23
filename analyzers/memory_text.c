#include "memory_text.h"

#include "ceilings.h"
#include "cursor.h"
#include "text.h"

#include <string.h>

enum {
	FILE_OBJECT_X64 = 0x00d80005, /* Type 5, Size 0xD8. windows-dumps.md 4.6 */
	FILE_OBJECT_SIZE = 0xd8,
	COUNTED_MIN = 8,
	COUNTED_MAX = 0x400,
	RUN_MIN = 6, /* characters */
};

const char *text_kind_name(enum text_kind kind)
{
	static const char *const names[] = {"file-object", "counted", "utf-16", "ascii"};

	return names[kind];
}

static void found(struct list *list, enum text_kind kind, uint64_t address, uint64_t size,
		  const char *text)
{
	struct found_text *f = list_add(list);

	*f = (struct found_text){kind, address, size, text};
}

/* Heads of objects and strings stand at multiples of 8. A counted string: Length even, at most
 * MaximumLength, padding 0, buffer readable. windows-dumps.md 10 */
static void structures(const struct dump *d, struct arena *arena, const struct range *run,
		       struct list *list)
{
	struct cursor c = cursor_make(run->data, run->size, run->file_offset, "memory");
	uint64_t first = -run->address & 7;

	for (uint64_t at = first; at + 16 <= run->size && !list->overflowed; at += 8) {
		uint64_t head = cursor_u64_at(&c, at), address = run->address + at;
		unsigned length = head & 0xffff, maximum = (head >> 16) & 0xffff;
		char *text;
		if ((uint32_t)head == FILE_OBJECT_X64 && d->ops->file_object_at) {
			text = d->ops->file_object_at(d, arena, address, &length);
			if (text && *text)
				found(list, TEXT_FILE_OBJECT, address, FILE_OBJECT_SIZE, text);
			continue;
		}
		if (head >> 32 || length % 2 || length < COUNTED_MIN || length > COUNTED_MAX ||
		    length > maximum || maximum > COUNTED_MAX + 2 ||
		    !dump_is_kernel_address(d, cursor_u64_at(&c, at + 8)) ||
		    !d->ops->counted_string_at)
			continue;
		text = d->ops->counted_string_at(d, arena, address);
		if (text && strlen(text) >= COUNTED_MIN / 2)
			found(list, TEXT_COUNTED, address, 16, text);
	}
}

static bool printable(uint8_t c)
{
	return c >= 0x20 && c < 0x7f;
}

/* The run of characters of @p width bytes around position @p at; false if it is too short. */
static bool expand(const struct range *run, uint64_t at, unsigned width, uint64_t floor,
		   uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t start = at, end = at + width;
	const uint8_t *p = run->data;

	if (end > run->size)
		return false;
	while (start >= floor + width && printable(p[start - width]) &&
	       (width == 1 || p[start - 1] == 0) && at - start < LIMIT_NAME_CHARS * width)
		start -= width;
	while (end + width <= run->size && printable(p[end]) && (width == 1 || p[end + 1] == 0) &&
	       end - at < LIMIT_NAME_CHARS * width)
		end += width;
	*ret_start = start;
	*ret_end = end;
	return (end - start) / width >= RUN_MIN;
}

static void add_run(struct arena *arena, const struct range *run, uint64_t start, uint64_t end,
		    unsigned width, struct list *list)
{
	const uint8_t *bytes = run->data + start;
	size_t length = (size_t)(end - start);

	found(list, width == 2 ? TEXT_UTF16 : TEXT_ASCII, run->address + start, length,
	      width == 2 ? text_from_utf16(arena, bytes, length / 2)
			 : text_from_bytes(arena, bytes, length));
}

/* Runs with a backslash, found by their backslashes. */
static void path_runs(struct arena *arena, const struct range *run, struct list *list)
{
	uint64_t floor = 0, start = 0, end = 0;

	for (uint64_t at = 0; at < run->size && !list->overflowed;) {
		const uint8_t *hit = memchr(run->data + at, '\\', run->size - at);
		if (!hit)
			return;
		at = (uint64_t)(hit - run->data);
		unsigned width = at + 1 < run->size && run->data[at + 1] == 0 ? 2 : 1;
		if (expand(run, at, width, floor, &start, &end)) {
			add_run(arena, run, start, end, width, list);
			floor = at = end;
		} else {
			at++;
		}
	}
}

static void all_runs(struct arena *arena, const struct range *run, struct list *list)
{
	uint64_t start = 0, end = 0;

	for (uint64_t at = 0; at < run->size && !list->overflowed;) {
		if (!printable(run->data[at])) {
			at++;
			continue;
		}
		unsigned width = at + 1 < run->size && run->data[at + 1] == 0 ? 2 : 1;
		if (expand(run, at, width, at, &start, &end))
			add_run(arena, run, start, end, width, list);
		at = end > at ? end : at + 1;
	}
}

void memory_text_find(const struct dump *dump, struct arena *arena, bool paths_only,
		      struct list *list)
{
	const struct range *runs;

	list_init(list, arena, sizeof(struct found_text), LIMIT_STRINGS);
	if (!dump->ops)
		return;
	size_t count = space_runs(dump->space, &runs);
	for (size_t i = 0; i < count; i++)
		structures(dump, arena, &runs[i], list);
	for (size_t i = 0; i < count; i++) {
		if (paths_only)
			path_runs(arena, &runs[i], list);
		else
			all_runs(arena, &runs[i], list);
	}
}

bool is_file_path(const struct dump *dump, const char *text)
{
	static const char *const not_files[] = {
		"\\registry\\", "\\driver\\",    "\\filesystem\\filters", "\\basenamedobjects",
		"\\callback\\", "\\rpc control", "\\sessions\\",          "\\kernelobjects",
		"\\global??",   "\\device\\mup", "\\device\\namedpipe",   "\\security\\",
		"\\machine\\",  "hklm\\",        "\\user\\s-1-"};
	const char *name = text_basename(text);
	bool rooted = text[0] == '\\' || (text[0] && text[1] == ':' && text[2] == '\\');

	if (!rooted || name == text || strlen(name) < 3 || strlen(text) < RUN_MIN)
		return false;
	for (size_t i = 0; i < sizeof(not_files) / sizeof(*not_files); i++)
		if (text_starts_nocase(text, not_files[i]))
			return false;
	/* One name below the root is an ACPI object or a fragment more often than a file. */
	if (text[0] == '\\' && name == text + 1)
		return false;
	/* A file's name has a suffix; a device's or a key's seldom has. */
	const char *dot = strrchr(name, '.');
	if (!dot || strlen(dot) < 2 || strlen(dot) > 12)
		return false;
	return !dump_module_named(dump, name);
}
