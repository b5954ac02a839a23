/* Is an ELF core sound enough to be shown to libkdumpfile? ELF specification, chapter 2;
 * proc_kcore.c and vmcore.c of the kernel; dump.c of QEMU. */
#ifndef CULPRIT_ELF_CORE_CHECK_H
#define CULPRIT_ELF_CORE_CHECK_H

#include "dump.h"
#include "errors.h"
#include "reader.h"

struct elf_core_facts {
	enum arch arch;
	bool is_64;
	uint32_t segments;   /* program headers */
	uint32_t loads;      /* PT_LOAD */
	uint64_t memory;     /* bytes of memory the PT_LOADs describe */
	uint64_t stored;     /* bytes of them inside the file */
	uint64_t missing;    /* bytes that should be in the file and are beyond its end */
	bool has_vmcoreinfo; /* a VMCOREINFO note */
	uint64_t vmcoreinfo_offset, vmcoreinfo_size; /* its text */
	bool is_qemu;                                /* a QEMU note (dump-guest-memory) */
	bool is_user;         /* NT_PRPSINFO/NT_AUXV/NT_FILE: a process's core, no vmcore */
	unsigned prstatus;    /* NT_PRSTATUS notes: processors (or threads of a process) */
	struct list problems; /* struct problem */
};

/* Whether @p bytes begin an ELF file of type ET_CORE. */
bool elf_core_is(const void *bytes, size_t size);

/* An error means: do not let libkdumpfile open it. @p size is the file's. Reads headers and notes
 * only. */
struct error *elf_core_check(const struct reader *file, uint64_t size, struct arena *arena,
			     struct elf_core_facts *ret);

#endif
