/* What debug_file.c, debug_source.c and debug_types.c share. Nobody else includes this. */
#ifndef CULPRIT_DEBUG_FILE_PARTS_H
#define CULPRIT_DEBUG_FILE_PARTS_H

#include "debug_file.h"

#include <elfutils/libdwfl.h>

struct debug_file {
	Dwfl *session;
	Dwfl_Module *module;
	Elf *elf;
	char build_id[129];
	struct debug_symbol *symbols; /* by address */
	uint32_t *names;              /* index + 1 of symbols by hash of their names, 0 empty */
	uint32_t symbol_count, name_mask;
	bool symbols_tried;
};

/* Its DWARF, NULL if it has none; *ret_bias is what its addresses lack. */
Dwarf *debug_file_dwarf(struct debug_file *file, uint64_t *ret_bias);

#endif
