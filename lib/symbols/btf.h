/* Layouts of the kernel's structures, from the type information the kernel carries about itself. */
#ifndef CULPRIT_BTF_H
#define CULPRIT_BTF_H

#include "errors.h"
#include "types.h"

/* The types in @p data (which is copied). ERROR_BAD_DATA if they are damaged. */
struct error *btf_types(const void *data, size_t size, struct types **ret);

#endif
