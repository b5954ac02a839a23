/* What the files of the vmcore reader share: one Linux kernel as its memory describes it.
 *
 * Nothing here knows a structure's layout. Every offset comes from the dump: VMCOREINFO, BTF, or
 * the kernel's own tables. A read that finds nothing gives 0, and what is built on it stays empty:
 * a missing page is an ordinary answer (linux-vmcores.md). */
#ifndef CULPRIT_LINUX_KERNEL_H
#define CULPRIT_LINUX_KERNEL_H

#include "btf.h"
#include "ceilings.h"
#include "debug_file.h"
#include "diskdump_split.h"
#include "elf_core_check.h"
#include "evidence.h"
#include "kallsyms.h"
#include "linux_log.h"
#include "oops.h"
#include "orc.h"
#include "vmcoreinfo.h"

#include <libkdumpfile/kdumpfile.h>

enum { FETCH_PAGE = 4096, FETCH_SLOTS = 1024 };

/* One page of the cache between libkdumpfile and everybody else. */
struct cached_page {
	uint64_t address;
	bool used, present;
	uint8_t *bytes;
};

/* Why reads failed, counted. */
struct absences {
	unsigned excluded;  /* left out by the filter of makedumpfile */
	unsigned missing;   /* the file should have them and does not */
	unsigned elsewhere; /* in a part of the vmcore that was not given */
	unsigned unmapped;  /* no such memory */
};

/* A module as the reader needs it beside the model. */
struct module_tables {
	struct module *module;
	uint64_t address; /* of its struct module, or of its struct bpf_prog */
	const char *name; /* symbol of a BPF program, else NULL */
	uint64_t symbols, strings;
	uint32_t symbol_count;
	struct orc_table orc;
	uint8_t *symbol_bytes; /* its symbol table, read when first asked for */
	char *string_bytes;
	size_t string_size;
	bool tried;
	struct debug_file *debug; /* its file with DWARF, if the person gave one that fits */
	bool debug_tried;
};

/* Offsets that are asked for often. -1: this kernel has no such field. */
struct layout {
	int64_t file_dentry, file_mount, file_inode, file_operations;
	int64_t dentry_parent, dentry_name, dentry_inode;
	int64_t mount_inner, mount_parent, mount_point, vfsmount_root;
	int64_t inode_number, inode_size, inode_mode, inode_mapping;
	int64_t inode_mtime, inode_mtime_ns, inode_ctime, inode_ctime_ns;
	int64_t task_comm, task_pid, task_stack, task_files, task_state, task_on_cpu, task_thread,
		task_tasks, task_thread_node, task_signal;
	int64_t signal_thread_head;
	int64_t files_fdt, fdtable_max, fdtable_fd;
	bool files_known;
};

/* The kernel's map of all physical memory, and its array of struct page. */
struct linear {
	bool tried;
	uint64_t base, map, page_struct;
};

/* The kernel's page tables. */
struct paging {
	bool ready;
	uint64_t root; /* physical */
	unsigned levels, page_shift, bits;
	uint64_t mask; /* of the address in an entry */
	struct cached_page *tables;
};

/* A file that libkdumpfile reads. */
struct vmcore_file {
	int fd;
	bool own; /* made by us, and ours to close */
	uint64_t size;
};

struct vmcore {
	const struct evidence *evidence;
	struct dump *dump;
	struct arena *arena;
	kdump_ctx_t *kdump;
	struct vmcore_file files[LIMIT_PARTS]; /* `diskdump` and `elf` tell of the first */
	unsigned file_count;
	uint64_t rearranged; /* bytes in files of our own */
	struct list gaps;    /* struct frame_range: of parts that were not given */
	uint64_t page_size;
	bool arm;
	struct reader memory; /* kernel addresses */
	struct cached_page *cache;
	unsigned renewals; /* of libkdumpfile's own cache */
	struct absences absent;
	struct diskdump_facts diskdump;
	struct elf_core_facts elf;
	bool is_diskdump, is_elf;
	struct vmcoreinfo info;
	bool has_info;
	struct kallsyms *symbols;
	struct types *types;
	struct layout layout;
	struct list tables; /* struct module_tables */
	struct module *kernel;
	uint64_t text_start, text_end;
	struct orc_table orc;
	struct unwinder unwinder;
	uint64_t stack_bytes; /* of a task's kernel stack */
	struct linux_log log;
	struct oops_log events;
	unsigned crash_cpu;
	bool has_crash_cpu;
	uint64_t crash_task; /* address of its task_struct, 0 unknown */
	struct paging paging;
	struct linear linear;
	struct list caches; /* uint64_t: addresses of every struct kmem_cache */
	kdump_bmp_t *pages; /* which pages the file has; NULL until asked for */
	struct list aliases;
	struct debug_file *vmlinux; /* of this very kernel, NULL: none was given */
	uint64_t vmlinux_shift;     /* from its addresses to the dump's */
	size_t vmlinux_use;         /* index in dump->debug_uses */
};

/* ---- linux_memory.c: bytes ---- */

struct error *vm_open(struct vmcore *v);
void vm_close(struct vmcore *v);
/* For kernels whose page tables we cannot follow ourselves. */
void vm_use_kdump_translation(struct vmcore *v);
bool vm_read(const struct vmcore *v, uint64_t address, void *buffer, size_t size);
/* Past the cache, for tables of megabytes. */
bool vm_bulk(struct vmcore *v, uint64_t address, void *buffer, size_t size);
bool vm_physical(struct vmcore *v, uint64_t address, void *buffer, size_t size);
uint64_t vm_u64(const struct vmcore *v, uint64_t address);
uint32_t vm_u32(const struct vmcore *v, uint64_t address);
/* NUL-terminated, at most @p most bytes, safe text; NULL if unreadable or empty. */
char *vm_string(const struct vmcore *v, struct arena *arena, uint64_t address, size_t most);
bool vm_is_pointer(uint64_t value);
/* A register of a processor by libkdumpfile's name ("rip"). */
bool vm_register(struct vmcore *v, unsigned cpu, const char *name, uint64_t *ret);
bool vm_number(struct vmcore *v, const char *key, uint64_t *ret);
const char *vm_attribute(struct vmcore *v, const char *key);

/* ---- linux_paging.c ---- */

/* By VMCOREINFO; false if that does not tell where the tables are. */
bool vm_paging_init(struct vmcore *v);
/* Physical address of @p address; false if nothing is mapped there. */
bool vm_translate(struct vmcore *v, uint64_t address, uint64_t *ret);
/* Moves @p address on to the next one that is mapped; false if none is before @p end, or when the
 * @p steps, which are counted down, are used up. */
bool vm_next_mapped(struct vmcore *v, uint64_t *address, uint64_t end, unsigned *steps);

/* ---- linux_symbols.c: names and layouts ---- */

void vm_symbols(struct vmcore *v);
uint64_t vm_symbol(const struct vmcore *v, const char *name); /* 0: no such */
int64_t vm_offset(const struct vmcore *v, const char *type, const char *path);
/* The first that exists: fields move between kernels. */
int64_t vm_offset_either(const struct vmcore *v, const char *type, const char *path,
			 const char *other);
/* The pointer (or the number) at @p base + @p offset; 0 if @p offset is unknown. */
uint64_t vm_field(const struct vmcore *v, uint64_t base, int64_t offset);
uint32_t vm_field32(const struct vmcore *v, uint64_t base, int64_t offset);
/* "function+0x28"; NULL if unknown. @p is_return: the address is behind a call. */
char *vm_symbol_at(const struct vmcore *v, struct arena *arena, uint64_t address, bool is_return);
/* Address of a place the log names, 0 unknown. */
uint64_t vm_place(const struct vmcore *v, const struct oops_place *place);
/* Start of the function @p address lies in, 0 unknown. */
uint64_t vm_function_at(const struct vmcore *v, uint64_t address);
/* Name (not safe to print) and start of the function of a module that covers @p address; NULL if
 * unknown. */
const char *vm_module_symbol(const struct vmcore *v, struct module_tables *t, uint64_t address,
			     uint64_t *ret_start);
bool vm_is_text(const struct vmcore *v, uint64_t address);
struct module_tables *vm_tables_of(const struct vmcore *v, uint64_t address);

/* ---- linux_debug.c: what the person gave beside the dump ---- */

/* Finds the vmlinux of this kernel among it, if there is one. */
void vm_debug_open(struct vmcore *v);
void vm_debug_close(struct vmcore *v);
bool vm_debug_symbol(const struct vmcore *v, const char *name, uint64_t *ret);
bool vm_debug_symbol_at(const struct vmcore *v, uint64_t address, struct kallsyms_symbol *ret);
/* Layouts out of it; *ret_from says in words what they were read from. NULL: it has none. */
struct types *vm_debug_types(struct vmcore *v, const char **ret_from);
/* The lines of the calls of the task that crashed. */
void vm_debug_sources(struct vmcore *v);

/* ---- linux_crash.c: what the kernel said, and when ---- */

void vm_log(struct vmcore *v);
void vm_clock(struct vmcore *v);
/* Fills @p dump's account of the failure from the log's events. */
void linux_failure(struct dump *dump, const struct oops_log *events);
/* Adds the modules that the log names and @p dump does not have: "Modules linked in:" has their
 * names and taints, not their places; where no event has that line, the traces name some, and their
 * taints are not known. */
void linux_log_modules(struct dump *dump, const struct oops_log *log);
void linux_log_lines(struct dump *dump, const struct linux_log *log);
/* The trace as the log has it: all there is when there is nothing else. */
void linux_log_calls(struct dump *dump, const struct oops *event);
/* The event whose trace tells most about the failure, NULL if none. */
const struct oops *linux_main_event(const struct oops_log *events);
uint64_t linux_filetime(uint64_t seconds, uint64_t nanoseconds);

/* ---- linux_modules.c, linux_bpf.c ---- */

void vm_modules(struct vmcore *v);
void vm_bpf(struct vmcore *v);
/* What the log names, if the list in memory could not be read whole: after vm_bpf(), because these
 * have no tables. */
void vm_modules_of_log(struct vmcore *v);
/* The list of modules moves while it grows; after its end its elements stay. The tables are in its
 * order, behind the kernel. */
void vm_modules_settle(struct vmcore *v);

/* ---- linux_tasks.c ---- */

void vm_crash(struct vmcore *v);
void vm_other_tasks(struct vmcore *v);
/* Which process holds which BPF program. */
void vm_bpf_loaders(struct vmcore *v);
/* Calls @p visit for every thread until it returns true. */
void vm_each_task(struct vmcore *v, bool (*visit)(struct vmcore *, uint64_t, void *),
		  void *context);

/* ---- linux_unwind.c ---- */

void vm_unwind_init(struct vmcore *v);
/* Unwinds from @p state into @p task->calls; true if it came to a proper end. */
bool vm_unwind(struct vmcore *v, struct task *task, const struct unwind_state *state, bool search);

/* ---- linux_stacks.c ---- */

/* The stack of a sleeping task whose task_struct is not in the dump: the one on which the calls
 * that the log has are found again. Fills @p task's stack and calls; false if there is none. */
bool vm_find_stack(struct vmcore *v, struct task *task, const struct list *logged);

/* ---- linux_slab.c ---- */

bool vm_linear(struct vmcore *v); /* fills v->linear; false if this kernel does not tell */
bool vm_heap_object(struct vmcore *v, uint64_t address, struct heap_object *ret);
bool vm_heap_link(struct vmcore *v, uint64_t value, unsigned nth, struct heap_link *ret);

/* ---- linux_files.c ---- */

/* Fills in what the inode knows; false if it is not in the dump. */
bool vm_describe_inode(const struct vmcore *v, uint64_t inode, struct open_file *ret);
/* The file of this path as the task that crashed would find it, by cached directory entries;
 * `address` is that of the entry. */
bool vm_file_by_path(const struct vmcore *v, const char *path, struct open_file *ret);
bool vm_open_file(const struct vmcore *v, struct arena *arena, uint64_t address,
		  struct open_file *ret);
void vm_task_files(struct vmcore *v, const struct task *task);
/* The path of an inode in its own file system by a directory entry of it, NULL if none is known. */
char *vm_inode_path(const struct vmcore *v, struct arena *arena, uint64_t inode);
uint64_t vm_cached_at(struct vmcore *v, uint64_t inode, uint64_t offset);

/* ---- linux_pages.c ---- */

/* These three as in struct dump_ops. */
bool vm_next_memory(struct vmcore *v, uint64_t from, uint64_t *ret_start, uint64_t *ret_size);
uint64_t vm_address_of(struct vmcore *v, uint64_t physical);
bool vm_page_owner(struct vmcore *v, struct arena *arena, uint64_t address, struct page_owner *ret);
/* Address of the memory that @p page, a struct page, stands for. */
bool vm_page_address(struct vmcore *v, uint64_t page, uint64_t *ret);
uint64_t vm_folio_field(const struct vmcore *v, uint64_t page, const char *field);

#endif
