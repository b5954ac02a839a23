/* BPF programs: code that a process has put into the kernel. They are listed by the symbols the
 * kernel makes for them (bpf_kallsyms), which also has trampolines and dispatchers. */
#include "linux_kernel.h"

#include "ceilings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 128, JIT_MAX = 16 << 20, AUX_NAME = 16, HOOK_BYTES = 128 };

/* enum bpf_prog_type, include/uapi/linux/bpf.h */
static const char *const type_names[] = {
	"unspecified", "socket filter", "kprobe", "traffic classifier", "traffic action",
	"tracepoint", "XDP", "perf event", "cgroup socket buffer", "cgroup socket",
	"lightweight tunnel in", "lightweight tunnel out", "lightweight tunnel transmit",
	"socket operations", "socket buffer verdict", "cgroup device", "socket message",
	"raw tracepoint", "cgroup socket address", "lightweight tunnel seg6local", "infrared",
	"socket reuseport", "flow dissector", "cgroup sysctl", "writable raw tracepoint",
	"cgroup socket option", "tracing", "struct_ops", "extension", "security hook (LSM)",
	"socket lookup", "syscall", "netfilter"};

static void program_read(struct vmcore *v, uint64_t aux, struct module *m)
{
	uint64_t prog = vm_field(v, aux, vm_offset(v, "bpf_prog_aux", "prog"));
	int64_t name = vm_offset(v, "bpf_prog_aux", "name");
	uint32_t type = vm_field32(v, prog, vm_offset(v, "bpf_prog", "type"));
	uint64_t hook = vm_field(v, aux, vm_offset(v, "bpf_prog_aux", "attach_func_name"));
	struct module_tables *t = list_at(&v->tables, v->tables.count - 1);

	t->address = prog;
	m->id = vm_field32(v, aux, vm_offset(v, "bpf_prog_aux", "id"));
	const char *own = name < 0 ? NULL
				   : vm_string(v, v->arena, aux + (uint64_t)name, AUX_NAME);
	m->name = own ? own : arena_printf(v->arena, "BPF program %u", m->id);
	const char *kind = type < sizeof(type_names) / sizeof(*type_names) ? type_names[type]
									   : "unknown kind";
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
