/* culprit modules: loaded and unloaded drivers. */
#include "view.h"

static int run(const struct options *options)
{
	static const struct view view = {
		.command = "modules",
		.key = "modules",
		.section = &section_modules,
		.nothing = "the dump has no list of modules",
	};
	return view_run(&view, options, NULL);
}

const struct command command_modules = {
	.name = "modules",
	.synopsis = "FILE",
	.summary = "The drivers that were loaded, third-party ones first",
	.options = view_options,
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
