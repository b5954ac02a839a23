/* The firmware's SMBIOS tables (tag bc5c008f): who made the machine. DMTF DSP0134, structures 0
 * (BIOS) and 1 (system); the eight bytes before them are Windows' own. Serial numbers and the
 * system id are in the same structures and are left alone. */
#include "text.h"
#include "windows_kernel.h"

#include <string.h>

enum { PREFIX = 8, TYPE_BIOS = 0, TYPE_SYSTEM = 1, TYPE_END = 127, STRUCTURES_MAX = 4096 };

/* String number @p number (1 is the first) of the strings at @p c; NULL if there is none. */
static char *string_number(struct arena *arena, struct cursor c, unsigned number)
{
	while (number && cursor_left(&c)) {
		const uint8_t *start = c.data + c.pos;
		size_t length = strnlen((const char *)start, cursor_left(&c));
		if (length == 0)
			return NULL;
		if (--number == 0) {
			char *text = text_from_bytes(arena, start, length < 128 ? length : 128);
			size_t end = strlen(text);
			while (end && text[end - 1] == ' ')
				text[--end] = '\0';
			return *text ? text : NULL;
		}
		if (!cursor_skip(&c, length + 1))
			return NULL;
	}
	return NULL;
}

static void read_bios(struct kernel_dump *k, struct cursor *s, struct cursor strings)
{
	struct arena *arena = k->dump->arena;
	char *vendor = string_number(arena, strings, cursor_u8_at(s, 4));
	char *version = string_number(arena, strings, cursor_u8_at(s, 5));
	char *date = string_number(arena, strings, cursor_u8_at(s, 8));

	if (!vendor && !version)
		return;
	k->dump->bios = arena_printf(arena, "%s%s%s%s%s%s", vendor ? vendor : "",
				     vendor && version ? " " : "", version ? version : "",
				     date ? " (" : "", date ? date : "", date ? ")" : "");
}

static void read_system(struct kernel_dump *k, struct cursor *s, struct cursor strings)
{
	k->dump->manufacturer = string_number(k->dump->arena, strings, cursor_u8_at(s, 4));
	k->dump->product = string_number(k->dump->arena, strings, cursor_u8_at(s, 5));
}

/* Length of a structure's string area: it ends with two NULs. */
static uint64_t strings_length(const struct cursor *c, uint64_t from)
{
	for (uint64_t i = from; i + 1 < c->size; i++)
		if (c->data[i] == 0 && c->data[i + 1] == 0)
			return i + 2 - from;
	return c->size - from;
}

char *windows_smbios_read(struct kernel_dump *k, struct cursor c)
{
	struct dump *dump = k->dump;

	cursor_skip(&c, PREFIX);
	for (unsigned i = 0; i < STRUCTURES_MAX && cursor_left(&c) >= 4; i++) {
		uint64_t start = c.pos;
		uint8_t type = cursor_u8_at(&c, start), length = cursor_u8_at(&c, start + 1);
		if (length < 4 || length > cursor_left(&c))
			break;
		uint64_t text = strings_length(&c, start + length);
		struct cursor s = cursor_slice(&c, start, length, "SMBIOS structure");
		struct cursor strings = cursor_slice(&c, start + length, text, "SMBIOS strings");
		if (type == TYPE_BIOS && !dump->bios)
			read_bios(k, &s, strings);
		if (type == TYPE_SYSTEM && !dump->manufacturer && !dump->product)
			read_system(k, &s, strings);
		if (type == TYPE_END || !cursor_skip(&c, length + text))
			break;
	}
	if (!dump->manufacturer && !dump->product && !dump->bios)
		return NULL;
	return arena_printf(dump->arena, "%s %s, BIOS %s",
			    dump->manufacturer ? dump->manufacturer : "(no manufacturer)",
			    dump->product ? dump->product : "(no product)",
			    dump->bios ? dump->bios : "unknown");
}
