/* From an address to the line it was compiled from. */
#include "debug_file_parts.h"

#include "text.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 512, UNITS_MAX = 1 << 17 };

static const char *safe(struct arena *arena, const char *text)
{
	return text ? text_from_bytes(arena, text, strnlen(text, TEXT_MAX)) : NULL;
}

/* The compilation unit of @p address (without the bias). Clang writes no .debug_aranges: then every
 * unit is asked. */
static bool find_unit(struct debug_file *file, Dwarf *dwarf, uint64_t address, uint64_t bias,
		      Dwarf_Die *ret)
{
	Dwarf_Addr unused;
	Dwarf_Die *die = dwfl_module_addrdie(file->module, address + bias, &unused);
	Dwarf_CU *unit = NULL;
	Dwarf_Half version;
	uint8_t kind;

	if (die) {
		*ret = *die;
		return true;
	}
	for (unsigned i = 0; i < UNITS_MAX; i++) {
		if (dwarf_get_units(dwarf, unit, &unit, &version, &kind, ret, NULL) != 0)
			return false;
		if (kind == DW_UT_compile && dwarf_haspc(ret, address) == 1)
			return true;
	}
	return false;
}

static void add(struct list *list, struct arena *arena, const char *file, int line,
		const char *function)
{
	struct source_line *s = list_add(list);

	s->file = safe(arena, file);
	s->line = (unsigned)line;
	s->function = safe(arena, function);
}

/* Where an inlined function was called. */
static bool call_site(Dwarf_Die *die, Dwarf_Files *files, const char **ret_file, int *ret_line)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &file) != 0 ||
	    dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &line) != 0 ||
	    line == 0 || line > INT32_MAX)
		return false;
	*ret_file = dwarf_filesrc(files, file, NULL, NULL);
	*ret_line = (int)line;
	return *ret_file != NULL;
}

/* Every function that was put into the next one, and the one that was not. @p file and @p line are
 * where the innermost stands. */
static void add_scopes(Dwarf_Die *scopes, int count, Dwarf_Files *files, const char *file, int line,
		       struct arena *arena, struct list *ret)
{
	for (int i = 0; i < count; i++) {
		int tag = dwarf_tag(&scopes[i]);
		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		add(ret, arena, file, line, dwarf_diename(&scopes[i]));
		if (tag == DW_TAG_subprogram || !call_site(&scopes[i], files, &file, &line))
			return;
	}
}

bool debug_file_source(struct debug_file *file, uint64_t address, struct arena *arena,
		       struct list *ret)
{
	Dwarf_Die unit, *scopes = NULL, *outer = NULL;
	Dwarf_Files *files = NULL;
	size_t file_count, before = ret->count;
	uint64_t bias;
	Dwarf *dwarf = debug_file_dwarf(file, &bias);
	int line = 0;

	address -= bias;
	if (!dwarf || !find_unit(file, dwarf, address, bias, &unit))
		return false;
	Dwarf_Line *found = dwarf_getsrc_die(&unit, address);
	const char *path = found ? dwarf_linesrc(found, NULL, NULL) : NULL;
	/* 0: code that the compiler says belongs to no line */
	if (!path || dwarf_lineno(found, &line) != 0 || line <= 0)
		return false;
	int count = dwarf_getscopes(&unit, address, &scopes);
	/* What holds an inlined function in the machine's code, not in the text of the sources. */
	int outside = count > 0 ? dwarf_getscopes_die(&scopes[0], &outer) : 0;
	if (outside > 0 && dwarf_getsrcfiles(&unit, &files, &file_count) == 0)
		add_scopes(outer, outside, files, path, line, arena, ret);
	if (ret->count == before)
		add(ret, arena, path, line, NULL);
	free(scopes);
	free(outer);
	return true;
}
