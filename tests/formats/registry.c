/* What is said about inputs that no reader wants. */
#include "formats.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct format *chosen;

/* "kind: message" of what is said about @p size bytes, "" if some reader wants them. */
static const char *verdict(const void *data, size_t size)
{
	static char text[300];
	struct evidence e = {.data = data, .size = size, .total_size = size, .fd = -1};
	struct error *err = format_choose(&e, &chosen);

	text[0] = '\0';
	if (err)
		snprintf(text, sizeof(text), "%s: %s", error_kind_name(err->kind), err->message);
	error_destroy(err);
	return text;
}

Test(registry, every_reader_has_an_id)
{
	cr_assert_not_null(formats_all[0]);
	for (const struct format *const *f = formats_all; *f; f++) {
		cr_assert((*f)->id && (*f)->summary && (*f)->bid && (*f)->read);
		for (const struct format *const *g = formats_all; g != f; g++)
			cr_assert_str_neq((*f)->id, (*g)->id);
	}
}

Test(registry, chooses_a_reader)
{
	static uint8_t dump[8192] = "PAGEDU64";

	dump[0xf98] = 4;
	cr_assert_str_eq(verdict(dump, sizeof(dump)), "");
	cr_assert_not_null(chosen);
}

Test(registry, plain_sentences)
{
	static const uint8_t zeros[300000];
	static uint8_t pe[512] = "MZ";
	static uint8_t core[64] = "\177ELF\2\1\1";

	cr_assert_str_eq(verdict("", 0), "not-evidence: empty: it has no bytes");
	cr_assert_str_eq(verdict(zeros, sizeof(zeros)),
			 "zero-filled: zero-filled: every byte is zero, the write of this dump "
			 "never reached the disk");
	cr_assert_str_eq(verdict(zeros, 1),
			 "zero-filled: zero-filled: every byte is zero, the write of this dump "
			 "never reached the disk");
	pe[0x3c] = 0x80;
	memcpy(pe + 0x80, "PE\0\0", 4);
	cr_assert_str_eq(
		verdict(pe, sizeof(pe)),
		"not-evidence: a Windows program, library or driver (PE image), not a dump");
	cr_assert_str_eq(verdict("MDMP\x93\xa7\0\0", 8),
			 "unsupported: a user-mode minidump, not supported yet by this version");
	core[16] = 3;
	cr_assert_str_eq(verdict(core, sizeof(core)),
			 "not-evidence: an ELF program or library, not a dump");
	cr_assert_str_eq(verdict("hello\n", 6), "not-evidence: text, not a dump");
	cr_assert_str_eq(verdict("\xff\xfeh\0", 4), "not-evidence: text, not a dump");
	cr_assert_str_eq(verdict("\1\2\3", 3),
			 "not-evidence: of no kind that culprit knows: it begins with 01 02 03");
}

/* No reader and no guess looks beyond the end (AddressSanitizer watches). */
Test(registry, any_length_of_any_beginning)
{
	static const char *const beginnings[] = {"PAGEDU64",      "PAGEDUMP", "MZ",
						 "\177ELF\2\1\1", "MDMP",     "KDUMP   ",
						 "makedumpfile",  "\xff\xfe"};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++) {
		for (size_t length = 0; length < 80; length++) {
			uint8_t *copy = calloc(1, length ? length : 1);

			cr_assert_not_null(copy);
			memcpy(copy, beginnings[i],
			       length < strlen(beginnings[i]) ? length : strlen(beginnings[i]));
			verdict(copy, length);
			free(copy);
		}
	}
}
