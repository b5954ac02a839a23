/* Any text as a kernel log, and what oops_parse() makes of it. */
#include "oops.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static void check_text(const char *text)
{
	if (text && !text_is_safe(text, strlen(text)))
		abort();
}

static void check_event(const struct oops *e, size_t lines)
{
	check_text(e->headline);
	check_text(e->comm);
	check_text(e->ip.text);
	check_text(e->hardware);
	if (e->first_line > e->last_line || e->last_line >= lines ||
	    e->code_count > OOPS_CODE_MAX || (e->has_code_mark && e->code_mark >= e->code_count))
		abort();
	LIST_EACH(struct oops_frame, f, &e->frames) {
		check_text(f->place.text);
		check_text(f->place.module);
	}
	LIST_EACH(struct oops_module, m, &e->modules) {
		check_text(m->name);
		check_text(m->taints);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create(32 << 20);
	struct linux_log log;
	struct oops_log crash;

	if (!arena)
		return 0;
	linux_log_from_text(data, size, arena, &log);
	oops_parse(&log, arena, &crash);
	if (!arena_failed(arena)) {
		LIST_EACH(struct oops, e, &crash.events) {
			check_event(e, log.lines.count);
		}
		check_text(crash.panic_reason);
	}
	arena_destroy(arena);
	return 0;
}
