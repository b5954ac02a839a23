#include "dump.h"

#include "ceilings.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

struct dump *dump_create(struct arena *arena)
{
	struct dump *dump = arena_alloc(arena, 1, sizeof(*dump));

	if (!dump)
		return NULL;
	dump->arena = arena;
	list_init(&dump->modules, arena, sizeof(struct module), LIMIT_MODULES);
	list_init(&dump->unloaded, arena, sizeof(struct module), LIMIT_UNLOADED);
	list_init(&dump->cpus, arena, sizeof(struct cpu), LIMIT_CPUS);
	list_init(&dump->events, arena, sizeof(struct event), LIMIT_EVENTS);
	list_init(&dump->contributions, arena, sizeof(struct contribution), LIMIT_BLOBS);
	list_init(&dump->problems, arena, sizeof(struct problem), 256);
	list_init(&dump->debug_uses, arena, sizeof(struct debug_use), LIMIT_DEBUG_FILES);
	list_init(&dump->crash_task.calls, arena, sizeof(struct call), LIMIT_FRAMES);
	list_init(&dump->tasks, arena, sizeof(struct task), LIMIT_TASKS);
	list_init(&dump->open_files, arena, sizeof(struct open_file), LIMIT_OPEN_FILES);
	list_init(&dump->log, arena, sizeof(struct log_line), LIMIT_LOG_LINES);
	dump->space = space_create(arena);
	return dump->space ? dump : NULL;
}

void dump_problem(struct dump *dump, const char *code, const char *format, ...)
{
	va_list args;
	struct problem *p = list_add(&dump->problems);

	va_start(args, format);
	p->code = code;
	p->message = arena_vprintf(dump->arena, format, args);
	va_end(args);
}

void dump_problem_at(struct dump *dump, const char *code, uint64_t offset, const char *format, ...)
{
	va_list args;
	struct problem *p = list_add(&dump->problems);

	va_start(args, format);
	p->code = code;
	p->message = arena_vprintf(dump->arena, format, args);
	p->has_offset = true;
	p->offset = offset;
	va_end(args);
}

void dump_event(struct dump *dump, uint64_t filetime, int digits, const char *source,
		const char *text)
{
	struct event *e = list_add(&dump->events);

	*e = (struct event){.time = filetime, .digits = digits, .text = text, .source = source};
}

void dump_close(struct dump *dump)
{
	if (dump && dump->ops && dump->ops->close)
		dump->ops->close(dump);
}

bool module_covers(const struct module *module, uint64_t address)
{
	for (unsigned i = 0; i < module->parts && i < PARTS_MAX; i++)
		if (address >= module->part[i].base &&
		    address - module->part[i].base < module->part[i].size)
			return true;
	return module->parts == 0 && address >= module->base &&
	       address - module->base < module->size;
}

struct module *dump_module_at(const struct dump *dump, uint64_t address)
{
	struct module *best = NULL;

	LIST_EACH(struct module, m, &dump->modules) {
		if (module_covers(m, address) && (!best || m->size < best->size))
			best = m;
	}
	return best;
}

struct module *dump_unloaded_at(const struct dump *dump, uint64_t address)
{
	LIST_EACH(struct module, m, &dump->unloaded) {
		if (module_covers(m, address))
			return m;
	}
	return NULL;
}

struct module *dump_module_named(const struct dump *dump, const char *name)
{
	LIST_EACH(struct module, m, &dump->modules) {
		if (text_equal_nocase(m->name, name))
			return m;
	}
	return NULL;
}

bool dump_is_kernel_address(const struct dump *dump, uint64_t address)
{
	if (dump->arch == ARCH_X86)
		return address >= 0x80000000 && address <= UINT32_MAX;
	/* Linux on ARM64 maps memory below the half that Windows uses. */
	if (dump->arch == ARCH_ARM64 && dump->os == OS_LINUX)
		return address >= UINT64_C(0xfff0000000000000);
	return address >= UINT64_C(0xffff800000000000);
}

const char *register_name(enum arch arch, unsigned index)
{
	static const char *const x64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
	static const char *const x86[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
	static const char *const arm64[] = {"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",
					    "x8",  "x9",  "x10", "x11", "x12", "x13", "x14", "x15",
					    "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",
					    "x24", "x25", "x26", "x27", "x28", "fp",  "lr"};

	switch (arch) {
	case ARCH_X86_64: return index < 16 ? x64[index] : NULL;
	case ARCH_X86: return index < 8 ? x86[index] : NULL;
	case ARCH_ARM64: return index < 31 ? arm64[index] : NULL;
	case ARCH_UNKNOWN: break;
	}
	return NULL;
}

const char *origin_name(enum origin origin)
{
	switch (origin) {
	case ORIGIN_OS: return "os";
	case ORIGIN_OS_INBOX_THIRD_PARTY: return "os-inbox-thirdparty";
	case ORIGIN_THIRD_PARTY: return "third-party";
	case ORIGIN_UNKNOWN: break;
	}
	return "unknown";
}

const char *failure_name(enum failure failure)
{
	static const char *const names[] = {
		[FAILURE_UNKNOWN] = NULL,
		[FAILURE_BAD_ADDRESS] = "page-fault",
		[FAILURE_NULL] = "null-pointer",
		[FAILURE_PROTECTION] = "general-protection",
		[FAILURE_ASSERTION] = "kernel-bug",
		[FAILURE_INSTRUCTION] = "invalid-instruction",
		[FAILURE_CORRUPTION] = "corruption-detected",
		[FAILURE_STACK_OVERFLOW] = "stack-overflow",
		[FAILURE_STACK_END] = "stack-end-overwritten",
		[FAILURE_SOFT_LOCKUP] = "soft-lockup",
		[FAILURE_HARD_LOCKUP] = "hard-lockup",
		[FAILURE_HUNG_TASK] = "hung-task",
		[FAILURE_RCU_STALL] = "rcu-stall",
		[FAILURE_MACHINE_CHECK] = "machine-check",
		[FAILURE_REQUESTED] = "requested",
		[FAILURE_OUT_OF_MEMORY] = "out-of-memory",
		[FAILURE_WARNING] = "warning",
		[FAILURE_PANIC] = "panic",
	};

	return names[failure];
}
