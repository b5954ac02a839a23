/* What happened when, by the dump's own clocks and by what was published. */
#include "support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t unix_epoch = UINT64_C(116444736000000000);

static void add(struct analysis *a, uint64_t time, int digits, const char *source,
		const char *event)
{
	if (!time)
		return;
	struct timeline_entry *e = list_add(&a->report->timeline);
	*e = (struct timeline_entry){time, digits, event, source};
}

static int compare(const void *a, const void *b)
{
	const struct timeline_entry *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return strcmp(x->event, y->event);
}

enum { LOG_EVENTS = 40 };

/* Lines of the log that name a module which is not the kernel's own. */
static bool matters(const struct dump *d, const char *line)
{
	LIST_EACH(struct module, m, &d->modules) {
		if (m->kind == MODULE_DRIVER && m->origin == ORIGIN_THIRD_PARTY &&
		    strncmp(line, m->name, strlen(m->name)) == 0)
			return true;
	}
	return false;
}

/* Times of the content file and of what the log says about third-party modules. */
static void linux_events(struct analysis *a)
{
	const struct dump *d = a->dump;
	const struct content_file *f = a->report->verdict.content_file;
	unsigned count = 0;

	if (f && f->path) {
		add(a, f->mtime, 3, "inode",
		    arena_printf(a->report->arena, "%s was last written", f->path));
		add(a, f->ctime != f->mtime ? f->ctime : 0, 3, "inode",
		    arena_printf(a->report->arena, "%s was last changed (ctime)", f->path));
	}
	LIST_EACH(struct log_line, line, &d->log) {
		if (d->boot_time && count < LOG_EVENTS && matters(d, line->text) && ++count)
			add(a, d->boot_time + (uint64_t)(line->seconds * 1e7), 3, "log",
			    line->text);
	}
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;
	const struct dump *d = a->dump;
	const struct module *m = r->verdict.culprit;
	struct arena *arena = r->arena;

	add(a, d->boot_time, 3, "dump",
	    d->os == OS_LINUX ? "the kernel started" : "Windows started");
	add(a, d->process.create_time, 3, "dump",
	    arena_printf(arena, "process %s started", d->process.name ? d->process.name : "?"));
	if (m && m->timestamp_is_date)
		add(a, unix_epoch + UINT64_C(10000000) * m->timestamp, 0, "driver header",
		    arena_printf(arena, "%s was linked", m->name));
	LIST_EACH(struct event, e, &d->events)
		add(a, e->time, e->digits, e->source, e->text);
	if (r->incident)
		LIST_EACH(struct timeline_entry, t, &r->incident->times)
			add(a, t->time, t->digits, t->source, t->event);
	if (d->os == OS_LINUX)
		linux_events(a);
	add(a, d->crash_time, d->os == OS_LINUX ? 3 : 7, "dump",
	    d->live ? "the dump was taken"
	    : d->os == OS_LINUX
		    ? arena_printf(arena, "the machine stopped: %s",
				   d->headline ? d->headline
				   : d->panic  ? d->panic
					       : "?")
		    : arena_printf(arena, "the machine stopped with 0x%08" PRIx32 "%s%s", d->code,
				   r->crash.name ? " " : "", r->crash.name ? r->crash.name : ""));
	if (r->timeline.count)
		qsort(r->timeline.items, r->timeline.count, sizeof(struct timeline_entry), compare);
	return NULL;
}

const struct analyzer analyzer_timeline = {
	.id = "timeline",
	.summary = "orders the times the evidence knows",
	.run = run,
};
