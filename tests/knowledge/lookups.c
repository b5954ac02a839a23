/* What the rules inside the program answer. */
#include "internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct knowledge *k;
static struct arena *arena;

static void load(void)
{
	struct error *err = knowledge_load_builtin(&k);

	cr_assert_null(err, "%s", err ? err->message : "");
	arena = arena_create(16 << 20);
	cr_assert(arena);
}

static void unload(void)
{
	knowledge_destroy(k);
	arena_destroy(arena);
}

TestSuite(lookups, .init = load, .fini = unload);

Test(lookups, the_rules_are_sound)
{
	struct list problems;
	struct arena *big = arena_create(64 << 20);
	struct error *err = knowledge_check_builtin(big, &problems);

	cr_assert_null(err, "%s", err ? err->message : "");
	LIST_EACH(struct rule_problem, p, &problems)
		cr_log_error("rules/%s:%u: %s", p->file, p->line, p->reason);
	cr_assert_eq(problems.count, 0);
	arena_destroy(big);
}

Test(lookups, the_directory_they_came_from_is_the_same)
{
	struct list problems;
	struct knowledge *directory;
	struct arena *big = arena_create(64 << 20);
	struct error *err =
		knowledge_load_directory(TEST_DATA "/../rules", big, &problems, &directory);

	cr_assert_null(err, "%s", err ? err->message : "");
	cr_assert_eq(problems.count, 0);
	cr_assert_str_eq(knowledge_hash(directory), knowledge_hash(k));
	cr_assert_eq(strlen(knowledge_hash(k)), 7 + 64);
	cr_assert_eq(strncmp(knowledge_hash(k), "sha256:", 7), 0);
	size_t n = 0;
	for (; knowledge_files(k)[n]; n++) {
		size_t a, b;
		const char *name = knowledge_files(k)[n];
		const char *ours = knowledge_file(k, name, &a);
		const char *theirs = knowledge_file(directory, name, &b);
		cr_assert(ours && theirs, "%s", name);
		cr_assert_eq(a, b);
		cr_assert_eq(memcmp(ours, theirs, a), 0);
		cr_assert(!n || strcmp(knowledge_files(k)[n - 1], name) < 0);
	}
	cr_assert_gt(n, 100);
	cr_assert_null(knowledge_files(directory)[n]);
	knowledge_destroy(directory);
	arena_destroy(big);
}

Test(lookups, files_that_are_not_there)
{
	size_t size = 7;

	cr_assert_null(knowledge_file(k, "SOURCES.md", &size));
	cr_assert_null(knowledge_file(k, "", &size));
	cr_assert_null(knowledge_file(k, "../secret", &size));
	cr_assert_eq(size, 7);
	cr_assert_not_null(knowledge_file(k, "vendors.tsv", NULL));
}

/* ---- stop codes ----------------------------------------------------------------------------- */

Test(lookups, stop_code_0x50)
{
	const struct bugcheck *b = knowledge_bugcheck(k, 0x50);

	cr_assert(b);
	cr_assert_eq(b->code, 0x50);
	cr_assert_str_eq(b->name, "PAGE_FAULT_IN_NONPAGED_AREA");
	cr_assert_str_eq(b->kind, "stop");
	cr_assert_str_eq(b->family, "memory");
	cr_assert_str_eq(b->role[0], "bad_addr");
	cr_assert_str_eq(b->role[1], "access");
	cr_assert_str_neq(knowledge_role_text(k, "bad_addr"), "bad_addr");
	cr_assert_str_eq(knowledge_role_text(k, "no such role"), "no such role");
}

Test(lookups, the_small_variant_of_a_code)
{
	/* 0x1000007E has a row of its own, 0x10000050 has not. */
	cr_assert_str_eq(knowledge_bugcheck(k, 0x1000007e)->name,
			 "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M");
	cr_assert_eq(knowledge_bugcheck(k, 0x10000050), knowledge_bugcheck(k, 0x50));
}

Test(lookups, codes_that_are_whole)
{
	cr_assert_eq(knowledge_bugcheck(k, 0xc000021a)->code, 0xc000021a);
	cr_assert_eq(knowledge_bugcheck(k, 0xdeaddead)->code, 0xdeaddead);
	/* Without the bit it would be a code that exists. */
	cr_assert_null(knowledge_bugcheck(k, 0xd000021a));
	cr_assert_null(knowledge_bugcheck(k, 0xceaddead));
	cr_assert_null(knowledge_bugcheck(k, 0x90000050));
	cr_assert_null(knowledge_bugcheck(k, 0xa0000001));
	cr_assert_null(knowledge_bugcheck(k, 0));
}

Test(lookups, every_page)
{
	unsigned pages = 0;

	for (uint32_t code = 0; code < 0x400; code++) {
		const struct bugcheck *b = knowledge_bugcheck(k, code);
		struct bugcheck_page *page = NULL;
		if (!b)
			continue;
		struct error *err = knowledge_bugcheck_page(k, arena, b, &page);
		cr_assert_null(err, "%s", err ? err->message : "");
		if (!page)
			continue;
		pages++;
		cr_assert(*page->meaning);
		for (int i = 0; i < 4; i++)
			cr_assert(*page->parameters[i]);
		cr_assert_gt(page->causes.count, 0);
		cr_assert_gt(page->advice.count, 0);
		cr_assert_eq(!page->subcode_parameter, !page->subcodes.count);
	}
	cr_assert_gt(pages, 50);
}

Test(lookups, the_page_of_a_variant_is_that_of_the_code)
{
	struct bugcheck_page *variant = NULL, *plain = NULL;

	cr_assert_null(
		knowledge_bugcheck_page(k, arena, knowledge_bugcheck(k, 0x1000007e), &variant));
	cr_assert_null(knowledge_bugcheck_page(k, arena, knowledge_bugcheck(k, 0x7e), &plain));
	cr_assert(variant && plain);
	cr_assert_str_eq(variant->meaning, plain->meaning);
}

Test(lookups, a_code_without_a_page)
{
	const struct bugcheck unknown = {.code = 0x7777};
	struct bugcheck_page *page = (void *)1;

	cr_assert_null(knowledge_bugcheck_page(k, arena, &unknown, &page));
	cr_assert_null(page);
}

Test(lookups, codes_as_people_write_them)
{
	static const char *const forms[] = {
		"50",
		"0x50",
		"0X50",
		"0x00000050",
		"00000050",
		"0x10000050",
		"PAGE_FAULT_IN_NONPAGED_AREA",
		"page_fault_in_nonpaged_area",
	};
	static const char *const nonsense[] = {
		"",     "0x", "zz", "0x5z", "-50", " 50", "0x100000000", "0x5000000000000000000",
		"PAGE",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		const struct bugcheck *b = knowledge_bugcheck_named(k, forms[i]);
		cr_assert(b && b->code == 0x50, "%s", forms[i]);
	}
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++)
		cr_assert_null(knowledge_bugcheck_named(k, nonsense[i]), "%s", nonsense[i]);
	cr_assert_eq(knowledge_bugcheck_named(k, "1000007e")->code, 0x1000007e);
}

Test(lookups, subcodes)
{
	const char *text = knowledge_subcode(k, 0x12, 1);

	cr_assert(text);
	cr_assert_str_eq(text, "an interrupt came that nobody had announced");
	cr_assert_eq(knowledge_subcode(k, 0x10000012, 1), text);
	cr_assert_null(knowledge_subcode(k, 0x12, UINT64_MAX));
	cr_assert_null(knowledge_subcode(k, 0x7777, 1));
}

Test(lookups, status_values)
{
	const char *meaning = NULL;

	cr_assert_str_eq(knowledge_status(k, 0xc0000005, &meaning), "STATUS_ACCESS_VIOLATION");
	cr_assert(meaning && *meaning);
	cr_assert_str_eq(knowledge_status(k, 0x80000003, NULL), "STATUS_BREAKPOINT");
	cr_assert_null(knowledge_status(k, 0x12345678, &meaning));
}

/* ---- drivers -------------------------------------------------------------------------------- */

Test(lookups, drivers_by_vendor)
{
	const struct driver_info *d = knowledge_driver(k, "CSAgent.SYS");

	cr_assert(d);
	cr_assert_str_eq(d->name, "csagent.sys");
	cr_assert_str_eq(d->vendor, "CrowdStrike");
	cr_assert_str_eq(d->category, "edr");
	cr_assert(d->confirmed);
	cr_assert_null(knowledge_driver(k, "csagent"));
	cr_assert_null(knowledge_driver(k, ""));
	cr_assert_null(knowledge_driver(k, "no such driver.sys"));
}

Test(lookups, drivers_of_the_altitude_list)
{
	size_t size;
	const char *altitudes = knowledge_file(k, "altitudes.tsv", &size);
	unsigned only_there = 0;

	/* Every name of the list is known, if only by its company. */
	for (const char *p = strchr(altitudes, '\n') + 1; *p; p = strchr(p, '\n') + 1) {
		char name[128] = "";
		memcpy(name, p, strcspn(p, "\t"));
		const struct driver_info *d = knowledge_driver(k, name);
		bool company = p[strlen(name) + 1] != '\t';
		cr_assert(d || !company, "%s", name);
		if (d && !*d->category) {
			only_there++;
			cr_assert(*d->vendor);
			cr_assert_str_eq(d->product, "");
			cr_assert(d->confirmed);
		}
	}
	cr_assert_gt(only_there, 100);
}

Test(lookups, linux_modules)
{
	cr_assert_str_eq(knowledge_driver(k, "falcon_lsm_serviceable")->vendor, "CrowdStrike");
	cr_assert_str_eq(knowledge_driver(k, "falcon_lsm_pinned_18303")->vendor, "CrowdStrike");
	cr_assert_str_eq(knowledge_driver(k, "falcon-lsm-pinned-18303")->vendor, "CrowdStrike");
	cr_assert_str_eq(knowledge_driver(k, "vboxdrv.ko")->name, "vboxdrv");
	cr_assert_null(knowledge_driver(k, "falcon_lsm_serviceable.sys"));
	cr_assert_null(knowledge_driver(k, "ext4"));
}

Test(lookups, drivers_of_windows)
{
	cr_assert_eq(knowledge_inbox(k, "ntfs.sys"), INBOX_MICROSOFT);
	cr_assert_eq(knowledge_inbox(k, "NTFS.SYS"), INBOX_MICROSOFT);
	cr_assert_eq(knowledge_inbox(k, "3ware.sys"), INBOX_THIRD_PARTY);
	cr_assert_eq(knowledge_inbox(k, "MpKslabcdef12.sys"), INBOX_MICROSOFT);
	cr_assert_eq(knowledge_inbox(k, "csagent.sys"), INBOX_NO);
	cr_assert_eq(knowledge_inbox(k, "ntfs.sys.sys"), INBOX_NO);
}

Test(lookups, modules_that_blame_walks_past)
{
	const char *why = NULL;

	cr_assert(knowledge_passes_blame(k, "ntoskrnl.exe", &why));
	cr_assert(why && *why);
	cr_assert(knowledge_passes_blame(k, "nt", NULL));
	cr_assert(knowledge_passes_blame(k, "FltMgr.sys", NULL));
	cr_assert(knowledge_passes_blame(k, "dump_iaStorAC.sys", NULL));
	cr_assert_not(knowledge_passes_blame(k, "csagent.sys", NULL));
}

Test(lookups, listed_bad_drivers)
{
	bool exact = true;
	const uint32_t time = 0x6344360a;
	static const char name[] = "0x3440_blacklotus_v2_driver.sys";
	const struct bad_driver *d = knowledge_bad_driver(k, name, 0, &exact);

	cr_assert(d);
	cr_assert_not(exact);
	cr_assert_str_eq(d->category, "malicious");
	cr_assert_eq(d->timestamp, time);
	cr_assert(knowledge_bad_driver(k, name, time, &exact) && exact);
	/* Time zones differ by whole hours, up to 14. */
	cr_assert(knowledge_bad_driver(k, name, time - 2 * 3600, &exact) && exact);
	cr_assert(knowledge_bad_driver(k, name, time + 14 * 3600, &exact) && exact);
	cr_assert(knowledge_bad_driver(k, name, time + 15 * 3600, &exact) && !exact);
	cr_assert(knowledge_bad_driver(k, name, time + 1, &exact) && !exact);
	cr_assert_null(knowledge_bad_driver(k, "ntfs.sys", time, &exact));
	cr_assert_not(exact);
}

Test(lookups, one_of_many_samples_of_a_name)
{
	bool exact;
	/* A name that is listed with several link times: each is found by its own. */
	const struct bad_driver *first = knowledge_bad_driver(k, "capcom.sys", 0, &exact);
	size_t size;
	unsigned seen = 0;

	cr_assert(first);
	for (const char *p = knowledge_file(k, "loldrivers.tsv", &size);
	     (p = strstr(p, "\ncapcom.sys\t")); p++) {
		const char *time = strstr(p, "\t0x");
		if (!time || time > strchr(p + 1, '\n'))
			continue;
		uint32_t value = (uint32_t)strtoul(time + 1, NULL, 16);
		const struct bad_driver *d = knowledge_bad_driver(k, "Capcom.sys", value, &exact);
		cr_assert(d && exact);
		cr_assert_eq(d->timestamp, value);
		seen++;
	}
	cr_assert_gt(seen, 0);
}

/* ---- content files -------------------------------------------------------------------------- */

static const char *type_of(const char *path)
{
	const struct content_type *type = knowledge_content_type(k, path);

	return type ? type->id : "none";
}

Test(lookups, content_file_by_path)
{
#define FILE_291 "C-00000291-00000000-00000032.sys"
	static const char *const paths[] = {
		"\\Device\\HarddiskVolume3\\Windows\\System32\\drivers\\CrowdStrike\\" FILE_291,
		"\\Windows\\System32\\drivers\\CrowdStrike\\" FILE_291,
		"\\??\\C:\\Windows\\System32\\drivers\\CrowdStrike\\" FILE_291,
		"C:\\Windows\\System32\\drivers\\CrowdStrike\\" FILE_291,
		"C:/WINDOWS/system32/DRIVERS/crowdstrike/" FILE_291,
		"\\SystemRoot\\System32\\drivers\\CrowdStrike\\" FILE_291,
		"drivers\\CrowdStrike\\" FILE_291,
		FILE_291,
		"c-00000291-00000000-00000032.SYS",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		cr_assert_str_eq(type_of(paths[i]), "crowdstrike-channel-291", "%s", paths[i]);
	cr_assert_str_eq(type_of("\\Windows\\System32\\drivers\\CrowdStrike\\"
				 "C-00000187-00000000-00000005.sys"),
			 "crowdstrike-channel");
}

Test(lookups, paths_that_are_no_content_file)
{
	static const char *const paths[] = {
		"",
		"\\",
		"C:\\",
		"C:\\Windows\\System32\\drivers\\CrowdStrike\\",
		/* The directory is part of what the type is. */
		("C:\\Windows\\Temp\\" FILE_291),
		"C:\\Windows\\System32\\drivers\\CrowdStrike\\csagent.sys",
		"C:\\drivers\\CrowdStrike\\x\\..\\config.txt",
		/* A bare name must have something of its own. */
		"x.dat",
		"virus.vdm",
		"ntfs.sys",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		cr_assert_str_eq(type_of(paths[i]), "none", "%s", paths[i]);
}

Test(lookups, a_path_without_end)
{
	char *path = malloc(1 << 20);

	memset(path, '\\', 1 << 20);
	path[(1 << 20) - 1] = '\0';
	cr_assert_str_eq(type_of(path), "none");
	free(path);
}

Test(lookups, content_file_of_linux)
{
	cr_assert_str_eq(type_of("/opt/sophos-av/lib/sav/x.ide"), "sophos-linux");
}

Test(lookups, who_consumes_a_content_file)
{
	const struct content_type *type = knowledge_content_type(k, FILE_291);

	cr_assert(type);
	cr_assert_str_eq(type->vendor, "CrowdStrike");
	cr_assert(knowledge_consumes(k, type, "csagent.sys"));
	cr_assert(knowledge_consumes(k, type, "CSAGENT.SYS"));
	cr_assert(knowledge_consumes(k, type, "im.sys"));
	/* Of the same vendor. */
	cr_assert(knowledge_consumes(k, type, "csdevicecontrol.sys"));
	cr_assert_not(knowledge_consumes(k, type, "ntfs.sys"));
	cr_assert_not(knowledge_consumes(k, type, "wdfilter.sys"));
	cr_assert_not(knowledge_consumes(k, type, ""));
}

Test(lookups, yara_rules_are_there)
{
	cr_assert_not_null(knowledge_yara(k));
}

Test(lookups, two_at_once)
{
	struct knowledge *other;

	cr_assert_null(knowledge_load_builtin(&other));
	cr_assert_neq(knowledge_yara(other), knowledge_yara(k));
	knowledge_destroy(other);
	cr_assert_not_null(knowledge_driver(k, "csagent.sys"));
	knowledge_destroy(NULL);
}

Test(lookups, compiled_rules_of_another_version)
{
	struct knowledge other = {0};
	static const char junk[] = "YARA\x06\x63\x63 not what this libyara would write";

	cr_assert_null(yara_begin(&other));
	struct error *err = yara_load(&other, junk, sizeof(junk));
	cr_assert(err);
	cr_assert_eq(err->kind, ERROR_RULES);
	error_destroy(err);
	cr_assert_null(knowledge_yara(&other));
	/* Then the source is compiled. */
	other.files = k->files;
	other.file_count = k->file_count;
	cr_assert_null(yara_compile(&other, NULL));
	cr_assert_not_null(knowledge_yara(&other));
	yara_end(&other);
}

/* ---- incidents and fixes -------------------------------------------------------------------- */

Test(lookups, incident_by_id)
{
	struct incident *i = NULL;

	cr_assert_null(knowledge_incident(k, arena, "crowdstrike-2024-07-19-cf291", &i));
	cr_assert(i);
	cr_assert_str_eq(i->vendor, "CrowdStrike");
	cr_assert_str_eq(i->os, "windows");
	cr_assert_str_eq(*(const char **)list_at(&i->drivers, 0), "csagent.sys");
	cr_assert(i->harmful_file);
	cr_assert(i->confirmed);
	cr_assert_str_eq(i->first, "2024-07-19T04:09:00Z");
	cr_assert_gt(i->steps.count, 3);
	cr_assert_gt(i->cautions.count, 0);
	bool found = false;
	LIST_EACH(struct incident_offset, offset, &i->offsets)
		found = found || !strcmp(offset->offset, "0xe14ed");
	cr_assert(found);
	LIST_EACH(struct fix_step, step, &i->steps)
		cr_assert(*step->check && *step->action && *step->verify && *step->undo);
}

Test(lookups, incidents_that_are_not_there)
{
	static const char *const ids[] = {"", "no-such", "../vendors.tsv", "x/../one",
					  "CROWDSTRIKE-2024-07-19-cf291"};

	for (size_t n = 0; n < sizeof(ids) / sizeof(*ids); n++) {
		struct incident *i = (void *)1;
		cr_assert_null(knowledge_incident(k, arena, ids[n], &i));
		cr_assert_null(i);
	}
}

Test(lookups, every_incident)
{
	size_t n = 0;

	for (; knowledge_incident_ids(k)[n]; n++) {
		struct incident *i = NULL;
		struct error *err = knowledge_incident(k, arena, knowledge_incident_ids(k)[n], &i);
		cr_assert_null(err, "%s", err ? err->message : "");
		cr_assert_str_eq(i->id, knowledge_incident_ids(k)[n]);
		cr_assert(!n || strcmp(knowledge_incident_ids(k)[n - 1], i->id) < 0);
	}
	cr_assert_gt(n, 40);
}

static bool has_incident(const struct list *list, const char *id)
{
	LIST_EACH(struct incident, i, list)
		if (!strcmp(i->id, id))
			return true;
	return false;
}

Test(lookups, incidents_of_a_driver)
{
	struct list list;

	cr_assert_null(knowledge_incidents_for(k, arena, "CSAgent.sys", &list));
	cr_assert(has_incident(&list, "crowdstrike-2024-07-19-cf291"));
	cr_assert_not(has_incident(&list, "dattobd-365"));
	/* By a glob that no search for the name finds. */
	cr_assert_null(knowledge_incidents_for(k, arena, "falcon_lsm_pinned_18303", &list));
	cr_assert_gt(list.count, 0);
	cr_assert_null(knowledge_incidents_for(k, arena, "no such driver.sys", &list));
	cr_assert_eq(list.count, 0);
	cr_assert_null(knowledge_incidents_for(k, arena, "", &list));
	cr_assert_eq(list.count, 0);
}

Test(lookups, a_small_budget_is_an_error)
{
	struct arena *small = arena_create(4096);
	struct list list;
	struct error *err = knowledge_incidents_for(k, small, "csagent.sys", &list);

	cr_assert(err);
	cr_assert_eq(err->kind, ERROR_LIMIT);
	error_destroy(err);
	arena_destroy(small);
}

static const char *fix_of(const char *class, const char *family, const char *category, bool content)
{
	struct fix_page *page = NULL;
	struct error *err = knowledge_fix(k, arena, class, family, category, content, &page);

	cr_assert_null(err, "%s", err ? err->message : "");
	if (!page)
		return "none";
	cr_assert_gt(page->steps.count, 0);
	return page->id;
}

Test(lookups, the_most_particular_fix)
{
	struct fix_page *general = NULL, *particular = NULL;

	cr_assert_null(knowledge_fix(k, arena, "third-party-driver", NULL, NULL, false, &general));
	cr_assert(general);
	cr_assert_str_eq(general->category, "");
	cr_assert_str_eq(general->family, "");
	cr_assert_null(
		knowledge_fix(k, arena, "third-party-driver", "memory", "edr", false, &particular));
	cr_assert(particular);
	cr_assert_str_eq(particular->category, "edr");
	cr_assert_not(particular->content);
	cr_assert_str_neq(fix_of("third-party-driver", "memory", "edr", true), particular->id);
	cr_assert_str_eq(fix_of("third-party-driver", "nonsense", "nonsense", false), general->id);
	cr_assert_str_eq(fix_of("no such class", NULL, NULL, false), "none");
}

Test(lookups, every_class_has_a_fix)
{
	static const char *const classes[] = {
		"third-party-driver", "os-driver",   "hardware", "memory-corruption",
		"user-initiated",     "application", "unknown"};

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		cr_assert_str_neq(fix_of(classes[i], NULL, NULL, false), "none", "%s", classes[i]);
}
