/* culprit bugcheck, as text. */
#include "arena.h"
#include "get.h"
#include "pages.h"
#include "paper.h"

enum { PAGE_ARENA = 4 << 20 };

static void put_list(struct paper *p, const char *label, const char *bullet, const json_t *page,
		     const char *path)
{
	paper_label(p, label);
	for (size_t i = 0; i < get_count(page, path); i++)
		if (get_line(page, path, i))
			paper_body(p, INK_PLAIN, bullet, get_line(page, path, i));
	p->label = NULL;
}

static void put_values(struct paper *p, struct arena *arena, const json_t *page)
{
	size_t count = get_count(page, "subcodes");

	if (count == 0)
		return;
	paper_gap(p);
	paper_line(p, INK_LABEL,
		   arena_printf(arena, "Values of parameter %.0f",
				get_number(page, "subcode_parameter")));
	for (size_t i = 0; i < count; i++) {
		const json_t *s = get_item(page, "subcodes", i);
		const char *value = get_text(s, "value"), *text = get_text(s, "text");
		if (!value || !text)
			continue;
		paper_label(p, value);
		paper_body(p, INK_PLAIN, "", text);
	}
}

void bugcheck_page_text(const struct render *render, const json_t *page)
{
	struct arena *arena = arena_create(PAGE_ARENA);
	struct paper p = paper_make(render);
	const char *name = get_text(page, "name"), *code = get_text(page, "code");
	const char *meaning = get_text(page, "meaning");

	if (!arena)
		return;
	paper_line(&p, INK_BOLD,
		   arena_printf(arena, "%s (%s)", name ? name : "?", code ? code : "?"));
	paper_gap(&p);
	paper_label(&p, "Means");
	paper_body(&p, INK_PLAIN, "",
		   meaning ? meaning
			   : "There is no description of it beyond its name and parameters.");
	paper_label(&p, "Parameters");
	for (size_t i = 0; i < get_count(page, "parameters"); i++) {
		const json_t *parameter = get_item(page, "parameters", i);
		const char *text = get_text(parameter, "text");
		if (text)
			paper_body(&p, INK_PLAIN, arena_printf(arena, "%zu. ", i + 1), text);
	}
	p.label = NULL;
	put_list(&p, "Causes", "- ", page, "causes");
	put_list(&p, "Try", "- ", page, "advice");
	put_values(&p, arena, page);
	arena_destroy(arena);
}
