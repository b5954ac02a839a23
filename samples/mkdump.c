/* mkdump RECIPE OUTPUT: writes a Windows kernel crash dump that a text file describes.
 *
 * The samples of this folder are such texts. The writer shares no header, no table and no code with
 * culprit's readers, so a wrong offset on either side shows as a difference.
 *
 * A recipe is read line by line. Words are cut at white space; "quotes" hold a word together; a
 * word beginning with # starts a comment; a lone \ at the end joins the next line. A line that
 * begins at the margin is a statement, an indented line is an item of the statement above it.
 *
 *   VALUE   decimal, 0xHEX, or a name, joined by + and -. Names: every module without its extension
 *           (and nt for the first one), stack, process, thread, prcb0.., what `let` and `as`
 * define. A name may be used before the line that defines it. TIME    2024-07-19T05:09:22.1234567Z
 *   TEXT    UTF-8; \u{1b} is a character by number (lone surrogates allowed), \u{41*500} repeats it
 *
 * Statements, in this order as far as they depend on each other:
 *   include FILE                       another recipe's lines, relative to this file
 *   dump triage64|triage-arm64|triage32
 *   build BASE [real=N] [lab=TEXT]     7601 (x86), 9600, 19041, 26100 (x64), 22000 (ARM64)
 *   writer extracted|win81|kernel-generated      who wrote the file; the first if not said
 *   cpus N [crash=I]
 *   time TIME                          of the crash
 *   uptime SECONDS                     with up to 7 digits after the point
 *   bugcheck CODE P1 P2 P3 P4
 *   let NAME VALUE
 *   module NAME BASE SIZE [path=TEXT] [stamp=N] [checksum=N]
 *   unloaded NAME START END            newest first
 *   process NAME ADDRESS pid=N [ppid= created=TIME peb= file-object= image= dtb=]
 *   thread ADDRESS tid=N [created=TIME teb= stack-base= stack-limit= state=]
 *   cpu I [prcb= context= thread= idle= cr2= cr3= irql= dpc-stack= isr-stack= mhz=]
 *   context [cpu=I] REGISTER=VALUE...  the crash CPU's goes to the header; without one that CPU
 *                                      stands at KeBugCheckEx, other CPUs idle
 *   header NAME=VALUE...               replaces header values: attributes, dump-type, boot-id...
 *   stack ADDRESS size=N               the saved stack, from its lowest address; items follow
 *   stack                              more items for it
 *   memory ADDRESS [size=N] [as=NAME]  a data block; items follow, without size it grows with them
 *   shared-data [bias=SECONDS]         KUSER_SHARED_DATA: local time is UTC minus bias
 *   blob GUID|NAME                     secondary data; items follow
 *   etw boot=TIME [mhz=N]              the blob of the kernel's event buffers, then of these
 *   session NAME start=TIME [id= clock=]
 *   event TIME PROVIDER ID [NAME=VALUE...]       items follow: the payload; sid=1 puts a SID first
 *   damage patch AT ITEM... | flip AT BIT | zero [AT COUNT] | truncate SIZE | append COUNT
 *                                      done last, in order; AT may use file.triage, file.drivers,
 *                                      file.strings, file.blocks, file.stack, file.prcb,
 * file.valid, file.process, file.thread, file.kdbg, file.secondary, file.end
 *
 * Items; "at OFFSET" before one moves to that offset of the block, otherwise they follow each
 * other: hex BYTES... | u8|u16|u32|u64|ptr|return VALUE... | ascii TEXT | utf16 TEXT | fill COUNT
 * BYTE time TIME | guid GUID|NAME context, trap-frame, machine-frame, exception (code= address=
 * flags= info0= info1=) unicode-string TEXT buffer=ADDRESS | file-object name=TEXT buffer=ADDRESS
 * device= ... driver-object name= buffer= start= size= device= ... | device-object driver=
 * attached= irp= ... irp count= current= thread= ..., then io-stack major= minor= device= file= ...
 * for each location The text of a string becomes a block of its own at buffer=, unless absent=1.
 */
#include "mkdump.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct recipe recipe;

/* Where items go: a block, a blob or an event's payload. */
static struct {
	struct bytes *bytes;
	size_t start, cursor, limit;
} target;

static bool in_etw;

static void set_target(struct bytes *bytes, size_t start, size_t limit)
{
	target.bytes = bytes;
	target.start = start;
	target.cursor = 0;
	target.limit = limit;
}

static void need_words(const struct line *line, unsigned least, const char *usage)
{
	if (line->words < least)
		fail(line, "%s", usage);
}

static void only(const struct line *line, unsigned first, const char *const *known)
{
	for (unsigned i = first; i < line->words; i++) {
		size_t length = strcspn(line->word[i], "=");
		const char *const *name = known;

		while (*name &&
		       (strlen(*name) != length || strncmp(*name, line->word[i], length) != 0))
			name++;
		if (!*name || !line->word[i][length])
			fail(line, "%s does not know \"%s\"", line->word[0], line->word[i]);
	}
}

#define ONLY(line, first, ...)                                                                     \
	do {                                                                                       \
		static const char *const known[] = {__VA_ARGS__, NULL};                            \
		only(line, first, known);                                                          \
	} while (0)

static uint64_t option_time(const struct line *line, unsigned first, const char *key,
			    uint64_t otherwise)
{
	const char *text = option(line, first, key);

	return text ? time_of(line, text) : otherwise;
}

static void do_dump(const struct line *line)
{
	static const char *const kinds[] = {"triage64", "triage-arm64", "triage32"};

	need_words(line, 2, "dump triage64|triage-arm64|triage32");
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(line->word[1], kinds[i]) == 0) {
			recipe.arch = (enum arch)i;
			return;
		}
	fail(line, "there is no dump \"%s\"", line->word[1]);
}

static void do_build(const struct line *line)
{
	unsigned build;

	need_words(line, 2, "build BASE [real=N] [lab=TEXT]");
	ONLY(line, 2, "real", "lab");
	build = (unsigned)number(line, line->word[1]);
	recipe.profile = find_profile(build, recipe.arch);
	if (!recipe.profile)
		fail(line, "build %u is not known for this kind of dump", build);
	recipe.real_build = (unsigned)option_number(line, 2, "real", build);
	recipe.lab = option(line, 2, "lab");
	if (!recipe.lab)
		recipe.lab = recipe.profile->lab;
	if (strlen(recipe.lab) > 0xff)
		fail(line, "lab is too long");
}

static void do_writer(const struct line *line)
{
	static const char *const writers[] = {"extracted", "win81", "kernel-generated"};

	need_words(line, 2, "writer extracted|win81|kernel-generated");
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(line->word[1], writers[i]) == 0) {
			recipe.writer = (enum writer)i;
			return;
		}
	fail(line, "there is no writer \"%s\"", line->word[1]);
}

static void do_cpus(const struct line *line)
{
	need_words(line, 2, "cpus N [crash=I]");
	ONLY(line, 2, "crash");
	recipe.cpus = (unsigned)number(line, line->word[1]);
	recipe.crash_cpu = (unsigned)option_number(line, 2, "crash", 0);
	if (recipe.cpus < 1 || recipe.cpus > MAX_CPUS || recipe.crash_cpu >= recipe.cpus)
		fail(line, "1 to %d CPUs, and the crash on one of them", MAX_CPUS);
}

static void do_time(const struct line *line)
{
	need_words(line, 2, "time TIME");
	recipe.time = time_of(line, line->word[1]);
}

static uint64_t seconds(const struct line *line, const char *text)
{
	char *end;
	long double value = strtold(text, &end);

	if (*end || value < 0 || value > 1e9L)
		fail(line, "%s is not a number of seconds", text);
	return (uint64_t)(value * 10000000 + 0.5L);
}

static void do_uptime(const struct line *line)
{
	need_words(line, 2, "uptime SECONDS");
	recipe.uptime = seconds(line, line->word[1]);
}

static void do_bugcheck(const struct line *line)
{
	need_words(line, 6, "bugcheck CODE P1 P2 P3 P4");
	recipe.code = (uint32_t)number(line, line->word[1]);
	for (unsigned i = 0; i < 4; i++)
		recipe.parameter[i] = number(line, line->word[2 + i]);
}

static void do_let(const struct line *line)
{
	need_words(line, 3, "let NAME VALUE");
	define(line->word[1], number(line, line->word[2]));
}

static void do_module(const struct line *line)
{
	struct module *module = &recipe.module[recipe.modules];
	const char *dot;
	char *name;

	need_words(line, 4, "module NAME BASE SIZE [path=TEXT] [stamp=N] [checksum=N]");
	ONLY(line, 4, "path", "stamp", "checksum");
	if (recipe.modules == MAX_MODULES)
		fail(line, "more than %d modules", MAX_MODULES);
	module->name = line->word[1];
	module->base = number(line, line->word[2]);
	module->size = (uint32_t)number(line, line->word[3]);
	module->path = option(line, 4, "path");
	if (!module->path) {
		static const char folder[] = "\\SystemRoot\\System32\\drivers\\";
		char *path = keep(sizeof(folder) + strlen(module->name));

		strcpy(path, folder);
		module->path = strcat(path, module->name);
	}
	/* Stamps of today's system drivers are hashes; so is this one, and it stays the same. */
	module->stamp = 0x811c9dc5;
	for (const char *at = module->name; *at; at++)
		module->stamp = (module->stamp ^ (uint8_t)*at) * 0x01000193;
	module->stamp = (uint32_t)option_number(line, 4, "stamp", module->stamp);
	module->checksum = (uint32_t)option_number(line, 4, "checksum",
						   module->size + (module->stamp & 0xfff));
	dot = strrchr(module->name, '.');
	name = keep(strlen(module->name) + 1);
	memcpy(name, module->name, dot ? (size_t)(dot - module->name) : strlen(module->name));
	define(name, module->base);
	if (!recipe.modules)
		define("nt", module->base);
	recipe.modules++;
}

static void do_unloaded(const struct line *line)
{
	need_words(line, 4, "unloaded NAME START END");
	if (recipe.unloads == MAX_UNLOADED)
		fail(line, "more than %d unloaded drivers", MAX_UNLOADED);
	recipe.unloaded[recipe.unloads++] = (struct unloaded){
		line->word[1],
		number(line, line->word[2]),
		number(line, line->word[3]),
	};
}

static void do_process(const struct line *line)
{
	struct process *process = &recipe.process;

	need_words(line, 4, "process NAME ADDRESS pid=N ...");
	ONLY(line, 3, "pid", "ppid", "created", "peb", "file-object", "image", "dtb");
	process->name = line->word[1];
	process->address = number(line, line->word[2]);
	process->pid = option_number(line, 3, "pid", 4);
	process->ppid = option_number(line, 3, "ppid", 0);
	process->created = option_time(line, 3, "created", recipe.time - recipe.uptime);
	process->peb = option_number(line, 3, "peb", 0);
	process->file_object = option_number(line, 3, "file-object", 0);
	process->image = option_number(line, 3, "image", 0);
	process->dtb = option_number(line, 3, "dtb", 0x1ad000);
	define("process", process->address);
}

static void do_thread(const struct line *line)
{
	struct thread *thread = &recipe.thread;

	need_words(line, 2, "thread ADDRESS tid=N ...");
	ONLY(line, 2, "tid", "created", "teb", "stack-base", "stack-limit", "state");
	thread->address = number(line, line->word[1]);
	thread->tid = option_number(line, 2, "tid", 0x58);
	thread->created = option_time(line, 2, "created", recipe.time - recipe.uptime);
	thread->teb = option_number(line, 2, "teb", 0);
	thread->stack_base = option_number(line, 2, "stack-base", 0);
	thread->stack_limit = option_number(line, 2, "stack-limit", 0);
	thread->state = option_number(line, 2, "state", 2);
	define("thread", thread->address);
}

static unsigned cpu_number(const struct line *line, uint64_t cpu)
{
	if (cpu >= recipe.cpus)
		fail(line, "there is no CPU %llu", (unsigned long long)cpu);
	return (unsigned)cpu;
}

static void do_cpu(const struct line *line)
{
	struct cpu *cpu;

	need_words(line, 3, "cpu I NAME=VALUE...");
	ONLY(line, 2, "prcb", "context", "thread", "idle", "cr2", "cr3", "irql", "dpc-stack",
	     "isr-stack", "mhz");
	cpu = &recipe.cpu[cpu_number(line, number(line, line->word[1]))];
	cpu->prcb = option_number(line, 2, "prcb", cpu->prcb);
	cpu->context = option_number(line, 2, "context", cpu->context);
	cpu->thread = option_number(line, 2, "thread", cpu->thread);
	cpu->idle_thread = option_number(line, 2, "idle", cpu->idle_thread);
	cpu->cr2 = option_number(line, 2, "cr2", cpu->cr2);
	cpu->cr3 = option_number(line, 2, "cr3", cpu->cr3);
	cpu->irql = option_number(line, 2, "irql", cpu->irql);
	cpu->dpc_stack = option_number(line, 2, "dpc-stack", cpu->dpc_stack);
	cpu->isr_stack = option_number(line, 2, "isr-stack", cpu->isr_stack);
	cpu->mhz = option_number(line, 2, "mhz", cpu->mhz);
}

static void do_context(const struct line *line)
{
	/* Set when everything else is known, above all the stack. */
	recipe.cpu[cpu_number(line, option_number(line, 1, "cpu", recipe.crash_cpu))].context_line =
		line;
}

static void do_header(const struct line *line)
{
	header_set(line);
}

static void do_stack(const struct line *line)
{
	struct block *stack = &recipe.stack;
	uint64_t size;

	if (line->words == 1 && stack->limit) {
		set_target(&stack->data, 0, stack->limit);
		return;
	}
	need_words(line, 3, "stack ADDRESS size=N");
	ONLY(line, 2, "size");
	if (stack->limit)
		fail(line, "there is one saved stack; other stacks are memory");
	stack->address = number(line, line->word[1]);
	size = option_number(line, 2, "size", 0);
	if (size % 4 || size > MAX_BLOCK_SIZE)
		fail(line, "a stack's size is a multiple of 4 and at most 0x%x", MAX_BLOCK_SIZE);
	stack->limit = (size_t)size;
	put_zeros(&stack->data, stack->limit);
	define("stack", stack->address);
	set_target(&stack->data, 0, stack->limit);
}

static void do_memory(const struct line *line)
{
	uint64_t address, size;
	const char *name;
	struct block *block;

	need_words(line, 2, "memory ADDRESS [size=N] [as=NAME]");
	ONLY(line, 2, "size", "as");
	address = number(line, line->word[1]);
	size = option_number(line, 2, "size", 0);
	if (size > MAX_BLOCK_SIZE)
		fail(line, "a block is at most 0x%x bytes", MAX_BLOCK_SIZE);
	block = add_block(line, address, (size_t)size);
	name = option(line, 2, "as");
	if (name)
		define(name, address);
	set_target(&block->data, 0, block->limit);
}

/* A KSYSTEM_TIME: low, high, high again. */
static void store_system_time(uint8_t *at, uint64_t time)
{
	store(at, 8, time);
	store(at + 8, 4, time >> 32);
}

static void do_shared_data(const struct line *line)
{
	const char *bias = option(line, 1, "bias");
	struct block *block;
	uint64_t offset = 0;
	uint8_t *at;

	ONLY(line, 1, "bias");
	if (bias)
		offset = *bias == '-' ? 0 - seconds(line, bias + 1) : seconds(line, bias);
	block = add_block(line, 0xfffff78000000000, 0x360);
	at = block->data.data;
	store_system_time(at + 0x8, recipe.uptime);
	store_system_time(at + 0x14, recipe.time);
	store_system_time(at + 0x20, offset);
	memcpy(at + 0x30, "C\0:\0\\\0W\0i\0n\0d\0o\0w\0s\0", 20);
	store(at + 0x260, 4, recipe.real_build);
	store(at + 0x264, 4, 1);
	store(at + 0x26c, 4, 10);
	store(at + 0x2c4, 4, 3);
	store(at + 0x2d0, 4, 0x110);
	store(at + 0x320, 8, recipe.uptime / 156250);
}

static void end_etw(void)
{
	if (in_etw)
		etw_finish(&recipe.blob[recipe.blobs - 1].data);
	in_etw = false;
}

static struct blob *new_blob(const struct line *line, const char *tag)
{
	struct blob *blob = &recipe.blob[recipe.blobs];

	end_etw();
	if (recipe.blobs == MAX_BLOBS)
		fail(line, "more than %d blobs", MAX_BLOBS);
	recipe.blobs++;
	guid_of(line, tag, blob->guid);
	set_target(&blob->data, 0, 0);
	return blob;
}

static void do_blob(const struct line *line)
{
	need_words(line, 2, "blob GUID|NAME");
	new_blob(line, line->word[1]);
}

static void do_etw(const struct line *line)
{
	struct blob *blob = new_blob(line, "kernel-etw");

	etw_begin(line, &blob->data);
	in_etw = true;
	set_target(NULL, 0, 0);
}

static struct bytes *etw_blob(const struct line *line)
{
	if (!in_etw)
		fail(line, "%s belongs to etw", line->word[0]);
	return &recipe.blob[recipe.blobs - 1].data;
}

static void do_session(const struct line *line)
{
	etw_session(line, etw_blob(line));
	set_target(NULL, 0, 0);
}

static void do_event(const struct line *line)
{
	struct bytes *blob = etw_blob(line);

	etw_event(line, blob);
	set_target(blob, blob->size, 0);
}

static void do_damage(const struct line *line)
{
	need_words(line, 2, "damage patch|flip|zero|truncate|append ...");
}

static const struct statement {
	const char *name;
	void (*run)(const struct line *line);
	bool early; /* allowed before the build is known */
} statements[] = {
	{"dump", do_dump, true},        {"build", do_build, true},
	{"writer", do_writer, true},    {"cpus", do_cpus, true},
	{"time", do_time, true},        {"uptime", do_uptime, true},
	{"let", do_let, true},          {"bugcheck", do_bugcheck, false},
	{"module", do_module, false},   {"unloaded", do_unloaded, false},
	{"process", do_process, false}, {"thread", do_thread, false},
	{"cpu", do_cpu, false},         {"context", do_context, false},
	{"header", do_header, false},   {"stack", do_stack, false},
	{"memory", do_memory, false},   {"shared-data", do_shared_data, false},
	{"blob", do_blob, false},       {"etw", do_etw, false},
	{"session", do_session, false}, {"event", do_event, false},
	{"damage", do_damage, false},
};

static void run_line(const struct line *line)
{
	if (line->item) {
		if (!target.bytes)
			fail(line, "no block of memory, blob or event above this item");
		put_item(line, target.bytes, target.start, &target.cursor, target.limit);
		return;
	}
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		const struct statement *statement = &statements[i];

		if (strcmp(statement->name, line->word[0]) != 0)
			continue;
		if (!statement->early && !recipe.profile)
			fail(line, "dump and build come first");
		statement->run(line);
		return;
	}
	fail(line, "there is no statement \"%s\"", line->word[0]);
}

/* Everything a recipe may leave out. */
static void set_defaults(void)
{
	bool small = recipe.arch == ARCH_X86;

	recipe.cpus = 1;
	recipe.process = (struct process){.name = "System",
					  .address = small ? 0x851b6020 : 0xffffbd0ec54df040,
					  .pid = 4,
					  .dtb = small ? 0x185000 : 0x1ad000};
	recipe.thread = (struct thread){
		.address = small ? 0x851b5d48 : 0xffffbd0ec55a2040, .tid = 0x58, .state = 2};
	for (unsigned i = 0; i < MAX_CPUS; i++) {
		struct cpu *cpu = &recipe.cpu[i];

		cpu->prcb = small ? 0x807c4120 + i * UINT64_C(0x5000)
				  : 0xffffe480b0de3180 + i * UINT64_C(0xba000);
		cpu->mhz = 2496;
	}
}

static void default_registers(unsigned i)
{
	struct cpu *cpu = &recipe.cpu[i];
	bool crashed = i == recipe.crash_cpu;
	uint64_t pc = recipe.module[0].base +
		      (crashed ? recipe.profile->bugcheck_at : recipe.profile->idle_at);
	uint64_t sp = crashed                   ? recipe.stack.address
		      : recipe.arch == ARCH_X86 ? 0x807f2d20 + i * UINT64_C(0x8000)
						: 0xffff8a8c5d42f5f8 + i * UINT64_C(0x10000);
	uint8_t *at;

	put_zeros(&cpu->registers, context_size());
	at = cpu->registers.data;
	context_defaults(at);
	store(at + (recipe.arch == ARCH_X64     ? 0xf8
		    : recipe.arch == ARCH_ARM64 ? 0x108
						: 0xb8),
	      pointer_size(), pc);
	store(at + (recipe.arch == ARCH_X64     ? 0x98
		    : recipe.arch == ARCH_ARM64 ? 0x100
						: 0xc4),
	      pointer_size(), sp);
}

/* What depends on other statements. */
static void complete(const struct line *last)
{
	end_etw();
	if (!recipe.profile || !recipe.modules || !recipe.time)
		fail(last, "a recipe needs dump, build, time and at least one module");
	if (!recipe.process.created)
		recipe.process.created = recipe.time - recipe.uptime;
	if (!recipe.thread.created)
		recipe.thread.created = recipe.process.created;
	if (!recipe.thread.stack_base) {
		uint64_t top = recipe.stack.address + recipe.stack.limit;

		recipe.thread.stack_base = (top + 0xfff) & ~UINT64_C(0xfff);
		recipe.thread.stack_limit = recipe.thread.stack_base - 0x6000;
	}
	define("process", recipe.process.address);
	define("thread", recipe.thread.address);
	for (unsigned i = 0; i < recipe.cpus; i++) {
		struct cpu *cpu = &recipe.cpu[i];
		char name[16];

		snprintf(name, sizeof(name), "prcb%u", i);
		define(name, cpu->prcb);
		if (!cpu->idle_thread)
			cpu->idle_thread = cpu->prcb + 0xb1c0;
		if (!cpu->context)
			cpu->context = recipe.arch == ARCH_ARM64
					       ? cpu->prcb + kdbg_value(recipe.profile, 0x2bc)
				       : recipe.arch == ARCH_X64 ? cpu->prcb + 0x1a250
								 : cpu->prcb + 0x18;
		if (!cpu->cr3)
			cpu->cr3 = i == recipe.crash_cpu ? recipe.process.dtb : 0x1ad000;
		cpu->idle = i != recipe.crash_cpu && !cpu->context_line;
		if (!cpu->thread)
			cpu->thread =
				i == recipe.crash_cpu ? recipe.thread.address : cpu->idle_thread;
		default_registers(i);
		if (cpu->context_line)
			context_set(cpu->context_line, 1, cpu->registers.data);
	}
}

static size_t file_offset(const struct line *line, const char *word, size_t count, size_t size)
{
	uint64_t at = number(line, word);

	if (at > size || count > size - at)
		fail(line, "0x%zx bytes at 0x%llx are not in the file (0x%zx)", count,
		     (unsigned long long)at, size);
	return (size_t)at;
}

static void do_harm(const struct line *line, struct bytes *file)
{
	const char *what = line->word[1];

	if (strcmp(what, "patch") == 0 && line->words >= 5) {
		struct line item = *line; /* its words from the third on are an item */
		struct bytes bytes = {0};
		size_t cursor = 0;

		item.word += 3;
		item.words -= 3;
		put_item(&item, &bytes, 0, &cursor, 0);
		memcpy(file->data + file_offset(line, line->word[2], bytes.size, file->size),
		       bytes.data, bytes.size);
	} else if (strcmp(what, "flip") == 0 && line->words == 4) {
		file->data[file_offset(line, line->word[2], 1, file->size)] ^=
			(uint8_t)(1U << (number(line, line->word[3]) & 7));
	} else if (strcmp(what, "zero") == 0 && line->words == 2) {
		memset(file->data, 0, file->size);
	} else if (strcmp(what, "zero") == 0 && line->words == 4) {
		size_t count = file_offset(line, line->word[3], 0, file->size);

		memset(file->data + file_offset(line, line->word[2], count, file->size), 0, count);
	} else if (strcmp(what, "truncate") == 0 && line->words == 3) {
		file->size = file_offset(line, line->word[2], 0, file->size);
	} else if (strcmp(what, "append") == 0 && line->words == 3) {
		uint64_t count = number(line, line->word[2]);

		if (count > MAX_BLOCK_SIZE)
			fail(line, "at most 0x%x bytes", MAX_BLOCK_SIZE);
		put_zeros(file, (size_t)count);
		memset(file->data + file->size - count, 0xcc, (size_t)count);
	} else {
		fail(line,
		     "damage patch AT ITEM... | flip AT BIT | zero [AT COUNT] | truncate SIZE "
		     "| append COUNT");
	}
}

int main(int argc, char **argv)
{
	struct bytes file = {0};
	struct line *lines;
	size_t count;
	FILE *out;

	if (argc != 3) {
		fputs("usage: mkdump RECIPE OUTPUT\n", stderr);
		return 2;
	}
	lines = read_recipe(argv[1], &count);
	if (!count)
		fail(&(struct line){.file = argv[1], .number = 1}, "the recipe is empty");
	/* Twice, because a name may be used before the line that defines it. */
	for (int pass = 0; pass < 2; pass++) {
		memset(&recipe, 0, sizeof(recipe));
		set_target(NULL, 0, 0);
		in_etw = false;
		if (pass == 1)
			names_are_final();
		set_defaults();
		for (size_t i = 0; i < count; i++)
			run_line(&lines[i]);
		complete(&lines[count - 1]);
	}
	write_dump(&lines[count - 1], &file);
	for (size_t i = 0; i < count; i++)
		if (strcmp(lines[i].word[0], "damage") == 0)
			do_harm(&lines[i], &file);
	out = fopen(argv[2], "wb");
	if (!out || fwrite(file.data, 1, file.size, out) != file.size || fclose(out) != 0) {
		fprintf(stderr, "mkdump: cannot write %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	return 0;
}
