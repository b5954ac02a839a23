/* Whole files that may be Windows kernel dumps. */
#include "../formats/windows_check.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_dump(data, size, false);
	return 0;
}
