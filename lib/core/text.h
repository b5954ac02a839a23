/* Text out of evidence. Everything that comes from a dump passes through here exactly once, on its
 * way into the model; from then on it is valid UTF-8 without anything a terminal, a browser or a
 * person's eye would act on. */
#ifndef CULPRIT_TEXT_H
#define CULPRIT_TEXT_H

#include "arena.h"

/* UTF-8 (or any bytes) to safe UTF-8: control characters, invalid bytes and characters that change
 * the reading direction or are invisible become \xNN or \uNNNN. Stops at the first NUL. */
char *text_from_bytes(struct arena *arena, const void *bytes, size_t length);

/* UTF-16LE to safe UTF-8, @p units code units, stopping at the first NUL; lone surrogates become
 * \uDNNN. */
char *text_from_utf16(struct arena *arena, const void *bytes, size_t units);

/* True if @p utf8 is already safe by the rule above (what a report that arrives must satisfy). */
bool text_is_safe(const char *utf8, size_t length);

/* Part of @p path after the last \, or after the last / if there is no \; @p path itself if there
 * is neither. */
const char *text_basename(const char *path);

/* ASCII case folding only, as driver names are compared. */
bool text_equal_nocase(const char *a, const char *b);
bool text_starts_nocase(const char *text, const char *prefix);
bool text_ends_nocase(const char *text, const char *suffix);
bool text_contains_nocase(const char *text, const char *part);

/* Case-insensitive glob with * and ? only; * also matches path separators. Linear time in
 * length(pattern) * length(text). */
bool text_glob(const char *pattern, const char *text);

/* ISO 8601 UTC of a Windows FILETIME (100 ns ticks since 1601) cut to @p digits fraction digits
 * (0..7), or NULL if it is 0 or outside 1970..2199. */
char *text_filetime(struct arena *arena, uint64_t filetime, int digits);

#endif
