/* The bytes of one piece of evidence, as the containers around it leave them to a reader. */
#ifndef CULPRIT_EVIDENCE_H
#define CULPRIT_EVIDENCE_H

#include "cursor.h"
#include "debug_files.h"
#include "dump.h"

struct evidence {
	const char *member; /* path inside an archive (safe text), NULL for a bare file */
	const char *const *containers; /* outermost first: "zip", "zstd"; NULL-terminated */
	const uint8_t *data;
	uint64_t size;       /* bytes at data */
	uint64_t total_size; /* of the evidence; more than size if it is larger than LIMIT_EVIDENCE
			      */
	int fd;              /* the bare file itself, -1 if it came out of a container; for a
				format with `by_file` always a file, with all of it */
	const struct debug_files *debug; /* what the person gave beside it, NULL: nothing */
	const char *cut;                 /* why the container ended early, NULL if it did not */
	const char *name;                /* what the person calls it, for messages (safe text) */
	const struct evidence *next; /* the next file of those that are one dump together, NULL */
};

/**
 * A kind of evidence: bytes in, model out.
 *
 * To add one: (1) write lib/formats/NAME.c with `const struct format format_NAME` at its end;
 * (2) add FORMAT(NAME) to lib/formats/formats.def; (3) add a fuzz target tests/fuzz/NAME.c; (4)
 * describe a sample. All readers bid for an input; the highest bid reads it, a tie is an error.
 */
struct format {
	const char *id; /* the report's input.format */
	const char *summary;
	/* How sure the reader is that these bytes are its kind: 0 not at all, 100 certain. Looks at
	 * the first bytes only, and never beyond @p evidence->size. */
	int (*bid)(const struct evidence *evidence);
	/* It reads from `fd`, however large that is: `data` has the beginning only, and what comes
	 * out of a container is put into a file in memory. */
	bool by_file;
	/* One dump can be several files: it reads `next` too. */
	bool joins;
	/* It uses what the person gave beside the evidence (`debug`). */
	bool by_debug_files;
	/* Fills @p dump. An error means nothing useful could be read; damage that leaves something
	 * is a dump_problem(). */
	struct error *(*read)(const struct evidence *evidence, struct dump *dump);
};

#endif
