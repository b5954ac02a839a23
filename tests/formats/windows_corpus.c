/* The reader of Windows small dumps, on real ones: CULPRIT_CORPUS names the folder that holds them
 * (with MANIFEST.tsv, or with a folder windows/ that has it); without it these tests are skipped.
 */
#include "windows_check.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { DUMP_MAX = 16 << 20 };

static char folder[4096];

static bool find_corpus(void)
{
	const char *corpus = getenv("CULPRIT_CORPUS");
	char manifest[4200];

	for (int sub = 0; corpus && sub < 2; sub++) {
		snprintf(folder, sizeof(folder), "%s%s", corpus, sub ? "/windows" : "");
		snprintf(manifest, sizeof(manifest), "%s/MANIFEST.tsv", folder);
		FILE *f = fopen(manifest, "r");
		if (!f)
			continue;
		fclose(f);
		return true;
	}
	return false;
}

static void need_corpus(void)
{
	if (!find_corpus())
		cr_skip_test("CULPRIT_CORPUS is not set");
}

TestSuite(windows_corpus, .init = need_corpus);

/* A dump of the corpus, unpacked and read. */
struct sample {
	uint8_t *data;
	size_t size;
	struct arena *arena;
	struct dump *dump;
};

static uint8_t *unpack(const char *name, size_t *ret_size)
{
	char path[4200];
	struct archive_entry *entry;
	struct archive *a = archive_read_new();
	uint8_t *data = malloc(DUMP_MAX);

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_raw(a);
	cr_assert(data && archive_read_open_filename(a, path, 65536) == ARCHIVE_OK &&
			  archive_read_next_header(a, &entry) == ARCHIVE_OK,
		  "%s: %s", path, archive_error_string(a));
	ssize_t size = archive_read_data(a, data, DUMP_MAX);
	cr_assert(gt(long, size, 0));
	archive_read_free(a);
	*ret_size = (size_t)size;
	return data;
}

static struct sample sample_open(const char *name)
{
	struct sample s = {0};

	s.data = unpack(name, &s.size);
	const struct evidence evidence = {
		.data = s.data, .size = s.size, .total_size = s.size, .fd = -1};
	s.arena = arena_create(UINT64_C(96) << 20);
	s.dump = dump_create(s.arena);
	cr_assert(eq(int, format_windows_triage.bid(&evidence), 100));
	struct error *err = format_windows_triage.read(&evidence, s.dump);
	cr_assert(err == NULL, "%s: %s", name, err ? err->message : "");
	check_model(s.dump);
	return s;
}

static void sample_close(struct sample *s)
{
	arena_destroy(s->arena);
	free(s->data);
}

static const struct module *first_driver(const struct sample *s)
{
	return list_at(&s->dump->modules, 0);
}

static const struct cpu *crash_cpu(const struct sample *s)
{
	LIST_EACH(struct cpu, cpu, &s->dump->cpus) {
		if (cpu->crashed)
			return cpu;
	}
	return NULL;
}

static bool has_event(const struct sample *s, const char *text)
{
	LIST_EACH(struct event, e, &s->dump->events) {
		if (strstr(e->text, text))
			return true;
	}
	return false;
}

/* What a row of the manifest promises of a dump, and what holds of every one. */
static void check_row(const char *name, const char *known)
{
	unsigned code, build, cpus, drivers;
	uint64_t p[4];
	char time[32];
	int n = sscanf(known,
		       "bugcheck %x params %" SCNx64 ",%" SCNx64 ",%" SCNx64 ",%" SCNx64
		       " build %u cpus %u drivers %u SystemTime %31[^;]",
		       &code, &p[0], &p[1], &p[2], &p[3], &build, &cpus, &drivers, time);
	cr_assert(eq(int, n, 9), "%s: %s", name, known);
	struct sample s = sample_open(name);
	struct dump *d = s.dump;

	cr_assert(eq(u32, d->code, code), "%s", name);
	for (unsigned i = 0; i < 4; i++)
		cr_assert(eq(u64, d->parameter[i], p[i]), "%s", name);
	cr_assert(eq(u32, d->base_build, build), "%s", name);
	cr_assert(eq(u32, d->cpu_count, cpus), "%s", name);
	cr_assert(eq(sz, d->modules.count, drivers), "%s", name);
	cr_assert(eq(str, text_filetime(s.arena, d->crash_time, 0), time), "%s", name);
	cr_assert(zero(sz, d->problems.count), "%s", name);
	cr_assert_not(d->partial, "%s", name);
	cr_assert(eq(str, (char *)first_driver(&s)->name, "ntoskrnl.exe"), "%s", name);
	cr_assert(d->process.name && d->process.has_pid, "%s", name);
	cr_assert(eq(u64, d->process.pid % 4, 0), "%s", name);
	cr_assert(d->thread.address != 0 && d->process.address != 0, "%s", name);
	cr_assert(gt(u64, d->stack_size, 0x200), "%s", name);
	cr_assert(crash_cpu(&s) && crash_cpu(&s)->control_block, "%s", name);
	cr_assert(d->manufacturer && d->product && d->bios, "%s", name);
	cr_assert(eq(u64, crash_cpu(&s)->current_thread, d->thread.address), "%s", name);
	sample_close(&s);
}

Test(windows_corpus, manifest)
{
	char path[4200], *line = NULL, *fields[5];
	size_t room = 0, rows = 0;

	snprintf(path, sizeof(path), "%s/MANIFEST.tsv", folder);
	FILE *f = fopen(path, "r");
	cr_assert(f != NULL);
	while (getline(&line, &room, f) > 0) {
		char *rest = line;
		unsigned n = 0;
		for (; n < 5 && (fields[n] = strsep(&rest, "\t")); n++)
			;
		if (n < 5 || strncmp(fields[3], "kernel-triage", 13) != 0)
			continue;
		check_row(fields[0], fields[4]);
		rows++;
	}
	free(line);
	fclose(f);
	cr_assert(gt(sz, rows, 30));
}

Test(windows_corpus, zero_filled_is_nobodys)
{
	size_t size;
	uint8_t *data = unpack("kd-cr-zero-111217-47250.dmp.zst", &size);
	const struct evidence evidence = {.data = data, .size = size, .total_size = size, .fd = -1};

	cr_assert(zero(int, format_windows_triage.bid(&evidence)));
	free(data);
}

Test(windows_corpus, real_build_is_not_the_headers)
{
	static const char *const expected[][2] = {
		{"kd-daimuvg-101.dmp.zst", "10.0.19043"},
		{"kd-daimuvg-1e.dmp.zst", "10.0.19043"},
		{"kd-dell-133.dmp.zst", "10.0.19045"},
		{"kd-ojusha-1a.dmp.zst", "10.0.19045"},
		{"kd-rizin-arm64-1c8.dmp.zst", "10.0.22000"},
		{"kd-cr-1a.dmp.zst", "6.3.9600"},
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		struct sample s = sample_open(expected[i][0]);
		cr_assert(eq(str, (char *)s.dump->os_version, (char *)expected[i][1]));
		sample_close(&s);
	}
}

Test(windows_corpus, exception_context_of_7e)
{
	struct sample s = sample_open("kd-cr-7e-rtkvhd64.dmp.zst");
	const struct dump *d = s.dump;

	cr_assert(d->header_context_is_fault);
	cr_assert(eq(u64, d->header_context.ip, d->parameter[1]));
	const struct module *m = dump_module_at(d, d->header_context.ip);
	cr_assert(m && text_equal_nocase(m->name, "RTKVHD64.sys"));
	cr_assert(eq(u64, d->header_context.ip - m->base, 0x5d28));
	cr_assert(m->timestamp_is_date, "Windows 8.1 has real dates");
	sample_close(&s);
}

Test(windows_corpus, crash_on_the_interrupt_stack)
{
	struct sample s = sample_open("kd-dell-133.dmp.zst");
	const struct dump *d = s.dump;

	cr_assert(d->stack_low < d->thread.stack_limit || d->stack_low >= d->thread.stack_base);
	cr_assert(eq(int, space_find(d->space, d->stack_low)->kind, PIECE_STACK));
	cr_assert(eq(sz, d->cpus.count, 24));
	unsigned contexts = 0, stacks = 0;
	LIST_EACH(struct cpu, cpu, &d->cpus) {
		const struct range *r = space_find(d->space, cpu->context.sp);
		contexts += cpu->has_context;
		stacks += !cpu->crashed && r && r->kind == PIECE_OTHER_STACK;
	}
	cr_assert(eq(u32, contexts, 24));
	cr_assert(eq(u32, stacks, 23));
	cr_assert(has_event(&s, "stornvme reported: Admin Command Timeout"));
	cr_assert(has_event(&s, "began a shutdown"));
	sample_close(&s);
}

Test(windows_corpus, kernel_generated_has_bare_names)
{
	struct sample s = sample_open("kd-dell-1c7.dmp.zst");

	cr_assert(strstr(s.dump->writer, "generated by the kernel") != NULL);
	LIST_EACH(struct module, m, &s.dump->modules) {
		cr_assert(m->path == NULL, "%s", m->name);
	}
	cr_assert(eq(str, (char *)s.dump->process.name, "MemCompression"));
	cr_assert(eq(str, (char *)s.dump->manufacturer, "Dell Inc."));
	sample_close(&s);
}

Test(windows_corpus, process_of_a_user)
{
	struct sample s = sample_open("kd-daimuvg-1e.dmp.zst");
	const struct dump *d = s.dump;

	cr_assert(eq(str, (char *)d->process.name, "opera.exe"));
	cr_assert(eq(u64, d->process.pid, 13096));
	cr_assert(text_ends_nocase(d->process.image_path, "\\Opera GX\\opera.exe"));
	cr_assert(eq(u64, crash_cpu(&s)->cr2, d->parameter[3]), "the address the fault was at");
	cr_assert(first_driver(&s)->path != NULL);
	sample_close(&s);
}

/* Stop 0x101: parameter 3 is the control block of the processor that hangs. */
Test(windows_corpus, hung_processor_is_there)
{
	struct sample s = sample_open("kd-daimuvg-101.dmp.zst");
	const struct cpu *cpu = list_at(&s.dump->cpus, (size_t)s.dump->parameter[3]);

	cr_assert(cpu != NULL);
	cr_assert(eq(u64, cpu->control_block, s.dump->parameter[2]));
	cr_assert(cpu->has_context);
	cr_assert_not(cpu->crashed);
	sample_close(&s);
}

/* Stop 0x1C8 means that the power button was held for parameter 1 milliseconds. */
Test(windows_corpus, power_button_was_held)
{
	struct sample s = sample_open("kd-rizin-arm64-1c8.dmp.zst");
	const struct dump *d = s.dump;

	cr_assert(eq(int, d->arch, ARCH_ARM64));
	cr_assert(eq(u64, d->header_context.sp, d->stack_low));
	uint64_t ms = 0;
	LIST_EACH(struct event, e, &d->events) {
		if (strstr(e->text, "power button"))
			ms = (d->crash_time - e->time) / 10000;
	}
	cr_assert(ms >= d->parameter[0] && ms < d->parameter[0] + 1000);
	sample_close(&s);
}
