/* What can stand in memory: plain values, and the few kernel structures a crash is read from. */
#include "mkdump.h"

#include <string.h>

static const struct field context_x64[] = {
	{"flags", 0x30, 4},  {"mxcsr", 0x34, 4}, {"cs", 0x38, 2},  {"ds", 0x3a, 2},
	{"es", 0x3c, 2},     {"fs", 0x3e, 2},    {"gs", 0x40, 2},  {"ss", 0x42, 2},
	{"eflags", 0x44, 4}, {"rax", 0x78, 8},   {"rcx", 0x80, 8}, {"rdx", 0x88, 8},
	{"rbx", 0x90, 8},    {"rsp", 0x98, 8},   {"rbp", 0xa0, 8}, {"rsi", 0xa8, 8},
	{"rdi", 0xb0, 8},    {"r8", 0xb8, 8},    {"r9", 0xc0, 8},  {"r10", 0xc8, 8},
	{"r11", 0xd0, 8},    {"r12", 0xd8, 8},   {"r13", 0xe0, 8}, {"r14", 0xe8, 8},
	{"r15", 0xf0, 8},    {"rip", 0xf8, 8},   {"cpu", 0, 0},    {NULL, 0, 0},
};

static const struct field context_arm64[] = {
	{"flags", 0x0, 4}, {"cpsr", 0x4, 4}, {"x0", 0x8, 8},   {"x1", 0x10, 8},  {"x2", 0x18, 8},
	{"x3", 0x20, 8},   {"x4", 0x28, 8},  {"x5", 0x30, 8},  {"x6", 0x38, 8},  {"x7", 0x40, 8},
	{"x8", 0x48, 8},   {"x9", 0x50, 8},  {"x10", 0x58, 8}, {"x11", 0x60, 8}, {"x12", 0x68, 8},
	{"x13", 0x70, 8},  {"x14", 0x78, 8}, {"x15", 0x80, 8}, {"x16", 0x88, 8}, {"x17", 0x90, 8},
	{"x18", 0x98, 8},  {"x19", 0xa0, 8}, {"x20", 0xa8, 8}, {"x21", 0xb0, 8}, {"x22", 0xb8, 8},
	{"x23", 0xc0, 8},  {"x24", 0xc8, 8}, {"x25", 0xd0, 8}, {"x26", 0xd8, 8}, {"x27", 0xe0, 8},
	{"x28", 0xe8, 8},  {"fp", 0xf0, 8},  {"lr", 0xf8, 8},  {"sp", 0x100, 8}, {"pc", 0x108, 8},
	{"cpu", 0, 0},     {NULL, 0, 0},
};

static const struct field context_x86[] = {
	{"flags", 0x0, 4}, {"gs", 0x8c, 4},  {"fs", 0x90, 4},     {"es", 0x94, 4},
	{"ds", 0x98, 4},   {"edi", 0x9c, 4}, {"esi", 0xa0, 4},    {"ebx", 0xa4, 4},
	{"edx", 0xa8, 4},  {"ecx", 0xac, 4}, {"eax", 0xb0, 4},    {"ebp", 0xb4, 4},
	{"eip", 0xb8, 4},  {"cs", 0xbc, 4},  {"eflags", 0xc0, 4}, {"esp", 0xc4, 4},
	{"ss", 0xc8, 4},   {"cpu", 0, 0},    {NULL, 0, 0},
};

static const struct field trap_x64[] = {
	{"mode", 0x28, 1}, {"irql", 0x29, 1}, {"mxcsr", 0x2c, 4},   {"rax", 0x30, 8},
	{"rcx", 0x38, 8},  {"rdx", 0x40, 8},  {"r8", 0x48, 8},      {"r9", 0x50, 8},
	{"r10", 0x58, 8},  {"r11", 0x60, 8},  {"address", 0xd0, 8}, {"rbx", 0x140, 8},
	{"rdi", 0x148, 8}, {"rsi", 0x150, 8}, {"rbp", 0x158, 8},    {"error", 0x160, 8},
	{"rip", 0x168, 8}, {"cs", 0x170, 2},  {"eflags", 0x178, 4}, {"rsp", 0x180, 8},
	{"ss", 0x188, 2},  {NULL, 0, 0},
};

static const struct field trap_x86[] = {
	{"edx", 0x3c, 4}, {"ecx", 0x40, 4}, {"eax", 0x44, 4},    {"edi", 0x54, 4},
	{"esi", 0x58, 4}, {"ebx", 0x5c, 4}, {"ebp", 0x60, 4},    {"error", 0x64, 4},
	{"eip", 0x68, 4}, {"cs", 0x6c, 4},  {"eflags", 0x70, 4}, {"esp", 0x74, 4},
	{"ss", 0x78, 4},  {NULL, 0, 0},
};

static const struct field machine_frame[] = {
	{"rip", 0x0, 8},  {"cs", 0x8, 8},  {"eflags", 0x10, 8},
	{"rsp", 0x18, 8}, {"ss", 0x20, 8}, {NULL, 0, 0},
};

static const struct field exception_64[] = {
	{"code", 0x0, 4},     {"flags", 0x4, 4},  {"nested", 0x8, 8},
	{"address", 0x10, 8}, {"count", 0x18, 4}, {"info0", 0x20, 8},
	{"info1", 0x28, 8},   {"info2", 0x30, 8}, {NULL, 0, 0},
};

static const struct field exception_32[] = {
	{"code", 0x0, 4},    {"flags", 0x4, 4},  {"nested", 0x8, 4},
	{"address", 0xc, 4}, {"count", 0x10, 4}, {"info0", 0x14, 4},
	{"info1", 0x18, 4},  {"info2", 0x1c, 4}, {NULL, 0, 0},
};

static const struct field file_object[] = {
	{"device", 0x8, 8},   {"vpb", 0x10, 8},    {"fscontext", 0x18, 8}, {"fscontext2", 0x20, 8},
	{"section", 0x28, 8}, {"cache", 0x30, 8},  {"related", 0x40, 8},   {"read", 0x4a, 1},
	{"write", 0x4b, 1},   {"delete", 0x4c, 1}, {"flags", 0x50, 4},     {"name", 0, 0},
	{"buffer", 0, 0},     {"absent", 0, 0},    {NULL, 0, 0},
};

static const struct field device_object[] = {
	{"driver", 0x8, 8},     {"next", 0x10, 8}, {"attached", 0x18, 8}, {"irp", 0x20, 8},
	{"extension", 0x40, 8}, {"type", 0x48, 4}, {NULL, 0, 0},
};

static const struct field driver_object[] = {
	{"device", 0x8, 8}, {"start", 0x18, 8},  {"size", 0x20, 4}, {"section", 0x28, 8},
	{"name", 0, 0},     {"buffer", 0, 0},    {"absent", 0, 0},  {"unload", 0x68, 8},
	{"read", 0x88, 8},  {"power", 0x120, 8}, {"pnp", 0x148, 8}, {NULL, 0, 0},
};

static const struct field irp[] = {
	{"mdl", 0x8, 8},     {"count", 0x42, 1}, {"current", 0x43, 1},
	{"thread", 0x98, 8}, {"stack", 0xb8, 8}, {NULL, 0, 0},
};

static const struct field io_stack[] = {
	{"major", 0x0, 1},   {"minor", 0x1, 1}, {"flags", 0x2, 1},       {"control", 0x3, 1},
	{"arg1", 0x8, 8},    {"arg2", 0x10, 8}, {"arg3", 0x18, 8},       {"arg4", 0x20, 8},
	{"device", 0x28, 8}, {"file", 0x30, 8}, {"completion", 0x38, 8}, {"context", 0x40, 8},
	{NULL, 0, 0},
};

static const struct field text_fields[] = {
	{"buffer", 0, 0},
	{"absent", 0, 0},
	{NULL, 0, 0},
};

unsigned pointer_size(void)
{
	return recipe.arch == ARCH_X86 ? 4 : 8;
}

unsigned context_size(void)
{
	return recipe.arch == ARCH_X64 ? 0x4d0 : recipe.arch == ARCH_ARM64 ? 0x390 : 0x2cc;
}

void context_defaults(uint8_t *context)
{
	switch (recipe.arch) {
	case ARCH_X64:
		store(context + 0x30, 4, 0x10000f);
		store(context + 0x34, 4, 0x1f80);
		store(context + 0x38, 2, 0x10);
		store(context + 0x3a, 2, 0x2b);
		store(context + 0x3c, 2, 0x2b);
		store(context + 0x3e, 2, 0x53);
		store(context + 0x40, 2, 0x2b);
		store(context + 0x42, 2, 0x18);
		store(context + 0x44, 4, 0x40286);
		store(context + 0x100, 2, 0x27f);
		store(context + 0x118, 4, 0x1f80);
		break;
	case ARCH_ARM64:
		store(context, 4, 0x400007);
		store(context + 4, 4, 0x60000144);
		break;
	case ARCH_X86:
		store(context, 4, 0x1001f);
		store(context + 0x90, 4, 0x30);
		store(context + 0x94, 4, 0x23);
		store(context + 0x98, 4, 0x23);
		store(context + 0xbc, 4, 0x8);
		store(context + 0xc0, 4, 0x246);
		store(context + 0xc8, 4, 0x10);
		break;
	}
}

void context_set(const struct line *line, unsigned first, uint8_t *context)
{
	static const struct field *const fields[] = {context_x64, context_arm64, context_x86};

	fill_fields(line, first, fields[recipe.arch], context);
}

uint64_t context_sp(const uint8_t *context)
{
	return recipe.arch == ARCH_X64     ? load(context + 0x98, 8)
	       : recipe.arch == ARCH_ARM64 ? load(context + 0x100, 8)
					   : load(context + 0xc4, 4);
}

uint64_t context_pc(const uint8_t *context)
{
	return recipe.arch == ARCH_X64     ? load(context + 0xf8, 8)
	       : recipe.arch == ARCH_ARM64 ? load(context + 0x108, 8)
					   : load(context + 0xb8, 4);
}

struct block *add_block(const struct line *line, uint64_t address, size_t limit)
{
	struct block *block = &recipe.block[recipe.blocks];

	if (recipe.blocks == MAX_BLOCKS)
		fail(line, "more than %d blocks of memory", MAX_BLOCKS);
	if (limit > MAX_BLOCK_SIZE)
		fail(line, "a block is at most 0x%x bytes", MAX_BLOCK_SIZE);
	recipe.blocks++;
	block->address = address;
	block->limit = limit;
	put_zeros(&block->data, limit);
	return block;
}

/* A UNICODE_STRING; its text becomes a block of memory of its own unless the line says absent=1. */
static void put_string(const struct line *line, unsigned first, struct bytes *out, const char *text)
{
	uint64_t buffer = option_number(line, first, "buffer", 0);
	struct bytes utf16 = {0};

	put_utf16(line, &utf16, text);
	put(out, 2, utf16.size);
	put(out, 2, utf16.size + (buffer ? 2 : 0));
	if (pointer_size() == 8)
		put(out, 4, 0);
	put(out, pointer_size(), buffer);
	if (buffer && !option_number(line, first, "absent", 0)) {
		put_data(&add_block(line, buffer, 0)->data, utf16.data, utf16.size);
		put_zeros(&recipe.block[recipe.blocks - 1].data, 2);
	}
}

static void put_fields(const struct line *line, unsigned first, struct bytes *out,
		       const struct field *fields, size_t size)
{
	put_zeros(out, size);
	fill_fields(line, first, fields, out->data);
}

/* The object's name is a UNICODE_STRING at @p at inside it. */
static void put_name(const struct line *line, unsigned first, struct bytes *object, size_t at)
{
	const char *name = option(line, first, "name");
	struct bytes string = {0};

	if (!name)
		return;
	put_string(line, first, &string, name);
	memcpy(object->data + at, string.data, string.size);
}

static void need_64_bits(const struct line *line)
{
	if (pointer_size() != 8)
		fail(line, "this structure is known for 64-bit Windows only");
}

static void put_exception(const struct line *line, unsigned first, struct bytes *out)
{
	bool wide = pointer_size() == 8;
	unsigned count = option(line, first, "info1") ? 2 : option(line, first, "info0") ? 1 : 0;

	put_zeros(out, wide ? 0x98 : 0x50);
	store(out->data + (wide ? 0x18 : 0x10), 4, count);
	fill_fields(line, first, wide ? exception_64 : exception_32, out->data);
}

static void put_irp(const struct line *line, unsigned first, struct bytes *out)
{
	uint64_t count = option_number(line, first, "count", 1);
	uint64_t current = option_number(line, first, "current", 1);

	if (count > 64 || current < 1 || current > count + 1)
		fail(line, "an IRP has 1 to 64 stack locations and a current one among them");
	put_fields(line, first, out, irp, 0xd0);
	store(out->data, 2, 6);
	store(out->data + 2, 2, 0xd0 + 0x48 * count);
	store(out->data + 0x42, 1, count);
	store(out->data + 0x43, 1, current);
}

/* Everything that is more than a list of values. False if there is no item of that name. */
static bool put_structure(const struct line *line, unsigned first, struct bytes *out)
{
	const char *kind = line->word[first - 1];

	if (strcmp(kind, "machine-frame") == 0) {
		need_64_bits(line);
		put_fields(line, first, out, machine_frame, 0x28);
	} else if (strcmp(kind, "trap-frame") == 0 && recipe.arch == ARCH_X64) {
		put_fields(line, first, out, trap_x64, 0x190);
	} else if (strcmp(kind, "trap-frame") == 0 && recipe.arch == ARCH_X86) {
		put_fields(line, first, out, trap_x86, 0x8c);
	} else if (strcmp(kind, "context") == 0) {
		put_zeros(out, context_size());
		context_defaults(out->data);
		context_set(line, first, out->data);
	} else if (strcmp(kind, "exception") == 0) {
		put_exception(line, first, out);
	} else if (strcmp(kind, "unicode-string") == 0) {
		if (first == line->words)
			fail(line, "unicode-string \"TEXT\" buffer=ADDRESS");
		fill_fields(line, first + 1, text_fields, NULL);
		put_string(line, first + 1, out, line->word[first]);
	} else if (strcmp(kind, "file-object") == 0) {
		need_64_bits(line);
		put_fields(line, first, out, file_object, 0xd8);
		store(out->data, 2, 5);
		store(out->data + 2, 2, 0xd8);
		put_name(line, first, out, 0x58);
	} else if (strcmp(kind, "device-object") == 0) {
		need_64_bits(line);
		put_fields(line, first, out, device_object, 0x150);
		store(out->data, 2, 3);
		store(out->data + 2, 2, 0x150);
	} else if (strcmp(kind, "driver-object") == 0) {
		need_64_bits(line);
		put_fields(line, first, out, driver_object, 0x150);
		store(out->data, 2, 4);
		store(out->data + 2, 2, 0x150);
		put_name(line, first, out, 0x38);
	} else if (strcmp(kind, "irp") == 0) {
		need_64_bits(line);
		put_irp(line, first, out);
	} else if (strcmp(kind, "io-stack") == 0) {
		need_64_bits(line);
		put_fields(line, first, out, io_stack, 0x48);
	} else {
		return false;
	}
	return true;
}

static unsigned value_size(const char *kind)
{
	static const struct {
		const char *name;
		unsigned size;
	} kinds[] = {{"u8", 1}, {"u16", 2}, {"u32", 4}, {"u64", 8}};

	for (unsigned i = 0; i < 4; i++)
		if (strcmp(kind, kinds[i].name) == 0)
			return kinds[i].size;
	return strcmp(kind, "ptr") == 0 || strcmp(kind, "return") == 0 ? pointer_size() : 0;
}

/* Items that are nothing without the word behind them. */
static bool is_text(const char *kind)
{
	return strcmp(kind, "utf16") == 0 || strcmp(kind, "ascii") == 0 ||
	       strcmp(kind, "time") == 0 || strcmp(kind, "guid") == 0;
}

static void put_hex(const struct line *line, const char *word, struct bytes *out)
{
	static const char digits[] = "0123456789abcdef";

	for (; *word; word += 2) {
		const char *high = strchr(digits, word[0] | 0x20);
		const char *low = word[1] ? strchr(digits, word[1] | 0x20) : NULL;

		if (!high || !low)
			fail(line, "%s is not made of pairs of hexadecimal digits", word);
		put(out, 1, (uint64_t)((high - digits) << 4 | (low - digits)));
	}
}

void put_item(const struct line *line, struct bytes *bytes, size_t start, size_t *cursor,
	      size_t limit)
{
	struct bytes out = {0};
	unsigned first = 1;
	const char *kind = line->word[0];
	unsigned size;

	if (strcmp(kind, "at") == 0) {
		if (line->words < 3)
			fail(line, "at OFFSET ITEM...");
		*cursor = (size_t)number(line, line->word[1]);
		kind = line->word[2];
		first = 3;
	}
	size = value_size(kind);
	if (first == line->words && is_text(kind))
		fail(line, "%s of what?", kind);
	if (size) {
		for (unsigned i = first; i < line->words; i++)
			put(&out, size, number(line, line->word[i]));
	} else if (strcmp(kind, "hex") == 0) {
		for (unsigned i = first; i < line->words; i++)
			put_hex(line, line->word[i], &out);
	} else if (strcmp(kind, "utf16") == 0) {
		put_utf16(line, &out, line->word[first]);
	} else if (strcmp(kind, "ascii") == 0) {
		put_ascii(line, &out, line->word[first]);
	} else if (strcmp(kind, "time") == 0) {
		put(&out, 8, time_of(line, line->word[first]));
	} else if (strcmp(kind, "guid") == 0) {
		uint8_t guid[16];

		guid_of(line, line->word[first], guid);
		put_data(&out, guid, sizeof(guid));
	} else if (strcmp(kind, "fill") == 0 && line->words == first + 2) {
		uint64_t count = number(line, line->word[first]);

		if (count > MAX_BLOCK_SIZE)
			fail(line, "fill COUNT BYTE, at most 0x%x", MAX_BLOCK_SIZE);
		put_zeros(&out, (size_t)count);
		if (count)
			memset(out.data, (int)number(line, line->word[first + 1]), (size_t)count);
	} else if (!put_structure(line, first, &out)) {
		fail(line, "there is no item \"%s\"", kind);
	}
	if (*cursor > MAX_BLOCK_SIZE || out.size > MAX_BLOCK_SIZE - *cursor)
		fail(line, "the block grows beyond 0x%x bytes", MAX_BLOCK_SIZE);
	if (limit && *cursor + out.size > limit)
		fail(line, "0x%zx bytes at 0x%zx do not fit: the block has 0x%zx", out.size,
		     *cursor, limit);
	if (start + *cursor + out.size > bytes->size)
		put_zeros(bytes, start + *cursor + out.size - bytes->size);
	memcpy(bytes->data + start + *cursor, out.data, out.size);
	*cursor += out.size;
}
