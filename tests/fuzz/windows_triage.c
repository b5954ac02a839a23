/* The body of a small dump behind a sound header: areas, drivers, processors, memory. The first
 * byte chooses the machine: 0 x64, 1 ARM64, 2 x86. */
#include "../formats/windows_check.h"
#include "../formats/windows_writer.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct writer w;
	size_t body = 0x2000;

	if (size == 0 || size > WRITER_ROOM - body)
		return 0;
	if (data[0] % 3 == 2) {
		write_x86(&w);
		body = 0x1000;
	} else {
		write_x64(&w);
		if (data[0] % 3 == 1)
			put32(&w, 0x30, 0xaa64);
	}
	memcpy(w.data + body, data + 1, size - 1);
	check_dump(w.data, body + size - 1, true);
	return 0;
}
