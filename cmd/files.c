/* culprit files: content files. */
#include "view.h"

static int run(const struct options *options)
{
	static const struct view view = {
		.command = "files",
		.key = "content_files",
		.section = &section_files,
		.nothing = "no content file is named in the dump",
		.want_strings = false,
	};
	return view_run(&view, options, NULL);
}

const struct command command_files = {
	.name = "files",
	.synopsis = "FILE",
	.summary = "The content files that the dump names, with how close they are to the fault",
	.options = view_options,
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
