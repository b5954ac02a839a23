/* The hash by which WinDbg and Windows Error Reporting know a failure bucket. */
#ifndef CULPRIT_FAILURE_HASH_H
#define CULPRIT_FAILURE_HASH_H

#include <stdbool.h>

/* MD5 of the UTF-16LE bytes of "km:" and the lower-case @p bucket, as a GUID in Windows' layout
 * (first three groups little-endian), into @p ret. False if it could not be made. field.md, "The
 * WER hash" */
bool failure_hash(const char *bucket, char ret[37]);

#endif
