#include "elf_notes.h"

#include <string.h>

enum { NOTE_HEADER = 12, NOTES_MAX = 65536 };

static uint64_t round4(uint64_t v)
{
	return (v + 3) & ~UINT64_C(3);
}

bool elf_notes_walk(const struct reader *file, uint64_t offset, uint64_t size,
		    elf_note_function each, void *context, uint64_t *ret_at)
{
	uint64_t at = 0;

	for (unsigned n = 0; n < NOTES_MAX && size - at >= NOTE_HEADER; n++) {
		struct elf_note note = {0};
		uint32_t name_size, content_size;
		*ret_at = offset + at;
		if (!reader_u32(file, offset + at, &name_size) ||
		    !reader_u32(file, offset + at + 4, &content_size) ||
		    !reader_u32(file, offset + at + 8, &note.type))
			return false;
		if (name_size == 0 && content_size == 0)
			return true;
		uint64_t content = NOTE_HEADER + round4(name_size);
		if (content > size - at || content_size > size - at - content)
			return false;
		size_t kept = name_size < sizeof(note.name) ? name_size : sizeof(note.name) - 1;
		if (!reader_exact(file, offset + at + NOTE_HEADER, note.name, kept))
			return false;
		note.offset = offset + at + content;
		note.size = content_size;
		each(context, &note);
		uint64_t length = content + round4(content_size);
		at += length < size - at ? length : size - at;
	}
	return true;
}
