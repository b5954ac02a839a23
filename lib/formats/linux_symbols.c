/* Names and layouts: kallsyms and BTF out of the kernel's memory, and the modules' own symbol
 * tables. linux-vmcores.md, "How to read each" */
#include "linux_kernel.h"

#include "ceilings.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEARCH_SPAN = 64 << 20, /* behind the kernel's text, where its read-only data is */
	BTF_MAX = 64 << 20,
	BTF_MAGIC = 0xeb9f,
	BTF_HEADER = 24,
	SYMBOL_SIZE = 24, /* Elf64_Sym */
	MODULE_SYMBOLS_MAX = 1 << 17,
	MODULE_NAMES_MAX = 8 << 20,
	NAME_SHOWN = 128,
};

/* The kernel's own symbols: kallsyms of the dump, or the vmlinux that stands in for it. */
static bool kernel_symbol(const struct vmcore *v, const char *name, uint64_t *ret)
{
	return v->symbols ? kallsyms_address(v->symbols, name, ret) : vm_debug_symbol(v, name, ret);
}

static bool kernel_symbol_at(const struct vmcore *v, uint64_t address, struct kallsyms_symbol *ret)
{
	return v->symbols ? kallsyms_at(v->symbols, address, ret)
			  : vm_debug_symbol_at(v, address, ret);
}

uint64_t vm_symbol(const struct vmcore *v, const char *name)
{
	uint64_t address;

	if (kernel_symbol(v, name, &address))
		return address;
	return vmcoreinfo_symbol(&v->info, name, &address) ? address : 0;
}

int64_t vm_offset(const struct vmcore *v, const char *type, const char *path)
{
	return v->types ? types_offset(v->types, type, path) : -1;
}

int64_t vm_offset_either(const struct vmcore *v, const char *type, const char *path,
			 const char *other)
{
	int64_t offset = vm_offset(v, type, path);

	return offset >= 0 ? offset : vm_offset(v, type, other);
}

uint64_t vm_field(const struct vmcore *v, uint64_t base, int64_t offset)
{
	return base && offset >= 0 ? vm_u64(v, base + (uint64_t)offset) : 0;
}

uint32_t vm_field32(const struct vmcore *v, uint64_t base, int64_t offset)
{
	return base && offset >= 0 ? vm_u32(v, base + (uint64_t)offset) : 0;
}

/* What the dump should have and has not: an ordinary loss if something given stands in for it. */
static void tell_missing(struct vmcore *v, const char *code, const char *what, const char *instead,
			 const char *loss)
{
	dump_problem(v->dump, code, "%s; %s", what, instead ? instead : loss);
	v->dump->partial |= !instead;
}

static void load_kallsyms(struct vmcore *v)
{
	const char *instead = v->vmlinux ? "symbols are those of the vmlinux that was given" : NULL;
	static const char loss[] = "addresses have no names, and only the log tells what happened";
	const struct vmcoreinfo *info = &v->info;
	struct kallsyms_tables t = {0};
	uint64_t start = 0;

	vmcoreinfo_symbol(info, "kallsyms_names", &t.names);
	vmcoreinfo_symbol(info, "kallsyms_num_syms", &t.num_syms);
	vmcoreinfo_symbol(info, "kallsyms_token_table", &t.token_table);
	vmcoreinfo_symbol(info, "kallsyms_token_index", &t.token_index);
	vmcoreinfo_symbol(info, "kallsyms_offsets", &t.offsets);
	vmcoreinfo_symbol(info, "kallsyms_relative_base", &t.relative_base);
	vmcoreinfo_symbol(info, "kallsyms_addresses", &t.addresses);
	vmcoreinfo_symbol(info, "_stext", &start);
	if (!t.names && start)
		kallsyms_find_tables(&v->memory, start, SEARCH_SPAN, v->arena, &t);
	if (!t.names) {
		tell_missing(v, "no-kallsyms",
			     "the kernel's symbol table (kallsyms) is not in the dump", instead,
			     loss);
		return;
	}
	struct error *err = kallsyms_load(&v->memory, &t, v->arena, &v->symbols);
	if (err) {
		err = error_prepend(err, "the kernel's symbol table cannot be read");
		tell_missing(v, "kallsyms-damaged", err->message, instead, loss);
		error_destroy(err);
	}
}

/* Whether a BTF header of a kernel's size is at @p p. */
static bool is_btf(const uint8_t *p, uint64_t *ret_size)
{
	struct cursor c = cursor_make(p, BTF_HEADER, 0, "BTF header");
	unsigned magic = cursor_u16(&c), version = cursor_u8(&c);

	cursor_u8(&c);
	uint32_t header = cursor_u32(&c), type_off = cursor_u32(&c), type_len = cursor_u32(&c);
	uint32_t str_off = cursor_u32(&c), str_len = cursor_u32(&c);
	if (magic != BTF_MAGIC || version != 1 || header != BTF_HEADER || type_off != 0 ||
	    str_off != type_len || type_len < (1 << 18) || type_len > BTF_MAX || str_len > BTF_MAX)
		return false;
	*ret_size = (uint64_t)header + type_len + str_len;
	return true;
}

/* __start_BTF is not exported everywhere: the header is looked for behind the text. */
static bool find_btf(struct vmcore *v, uint64_t *ret_address, uint64_t *ret_size)
{
	uint64_t start = vm_symbol(v, "__start_BTF"), end = vm_symbol(v, "__stop_BTF");
	uint8_t page[FETCH_PAGE + BTF_HEADER];

	if (start && end > start && end - start <= BTF_MAX) {
		*ret_address = start;
		*ret_size = end - start;
		return true;
	}
	start = vm_symbol(v, "_etext");
	if (!start)
		start = vm_symbol(v, "_stext");
	start &= ~(uint64_t)(FETCH_PAGE - 1);
	for (uint64_t at = start; start && at - start < SEARCH_SPAN; at += FETCH_PAGE) {
		size_t have = reader_some(&v->memory, at, page, sizeof(page));
		for (size_t i = 0; i + BTF_HEADER <= have && i < FETCH_PAGE; i += 4) {
			if (page[i] == 0x9f && is_btf(page + i, ret_size)) {
				*ret_address = at + i;
				return true;
			}
		}
	}
	return false;
}

/* Layouts are not in the dump, or not whole. */
static void types_elsewhere(struct vmcore *v, const char *code, const char *what)
{
	const char *from = NULL;

	v->types = vm_debug_types(v, &from);
	tell_missing(
		v, code, what,
		v->types ? arena_printf(v->arena,
					"layouts come from the %s of the vmlinux that was given",
					from)
			 : NULL,
		"modules, tasks and open files cannot be read, only the log and the stack");
}

static void load_btf(struct vmcore *v)
{
	uint64_t address, size;
	struct error *err = NULL;

	if (!find_btf(v, &address, &size)) {
		types_elsewhere(v, "no-btf",
				"the kernel's type information (BTF) is not in the dump");
		return;
	}
	uint8_t *data = malloc(size);
	if (!data)
		err = error_create(ERROR_NOMEM, "no memory for it");
	else if (!vm_bulk(v, address, data, size))
		err = error_create(ERROR_TRUNCATED, "its pages are not in the dump");
	else
		err = btf_types(data, size, &v->types);
	free(data);
	if (err) {
		err = error_prepend(err, "the kernel's type information (BTF) cannot be read");
		types_elsewhere(v, "btf-damaged", err->message);
		error_destroy(err);
	}
}

static void learn_layout(struct vmcore *v)
{
	struct layout *l = &v->layout;

	l->file_dentry = vm_offset(v, "file", "f_path.dentry");
	l->file_mount = vm_offset(v, "file", "f_path.mnt");
	l->file_inode = vm_offset(v, "file", "f_inode");
	l->file_operations = vm_offset(v, "file", "f_op");
	l->dentry_parent = vm_offset(v, "dentry", "d_parent");
	l->dentry_name = vm_offset(v, "dentry", "d_name.name");
	l->dentry_inode = vm_offset(v, "dentry", "d_inode");
	l->mount_inner = vm_offset(v, "mount", "mnt");
	l->mount_parent = vm_offset(v, "mount", "mnt_parent");
	l->mount_point = vm_offset(v, "mount", "mnt_mountpoint");
	l->vfsmount_root = vm_offset(v, "vfsmount", "mnt_root");
	l->inode_number = vm_offset(v, "inode", "i_ino");
	l->inode_size = vm_offset(v, "inode", "i_size");
	l->inode_mode = vm_offset(v, "inode", "i_mode");
	l->inode_mapping = vm_offset(v, "inode", "i_mapping");
	/* i_mtime until 6.6, __i_mtime until 6.10, then two fields of their own */
	l->inode_mtime = vm_offset_either(v, "inode", "i_mtime_sec", "i_mtime.tv_sec");
	l->inode_mtime_ns = vm_offset_either(v, "inode", "i_mtime_nsec", "i_mtime.tv_nsec");
	l->inode_ctime = vm_offset_either(v, "inode", "i_ctime_sec", "i_ctime.tv_sec");
	l->inode_ctime_ns = vm_offset_either(v, "inode", "i_ctime_nsec", "i_ctime.tv_nsec");
	if (l->inode_mtime < 0)
		l->inode_mtime = vm_offset(v, "inode", "__i_mtime.tv_sec");
	if (l->inode_ctime < 0)
		l->inode_ctime = vm_offset(v, "inode", "__i_ctime.tv_sec");
	l->task_comm = vm_offset(v, "task_struct", "comm");
	l->task_pid = vm_offset(v, "task_struct", "pid");
	l->task_stack = vm_offset(v, "task_struct", "stack");
	l->task_files = vm_offset(v, "task_struct", "files");
	l->task_state = vm_offset_either(v, "task_struct", "__state", "state");
	l->task_on_cpu = vm_offset(v, "task_struct", "on_cpu");
	l->task_thread = vm_offset_either(
		v, "task_struct", v->arm ? "thread.cpu_context" : "thread.sp", "thread.sp0");
	l->task_tasks = vm_offset(v, "task_struct", "tasks");
	l->task_thread_node = vm_offset(v, "task_struct", "thread_node");
	l->task_signal = vm_offset(v, "task_struct", "signal");
	l->signal_thread_head = vm_offset(v, "signal_struct", "thread_head");
	l->files_fdt = vm_offset(v, "files_struct", "fdt");
	l->fdtable_max = vm_offset(v, "fdtable", "max_fds");
	l->fdtable_fd = vm_offset(v, "fdtable", "fd");
	l->files_known = l->file_dentry >= 0 && l->file_mount >= 0 && l->file_inode >= 0 &&
			 l->file_operations >= 0 && l->dentry_parent >= 0 && l->dentry_name >= 0 &&
			 l->dentry_inode >= 0 && l->mount_inner >= 0 && l->mount_parent >= 0 &&
			 l->mount_point >= 0 && l->vfsmount_root >= 0;
}

static void kernel_text(struct vmcore *v)
{
	struct module *m = list_add(&v->dump->modules);
	uint64_t end = vm_symbol(v, "_end");

	v->text_start = vm_symbol(v, "_stext");
	v->text_end = vm_symbol(v, "_etext");
	if (v->text_start && v->text_end <= v->text_start)
		v->text_end = v->text_start + SEARCH_SPAN;
	if (end < v->text_end || end - v->text_start > (UINT64_C(1) << 30))
		end = v->text_end;
	m->kind = MODULE_KERNEL;
	m->name = "vmlinux";
	m->loaded = true;
	m->base = v->text_start;
	m->size = end - v->text_start;
	v->kernel = m;
}

void vm_symbols(struct vmcore *v)
{
	load_kallsyms(v);
	load_btf(v);
	learn_layout(v);
	kernel_text(v);
}

struct module_tables *vm_tables_of(const struct vmcore *v, uint64_t address)
{
	LIST_EACH(struct module_tables, t, &v->tables) {
		if (module_covers(t->module, address))
			return t;
	}
	return NULL;
}

static bool in_code(const struct module *m, uint64_t address)
{
	if (m->parts == 0)
		return address - m->base < m->size;
	for (unsigned i = 0; i < m->parts && i < PARTS_MAX; i++)
		if (m->part[i].code && address - m->part[i].base < m->part[i].size)
			return true;
	return false;
}

bool vm_is_text(const struct vmcore *v, uint64_t address)
{
	if (address >= v->text_start && address < v->text_end)
		return true;
	struct module_tables *t = vm_tables_of(v, address);
	return t && in_code(t->module, address);
}

/* The symbol and string tables of a module into memory. */
static bool module_symbols_load(const struct vmcore *v, struct module_tables *t)
{
	size_t bytes = (size_t)t->symbol_count * SYMBOL_SIZE, names = 0;

	if (t->tried)
		return t->symbol_bytes && t->string_bytes;
	t->tried = true;
	if (!t->symbol_count || t->symbol_count > MODULE_SYMBOLS_MAX ||
	    !(t->symbol_bytes = arena_alloc(v->arena, t->symbol_count, SYMBOL_SIZE)))
		return false;
	bytes = reader_some(&v->memory, t->symbols, t->symbol_bytes, bytes);
	t->symbol_count = (uint32_t)(bytes / SYMBOL_SIZE);
	struct cursor c = cursor_make(t->symbol_bytes, bytes, 0, "module symbols");
	for (uint32_t i = 0; i < t->symbol_count; i++) {
		uint32_t name = cursor_u32_at(&c, (uint64_t)i * SYMBOL_SIZE);
		if (name >= names && name < MODULE_NAMES_MAX)
			names = name + NAME_SHOWN;
	}
	t->string_bytes = arena_alloc(v->arena, names + 1, 1);
	if (!t->string_bytes)
		return false;
	t->string_size = reader_some(&v->memory, t->strings, t->string_bytes, names);
	return true;
}

/* Names that tell nothing: padding before functions, mapping symbols, local labels. */
static bool is_noise(const char *name)
{
	return !*name || *name == '$' || strncmp(name, "__pfx_", 6) == 0 ||
	       strncmp(name, ".L", 2) == 0;
}

const char *vm_module_symbol(const struct vmcore *v, struct module_tables *t, uint64_t address,
			     uint64_t *ret_start)
{
	const char *best = NULL;

	if (!module_symbols_load(v, t))
		return NULL;
	struct cursor c = cursor_make(t->symbol_bytes, (uint64_t)t->symbol_count * SYMBOL_SIZE, 0,
				      "module symbols");
	*ret_start = 0;
	for (uint32_t i = 0; i < t->symbol_count; i++) {
		uint32_t name = cursor_u32_at(&c, (uint64_t)i * SYMBOL_SIZE);
		uint64_t value = cursor_u64_at(&c, (uint64_t)i * SYMBOL_SIZE + 8);
		if (value > address || value < *ret_start || name >= t->string_size ||
		    is_noise(t->string_bytes + name) || !module_covers(t->module, value))
			continue;
		*ret_start = value;
		best = t->string_bytes + name;
	}
	return best;
}

uint64_t vm_function_at(const struct vmcore *v, uint64_t address)
{
	struct module_tables *t = vm_tables_of(v, address);
	struct kallsyms_symbol symbol;
	uint64_t start = 0;

	if (t && t->module->kind == MODULE_BPF)
		return t->module->base;
	if (t)
		return vm_module_symbol(v, t, address, &start) ? start : 0;
	return kernel_symbol_at(v, address, &symbol) ? symbol.address : 0;
}

char *vm_symbol_at(const struct vmcore *v, struct arena *arena, uint64_t address, bool is_return)
{
	uint64_t look = address - is_return, start = 0;
	struct module_tables *t = vm_tables_of(v, look);
	struct kallsyms_symbol symbol;

	if (t && t->module->kind == MODULE_BPF)
		return arena_printf(arena, "%s+0x%" PRIx64, t->name, address - t->module->base);
	if (t) {
		const char *name = vm_module_symbol(v, t, look, &start);
		if (!name)
			return NULL;
		return arena_printf(arena, "%s+0x%" PRIx64,
				    text_from_bytes(arena, name, strnlen(name, NAME_SHOWN)),
				    address - start);
	}
	if (look < v->text_start || look - v->text_start >= v->kernel->size ||
	    !kernel_symbol_at(v, look, &symbol))
		return NULL;
	return arena_printf(arena, "%s+0x%" PRIx64,
			    text_from_bytes(arena, symbol.name, strnlen(symbol.name, NAME_SHOWN)),
			    address - symbol.address);
}

uint64_t vm_place(const struct vmcore *v, const struct oops_place *place)
{
	struct module_tables *t = NULL;
	uint64_t address;

	if (!place->symbol)
		return place->address;
	if (!place->module)
		return kernel_symbol(v, place->symbol, &address) ? address + place->offset : 0;
	LIST_EACH(struct module_tables, candidate, &v->tables) {
		if (strcmp(candidate->module->name, place->module) == 0)
			t = candidate;
	}
	if (!t || !module_symbols_load(v, t))
		return 0;
	struct cursor c = cursor_make(t->symbol_bytes, (uint64_t)t->symbol_count * SYMBOL_SIZE, 0,
				      "module symbols");
	for (uint32_t i = 0; i < t->symbol_count; i++) {
		uint32_t name = cursor_u32_at(&c, (uint64_t)i * SYMBOL_SIZE);
		if (name < t->string_size && strcmp(t->string_bytes + name, place->symbol) == 0)
			return cursor_u64_at(&c, (uint64_t)i * SYMBOL_SIZE + 8) + place->offset;
	}
	return 0;
}
