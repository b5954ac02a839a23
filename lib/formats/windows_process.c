/* The process and thread that crashed, found without symbols: windows-dumps.md 4.3. */
#include "text.h"
#include "windows_kernel.h"

#include <ctype.h>

enum { IMAGE_NAME_MAX = 15, PID_MAX = 0x40000, TID_MAX = 0x80000 };

/* Where UniqueProcessId and ImageFileName are; the name lies at Peb + name_after_peb. Table of 4.3,
 * first row whose build is not above the dump's. */
struct process_layout {
	enum arch arch;
	uint32_t build;
	uint32_t pid;
	int name_after_peb, created_after_pid;
};
static const struct process_layout process_layouts[] = {
	{ARCH_X86_64, 26100, 0x1d0, 0x58, 0x28},  {ARCH_X86_64, 22700, 0, 0x58, 0x28},
	{ARCH_X86_64, 19041, 0x440, 0x58, 0x28},  {ARCH_X86_64, 18362, 0x2e8, 0x58, -0x10},
	{ARCH_X86_64, 15063, 0x2e0, 0x58, -0x10}, {ARCH_X86_64, 10586, 0x2e8, 0x58, -0x10},
	{ARCH_X86_64, 10240, 0x2e8, 0x50, -0x10}, {ARCH_X86_64, 9200, 0x2e0, 0x50, -0x10},
	{ARCH_X86_64, 7600, 0x180, -0x58, -0x10}, {ARCH_ARM64, 22000, 0x3f8, 0x58, 0x28},
	{ARCH_ARM64, 19041, 0, 0x58, 0x28},       {ARCH_ARM64, 10586, 0, 0x58, -0x10},
	{ARCH_X86, 7600, 0xb4, -0x3c, -0x14},
};

static const struct process_layout *layout_of(const struct dump *dump)
{
	size_t n = sizeof(process_layouts) / sizeof(process_layouts[0]);

	for (size_t i = 0; i < n; i++)
		if (process_layouts[i].arch == dump->arch &&
		    dump->base_build >= process_layouts[i].build)
			return &process_layouts[i];
	return NULL;
}

/* Whether a process id can be at @p at: small, a multiple of four, and before the two pointers of
 * the list of processes. */
static bool is_pid_at(const struct kernel_dump *k, struct cursor *c, uint64_t at)
{
	uint64_t pointer = k->wide ? 8 : 4;

	if (at == 0 || at + 3 * pointer > c->size)
		return false;
	uint64_t pid = windows_pointer(k, c, at);
	return pid != 0 && pid < PID_MAX && pid % 4 == 0 &&
	       dump_is_kernel_address(k->dump, windows_pointer(k, c, at + pointer)) &&
	       dump_is_kernel_address(k->dump, windows_pointer(k, c, at + 2 * pointer));
}

/* A time between the dump's boot and its crash, with some play for a clock that was set. */
static bool is_time_here(const struct dump *dump, uint64_t time)
{
	const uint64_t week = UINT64_C(10000000) * 86400 * 7;

	return time && dump->crash_time && time <= dump->crash_time &&
	       (!dump->boot_time || time + week >= dump->boot_time);
}

static void read_pid(struct kernel_dump *k, const struct process_layout *at)
{
	struct process *p = &k->dump->process;
	uint64_t pid_at = at->pid, pointer = k->wide ? 8 : 4;

	if (!is_pid_at(k, &k->process, pid_at))
		for (pid_at = 0x80; pid_at + 3 * pointer <= k->process.size; pid_at += pointer)
			if (is_pid_at(k, &k->process, pid_at))
				break;
	if (pid_at + 3 * pointer > k->process.size) {
		/* The idle process is in no list. */
		p->has_pid = p->name && text_equal_nocase(p->name, "Idle");
		return;
	}
	p->has_pid = true;
	p->pid = windows_pointer(k, &k->process, pid_at);
	uint64_t time = cursor_u64_at(&k->process, pid_at + (uint64_t)at->created_after_pid);
	if (is_time_here(k->dump, time))
		p->create_time = time;
}

/* ImageFileName: up to 15 bytes, text for the greater part. */
static void read_name(struct kernel_dump *k, uint64_t at)
{
	uint8_t bytes[IMAGE_NAME_MAX];
	size_t n = 0, odd = 0;

	if (at + IMAGE_NAME_MAX > k->process.size)
		return;
	for (; n < IMAGE_NAME_MAX; n++) {
		bytes[n] = cursor_u8_at(&k->process, at + n);
		if (bytes[n] == 0)
			break;
		odd += bytes[n] < 0x20 || bytes[n] > 0x7e;
	}
	if (n && odd * 2 <= n)
		k->dump->process.name = text_from_bytes(k->dump->arena, bytes, n);
}

/* Path of the program: by the text the audit kept, else by the file object. Only Windows 10 1607
 * and later have both near the name, and only when their windows were saved. */
static void read_image_path(struct kernel_dump *k, uint64_t name_at)
{
	struct dump *dump = k->dump;
	char *path = NULL;

	if (!k->wide || dump->base_build < 14393 || name_at + 0x20 > k->process.size)
		return;
	uint64_t audit = cursor_u64_at(&k->process, name_at + 0x18);
	uint64_t file = cursor_u64_at(&k->process, name_at - 8);
	if (dump_is_kernel_address(dump, audit))
		path = windows_kernel_ops.counted_string_at(dump, dump->arena, audit);
	if ((!path || !*path) && dump_is_kernel_address(dump, file))
		path = windows_kernel_ops.file_object_at(dump, dump->arena, file, NULL);
	if (path && *path)
		dump->process.image_path = path;
}

static void read_process(struct kernel_dump *k)
{
	const struct process_layout *at = layout_of(k->dump);
	uint32_t peb = k->layout.process_peb;

	if (k->process.size == 0 || !at || !peb)
		return;
	uint64_t name_at = (uint64_t)peb + (uint64_t)(int64_t)at->name_after_peb;
	read_name(k, name_at);
	read_pid(k, at);
	uint32_t parent = k->layout.process_parent;
	if (parent && parent + 8 <= k->process.size)
		k->dump->process.parent_pid = windows_pointer(k, &k->process, parent);
	if (k->dump->process.parent_pid >= PID_MAX)
		k->dump->process.parent_pid = 0;
	read_image_path(k, name_at);
}

/* CreateTime of the thread, known by the pair of ids that follows it at a fixed distance. */
static void read_thread(struct kernel_dump *k)
{
	struct cursor *c = &k->thread;
	uint64_t distance = k->dump->base_build < 10240 ? 0x50 : 0x48;

	if (!k->wide)
		return;
	for (uint64_t at = 0x200; at + distance + 16 <= c->size; at += 8) {
		uint64_t pid = cursor_u64_at(c, at + distance);
		uint64_t tid = cursor_u64_at(c, at + distance + 8);
		if (pid == 0 || pid >= PID_MAX || pid % 4 || tid == 0 || tid >= TID_MAX || tid % 4)
			continue;
		uint64_t time = cursor_u64_at(c, at);
		if (!is_time_here(k->dump, time))
			continue;
		k->dump->thread.create_time = time;
		return;
	}
}

void windows_process_read(struct kernel_dump *k)
{
	read_process(k);
	read_thread(k);
}
