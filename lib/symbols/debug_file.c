#include "debug_file_parts.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SYMBOLS_MAX = 1 << 21, /* a large vmlinux has 200 thousand */
	BUILD_ID_MAX = 64,
	ADDRESS_GAP = 1 << 20, /* a symbol without a size covers no more */
};

/* No file is looked for beside the one that is there: nothing can be opened here. */
static int find_no_more(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
			const char *file, const char *link, GElf_Word checksum, char **ret)
{
	(void)module;
	(void)user;
	(void)name;
	(void)base;
	(void)file;
	(void)link;
	(void)checksum;
	(void)ret;
	return -1;
}

static const char *why_no_elf(int fd)
{
	uint8_t head[0x206] = {0};
	ssize_t have = pread(fd, head, sizeof(head), 0);

	if (have == (ssize_t)sizeof(head) && memcmp(head + 0x202, "HdrS", 4) == 0)
		return "it is a bootable kernel image (vmlinuz), which has no symbols: the vmlinux "
		       "of the debug package is needed";
	if (have >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) != 0)
		return "it is not an ELF file";
	if (have < EI_NIDENT)
		return "it is too short for an ELF file";
	return NULL;
}

static void note_build_id(struct debug_file *file)
{
	const unsigned char *bytes;
	GElf_Addr address;
	int length = dwfl_module_build_id(file->module, &bytes, &address);
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < length && length <= BUILD_ID_MAX; i++) {
		file->build_id[2 * i] = digits[bytes[i] >> 4];
		file->build_id[2 * i + 1] = digits[bytes[i] & 15];
	}
}

struct error *debug_file_open(int fd, struct debug_file **ret)
{
	static const Dwfl_Callbacks callbacks = {.find_debuginfo = find_no_more,
						 .section_address = dwfl_offline_section_address};
	const char *why = why_no_elf(fd);
	struct debug_file *file = why ? NULL : calloc(1, sizeof(*file));
	int own = file ? dup(fd) : -1;
	GElf_Addr bias;

	if (why)
		return error_create(ERROR_BAD_DATA, "%s", why);
	if (!file || own < 0 || !(file->session = dwfl_begin(&callbacks))) {
		if (own >= 0)
			close(own);
		free(file);
		return error_create(ERROR_NOMEM, "there is no memory for it");
	}
	dwfl_report_begin(file->session);
	/* takes `own` if it succeeds */
	file->module = dwfl_report_elf(file->session, "file", "file", own, 0, true);
	if (!file->module)
		close(own);
	dwfl_report_end(file->session, NULL, NULL);
	if (file->module)
		file->elf = dwfl_module_getelf(file->module, &bias);
	if (!file->elf || gelf_getclass(file->elf) != ELFCLASS64) {
		bool readable = file->elf != NULL;
		debug_file_close(file);
		return error_create(ERROR_BAD_DATA,
				    readable ? "it is an ELF file of 32 bits"
					     : "it is a damaged ELF file, or not all of it");
	}
	note_build_id(file);
	*ret = file;
	return NULL;
}

void debug_file_close(struct debug_file *file)
{
	if (!file)
		return;
	dwfl_end(file->session);
	free(file->symbols);
	free(file->names);
	free(file);
}

const char *debug_file_build_id(const struct debug_file *file)
{
	return file->build_id[0] ? file->build_id : NULL;
}

/* ---- bytes ---- */

static const uint8_t *bytes_of(Elf_Scn *section, const GElf_Shdr *header, uint64_t *ret_size)
{
	Elf_Data *data = header->sh_type == SHT_NOBITS || (header->sh_flags & SHF_COMPRESSED)
				 ? NULL
				 : elf_rawdata(section, NULL);

	if (!data || !data->d_buf || data->d_size == 0)
		return NULL;
	*ret_size = data->d_size;
	return data->d_buf;
}

const uint8_t *debug_file_section(const struct debug_file *file, const char *name,
				  uint64_t *ret_size)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(file->elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(file->elf, section))) {
		const char *own = gelf_getshdr(section, &header)
					  ? elf_strptr(file->elf, names, header.sh_name)
					  : NULL;
		if (own && strcmp(own, name) == 0)
			return bytes_of(section, &header, ret_size);
	}
	return NULL;
}

const uint8_t *debug_file_bytes(const struct debug_file *file, uint64_t address, uint64_t *ret_size)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(file->elf, section))) {
		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) ||
		    address - header.sh_addr >= header.sh_size)
			continue;
		const uint8_t *bytes = bytes_of(section, &header, ret_size);
		uint64_t offset = address - header.sh_addr;
		if (!bytes || offset >= *ret_size)
			return NULL;
		*ret_size -= offset;
		return bytes + offset;
	}
	return NULL;
}

const char *debug_file_fact(const struct debug_file *file, const char *key)
{
	uint64_t size, length = strlen(key);
	const uint8_t *facts = debug_file_section(file, ".modinfo", &size), *end;

	/* each ends with a NUL; what follows the last one does not count */
	for (; facts && size && (end = memchr(facts, '\0', size)); facts = end + 1) {
		if ((uint64_t)(end - facts) > length && memcmp(facts, key, length) == 0 &&
		    facts[length] == '=')
			return (const char *)facts + length + 1;
		size -= (uint64_t)(end + 1 - facts);
	}
	return NULL;
}

/* ---- symbols ---- */

static int by_address(const void *a, const void *b)
{
	const struct debug_symbol *one = a, *other = b;

	if (one->address != other->address)
		return one->address < other->address ? -1 : 1;
	if (one->is_function != other->is_function)
		return one->is_function ? 1 : -1; /* the last of several is the one that is found */
	return (int)one->is_global - (int)other->is_global;
}

/* Names that tell nothing: padding before functions, mapping symbols, local labels. */
static bool is_noise(const char *name)
{
	return !*name || *name == '$' || strncmp(name, "__pfx_", 6) == 0 ||
	       strncmp(name, ".L", 2) == 0;
}

static void take_symbols(struct debug_file *file, int count)
{
	for (int i = 0; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		GElf_Word section;
		const char *name = dwfl_module_getsym_info(file->module, i, &symbol, &address,
							   &section, NULL, NULL);
		unsigned type = GELF_ST_TYPE(symbol.st_info);
		if (!name || is_noise(name) || section == SHN_UNDEF ||
		    (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE))
			continue;
		file->symbols[file->symbol_count++] = (struct debug_symbol){
			.name = name,
			.address = address,
			.size = symbol.st_size,
			.is_function = type == STT_FUNC,
			.is_global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL,
			.is_alone = true};
	}
}

static void index_names(struct debug_file *file)
{
	for (uint32_t i = 0; i < file->symbol_count; i++) {
		struct debug_symbol *own = &file->symbols[i];
		uint32_t at = types_hash(own->name) & file->name_mask;
		struct debug_symbol *other = NULL;
		for (; file->names[at]; at = (at + 1) & file->name_mask) {
			other = &file->symbols[file->names[at] - 1];
			if (strcmp(other->name, own->name) == 0)
				break;
		}
		if (file->names[at])
			own->is_alone = other->is_alone = false;
		if (!file->names[at] || (own->is_global && !other->is_global))
			file->names[at] = i + 1;
	}
}

/* Symbols by address and by name, when first asked for. */
static bool load_symbols(struct debug_file *file)
{
	uint32_t size = 64;

	if (file->symbols_tried)
		return file->names != NULL;
	file->symbols_tried = true;
	int count = dwfl_module_getsymtab(file->module);
	if (count <= 0 || count > SYMBOLS_MAX)
		return false;
	while (size < 2 * (uint32_t)count)
		size *= 2;
	file->name_mask = size - 1;
	file->symbols = calloc((size_t)count, sizeof(*file->symbols));
	file->names = file->symbols ? calloc(size, sizeof(*file->names)) : NULL;
	if (!file->names)
		return false;
	take_symbols(file, count);
	qsort(file->symbols, file->symbol_count, sizeof(*file->symbols), by_address);
	index_names(file);
	return true;
}

bool debug_file_has_symbols(struct debug_file *file)
{
	return load_symbols(file) && file->symbol_count > 0;
}

bool debug_file_symbol(struct debug_file *file, const char *name, struct debug_symbol *ret)
{
	if (!load_symbols(file))
		return false;
	for (uint32_t at = types_hash(name) & file->name_mask; file->names[at];
	     at = (at + 1) & file->name_mask) {
		const struct debug_symbol *found = &file->symbols[file->names[at] - 1];
		if (strcmp(found->name, name) == 0) {
			*ret = *found;
			return true;
		}
	}
	return false;
}

bool debug_file_symbol_at(struct debug_file *file, uint64_t address, struct debug_symbol *ret)
{
	uint32_t low = 0, high = load_symbols(file) ? file->symbol_count : 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (file->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	const struct debug_symbol *found = &file->symbols[low - 1];
	if (address - found->address >= (found->size ? found->size : ADDRESS_GAP))
		return false;
	*ret = *found;
	return true;
}

/* ---- DWARF ---- */

Dwarf *debug_file_dwarf(struct debug_file *file, uint64_t *ret_bias)
{
	Dwarf_Addr bias = 0;
	Dwarf *dwarf = dwfl_module_getdwarf(file->module, &bias);

	*ret_bias = bias;
	return dwarf;
}

bool debug_file_has_dwarf(struct debug_file *file)
{
	uint64_t bias;

	return debug_file_dwarf(file, &bias) != NULL;
}
