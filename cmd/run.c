#include "run.h"

#include "accept.h"
#include "ceilings.h"
#include "command.h"
#include "knowledge.h"
#include "lane.h"
#include "report.h"
#include "worker.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES_MAX = 2 };

/* One input as its lane tells it. */
struct told {
	const struct run *run;
	char *name, *path, *member; /* of the command line; member may be NULL */
	char *at;                   /* the member that the child begun last, NULL: none */
	char *code;                 /* of what went wrong; waits for the words */
	json_t *pending;            /* a report whose checksum is still to come; NULL: none */
	json_t *files, *parts;      /* of a dump that is several files: names, and paths in them */
	bool in_evidence;
	bool goes_on; /* the sink wants more */
	unsigned reports;
};

static void put(char **field, const char *text)
{
	free(*field);
	*field = text ? strdup(text) : NULL;
}

/* "file", or "archive!member" for what was begun; the child has no say in the first part. */
static json_t *path_json(const struct told *t)
{
	if (t->member || !t->at)
		return json_string(t->path ? t->path : "?");
	return json_sprintf("%s!%s", t->name ? t->name : "?", t->at);
}

/* The paths of the parts are ours; what the child knows of each stays. */
static void name_parts(const struct told *t, json_t *input)
{
	/* as far as it is known what is in the files */
	const json_t *paths =
		json_array_size(t->parts) < json_array_size(t->files) ? t->files : t->parts;
	json_t *told = json_incref(json_object_get(input, "parts")), *parts = json_array(), *path;
	bool fits = json_array_size(told) == json_array_size(paths);
	size_t i;

	json_array_foreach(paths, i, path) {
		json_t *one = fits ? json_array_get(told, i) : NULL;
		json_t *part = json_pack("{s:O, s:O?, s:O?}", "path", path, "sha256",
					 json_object_get(one, "sha256"), "bytes",
					 json_object_get(one, "bytes"));
		json_array_append_new(parts, part);
	}
	json_decref(told);
	if (json_array_size(parts) > 1)
		json_object_set(input, "parts", parts);
	else
		json_object_del(input, "parts");
	json_decref(parts);
}

static void hand_over(struct told *t, json_t *report)
{
	json_t *input = json_object_get(report, "input");

	json_object_set_new(input, "path", path_json(t));
	name_parts(t, input);
	t->reports++;
	t->goes_on = t->run->sink(t->run->context, report) && t->goes_on;
}

/* A report that the parent writes because the child could not. */
static void tell_unreadable(struct told *t, const char *code, const char *text)
{
	hand_over(t, report_unreadable(CULPRIT_VERSION, knowledge_hash(t->run->knowledge), NULL,
				       NULL, code, text, false, 0));
}

/* The pending report is complete, with @p sha256 (NULL: not known). */
static void settle(struct told *t, const char *sha256)
{
	json_t *report = t->pending;

	t->pending = NULL;
	if (!report)
		return;
	if (sha256 && strlen(sha256) == 64 && strspn(sha256, "0123456789abcdef") == 64)
		json_object_set_new(json_object_get(report, "input"), "sha256",
				    json_string(sha256));
	hand_over(t, report);
}

/* Something went wrong; a report that was only waiting for its checksum is kept. */
static void tell_trouble(struct told *t, const char *code, const char *text)
{
	json_t *input = json_object_get(t->pending, "input");

	if (!input) {
		tell_unreadable(t, code, text);
		return;
	}
	json_array_append_new(
		json_object_get(input, "problems"),
		json_pack("{s:s, s:s, s:n}", "code", code, "message", text, "offset"));
	json_object_set_new(input, "status", json_string("partial"));
	settle(t, NULL);
}

static void refuse(struct told *t, const char *why)
{
	char text[128];

	snprintf(text, sizeof(text), "the report was refused because %s", why);
	tell_unreadable(t, error_kind_name(ERROR_CRASHED), text);
}

/* A part that the child has come to. */
static void add_part(struct told *t, const json_t *line)
{
	json_int_t file = json_integer_value(json_object_get(line, "file"));
	const char *member = json_string_value(json_object_get(line, "part"));
	const char *name =
		file < 0 ? NULL : json_string_value(json_array_get(t->files, (size_t)file));

	if (!name || json_array_size(t->parts) == LIMIT_PARTS)
		return;
	json_array_append_new(t->parts,
			      member ? json_sprintf("%s!%s", name, member) : json_string(name));
}

static void on_child_line(struct told *t, const char *line, size_t length)
{
	const char *why = NULL;
	json_t *object = accept_line(line, length, &why);
	json_t *report = json_object_get(object, "report"),
	       *begin = json_object_get(object, "begin");

	settle(t, json_string_value(json_object_get(object, "done")));
	if (!object || (report && !accept_report(report, &why)))
		refuse(t, why);
	else if (report)
		t->pending = json_incref(report);
	else if (begin)
		put(&t->at, json_string_value(begin));
	else if (json_object_get(object, "part"))
		add_part(t, object);
	json_decref(object);
}

/* False at the end of the input. */
static bool on_lane_line(struct told *t, const char *line, size_t length)
{
	const char *text = line + 1;

	switch (line[0]) {
	case 'N': put(&t->name, text); break;
	case 'P': put(&t->path, text); break;
	case 'M': put(&t->member, text); break;
	case 'S': json_array_append_new(t->files, json_string(text)); break;
	case 'L': on_child_line(t, text, length - 1); break;
	case 'F':
		put(&t->at, NULL);
		put(&t->code, text);
		break;
	case 'D': put(&t->code, text); break;
	case 'T': tell_trouble(t, t->code ? t->code : "unknown", text); break;
	default: settle(t, NULL); return false;
	}
	return true;
}

/* Reads what @p lane says of one input; false if nothing more is wanted. *ret_ended is false if the
 * lane itself died on the way. */
static bool read_input(const struct run *run, struct lane *lane, bool *ret_ended)
{
	struct told t = {.run = run, .goes_on = true, .files = json_array(), .parts = json_array()};
	bool ended = false;

	while (!ended && t.goes_on && lane_next(lane))
		ended = !on_lane_line(&t, lane->line, lane->length);
	settle(&t, NULL);
	if (t.goes_on && (!ended || t.reports == 0)) {
		put(&t.at, NULL);
		tell_unreadable(&t, error_kind_name(ERROR_CRASHED),
				"the process that runs the reader ended early");
	}
	char **all[] = {&t.name, &t.path, &t.member, &t.at, &t.code};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free(*all[i]);
	json_decref(t.files);
	json_decref(t.parts);
	*ret_ended = ended;
	return t.goes_on;
}

static int processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

bool run_inputs(const struct run *run, char **arguments, int count)
{
	struct lane lanes[LANES_MAX] = {0};
	int step = processors() < LANES_MAX ? processors() : LANES_MAX;
	int inputs = run->split ? 1 : count;
	bool fine = true;

	step = step < inputs ? step : inputs;
	for (int i = 0; i < step && fine; i++)
		fine = lane_start(&lanes[i], run, arguments, count, i, step);
	for (int i = 0; i < inputs && fine; i++) {
		struct lane *lane = &lanes[i % step];
		bool ended;
		if (!read_input(run, lane, &ended))
			break;
		if (!ended) {
			lane_stop(lane);
			fine = lane_start(lane, run, arguments, count, i + step, step);
		}
	}
	for (int i = 0; i < step; i++)
		lane_stop(&lanes[i]);
	return fine;
}

int report_exit(const json_t *report)
{
	const char *status =
		json_string_value(json_object_get(json_object_get(report, "input"), "status"));

	if (!status || strcmp(status, "unreadable") == 0)
		return EXIT_UNREADABLE;
	if (strcmp(status, "partial") == 0)
		return EXIT_PARTIAL;
	json_t *culprit = json_object_get(json_object_get(report, "verdict"), "culprit");
	return json_is_string(culprit) ? EXIT_VERDICT : EXIT_NO_CULPRIT;
}

int exit_worse(int a, int b)
{
	static const int rank[] = {
		[EXIT_VERDICT] = 0,
		[EXIT_NO_CULPRIT] = 1,
		[EXIT_PARTIAL] = 2,
		[EXIT_UNREADABLE] = 3,
	};
	return a < 0 || rank[b] > rank[a] ? b : a;
}
