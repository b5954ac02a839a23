/* Private to the windows_*.c files: what they share while one kernel dump is being read.
 * Section numbers are those of windows-dumps.md, the project's fact sheet of these formats. */
#ifndef CULPRIT_WINDOWS_KERNEL_H
#define CULPRIT_WINDOWS_KERNEL_H

#include "ceilings.h"
#include "evidence.h"

enum { DUMP_FULL = 1, DUMP_SUMMARY, DUMP_HEADER_ONLY, DUMP_TRIAGE }; /* 1.4 */
enum { HEADER32_SIZE = 0x1000, HEADER64_SIZE = 0x2000 };

/* Machines of the header (1.1). */
enum {
	MACHINE_X86 = 0x14c,
	MACHINE_X64 = 0x8664,
	MACHINE_ARM64 = 0xaa64,
	MACHINE_IA64 = 0x200,
	MACHINE_ARM = 0x1c0,
	MACHINE_ARMNT = 0x1c4
};

enum {
	ATTRIBUTE_FILE_TOO_SMALL = 1u << 2,
	ATTRIBUTE_KERNEL_GENERATED = 1u << 3,
	ATTRIBUTE_LIVE = 1u << 4
}; /* 1.6 */

enum { FIELD_MEMORY_INFO = 0x100 }; /* 1.5 */

/* TRIAGE_DUMP (3.1): offsets in the file, sizes in bytes. */
struct triage {
	uint32_t size_of_dump, valid_offset;
	uint32_t memory_info, unloaded, processor, process, thread;
	uint32_t stack, stack_size;
	uint32_t drivers, driver_count, strings, strings_size;
	uint64_t top_of_stack;
	uint64_t page_address;
	uint32_t page, page_size;
	uint32_t debugger, debugger_size;
	uint32_t blocks, block_count;
};

/* What KDDEBUGGER_DATA64 (4.1) says of this kernel's structures; 0 where it is silent. */
struct layout {
	uint64_t processor_table; /* KiProcessorBlock */
	uint32_t processor_size, process_size, thread_size;
	uint32_t processor_number, processor_thread, processor_registers, processor_context;
	uint32_t processor_in_pcr;
	uint32_t process_peb, process_parent;
	uint32_t thread_process, thread_stack_limit, thread_stack_base;
};

/* One kernel dump while it is read. */
struct kernel_dump {
	const struct evidence *evidence;
	struct dump *dump;
	struct cursor file; /* all of the evidence */
	bool wide;          /* 64-bit header */
	uint64_t body;      /* offset of the first byte after the header */

	uint32_t machine_other; /* machine type, if it is one that cannot be read */
	uint32_t type;          /* DumpType, 0 unset */
	uint32_t attributes;    /* 0 unset */
	uint32_t fields;        /* MiniDumpFields, 0 unset */
	uint64_t debugger;      /* address of the debugger data block */
	uint64_t exception_ip;  /* address in the header's exception record: KeBugCheckEx */
	uint64_t required_space;

	struct triage triage;
	struct layout layout;
	struct cursor processor, process, thread; /* raw KPRCB, EPROCESS, ETHREAD of the crash */
	struct cursor debugger_data;
	struct space *blocks; /* the data blocks alone: needed to find what goes on top of them */
	uint32_t real_build;  /* as other parts of the dump tell it, 0 unknown */
	uint64_t decoded;     /* bytes of secondary data that were looked into */
	unsigned events;      /* events of its event buffers that were kept */
	bool zero_tail;       /* the file ends in zeros that were never written */
	const char *missing[16];
	unsigned missing_count; /* names of the areas that a truncated file has lost */
};

/* windows_header.c */

/* Header of either width. An error only if not even the stop code is there. 1.1, 1.2 */
struct error *windows_header_read(struct kernel_dump *k);
/* Puts version, boot time and writer together once everything else has been read. */
void windows_header_finish(struct kernel_dump *k);

/* @p value as an address of this machine: 32-bit dumps sign-extend theirs. */
uint64_t windows_address(const struct kernel_dump *k, uint64_t value);

/* A pointer of the dump's width at @p pos. */
static inline uint64_t windows_pointer(const struct kernel_dump *k, struct cursor *c, uint64_t pos)
{
	return k->wide ? cursor_u64_at(c, pos) : cursor_u32_at(c, pos);
}

/* The part of [offset, offset+size) that the file has; a problem or an entry in `missing` says
 * what is not there. Empty for offset 0. */
struct cursor windows_area(struct kernel_dump *k, uint64_t offset, uint64_t size, const char *what);

/* Adds @p what to the list of what a truncated file has lost. */
void windows_missing(struct kernel_dump *k, const char *what);

/* Text of @p units UTF-16 units at @p c, which moves; at most LIMIT_NAME_CHARS are kept. @p
 * ret_name gets the part behind the last path separator; it may be NULL. */
char *windows_text(struct arena *arena, struct cursor *c, uint64_t units, const char **ret_name);

/* windows_drivers.c: 3.2, 3.4 */
void windows_drivers_read(struct kernel_dump *k);
void windows_unloaded_read(struct kernel_dump *k);

/* windows_memory.c: everything of the dump that has an address. 3.1, 3.3, 4.1, 4.3 */
bool windows_memory_read(struct kernel_dump *k);
/* Whether the file ends before the dump does. */
static inline bool windows_truncated(const struct kernel_dump *k)
{
	return k->triage.size_of_dump > k->file.size;
}

/* windows_process.c: 4.3 */
void windows_process_read(struct kernel_dump *k);

/* windows_blobs.c: 3.7 */
void windows_blobs_read(struct kernel_dump *k);

/* windows_etw.c: the kernel's event buffers. 11.2. Returns what it read, in words. */
char *windows_etw_read(struct kernel_dump *k, struct cursor c);

/* windows_smbios.c */
char *windows_smbios_read(struct kernel_dump *k, struct cursor c);

/* windows_records.c: structures at an address. 1.8, 4.5, 4.6 */
extern const struct dump_ops windows_kernel_ops;
/* Registers of a CONTEXT at @p c; false if its flags or addresses cannot be. */
bool windows_context(enum arch arch, struct cursor *c, struct registers *ret);
/* Bytes of a CONTEXT that matter. */
uint64_t windows_context_size(enum arch arch);

#endif
