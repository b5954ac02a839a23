/* Bytes at addresses, wherever they come from: a vmcore's kernel memory, a file, a test's array.
 *
 * "Not there" is an ordinary answer. Code that takes a reader never learns what is behind it. */
#ifndef CULPRIT_READER_H
#define CULPRIT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	/* How many of @p size bytes could be copied from @p address on (0 if not even the first).
	 */
	size_t (*read)(void *context, uint64_t address, void *buffer, size_t size);
	void *context;
};

/* Bytes in memory as the range [base, base+size). */
struct reader_bytes {
	const uint8_t *data;
	uint64_t size;
	uint64_t base;
};

/* A reader over @p bytes, which must outlive it. */
struct reader reader_of_bytes(const struct reader_bytes *bytes);
/* A reader of the file behind @p fd by pread; addresses are file offsets. Owns nothing. */
struct reader reader_of_fd(int fd);

size_t reader_some(const struct reader *reader, uint64_t address, void *buffer, size_t size);
/* All or nothing: false leaves zeros in @p buffer. Values are little-endian. */
bool reader_exact(const struct reader *reader, uint64_t address, void *buffer, size_t size);
bool reader_u16(const struct reader *reader, uint64_t address, uint16_t *ret);
bool reader_u32(const struct reader *reader, uint64_t address, uint32_t *ret);
bool reader_u64(const struct reader *reader, uint64_t address, uint64_t *ret);

#endif
