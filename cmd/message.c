#include "message.h"

#include "command.h"
#include "errors.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *format, va_list args)
{
	char *raw = NULL;
	if (vasprintf(&raw, format, args) < 0)
		return;
	size_t length = strlen(raw);
	struct arena *arena = arena_create(64 + 16 * (uint64_t)length);
	const char *safe = arena ? text_from_bytes(arena, raw, length) : "";
	fflush(stdout);
	fprintf(stderr, "culprit: %s\n", safe && *safe ? safe : "out of memory");
	arena_destroy(arena);
	free(raw);
}

void complain(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void complain_error(struct error *err)
{
	complain("%s", err->message);
	error_destroy(err);
}

int usage_error(const char *command, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *sentence = NULL;
	int length = vasprintf(&sentence, format, args);
	va_end(args);
	complain("%s (see: culprit %s%s--help)", length < 0 ? "wrong usage" : sentence,
		 command ? command : "", command ? " " : "");
	free(length < 0 ? NULL : sentence);
	return EXIT_USAGE;
}
