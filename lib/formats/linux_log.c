#include "linux_log.h"

#include "ceilings.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

void linux_log_init(struct linux_log *log, struct arena *arena, const char *layout)
{
	*log = (struct linux_log){.layout = layout};
	list_init(&log->lines, arena, sizeof(struct linux_line), LIMIT_LOG_LINES);
}

/* Whether everything is printable ASCII, which most lines are: then no character needs a look. */
static bool is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return false;
	return true;
}

const char *linux_log_text(struct arena *arena, const char *text, size_t length)
{
	char clean[LINUX_LINE_MAX];
	size_t n = 0;

	if (length > sizeof(clean))
		length = sizeof(clean);
	while (length && (text[length - 1] == '\r' || text[length - 1] == ' '))
		length--;
	if (is_plain(text, length))
		return arena_strndup(arena, text, length);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\x1b' && i + 1 < length && text[i + 1] == '[') {
			for (i += 2; i < length && !isalpha((unsigned char)text[i]);)
				i++;
			continue;
		}
		if (text[i] != '\0')
			clean[n++] = text[i] == '\t' ? ' ' : text[i];
	}
	return text_from_bytes(arena, clean, n);
}

static void add_line(struct linux_log *log, const struct linux_line *like, const char *text,
		     size_t length)
{
	if (log->lines.count >= log->lines.limit) {
		log->partial = true;
		log->why = "the log has more lines than LIMIT_LOG_LINES";
		return;
	}
	const char *copy = linux_log_text(log->lines.arena, text, length);
	struct linux_line *line = list_add(&log->lines);
	*line = *like;
	line->text = copy;
}

void linux_log_add(struct linux_log *log, const struct linux_line *like, const char *text,
		   size_t length)
{
	for (size_t at = 0;;) {
		const char *newline = memchr(text + at, '\n', length - at);
		size_t n = newline ? (size_t)(newline - text) - at : length - at;
		add_line(log, like, text + at, n);
		at += n + 1;
		if (!newline || at >= length)
			return;
	}
}

/* ---- text ---------------------------------------------------------------------------------- */

/* A line that is being taken apart from its left. */
struct text_line {
	const char *p, *end;
	struct linux_line line;
};

static bool starts(const struct text_line *t, const char *prefix)
{
	size_t n = strlen(prefix);

	return (size_t)(t->end - t->p) >= n && memcmp(t->p, prefix, n) == 0;
}

/* Up to @p digits_max decimal digits at *@p p; false if there is none. */
static bool decimal(const char **p, const char *end, unsigned digits_max, uint64_t *ret)
{
	const char *q = *p;
	uint64_t v = 0;

	while (q < end && isdigit((unsigned char)*q) && (unsigned)(q - *p) < digits_max)
		v = v * 10 + (uint64_t)(*q++ - '0');
	if (q == *p)
		return false;
	*p = q;
	*ret = v;
	return true;
}

/* "<4>": level in the low three bits, facility above. */
static void take_priority(struct text_line *t)
{
	const char *p = t->p + 1;
	uint64_t v;

	if (!starts(t, "<") || !decimal(&p, t->end, 3, &v) || p == t->end || *p != '>')
		return;
	t->line.level = (int)(v & 7);
	t->line.facility = (int)(v >> 3);
	t->p = p + 1;
}

/* "[   12.345678]", with blanks after it. */
static bool take_stamp(struct text_line *t)
{
	const char *p = t->p;
	uint64_t seconds, fraction;

	if (!starts(t, "["))
		return false;
	for (p++; p < t->end && *p == ' ';)
		p++;
	if (!decimal(&p, t->end, 10, &seconds) || p == t->end || *p != '.')
		return false;
	const char *digits = ++p;
	if (!decimal(&p, t->end, 9, &fraction) || p == t->end || *p != ']')
		return false;
	for (long n = p - digits; n < 9; n++)
		fraction *= 10;
	t->line.ns = seconds * UINT64_C(1000000000) + fraction;
	t->line.has_ns = true;
	t->p = p + 1;
	return true;
}

/* "[  T123]" or "[    C1]": CONFIG_PRINTK_CALLER. */
static void take_caller(struct text_line *t)
{
	const char *p = t->p;
	uint64_t id;

	while (p < t->end && *p == ' ')
		p++;
	if (p == t->end || *p != '[')
		return;
	for (p++; p < t->end && *p == ' ';)
		p++;
	if (p == t->end || (*p != 'T' && *p != 'C'))
		return;
	bool cpu = *p++ == 'C';
	if (!decimal(&p, t->end, 9, &id) || p == t->end || *p != ']')
		return;
	t->line.has_caller = true;
	t->line.caller_is_cpu = cpu;
	t->line.caller = (uint32_t)id;
	t->p = p + 1;
}

static void skip_blank(struct text_line *t)
{
	if (t->p < t->end && *t->p == ' ')
		t->p++;
}

/* A date by strptime() in front of the line; what it says goes to line.wall. */
static bool take_date(struct text_line *t, const char *format)
{
	char copy[48];
	struct tm tm = {.tm_mday = 1};
	size_t n = (size_t)(t->end - t->p) < sizeof(copy) - 1 ? (size_t)(t->end - t->p)
							      : sizeof(copy) - 1;

	memcpy(copy, t->p, n);
	copy[n] = '\0';
	const char *rest = strptime(copy, format, &tm);
	if (!rest)
		return false;
	time_t when = tm.tm_year ? timegm(&tm) : 0;
	t->line.wall = when > 0 ? (uint64_t)when : 0;
	t->p += rest - copy;
	return true;
}

/* Fraction and zone of an ISO time: ".123456+02:00", ",123456Z". */
static void take_iso_rest(struct text_line *t)
{
	const char *p = t->p;
	uint64_t hours, minutes, fraction;

	if (p < t->end && (*p == '.' || *p == ',')) {
		p++;
		decimal(&p, t->end, 9, &fraction);
	}
	if (p < t->end && *p == 'Z') {
		p++;
	} else if (p < t->end && (*p == '+' || *p == '-')) {
		bool east = *p++ == '+';
		if (decimal(&p, t->end, 2, &hours)) {
			p += p < t->end && *p == ':';
			if (!decimal(&p, t->end, 2, &minutes))
				minutes = 0;
			uint64_t shift = hours * 3600 + minutes * 60;
			if (t->line.wall > shift)
				t->line.wall += east ? -shift : shift;
		}
	}
	t->p = p;
}

/* "HOST kernel: " after a syslog date. False if somebody else wrote the line. */
static bool take_host(struct text_line *t)
{
	size_t left = (size_t)(t->end - t->p);
	const char *kernel = memmem(t->p, left < 300 ? left : 300, " kernel: ", 9);
	const char *blank = memchr(t->p, ' ', left);

	if (!kernel || kernel != blank)
		return false;
	t->p = kernel + 9;
	return true;
}

static bool is_clock(const char *p)
{
	for (int i = 0; i < 8; i++)
		if (i % 3 == 2 ? p[i] != ':' : !isdigit((unsigned char)p[i]))
			return false;
	return true;
}

/* "июл 27 14:08:03 laptop kernel: ": dates of other languages are passed over, as is what syslogd
 * sends to everybody's terminal: " kernel:[  622.405154] ". */
static bool take_foreign_date(struct text_line *t)
{
	size_t left = (size_t)(t->end - t->p), head = left < 120 ? left : 120;
	const char *kernel = memmem(t->p, head, " kernel: ", 9);

	if (head > 10 && memcmp(t->p, " kernel:[", 9) == 0) {
		t->p += 8;
		return true;
	}
	for (const char *p = t->p; kernel && p + 8 < kernel; p++) {
		if (!is_clock(p))
			continue;
		t->p = kernel + 9;
		return true;
	}
	return false;
}

/* Dates that syslog, journalctl and dmesg -T put in front. */
static void take_dates(struct text_line *t)
{
	bool iso = false, syslog = false;

	if (starts(t, "[") && isalpha((unsigned char)(t->end - t->p > 1 ? t->p[1] : 0))) {
		if (take_date(t, "[%a %b %d %H:%M:%S %Y]"))
			skip_blank(t);
		return;
	}
	if (t->p < t->end && isdigit((unsigned char)*t->p))
		iso = take_date(t, "%Y-%m-%dT%H:%M:%S");
	else if (t->p < t->end && isupper((unsigned char)*t->p))
		syslog = take_date(t, "%b %d %H:%M:%S");
	if (!iso && !syslog) {
		take_foreign_date(t);
		return;
	}
	if (iso)
		take_iso_rest(t);
	skip_blank(t);
	if (take_host(t))
		return;
	if (syslog)
		t->line.facility = 1; /* another program's line in the same file */
}

/* dmesg -x: "kern  :warn  : ". */
static void take_decoded(struct text_line *t)
{
	static const char *const levels[] = {"emerg", "alert",  "crit", "err",
					     "warn",  "notice", "info", "debug"};

	if (t->end - t->p < 16 || t->p[6] != ':' || t->p[14 - 1] != ':')
		return;
	for (int i = 0; i < 8; i++) {
		if (memcmp(t->p + 7, levels[i], strlen(levels[i])) != 0)
			continue;
		t->line.level = i;
		t->line.facility = memcmp(t->p, "kern", 4) == 0 ? 0 : 1;
		t->p += 15;
		return;
	}
}

/* /dev/kmsg and netconsole's extended format: "6,339,5140900,-,caller=T1;text". */
static bool take_kmsg(struct text_line *t)
{
	const char *p = t->p;
	uint64_t priority, sequence, us;

	if (!decimal(&p, t->end, 4, &priority) || p == t->end || *p++ != ',' ||
	    !decimal(&p, t->end, 18, &sequence) || p == t->end || *p++ != ',' ||
	    !decimal(&p, t->end, 15, &us) || p == t->end || *p++ != ',')
		return false;
	const char *semicolon = memchr(p, ';', (size_t)(t->end - p));
	if (!semicolon)
		return false;
	t->line.level = (int)(priority & 7);
	t->line.facility = (int)(priority >> 3);
	t->line.sequence = (uint32_t)sequence;
	t->line.ns = us * 1000;
	t->line.has_ns = true;
	t->p = semicolon + 1;
	return true;
}

static void take_terminal_noise(struct text_line *t)
{
	while (t->end - t->p > 2 && t->p[0] == '\x1b' && t->p[1] == '[') {
		const char *p = t->p + 2;
		while (p < t->end && !isalpha((unsigned char)*p))
			p++;
		t->p = p < t->end ? p + 1 : p;
	}
	while (t->p < t->end && (*t->p == '\r' || *t->p == '\0'))
		t->p++;
}

static void parse_line(struct linux_log *log, const char *text, size_t length, uint32_t number)
{
	struct text_line t = {.p = text,
			      .end = text + length,
			      .line = {.level = -1, .facility = -1, .sequence = number}};

	take_terminal_noise(&t);
	if (!take_kmsg(&t)) {
		take_dates(&t);
		take_priority(&t);
		take_decoded(&t);
		if (take_stamp(&t)) {
			take_caller(&t);
			skip_blank(&t);
		}
	}
	linux_log_add(log, &t.line, t.p, (size_t)(t.end - t.p));
}

/* Where the last @p lines lines begin: the end of a log is where the crash is. */
static size_t skip_to_last(const char *text, size_t size, size_t lines)
{
	size_t at = size;

	if (at && text[at - 1] == '\n')
		at--;
	while (at > 0 && lines > 0)
		if (text[--at] == '\n' && --lines == 0)
			return at + 1;
	return 0;
}

void linux_log_from_text(const void *text, size_t size, struct arena *arena, struct linux_log *ret)
{
	const char *p = text;
	struct linux_log log;
	uint32_t number = 0;
	size_t at = size ? skip_to_last(p, size, LIMIT_LOG_LINES) : 0;

	linux_log_init(&log, arena, "text");
	if (at) {
		log.partial = true;
		log.why = "the log has more lines than LIMIT_LOG_LINES: its beginning is left out";
	}
	for (; at < size; number++) {
		const char *newline = memchr(p + at, '\n', size - at);
		size_t length = newline ? (size_t)(newline - p) - at : size - at;
		parse_line(&log, p + at, length, number);
		at += length + 1;
	}
	if (arena_failed(arena)) {
		log.partial = true;
		log.why = "the log is larger than the memory allowed for it";
	}
	*ret = log;
}

/* ---- recognising --------------------------------------------------------------------------- */

enum { BID_BYTES = 1 << 20, BID_BINARY_PERCENT = 2 };

/* What a kernel says when something is wrong with it, and in little else. */
static const char *const crash_words[] = {
	"Kernel panic - not syncing",
	"BUG: unable to handle",
	"BUG: kernel NULL pointer dereference",
	"general protection fault",
	"Unable to handle kernel",
	"Internal error: Oops",
	"kernel BUG at ",
	"soft lockup - CPU#",
	"hard LOCKUP",
	"------------[ cut here ]------------",
	" blocked for more than ",
	"rcu_sched detected stalls",
	"rcu_preempt detected stalls",
	"self-detected stall on CPU",
	"[Hardware Error]:",
	"Oops: ",
	"sysrq: Trigger a crash",
	"SysRq : Trigger a crash",
};

static bool looks_binary(const unsigned char *p, size_t size)
{
	size_t odd = 0;

	for (size_t i = 0; i < size; i++)
		odd += p[i] < 0x20 && p[i] != '\n' && p[i] != '\r' && p[i] != '\t' && p[i] != 0x1b;
	return odd * 100 > size * BID_BINARY_PERCENT;
}

static bool has_crash_words(const char *p, size_t size)
{
	for (size_t i = 0; i < sizeof(crash_words) / sizeof(*crash_words); i++)
		if (memmem(p, size, crash_words[i], strlen(crash_words[i])))
			return true;
	return false;
}

/* Share of lines with the kernel's stamp, in percent. */
static unsigned stamped_percent(const char *p, size_t size)
{
	size_t lines = 0, stamped = 0;

	for (size_t at = 0; at < size && lines < 400; lines++) {
		const char *newline = memchr(p + at, '\n', size - at);
		size_t length = newline ? (size_t)(newline - p) - at : size - at;
		struct text_line t = {.p = p + at, .end = p + at + length};
		take_terminal_noise(&t);
		take_dates(&t);
		take_priority(&t);
		take_decoded(&t);
		stamped += take_stamp(&t) || (take_kmsg(&t) && length > 8);
		at += length + 1;
	}
	return lines ? (unsigned)(stamped * 100 / lines) : 0;
}

int linux_log_bid(const void *bytes, size_t size)
{
	if (size < 16)
		return 0;
	size_t head = size < BID_BYTES ? size : BID_BYTES;
	if (looks_binary(bytes, head < 65536 ? head : 65536))
		return 0;
	unsigned stamped = stamped_percent(bytes, head);
	const char *tail = (const char *)bytes + (size - head);
	bool crash = has_crash_words(bytes, head) || has_crash_words(tail, head);
	if (crash)
		return stamped >= 30 ? 85 : 60;
	return stamped >= 60 ? 50 : 0;
}
