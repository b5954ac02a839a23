/* culprit scan: the user's own YARA rules over the memory in a dump. */
#include "knowledge.h"
#include "message.h"
#include "rulebook.h"
#include "view.h"
#include "want.h"
#include "yarafiles.h"

static int run(const struct options *options)
{
	static const struct view view = {
		.command = "scan",
		.key = "scan_hits",
		.section = &section_hits,
		.nothing = "nothing in the memory matches",
		.want = WANT_SCAN,
	};
	struct options rest = *options;

	if (!options->rules)
		return usage_error("scan", "scan needs --rules DIR, a directory of .yar files");
	rest.rules = NULL;
	struct knowledge *knowledge = rulebook_open(NULL);
	if (!knowledge)
		return EXIT_USAGE;
	int exit = EXIT_USAGE;
	void *compiled = yarafiles_compile(options->rules);
	if (compiled) {
		knowledge_set_yara(knowledge, compiled);
		exit = view_run(&view, &rest, knowledge);
	}
	knowledge_destroy(knowledge);
	return exit;
}

static const struct option_row options[] = {
	{'f', "format", "FORMAT", "text (default) or json: that part of the report",
	 offsetof(struct options, format)},
	{0, "rules", "DIR", "the .yar files of DIR (or one such file); required",
	 offsetof(struct options, rules)},
	OPTION_SPLIT,
	OPTIONS_DEBUG,
	OPTION_COLOR,
	{0},
};

const struct command command_scan = {
	.name = "scan",
	.synopsis = "FILE --rules DIR",
	.summary = "Search the dump's memory with your own YARA rules",
	.details =
		"Each hit has its virtual address, whose memory it is and its first bytes. Of a\n"
		"Linux vmcore all pages that are in the file are searched, for 40 seconds at most.",
	.options = options,
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
