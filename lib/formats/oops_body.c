#include "oops_lines.h"
#include "oops_parser.h"

#include <string.h>

/* "0010:acme_match_template+0x28/0x3f [acme_edr]", "0033:0x430f60",
 * "0010:[<ffffffffa0123456>]  [<ffffffffa0123456>] foo+0x1/0x2 [bar]" */
static bool take_selector_place(struct oops_parser *p, const char *text, struct oops_place *ret,
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

static void add_frame(struct oops_parser *p, struct oops_stream *s, struct oops *e,
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
static void take_ip(struct oops_parser *p, struct oops_stream *s, struct oops *e, const char *text)
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
static void take_page_fault(struct oops_parser *p, struct oops *e, const char *text)
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
static bool take_arm64(struct oops_parser *p, struct oops *e, const char *text)
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
static bool take_context(struct oops_parser *p, struct oops_stream *s, const char **text)
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
static bool take_frame(struct oops_parser *p, struct oops_stream *s, struct oops *e,
		       const char *text)
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
static bool take_sched_line(struct oops_parser *p, struct oops *e, const char *text)
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
static bool take_checker_line(struct oops_parser *p, struct oops *e, const char *text)
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
static bool take_process(struct oops_parser *p, struct oops *e, const char *text)
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

static void take_hardware(struct oops_parser *p, struct oops *e, const char *text)
{
	if (e->hardware)
		return;
	e->hardware = arena_strdup(p->arena, text);
	line_hardware(p->arena, text, &e->vendor, &e->product, &e->bios);
}

/* Two processors that report at once, and nothing says who speaks: the line that says which
 * processor it is goes to the older event if that one still lacks it. */
static struct oops *event_for_task(struct oops_parser *p, struct oops_stream *s, struct oops *e,
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

static bool take_task(struct oops_parser *p, struct oops_stream *s, struct oops *e,
		      const char *text)
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

static void take_modules(struct oops_parser *p, struct oops_stream *s, struct oops *e,
			 const char *text)
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
static bool take_named(struct oops_parser *p, struct oops_stream *s, struct oops *e,
		       const char *text)
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
static bool take_head(struct oops_parser *p, struct oops_stream *s, struct oops *e,
		      const char *text)
{
	if (strncmp(text, "Tainted: [", 10) == 0)
		return true; /* 6.12: the letters in words */
	if (strncmp(text, "Tainted: ", 9) == 0 || strncmp(text, "Not tainted", 11) == 0)
		return e->tainted || line_taint(p->arena, text, e);
	return take_named(p, s, e, text) || take_old_cpu(e, text) || take_sched_line(p, e, text) ||
	       take_checker_line(p, e, text) || take_arm64(p, e, text) ||
	       take_task(p, s, e, text) || take_process(p, e, text);
}

static bool take_registers(struct oops_stream *s, struct oops *e, const char *text)
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

bool oops_body_line(struct oops_parser *p, struct oops_stream *s, struct oops *e, const char *text)
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
