/* Any bytes as a rule file: the first says which (its highest bit: memory is short), the rest is
 * its content. It is looked at as one of a directory would be, and read without a look as one of
 * the program's own. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
	"bugchecks.tsv",     "roles.tsv",       "subcodes.tsv",      "ntstatus.tsv",
	"vendors.tsv",       "inbox.tsv",       "altitudes.tsv",     "loldrivers.tsv",
	"content_files.tsv", "passthrough.tsv", "linux_modules.tsv", "bugchecks/0x00000050.yaml",
	"incidents/a.yaml",  "fixes/a.yaml",    "content/a.yar",
};
enum { NAMES = sizeof(names) / sizeof(*names) };

static struct error *load(const char *name, const char *bytes, size_t size, struct checker *c,
			  struct knowledge **ret)
{
	struct knowledge *k;
	struct error *err = knowledge_create(&k);

	if (err)
		return err;
	k->files = arena_alloc(k->arena, 1, sizeof(*k->files));
	*k->files = (struct rule_file){name, bytes, size};
	k->file_count = 1;
	err = knowledge_fill(k, c);
	if (err)
		knowledge_destroy(k);
	else
		*ret = k;
	return err;
}

/* Everything that can be asked. */
static void ask(const struct knowledge *k, struct arena *arena)
{
	const struct bugcheck any = {.code = 0x50}, *found;
	struct bugcheck_page *page;
	struct incident *incident;
	struct fix_page *fix;
	struct list list;
	const char *text;
	bool exact;

	found = knowledge_bugcheck_named(k, "50");
	knowledge_bugcheck(k, 0x1000007e);
	error_destroy(knowledge_bugcheck_page(k, arena, found ? found : &any, &page));
	knowledge_role_text(k, "bad_addr");
	knowledge_subcode(k, 0x50, 2);
	knowledge_status(k, 0xc0000005, &text);
	knowledge_driver(k, "csagent.sys");
	knowledge_driver(k, "falcon-lsm");
	knowledge_inbox(k, "ntfs.sys");
	knowledge_passes_blame(k, "nt", &text);
	knowledge_bad_driver(k, "evil.sys", 1, &exact);
	const struct content_type *type = knowledge_content_type(k, "C:\\a\\C-00000291-1.sys");
	if (type)
		knowledge_consumes(k, type, "csagent.sys");
	error_destroy(knowledge_incidents_for(k, arena, "csagent.sys", &list));
	error_destroy(knowledge_incident(k, arena, "a", &incident));
	error_destroy(knowledge_fix(k, arena, "third-party-driver", "memory", "edr", true, &fix));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct knowledge *k = NULL;
	struct list problems;

	static struct knowledge yara;

	if (size < 1 || size > 20000)
		return 0;
	/* libyara counts its users; starting it anew each time would take most of the time. */
	if (!yara.yara_initialized)
		error_destroy(yara_begin(&yara));
	const char *name = names[(data[0] & 0x7f) % NAMES];
	char *bytes = calloc(1, size);
	struct arena *arena = arena_create(data[0] & 0x80 ? size * 16 : 4 << 20);
	memcpy(bytes, data + 1, size - 1);
	list_init(&problems, arena, sizeof(struct rule_problem), PROBLEMS_MAX);
	struct checker checker = {.arena = arena, .problems = &problems, .file = ""};
	error_destroy(load(name, bytes, size - 1, &checker, &k));
	/* What was found good can be used. */
	if (k)
		ask(k, arena);
	knowledge_destroy(k);
	k = NULL;
	/* Without checks, but for YARA: its compiler is the check. Bytes that are no text never
	 * come that far. */
	if (rule_kind(name) != RULE_YARA && !memchr(bytes, '\0', size - 1)) {
		error_destroy(load(name, bytes, size - 1, NULL, &k));
		if (k)
			ask(k, arena);
		knowledge_destroy(k);
	}
	arena_destroy(arena);
	free(bytes);
	return 0;
}
