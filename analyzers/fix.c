/* What should the person do? The runbook of the incident, or the page for this class of crash. */
#include "support.h"

#include "text.h"

#include <string.h>

struct word {
	const char *key, *value;
	const char *placeholder; /* stands in a command for a value that is not safe there */
};

/* What no shell gives a meaning to. Commands are copied and run by people: a driver's file name
 * comes out of the evidence and may be a command itself. */
static bool is_plain_name(const char *text)
{
	size_t length =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._");

	return length > 0 && length < 64 && text[length] == '\0';
}

static const char *replace(struct arena *arena, const char *text, const char *key,
			   const char *value)
{
	const char *at;

	/* Bounded, for a value may contain a key. */
	for (unsigned n = 0; n < 32 && (at = strstr(text, key)); n++)
		text = arena_printf(arena, "%.*s%s%s", (int)(at - text), text, value,
				    at + strlen(key));
	return text;
}

/* Replaces {driver}, {vendor}, {product} and {content_file}. */
static const char *fill(struct analysis *a, const char *text, bool command)
{
	const struct report *r = a->report;
	const struct module *m = r->verdict.culprit;
	const struct content_file *f = r->verdict.content_file;
	const struct word words[] = {
		{"{driver}", m ? m->name : "the driver", "DRIVER_FILE_NAME"},
		{"{vendor}", m && m->vendor ? m->vendor : "the vendor", "VENDOR"},
		{"{product}", m && m->product ? m->product : "the product", "PRODUCT"},
		{"{content_file}", f && f->path ? f->path : "the content file", "CONTENT_FILE"},
	};

	if (text && !(m && m->vendor))
		text = replace(r->arena, text, " ({vendor})", "");
	for (size_t i = 0; text && i < sizeof(words) / sizeof(*words); i++) {
		bool unsafe = command && !is_plain_name(words[i].value);
		text = replace(r->arena, text, words[i].key,
			       unsafe ? words[i].placeholder : words[i].value);
	}
	return text;
}

static void take_steps(struct analysis *a, const struct list *steps)
{
	LIST_EACH(struct fix_step, s, steps) {
		struct step *step = list_add(&a->report->fix.steps);
		*step = (struct step){
			fill(a, s->check, false),  fill(a, s->action, false),
			fill(a, s->command, true), fill(a, s->verify, false),
			fill(a, s->undo, false),   fill(a, s->brief, false),
		};
	}
}

static void take_texts(struct analysis *a, struct list *into, const struct list *from)
{
	LIST_EACH(const char *, text, from)
		report_say(a->report, into, "%s", fill(a, *text, false));
}

/* Steps that remove a file need the file's link to this very fault, not only its name. */
static bool may_remove(const struct analysis *a, const struct incident *in)
{
	const struct report *r = a->report;

	return !in->harmful_file ||
	       (r->verdict.confidence == CONFIDENCE_HIGH && r->verdict.content_file);
}

static struct error *incident_fix(struct analysis *a, bool *ret_done)
{
	struct report *r = a->report;
	struct incident *in = NULL;

	*ret_done = false;
	struct error *err = knowledge_incident(a->knowledge, r->arena, r->incident->id, &in);
	if (err || !in)
		return err;
	if (!may_remove(a, in)) {
		report_say(r, &r->fix.cautions,
			   "This looks like %s, but the link to its content file is too weak in "
			   "this dump "
			   "to remove anything on its word: see `culprit runbook %s` and check "
			   "that it "
			   "applies first.",
			   in->title, in->id);
		return NULL;
	}
	r->fix.id = in->id;
	r->fix.title = in->title;
	take_steps(a, &in->steps);
	take_texts(a, &r->fix.cautions, &in->cautions);
	take_texts(a, &r->fix.references, &in->references);
	*ret_done = true;
	return NULL;
}

static struct error *generic_fix(struct analysis *a)
{
	struct report *r = a->report;
	const struct module *m = r->verdict.culprit;
	struct fix_page *page = NULL;
	const char *class = verdict_class_name(r->verdict.verdict_class);

	/* Pages for Linux have a class of their own: what helps on Windows is no help here. */
	if (a->dump->os == OS_LINUX)
		class = arena_printf(r->arena, "linux-%s", class);
	struct error *err =
		knowledge_fix(a->knowledge, r->arena, class, r->crash.family,
			      m ? m->category : NULL, r->verdict.content_file != NULL, &page);
	if (err || !page)
		return err;
	r->fix.id = page->id;
	r->fix.title = fill(a, page->title, false);
	take_steps(a, &page->steps);
	take_texts(a, &r->fix.cautions, &page->cautions);
	take_texts(a, &r->fix.references, &page->references);
	return NULL;
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;
	bool done = false;
	struct error *err = NULL;

	if (r->incident)
		err = incident_fix(a, &done);
	if (!err && !done)
		err = generic_fix(a);
	if (err) {
		report_finding(r, "warning", "rules", NULL, "no fix could be written: %s",
			       err->message);
		error_destroy(err);
	}
	return NULL;
}

const struct analyzer analyzer_fix = {
	.id = "fix",
	.summary = "writes what to do, as steps",
	.run = run,
};
