/* Renders reports from files: render_report FORMAT [--all] [--color] [--width N] FILE... */
#include "render.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	const struct renderer *renderer = argc > 1 ? renderer_named(argv[1]) : NULL;
	struct render render = {.out = stdout, .width = RENDER_WIDTH};
	int i = 2, status = 0;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (!renderer)
		return 2;
	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		render.all = render.all || strcmp(argv[i], "--all") == 0;
		render.color = render.color || strcmp(argv[i], "--color") == 0;
		if (strcmp(argv[i], "--width") == 0 && i + 1 < argc)
			render.width = (unsigned)atoi(argv[++i]);
	}
	render.several = argc - i > 1;
	if (renderer->begin)
		renderer->begin(&render);
	for (; i < argc; i++) {
		json_error_t error;
		json_t *report = json_load_file(argv[i], JSON_DECODE_ANY, &error);
		if (!report) {
			fprintf(stderr, "%s:%d: %s\n", argv[i], error.line, error.text);
			status = 1;
			continue;
		}
		renderer->report(&render, report);
		json_decref(report);
	}
	if (renderer->end)
		renderer->end(&render);
	return status;
}
