#include "kallsyms.h"

#include "cursor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* scripts/kallsyms.c: 256 tokens; a name is a length byte (two if bit 7 is set) and as many token
 * numbers; the first character of the expanded name is its type. */
enum {
	TOKENS = 256,
	TOKEN_TABLE_MAX = 16384, /* bytes of all tokens; real ones have about 1000 */
	TOKEN_MAX = 255,         /* of one */
	SYMBOLS_MIN = 100,       /* fewer is no kernel */
	SYMBOLS_MAX = 4 * 1024 * 1024,
	NAMES_MAX = 64 * 1024 * 1024, /* bytes of all compressed names */
	LAST_SYMBOL_BYTES = 4096,     /* the last symbol covers at most this */
};

struct symbol {
	uint64_t address;
	uint32_t name; /* in names */
};

struct kallsyms {
	struct arena *arena;
	const uint8_t *names;
	size_t names_size;
	char tokens[TOKEN_TABLE_MAX];
	const char *token[TOKENS];
	uint8_t token_length[TOKENS];
	struct symbol *symbols; /* by address */
	size_t count;
	const char *encoding;
	uint32_t *by_name; /* hash table: index + 1, 0 empty; NULL until asked for */
	uint32_t *tags;    /* of the same slots: the hash itself */
	uint32_t by_name_mask;
	uint64_t token_hash[TOKENS], token_power[TOKENS];
	uint64_t first_hash[TOKENS], first_power[TOKENS]; /* without the first character */
};

/* ---- tables ------------------------------------------------------------------------------- */

static struct error *load_tokens(const struct reader *memory, const struct kallsyms_tables *tables,
				 struct kallsyms *k)
{
	uint8_t index[TOKENS * 2];

	if (!reader_exact(memory, tables->token_index, index, sizeof(index)))
		return error_create(ERROR_TRUNCATED, "kallsyms_token_index is not in the dump");
	size_t got = reader_some(memory, tables->token_table, k->tokens, sizeof(k->tokens));
	for (size_t i = 0; i < TOKENS; i++) {
		size_t at = (size_t)(index[2 * i] | index[2 * i + 1] << 8);
		size_t length = at < got ? strnlen(k->tokens + at, got - at) : got;
		if (at + length >= got)
			return error_create(at < sizeof(k->tokens) ? ERROR_TRUNCATED
								   : ERROR_BAD_DATA,
					    "token %zu of kallsyms lies outside its table", i);
		if (length > TOKEN_MAX)
			return error_create(ERROR_BAD_DATA, "token %zu of kallsyms is %zu bytes", i,
					    length);
		k->token[i] = k->tokens + at;
		k->token_length[i] = (uint8_t)length;
	}
	return NULL;
}

/* Bytes from the names to the next table: an upper bound of theirs. */
static size_t names_bound(const struct kallsyms_tables *t, uint64_t count)
{
	const uint64_t others[] = {t->token_table, t->token_index,   t->offsets,
				   t->num_syms,    t->relative_base, t->addresses};
	uint64_t bound = count * (KALLSYMS_NAME_MAX + 2);

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (others[i] > t->names && others[i] - t->names < bound)
			bound = others[i] - t->names;
	return bound < NAMES_MAX ? (size_t)bound : NAMES_MAX;
}

/* Walks the length bytes; the table's end is where the last name ends. */
static struct error *index_names(struct kallsyms *k)
{
	size_t at = 0;

	for (size_t i = 0; i < k->count; i++) {
		k->symbols[i].name = (uint32_t)at;
		size_t length = at < k->names_size ? k->names[at++] : SIZE_MAX;
		if (length != SIZE_MAX && length & 0x80 && at < k->names_size)
			length = (length & 0x7f) | (size_t)k->names[at++] << 7;
		if (length > k->names_size - at)
			return error_create(ERROR_TRUNCATED,
					    "name %zu of %zu of kallsyms is not in the dump", i,
					    k->count);
		/* every name has its type at least; behind zeros every other would be wrong */
		if (length == 0)
			return error_create(ERROR_BAD_DATA, "name %zu of %zu of kallsyms is empty",
					    i, k->count);
		at += length;
	}
	k->names_size = at;
	return NULL;
}

static struct error *load_names(const struct reader *memory, const struct kallsyms_tables *tables,
				struct kallsyms *k)
{
	size_t bound = names_bound(tables, k->count);
	uint8_t *names = arena_alloc(k->arena, bound ? bound : 1, 1);

	if (!names)
		return error_create(ERROR_NOMEM, "no memory for %zu bytes of symbol names", bound);
	k->names = names;
	k->names_size = reader_some(memory, tables->names, names, bound);
	return index_names(k);
}

/* ---- addresses ---------------------------------------------------------------------------- */

static struct error *absolute_addresses(const struct reader *memory, uint64_t table,
					struct kallsyms *k)
{
	k->encoding = "absolute";
	for (size_t i = 0; i < k->count; i++)
		if (!reader_u64(memory, table + 8 * i, &k->symbols[i].address))
			return error_create(ERROR_TRUNCATED,
					    "kallsyms_addresses is not in the dump");
	return NULL;
}

/* kallsyms_sym_address(): with CONFIG_KALLSYMS_ABSOLUTE_PERCPU (x86-64 until 6.14) offsets that
 * are not negative are addresses, negative ones count down from base - 1. Most are negative then;
 * none is otherwise. Kernels that have no base (7.x) count from where each offset itself stands. */
static struct error *relative_addresses(const struct reader *memory,
					const struct kallsyms_tables *tables, struct kallsyms *k)
{
	uint8_t *bytes = calloc(k->count, 4);
	uint64_t base = 0;
	size_t negative = 0;
	bool from_itself = !tables->relative_base;

	if (!bytes)
		return error_create(ERROR_NOMEM, "no memory for %zu symbols", k->count);
	if ((!from_itself && !reader_u64(memory, tables->relative_base, &base)) ||
	    !reader_exact(memory, tables->offsets, bytes, 4 * k->count)) {
		free(bytes);
		return error_create(ERROR_TRUNCATED, "kallsyms_offsets is not in the dump");
	}
	struct cursor c = cursor_make(bytes, 4 * k->count, 0, "kallsyms_offsets");
	for (size_t i = 0; i < k->count; i++)
		negative += bytes[4 * i + 3] >> 7;
	bool percpu = !from_itself && negative > k->count / 2;
	for (size_t i = 0; i < k->count; i++) {
		uint32_t offset = cursor_u32(&c);
		uint64_t down = UINT64_C(0x100000000) - offset; /* of a negative one */
		if (from_itself) {
			k->symbols[i].address =
				tables->offsets + 4 * i + (uint64_t)(int64_t)(int32_t)offset;
			continue;
		}
		k->symbols[i].address = !percpu             ? base + offset
					: offset < 1u << 31 ? offset
							    : base - 1 + down;
	}
	k->encoding = from_itself ? "self-relative" : percpu ? "absolute-percpu" : "relative";
	free(bytes);
	return NULL;
}

static int by_address(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

static void sort_symbols(struct kallsyms *k)
{
	for (size_t i = 1; i < k->count; i++) {
		if (k->symbols[i].address < k->symbols[i - 1].address) {
			qsort(k->symbols, k->count, sizeof(*k->symbols), by_address);
			return;
		}
	}
}

static struct error *load_count(const struct reader *memory, const struct kallsyms_tables *tables,
				struct kallsyms *k)
{
	uint32_t count;

	if (!reader_u32(memory, tables->num_syms, &count))
		return error_create(ERROR_TRUNCATED, "kallsyms_num_syms is not in the dump");
	if (count < SYMBOLS_MIN || count > SYMBOLS_MAX)
		return error_create(ERROR_BAD_DATA, "kallsyms claims %" PRIu32 " symbols", count);
	k->count = count;
	k->symbols = arena_alloc(k->arena, k->count, sizeof(*k->symbols));
	return k->symbols ? NULL : error_create(ERROR_NOMEM, "no memory for %u symbols", count);
}

struct error *kallsyms_load(const struct reader *memory, const struct kallsyms_tables *tables,
			    struct arena *arena, struct kallsyms **ret)
{
	struct kallsyms *k = arena_alloc(arena, 1, sizeof(*k));
	bool relative = tables->offsets && (tables->relative_base || !tables->addresses);

	if (!k)
		return error_create(ERROR_NOMEM, "no memory for kernel symbols");
	if (!tables->names || !tables->num_syms || !tables->token_table || !tables->token_index ||
	    (!relative && !tables->addresses))
		return error_create(ERROR_UNSUPPORTED, "the kallsyms tables are not all known");
	k->arena = arena;
	struct error *err = load_tokens(memory, tables, k);
	if (!err)
		err = load_count(memory, tables, k);
	if (!err)
		err = load_names(memory, tables, k);
	if (!err)
		err = relative ? relative_addresses(memory, tables, k)
			       : absolute_addresses(memory, tables->addresses, k);
	if (err)
		return err;
	sort_symbols(k);
	*ret = k;
	return NULL;
}

/* ---- names -------------------------------------------------------------------------------- */

/* Type and name of a symbol; returns the name's length, cut to what fits. */
static size_t expand(const struct kallsyms *k, uint32_t at, char *name, size_t size, char *ret_type)
{
	size_t n = 0, length = k->names[at++];
	bool first = true;

	if (length & 0x80)
		length = (length & 0x7f) | (size_t)k->names[at++] << 7;
	*ret_type = '?';
	for (size_t i = 0; i < length; i++) {
		const char *token = k->token[k->names[at + i]];
		size_t left = k->token_length[k->names[at + i]];
		if (first && left) {
			*ret_type = *token++;
			left--;
			first = false;
		}
		if (left > size - 1 - n)
			left = size - 1 - n;
		memcpy(name + n, token, left);
		n += left;
	}
	name[n] = '\0';
	return n;
}

static void make_printable(char *name)
{
	for (; *name; name++)
		if (*name < 0x21 || *name > 0x7e)
			*name = '?';
}

static void fill(const struct kallsyms *k, size_t index, struct kallsyms_symbol *ret)
{
	size_t next = index + 1;

	*ret = (struct kallsyms_symbol){.address = k->symbols[index].address};
	expand(k, k->symbols[index].name, ret->name, sizeof(ret->name), &ret->type);
	make_printable(ret->name);
	while (next < k->count && k->symbols[next].address == ret->address)
		next++;
	if (next < k->count)
		ret->size = k->symbols[next].address - ret->address;
}

size_t kallsyms_count(const struct kallsyms *kallsyms)
{
	return kallsyms->count;
}

const char *kallsyms_encoding(const struct kallsyms *kallsyms)
{
	return kallsyms->encoding;
}

bool kallsyms_symbol(const struct kallsyms *kallsyms, size_t index, struct kallsyms_symbol *ret)
{
	if (index >= kallsyms->count)
		return false;
	fill(kallsyms, index, ret);
	return true;
}

/* The better of several symbols at one address has the higher rank. "__pfx_" names are the padding
 * before a function. */
static int rank(char type, const char *name)
{
	bool code = type == 't' || type == 'T' || type == 'w' || type == 'W';

	if (strncmp(name, "__pfx_", 6) == 0 || strncmp(name, "__cfi_", 6) == 0 || *name == '$' ||
	    strncmp(name, ".L", 2) == 0)
		return 0;
	return 1 + 2 * code + (type >= 'A' && type <= 'Z');
}

/* The last symbol at or below @p address. */
static size_t last_at_or_below(const struct kallsyms *k, uint64_t address)
{
	size_t low = 0, high = k->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (k->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low; /* of the one after it */
}

enum { ALIASES_MAX = 256 };

bool kallsyms_at(const struct kallsyms *kallsyms, uint64_t address, struct kallsyms_symbol *ret)
{
	size_t end = last_at_or_below(kallsyms, address);
	char name[KALLSYMS_NAME_MAX], type;
	int best_rank = -1;

	if (end == 0)
		return false;
	size_t best = end - 1;
	uint64_t start = kallsyms->symbols[best].address;
	if (end == kallsyms->count && address - start >= LAST_SYMBOL_BYTES)
		return false;
	for (size_t i = end; i-- > 0 && end - i < ALIASES_MAX;) {
		if (kallsyms->symbols[i].address != start)
			break;
		expand(kallsyms, kallsyms->symbols[i].name, name, sizeof(name), &type);
		if (rank(type, name) >= best_rank) { /* the first of equals, as the kernel does */
			best_rank = rank(type, name);
			best = i;
		}
	}
	fill(kallsyms, best, ret);
	return true;
}

/* A polynomial over the characters: the hash of a name is put together from those of its tokens. */
#define HASH_BASE UINT64_C(0x9e3779b97f4a7c15)

static void hash_part(const char *text, size_t length, uint64_t *ret_hash, uint64_t *ret_power)
{
	*ret_hash = 0;
	*ret_power = 1;
	for (size_t i = 0; i < length; i++) {
		*ret_hash = *ret_hash * HASH_BASE + (unsigned char)text[i] + 1;
		*ret_power *= HASH_BASE;
	}
}

static uint32_t hash_end(uint64_t hash)
{
	hash ^= hash >> 29;
	return (uint32_t)((hash * UINT64_C(0xbf58476d1ce4e5b9)) >> 32);
}

static void hash_tokens(struct kallsyms *k)
{
	for (size_t i = 0; i < TOKENS; i++) {
		size_t n = k->token_length[i];
		hash_part(k->token[i], n, &k->token_hash[i], &k->token_power[i]);
		hash_part(k->token[i] + (n > 0), n - (n > 0), &k->first_hash[i],
			  &k->first_power[i]);
	}
}

/* Of the name without its type; as long as the type is in the first token, which it is. */
static uint32_t hash_symbol(const struct kallsyms *k, uint32_t at)
{
	size_t length = k->names[at++];
	uint64_t hash = 0;

	if (length & 0x80)
		length = (length & 0x7f) | (size_t)k->names[at++] << 7;
	if (length)
		hash = k->first_hash[k->names[at]];
	for (size_t i = 1; i < length; i++) {
		uint8_t token = k->names[at + i];
		hash = hash * k->token_power[token] + k->token_hash[token];
	}
	return hash_end(hash);
}

static bool same_name(const struct kallsyms *k, uint32_t a, uint32_t b)
{
	char x[KALLSYMS_NAME_MAX], y[KALLSYMS_NAME_MAX], type;

	expand(k, a, x, sizeof(x), &type);
	expand(k, b, y, sizeof(y), &type);
	return strcmp(x, y) == 0;
}

/* Evidence may make all names collide, so slots are tried only so far. */
enum { PROBES_MAX = 64 };

/* Of symbols that share a name the first in address order stays. */
static void insert(struct kallsyms *k, size_t index)
{
	uint32_t tag = hash_symbol(k, k->symbols[index].name), slot = tag & k->by_name_mask;

	for (int probe = 0; probe < PROBES_MAX; probe++) {
		uint32_t other = k->by_name[slot];
		if (other == 0) {
			k->by_name[slot] = (uint32_t)index + 1;
			k->tags[slot] = tag;
			return;
		}
		if (k->tags[slot] == tag &&
		    same_name(k, k->symbols[other - 1].name, k->symbols[index].name))
			return;
		slot = (slot + 1) & k->by_name_mask;
	}
}

static void index_by_name(struct kallsyms *k)
{
	uint32_t slots = 1024;

	while (slots < k->count + k->count / 2)
		slots *= 2;
	k->tags = arena_alloc(k->arena, slots, sizeof(*k->tags));
	k->by_name = k->tags ? arena_alloc(k->arena, slots, sizeof(*k->by_name)) : NULL;
	k->by_name_mask = slots - 1;
	if (!k->by_name)
		return;
	hash_tokens(k);
	for (size_t i = 0; i < k->count; i++)
		insert(k, i);
}

bool kallsyms_address(struct kallsyms *kallsyms, const char *name, uint64_t *ret)
{
	char other[KALLSYMS_NAME_MAX], type;
	uint64_t hash, power;

	if (!kallsyms->by_name)
		index_by_name(kallsyms);
	if (!kallsyms->by_name)
		return false;
	hash_part(name, strlen(name), &hash, &power);
	uint32_t tag = hash_end(hash), slot = tag & kallsyms->by_name_mask;
	for (int probe = 0; probe < PROBES_MAX && kallsyms->by_name[slot]; probe++) {
		const struct symbol *s = &kallsyms->symbols[kallsyms->by_name[slot] - 1];
		if (kallsyms->tags[slot] == tag) {
			expand(kallsyms, s->name, other, sizeof(other), &type);
			if (strcmp(other, name) == 0) {
				*ret = s->address;
				return true;
			}
		}
		slot = (slot + 1) & kallsyms->by_name_mask;
	}
	return false;
}
