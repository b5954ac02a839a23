/* Who did it, how sure is that, and is there a file behind it? */
#include "support.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

/* From SUSPECT_AT on a driver is worth mentioning, from NAME_AT on it is named. */
static const double SUSPECT_AT = 0.3, NAME_AT = 0.6, MEDIUM_AT = 0.75, HIGH_AT = 0.85;
static const double LEAD = 0.15; /* over the next suspect, or confidence drops */

/* Independent reasons add up as chances of error multiply; what speaks against is subtracted. */
static double score(const struct suspect *s)
{
	double doubt = 1, against = 0;

	LIST_EACH(struct reason, e, &s->evidence) {
		if (e->against)
			against += e->weight;
		else
			doubt *= 1 - e->weight;
	}
	double result = 1 - doubt - against;
	return result < 0 ? 0 : result > 0.99 ? 0.99 : result;
}

static void rank(struct list *suspects)
{
	struct suspect *s = suspects->items, keep;

	for (size_t i = 0; i < suspects->count; i++)
		s[i].score = score(&s[i]);
	for (size_t i = 1; i < suspects->count; i++) {
		keep = s[i];
		size_t k = i;
		for (; k > 0 && s[k - 1].score < keep.score; k--)
			s[k] = s[k - 1];
		s[k] = keep;
	}
}

static void judge_frames(struct analysis *a, const struct module *culprit)
{
	bool reached = false;

	LIST_EACH(struct frame, f, &a->report->stack) {
		const char *why = NULL;
		if (reached) {
			f->blame = BLAME_NOT_REACHED;
			continue;
		}
		if (culprit && f->module == culprit) {
			f->blame = BLAME_CHOSEN;
			reached = true;
			continue;
		}
		f->blame = BLAME_REJECTED;
		if (!f->module)
			why = a->dump->modules_lost ? "in none of the drivers that could be read"
						    : "in no driver";
		else if (may_be_culprit(a, f->module, &why))
			why = f->trust == TRUST_SCAN ? "third-party, but an address on the stack "
						       "alone may be left over "
						       "from an earlier call"
						     : "not enough evidence";
		f->why = f->why ? arena_printf(a->report->arena, "%s; %s", f->why, why) : why;
	}
}

/* What speaks against it stays with the suspect, where renderers find it. */
static void because(struct analysis *a, const struct suspect *s)
{
	struct report *r = a->report;

	LIST_EACH(struct reason, e, &s->evidence)
		if (!e->against)
			report_say(r, &r->verdict.because, "%s", e->text);
}

static void name_culprit(struct analysis *a, const struct suspect *s, const struct suspect *next)
{
	struct report *r = a->report;
	double lead = next ? s->score - next->score : 1;

	r->verdict.decided = true;
	r->verdict.verdict_class = CLASS_THIRD_PARTY_DRIVER;
	r->verdict.culprit = s->module;
	r->verdict.confidence = s->score >= HIGH_AT && lead >= LEAD     ? CONFIDENCE_HIGH
				: s->score >= MEDIUM_AT && lead >= LEAD ? CONFIDENCE_MEDIUM
									: CONFIDENCE_LOW;
	/* A name that no list knows is a name still, but nobody vouches that it is not Windows'. */
	if (s->module->origin == ORIGIN_UNKNOWN && r->verdict.confidence == CONFIDENCE_HIGH)
		r->verdict.confidence = CONFIDENCE_MEDIUM;
	r->verdict.because.count = 0; /* what was said for want of a culprit */
	LIST_EACH(struct frame, f, &r->stack) {
		if (f->module == s->module && f->trust != TRUST_SCAN && !r->verdict.function)
			r->verdict.function = f->symbol;
	}
	because(a, s);
	if (r->crash.explanation && r->crash.is_fault && r->crash.instruction)
		report_say(r, &r->verdict.because, "`%s`: %s", r->crash.instruction,
			   r->crash.explanation);
}

static bool is_said(const struct report *r, const char *text)
{
	LIST_EACH(const char *, line, &r->verdict.because) {
		if (strstr(*line, text))
			return true;
	}
	return false;
}

/* The file that the culprit consumes and the fault leads to. Only grades A and B may be cited. */
static void say_why_content(struct analysis *a, const struct content_file *f)
{
	struct report *r = a->report;
	const struct reason *best = NULL;

	LIST_EACH(struct reason, e, &f->evidence) {
		if (!e->against && (!best || e->weight > best->weight))
			best = e;
	}
	if (best && !is_said(r, best->text))
		report_say(r, &r->verdict.because, "%s: %s",
			   f->path ? text_basename(f->path) : f->type, best->text);
}

/* Where no proof is left in a dump, a path that the culprit's code held, if there is only one. */
static void cite_path(struct analysis *a)
{
	struct report *r = a->report;
	struct content_file *only = NULL;

	LIST_EACH(struct content_file, f, &r->content_files) {
		if (!f->passed || !f->owner ||
		    !text_contains_nocase(f->owner, r->verdict.culprit->name))
			continue;
		if (only)
			return;
		only = f;
	}
	if (!only)
		return;
	only->cited = true;
	r->verdict.content_file = only;
}

/* Where no file of a name is, bytes of a kind that only the culprit reads, if the fault leads to
 * them. */
static void cite_nameless(struct analysis *a)
{
	struct report *r = a->report;

	LIST_EACH(struct content_file, f, &r->content_files) {
		if (f->path || f->grade > 'B' || !f->owner ||
		    !text_contains_nocase(f->owner, r->verdict.culprit->name))
			continue;
		f->cited = true;
		r->verdict.content_file = f;
		return;
	}
}

static bool holds_pointer(const struct content_file *f)
{
	return evidence_of(&f->evidence, "pointer-in-content") != NULL;
}

/* Where the value that faulted stands in one file, another that is only pointed at is one that was
 * read before: what it left on the stack is not overwritten at once. */
static void keep_proven(struct report *r)
{
	const struct content_file *best = NULL;

	LIST_EACH(struct content_file, f, &r->content_files)
		best = !best && f->cited && holds_pointer(f) ? f : best;
	LIST_EACH(struct content_file, f, &r->content_files)
		f->cited &= !best || holds_pointer(f);
	if (best && !r->verdict.content_file->cited)
		r->verdict.content_file = best;
}

static void cite_content(struct analysis *a)
{
	struct report *r = a->report;
	const struct module *culprit = r->verdict.culprit;

	LIST_EACH(struct content_file, f, &r->content_files) {
		const struct content_type *type =
			f->path ? knowledge_content_type(a->knowledge, f->path) : NULL;
		bool consumed = type ? knowledge_consumes(a->knowledge, type, culprit->name)
				     : f->owner && text_contains_nocase(f->owner, culprit->name);
		if (!f->path && a->dump->os == OS_LINUX)
			continue;
		/* On Linux the owner of an unknown kind of file is the module whose frame held it,
		 * and not a matter of names. */
		if (!consumed || (!culprit->vendor && a->dump->os == OS_WINDOWS))
			continue;
		if (type || a->dump->os == OS_WINDOWS)
			content_evidence(r, f, "owner", 0.5, 0, "%s reads files of this kind",
					 culprit->name);
		if (f->grade > 'B')
			continue;
		f->cited = true;
		if (!r->verdict.content_file || f->grade < r->verdict.content_file->grade)
			r->verdict.content_file = f;
	}
	keep_proven(r);
	if (a->dump->os == OS_LINUX && !r->verdict.content_file)
		cite_path(a);
	if (a->dump->os == OS_LINUX && !r->verdict.content_file)
		cite_nameless(a);
	if (a->dump->os == OS_LINUX && r->verdict.content_file)
		say_why_content(a, r->verdict.content_file);
}

/* What it did, by the first reason. */
static const char *linux_deed(const struct analysis *a, const char *kind)
{
	if (!strcmp(kind, "bad-call"))
		return "crashed the machine by calling an address that is no code";
	if (!strcmp(kind, "caller") || !strcmp(kind, "faulting-ip"))
		return a->report->crash.is_fault ? "crashed the machine" : "stopped the machine";
	if (!strcmp(kind, "interrupted"))
		return "kept a processor busy until the watchdog stopped the machine";
	if (!strcmp(kind, "blocked"))
		return "made a task wait for ever, until the kernel stopped the machine";
	if (!strcmp(kind, "bytes-owned"))
		return "overwrote memory that was not its own, which crashed the machine";
	return "crashed the machine";
}

static const char *deed(const struct analysis *a)
{
	const struct report *r = a->report;
	const struct suspect *s = list_at(&r->suspects, 0);
	const struct reason *e = list_at(&s->evidence, 0);

	if (a->dump->os == OS_LINUX)
		return linux_deed(a, e->kind);
	if (a->dump->live)
		return "stopped responding; Windows took this dump and went on";
	if (!r->verdict.culprit->loaded)
		return "was unloaded while its code was still needed, which crashed the machine";
	if (!strcmp(e->kind, "raised-by"))
		return "stopped the machine itself";
	if (!strcmp(e->kind, "bad-call"))
		return "crashed the machine by calling an address that is no code";
	if (!strcmp(e->kind, "leaf-caller"))
		return "handed Windows a bad pointer, which crashed the machine";
	if (!strcmp(e->kind, "hung-processor") || !strcmp(e->kind, "interrupted") ||
	    stop_family(a, "hang"))
		return "kept a processor busy until the watchdog stopped the machine";
	if (!strcmp(e->kind, "request"))
		return "did not finish a power request, so Windows stopped the machine";
	if (stop_family(a, "video"))
		return "stopped responding, and the machine with it";
	return "crashed the machine";
}

static void summarize_culprit(struct analysis *a)
{
	struct report *r = a->report;
	const struct content_file *f = r->verdict.content_file;
	const char *title = module_title(a, r->verdict.culprit);

	if (f && f->path)
		r->verdict.summary =
			arena_printf(r->arena, "%s %s while it was using the content file %s.",
				     title, deed(a), text_basename(f->path));
	else if (f)
		r->verdict.summary =
			arena_printf(r->arena,
				     "%s %s while it was using a content file (%s; its name "
				     "is not in the dump).",
				     title, deed(a), f->type);
	else
		r->verdict.summary = arena_printf(r->arena, "%s %s.", title, deed(a));
}

static void summarize_none(struct analysis *a)
{
	struct report *r = a->report;
	const struct suspect *best = list_at(&r->suspects, 0);
	const char *const *first = list_at(&r->verdict.because, 0);
	const struct module *m =
		r->crash.has_context ? module_of(a->dump, r->crash.context.ip, NULL) : NULL;
	bool interrupted = m && strcmp(r->crash.context_source, "interrupted") == 0;

	if (!interrupted && !r->crash.is_fault)
		m = NULL;
	if (first && r->verdict.verdict_class != CLASS_UNKNOWN)
		r->verdict.summary = arena_printf(r->arena, "No driver is blamed: %s.", *first);
	else if (m && may_be_culprit(a, m, NULL))
		r->verdict.summary = arena_printf(
			r->arena,
			"No driver is blamed: the fault is inside %s, but what speaks against "
			"blaming it weighs as much.",
			m->name);
	else if (m)
		r->verdict.summary = arena_printf(
			r->arena, "No driver is blamed: %s %s, which is part of %s, and %s.",
			interrupted ? "when the watchdog struck, the processor was executing"
				    : "the fault is inside",
			m->name, a->dump->os == OS_LINUX ? "the kernel" : "Windows",
			best && best->score >= SUSPECT_AT
				? arena_printf(r->arena,
					       "what ties %s to it is too weak to blame it",
					       best->module->name)
				: "nothing in this dump ties a third-party driver to it");
	else
		r->verdict.summary =
			"No driver is blamed: nothing in this dump ties a third-party driver "
			"to the crash.";
	if (m && r->crash.explanation)
		report_say(r, &r->verdict.because, "the fault is at %s, `%s`: %s",
			   report_where(r, a->dump, r->crash.context.ip),
			   r->crash.instruction ? r->crash.instruction : "?", r->crash.explanation);
	if (best && best->score > 0)
		report_say(r, &r->verdict.because,
			   "%s is on the stack, but as far as this dump shows it may only be a "
			   "bystander",
			   module_title(a, best->module));
}

/* The fault is in a driver of Windows that does its own work, not one that carries the calls of
 * others: the class says so, and its page what to do; it is no culprit for that. */
static void consider_os_driver(struct analysis *a)
{
	struct report *r = a->report;
	const struct module *m = dump_module_at(a->dump, r->crash.context.ip);

	if (r->verdict.verdict_class != CLASS_UNKNOWN || !r->crash.is_fault || !m ||
	    m->origin != ORIGIN_OS || m->dump_clone ||
	    knowledge_passes_blame(a->knowledge, m->name, NULL))
		return;
	r->verdict.verdict_class = CLASS_OS_DRIVER;
	r->verdict.confidence = CONFIDENCE_LOW;
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;

	rank(&r->suspects);
	const struct suspect *best = list_at(&r->suspects, 0);
	/* A crash that the stop code itself explains has no culprit (innocence.c). */
	bool excused = r->verdict.decided;
	if (best && best->score >= NAME_AT && !excused) {
		name_culprit(a, best, list_at(&r->suspects, 1));
		cite_content(a);
		summarize_culprit(a);
	} else {
		if (excused)
			r->verdict.confidence = CONFIDENCE_HIGH;
		else if (r->verdict.verdict_class != CLASS_UNKNOWN)
			r->verdict.confidence = CONFIDENCE_LOW;
		summarize_none(a);
		consider_os_driver(a);
	}
	judge_frames(a, r->verdict.culprit);
	return NULL;
}

const struct analyzer analyzer_verdict = {
	.id = "verdict",
	.summary = "names the culprit, or says why none can be named",
	.run = run,
};
