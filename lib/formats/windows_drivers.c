/* Driver lists of a small dump: windows-dumps.md 3.2 (loaded) and 3.4 (unloaded). */
#include "text.h"
#include "windows_kernel.h"

#include <inttypes.h>

/* DUMP_DRIVER_ENTRY: the fields the kernel fills in. 3.2 */
struct entry_layout {
	uint32_t stride, base, size, checksum, timestamp;
};
static const struct entry_layout entry64 = {0x90, 0x38, 0x48, 0x80, 0x88};
static const struct entry_layout entry32 = {0x4c, 0x1c, 0x24, 0x44, 0x48};

/* Entry of the unloaded list; the name is 12 UTF-16 units. 3.4 */
struct unloaded_layout {
	uint32_t first, stride, name, start, end;
};
static const struct unloaded_layout unloaded64 = {8, 0x38, 0x10, 0x28, 0x30};
static const struct unloaded_layout unloaded32 = {4, 0x28, 0x08, 0x20, 0x24};

enum { UNLOADED_NAME_UNITS = 12 };

static const uint64_t year_1995 = 788918400, unix_epoch = 11644473600; /* seconds */

static const char no_name[] = "(no name)", lost_name[] = "(name lost)";

/* Windows 10 and later stamp their own images with hashes, so a stamp there is no date. */
static bool timestamp_is_date(const struct dump *dump, uint32_t timestamp)
{
	uint64_t crash = dump->crash_time / 10000000;

	return dump->base_build < 10240 && timestamp > year_1995 && crash > unix_epoch &&
	       timestamp <= crash - unix_epoch;
}

/* Storage drivers are loaded a second time, as dump_NAME.sys, to write the dump. */
static bool is_dump_clone(const char *name)
{
	return text_starts_nocase(name, "dump_");
}

/* DUMP_STRING: a count of characters and that many UTF-16 units. */
static bool driver_name(struct kernel_dump *k, struct module *m, uint32_t offset)
{
	enum { UNITS_MAX = 32767 }; /* of any string in the kernel */
	const char *name;

	if (offset < k->body || offset >= k->file.size)
		return false;
	struct cursor c = cursor_slice(&k->file, offset, k->file.size - offset, "driver name");
	uint32_t units = cursor_u32(&c);
	if (c.failed || units > UNITS_MAX || !cursor_fits(&c, units, 2))
		return false;
	char *path = windows_text(k->dump->arena, &c, units, &name);
	m->name = *name ? name : no_name;
	if (text_contains_nocase(path, "\\") || text_contains_nocase(path, "/"))
		m->path = path;
	m->dump_clone = is_dump_clone(name);
	return true;
}

/* One entry; false if it cannot be one: a damaged count leads into the bytes behind the list. */
static bool driver_read(struct kernel_dump *k, struct cursor *c, const struct entry_layout *at,
			uint64_t e)
{
	uint64_t base = windows_pointer(k, c, e + at->base);
	uint32_t size = cursor_u32_at(c, e + at->size);

	if (size == 0 || !dump_is_kernel_address(k->dump, base))
		return false;
	struct module *m = list_add(&k->dump->modules);
	m->loaded = true;
	m->base = base;
	m->size = size;
	m->checksum = cursor_u32_at(c, e + at->checksum);
	m->timestamp = cursor_u32_at(c, e + at->timestamp);
	m->timestamp_is_date = timestamp_is_date(k->dump, m->timestamp);
	driver_name(k, m, cursor_u32_at(c, e));
	return true;
}

/* Drivers without a name: a few stay, marked; where most are, the names' part of the file is gone
 * and so are they. Returns how many have lost theirs; an empty name here and there is none lost. */
static size_t settle_nameless(struct dump *dump)
{
	size_t lost = 0, empty = 0, kept = 0;
	struct module *all = dump->modules.items;

	LIST_EACH(struct module, m, &dump->modules) {
		lost += !m->name;
		empty += m->name == no_name;
	}
	bool drop = (lost + empty) * 2 > dump->modules.count;
	for (size_t i = 0; i < dump->modules.count; i++) {
		if (drop && (!all[i].name || all[i].name == no_name))
			continue;
		all[kept] = all[i];
		if (!all[kept].name)
			all[kept].name = lost_name;
		kept++;
	}
	dump->modules.count = kept;
	return drop ? lost + empty : lost;
}

void windows_drivers_read(struct kernel_dump *k)
{
	const struct entry_layout *at = k->wide ? &entry64 : &entry32;
	struct triage *t = &k->triage;
	struct dump *dump = k->dump;
	struct cursor c =
		windows_area(k, t->drivers, (uint64_t)t->driver_count * at->stride, "driver list");
	uint64_t entries = c.size / at->stride;

	if (t->driver_count > LIMIT_MODULES)
		dump_problem_at(dump, "limit", t->drivers,
				"the dump counts %u drivers; culprit reads %d at most",
				t->driver_count, LIMIT_MODULES);
	if (entries > LIMIT_MODULES)
		entries = LIMIT_MODULES;
	for (uint64_t i = 0; i < entries; i++)
		driver_read(k, &c, at, i * at->stride);
	size_t read = dump->modules.count, nameless = settle_nameless(dump);
	if (read == t->driver_count && nameless == 0)
		return;
	dump->partial = true;
	dump->modules_lost = t->driver_count - dump->modules.count;
	dump_problem_at(dump, "drivers-lost", t->drivers,
			"of the %u drivers that the dump counts, %zu could be read, %zu of them "
			"with their names",
			t->driver_count, read, read - nameless);
}

static void unloaded_entry(struct kernel_dump *k, struct cursor *c,
			   const struct unloaded_layout *at, uint64_t e)
{
	struct module m = {0};
	uint32_t bytes = cursor_u16_at(c, e);
	uint64_t end = windows_pointer(k, c, e + at->end);

	m.base = windows_pointer(k, c, e + at->start);
	if (m.base == 0 || end <= m.base)
		return;
	m.size = end - m.base;
	if (bytes > 2 * UNLOADED_NAME_UNITS)
		bytes = 2 * UNLOADED_NAME_UNITS;
	struct cursor name = cursor_slice(c, e + at->name, bytes, "unloaded driver name");
	m.name = windows_text(k->dump->arena, &name, bytes / 2, NULL);
	if (!*m.name)
		m.name = no_name;
	m.name_cut = bytes == 2 * UNLOADED_NAME_UNITS;
	m.dump_clone = is_dump_clone(m.name);
	*(struct module *)list_add(&k->dump->unloaded) = m;
}

void windows_unloaded_read(struct kernel_dump *k)
{
	const struct unloaded_layout *at = k->wide ? &unloaded64 : &unloaded32;
	uint32_t offset = k->triage.unloaded;

	if (offset == 0)
		return;
	struct cursor c = windows_area(k, offset, at->first, "unloaded driver list");
	uint32_t count = cursor_u32(&c);
	if (c.failed || count == 0)
		return;
	if (count > LIMIT_UNLOADED) {
		dump_problem_at(k->dump, "limit", offset,
				"the dump counts %u unloaded drivers; culprit reads %d at most",
				count, LIMIT_UNLOADED);
		count = LIMIT_UNLOADED;
	}
	c = windows_area(k, (uint64_t)offset + at->first, (uint64_t)count * at->stride,
			 "unloaded driver list");
	for (uint64_t i = 0; i < c.size / at->stride; i++)
		unloaded_entry(k, &c, at, i * at->stride);
}
