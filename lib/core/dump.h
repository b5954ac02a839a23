/* The neutral model of one piece of crash evidence. A reader in lib/formats/ fills it; analyzers
 * read it and never learn which file format it came from.
 *
 * Ownership: everything hangs on `arena`; strings are safe text (text.h). A string that the dump
 * does not have is NULL, a number that it does not have is 0 unless a `has_` flag says more. */
#ifndef CULPRIT_DUMP_H
#define CULPRIT_DUMP_H

#include "arena.h"
#include "space.h"

enum os { OS_UNKNOWN, OS_WINDOWS, OS_LINUX, OS_MACOS };
enum arch { ARCH_UNKNOWN, ARCH_X86, ARCH_X86_64, ARCH_ARM64 };

/* General registers by number: x86-64 in encoding order (rax rcx rdx rbx rsp rbp rsi rdi r8..r15),
 * ARM64 x0..x30. `known` has a bit for each register the source really saved. */
enum {
	REGISTERS_MAX = 31,
	REG_RAX = 0,
	REG_RCX,
	REG_RDX,
	REG_RBX,
	REG_RSP,
	REG_RBP,
	REG_RSI,
	REG_RDI
};
struct registers {
	uint64_t r[REGISTERS_MAX];
	uint32_t known;
	uint64_t ip, sp, fp, flags;
	bool user_mode;
};

/* Name of register @p index ("r8", "x19"), NULL if the architecture has no such register. */
const char *register_name(enum arch arch, unsigned index);

enum origin { ORIGIN_UNKNOWN, ORIGIN_OS, ORIGIN_OS_INBOX_THIRD_PARTY, ORIGIN_THIRD_PARTY };
const char *origin_name(enum origin origin); /* as in the report: "third-party" */

/* A BPF program is code somebody loaded into a kernel, and can be at fault like any driver. */
enum module_kind { MODULE_DRIVER, MODULE_KERNEL, MODULE_BPF };

/* A part of a module that has its own place in memory. */
struct part {
	uint64_t base, size;
	bool code;
};
enum { PARTS_MAX = 8 };

/* A driver, kernel module or shared library. */
struct module {
	enum module_kind kind;
	const char *name; /* file name only */
	const char *path; /* as the dump has it; NULL if it has bare names only */
	uint64_t base, size;
	uint32_t timestamp; /* link stamp, 0 if unknown; often a hash, see timestamp_is_date */
	uint32_t checksum;
	bool timestamp_is_date;
	bool loaded;     /* false: in the list of unloaded ones */
	bool name_cut;   /* the dump kept only the first characters of the name */
	bool dump_clone; /* crash-time copy of a storage driver: never to blame */
	const char *version, *company;
	struct part part[PARTS_MAX]; /* where `base` and `size` are not all of it */
	unsigned parts;
	const char *source_version; /* hash of its sources */
	const char *taints;         /* letters as the kernel prints them, "" none, NULL not known */
	const char *state;          /* live | coming | going, NULL not known */
	bool patches_kernel;        /* a livepatch */
	const char *loader;         /* of a BPF program: the process that loaded it */
	const char *hook;           /* of a BPF program: what it is attached to */
	unsigned id;                /* of a BPF program */
	/* filled by analyzers/origin.c */
	enum origin origin;
	const char *origin_why;
	const char *vendor, *product, *category;
};

struct process {
	const char *name;
	const char *image_path;
	bool has_pid;
	uint64_t pid, parent_pid;
	uint64_t address;     /* of its kernel object */
	uint64_t create_time; /* FILETIME, 0 if unknown */
};

struct thread {
	uint64_t address; /* of its kernel object */
	uint64_t create_time;
	uint64_t stack_base, stack_limit;
};

/* One processor, as far as the dump has it. */
struct cpu {
	unsigned number;
	bool crashed;           /* the one that wrote the dump */
	uint64_t control_block; /* address of its KPRCB */
	uint64_t current_thread;
	bool has_context;
	struct registers context;
	bool has_cr2;
	uint64_t cr2; /* last page-fault address */
	bool has_irql;
	uint8_t irql;
};

/* Something with a time, told by the evidence itself. */
struct event {
	uint64_t time; /* FILETIME, UTC */
	int digits;    /* fraction digits of a second that mean anything, 0..7 */
	const char *text;
	const char *source;
};

/* A component that added data to the dump, or a named black box of it. */
struct contribution {
	const char *guid;
	const char *name; /* of the component, or what the box is; NULL if unknown */
	uint64_t size;
	const char *text; /* what culprit read in it, NULL if nothing */
};

/* Why something that could be in the evidence is not, or cannot be trusted. */
struct problem {
	const char *code; /* stable: truncated, zero-filled, secondary-data-damaged ... */
	const char *message;
	bool has_offset;
	uint64_t offset;
};

/* Registers stored somewhere in memory, by kind of record. */
enum record_kind { RECORD_CONTEXT, RECORD_TRAP_FRAME, RECORD_MACHINE_FRAME };

/* What made the machine stop, by what the kernel said. */
enum failure {
	FAILURE_UNKNOWN,
	FAILURE_BAD_ADDRESS, /* page fault */
	FAILURE_NULL,
	FAILURE_PROTECTION,     /* general protection fault */
	FAILURE_ASSERTION,      /* BUG() */
	FAILURE_INSTRUCTION,    /* invalid opcode and other traps */
	FAILURE_CORRUPTION,     /* a list, a slab or a checker found something overwritten */
	FAILURE_STACK_OVERFLOW, /* or the canary of a function */
	FAILURE_STACK_END,      /* the end of a stack was found overwritten, some time later */
	FAILURE_SOFT_LOCKUP,
	FAILURE_HARD_LOCKUP,
	FAILURE_HUNG_TASK,
	FAILURE_RCU_STALL,
	FAILURE_MACHINE_CHECK,
	FAILURE_REQUESTED, /* sysrq, or a program that asked */
	FAILURE_OUT_OF_MEMORY,
	FAILURE_WARNING,
	FAILURE_PANIC, /* panic() with a text of its own */
};
const char *failure_name(enum failure failure); /* "page-fault" */

/* A line of the kernel's log. */
struct log_line {
	double seconds; /* since boot */
	const char *text;
};

/* Where the processor was, or will return to. */
enum call_source {
	CALL_REGISTERS,
	CALL_INTERRUPTED,
	CALL_UNWIND,
	CALL_FRAME_POINTER,
	CALL_SCAN,
	CALL_LOG
};
/* A place in the sources. An instruction has several if it is of a function that the compiler put
 * into another one. */
struct source_line {
	const char *file; /* as the compiler was given it */
	unsigned line;
	const char *function; /* that the line is in, NULL unknown */
};
struct call {
	uint64_t address;
	uint64_t slot; /* where on the stack, 0 for a register */
	enum call_source source;
	const char *symbol;  /* "acme_match_template+0x28" */
	const char *module;  /* its name where only that is known (CALL_LOG) */
	bool in_log;         /* the trace the kernel printed has it too */
	struct list sources; /* struct source_line, innermost first; empty: not known */
	const struct registers *registers; /* of CALL_REGISTERS and CALL_INTERRUPTED, may be NULL */
};

/* A task whose stack matters: the one that crashed, or those that block others. */
struct task {
	uint64_t address;
	uint64_t pid;
	const char *name;
	uint64_t stack_low, stack_size;
	struct list calls; /* struct call, innermost first */
	bool whole;        /* they reach a proper end */
	bool sleeping;
	bool blocked; /* and cannot be woken but by what it waits for */
};

/* A file that the person gave beside the evidence (debug_files.h) and that was used. */
struct debug_use {
	const char *of;         /* "vmlinux", or the module's name */
	const char *matched_by; /* how it is known to fit: build-id | banner | srcversion | name */
	bool symbols, layouts, lines; /* what came from it */
};

struct open_file {
	uint64_t address; /* of the kernel's object */
	const char *path;
	uint64_t inode, size;
	uint64_t mtime, ctime; /* FILETIME, 0 unknown */
	uint64_t inode_address;
	bool regular, executable; /* executable: regular, and somebody may run it */
	/* the task that has it open and as which descriptor; NULL for one not found that way */
	const char *task;
	uint64_t pid;
	int descriptor;
};

/* Whose a page of memory is. */
struct page_owner {
	bool is_program;       /* of a program's own memory */
	struct open_file file; /* else of this file in the page cache, by its path in its file
				* system, NULL unknown */
	uint64_t offset;       /* in it */
};

/* An object of the kernel's heap. */
struct heap_object {
	uint64_t address, size;
	const char *cache; /* "kmalloc-64", NULL unknown */
};

/* A free object of the heap and what stood in it instead of the address of the next one. */
struct heap_link {
	struct heap_object object;
	uint64_t value;   /* that the allocator made of it */
	uint64_t bytes;   /* that stand there, or must have stood there */
	bool still_there; /* they do; else worked out from the value, and they are text */
};

struct exception_record {
	uint32_t code, flags;
	uint64_t address;
	unsigned parameters;
	uint64_t parameter[15];
};

struct dump;

/* What a reader knows of its platform's memory layouts. Slots may be NULL. */
struct dump_ops {
	/* Reads the record at @p address; false if it is not in the dump or not such a record.
	 * windows-dumps.md 1.8, 4.5 */
	bool (*registers_at)(const struct dump *dump, enum record_kind kind, uint64_t address,
			     struct registers *ret);
	/* windows-dumps.md 1.1 */
	bool (*exception_at)(const struct dump *dump, uint64_t address,
			     struct exception_record *ret);
	/* File name of the file object at @p address in @p arena, NULL if there is none there.
	 * @p ret_length gets the length in bytes the object claims even when the name's own bytes
	 * are not in the dump (then the result is ""). windows-dumps.md 4.6 */
	char *(*file_object_at)(const struct dump *dump, struct arena *arena, uint64_t address,
				unsigned *ret_length);
	/* Driver name and start address of the driver object at @p address. windows-dumps.md 4.6 */
	bool (*driver_object_at)(const struct dump *dump, uint64_t address, char **ret_name,
				 uint64_t *ret_start);
	/* Driver object behind the device object at @p address, 0 if unknown. */
	uint64_t (*driver_of_device)(const struct dump *dump, uint64_t address);
	/* Device object of the current stack location of the IRP at @p address, 0 if unknown. */
	uint64_t (*device_of_irp)(const struct dump *dump, uint64_t address);
	/* Text of the counted string (UNICODE_STRING) at @p address, NULL if there is none. */
	char *(*counted_string_at)(const struct dump *dump, struct arena *arena, uint64_t address);
	/* "function+0x28" for an address of code or data in @p arena, NULL if unknown. */
	char *(*symbol_at)(const struct dump *dump, struct arena *arena, uint64_t address);
	/* The open file whose kernel object is at @p address; false if none is there. */
	bool (*open_file_at)(const struct dump *dump, struct arena *arena, uint64_t address,
			     struct open_file *ret);
	/* The file of this path, by the directories that the kernel had cached; false if none
	 * is. @p path is kept in @p ret. */
	bool (*file_by_path)(const struct dump *dump, const char *path, struct open_file *ret);
	/* Where the page cache has the byte at @p offset of the file whose inode is at @p inode; 0
	 * if it has not. It goes on from there to the end of a page, at least 4096 bytes. */
	uint64_t (*cached_at)(const struct dump *dump, uint64_t inode, uint64_t offset);
	/* Whose page holds kernel address @p address; false if unknown. */
	bool (*page_owner_at)(const struct dump *dump, struct arena *arena, uint64_t address,
			      struct page_owner *ret);
	/* The next piece of physical memory that the evidence has, at or behind @p from, in bytes;
	 * false: there is none. The next three are for searches of everything. */
	bool (*next_memory)(const struct dump *dump, uint64_t from, uint64_t *ret_start,
			    uint64_t *ret_size);
	/* All of it or nothing. */
	bool (*read_physical)(const struct dump *dump, uint64_t physical, void *buffer,
			      size_t size);
	/* The kernel address of a physical one: a module's or a stack's where it is one's, else
	 * that in the map of all memory; 0 unknown. */
	uint64_t (*address_of)(const struct dump *dump, uint64_t physical);
	/* The heap object that holds @p address; false if it is not of the heap. */
	bool (*heap_object_at)(const struct dump *dump, uint64_t address, struct heap_object *ret);
	/* The free object whose link to the next one the allocator had read when it got @p value.
	 * @p nth 0, 1 ...: the candidates, best first; false when there are no more. */
	bool (*heap_link)(const struct dump *dump, uint64_t value, unsigned nth,
			  struct heap_link *ret);
	/* Frees what the arena does not own. */
	void (*close)(struct dump *dump);
};

struct dump {
	struct arena *arena;
	const struct dump_ops *ops;
	const char *format; /* "windows-kernel-triage" */
	const char *writer; /* which of the known writers made it, in words; may be NULL */
	enum os os;
	enum arch arch;
	const char *os_version; /* "10.0.19045" */
	uint32_t build;         /* real build */
	uint32_t base_build;    /* what the header says */
	unsigned cpu_count;
	const char *host;
	uint64_t crash_time, boot_time; /* FILETIME, 0 unknown */
	bool has_uptime;
	double uptime_s;
	bool live; /* taken from a running system: nothing crashed */
	bool verifier_on;
	bool partial; /* something is missing that such a dump normally has */

	/* stop code as the kernel wrote it */
	uint32_t code;
	uint64_t parameter[4];
	/* registers the dump's header has, and what they are */
	bool has_header_context;
	struct registers header_context;
	bool header_context_is_fault; /* the exception's own registers, not the crash call's */
	const char *context_source;   /* where they came from if not the header, NULL */

	struct list modules;  /* struct module, load order, kernel first */
	size_t modules_lost;  /* drivers the dump counts, but of which nothing can be read; Linux: 1
				 if any, their number is not known */
	struct list unloaded; /* struct module, newest first */
	struct list cpus;     /* struct cpu */
	struct process process;
	struct thread thread;
	struct space *space;
	uint64_t stack_low, stack_size; /* saved stack of the crash */

	struct list events;                        /* struct event */
	struct list contributions;                 /* struct contribution */
	struct list problems;                      /* struct problem */
	struct list debug_uses;                    /* struct debug_use */
	const char *manufacturer, *product, *bios; /* of the machine */

	/* what kernels other than Windows leave */
	enum failure failure;
	const char *headline; /* first line of the report: "BUG: unable to handle ..." */
	const char *panic;    /* "Kernel panic - not syncing: ...", NULL if it did not say */
	const char *taints;   /* of the kernel, letters */
	bool has_fault_address;
	uint64_t fault_address;
	const char *access;            /* read | write | execute, NULL unknown */
	const char *instruction_bytes; /* as the log has them around the fault, NULL if not */
	struct task crash_task;        /* where it happened; for hung tasks: the one that blocks */
	struct list tasks;      /* struct task: others with third-party code on their stack */
	struct list open_files; /* struct open_file: of the task that crashed */
	struct list log;        /* struct log_line */
	void *reader;           /* of `ops` */
};

/* Empty model in @p arena. Returns NULL without memory. */
struct dump *dump_create(struct arena *arena);

void dump_problem(struct dump *dump, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void dump_problem_at(struct dump *dump, const char *code, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void dump_event(struct dump *dump, uint64_t filetime, int digits, const char *source,
		const char *text);

/* Frees what the reader holds beside the arena. Accepts NULL. */
void dump_close(struct dump *dump);

/* Whether @p address lies in @p module. */
bool module_covers(const struct module *module, uint64_t address);

/* The loaded module that covers @p address, or NULL. The smallest one if several do. */
struct module *dump_module_at(const struct dump *dump, uint64_t address);
/* The most recently unloaded module that covered @p address, or NULL. */
struct module *dump_unloaded_at(const struct dump *dump, uint64_t address);
/* First loaded module of that file name (case does not count), or NULL. */
struct module *dump_module_named(const struct dump *dump, const char *name);
/* Whether @p address can be a kernel address on this architecture. */
bool dump_is_kernel_address(const struct dump *dump, uint64_t address);

#endif
