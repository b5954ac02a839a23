/* The reader of Windows small dumps, on dumps written here byte by byte. */
#include "windows_check.h"
#include "windows_writer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct writer w;
static struct arena *arena;

static struct dump *read_size(size_t size)
{
	const struct evidence evidence = {
		.data = w.data, .size = size, .total_size = size, .fd = -1};

	arena = arena_create(UINT64_C(64) << 20);
	struct dump *dump = dump_create(arena);
	cr_assert(gt(int, format_windows_triage.bid(&evidence), 0));
	struct error *err = format_windows_triage.read(&evidence, dump);
	cr_assert(err == NULL, "%s", err ? err->message : "");
	check_model(dump);
	return dump;
}

static struct dump *read_dump(void)
{
	return read_size(w.size);
}

static const struct problem *problem(const struct dump *dump, const char *code)
{
	LIST_EACH(struct problem, p, &dump->problems) {
		if (strcmp(p->code, code) == 0)
			return p;
	}
	return NULL;
}

static const struct module *module_at(const struct list *list, size_t index)
{
	const struct module *m = list_at(list, index);

	cr_assert(m != NULL);
	return m;
}

static void destroy(void)
{
	arena_destroy(arena);
	arena = NULL;
}

TestSuite(windows_triage, .init = NULL, .fini = destroy);

Test(windows_triage, reads_header)
{
	write_x64(&w);
	struct dump *d = read_dump();

	cr_assert(eq(str, (char *)d->format, "windows-kernel-triage"));
	cr_assert(eq(str, (char *)d->os_version, "10.0.19041"));
	cr_assert(eq(u32, d->code, 0x50));
	cr_assert(eq(u64, d->parameter[2], VA_DRIVER + 0x1234));
	cr_assert(eq(u64, d->crash_time, TIME_CRASH));
	cr_assert(eq(u64, d->boot_time, TIME_CRASH - TIME_UP));
	cr_assert(eq(dbl, d->uptime_s, 300.0));
	cr_assert(eq(int, d->arch, ARCH_X86_64));
	cr_assert(d->has_header_context);
	cr_assert_not(d->header_context_is_fault);
	cr_assert(eq(u64, d->header_context.sp, VA_STACK));
	cr_assert(eq(u64, d->header_context.r[REG_RAX], 0x1111));
	cr_assert_not(d->live);
	cr_assert_not(d->partial);
	cr_assert(zero(sz, d->problems.count));
}

Test(windows_triage, reads_drivers)
{
	write_x64(&w);
	struct dump *d = read_dump();

	cr_assert(eq(sz, d->modules.count, 3));
	const struct module *m = module_at(&d->modules, 2);
	cr_assert(eq(str, (char *)m->name, "bad.sys"));
	cr_assert(eq(str, (char *)m->path, "\\??\\C:\\Windows\\bad.sys"));
	cr_assert(eq(u64, m->base, VA_DRIVER));
	cr_assert(eq(u64, m->size, 0x100000));
	cr_assert(eq(u32, m->checksum, 0xc0de));
	cr_assert(m->loaded);
	cr_assert_not(m->timestamp_is_date, "a hash is as likely on Windows 10");
	const struct module *u = module_at(&d->unloaded, 0);
	cr_assert(eq(str, (char *)u->name, "dump_storpor"));
	cr_assert(u->name_cut);
	cr_assert(u->dump_clone);
	cr_assert(eq(u64, u->size, 0x8000));
}

Test(windows_triage, reads_process_and_processor)
{
	write_x64(&w);
	struct dump *d = read_dump();
	const struct cpu *cpu = list_at(&d->cpus, 0);

	cr_assert(eq(str, (char *)d->process.name, "System"));
	cr_assert(d->process.has_pid);
	cr_assert(eq(u64, d->process.pid, 4));
	cr_assert(eq(u64, d->process.address, VA_PROCESS));
	cr_assert(eq(u64, d->process.create_time, TIME_CRASH - 2000000000));
	cr_assert(eq(u64, d->thread.address, VA_THREAD));
	cr_assert(eq(u64, d->thread.create_time, TIME_CRASH - 10000000));
	cr_assert(eq(u64, d->thread.stack_base, VA_STACK + 0x600));
	cr_assert(cpu && cpu->crashed);
	cr_assert(eq(u64, cpu->control_block, VA_PROCESSOR));
	cr_assert(eq(u64, cpu->cr2, 0xffffe00000999000));
	cr_assert(eq(int, cpu->irql, 2));
}

Test(windows_triage, finds_processor_without_the_table)
{
	write_x64(&w);
	put32(&w, 0x207c, 0); /* no data blocks */
	struct dump *d = read_dump();
	const struct cpu *cpu = list_at(&d->cpus, 0);

	cr_assert(eq(u64, cpu->control_block, VA_PROCESSOR));
}

Test(windows_triage, memory_has_kinds)
{
	write_x64(&w);
	struct dump *d = read_dump();
	uint64_t value;

	cr_assert(space_u64(d->space, VA_STACK + 0x40, &value));
	cr_assert(eq(u64, value, VA_DRIVER + 0x1234));
	cr_assert(eq(int, space_find(d->space, VA_STACK)->kind, PIECE_STACK));
	cr_assert(eq(int, space_find(d->space, VA_PROCESSOR)->kind, PIECE_PROCESSOR));
	cr_assert(eq(int, space_find(d->space, VA_PROCESS)->kind, PIECE_PROCESS));
	cr_assert(eq(int, space_find(d->space, VA_THREAD)->kind, PIECE_THREAD));
	cr_assert(eq(int, space_find(d->space, VA_DEBUGGER)->kind, PIECE_DEBUGGER));
	cr_assert(eq(int, space_find(d->space, VA_DATA)->kind, PIECE_DATA));
	uint8_t both[0x200];
	cr_assert(space_read(d->space, VA_DATA, both, sizeof(both)), "two blocks that touch");
}

Test(windows_triage, stack_wins_over_blocks)
{
	write_x64(&w);
	put64(&w, AT_BLOCKS + 48, VA_STACK - 8); /* the last block now covers the stack's start */
	struct dump *d = read_dump();
	uint64_t value;

	cr_assert(space_u64(d->space, VA_STACK, &value));
	cr_assert(eq(u64, value, 0x5000));
	cr_assert(eq(int, space_find(d->space, VA_STACK - 8)->kind, PIECE_DATA));
}

Test(windows_triage, fill_is_no_value)
{
	write_x64(&w);
	put_ascii(&w, 0x38, "PAGE");       /* stop code */
	put_ascii(&w, 0xfa8, "PAGEPAGE");  /* time */
	put_ascii(&w, 0x1030, "PAGEPAGE"); /* up time */
	put_ascii(&w, 0x40, "PAGEPAGE");   /* first parameter */
	struct dump *d = read_dump();

	cr_assert(zero(u32, d->code));
	cr_assert(zero(u64, d->parameter[0]));
	cr_assert(zero(u64, d->crash_time));
	cr_assert_not(d->has_uptime);
	cr_assert_not(d->live, "attributes that read PAGE are no attributes");
	cr_assert(ne(str, (char *)d->writer, "generated by the kernel"));
	cr_assert(problem(d, "bad-header") != NULL);
	cr_assert(eq(sz, d->modules.count, 3));
}

Test(windows_triage, inflated_driver_count)
{
	write_x64(&w);
	put32(&w, 0x2034, UINT32_MAX);
	struct dump *d = read_dump();

	cr_assert(le(sz, d->modules.count, w.size / 0x90));
	cr_assert(eq(str, (char *)module_at(&d->modules, 2)->name, "bad.sys"));
	cr_assert(problem(d, "bad-offset") != NULL);
	cr_assert(problem(d, "limit") != NULL);
	cr_assert(eq(sz, d->unloaded.count, 1));
	cr_assert(eq(u64, d->stack_size, 0x200));
}

Test(windows_triage, driver_name_beyond_the_file)
{
	write_x64(&w);
	put32(&w, AT_STRINGS, UINT32_MAX); /* characters */
	struct dump *d = read_dump();

	cr_assert(eq(sz, d->modules.count, 3));
	cr_assert(eq(str, (char *)module_at(&d->modules, 0)->name, "(name lost)"));
	cr_assert(eq(str, (char *)module_at(&d->modules, 2)->name, "bad.sys"));
	cr_assert(problem(d, "drivers-lost") != NULL);
	destroy();
	put32(&w, AT_DRIVERS + 0x90, UINT32_MAX - 4); /* offset of the second name: most are lost */
	d = read_dump();
	cr_assert(eq(sz, d->modules.count, 1));
	cr_assert(eq(sz, d->modules_lost, 2));
}

Test(windows_triage, hostile_name_is_escaped_after_its_basename)
{
	write_x64(&w);
	put16(&w, AT_STRINGS + 4 + 2 * 26, 0x1b); /* in place of the r of "ntoskrnl" */
	struct dump *d = read_dump();

	cr_assert(eq(str, (char *)module_at(&d->modules, 0)->name, "ntosk\\x1bnl.exe"));
}

Test(windows_triage, blocks_that_claim_the_file_again_and_again)
{
	write_x64(&w);
	for (unsigned i = 0; i < 4; i++) {
		put64(&w, AT_BLOCKS + 16 * i, VA_DATA + 0x100000 * i);
		put32(&w, AT_BLOCKS + 16 * i + 8, AT_DATA);
		put32(&w, AT_BLOCKS + 16 * i + 12, (uint32_t)(w.size - AT_DATA));
	}
	put32(&w, 0x207c, UINT32_MAX);
	struct dump *d = read_dump();
	const struct range *ranges;
	uint64_t bytes = 0;

	size_t count = space_ranges(d->space, &ranges);
	for (size_t i = 0; i < count; i++)
		bytes += ranges[i].kind == PIECE_DATA ? ranges[i].size : 0;
	cr_assert(le(u64, bytes, w.size));
	cr_assert(problem(d, "bad-offset") != NULL);
}

Test(windows_triage, bad_offset_loses_only_its_area)
{
	write_x64(&w);
	put32(&w, 0x2028, 0x10);       /* stack, inside the header */
	put32(&w, 0x2018, 0xfffffff0); /* unloaded drivers */
	struct dump *d = read_dump();

	cr_assert(zero(u64, d->stack_size));
	cr_assert(zero(sz, d->unloaded.count));
	cr_assert(eq(sz, d->modules.count, 3));
	cr_assert(eq(str, (char *)d->process.name, "System"));
	cr_assert(d->partial);
	const struct problem *p = problem(d, "bad-offset");
	cr_assert(p && strstr(p->message, "unloaded driver list"));
}

Test(windows_triage, truncated_keeps_what_is_there)
{
	write_x64(&w);
	struct dump *d = read_size(AT_DRIVERS + 0x90 + 8);

	cr_assert(d->partial);
	const struct problem *p = problem(d, "truncated");
	cr_assert(p && p->has_offset);
	cr_assert(eq(u64, p->offset, AT_DRIVERS + 0x90 + 8));
	cr_assert(strstr(p->message, "driver list") != NULL);
	cr_assert(zero(sz, d->modules.count));
	cr_assert(eq(sz, d->modules_lost, 3));
	cr_assert(eq(u64, d->stack_size, 0x200));
	cr_assert(eq(str, (char *)d->process.name, "System"));
}

Test(windows_triage, every_length)
{
	write_x64(&w);
	put_blob(&w, "b7631941-532a-4cd6-b1b1-edb5917d4557", 0x60);
	for (size_t size = 0x60; size < w.size; size += 61) {
		struct dump *d = read_size(size);
		cr_assert(eq(u32, d->code, 0x50));
		cr_assert(d->partial || size >= AT_END, "length 0x%zx", size);
		cr_assert(size == AT_END || d->problems.count, "length 0x%zx", size);
		destroy();
	}
}

Test(windows_triage, header_only_and_zero_body)
{
	write_x64(&w);
	struct dump *d = read_size(0x2000);
	cr_assert(problem(d, "header-only") != NULL);
	cr_assert(eq(u64, d->parameter[0], 0xffffe00000999000));
	destroy();
	memset(w.data + 0x2000, 0, w.size - 0x2000);
	d = read_dump();
	cr_assert(problem(d, "zero-filled") != NULL);
	cr_assert(d->partial);
}

Test(windows_triage, a_header_dump_keeps_its_stop_code)
{
	write_x64(&w);
	put32(&w, 0xf98, 3);
	struct dump *d = read_dump();
	cr_assert(problem(d, "header-only") != NULL);
	cr_assert(d->partial);
	cr_assert(zero(sz, d->modules.count));
	cr_assert(eq(u64, d->parameter[0], 0xffffe00000999000));
}

Test(windows_triage, too_short_is_an_error)
{
	write_x64(&w);
	const struct evidence evidence = {.data = w.data, .size = 0x40, .fd = -1};
	arena = arena_create(1 << 20);

	struct error *err = format_windows_triage.read(&evidence, dump_create(arena));
	cr_assert(err && err->kind == ERROR_TRUNCATED);
	error_destroy(err);
}

static void refuse(uint32_t type, const char *body, const char *word)
{
	write_x64(&w);
	put32(&w, 0xf98, type);
	if (body)
		put_ascii(&w, 0x2000, body);
	const struct evidence evidence = {.data = w.data, .size = w.size, .fd = -1};
	arena = arena_create(1 << 20);
	cr_assert(gt(int, format_windows_triage.bid(&evidence), 0));
	struct error *err = format_windows_triage.read(&evidence, dump_create(arena));
	cr_assert(err && err->kind == ERROR_UNSUPPORTED, "type %u", type);
	cr_assert(strstr(err->message, word) != NULL, "%s", err->message);
	error_destroy(err);
	destroy();
}

Test(windows_triage, other_kinds_are_named)
{
	refuse(1, "PAGE", "complete");
	refuse(2, "SDMP", "kernel");
	refuse(5, "FDMP", "complete");
	refuse(6, "SDMP", "kernel");
	refuse(8, "RDMP", "debugger");
}

Test(windows_triage, itanium_is_named)
{
	write_x64(&w);
	put32(&w, 0x30, 0x200);
	const struct evidence evidence = {.data = w.data, .size = w.size, .fd = -1};
	arena = arena_create(1 << 20);
	struct error *err = format_windows_triage.read(&evidence, dump_create(arena));
	cr_assert(err && strstr(err->message, "Itanium"));
	error_destroy(err);
}

Test(windows_triage, kernel_generated)
{
	write_x64(&w);
	put32(&w, 0x1050, 0xc);
	put32(&w, 0x1038, 0xdff);
	put32(&w, AT_MEMORY + 0x10, 1);
	for (unsigned i = 0; i < 3; i++)
		put_driver(&w, i, VA_NT + 0x1000000 * i, i ? "bad.sys" : "ntoskrnl.exe");
	struct dump *d = read_dump();

	cr_assert(strstr(d->writer, "generated by the kernel") != NULL);
	cr_assert(d->verifier_on);
	cr_assert(module_at(&d->modules, 1)->path == NULL, "a bare name is no path");
	destroy();
	put32(&w, 0x1038, 0xcff); /* no memory information, whatever its bytes are */
	cr_assert_not(read_dump()->verifier_on);
}

Test(windows_triage, context_of_7e_is_the_fault)
{
	write_x64(&w);
	put32(&w, 0x38, 0x1000007e);
	put64(&w, 0x40, 0xffffffffc0000005);
	put64(&w, 0x48, VA_DRIVER + 0x1234);
	put64(&w, 0x348 + 0xf8, VA_DRIVER + 0x1234);
	struct dump *d = read_dump();

	cr_assert(eq(u32, d->code, 0x1000007e), "kept as the kernel wrote it");
	cr_assert(d->header_context_is_fault);
}

Test(windows_triage, live_dump)
{
	write_x64(&w);
	put32(&w, 0x1050, 0x10);
	cr_assert(read_dump()->live);
	destroy();
	write_x64(&w);
	put32(&w, 0x38, 0x1a8);
	cr_assert(read_dump()->live);
}

Test(windows_triage, reads_x86)
{
	write_x86(&w);
	struct dump *d = read_dump();
	uint32_t value;

	cr_assert(eq(int, d->arch, ARCH_X86));
	cr_assert(eq(str, (char *)d->os_version, "6.1.7601"));
	cr_assert(eq(sz, d->modules.count, 2));
	cr_assert(eq(str, (char *)module_at(&d->modules, 1)->name, "bad.sys"));
	cr_assert(eq(u64, module_at(&d->modules, 1)->base, 0x8a000000));
	cr_assert(module_at(&d->modules, 1)->timestamp_is_date);
	cr_assert(eq(u64, d->header_context.ip, 0x82804000));
	cr_assert(eq(u64, d->header_context.r[REG_RAX], 0x77));
	cr_assert(space_u32(d->space, 0x8d000000, &value));
	cr_assert(eq(u64, d->crash_time, TIME_CRASH));
}

static void trap_frame(size_t at)
{
	put64(&w, at + 0x30, 0xaaaa);
	put64(&w, at + 0x140, 0xbbbb); /* rbx: not saved */
	put64(&w, at + 0x158, VA_STACK + 0x80);
	put64(&w, at + 0x168, VA_DRIVER + 0x1234);
	put64(&w, at + 0x170, 0x10);
	put64(&w, at + 0x178, 0x10246);
	put64(&w, at + 0x180, VA_STACK + 0x180);
	put64(&w, at + 0x188, 0x18);
}

Test(windows_triage, frames_at_addresses)
{
	write_x64(&w);
	trap_frame(AT_STACK);
	struct dump *d = read_dump();
	struct registers r;

	cr_assert(d->ops->registers_at(d, RECORD_TRAP_FRAME, VA_STACK, &r));
	cr_assert(eq(u64, r.ip, VA_DRIVER + 0x1234));
	cr_assert(eq(u64, r.sp, VA_STACK + 0x180));
	cr_assert(eq(u64, r.r[REG_RAX], 0xaaaa));
	cr_assert(r.known & 1u << REG_RAX);
	cr_assert_not(r.known & 1u << REG_RBX, "exception traps do not save rbx");
	cr_assert_not(r.known & 1u << 12);
	cr_assert_not(r.user_mode);
	cr_assert(d->ops->registers_at(d, RECORD_MACHINE_FRAME, VA_STACK + 0x168, &r));
	cr_assert(eq(u64, r.ip, VA_DRIVER + 0x1234));
	cr_assert_not(d->ops->registers_at(d, RECORD_MACHINE_FRAME, VA_STACK, &r));
	cr_assert_not(d->ops->registers_at(d, RECORD_TRAP_FRAME, VA_STACK + 0x100, &r),
		      "reaches beyond the stack");
}

Test(windows_triage, exception_at_address)
{
	write_x64(&w);
	put32(&w, AT_STACK, 0xc0000005);
	put32(&w, AT_STACK + 4, 0);
	put64(&w, AT_STACK + 0x10, VA_DRIVER + 0x1234);
	put32(&w, AT_STACK + 0x18, 2);
	put64(&w, AT_STACK + 0x20, 1);
	put64(&w, AT_STACK + 0x28, 0x289);
	struct dump *d = read_dump();
	struct exception_record e;

	cr_assert(d->ops->exception_at(d, VA_STACK, &e));
	cr_assert(eq(u32, e.code, 0xc0000005));
	cr_assert(eq(u32, e.parameters, 2));
	cr_assert(eq(u64, e.parameter[1], 0x289));
	destroy();
	put32(&w, AT_STACK + 0x18, 16);
	d = read_dump();
	cr_assert_not(d->ops->exception_at(d, VA_STACK, &e));
}

/* A file object at AT_DATA whose name is at AT_DATA + 0x100. */
static void file_object(uint16_t bytes, const char *name)
{
	put16(&w, AT_DATA, 5);
	put16(&w, AT_DATA + 2, 0xd8);
	put16(&w, AT_DATA + 0x58, bytes);
	put16(&w, AT_DATA + 0x5a, bytes);
	put64(&w, AT_DATA + 0x60, VA_DATA + 0x100);
	put_utf16(&w, AT_DATA + 0x100, name);
}

Test(windows_triage, file_objects)
{
	unsigned length = 0;

	write_x64(&w);
	file_object(24, "\\a\\C-291.sys");
	struct dump *d = read_dump();
	cr_assert(eq(str, d->ops->file_object_at(d, arena, VA_DATA, &length), "\\a\\C-291.sys"));
	cr_assert(eq(u32, length, 24));
	cr_assert(d->ops->file_object_at(d, arena, VA_DATA + 8, &length) == NULL);
	cr_assert(eq(str, d->ops->counted_string_at(d, arena, VA_DATA + 0x58), "\\a\\C-291.sys"));
	destroy();

	put64(&w, AT_DATA + 0x60, VA_DATA + 0x900000); /* the name is not in the dump */
	d = read_dump();
	cr_assert(eq(str, d->ops->file_object_at(d, arena, VA_DATA, &length), ""));
	cr_assert(eq(u32, length, 24));
	cr_assert(d->ops->counted_string_at(d, arena, VA_DATA + 0x58) == NULL);
	destroy();

	file_object(0x180, "\\a\\C-291.sys"); /* only its first 0x100 bytes are */
	d = read_dump();
	const char *name = d->ops->file_object_at(d, arena, VA_DATA, &length);
	cr_assert(name && text_starts_nocase(name, "\\a\\C-291.sys"));
	destroy();

	file_object(24, "\\a\\C-291.sys");
	put64(&w, AT_DATA + 0x40, VA_DATA); /* opened relative to itself: harmless */
	d = read_dump();
	cr_assert(eq(str, d->ops->file_object_at(d, arena, VA_DATA, &length), "\\a\\C-291.sys"));
}

Test(windows_triage, driver_behind_an_irp)
{
	write_x64(&w);
	put16(&w, AT_STACK, 6); /* IRP with two locations, the first being current */
	put16(&w, AT_STACK + 2, 0xd0 + 2 * 0x48);
	put16(&w, AT_STACK + 0x42, 0x0102);
	put64(&w, AT_STACK + 0xd0 + 0x28, VA_DATA);
	put16(&w, AT_DATA, 3);
	put16(&w, AT_DATA + 2, 0x150);
	put64(&w, AT_DATA + 8, VA_DATA + 0x40);
	put16(&w, AT_DATA + 0x40, 4);
	put16(&w, AT_DATA + 0x42, 0x150);
	put64(&w, AT_DATA + 0x58, VA_DRIVER);
	put16(&w, AT_DATA + 0x78, 22);
	put16(&w, AT_DATA + 0x7a, 24);
	put64(&w, AT_DATA + 0x80, VA_DATA + 0x100);
	put_utf16(&w, AT_DATA + 0x100, "\\Driver\\bad");
	struct dump *d = read_dump();
	char *name;
	uint64_t start;

	cr_assert(eq(u64, d->ops->device_of_irp(d, VA_STACK), VA_DATA));
	cr_assert(eq(u64, d->ops->driver_of_device(d, VA_DATA), VA_DATA + 0x40));
	cr_assert(d->ops->driver_object_at(d, VA_DATA + 0x40, &name, &start));
	cr_assert(eq(str, name, "\\Driver\\bad"));
	cr_assert(eq(u64, start, VA_DRIVER));
}

static const struct contribution *contribution(const struct dump *d, size_t index)
{
	const struct contribution *c = list_at(&d->contributions, index);

	cr_assert(c != NULL);
	return c;
}

Test(windows_triage, secondary_data)
{
	write_x64(&w);
	size_t at = put_blob(&w, "b7631941-532a-4cd6-b1b1-edb5917d4557", 0x60);
	put64(&w, at + 0x10, TIME_CRASH - 10000000);
	put32(&w, at + 0x18, 3);
	put_utf16(&w, at + 0x2c, "USB\\VID_1234");
	put_blob(&w, "12345678-532a-4cd6-b1b1-edb5917d4557", 0);
	at = put_blob(&w, "be84d651-a550-4367-8e63-ab792b631f94", 0x40);
	put_utf16(&w, at + 8, "\\Device\\x.exe");
	struct dump *d = read_dump();

	cr_assert(eq(sz, d->contributions.count, 3));
	cr_assert(eq(str, (char *)contribution(d, 0)->name, "Plug and Play black box"));
	cr_assert(strstr(contribution(d, 0)->text, "USB\\VID_1234") != NULL);
	cr_assert(contribution(d, 1)->name == NULL);
	cr_assert(
		eq(str, (char *)contribution(d, 1)->guid, "12345678-532a-4cd6-b1b1-edb5917d4557"));
	cr_assert(eq(str, (char *)contribution(d, 2)->text, "\\Device\\x.exe"));
	cr_assert(eq(sz, d->events.count, 1));
	cr_assert(zero(sz, d->problems.count));
}

Test(windows_triage, damaged_secondary_data_keeps_what_came_before)
{
	write_x64(&w);
	put_blob(&w, "54c84888-01d1-4c1e-bed6-282c98241303", 0x60);
	size_t second = w.size;
	put_blob(&w, "be84d651-a550-4367-8e63-ab792b631f94", 0x40);
	put32(&w, second + 0x14, UINT32_MAX);
	struct dump *d = read_dump();

	cr_assert(eq(sz, d->contributions.count, 2));
	const struct problem *p = problem(d, "secondary-data-damaged");
	cr_assert(p && p->offset == second);
	cr_assert(d->partial);
	destroy();
	put32(&w, second, 7); /* no header size */
	d = read_dump();
	cr_assert(eq(sz, d->contributions.count, 1));
	cr_assert(problem(d, "secondary-data-damaged") != NULL);
	destroy();
	put_blob(&w, "80cc79cf-a719-4af1-bf97-fe29ff76ebc1",
		 0x40); /* a block that can be recognised */
	d = read_dump();
	cr_assert(eq(sz, d->contributions.count, 2));
	cr_assert(problem(d, "secondary-data-damaged") != NULL);
}

Test(windows_triage, foreign_bytes_at_the_end)
{
	write_x64(&w);
	put_blob(&w, "54c84888-01d1-4c1e-bed6-282c98241303", 0x60);
	size_t end = w.size;
	for (size_t i = 0; i < 0x100; i++)
		put_ascii(&w, end + 4 * i, "junk");
	struct dump *d = read_dump();
	const struct problem *p = problem(d, "wrong-size");

	cr_assert(p && p->offset == end);
	cr_assert_not(d->partial, "the whole dump is there");
	cr_assert(eq(sz, d->contributions.count, 1));
}

Test(windows_triage, zeros_to_the_end)
{
	write_x64(&w);
	put_blob(&w, "54c84888-01d1-4c1e-bed6-282c98241303", 0x60);
	memset(w.data + AT_STRINGS, 0, w.size - AT_STRINGS);
	struct dump *d = read_dump();
	const struct problem *p = problem(d, "zero-filled");

	cr_assert(p && p->offset <= AT_STRINGS);
	cr_assert(problem(d, "wrong-size") == NULL);
	cr_assert(d->partial);
	LIST_EACH(struct module, m, &d->modules) {
		cr_assert(m->base != 0 && m->name[0]);
	}
}

Test(windows_triage, impossible_stack)
{
	write_x64(&w);
	put32(&w, 0x202c, 0xfffffff8);
	cr_assert(zero(u64, read_dump()->stack_size));
	destroy();
	put32(&w, 0x2028, AT_DRIVERS - 0x10); /* runs into the driver list */
	put32(&w, 0x202c, 0x200);
	struct dump *d = read_dump();
	cr_assert(zero(u64, d->stack_size));
	cr_assert(problem(d, "bad-offset") != NULL);
	cr_assert(eq(sz, d->modules.count, 3));
}

Test(windows_triage, firmware_names_the_machine)
{
	write_x64(&w);
	put_firmware(&w);
	struct dump *d = read_dump();

	cr_assert(eq(str, (char *)d->bios, "Vendor 1.2 (01/02/2024)"));
	cr_assert(eq(str, (char *)d->manufacturer, "Maker"));
	cr_assert(eq(str, (char *)d->product, "Model"));
}

static void check_events(void)
{
	struct dump *d = read_dump();
	const struct event *e = list_at(&d->events, 0);

	cr_assert(eq(sz, d->events.count, 2));
	cr_assert(eq(str, (char *)e[0].text, "file system filter First0 loaded"));
	cr_assert(eq(str, (char *)e[1].text, "file system filter Second loaded"));
	cr_assert(eq(str, (char *)d->os_version, "10.0.19045"), "the build that really ran");
	cr_assert(eq(u32, d->base_build, 19041));
	cr_assert(strstr(contribution(d, 0)->text, "4 events") != NULL);
	cr_assert(problem(d, "secondary-data-damaged") == NULL);
}

Test(windows_triage, event_buffers_in_order_of_time)
{
	write_x64(&w);
	put_event_buffers(&w, 2);
	check_events();
}

Test(windows_triage, event_session_with_a_single_name)
{
	write_x64(&w);
	put_event_buffers(&w, 1);
	check_events();
}

static void block(unsigned index, uint64_t address, size_t at, uint32_t size)
{
	put64(&w, AT_BLOCKS + 16 * index, address);
	put32(&w, AT_BLOCKS + 16 * index + 8, (uint32_t)at);
	put32(&w, AT_BLOCKS + 16 * index + 12, size);
}

Test(windows_triage, other_processor_has_context_and_stack)
{
	const size_t block_at = AT_DATA + 0x10, context_at = AT_DATA + 0x218;
	const uint64_t stack = VA_STACK + 0x100000;

	write_x64(&w);
	memset(w.data + AT_DATA, 0, 0x300);
	put32(&w, 0x34, 2);
	block(0, VA_TABLE, AT_DATA, 16);
	block(1, VA_DATA, block_at, 0x208);
	block(2, VA_DATA + 0x8000, context_at, 0x100);
	block(3, stack, AT_DATA + 0x318, 0x40);
	put64(&w, AT_DATA, VA_PROCESSOR);
	put64(&w, AT_DATA + 8, VA_DATA);
	put64(&w, block_at + 8, VA_THREAD + 0x5000);
	put64(&w, block_at + 0x200, VA_DATA + 0x8000);
	put32(&w, context_at + 0x30, 0x10000b);
	put64(&w, context_at + 0x98, stack);
	put64(&w, context_at + 0xf8, VA_DRIVER + 0x77);
	struct dump *d = read_dump();

	cr_assert(eq(sz, d->cpus.count, 2));
	const struct cpu *cpu = list_at(&d->cpus, 1);
	cr_assert_not(cpu->crashed);
	cr_assert(eq(u64, cpu->control_block, VA_DATA));
	cr_assert(eq(u64, cpu->current_thread, VA_THREAD + 0x5000));
	cr_assert(cpu->has_context);
	cr_assert(eq(u64, cpu->context.ip, VA_DRIVER + 0x77));
	cr_assert(eq(int, space_find(d->space, stack)->kind, PIECE_OTHER_STACK));
}
