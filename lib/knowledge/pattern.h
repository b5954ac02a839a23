/* Patterns of the rules for lines of a kernel's log and for releases: POSIX extended regular
 * expressions, and \d for a digit. */
#ifndef CULPRIT_PATTERN_H
#define CULPRIT_PATTERN_H

#include <regex.h>
#include <stdbool.h>

/* False if @p pattern is none (or longer than 512 bytes); else regfree() is the caller's. */
bool pattern_compile(const char *pattern, regex_t *ret);

#endif
