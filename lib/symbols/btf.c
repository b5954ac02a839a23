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

struct types {
	struct btf *btf;
	struct slot *slots; /* structures by name; id 0 is an empty slot */
	uint32_t mask;
};

static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}

static const char *name_of(const struct types *types, uint32_t offset)
{
	const char *name = btf__str_by_offset(types->btf, offset);

	return name ? name : "";
}

static bool is_struct(const struct btf_type *t)
{
	return btf_is_struct(t) || btf_is_union(t);
}

static uint32_t find_slot(const struct types *types, const char *name, uint32_t hash)
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

static bool build_index(struct types *types)
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
		uint32_t hash = hash_name(name_of(types, t->name_off));
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

struct error *types_create(const void *data, size_t size, struct types **ret)
{
	struct types *types = calloc(1, sizeof(*types));

	if (!types || size > UINT32_MAX) {
		free(types);
		return error_create(ERROR_NOMEM, "no memory for the kernel's types");
	}
	libbpf_set_print(stay_silent);
	types->btf = btf__new(data, (uint32_t)size);
	if (!types->btf || libbpf_get_error(types->btf)) {
		free(types);
		return error_create(ERROR_BAD_DATA, "the type information (BTF) is damaged");
	}
	if (btf__type_cnt(types->btf) > TYPES_MAX || !build_index(types)) {
		types_destroy(types);
		return error_create(ERROR_LIMIT, "the type information (BTF) is too large");
	}
	*ret = types;
	return NULL;
}

void types_destroy(struct types *types)
{
	if (!types)
		return;
	btf__free(types->btf);
	free(types->slots);
	free(types);
}

unsigned types_count(const struct types *types)
{
	return btf__type_cnt(types->btf);
}

/* Behind typedefs and qualifiers. */
static const struct btf_type *strip(const struct types *types, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(types->btf, id);

	for (unsigned i = 0; t && i < DEPTH_MAX && (btf_is_mod(t) || btf_is_typedef(t)); i++)
		t = btf__type_by_id(types->btf, t->type);
	return t;
}

static const struct btf_type *find_struct(const struct types *types, const char *name)
{
	uint32_t i = find_slot(types, name, hash_name(name));

	return types->slots[i].id ? btf__type_by_id(types->btf, types->slots[i].id) : NULL;
}

struct search {
	const struct types *types;
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

static uint64_t size_of(const struct types *types, uint32_t id)
{
	int64_t size = btf__resolve_size(types->btf, id);

	return size > 0 ? (uint64_t)size : 0;
}

bool types_member(const struct types *types, const char *name, const char *path, struct member *ret)
{
	const struct btf_type *t = find_struct(types, name);
	uint64_t bits = 0;
	unsigned width = 0;
	uint32_t id = 0;

	while (t && *path) {
		struct search s = {types, path, strcspn(path, "."), 0, 0};
		int64_t offset = find_member(&s, t, 0, &id);
		if (offset < 0)
			return false;
		bits += (uint64_t)offset;
		width = s.bits;
		t = strip(types, id);
		path += s.length;
		path += *path == '.';
	}
	if (!t || !id)
		return false;
	*ret = (struct member){.offset = bits / 8,
			       .size = size_of(types, id),
			       .count = btf_is_array(t) ? btf_array(t)->nelems : 1,
			       .bits = width,
			       .is_pointer = btf_is_ptr(t)};
	return true;
}

int64_t types_offset(const struct types *types, const char *name, const char *path)
{
	struct member member;

	return types_member(types, name, path, &member) ? (int64_t)member.offset : -1;
}

uint64_t types_size(const struct types *types, const char *name)
{
	const struct btf_type *t = find_struct(types, name);

	return t ? t->size : 0;
}

bool types_enumerator(const struct types *types, const char *name, int64_t *ret)
{
	uint32_t count = btf__type_cnt(types->btf);

	for (uint32_t id = 1; id < count; id++) {
		const struct btf_type *t = btf__type_by_id(types->btf, id);
		if (!btf_is_enum(t))
			continue;
		const struct btf_enum *e = btf_enum(t);
		for (unsigned i = 0; i < btf_vlen(t); i++) {
			if (strcmp(name_of(types, e[i].name_off), name) == 0) {
				*ret = e[i].val;
				return true;
			}
		}
	}
	return false;
}
