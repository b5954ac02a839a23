/* The modules a kernel has loaded, and the tainted ones it no longer has. */
#include "linux_kernel.h"

#include "ceilings.h"

#include <string.h>

enum {
	NAME_MAX_BYTES = 56, /* MODULE_NAME_LEN */
	VERSION_MAX = 64,
	SIZE_MAX_BYTES = 256 << 20, /* no module is as large */
	LAYOUT_TEXT = 0,            /* enum mod_mem_type: MOD_TEXT */
	LAYOUT_INIT_TEXT = 4,
	ORC_MAX = 1 << 20,
};

/* Bits of taint flags as the kernel prints them. kernel/panic.c, taint_flags[] */
static const char taint_letters[] = "PFSRMBUDAWCIOELKXTN";

static const char *letters(struct vmcore *v, uint64_t bits)
{
	char text[sizeof(taint_letters)];
	size_t n = 0;

	for (unsigned i = 0; taint_letters[i]; i++)
		if (bits & (UINT64_C(1) << i))
			text[n++] = taint_letters[i];
	return arena_strndup(v->arena, text, n);
}

static void add_part(struct module *m, uint64_t base, uint64_t size, bool code)
{
	if (!vm_is_pointer(base) || size == 0 || size > SIZE_MAX_BYTES || m->parts == PARTS_MAX)
		return;
	if (code && !m->base) {
		m->base = base;
		m->size = size;
	}
	m->part[m->parts++] = (struct part){base, size, code};
}

/* core_layout until 6.3, an array of pieces since. */
static void parts_read(struct vmcore *v, uint64_t address, struct module *m)
{
	int64_t mem = vm_offset(v, "module", "mem"), core = vm_offset(v, "module", "core_layout");
	uint64_t step = v->types ? types_size(v->types, "module_memory") : 0;
	struct member array;

	if (mem >= 0 && step && types_member(v->types, "module", "mem", &array)) {
		int64_t base = vm_offset(v, "module_memory", "base");
		int64_t size = vm_offset(v, "module_memory", "size");
		for (uint64_t i = 0; i < array.count && i < PARTS_MAX; i++) {
			uint64_t at = address + (uint64_t)mem + i * step;
			add_part(m, vm_field(v, at, base), vm_field32(v, at, size),
				 i == LAYOUT_TEXT || i == LAYOUT_INIT_TEXT);
		}
	} else if (core >= 0) {
		uint64_t at = address + (uint64_t)core;
		uint64_t base = vm_field(v, at, vm_offset(v, "module_layout", "base"));
		uint64_t size = vm_field32(v, at, vm_offset(v, "module_layout", "size"));
		uint64_t text = vm_field32(v, at, vm_offset(v, "module_layout", "text_size"));
		if (text > size)
			text = size;
		add_part(m, base, text, true);
		add_part(m, base + text, size - text, false);
		m->size = size;
	}
}

static void tables_read(struct vmcore *v, uint64_t address, struct module *m)
{
	struct module_tables *t = list_add(&v->tables);
	uint64_t k = vm_field(v, address, vm_offset(v, "module", "kallsyms"));

	t->module = m;
	t->address = address;
	t->symbols = vm_field(v, k, vm_offset(v, "mod_kallsyms", "symtab"));
	t->strings = vm_field(v, k, vm_offset(v, "mod_kallsyms", "strtab"));
	t->symbol_count = vm_field32(v, k, vm_offset(v, "mod_kallsyms", "num_symtab"));
	t->orc.ip = vm_field(v, address, vm_offset(v, "module", "arch.orc_unwind_ip"));
	t->orc.entries = vm_field(v, address, vm_offset(v, "module", "arch.orc_unwind"));
	t->orc.count = vm_field32(v, address, vm_offset(v, "module", "arch.num_orcs"));
	if (t->orc.count > ORC_MAX)
		t->orc.count = 0;
}

static const char *text_behind(struct vmcore *v, uint64_t address, const char *field)
{
	uint64_t text = vm_field(v, address, vm_offset(v, "module", field));

	return text ? vm_string(v, v->arena, text, VERSION_MAX) : NULL;
}

static void module_read(struct vmcore *v, uint64_t address)
{
	static const char *const states[] = {"live", "coming", "going", "unformed"};
	int64_t name_at = vm_offset(v, "module", "name");
	char *name = name_at < 0
			     ? NULL
			     : vm_string(v, v->arena, address + (uint64_t)name_at, NAME_MAX_BYTES);

	if (!name)
		return;
	struct module *m = list_add(&v->dump->modules);
	m->name = name;
	m->loaded = true;
	m->version = text_behind(v, address, "version");
	m->source_version = text_behind(v, address, "srcversion");
	m->taints = letters(v, vm_field(v, address, vm_offset(v, "module", "taints")));
	uint32_t state = vm_field32(v, address, vm_offset(v, "module", "state"));
	m->state = state < 4 ? states[state] : NULL;
	int64_t klp = vm_offset(v, "module", "klp");
	m->patches_kernel = klp >= 0 && (vm_field32(v, address, klp) & 0xff) == 1;
	parts_read(v, address, m);
	tables_read(v, address, m);
}

/* struct mod_unload_taint, since 6.0 */
static void unloaded_read(struct vmcore *v)
{
	uint64_t head = vm_symbol(v, "unloaded_tainted_modules"), at = vm_u64(v, head);
	int64_t list = vm_offset(v, "mod_unload_taint", "list");
	int64_t name = vm_offset(v, "mod_unload_taint", "name");

	if (!head || list < 0 || name < 0)
		return;
	for (unsigned i = 0; at && at != head && i < LIMIT_UNLOADED; i++, at = vm_u64(v, at)) {
		uint64_t entry = at - (uint64_t)list;
		struct module *m = list_add(&v->dump->unloaded);
		m->name = vm_string(v, v->arena, entry + (uint64_t)name, NAME_MAX_BYTES);
		m->name = m->name ? m->name : "";
		m->taints =
			letters(v, vm_field(v, entry, vm_offset(v, "mod_unload_taint", "taints")));
	}
}

void vm_modules(struct vmcore *v)
{
	uint64_t head = vm_symbol(v, "modules"), at = vm_u64(v, head), taint;
	int64_t list = vm_offset(v, "module", "list");
	uint64_t *found = arena_alloc(v->arena, LIMIT_MODULES, sizeof(*found));
	unsigned count = 0;

	if ((taint = vm_symbol(v, "tainted_mask")))
		v->dump->taints = letters(v, vm_u64(v, taint));
	v->dump->modules_lost = 1;
	if (!head || list < 0 || !found)
		return;
	for (; at && at != head && count < LIMIT_MODULES; at = vm_u64(v, at))
		found[count++] = at - (uint64_t)list;
	v->dump->modules_lost = at != head;
	if (at != head) {
		dump_problem(v->dump, "modules-cut",
			     "the list of modules breaks off after %u: the rest is not in the dump",
			     count);
		v->dump->partial = true;
	}
	/* The list has the newest first. */
	while (count > 0)
		module_read(v, found[--count]);
	unloaded_read(v);
}

void vm_modules_of_log(struct vmcore *v)
{
	if (v->dump->modules_lost)
		linux_log_modules(v->dump, &v->events);
}

void vm_modules_settle(struct vmcore *v)
{
	for (size_t i = 0; i < v->tables.count; i++)
		((struct module_tables *)list_at(&v->tables, i))->module =
			list_at(&v->dump->modules, i + 1);
	v->kernel = list_at(&v->dump->modules, 0);
}
