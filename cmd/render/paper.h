/* Plain text on a screen: a label column, wrapped bodies, colour where the person wants it. */
#ifndef CULPRIT_PAPER_H
#define CULPRIT_PAPER_H

#include "render.h"

enum ink { INK_PLAIN, INK_BOLD, INK_FAINT, INK_GOOD, INK_WARN, INK_BAD, INK_LABEL };

enum { LABEL_WIDTH = 11 };

struct paper {
	FILE *out; /* NULL: only count */
	unsigned width;
	bool color;
	unsigned lines;    /* written (or counted) so far */
	const char *label; /* waits for the next body */
};

struct paper paper_make(const struct render *render);
/* The same paper that writes nothing: to see how many lines something would take. */
struct paper paper_try(const struct paper *paper);

/* Columns that @p text takes. */
unsigned paper_columns(const char *text);
/* How many bytes of @p text fill one line of @p room columns: up to the last blank that fits, or,
 * for a word that is longer than the line, behind its last separator, or right at the edge. Blanks
 * that follow belong to neither line. */
size_t paper_fit(const char *text, unsigned room);

/* The label that stands before the next body. */
void paper_label(struct paper *paper, const char *label);
/* @p text in the body column, wrapped, after @p bullet ("+ ", "1. ", "" ...). */
void paper_body(struct paper *paper, enum ink ink, const char *bullet, const char *text);
/* As paper_body, but never wrapped: something to copy. */
void paper_verbatim(struct paper *paper, enum ink ink, const char *bullet, const char *text);
/* @p text over the whole width, without the label column. */
void paper_line(struct paper *paper, enum ink ink, const char *text);
void paper_gap(struct paper *paper); /* an empty line */

#endif
