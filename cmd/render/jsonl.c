/* --format jsonl: one object a line, as each is ready. */
#include "json_put.h"
#include "render.h"

static void on_report(struct render *r, const json_t *report)
{
	json_put(r->out, report, JSON_COMPACT | JSON_REAL_PRECISION(12));
	fputc('\n', r->out);
	fflush(r->out);
}

const struct renderer renderer_jsonl = {.name = "jsonl", .report = on_report};
