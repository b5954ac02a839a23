/* The parts of cmd/ that do not need a dump. */
#include "accept.h"
#include "command.h"
#include "inputs.h"
#include "output.h"
#include "run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(parts);

/* ---- did you mean
 * --------------------------------------------------------------------------------- */

Test(parts, suggests_what_was_meant)
{
	static const char *const names[] = {"analyze", "info",     "stack",
					    "strings", "timeline", NULL};
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{"analize", "analyze"},
		{"ANALYZE", "analyze"},
		{"anaylze", "analyze"},
		{"time", "timeline"},
		{"stck", "stack"},
		{"xyz", NULL},
		{"", NULL},
		{"informations", NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = suggest(cases[i].typed, names);
		cr_assert(got == cases[i].meant ||
				  (got && cases[i].meant && strcmp(got, cases[i].meant) == 0),
			  "%s: %s", cases[i].typed, got ? got : "nothing");
	}
}

Test(parts, suggests_nothing_for_endless_words)
{
	static const char *const names[] = {"analyze", NULL};
	char word[5000];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	cr_assert_null(suggest(word, names));
}

/* ---- the customs
 * ---------------------------------------------------------------------------------- */

static const char *refusal(const char *line)
{
	const char *why = NULL;
	json_t *object = accept_line(line, strlen(line), &why);

	json_decref(object);
	return object ? NULL : why;
}

Test(parts, accepts_safe_text)
{
	cr_assert_null(refusal("{\"begin\":null}"));
	cr_assert_null(refusal("{\"report\":{\"text\":\"\\u00fc \\u65e5 \\\\x1b\"}}"));
}

Test(parts, refuses_what_a_terminal_would_act_on)
{
	static const char *const lines[] = {
		"{\"a\":\"\\u001b[31m\"}",    /* escape sequence */
		"{\"a\":\"x\\ny\"}",          /* line break */
		"{\"a\":\"\\u202egpj.exe\"}", /* reading direction */
		"{\"a\":\"\\u200b\"}",        /* invisible */
		"{\"a\":\"\\u0085\"}",        /* C1 control */
		"{\"a\\u0007\":1}",           /* in a name */
		"{\"a\":[[{\"b\":\"\\u007f\"}]]}",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_assert_not_null(refusal(lines[i]), "%s", lines[i]);
}

Test(parts, refuses_what_is_no_answer)
{
	static const char *const lines[] = {
		"",
		"[]",
		"null",
		"{",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1e999}",
		"{}x",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":[[[[[[[[[[[[[[1]]]]]]]]]]]]]]}",
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_assert_not_null(refusal(lines[i]), "%s", lines[i]);
}

Test(parts, refuses_what_is_no_report)
{
	static const char good[] = "{\"schema\":\"culprit.report/1\",\"input\":{\"status\":"
				   "\"partial\"},\"verdict\":{}}";
	static const char *const bad[] = {
		"{}",
		"{\"schema\":\"culprit.report/"
		"2\",\"input\":{\"status\":\"partial\"},\"verdict\":{}}",
		"{\"schema\":\"culprit.report/1\",\"input\":{\"status\":\"fine\"},\"verdict\":{}}",
		"{\"schema\":\"culprit.report/"
		"1\",\"input\":{\"status\":\"partial\"},\"verdict\":1}",
	};
	const char *why = NULL;
	json_t *report = json_loads(good, 0, NULL);

	cr_assert(accept_report(report, &why));
	cr_assert_null(why);
	json_decref(report);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		report = json_loads(bad[i], 0, NULL);
		cr_assert_not(accept_report(report, &why), "%s", bad[i]);
		json_decref(report);
	}
}

/* ---- exit codes
 * ----------------------------------------------------------------------------------- */

Test(parts, the_first_of_3_4_1_0)
{
	static const int cases[][3] = {{-1, 0, 0}, {-1, 3, 3}, {0, 1, 1}, {1, 0, 1}, {1, 4, 4},
				       {4, 1, 4},  {4, 3, 3},  {3, 4, 3}, {0, 0, 0}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(exit_worse(cases[i][0], cases[i][1]), cases[i][2], "case %zu", i);
}

Test(parts, exit_of_a_report)
{
	static const struct {
		const char *status;
		const char *culprit; /* hardware and requested crashes have none, decided or not */
		int exit;
	} cases[] = {
		{"complete", "x.sys", EXIT_VERDICT},   {"complete", NULL, EXIT_NO_CULPRIT},
		{"partial", "x.sys", EXIT_PARTIAL},    {"partial", NULL, EXIT_PARTIAL},
		{"unreadable", NULL, EXIT_UNREADABLE},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *report = json_pack("{s:{s:s},s:{s:s?}}", "input", "status", cases[i].status,
					   "verdict", "culprit", cases[i].culprit);
		cr_assert_eq(report_exit(report), cases[i].exit);
		json_decref(report);
	}
}

/* ---- inputs
 * ---------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/culprit-parts-XXXXXX";

static void write_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs("evidence", file);
	fclose(file);
}

static struct input open_in(struct arena *arena, const char *name)
{
	return input_open(arena, arena_printf(arena, "%s/%s", folder, name));
}

Test(parts, inputs)
{
	struct arena *arena = arena_create(1 << 20);

	cr_assert_not_null(mkdtemp(folder));
	write_file("plain.zip");
	write_file("odd!name");

	struct input in = open_in(arena, "plain.zip!Minidump/a!b.dmp");
	cr_assert_geq(in.fd, 0);
	cr_assert_str_eq(in.member, "Minidump/a!b.dmp");
	cr_assert_str_eq(in.name + strlen(folder), "/plain.zip");
	cr_assert_str_eq(in.path + strlen(folder), "/plain.zip!Minidump/a!b.dmp");
	cr_assert_eq(fcntl(in.fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	cr_assert(fcntl(in.fd, F_GETFD) & FD_CLOEXEC);
	input_close(&in);

	in = open_in(arena, "odd!name"); /* a file of that name comes first */
	cr_assert_geq(in.fd, 0);
	cr_assert_null(in.member);
	input_close(&in);

	in = open_in(arena, "odd!name!member");
	cr_assert_str_eq(in.member, "member");
	input_close(&in);

	in = open_in(arena, "");
	cr_assert_lt(in.fd, 0);
	cr_assert_not_null(strstr(in.trouble, "directory"));
	in = open_in(arena, "absent");
	cr_assert_not_null(strstr(in.trouble, "could not be opened"));
	in = input_open(arena, "/dev/null");
	cr_assert_not_null(in.trouble);
	in = open_in(arena, "no\033[31m");
	cr_assert_null(strchr(in.name, '\033'));
	arena_destroy(arena);
}

/* ---- output files
 * ---------------------------------------------------------------------------------- */

static long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

Test(parts, output_appears_whole)
{
	struct output output;
	char path[128];

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/answer", folder);
	cr_assert(output_open(&output, path, false));
	fputs("half", output.file);
	fflush(output.file);
	cr_assert_eq(size_of(path), -1, "it is there before it is complete");
	cr_assert(output_commit(&output));
	cr_assert_eq(size_of(path), 4);

	cr_assert_not(output_open(&output, path, false), "an existing file was not refused");
	cr_assert(output_open(&output, path, true));
	fputs("replaced", output.file);
	cr_assert_eq(size_of(path), 4);
	cr_assert(output_commit(&output));
	cr_assert_eq(size_of(path), 8);
	cr_assert_not(output_open(&output, folder, true), "a directory was not refused");
}

Test(parts, output_loses_no_race)
{
	struct output output;
	char path[128];

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/answer", folder);
	cr_assert(output_open(&output, path, false));
	fputs("mine", output.file);
	write_file("answer"); /* somebody else was faster */
	cr_assert_not(output_commit(&output));
	cr_assert_eq(size_of(path), 8);
}
