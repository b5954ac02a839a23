/* Renderers turn reports into what the person asked for. They see the JSON of the contract and
 * nothing else, so whatever one of them can say, any other program can. */
#ifndef CULPRIT_RENDER_H
#define CULPRIT_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { RENDER_WIDTH = 100 };

/* One answer in the making. */
struct render {
	FILE *out;
	unsigned width; /* columns; text only; 0: tables have no limit */
	bool color;
	bool all;       /* everything that is known */
	bool several;   /* more than one input was named */
	unsigned count; /* reports so far; kept by the renderer */
	json_t *held;   /* for a renderer that must see the next report first */
};

/**
 * A renderer writes reports in one format.
 *
 * To add one: (1) write cmd/render/NAME.c with `const struct renderer renderer_NAME` at its end;
 * (2) add RENDERER(NAME) to cmd/render/renderers.def; (3) name the format in the option tables and
 * in man/culprit-analyze.1. Every string in a report is already safe for a terminal (text.h); a
 * renderer for something else escapes what that something else acts on. Any field may be null, and
 * any may have the wrong type: get.h answers for that.
 */
struct renderer {
	const char *name;                     /* equals the file name and the word after --format */
	void (*begin)(struct render *render); /* may be NULL */
	void (*report)(struct render *render, const json_t *report);
	void (*end)(struct render *render); /* may be NULL */
};

/* By name; NULL: the first of the list. NULL if there is no such renderer. */
const struct renderer *renderer_named(const char *name);
/* "text, json, ..." */
const char *renderer_names(void);

#endif
