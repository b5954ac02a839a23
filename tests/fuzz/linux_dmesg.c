/* A kernel's log as evidence: from its text to the model. */
#include "ceilings.h"
#include "evidence.h"

#include <stdlib.h>

extern const struct format format_linux_dmesg;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create(LIMIT_ARENA);
	struct dump *dump = dump_create(arena);
	struct evidence e = {.data = data, .size = size, .total_size = size, .fd = -1};

	if (!dump)
		abort();
	format_linux_dmesg.bid(&e);
	struct error *err = format_linux_dmesg.read(&e, dump);
	/* Every frame of a log has a name or an address. */
	LIST_EACH(struct call, c, &dump->crash_task.calls)
		if (!err && !c->symbol && c->source != CALL_LOG)
			abort();
	error_destroy(err);
	dump_close(dump);
	arena_destroy(arena);
	return 0;
}
