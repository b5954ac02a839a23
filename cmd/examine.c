#include "examine.h"

#include "analyzer.h"
#include "knowledge.h"

#include <string.h>

struct error *examine(const struct subject *subject, const struct dump *dump,
		      const struct knowledge *knowledge, unsigned want, json_t **ret)
{
	struct report *report = report_create(dump->arena);
	if (!report)
		return error_create(ERROR_NOMEM, "no memory left for the report");
	report->tool_version = CULPRIT_VERSION;
	report->rules_hash = knowledge_hash(knowledge);
	report->input.path = subject->path;
	report->input.bytes = subject->bytes;
	report->input.format = subject->format;
	report->input.parts = subject->parts;
	report->input.part_count = subject->part_count;
	report->input.status = dump->partial ? STATUS_PARTIAL : STATUS_COMPLETE;
	for (const char *const *c = subject->containers; c && *c; c++)
		report_say(report, &report->input.containers, "%s", *c);

	struct analysis analysis = {dump, knowledge, report, want};
	struct error *err = analyzers_run(&analysis);
	if (err)
		return err;
	json_t *json = report_to_json(report, dump, want & WANT_STRINGS);
	if (!json || arena_failed(dump->arena)) {
		json_decref(json);
		return error_create(ERROR_NOMEM, "no memory left for the report");
	}
	*ret = json;
	return NULL;
}

json_t *examine_unreadable(const struct subject *subject, const struct knowledge *knowledge,
			   const struct error *err)
{
	json_t *json = report_unreadable(CULPRIT_VERSION, knowledge_hash(knowledge), subject->path,
					 subject->format, error_kind_name(err->kind), err->message,
					 err->has_offset, err->offset);
	json_t *input = json_object_get(json, "input");
	json_t *containers = json_object_get(input, "containers");
	if (subject->has_bytes)
		json_object_set_new(input, "bytes", json_integer((json_int_t)subject->bytes));
	if (subject->parts)
		json_object_set_new(input, "parts",
				    report_parts(subject->parts, subject->part_count));
	for (const char *const *c = subject->containers; c && *c; c++)
		json_array_append_new(containers, json_string(*c));
	return json;
}
