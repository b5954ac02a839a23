#include "oops_lines.h"

#include "ceilings.h"
#include "text.h"

#include <string.h>

enum {
	EVENTS_MAX = 1024,
	EVENTS_RESERVED = 256, /* of these for what kills */
	STREAMS = 32,          /* who prints at the same time */
	GAP_LINES = 400,       /* lines of others after which an event is over */
	FRAMES_MAX = 256,      /* of one event */
	MODULES_MAX = 2048,
	TRACE_MISSES_MAX = 6, /* lines of others within a trace */
};

/* What was printed by one thread or processor; without that knowledge there is one for all. */
struct stream {
	bool used, has_caller, caller_is_cpu;
	uint32_t caller;
	size_t event;     /* index + 1 of the event it is at, 0 none */
	size_t last_line; /* with something of that event */
	bool in_trace;    /* between "Call Trace:" and its end */
	bool user_part;   /* registers that follow are user space's */
	bool closed;      /* "---[ end trace": what follows is said twice */
	bool in_modules;  /* the last line was of "Modules linked in:" */
	unsigned misses;
	const char *context;
	enum oops_access next_access; /* said before the headline */
	const char *next_detail;
};

struct parser {
	const struct linux_log *log;
	struct arena *arena;
	struct oops_log *out;
	struct stream streams[STREAMS];
	size_t line; /* index of the one being read */
	struct oops_boots boots;
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

static struct stream *stream_of(struct parser *p, const struct linux_line *line)
{
	struct stream *oldest = &p->streams[0];

	for (size_t i = 0; i < STREAMS; i++) {
		struct stream *s = &p->streams[i];
		if (s->used && s->has_caller == line->has_caller &&
		    s->caller_is_cpu == line->caller_is_cpu && s->caller == line->caller)
			return s;
		if (!s->used || (oldest->used && s->last_line < oldest->last_line))
			oldest = s;
	}
	*oldest = (struct stream){.used = true,
				  .has_caller = line->has_caller,
				  .caller_is_cpu = line->caller_is_cpu,
				  .caller = line->caller,
				  .last_line = p->line};
	return oldest;
}

static struct oops *event_of(struct parser *p, const struct stream *s)
{
	return s->event ? list_at(&p->out->events, s->event - 1) : NULL;
}

/* The event lines of this stream belong to; NULL if there is none, or it is long over. */
static struct oops *open_event(struct parser *p, struct stream *s)
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

static void begin_event(struct parser *p, struct stream *s, const struct linux_line *line,
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
	*s = (struct stream){.used = used,
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

static void take_headline(struct parser *p, struct stream *s, const struct linux_line *line,
			  const struct oops *found)
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

/* ---- body lines ---------------------------------------------------------------------------- */

/* "0010:acme_match_template+0x28/0x3f [acme_edr]", "0033:0x430f60",
 * "0010:[<ffffffffa0123456>]  [<ffffffffa0123456>] foo+0x1/0x2 [bar]" */
static bool take_selector_place(struct parser *p, const char *text, struct oops_place *ret,
				bool *ret_user)
{
	const char *q = text;
	uint64_t selector = 0;

	line_skip_blanks(&q);
	const char *colon = strchr(q, ':');
	if (colon && colon - q == 4 && line_hexadecimal(&q, &selector) && q == colon)
		q = colon + 1;
	else
		selector = 0;
	*ret_user = (selector & 3) == 3;
	return line_place(p->arena, q, ret, NULL);
}

static void add_frame(struct parser *p, struct stream *s, struct oops *e,
		      const struct oops_frame *frame)
{
	(void)p;
	if (e->frames.count >= e->frames.limit)
		return;
	struct oops_frame *f = list_add(&e->frames);
	*f = *frame;
	f->context = s->context;
}

/* "RIP:" and its like: in front of the trace where it happened, inside the trace what an interrupt
 * or system call interrupted. */
static void take_ip(struct parser *p, struct stream *s, struct oops *e, const char *text)
{
	struct oops_frame frame = {.interrupted = true};

	if (!take_selector_place(p, text, &frame.place, &frame.user)) {
		frame.place.text = arena_strdup(p->arena, text);
		frame.user = true; /* a library's name, never the kernel's */
	}
	s->user_part = frame.user;
	if (s->in_trace || e->frames.count)
		add_frame(p, s, e, &frame);
	if (e->ip.text && e->ip.address == 0 && frame.place.address && e->ip.symbol &&
	    frame.place.symbol && strcmp(e->ip.symbol, frame.place.symbol) == 0)
		e->ip.address = frame.place.address;
	if (e->ip.text || (frame.user && (s->in_trace || e->frames.count)))
		return;
	e->ip = frame.place;
	e->ip_user = frame.user;
	if (frame.place.address)
		e->registers.ip = frame.place.address;
}

/* "#PF: supervisor read access in kernel mode", "#PF: error_code(0x0000) - not-present page" */
static void take_page_fault(struct parser *p, struct oops *e, const char *text)
{
	const char *q = strstr(text, "error_code(");

	if (q) {
		q += strlen("error_code(");
		e->has_error_code = line_hexadecimal(&q, &e->error_code) || e->has_error_code;
		return;
	}
	if (strstr(text, "read access"))
		e->access = OOPS_ACCESS_READ;
	else if (strstr(text, "write access"))
		e->access = OOPS_ACCESS_WRITE;
	else if (strstr(text, "instruction fetch"))
		e->access = OOPS_ACCESS_EXECUTE;
	if (!e->detail)
		e->detail = arena_strdup(p->arena, text);
}

/* Lines of arm64's "Mem abort info" and register dump. */
static bool take_arm64(struct parser *p, struct oops *e, const char *text)
{
	const char *q = text, *rest;

	if (line_skip(&q, "ESR = ")) {
		e->has_error_code = line_hexadecimal(&q, &e->error_code);
	} else if (line_skip(&q, "EC = ")) {
		e->detail = arena_strdup(p->arena, text);
		if (strstr(q, "IABT"))
			e->access = OOPS_ACCESS_EXECUTE;
	} else if (strstr(text, "WnR = ")) {
		q = strstr(text, "WnR = ") + 6;
		if (e->access == OOPS_ACCESS_UNKNOWN)
			e->access = *q == '1' ? OOPS_ACCESS_WRITE : OOPS_ACCESS_READ;
	} else if (line_skip(&q, "pc : ") || line_skip(&q, "PC is at ")) {
		struct oops_place place;
		if (!line_place(p->arena, q, &place, &rest))
			return false;
		if (!e->ip.symbol)
			e->ip = place;
		else if (!e->ip.address)
			e->ip.address = place.address;
		e->registers.ip = e->ip.address;
		q = strstr(text, "pstate: ");
		if (q)
			line_registers(q, e);
	} else if (line_skip(&q, "lr : ") || line_skip(&q, "LR is at ")) {
		if (!e->lr.symbol)
			line_place(p->arena, q, &e->lr, &rest);
	} else {
		return false;
	}
	e->arch = ARCH_ARM64;
	return true;
}

/* "<TASK>", "</IRQ>", "<#DF>", "<<EOE>>", "<EOI>" at *text; what follows stays. */
static bool take_context(struct parser *p, struct stream *s, const char **text)
{
	const char *q = *text;

	if (*q != '<' || q[1] == '\0')
		return false;
	while (*q == '<')
		q++;
	bool end = *q == '/';
	q += end;
	size_t n = strcspn(q, ">");
	if (n == 0 || n > 24 || q[n] != '>')
		return false;
	bool eo = n == 3 && (strncmp(q, "EOI", 3) == 0 || strncmp(q, "EOE", 3) == 0);
	s->context = end || eo ? NULL : arena_strndup(p->arena, q, n);
	q += n;
	while (*q == '>')
		q++;
	line_skip_blanks(&q);
	*text = q;
	return true;
}

/* One line of a trace. */
static bool take_frame(struct parser *p, struct stream *s, struct oops *e, const char *text)
{
	const char *q = text, *rest;
	struct oops_frame frame = {0};

	line_skip_blanks(&q);
	bool context = take_context(p, s, &q);
	if (context && *q == '\0')
		return true;
	if (*q == '?') {
		frame.questionable = true;
		q++;
	}
	const char *bracket = strstr(q, ">] ? ");
	if (strncmp(q, "[<", 2) == 0 && bracket && bracket - q < 24)
		frame.questionable = true;
	if (!line_place(p->arena, q, &frame.place, &rest))
		return context;
	line_skip_blanks(&rest);
	if (*rest && *rest != '(' && *rest != '<' && *rest != '[' && !strstr(rest, ".c:") &&
	    !strstr(rest, ".h:"))
		return context; /* prose that happens to begin like a frame */
	add_frame(p, s, e, &frame);
	return true;
}

/* "rcu:     1-...!: (5250 ticks this GP) ..." names the processor that stalls. */
static void take_rcu_line(struct oops *e, const char *text)
{
	const char *q = text;
	uint64_t cpu;

	line_skip(&q, "rcu: ");
	line_skip_blanks(&q);
	const char *digits = q;
	if (!e->has_cpu && line_decimal(&q, &cpu) && *q == '-' && q - digits < 6) {
		e->has_cpu = true;
		e->cpu = (unsigned)cpu;
	}
}

/* "task:acme-sensord    state:D stack:0     pid:122   ppid:121" */
static bool take_sched_line(struct parser *p, struct oops *e, const char *text)
{
	const char *name = text, *state, *pid;

	if (!line_skip(&name, "task:") || !(state = strstr(name, "state:")))
		return false;
	size_t n = (size_t)(state - name);
	while (n && name[n - 1] == ' ')
		n--;
	if (!e->comm)
		e->comm = arena_strndup(p->arena, name, n);
	pid = strstr(state, "pid:");
	if (pid && !e->has_pid) {
		pid += 4;
		line_skip_blanks(&pid);
		e->has_pid = line_decimal(&pid, &e->pid);
	}
	return true;
}

/* KASAN, UBSAN and their like: what exactly. "Write of size 8 at addr ffff888 by task x/12" */
static bool take_checker_line(struct parser *p, struct oops *e, const char *text)
{
	const char *at = strstr(text, " at addr ");

	if (strncmp(text, "Read of size ", 13) == 0 || strncmp(text, "Write of size ", 14) == 0) {
		e->access = *text == 'R' ? OOPS_ACCESS_READ : OOPS_ACCESS_WRITE;
		if (at) {
			at += strlen(" at addr ");
			e->has_address = line_hexadecimal(&at, &e->address);
		}
	} else if (e->kind == OOPS_UBSAN &&
		   (strstr(text, "out of range") || strstr(text, "too large") ||
		    strstr(text, "cannot be represented"))) {
		/* the whole line is the detail */
	} else if (strncmp(text, "KASAN: ", 7) != 0) {
		return false;
	}
	if (!e->detail)
		e->detail = arena_strdup(p->arena, text);
	return true;
}

/* "Process kworker/u8:0 (pid: 1626, stack limit = 0x...)": arm64 until 4.19, x86 until 3.x */
static bool take_process(struct parser *p, struct oops *e, const char *text)
{
	const char *name = text, *open = strstr(text, " (pid: ");

	if (!line_skip(&name, "Process ") || !open || open < name)
		return false;
	if (!e->has_pid) {
		const char *digits = open + strlen(" (pid: ");
		e->comm = arena_strndup(p->arena, name, (size_t)(open - name));
		e->has_pid = line_decimal(&digits, &e->pid);
	}
	return true;
}

/* Traces that belong to a report but not to where it happened: who allocated, who freed. */
static bool ends_trace(const char *text)
{
	static const char *const words[] = {
		"Allocated",           "Freed",  "Object at ",      "The buggy address",
		"Memory state around", "INFO: ", "Last potentially"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strncmp(text, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* syslog cuts a long list of modules into lines that begin with a blank. */
static bool goes_on_with_modules(const char *text)
{
	if (*text != ' ' || strstr(text, "+0x") || strchr(text, '<'))
		return false;
	const char *colon = strchr(text, ':');
	return !colon || strstr(text, "[last unloaded:");
}

static void take_hardware(struct parser *p, struct oops *e, const char *text)
{
	if (e->hardware)
		return;
	e->hardware = arena_strdup(p->arena, text);
	line_hardware(p->arena, text, &e->vendor, &e->product, &e->bios);
}

/* Two processors that report at once, and nothing says who speaks: the line that says which
 * processor it is goes to the older event if that one still lacks it. */
static struct oops *event_for_task(struct parser *p, struct stream *s, struct oops *e,
				   const struct oops *task)
{
	if (!e->has_cpu || e->cpu == task->cpu || s->has_caller || s->event < 2)
		return e;
	struct oops *older = list_at(&p->out->events, s->event - 2);
	if (older->has_cpu || older->kind == OOPS_HUNG_TASK || p->line - older->last_line > 40)
		return e;
	s->event--;
	return older;
}

static bool take_task(struct parser *p, struct stream *s, struct oops *e, const char *text)
{
	struct oops task = {0};

	if (!line_task(p->arena, text, &task))
		return false;
	e = event_for_task(p, s, e, &task);
	if (task.has_cpu && !e->has_cpu) {
		e->has_cpu = true;
		e->cpu = task.cpu;
	}
	if (!e->has_pid) {
		e->has_pid = task.has_pid;
		e->pid = task.pid;
	}
	e->comm = e->comm ? e->comm : task.comm;
	e->tainted = e->tainted ? e->tainted : task.tainted;
	e->release = e->release ? e->release : task.release;
	e->version = e->version ? e->version : task.version;
	return true;
}

static void take_modules(struct parser *p, struct stream *s, struct oops *e, const char *text)
{
	if (e->modules.count)
		return;
	line_modules(p->arena, text, e);
	s->in_modules = true;
}

/* "CPU 3 ", in 2.6 a line of its own. */
static bool take_old_cpu(struct oops *e, const char *text)
{
	uint64_t cpu;

	if (e->has_cpu || !line_skip(&text, "CPU ") || !line_decimal(&text, &cpu))
		return false;
	line_skip_blanks(&text);
	if (*text)
		return false;
	e->has_cpu = true;
	e->cpu = (unsigned)cpu;
	return true;
}

/* Lines that name what they say. */
static bool take_named(struct parser *p, struct stream *s, struct oops *e, const char *text)
{
	const char *q = text;

	if (line_skip(&q, "RIP: ") || line_skip(&q, "EIP: ") || line_skip(&q, "IP: ")) {
		take_ip(p, s, e, q);
	} else if (line_skip(&q, "RIP  ")) {
		if (!e->ip.text)
			take_ip(p, s, e, q);
	} else if (line_skip(&q, "Code:")) {
		if (!s->user_part && !e->code_count && !e->code_missing)
			line_code(p->arena, q, e);
	} else if (line_skip(&q, "Modules linked in:")) {
		take_modules(p, s, e, q);
	} else if (line_skip(&q, "Hardware name: ")) {
		take_hardware(p, e, q);
	} else if (line_skip(&q, "Workqueue: ")) {
		e->workqueue = e->workqueue ? e->workqueue : arena_strdup(p->arena, q);
	} else if (strncmp(text, "#PF: ", 5) == 0) {
		take_page_fault(p, e, text);
	} else {
		return false;
	}
	return true;
}

/* Lines that stand in front of a trace or behind it. */
static bool take_head(struct parser *p, struct stream *s, struct oops *e, const char *text)
{
	if (strncmp(text, "Tainted: [", 10) == 0)
		return true; /* 6.12: the letters in words */
	if (strncmp(text, "Tainted: ", 9) == 0 || strncmp(text, "Not tainted", 11) == 0)
		return e->tainted || line_taint(p->arena, text, e);
	return take_named(p, s, e, text) || take_old_cpu(e, text) || take_sched_line(p, e, text) ||
	       take_checker_line(p, e, text) || take_arm64(p, e, text) ||
	       take_task(p, s, e, text) || take_process(p, e, text);
}

static bool take_registers(struct stream *s, struct oops *e, const char *text)
{
	struct oops scratch = {0};

	if (!s->user_part && !(e->has_registers && s->in_trace && e->registers.known == 0xffff))
		return line_registers(text, e);
	return line_registers(text, &scratch);
}

/* "---[ end trace 0000000000000000 ]---" */
static bool is_end(const char *text)
{
	return strncmp(text, "---[ end ", 9) == 0;
}

static bool take_body(struct parser *p, struct stream *s, struct oops *e, const char *text)
{
	const char *t = text;

	if (s->in_modules && goes_on_with_modules(text)) {
		line_modules(p->arena, text, e);
		return true;
	}
	s->in_modules = false;
	line_skip_blanks(&t);
	if (ends_trace(t))
		s->in_trace = false;
	if (is_end(t)) {
		s->closed = true;
		s->in_trace = false;
		return true;
	}
	if (strncmp(t, "Call Trace:", 11) == 0 || strncmp(t, "Call trace:", 11) == 0) {
		const char *q = t + 11;
		line_skip_blanks(&q);
		s->in_trace = true;
		s->misses = 0;
		s->context = NULL;
		if (*q) /* 2.6: the first frame in the same line */
			take_frame(p, s, e, q);
		return true;
	}
	if (e->kind == OOPS_RCU_STALL)
		take_rcu_line(e, text);
	if (take_head(p, s, e, t) || take_registers(s, e, t))
		return true;
	return s->in_trace && take_frame(p, s, e, text);
}

/* ---- lines --------------------------------------------------------------------------------- */

/* Said before the line that begins the event. */
static void take_prelude(struct parser *p, struct stream *s, const char *text)
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

static void note_boot(struct parser *p)
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
static void take_boot(struct parser *p, const char *text)
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

static void take_line(struct parser *p, const struct linux_line *line)
{
	struct stream *s = stream_of(p, line);
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
	if (take_body(p, s, e, line->text)) {
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
	struct parser p = {.log = log, .arena = arena, .out = &out};

	list_init(&out.events, arena, sizeof(struct oops), EVENTS_MAX);
	for (p.line = 0; p.line < log->lines.count; p.line++)
		take_line(&p, list_at(&log->lines, p.line));
	oops_conclude(&out, arena, &p.boots);
	*ret = out;
}
