/* One thing wrong with a sound directory: it is described by file and line, the file is left out,
 * and the rest is used. */
#include "folder.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct broken {
	const char *file, *old, *new; /* replace the first OLD by NEW; NULL: the file becomes NEW */
	unsigned line;
	const char *reason; /* part of it */
};

static const struct broken cases[] = {
	/* Tables. */
	{"bugchecks.tsv", "kind", "sort", 1, "column 3 of the header must be 'kind', not 'sort'"},
	{"bugchecks.tsv", "\tvar\n", "\n", 2, "7 columns, not 8"},
	{"bugchecks.tsv", "\tvar\n", "\tvar\tvar\n", 2, "9 columns, not 8"},
	{"bugchecks.tsv", "0x00000050", "0x50", 2, "code '0x50' is not a code of the form"},
	{"bugchecks.tsv", "0x0000007E", "0x0000007e", 3, "is not a code of the form"},
	{"bugchecks.tsv", "0x0000007E", "0x00000050", 3, "stands already in line 2"},
	{"bugchecks.tsv", "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED", "PAGE_FAULT_IN_NONPAGED_AREA", 3,
	 "name PAGE_FAULT_IN_NONPAGED_AREA stands already in line 2"},
	{"bugchecks.tsv", "PAGE_FAULT", "PAGE FAULT", 2, "is not a word of letters, digits and _"},
	{"bugchecks.tsv", "\tstop\t", "\tpause\t", 2,
	 "kind 'pause' is not one of stop|live|stop+live"},
	{"bugchecks.tsv", "\tstop\t", "\tsto\t", 2, "is not one of"},
	{"bugchecks.tsv", "\tstop\t", "\tstop|live\t", 2, "is not one of"},
	{"bugchecks.tsv", "\taccess\t", "\tnonsense\t", 2, "role2 'nonsense' is not in roles.tsv"},
	{"bugchecks.tsv", "\tmemory\t", "\tmemory \t", 2, "begins or ends with a space"},
	{"roles.tsv", "not used", "", 2, "text is empty"},
	{"roles.tsv", NULL, "", 0, "the file is empty"},
	{"roles.tsv", "bad_addr", "BAD_ADDR\tx\nbad_addr", 4, "stands already in line 3"},
	{"subcodes.tsv", "0x2", "2", 2, "is not a number of the form"},
	{"subcodes.tsv", "0x2", "0x11112222333344445", 2, "is not a number of the form"},
	{"subcodes.tsv", "0x2\tno page there\n", "0x2\tone\n0x00000050\t0x2\ttwo\n", 3,
	 "stands already in line 2"},
	{"subcodes.tsv", "0x00000050", "0x00000051", 2, "0x00000051 is not in bugchecks.tsv"},
	{"ntstatus.tsv", "0xC0000005", "C0000005", 2, "is not a code of the form"},
	{"vendors.tsv", "csagent.sys", "*", 2, "'*' fits too many names"},
	{"vendors.tsv", "csagent.sys", "?.sys", 2, "fits too many names"},
	{"vendors.tsv", "csagent.sys", "drivers\\csagent.sys", 2, "is not a file name"},
	{"vendors.tsv", "csagent.sys", "cs[ab].sys", 2, "only * and ? stand for other characters"},
	{"vendors.tsv", "\tedr\t", "\tEDR!\t", 2, "category 'EDR!' is not a word"},
	{"vendors.tsv", "sourced", "sure", 2, "is not one of sourced|memory"},
	{"vendors.tsv", "CrowdStrike", "", 2, "vendor is empty"},
	{"vendors.tsv", "CrowdStrike", "Crowd\xffStrike", 2, "not UTF-8"},
	{"vendors.tsv", "CrowdStrike", "Crowd\x1b[31mStrike", 2, "a control, invisible or invalid"},
	{"vendors.tsv", "CrowdStrike", "Crowd\xe2\x80\xaeStrike", 2, "a control, invisible"},
	{"inbox.tsv", "microsoft", "ours", 2, "is not one of"},
	{"inbox.tsv", "ntfs.sys", "nt*.sys", 2, "are of the kind 'pattern'"},
	{"altitudes.tsv", "321410", "high", 2, "altitude 'high' is not a number"},
	{"altitudes.tsv", "bdprivmon.sys", "", 2, "minifilter is empty"},
	{"loldrivers.tsv", "malicious", "bad", 2, "is not one of vulnerable driver|malicious"},
	{"loldrivers.tsv", "0x6344360a", "0x6344360a11", 2, "more than 32 bits"},
	{"loldrivers.tsv", "evil.sys", "evil*.sys", 2, "is not a file name"},
	{"content_files.tsv", "c-00000291-*.sys", "", 2, "globs is empty"},
	{"content_files.tsv", "c-00000291-*.sys", "a.sys  b.sys", 2, "has an empty entry"},
	{"content_files.tsv", "c-00000291-*.sys", "x\\a.sys", 2, "is not a file name"},
	{"content_files.tsv", "csagent.sys", "csagent.sys im.sys", 2,
	 "not separated the usual way"},
	{"content_files.tsv", "\\drivers\\crowdstrike\\", "drivers", 2, "does not begin with"},
	{"content_files.tsv", "\\drivers\\crowdstrike\\", "\\Drivers", 2, "is not in lower case"},
	{"content_files.tsv", "\\drivers\\crowdstrike\\", "\\*\\", 2, "has a wildcard"},
	{"content_files.tsv", "\\drivers\\crowdstrike\\\tc-00000291-*.sys", "\t*", 2,
	 "'*' without a directory fits too many files"},
	{"content_files.tsv", "csagent.sys", "nobody.sys", 2, "owner 'nobody.sys' is in neither"},
	{"content_files.tsv", "windows", "dos", 2, "is not one of windows|linux|macos"},
	{"passthrough.tsv", "ntoskrnl.exe", "", 2, "glob is empty"},
	{"linux_modules.tsv", "falcon_lsm_pinned_*", "a/b", 2, "is not a file name"},

	/* Documents: YAML. */
	{"fixes/driver.yaml", NULL, "", 0, "the file is empty"},
	{"fixes/driver.yaml", NULL, "# nothing\n", 0, "the file is empty"},
	{"fixes/driver.yaml", NULL, "- a\n- b\n", 0, "keys with values are expected"},
	{"fixes/driver.yaml", "title", "titel", 6, "'titel' is not a key of such a file"},
	{"fixes/driver.yaml", "  verify", "  werify", 10, "'werify' is not a key of such a file"},
	{"fixes/driver.yaml", "content: false\n", "id: driver\n", 5, "'id' is given twice"},
	{"fixes/driver.yaml", "  undo: Go back.\n", "", 10, "'undo' is missing"},
	{"fixes/driver.yaml", "cautions: []\n", "", 0, "'cautions' is missing"},
	{"fixes/driver.yaml", "cautions: []", "cautions: none", 12, "cautions: a list is expected"},
	{"fixes/driver.yaml", "class: third-party-driver", "class: [a]", 2,
	 "class: a text is expected"},
	{"fixes/driver.yaml", "content: false", "content: maybe", 5,
	 "content: 'maybe' is not a value it can have"},
	{"fixes/driver.yaml", "do: Update it.", "do: ''", 9, "do: empty text"},
	{"fixes/driver.yaml", "title: 'Update {driver}'", "title: {a: b", 7, ""},
	{"fixes/driver.yaml", "do: Update it.", "do: a: b", 9, "mapping values are not allowed"},
	{"fixes/driver.yaml", "cautions: []", "\tcautions: []", 12, ""},
	{"fixes/driver.yaml", "do: Update it.", "do: &x Update it.", 9, "anchors and aliases"},
	{"fixes/driver.yaml", "do: Update it.", "do: *x", 9, "anchors and aliases"},
	{"fixes/driver.yaml", "do: Update it.", "do: !!str Update", 9, "tags (!)"},
	{"fixes/driver.yaml", "do: Update it.", "do: |\n   a\n   b", 9, "a text of several lines"},
	{"fixes/driver.yaml", "do: Update it.", "do: \"\\e[31m\"", 9, "a control or invisible"},
	{"fixes/driver.yaml", "references: []", "references: []\n---\nid: two", 14,
	 "a second document begins"},
	{"fixes/driver.yaml", "references: []", "references: [[[[[[[[[[[]]]]]]]]]]]", 13,
	 "nested too deeply"},
	{"fixes/driver.yaml", "Update it.", "\xc3\x28", 9, "not UTF-8"},

	/* Fixes. */
	{"fixes/driver.yaml", "id: driver", "id: other", 1, "belongs into a file of that name"},
	{"fixes/driver.yaml", "third-party-driver", "bad-luck", 2, "is not a class of verdict"},
	{"fixes/driver.yaml", "family: ''", "family: nonsense", 3,
	 "no stop code of bugchecks.tsv is of 'nonsense'"},
	{"fixes/driver.yaml", "category: ''", "category: A B", 4, "category: 'A B' is not a word"},
	{"fixes/driver.yaml", "class: third-party-driver", "class:\n  third-party-driver", 2,
	 "must be one plain word on the line of its key"},

	/* Runbook steps. */
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "del C:\\x\\*", 29,
	 "fits too many files"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "del C:\\x\\*.*", 29,
	 "fits too many files"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "del C:\\x\\", 29, "is a directory"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "del /f C:\\x", 29,
	 "may be a directory"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "cd C:\\x & del *.sys", 29,
	 "fits too many files"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "del /s C-00000291-a.sys", 29,
	 "deletes whole directories"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "rd C:\\x", 29,
	 "removes more than a named file"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "rm -rf /opt/x.d", 29,
	 "deletes whole directories"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "del \"C:\\x y\\*\"", 29,
	 "fits too many files"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "del C:\\*\\C-00000291-1.sys", 29,
	 "has a wildcard in its directory"},
	{"incidents/one.yaml", "del C:\\x\\C-00000291*.sys", "Remove-Item C:\\x\\* -Recurse", 29,
	 "fits too many files"},

	/* Incidents. */
	{"incidents/one.yaml", "id: one", "id: two", 1, "belongs into a file of that name"},
	{"incidents/one.yaml", "id: one", "id: One", 1, "id: 'One' is not a word"},
	{"incidents/one.yaml", "'2024-07-19'", "'19.07.2024'", 3, "is not a time of the form"},
	{"incidents/one.yaml", "'2024-07-19'", "'2024-13-19'", 3, "is not a time of the form"},
	{"incidents/one.yaml", "04:09:00Z", "04:09", 19, "is not a time of the form"},
	{"incidents/one.yaml", "timeline:", "last: '2023'\ntimeline:", 20, "last: is before first"},
	{"incidents/one.yaml", "05:27:00Z", "25:27:00Z", 21, "is not a time of the form"},
	{"incidents/one.yaml", "os: windows", "os: vms", 4, "os: 'vms' is not one of"},
	{"incidents/one.yaml", "content-update", "Content Update", 6, "is not a word"},
	{"incidents/one.yaml", "- csagent.sys", "- '*'", 8, "fits too many drivers"},
	{"incidents/one.yaml", "- csagent.sys", "- \"o\\x74her.sys\"", 8, "without escapes"},
	{"incidents/one.yaml", "- csagent.sys", "- a\\b", 8, "is not a file name"},
	{"incidents/one.yaml", "- C-00000291-*.sys", "- '*'", 10, "fits too many files"},
	{"incidents/one.yaml", "'0x50'", "'80'", 12, "bugcheck: '80' is not a number of the form"},
	{"incidents/one.yaml", "'0x50'", "'0x123456789'", 12, "has more than 8 digits"},
	{"incidents/one.yaml", "panic_regex: []", "panic_regex: ['RIP: (rm']", 13,
	 "panic_regex: 'RIP: (rm' is no regular expression"},
	{"incidents/one.yaml", "panic_regex: []", "panic_regex: []\n  kernels: ['el[7']", 14,
	 "kernels: 'el[7' is no regular expression"},
	{"incidents/one.yaml", "'0xe14ed'", "14ed", 18, "offset: '14ed' is not a number"},
	{"incidents/one.yaml", "- Only that file.", "[]", 34, ""},
	{"incidents/one.yaml", "cautions:\n- Only that file.", "cautions: []", 25,
	 "at least one caution is needed"},
	{"incidents/one.yaml", "confidence: sourced", "confidence: sure", 36,
	 "confidence: 'sure' is not a value it can have"},

	/* Pages. */
	{"bugchecks/0x00000050.yaml", "'0x00000050'", "'0x50'", 1, "is not a code of the form"},
	{"bugchecks/0x00000050.yaml", "'0x00000050'", "'0x0000007E'", 1,
	 "belongs into a file of that name"},
	{"bugchecks/0x00000050.yaml", "PAGE_FAULT_IN", "PAGEFAULT_IN", 2,
	 "is called PAGE_FAULT_IN_NONPAGED_AREA in bugchecks.tsv"},
	{"bugchecks/0x00000050.yaml", "[a, b, c, d]", "[a, b, c]", 4,
	 "parameters: too few entries"},
	{"bugchecks/0x00000050.yaml", "[a, b, c, d]", "[a, b, c, d, e]", 4,
	 "parameters: too many entries"},
	{"bugchecks/0x00000050.yaml", "subcode_parameter: 4", "subcode_parameter: 5", 5,
	 "is not one of 1, 2, 3, 4"},
	{"bugchecks/0x00000050.yaml", "subcode_parameter: 4\n", "", 0, "go together"},
	{"bugchecks/0x00000050.yaml", "'0x2'", "two", 7, "value: 'two' is not a number"},
	{"bugchecks/0x00000050.yaml", "causes:\n- A driver.", "causes: []", 9, "none is given"},

	/* YARA. */
	{"content/channel.yar", "AA AA }", "AA ZZ }", 6, ""},
	{"content/channel.yar", "condition", "kondition", 7, ""},
	{"content/channel.yar", "type", "typ", 1, "rule channel has no meta 'type'"},
	{"content/channel.yar", "owner", "own", 1, "rule channel has no meta 'owner'"},
	{"content/channel.yar", "\"channel\"", "\"canal\"", 1,
	 "type 'canal' is not in content_files.tsv"},
	{"content/channel.yar", "\"channel\"", "\"A B\"", 1, "is not a word"},
	{"content/channel.yar", "csagent.sys", "agent.sys", 1, "'agent.sys' owns nothing"},
	{"content/channel.yar", "rule channel", "include \"/etc/passwd\"\nrule channel", 1,
	 "include"},
	{"content/channel.yar", "$a\n}", "$b\n}", 9, "undefined string"},
};

enum { CASES = sizeof(cases) / sizeof(*cases) };

ParameterizedTestParameters(broken, one_file)
{
	static int indexes[CASES];

	for (int i = 0; i < CASES; i++)
		indexes[i] = i;
	return cr_make_param_array(int, indexes, CASES);
}

static void break_file(const struct folder *folder, const struct broken *broken)
{
	char text[8192];

	if (!broken->old) {
		folder_text(folder, broken->file, broken->new);
		return;
	}
	const char *sound = folder_sound(broken->file), *at = strstr(sound, broken->old);
	cr_assert(at, "%s does not have '%s'", broken->file, broken->old);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - sound), sound, broken->new,
		 at + strlen(broken->old));
	folder_text(folder, broken->file, text);
}

ParameterizedTest(int *index, broken, one_file)
{
	const struct broken *broken = &cases[*index];
	struct folder folder;
	size_t left = 0;

	folder_init(&folder);
	break_file(&folder, broken);
	struct error *err = folder_load(&folder);
	cr_assert_null(err, "%s", err ? err->message : "");
	const struct rule_problem *problem = folder_problem(&folder, broken->file);
	cr_assert(problem, "%s '%s' is accepted", broken->file, broken->new);
	cr_assert(strstr(problem->reason, broken->reason), "case %d: %s", *index,
		  folder_problems(&folder));
	if (broken->line)
		cr_assert_eq(problem->line, broken->line, "case %d: %s", *index,
			     folder_problems(&folder));
	cr_assert(*problem->reason);
	/* The rest is used, and nobody else is blamed. */
	cr_assert_null(knowledge_file(folder.knowledge, broken->file, NULL));
	LIST_EACH(struct rule_problem, p, &folder.problems)
		cr_assert_str_eq(p->file, broken->file, "%s", folder_problems(&folder));
	while (knowledge_files(folder.knowledge)[left])
		left++;
	cr_assert_eq(left, 12 + 4 - 1);
	folder_deinit(&folder);
}
