/* From the model of one dump to its report: what runs in the sandboxed child behind the reader. */
#ifndef CULPRIT_EXAMINE_H
#define CULPRIT_EXAMINE_H

#include "dump.h"
#include "errors.h"
#include "report.h"

#include <jansson.h>

struct knowledge;

/* Which piece of evidence the dump is. */
struct subject {
	const char *path; /* "file" or "archive!member", safe text */
	bool has_bytes;
	uint64_t bytes;
	const char *format;
	const char *const *containers; /* NULL-terminated */
	const struct dump_part *parts; /* of which it is made; NULL: one file */
	size_t part_count;
};

/* Runs all analyzers over @p dump; *ret gets the contract's object. */
struct error *examine(const struct subject *subject, const struct dump *dump,
		      const struct knowledge *knowledge, unsigned want, json_t **ret);

/* The contract's object for evidence that could not be read because of @p err. */
json_t *examine_unreadable(const struct subject *subject, const struct knowledge *knowledge,
			   const struct error *err);

#endif
