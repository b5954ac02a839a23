/* What --vmlinux and --debug-dir name: opened, handed on, never looked into. */
#ifndef CULPRIT_DEBUG_STORE_H
#define CULPRIT_DEBUG_STORE_H

#include "debug_files.h"
#include "sandbox.h"

#include <stdbool.h>

struct options;

struct debug_store {
	int vmlinux, directory; /* -1: not given */
};

/* Opens what @p options name. False: complained. */
bool debug_store_open(const struct options *options, struct debug_store *ret);
void debug_store_close(struct debug_store *store);

/* What a child may have of it: fills @p files, to be used in the child, whose descriptor `vmlinux`
 * it must keep, and puts into @p limits what it takes. Returns @p files, or NULL if nothing was
 * given. @p store must outlive the child. */
const struct debug_files *debug_store_grant(const struct debug_store *store,
					    struct sandbox_limits *limits,
					    struct debug_files *files);

/* The descriptor of the file of @p directory that @p request (a struct debug_request of @p size
 * bytes, written by somebody who is not trusted) asks for, or -1. */
int debug_store_find(int directory, const void *request, size_t size);

#endif
