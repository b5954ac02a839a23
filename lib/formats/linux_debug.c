/* A vmlinux and modules' files that the person gave: which of them are of this very kernel, and
 * what they tell. A file that does not fit, or of which nobody can say that it does, is not used.
 */
#include "linux_kernel.h"

#include "ceilings.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	BANNER_MAX = 512,
	BUILD_ID_BYTES = 20,
	NOTE_BYTES = 16 + BUILD_ID_BYTES,
	NOTES_SEARCHED = 8 << 20, /* of a module's data */
	CANDIDATES_MAX = 8,       /* files of one name */
	FRAMES_LOOKED_UP = 64,
};

/* ---- what fits ---- */

/* From the addresses of @p file to those of the dump. */
static bool shift_of(const struct vmcore *v, struct debug_file *file, uint64_t *ret)
{
	struct debug_symbol text;
	uint64_t start;

	if (vmcoreinfo_symbol(&v->info, "_stext", &start) &&
	    debug_file_symbol(file, "_stext", &text))
		*ret = start - text.address;
	else if (!vmcoreinfo_number(&v->info, "KERNELOFFSET", ret))
		return false;
	return true;
}

/* "Linux version 6.1.0 (somebody@host) (gcc ...) #1 SMP <date of the build>", as the file and as
 * the dump has it. False if one of them is not there. */
static bool compare_banners(const struct vmcore *v, struct debug_file *file, bool *ret_same)
{
	struct debug_symbol banner;
	uint64_t size, shift;
	char own[BANNER_MAX];

	if (!debug_file_symbol(file, "linux_banner", &banner) || !shift_of(v, file, &shift))
		return false;
	const uint8_t *given = debug_file_bytes(file, banner.address, &size);
	size_t length =
		given ? strnlen((const char *)given, size < BANNER_MAX ? size : BANNER_MAX) : 0;
	if (length == 0 || length == BANNER_MAX || length == size ||
	    !vm_read(v, banner.address + shift, own, length + 1))
		return false;
	*ret_same = memcmp(own, given, length + 1) == 0;
	return true;
}

/* How it is known that @p file is of this kernel; NULL if it is not, or if nobody can tell: then
 * *ret_why says which. */
static const char *kernel_match(const struct vmcore *v, struct debug_file *file,
				const char **ret_why)
{
	const char *wanted = vmcoreinfo_value(&v->info, "BUILD-ID");
	const char *has = debug_file_build_id(file);
	bool same;

	if (wanted && has) {
		if (strcasecmp(wanted, has) == 0)
			return "build-id";
		*ret_why = arena_printf(
			v->arena, "it is of another kernel (its build ID is %s, the dump's is %s)",
			has, wanted);
		return NULL;
	}
	if (!compare_banners(v, file, &same))
		*ret_why = "whether it is of this kernel cannot be told (neither a build ID "
			   "nor the banner can be compared)";
	else if (!same)
		*ret_why = "it is of another kernel (the banner in the dump is not its own)";
	else
		return "banner";
	return NULL;
}

static struct debug_use *use_of(const struct vmcore *v)
{
	return list_at(&v->dump->debug_uses, v->vmlinux_use);
}

static void take_vmlinux(struct vmcore *v, struct debug_file *file, const char *matched_by)
{
	struct debug_use *use = list_add(&v->dump->debug_uses);

	use->of = "vmlinux";
	use->matched_by = matched_by;
	v->vmlinux = file;
	v->vmlinux_use = v->dump->debug_uses.count - 1;
	if (!shift_of(v, file, &v->vmlinux_shift))
		v->vmlinux_shift = 0;
}

/* Takes the file behind @p fd if it fits; else *ret_why says in words why not. */
static bool try_vmlinux(struct vmcore *v, int fd, const char **ret_why)
{
	struct debug_file *file;
	struct error *err = debug_file_open(fd, &file);

	if (err) {
		*ret_why = arena_printf(v->arena, "%s", err->message);
		error_destroy(err);
		return false;
	}
	const char *matched_by = kernel_match(v, file, ret_why);
	if (matched_by && !debug_file_has_symbols(file) && !debug_file_has_dwarf(file)) {
		*ret_why = "it has neither symbols nor DWARF, or is not all there";
		matched_by = NULL;
	}
	if (!matched_by) {
		debug_file_close(file);
		return false;
	}
	take_vmlinux(v, file, matched_by);
	return true;
}

/* ---- asking for files ---- */

static bool put(char *field, size_t size, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	if (length == 0 || length >= size)
		return false;
	memcpy(field, text, length);
	return true;
}

/* The next file of the directory by that name: -1 if there is no more. */
static int ask(const struct vmcore *v, enum debug_kind kind, const char *name, unsigned nth)
{
	const struct debug_files *debug = v->evidence->debug;
	struct debug_request request = {.kind = kind, .nth = nth};

	if (!debug || !debug->find)
		return -1;
	if (kind != DEBUG_BUILD_ID &&
	    !put(request.release, sizeof(request.release), v->dump->os_version))
		return -1;
	if (kind != DEBUG_KERNEL && !put(request.name, sizeof(request.name), name))
		return -1;
	return debug->find(&request);
}

/* One without lines still has names; but lines are what most give it for. */
static void tell_no_lines(struct vmcore *v)
{
	if (v->vmlinux && !debug_file_has_dwarf(v->vmlinux))
		dump_problem(v->dump, "vmlinux-no-lines",
			     "the vmlinux that was given has no DWARF: it tells no lines of the "
			     "sources");
}

static void find_vmlinux(struct vmcore *v)
{
	const char *id = vmcoreinfo_value(&v->info, "BUILD-ID"), *why = NULL;
	int fd = id ? ask(v, DEBUG_BUILD_ID, id, 0) : -1;

	for (unsigned i = 0; i <= CANDIDATES_MAX && !v->vmlinux; i++) {
		if (fd >= 0) {
			try_vmlinux(v, fd, &why);
			close(fd);
		} else if (i > 0) {
			break;
		}
		fd = v->vmlinux ? -1 : ask(v, DEBUG_KERNEL, NULL, i);
	}
	if (fd >= 0)
		close(fd);
	if (!v->vmlinux && why)
		dump_problem(v->dump, "debug-dir-mismatch",
			     "the vmlinux in the debug directory was not used: %s", why);
}

void vm_debug_open(struct vmcore *v)
{
	const struct debug_files *debug = v->evidence->debug;
	const char *why = NULL;

	if (!debug)
		return;
	if (debug->vmlinux >= 0 && !try_vmlinux(v, debug->vmlinux, &why))
		dump_problem(v->dump, "vmlinux-not-used",
			     "the vmlinux that was given was not used: %s", why);
	if (!v->vmlinux)
		find_vmlinux(v);
	tell_no_lines(v);
}

void vm_debug_close(struct vmcore *v)
{
	LIST_EACH(struct module_tables, t, &v->tables) {
		debug_file_close(t->debug);
		t->debug = NULL;
	}
	debug_file_close(v->vmlinux);
	v->vmlinux = NULL;
}

/* ---- symbols and layouts of the kernel ---- */

/* What has no place in the kernel's half of the addresses stays where it is: offsets of per-CPU
 * variables, constants. */
static uint64_t moved(const struct vmcore *v, uint64_t address)
{
	return address >> 63 ? address + v->vmlinux_shift : address;
}

bool vm_debug_symbol(const struct vmcore *v, const char *name, uint64_t *ret)
{
	struct debug_symbol symbol;

	if (!v->vmlinux || !debug_file_symbol(v->vmlinux, name, &symbol))
		return false;
	*ret = moved(v, symbol.address);
	use_of(v)->symbols = true;
	return true;
}

bool vm_debug_symbol_at(const struct vmcore *v, uint64_t address, struct kallsyms_symbol *ret)
{
	struct debug_symbol symbol;

	if (!v->vmlinux || !debug_file_symbol_at(v->vmlinux, address - v->vmlinux_shift, &symbol))
		return false;
	*ret = (struct kallsyms_symbol){.address = moved(v, symbol.address),
					.size = symbol.size,
					.type = symbol.is_function ? 't' : 'd'};
	size_t length = strnlen(symbol.name, sizeof(ret->name) - 1);
	memcpy(ret->name, symbol.name, length);
	use_of(v)->symbols = true;
	return true;
}

struct types *vm_debug_types(struct vmcore *v, const char **ret_from)
{
	struct types *types = NULL;
	uint64_t size;

	if (!v->vmlinux)
		return NULL;
	const uint8_t *btf = debug_file_section(v->vmlinux, ".BTF", &size);
	struct error *err = btf ? btf_types(btf, size, &types) : NULL;
	error_destroy(err);
	*ret_from = "BTF";
	if (!types) {
		err = debug_file_types(v->vmlinux, &types);
		error_destroy(err);
		*ret_from = "DWARF";
	}
	use_of(v)->layouts = types != NULL;
	return types;
}

/* ---- files of modules ---- */

/* The note that the linker put among the module's data: name and content are 4 and 20 bytes, type 3
 * (NT_GNU_BUILD_ID). NULL if there is none, or more than one. */
static const char *loaded_build_id(const struct vmcore *v, const struct module *m)
{
	static const uint8_t head[16] = {4,   0,   0,   0, BUILD_ID_BYTES, 0, 0, 0, 3, 0, 0, 0,
					 'G', 'N', 'U', 0};
	uint8_t page[FETCH_PAGE + NOTE_BYTES], id[BUILD_ID_BYTES];
	unsigned found = 0;

	for (unsigned i = 0; i < m->parts && i < PARTS_MAX; i++) {
		const struct part *part = &m->part[i];
		for (uint64_t at = 0; !part->code && at < part->size && at < NOTES_SEARCHED;
		     at += FETCH_PAGE) {
			uint64_t left = part->size - at;
			size_t have = reader_some(&v->memory, part->base + at, page,
						  left < sizeof(page) ? left : sizeof(page));
			for (size_t k = 0; k + NOTE_BYTES <= have && k < FETCH_PAGE; k += 4) {
				if (memcmp(page + k, head, sizeof(head)) != 0)
					continue;
				memcpy(id, page + k + sizeof(head), sizeof(id));
				found++;
			}
		}
	}
	if (found != 1)
		return NULL;
	char text[2 * BUILD_ID_BYTES + 1];
	for (unsigned i = 0; i < BUILD_ID_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
	return arena_strndup(v->arena, text, sizeof(text) - 1);
}

/* "6.1.0-56-cloud-amd64 SMP preempt mod_unload modversions " is for that release. */
static bool is_for(const char *vermagic, const char *release)
{
	size_t length = release ? strlen(release) : 0;

	return vermagic && length && strncmp(vermagic, release, length) == 0 &&
	       (vermagic[length] == ' ' || !vermagic[length]);
}

static const char *module_match(const struct vmcore *v, const struct debug_file *file,
				const struct module *m, const char *id, const char **ret_why)
{
	const char *has = debug_file_build_id(file), *sources = debug_file_fact(file, "srcversion");

	if (id && has) {
		if (strcmp(id, has) == 0)
			return "build-id";
		*ret_why = arena_printf(
			v->arena,
			"it is of another build (its build ID is %s, that of the loaded "
			"module is %s)",
			has, id);
		return NULL;
	}
	if (m->source_version && sources) {
		if (strcmp(m->source_version, sources) == 0)
			return "srcversion";
		*ret_why = "it is of other sources (srcversion)";
		return NULL;
	}
	if (is_for(debug_file_fact(file, "vermagic"), v->dump->os_version))
		return "name";
	*ret_why = "it is for another kernel, or does not say for which";
	return NULL;
}

/* The file if it fits and has lines. */
static struct debug_file *try_module(struct vmcore *v, int fd, const struct module *m,
				     const char *id, const char **ret_why)
{
	struct debug_file *file;
	struct error *err = debug_file_open(fd, &file);

	if (err) {
		*ret_why = arena_printf(v->arena, "%s", err->message);
		error_destroy(err);
		return NULL;
	}
	const char *matched_by = module_match(v, file, m, id, ret_why);
	if (matched_by && !debug_file_has_dwarf(file)) {
		*ret_why = "it has no DWARF";
		matched_by = NULL;
	}
	if (!matched_by) {
		debug_file_close(file);
		return NULL;
	}
	struct debug_use *use = list_add(&v->dump->debug_uses);
	use->of = m->name;
	use->matched_by = matched_by;
	use->lines = true;
	return file;
}

/* The file of @p t's module, looked for once. */
static struct debug_file *module_file(struct vmcore *v, struct module_tables *t)
{
	const struct debug_files *debug = v->evidence->debug;
	const struct module *m = t->module;
	const char *why = NULL;

	if (t->debug_tried || !debug || !debug->find || m->kind != MODULE_DRIVER)
		return t->debug;
	t->debug_tried = true;
	const char *id = loaded_build_id(v, m);
	int fd = id ? ask(v, DEBUG_BUILD_ID, id, 0) : -1;
	for (unsigned i = 0; i <= CANDIDATES_MAX && !t->debug; i++) {
		if (fd >= 0) {
			t->debug = try_module(v, fd, m, id, &why);
			close(fd);
		} else if (i > 0) {
			break;
		}
		fd = t->debug ? -1 : ask(v, DEBUG_MODULE, m->name, i);
	}
	if (fd >= 0)
		close(fd);
	/* that a directory of the vendor's has none of the kernel's own modules is no news */
	if (!t->debug && (why || (m->taints && *m->taints)))
		dump_problem(v->dump, why ? "debug-dir-mismatch" : "debug-dir-missing",
			     why ? "the file of %s in the debug directory was not used: %s"
				 : "the debug directory has no file of the module %s%s",
			     m->name, why ? why : "");
	return t->debug;
}

/* ---- lines ---- */

/* Where a module was is only in the dump, where its functions are in the file: the name of the
 * function is the bridge, if only one has it. */
static bool module_line(struct vmcore *v, struct module_tables *t, uint64_t address,
			struct list *ret)
{
	struct debug_file *file = module_file(v, t);
	struct debug_symbol symbol;
	uint64_t start;
	const char *name = file ? vm_module_symbol(v, t, address, &start) : NULL;

	return name && debug_file_symbol(file, name, &symbol) && symbol.is_alone &&
	       symbol.is_function && address - start < symbol.size &&
	       debug_file_source(file, symbol.address + (address - start), v->arena, ret);
}

static void look_up(struct vmcore *v, struct call *c, uint64_t address)
{
	struct module_tables *t = vm_tables_of(v, address);

	list_init(&c->sources, v->arena, sizeof(struct source_line), LIMIT_INLINED);
	if (t)
		module_line(v, t, address, &c->sources);
	else if (v->vmlinux && address >= v->text_start && address < v->text_end &&
		 debug_file_source(v->vmlinux, address - v->vmlinux_shift, v->arena, &c->sources))
		use_of(v)->lines = true;
}

void vm_debug_sources(struct vmcore *v)
{
	unsigned index = 0;

	if (!v->evidence->debug)
		return;
	LIST_EACH(struct call, c, &v->dump->crash_task.calls) {
		bool exact = c->source == CALL_REGISTERS || c->source == CALL_INTERRUPTED ||
			     (c->source == CALL_LOG && index == 0);
		/* a call returns behind itself, which may be another line */
		if (c->address && index++ < FRAMES_LOOKED_UP)
			look_up(v, c, c->address - !exact);
	}
}
