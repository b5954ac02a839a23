/* Layouts of the kernel's structures, from the type information the kernel carries about itself.
 *
 * Names of fields move between kernel versions: ask for a path, and if it is not there for the next
 * name it had. Paths go through anonymous structs and unions, typedefs and qualifiers. */
#ifndef CULPRIT_BTF_H
#define CULPRIT_BTF_H

#include "arena.h"
#include "errors.h"

struct types;

struct member {
	uint64_t offset; /* in bytes from the beginning of the structure */
	uint64_t size;   /* of the field in bytes, 0 unknown */
	uint64_t count;  /* elements, if it is an array */
	unsigned bits;   /* of a bit field, else 0 */
	bool is_pointer;
};

/* The types in @p data (which is copied). ERROR_BAD_DATA if they are damaged. */
struct error *types_create(const void *data, size_t size, struct types **ret);
void types_destroy(struct types *types);
unsigned types_count(const struct types *types);

/* The field at @p path ("f_path.dentry") of structure @p name. */
bool types_member(const struct types *types, const char *name, const char *path,
		  struct member *ret);
/* Its offset, or -1. */
int64_t types_offset(const struct types *types, const char *name, const char *path);
/* Size of structure @p name in bytes, 0 unknown. */
uint64_t types_size(const struct types *types, const char *name);
/* Value of the enumerator @p name of any enum; false if there is none. */
bool types_enumerator(const struct types *types, const char *name, int64_t *ret);

#endif
