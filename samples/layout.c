/* The recipe becomes a file: header, triage block, areas, data blocks, secondary data. */
#include "mkdump.h"

#include <stdio.h>
#include <string.h>

struct piece {
	uint64_t address;
	struct bytes data;
};

struct pieces {
	struct piece piece[MAX_BLOCKS + 4 * MAX_CPUS + 8];
	unsigned count;
};

/* File offsets of the areas, and what the triage block says of their sizes. */
struct areas {
	size_t mm, unloaded, prcb, process, thread, stack, kdbg, drivers, strings, strings_size;
	size_t blocks, valid, end;
	unsigned block_count;
};

static const struct field header_64[] = {
	{"major", 0x8, 4},
	{"minor", 0xc, 4},
	{"dtb", 0x10, 8},
	{"machine", 0x30, 4},
	{"processors", 0x34, 4},
	{"kdbg", 0x80, 8},
	{"exception-code", 0xf00, 4},
	{"dump-type", 0xf98, 4},
	{"required", 0xfa0, 8},
	{"system-time", 0xfa8, 8},
	{"uptime", 0x1030, 8},
	{"fields", 0x1038, 4},
	{"product", 0x1040, 4},
	{"suite", 0x1044, 4},
	{"writer-status", 0x1048, 4},
	{"attributes", 0x1050, 4},
	{"boot-id", 0x1054, 4},
	{NULL, 0, 0},
};

static const struct field header_32[] = {
	{"major", 0x8, 4},
	{"minor", 0xc, 4},
	{"dtb", 0x10, 4},
	{"machine", 0x20, 4},
	{"processors", 0x24, 4},
	{"pae", 0x5c, 1},
	{"kdbg", 0x60, 4},
	{"exception-code", 0x7d0, 4},
	{"attributes", 0x8a0, 4},
	{"boot-id", 0x8a4, 4},
	{"dump-type", 0xf88, 4},
	{"fields", 0xf8c, 4},
	{"product", 0xf94, 4},
	{"suite", 0xf98, 4},
	{"writer-status", 0xf9c, 4},
	{"required", 0xfa0, 8},
	{"uptime", 0xfb8, 8},
	{"system-time", 0xfc0, 8},
	{NULL, 0, 0},
};

static bool wide(void)
{
	return recipe.arch != ARCH_X86;
}

static size_t header_size(void)
{
	return wide() ? 0x2000 : 0x1000;
}

static uint64_t kernel_base(void)
{
	return recipe.module[0].base;
}

static uint64_t kdbg_pointer(uint16_t at)
{
	return kernel_base() + kdbg_value(recipe.profile, at);
}

static uint64_t sign_extended(uint64_t address)
{
	return wide() || !(address & 0x80000000) ? address : address | 0xffffffff00000000;
}

void header_set(const struct line *line)
{
	const struct field *fields = wide() ? header_64 : header_32;

	for (unsigned i = 1; i < line->words; i++) {
		const struct field *field = fields;
		struct override *override = &recipe.header[recipe.overrides];
		const char *value = NULL;

		while (field->name && !(value = option(line, i, field->name)))
			field++;
		if (!value || value < line->word[i] ||
		    value > line->word[i] + strlen(line->word[i]))
			fail(line, "the header has no \"%s\"", line->word[i]);
		if (recipe.overrides == sizeof(recipe.header) / sizeof(recipe.header[0]))
			fail(line, "too many header values");
		recipe.overrides++;
		*override = (struct override){field->at, (uint8_t)field->size, number(line, value)};
	}
}

/* --- the areas of the crashing CPU --- */

static struct bytes prcb_bytes(unsigned cpu)
{
	const struct profile *profile = recipe.profile;
	const struct cpu *of = &recipe.cpu[cpu];
	unsigned pointer = pointer_size();
	uint8_t *prcb, *special;
	struct bytes bytes = {0};

	put_zeros(&bytes, kdbg_value(profile, 0x2b0));
	prcb = bytes.data;
	special = prcb + kdbg_value(profile, 0x2f2);
	if (recipe.arch == ARCH_X64) {
		store(prcb, 4, 0x1f80);
		store(prcb + 4, 1, cpu);
		store(special, 8, 0x80050033);
		store(special + 0x8, 8, of->cr2);
		store(special + 0x10, 8, of->cr3);
		store(special + 0x18, 8, 0x350ef8);
		store(special + 0xa0, 8, of->irql);
	} else if (recipe.arch == ARCH_X86) {
		store(special, 4, 0x8001003b);
		store(special + 0x4, 4, of->cr2);
		store(special + 0x8, 4, of->cr3);
		store(special + 0xc, 4, 0x6f9);
	}
	store(prcb + kdbg_value(profile, 0x2b4), pointer, of->thread);
	store(prcb + profile->idle_thread, pointer, of->idle_thread);
	store(prcb + kdbg_value(profile, 0x2be), 4, cpu);
	store(prcb + kdbg_value(profile, 0x2b6), 4, of->mhz);
	if (recipe.arch != ARCH_ARM64)
		memcpy(prcb + kdbg_value(profile, 0x2ba), "GenuineIntel", 12);
	store(prcb + kdbg_value(profile, 0x338), pointer, of->context);
	if (profile->kdbg_size > 0x350) {
		store(prcb + kdbg_value(profile, 0x354), 8, of->dpc_stack);
		store(prcb + kdbg_value(profile, 0x356), 8, of->isr_stack);
	}
	/* On ARM64 the context lies inside the block itself. */
	if (recipe.arch == ARCH_ARM64)
		memcpy(prcb + kdbg_value(profile, 0x2bc), of->registers.data, of->registers.size);
	return bytes;
}

static void put_process(const struct line *last, struct bytes *out)
{
	const struct profile *profile = recipe.profile;
	const struct process *process = &recipe.process;
	unsigned pointer = pointer_size();
	size_t size = kdbg_value(profile, 0x2a8);
	struct bytes name = {0};
	uint8_t *at;

	put_zeros(out, size);
	at = out->data + out->size - size;
	store(at, 1, 3);
	store(at + 8, pointer, process->address + 8);
	store(at + 8 + pointer, pointer, process->address + 8);
	store(at + kdbg_value(profile, 0x2ae), pointer, process->dtb);
	store(at + profile->process_pid, pointer, process->pid);
	store(at + profile->process_pid + pointer, pointer,
	      process->address + 0x2180 + profile->process_pid + pointer);
	store(at + profile->process_pid + 2 * pointer, pointer, kdbg_pointer(0x50));
	store(at + profile->process_created, 8, process->created);
	store(at + kdbg_value(profile, 0x2ac), pointer, process->ppid);
	store(at + kdbg_value(profile, 0x2aa), pointer, process->peb);
	put_ascii(last, &name, process->name);
	memcpy(at + profile->process_name, name.data, name.size < 14 ? name.size : 14);
	if (profile->build > 9600) {
		store(at + profile->process_name - 8, 8, process->file_object);
		store(at + profile->process_name + 0x18, 8, process->image);
	}
}

static void put_thread(struct bytes *out)
{
	const struct profile *profile = recipe.profile;
	const struct thread *thread = &recipe.thread;
	unsigned pointer = pointer_size();
	size_t size = kdbg_value(profile, 0x2c0);
	uint8_t *at;

	put_zeros(out, size);
	at = out->data + out->size - size;
	store(at, 1, 6);
	store(at + 8, pointer, thread->address + 8);
	store(at + 8 + pointer, pointer, thread->address + 8);
	store(at + kdbg_value(profile, 0x29e), pointer, thread->stack_base - 0x370);
	store(at + kdbg_value(profile, 0x29c), pointer, thread->stack_base - 0xc00);
	if (wide()) {
		store(at + kdbg_value(profile, 0x340), 8, thread->stack_limit);
		store(at + kdbg_value(profile, 0x344), 8, thread->stack_base);
	} else {
		store(at + 0x2c, 4, thread->stack_limit);
	}
	store(at + kdbg_value(profile, 0x2a0), pointer, recipe.process.address);
	store(at + kdbg_value(profile, 0x29a), pointer, thread->teb);
	store(at + kdbg_value(profile, 0x2a2), 1, thread->state);
	store(at + profile->thread_created, 8, thread->created);
	/* An idle thread is the System process's, but its client id is 0, 0. */
	store(at + profile->thread_cid, pointer, thread->tid ? recipe.process.pid : 0);
	store(at + profile->thread_cid + pointer, pointer, thread->tid);
}

static void put_kdbg(struct bytes *out)
{
	const struct profile *profile = recipe.profile;
	uint8_t *at;

	put_zeros(out, profile->kdbg_size);
	at = out->data + out->size - profile->kdbg_size;
	memcpy(at + 0x10, "KDBG", 4);
	store(at + 0x14, 4, profile->kdbg_size);
	store(at + 0x18, 8, sign_extended(kernel_base()));
	for (const struct kdbg_value *value = profile->kdbg; value->at; value++)
		store(at + value->at, value->size,
		      value->kernel_relative ? sign_extended(kernel_base() + value->value)
					     : value->value);
	if (recipe.writer == WRITER_KERNEL) { /* seen: the selectors' privilege bits are masked */
		store(at + 0x2fa, 2, 0x30);
		store(at + 0x2fc, 2, 0x28);
		store(at + 0x304, 2, 0x20);
		store(at + 0x306, 2, 0x50);
	}
}

static void put_unloaded(struct bytes *out)
{
	put(out, wide() ? 8 : 4, recipe.unloads);
	for (unsigned i = 0; i < recipe.unloads; i++) {
		const struct unloaded *unloaded = &recipe.unloaded[i];
		size_t length = strlen(unloaded->name);
		unsigned pointer = pointer_size();

		if (length > 12)
			length = 12;
		put(out, 2, 2 * length);
		put(out, 2, 2 * length);
		put(out, pointer == 8 ? 4 : 0, 0);
		put(out, pointer, 0);
		for (size_t k = 0; k < 12; k++)
			put(out, 2, k < length ? (uint8_t)unloaded->name[k] : 0);
		put(out, pointer, unloaded->start);
		put(out, pointer, unloaded->end);
	}
}

/* --- drivers, strings, data blocks --- */

static void put_drivers(const struct line *last, struct bytes *out, struct areas *areas)
{
	size_t stride = wide() ? 0x90 : 0x4c;
	struct bytes strings = {0};

	areas->drivers = out->size;
	put_zeros(out, stride * recipe.modules);
	pad_to(out, 8);
	areas->strings = out->size;
	for (unsigned i = 0; i < recipe.modules; i++) {
		const struct module *module = &recipe.module[i];
		uint8_t *entry = out->data + areas->drivers + i * stride;
		struct bytes name = {0};

		put_utf16(last, &name,
			  recipe.writer == WRITER_KERNEL ? module->name : module->path);
		store(entry, 4, areas->strings + strings.size);
		if (wide()) {
			store(entry + 0x38, 8, module->base);
			store(entry + 0x48, 4, module->size);
			store(entry + 0x80, 4, module->checksum);
			store(entry + 0x88, 4, module->stamp);
		} else {
			store(entry + 4 + 0x18, 4, module->base);
			store(entry + 4 + 0x20, 4, module->size);
			store(entry + 4 + 0x40, 4, module->checksum);
			store(entry + 4 + 0x44, 4, module->stamp);
		}
		put(&strings, 4, name.size / 2);
		put_data(&strings, name.data, name.size);
		put(&strings, 2, 0);
		pad_to(&strings, 8);
	}
	if (recipe.writer == WRITER_KERNEL) /* its pools are larger than what is in them */
		put_zeros(&strings, 0x498);
	areas->strings_size = strings.size;
	put_data(out, strings.data, strings.size);
}

static struct bytes *add_piece(struct pieces *pieces, uint64_t address)
{
	struct piece *piece = &pieces->piece[pieces->count++];

	*piece = (struct piece){.address = address};
	return &piece->data;
}

/* What Windows itself puts there; the recipe's own memory comes after it. */
static void add_own_pieces(struct pieces *pieces)
{
	const struct profile *profile = recipe.profile;
	struct bytes *data = add_piece(pieces, kdbg_pointer(0x248));

	put_zeros(data, 0x9c);
	if (recipe.writer == WRITER_KERNEL)
		return;
	data = add_piece(pieces, kdbg_pointer(0x208));
	put_data(data, recipe.lab, strlen(recipe.lab));
	put_zeros(data, 0x100 - strlen(recipe.lab));
	if (recipe.writer == WRITER_WIN81)
		return;
	if (recipe.arch == ARCH_ARM64) {
		data = add_piece(pieces, kdbg_pointer(0x88));
		put(data, 8, recipe.code);
		for (unsigned i = 0; i < 4; i++)
			put(data, 8, recipe.parameter[i]);
	}
	data = add_piece(pieces, kdbg_pointer(0x218));
	for (unsigned i = 0; i < recipe.cpus; i++)
		put(data, pointer_size(), recipe.cpu[i].prcb);
	for (unsigned i = 0; i < recipe.cpus; i++) {
		const struct cpu *cpu = &recipe.cpu[i];

		*add_piece(pieces, cpu->prcb) = prcb_bytes(i);
		if (recipe.arch != ARCH_ARM64)
			*add_piece(pieces, cpu->context) = cpu->registers;
		if (cpu->idle) {
			uint8_t *idle;

			data = add_piece(pieces, context_sp(cpu->registers.data));
			put_zeros(data, 0xa08);
			idle = data->data;
			store(idle + 0x5a0, pointer_size(), kernel_base() + profile->idle_loop);
		}
	}
	if (recipe.stack.data.size)
		add_piece(pieces, recipe.stack.address)[0] = recipe.stack.data;
}

static void put_pieces(struct bytes *out, struct areas *areas)
{
	static struct pieces pieces;
	size_t at;

	pieces.count = 0;
	add_own_pieces(&pieces);
	for (unsigned i = 0; i < recipe.blocks; i++)
		if (recipe.block[i].data.size)
			*add_piece(&pieces, recipe.block[i].address) = recipe.block[i].data;
	areas->blocks = out->size;
	areas->block_count = pieces.count;
	at = out->size + 16 * pieces.count;
	for (unsigned i = 0; i < pieces.count; i++) {
		put(out, 8, sign_extended(pieces.piece[i].address));
		put(out, 4, at);
		put(out, 4, pieces.piece[i].data.size);
		at += pieces.piece[i].data.size;
	}
	for (unsigned i = 0; i < pieces.count; i++)
		put_data(out, pieces.piece[i].data.data, pieces.piece[i].data.size);
}

static void put_mm(struct bytes *out)
{
	put(out, 4, 1);
	put(out, 4, 0x50);
	put_zeros(out, 0x10);
	if (recipe.writer == WRITER_KERNEL) {
		static const uint32_t pages[] = {0x29567,  0x1000,   0x11641, 0x322f60,
						 0x49eaee, 0xfec8bb, 0,       0};

		for (unsigned i = 0; i < 7; i++)
			put(out, 8, pages[i]);
	} else {
		put_zeros(out, 0x38);
	}
}

static void put_secondary(struct bytes *out)
{
	if (!recipe.blobs)
		return;
	put_data(out, "DumpBlob", 8);
	put(out, 4, 0x10);
	put(out, 4, 0xf0000000 | recipe.profile->build);
	for (unsigned i = 0; i < recipe.blobs; i++) {
		const struct blob *blob = &recipe.blob[i];
		size_t pad = recipe.writer == WRITER_KERNEL ? 0 : (8 - blob->data.size % 8) % 8;

		put(out, 4, 0x20);
		put_data(out, blob->guid, 16);
		put(out, 4, blob->data.size);
		put(out, 4, 0);
		put(out, 4, pad);
		put_data(out, blob->data.data, blob->data.size);
		put_zeros(out, pad);
	}
	if (recipe.writer == WRITER_KERNEL)
		put_zeros(out, 0x200);
}

static void put_areas(const struct line *last, struct bytes *out, struct areas *areas)
{
	struct bytes prcb = prcb_bytes(recipe.crash_cpu);
	bool by_kernel = recipe.writer == WRITER_KERNEL;

	areas->mm = out->size;
	put_mm(out);
	if (!by_kernel) {
		areas->unloaded = out->size;
		put_unloaded(out);
	}
	areas->prcb = out->size;
	put_data(out, prcb.data, prcb.size);
	areas->process = out->size;
	put_process(last, out);
	areas->thread = out->size;
	put_thread(out);
	areas->stack = out->size;
	put_data(out, recipe.stack.data.data, recipe.stack.data.size);
	pad_to(out, 8);
	areas->kdbg = out->size;
	put_kdbg(out);
	if (by_kernel) {
		areas->unloaded = out->size;
		put_unloaded(out);
		put_zeros(out, (size_t)(MAX_UNLOADED - recipe.unloads) * (wide() ? 0x38 : 0x28));
	}
	put_drivers(last, out, areas);
	put_pieces(out, areas);
	if (recipe.writer == WRITER_WIN81) {
		size_t fixed = wide() ? 0x40000 : 0x20000;

		if (out->size + 4 > fixed)
			fail(last, "this writer's dumps end at 0x%zx; 0x%zx are needed", fixed,
			     out->size + 4);
		put_zeros(out, fixed - 4 - out->size);
	} else {
		pad_to(out, 4);
		put_zeros(out, 0x20);
	}
	areas->valid = out->size;
	put_data(out, "TRGD", 4);
	areas->end = out->size;
}

/* --- header and triage block --- */

static void fill_triage(uint8_t *at, const struct areas *areas)
{
	unsigned shift = wide() ? 0 : 0x18; /* of the fields from DebuggerDataOffset on */

	store(at + 0x04, 4, areas->end);
	store(at + 0x08, 4, areas->valid);
	store(at + 0x0c, 4, wide() ? 0x348 : 0x320);
	store(at + 0x10, 4, wide() ? 0xf00 : 0x7d0);
	store(at + 0x14, 4, areas->mm);
	store(at + 0x18, 4, areas->unloaded);
	store(at + 0x1c, 4, areas->prcb);
	store(at + 0x20, 4, areas->process);
	store(at + 0x24, 4, areas->thread);
	store(at + 0x28, 4, areas->stack);
	store(at + 0x2c, 4, recipe.stack.data.size);
	store(at + 0x30, 4, areas->drivers);
	store(at + 0x34, 4, recipe.modules);
	store(at + 0x38, 4, areas->strings);
	store(at + 0x3c, 4, areas->strings_size);
	store(at + 0x44, 4, recipe.writer == WRITER_KERNEL ? 0x41 : 0xffffffff);
	store(at + 0x48, pointer_size(), recipe.stack.address);
	store(at + 0x70 - shift, 4, areas->kdbg);
	store(at + 0x74 - shift, 4, recipe.profile->kdbg_size);
	store(at + 0x78 - shift, 4, areas->blocks);
	store(at + 0x7c - shift, 4, areas->block_count);
}

static void fill_header_64(uint8_t *at, size_t file_size)
{
	const struct bytes *registers = &recipe.cpu[recipe.crash_cpu].registers;
	bool by_kernel = recipe.writer == WRITER_KERNEL;

	memcpy(at, "PAGEDU64", 8);
	store(at + 0x8, 4, 0xf);
	store(at + 0xc, 4, recipe.profile->build);
	store(at + 0x10, 8, recipe.process.dtb);
	store(at + 0x18, 8, by_kernel ? 0xfffff38000000000 : kdbg_pointer(0xc0));
	store(at + 0x20, 8, kdbg_pointer(0x48));
	store(at + 0x28, 8, kdbg_pointer(0x50));
	store(at + 0x30, 4, recipe.arch == ARCH_X64 ? 0x8664 : 0xaa64);
	store(at + 0x34, 4, recipe.cpus);
	store(at + 0x38, 4, recipe.code);
	for (unsigned i = 0; i < 4; i++)
		store(at + 0x40 + 8 * i, 8, recipe.parameter[i]);
	store(at + 0x80, 8, kernel_base() + recipe.profile->kdbg_at);
	memcpy(at + 0x348, registers->data, registers->size);
	if (!by_kernel)
		memset(at + 0x348 + registers->size, 0, 3000 - registers->size);
	store(at + 0xf00, 4, 0x80000003);
	store(at + 0xf04, 4, 1);
	store(at + 0xf08, 8, 0);
	store(at + 0xf10, 8, kernel_base() + recipe.profile->bugcheck_at);
	store(at + 0xf18, 4, 0);
	store(at + 0xf98, 4, 4);
	store(at + 0xfa0, 8, file_size + (recipe.writer == WRITER_EXTRACTED ? 0x4d1c8 : 0));
	store(at + 0xfa8, 8, recipe.time);
	store(at + 0x1030, 8, recipe.uptime);
	store(at + 0x1038, 4, by_kernel ? 0xdff : 0xcff);
	store(at + 0x1040, 4, 1);
	store(at + 0x1044, 4, 0x110);
	if (by_kernel) {
		memset(at + 0x60, 0, 32);
		memset(at + 0x88, 0, 0x30);
		store(at + 0x88, 4, 2);
		store(at + 0x90, 8, 0x3ef);
		store(at + 0x98, 8, 0x1);
		store(at + 0xa0, 8, 0x9e);
		store(at + 0xa8, 8, 0x100);
		store(at + 0xb0, 8, 0x351);
		store(at + 0x103c, 4, 0);
		store(at + 0x1050, 4, 0xc);
		store(at + 0x1054, 4, 3);
	} else {
		store(at + 0x1048, 4, 0);
		store(at + 0x104d, 1, 0);
	}
}

static void fill_header_32(uint8_t *at, size_t file_size)
{
	const struct bytes *registers = &recipe.cpu[recipe.crash_cpu].registers;

	memcpy(at, "PAGEDUMP", 8);
	store(at + 0x8, 4, 0xf);
	store(at + 0xc, 4, recipe.profile->build);
	store(at + 0x10, 4, recipe.process.dtb);
	store(at + 0x14, 4, kdbg_pointer(0xc0));
	store(at + 0x18, 4, kdbg_pointer(0x48));
	store(at + 0x1c, 4, kdbg_pointer(0x50));
	store(at + 0x20, 4, 0x14c);
	store(at + 0x24, 4, recipe.cpus);
	store(at + 0x28, 4, recipe.code);
	for (unsigned i = 0; i < 4; i++)
		store(at + 0x2c + 4 * i, 4, recipe.parameter[i]);
	store(at + 0x5c, 1, 1);
	store(at + 0x60, 4, kernel_base() + recipe.profile->kdbg_at);
	memcpy(at + 0x320, registers->data, registers->size);
	memset(at + 0x320 + registers->size, 0, 1200 - registers->size);
	store(at + 0x7d0, 4, 0x80000003);
	store(at + 0x7d4, 4, 1);
	store(at + 0x7d8, 4, 0);
	store(at + 0x7dc, 4, kernel_base() + recipe.profile->bugcheck_at);
	store(at + 0x7e0, 4, 0);
	store(at + 0xf88, 4, 4);
	store(at + 0xf8c, 4, 0xcff);
	store(at + 0xf94, 4, 1);
	store(at + 0xf98, 4, 0x110);
	store(at + 0xf9c, 4, 0);
	store(at + 0xfa0, 8, file_size);
	store(at + 0xfb8, 8, recipe.uptime);
	store(at + 0xfc0, 8, recipe.time);
}

static void define_areas(const struct areas *areas, size_t end)
{
	const struct {
		const char *name;
		size_t at;
	} names[] = {
		{"file.triage", header_size()},     {"file.mm", areas->mm},
		{"file.unloaded", areas->unloaded}, {"file.prcb", areas->prcb},
		{"file.process", areas->process},   {"file.thread", areas->thread},
		{"file.stack", areas->stack},       {"file.kdbg", areas->kdbg},
		{"file.drivers", areas->drivers},   {"file.strings", areas->strings},
		{"file.blocks", areas->blocks},     {"file.valid", areas->valid},
		{"file.secondary", areas->end},     {"file.end", end},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		define(names[i].name, names[i].at);
}

void write_dump(const struct line *last, struct bytes *out)
{
	struct areas areas = {0};

	put_zeros(out, header_size());
	for (size_t i = 0; i < header_size(); i += 4)
		memcpy(out->data + i, "PAGE", 4);
	put_zeros(out, wide() ? 0x80 : 0x68);
	put_areas(last, out, &areas);
	put_secondary(out);
	fill_triage(out->data + header_size(), &areas);
	if (wide())
		fill_header_64(out->data, out->size);
	else
		fill_header_32(out->data, out->size);
	for (unsigned i = 0; i < recipe.overrides; i++)
		store(out->data + recipe.header[i].at, recipe.header[i].size,
		      recipe.header[i].value);
	define_areas(&areas, out->size);
}
