/* What --all shows below the first screen. */
#include "sections.h"
#include "text.h"

static void put_part(struct paper *p, const char *label, const char *text)
{
	if (!text)
		return;
	paper_label(p, label);
	paper_body(p, INK_PLAIN, "", text);
}

static void put_steps(struct paper *p, struct arena *arena, const json_t *report)
{
	size_t count = get_count(report, "fix.steps");

	if (count == 0)
		return;
	paper_gap(p);
	paper_line(p, INK_LABEL, "Steps in full");
	for (size_t i = 0; i < count; i++) {
		const json_t *step = get_item(report, "fix.steps", i);
		put_part(p, arena_printf(arena, "%zu. check", i + 1), get_text(step, "check"));
		put_part(p, "   do", get_text(step, "do"));
		paper_label(p, "   command");
		if (get_text(step, "command"))
			paper_verbatim(p, INK_FAINT, "", get_text(step, "command"));
		put_part(p, "   verify", get_text(step, "verify"));
		put_part(p, "   undo", get_text(step, "undo"));
	}
}

static void put_cautions(struct paper *p, const json_t *report)
{
	if (get_count(report, "fix.cautions") == 0)
		return;
	paper_gap(p);
	paper_line(p, INK_LABEL, "Careful");
	for (size_t i = 0; i < get_count(report, "fix.cautions"); i++)
		if (get_line(report, "fix.cautions", i))
			paper_body(p, INK_WARN, "! ", get_line(report, "fix.cautions", i));
}

static void put_references(struct paper *p, const json_t *report)
{
	if (get_count(report, "fix.references") == 0)
		return;
	paper_gap(p);
	paper_line(p, INK_LABEL, "References");
	for (size_t i = 0; i < get_count(report, "fix.references"); i++)
		if (get_line(report, "fix.references", i))
			paper_line(p, INK_PLAIN, get_line(report, "fix.references", i));
}

void text_details(struct paper *p, struct arena *arena, const json_t *report)
{
	struct render render = {.out = p->out, .width = p->width, .color = p->color};

	put_steps(p, arena, report);
	put_cautions(p, report);
	for (const struct section *const *s = sections_all; *s; s++)
		section_print(*s, &render, arena, report, true);
	put_references(p, report);
}
