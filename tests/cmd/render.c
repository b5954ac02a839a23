/* The renderers: what they make of text, and that nothing in a report can upset them. */
#include "render.h"
#include "arena.h"
#include "escape.h"
#include "get.h"
#include "paper.h"
#include "words.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void set_up(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	arena = arena_create(64 << 20);
}

static void tear_down(void)
{
	arena_destroy(arena);
}

TestSuite(render, .init = set_up, .fini = tear_down);

/* ---- Markdown
 * --------------------------------------------------------------------------------------- */

static const char *escaped(const char *text)
{
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	markdown_text(file, text);
	fclose(file);
	const char *copy = arena_strdup(arena, out);
	free(out);
	return copy;
}

Test(render, markdown_is_defused)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{"csagent.sys+0xe14ed", "csagent.sys+0xe14ed"},
		{"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
		{"[x](javascript:y)", "\\[x\\](javascript:y)"},
		{"![x](http://e.vil/p)", "\\!\\[x\\](http&#58;//e.vil/p)"},
		{"www.e.vil", "www&#46;e.vil"},
		{"a@b.c #12", "a&#64;b.c &#35;12"},
		{"a|b", "a&#124;b"},
		{"`*_~$^", "\\`\\*\\_\\~\\$\\^"},
		{"- item", "\\- item"},
		{"1. item", "1\\. item"},
		{"# heading", "&#35; heading"},
		{"> quote", "&gt; quote"},
		{"&lt;", "&amp;lt;"},
		{"C:\\Windows", "C:\\\\Windows"},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_str_eq(escaped(cases[i].text), cases[i].wanted);
}

Test(render, markdown_code_cannot_be_left)
{
	char *out = NULL;
	size_t size;
	FILE *file = open_memstream(&out, &size);

	markdown_code(file, 0, "a ```` b");
	fclose(file);
	cr_assert_str_eq(out, "`````\na ```` b\n`````\n");
	free(out);
}

/* ---- words and lines
 * -------------------------------------------------------------------------------- */

Test(render, numbers_in_words)
{
	cr_assert_str_eq(words_bytes(arena, 0), "0 bytes");
	cr_assert_str_eq(words_bytes(arena, 999), "999 bytes");
	cr_assert_str_eq(words_bytes(arena, 2611780), "2,611,780 bytes");
	cr_assert_str_eq(words_duration(arena, 4.7), "4.7 s");
	cr_assert_str_eq(words_duration(arena, 131.9), "2 min 11 s");
	cr_assert_str_eq(words_duration(arena, 3600), "1 h 0 min");
	cr_assert_str_eq(words_duration(arena, 90000), "1 day 1 h");
	cr_assert_str_eq(words_duration(arena, 200000), "2 days 7 h");
	cr_assert_str_eq(words_time(arena, "2024-07-19T06:12:04.9817332Z"),
			 "2024-07-19 06:12:04 UTC");
}

Test(render, lines_break_where_a_reader_expects)
{
	cr_assert_eq(paper_fit("one two three", 20), 13);
	cr_assert_eq(paper_fit("one two three", 8), 7);
	cr_assert_eq(paper_fit("one two three", 7), 7);
	cr_assert_eq(paper_fit("\\Device\\Harddisk", 10), 8);
	cr_assert_eq(paper_fit("unbreakable", 4), 4);
	cr_assert_eq(paper_columns("\u65e5\u672c"), 4);
	cr_assert_eq(paper_fit("\u65e5\u672c\u8a9e", 4), 6, "a wide character is not cut");
	cr_assert_eq(paper_fit("\u65e5", 1), 3, "something is always taken");
}

/* ---- any report at all
 * ------------------------------------------------------------------------------- */

static json_t *fixture(void)
{
	json_error_t error;
	json_t *report = json_load_file(TEST_DATA "/csagent.json", 0, &error);

	cr_assert_not_null(report, "%s", error.text);
	return report;
}

static char *rendered(const char *format, const json_t *report, unsigned width, size_t *ret_size)
{
	const struct renderer *renderer = renderer_named(format);
	struct render render = {.width = width, .all = true};
	char *out = NULL;

	render.out = open_memstream(&out, ret_size);
	if (renderer->begin)
		renderer->begin(&render);
	renderer->report(&render, report);
	if (renderer->end)
		renderer->end(&render);
	fclose(render.out);
	return out;
}

static void render_all(const json_t *report)
{
	static const char *const formats[] = {"text", "json", "jsonl", "markdown"};
	size_t size;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		free(rendered(formats[i], report, i % 2 ? 40 : 100, &size));
}

static json_t *odd_value(unsigned i)
{
	static const char long_word[] =
		"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww";

	switch (i) {
	case 0: return json_null();
	case 1: return json_integer(-1);
	case 2: return json_real(1e300);
	case 3: return json_string("");
	case 4: return json_string(long_word);
	case 5: return json_array();
	case 6: return json_object();
	case 7: return json_true();
	default: return NULL;
	}
}

/* Renders @p report with each value below @p at replaced by each odd one. */
static void upset(const json_t *report, json_t *at)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(at, next, key, value)
	{
		json_incref(value);
		json_t *odd;
		for (unsigned i = 0; (odd = odd_value(i)); i++) {
			json_object_set_new(at, key, odd);
			render_all(report);
		}
		json_object_set(at, key, value);
		if (json_is_object(value))
			upset(report, value);
		else if (json_is_array(value) && json_array_size(value))
			upset(report, json_array_get(value, 0));
		json_decref(value);
	}
}

Test(render, no_value_upsets_a_renderer)
{
	json_t *report = fixture();

	/* the first of each list stands for the others */
	for (size_t i = json_array_size(json_object_get(json_object_get(report, "fix"), "steps"));
	     i > 2; i--)
		json_array_remove(json_object_get(json_object_get(report, "fix"), "steps"), i - 1);
	render_all(report);
	upset(report, report);
	json_decref(report);
}

Test(render, objects_and_arrays)
{
	size_t size;
	json_t *report = fixture(), *again;
	char *out = rendered("json", report, 100, &size);

	again = json_loads(out, 0, NULL);
	cr_assert(json_equal(report, again), "one report is the object itself");
	json_decref(again);
	free(out);
	out = rendered("jsonl", report, 100, &size);
	cr_assert_eq(strchr(out, '\n'), out + size - 1);
	again = json_loads(out, 0, NULL);
	cr_assert(json_equal(report, again));
	json_decref(again);
	free(out);
	json_decref(report);
}

Test(render, arrays_for_several)
{
	static const struct {
		bool several;
		unsigned reports;
		const char *wanted;
	} cases[] = {{false, 0, "[]\n"},          {true, 0, "[]\n"},
		     {false, 1, "1\n"},           {true, 1, "[\n1\n]\n"},
		     {false, 2, "[\n1,\n1\n]\n"}, {true, 2, "[\n1,\n1\n]\n"}};
	const struct renderer *renderer = renderer_named("json");
	json_t *one = json_integer(1);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = NULL;
		size_t size;
		struct render render = {.several = cases[i].several};
		render.out = open_memstream(&out, &size);
		for (unsigned k = 0; k < cases[i].reports; k++)
			renderer->report(&render, one);
		renderer->end(&render);
		fclose(render.out);
		cr_assert_str_eq(out, cases[i].wanted, "case %zu", i);
		free(out);
	}
	json_decref(one);
}
