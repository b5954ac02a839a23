/* "Did you mean": the optimal string alignment distance, without case. */
#include "command.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 64 };

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][WORD_MAX + 1];
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *old = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			int ca = tolower((unsigned char)a[i - 1]);
			int cb = tolower((unsigned char)b[j - 1]);
			now[j] = least(least(before[j] + 1, now[j - 1] + 1),
				       before[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    cb == tolower((unsigned char)a[i - 2]))
				now[j] = least(now[j], old[j - 2] + 1);
		}
	}
	return rows[na % 3][nb];
}

const char *suggest(const char *word, const char *const *candidates)
{
	size_t length = strlen(word);
	if (length == 0 || length > WORD_MAX)
		return NULL;
	const char *best = NULL;
	unsigned best_distance = (unsigned)length / 3 + 1;
	for (; *candidates; candidates++) {
		size_t n = strlen(*candidates);
		if (n > WORD_MAX)
			continue;
		unsigned d = distance(word, length, *candidates, n);
		/* a beginning that was typed out is as good as a slip of one key */
		if (length >= 3 && n > length && strncasecmp(word, *candidates, length) == 0)
			d = least(d, 1);
		if (d <= best_distance && d < n && (!best || d < best_distance)) {
			best = *candidates;
			best_distance = d;
		}
	}
	return best;
}
