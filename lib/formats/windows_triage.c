/* Windows kernel small dumps ("minidumps", DumpType 4): windows-dumps.md 0, 1.4, 3. */
#include "windows_kernel.h"

#include <inttypes.h>
#include <string.h>

enum { TRGD = 0x44475254 }; /* the dump's last four bytes, "TRGD". 3.1 */

static bool is_wide(const struct evidence *e)
{
	return e->size >= 8 && memcmp(e->data, "PAGEDU64", 8) == 0;
}

static bool is_narrow(const struct evidence *e)
{
	return e->size >= 8 && memcmp(e->data, "PAGEDUMP", 8) == 0;
}

static int bid(const struct evidence *e)
{
	if (!is_wide(e) && !is_narrow(e))
		return 0;
	struct cursor c = cursor_make(e->data, e->size, 0, "dump header");
	uint32_t type = cursor_u32_at(&c, is_wide(e) ? 0xf98 : 0xf88);
	return type == DUMP_TRIAGE ? 100 : 90;
}

/* First four bytes after the header, which tell other kinds of dump apart. 1.4 */
static uint32_t body_signature(struct kernel_dump *k)
{
	return cursor_u32_at(&k->file, k->body);
}

static bool signature_is(uint32_t value, const char *text)
{
	return value == ((uint32_t)text[0] | (uint32_t)text[1] << 8 | (uint32_t)text[2] << 16 |
			 (uint32_t)text[3] << 24);
}

/* Kind of a dump that is not a small one, in words; NULL for a small one. */
static const char *other_kind(struct kernel_dump *k)
{
	uint32_t body = k->file.size >= k->body + 4 ? body_signature(k) : 0;

	if (signature_is(body, "RDMP"))
		return "written by a debugger (RDMP)";
	if (signature_is(body, "FDMP"))
		return "a complete memory dump (bitmap)";
	if (signature_is(body, "SDMP"))
		return k->type == 5 ? "a complete memory dump (bitmap)"
				    : "a kernel memory dump (bitmap)";
	switch (k->type) {
	case DUMP_FULL: return "a complete memory dump";
	case DUMP_SUMMARY: return "a kernel memory dump";
	case 5: return "a complete memory dump (bitmap)";
	case 6: return "a kernel memory dump (bitmap)";
	case 7: return "an automatic memory dump";
	case 8:
	case 9:
	case 10: return "written by a debugger (RDMP)";
	default: return NULL;
	}
}

static struct error *unsupported(struct kernel_dump *k)
{
	const char *kind = other_kind(k);

	if (k->machine_other)
		return error_create(
			ERROR_UNSUPPORTED,
			"this Windows kernel dump is of a machine of type 0x%x (%s, stop "
			"code 0x%08x), which this version does not read",
			k->machine_other,
			k->machine_other == MACHINE_IA64 ? "Itanium" : "32-bit ARM", k->dump->code);
	if (!kind)
		return NULL;
	return error_create(ERROR_UNSUPPORTED,
			    "this Windows kernel dump is %s (stop code 0x%08x), which this version "
			    "does not read; give it the small dump of the same crash "
			    "(C:\\Windows\\Minidump), make one from this file with the debugger's "
			    ".dump /m command, or use a later version",
			    kind, k->dump->code);
}

static void triage_read(struct kernel_dump *k)
{
	struct triage *t = &k->triage;
	struct cursor c = cursor_slice(&k->file, k->body, k->file.size - k->body, "dump body");

	cursor_seek(&c, 4);
	t->size_of_dump = cursor_u32(&c);
	t->valid_offset = cursor_u32(&c);
	cursor_seek(&c, 0x14);
	t->memory_info = cursor_u32(&c);
	t->unloaded = cursor_u32(&c);
	t->processor = cursor_u32(&c);
	t->process = cursor_u32(&c);
	t->thread = cursor_u32(&c);
	t->stack = cursor_u32(&c);
	t->stack_size = cursor_u32(&c);
	t->drivers = cursor_u32(&c);
	t->driver_count = cursor_u32(&c);
	t->strings = cursor_u32(&c);
	t->strings_size = cursor_u32(&c);
	cursor_seek(&c, 0x48);
	t->top_of_stack = k->wide ? cursor_u64(&c) : cursor_u32(&c);
	cursor_seek(&c, k->wide ? 0x60 : 0x4c);
	t->page_address = k->wide ? cursor_u64(&c) : cursor_u32(&c);
	t->page = cursor_u32(&c);
	t->page_size = cursor_u32(&c);
	t->debugger = cursor_u32(&c);
	t->debugger_size = cursor_u32(&c);
	t->blocks = cursor_u32(&c);
	t->block_count = cursor_u32(&c);
}

static bool all_zero(const struct cursor *c, uint64_t from)
{
	for (uint64_t i = from; i < c->size; i++)
		if (c->data[i])
			return false;
	return true;
}

/* Whether there is a body to read; says in a problem why not. */
static bool has_body(struct kernel_dump *k)
{
	struct dump *dump = k->dump;
	uint64_t least = k->wide ? 0x80 : 0x68;

	if (k->type != DUMP_HEADER_ONLY && k->file.size >= k->body + least &&
	    !all_zero(&k->file, k->body))
		return true;
	dump->partial = true;
	if (k->type == DUMP_HEADER_ONLY) {
		dump_problem(
			dump, "header-only",
			"Windows was told to write the header alone (dump type 3): only the stop "
			"code and its parameters are known; look for another dump of this crash");
		return false;
	}
	if (k->file.size >= k->body + least)
		dump_problem_at(dump, "zero-filled", k->body,
				"everything after the header is zero: the dump was never written "
				"to the end, and only the stop code and its parameters are left");
	else if (k->file.size >= k->body)
		dump_problem_at(dump, "header-only", k->file.size,
				"the file ends with its header: drivers, stack and memory are "
				"missing, and only the stop code and its parameters are left");
	else
		dump_problem_at(dump, "truncated", k->file.size,
				"the file ends inside its header, after %" PRIu64 " of %" PRIu64
				" bytes; drivers, stack and memory are missing",
				k->file.size, k->body);
	return false;
}

/* Where the zeros begin that the file ends with. */
static uint64_t zero_tail(const struct cursor *c)
{
	uint64_t at = c->size;

	while (at > 0 && c->data[at - 1] == 0)
		at--;
	return (at + 15) & ~UINT64_C(15);
}

/* The dump ends with TRGD at ValidOffset, which is SizeOfDump - 4. 3.1 */
static void check_size(struct kernel_dump *k)
{
	struct triage *t = &k->triage;
	struct dump *dump = k->dump;

	if (t->size_of_dump < k->body || t->valid_offset != t->size_of_dump - 4) {
		dump_problem_at(dump, "wrong-size", k->body + 4,
				"the dump states its size as 0x%x and its end mark as 0x%x, which "
				"do not go together",
				t->size_of_dump, t->valid_offset);
		dump->partial = true;
		return;
	}
	if (windows_truncated(k)) {
		windows_missing(k, "end mark");
		return;
	}
	if (cursor_u32_at(&k->file, t->valid_offset) == TRGD)
		return;
	uint64_t tail = zero_tail(&k->file);
	k->zero_tail = tail <= t->valid_offset;
	if (k->zero_tail) {
		dump_problem_at(dump, "zero-filled", tail,
				"the file is zero from offset 0x%" PRIx64
				" on: the rest of the dump was never written",
				tail);
		dump->partial = true;
		return;
	}
	dump_problem_at(
		dump, "truncated", t->valid_offset,
		"the end mark of the dump is missing: its writer did not finish, or its end "
		"was overwritten");
	dump->partial = true;
}

/* MiTriage: special pool and Driver Verifier. Only there if its bit says so. 3.5 */
static void memory_info_read(struct kernel_dump *k)
{
	if (!(k->fields & FIELD_MEMORY_INFO))
		return;
	struct cursor c = windows_area(k, k->triage.memory_info, 0x50, "memory information");
	k->dump->verifier_on = cursor_u32_at(&c, 0x10) != 0;
}

static struct error *read(const struct evidence *evidence, struct dump *dump)
{
	struct kernel_dump k = {.evidence = evidence, .dump = dump, .wide = is_wide(evidence)};

	k.body = k.wide ? HEADER64_SIZE : HEADER32_SIZE;
	k.file = cursor_make(evidence->data, evidence->size, 0, "dump");
	struct error *err = windows_header_read(&k);
	if (err)
		return err;
	err = unsupported(&k);
	if (err)
		return err;
	if (k.type != DUMP_TRIAGE && k.type != DUMP_HEADER_ONLY && k.file.size >= k.body)
		dump_problem(
			dump, "bad-header",
			"the header's dump type 0x%x is none that culprit knows; it is read as "
			"a small dump",
			k.type);
	dump->format = "windows-kernel-triage";
	dump->ops = &windows_kernel_ops;
	bool body = has_body(&k);
	if (body) {
		triage_read(&k);
		check_size(&k);
		memory_info_read(&k);
		windows_drivers_read(&k);
		windows_unloaded_read(&k);
	}
	if (body ? !windows_memory_read(&k) : !space_seal(dump->space))
		return error_create(ERROR_NOMEM, "out of memory for the dump's memory map");
	if (body) {
		windows_process_read(&k);
		windows_blobs_read(&k);
	}
	windows_header_finish(&k);
	if (arena_failed(dump->arena))
		return error_create(ERROR_NOMEM, "the dump needs more memory than culprit grants");
	return NULL;
}

const struct format format_windows_triage = {
	.id = "windows-kernel-triage",
	.summary = "Windows kernel small memory dump",
	.bid = bid,
	.read = read,
};
