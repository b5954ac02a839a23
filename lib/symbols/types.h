/* Layouts of the kernel's structures, whoever described them: BTF (btf.h) or DWARF (debug_file.h).
 *
 * Names of fields move between kernel versions: ask for a path, and if it is not there for the next
 * name it had. Paths go through anonymous structs and unions, typedefs and qualifiers. */
#ifndef CULPRIT_TYPES_H
#define CULPRIT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct types;

struct member {
	uint64_t offset; /* in bytes from the beginning of the structure */
	uint64_t size;   /* of the field in bytes, 0 unknown */
	uint64_t count;  /* elements, if it is an array */
	unsigned bits;   /* of a bit field, else 0 */
	bool is_pointer;
};

/* Accepts NULL. */
void types_destroy(struct types *types);

/* The field at @p path ("f_path.dentry") of structure @p name. */
bool types_member(const struct types *types, const char *name, const char *path,
		  struct member *ret);
/* Its offset, or -1. */
int64_t types_offset(const struct types *types, const char *name, const char *path);
/* Size of structure @p name in bytes, 0 unknown. */
uint64_t types_size(const struct types *types, const char *name);

/* ---- for those who describe types ---- */

/* One description. A type is a number that only its description understands; 0 is none. */
struct types_ops {
	/* The structure or union of that name. */
	uint64_t (*find)(const struct types *types, const char *name);
	/* The field whose name is the first @p length bytes of @p name, also one of an anonymous
	 * member: its offset in bits, or -1. @p ret gets its type and, for a bit field, `bits`. */
	int64_t (*field)(const struct types *types, uint64_t type, const char *name, size_t length,
			 uint64_t *ret_type, struct member *ret);
	/* Fills in `size`, `count` and `is_pointer` of @p type. */
	void (*describe)(const struct types *types, uint64_t type, struct member *ret);
	void (*destroy)(struct types *types);
};

/* Begins the description's own structure. */
struct types {
	const struct types_ops *ops;
};

/* FNV-1a: for the index of structures by name. */
uint32_t types_hash(const char *name);

#endif
