/* VMCOREINFO, the two rings of printk, and logs as text. */
#include "linux_log.h"
#include "linux_writer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct image image;
static struct reader_bytes bytes;
static struct linux_log logged;

static void setup(void)
{
	arena = arena_create(64 << 20);
	bytes = (struct reader_bytes){.data = image.bytes, .size = IMAGE_BYTES, .base = IMAGE_BASE};
}

static void teardown(void)
{
	arena_destroy(arena);
}

TestSuite(linux_log, .init = setup, .fini = teardown);

static struct error *read_log(const char *vmcoreinfo)
{
	struct vmcoreinfo info;
	struct reader memory = reader_of_bytes(&bytes);

	cr_assert(vmcoreinfo_parse(arena, vmcoreinfo, strlen(vmcoreinfo), &info));
	return linux_log_read(&memory, &info, arena, &logged);
}

static const struct linux_line *line(size_t index, const char *text)
{
	const struct linux_line *l = list_at(&logged.lines, index);

	cr_assert_not_null(l, "line %zu", index);
	cr_assert_str_eq(l->text, text);
	return l;
}

Test(linux_log, vmcoreinfo_numbers)
{
	static const char text[] =
		"OSRELEASE=6.1.0\nSYMBOL(a)=ffffffff9d375590\nNUMBER(n)=-257\n"
		"NUMBER(m)=0xffff800080000000\nOFFSET(s.f)=16\nKERNELOFFSET=1b200000\n"
		"no equals sign\n=nothing\nSYMBOL(a)=1\nSIZE(x)=12junk\nEMPTY=\n"
		"CRASHTIME=1795319332";
	struct vmcoreinfo info;
	uint64_t v;

	cr_assert(vmcoreinfo_parse(arena, text, sizeof(text), &info));
	cr_assert_eq(info.count, 9);
	cr_assert_str_eq(vmcoreinfo_value(&info, "OSRELEASE"), "6.1.0");
	cr_assert_null(vmcoreinfo_value(&info, "OSREL"));
	cr_assert(vmcoreinfo_symbol(&info, "a", &v) && v == 0xffffffff9d375590);
	cr_assert(vmcoreinfo_number(&info, "NUMBER(n)", &v) && (int64_t)v == -257);
	cr_assert(vmcoreinfo_number(&info, "NUMBER(m)", &v) && v == 0xffff800080000000);
	cr_assert(vmcoreinfo_offset(&info, "s.f", &v) && v == 16);
	cr_assert(vmcoreinfo_number(&info, "KERNELOFFSET", &v) && v == 0x1b200000);
	cr_assert(vmcoreinfo_number(&info, "CRASHTIME", &v) && v == 1795319332);
	cr_assert_not(vmcoreinfo_size(&info, "x", &v));
	cr_assert_not(vmcoreinfo_number(&info, "EMPTY", &v));
	cr_assert_not(vmcoreinfo_number(&info, "OSRELEASE", &v));
	cr_assert(vmcoreinfo_parse(arena, NULL, 0, &info));
	cr_assert_null(vmcoreinfo_value(&info, "a"));
}

Test(linux_log, lockless_ring)
{
	write_ring(&image);
	cr_assert_null(read_log(ring_vmcoreinfo));
	cr_assert_str_eq(logged.layout, "printk_ringbuffer");
	cr_assert_eq(logged.lines.count, 6);
	cr_assert_not(logged.partial, "a reserved record is not missing");
	const struct linux_line *first = line(0, "first");
	cr_assert(first->level == 6 && first->facility == 0 && first->ns == 1500000000);
	cr_assert(first->has_caller && !first->caller_is_cpu && first->caller == 1);
	const struct linux_line *second = line(1, "second");
	cr_assert(second->caller_is_cpu && second->caller == 3);
	cr_assert_eq(line(2, "of two lines")->ns, second->ns);
	cr_assert_eq(line(4, "wrapped, by a user, with more text than fits at the end")->facility,
		     1);
	cr_assert_eq(line(5, "last")->sequence, 5);
}

Test(linux_log, excluded_pages_cost_only_their_records)
{
	write_ring(&image);
	bytes.size = 4096; /* no text at all */
	cr_assert_null(read_log(ring_vmcoreinfo));
	cr_assert_eq(logged.lines.count, 0);
	cr_assert(logged.partial && logged.missing == 5);
	cr_assert_not_null(logged.why);
	bytes.size = 32; /* not even the ring's description */
	struct error *err = read_log(ring_vmcoreinfo);
	cr_assert_not_null(err);
	cr_assert_eq(err->kind, ERROR_TRUNCATED);
	error_destroy(err);
}

Test(linux_log, damaged_rings_end)
{
	for (size_t at = 64; at < 1024; at++) {
		for (int value = 0; value < 256; value += 85) {
			write_ring(&image);
			image.bytes[at] = (uint8_t)value;
			error_destroy(read_log(ring_vmcoreinfo));
			arena_destroy(arena);
			arena = arena_create(64 << 20);
		}
	}
}

Test(linux_log, records_of_log_buf)
{
	write_old_log(&image);
	cr_assert_null(read_log(old_vmcoreinfo));
	cr_assert_str_eq(logged.layout, "log_buf");
	cr_assert_eq(logged.lines.count, 3);
	cr_assert_eq(line(0, "one")->ns, 1000);
	line(1, "two,goes on");
	cr_assert_eq(line(2, "three")->facility, 1);
	for (size_t at = 0; at < 512; at++) {
		for (int value = 0; value < 256; value += 51) {
			write_old_log(&image);
			image.bytes[at] = (uint8_t)value;
			error_destroy(read_log(old_vmcoreinfo));
			arena_destroy(arena);
			arena = arena_create(64 << 20);
		}
	}
}

Test(linux_log, characters_before_3_5)
{
	static const char info[] =
		"SYMBOL(log_buf)=ffff888000100000\nSYMBOL(log_buf_len)=ffff888000100010\n"
		"SYMBOL(log_end)=ffff888000100018\nSYMBOL(logged_chars)=ffff888000100020\n";
	static const char text[] = "<6>[    1.000000] one\n<4>[    2.500000] two\n";
	size_t length = sizeof(text) - 1, ring = 64, begin = 40;

	memset(&image, 0, sizeof(image));
	put64(&image, 0, IMAGE_BASE + 256);
	put32(&image, 16, (uint32_t)ring);
	put32(&image, 24, (uint32_t)(begin + length));
	put32(&image, 32, (uint32_t)length);
	for (size_t i = 0; i < length; i++)
		image.bytes[256 + (begin + i) % ring] = (uint8_t)text[i];
	cr_assert_null(read_log(info));
	cr_assert_eq(logged.lines.count, 2);
	cr_assert_eq(line(0, "one")->level, 6);
	cr_assert(line(1, "two")->level == 4 && line(1, "two")->ns == 2500000000);
}

Test(linux_log, no_vmcoreinfo_is_said)
{
	struct error *err = read_log("OSRELEASE=1\n");

	cr_assert_not_null(err);
	cr_assert_eq(err->kind, ERROR_UNSUPPORTED);
	error_destroy(err);
}

/* ---- text --------------------------------------------------------------------------------------
 */

static const struct {
	const char *raw, *text;
	int level, facility;
	bool has_ns;
	uint64_t ns, wall;
} lines[] = {
	{"[   12.345678] hello", "hello", -1, -1, true, 12345678000, 0},
	{"<4>[   12.345678] hello", "hello", 4, 0, true, 12345678000, 0},
	{"<12>hello", "hello", 4, 1, false, 0, 0},
	{"[   12.345678][  T123] hello", "hello", -1, -1, true, 12345678000, 0},
	{"[   12.345678]  indented", " indented", -1, -1, true, 12345678000, 0},
	{"Nov 22 06:06:01 host kernel: [   12.3] hello", "hello", -1, -1, true, 12300000000, 0},
	{"Nov 22 06:06:01 host kernel: hello", "hello", -1, -1, false, 0, 0},
	{"Nov 22 06:06:01 host sshd[12]: Kernel panic", "host sshd[12]: Kernel panic", -1, 1, false,
	 0, 0},
	{"2024-07-19T04:09:00.123456+00:00 host kernel: hello", "hello", -1, -1, false, 0,
	 1721362140},
	{"2024-07-19T06:09:00,123456+02:00 hello", "hello", -1, -1, false, 0, 1721362140},
	{"[Fri Jul 19 04:09:00 2024] hello", "hello", -1, -1, false, 0, 1721362140},
	{"июл 27 14:08:03 laptop kernel: hello", "hello", -1, -1, false, 0, 0},
	{" kernel:[  622.405154] hello", "hello", -1, -1, true, 622405154000, 0},
	{"kern  :warn  : [   12.345678] hello", "hello", 4, 0, true, 12345678000, 0},
	{"6,339,5140900,-;hello", "hello", 6, 0, true, 5140900000, 0},
	{"\x1b[0m\x1b[1mhello\x1b[0m\r", "hello", -1, -1, false, 0, 0},
	{"tab\there", "tab here", -1, -1, false, 0, 0},
	{"hidden \x01 byte", "hidden \\x01 byte", -1, -1, false, 0, 0},
	{"[", "[", -1, -1, false, 0, 0},
	{"<", "<", -1, -1, false, 0, 0},
	{"", "", -1, -1, false, 0, 0},
};

Test(linux_log, prefixes_of_text)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char with_end[256];
		snprintf(with_end, sizeof(with_end), "%s\n", lines[i].raw);
		linux_log_from_text(with_end, strlen(with_end), arena, &logged);
		cr_assert_eq(logged.lines.count, 1, "%s", lines[i].raw);
		const struct linux_line *l = list_at(&logged.lines, 0);
		cr_expect_str_eq(l->text, lines[i].text);
		cr_expect_eq(l->level, lines[i].level, "%s: %d", lines[i].raw, l->level);
		cr_expect_eq(l->facility, lines[i].facility, "%s: %d", lines[i].raw, l->facility);
		cr_expect_eq(l->has_ns, lines[i].has_ns, "%s", lines[i].raw);
		cr_expect_eq(l->ns, lines[i].ns, "%s", lines[i].raw);
		cr_expect_eq(l->wall, lines[i].wall, "%s: %llu", lines[i].raw,
			     (unsigned long long)l->wall);
	}
}

Test(linux_log, of_a_long_text_the_end_is_kept)
{
	size_t count = 70000, size = 0;
	char *text = malloc(count * 16);

	for (size_t i = 0; i < count; i++)
		size += (size_t)sprintf(text + size, "line %zu\n", i);
	linux_log_from_text(text, size, arena, &logged);
	cr_assert(logged.partial && logged.why);
	cr_assert_eq(logged.lines.count, 65536);
	line(65535, "line 69999");
	free(text);
}

Test(linux_log, bids)
{
	static const char crash[] = "[    1.0] a\n[    1.1] BUG: unable to handle page fault for "
				    "address: 0\n";
	static const char plain[] = "[    1.0] a\n[    1.1] b\n[    1.2] c\n";
	static const char prose[] = "Dear all,\nour server stopped yesterday.\nRegards\n";
	static const char bare[] = "Kernel panic - not syncing: Fatal exception\n";
	static const uint8_t binary[64] = "Kernel panic - not syncing\0\1\2\3";

	cr_assert_geq(linux_log_bid(crash, sizeof(crash) - 1), 80);
	cr_assert(linux_log_bid(plain, sizeof(plain) - 1) > 0);
	cr_assert(linux_log_bid(bare, sizeof(bare) - 1) > 0);
	cr_assert_eq(linux_log_bid(prose, sizeof(prose) - 1), 0);
	cr_assert_eq(linux_log_bid(binary, sizeof(binary)), 0);
	cr_assert_eq(linux_log_bid("", 0), 0);
}
