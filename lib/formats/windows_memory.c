/* Everything of a small dump that has an address: the saved stack, the crashing processor's control
 * block, process, thread, debugger data, and the data blocks, in which the other processors are.
 * windows-dumps.md 3.1, 3.3, 4.1 and 4.3. */
#include "windows_kernel.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	BLOCK_SIZE = 16,       /* TRIAGE_DATA_BLOCK, both widths. 3.3 */
	KDBG_TAG = 0x4742444b, /* "KDBG" */
	KDBG_MAX = 0x1000,
	IRQL_MAX = 15,
	STACK_RANGES = 1024,     /* pieces followed for one processor's stack */
	STACK_MAX = 0x20000,     /* more than any kernel stack */
	INTERRUPT_STACK = 0x8000 /* more than a DPC or ISR stack */
};

/* 4.1. Bounded by the block's own Size: later fields exist only in later kernels. */
static void read_layout(struct kernel_dump *k)
{
	struct triage *t = &k->triage;
	struct layout *l = &k->layout;
	uint64_t size = t->debugger_size < KDBG_MAX ? t->debugger_size : KDBG_MAX;
	struct cursor c = windows_area(k, t->debugger, size, "debugger data block");

	if (cursor_u32_at(&c, 0x10) != KDBG_TAG) {
		k->dump->partial = true;
		if (k->missing_count && c.size < 0x14)
			return;
		dump_problem_at(k->dump, "no-debugger-data", t->debugger,
				"the debugger data block is missing or damaged: the current "
				"process, thread and processors cannot be located");
		return;
	}
	uint32_t said = cursor_u32_at(&c, 0x14);
	if (said < c.size)
		c = cursor_slice(&c, 0, said, "debugger data block");
	k->debugger_data = c;
	l->processor_table = windows_address(k, cursor_u64_at(&c, 0x218));
	l->thread_process = cursor_u16_at(&c, 0x2a0);
	l->process_size = cursor_u16_at(&c, 0x2a8);
	l->process_peb = cursor_u16_at(&c, 0x2aa);
	l->process_parent = cursor_u16_at(&c, 0x2ac);
	l->processor_size = cursor_u16_at(&c, 0x2b0);
	l->processor_thread = cursor_u16_at(&c, 0x2b4);
	l->processor_number = cursor_u16_at(&c, 0x2be);
	l->thread_size = cursor_u16_at(&c, 0x2c0);
	l->processor_in_pcr = cursor_u16_at(&c, 0x2e6);
	l->processor_registers = cursor_u16_at(&c, 0x2f2);
	l->processor_context = cursor_u16_at(&c, 0x338);
	l->thread_stack_limit = cursor_u32_at(&c, 0x340);
	l->thread_stack_base = cursor_u32_at(&c, 0x344);
}

/* One block of the table into the space of blocks; false if it is not in the file. */
static bool block_add(struct kernel_dump *k, struct cursor *table, uint64_t *left)
{
	uint64_t address = windows_address(k, cursor_u64(table));
	uint64_t offset = cursor_u32(table), size = cursor_u32(table);

	if (size == 0)
		return true;
	uint64_t have = offset < k->file.size ? k->file.size - offset : 0;
	if (offset < k->body || have == 0 || address + size < address)
		return false;
	bool whole = size <= have;
	if (!whole)
		size = have;
	/* Real blocks do not share bytes, so all of them together fit into the file. */
	if (size > *left)
		return false;
	*left -= size;
	struct cursor c = cursor_slice(&k->file, offset, size, "data block");
	space_add(k->blocks, address, size, c.data, offset, PIECE_DATA);
	return whole;
}

/* Numbers of the blocks that were dropped or cut, as far as they fit. */
struct bad_blocks {
	uint64_t count;
	char numbers[64];
	size_t length;
};

static void bad_block(struct bad_blocks *bad, uint64_t number)
{
	size_t room = sizeof(bad->numbers) - bad->length;

	int n = snprintf(bad->numbers + bad->length, room, "%s%" PRIu64, bad->count ? ", " : "",
			 number);
	if (n > 0 && (size_t)n < room)
		bad->length += (size_t)n;
	else
		bad->numbers[bad->length] = '\0';
	bad->count++;
}

static void report_bad_blocks(struct kernel_dump *k, const struct bad_blocks *bad, uint64_t count)
{
	if (bad->count == 0)
		return;
	k->dump->partial = true;
	if (windows_truncated(k)) {
		windows_missing(k, arena_printf(k->dump->arena,
						"%" PRIu64 " of %" PRIu64 " data blocks",
						bad->count, count));
		return;
	}
	dump_problem_at(k->dump, "bad-offset", k->triage.blocks,
			"%" PRIu64 " of %" PRIu64
			" data blocks lie outside the file or claim its bytes several times "
			"(from 0: %s%s)",
			bad->count, count, bad->numbers,
			bad->length + 8 > sizeof(bad->numbers) ? " ..." : "");
}

static void read_blocks(struct kernel_dump *k)
{
	struct triage *t = &k->triage;
	struct bad_blocks bad = {0};
	uint64_t left = k->file.size;
	struct cursor c = windows_area(k, t->blocks, (uint64_t)t->block_count * BLOCK_SIZE,
				       "table of data blocks");
	uint64_t count = c.size / BLOCK_SIZE;

	if (t->block_count > LIMIT_PIECES) {
		dump_problem_at(k->dump, "limit", t->blocks,
				"the dump counts %u data blocks; culprit reads %d at most",
				t->block_count, LIMIT_PIECES);
		count = count < LIMIT_PIECES ? count : LIMIT_PIECES;
	}
	for (uint64_t i = 0; i < count; i++)
		if (!block_add(k, &c, &left))
			bad_block(&bad, i);
	if (t->page && t->page_size) {
		c = windows_area(k, t->page, t->page_size, "data page");
		space_add(k->blocks, t->page_address, c.size, c.data, t->page, PIECE_DATA);
	}
	report_bad_blocks(k, &bad, count);
}

static bool pointer_in(const struct kernel_dump *k, const struct space *space, uint64_t address,
		       uint64_t *ret)
{
	uint32_t narrow;

	if (k->wide)
		return space_u64(space, address, ret);
	if (!space_u32(space, address, &narrow))
		return false;
	*ret = narrow;
	return true;
}

/* Address of a control block that is not listed in the dump (Windows 8.1, kernel-generated dumps).
 * The block is full of empty list heads, which point to themselves: each gives a guess of where the
 * block is, and the right guess comes up a hundred times. The block's place inside its page is
 * known from the debugger data. Seen: 102 to 577 votes against one on every sample. */
static uint64_t vote_address(struct kernel_dump *k)
{
	enum { CANDIDATES = 16, ENOUGH = 8 };
	struct {
		uint64_t base;
		unsigned votes;
	} seen[CANDIDATES] = {0}, best = {0};
	uint64_t pointer = k->wide ? 8 : 4, in_page = k->layout.processor_in_pcr & 0xfff;
	struct cursor *c = &k->processor;

	for (uint64_t at = 0; at + 2 * pointer <= c->size; at += pointer) {
		uint64_t head = windows_pointer(k, c, at), base = head - at;
		if (head != windows_pointer(k, c, at + pointer) || (base & 0xfff) != in_page ||
		    !dump_is_kernel_address(k->dump, head))
			continue;
		unsigned slot = 0;
		while (slot < CANDIDATES && seen[slot].votes && seen[slot].base != base)
			slot++;
		if (slot == CANDIDATES)
			continue;
		seen[slot].base = base;
		if (++seen[slot].votes > best.votes) {
			best.base = base;
			best.votes = seen[slot].votes;
		}
	}
	return best.votes >= ENOUGH ? best.base : 0;
}

/* CR2 and CR8 as saved in the control block; x64 only. 4.3 */
static void cpu_special_registers(struct kernel_dump *k, struct cpu *cpu, uint64_t cr2,
				  uint64_t cr8)
{
	if (k->dump->arch != ARCH_X86_64)
		return;
	cpu->has_cr2 = true;
	cpu->cr2 = cr2;
	cpu->has_irql = cr8 <= IRQL_MAX;
	cpu->irql = cpu->has_irql ? (uint8_t)cr8 : 0;
}

/* The CONTEXT that the control block at @p block in @p space points to. */
static void cpu_context(struct kernel_dump *k, const struct space *space, struct cpu *cpu)
{
	uint8_t bytes[0x120];
	uint64_t pointer, size = windows_context_size(k->dump->arch);

	if (!k->layout.processor_context || !cpu->control_block ||
	    !pointer_in(k, space, cpu->control_block + k->layout.processor_context, &pointer) ||
	    !space_read(space, pointer, bytes, size))
		return;
	struct cursor c = cursor_make(bytes, size, 0, "processor context");
	cpu->has_context = windows_context(k->dump->arch, &c, &cpu->context);
}

/* A processor other than the one that crashed: everything about it is in data blocks, or absent. */
static void other_cpu_add(struct kernel_dump *k, unsigned number, uint64_t block)
{
	const struct layout *l = &k->layout;
	struct cpu *cpu = list_add(&k->dump->cpus);
	uint64_t cr2, cr8;

	cpu->number = number;
	cpu->control_block = block;
	pointer_in(k, k->blocks, block + l->processor_thread, &cpu->current_thread);
	if (l->processor_registers &&
	    space_u64(k->blocks, block + l->processor_registers + 8, &cr2) &&
	    space_u64(k->blocks, block + l->processor_registers + 0xa0, &cr8))
		cpu_special_registers(k, cpu, cr2, cr8);
	cpu_context(k, k->blocks, cpu);
}

/* Address of control block @p number by the kernel's table, 0 if the table is not in the dump. */
static uint64_t table_entry(struct kernel_dump *k, unsigned number)
{
	uint64_t block, table = k->layout.processor_table, pointer = k->wide ? 8 : 4;

	if (!table || !pointer_in(k, k->blocks, table + number * pointer, &block) ||
	    !dump_is_kernel_address(k->dump, block))
		return 0;
	return block;
}

static void crash_cpu_add(struct kernel_dump *k, unsigned number)
{
	const struct layout *l = &k->layout;
	struct cpu *cpu = list_add(&k->dump->cpus);
	struct cursor *c = &k->processor;

	cpu->number = number;
	cpu->crashed = true;
	cpu->control_block = table_entry(k, number);
	if (!cpu->control_block)
		cpu->control_block = vote_address(k);
	cpu->current_thread = windows_pointer(k, c, l->processor_thread);
	if (l->processor_registers && l->processor_registers + 0xa8 <= c->size)
		cpu_special_registers(k, cpu, cursor_u64_at(c, l->processor_registers + 8),
				      cursor_u64_at(c, l->processor_registers + 0xa0));
}

static struct cpu *crash_cpu(struct kernel_dump *k)
{
	LIST_EACH(struct cpu, cpu, &k->dump->cpus) {
		if (cpu->crashed)
			return cpu;
	}
	return NULL;
}

/* Number of the processor that crashed, by its control block; UINT32_MAX if that is lost. */
static unsigned crash_cpu_number(struct kernel_dump *k)
{
	uint32_t at = k->layout.processor_number;

	if (!at || at + 4 > k->processor.size)
		return UINT32_MAX;
	unsigned number = cursor_u32_at(&k->processor, at);
	return number < k->dump->cpu_count ? number : UINT32_MAX;
}

static void read_cpus(struct kernel_dump *k)
{
	struct triage *t = &k->triage;
	const struct layout *l = &k->layout;

	k->processor = windows_area(k, t->processor, l->processor_size, "processor control block");
	k->process = windows_area(k, t->process, l->process_size, "process");
	k->thread = windows_area(k, t->thread, l->thread_size, "thread");
	unsigned crashed = crash_cpu_number(k);
	for (unsigned i = 0; i < k->dump->cpu_count; i++) {
		if (i == crashed) {
			crash_cpu_add(k, i);
			continue;
		}
		uint64_t block = table_entry(k, i);
		if (block)
			other_cpu_add(k, i, block);
	}
	if (crash_cpu(k))
		return;
	/* Without the control block: the processor whose stack was saved. */
	LIST_EACH(struct cpu, cpu, &k->dump->cpus) {
		cpu->crashed = cpu->has_context && cpu->context.sp == t->top_of_stack;
	}
}

static void area_add(struct kernel_dump *k, uint64_t address, const struct cursor *c,
		     enum piece_kind kind)
{
	if (address)
		space_add(k->dump->space, address, c->size, c->data, c->origin, kind);
}

/* Whether the stack's bytes would be those of the driver list, its names or the block table. */
static bool stack_is_elsewhere(const struct kernel_dump *k)
{
	const struct triage *t = &k->triage;
	uint64_t end = (uint64_t)t->stack + t->stack_size;
	const uint32_t others[] = {t->drivers, t->strings, t->blocks, t->debugger};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i] >= t->stack && others[i] < end)
			return true;
	return false;
}

/* Saved stack: the lowest address is TopOfStack, whatever its name says. 3.1 */
static void stack_add(struct kernel_dump *k)
{
	struct triage *t = &k->triage;

	if (t->stack_size > STACK_MAX || (t->stack_size && stack_is_elsewhere(k))) {
		k->dump->partial = true;
		dump_problem_at(k->dump, "bad-offset", t->stack,
				"the saved stack is said to be at file offset 0x%x with 0x%x "
				"bytes, which cannot be; it was not read",
				t->stack, t->stack_size);
		return;
	}
	struct cursor c = windows_area(k, t->stack, t->stack_size, "saved stack");
	if (c.size == 0)
		return;
	k->dump->stack_low = t->top_of_stack;
	k->dump->stack_size = c.size;
	area_add(k, t->top_of_stack, &c, PIECE_STACK);
}

/* The areas whose address only other areas tell. */
static void areas_add(struct kernel_dump *k)
{
	const struct layout *l = &k->layout;
	struct dump *dump = k->dump;
	struct cpu *cpu = crash_cpu(k);

	if (cpu) {
		area_add(k, cpu->control_block, &k->processor, PIECE_PROCESSOR);
		dump->thread.address = cpu->current_thread;
		area_add(k, cpu->current_thread, &k->thread, PIECE_THREAD);
	}
	if (l->thread_process && l->thread_process + 8 <= k->thread.size)
		dump->process.address = windows_pointer(k, &k->thread, l->thread_process);
	area_add(k, dump->process.address, &k->process, PIECE_PROCESS);
	if (l->thread_stack_base && l->thread_stack_base + 8 <= k->thread.size) {
		dump->thread.stack_limit = windows_pointer(k, &k->thread, l->thread_stack_limit);
		dump->thread.stack_base = windows_pointer(k, &k->thread, l->thread_stack_base);
	}
	area_add(k, k->debugger, &k->debugger_data, PIECE_DEBUGGER);
}

/* Where the stack that holds @p sp may end: its thread's, if that is in the dump. */
static uint64_t stack_end(struct kernel_dump *k, const struct cpu *cpu)
{
	const struct layout *l = &k->layout;
	uint64_t limit, base, sp = cpu->context.sp;

	if (l->thread_stack_base && cpu->current_thread &&
	    pointer_in(k, k->blocks, cpu->current_thread + l->thread_stack_limit, &limit) &&
	    pointer_in(k, k->blocks, cpu->current_thread + l->thread_stack_base, &base) &&
	    limit <= sp && sp < base && base - limit <= STACK_MAX)
		return base;
	return sp + INTERRUPT_STACK;
}

/* Marks the blocks that hold the stack of a processor that did not crash. */
static void other_stack_add(struct kernel_dump *k, const struct cpu *cpu)
{
	uint64_t at = cpu->context.sp, end = stack_end(k, cpu);

	for (unsigned i = 0; i < STACK_RANGES && at < end; i++) {
		const struct range *r = space_find(k->blocks, at);
		if (!r)
			break;
		uint64_t skip = at - r->address, size = r->size - skip;
		if (size > end - at)
			size = end - at;
		space_add(k->dump->space, at, size, r->data + skip, r->file_offset + skip,
			  PIECE_OTHER_STACK);
		at += size;
	}
}

static void crash_cpu_finish(struct kernel_dump *k)
{
	struct cpu *cpu = crash_cpu(k);

	if (!cpu)
		return;
	cpu_context(k, k->dump->space, cpu);
	/* Kernels before Windows 10 leave that record out of small dumps, but what it would say is
	 * in the header. */
	if (!cpu->has_context && k->dump->has_header_context && !k->dump->header_context_is_fault) {
		cpu->has_context = true;
		cpu->context = k->dump->header_context;
	}
}

bool windows_memory_read(struct kernel_dump *k)
{
	const struct range *ranges;

	k->blocks = space_create(k->dump->arena);
	if (!k->blocks)
		return false;
	read_layout(k);
	read_blocks(k);
	if (!space_seal(k->blocks))
		return false;
	read_cpus(k);
	stack_add(k);
	areas_add(k);
	LIST_EACH(struct cpu, cpu, &k->dump->cpus) {
		if (!cpu->crashed && cpu->has_context)
			other_stack_add(k, cpu);
	}
	size_t count = space_ranges(k->blocks, &ranges);
	for (size_t i = 0; i < count; i++)
		space_add(k->dump->space, ranges[i].address, ranges[i].size, ranges[i].data,
			  ranges[i].file_offset, PIECE_DATA);
	if (!space_seal(k->dump->space))
		return false;
	crash_cpu_finish(k);
	return true;
}
