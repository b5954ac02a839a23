/* DUMP_HEADER64 and DUMP_HEADER32: windows-dumps.md 1.1 to 1.8.
 *
 * The kernel fills the header with the letters PAGE before it writes the fields it knows (1.3), so
 * a field that still reads PAGE was never set and is taken as absent. */
#include "text.h"
#include "windows_kernel.h"

#include <inttypes.h>
#include <stdio.h>

static const uint32_t fill = 0x45474150;
static const uint64_t fill_wide = UINT64_C(0x4547415045474150);

/* KUSER_SHARED_DATA, a page at the same address in every Windows. 11.1 */
static const uint64_t shared_data_64 = UINT64_C(0xfffff78000000000), shared_data_32 = 0xffdf0000;
enum { SHARED_BUILD = 0x260 };

/* Offsets of the fields both widths have. */
struct header_layout {
	uint16_t machine, processors, code, parameters, debugger, context, exception_address;
	uint16_t type, required_space, system_time, up_time, fields, attributes;
};

static const struct header_layout header64 = {
	.machine = 0x30,
	.processors = 0x34,
	.code = 0x38,
	.parameters = 0x40,
	.debugger = 0x80,
	.context = 0x348,
	.exception_address = 0xf10,
	.type = 0xf98,
	.required_space = 0xfa0,
	.system_time = 0xfa8,
	.up_time = 0x1030,
	.fields = 0x1038,
	.attributes = 0x1050,
};

static const struct header_layout header32 = {
	.machine = 0x20,
	.processors = 0x24,
	.code = 0x28,
	.parameters = 0x2c,
	.debugger = 0x60,
	.context = 0x320,
	.exception_address = 0x7dc,
	.type = 0xf88,
	.required_space = 0xfa0,
	.system_time = 0xfc0,
	.up_time = 0xfb8,
	.fields = 0xf8c,
	.attributes = 0x8a0,
};

/* Value of a field, 0 where it was never set or the file ends before it. */
static uint32_t field32(struct kernel_dump *k, uint64_t offset)
{
	uint32_t value = cursor_u32_at(&k->file, offset);

	return value == fill ? 0 : value;
}

static uint64_t field64(struct kernel_dump *k, uint64_t offset)
{
	uint64_t value = cursor_u64_at(&k->file, offset);

	return value == fill_wide ? 0 : value;
}

static uint64_t field_pointer(struct kernel_dump *k, uint64_t offset)
{
	return k->wide ? field64(k, offset) : field32(k, offset);
}

uint64_t windows_address(const struct kernel_dump *k, uint64_t value)
{
	return k->wide ? value : value & UINT32_MAX;
}

void windows_missing(struct kernel_dump *k, const char *what)
{
	size_t room = sizeof(k->missing) / sizeof(k->missing[0]);

	k->dump->partial = true;
	for (unsigned i = 0; i < k->missing_count; i++)
		if (k->missing[i] == what)
			return;
	if (k->missing_count < room)
		k->missing[k->missing_count++] = what;
}

struct cursor windows_area(struct kernel_dump *k, uint64_t offset, uint64_t size, const char *what)
{
	uint64_t have = offset < k->file.size ? k->file.size - offset : 0;

	if (size == 0)
		return cursor_make(k->file.data, 0, offset, what);
	if (offset < k->body) {
		dump_problem_at(k->dump, "bad-offset", offset,
				"the %s is said to be at file offset 0x%" PRIx64
				", inside the dump's header; it was not read",
				what, offset);
		k->dump->partial = true;
		return cursor_make(k->file.data, 0, offset, what);
	}
	if (size <= have)
		return cursor_slice(&k->file, offset, size, what);
	if (offset + size <= k->triage.size_of_dump) {
		windows_missing(k, what);
	} else {
		dump_problem_at(k->dump, "bad-offset", offset,
				"the %s is said to be at file offset 0x%" PRIx64 " with %" PRIu64
				" bytes, which the dump does not have",
				what, offset, size);
		k->dump->partial = true;
	}
	return cursor_slice(&k->file, have ? offset : 0, have, what);
}

char *windows_text(struct arena *arena, struct cursor *c, uint64_t units, const char **ret_name)
{
	uint64_t left = cursor_left(c) / 2, have = units < left ? units : left;
	const uint8_t *bytes = cursor_bytes(c, have * 2);
	uint64_t kept = have < LIMIT_NAME_CHARS ? have : LIMIT_NAME_CHARS, name = 0;

	if (ret_name) {
		/* Before escapes, which have backslashes of their own, come into it. */
		for (uint64_t i = 0; i < have; i++)
			if (bytes[2 * i + 1] == 0 && (bytes[2 * i] == '\\' || bytes[2 * i] == '/'))
				name = i + 1;
		uint64_t rest = have - name < LIMIT_NAME_CHARS ? have - name : LIMIT_NAME_CHARS;
		*ret_name = text_from_utf16(arena, bytes + 2 * name, rest);
	}
	return text_from_utf16(arena, bytes, kept);
}

static void read_machine(struct kernel_dump *k, const struct header_layout *at)
{
	struct dump *dump = k->dump;
	uint32_t machine = field32(k, at->machine);

	switch (machine) {
	case MACHINE_X64: dump->arch = ARCH_X86_64; break;
	case MACHINE_ARM64: dump->arch = ARCH_ARM64; break;
	case MACHINE_X86: dump->arch = ARCH_X86; break;
	case MACHINE_IA64:
	case MACHINE_ARM:
	case MACHINE_ARMNT: k->machine_other = machine; return;
	default:
		dump->arch = k->wide ? ARCH_X86_64 : ARCH_X86;
		dump_problem_at(dump, "bad-header", at->machine,
				"the header names the machine type 0x%x, which culprit does not "
				"know; it is read as %s",
				machine, k->wide ? "x86-64" : "x86");
	}
	if (k->wide == (dump->arch == ARCH_X86)) {
		dump_problem_at(dump, "bad-header", at->machine,
				"the header's machine type 0x%x does not go with its width",
				machine);
		dump->arch = k->wide ? ARCH_X86_64 : ARCH_X86;
	}
	dump->cpu_count = field32(k, at->processors);
	if (dump->cpu_count < 1 || dump->cpu_count > LIMIT_CPUS) {
		dump_problem_at(dump, "bad-header", at->processors,
				"the header counts %u processors, which cannot be",
				dump->cpu_count);
		dump->cpu_count = 0;
	}
}

/* A time Windows can have crashed at: 1995 to 2100. */
static bool is_crash_time(uint64_t time)
{
	return time >= UINT64_C(124334784000000000) && time < UINT64_C(157469184000000000);
}

static void read_times(struct kernel_dump *k, const struct header_layout *at)
{
	struct dump *dump = k->dump;
	uint64_t time = field64(k, at->system_time), up = field64(k, at->up_time);

	if (is_crash_time(time))
		dump->crash_time = time;
	else if (time || k->file.size >= k->body)
		dump_problem_at(dump, "bad-header", at->system_time,
				"the header does not have a possible time of the crash");
	if (up == 0 || up > UINT64_C(10000000) * 86400 * 36525)
		return;
	dump->has_uptime = true;
	dump->uptime_s = (double)up / 1e7;
	if (dump->crash_time > up)
		dump->boot_time = dump->crash_time - up;
}

/* The header's CONTEXT: usually the call of KeBugCheckEx; with 0x7E the exception itself. 1.8 */
static void read_context(struct kernel_dump *k, const struct header_layout *at)
{
	struct dump *dump = k->dump;
	uint64_t size = windows_context_size(dump->arch);

	k->exception_ip = windows_address(k, field_pointer(k, at->exception_address));
	if (at->context + size > k->file.size)
		return;
	struct cursor c = cursor_slice(&k->file, at->context, size, "header context");
	if (!windows_context(dump->arch, &c, &dump->header_context)) {
		dump_problem_at(dump, "bad-header", at->context,
				"the registers in the header are not a possible processor state");
		return;
	}
	dump->has_header_context = true;
	bool is_code_7e = (dump->code & 0x0fffffff) == 0x7e;
	uint64_t ip = dump->header_context.ip;
	dump->header_context_is_fault = is_code_7e && (ip == dump->parameter[1] ||
						       (k->exception_ip && ip != k->exception_ip));
}

/* Codes that Windows only ever uses for live dumps: nothing stopped. 2.4 */
static bool is_live_code(uint32_t code)
{
	static const uint16_t codes[] = {0x117, 0x141, 0x15e, 0x161, 0x193, 0x1a1,
					 0x1a8, 0x1b0, 0x1b8, 0x1c4, 0x1cc, 0x1d4};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] == code)
			return true;
	return false;
}

struct error *windows_header_read(struct kernel_dump *k)
{
	struct dump *dump = k->dump;
	const struct header_layout *at = k->wide ? &header64 : &header32;
	unsigned pointer = k->wide ? 8 : 4;

	if (k->file.size < at->parameters + 4 * pointer)
		return error_at(ERROR_TRUNCATED, k->file.size,
				"the file ends after %" PRIu64
				" bytes, before the stop code of this Windows kernel dump",
				k->file.size);
	dump->os = OS_WINDOWS;
	dump->base_build = field32(k, 0xc);
	dump->code = cursor_u32_at(&k->file, at->code);
	if (dump->code == fill) {
		dump_problem_at(dump, "bad-header", at->code, "the header has no stop code");
		dump->code = 0;
	}
	for (unsigned i = 0; i < 4; i++)
		dump->parameter[i] = field_pointer(k, at->parameters + i * pointer);
	k->type = field32(k, at->type);
	k->attributes = field32(k, at->attributes);
	k->fields = field32(k, at->fields);
	k->required_space = field64(k, at->required_space);
	k->debugger = windows_address(k, field_pointer(k, at->debugger));
	read_machine(k, at);
	read_times(k, at);
	read_context(k, at);
	dump->live = (k->attributes & ATTRIBUTE_LIVE) || is_live_code(dump->code);
	return NULL;
}

/* Product version of a kernel build, without its last number. */
static const char *version_of(uint32_t build)
{
	static const struct {
		uint32_t from;
		const char *version;
	} versions[] = {{10240, "10.0"}, {9600, "6.3"}, {9200, "6.2"}, {7600, "6.1"},
			{6000, "6.0"},   {3790, "5.2"}, {2600, "5.1"}, {2195, "5.0"}};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (build >= versions[i].from)
			return versions[i].version;
	return NULL;
}

/* The kernel in memory counts its feature updates in a number the header does not have: 19041 is
 * also 19042 to 19045 (1.1). It is somewhere else in the dump, if anywhere. */
static void finish_version(struct kernel_dump *k)
{
	struct dump *dump = k->dump;
	uint64_t shared = k->wide ? shared_data_64 : shared_data_32;
	uint32_t build = k->real_build;

	if (build == 0 && space_u32(dump->space, shared + SHARED_BUILD, &build))
		build &= 0xffff;
	if (build < dump->base_build || build - dump->base_build > 1000)
		build = dump->base_build;
	dump->build = build;
	const char *version = version_of(build);
	if (version)
		dump->os_version = arena_printf(dump->arena, "%s.%u", version, build);
}

/* 3.8 */
static const char *writer_of(const struct kernel_dump *k)
{
	uint32_t build = k->dump->base_build;

	if (k->attributes & ATTRIBUTE_KERNEL_GENERATED)
		return k->attributes & ATTRIBUTE_FILE_TOO_SMALL
			       ? "generated by the kernel (small because the dump file was too "
				 "small)"
			       : "generated by the kernel";
	if (build >= 10240)
		return k->required_space > k->file.size
			       ? "extracted from the page file at the next boot"
			       : NULL;
	switch (build) {
	case 7600:
	case 7601: return "written by Windows 7 during the crash";
	case 9200: return "written by Windows 8 during the crash";
	case 9600: return "written by Windows 8.1 during the crash";
	default: return NULL;
	}
}

void windows_header_finish(struct kernel_dump *k)
{
	finish_version(k);
	k->dump->writer = writer_of(k);
	if (k->missing_count == 0)
		return;
	char list[512];
	size_t n = 0;
	for (unsigned i = 0; i < k->missing_count && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
				      k->missing[i]);
	if (k->evidence->total_size > k->file.size) {
		dump_problem_at(k->dump, "limit", k->file.size,
				"only the first 0x%" PRIx64 " bytes were read; incomplete or "
				"missing: %s",
				k->file.size, list);
		return;
	}
	dump_problem_at(k->dump, "truncated", k->file.size,
			"the file ends at offset 0x%" PRIx64 ", but its header describes 0x%x "
			"bytes; incomplete or missing: %s",
			k->file.size, k->triage.size_of_dump, list);
}
