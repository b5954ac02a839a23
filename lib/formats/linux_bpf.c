/* BPF programs: code that a process has put into the kernel. They are listed by the symbols the
 * kernel makes for them (bpf_kallsyms), which also has trampolines and dispatchers. */
#include "linux_kernel.h"

#include "ceilings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	NAME_BYTES = 128,
	JIT_MAX = 16 << 20,
	AUX_NAME = 16,
	HOOK_BYTES = 128,
	FUNCTIONS_MAX = 256,
	FILES_MAX = 1 << 20
};

/* enum bpf_prog_type, include/uapi/linux/bpf.h */
static const char *const type_names[] = {"unspecified",
					 "socket filter",
					 "kprobe",
					 "traffic classifier",
					 "traffic action",
					 "tracepoint",
					 "XDP",
					 "perf event",
					 "cgroup socket buffer",
					 "cgroup socket",
					 "lightweight tunnel in",
					 "lightweight tunnel out",
					 "lightweight tunnel transmit",
					 "socket operations",
					 "socket buffer verdict",
					 "cgroup device",
					 "socket message",
					 "raw tracepoint",
					 "cgroup socket address",
					 "lightweight tunnel seg6local",
					 "infrared",
					 "socket reuseport",
					 "flow dissector",
					 "cgroup sysctl",
					 "writable raw tracepoint",
					 "cgroup socket option",
					 "tracing",
					 "struct_ops",
					 "extension",
					 "security hook (LSM)",
					 "socket lookup",
					 "syscall",
					 "netfilter"};

static const char *name_in_symbol(const char *symbol)
{
	enum { PREFIX = 9, TAG = 16 };

	if (strncmp(symbol, "bpf_prog_", PREFIX) != 0 ||
	    strspn(symbol + PREFIX, "0123456789abcdef") != TAG || symbol[PREFIX + TAG] != '_')
		return NULL;
	return symbol + PREFIX + TAG + 1;
}

static void program_read(struct vmcore *v, uint64_t aux, struct module *m)
{
	uint64_t prog = vm_field(v, aux, vm_offset(v, "bpf_prog_aux", "prog"));
	int64_t name = vm_offset(v, "bpf_prog_aux", "name");
	uint32_t type = vm_field32(v, prog, vm_offset(v, "bpf_prog", "type"));
	uint64_t hook = vm_field(v, aux, vm_offset(v, "bpf_prog_aux", "attach_func_name"));
	struct module_tables *t = list_at(&v->tables, v->tables.count - 1);

	t->address = prog;
	m->id = vm_field32(v, aux, vm_offset(v, "bpf_prog_aux", "id"));
	/* A part of a program that is a function of its own is called "F" there; the symbol is
	 * bpf_prog_TAG_NAME in both cases. */
	const char *own = name_in_symbol(t->name);
	if (!own && name >= 0)
		own = vm_string(v, v->arena, aux + (uint64_t)name, AUX_NAME);
	m->name = own ? own : arena_printf(v->arena, "BPF program %u", m->id);
	const char *kind =
		type < sizeof(type_names) / sizeof(*type_names) ? type_names[type] : "unknown kind";
	const char *at = hook ? vm_string(v, v->arena, hook, HOOK_BYTES) : NULL;
	m->hook = at ? arena_printf(v->arena, "%s at %s", kind, at) : kind;
}

static void symbol_read(struct vmcore *v, uint64_t symbol)
{
	uint64_t start = vm_field(v, symbol, vm_offset(v, "bpf_ksym", "start"));
	uint64_t end = vm_field(v, symbol, vm_offset(v, "bpf_ksym", "end"));
	int64_t name_at = vm_offset(v, "bpf_ksym", "name"), prog = vm_offset(v, "bpf_ksym", "prog");
	int64_t inside = vm_offset(v, "bpf_prog_aux", "ksym");

	if (!vm_is_pointer(start) || end <= start || end - start > JIT_MAX || name_at < 0)
		return;
	char *name = vm_string(v, v->arena, symbol + (uint64_t)name_at, NAME_BYTES);
	struct module *m = list_add(&v->dump->modules);
	m->kind = MODULE_BPF;
	m->loaded = true;
	m->base = start;
	m->size = end - start;
	m->name = m->path = name ? name : "BPF";
	struct module_tables *t = list_add(&v->tables);
	t->module = m;
	t->name = m->name;
	bool is_program = prog >= 0 ? (vm_field32(v, symbol, prog) & 0xff) == 1
				    : strncmp(m->name, "bpf_prog_", 9) == 0;
	if (is_program && inside >= 0)
		program_read(v, symbol - (uint64_t)inside, m);
}

void vm_bpf(struct vmcore *v)
{
	uint64_t head = vm_symbol(v, "bpf_kallsyms"), at = vm_u64(v, head);
	int64_t node = vm_offset(v, "bpf_ksym", "lnode");

	if (!head || node < 0)
		return;
	for (unsigned i = 0; at && at != head && i < LIMIT_BPF; i++, at = vm_u64(v, at))
		symbol_read(v, at - (uint64_t)node);
}

struct holders {
	uint64_t operations[3];
	uint64_t files; /* of the task before: threads share theirs */
	unsigned looked_at;
};

/* Marks program @p prog and the functions it consists of. */
static void mark(struct vmcore *v, uint64_t prog, const char *task)
{
	uint64_t aux = vm_field(v, prog, vm_offset(v, "bpf_prog", "aux"));
	uint64_t parts = vm_field(v, aux, vm_offset(v, "bpf_prog_aux", "func"));
	uint32_t count = vm_field32(v, aux, vm_offset(v, "bpf_prog_aux", "func_cnt"));

	for (uint32_t i = 0; i <= count && i <= FUNCTIONS_MAX; i++) {
		uint64_t one = i == 0 ? prog : parts ? vm_u64(v, parts + 8 * (uint64_t)(i - 1)) : 0;
		LIST_EACH(struct module_tables, t, &v->tables) {
			if (one && t->address == one && t->module->kind == MODULE_BPF &&
			    !t->module->loader)
				t->module->loader = task;
		}
	}
}

static bool look_at_files(struct vmcore *v, uint64_t task, void *context)
{
	struct holders *h = context;
	const struct layout *l = &v->layout;
	uint64_t files = vm_field(v, task, l->task_files);
	uint64_t table = vm_field(v, files, l->files_fdt);
	uint64_t slots = vm_field(v, table, l->fdtable_fd);
	uint32_t count = vm_field32(v, table, l->fdtable_max);
	const char *name = NULL;

	if (!slots || files == h->files)
		return false;
	h->files = files;
	for (uint32_t i = 0; i < count && h->looked_at < FILES_MAX; i++, h->looked_at++) {
		uint64_t file = vm_u64(v, slots + 8 * (uint64_t)i);
		uint64_t ops = vm_field(v, file, l->file_operations);
		uint64_t held = vm_field(v, file, vm_offset(v, "file", "private_data"));
		if (!ops ||
		    (ops != h->operations[0] && ops != h->operations[1] && ops != h->operations[2]))
			continue;
		if (ops != h->operations[0])
			held = vm_field(v, held, vm_offset(v, "bpf_link", "prog"));
		if (!name && l->task_comm >= 0)
			name = vm_string(v, v->arena, task + (uint64_t)l->task_comm, AUX_NAME);
		mark(v, held, name ? name : "?");
	}
	return h->looked_at >= FILES_MAX;
}

void vm_bpf_loaders(struct vmcore *v)
{
	struct holders h = {.operations = {vm_symbol(v, "bpf_prog_fops"),
					   vm_symbol(v, "bpf_link_fops"),
					   vm_symbol(v, "bpf_link_fops_poll")}};
	bool any = false;

	LIST_EACH(struct module_tables, t, &v->tables)
		any |= t->module->kind == MODULE_BPF;
	if (any && h.operations[0])
		vm_each_task(v, look_at_files, &h);
}
