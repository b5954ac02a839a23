/* ELF notes, as vmcores carry them: {u32 name size, u32 content size, u32 type, name, content},
 * each part padded to 4 bytes. ELF specification, "Note Section". */
#ifndef CULPRIT_ELF_NOTES_H
#define CULPRIT_ELF_NOTES_H

#include "reader.h"

struct elf_note {
	char name[24]; /* cut if longer */
	uint32_t type;
	uint64_t offset, size; /* of the content, in the file */
};

typedef void (*elf_note_function)(void *context, const struct elf_note *note);

/* Calls @p each for the notes in [offset, offset+size) of @p file. False, with *ret_at the offset
 * of the note in question, if one does not fit; trailing zeros are no notes. */
bool elf_notes_walk(const struct reader *file, uint64_t offset, uint64_t size,
		    elf_note_function each, void *context, uint64_t *ret_at);

#endif
