/* The two halves of the text renderer. */
#ifndef CULPRIT_TEXT_RENDER_H
#define CULPRIT_TEXT_RENDER_H

#include "arena.h"
#include "paper.h"

/* Everything that --all adds below the first screen. */
void text_details(struct paper *paper, struct arena *arena, const json_t *report);

#endif
