/* Who made each driver: Windows, somebody whose driver ships with Windows, or a third party? */
#include "support.h"

#include "text.h"

/* Folders only installers and Windows write to. A driver elsewhere is not where its vendor put it.
 */
static bool is_system_path(const char *path)
{
	static const char *const parts[] = {"\\windows\\", "\\systemroot\\", "\\program files",
					    "\\programdata\\", "\\winnt\\"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (text_contains_nocase(path, parts[i]))
			return true;
	/* "system32\drivers\x.sys" as a service writes it, or a bare name */
	return text_starts_nocase(path, "system32\\") || text_basename(path) == path;
}

static void classify(struct analysis *a, struct module *m)
{
	struct arena *arena = a->report->arena;
	const struct driver_info *known = knowledge_driver(a->knowledge, m->name);
	enum inbox inbox = knowledge_inbox(a->knowledge, m->name);
	bool misplaced = m->path && !is_system_path(m->path);

	if (misplaced && (known || inbox != INBOX_NO)) {
		m->origin = ORIGIN_THIRD_PARTY;
		m->origin_why = arena_printf(
			arena,
			"has the file name of a driver of %s but was loaded from %s, where that "
			"product does not put it",
			known && inbox == INBOX_NO ? known->vendor : "Windows", m->path);
		report_finding(a->report, "warning", "misplaced-driver", m->name,
			       "%s %s: it may be an impostor", m->name, m->origin_why);
		return;
	}
	if (inbox == INBOX_MICROSOFT || m->dump_clone) {
		m->origin = ORIGIN_OS;
		m->vendor = "Microsoft";
		m->origin_why = m->dump_clone ? "crash-time copy of a storage driver"
					      : "ships with Windows";
		return;
	}
	if (known) {
		m->vendor = known->vendor;
		m->product = known->product;
		m->category = known->category;
	}
	if (inbox == INBOX_THIRD_PARTY) {
		m->origin = ORIGIN_OS_INBOX_THIRD_PARTY;
		m->origin_why = "written by others, ships with Windows";
	} else if (known) {
		m->origin = text_equal_nocase(known->vendor, "Microsoft") ? ORIGIN_OS
									  : ORIGIN_THIRD_PARTY;
		m->origin_why = known->confirmed ? "known driver of this vendor"
						 : "file name used by this vendor";
	} else {
		m->origin = ORIGIN_UNKNOWN;
		m->origin_why = "not in the lists of Windows' own and of known third-party drivers";
	}
}

static struct error *run(struct analysis *a)
{
	size_t index = 0;

	LIST_EACH(struct module, m, &a->dump->modules) {
		classify(a, m);
		/* The first two are the kernel and the HAL, whatever they are called. */
		if (index++ < 2 && m->origin == ORIGIN_UNKNOWN && a->dump->os == OS_WINDOWS) {
			m->origin = ORIGIN_OS;
			m->vendor = "Microsoft";
			m->origin_why = "first in the load order: kernel or HAL";
		}
	}
	LIST_EACH(struct module, u, &a->dump->unloaded)
		classify(a, u);
	return NULL;
}

const struct analyzer analyzer_origin = {
	.id = "origin",
	.summary = "tells Windows' own drivers from third-party ones",
	.os = OS_WINDOWS,
	.run = run,
};
