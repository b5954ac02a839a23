/* Is a loaded driver on the public list of abused ones? A finding, never blame. */
#include "support.h"

#include <string.h>

static void check(struct analysis *a, const struct module *m)
{
	bool exact = false;
	const struct bad_driver *bad;

	if (m->origin == ORIGIN_OS || m->dump_clone)
		return;
	bad = knowledge_bad_driver(a->knowledge, m->name, m->timestamp, &exact);
	if (!bad)
		return;
	/* The name alone proves little: attackers and vendors use the same ones. */
	if (exact)
		report_finding(
			a->report, "warning", "known-bad-driver", m->name,
			"%s has the name and the link time of a driver listed by LOLDrivers as %s "
			"(%s). That is an exposure to look into; it says nothing about the crash",
			m->name, bad->category, bad->id);
	else
		report_finding(
			a->report, "info", "known-bad-name", m->name,
			"%s has the name of a driver listed by LOLDrivers as %s (%s), but not its "
			"link time: compare the file's hash before you conclude anything",
			m->name, bad->category, bad->id);
}

static struct error *run(struct analysis *a)
{
	LIST_EACH(struct module, m, &a->dump->modules)
		check(a, m);
	if (a->dump->verifier_on)
		report_finding(
			a->report, "info", "verifier-on", NULL,
			"Driver Verifier was switched on: it makes drivers crash on purpose when "
			"they break a rule");
	if (a->dump->live)
		report_finding(a->report, "info", "live-dump", NULL,
			       "this is a dump of a running system: the machine did not crash");
	return NULL;
}

const struct analyzer analyzer_known_bad = {
	.id = "known_bad",
	.summary = "flags loaded drivers that are known to be vulnerable or malicious",
	.os = OS_WINDOWS,
	.run = run,
};
