/* --format markdown: the whole report for a ticket. */
#include "escape.h"
#include "sections.h"
#include "words.h"

#include <string.h>

enum { MARKDOWN_ARENA = 64 << 20, DOUBTS_MAX = 3 };

static void heading(FILE *out, const char *text)
{
	fprintf(out, "\n## %s\n\n", text);
}

static void item(FILE *out, const char *lead, const char *text)
{
	if (!text)
		return;
	fputs("- ", out);
	fputs(lead, out);
	markdown_text(out, text);
	fputc('\n', out);
}

static void items(FILE *out, const json_t *report, const char *path)
{
	for (size_t i = 0; i < get_count(report, path); i++)
		item(out, "", get_line(report, path, i));
}

static void put_crash(FILE *out, struct arena *arena, const json_t *report)
{
	heading(out, "Crash");
	item(out, "", words_crash(arena, report));
	item(out, "", words_instruction(arena, report));
	item(out, "", words_when(arena, report));
	item(out, "", words_system(arena, report));
	for (size_t i = 0; i < get_count(report, "input.problems"); i++) {
		const json_t *problem = get_item(report, "input.problems", i);
		item(out, words_is_about_given(problem) ? "Not used: " : "Incomplete: ",
		     words_problem(arena, problem));
	}
	item(out, "Read with ", words_debug_files(arena, report));
}

static void put_why(FILE *out, struct arena *arena, const json_t *report)
{
	const json_t *doubt[DOUBTS_MAX], *suspect = words_suspect(report);
	const json_t *file = words_content_file(report);
	bool decided = get_bool(report, "verdict.decided");

	if (get_count(report, "verdict.because") || suspect)
		heading(out, decided ? "Why" : "Why not");
	items(out, report, "verdict.because");
	size_t n = decided && suspect ? words_strongest(suspect, true, doubt, DOUBTS_MAX) : 0;
	for (size_t i = 0; i < n; i++)
		item(out, "**Against:** ", get_text(doubt[i], "text"));
	if (get_text(report, "verdict.content_file")) {
		heading(out, "Content file");
		item(out, "", get_text(report, "verdict.content_file"));
		item(out, "", words_grade(arena, file));
	}
	if (get_text(report, "incident.id")) {
		heading(out, "Incident");
		item(out, "", get_text(report, "incident.title"));
		item(out, "", get_text(report, "incident.id"));
		items(out, report, "incident.why");
	}
}

static void put_step_part(FILE *out, const char *lead, const char *text)
{
	if (!text)
		return;
	fprintf(out, "    - %s: ", lead);
	markdown_text(out, text);
	fputc('\n', out);
}

static void put_fix(FILE *out, const json_t *report)
{
	size_t count = get_count(report, "fix.steps");

	if (count) {
		heading(out, "What to do");
		markdown_text(out, get_text(report, "fix.title"));
		fputs("\n\n", out);
	}
	for (size_t i = 0; i < count; i++) {
		const json_t *step = get_item(report, "fix.steps", i);
		const char *command = get_text(step, "command");
		fprintf(out, "%zu. ", i + 1);
		markdown_text(out, get_text(step, "do"));
		fputc('\n', out);
		if (command)
			markdown_code(out, 4, command);
		put_step_part(out, "Check", get_text(step, "check"));
		put_step_part(out, "Verify", get_text(step, "verify"));
		put_step_part(out, "Undo", get_text(step, "undo"));
	}
	if (get_count(report, "fix.cautions")) {
		heading(out, "Careful");
		items(out, report, "fix.cautions");
	}
}

/* ---- tables
 * ---------------------------------------------------------------------------------------- */

struct grid {
	FILE *out;
	const struct section *section;
	unsigned rows;
};

static void put_row(void *context, const char *const *cells)
{
	struct grid *grid = context;
	const struct column *columns = grid->section->columns;

	if (grid->rows++ == 0) {
		heading(grid->out, grid->section->title);
		for (const struct column *c = columns; c->title; c++)
			fprintf(grid->out, "| %s ", c->title);
		fputs("|\n", grid->out);
		for (const struct column *c = columns; c->title; c++)
			fputs(c->right ? "| ---: " : "| --- ", grid->out);
		fputs("|\n", grid->out);
	}
	for (size_t i = 0; columns[i].title; i++) {
		fputs("| ", grid->out);
		markdown_text(grid->out, cells[i] ? cells[i] : "-");
		fputc(' ', grid->out);
	}
	fputs("|\n", grid->out);
}

static void on_report(struct render *r, const json_t *report)
{
	struct arena *arena = arena_create(MARKDOWN_ARENA);
	const char *confidence;

	if (!arena)
		return;
	fputs(r->count++ ? "\n---\n\n# " : "# ", r->out);
	markdown_text(r->out, words_verdict(arena, report));
	fputc('\n', r->out);
	if ((confidence = words_confidence(arena, report))) {
		fputc('\n', r->out);
		markdown_text(r->out, confidence);
		fputs("\n", r->out);
	}
	if (words_is_unreadable(report)) {
		heading(r->out, "What to do");
		item(r->out, "", words_reread(report));
	} else {
		put_crash(r->out, arena, report);
		put_why(r->out, arena, report);
		put_fix(r->out, report);
	}
	for (const struct section *const *s = sections_all; *s; s++) {
		struct grid grid = {r->out, *s, 0};
		struct rows rows = {arena, report, put_row, &grid};
		(*s)->fill(&rows);
	}
	if (get_count(report, "fix.references")) {
		heading(r->out, "References");
		items(r->out, report, "fix.references");
	}
	arena_destroy(arena);
	fflush(r->out);
}

const struct renderer renderer_markdown = {.name = "markdown", .report = on_report};
