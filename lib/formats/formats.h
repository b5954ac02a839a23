/* Recognises evidence and takes it out of what it is wrapped in. */
#ifndef CULPRIT_FORMATS_H
#define CULPRIT_FORMATS_H

#include "evidence.h"

/* The reader with the highest bid; ERROR_NOT_EVIDENCE with a plain sentence (empty file, all zeros,
 * text, a PE image ...) if nobody bids. Defined in registry.c. */
struct error *format_choose(const struct evidence *evidence, const struct format **ret);
extern const struct format *const formats_all[]; /* NULL-terminated */

/* Called for each piece of evidence in an input. Return an error to stop. */
typedef struct error *(*evidence_visitor)(void *context, const struct evidence *evidence);

/* Opens the input behind @p fd (a regular file, or a pipe), unwraps zstd, gzip, xz, lz4 and bzip2,
 * and visits: the bare file; or, for zip, 7z, cab and tar, the member @p member, or every member
 * that is a dump (some reader bids for it, knows its kind, or it
 * is called .dmp) if @p member is NULL. An archive without any is ERROR_NOT_EVIDENCE.
 * Members before @p skip (counting those visited) are passed over: a caller whose process died on
 * one goes on behind it. Ceilings: LIMIT_UNPACK, LIMIT_ARCHIVE_MEMBERS, LIMIT_FILTERS,
 * LIMIT_EVIDENCE. A member that is damaged is visited with what could be unpacked and `cut` set.
 * Nothing is written anywhere. Defined in container.c. */
struct error *container_visit(int fd, const char *member, unsigned skip, evidence_visitor visit,
			      void *context);

#endif
