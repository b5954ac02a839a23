/* Unwinding: layout, architecture and 17 registers, then memory that holds tables (first) and
 * stack.
 */
#include "orc.h"
#include "../formats/linux_writer.h"

#include <stdlib.h>
#include <string.h>

enum { REGISTERS = 17, HEAD = 2 + 8 * REGISTERS, ENTRIES_AT = 4096, TABLE_ENTRIES = 256 };

/* Code is the second half of the image itself, so that every number can be reached. */
static bool is_text(void *context, uint64_t address)
{
	(void)context;
	return address >= IMAGE_BASE + IMAGE_BYTES / 2 && address < IMAGE_BASE + IMAGE_BYTES;
}

static bool table_of(void *context, uint64_t ip, struct orc_table *ret)
{
	(void)context;
	*ret = (struct orc_table){IMAGE_BASE, IMAGE_BASE + ENTRIES_AT, TABLE_ENTRIES};
	return ip & 0x4000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t values[REGISTERS];
	struct unwind_state start = {.exact = true, .known = 0xffff};
	struct list frames;
	enum unwind_end end;

	if (size < HEAD)
		return 0;
	memcpy(values, data + 2, sizeof(values));
	memcpy(start.r, values, sizeof(values) - 8);
	start.ip = values[16];
	start.sp = start.r[4];
	start.fp = start.r[5];
	struct reader_bytes bytes = {data + HEAD, size - HEAD, IMAGE_BASE};
	struct reader memory = reader_of_bytes(&bytes);
	struct unwinder u = {.memory = &memory,
			     .table = table_of,
			     .is_text = is_text,
			     .layout = (enum orc_layout)(data[0] % 4),
			     .regs = orc_pt_regs(),
			     .regs_pc = 256,
			     .regs_sp = 248,
			     .regs_pstate = 264,
			     .regs_stackframe = 304};
	struct arena *arena = arena_create(8 << 20);
	if (!arena)
		return 0;
	list_init(&frames, arena, sizeof(struct unwind_frame), 128);
	if (data[1] & 1) {
		start.known |= 1u << 30;
		start.r[30] = values[15];
		unwind_arm64(&u, &start, &frames);
	} else if (unwind_x86_64(&u, &start, &frames) != UNWIND_COMPLETE) {
		unwind_x86_64_search(&u, &start, 2048, &frames, &end);
	}
	if (frames.count > 128)
		abort();
	arena_destroy(arena);
	return 0;
}
