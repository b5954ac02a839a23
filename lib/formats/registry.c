#include "formats.h"

#include <stdio.h>
#include <string.h>

#define FORMAT(name) extern const struct format format_##name;
#include "formats.def"
#undef FORMAT

#define FORMAT(name) &format_##name,
const struct format *const formats_all[] = {
#include "formats.def"
	NULL};
#undef FORMAT

/* What people hand in by mistake, and what other versions may read. The longest match of those that
 * begin alike comes first. */
static const struct {
	const char *magic;
	size_t length;
	enum error_kind kind;
	const char *sentence;
} strangers[] = {
	{"MDMP", 4, ERROR_UNSUPPORTED, "a user-mode minidump, not supported yet by this version"},
	{"Rar!\x1a\x07", 6, ERROR_UNSUPPORTED, "a RAR archive: unpack it first"},
	{"regf", 4, ERROR_NOT_EVIDENCE, "a Windows registry hive, not a dump"},
	{"ElfFile", 8, ERROR_NOT_EVIDENCE, "a Windows event log, not a dump"},
	{"Microsoft C/C++ MSF 7.00", 24, ERROR_NOT_EVIDENCE, "a PDB symbol file, not a dump"},
	{"SQLite format 3", 16, ERROR_NOT_EVIDENCE, "an SQLite database, not a dump"},
};

static struct error *known_stranger(const struct evidence *e)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		if (e->size >= strangers[i].length &&
		    memcmp(e->data, strangers[i].magic, strangers[i].length) == 0)
			return error_create(strangers[i].kind, "%s", strangers[i].sentence);
	}
	return NULL;
}

/* A core file, which may be a vmcore, or a program. */
static struct error *elf(const struct evidence *e)
{
	struct cursor c = cursor_make(e->data, e->size, 0, "ELF header");
	bool big_endian = cursor_u8_at(&c, 5) == 2;
	unsigned type = big_endian ? cursor_u8_at(&c, 17) : cursor_u16_at(&c, 16);

	if (e->size < 4 || memcmp(e->data, "\177ELF", 4) != 0)
		return NULL;
	if (type == 4)
		return error_create(
			ERROR_UNSUPPORTED,
			"an ELF core (Linux vmcore), not supported yet by this version");
	return error_create(ERROR_NOT_EVIDENCE, "an ELF program or library, not a dump");
}

static struct error *pe_image(const struct evidence *e)
{
	struct cursor c = cursor_make(e->data, e->size, 0, "PE header");
	uint32_t header = cursor_u32_at(&c, 0x3c);

	if (cursor_u16_at(&c, 0) != 0x5a4d || cursor_u32_at(&c, header) != 0x4550 || c.failed)
		return NULL;
	return error_create(ERROR_NOT_EVIDENCE,
			    "a Windows program, library or driver (PE image), not a dump");
}

static struct error *zero_filled(const struct evidence *e)
{
	/* Every byte equals the one before it, and the first is zero. */
	if (e->data[0] != 0 || memcmp(e->data, e->data + 1, e->size - 1) != 0)
		return NULL;
	if (e->total_size > e->size || e->cut)
		return error_create(ERROR_NOT_EVIDENCE,
				    "zeros: its first %llu bytes, all that could be read of it, "
				    "are zero",
				    (unsigned long long)e->size);
	return error_create(ERROR_ZERO_FILLED,
			    "zero-filled: every byte is zero, the write of this dump never "
			    "reached the disk");
}

static struct error *plain_text(const struct evidence *e)
{
	uint64_t length = e->size < 512 ? e->size : 512;
	bool utf16 = length >= 2 && memcmp(e->data, "\xff\xfe", 2) == 0;

	for (uint64_t i = 0; i < length && !utf16; i++) {
		uint8_t c = e->data[i];

		if (c < 0x20 && c != '\n' && c != '\r' && c != '\t')
			return NULL;
	}
	return error_create(ERROR_NOT_EVIDENCE, "text, not a dump");
}

static struct error *unknown(const struct evidence *e)
{
	char hex[3 * 16 + 1] = "";

	for (uint64_t i = 0; i < e->size && i < 16; i++)
		sprintf(hex + 3 * i, " %02x", e->data[i]);
	return error_create(ERROR_NOT_EVIDENCE, "of no kind that culprit knows: it begins with%s",
			    hex);
}

/* The plain sentence for what no reader wants. */
static struct error *nobody_bids(const struct evidence *e)
{
	static struct error *(*const guesses[])(const struct evidence *) = {
		zero_filled, known_stranger, elf, pe_image, plain_text, unknown};
	struct error *err = NULL;

	if (e->size == 0)
		return error_create(ERROR_NOT_EVIDENCE, "empty: it has no bytes");
	for (size_t i = 0; !err; i++)
		err = guesses[i](e);
	return err;
}

struct error *format_choose(const struct evidence *evidence, const struct format **ret)
{
	const struct format *best = NULL, *rival = NULL;
	int high = 0;

	for (const struct format *const *f = formats_all; *f; f++) {
		int bid = (*f)->bid(evidence);

		if (bid > high) {
			best = *f;
			rival = NULL;
			high = bid;
		} else if (bid == high && best) {
			rival = *f;
		}
	}
	if (rival)
		return error_create(ERROR_BAD_DATA,
				    "both a %s and a %s: the two readers are "
				    "equally sure",
				    best->id, rival->id);
	if (!best)
		return nobody_bids(evidence);
	*ret = best;
	return NULL;
}
