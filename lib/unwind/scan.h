/* Finding return addresses on a stack without unwind tables.
 *
 * Small dumps carry no exception tables, so nothing here is certain: a value is called a return
 * address only if nothing that is in the dump speaks against it (windows-dumps.md 7.1). */
#ifndef CULPRIT_SCAN_H
#define CULPRIT_SCAN_H

#include "dump.h"

enum return_check {
	RETURN_NO,        /* in no module, in its headers, in data, or not behind a call */
	RETURN_POSSIBLE,  /* in a module; the bytes before it are not in the dump */
	RETURN_CALL_SEEN, /* the bytes before it are a call */
};

/* @p ret_module gets the module (loaded or unloaded) unless the answer is RETURN_NO. */
enum return_check scan_check_return(const struct dump *dump, uint64_t value,
				    const struct module **ret_module);

/* Whether @p offset of @p module can be code: false in its header page, or if the section table is
 * in the dump and the section there is not executable. */
bool scan_can_be_code(const struct dump *dump, const struct module *module, uint64_t offset);

#endif
