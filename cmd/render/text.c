/* --format text: one screen for a person at three in the morning. */
#include "text.h"

#include "words.h"

#include <string.h>

enum {
	SCREEN = 40, /* lines to keep within */
	TEXT_ARENA = 64 << 20,
	REASONS_MAX = 5, /* for the verdict */
	DOUBTS_MAX = 2,  /* against it */
	PROBLEMS_MAX = 3,
	FINDINGS_MAX = 3,
	SUSPECTS_MAX = 4,
	CAUTIONS_MAX = 3,
};

/* A path of these needs no quotes. */
#define PLAIN_IN_SHELL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+:,@-"

/* What the person gave and what could not be used, of a dump that lacks nothing. */
static void put_given(struct paper *p, struct arena *arena, const json_t *report)
{
	paper_label(p, "Not used");
	for (size_t i = 0; i < get_count(report, "input.problems"); i++) {
		const json_t *problem = get_item(report, "input.problems", i);
		if (words_is_about_given(problem))
			paper_body(p, INK_WARN, "! ", words_problem(arena, problem));
	}
	p->label = NULL;
}

static void put_problems(struct paper *p, struct arena *arena, const json_t *report)
{
	size_t count = get_count(report, "input.problems");
	bool partial = same(get_text(report, "input.status"), "partial");

	if (!partial) {
		put_given(p, arena, report);
		return;
	}
	paper_label(p, "Incomplete");
	for (size_t i = 0; i < count && i < PROBLEMS_MAX; i++) {
		const char *text = words_problem(arena, get_item(report, "input.problems", i));
		if (text)
			paper_body(p, INK_WARN, "! ", text);
	}
	if (count > PROBLEMS_MAX)
		paper_body(p, INK_FAINT, "",
			   arena_printf(arena, "(and %zu more, with --all)", count - PROBLEMS_MAX));
	if (count == 0)
		paper_body(p, INK_WARN, "! ", "the dump misses parts that such a dump has");
}

static void put_unreadable(struct paper *p, struct arena *arena, const json_t *report)
{
	paper_label(p, "Why");
	for (size_t i = 0; i < get_count(report, "input.problems"); i++) {
		const char *text = words_problem(arena, get_item(report, "input.problems", i));
		if (text)
			paper_body(p, INK_PLAIN, "", text);
	}
	paper_label(p, "What to do");
	paper_body(p, INK_PLAIN, "", words_reread(report));
}

static void put_crash(struct paper *p, struct arena *arena, const json_t *report)
{
	const char *const lines[] = {words_crash(arena, report), words_message(arena, report),
				     words_instruction(arena, report), words_when(arena, report),
				     words_system(arena, report)};

	paper_label(p, "Crash");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i])
			paper_body(p, INK_PLAIN, "", lines[i]);
}

/* True if @p text stands on the screen already: in the verdict, in the crash or among the reasons.
 */
static bool said(const json_t *report, const char *text, size_t reasons)
{
	const char *summary = get_text(report, "verdict.summary");
	const char *explanation = get_text(report, "crash.explanation");

	if ((summary && strstr(summary, text)) || (explanation && strstr(text, explanation)))
		return true;
	for (size_t i = 0; i < reasons; i++)
		if (same(get_line(report, "verdict.because", i), text))
			return true;
	return false;
}

static void put_why(struct paper *p, const json_t *report)
{
	const json_t *found[REASONS_MAX];
	const json_t *suspect = words_suspect(report);
	bool decided = get_bool(report, "verdict.decided");
	const char *bullet = decided ? "+ " : "- ";
	enum ink ink = decided ? INK_GOOD : INK_PLAIN;
	size_t n = get_count(report, "verdict.because");

	paper_label(p, decided ? "Why" : "Why not");
	for (size_t i = 0; i < n && i < REASONS_MAX; i++) {
		const char *line = get_line(report, "verdict.because", i);
		if (line && !said(report, line, 0))
			paper_body(p, ink, bullet, line);
	}
	if (n == 0 && decided && suspect) {
		n = words_strongest(suspect, false, found, REASONS_MAX);
		for (size_t i = 0; i < n; i++)
			paper_body(p, ink, bullet, get_text(found[i], "text"));
	}
	n = decided && suspect ? words_strongest(suspect, true, found, DOUBTS_MAX) : 0;
	for (size_t i = 0; i < n; i++)
		if (!said(report, get_text(found[i], "text"), REASONS_MAX))
			paper_body(p, INK_WARN, "- ", get_text(found[i], "text"));
	p->label = NULL;
}

/* Whoever was looked at without being named: the person will ask. */
static void put_suspects(struct paper *p, struct arena *arena, const json_t *report)
{
	paper_label(p, "Looked at");
	for (size_t i = 0; i < get_count(report, "suspects") && i < SUSPECTS_MAX; i++) {
		const json_t *s = get_item(report, "suspects", i), *against, *reason;
		const char *module = get_text(s, "module"), *vendor = get_text(s, "vendor");
		if (!module)
			continue;
		const char *who = vendor ? arena_printf(arena, "%s (%s)", module, vendor) : module;
		if (words_strongest(s, false, &reason, 1))
			who = arena_printf(arena, "%s: %s", who, get_text(reason, "text"));
		if (words_strongest(s, true, &against, 1))
			who = arena_printf(arena, "%s; but %s", who, get_text(against, "text"));
		paper_body(p, INK_PLAIN, "? ", who);
	}
	p->label = NULL;
}

static size_t frames_of(const json_t *report, const char *module)
{
	size_t count = 0;

	for (size_t i = 0; i < get_count(report, "stack"); i++)
		count += same(get_text(get_item(report, "stack", i), "module"), module);
	return count;
}

/* The modules on the stack in order, each once, with why it is not blamed. */
static void put_stack(struct paper *p, struct arena *arena, const json_t *report)
{
	unsigned shown = 0;

	paper_label(p, "Stack");
	for (size_t i = 0; i < get_count(report, "stack") && shown < SUSPECTS_MAX; i++) {
		const json_t *f = get_item(report, "stack", i);
		const char *module = get_text(f, "module"), *why = get_text(f, "why");
		bool seen = !module;
		for (size_t k = 0; k < i && !seen; k++)
			seen = same(get_text(get_item(report, "stack", k), "module"), module);
		if (seen)
			continue;
		size_t count = frames_of(report, module);
		const char *who =
			count > 1 ? arena_printf(arena, "%s (%zu times)", module, count) : module;
		paper_body(p, INK_PLAIN, "? ", why ? arena_printf(arena, "%s: %s", who, why) : who);
		shown++;
	}
	p->label = NULL;
}

/* Who else was there: said only if it is true of every one of them. */
static void put_absent(struct paper *p, struct arena *arena, const json_t *report)
{
	size_t third = 0;

	for (size_t i = 0; i < get_count(report, "modules"); i++) {
		const json_t *m = get_item(report, "modules", i);
		if (!same(get_text(m, "origin"), "third-party") || !get_bool(m, "loaded"))
			continue;
		third++;
		if (get_text(m, "name") && frames_of(report, get_text(m, "name")))
			return;
	}
	if (third == 0 || get_count(report, "stack") == 0)
		return;
	paper_label(p, "Not there");
	paper_body(p, INK_PLAIN, "",
		   arena_printf(
			   arena,
			   "%zu third-party driver%s loaded, none of them on the part of the stack "
			   "that was in use",
			   third, third == 1 ? " is" : "s are"));
}

static void put_content_file(struct paper *p, struct arena *arena, const json_t *report)
{
	const json_t *file = words_content_file(report);
	const char *path = get_text(report, "verdict.content_file");

	if (!path)
		return;
	paper_label(p, "File");
	paper_verbatim(p, INK_BOLD, "", path);
	if (!file)
		return;
	const char *grade = words_grade(arena, file), *type = get_text(file, "type");
	if (grade)
		paper_body(p, INK_PLAIN, "",
			   type ? arena_printf(arena, "%s (%s)", grade, type) : grade);
}

static void put_incident(struct paper *p, struct arena *arena, const json_t *report)
{
	const char *id = get_text(report, "incident.id"),
		   *title = get_text(report, "incident.title");
	const char *why = NULL;

	if (!id)
		return;
	paper_label(p, "Incident");
	paper_body(p, INK_BOLD, "", title ? arena_printf(arena, "%s (%s)", title, id) : id);
	for (size_t i = 0; i < get_count(report, "incident.why") && i < 4; i++) {
		const char *line = get_line(report, "incident.why", i);
		if (line)
			why = why ? arena_printf(arena, "%s; %s", why, line) : line;
	}
	if (why)
		paper_body(p, INK_PLAIN, "", why);
}

static void put_findings(struct paper *p, struct arena *arena, const json_t *report)
{
	unsigned shown = 0;

	paper_label(p, "Also");
	for (size_t i = 0; i < get_count(report, "findings") && shown < FINDINGS_MAX; i++) {
		const json_t *f = get_item(report, "findings", i);
		const char *subject = get_text(f, "subject"), *text = get_text(f, "text");
		if (!text || !same(get_text(f, "severity"), "warning"))
			continue;
		if (subject && !strstr(text, subject))
			text = arena_printf(arena, "%s: %s", subject, text);
		paper_body(p, INK_WARN, "! ", text);
		shown++;
	}
	p->label = NULL;
}

/* The first sentence of @p text; its whole is in the details. */
static const char *first_sentence(struct arena *arena, const char *text)
{
	size_t end = strcspn(text, ".?!");

	while (text[end] && text[end + 1] && text[end + 1] != ' ')
		end += 1 + strcspn(text + end + 1, ".?!");
	return text[end] ? arena_strndup(arena, text, end + 1) : text;
}

enum outline { OUTLINE_NONE, OUTLINE_BRIEF, OUTLINE_SHORT };

/* When to do it, what, and with which command; the outlines are the author's own line, or the same
 * without the command. A step never stands there without the condition that it is for. */
static void put_step(struct paper *p, struct arena *arena, const json_t *step, size_t number,
		     enum outline outline)
{
	const char *check = get_text(step, "check"), *action = get_text(step, "do");
	const char *text = action ? first_sentence(arena, action) : "";

	if (outline == OUTLINE_BRIEF)
		text = get_text(step, "brief");
	else if (check)
		text = arena_printf(arena, "%s %s", first_sentence(arena, check), text);
	if (!text)
		return;
	paper_body(p, INK_BOLD, arena_printf(arena, "%zu. ", number), text);
	if (get_text(step, "command") && outline == OUTLINE_NONE)
		paper_verbatim(p, INK_FAINT, "     ", get_text(step, "command"));
}

/* Where the rest of the steps is. */
static const char *rest_of_steps(struct arena *arena, const json_t *report, size_t left)
{
	const char *id = get_text(report, "incident.id");
	const char *where =
		id ? arena_printf(arena, "culprit runbook %s", id) : "this report with --all";

	if (left == 0)
		return arena_printf(arena, "When, how, check and undo of each step: %s", where);
	return arena_printf(arena, "... %zu more step%s; when, how, check and undo: %s", left,
			    left == 1 ? "" : "s", where);
}

/* Writes as many steps as the screen has room for, at least one; returns how many it got to. */
static size_t put_steps(struct paper *p, struct arena *arena, const json_t *report,
			unsigned reserve, enum outline outline)
{
	size_t count = get_count(report, "fix.steps"), i = 0;

	for (; i < count; i++) {
		const json_t *step = get_item(report, "fix.steps", i);
		struct paper attempt = paper_try(p);
		put_step(&attempt, arena, step, i + 1, outline);
		if (i > 0 && p->lines + attempt.lines + reserve > SCREEN)
			break;
		put_step(p, arena, step, i + 1, outline);
	}
	return i;
}

/* The outline a runbook has, if its author wrote one. */
static enum outline outline_of(const json_t *report)
{
	for (size_t i = 0; i < get_count(report, "fix.steps"); i++)
		if (get_text(get_item(report, "fix.steps", i), "brief"))
			return OUTLINE_BRIEF;
	return OUTLINE_SHORT;
}

/* The steps in full if the screen has room for all of them, else their outline: a runbook must be
 * seen to its decisive step. With --all the details have them all. */
static void put_fix(struct paper *p, struct arena *arena, const json_t *report, unsigned reserve)
{
	size_t count = get_count(report, "fix.steps"), shown;
	const char *title = get_text(report, "fix.title");

	if (!title && count == 0)
		return;
	paper_gap(p);
	paper_label(p, "What to do");
	if (title && !same(title, get_text(report, "incident.title")))
		paper_body(p, INK_BOLD, "", title);
	struct paper attempt = paper_try(p);
	attempt.lines = p->lines;
	shown = put_steps(&attempt, arena, report, reserve, OUTLINE_NONE);
	shown = put_steps(p, arena, report, reserve,
			  shown < count ? outline_of(report) : OUTLINE_NONE);
	if (count)
		paper_body(p, INK_WARN, "", rest_of_steps(arena, report, count - shown));
}

static void put_cautions(struct paper *p, struct arena *arena, const json_t *report)
{
	paper_label(p, "Careful");
	for (size_t i = 0; i < get_count(report, "fix.cautions") && i < CAUTIONS_MAX; i++)
		if (get_line(report, "fix.cautions", i))
			paper_body(p, INK_WARN, "! ",
				   first_sentence(arena, get_line(report, "fix.cautions", i)));
	p->label = NULL;
}

/* What of the input could be typed as it is, NULL: it needs quotes. */
static const char *files_in_shell(struct arena *arena, const json_t *report)
{
	const char *path = get_text(report, "input.path"), *all = "--split";
	size_t parts = get_count(report, "input.parts");

	for (size_t i = 0; i < parts && path; i++) {
		path = get_text(get_item(report, "input.parts", i), "path");
		all = arena_printf(arena, "%s %s", all, path ? path : "");
		if (path && path[strspn(path, PLAIN_IN_SHELL)])
			path = NULL;
	}
	if (!path || path[strspn(path, PLAIN_IN_SHELL)])
		return NULL;
	return parts ? all : path;
}

static void put_footer(struct paper *p, struct arena *arena, const json_t *report, bool all)
{
	const char *bucket = get_text(report, "signature.bucket");
	const char *hash = get_text(report, "signature.failure_hash");
	const char *sha256 = get_text(report, "input.sha256"), *input = words_input(arena, report);
	const char *debug = words_debug_files(arena, report);

	paper_gap(p);
	if (bucket) {
		paper_label(p, "Signature");
		paper_body(p, INK_FAINT, "",
			   hash ? arena_printf(arena, "%s  hash %s", bucket, hash) : bucket);
	}
	paper_label(p, "Evidence");
	if (sha256)
		paper_body(p, INK_FAINT, "", arena_printf(arena, "sha256 %s", sha256));
	if (input)
		paper_body(p, INK_FAINT, "", input);
	if (debug)
		paper_body(p, INK_FAINT, "", arena_printf(arena, "read with %s", debug));
	p->label = NULL;
	if (all || words_is_unreadable(report))
		return;
	const char *files = files_in_shell(arena, report);
	paper_label(p, "More");
	paper_verbatim(p, INK_FAINT, "",
		       files ? arena_printf(arena, "culprit analyze --all %s", files)
			     : "this report with --all");
}

static void put_screen(struct paper *p, struct arena *arena, const json_t *report, bool all)
{
	bool decided = get_bool(report, "verdict.decided"),
	     unreadable = words_is_unreadable(report);
	const char *confidence = words_confidence(arena, report);

	paper_line(p, unreadable || decided ? INK_BAD : INK_BOLD, words_verdict(arena, report));
	if (confidence)
		paper_line(p, INK_PLAIN, confidence);
	paper_gap(p);
	if (unreadable) {
		put_unreadable(p, arena, report);
		put_footer(p, arena, report, all);
		return;
	}
	put_problems(p, arena, report);
	put_crash(p, arena, report);
	put_why(p, report);
	if (!decided) {
		put_suspects(p, arena, report);
		if (get_count(report, "suspects") == 0)
			put_stack(p, arena, report);
		put_absent(p, arena, report);
	}
	put_content_file(p, arena, report);
	put_incident(p, arena, report);
	put_findings(p, arena, report);
	struct paper below = paper_try(p);
	put_cautions(&below, arena, report);
	put_footer(&below, arena, report, all);
	put_fix(p, arena, report, below.lines + 1);
	put_cautions(p, arena, report);
	put_footer(p, arena, report, all);
}

static void on_report(struct render *r, const json_t *report)
{
	struct arena *arena = arena_create(TEXT_ARENA);
	struct paper p = paper_make(r);
	const char *path = get_text(report, "input.path");

	if (!arena)
		return;
	if (r->count++)
		paper_gap(&p);
	if ((r->several || r->count > 1 || words_is_member(report)) && path)
		paper_line(&p, INK_LABEL, arena_printf(arena, "== %s", path));
	p.lines = 0;
	put_screen(&p, arena, report, r->all);
	if (r->all && !words_is_unreadable(report))
		text_details(&p, arena, report);
	arena_destroy(arena);
	fflush(r->out);
}

const struct renderer renderer_text = {.name = "text", .report = on_report};
