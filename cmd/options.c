/* Declarative options: one table per command gives the parser and its help. */
#include "command.h"

#include "ceilings.h"
#include "message.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_MAX = 16, OPTION_BASE = 256 };

static int row_count(const struct command *command)
{
	int n = 0;
	for (const struct option_row *row = command->options; row && row->name; row++)
		n++;
	return n;
}

void options_help(const struct command *command)
{
	printf("usage: culprit %s%s %s\n\n%s.\n", command->name,
	       row_count(command) ? " [OPTION]..." : "", command->synopsis, command->summary);
	if (command->details)
		printf("\n%s\n", command->details);
	printf("\nOptions:\n");
	for (const struct option_row *row = command->options; row && row->name; row++) {
		char left[40];
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", row->letter ? '-' : ' ',
			 row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name,
			 row->value ? " " : "", row->value ? row->value : "");
		printf("  %-22s %s\n", left, row->help);
	}
	printf("  %-22s %s\n\nMore: man culprit-%s\n", "-h, --help", "print this help",
	       command->name);
}

static const struct option_row *row_of(const struct command *command, int found)
{
	for (const struct option_row *row = command->options; row && row->name; row++)
		if (found == row->letter || found == OPTION_BASE + (int)(row - command->options))
			return row;
	return NULL;
}

static int unknown_option(const struct command *command, const char *given)
{
	const char *names[ROWS_MAX + 2] = {"help"};
	for (int i = 0; i < row_count(command); i++)
		names[i + 1] = command->options[i].name;
	const char *near = strncmp(given, "--", 2) == 0 ? suggest(given + 2, names) : NULL;
	if (near)
		return usage_error(command->name, "there is no option %s; did you mean --%s?",
				   given, near);
	return usage_error(command->name, "there is no option %s", given);
}

static int count_error(const struct command *command, int count)
{
	if (count < command->minimum)
		return usage_error(command->name, "%s needs an argument: %s", command->name,
				   command->synopsis);
	return usage_error(command->name, "%s takes no more than %d argument%s: %s", command->name,
			   command->maximum, command->maximum == 1 ? "" : "s", command->synopsis);
}

bool options_parse(const struct command *command, int argc, char **argv, struct options *ret,
		   int *ret_exit)
{
	struct option longs[ROWS_MAX + 2] = {0};
	char shorts[2 * ROWS_MAX + 4] = ":h";
	size_t s = strlen(shorts);
	int rows = row_count(command);
	for (int i = 0; i < rows && i < ROWS_MAX; i++) {
		const struct option_row *row = &command->options[i];
		longs[i] = (struct option){row->name, row->value ? required_argument : no_argument,
					   NULL, OPTION_BASE + i};
		if (row->letter)
			shorts[s++] = row->letter;
		if (row->letter && row->value)
			shorts[s++] = ':';
	}
	longs[rows] = (struct option){"help", no_argument, NULL, 'h'};

	struct options options = {0};
	int found;
	opterr = 0;
	optind = 1;
	while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_row *row = row_of(command, found);
		const char *given = argv[optind > 1 ? optind - 1 : 1];
		char letter[] = {'-', (char)optopt, '\0'};
		if (found == 'h') {
			options.help = true;
		} else if (found == ':') {
			*ret_exit = usage_error(command->name, "%s needs a value",
						optopt < OPTION_BASE ? letter : given);
			return false;
		} else if (!row) {
			bool is_letter = optopt && optopt < OPTION_BASE;
			*ret_exit = unknown_option(command, is_letter ? letter : given);
			return false;
		} else if (row->value) {
			*(const char **)((char *)&options + row->field) = optarg;
		} else {
			*(bool *)((char *)&options + row->field) = true;
		}
	}
	if (options.help) {
		options_help(command);
		*ret_exit = 0;
		return false;
	}
	options.arguments = argv + optind;
	options.argument_count = argc - optind;
	if (!options.schema && (options.argument_count < command->minimum ||
				(command->maximum >= 0 && !options.split &&
				 options.argument_count > command->maximum))) {
		*ret_exit = count_error(command, options.argument_count);
		return false;
	}
	if (options.split && options.argument_count > LIMIT_PARTS) {
		*ret_exit = usage_error(command->name, "--split joins no more than %d files",
					LIMIT_PARTS);
		return false;
	}
	*ret = options;
	return true;
}

bool choice(const char *option, const char *value, const char *allowed, const char **ret)
{
	static char first[16];
	size_t head = strcspn(allowed, " ");
	if (!value) {
		snprintf(first, sizeof(first), "%.*s", (int)head, allowed);
		*ret = first;
		return true;
	}
	size_t length = strlen(value);
	for (const char *word = allowed; *word;) {
		size_t n = strcspn(word, " ");
		if (n == length && memcmp(word, value, n) == 0) {
			*ret = value;
			return true;
		}
		word += n + (word[n] == ' ');
	}
	complain("--%s cannot be '%s': choose one of: %s", option, value, allowed);
	return false;
}
