#include "oops_lines.h"
#include "oops_parser.h"

#include <string.h>

enum {
	EVENTS_MAX = 1024,
	EVENTS_RESERVED = 256, /* of these for what kills */
	GAP_LINES = 400,       /* lines of others after which an event is over */
	FRAMES_MAX = 256,      /* of one event */
	MODULES_MAX = 2048,
	TRACE_MISSES_MAX = 6, /* lines of others within a trace */
};

const char *oops_kind_name(enum oops_kind kind)
{
	static const char *const names[] = {
		[OOPS_NONE] = "none",
		[OOPS_NULL_POINTER] = "null-pointer",
		[OOPS_PAGE_FAULT] = "page-fault",
		[OOPS_GENERAL_PROTECTION] = "general-protection",
		[OOPS_DIVIDE] = "divide-error",
		[OOPS_INVALID_OPCODE] = "invalid-opcode",
		[OOPS_BUG] = "kernel-bug",
		[OOPS_DOUBLE_FAULT] = "double-fault",
		[OOPS_STACK_OVERFLOW] = "stack-overflow",
		[OOPS_STACK_END] = "stack-end-overwritten",
		[OOPS_LIST_CORRUPTION] = "list-corruption",
		[OOPS_SLAB_CORRUPTION] = "slab-corruption",
		[OOPS_KASAN] = "kasan",
		[OOPS_KFENCE] = "kfence",
		[OOPS_UBSAN] = "ubsan",
		[OOPS_SOFT_LOCKUP] = "soft-lockup",
		[OOPS_HARD_LOCKUP] = "hard-lockup",
		[OOPS_HUNG_TASK] = "hung-task",
		[OOPS_RCU_STALL] = "rcu-stall",
		[OOPS_MACHINE_CHECK] = "machine-check",
		[OOPS_SYSRQ] = "sysrq",
		[OOPS_OOM] = "out-of-memory",
		[OOPS_WARNING] = "warning",
		[OOPS_SCHEDULING] = "scheduling",
		[OOPS_DIE] = "die",
		[OOPS_PANIC] = "panic",
		[OOPS_BACKTRACE] = "backtrace",
	};

	return names[kind];
}

/* ---- streams and events -------------------------------------------------------------------- */

static struct oops_stream *stream_of(struct oops_parser *p, const struct linux_line *line)
{
	struct oops_stream *oldest = &p->streams[0];

	for (size_t i = 0; i < OOPS_STREAMS; i++) {
		struct oops_stream *s = &p->streams[i];
		if (s->used && s->has_caller == line->has_caller &&
		    s->caller_is_cpu == line->caller_is_cpu && s->caller == line->caller)
			return s;
		if (!s->used || (oldest->used && s->last_line < oldest->last_line))
			oldest = s;
	}
	*oldest = (struct oops_stream){.used = true,
				       .has_caller = line->has_caller,
				       .caller_is_cpu = line->caller_is_cpu,
				       .caller = line->caller,
				       .last_line = p->line};
	return oldest;
}

static struct oops *event_of(struct oops_parser *p, const struct oops_stream *s)
{
	return s->event ? list_at(&p->out->events, s->event - 1) : NULL;
}

/* The event lines of this stream belong to; NULL if there is none, or it is long over. */
static struct oops *open_event(struct oops_parser *p, struct oops_stream *s)
{
	if (s->event && p->line - s->last_line > GAP_LINES)
		s->event = 0;
	return event_of(p, s);
}

/* Room for an event; NULL if there is none. Warnings may come by the thousand: what kills always
 * finds room, if need be that of the last one. */
static struct oops *make_room(struct list *events, const struct oops *found)
{
	bool kills = found->number || found->kind == OOPS_PANIC;

	if (events->count < events->limit - (kills ? 0 : EVENTS_RESERVED))
		return list_add(events);
	return kills ? list_at(events, events->count - 1) : NULL;
}

static void begin_event(struct oops_parser *p, struct oops_stream *s, const struct linux_line *line,
			const struct oops *found)
{
	struct list *events = &p->out->events;
	struct oops *e = make_room(events, found);

	if (!e) {
		s->event = 0;
		return;
	}
	*e = *found;
	e->first_line = e->last_line = p->line;
	e->has_ns = line->has_ns;
	e->ns = line->ns;
	if (e->access == OOPS_ACCESS_UNKNOWN)
		e->access = s->next_access;
	e->detail = s->next_detail;
	list_init(&e->frames, p->arena, sizeof(struct oops_frame), FRAMES_MAX);
	list_init(&e->modules, p->arena, sizeof(struct oops_module), MODULES_MAX);
	bool used = s->used, has = s->has_caller, cpu = s->caller_is_cpu;
	*s = (struct oops_stream){.used = used,
				  .has_caller = has,
				  .caller_is_cpu = cpu,
				  .caller = line->caller,
				  .event = events->count,
				  .last_line = p->line};
}

/* Kinds that are announced by one line and die() by another. */
static bool waits_for_die(const struct oops *e)
{
	switch (e->kind) {
	case OOPS_PAGE_FAULT:
	case OOPS_NULL_POINTER:
	case OOPS_BUG:
	case OOPS_LIST_CORRUPTION:
	case OOPS_SLAB_CORRUPTION:
	case OOPS_STACK_OVERFLOW:
	case OOPS_DOUBLE_FAULT:
	case OOPS_MACHINE_CHECK:
	case OOPS_UBSAN: return e->number == 0 && !e->has_registers && e->frames.count == 0;
	default: return false;
	}
}

static void merge_die(struct oops *e, const struct oops *die)
{
	e->number = die->number;
	e->fatal = true;
	e->has_error_code = die->has_error_code;
	e->error_code = die->error_code;
	if (e->arch == ARCH_UNKNOWN)
		e->arch = die->arch;
}

/* list_add corruption and usercopy reports are followed (or preceded) by the BUG or WARNING that
 * reports them. */
static bool merge_check(struct oops *e, const struct oops *found)
{
	bool check = e->kind == OOPS_LIST_CORRUPTION || e->kind == OOPS_SLAB_CORRUPTION ||
		     e->kind == OOPS_STACK_OVERFLOW;
	bool report =
		found->kind == OOPS_BUG || found->kind == OOPS_WARNING || found->kind == e->kind;

	if (check && report && !e->file && found->file && !e->has_registers) {
		e->file = found->file;
		e->line = found->line;
		e->ip = found->ip;
		if (!e->has_cpu) {
			e->has_cpu = found->has_cpu;
			e->cpu = found->cpu;
		}
		return true;
	}
	/* until 4.0 the watchdog reported by WARN(), whose own line came first */
	if (found->kind == OOPS_HARD_LOCKUP && e->kind == OOPS_WARNING && e->file &&
	    strstr(e->file, "watchdog") && !e->release) {
		e->kind = OOPS_HARD_LOCKUP;
		e->headline = found->headline;
		return true;
	}
	if (found->kind == OOPS_LIST_CORRUPTION && !found->file && e->file && !e->has_registers &&
	    (e->kind == OOPS_WARNING || e->kind == OOPS_LIST_CORRUPTION)) {
		e->kind = OOPS_LIST_CORRUPTION;
		e->headline = found->headline;
		return true;
	}
	return false;
}

static void take_headline(struct oops_parser *p, struct oops_stream *s,
			  const struct linux_line *line, const struct oops *found)
{
	struct oops *e = open_event(p, s);

	if (e && !s->closed && found->number && waits_for_die(e)) {
		merge_die(e, found);
		s->last_line = e->last_line = p->line;
		return;
	}
	if (e && !s->closed && merge_check(e, found)) {
		s->last_line = e->last_line = p->line;
		return;
	}
	begin_event(p, s, line, found);
}

/* ---- lines --------------------------------------------------------------------------------- */

/* Said before the line that begins the event. */
static void take_prelude(struct oops_parser *p, struct oops_stream *s, const char *text)
{
	if (strncmp(text, "kernel tried to execute", 23) == 0 ||
	    strncmp(text, "unable to execute userspace code", 32) == 0) {
		s->next_access = OOPS_ACCESS_EXECUTE;
		s->next_detail = arena_strdup(p->arena, text);
	}
}

static enum arch arch_of_banner(const char *banner)
{
	if (strstr(banner, "aarch64") || strstr(banner, "arm64"))
		return ARCH_ARM64;
	if (strstr(banner, "x86_64") || strstr(banner, "amd64"))
		return ARCH_X86_64;
	return ARCH_UNKNOWN;
}

static void note_boot(struct oops_parser *p)
{
	struct oops_boots *boots = &p->boots;

	if (boots->count == OOPS_BOOTS_MAX) {
		memmove(boots->first_event, boots->first_event + 1,
			sizeof(boots->first_event) - sizeof(*boots->first_event));
		boots->count--;
	}
	boots->first_event[boots->count++] = p->out->events.count;
}

/* What a boot says about the machine. */
static void take_boot(struct oops_parser *p, const char *text)
{
	const char *q = text;
	struct oops_log *out = p->out;

	if (line_skip(&q, "Linux version ")) {
		note_boot(p);
		out->banner = text;
		out->release = arena_strndup(p->arena, q, strcspn(q, " "));
		p->boots.arch = arch_of_banner(text);
	} else if (line_skip(&q, "Command line: ") || line_skip(&q, "Kernel command line: ")) {
		out->command_line = q;
	} else if (line_skip(&q, "DMI: ") && !p->boots.hardware) {
		p->boots.hardware = q;
	}
}

static void take_line(struct oops_parser *p, const struct linux_line *line)
{
	struct oops_stream *s = stream_of(p, line);
	struct oops *e, found = {0};

	if (line->facility > 0) /* /dev/kmsg: a program can write whatever it likes */
		return;
	if (line_headline(p->arena, line->text, &found)) {
		take_headline(p, s, line, &found);
		return;
	}
	e = open_event(p, s);
	if (!e) {
		take_prelude(p, s, line->text);
		take_boot(p, line->text);
		return;
	}
	if (s->closed)
		return;
	size_t event = s->event;
	if (oops_body_line(p, s, e, line->text)) {
		e = list_at(&p->out->events, event - 1);
		e->last_line = s->last_line = p->line;
		s->misses = 0;
	} else if (s->in_trace && ++s->misses > TRACE_MISSES_MAX) {
		s->in_trace = false;
	}
	take_prelude(p, s, line->text);
	take_boot(p, line->text);
}

void oops_parse(const struct linux_log *log, struct arena *arena, struct oops_log *ret)
{
	struct oops_log out = {0};
	struct oops_parser p = {.log = log, .arena = arena, .out = &out};

	list_init(&out.events, arena, sizeof(struct oops), EVENTS_MAX);
	for (p.line = 0; p.line < log->lines.count; p.line++)
		take_line(&p, list_at(&log->lines, p.line));
	oops_conclude(&out, arena, &p.boots);
	*ret = out;
}
