/* The rules a command works by. */
#ifndef CULPRIT_RULEBOOK_H
#define CULPRIT_RULEBOOK_H

struct knowledge;

/* The built-in rules, or those of @p directory if it is not NULL; bad files in there are left out
 * and complained about, one line each. NULL: complained. */
struct knowledge *rulebook_open(const char *directory);

#endif
