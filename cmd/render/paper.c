#include "paper.h"

#include <string.h>
#include <wchar.h>

struct paper paper_make(const struct render *render)
{
	return (struct paper){.out = render->out, .width = render->width, .color = render->color};
}

struct paper paper_try(const struct paper *paper)
{
	struct paper copy = *paper;
	copy.out = NULL;
	copy.lines = 0;
	return copy;
}

/* Columns and bytes of the character at @p s. */
static unsigned character(const char *s, size_t *ret_bytes)
{
	wchar_t c;
	mbstate_t state = {0};
	size_t n = mbrtowc(&c, s, strlen(s), &state);
	if (n == 0 || n > 4) {
		*ret_bytes = 1;
		return 1;
	}
	int columns = wcwidth(c);
	*ret_bytes = n;
	return columns < 0 ? 1 : (unsigned)columns;
}

unsigned paper_columns(const char *text)
{
	unsigned columns = 0;
	size_t bytes;

	for (; *text; text += bytes)
		columns += character(text, &bytes);
	return columns;
}

static const char *ink_start(enum ink ink)
{
	static const char *const codes[] = {
		[INK_PLAIN] = "",           [INK_BOLD] = "\033[1m",  [INK_FAINT] = "\033[2m",
		[INK_GOOD] = "\033[32m",    [INK_WARN] = "\033[33m", [INK_BAD] = "\033[1;31m",
		[INK_LABEL] = "\033[1;36m",
	};
	return codes[ink];
}

static void write_ink(struct paper *p, enum ink ink, const char *text, size_t bytes)
{
	if (!p->out || bytes == 0)
		return;
	bool colored = p->color && ink != INK_PLAIN;
	fprintf(p->out, "%s%.*s%s", colored ? ink_start(ink) : "", (int)bytes, text,
		colored ? "\033[0m" : "");
}

static void write_blanks(struct paper *p, unsigned count)
{
	if (p->out && count)
		fprintf(p->out, "%*s", (int)count, "");
}

static void end_line(struct paper *p)
{
	if (p->out)
		fputc('\n', p->out);
	p->lines++;
}

size_t paper_fit(const char *text, unsigned room)
{
	unsigned columns = 0;
	size_t bytes, at = 0, blank = 0, mark = 0;

	while (text[at]) {
		columns += character(text + at, &bytes);
		if (columns > room && text[at] == ' ')
			return at;
		if (columns > room)
			return blank ? blank : mark ? mark : at ? at : bytes;
		if (text[at] == ' ')
			blank = at;
		at += bytes;
		if (strchr("\\/!|", text[at - 1]))
			mark = at;
	}
	return at;
}

static void wrapped(struct paper *p, enum ink ink, unsigned indent, const char *text)
{
	unsigned room = p->width > indent + 20 ? p->width - indent : 20;

	for (bool first = true; first || *text; first = false) {
		size_t bytes = paper_fit(text, room);
		if (!first)
			write_blanks(p, indent);
		write_ink(p, ink, text, bytes);
		end_line(p);
		text += bytes;
		while (*text == ' ')
			text++;
	}
}

void paper_label(struct paper *p, const char *label)
{
	p->label = label;
}

/* The label column and the bullet; returns where the text begins. */
static unsigned body_start(struct paper *p, enum ink ink, const char *bullet)
{
	const char *label = p->label ? p->label : "";

	write_ink(p, INK_LABEL, label, strlen(label));
	write_blanks(p, LABEL_WIDTH > strlen(label) ? LABEL_WIDTH - (unsigned)strlen(label) : 1);
	write_ink(p, ink, bullet, strlen(bullet));
	p->label = NULL;
	return LABEL_WIDTH + paper_columns(bullet);
}

void paper_body(struct paper *p, enum ink ink, const char *bullet, const char *text)
{
	/* a bullet carries the colour; the text behind it stays easy to read */
	unsigned indent = body_start(p, ink, bullet);
	wrapped(p, *bullet ? INK_PLAIN : ink, indent, text);
}

void paper_verbatim(struct paper *p, enum ink ink, const char *bullet, const char *text)
{
	body_start(p, ink, bullet);
	write_ink(p, ink, text, strlen(text));
	end_line(p);
}

void paper_line(struct paper *p, enum ink ink, const char *text)
{
	p->label = NULL;
	wrapped(p, ink, 0, text);
}

void paper_gap(struct paper *p)
{
	end_line(p);
}
