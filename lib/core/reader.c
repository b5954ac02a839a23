#include "reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static size_t read_bytes(void *context, uint64_t address, void *buffer, size_t size)
{
	const struct reader_bytes *bytes = context;

	if (address < bytes->base || address - bytes->base >= bytes->size)
		return 0;
	uint64_t skip = address - bytes->base;
	if (size > bytes->size - skip)
		size = (size_t)(bytes->size - skip);
	memcpy(buffer, bytes->data + skip, size);
	return size;
}

struct reader reader_of_bytes(const struct reader_bytes *bytes)
{
	return (struct reader){.read = read_bytes, .context = (void *)bytes};
}

static size_t read_fd(void *context, uint64_t address, void *buffer, size_t size)
{
	int fd = (int)(intptr_t)context;
	size_t done = 0;

	while (done < size && address + done <= INT64_MAX && address + done >= address) {
		ssize_t n = pread(fd, (char *)buffer + done, size - done, (off_t)(address + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

struct reader reader_of_fd(int fd)
{
	return (struct reader){.read = read_fd, .context = (void *)(intptr_t)fd};
}

size_t reader_some(const struct reader *reader, uint64_t address, void *buffer, size_t size)
{
	if (size && address + (size - 1) < address) /* would wrap: stop at the last byte there is */
		size = (size_t)(UINT64_MAX - address) + 1;
	size_t done = size ? reader->read(reader->context, address, buffer, size) : 0;
	return done < size ? done : size;
}

bool reader_exact(const struct reader *reader, uint64_t address, void *buffer, size_t size)
{
	if (reader_some(reader, address, buffer, size) == size)
		return true;
	memset(buffer, 0, size);
	return false;
}

bool reader_u16(const struct reader *reader, uint64_t address, uint16_t *ret)
{
	uint8_t b[2];

	if (!reader_exact(reader, address, b, sizeof(b)))
		return false;
	*ret = (uint16_t)(b[0] | b[1] << 8);
	return true;
}

bool reader_u32(const struct reader *reader, uint64_t address, uint32_t *ret)
{
	uint8_t b[4];

	if (!reader_exact(reader, address, b, sizeof(b)))
		return false;
	*ret = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	return true;
}

bool reader_u64(const struct reader *reader, uint64_t address, uint64_t *ret)
{
	uint8_t b[8];

	if (!reader_exact(reader, address, b, sizeof(b)))
		return false;
	*ret = 0;
	for (unsigned i = 8; i-- > 0;)
		*ret = *ret << 8 | b[i];
	return true;
}
