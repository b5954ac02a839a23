/* Secondary data: tagged blocks that the kernel and drivers appended to the dump.
 * windows-dumps.md 3.7. Whoever is in the list registered a callback; that alone is no guilt. */
#include "text.h"
#include "windows_kernel.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FILE_HEADER = 0x10, BLOCK_HEADER = 0x20, HEADER_MAX = 0x1000, LISTED_NAMES = 48 };

/* Text that is put together piece by piece; what does not fit is left out. */
struct builder {
	char text[1024];
	size_t length;
};

static void __attribute__((format(printf, 2, 3))) add(struct builder *b, const char *format, ...)
{
	size_t room = sizeof(b->text) - b->length;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(b->text + b->length, room, format, args);
	va_end(args);
	/* All or nothing: half a name would be another name. */
	if (n > 0 && (size_t)n < room)
		b->length += (size_t)n;
	else
		b->text[b->length] = '\0';
}

/* A time between 1995 and a day after the crash; boxes that were never filled hold anything. */
static bool is_time(const struct kernel_dump *k, uint64_t time)
{
	const uint64_t day = UINT64_C(864000000000), year_1995 = UINT64_C(124334784000000000);
	uint64_t crash = k->dump->crash_time;

	return time >= year_1995 && (crash ? time <= crash + day : time < 2 * year_1995);
}

static const char *time_text(struct kernel_dump *k, uint64_t time)
{
	const char *text = text_filetime(k->dump->arena, time, 0);

	return text ? text : "an unknown time";
}

/* UTF-16 from @p at to a NUL or the end of the block; NULL if it is empty. */
static char *string_at(struct kernel_dump *k, struct cursor *c, uint64_t at)
{
	if (at >= c->size)
		return NULL;
	struct cursor s = cursor_slice(c, at, c->size - at, "text");
	char *text = windows_text(k->dump->arena, &s, s.size / 2, NULL);
	return *text ? text : NULL;
}

/* NUL-terminated ASCII of at most @p size bytes at @p at. */
static char *ascii_at(struct kernel_dump *k, struct cursor *c, uint64_t at, uint64_t size)
{
	if (at >= c->size)
		return NULL;
	if (size > c->size - at)
		size = c->size - at;
	char *text = text_from_bytes(k->dump->arena, c->data + at, (size_t)size);
	return *text ? text : NULL;
}

/* Length of the run of characters at @p at that a driver's name or version can have. */
static uint64_t name_run(const struct cursor *c, uint64_t at, uint64_t end)
{
	uint64_t n = 0;

	for (; at + n < end; n++) {
		uint8_t x = c->data[at + n];
		bool letter = (x | 0x20) >= 'a' && (x | 0x20) <= 'z';
		if (!letter && !(x >= '0' && x <= '9') && x != '.' && x != '_' && x != '-')
			break;
	}
	return n;
}

/* The first thing at the start of a driver's own data that reads like a name or a version. */
static char *read_driver_text(struct kernel_dump *k, struct cursor c)
{
	enum { LOOK = 0x100, LEAST = 7 };
	uint64_t end = c.size < LOOK ? c.size : LOOK;

	for (uint64_t at = 0; at < end;) {
		uint64_t n = name_run(&c, at, end);
		if (n >= LEAST)
			return text_from_bytes(k->dump->arena, c.data + at, (size_t)n);
		at += n + 1;
	}
	return NULL;
}

/* Who asked for which memory to be in the dump. */
static char *read_contributors(struct kernel_dump *k, struct cursor c)
{
	struct builder b = {0};

	while (cursor_left(&c) >= 8) {
		uint64_t entries = cursor_u32(&c);
		uint32_t length = cursor_u32(&c);
		if (entries > UINT32_MAX / 16 || !cursor_skip(&c, entries * 16) ||
		    length > cursor_left(&c))
			break;
		char *name = ascii_at(k, &c, c.pos, length < 64 ? length : 64);
		cursor_skip(&c, length);
		if (name && name_run(&c, c.pos - length, c.pos) == length - 1)
			add(&b, "%s%s: %" PRIu64 " blocks", b.length ? ", " : "", name, entries);
	}
	return b.length ? arena_strdup(k->dump->arena, b.text) : NULL;
}

/* Its layout is unknown, but names of the callbacks stand in it as they are. */
static char *read_inline_contributors(struct kernel_dump *k, struct cursor c)
{
	enum { LEAST = 6, MOST = 64 };
	struct builder b = {0};
	unsigned names = 0;

	for (uint64_t at = 0; at < c.size && names < 16;) {
		uint64_t n = name_run(&c, at, c.size);
		if (n >= LEAST && n <= MOST && at + n < c.size && c.data[at + n] == 0) {
			add(&b, "%s%.*s", b.length ? ", " : "", (int)n, (const char *)c.data + at);
			names++;
		}
		at += n + 1;
	}
	return b.length ? arena_strdup(k->dump->arena, b.text) : NULL;
}

/* Boot status data. Bytes 0A and 0B are "last boot succeeded" and "last shutdown was clean": in the
 * dump that was written 5 s after boot the first is 0. */
static char *read_boot_status(struct kernel_dump *k, struct cursor c)
{
	struct builder b = {0};
	uint64_t last = cursor_u64_at(&c, 0x20), button = cursor_u64_at(&c, 0x10);
	uint64_t pressed = c.size >= 0x60 ? cursor_u64_at(&c, 0x58) : 0;

	if (c.size < 0x30)
		return NULL;
	add(&b, "boot number %u; boot %s, last shutdown %s", cursor_u32_at(&c, 0x2c),
	    cursor_u8_at(&c, 0xa) ? "completed" : "not completed",
	    cursor_u8_at(&c, 0xb) ? "clean" : "not clean");
	if (is_time(k, last)) {
		add(&b, "; last written %s", time_text(k, last));
		dump_event(k->dump, last, 3, "boot status data",
			   "Windows last recorded that it was running");
	}
	if (is_time(k, pressed))
		button = pressed;
	if (is_time(k, button)) {
		add(&b, "; power button pressed %s", time_text(k, button));
		dump_event(k->dump, button, 3, "boot status data", "the power button was pressed");
	}
	return arena_strdup(k->dump->arena, b.text);
}

static char *read_pnp(struct kernel_dump *k, struct cursor c)
{
	uint64_t time = cursor_u64_at(&c, 0x10);
	char *device = string_at(k, &c, 0x2c);

	if (!device || !is_time(k, time))
		return NULL;
	char *text = arena_printf(k->dump->arena, "device being configured: %s (event type %u)",
				  device, cursor_u32_at(&c, 0x18));
	dump_event(k->dump, time, 3, "Plug and Play black box", text);
	return arena_printf(k->dump->arena, "%s at %s", text, time_text(k, time));
}

static char *read_ntfs(struct kernel_dump *k, struct cursor c)
{
	uint64_t time = cursor_u64_at(&c, 8);

	if (!is_time(k, time))
		return NULL;
	dump_event(k->dump, time, 3, "NTFS black box", "NTFS mounted a volume");
	return arena_printf(k->dump->arena, "volume mounted %s", time_text(k, time));
}

static char *read_winlogon(struct kernel_dump *k, struct cursor c)
{
	char *state = string_at(k, &c, 0xc);

	return state ? arena_printf(k->dump->arena, "state %s", state) : NULL;
}

/* Time at 18, status at 38, counted path at D4; memory of anything if the box was never used. */
static char *read_code_integrity(struct kernel_dump *k, struct cursor c)
{
	uint64_t time = cursor_u64_at(&c, 0x18);
	uint32_t status = cursor_u32_at(&c, 0x38);
	uint16_t length = cursor_u16_at(&c, 0xd4);

	if (c.failed || !is_time(k, time) || length == 0 || length % 2 || length > c.size - 0xd6)
		return NULL;
	struct cursor s = cursor_slice(&c, 0xd6, length, "path");
	char *path = windows_text(k->dump->arena, &s, length / 2, NULL);
	if (*path != '\\')
		return NULL;
	char *text = arena_printf(k->dump->arena, "code integrity checked %s: status 0x%08x", path,
				  status);
	dump_event(k->dump, time, 3, "code integrity black box", text);
	return arena_printf(k->dump->arena, "%s, at %s", text, time_text(k, time));
}

static char *read_executable(struct kernel_dump *k, struct cursor c)
{
	return string_at(k, &c, 8);
}

/* The log was chosen by the framework, often of an unrelated bus driver: weak evidence. */
static char *read_kmdf_log(struct kernel_dump *k, struct cursor c)
{
	char *driver = ascii_at(k, &c, 0x24, 32);

	return driver ? arena_printf(k->dump->arena, "log of driver %s (weak evidence)", driver)
		      : NULL;
}

/* Entries of 38: major 08, minor 0C, name 14 (32 bytes). The first is the framework itself. */
static char *read_kmdf_clients(struct kernel_dump *k, struct cursor c)
{
	enum { ENTRY = 0x38, NAME = 0x14, NAME_SIZE = 32 };
	struct builder b = {0};
	uint64_t count = c.size / ENTRY;

	add(&b, "%" PRIu64 " drivers:", count);
	for (uint64_t i = 0; i < count && i < LISTED_NAMES; i++) {
		char *name = ascii_at(k, &c, i * ENTRY + NAME, NAME_SIZE);
		if (name)
			add(&b, "%s %s", i ? "," : "", name);
	}
	return count ? arena_strdup(k->dump->arena, b.text) : NULL;
}

/* Values of the processor's registry key: length and name, type, length and data. */
static char *read_processor(struct kernel_dump *k, struct cursor c)
{
	enum { TYPE_STRING = 1, TYPE_NUMBER = 4 };
	char *name = NULL;
	uint32_t mhz = 0;

	while (cursor_left(&c) >= 12) {
		uint32_t size = cursor_u32(&c);
		if (size > cursor_left(&c))
			break;
		struct cursor s = cursor_slice(&c, c.pos, size, "value name");
		char *value = windows_text(k->dump->arena, &s, size / 2, NULL);
		cursor_skip(&c, size);
		uint32_t type = cursor_u32(&c), length = cursor_u32(&c);
		if (length > cursor_left(&c))
			break;
		struct cursor data = cursor_slice(&c, c.pos, length, "value");
		cursor_skip(&c, length);
		if (type == TYPE_NUMBER && text_equal_nocase(value, "~MHz"))
			mhz = cursor_u32_at(&data, 0);
		if (type == TYPE_STRING && text_equal_nocase(value, "ProcessorNameString"))
			name = windows_text(k->dump->arena, &data, length / 2, NULL);
	}
	if (!name)
		return NULL;
	for (size_t end = strlen(name); end && name[end - 1] == ' ';)
		name[--end] = '\0';
	return arena_printf(k->dump->arena, "%s, %u MHz", name, mhz);
}

/* First groups of the tags, which differ. 3.7 */
static const struct tag {
	uint32_t guid;
	const char *name;
	char *(*read)(struct kernel_dump *k, struct cursor c);
} tags[] = {
	{0x2b88b710, "kernel event buffers", windows_etw_read},
	{0x2b4ae195, "contributors of memory", read_contributors},
	{0x0d910545, "contributors of memory, with data", read_inline_contributors},
	{0x65755a40, "crash dump driver", NULL},
	{0xf57308df, "boot status data", read_boot_status},
	{0xb7631941, "Plug and Play black box", read_pnp},
	{0x00afe9c4, "NTFS black box", read_ntfs},
	{0x80cc79cf, "Winlogon black box", read_winlogon},
	{0x4ee76bd8, "code integrity black box", read_code_integrity},
	{0xbe84d651, "executable path", read_executable},
	{0x9276c055, "PCI configuration", NULL},
	{0x270a33fd, "display watchdog state", NULL},
	{0xda82441d, "storage port state", NULL},
	{0xc939c73b, "storage port state", NULL},
	{0x54c84888, "KMDF log", read_kmdf_log},
	{0xf87e4a4c, "KMDF drivers", read_kmdf_clients},
	{0xbc5c008f, "SMBIOS tables", windows_smbios_read},
	{0x6c7ac389, "processor", read_processor},
	{0xd03dc06f, "processor identification (CPUID)", NULL},
	{0xe83b40d2, "ACPI tables", NULL},
	{0x9282756a, "virtual secure mode failure log", NULL},
	{0xb0692a5e, "secure kernel crash data", NULL},
	{0x5bc8704a, "CAR data", NULL},
	{0x00dae7ca, "Hyper-V boot log", NULL},
	{0x0f1f53f3, "feature configuration", NULL},
	{0x335d5e04, "win32kfull trace", NULL},
	{0x0f81ec00, "win32kbase trace", NULL},
	{0x21ba7b61, "Wi-Fi class driver", read_driver_text},
	{0x10ec8168, "Realtek network driver", read_driver_text},
	{0xbf2297dc, "NVIDIA display driver", read_driver_text},
	{0xa5d4cd4e, "AMD display driver", read_driver_text},
	{0x67fc721a, "driver data", read_driver_text},
	{0xbab89d58, "driver data", read_driver_text},
	{0x6752c89d, "driver data", NULL},
};

static const struct tag *tag_of(uint32_t guid)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (tags[i].guid == guid)
			return &tags[i];
	return NULL;
}

static char *guid_text(struct kernel_dump *k, struct cursor *c, uint64_t at)
{
	const uint8_t *rest = c->data + at + 8;

	return arena_printf(k->dump->arena, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			    cursor_u32_at(c, at), cursor_u16_at(c, at + 4),
			    cursor_u16_at(c, at + 6), rest[0], rest[1], rest[2], rest[3], rest[4],
			    rest[5], rest[6], rest[7]);
}

static void report_block(struct kernel_dump *k, struct cursor *c, uint64_t header,
			 struct cursor data, uint64_t size)
{
	uint32_t first = cursor_u32_at(c, header + 4);
	const struct tag *tag = tag_of(first);

	/* Windows 8.1 ends the list with an empty block without a tag. */
	if (first == 0 && size == 0)
		return;
	struct contribution *r = list_add(&k->dump->contributions);
	r->guid = guid_text(k, c, header + 4);
	r->size = size;
	if (!tag)
		return;
	r->name = tag->name;
	/* Sound blocks do not share bytes, so together they are no more than the file. */
	k->decoded += data.size;
	if (tag->read && data.size && k->decoded <= k->file.size)
		r->text = tag->read(k, data);
}

/* Offset of the next header of a known block at or after @p from; the end of @p c if there is none.
 */
static uint64_t next_known(struct cursor *c, uint64_t from)
{
	for (uint64_t at = from; at + BLOCK_HEADER <= c->size; at++) {
		if (c->data[at] != BLOCK_HEADER || cursor_u32_at(c, at) != BLOCK_HEADER)
			continue;
		if (tag_of(cursor_u32_at(c, at + 4)) &&
		    cursor_u32_at(c, at + 0x14) <= c->size - at - BLOCK_HEADER)
			return at;
	}
	return c->size;
}

/* The list breaks off at @p at: goes on at the next block that can be recognised. Without one, and
 * if nothing at @p at looks like a block, the bytes belong to nothing: somebody appended them. */
static void resume(struct kernel_dump *k, struct cursor *c, uint64_t at)
{
	bool inside = c->size - at >= BLOCK_HEADER && tag_of(cursor_u32_at(c, at + 4));
	uint64_t next = next_known(c, at + 1);

	cursor_seek(c, next);
	if (next == c->size && !inside) {
		dump_problem_at(k->dump, "wrong-size", c->origin + at,
				"0x%" PRIx64 " bytes at the end of the file, from offset 0x%" PRIx64
				" on, are not part of the dump",
				c->size - at, c->origin + at);
		return;
	}
	k->dump->partial = true;
	dump_problem_at(k->dump, "secondary-data-damaged", c->origin + at,
			"the secondary data is damaged at file offset 0x%" PRIx64 ": %s",
			c->origin + at,
			next == c->size ? "what follows is lost" : "some of it is lost");
}

/* One block at the cursor; false at the end of the list. */
static bool read_block(struct kernel_dump *k, struct cursor *c)
{
	uint64_t at = c->pos;

	if (cursor_left(c) == 0)
		return false;
	uint32_t header = cursor_u32_at(c, at);
	if (header == 0 && cursor_left(c) >= BLOCK_HEADER &&
	    cursor_u64_at(c, at + 4) == 0) /* kernel-generated dumps end so */
		return false;
	if (header < BLOCK_HEADER || header > HEADER_MAX || header > cursor_left(c)) {
		resume(k, c, at);
		return true;
	}
	uint64_t size = cursor_u32_at(c, at + 0x14), before = cursor_u32_at(c, at + 0x18);
	uint64_t after = cursor_u32_at(c, at + 0x1c), left = cursor_left(c) - header;
	if (before <= left && size <= left - before && after <= left - before - size) {
		struct cursor data = cursor_slice(c, at + header + before, size, "secondary data");
		report_block(k, c, at, data, size);
		return cursor_skip(c, header + before + size + after);
	}
	uint64_t have = before < left ? left - before : 0;
	struct cursor data =
		cursor_slice(c, c->size - have, have < size ? have : size, "secondary data");
	report_block(k, c, at, data, size);
	resume(k, c, at);
	return true;
}

void windows_blobs_read(struct kernel_dump *k)
{
	uint64_t start = k->triage.size_of_dump;

	if (start < k->body || start >= k->file.size || k->zero_tail)
		return;
	struct cursor c = cursor_slice(&k->file, start, k->file.size - start, "secondary data");
	uint32_t header = cursor_u32_at(&c, 8);
	if (c.size < FILE_HEADER || memcmp(c.data, "DumpBlob", 8) != 0 || header < FILE_HEADER ||
	    header > HEADER_MAX || !cursor_skip(&c, header))
		resume(k, &c, 0);
	unsigned blocks = 0;
	while (blocks < LIMIT_BLOBS && read_block(k, &c))
		blocks++;
	if (blocks == LIMIT_BLOBS)
		dump_problem_at(k->dump, "limit", c.origin + c.pos,
				"the dump has more than %d blocks of secondary data", LIMIT_BLOBS);
}
