/* culprit timeline: the order of events. */
#include "view.h"

static int run(const struct options *options)
{
	static const struct view view = {
		.command = "timeline",
		.key = "timeline",
		.section = &section_timeline,
		.nothing = "the dump tells no times",
	};
	return view_run(&view, options, NULL);
}

const struct command command_timeline = {
	.name = "timeline",
	.synopsis = "FILE",
	.summary = "What happened when, by the dump's own records",
	.options = view_options,
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
