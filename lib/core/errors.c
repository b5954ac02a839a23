#include "errors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not heap-allocated, so that running out of memory can always be said. */
static struct error out_of_memory = {
	.kind = ERROR_NOMEM,
	.message = (char *)"not enough memory",
};

static struct error *error_make(enum error_kind kind, const char *format, va_list args)
{
	struct error *err = calloc(1, sizeof(*err));
	char *message;

	if (!err)
		return &out_of_memory;
	if (vasprintf(&message, format, args) < 0) {
		free(err);
		return &out_of_memory;
	}
	err->kind = kind;
	err->message = message;
	return err;
}

struct error *error_create(enum error_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct error *err = error_make(kind, format, args);
	va_end(args);
	return err;
}

struct error *error_at(enum error_kind kind, uint64_t offset, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct error *err = error_make(kind, format, args);
	va_end(args);
	if (err != &out_of_memory) {
		err->has_offset = true;
		err->offset = offset;
	}
	return err;
}

struct error *error_prepend(struct error *err, const char *format, ...)
{
	va_list args;
	char *prefix = NULL, *message = NULL;

	if (!err || err == &out_of_memory)
		return err;
	va_start(args, format);
	if (vasprintf(&prefix, format, args) < 0)
		prefix = NULL;
	va_end(args);
	if (prefix && asprintf(&message, "%s: %s", prefix, err->message) >= 0) {
		free(err->message);
		err->message = message;
	}
	free(prefix);
	return err;
}

void error_destroy(struct error *err)
{
	if (!err || err == &out_of_memory)
		return;
	free(err->message);
	free(err);
}

const char *error_kind_name(enum error_kind kind)
{
	switch (kind) {
	case ERROR_NOMEM: return "out-of-memory";
	case ERROR_IO: return "io";
	case ERROR_NOT_EVIDENCE: return "not-evidence";
	case ERROR_ZERO_FILLED: return "zero-filled";
	case ERROR_BAD_DATA: return "bad-data";
	case ERROR_TRUNCATED: return "truncated";
	case ERROR_UNSUPPORTED: return "unsupported";
	case ERROR_LIMIT: return "limit";
	case ERROR_RULES: return "rules";
	case ERROR_USAGE: return "usage";
	case ERROR_CRASHED: return "reader-died";
	}
	return "unknown";
}
