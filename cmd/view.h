/* The commands that show one part of a report: info, modules, stack, files, strings, timeline and
 * scan. */
#ifndef CULPRIT_VIEW_H
#define CULPRIT_VIEW_H

#include "command.h"
#include "sections.h"

struct knowledge;

struct view {
	const char *command;
	const char *key; /* of the part in the report; NULL: all but the lists */
	const struct section *section;
	const char *nothing; /* a sentence for when the part is empty */
	unsigned want;       /* enum want */
	/* Called with every report before it is shown; may be NULL. */
	bool (*on_report)(const struct options *options, const json_t *report);
};

extern const struct option_row view_options[];

/* Shows @p view of the only input by @p knowledge, which stays the caller's; NULL: opens the
 * rules that the options name. Returns the exit code. */
int view_run(const struct view *view, const struct options *options,
	     const struct knowledge *knowledge);

#endif
