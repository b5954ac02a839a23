/* The lines by which the kernel announces that something is wrong. */
#include "oops_lines.h"

#include <string.h>

enum { NULL_PAGE_BYTES = 4096 };

/* "Unable to handle kernel paging request at virtual address ffff9c8e0000008a", "... at (null)" */
static void take_address(const char *rest, struct oops *e)
{
	const char *p = rest;

	p += strcspn(p, "0123456789abcdef(");
	if (line_skip(&p, "(null)")) {
		e->has_address = true;
	} else if (line_hexadecimal(&p, &e->address)) {
		e->has_address = true;
	}
}

static void after(const char *text, const char *word, struct oops *e)
{
	const char *p = strstr(text, word);

	if (p)
		take_address(p + strlen(word), e);
}

/* A small address is a member of a structure that is not there. */
static void null_or_not(struct oops *e)
{
	if (e->has_address && e->address < NULL_PAGE_BYTES)
		e->kind = OOPS_NULL_POINTER;
}

static void fill_page_fault(struct arena *arena, const char *text, struct oops *e)
{
	(void)arena;
	if (strstr(text, "address: "))
		after(text, "address: ", e);
	else if (strstr(text, "virtual address "))
		after(text, "virtual address ", e);
	else
		after(text, " at ", e);
	if (strstr(text, "write to read-only"))
		e->access = OOPS_ACCESS_WRITE;
	else if (strstr(text, "read from"))
		e->access = OOPS_ACCESS_READ;
	else if (strstr(text, "execut"))
		e->access = OOPS_ACCESS_EXECUTE;
	null_or_not(e);
}

static void fill_protection(struct arena *arena, const char *text, struct oops *e)
{
	(void)arena;
	e->address_is_guess = strstr(text, "probably") || strstr(text, "maybe");
	after(text, "non-canonical address ", e);
	if (!e->has_address)
		after(text, "for address ", e);
}

/* "kernel BUG at lib/list_debug.c:26!" */
static void fill_file(struct arena *arena, const char *text, struct oops *e)
{
	const char *p = strstr(text, " at "), *colon;
	uint64_t line;

	if (!p)
		return;
	p += 4;
	size_t n = strcspn(p, " !");
	colon = memrchr(p, ':', n);
	if (!colon || colon == p)
		return;
	const char *digits = colon + 1;
	if (!line_decimal(&digits, &line))
		return;
	e->file = arena_strndup(arena, p, (size_t)(colon - p));
	e->line = (unsigned)line;
}

static bool file_ends(const struct oops *e, const char *name)
{
	size_t n = e->file ? strlen(e->file) : 0, m = strlen(name);

	return n >= m && strcmp(e->file + n - m, name) == 0;
}

/* Some BUG()s are the allocator's or the list code's own checks. */
static void kind_by_file(struct oops *e)
{
	if (file_ends(e, "mm/slub.c") || file_ends(e, "mm/slab.c") ||
	    file_ends(e, "mm/usercopy.c") || file_ends(e, "mm/slab_common.c"))
		e->kind = OOPS_SLAB_CORRUPTION;
	else if (file_ends(e, "lib/list_debug.c"))
		e->kind = OOPS_LIST_CORRUPTION;
}

static void fill_bug(struct arena *arena, const char *text, struct oops *e)
{
	fill_file(arena, text, e);
	kind_by_file(e);
}

static void take_number(const char *text, const char *key, bool *ret_has, unsigned *ret)
{
	const char *p = strstr(text, key);
	uint64_t v;

	if (!p)
		return;
	p += strlen(key);
	line_skip_blanks(&p);
	if (!line_decimal(&p, &v))
		return;
	*ret_has = true;
	*ret = (unsigned)v;
}

/* "WARNING: CPU: 1 PID: 5 at FILE:LINE FUNCTION+0x1/0x2 [MOD]"; "WARNING: at FILE:LINE FUNCTION()"
 * until 3.10; "WARNING: FILE:LINE at FUNCTION+0x1/0x2, CPU#1: COMM/PID" since 6.18. */
static void fill_warning(struct arena *arena, const char *text, struct oops *e)
{
	const char *hash = strstr(text, "CPU#"), *at = strstr(text, " at ");
	unsigned pid;

	take_number(text, "CPU: ", &e->has_cpu, &e->cpu);
	take_number(text, " PID: ", &e->has_pid, &pid);
	if (e->has_pid)
		e->pid = pid;
	fill_file(arena, text, e);
	if (hash && at) { /* FILE:LINE stands before "at" */
		char before[512];
		const char *p = text + strlen("WARNING:");
		size_t n = (size_t)(at - p);
		if (at > p && n < sizeof(before) - 8) {
			memcpy(before, " at", 3);
			memcpy(before + 3, p, n);
			before[n + 3] = '\0';
			fill_file(arena, before, e);
		}
		line_place(arena, at + 4, &e->ip, NULL);
		take_number(text, "CPU#", &e->has_cpu, &e->cpu);
	} else if (at) {
		const char *space = strchr(at + 4, ' ');
		if (space)
			line_place(arena, space, &e->ip, NULL);
	}
	kind_by_file(e);
}

/* "... CPU#1 stuck for 12s! [acme-sensord:122]" */
static void fill_soft_lockup(struct arena *arena, const char *text, struct oops *e)
{
	const char *open = strrchr(text, '['), *colon = strrchr(text, ':'), *p;
	const char *stuck = strstr(text, "stuck for ");

	take_number(text, "CPU#", &e->has_cpu, &e->cpu);
	if (stuck) {
		p = stuck + strlen("stuck for ");
		line_decimal(&p, &e->seconds);
	}
	if (!open || !colon || colon < open)
		return;
	e->comm = arena_strndup(arena, open + 1, (size_t)(colon - open) - 1);
	p = colon + 1;
	e->has_pid = line_decimal(&p, &e->pid);
}

static void fill_hard_lockup(struct arena *arena, const char *text, struct oops *e)
{
	(void)arena;
	take_number(text, "on cpu ", &e->has_cpu, &e->cpu);
}

/* "INFO: task acme-sensord:122 blocked for more than 8 seconds." */
static void fill_hung_task(struct arena *arena, const char *text, struct oops *e)
{
	const char *name = strstr(text, "task ") + 5, *end = strstr(text, " blocked ");
	const char *more = strstr(text, "more than ");

	if (!end)
		end = strstr(text, " is blocked ");
	const char *colon = end ? memrchr(name, ':', (size_t)(end - name)) : NULL;
	if (colon) {
		const char *p = colon + 1;
		e->comm = arena_strndup(arena, name, (size_t)(colon - name));
		e->has_pid = line_decimal(&p, &e->pid);
	}
	if (more) {
		more += strlen("more than ");
		line_decimal(&more, &e->seconds);
	}
}

/* "BUG: KASAN: slab-out-of-bounds in acme_parse+0x1/0x2 [acme_edr]" */
static void fill_checker(struct arena *arena, const char *text, struct oops *e)
{
	const char *in = strstr(text, " in ");

	if (in)
		line_place(arena, in + 4, &e->ip, NULL);
	after(text, " at addr ", e); /* until 4.10; now in the next line */
	if (strstr(text, " read "))
		e->access = OOPS_ACCESS_READ;
	else if (strstr(text, " write "))
		e->access = OOPS_ACCESS_WRITE;
}

/* "UBSAN: array-index-out-of-bounds in drivers/acme/parse.c:34:12" */
static void fill_ubsan(struct arena *arena, const char *text, struct oops *e)
{
	const char *in = strstr(text, " in "), *colon = in ? strchr(in, ':') : NULL;
	uint64_t line;

	if (!colon)
		return;
	e->file = arena_strndup(arena, in + 4, (size_t)(colon - in) - 4);
	colon++;
	if (line_decimal(&colon, &line))
		e->line = (unsigned)line;
}

static void fill_machine_check(struct arena *arena, const char *text, struct oops *e)
{
	(void)arena;
	take_number(text, "CPU ", &e->has_cpu, &e->cpu);
	if (!e->has_cpu)
		take_number(text, "on CPU", &e->has_cpu, &e->cpu);
}

/* "stack guard page was hit at 000000001a2b3c4d (stack is ...)" */
static void fill_guard_page(struct arena *arena, const char *text, struct oops *e)
{
	(void)arena;
	after(text, "was hit at ", e);
}

static void fill_backtrace(struct arena *arena, const char *text, struct oops *e)
{
	(void)arena;
	take_number(text, "for cpu ", &e->has_cpu, &e->cpu);
	take_number(text, "for CPU ", &e->has_cpu, &e->cpu);
}

/* "sh invoked oom-killer: gfp_mask=..." */
static void fill_oom(struct arena *arena, const char *text, struct oops *e)
{
	const char *end = strstr(text, " invoked oom-killer");

	if (end)
		e->comm = arena_strndup(arena, text, (size_t)(end - text));
}

typedef void (*fill_function)(struct arena *arena, const char *text, struct oops *e);

struct headline {
	const char *begins;
	const char *also; /* what the line must hold besides, NULL nothing */
	enum oops_kind kind;
	fill_function fill;
};

/* In this order; the first that fits decides. Prefixes of subsystems are gone already. */
static const struct headline headlines[] = {
	{"BUG: unable to handle", NULL, OOPS_PAGE_FAULT, fill_page_fault},
	{"BUG: kernel NULL pointer dereference", NULL, OOPS_NULL_POINTER, fill_page_fault},
	{"Unable to handle kernel", NULL, OOPS_PAGE_FAULT, fill_page_fault},
	{"general protection fault", NULL, OOPS_GENERAL_PROTECTION, fill_protection},
	{"Oops: general protection fault", NULL, OOPS_GENERAL_PROTECTION, fill_protection},
	{"kernel BUG at ", NULL, OOPS_BUG, fill_bug},
	{"Kernel BUG at ", NULL, OOPS_BUG, fill_bug},
	{"BUG: soft lockup", NULL, OOPS_SOFT_LOCKUP, fill_soft_lockup},
	{"Watchdog detected hard LOCKUP", NULL, OOPS_HARD_LOCKUP, fill_hard_lockup},
	{"BUG: NMI Watchdog detected LOCKUP", NULL, OOPS_HARD_LOCKUP, NULL},
	{"INFO: task ", "blocked ", OOPS_HUNG_TASK, fill_hung_task},
	{"INFO: rcu_", "stall", OOPS_RCU_STALL, NULL},
	{"INFO: rcu_", "expedited", OOPS_RCU_STALL, NULL},
	{"BUG: KASAN:", NULL, OOPS_KASAN, fill_checker},
	{"BUG: KASan:", NULL, OOPS_KASAN, fill_checker}, /* until 4.3 */
	{"BUG: KFENCE:", NULL, OOPS_KFENCE, fill_checker},
	{"BUG: KCSAN:", NULL, OOPS_WARNING, fill_checker},
	{"BUG: KMSAN:", NULL, OOPS_KASAN, fill_checker},
	{"UBSAN:", NULL, OOPS_UBSAN, fill_ubsan},
	{"list_add corruption", NULL, OOPS_LIST_CORRUPTION, NULL},
	{"list_del corruption", NULL, OOPS_LIST_CORRUPTION, NULL},
	{"list_add double add", NULL, OOPS_LIST_CORRUPTION, NULL},
	{"slab: double free", NULL, OOPS_SLAB_CORRUPTION, NULL},
	{"cache_from_obj: Wrong slab cache", NULL, OOPS_SLAB_CORRUPTION, NULL},
	{"Kernel memory exposure attempt", NULL, OOPS_SLAB_CORRUPTION, NULL},
	{"Kernel memory overwrite attempt", NULL, OOPS_SLAB_CORRUPTION, NULL},
	{"BUG: Bad page state", NULL, OOPS_SLAB_CORRUPTION, NULL},
	{"BUG: Bad page map", NULL, OOPS_SLAB_CORRUPTION, NULL},
	{"BUG: stack guard page was hit", NULL, OOPS_STACK_OVERFLOW, fill_guard_page},
	{"BUG: ", "stack guard page was hit", OOPS_STACK_OVERFLOW, fill_guard_page},
	{"Insufficient stack space to handle exception", NULL, OOPS_STACK_OVERFLOW, NULL},
	{"Thread overran stack", NULL, OOPS_STACK_OVERFLOW, NULL},
	{"kernel stack overflow", NULL, OOPS_STACK_OVERFLOW, NULL},
	{"PANIC: double fault", NULL, OOPS_DOUBLE_FAULT, NULL},
	{"BUG: scheduling while atomic", NULL, OOPS_SCHEDULING, NULL},
	{"BUG: sleeping function called", NULL, OOPS_SCHEDULING, NULL},
	{"BUG: workqueue lockup", NULL, OOPS_SCHEDULING, NULL},
	{"BUG: spinlock", NULL, OOPS_SCHEDULING, NULL},
	{"BUG: Invalid wait context", NULL, OOPS_SCHEDULING, NULL},
	{"BUG: using ", "preemptible", OOPS_SCHEDULING, NULL},
	{"BUG: ", "corrupt", OOPS_SLAB_CORRUPTION, NULL},
	{"BUG ", "): ", OOPS_SLAB_CORRUPTION, NULL}, /* SLUB: "BUG kmalloc-64 (Not tainted): ..." */
	{"WARNING: ", NULL, OOPS_WARNING, fill_warning},
	{"NMI backtrace for cpu ", NULL, OOPS_BACKTRACE, fill_backtrace},
	{"Task dump for CPU ", NULL, OOPS_BACKTRACE, fill_backtrace},
	{"RCU grace-period kthread stack dump", NULL, OOPS_BACKTRACE, NULL},
	{"rcu_", " kthread starved for ", OOPS_BACKTRACE, NULL},
	{"NMI: PCI system error (SERR)", NULL, OOPS_MACHINE_CHECK, fill_machine_check},
	{"NMI: IOCK error", NULL, OOPS_MACHINE_CHECK, fill_machine_check},
	{"NMI: memory parity error", NULL, OOPS_MACHINE_CHECK, fill_machine_check},
	{"SError Interrupt on CPU", NULL, OOPS_MACHINE_CHECK, fill_machine_check},
	{"[Hardware Error]: ", "Machine Check Exception", OOPS_MACHINE_CHECK, fill_machine_check},
	{"[Hardware Error]: ", "Machine Check: ", OOPS_MACHINE_CHECK, fill_machine_check},
	{"[Hardware Error]: ", "severity: fatal", OOPS_MACHINE_CHECK, fill_machine_check},
	{"Machine Check Exception", NULL, OOPS_MACHINE_CHECK, fill_machine_check},
	{"Trigger a crash", NULL, OOPS_SYSRQ, NULL},
	{"Trigger a crashdump", NULL, OOPS_SYSRQ, NULL},
	{"Kernel panic - not syncing", NULL, OOPS_PANIC, NULL},
};

/* Who speaks; the message follows. */
static const char *skip_speaker(const char *text)
{
	static const char *const speakers[] = {
		"watchdog: ", "NMI watchdog: ", "rcu: ",      "mce: ",    "traps: ",
		"sysrq: ",    "SysRq : ",       "usercopy: ", "kernel: ", "slub: "};

	for (size_t i = 0; i < sizeof(speakers) / sizeof(*speakers); i++)
		if (line_skip(&text, speakers[i]))
			i = (size_t)-1;
	if (strncmp(text, "CPU", 3) == 0) { /* "CPU5: Watchdog detected hard LOCKUP on cpu 5" */
		const char *p = text + 3;
		uint64_t cpu;
		if (line_decimal(&p, &cpu) && line_skip(&p, ": ") &&
		    strncmp(p, "Watchdog detected", 17) == 0)
			return p;
	}
	if (*text == '{') { /* "{1}[Hardware Error]: event severity: fatal" */
		const char *close = strstr(text, "}[");
		if (close && close - text < 12)
			return close + 1;
	}
	return text;
}

/* " [#1]" of die(): its number, 0 if the line is none. */
static unsigned die_number(const char *text)
{
	const char *p = strstr(text, " [#");
	uint64_t number;

	if (!p)
		return 0;
	p += 3;
	return line_decimal(&p, &number) && *p == ']' && number < 1000000 ? (unsigned)number : 0;
}

/* Words of die() and what they mean. */
/* What a headline is about if it has the word. */
struct word {
	const char *word;
	enum oops_kind kind;
};

static enum oops_kind kind_by_word(const struct word *words, size_t count, const char *text,
				   enum oops_kind otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(text, words[i].word))
			return words[i].kind;
	return otherwise;
}

static enum oops_kind kind_of_die(const char *text)
{
	static const struct word words[] = {
		{"general protection", OOPS_GENERAL_PROTECTION},
		{"divide error", OOPS_DIVIDE},
		{"invalid opcode", OOPS_INVALID_OPCODE},
		{"Undefined instruction", OOPS_INVALID_OPCODE},
		{"undefined instruction", OOPS_INVALID_OPCODE},
		{"double fault", OOPS_DOUBLE_FAULT},
		{"double-fault", OOPS_STACK_OVERFLOW},
		{"kernel stack overflow", OOPS_STACK_OVERFLOW},
		{"stack guard page", OOPS_STACK_OVERFLOW},
		{"corrupted stack end", OOPS_STACK_END},
		{"Oops:", OOPS_PAGE_FAULT},
		{"UBSAN", OOPS_UBSAN},
		{"KASAN", OOPS_KASAN},
		{"external abort", OOPS_MACHINE_CHECK},
		{"SError", OOPS_MACHINE_CHECK},
		{"Oops - BUG", OOPS_BUG},
	};

	return kind_by_word(words, sizeof(words) / sizeof(*words), text, OOPS_DIE);
}

/* The number before "[#1]": the exception's error code, or arm64's ESR. */
static void take_error_code(const char *text, struct oops *e)
{
	const char *end = strstr(text, " [#"), *start = end;

	while (start > text && start[-1] != ' ' && start[-1] != ':')
		start--;
	if (line_hexadecimal(&start, &e->error_code) && start == end)
		e->has_error_code = true;
	if (strncmp(text, "Internal error: ", 16) == 0)
		e->arch = ARCH_ARM64;
}

static void fill_die(struct arena *arena, const char *text, struct oops *e)
{
	e->number = die_number(text);
	e->kind = kind_of_die(text);
	e->fatal = true;
	if (e->kind == OOPS_GENERAL_PROTECTION)
		fill_protection(arena, text, e);
	take_error_code(text, e);
}

bool line_headline(struct arena *arena, const char *text, struct oops *event)
{
	const char *p = skip_speaker(text);

	if (strncmp(p, "---[", 4) == 0 || strstr(p, " skipped: idling at "))
		return false;
	if (die_number(p) && *p != '[' && *p != ' ' && !strstr(p, "---")) {
		fill_die(arena, p, event);
		event->headline = text;
		return true;
	}
	for (size_t i = 0; i < sizeof(headlines) / sizeof(*headlines); i++) {
		const struct headline *h = &headlines[i];
		if (strncmp(p, h->begins, strlen(h->begins)) != 0 ||
		    (h->also && !strstr(p, h->also)))
			continue;
		event->kind = h->kind;
		event->headline = text;
		if (h->fill)
			h->fill(arena, p, event);
		return true;
	}
	if (strstr(p, " invoked oom-killer: ")) {
		event->kind = OOPS_OOM;
		event->headline = text;
		fill_oom(arena, p, event);
		return true;
	}
	return false;
}

enum oops_kind oops_kind_of_panic(const char *reason)
{
	static const struct word words[] = {
		{"softlockup", OOPS_SOFT_LOCKUP},
		{"soft lockup", OOPS_SOFT_LOCKUP},
		{"ard LOCKUP", OOPS_HARD_LOCKUP},
		{"hung_task", OOPS_HUNG_TASK},
		{"RCU Stall", OOPS_RCU_STALL},
		{"panic_on_warn", OOPS_WARNING},
		{"sysrq triggered", OOPS_SYSRQ},
		{"SysRq : Trigger", OOPS_SYSRQ},
		{"ut of memory", OOPS_OOM},
		{"deadlocked on memory", OOPS_OOM},
		{"panic_on_oom", OOPS_OOM},
		{"achine check", OOPS_MACHINE_CHECK},
		{"Hardware Error", OOPS_MACHINE_CHECK},
		{"hardware error", OOPS_MACHINE_CHECK},
		{"SError", OOPS_MACHINE_CHECK},
		{"NMI: Not continuing", OOPS_MACHINE_CHECK},
		{"NMI IOCK", OOPS_MACHINE_CHECK},
		{"stack-protector", OOPS_STACK_OVERFLOW},
		{"stack overflow", OOPS_STACK_OVERFLOW},
		{"corrupted stack end", OOPS_STACK_END},
		{"scheduling while atomic", OOPS_SCHEDULING},
		{"corrupted", OOPS_SLAB_CORRUPTION},
	};

	return kind_by_word(words, sizeof(words) / sizeof(*words), reason, OOPS_PANIC);
}
