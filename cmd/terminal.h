/* What the terminal is like; the only place that looks at the environment. */
#ifndef CULPRIT_TERMINAL_H
#define CULPRIT_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* Decides about colour for --color @p when (NULL: auto) on @p stream (NULL: a file). False:
 * complained about @p when. */
bool terminal_color(const char *when, FILE *stream, bool *ret);
/* Columns to fill on @p stream: of the terminal but at most @p most, or RENDER_WIDTH off one. */
unsigned terminal_width(FILE *stream, unsigned most);

#endif
