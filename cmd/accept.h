/* The customs of the parent: a line from the child becomes JSON only here, and a report goes to a
 * renderer only from here. The child handled evidence, so nothing it says is believed to be well
 * formed. */
#ifndef CULPRIT_ACCEPT_H
#define CULPRIT_ACCEPT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { ACCEPT_DEPTH = 12 };

/* The object in @p line, or NULL if it is no JSON object or a string, a key or the depth in it is
 * not allowed; *ret_why says what was wrong. */
json_t *accept_line(const char *line, size_t length, const char **ret_why);

/* Whether @p report has the frame of the contract: its schema name, input, verdict, status. */
bool accept_report(const json_t *report, const char **ret_why);

#endif
