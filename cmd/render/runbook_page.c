/* culprit runbook, as text to print and as Markdown. */
#include "arena.h"
#include "escape.h"
#include "get.h"
#include "pages.h"
#include "paper.h"

enum { PAGE_ARENA = 4 << 20 };

/* The lists of the page that are plain lines. */
static const struct {
	const char *title, *key;
} lists[] = {
	{"Drivers", "drivers"},       {"Files", "content_files"}, {"Stop codes", "bugchecks"},
	{"Panics", "panic_patterns"}, {"Kernels", "kernels"},     {"Functions", "functions"},
	{"Seen at", "offsets"},
};

static const struct {
	const char *title, *key;
} parts[] = {
	{"Check", "check"},   {"Do", "do"},     {"Run", "command"},
	{"Verify", "verify"}, {"Undo", "undo"},
};

/* "Windows, CrowdStrike, 2024-07-19, content-update" */
static const char *caption(struct arena *arena, const json_t *page)
{
	static const char *const keys[] = {"date", "vendor", "os", "class"};
	const char *text = get_text(page, "id");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (get_text(page, keys[i]))
			text = arena_printf(arena, "%s, %s", text ? text : "",
					    get_text(page, keys[i]));
	return text;
}

static const char *one_time(struct arena *arena, const json_t *entry)
{
	const char *time = get_text(entry, "time"), *event = get_text(entry, "event");

	return arena_printf(arena, "%s  %s", time ? time : "?", event ? event : "");
}

/* ---- text
 * -------------------------------------------------------------------------------------------- */

static void text_lines(struct paper *p, enum ink ink, const char *bullet, const char *title,
		       const json_t *page, const char *key)
{
	if (get_count(page, key) == 0)
		return;
	paper_gap(p);
	paper_line(p, INK_LABEL, title);
	for (size_t i = 0; i < get_count(page, key); i++)
		if (get_line(page, key, i))
			paper_body(p, ink, bullet, get_line(page, key, i));
}

static void text_step(struct paper *p, struct arena *arena, const json_t *step, size_t number)
{
	paper_gap(p);
	paper_label(p, arena_printf(arena, "Step %zu", number));
	paper_body(p, INK_PLAIN, "", "[ ] done   time: ________   by: ________");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *text = get_text(step, parts[i].key);
		if (!text)
			continue;
		paper_label(p, arena_printf(arena, "  %s", parts[i].title));
		if (same(parts[i].key, "command"))
			paper_verbatim(p, INK_GOOD, "", text);
		else
			paper_body(p, same(parts[i].key, "do") ? INK_BOLD : INK_PLAIN, "", text);
	}
}

void runbook_page_text(const struct render *render, const json_t *page)
{
	struct arena *arena = arena_create(PAGE_ARENA);
	struct paper p = paper_make(render);

	if (!arena)
		return;
	paper_line(&p, INK_BOLD, get_text(page, "title") ? get_text(page, "title") : "?");
	paper_line(&p, INK_FAINT, caption(arena, page));
	if (get_text(page, "cause")) {
		paper_gap(&p);
		paper_line(&p, INK_LABEL, "What happened");
		paper_body(&p, INK_PLAIN, "", get_text(page, "cause"));
	}
	paper_gap(&p);
	paper_line(&p, INK_LABEL, "Does it apply?");
	if (get_text(page, "affected"))
		paper_body(&p, INK_PLAIN, "", get_text(page, "affected"));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		paper_label(&p, lists[i].title);
		for (size_t k = 0; k < get_count(page, lists[i].key); k++)
			if (get_line(page, lists[i].key, k))
				paper_body(&p, INK_PLAIN, "", get_line(page, lists[i].key, k));
		p.label = NULL;
	}
	text_lines(&p, INK_WARN, "! ", "Careful", page, "cautions");
	paper_gap(&p);
	paper_line(&p, INK_LABEL, "Steps");
	if (get_count(page, "steps") == 0)
		paper_body(&p, INK_PLAIN, "", "No steps are known.");
	for (size_t i = 0; i < get_count(page, "steps"); i++)
		text_step(&p, arena, get_item(page, "steps", i), i + 1);
	if (get_count(page, "timeline")) {
		paper_gap(&p);
		paper_line(&p, INK_LABEL, "Published times (UTC)");
	}
	for (size_t i = 0; i < get_count(page, "timeline"); i++)
		paper_body(&p, INK_PLAIN, "", one_time(arena, get_item(page, "timeline", i)));
	text_lines(&p, INK_PLAIN, "- ", "Worth knowing", page, "notes");
	text_lines(&p, INK_PLAIN, "- ", "References", page, "references");
	arena_destroy(arena);
}

/* ---- Markdown
 * ---------------------------------------------------------------------------------------- */

static void md_heading(FILE *out, const char *title)
{
	fprintf(out, "\n## %s\n\n", title);
}

static void md_item(FILE *out, const char *lead, const char *text)
{
	fprintf(out, "- %s%s", lead, *lead ? ": " : "");
	markdown_text(out, text);
	fputc('\n', out);
}

static void md_lines(FILE *out, const char *title, const json_t *page, const char *key)
{
	if (get_count(page, key))
		md_heading(out, title);
	for (size_t i = 0; i < get_count(page, key); i++)
		if (get_line(page, key, i))
			md_item(out, "", get_line(page, key, i));
}

static void md_step(FILE *out, const json_t *step, size_t number)
{
	fprintf(out, "%zu. ", number);
	markdown_text(out, get_text(step, "do"));
	fputc('\n', out);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *text = get_text(step, parts[i].key);
		if (!text || same(parts[i].key, "do"))
			continue;
		fputs("    ", out);
		if (same(parts[i].key, "command")) {
			fputs("- Run:\n", out);
			markdown_code(out, 6, text);
		} else {
			md_item(out, parts[i].title, text);
		}
	}
}

void runbook_page_markdown(const struct render *render, const json_t *page)
{
	FILE *out = render->out;
	struct arena *arena = arena_create(PAGE_ARENA);

	if (!arena)
		return;
	fputs("# ", out);
	markdown_text(out, get_text(page, "title"));
	fputs("\n\n", out);
	markdown_text(out, caption(arena, page));
	fputc('\n', out);
	if (get_text(page, "cause")) {
		md_heading(out, "What happened");
		markdown_text(out, get_text(page, "cause"));
		fputc('\n', out);
	}
	md_heading(out, "Does it apply?");
	markdown_text(out, get_text(page, "affected"));
	fputs("\n\n", out);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (size_t k = 0; k < get_count(page, lists[i].key); k++)
			md_item(out, lists[i].title, get_line(page, lists[i].key, k));
	md_lines(out, "Careful", page, "cautions");
	md_heading(out, "Steps");
	for (size_t i = 0; i < get_count(page, "steps"); i++)
		md_step(out, get_item(page, "steps", i), i + 1);
	if (get_count(page, "timeline"))
		md_heading(out, "Published times (UTC)");
	for (size_t i = 0; i < get_count(page, "timeline"); i++)
		md_item(out, "", one_time(arena, get_item(page, "timeline", i)));
	md_lines(out, "Worth knowing", page, "notes");
	md_lines(out, "References", page, "references");
	arena_destroy(arena);
}
