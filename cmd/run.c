#include "run.h"

#include "accept.h"
#include "command.h"
#include "knowledge.h"
#include "report.h"
#include "sandbox.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the parent knows about one child and the pieces of evidence it went through. */
struct progress {
	const struct run *run;
	const struct input *input;
	unsigned begun, reported; /* by this child */
	char *member;             /* the one begun last, NULL: the bare file */
	const char *bad;          /* why the child's answer was refused */
	bool stop;                /* the sink has enough */
};

/* A report about @p p's evidence that the parent writes because the child could not. */
static void tell_unreadable(struct progress *p, const char *code, const char *what)
{
	const struct input *in = p->input;
	char *path = NULL;
	if (p->member && !in->member && asprintf(&path, "%s!%s", in->name, p->member) < 0)
		path = NULL;
	json_t *report = report_unreadable(CULPRIT_VERSION, knowledge_hash(p->run->knowledge),
					   path ? path : in->path, NULL, code, what, false, 0);
	if (!p->run->sink(p->run->context, report))
		p->stop = true;
	free(path);
}

/* The child says which evidence it is in, but what file it was given is the parent's to say. */
static void set_path(struct progress *p, json_t *report)
{
	const struct input *in = p->input;
	char *path = NULL;
	if (!p->member || in->member)
		path = strdup(in->path);
	else if (asprintf(&path, "%s!%s", in->name, p->member) < 0)
		path = NULL;
	if (path)
		json_object_set_new(json_object_get(report, "input"), "path", json_string(path));
	free(path);
}

static bool on_line(void *context, char *line, size_t length)
{
	struct progress *p = context;
	json_t *object = accept_line(line, length, &p->bad);
	if (!object)
		return false;
	json_t *report = json_object_get(object, "report");
	json_t *begin = json_object_get(object, "begin");
	p->bad = NULL;
	if (report && accept_report(report, &p->bad)) {
		p->reported++;
		set_path(p, report);
		p->stop = !p->run->sink(p->run->context, json_incref(report));
	} else if (begin && !report) {
		p->begun++;
		free(p->member);
		p->member = json_is_string(begin) ? strdup(json_string_value(begin)) : NULL;
	}
	json_decref(object);
	return !p->stop && !p->bad;
}

/* The child ended in the middle of something. True: another child should go on at *skip. */
static bool after_death(struct progress *p, const struct sandbox_result *result, unsigned *skip)
{
	bool in_evidence = p->begun > p->reported;
	bool used_up = result->end == SANDBOX_CPU || result->end == SANDBOX_WALL ||
		       result->end == SANDBOX_MEMORY || result->end == SANDBOX_OUTPUT;

	/* The members before it may have used up what one child gets: a fresh one tries it again.
	 */
	if (in_evidence && used_up && p->reported > 0 && p->input->seekable) {
		*skip += p->reported;
		return true;
	}
	char text[256];
	snprintf(text, sizeof(text), "%s%s",
		 p->bad                            ? "the report was refused because "
		 : result->end == SANDBOX_FINISHED ? "the reader ended without an answer"
						   : result->text,
		 p->bad ? p->bad : "");
	if (!in_evidence && p->member) {
		/* between two members: the archive, not the member before, is what could not be
		 * read */
		free(p->member);
		p->member = NULL;
	}
	bool go_on = in_evidence && p->member && !p->input->member && p->input->seekable;
	tell_unreadable(p, error_kind_name(ERROR_CRASHED), text);
	*skip += p->begun;
	return go_on;
}

void run_input(const struct run *run, const struct input *input)
{
	struct progress p = {.run = run, .input = input};
	unsigned skip = 0;
	bool again = true;

	if (input->fd < 0) {
		tell_unreadable(&p, error_kind_name(ERROR_IO), input->trouble);
		return;
	}
	while (again && !p.stop) {
		struct work work = {input->fd, input->name,    input->member,
				    skip,      run->knowledge, run->want_strings};
		struct sandbox_result result = {0};
		p.begun = p.reported = 0;
		p.bad = NULL;
		again = false;
		if (input->seekable)
			lseek(input->fd, input->start, SEEK_SET);
		struct error *err =
			sandbox_run(NULL, &input->fd, 1, worker_run, &work, on_line, &p, &result);
		if (err) {
			tell_unreadable(&p, error_kind_name(err->kind), err->message);
			error_destroy(err);
		} else if (!p.stop && (result.end != SANDBOX_FINISHED || p.bad ||
				       p.begun > p.reported || (!p.reported && !skip))) {
			again = after_death(&p, &result, &skip);
		}
	}
	free(p.member);
}

int report_exit(const json_t *report)
{
	const char *status =
		json_string_value(json_object_get(json_object_get(report, "input"), "status"));

	if (!status || strcmp(status, "unreadable") == 0)
		return EXIT_UNREADABLE;
	if (strcmp(status, "partial") == 0)
		return EXIT_PARTIAL;
	json_t *decided = json_object_get(json_object_get(report, "verdict"), "decided");
	return json_is_true(decided) ? EXIT_VERDICT : EXIT_NO_CULPRIT;
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
