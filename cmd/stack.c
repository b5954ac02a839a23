/* culprit stack: the stack. */
#include "view.h"

static int run(const struct options *options)
{
	static const struct view view = {
		.command = "stack",
		.key = "stack",
		.section = &section_stack,
		.nothing = "nothing that looks like a call stack is in the dump",
	};
	return view_run(&view, options, NULL);
}

const struct command command_stack = {
	.name = "stack",
	.synopsis = "FILE",
	.summary = "Who called whom, how far each line can be trusted, and who is blamed",
	.options = view_options,
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
