/* culprit strings: text in memory. */
#include "view.h"
#include "want.h"

static int run(const struct options *options)
{
	static const struct view view = {
		.command = "strings",
		.key = "strings",
		.section = &section_strings,
		.nothing = "there is no readable text in the dump",
		.want = WANT_STRINGS,
	};
	return view_run(&view, options, NULL);
}

const struct command command_strings = {
	.name = "strings",
	.synopsis = "FILE",
	.summary = "The text in the dump's memory, with its addresses",
	.options = view_options,
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
