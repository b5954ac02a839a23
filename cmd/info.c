/* culprit info: facts of the crash. */
#include "view.h"

static int run(const struct options *options)
{
	static const struct view view = {
		.command = "info",
		.key = NULL,
		.section = &section_facts,
		.nothing = "nothing is known about it",
	};
	return view_run(&view, options, NULL);
}

const struct command command_info = {
	.name = "info",
	.synopsis = "FILE",
	.summary = "What kind of dump it is, of which system, and the bare facts of the crash",
	.options = view_options,
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
