/* --format json: one object for one input, an array for several (and for an archive with several
 * dumps in it). */
#include "json_put.h"
#include "render.h"

static const size_t style = JSON_INDENT(2) | JSON_REAL_PRECISION(12);

static void put(struct render *r, const json_t *report)
{
	fputs(r->count++ ? ",\n" : "[\n", r->out);
	json_put(r->out, report, style);
}

static void on_report(struct render *r, const json_t *report)
{
	if (r->held) {
		put(r, r->held);
		json_decref(r->held);
		r->held = NULL;
	}
	if (r->count || r->several)
		put(r, report);
	else
		r->held = json_incref((json_t *)report);
}

static void end(struct render *r)
{
	if (r->held)
		json_put(r->out, r->held, style);
	else
		fputs(r->count ? "\n]" : "[]", r->out);
	fputc('\n', r->out);
	json_decref(r->held);
	r->held = NULL;
}

const struct renderer renderer_json = {"json", NULL, on_report, end};
