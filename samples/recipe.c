/* Recipe text: lines, words, numbers, names, times and strings. */
#include "mkdump.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct kept {
	struct kept *next;
	max_align_t data[];
};

struct symbol {
	struct symbol *next;
	char *name;
	uint64_t value;
};

static struct kept *kept_memory;
static struct symbol *symbols;
static bool final;

void fail(const struct line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s:%u: ", line->file, line->number);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

void *keep(size_t size)
{
	struct kept *kept = calloc(1, sizeof(*kept) + size);

	if (!kept) {
		fputs("mkdump: out of memory\n", stderr);
		exit(1);
	}
	kept->next = kept_memory;
	kept_memory = kept;
	return kept->data;
}

static char *keep_text(const char *text, size_t length)
{
	char *copy = keep(length + 1);

	memcpy(copy, text, length);
	return copy;
}

void store(uint8_t *at, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

uint64_t load(const uint8_t *at, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

static uint8_t *grow(struct bytes *bytes, size_t size)
{
	if (bytes->size + size > bytes->room) {
		size_t room = 2 * bytes->room + size + 64;
		uint8_t *data = keep(room);

		if (bytes->size)
			memcpy(data, bytes->data, bytes->size);
		bytes->data = data;
		bytes->room = room;
	}
	bytes->size += size;
	return bytes->data + bytes->size - size;
}

void put(struct bytes *bytes, unsigned size, uint64_t value)
{
	store(grow(bytes, size), size, value);
}

void put_data(struct bytes *bytes, const void *data, size_t size)
{
	if (size)
		memcpy(grow(bytes, size), data, size);
}

void put_zeros(struct bytes *bytes, size_t size)
{
	if (size)
		memset(grow(bytes, size), 0, size);
}

void pad_to(struct bytes *bytes, size_t multiple)
{
	put_zeros(bytes, (multiple - bytes->size % multiple) % multiple);
}

/* Cuts @p text at white space, in place; quotes hold words together and are dropped. */
static void split(struct line *line, char *text)
{
	char *word[MAX_WORDS];
	char *to = text;

	line->item = *text == ' ' || *text == '\t';
	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text || *text == '#')
			break;
		if (line->words == MAX_WORDS)
			fail(line, "more than %d words", MAX_WORDS);
		word[line->words++] = to;
		for (bool quoted = false; *text && (quoted || !isspace((unsigned char)*text));
		     text++) {
			if (*text == '"')
				quoted = !quoted;
			else
				*to++ = *text;
			if (quoted && !text[1])
				fail(line, "a quote is never closed");
		}
		if (*text)
			text++;
		*to++ = '\0';
	}
	line->word = keep(line->words * sizeof(*word) + 1);
	if (line->words)
		memcpy(line->word, word, line->words * sizeof(*word));
}

static char *read_text(const char *path, const struct line *from)
{
	FILE *file = fopen(path, "rb");
	struct bytes text = {0};
	char piece[4096];
	size_t size;

	if (!file) {
		struct line here = {.file = path};

		fail(from ? from : &here, "cannot read %s: %s", path, strerror(errno));
	}
	while ((size = fread(piece, 1, sizeof(piece), file)) > 0)
		put_data(&text, piece, size);
	fclose(file);
	put(&text, 1, 0);
	return (char *)text.data;
}

struct lines {
	struct line *line;
	size_t count;
	size_t room;
};

static void read_into(struct lines *lines, const char *path, const struct line *from, int depth)
{
	char *text = read_text(path, from);
	unsigned number = 0;

	if (depth > 4)
		fail(from, "includes are nested too deep");
	while (*text) {
		struct line line = {.file = path, .number = ++number};
		char *end = text + strcspn(text, "\n");
		bool more = *end;

		/* A lone backslash at the end joins the next line. */
		while (more && end - text >= 2 && end[-1] == '\\' &&
		       isspace((unsigned char)end[-2])) {
			end[-1] = ' ';
			*end = ' ';
			end += strcspn(end, "\n");
			more = *end;
			number++;
		}
		*end = '\0';
		split(&line, text);
		text = more ? end + 1 : end;
		if (!line.words)
			continue;
		if (strcmp(line.word[0], "include") == 0) {
			const char *slash = strrchr(path, '/');
			size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
			char *other;

			if (line.words != 2)
				fail(&line, "include FILE");
			other = keep(folder + strlen(line.word[1]) + 1);
			memcpy(other, path, folder);
			strcpy(other + folder, line.word[1]);
			read_into(lines, other, &line, depth + 1);
			continue;
		}
		if (lines->count == lines->room) {
			size_t room = 2 * lines->room + 64;
			struct line *all = keep(room * sizeof(*all));

			if (lines->count)
				memcpy(all, lines->line, lines->count * sizeof(*all));
			lines->line = all;
			lines->room = room;
		}
		lines->line[lines->count++] = line;
	}
}

struct line *read_recipe(const char *path, size_t *count_ret)
{
	struct lines lines = {0};

	read_into(&lines, path, NULL, 0);
	*count_ret = lines.count;
	return lines.line;
}

void define(const char *name, uint64_t value)
{
	struct symbol *symbol = symbols;

	while (symbol && strcasecmp(symbol->name, name) != 0)
		symbol = symbol->next;
	if (!symbol) {
		symbol = keep(sizeof(*symbol));
		symbol->name = keep_text(name, strlen(name));
		symbol->next = symbols;
		symbols = symbol;
	}
	symbol->value = value;
}

void names_are_final(void)
{
	final = true;
}

static uint64_t term(const struct line *line, const char *text, size_t length)
{
	char *copy = keep_text(text, length);
	char *end;

	if (isdigit((unsigned char)*copy)) {
		uint64_t value;

		errno = 0;
		value = strtoull(copy, &end, strncasecmp(copy, "0x", 2) == 0 ? 16 : 10);
		if (*end || errno)
			fail(line, "%s is not a number", copy);
		return value;
	}
	for (const struct symbol *symbol = symbols; symbol; symbol = symbol->next)
		if (strcasecmp(symbol->name, copy) == 0)
			return symbol->value;
	if (final)
		fail(line, "nothing is called \"%s\"", copy);
	return 0;
}

uint64_t number(const struct line *line, const char *word)
{
	uint64_t value = 0;
	char sign = '+';

	do {
		size_t length = strcspn(word, "+-");
		uint64_t next;

		if (!length && sign == '+' && *word == '-') { /* a leading minus */
			sign = *word++;
			continue;
		}
		if (!length)
			fail(line, "a number or a name is missing");
		next = term(line, word, length);
		value = sign == '+' ? value + next : value - next;
		word += length;
		sign = *word;
		if (*word)
			word++;
	} while (sign);
	return value;
}

/* Days since 1601-01-01. */
static uint64_t days_of(unsigned year, unsigned month, unsigned day)
{
	static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	uint64_t years = year - 1601;
	uint64_t days = 365 * years + years / 4 - years / 100 + years / 400;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days + before[month - 1] + (leap && month > 2) + day - 1;
}

uint64_t time_of(const struct line *line, const char *word)
{
	unsigned year, month, day, hour, minute, second;
	uint64_t fraction = 0;
	unsigned digits = 0;
	int used = 0;

	if (sscanf(word, "%4u-%2u-%2uT%2u:%2u:%2u%n", &year, &month, &day, &hour, &minute, &second,
		   &used) != 6 ||
	    year < 1601 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
	    minute > 59 || second > 59)
		fail(line, "%s is not a time such as 2024-07-19T05:09:22.1234567Z", word);
	word += used;
	if (*word == '.')
		for (word++; isdigit((unsigned char)*word) && digits < 7; word++, digits++)
			fraction = 10 * fraction + (uint64_t)(*word - '0');
	for (; digits < 7; digits++)
		fraction *= 10;
	if (strcmp(word, "Z") != 0)
		fail(line, "a time ends with Z (UTC)");
	return (((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * 10000000 +
	       fraction;
}

void guid_of(const struct line *line, const char *word, uint8_t ret[16])
{
	static const struct {
		const char *name;
		const char *guid;
	} known[] = {
		/* tags of secondary data */
		{"kernel-etw", "2b88b710-1c93-4f7c-b06c-655ecc50decc"},
		{"contributors", "2b4ae195-a64d-4f04-8ede-7e4f981bd42a"},
		{"dump-driver", "65755a40-f146-43ea-8c91-36b85728fd35"},
		{"boot-status", "f57308df-cc45-4e01-ad76-29a4ebb010ec"},
		{"pnp", "b7631941-532a-4cd6-b1b1-edb5917d4557"},
		{"ntfs", "00afe9c4-940d-4213-8016-cd3719b5bc20"},
		{"winlogon", "80cc79cf-a719-4af1-bf97-fe29ff76ebc1"},
		{"code-integrity", "4ee76bd8-3cf4-44a0-a0ac-3937643e37a3"},
		{"executable", "be84d651-a550-4367-8e63-ab792b631f94"},
		{"kmdf-log", "54c84888-01d1-4c1e-bed6-282c98241303"},
		{"smbios", "bc5c008f-1e3a-44d7-988d-86f6884c6758"},
		/* event providers */
		{"kernel-general", "a68ca8b7-004f-d7b6-a698-07e2de0f1f5d"},
		{"filter-manager", "f3c5e28e-63f6-49c7-a204-e48a1bc4b09d"},
		{"windows-update", "945a8954-c147-4acd-923f-40c45405a658"},
		{"kernel-boot", "15ca44ff-4d7a-4baa-bba5-0998955e531e"},
		{"kernel-power", "331c3b3a-2005-44c2-ac5e-77220c37d6b4"},
	};
	static const uint8_t order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	const char *text = word;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, word) == 0)
			text = known[i].guid;
	for (unsigned i = 0; i < 16; i++) {
		unsigned byte;

		if (*text == '-')
			text++;
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
		    sscanf(text, "%2x", &byte) != 1)
			fail(line, "%s is neither a GUID nor a known name", word);
		ret[order[i]] = (uint8_t)byte;
		text += 2;
	}
	if (*text)
		fail(line, "%s is too long for a GUID", word);
}

const char *option(const struct line *line, unsigned first, const char *key)
{
	size_t length = strlen(key);

	for (unsigned i = first; i < line->words; i++)
		if (strncmp(line->word[i], key, length) == 0 && line->word[i][length] == '=')
			return line->word[i] + length + 1;
	return NULL;
}

uint64_t option_number(const struct line *line, unsigned first, const char *key, uint64_t otherwise)
{
	const char *text = option(line, first, key);

	return text ? number(line, text) : otherwise;
}

void fill_fields(const struct line *line, unsigned first, const struct field *fields, uint8_t *base)
{
	for (unsigned i = first; i < line->words; i++) {
		size_t length = strcspn(line->word[i], "=");
		const struct field *field = fields;

		while (field->name && (strlen(field->name) != length ||
				       strncmp(field->name, line->word[i], length) != 0))
			field++;
		if (!field->name || !line->word[i][length])
			fail(line, "\"%s\" is not a NAME=VALUE of %s", line->word[i],
			     line->word[first - 1]);
		if (field->size)
			store(base + field->at, field->size,
			      number(line, line->word[i] + length + 1));
	}
}

/* The next character of recipe text: UTF-8, or \u{HEX} or \u{HEX*COUNT}. Lone surrogates pass. */
static uint32_t next_character(const struct line *line, const char **text, unsigned *repeat)
{
	const uint8_t *at = (const uint8_t *)*text;
	unsigned more = at[0] >= 0xf0 ? 3 : at[0] >= 0xe0 ? 2 : at[0] >= 0xc0 ? 1 : 0;
	uint32_t value = at[0];

	*repeat = 1;
	if (strncmp(*text, "\\u{", 3) == 0) {
		char *end;

		value = (uint32_t)strtoul(*text + 3, &end, 16);
		if (*end == '*')
			*repeat = (unsigned)strtoul(end + 1, &end, 10);
		if (*end != '}' || value > 0x10ffff || *repeat > 4096)
			fail(line, "bad \\u{...} in %s", *text);
		*text = end + 1;
		return value;
	}
	if (more)
		value &= 0x3fU >> more;
	for (unsigned i = 1; i <= more; i++) {
		if ((at[i] & 0xc0) != 0x80)
			fail(line, "the text is not UTF-8");
		value = value << 6 | (at[i] & 0x3f);
	}
	*text += 1 + more;
	return value;
}

void put_utf16(const struct line *line, struct bytes *bytes, const char *text)
{
	while (*text) {
		unsigned repeat;
		uint32_t value = next_character(line, &text, &repeat);

		while (repeat--) {
			if (value > 0xffff) {
				put(bytes, 2, 0xd800 + ((value - 0x10000) >> 10));
				put(bytes, 2, 0xdc00 + ((value - 0x10000) & 0x3ff));
			} else {
				put(bytes, 2, value);
			}
		}
	}
}

void put_ascii(const struct line *line, struct bytes *bytes, const char *text)
{
	while (*text) {
		unsigned repeat;
		uint32_t value = next_character(line, &text, &repeat);

		if (value > 0xff)
			fail(line, "ascii text has one byte per character");
		while (repeat--)
			put(bytes, 1, value);
	}
}
