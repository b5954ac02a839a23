#include "internal.h"
#include "text.h"

#include <stdarg.h>
#include <string.h>

void check_begin(struct checker *c, const char *file)
{
	if (!c)
		return;
	c->file = file;
	c->in_file = 0;
}

void check_problem(struct checker *c, unsigned line, const char *format, ...)
{
	va_list args;

	if (!c)
		return;
	/* A file in quite another form would otherwise give a message for each of its lines. */
	if (c->in_file++ >= PROBLEMS_PER_FILE)
		return;
	va_start(args, format);
	char *reason = arena_vprintf(c->arena, format, args);
	va_end(args);
	struct rule_problem *problem = list_add(c->problems);
	problem->file = text_from_bytes(c->arena, c->file, strlen(c->file));
	problem->line = line;
	problem->reason = text_from_bytes(c->arena, reason, strlen(reason));
}

bool check_failed(const struct checker *c)
{
	return c && c->in_file;
}

void check_text(struct checker *c, const struct rule_file *file)
{
	const char *p = file->data, *end = p + file->size;

	if (file->size == 0)
		check_problem(c, 0, "the file is empty");
	for (unsigned line = 1; p < end; line++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		const char *next = stop ? stop + 1 : end;

		if (!stop)
			stop = end;
		else if (stop > p && stop[-1] == '\r')
			stop--;
		/* Between tabs, which are fine. */
		while (p < stop) {
			const char *tab = memchr(p, '\t', (size_t)(stop - p));
			const char *piece = tab ? tab : stop;
			if (!text_is_safe(p, (size_t)(piece - p))) {
				check_problem(c, line,
					      "a control, invisible or invalid (not UTF-8) "
					      "character");
				break;
			}
			p = piece + 1;
		}
		p = next;
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool parse_hex(const char *text, uint64_t *ret)
{
	uint64_t value = 0;
	unsigned digits = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (; *text; text++, digits++) {
		int digit = hex_value(*text);
		if (digit < 0 || digits == 16)
			return false;
		value = value << 4 | (unsigned)digit;
	}
	if (digits == 0)
		return false;
	*ret = value;
	return true;
}

const char *check_code(const char *text)
{
	if (strlen(text) == 10 && !strncmp(text, "0x", 2) &&
	    strspn(text + 2, "0123456789ABCDEF") == 8)
		return NULL;
	return "is not a code of the form 0x0000000A (8 digits, upper case)";
}

const char *check_hex(const char *text)
{
	uint64_t value;

	if (!strncmp(text, "0x", 2) && text[2] != 'x' && parse_hex(text, &value))
		return NULL;
	return "is not a number of the form 0x1A (1 to 16 digits)";
}

const char *check_word(const char *text)
{
	if (*text && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_+-")] == '\0')
		return NULL;
	return "is not a word of a-z, 0-9, _, + and -";
}

const char *check_file(const char *text)
{
	if (!*text)
		return "is not a file name (it is empty)";
	if (strpbrk(text, "/\\:*?\"<>|"))
		return "is not a file name (one of / \\ : * ? \" < > | is in it)";
	if (!strcmp(text, ".") || !strcmp(text, ".."))
		return "is not a file name";
	return NULL;
}

const char *check_glob(const char *text)
{
	if (!*text)
		return "is empty: give a file name, * and ? stand for other characters";
	if (strpbrk(text, "/\\:\"<>|"))
		return "is not a file name (one of / \\ : \" < > | is in it)";
	if (strpbrk(text, "[]{}"))
		return "has [ ] or { }: only * and ? stand for other characters";
	return NULL;
}

const char *check_globs(const char *text, const char *separator)
{
	for (const char *p = text;;) {
		const char *stop = strstr(p, separator);
		char piece[256];
		size_t length = stop ? (size_t)(stop - p) : strlen(p);

		if (length == 0)
			return "has an empty entry";
		if (length >= sizeof(piece))
			return "has an entry of more than 255 characters";
		memcpy(piece, p, length);
		piece[length] = '\0';
		if (strpbrk(piece, ", "))
			return "has entries that are not separated the usual way";
		const char *wrong = check_glob(piece);
		if (wrong || !stop)
			return wrong;
		p = stop + strlen(separator);
	}
}

/* Whether @p text begins with the form of @p pattern, in which 0 is a digit. */
static bool has_form(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++)
		if (*pattern == '0' ? !is_digit(*text) : *text != *pattern)
			return false;
	return true;
}

static bool in_range(const char *two, int least, int most)
{
	int value = (two[0] - '0') * 10 + (two[1] - '0');

	return value >= least && value <= most;
}

const char *check_time(const char *text)
{
	static const char wrong[] = "is not a time of the form 2024-07-19T04:09:00Z, 2024-07-19, "
				    "2024-07 or 2024";
	const char *p = text;

	if (!has_form(p, "0000"))
		return wrong;
	p += 4;
	if (!*p)
		return NULL;
	if (!has_form(p, "-00") || !in_range(p + 1, 1, 12))
		return wrong;
	p += 3;
	if (!*p)
		return NULL;
	if (!has_form(p, "-00") || !in_range(p + 1, 1, 31))
		return wrong;
	p += 3;
	if (!*p)
		return NULL;
	if (!has_form(p, "T00:00") || !in_range(p + 1, 0, 23) || !in_range(p + 4, 0, 59))
		return wrong;
	p += 6;
	if (has_form(p, ":00")) {
		if (!in_range(p + 1, 0, 60))
			return wrong;
		p += 3;
		if (*p == '.' && is_digit(p[1])) {
			p++;
			while (is_digit(*p))
				p++;
		}
	}
	return strcmp(p, "Z") ? wrong : NULL;
}

const char *check_enum(const char *text, const char *words)
{
	size_t length = strchr(text, '|') ? 0 : strlen(text);

	for (const char *p = words; length && (p = strstr(p, text)); p++)
		if ((p == words || p[-1] == '|') && (p[length] == '|' || !p[length]))
			return NULL;
	return "is not one of";
}

unsigned glob_fixed(const char *glob)
{
	const char *dot = strrchr(glob, '.');
	unsigned fixed = 0;

	for (const char *p = glob; *p && p != dot; p++)
		if (*p != '*' && *p != '?')
			fixed++;
	return fixed;
}

bool has_wildcard(const char *text)
{
	return strpbrk(text, "*?") != NULL;
}
