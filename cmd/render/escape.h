/* Text inside Markdown: nothing in it formats, links, mentions, opens HTML or ends its cell. */
#ifndef CULPRIT_ESCAPE_H
#define CULPRIT_ESCAPE_H

#include <stdio.h>

/* Ordinary text, also in a table cell; NULL writes nothing. */
void markdown_text(FILE *out, const char *text);
/* A code block of its own, indented by @p indent blanks; @p text is one line. */
void markdown_code(FILE *out, unsigned indent, const char *text);

#endif
