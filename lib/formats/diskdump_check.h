/* Is a kdump-compressed file sound enough to be shown to libkdumpfile? (It is not robust against
 * damage: libraries.md section 4.) makedumpfile's diskdump_mod.h, crash's diskdump.h. */
#ifndef CULPRIT_DISKDUMP_CHECK_H
#define CULPRIT_DISKDUMP_CHECK_H

#include "dump.h"
#include "errors.h"
#include "reader.h"

struct diskdump_facts {
	enum arch arch;
	const char *machine, *release, *version, *node; /* utsname of the header, safe text */
	unsigned header_version;                        /* 1..6 */
	uint32_t block_size;
	uint32_t sub_header_blocks, bitmap_blocks;
	uint64_t max_mapnr;
	unsigned cpus;
	const char *compression; /* "zlib", "lzo", "snappy", "zstd", "none" as flagged */
	uint32_t dump_level;     /* makedumpfile -d */
	bool incomplete;         /* makedumpfile's own mark (DUMP_DH_COMPRESSED_INCOMPLETE) */
	bool split;
	uint64_t start_pfn, end_pfn; /* of this part */
	uint64_t vmcoreinfo_offset, vmcoreinfo_size;
	uint64_t notes_offset, notes_size;
	uint64_t descriptors;   /* offset of the page descriptors */
	uint64_t pages;         /* bits set in the second bitmap: pages this file should have */
	uint64_t pages_missing; /* of these, not in the file (estimated beyond 4 million pages) */
	uint64_t kernel_pages;  /* bits set in the first bitmap: memory that existed */
	struct list problems;   /* struct problem: what is wrong but bearable */
};

/* Whether @p bytes begin with "KDUMP   " or "DISKDUMP". */
bool diskdump_is(const void *bytes, size_t size);

/* An error means: do not let libkdumpfile open it. @p size is the file's. Looks at the headers, the
 * bitmaps, the notes' outline and a sample of page descriptors; never at page data. */
struct error *diskdump_check(const struct reader *file, uint64_t size, struct arena *arena,
			     struct diskdump_facts *ret);

#endif
