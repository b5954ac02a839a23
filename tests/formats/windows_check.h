/* What must hold of every model a Windows reader makes, whatever the bytes were. For fuzz targets
 * and tests; aborts when it does not. */
#ifndef CULPRIT_TEST_WINDOWS_CHECK_H
#define CULPRIT_TEST_WINDOWS_CHECK_H

#include "evidence.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

extern const struct format format_windows_triage;

static inline void check_text(const char *text)
{
	if (text && !text_is_safe(text, strlen(text)))
		abort();
}

static inline void check_modules(const struct list *list)
{
	LIST_EACH(struct module, m, list) {
		if (!m->name)
			abort();
		check_text(m->name);
		check_text(m->path);
	}
}

static inline void check_model(const struct dump *dump)
{
	check_modules(&dump->modules);
	check_modules(&dump->unloaded);
	check_text(dump->os_version);
	check_text(dump->process.name);
	check_text(dump->process.image_path);
	check_text(dump->manufacturer);
	check_text(dump->product);
	check_text(dump->bios);
	LIST_EACH(struct event, e, &dump->events) {
		if (!e->text || !e->source)
			abort();
		check_text(e->text);
	}
	LIST_EACH(struct contribution, c, &dump->contributions) {
		check_text(c->guid);
		check_text(c->text);
	}
	LIST_EACH(struct problem, p, &dump->problems) {
		check_text(p->message);
	}
}

/* Every operation on the addresses that @p range holds, as analyzers try them. */
static inline void check_operations(const struct dump *dump, const struct range *range)
{
	for (uint64_t at = range->address; at - range->address < range->size; at += 8) {
		struct registers registers;
		struct exception_record exception;
		uint64_t start;
		unsigned length;
		char *name = NULL;

		for (int kind = RECORD_CONTEXT; kind <= RECORD_MACHINE_FRAME; kind++)
			dump->ops->registers_at(dump, (enum record_kind)kind, at, &registers);
		dump->ops->exception_at(dump, at, &exception);
		check_text(dump->ops->file_object_at(dump, dump->arena, at, &length));
		check_text(dump->ops->counted_string_at(dump, dump->arena, at));
		if (dump->ops->driver_object_at(dump, at, &name, &start))
			check_text(name);
		dump->ops->driver_of_device(dump, at);
		dump->ops->device_of_irp(dump, at);
	}
}

/* Reads @p bytes as a dump and checks the model and, if asked to, operations on its memory. */
static inline void check_dump(const uint8_t *bytes, size_t size, bool operations)
{
	uint8_t *data = malloc(size ? size : 1); /* its end is where a sanitizer looks */

	if (!data)
		abort();
	memcpy(data, bytes, size);
	const struct evidence evidence = {.data = data, .size = size, .total_size = size, .fd = -1};
	struct arena *arena = arena_create(UINT64_C(64) << 20);
	struct dump *dump = arena ? dump_create(arena) : NULL;
	const struct range *ranges;

	if (!dump)
		abort();
	if (format_windows_triage.bid(&evidence) > 0) {
		struct error *err = format_windows_triage.read(&evidence, dump);
		if (!err) {
			check_model(dump);
			size_t count = space_ranges(dump->space, &ranges);
			for (size_t i = 0; operations && i < count && i < 64; i++)
				check_operations(dump, &ranges[i]);
		} else {
			check_text(err->message);
		}
		error_destroy(err);
	}
	arena_destroy(arena);
	free(data);
}

#endif
