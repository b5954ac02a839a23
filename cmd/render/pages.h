/* Pages that are not reports: the help-desk page of a stop code and the runbook of an incident.
 * Like reports they are JSON first, and every format is made from that. */
#ifndef CULPRIT_PAGES_H
#define CULPRIT_PAGES_H

#include "render.h"

void bugcheck_page_text(const struct render *render, const json_t *page);

void runbook_page_text(const struct render *render, const json_t *page);
void runbook_page_markdown(const struct render *render, const json_t *page);

#endif
