/* Looking into a report. A field that is missing, null or of another type than asked for is absent:
 * NULL, 0 or false. */
#ifndef CULPRIT_GET_H
#define CULPRIT_GET_H

#include <jansson.h>
#include <stdbool.h>

/* The value at "verdict.culprit" below @p from; NULL if absent or JSON null. */
const json_t *get(const json_t *from, const char *path);
const char *get_text(const json_t *from, const char *path);
bool get_bool(const json_t *from, const char *path);
double get_number(const json_t *from, const char *path);
/* An array's length; of anything else 0. */
size_t get_count(const json_t *from, const char *path);
/* Item @p index of an array below @p from, NULL beyond its end. */
const json_t *get_item(const json_t *from, const char *path, size_t index);
/* Item @p index if it is a string. */
const char *get_line(const json_t *from, const char *path, size_t index);

bool same(const char *a, const char *b); /* equal, and neither NULL */

#endif
