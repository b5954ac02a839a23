/* Layouts of structures out of DWARF. */
#include "debug_file_parts.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEPTH_MAX = 16,       /* anonymous structs inside each other */
	MEMBERS_SEEN = 20000, /* looked at for one path, all depths */
	UNITS_MAX = 1 << 17,
	STRUCTS_MAX = 1 << 18, /* of different names; a kernel has 15 thousand */
	NUMBER_MAX = 1 << 29,  /* bytes of a structure, elements of an array */
};

struct slot {
	uint32_t hash;
	Dwarf_Off die; /* 0: an empty slot */
};

struct debug_types {
	struct types base;
	Dwarf *dwarf;
	struct slot *slots; /* structures by name */
	uint32_t mask, used;
};

static const struct debug_types *own(const struct types *types)
{
	return (const struct debug_types *)types;
}

static bool is_struct(Dwarf_Die *die)
{
	int tag = dwarf_tag(die);

	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_class_type;
}

static bool is_declaration(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	bool declared = false;

	return dwarf_formflag(dwarf_attr(die, DW_AT_declaration, &attribute), &declared) == 0 &&
	       declared;
}

static uint32_t find_slot(const struct debug_types *types, const char *name, uint32_t hash)
{
	uint32_t i = hash & types->mask;
	Dwarf_Die die;

	for (; types->slots[i].die; i = (i + 1) & types->mask) {
		const char *other =
			types->slots[i].hash == hash &&
					dwarf_offdie(types->dwarf, types->slots[i].die, &die)
				? dwarf_diename(&die)
				: NULL;
		if (other && strcmp(other, name) == 0)
			break;
	}
	return i;
}

static bool grow(struct debug_types *types)
{
	struct slot *old = types->slots;
	uint32_t size = types->mask + 1;

	types->slots = calloc(2 * (size_t)size, sizeof(*types->slots));
	if (!types->slots) {
		types->slots = old;
		return false;
	}
	types->mask = 2 * size - 1;
	for (uint32_t i = 0; i < size; i++) {
		uint32_t at = old[i].hash & types->mask;
		if (!old[i].die)
			continue;
		while (types->slots[at].die)
			at = (at + 1) & types->mask;
		types->slots[at] = old[i];
	}
	free(old);
	return true;
}

/* The first of a name counts, as everywhere else: headers come before what one file has for itself.
 */
static bool index_unit(struct debug_types *types, Dwarf_Die *unit)
{
	Dwarf_Die die;

	if (dwarf_child(unit, &die) != 0)
		return true;
	do {
		const char *name = is_struct(&die) ? dwarf_diename(&die) : NULL;
		if (!name || is_declaration(&die))
			continue;
		uint32_t hash = types_hash(name), at = find_slot(types, name, hash);
		if (types->slots[at].die)
			continue;
		types->slots[at] = (struct slot){hash, dwarf_dieoffset(&die)};
		if (++types->used > STRUCTS_MAX || (types->used > types->mask / 2 && !grow(types)))
			return false;
	} while (dwarf_siblingof(&die, &die) == 0);
	return true;
}

/* DWARF has no index of types by name: one pass over the outermost entries of all units, 0.4 s for
 * a vmlinux of 600 MB. */
static bool build_index(struct debug_types *types)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Half version;
	uint8_t kind;
	Dwarf_Die die;

	for (unsigned i = 0; i < UNITS_MAX; i++) {
		if (dwarf_get_units(types->dwarf, unit, &unit, &version, &kind, &die, NULL) != 0)
			return types->used > 0;
		if (!index_unit(types, &die))
			return false;
	}
	return false;
}

static void destroy(struct types *base)
{
	struct debug_types *types = (struct debug_types *)base;

	free(types->slots);
	free(types);
}

static uint64_t find(const struct types *base, const char *name)
{
	const struct debug_types *types = own(base);

	return types->slots[find_slot(types, name, types_hash(name))].die;
}

/* Behind typedefs and qualifiers; false if there is no type there. */
static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	return dwarf_formref_die(dwarf_attr_integrate(die, DW_AT_type, &attribute), &type) &&
	       dwarf_peel_type(&type, ret) == 0;
}

static bool number(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (dwarf_formudata(dwarf_attr(die, name, &attribute), &value) != 0 || value > NUMBER_MAX)
		return false;
	*ret = value;
	return true;
}

/* Offset of a member in bits; *ret_bits is its width if it is a bit field. DWARF 5 section 5.7.6;
 * DWARF 3 (DW_AT_bit_offset) counts from the other end of the field's storage. */
static int64_t offset_of(Dwarf_Die *die, unsigned *ret_bits)
{
	uint64_t bytes = 0, bits = 0, width = 0, storage;
	Dwarf_Die type;

	number(die, DW_AT_data_member_location, &bytes); /* a union's have none */
	if (!number(die, DW_AT_bit_size, &width))
		return (int64_t)bytes * 8;
	*ret_bits = (unsigned)width;
	if (number(die, DW_AT_data_bit_offset, &bits))
		return (int64_t)(bytes * 8 + bits);
	if (!number(die, DW_AT_bit_offset, &bits))
		return (int64_t)bytes * 8;
	if (!number(die, DW_AT_byte_size, &storage) &&
	    (!type_of(die, &type) || !number(&type, DW_AT_byte_size, &storage)))
		return -1;
	return bits + width > storage * 8 ? -1 : (int64_t)(bytes * 8 + storage * 8 - bits - width);
}

struct search {
	const char *name;
	size_t length;
	unsigned seen, bits;
};

static int64_t find_member(struct search *s, Dwarf_Die *structure, unsigned depth, Dwarf_Die *ret)
{
	Dwarf_Die member, inner;

	if (depth > DEPTH_MAX || !is_struct(structure) || dwarf_child(structure, &member) != 0)
		return -1;
	do {
		if (dwarf_tag(&member) != DW_TAG_member)
			continue;
		const char *name = dwarf_diename(&member);
		unsigned bits = 0;
		int64_t offset = offset_of(&member, &bits), rest;
		if (offset < 0 || !type_of(&member, &inner))
			continue;
		if (!name) {
			rest = find_member(s, &inner, depth + 1, ret);
			if (rest >= 0)
				return offset + rest;
		} else if (strncmp(name, s->name, s->length) == 0 && !name[s->length]) {
			*ret = inner;
			s->bits = bits;
			return offset;
		}
	} while (++s->seen < MEMBERS_SEEN && dwarf_siblingof(&member, &member) == 0);
	return -1;
}

static int64_t field(const struct types *base, uint64_t type, const char *name, size_t length,
		     uint64_t *ret_type, struct member *ret)
{
	struct search s = {name, length, 0, 0};
	Dwarf_Die structure, found;

	if (!dwarf_offdie(own(base)->dwarf, type, &structure))
		return -1;
	int64_t offset = find_member(&s, &structure, 0, &found);
	if (offset < 0)
		return -1;
	*ret_type = dwarf_dieoffset(&found);
	ret->bits = s.bits;
	return offset;
}

/* Of all dimensions together. */
static uint64_t elements(Dwarf_Die *array)
{
	Dwarf_Die range;
	uint64_t n, product = 1;
	unsigned dimensions = 0;

	if (dwarf_child(array, &range) != 0)
		return 0;
	do {
		if (dwarf_tag(&range) != DW_TAG_subrange_type)
			continue;
		if (!number(&range, DW_AT_count, &n))
			n = number(&range, DW_AT_upper_bound, &n) ? n + 1 : 0;
		product = n > NUMBER_MAX || product > NUMBER_MAX ? 0 : product * n;
	} while (++dimensions < DEPTH_MAX && dwarf_siblingof(&range, &range) == 0);
	return product;
}

static void describe(const struct types *base, uint64_t type, struct member *ret)
{
	Dwarf_Die die;
	Dwarf_Word size = 0;

	if (!dwarf_offdie(own(base)->dwarf, type, &die))
		return;
	ret->size = dwarf_aggregate_size(&die, &size) == 0 ? size : 0;
	ret->count = dwarf_tag(&die) == DW_TAG_array_type ? elements(&die) : 1;
	ret->is_pointer = dwarf_tag(&die) == DW_TAG_pointer_type;
}

static const struct types_ops ops = {find, field, describe, destroy};

struct error *debug_file_types(struct debug_file *file, struct types **ret)
{
	enum { FIRST_SIZE = 1 << 15 };
	struct debug_types *types = calloc(1, sizeof(*types));
	uint64_t bias;

	if (!types || !(types->slots = calloc(FIRST_SIZE, sizeof(*types->slots)))) {
		free(types);
		return error_create(ERROR_NOMEM, "there is no memory for its types");
	}
	types->base.ops = &ops;
	types->mask = FIRST_SIZE - 1;
	types->dwarf = debug_file_dwarf(file, &bias);
	if (types->dwarf && build_index(types)) {
		*ret = &types->base;
		return NULL;
	}
	struct error *err = types->dwarf
				    ? error_create(ERROR_BAD_DATA, "its DWARF describes no types")
				    : error_create(ERROR_UNSUPPORTED, "it has no DWARF");
	destroy(&types->base);
	return err;
}
