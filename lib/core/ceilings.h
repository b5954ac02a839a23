/* Every ceiling on what evidence may make culprit do, in one place. A message that reports one of
 * them names it, so that a person can tell a limit from damage. */
#ifndef CULPRIT_LIMITS_H
#define CULPRIT_LIMITS_H

#include <stdint.h>

enum {
	LIMIT_CPU_SECONDS = 20,      /* of the process that reads one input (RLIMIT_CPU) */
	LIMIT_WALL_SECONDS = 60,     /* before the parent gives up on it */
	LIMIT_SCAN_CPU_SECONDS = 60, /* both for culprit scan, which reads all memory */
	LIMIT_SCAN_WALL_SECONDS = 90,
	LIMIT_ARCHIVE_MEMBERS = 4096, /* dumps taken out of one archive */
	LIMIT_FILTERS = 8,            /* compressions around one input */
	LIMIT_PARTS = 32,             /* files that are one dump together */
	LIMIT_MODULES = 4096,         /* loaded drivers of one dump */
	LIMIT_UNLOADED = 512,
	LIMIT_CPUS = 2048,
	LIMIT_PIECES = 65536,     /* memory ranges of one dump */
	LIMIT_BLOBS = 4096,       /* secondary-data blocks of one dump */
	LIMIT_EVENTS = 20000,     /* event records of one dump */
	LIMIT_STACK = 256 * 1024, /* bytes of a stack that are looked at */
	LIMIT_FRAMES = 512,       /* stack frames kept */
	LIMIT_STRINGS = 20000,    /* strings kept */
	LIMIT_HITS = 4096,        /* YARA hits kept */
	LIMIT_NAME_CHARS = 1024,  /* of one name or path */
	LIMIT_TASKS = 4096,       /* tasks whose stacks are kept */
	LIMIT_TASKS_WALKED = 65536,
	LIMIT_OPEN_FILES = 4096, /* of one task */
	LIMIT_LOG_LINES = 65536, /* lines of a kernel's log */
	LIMIT_BPF = 4096,        /* BPF programs */
	LIMIT_DEBUG_FILES = 32,  /* used for one dump */
	LIMIT_INLINED = 32,      /* functions in each other at one instruction */
};

#define LIMIT_MEMORY (UINT64_C(1) << 30) /* address space of the reading process (RLIMIT_AS) */
/* Address space on top of it where the person gives debug files: they are mapped, not read. */
#define LIMIT_DEBUG    (UINT64_C(4) << 30)
#define LIMIT_EVIDENCE (UINT64_C(64) << 20) /* one dump that is read into memory whole */
#define LIMIT_ARENA    (UINT64_C(96) << 20) /* model and report of one dump */
#define LIMIT_UNPACK   (UINT64_C(1) << 30)  /* unpacked from one container: packs of vmcores */
#define LIMIT_REPORT   (UINT64_C(64) << 20) /* bytes one reading process may answer */
/* A file in memory that a reader makes of what is packed or flattened. What it stores is bounded by
 * LIMIT_UNPACK; the file has holes where the vmcore's writer left some. */
#define LIMIT_SPOOL (UINT64_C(4) << 30)
#define LIMIT_HASH  (UINT64_C(1) << 30)  /* evidence whose checksum is made: it takes seconds */
#define LIMIT_RULES (UINT64_C(32) << 20) /* bytes of one rules directory */

#endif
