/* Any bytes as an input, and a member of it by name. */
#include "formats.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte a reader would be given. */
static struct error *touch(void *context, const struct evidence *evidence)
{
	volatile uint8_t *sum = context;

	for (uint64_t i = 0; i < evidence->size; i++)
		*sum ^= evidence->data[i];
	for (const char *p = evidence->member; p && *p; p++)
		*sum ^= (uint8_t)*p;
	for (const char *p = evidence->cut; p && *p; p++)
		*sum ^= (uint8_t)*p;
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	uint8_t sum = 0;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	error_destroy(container_visit(fd, NULL, 0, touch, &sum));
	error_destroy(container_visit(fd, "inner.zip!x.dmp", 0, touch, &sum));
	error_destroy(container_visit(fd, NULL, 1, touch, &sum));
	close(fd);
	return 0;
}
