#include "text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Longest escape of one input unit: "\u{10ffff}" does not occur, "\x1b" and "\u202e" do. */
enum { ESCAPE_MAX = 6, UTF8_MAX = 4 };

/* Characters that are not what they look like: controls, direction changes, invisible ones. */
static bool is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
	       (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe || (c >> 16) == 0xe;
}

/* Length of the valid UTF-8 sequence at @p s and its character; 0 if it is none. */
static size_t utf8_decode(const uint8_t *s, size_t left, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = s[0] < 0x80   ? 1
			: s[0] < 0xc2 ? 0
			: s[0] < 0xe0 ? 2
			: s[0] < 0xf0 ? 3
			: s[0] < 0xf5 ? 4
				      : 0;

	if (length == 0 || length > left)
		return 0;
	uint32_t c = length == 1 ? s[0] : s[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return length;
}

static size_t utf8_encode(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = length - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)((0xf0u << (4 - length)) | c);
	return length;
}

static size_t put(char *out, uint32_t c)
{
	if (!is_unsafe(c))
		return utf8_encode(c, out);
	if (c > 0xffff) /* a plane of tags nobody can see */
		return (size_t)sprintf(out, "\\u%04x", 0xfffd);
	return (size_t)sprintf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
}

char *text_from_bytes(struct arena *arena, const void *bytes, size_t length)
{
	const uint8_t *s = bytes;

	length = strnlen(bytes, length);
	char *out = arena_alloc(arena, length + 1, ESCAPE_MAX);
	if (!out)
		return (char *)"";
	size_t n = 0;
	for (size_t i = 0; i < length;) {
		uint32_t c;
		size_t used = utf8_decode(s + i, length - i, &c);
		if (used) {
			n += put(out + n, c);
		} else {
			n += (size_t)sprintf(out + n, "\\x%02x", s[i]);
			used = 1;
		}
		i += used;
	}
	out[n] = '\0';
	return out;
}

char *text_from_utf16(struct arena *arena, const void *bytes, size_t units)
{
	const uint8_t *s = bytes;
	char *out = arena_alloc(arena, units + 1, ESCAPE_MAX);

	if (!out)
		return (char *)"";
	size_t n = 0;
	for (size_t i = 0; i < units; i++) {
		uint32_t c = s[2 * i] | (uint32_t)s[2 * i + 1] << 8;
		if (c == 0)
			break;
		if (c >= 0xd800 && c < 0xe000) {
			uint32_t low = 0;
			if (c < 0xdc00 && i + 1 < units)
				low = s[2 * i + 2] | (uint32_t)s[2 * i + 3] << 8;
			if (low < 0xdc00 || low >= 0xe000) {
				n += (size_t)sprintf(out + n, "\\u%04x", c);
				continue;
			}
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i++;
		}
		n += put(out + n, c);
	}
	out[n] = '\0';
	return out;
}

bool text_is_safe(const char *utf8, size_t length)
{
	const uint8_t *s = (const uint8_t *)utf8;

	for (size_t i = 0; i < length;) {
		uint32_t c;
		size_t used = utf8_decode(s + i, length - i, &c);
		if (!used || is_unsafe(c))
			return false;
		i += used;
	}
	return true;
}

const char *text_basename(const char *path)
{
	/* On Windows / is a character like any other in a name the kernel keeps. */
	const char *last = strrchr(path, '\\');

	if (!last)
		last = strrchr(path, '/');
	return last ? last + 1 : path;
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool equal_nocase(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}

bool text_equal_nocase(const char *a, const char *b)
{
	size_t length = strlen(a);

	return length == strlen(b) && equal_nocase(a, b, length);
}

bool text_starts_nocase(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strlen(text) >= length && equal_nocase(text, prefix, length);
}

bool text_ends_nocase(const char *text, const char *suffix)
{
	size_t length = strlen(suffix), all = strlen(text);

	return all >= length && equal_nocase(text + all - length, suffix, length);
}

bool text_contains_nocase(const char *text, const char *part)
{
	size_t length = strlen(part);

	for (size_t left = strlen(text); left >= length; text++, left--)
		if (equal_nocase(text, part, length))
			return true;
	return false;
}

bool text_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	/* One star is remembered at a time: the last one can always take over from earlier ones, so
	 * the work is at most length(pattern) * length(text). */
	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (*pattern && (*pattern == '?' || fold(*pattern) == fold(*text))) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* FILETIME of 1970-01-01 and of 2200-01-01. */
static const uint64_t filetime_1970 = UINT64_C(116444736000000000);
static const uint64_t filetime_2200 = UINT64_C(189025920000000000);

char *text_filetime(struct arena *arena, uint64_t filetime, int digits)
{
	char fraction[8], text[40];
	struct tm tm;

	if (filetime < filetime_1970 || filetime >= filetime_2200)
		return NULL;
	uint64_t ticks = filetime - filetime_1970;
	time_t seconds = (time_t)(ticks / 10000000);
	if (!gmtime_r(&seconds, &tm))
		return NULL;
	size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	if (digits > 7)
		digits = 7;
	if (digits > 0) {
		snprintf(fraction, sizeof(fraction), "%07u", (unsigned)(ticks % 10000000));
		n += (size_t)snprintf(text + n, sizeof(text) - n, ".%.*s", digits, fraction);
	}
	snprintf(text + n, sizeof(text) - n, "Z");
	return arena_strdup(arena, text);
}
