/* Where the answer goes: stdout, or a file that appears whole or not at all. */
#ifndef CULPRIT_OUTPUT_H
#define CULPRIT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct output {
	FILE *file;
	const char *path; /* NULL: stdout */
	char *aside;      /* what is written until output_commit() */
	bool force;
};

/* Opens @p path (NULL: stdout). An existing file is refused unless @p force. False: complained. */
bool output_open(struct output *output, const char *path, bool force);
/* Makes the file appear under its name. False: complained, and nothing is left behind. */
bool output_commit(struct output *output);

#endif
