/* Directories that nobody would write by hand. */
#include "folder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct folder folder;

static void make(void)
{
	folder_init(&folder);
}

static void clean(void)
{
	folder_deinit(&folder);
}

TestSuite(hostile, .init = make, .fini = clean);

static void load(void)
{
	struct error *err = folder_load(&folder);

	cr_assert_null(err, "%s", err ? err->message : "");
}

static void expect(const char *file, const char *reason)
{
	const struct rule_problem *problem = folder_problem(&folder, file);

	cr_assert(problem, "no problem of %s: %s", file, folder_problems(&folder));
	cr_assert(strstr(problem->reason, reason), "%s", folder_problems(&folder));
	cr_assert_null(knowledge_file(folder.knowledge, file, NULL));
}

Test(hostile, a_sound_directory_has_no_problems)
{
	struct incident *incident;
	struct bugcheck_page *page;
	struct fix_page *fix;

	load();
	cr_assert_eq(folder.problems.count, 0, "%s", folder_problems(&folder));
	cr_assert_str_eq(knowledge_driver(folder.knowledge, "CSAGENT.sys")->vendor, "CrowdStrike");
	cr_assert_null(knowledge_incident(folder.knowledge, folder.arena, "one", &incident));
	cr_assert_str_eq(incident->title, "The one");
	cr_assert_null(knowledge_bugcheck_page(folder.knowledge, folder.arena,
					       knowledge_bugcheck(folder.knowledge, 0x50), &page));
	cr_assert_eq(page->subcode_parameter, 4);
	cr_assert_null(knowledge_fix(folder.knowledge, folder.arena, "third-party-driver", NULL,
				     NULL, false, &fix));
	cr_assert_str_eq(fix->id, "driver");
	cr_assert_not_null(knowledge_yara(folder.knowledge));
}

Test(hostile, lines_that_end_as_on_windows)
{
	char text[1024] = "";
	size_t n = 0;

	for (const char *p = folder_sound("vendors.tsv"); *p; p++) {
		if (*p == '\n')
			text[n++] = '\r';
		text[n++] = *p;
	}
	folder_write(&folder, "vendors.tsv", text, n);
	load();
	cr_assert_eq(folder.problems.count, 0, "%s", folder_problems(&folder));
	cr_assert(knowledge_driver(folder.knowledge, "csagent.sys")->confirmed);
}

Test(hostile, the_last_line_without_an_end)
{
	const char *sound = folder_sound("vendors.tsv");

	folder_write(&folder, "vendors.tsv", sound, strlen(sound) - 1);
	load();
	cr_assert_eq(folder.problems.count, 0, "%s", folder_problems(&folder));
	cr_assert(knowledge_driver(folder.knowledge, "csagent.sys")->confirmed);
}

Test(hostile, a_missing_table_is_reported_and_not_taken_from_elsewhere)
{
	folder_remove(&folder, "vendors.tsv");
	load();
	expect("vendors.tsv", "is missing");
	cr_assert_eq(folder.problems.count, 1);
	cr_assert_null(knowledge_driver(folder.knowledge, "csagent.sys"));
}

Test(hostile, every_table_missing)
{
	for (int i = 0; i < 12; i++) {
		static const char *const tables[] = {
			"altitudes.tsv", "bugchecks.tsv",     "content_files.tsv",
			"inbox.tsv",     "linux_modules.tsv", "loldrivers.tsv",
			"ntstatus.tsv",  "passthrough.tsv",   "roles.tsv",
			"subcodes.tsv",  "vendors.tsv",       "linux_intree.tsv"};
		folder_remove(&folder, tables[i]);
	}
	load();
	cr_assert_eq(folder.problems.count, 12, "%s", folder_problems(&folder));
	const struct knowledge *k = folder.knowledge;
	const char *why;
	bool exact;
	cr_assert_null(knowledge_bugcheck(k, 0x50));
	cr_assert_null(knowledge_bugcheck_named(k, "50"));
	cr_assert_str_eq(knowledge_role_text(k, "bad_addr"), "bad_addr");
	cr_assert_null(knowledge_subcode(k, 0x50, 2));
	cr_assert_null(knowledge_status(k, 0xc0000005, &why));
	cr_assert_null(knowledge_driver(k, "csagent.sys"));
	cr_assert_eq(knowledge_inbox(k, "ntfs.sys"), INBOX_NO);
	cr_assert_not(knowledge_passes_blame(k, "ntoskrnl.exe", &why));
	cr_assert_null(knowledge_bad_driver(k, "evil.sys", 0, &exact));
	cr_assert_null(knowledge_content_type(k, "C-00000291-1.sys"));
	struct incident *incident;
	cr_assert_null(knowledge_incident(k, folder.arena, "one", &incident));
	cr_assert(incident);
}

Test(hostile, no_directory)
{
	folder_remove(&folder, "roles.tsv");
	strcpy(folder.path + strlen(folder.path), "/roles.tsv");
	struct error *err = folder_load(&folder);
	cr_assert(err);
	cr_assert_eq(err->kind, ERROR_IO);
	error_destroy(err);
	*strrchr(folder.path, '/') = '\0';
}

Test(hostile, a_file_instead_of_a_directory)
{
	strcpy(folder.path + strlen(folder.path), "/roles.tsv");
	struct error *err = folder_load(&folder);
	cr_assert(err);
	cr_assert_eq(err->kind, ERROR_IO);
	error_destroy(err);
	*strrchr(folder.path, '/') = '\0';
}

Test(hostile, a_directory_without_rules)
{
	char path[] = "/tmp/culprit-rules-XXXXXX", sound[64];

	cr_assert(mkdtemp(path));
	strcpy(sound, folder.path);
	strcpy(folder.path, path);
	struct error *err = folder_load(&folder);
	cr_assert(err);
	cr_assert_eq(err->kind, ERROR_RULES);
	error_destroy(err);
	rmdir(path);
	strcpy(folder.path, sound);
}

Test(hostile, symbolic_links)
{
	char place[256];

	folder_remove(&folder, "vendors.tsv");
	folder_place(&folder, "vendors.tsv", place);
	cr_assert_eq(symlink("/etc/passwd", place), 0);
	folder_place(&folder, "incidents/link.yaml", place);
	cr_assert_eq(symlink("one.yaml", place), 0);
	folder_remove(&folder, "content/channel.yar");
	folder_remove(&folder, "content");
	folder_place(&folder, "content", place);
	cr_assert_eq(symlink("fixes", place), 0);
	load();
	expect("vendors.tsv", "it is a symbolic link");
	expect("incidents/link.yaml", "it is a symbolic link");
	expect("content", "it is not a directory");
	cr_assert_eq(folder.problems.count, 3, "%s", folder_problems(&folder));
}

Test(hostile, things_that_are_not_files)
{
	char place[256];

	folder_remove(&folder, "vendors.tsv");
	folder_place(&folder, "vendors.tsv", place);
	cr_assert_eq(mkfifo(place, 0600), 0);
	folder_place(&folder, "incidents/folder.yaml", place);
	cr_assert_eq(mkdir(place, 0700), 0);
	folder_remove(&folder, "fixes/driver.yaml");
	folder_remove(&folder, "fixes");
	folder_text(&folder, "fixes", "a file");
	load();
	expect("vendors.tsv", "is not a regular file");
	expect("incidents/folder.yaml", "is not a regular file");
	expect("fixes", "it is not a directory");
}

Test(hostile, names_that_are_none_of_ours)
{
	char place[256];

	folder_text(&folder, "SOURCES.md", "For people.");
	folder_text(&folder, "notes.txt", "x");
	folder_text(&folder, "compiled.yarc", "x");
	folder_text(&folder, "content/rules.yarc", "YARA");
	folder_text(&folder, "incidents/.hidden.yaml", "x");
	folder_text(&folder, "incidents/one.yml", "x");
	folder_text(&folder, "evil\x1b[31m\n.tsv", "x");
	folder_place(&folder, "incidents/deeper", place);
	cr_assert_eq(mkdir(place, 0700), 0);
	folder_place(&folder, "more", place);
	cr_assert_eq(mkdir(place, 0700), 0);
	load();
	expect("notes.txt", "is not the name of a rule file");
	expect("content/rules.yarc", "is not the name of a rule file");
	expect("incidents/.hidden.yaml", "is not the name of a rule file");
	expect("incidents/one.yml", "is not the name of a rule file");
	expect("incidents/deeper", "is not the name of a rule file");
	expect("more", "is not the name of a rule file");
	cr_assert_eq(folder.problems.count, 8, "%s", folder_problems(&folder));
	LIST_EACH(struct rule_problem, p, &folder.problems)
		cr_assert_null(strpbrk(p->file, "\x1b\n"));
}

Test(hostile, huge_files)
{
	char place[256];

	folder_place(&folder, "vendors.tsv", place);
	cr_assert_eq(truncate(place, 1ll << 40), 0);
	folder_place(&folder, "incidents/one.yaml", place);
	cr_assert_eq(truncate(place, 300 << 10), 0);
	load();
	expect("vendors.tsv", "more than");
	expect("incidents/one.yaml", "more than");
}

Test(hostile, more_bytes_than_a_directory_may_have)
{
	/* 40 files of nearly 1 MiB. */
	for (int i = 0; i < 40; i++) {
		char name[64], place[256];
		snprintf(name, sizeof(name), "content/r%02d.yar", i);
		folder_text(&folder, name, "rule");
		folder_place(&folder, name, place);
		cr_assert_eq(truncate(place, (1 << 20) - 1), 0);
	}
	load();
	bool found = false;
	LIST_EACH(struct rule_problem, p, &folder.problems)
		found = found || strstr(p->reason, "LIMIT_RULES");
	cr_assert(found);
}

Test(hostile, binary_junk)
{
	static const char *const names[] = {"vendors.tsv", "bugchecks/0x00000050.yaml",
					    "incidents/one.yaml", "fixes/driver.yaml",
					    "content/channel.yar"};
	unsigned char junk[4096];
	uint32_t state = 12345;

	for (size_t i = 0; i < sizeof(junk); i++) {
		state = state * 1664525u + 1013904223u;
		junk[i] = (unsigned char)(state >> 24);
	}
	for (int i = 0; i < 5; i++)
		folder_write(&folder, names[i], junk, sizeof(junk));
	load();
	for (int i = 0; i < 5; i++)
		expect(names[i], "character");
}

Test(hostile, a_nul_in_a_file)
{
	folder_write(&folder, "roles.tsv", "role\ttext\n-\tnot\0used\n", 22);
	folder_write(&folder, "content/channel.yar", "rule a { condition: true }\0x", 28);
	load();
	expect("roles.tsv", "a control, invisible or invalid");
	expect("content/channel.yar", "a control, invisible or invalid");
}

Test(hostile, yaml_that_grows)
{
	static const char bomb[] = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
				   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nid: [*c,*c,*c,*c,*c,*c]\n";

	folder_text(&folder, "incidents/one.yaml", bomb);
	load();
	expect("incidents/one.yaml", "anchors and aliases");
}

Test(hostile, yaml_that_nests)
{
	static const struct {
		const char *name, *unit;
	} ways[] = {{"fixes/a.yaml", "["},
		    {"fixes/b.yaml", "{a: "},
		    {"fixes/c.yaml", "- "},
		    {"fixes/d.yaml", "? "},
		    {"fixes/e.yaml", "[{a: "}};
	size_t size = 200 << 10;
	char *text = malloc(size);

	for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++) {
		size_t unit = strlen(ways[w].unit);
		for (size_t i = 0; i < size; i++)
			text[i] = ways[w].unit[i % unit];
		folder_write(&folder, ways[w].name, text, size);
	}
	free(text);
	load();
	for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++)
		expect(ways[w].name, "nested too deeply");
}

Test(hostile, yaml_with_very_many_entries)
{
	size_t size = 200 << 10;
	char *text = malloc(size);

	memset(text, 'a', size);
	for (size_t i = 0; i + 1 < size; i += 2)
		memcpy(text + i, i == 0 ? "[a" : ",a", 2);
	text[size - 1] = ']';
	folder_write(&folder, "fixes/many.yaml", text, size);
	free(text);
	load();
	expect("fixes/many.yaml", "");
}

Test(hostile, two_files_with_one_yara_rule)
{
	folder_text(&folder, "content/other.yar", folder_sound("content/channel.yar"));
	load();
	/* The first by name stays. */
	expect("content/other.yar", "duplicated identifier");
	cr_assert_not_null(knowledge_file(folder.knowledge, "content/channel.yar", NULL));
	cr_assert_not_null(knowledge_yara(folder.knowledge));
	cr_assert_eq(folder.problems.count, 1, "%s", folder_problems(&folder));
}

Test(hostile, two_fixes_for_the_same)
{
	char text[1024];
	const char *sound = folder_sound("fixes/driver.yaml");

	snprintf(text, sizeof(text), "id: other%s", sound + strlen("id: driver"));
	folder_text(&folder, "fixes/other.yaml", text);
	load();
	expect("fixes/other.yaml", "same class, family and category as fixes/driver.yaml");
}

Test(hostile, very_many_problems)
{
	size_t size = 1 << 20;
	char *text = malloc(size);

	memset(text, '\n', size);
	folder_write(&folder, "vendors.tsv", text, size);
	free(text);
	for (int i = 0; i < 3000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "x%d", i);
		folder_text(&folder, name, "");
	}
	load();
	cr_assert_leq(folder.problems.count, 2000);
	cr_assert_null(knowledge_file(folder.knowledge, "vendors.tsv", NULL));
}

Test(hostile, the_hash_is_of_what_is_used)
{
	char before[128];

	load();
	strcpy(before, knowledge_hash(folder.knowledge));
	folder_text(&folder, "notes.txt", "no rule");
	load();
	cr_assert_str_eq(knowledge_hash(folder.knowledge), before);
	folder_text(&folder, "roles.tsv", folder_sound("inbox.tsv"));
	load();
	cr_assert_str_neq(knowledge_hash(folder.knowledge), before);
}
