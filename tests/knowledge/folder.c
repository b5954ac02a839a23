#include "folder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name, *text;
} sound[] = {
	{"roles.tsv", "role\ttext\n-\tnot used\nbad_addr\taddress that was touched\n"
		      "access\tkind of access\ncode_addr\taddress of the code\nvar\tvaries\n"},
	{"bugchecks.tsv",
	 "code\tname\tkind\tfamily\trole1\trole2\trole3\trole4\n"
	 "0x00000050\tPAGE_FAULT_IN_NONPAGED_AREA\tstop\tmemory\tbad_addr\taccess\tcode_addr\tvar\n"
	 "0x0000007E\tSYSTEM_THREAD_EXCEPTION_NOT_HANDLED\tstop\texception\t-\t-\t-\t-\n"},
	{"subcodes.tsv", "code\tvalue\ttext\n0x00000050\t0x2\tno page there\n"},
	{"ntstatus.tsv", "status\tname\tmeaning\n"
			 "0xC0000005\tSTATUS_ACCESS_VIOLATION\tmemory that may not be touched\n"},
	{"vendors.tsv", "driver\tvendor\tproduct\tcategory\tconfidence\n"
			"csagent.sys\tCrowdStrike\tFalcon sensor\tedr\tsourced\n"},
	{"inbox.tsv", "file\tkind\nntfs.sys\tmicrosoft\n"},
	{"altitudes.tsv", "minifilter\tcompany\taltitude\nbdprivmon.sys\tBitdefender\t321410\n"},
	{"loldrivers.tsv", "file\tcategory\tid\ttimestamp\n"
			   "evil.sys\tmalicious\t8750b245\t0x6344360a\n"},
	{"content_files.tsv",
	 "id\tvendor\tproduct\tos\tdirectory\tglobs\towners\tmagic\tconfidence\n"
	 "channel\tCrowdStrike\tFalcon\twindows\t\\drivers\\crowdstrike\\\tc-00000291-*.sys\t"
	 "csagent.sys\t\tsourced\n"},
	{"passthrough.tsv", "glob\twhy\nntoskrnl.exe\tthe kernel\n"},
	{"linux_intree.tsv", "module\next4\n"},
	{"linux_modules.tsv", "module\tvendor\tproduct\tcategory\tconfidence\n"
			      "falcon_lsm_pinned_*\tCrowdStrike\tFalcon\tedr\tsourced\n"},
	{"bugchecks/0x00000050.yaml",
	 "code: '0x00000050'\nname: PAGE_FAULT_IN_NONPAGED_AREA\nmeaning: It touched nothing.\n"
	 "parameters: [a, b, c, d]\nsubcode_parameter: 4\nsubcodes:\n- value: '0x2'\n  text: no "
	 "page\ncauses:\n- A driver.\nadvice:\n- Update it.\n"},
	{"incidents/one.yaml",
	 "id: one\ntitle: The one\ndate: '2024-07-19'\nos: windows\nvendor: CrowdStrike\n"
	 "class: content-update\ndrivers:\n- csagent.sys\ncontent_files:\n- C-00000291-*.sys\n"
	 "signatures:\n  bugcheck: ['0x50']\n  panic_regex: []\n  functions: []\n  offsets:\n"
	 "  - module: csagent.sys\n    version: '1'\n    offset: '0xe14ed'\n"
	 "first: '2024-07-19T04:09:00Z'\ntimeline:\n- time: '2024-07-19T05:27:00Z'\n"
	 "  event: taken back\naffected: some\ncause: an index\nharmful_file: true\nsteps:\n"
	 "- check: Is it there?\n  do: Delete it.\n"
	 "  command: del C:\\x\\C-00000291*.sys\n  verify: It is gone.\n  undo: Copy it back.\n"
	 "cautions:\n- Only that file.\nnotes: []\nreferences: []\nconfidence: sourced\n"
	 "from_memory: []\n"},
	{"fixes/driver.yaml",
	 "id: driver\nclass: third-party-driver\nfamily: ''\ncategory: ''\ncontent: false\n"
	 "title: 'Update {driver}'\nsteps:\n- check: Is it?\n  do: Update it.\n  verify: It runs.\n"
	 "  undo: Go back.\ncautions: []\nreferences: []\n"},
	{"content/channel.yar", "rule channel {\n meta:\n  type = \"channel\"\n  owner = "
				"\"csagent.sys\"\n strings:\n  $a = { AA AA AA AA }\n"
				" condition:\n  $a\n}\n"},
};

enum { SOUND = sizeof(sound) / sizeof(*sound) };

const char *folder_sound(const char *name)
{
	for (int i = 0; i < SOUND; i++)
		if (!strcmp(sound[i].name, name))
			return sound[i].text;
	return NULL;
}

void folder_place(const struct folder *folder, const char *name, char place[256])
{
	cr_assert_lt(snprintf(place, 256, "%s/%s", folder->path, name), 256);
}

void folder_write(const struct folder *folder, const char *name, const void *bytes, size_t size)
{
	char place[256];

	folder_place(folder, name, place);
	unlink(place);
	FILE *out = fopen(place, "wb");
	cr_assert(out, "%s cannot be written", place);
	cr_assert_eq(fwrite(bytes, 1, size, out), size);
	cr_assert_eq(fclose(out), 0);
}

void folder_text(const struct folder *folder, const char *name, const char *text)
{
	folder_write(folder, name, text, strlen(text));
}

void folder_remove(const struct folder *folder, const char *name)
{
	char place[256];

	folder_place(folder, name, place);
	remove(place);
}

void folder_init(struct folder *folder)
{
	static const char *const parts[] = {"bugchecks", "incidents", "fixes", "content"};

	*folder = (struct folder){.path = "/tmp/culprit-rules-XXXXXX"};
	cr_assert(mkdtemp(folder->path));
	for (int i = 0; i < 4; i++) {
		char place[256];
		folder_place(folder, parts[i], place);
		cr_assert_eq(mkdir(place, 0700), 0);
	}
	for (int i = 0; i < SOUND; i++)
		folder_text(folder, sound[i].name, sound[i].text);
	folder->arena = arena_create(64 << 20);
	cr_assert(folder->arena);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void folder_deinit(struct folder *folder)
{
	knowledge_destroy(folder->knowledge);
	arena_destroy(folder->arena);
	nftw(folder->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

struct error *folder_load(struct folder *folder)
{
	knowledge_destroy(folder->knowledge);
	folder->knowledge = NULL;
	return knowledge_load_directory(folder->path, folder->arena, &folder->problems,
					&folder->knowledge);
}

const struct rule_problem *folder_problem(const struct folder *folder, const char *file)
{
	LIST_EACH(struct rule_problem, problem, &folder->problems)
		if (!strcmp(problem->file, file))
			return problem;
	return NULL;
}

const char *folder_problems(const struct folder *folder)
{
	const char *text = "";

	LIST_EACH(struct rule_problem, p, &folder->problems)
		text = arena_printf(folder->arena, "%s%s:%u: %s\n", text, p->file, p->line,
				    p->reason);
	return text;
}
