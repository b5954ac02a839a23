#include "btf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 16,       /* anonymous structs and typedefs inside each other */
	TYPES_MAX = 1 << 20,  /* a kernel has about a hundred thousand */
	MEMBERS_SEEN = 20000, /* looked at for one path, all depths */
};

struct slot {
	uint32_t hash, id;
};

struct btf_types {
	struct types base;
	struct btf *btf;
	struct slot *slots; /* structures by name; id 0 is an empty slot */
	uint32_t mask;
};

static const struct btf_types *own(const struct types *types)
{
	return (const struct btf_types *)types;
}

static const char *name_of(const struct btf_types *types, uint32_t offset)
{
	const char *name = btf__str_by_offset(types->btf, offset);

	return name ? name : "";
}

static bool is_struct(const struct btf_type *t)
{
	return btf_is_struct(t) || btf_is_union(t);
}

static uint32_t find_slot(const struct btf_types *types, const char *name, uint32_t hash)
{
	uint32_t i = hash & types->mask;

	for (; types->slots[i].id; i = (i + 1) & types->mask) {
		const struct btf_type *t = types->slots[i].hash == hash
						   ? btf__type_by_id(types->btf, types->slots[i].id)
						   : NULL;
		if (t && strcmp(name_of(types, t->name_off), name) == 0)
			break;
	}
	return i;
}

static bool build_index(struct btf_types *types)
{
	uint32_t count = btf__type_cnt(types->btf), structs = 0, size = 64;

	for (uint32_t id = 1; id < count; id++)
		structs += is_struct(btf__type_by_id(types->btf, id));
	while (size < 2 * structs)
		size *= 2;
	types->mask = size - 1;
	types->slots = calloc(size, sizeof(*types->slots));
	if (!types->slots)
		return false;
	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *t = btf__type_by_id(types->btf, id);
		if (!is_struct(t) || !t->name_off)
			continue;
		uint32_t hash = types_hash(name_of(types, t->name_off));
		uint32_t i = find_slot(types, name_of(types, t->name_off), hash);
		if (!types->slots[i].id)
			types->slots[i] = (struct slot){hash, id};
	}
	return true;
}

static int stay_silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* libbpf reads words where the header says they are, on whatever border that is. */
static bool is_aligned(const void *data, size_t size)
{
	const uint8_t *p = data;
	enum { HEADER_LENGTH = 4, TYPES_OFFSET = 8, HEADER = 24 };

	return size >= HEADER && p[HEADER_LENGTH] % 4 == 0 && p[TYPES_OFFSET] % 4 == 0;
}

static void destroy(struct types *base)
{
	struct btf_types *types = (struct btf_types *)base;

	btf__free(types->btf);
	free(types->slots);
	free(types);
}

/* Behind typedefs and qualifiers. */
static const struct btf_type *strip(const struct btf_types *types, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(types->btf, id);

	for (unsigned i = 0; t && i < DEPTH_MAX && (btf_is_mod(t) || btf_is_typedef(t)); i++)
		t = btf__type_by_id(types->btf, t->type);
	return t;
}

static uint64_t find(const struct types *base, const char *name)
{
	const struct btf_types *types = own(base);

	return types->slots[find_slot(types, name, types_hash(name))].id;
}

struct search {
	const struct btf_types *types;
	const char *name;
	size_t length;
	unsigned seen;
	unsigned bits; /* of the field found, if it is a bit field */
};

/* Bit offset of a member, also one of an anonymous member; -1 if there is none of that name. */
static int64_t find_member(struct search *s, const struct btf_type *t, unsigned depth,
			   uint32_t *ret_type)
{
	if (!t || !is_struct(t) || depth > DEPTH_MAX)
		return -1;
	const struct btf_member *m = btf_members(t);
	for (unsigned i = 0; i < btf_vlen(t) && s->seen < MEMBERS_SEEN; i++, s->seen++) {
		const char *name = name_of(s->types, m[i].name_off);
		int64_t offset = btf_member_bit_offset(t, i), inner;
		if (*name) {
			if (strncmp(name, s->name, s->length) == 0 && !name[s->length]) {
				*ret_type = m[i].type;
				s->bits = btf_member_bitfield_size(t, i);
				return offset;
			}
			continue;
		}
		inner = find_member(s, strip(s->types, m[i].type), depth + 1, ret_type);
		if (inner >= 0)
			return offset + inner;
	}
	return -1;
}

static int64_t field(const struct types *base, uint64_t type, const char *name, size_t length,
		     uint64_t *ret_type, struct member *ret)
{
	const struct btf_types *types = own(base);
	struct search s = {types, name, length, 0, 0};
	uint32_t id = 0;
	int64_t offset = find_member(&s, strip(types, (uint32_t)type), 0, &id);

	if (offset < 0 || !id)
		return -1;
	*ret_type = id;
	ret->bits = s.bits;
	return offset;
}

static void describe(const struct types *base, uint64_t type, struct member *ret)
{
	const struct btf_types *types = own(base);
	const struct btf_type *t = strip(types, (uint32_t)type);
	int64_t size = btf__resolve_size(types->btf, (uint32_t)type);

	ret->size = size > 0 ? (uint64_t)size : 0;
	ret->count = t && btf_is_array(t) ? btf_array(t)->nelems : 1;
	ret->is_pointer = t && btf_is_ptr(t);
}

static const struct types_ops ops = {find, field, describe, destroy};

struct error *btf_types(const void *data, size_t size, struct types **ret)
{
	struct btf_types *types = calloc(1, sizeof(*types));

	if (!types || size > UINT32_MAX) {
		free(types);
		return error_create(ERROR_NOMEM, "no memory for the kernel's types");
	}
	types->base.ops = &ops;
	libbpf_set_print(stay_silent);
	types->btf = is_aligned(data, size) ? btf__new(data, (uint32_t)size) : NULL;
	if (libbpf_get_error(types->btf))
		types->btf = NULL;
	if (!types->btf) {
		free(types);
		return error_create(ERROR_BAD_DATA, "the type information (BTF) is damaged");
	}
	if (btf__type_cnt(types->btf) > TYPES_MAX || !build_index(types)) {
		destroy(&types->base);
		return error_create(ERROR_LIMIT, "the type information (BTF) is too large");
	}
	*ret = &types->base;
	return NULL;
}
