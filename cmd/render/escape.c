#include "escape.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* What begins a block when it stands first: lists, headings, rules. */
static size_t block_start(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits && digits < 10 && (text[digits] == '.' || text[digits] == ')'))
		return digits;
	return strchr("-+=#:", text[0]) ? 0 : (size_t)-1;
}

void markdown_text(FILE *out, const char *text)
{
	if (!text || !*text)
		return;
	size_t start = block_start(text);
	for (size_t i = 0; text[i]; i++) {
		char c = text[i];
		/* bare addresses become links: www.x, http://x, a@b */
		bool link = (c == ':' && text[i + 1] == '/' && text[i + 2] == '/') ||
			    (c == '.' && i >= 3 && strncasecmp(text + i - 3, "www", 3) == 0);
		if (c == '<')
			fputs("&lt;", out);
		else if (c == '>')
			fputs("&gt;", out);
		else if (c == '&')
			fputs("&amp;", out);
		else if (c == '"')
			fputs("&quot;", out);
		else if (link || strchr("@#|", c))
			fprintf(out, "&#%d;", c);
		else if (i == start || strchr("\\`*_{}[]~$!^", c))
			fprintf(out, ispunct((unsigned char)c) ? "\\%c" : "%c", c);
		else
			fputc(c, out);
	}
}

void markdown_code(FILE *out, unsigned indent, const char *text)
{
	size_t longest = 2, run = 0;

	for (const char *c = text; *c; c++) {
		run = *c == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (int edge = 0; edge < 2; edge++) {
		fprintf(out, "%*s", (int)indent, "");
		for (size_t i = 0; i <= longest; i++)
			fputc('`', out);
		fputc('\n', out);
		if (edge == 0)
			fprintf(out, "%*s%s\n", (int)indent, "", text);
	}
}
