#include "oops_lines.h"

#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool line_skip(const char **p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*p, word, n) != 0)
		return false;
	*p += n;
	return true;
}

void line_skip_blanks(const char **p)
{
	while (**p == ' ')
		(*p)++;
}

bool line_decimal(const char **p, uint64_t *ret)
{
	const char *q = *p;
	uint64_t v = 0;

	for (; isdigit((unsigned char)*q); q++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*q - '0'), &v))
			return false;
	if (q == *p)
		return false;
	*p = q;
	*ret = v;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool line_hexadecimal(const char **p, uint64_t *ret)
{
	const char *q = *p;
	uint64_t v = 0;
	int digits = 0;

	if (q[0] == '0' && (q[1] == 'x' || q[1] == 'X') && hex_digit(q[2]) >= 0)
		q += 2;
	for (; hex_digit(*q) >= 0 && digits < 17; q++, digits++)
		v = v << 4 | (uint64_t)hex_digit(*q);
	if (digits == 0 || digits > 16)
		return false;
	*p = q;
	*ret = v;
	return true;
}

/* ---- places -------------------------------------------------------------------------------- */

static bool is_symbol_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$' || c == ':' ||
	       c == '@' || c == '-' || (unsigned char)c >= 0x80;
}

/* "[acme_edr]", "[acme_edr 0123456789abcdef0123]": module and its build id. */
static const char *take_module(struct arena *arena, const char *p, struct oops_place *ret)
{
	const char *q = p;

	line_skip_blanks(&q);
	if (*q != '[' || !is_symbol_char(q[1]))
		return p;
	size_t n = strcspn(q + 1, " ]");
	const char *close = strchr(q, ']');
	if (!close || n == 0)
		return p;
	ret->module = arena_strndup(arena, q + 1, n);
	if (q[1 + n] == ' ' && close > q + 2 + n)
		ret->build_id = arena_strndup(arena, q + 2 + n, (size_t)(close - q) - n - 2);
	return close + 1;
}

static const char *take_address(struct arena *arena, const char *p, struct oops_place *ret)
{
	const char *q = p;

	if (strncmp(q, "0x", 2) != 0 || !line_hexadecimal(&q, &ret->address))
		return NULL;
	ret->text = arena_strndup(arena, p, (size_t)(q - p));
	return q;
}

/* SYMBOL+0xOFFSET/0xSIZE [MODULE]. In old traces the symbol may stand as ":module:symbol". */
static const char *take_symbol(struct arena *arena, const char *p, struct oops_place *ret)
{
	const char *q = p, *name = p;
	uint64_t address = ret->address;

	if (*q == ':' && strchr(q + 1, ':')) {
		const char *colon = strchr(q + 1, ':');
		ret->module = arena_strndup(arena, q + 1, (size_t)(colon - q) - 1);
		name = q = colon + 1;
	}
	while (is_symbol_char(*q))
		q++;
	const char *end = q;
	if (q == name || !line_skip(&q, "+0x") || !line_hexadecimal(&q, &ret->offset) ||
	    !line_skip(&q, "/0x") || !line_hexadecimal(&q, &ret->size)) {
		*ret = (struct oops_place){.address = address};
		return NULL;
	}
	ret->symbol = arena_strndup(arena, name, (size_t)(end - name));
	q = take_module(arena, q, ret);
	ret->text = arena_strndup(arena, p, (size_t)(q - p));
	return q;
}

/* "[<ffffffffa0123456>] ", once or twice. */
static const char *skip_bracketed(const char *p, uint64_t *ret)
{
	for (;;) {
		const char *q = p;
		if (!line_skip(&q, "[<") || !line_hexadecimal(&q, ret) || !line_skip(&q, ">]"))
			return p;
		line_skip_blanks(&q);
		p = q;
	}
}

bool line_place(struct arena *arena, const char *text, struct oops_place *ret,
		const char **ret_rest)
{
	struct oops_place place = {0};
	const char *p = text;

	line_skip_blanks(&p);
	const char *start = p;
	p = skip_bracketed(p, &place.address);
	bool bracketed = p != start;
	if (bracketed && *p == '?')
		p += strspn(p, "? ");
	const char *rest = take_symbol(arena, p, &place);
	if (!rest)
		rest = take_address(arena, p, &place);
	if (!rest && bracketed) {
		place.text = arena_printf(arena, "0x%llx", (unsigned long long)place.address);
		rest = p;
	}
	if (!rest)
		return false;
	*ret = place;
	if (ret_rest)
		*ret_rest = rest;
	return true;
}

bool oops_place_parse(struct arena *arena, const char *text, struct oops_place *ret)
{
	return line_place(arena, text, ret, NULL);
}

/* ---- registers ----------------------------------------------------------------------------- */

enum { SLOT_IP = 100, SLOT_SP, SLOT_FLAGS, SLOT_CR0, SLOT_CR2, SLOT_CR3, SLOT_CR4, SLOT_SKIP };

static const struct {
	const char *name;
	enum arch arch;
	int slot;
} register_names[] = {
	{"RAX", ARCH_X86_64, 0},
	{"RCX", ARCH_X86_64, 1},
	{"RDX", ARCH_X86_64, 2},
	{"RBX", ARCH_X86_64, 3},
	{"RSP", ARCH_X86_64, SLOT_SP},
	{"RBP", ARCH_X86_64, 5},
	{"RSI", ARCH_X86_64, 6},
	{"RDI", ARCH_X86_64, 7},
	{"R08", ARCH_X86_64, 8},
	{"R09", ARCH_X86_64, 9},
	{"R8", ARCH_X86_64, 8},
	{"R9", ARCH_X86_64, 9},
	{"R10", ARCH_X86_64, 10},
	{"R11", ARCH_X86_64, 11},
	{"R12", ARCH_X86_64, 12},
	{"R13", ARCH_X86_64, 13},
	{"R14", ARCH_X86_64, 14},
	{"R15", ARCH_X86_64, 15},
	{"EFLAGS", ARCH_UNKNOWN, SLOT_FLAGS},
	{"ORIG_RAX", ARCH_X86_64, SLOT_SKIP},
	{"EAX", ARCH_X86, 0},
	{"ECX", ARCH_X86, 1},
	{"EDX", ARCH_X86, 2},
	{"EBX", ARCH_X86, 3},
	{"ESP", ARCH_X86, SLOT_SP},
	{"EBP", ARCH_X86, 5},
	{"ESI", ARCH_X86, 6},
	{"EDI", ARCH_X86, 7},
	{"CR0", ARCH_UNKNOWN, SLOT_CR0},
	{"CR2", ARCH_UNKNOWN, SLOT_CR2},
	{"CR3", ARCH_UNKNOWN, SLOT_CR3},
	{"CR4", ARCH_UNKNOWN, SLOT_CR4},
	{"FS", ARCH_UNKNOWN, SLOT_SKIP},
	{"GS", ARCH_UNKNOWN, SLOT_SKIP},
	{"knlGS", ARCH_UNKNOWN, SLOT_SKIP},
	{"CS", ARCH_UNKNOWN, SLOT_SKIP},
	{"DS", ARCH_UNKNOWN, SLOT_SKIP},
	{"ES", ARCH_UNKNOWN, SLOT_SKIP},
	{"SS", ARCH_UNKNOWN, SLOT_SKIP},
	{"pstate", ARCH_ARM64, SLOT_FLAGS},
	{"sp", ARCH_ARM64, SLOT_SP},
};

/* Number of "x0" .. "x30", -1 if it is none. */
static int arm64_register(const char *name, size_t length)
{
	const char *p = name + 1;
	uint64_t n;

	if (length < 2 || length > 3 || *name != 'x' || !line_decimal(&p, &n) ||
	    p != name + length || n > 30)
		return -1;
	return (int)n;
}

static bool register_slot(const char *name, size_t length, enum arch *ret_arch, int *ret_slot)
{
	int x = arm64_register(name, length);

	*ret_arch = ARCH_ARM64;
	*ret_slot = x;
	if (x >= 0)
		return true;
	for (size_t i = 0; i < sizeof(register_names) / sizeof(*register_names); i++) {
		if (strlen(register_names[i].name) != length ||
		    memcmp(register_names[i].name, name, length) != 0)
			continue;
		*ret_arch = register_names[i].arch;
		*ret_slot = register_names[i].slot;
		return true;
	}
	return false;
}

static void store_register(struct oops *e, enum arch arch, int slot, uint64_t value)
{
	struct registers *r = &e->registers;

	if (arch != ARCH_UNKNOWN && e->arch == ARCH_UNKNOWN)
		e->arch = arch;
	switch (slot) {
	case SLOT_CR0: e->cr0 = value; return;
	case SLOT_CR2:
		e->has_cr2 = true;
		e->cr2 = value;
		return;
	case SLOT_CR3: e->cr3 = value; return;
	case SLOT_CR4: e->cr4 = value; return;
	case SLOT_FLAGS: r->flags = value; return;
	case SLOT_SKIP: return;
	case SLOT_SP:
		r->sp = value;
		if (arch == ARCH_ARM64)
			return;
		slot = REG_RSP;
		break;
	default: break;
	}
	r->r[slot] = value;
	r->known |= 1u << slot;
	if (slot == (arch == ARCH_ARM64 ? 29 : REG_RBP))
		r->fp = value;
	e->has_registers = true;
}

/* The value of NAME: at *p: "0018:ffffb0", "0018:[<ffff>]", "00000000(0000)", hexadecimal. */
static bool register_value(const char **p, uint64_t *ret)
{
	const char *q = *p;
	uint64_t v;

	line_skip(&q, "[<");
	line_skip(&q, "<");
	if (!line_hexadecimal(&q, &v))
		return false;
	if (*q == ':') { /* that was the selector */
		q++;
		line_skip(&q, "[<");
		line_skip(&q, "<");
		if (!line_hexadecimal(&q, &v))
			return false;
	}
	while (*q && *q != ' ')
		q++;
	*p = q;
	*ret = v;
	return true;
}

/* "NAME:" or "NAME :" at *p. */
static size_t register_name_length(const char *p, const char **ret_value)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	const char *q = p + n;
	line_skip_blanks(&q);
	if (n == 0 || n > 8 || *q != ':')
		return 0;
	q++;
	line_skip_blanks(&q);
	*ret_value = q;
	return n;
}

bool line_registers(const char *text, struct oops *event)
{
	const char *p = text;
	bool any = false;

	for (;;) {
		const char *value;
		enum arch arch;
		uint64_t v;
		int slot;
		line_skip_blanks(&p);
		size_t n = register_name_length(p, &value);
		if (n == 0 || !register_slot(p, n, &arch, &slot))
			return any;
		if (!register_value(&value, &v))
			return any;
		store_register(event, arch, slot, v);
		any = true;
		p = value;
	}
}

/* ---- code ---------------------------------------------------------------------------------- */

static bool put_code(struct oops *e, uint64_t value, unsigned bytes)
{
	if (e->code_count + bytes > OOPS_CODE_MAX)
		return false;
	for (unsigned i = 0; i < bytes; i++)
		e->code[e->code_count++] = (uint8_t)(value >> (8 * i));
	return true;
}

/* Bytes "8b 00 <41> 80" (x86), or words "f9400000 (39400042)" (arm64). */
void line_code(struct arena *arena, const char *text, struct oops *event)
{
	const char *p = text;
	uint64_t value;

	line_skip_blanks(&p);
	if (strstr(p, "opcode bytes") || strstr(p, "Bad RIP") || strstr(p, "Bad EIP") ||
	    strstr(p, "bad PC")) {
		event->code_missing = arena_strdup(arena, p);
		return;
	}
	for (;; line_skip_blanks(&p)) {
		bool mark = *p == '<' || *p == '(';
		p += mark;
		const char *start = p;
		if (!line_hexadecimal(&p, &value))
			return;
		if (mark) {
			event->has_code_mark = true;
			event->code_mark = event->code_count;
		}
		if (!put_code(event, value, p - start > 2 ? 4 : 1))
			return;
		if (*p == '>' || *p == ')')
			p++;
	}
}

/* ---- modules ------------------------------------------------------------------------------- */

enum { MODULES_MAX = 4096 };

static bool is_module_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* NAME, NAME(OE), NAME(OE+): module_flags() of kernel/module. Red Hat's 2.6 has NAME(P)(U). */
static const char *take_module_entry(struct arena *arena, const char *p, struct oops_module *ret)
{
	char taints[32];
	size_t n = 0, letters = 0;

	while (is_module_char(p[n]))
		n++;
	*ret = (struct oops_module){.name = arena_strndup(arena, p, n)};
	p += n;
	while (*p == '(') {
		for (p++; *p && *p != ')' && *p != ' '; p++) {
			if (*p == '+' || *p == '-')
				ret->state = *p;
			else if (isalpha((unsigned char)*p) && letters < sizeof(taints))
				taints[letters++] = *p;
		}
		p += *p == ')';
	}
	ret->taints = arena_strndup(arena, taints, letters);
	return p;
}

static void take_last_unloaded(struct arena *arena, const char *p, struct oops *event)
{
	struct oops_module m;

	line_skip_blanks(&p);
	if (!is_module_char(*p))
		return;
	take_module_entry(arena, p, &m);
	event->last_unloaded = m.name;
	event->last_unloaded_taints = m.taints;
}

void line_modules(struct arena *arena, const char *text, struct oops *event)
{
	const char *p = text;

	for (;;) {
		struct oops_module m;
		line_skip_blanks(&p);
		if (line_skip(&p, "[last unloaded:")) {
			take_last_unloaded(arena, p, event);
			return;
		}
		if (!is_module_char(*p))
			return;
		p = take_module_entry(arena, p, &m);
		if (event->modules.count < event->modules.limit)
			*(struct oops_module *)list_add(&event->modules) = m;
	}
}

/* ---- who and where --------------------------------------------------------------------------- */

/* print_tainted(): letters in fixed columns, blanks between; then release and version. */
bool line_taint(struct arena *arena, const char *text, struct oops *event)
{
	char letters[40];
	size_t n = 0;
	const char *p = text;

	if (line_skip(&p, "Tainted: ")) {
		/* Red Hat's kernels print dashes for letters of their own that are not set */
		for (; *p == ' ' || *p == '-' || isupper((unsigned char)*p); p++)
			if (isupper((unsigned char)*p) && n < sizeof(letters) - 1)
				letters[n++] = *p;
	} else if (!line_skip(&p, "Not tainted")) {
		return false;
	}
	letters[n] = '\0';
	event->tainted = arena_strdup(arena, letters);
	line_skip_blanks(&p);
	bool bracket = line_skip(&p, "("); /* 2.6: "(2.6.18-8.el5 #1)" */
	size_t length = strcspn(p, " )");
	if (length == 0 || !isdigit((unsigned char)*p))
		return true;
	event->release = arena_strndup(arena, p, length);
	p += length;
	line_skip_blanks(&p);
	if (*p == '#') {
		const char *end = p + strlen(p);
		while (end > p && (end[-1] == ' ' || (bracket && end[-1] == ')')))
			end--;
		event->version = arena_strndup(arena, p, (size_t)(end - p));
	}
	return true;
}

/* "Comm: NAME Kdump: loaded Tainted: ..." - names may hold blanks. */
static void take_comm(struct arena *arena, const char *p, struct oops *event)
{
	static const char *const ends[] = {" Kdump: ", " Tainted: ", " Not tainted", " Xen"};
	size_t n = strlen(p);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		const char *end = strstr(p, ends[i]);
		if (end && (size_t)(end - p) < n)
			n = (size_t)(end - p);
	}
	event->comm = arena_strndup(arena, p, n);
	const char *taint = strstr(p, "Tainted: ");
	if (!taint)
		taint = strstr(p, "Not tainted");
	if (taint)
		line_taint(arena, taint, event);
}

/* Numbers as "KEY 12" in @p text. */
static bool number_after(const char *text, const char *key, uint64_t *ret)
{
	const char *p = strstr(text, key);

	if (!p)
		return false;
	p += strlen(key);
	line_skip_blanks(&p);
	return line_decimal(&p, ret);
}

bool line_task(struct arena *arena, const char *text, struct oops *event)
{
	const char *comm = strstr(text, "Comm: ");
	uint64_t cpu, pid;

	if (!comm)
		comm = strstr(text, " comm: ");
	bool now = strncmp(text, "CPU: ", 5) == 0, old = strncmp(text, "Pid: ", 5) == 0;
	if (!comm || (!now && !old))
		return false;
	if (now && number_after(text, "CPU: ", &cpu)) {
		event->has_cpu = true;
		event->cpu = (unsigned)cpu;
	}
	if (number_after(text, now ? " PID: " : "Pid: ", &pid)) {
		event->has_pid = true;
		event->pid = pid;
	}
	take_comm(arena, strchr(comm, ':') + 2, event);
	return true;
}

/* dmi_format_ids() puts vendor and product one behind the other; what a vendor's name ends with, or
 * which it is, tells them apart. */
static size_t vendor_length(const char *p, size_t length)
{
	static const char *const known[] = {
		"Amazon EC2",
		"Red Hat",
		"Hewlett-Packard",
		"HPE",
		"HP",
		"LENOVO",
		"Lenovo",
		"QEMU",
		"VMware, Inc.",
		"Microsoft Corporation",
		"Supermicro",
		"Google",
		"Xen",
		"IBM",
		"Dell Inc.",
		"OpenStack Foundation",
		"Alibaba Cloud",
		"FUJITSU",
		"Huawei",
		"Bochs",
	};
	static const char *const ends[] = {
		" Inc. ", " Inc ",  " Corporation ", " Corp. ",   " Co., Ltd. ", " Ltd. ",
		" GmbH ", " INC. ", " CORPORATION ", " Limited ", " Computer ",  " Foundation "};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size_t n = strlen(known[i]);
		if (n < length && strncmp(p, known[i], n) == 0 && p[n] == ' ')
			return n;
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		const char *end = memmem(p, length, ends[i], strlen(ends[i]));
		if (end)
			return (size_t)(end - p) + strlen(ends[i]) - 1;
	}
	const char *blank = memchr(p, ' ', length);
	return blank ? (size_t)(blank - p) : 0;
}

void line_hardware(struct arena *arena, const char *text, const char **ret_vendor,
		   const char **ret_product, const char **ret_bios)
{
	const char *bios = strstr(text, ", BIOS ");
	const char *tree = strstr(text, " (DT)");
	size_t length = bios ? (size_t)(bios - text) : tree ? (size_t)(tree - text) : strlen(text);
	const char *comma = tree ? memchr(text, ',', length) : NULL;
	size_t n = comma ? (size_t)(comma - text) : vendor_length(text, length);

	*ret_vendor = n ? arena_strndup(arena, text, n) : NULL;
	*ret_product = arena_strndup(arena, text + n + (n > 0), length - n - (n > 0));
	*ret_bios = bios ? arena_strdup(arena, bios + strlen(", BIOS ")) : NULL;
}
