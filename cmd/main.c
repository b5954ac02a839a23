/* culprit: evidence in, a defended verdict out. This file only finds the command. */
#include "command.h"
#include "message.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMMAND(name) extern const struct command command_##name;
#include "commands.def"
#undef COMMAND

const struct command *const commands_all[] = {
#define COMMAND(name) &command_##name,
#include "commands.def"
#undef COMMAND
	NULL,
};

static const char usage[] = "usage: culprit COMMAND [OPTION]... [ARGUMENT]...\n";

static void print_help(void)
{
	printf("%s\nEvidence in, a defended verdict out: which driver crashed this machine, and "
	       "what "
	       "it was\nreading when it did.\n\nCommands:\n",
	       usage);
	for (const struct command *const *c = commands_all; *c; c++)
		printf("  %-10s %s\n", (*c)->name, (*c)->summary);
	printf("\nExit codes: 0 a culprit is named, 1 none can be named, 2 wrong usage, 3 not "
	       "readable\n"
	       "as evidence, 4 a result from incomplete evidence, 5 a gate failed.\n\n"
	       "Start with: culprit analyze FILE.   More: culprit COMMAND --help, man culprit\n");
}

static const struct command *find(const char *name)
{
	for (const struct command *const *c = commands_all; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[64] = {NULL};
	for (size_t i = 0; commands_all[i] && i + 1 < sizeof(names) / sizeof(names[0]); i++)
		names[i] = commands_all[i]->name;
	const char *near = suggest(name, names);
	if (near)
		return usage_error(NULL, "there is no command '%s'; did you mean '%s'?", name,
				   near);
	if (name[0] != '-' && access(name, F_OK) == 0)
		return usage_error(
			NULL, "'%s' is a file, not a command; did you mean 'culprit analyze %s'?",
			name, name);
	return usage_error(NULL, "there is no %s '%s'", name[0] == '-' ? "option" : "command",
			   name);
}

/* What is still in stdio's buffer must arrive, or the answer was not given. */
static int finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("the answer could not be written: %m");
		return EXIT_USAGE;
	}
	return status;
}

int main(int argc, char **argv)
{
	/* All text is UTF-8, wherever it runs; numbers keep their point. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	if (argc < 2) {
		fprintf(stderr, "%s", usage);
		return usage_error(NULL, "a command is missing");
	}
	const char *name = argv[1];
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("culprit %s\n", CULPRIT_VERSION);
		return finish(0);
	}
	bool help =
		strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
	if (help && argc == 2) {
		print_help();
		return finish(0);
	}
	const struct command *command = find(help ? argv[2] : name);
	if (!command)
		return unknown_command(help ? argv[2] : name);
	if (help) {
		options_help(command);
		return finish(0);
	}
	struct options options;
	int status;
	if (!options_parse(command, argc - 1, argv + 1, &options, &status))
		return finish(status);
	return finish(command->run(&options));
}
