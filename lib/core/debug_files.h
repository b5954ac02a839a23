/* Files that describe a kernel or its modules and that the person has beside the evidence: a
 * vmlinux, the modules of a debug package. Never needed; a reader that has them can say more.
 *
 * Which of them fit is known only to who reads the evidence, and that process opens nothing: it
 * asks with a `struct debug_request`. The one who answers knows file names, and never looks into a
 * file. */
#ifndef CULPRIT_DEBUG_FILES_H
#define CULPRIT_DEBUG_FILES_H

#include <stdint.h>

enum debug_kind {
	DEBUG_BUILD_ID = 1, /* by `name`, the build ID in hex */
	DEBUG_KERNEL,       /* the vmlinux of `release` */
	DEBUG_MODULE,       /* the module `name` of `release` */
};

/* Fixed size, for it goes from one process to another. Unused bytes are 0. */
struct debug_request {
	uint32_t kind;
	uint32_t nth;     /* 0: the first such file, 1: the next ... */
	char release[72]; /* "6.1.0-56-cloud-amd64" */
	char name[72];    /* "acme_edr", or 40 hex digits */
};

struct debug_files {
	int vmlinux; /* the file that was named, -1: none. Stays open */
	/* The descriptor of such a file, which becomes the caller's; -1 if there is none (or no
	 * more). NULL: no directory was named. */
	int (*find)(const struct debug_request *request);
};

#endif
