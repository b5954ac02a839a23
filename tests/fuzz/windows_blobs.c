/* Secondary data behind a sound small dump: the list of blocks and what culprit reads in them. */
#include "../formats/windows_check.h"
#include "../formats/windows_writer.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct writer w;

	if (size > WRITER_ROOM - AT_END)
		return 0;
	write_x64(&w);
	memcpy(w.data + AT_END, data, size);
	check_dump(w.data, AT_END + size, false);
	return 0;
}
