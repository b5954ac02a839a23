#ifndef CULPRIT_COMMAND_H
#define CULPRIT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* What the process answers to its caller; culprit(1) has the same list. */
enum exit_code {
	EXIT_VERDICT = 0,
	EXIT_NO_CULPRIT = 1, /* analysed, and nobody can be named */
	EXIT_USAGE = 2, /* asked for something impossible, or the answer could not be written */
	EXIT_UNREADABLE = 3,
	EXIT_PARTIAL = 4,
	EXIT_GATE = 5,
};

/* What options_parse() found. A command uses the fields that its option table names. */
struct options {
	const char *format, *output, *rules, *color, *carve, *vmlinux, *debug_dir;
	bool all, force, schema, split, help;
	char **arguments;
	int argument_count;
};

/* One row of a command's option table; `--help` is understood by every command without a row. */
struct option_row {
	char letter;       /* 'o' for -o, 0: only the long form */
	const char *name;  /* "output" */
	const char *value; /* what stands for the value in the help, "FILE"; NULL: a switch */
	const char *help;  /* one line, no full stop */
	size_t field; /* offsetof(struct options, ...): a `const char *` or, for a switch, a bool */
};

/* clang-format off */
#define OPTION_COLOR {0, "color", "WHEN", "auto (default), always or never; NO_COLOR is honoured", offsetof(struct options, color)}
#define OPTION_RULES {0, "rules", "DIR", "use the rules of DIR instead of the built-in ones", offsetof(struct options, rules)}
#define OPTION_SPLIT {0, "split", NULL, "the FILEs are the parts of one vmcore (makedumpfile --split)", offsetof(struct options, split)}
#define OPTIONS_DEBUG {0, "vmlinux", "FILE", "the vmlinux of a Linux dump's kernel: lines of source; never needed", offsetof(struct options, vmlinux)}, {0, "debug-dir", "DIR", "look there for the vmlinux and modules with debug information", offsetof(struct options, debug_dir)}
/* clang-format on */

/**
 * A subcommand.
 *
 * To add one:
 *   1. write cmd/NAME.c with, at its end, `const struct command command_NAME = {...}`; `run` gets
 *      the parsed options, prints its answer to stdout, messages through message.h, and returns an
 *      exit_code;
 *   2. add the line COMMAND(NAME) to cmd/commands.def where it belongs in `culprit --help`;
 *   3. write man/culprit-NAME.1 with every option of the table.
 * The tests that watch you: tests/cmd/help.py (help, manual and registry agree).
 */
struct command {
	const char *name;     /* equals the file name */
	const char *synopsis; /* "FILE...", without program and command name */
	const char *summary;  /* one line, no full stop; shown by `culprit --help` */
	const char *details;  /* what `culprit NAME --help` says below it; may be NULL */
	const struct option_row *options; /* ends with a row without a name; may be NULL */
	int minimum, maximum; /* arguments; maximum -1: any number, as it is with --split */
	int (*run)(const struct options *options);
};

extern const struct command *const commands_all[]; /* NULL-terminated; main.c */

/* Parses the arguments behind the command's name. Returns true if the command should run, else
 * *ret_exit is what the process ends with (the help was printed, or a complaint). */
bool options_parse(const struct command *command, int argc, char **argv, struct options *ret,
		   int *ret_exit);
void options_help(const struct command *command);

/* The candidate that is so near to @p word that the person may have meant it, or NULL. */
const char *suggest(const char *word, const char *const *candidates);

/* Whether @p value is one of the @p allowed words (separated by single blanks); complains if not.
 * NULL is allowed and means the first. *ret points into static text or is @p value. */
bool choice(const char *option, const char *value, const char *allowed, const char **ret);

#endif
