/* Diagnostics. They go to stderr, one line each; what evidence, file names and arguments put into
 * them is made safe for a terminal here. */
#ifndef CULPRIT_MESSAGE_H
#define CULPRIT_MESSAGE_H

struct error;

/* "culprit: SENTENCE." */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same from an error, which is destroyed. */
void complain_error(struct error *err);
/* A complaint that ends with where to read more; returns EXIT_USAGE. @p command may be NULL. */
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
