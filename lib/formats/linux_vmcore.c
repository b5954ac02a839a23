/* Linux vmcores: kdump-compressed files, ELF cores, and flattened ones of either.
 * linux-vmcores.md */
#include "ceilings.h"
#include "flattened.h"
#include "linux_kernel.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int bid(const struct evidence *e)
{
	if (diskdump_is(e->data, e->size) || flattened_is(e->data, e->size))
		return 90;
	/* A process's core looks alike until its notes are read. */
	return elf_core_is(e->data, e->size) ? 60 : 0;
}

static char *symbol_at(const struct dump *dump, struct arena *arena, uint64_t address)
{
	return vm_symbol_at(dump->reader, arena, address, false);
}

static bool open_file_at(const struct dump *dump, struct arena *arena, uint64_t address,
			 struct open_file *ret)
{
	return vm_open_file(dump->reader, arena, address, ret);
}

static bool file_by_path(const struct dump *dump, const char *path, struct open_file *ret)
{
	return vm_file_by_path(dump->reader, path, ret);
}

static size_t cached_content(const struct dump *dump, const struct open_file *file, uint8_t *buffer,
			     size_t size)
{
	return vm_cached_content(dump->reader, file, buffer, size);
}

static bool heap_object_at(const struct dump *dump, uint64_t address, struct heap_object *ret)
{
	return vm_heap_object(dump->reader, address, ret);
}

static bool heap_link(const struct dump *dump, uint64_t value, unsigned nth, struct heap_link *ret)
{
	return vm_heap_link(dump->reader, value, nth, ret);
}

static void close_reader(struct dump *dump)
{
	if (dump->reader)
		vm_close(dump->reader);
	dump->reader = NULL;
}

static const struct dump_ops ops = {
	.symbol_at = symbol_at,
	.open_file_at = open_file_at,
	.file_by_path = file_by_path,
	.cached_content = cached_content,
	.heap_object_at = heap_object_at,
	.heap_link = heap_link,
	.close = close_reader,
};

/* A flattened file becomes the file it was made from. */
static struct error *rearrange(struct vmcore *v, const struct reader *file, uint64_t size)
{
	struct flattened flat = {.fd = -1};
	struct error *err = flattened_rearrange(file, size, LIMIT_UNPACK, v->arena, &flat);

	if (err)
		return err;
	v->own_file = flat.fd;
	v->file_size = flat.size;
	if (!flat.complete) {
		dump_problem_at(v->dump, flat.cut_by_limit ? "limit" : "truncated", flat.cut_at,
				"the flattened file ends early: %s",
				flat.cut ? flat.cut : "no details");
		v->dump->partial = true;
	}
	return NULL;
}

static void take_problems(struct vmcore *v, const struct list *problems)
{
	LIST_EACH(struct problem, p, problems) {
		*(struct problem *)list_add(&v->dump->problems) = *p;
		v->dump->partial = true;
	}
}

static struct error *check_diskdump(struct vmcore *v, const struct reader *file)
{
	struct diskdump_facts *f = &v->diskdump;
	struct dump *d = v->dump;
	struct error *err = diskdump_check(file, v->file_size, v->arena, f);

	if (err)
		return err;
	v->is_diskdump = true;
	d->format = "linux-vmcore-kdump";
	d->os_version = f->release;
	d->host = f->node && strcmp(f->node, "(none)") != 0 ? f->node : NULL;
	d->arch = f->arch;
	d->writer = arena_printf(v->arena, "makedumpfile, filter level %u, %s pages", f->dump_level,
				 !f->compression                       ? "unknown"
				 : strcmp(f->compression, "none") == 0 ? "uncompressed"
								       : f->compression);
	take_problems(v, &f->problems);
	if (f->split) {
		dump_problem(d, "split",
			     "this is one part of a vmcore written with --split: memory outside of "
			     "page frames 0x%" PRIx64 " to 0x%" PRIx64 " is in the other parts",
			     f->start_pfn, f->end_pfn);
		d->partial = true;
	}
	return NULL;
}

static struct error *check_elf(struct vmcore *v, const struct reader *file)
{
	struct elf_core_facts *f = &v->elf;
	struct error *err = elf_core_check(file, v->file_size, v->arena, f);

	if (err)
		return err;
	if (f->is_user)
		return error_create(ERROR_UNSUPPORTED,
				    "the core file of a process, not of a kernel");
	v->is_elf = true;
	v->dump->format = "linux-vmcore-elf";
	v->dump->arch = f->arch;
	v->dump->writer = f->is_qemu ? "QEMU dump-guest-memory" : "kdump, not filtered by pages";
	take_problems(v, &f->problems);
	return NULL;
}

/* Our own look at the headers, before libkdumpfile, which trusts them, sees them. */
static struct error *check(struct vmcore *v)
{
	const struct evidence *e = v->evidence;
	struct reader_bytes bytes = {e->data, e->size, 0};
	struct reader file = e->fd >= 0 ? reader_of_fd(e->fd) : reader_of_bytes(&bytes);
	uint8_t head[64];
	struct error *err = NULL;

	v->file_size = e->fd >= 0 && e->total_size > e->size ? e->total_size : e->size;
	if (flattened_is(e->data, e->size)) {
		err = rearrange(v, &file, v->file_size);
		if (err)
			return err;
		file = reader_of_fd(v->own_file);
	}
	size_t have = reader_some(&file, 0, head, sizeof(head));
	if (diskdump_is(head, have))
		err = check_diskdump(v, &file);
	else if (elf_core_is(head, have))
		err = check_elf(v, &file);
	else
		err = error_create(ERROR_BAD_DATA, "the flattened file does not hold a vmcore");
	if (!err && v->own_file >= 0)
		v->dump->format =
			v->is_elf ? "linux-vmcore-elf-flattened" : "linux-vmcore-kdump-flattened";
	return err;
}

/* VMCOREINFO by our own reading of the headers; by libkdumpfile's where that finds none. */
static void read_info(struct vmcore *v)
{
	enum { INFO_MAX = 1 << 20 };
	uint64_t at = v->is_elf ? v->elf.vmcoreinfo_offset : v->diskdump.vmcoreinfo_offset;
	uint64_t size = v->is_elf ? v->elf.vmcoreinfo_size : v->diskdump.vmcoreinfo_size;
	struct reader file = reader_of_fd(v->file);
	char *text = at && size && size <= INFO_MAX ? arena_alloc(v->arena, size, 1) : NULL;

	if (text && reader_exact(&file, at, text, size))
		v->has_info = vmcoreinfo_parse(v->arena, text, size, &v->info);
}

static void find_memory(struct vmcore *v)
{
	char *text = NULL;

	if (vm_paging_init(v))
		return;
	vm_use_kdump_translation(v);
	if (!v->has_info && kdump_vmcoreinfo_raw(v->kdump, &text) == KDUMP_OK && text) {
		v->has_info = vmcoreinfo_parse(v->arena, text, strlen(text), &v->info);
		free(text);
	}
	kdump_clear_err(v->kdump);
	if (!v->has_info) {
		dump_problem(v->dump, "no-vmcoreinfo",
			     "the dump has no VMCOREINFO, in which a kernel tells where its tables "
			     "are: little can be read");
		v->dump->partial = true;
	}
}

static void identify(struct vmcore *v)
{
	struct dump *d = v->dump;
	const char *arch = vm_attribute(v, KDUMP_ATTR_ARCH_NAME);
	const char *release = vmcoreinfo_value(&v->info, "OSRELEASE");

	d->os = OS_LINUX;
	if (arch)
		d->arch = strcmp(arch, KDUMP_ARCH_X86_64) == 0    ? ARCH_X86_64
			  : strcmp(arch, KDUMP_ARCH_AARCH64) == 0 ? ARCH_ARM64
								  : d->arch;
	v->arm = d->arch == ARCH_ARM64;
	if (release)
		d->os_version = release;
	else if (!d->os_version)
		d->os_version = vm_attribute(v, "linux.uts.release");
}

static void tell_absences(struct vmcore *v)
{
	const struct absences *a = &v->absent;

	if (a->excluded)
		dump_problem(v->dump, "pages-excluded",
			     "%u pages that were looked for had been left out when the dump was "
			     "written (page cache, user memory or free pages)",
			     a->excluded);
	if (a->missing) {
		dump_problem(v->dump, "pages-missing",
			     "%u pages that were looked for should be in the file and are not",
			     a->missing);
		v->dump->partial = true;
	}
}

static struct error *read_vmcore(const struct evidence *evidence, struct dump *dump)
{
	struct vmcore *v = arena_alloc(dump->arena, 1, sizeof(*v));
	struct error *err;

	if (!v)
		return error_create(ERROR_NOMEM, "no memory left for the vmcore");
	v->evidence = evidence;
	v->dump = dump;
	v->arena = dump->arena;
	v->file = v->own_file = -1;
	list_init(&v->tables, v->arena, sizeof(struct module_tables), LIMIT_MODULES);
	dump->reader = v;
	dump->ops = &ops;
	dump->os = OS_LINUX;
	err = check(v);
	if (!err)
		err = vm_open(v);
	if (!err && !space_seal(dump->space))
		err = error_create(ERROR_NOMEM, "no memory left for the vmcore");
	if (err)
		return err;
	read_info(v);
	identify(v);
	find_memory(v);
	vm_debug_open(v);
	vm_symbols(v);
	vm_log(v);
	vm_modules(v);
	vm_bpf(v);
	if (v->tables.count == 0)
		linux_log_modules(dump, &v->events);
	vm_modules_settle(v);
	vm_unwind_init(v);
	vm_crash(v);
	vm_other_tasks(v);
	vm_bpf_loaders(v);
	vm_debug_sources(v);
	vm_clock(v);
	tell_absences(v);
	if (arena_failed(dump->arena))
		return error_create(ERROR_NOMEM,
				    "the vmcore needs more memory than culprit grants");
	return NULL;
}

const struct format format_linux_vmcore = {
	.id = "linux-vmcore",
	.summary = "Linux kernel crash dump (kdump, ELF core, QEMU)",
	.bid = bid,
	.by_file = true,
	.by_debug_files = true,
	.read = read_vmcore,
};
