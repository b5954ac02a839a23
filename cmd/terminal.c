#include "terminal.h"

#include "command.h"
#include "render.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_LEAST = 40 };

bool terminal_color(const char *when, FILE *stream, bool *ret)
{
	if (!choice("color", when, "auto always never", &when))
		return false;
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	*ret = strcmp(when, "always") == 0 ||
	       (strcmp(when, "auto") == 0 && stream && isatty(fileno(stream)) &&
		!(no_color && *no_color) && term && strcmp(term, "dumb") != 0);
	return true;
}

unsigned terminal_width(FILE *stream, unsigned most)
{
	struct winsize size = {0};

	if (!isatty(fileno(stream)) || ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 ||
	    size.ws_col == 0)
		return RENDER_WIDTH;
	return size.ws_col < WIDTH_LEAST ? WIDTH_LEAST : size.ws_col > most ? most : size.ws_col;
}
