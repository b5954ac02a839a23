/* What the analyzers of Linux crashes share. */
#ifndef CULPRIT_LINUX_SUPPORT_H
#define CULPRIT_LINUX_SUPPORT_H

#include "analyzer.h"

/* Whether @p value reads as text; @p text gets its 8 characters and a NUL. */
bool linux_is_text(uint64_t value, char text[9]);
uint64_t linux_word(const uint8_t *bytes);

const char *linux_sha256(struct arena *arena, const uint8_t *bytes, size_t size);

/* The third-party module on whose behalf the code ran whose frame holds @p slot of the stack (0: a
 * register): its own frame, or the next one outwards. NULL if there is none. */
const struct module *linux_owner_of(const struct analysis *a, uint64_t slot);

/* The absolute path at @p address, NULL if there is none or it is no place of files. */
const char *linux_path_at(const struct dump *d, struct arena *arena, uint64_t address);
/* Whether @p whole is @p path, of which parts are "?": their pages are not in the dump. */
bool linux_completes(const char *path, const char *whole);
/* The report's entry for an open file, made at the first call. */
struct content_file *linux_content_file(struct analysis *a, const struct open_file *file);
void linux_sort_files(struct list *files);

#endif
