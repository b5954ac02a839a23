/* Structures of the Windows kernel at an address of the dump: windows-dumps.md 1.1 (exception
 * records), 1.8 (CONTEXT), 4.5 (trap and machine frames) and 4.6 (I/O objects). */
#include "text.h"
#include "windows_kernel.h"

#include <string.h>

enum { CONTEXT_X86_SIZE = 0xcc, CONTEXT_X64_SIZE = 0x100, CONTEXT_ARM64_SIZE = 0x110 };
enum { CONTEXT_X86 = 0x10000, CONTEXT_X64 = 0x100000, CONTEXT_ARM64 = 0x400000 };
enum { CONTEXT_CONTROL = 1, CONTEXT_INTEGER = 2 };
enum { MODE_MASK = 3, EFLAGS_ALWAYS = 2, EFLAGS_LIMIT = 0x400000 };

uint64_t windows_context_size(enum arch arch)
{
	switch (arch) {
	case ARCH_X86: return CONTEXT_X86_SIZE;
	case ARCH_ARM64: return CONTEXT_ARM64_SIZE;
	default: return CONTEXT_X64_SIZE;
	}
}

/* An address that a processor with 57-bit addresses, or fewer, can hold. */
static bool is_canonical(uint64_t address)
{
	int64_t top = (int64_t)address >> 56;

	return top == 0 || top == -1;
}

static uint32_t bits(unsigned first, unsigned last)
{
	return (uint32_t)((UINT64_C(2) << last) - (UINT64_C(1) << first));
}

static bool context_x64(struct cursor *c, struct registers *ret)
{
	struct registers out = {0};
	uint32_t flags = cursor_u32_at(c, 0x30);

	if (!(flags & CONTEXT_X64) || !(flags & CONTEXT_CONTROL))
		return false;
	for (unsigned i = 0; i < 16; i++)
		out.r[i] = cursor_u64_at(c, 0x78 + 8 * i);
	out.known = 1u << REG_RSP;
	if (flags & CONTEXT_INTEGER)
		out.known = bits(0, 15);
	out.ip = cursor_u64_at(c, 0xf8);
	out.sp = out.r[REG_RSP];
	out.fp = out.r[REG_RBP];
	out.flags = cursor_u32_at(c, 0x44);
	out.user_mode = (cursor_u16_at(c, 0x38) & MODE_MASK) == 3;
	if (c->failed || !is_canonical(out.ip) || !is_canonical(out.sp))
		return false;
	*ret = out;
	return true;
}

static bool context_arm64(struct cursor *c, struct registers *ret)
{
	struct registers out = {0};
	uint32_t flags = cursor_u32_at(c, 0);

	if (!(flags & CONTEXT_ARM64) || !(flags & CONTEXT_CONTROL))
		return false;
	for (unsigned i = 0; i < 31; i++)
		out.r[i] = cursor_u64_at(c, 8 + 8 * i);
	out.known = flags & CONTEXT_INTEGER ? bits(0, 30) : bits(29, 30);
	out.sp = cursor_u64_at(c, 0x100);
	out.ip = cursor_u64_at(c, 0x108);
	out.fp = out.r[29];
	out.flags = cursor_u32_at(c, 4);
	out.user_mode = (out.flags & 0xf) == 0;
	if (c->failed || !is_canonical(out.ip) || !is_canonical(out.sp))
		return false;
	*ret = out;
	return true;
}

static bool context_x86(struct cursor *c, struct registers *ret)
{
	/* eax ecx edx ebx esp ebp esi edi */
	static const uint8_t at[] = {0xb0, 0xac, 0xa8, 0xa4, 0xc4, 0xb4, 0xa0, 0x9c};
	struct registers out = {0};
	uint32_t flags = cursor_u32_at(c, 0);

	if (!(flags & CONTEXT_X86) || !(flags & CONTEXT_CONTROL))
		return false;
	for (unsigned i = 0; i < sizeof(at); i++)
		out.r[i] = cursor_u32_at(c, at[i]);
	out.known = 1u << REG_RSP | 1u << REG_RBP;
	if (flags & CONTEXT_INTEGER)
		out.known = bits(0, 7);
	out.ip = cursor_u32_at(c, 0xb8);
	out.sp = out.r[REG_RSP];
	out.fp = out.r[REG_RBP];
	out.flags = cursor_u32_at(c, 0xc0);
	out.user_mode = (cursor_u16_at(c, 0xbc) & MODE_MASK) == 3;
	if (c->failed)
		return false;
	*ret = out;
	return true;
}

bool windows_context(enum arch arch, struct cursor *c, struct registers *ret)
{
	switch (arch) {
	case ARCH_X86_64: return context_x64(c, ret);
	case ARCH_ARM64: return context_arm64(c, ret);
	case ARCH_X86: return context_x86(c, ret);
	case ARCH_UNKNOWN: break;
	}
	return false;
}

/* ContextFlags name the machine and at least control and integer registers. 5.3 step 3 */
static bool is_context_flags(enum arch arch, uint32_t flags)
{
	uint32_t machine = arch == ARCH_X86_64 ? 0x100000 : arch == ARCH_ARM64 ? 0x400000 : 0x10000;

	return (flags & ~UINT32_C(0x7f)) == machine && (flags & 3) == 3;
}

static bool context_at(const struct dump *dump, uint64_t address, struct registers *ret)
{
	uint8_t bytes[0x120];
	uint64_t size = windows_context_size(dump->arch);

	if (!space_read(dump->space, address, bytes, size))
		return false;
	struct cursor c = cursor_make(bytes, size, 0, "context");
	if (!is_context_flags(dump->arch, cursor_u32_at(&c, dump->arch == ARCH_X86_64 ? 0x30 : 0)))
		return false;
	return windows_context(dump->arch, &c, ret);
}

static bool is_flags(uint64_t flags)
{
	return (flags & EFLAGS_ALWAYS) && flags < EFLAGS_LIMIT;
}

static bool is_selectors_x64(uint64_t cs, uint64_t ss)
{
	return (cs == 0x10 || cs == 0x33 || cs == 0x23) && (ss == 0x18 || ss == 0x2b || ss == 0);
}

/* RIP CS EFLAGS RSP SS, as the processor pushes them. */
static bool hardware_frame_x64(struct cursor *c, uint64_t at, struct registers *ret)
{
	uint64_t cs = cursor_u64_at(c, at + 8) & 0xffff;
	uint64_t flags = cursor_u64_at(c, at + 0x10) & UINT32_MAX;
	uint64_t ss = cursor_u64_at(c, at + 0x20) & 0xffff;

	ret->ip = cursor_u64_at(c, at);
	ret->sp = cursor_u64_at(c, at + 0x18);
	ret->flags = flags;
	ret->user_mode = (cs & MODE_MASK) == 3;
	ret->r[REG_RSP] = ret->sp;
	ret->known |= 1u << REG_RSP;
	return !c->failed && is_selectors_x64(cs, ss) && is_flags(flags) && is_canonical(ret->ip) &&
	       is_canonical(ret->sp);
}

/* Rbx, Rdi and Rsi have a place in the frame, but exception traps do not save them: what is there
 * is stale (seen to differ from the CONTEXT). 4.5 */
static bool trap_frame_x64(struct cursor *c, struct registers *ret)
{
	static const struct {
		uint8_t index;
		uint16_t at;
	} saved[] = {{REG_RAX, 0x30}, {REG_RCX, 0x38}, {REG_RDX, 0x40}, {8, 0x48},
		     {9, 0x50},       {10, 0x58},      {11, 0x60},      {REG_RBP, 0x158}};

	for (size_t i = 0; i < sizeof(saved) / sizeof(saved[0]); i++) {
		ret->r[saved[i].index] = cursor_u64_at(c, saved[i].at);
		ret->known |= 1u << saved[i].index;
	}
	ret->fp = ret->r[REG_RBP];
	return hardware_frame_x64(c, 0x168, ret);
}

/* EIP CS EFLAGS and, if it came from user mode only, ESP and SS. */
static bool hardware_frame_x86(struct cursor *c, uint64_t at, uint64_t address,
			       struct registers *ret)
{
	uint32_t cs = cursor_u32_at(c, at + 4) & 0xffff;

	ret->ip = cursor_u32_at(c, at);
	ret->flags = cursor_u32_at(c, at + 8);
	ret->user_mode = (cs & MODE_MASK) == 3;
	ret->sp = ret->user_mode ? cursor_u32_at(c, at + 0xc) : address + at + 0xc;
	ret->r[REG_RSP] = ret->sp;
	ret->known |= 1u << REG_RSP;
	return !c->failed && (cs == 0x08 || cs == 0x1b) && is_flags(ret->flags);
}

/* Ebp and what follows it by 4.5; the registers before it as the public ntddk.h has them. */
static bool trap_frame_x86(struct cursor *c, uint64_t address, struct registers *ret)
{
	/* eax ecx edx ebx (esp) ebp esi edi */
	static const uint8_t at[] = {0x44, 0x40, 0x3c, 0x5c, 0, 0x60, 0x58, 0x54};

	for (unsigned i = 0; i < sizeof(at); i++)
		if (at[i])
			ret->r[i] = cursor_u32_at(c, at[i]);
	ret->known = bits(0, 7);
	ret->fp = ret->r[REG_RBP];
	return hardware_frame_x86(c, 0x68, address, ret);
}

static bool frame_at(const struct dump *dump, enum record_kind kind, uint64_t address,
		     struct registers *ret)
{
	bool trap = kind == RECORD_TRAP_FRAME, x64 = dump->arch == ARCH_X86_64, ok;
	uint64_t size = x64 ? (trap ? 0x190 : 0x28) : (trap ? 0x7c : 0x14);
	uint8_t bytes[0x190];
	struct registers out = {0};

	if (dump->arch != ARCH_X86_64 && dump->arch != ARCH_X86)
		return false;
	if (!space_read(dump->space, address, bytes, size))
		return false;
	struct cursor c = cursor_make(bytes, size, 0, "frame");
	if (x64)
		ok = trap ? trap_frame_x64(&c, &out) : hardware_frame_x64(&c, 0, &out);
	else
		ok = trap ? trap_frame_x86(&c, address, &out)
			  : hardware_frame_x86(&c, 0, address, &out);
	if (ok)
		*ret = out;
	return ok;
}

static bool registers_at(const struct dump *dump, enum record_kind kind, uint64_t address,
			 struct registers *ret)
{
	return kind == RECORD_CONTEXT ? context_at(dump, address, ret)
				      : frame_at(dump, kind, address, ret);
}

/* EXCEPTION_RECORD64 and 32. 1.1 */
static bool exception_at(const struct dump *dump, uint64_t address, struct exception_record *ret)
{
	bool wide = dump->arch != ARCH_X86;
	uint64_t size = wide ? 0x98 : 0x50, first = wide ? 0x20 : 0x14;
	uint8_t bytes[0x98];
	struct exception_record out = {0};

	if (!space_read(dump->space, address, bytes, size))
		return false;
	struct cursor c = cursor_make(bytes, size, 0, "exception record");
	out.code = cursor_u32_at(&c, 0);
	out.flags = cursor_u32_at(&c, 4);
	out.address = wide ? cursor_u64_at(&c, 0x10) : cursor_u32_at(&c, 0xc);
	out.parameters = cursor_u32_at(&c, wide ? 0x18 : 0x10);
	if (out.code == 0 || out.flags > 0xff || out.parameters > 15 || !is_canonical(out.address))
		return false;
	for (unsigned i = 0; i < out.parameters; i++)
		out.parameter[i] =
			wide ? cursor_u64_at(&c, first + 8 * i) : cursor_u32_at(&c, first + 4 * i);
	*ret = out;
	return true;
}

static bool pointer_at(const struct dump *dump, uint64_t address, uint64_t *ret)
{
	uint32_t narrow;

	if (dump->arch != ARCH_X86)
		return space_u64(dump->space, address, ret);
	if (!space_u32(dump->space, address, &narrow))
		return false;
	*ret = narrow;
	return true;
}

/* UNICODE_STRING. Its bytes may be in the dump, in part (then the text ends in ...) or not at all
 * (then it is ""). NULL if there is no such structure here. */
static char *string_at(const struct dump *dump, struct arena *arena, uint64_t address,
		       unsigned *ret_length)
{
	uint8_t bytes[2 * LIMIT_NAME_CHARS];
	uint16_t length, room;
	uint64_t buffer, pointer = dump->arch == ARCH_X86 ? 4 : 8;

	if (!space_u16(dump->space, address, &length) ||
	    !space_u16(dump->space, address + 2, &room) ||
	    !pointer_at(dump, address + pointer, &buffer))
		return NULL;
	if (length % 2 || length > room || (buffer == 0 && length))
		return NULL;
	if (ret_length)
		*ret_length = length;
	size_t want = length < sizeof(bytes) ? length : sizeof(bytes);
	size_t have = space_read_some(dump->space, buffer, bytes, want) / 2;
	char *text = text_from_utf16(arena, bytes, have);
	return have && have < length / 2u ? arena_printf(arena, "%s...", text) : text;
}

static char *counted_string_at(const struct dump *dump, struct arena *arena, uint64_t address)
{
	unsigned length = 0;
	char *text = string_at(dump, arena, address, &length);

	return text && length && *text ? text : NULL;
}

/* Whether an object of the I/O manager is at @p address: its first field is its type, the second
 * its size. @p size 0: any. 4.6 */
static bool is_object(const struct dump *dump, uint64_t address, unsigned type, unsigned size)
{
	uint16_t is_type, is_size;

	return space_u16(dump->space, address, &is_type) && is_type == type &&
	       space_u16(dump->space, address + 2, &is_size) &&
	       (size ? is_size == size : is_size != 0);
}

static bool is_file_object(const struct dump *dump, uint64_t address)
{
	enum { TYPE_FILE = 5 };

	if (dump->arch == ARCH_X86)
		return is_object(dump, address, TYPE_FILE, 0x80) ||
		       is_object(dump, address, TYPE_FILE, 0x70);
	return is_object(dump, address, TYPE_FILE, 0xd8);
}

static char *file_object_at(const struct dump *dump, struct arena *arena, uint64_t address,
			    unsigned *ret_length)
{
	uint64_t name_at = dump->arch == ARCH_X86 ? 0x30 : 0x58, related;
	unsigned length = 0;

	if (!is_file_object(dump, address))
		return NULL;
	char *name = string_at(dump, arena, address + name_at, &length);
	if (!name)
		return NULL;
	if (ret_length)
		*ret_length = length;
	/* Opened relative to a folder: the name continues that one's. */
	if (dump->arch == ARCH_X86 || !*name || *name == '\\' ||
	    !space_u64(dump->space, address + 0x40, &related) || !is_file_object(dump, related))
		return name;
	char *folder = string_at(dump, arena, related + name_at, NULL);
	if (!folder || !*folder || text_ends_nocase(folder, "..."))
		return name;
	return arena_printf(arena, "%s%s%s", folder, text_ends_nocase(folder, "\\") ? "" : "\\",
			    name);
}

static bool driver_object_at(const struct dump *dump, uint64_t address, char **ret_name,
			     uint64_t *ret_start)
{
	enum { TYPE_DRIVER = 4 };
	uint64_t start;

	if (dump->arch == ARCH_X86 || !is_object(dump, address, TYPE_DRIVER, 0x150) ||
	    !space_u64(dump->space, address + 0x18, &start))
		return false;
	char *name = counted_string_at(dump, dump->arena, address + 0x38);
	*ret_name = name ? name : (char *)"";
	*ret_start = start;
	return true;
}

static uint64_t driver_of_device(const struct dump *dump, uint64_t address)
{
	enum { TYPE_DEVICE = 3 };
	uint64_t driver;

	if (dump->arch == ARCH_X86 || !is_object(dump, address, TYPE_DEVICE, 0) ||
	    !space_u64(dump->space, address + 8, &driver) || !dump_is_kernel_address(dump, driver))
		return 0;
	return driver;
}

/* IRP: Size = 0xD0 + 0x48 * StackCount, and the current stack location follows from the counter
 * beside it. 4.6 */
static uint64_t device_of_irp(const struct dump *dump, uint64_t address)
{
	enum { TYPE_IRP = 6, FIRST_LOCATION = 0xd0, LOCATION = 0x48 };
	uint16_t counts;
	uint64_t device;

	if (dump->arch == ARCH_X86 || !is_object(dump, address, TYPE_IRP, 0) ||
	    !space_u16(dump->space, address + 0x42, &counts))
		return 0;
	unsigned count = counts & 0xff, current = counts >> 8;
	if (current < 1 || current > count)
		return 0;
	uint64_t location = address + FIRST_LOCATION + LOCATION * (uint64_t)(current - 1);
	if (!space_u64(dump->space, location + 0x28, &device) ||
	    !dump_is_kernel_address(dump, device))
		return 0;
	return device;
}

const struct dump_ops windows_kernel_ops = {
	.registers_at = registers_at,
	.exception_at = exception_at,
	.file_object_at = file_object_at,
	.driver_object_at = driver_object_at,
	.driver_of_device = driver_of_device,
	.device_of_irp = device_of_irp,
	.counted_string_at = counted_string_at,
};
