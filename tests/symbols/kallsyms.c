/* Symbol tables as scripts/kallsyms.c lays them out, whole and damaged. */
#include "kallsyms.h"
#include "linux_writer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct arena *arena;
static struct image image;
static struct reader_bytes bytes;
static struct kallsyms_image where;

static void setup(void)
{
	arena = arena_create(64 << 20);
	bytes = (struct reader_bytes){.data = image.bytes, .size = IMAGE_BYTES, .base = IMAGE_BASE};
}

static void teardown(void)
{
	arena_destroy(arena);
}

TestSuite(kallsyms, .init = setup, .fini = teardown);

static struct kallsyms_tables tables(void)
{
	return (struct kallsyms_tables){.names = where.names,
					.num_syms = where.num_syms,
					.token_table = where.token_table,
					.token_index = where.token_index,
					.offsets = where.offsets,
					.relative_base = where.relative_base,
					.addresses = where.addresses};
}

static void check(const struct kallsyms_tables *t, const char *encoding)
{
	struct reader memory = reader_of_bytes(&bytes);
	struct kallsyms *k;
	struct kallsyms_symbol s;
	uint64_t address;

	struct error *err = kallsyms_load(&memory, t, arena, &k);
	cr_assert_null(err, "%s", err->message);
	cr_assert_str_eq(kallsyms_encoding(k), encoding);
	cr_assert_eq(kallsyms_count(k), KALLSYMS_SYMBOLS);
	cr_assert(kallsyms_at(k, KALLSYMS_TEXT + 16 * 700 + 5, &s));
	cr_assert_str_eq(s.name, "symbol_0700");
	cr_assert(s.type == 'T' && s.size == 16 && s.address == KALLSYMS_TEXT + 16 * 700);
	cr_assert(kallsyms_at(k, KALLSYMS_TEXT + 16 * 3, &s));
	cr_assert_str_eq(s.name, "symbol_0003", "not its alias");
	cr_assert_eq(s.size, 32);
	cr_assert(kallsyms_at(k, KALLSYMS_TEXT + 16 * (KALLSYMS_SYMBOLS - 1) + 9, &s));
	cr_assert_eq(s.size, 0);
	cr_assert_not(kallsyms_at(k, KALLSYMS_TEXT - 1, &s));
	cr_assert_not(kallsyms_at(k, KALLSYMS_TEXT + (1 << 20), &s));
	cr_assert(kallsyms_address(k, "symbol_1499", &address));
	cr_assert_eq(address, KALLSYMS_TEXT + 16 * 1499);
	cr_assert(kallsyms_address(k, "symbol_alias", &address));
	cr_assert_not(kallsyms_address(k, "symbol_1500", &address));
	cr_assert_not(kallsyms_address(k, "", &address));
	cr_assert_not(kallsyms_address(k, "Tsymbol_0001", &address));
	cr_assert(kallsyms_symbol(k, 0, &s) && strcmp(s.name, "symbol_0000") == 0);
	cr_assert_not(kallsyms_symbol(k, KALLSYMS_SYMBOLS, &s));
	for (int i = 0; i < KALLSYMS_SYMBOLS; i++) {
		char name[32];
		snprintf(name, sizeof(name), i == 4 ? "symbol_alias" : "symbol_%04d", i);
		cr_assert(kallsyms_address(k, name, &address), "%s", name);
	}
}

static const struct {
	enum kallsyms_order order;
	bool percpu;
	const char *encoding;
} layouts[] = {
	{ORDER_UNTIL_6_4, false, "relative"}, {ORDER_UNTIL_6_4, true, "absolute-percpu"},
	{ORDER_SINCE_6_5, false, "relative"}, {ORDER_SINCE_6_5, true, "absolute-percpu"},
	{ORDER_ABSOLUTE, false, "absolute"},  {ORDER_SELF_RELATIVE, false, "self-relative"},
};

Test(kallsyms, every_layout)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		write_kallsyms(&image, layouts[i].order, layouts[i].percpu, &where);
		struct kallsyms_tables t = tables();
		check(&t, layouts[i].encoding);
	}
}

/* A page of the names that the dump has as zeros: no name behind it can be told. */
Test(kallsyms, refuses_zeros_among_the_names)
{
	struct reader memory = reader_of_bytes(&bytes);
	struct kallsyms *k;

	write_kallsyms(&image, ORDER_UNTIL_6_4, false, &where);
	struct kallsyms_tables t = tables();
	memset(image.bytes + (where.names - IMAGE_BASE) + 0x400, 0, 0x400);
	struct error *err = kallsyms_load(&memory, &t, arena, &k);
	cr_assert(err && strstr(err->message, "is empty"), "%s", err ? err->message : "no error");
	error_destroy(err);
}

Test(kallsyms, found_by_their_shape)
{
	struct reader memory = reader_of_bytes(&bytes);

	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
		struct kallsyms_tables found;
		write_kallsyms(&image, layouts[i].order, layouts[i].percpu, &where);
		/* those kernels say in VMCOREINFO where their tables are */
		bool findable = layouts[i].order != ORDER_SELF_RELATIVE;
		cr_assert_eq(kallsyms_find_tables(&memory, IMAGE_BASE - 0x100000, 0x400000, arena,
						  &found),
			     findable, "layout %zu", i);
		if (!findable)
			continue;
		struct kallsyms_tables t = tables();
		cr_assert_eq(found.names, t.names);
		cr_assert_eq(found.num_syms, t.num_syms);
		cr_assert_eq(found.token_table, t.token_table);
		cr_assert_eq(found.token_index, t.token_index);
		check(&found, layouts[i].encoding);
	}
	memset(&image, 0, sizeof(image));
	struct kallsyms_tables none;
	cr_assert_not(kallsyms_find_tables(&memory, IMAGE_BASE, IMAGE_BYTES, arena, &none));
}

/* Since 7.0 there is no base: an offset counts from where it stands. */
Test(kallsyms, offsets_count_from_their_own_place)
{
	struct reader memory = reader_of_bytes(&bytes);
	struct kallsyms *k;
	uint64_t address;

	write_kallsyms(&image, ORDER_SELF_RELATIVE, false, &where);
	struct kallsyms_tables t = tables();
	cr_assert_eq(t.relative_base, 0);
	cr_assert_null(kallsyms_load(&memory, &t, arena, &k));
	cr_assert(kallsyms_address(k, "symbol_0001", &address));
	cr_assert_eq(address, KALLSYMS_TEXT + 16, "an offset backwards");
	t.offsets += 4; /* every offset from one place further on */
	cr_assert_null(kallsyms_load(&memory, &t, arena, &k));
	cr_assert(kallsyms_address(k, "symbol_0001", &address));
	cr_assert_neq(address, KALLSYMS_TEXT + 16);
}

Test(kallsyms, what_is_missing_is_said)
{
	struct reader memory = reader_of_bytes(&bytes);
	struct kallsyms *k;

	write_kallsyms(&image, ORDER_SINCE_6_5, true, &where);
	struct kallsyms_tables whole = tables(), t;
	uint64_t *const fields[] = {&t.names, &t.num_syms, &t.token_table, &t.token_index,
				    &t.offsets};
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		static const uint64_t wrong[] = {0, 8, IMAGE_BASE + IMAGE_BYTES - 3, UINT64_MAX};
		for (size_t j = 0; j < sizeof(wrong) / sizeof(*wrong); j++) {
			t = whole;
			*fields[i] = wrong[j];
			struct error *err = kallsyms_load(&memory, &t, arena, &k);
			cr_assert_not_null(err, "field %zu, value %zu", i, j);
			error_destroy(err);
		}
	}
	put32(&image, (size_t)(where.num_syms - IMAGE_BASE), UINT32_MAX);
	struct error *err = kallsyms_load(&memory, &whole, arena, &k);
	cr_assert_eq(err->kind, ERROR_BAD_DATA);
	error_destroy(err);
}

Test(kallsyms, damage_is_survived)
{
	struct reader memory = reader_of_bytes(&bytes);

	for (unsigned seed = 1; seed < 400; seed++) {
		unsigned x = seed * 2654435761u;
		struct kallsyms *k;
		struct kallsyms_symbol s;
		uint64_t address;
		write_kallsyms(&image, seed % 4, seed % 2, &where);
		for (int i = 0; i < 20; i++) {
			x = x * 1103515245 + 12345;
			image.bytes[x % image.used] = (uint8_t)(x >> 24);
		}
		struct kallsyms_tables t = tables(), found;
		struct error *err = kallsyms_load(&memory, &t, arena, &k);
		if (!err) {
			kallsyms_at(k, KALLSYMS_TEXT + seed * 7, &s);
			kallsyms_address(k, "symbol_0100", &address);
		}
		error_destroy(err);
		kallsyms_find_tables(&memory, IMAGE_BASE, IMAGE_BYTES, arena, &found);
		arena_destroy(arena);
		arena = arena_create(64 << 20);
	}
}
