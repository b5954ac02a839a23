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

static uint64_t cached_at(const struct dump *dump, uint64_t inode, uint64_t offset)
{
	return vm_cached_at(dump->reader, inode, offset);
}

static bool page_owner_at(const struct dump *dump, struct arena *arena, uint64_t address,
			  struct page_owner *ret)
{
	return vm_page_owner(dump->reader, arena, address, ret);
}

static bool next_memory(const struct dump *dump, uint64_t from, uint64_t *ret_start,
			uint64_t *ret_size)
{
	return vm_next_memory(dump->reader, from, ret_start, ret_size);
}

static bool read_physical(const struct dump *dump, uint64_t physical, void *buffer, size_t size)
{
	return vm_physical(dump->reader, physical, buffer, size);
}

static uint64_t address_of(const struct dump *dump, uint64_t physical)
{
	return vm_address_of(dump->reader, physical);
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
	.cached_at = cached_at,
	.page_owner_at = page_owner_at,
	.next_memory = next_memory,
	.read_physical = read_physical,
	.address_of = address_of,
	.heap_object_at = heap_object_at,
	.heap_link = heap_link,
	.close = close_reader,
};

/* A flattened file becomes the file it was made from. */
static struct error *rearrange(struct vmcore *v, const struct evidence *e, struct vmcore_file *file)
{
	struct reader flat_file = reader_of_fd(e->fd);
	struct flattened flat = {.fd = -1};
	struct error *err = flattened_rearrange(&flat_file, file->size,
						LIMIT_UNPACK - v->rearranged, v->arena, &flat);

	if (err)
		return err;
	*file = (struct vmcore_file){.fd = flat.fd, .own = true, .size = flat.size};
	v->rearranged += flat.stored;
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

static void describe_diskdump(struct vmcore *v)
{
	const struct diskdump_facts *f = &v->diskdump;
	struct dump *d = v->dump;

	v->is_diskdump = true;
	d->format = "linux-vmcore-kdump";
	if (v->evidence->next)
		d->format = "linux-vmcore-kdump-split";
	else if (v->files[0].own)
		d->format = "linux-vmcore-kdump-flattened";
	d->os_version = f->release;
	d->host = f->node && strcmp(f->node, "(none)") != 0 ? f->node : NULL;
	d->arch = f->arch;
	d->writer = arena_printf(v->arena, "makedumpfile, filter level %u, %s pages", f->dump_level,
				 !f->compression                       ? "unknown"
				 : strcmp(f->compression, "none") == 0 ? "uncompressed"
								       : f->compression);
	take_problems(v, &f->problems);
}

/* The files in the order of their memory. One without pages has nothing for libkdumpfile. */
static void order_files(struct vmcore *v, const struct diskdump_part *parts, size_t count)
{
	struct vmcore_file files[LIMIT_PARTS];

	memcpy(files, v->files, sizeof(files));
	v->file_count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct vmcore_file *file = &files[parts[i].index];
		if (i == 0 || parts[i].facts.pages)
			v->files[v->file_count++] = *file;
		else if (file->own)
			close(file->fd);
	}
}

static struct error *check_diskdump(struct vmcore *v)
{
	struct diskdump_part *parts = arena_alloc(v->arena, v->file_count, sizeof(*parts));
	struct diskdump_whole whole;
	struct error *err = NULL;
	const struct evidence *e = v->evidence;
	size_t count = v->file_count;

	if (!parts)
		return error_create(ERROR_NOMEM, "no memory left for the vmcore");
	for (unsigned i = 0; i < count && !err; i++, e = e->next) {
		parts[i].name = e->name ? e->name : "the vmcore";
		parts[i].file = reader_of_fd(v->files[i].fd);
		parts[i].index = i;
		err = diskdump_check(&parts[i].file, v->files[i].size, v->arena, &parts[i].facts);
		if (count > 1)
			err = error_prepend(err, "%s", parts[i].name);
	}
	if (!err)
		err = diskdump_join(parts, count, v->arena, &whole);
	if (err)
		return err;
	order_files(v, parts, count);
	v->diskdump = whole.facts;
	v->gaps = whole.gaps;
	describe_diskdump(v);
	return NULL;
}

static struct error *check_elf(struct vmcore *v)
{
	struct elf_core_facts *f = &v->elf;
	struct reader file = reader_of_fd(v->files[0].fd);
	struct error *err = elf_core_check(&file, v->files[0].size, v->arena, f);

	if (err)
		return err;
	if (f->is_user)
		return error_create(ERROR_UNSUPPORTED,
				    "the core file of a process, not of a kernel");
	v->is_elf = true;
	v->dump->format = v->files[0].own ? "linux-vmcore-elf-flattened" : "linux-vmcore-elf";
	v->dump->arch = f->arch;
	v->dump->writer = f->is_qemu ? "QEMU dump-guest-memory" : "kdump, not filtered by pages";
	take_problems(v, &f->problems);
	return NULL;
}

/* Adds the file of @p e; *ret_is_elf says what it is. */
static struct error *add_file(struct vmcore *v, const struct evidence *e, bool *ret_is_elf)
{
	struct vmcore_file *file = &v->files[v->file_count++];
	bool flat = flattened_is(e->data, e->size);
	struct error *err = NULL;
	uint8_t head[64];

	*file = (struct vmcore_file){.fd = e->fd, .size = e->total_size};
	if (flat)
		err = rearrange(v, e, file);
	if (err)
		return err;
	struct reader reader = reader_of_fd(file->fd);
	size_t have = reader_some(&reader, 0, head, sizeof(head));
	*ret_is_elf = elf_core_is(head, have);
	if (*ret_is_elf || diskdump_is(head, have))
		return NULL;
	return error_create(ERROR_BAD_DATA, flat ? "the flattened file does not hold a vmcore"
						 : "the vmcore changed while it was read");
}

/* Our own look at the headers, before libkdumpfile, which trusts them, sees them. */
static struct error *check(struct vmcore *v)
{
	bool is_elf = false;

	for (const struct evidence *e = v->evidence; e; e = e->next) {
		struct error *err;
		if (v->file_count == LIMIT_PARTS)
			return error_create(ERROR_LIMIT, "more than %d parts (LIMIT_PARTS)",
					    LIMIT_PARTS);
		err = add_file(v, e, &is_elf);
		if (!err && is_elf && v->evidence->next)
			err = error_create(ERROR_USAGE,
					   "an ELF core is never split: it is no part of a vmcore");
		if (err)
			return v->evidence->next ? error_prepend(err, "%s", e->name) : err;
	}
	return is_elf ? check_elf(v) : check_diskdump(v);
}

/* VMCOREINFO by our own reading of the headers; by libkdumpfile's where that finds none. */
static void read_info(struct vmcore *v)
{
	enum { INFO_MAX = 1 << 20 };
	uint64_t at = v->is_elf ? v->elf.vmcoreinfo_offset : v->diskdump.vmcoreinfo_offset;
	uint64_t size = v->is_elf ? v->elf.vmcoreinfo_size : v->diskdump.vmcoreinfo_size;
	struct reader file = reader_of_fd(v->files[0].fd);
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
			     "of the pages that were looked for, %u had been left out when the "
			     "dump was written (page cache, user memory or free pages)",
			     a->excluded);
	if (a->elsewhere)
		dump_problem(v->dump, "pages-elsewhere",
			     "%u pages that were looked for are in a part of this vmcore that was "
			     "not given",
			     a->elsewhere);
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
	vm_modules_of_log(v);
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
	.joins = true,
	.by_debug_files = true,
	.read = read_vmcore,
};
