#include "pattern.h"

#include <stddef.h>
#include <string.h>

enum { PATTERN_MAX = 512 };

/* POSIX patterns have no \d. */
static bool translate(const char *pattern, char out[PATTERN_MAX])
{
	bool bracket = false;
	size_t n = 0;

	for (const char *p = pattern; *p; p++) {
		if (n + 6 > PATTERN_MAX)
			return false;
		if (*p == '\\' && p[1] == 'd') {
			n += (size_t)(stpcpy(out + n, bracket ? "0-9" : "[0-9]") - (out + n));
			p++;
			continue;
		}
		if (*p == '\\' && p[1])
			out[n++] = *p++;
		else if (*p == '[')
			bracket = true;
		else if (*p == ']')
			bracket = false;
		out[n++] = *p;
	}
	out[n] = '\0';
	return true;
}

bool pattern_compile(const char *pattern, regex_t *ret)
{
	char translated[PATTERN_MAX];

	return translate(pattern, translated) &&
	       regcomp(ret, translated, REG_EXTENDED | REG_NOSUB) == 0;
}
