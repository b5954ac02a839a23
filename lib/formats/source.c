#include "source.h"

#include "ceilings.h"
#include "text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 256 << 10, HUGE_PAGE = 2 << 20, RETRIES = 16 };

/* What the holes of sparse entries are made of. */
static const uint8_t zeros[64 << 10];

static bool stop(struct source *s, struct error *err)
{
	if (s->budget->stop)
		error_destroy(err);
	else
		s->budget->stop = err;
	s->ended = true;
	return false;
}

static void end_early(struct source *s, const char *format, const char *detail)
{
	s->ended = true;
	snprintf(s->cut, sizeof(s->cut), format, detail);
}

/* libarchive's messages quote names out of the archive. */
static void note_damage(struct source *s)
{
	const char *why = archive_error_string(s->archive);
	struct arena *arena = arena_create(1 << 16);
	char *safe = why && arena ? text_from_bytes(arena, why, strnlen(why, 160)) : NULL;

	snprintf(s->cut, sizeof(s->cut), "its container is damaged: %s",
		 safe ? safe : "no details");
	arena_destroy(arena);
}

static bool pay(struct source *s, uint64_t bytes)
{
	if (s->free_of_charge)
		return true;
	s->budget->unpacked += bytes;
	if (s->budget->unpacked <= LIMIT_UNPACK)
		return true;
	return stop(s, error_create(ERROR_LIMIT, "unpacks to more than %llu MiB (LIMIT_UNPACK)",
				    (unsigned long long)(LIMIT_UNPACK >> 20)));
}

void source_open_fd(struct source *s, struct budget *budget, int fd)
{
	struct stat st;

	memset(s, 0, sizeof(*s));
	s->budget = budget;
	s->fd = fd;
	s->kind = SOURCE_PIPE;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		s->kind = SOURCE_FILE;
		s->size = (uint64_t)st.st_size;
	}
}

void source_open_entry(struct source *s, struct budget *budget, struct archive *archive,
		       uint64_t claimed)
{
	memset(s, 0, sizeof(*s));
	s->budget = budget;
	s->kind = SOURCE_ENTRY;
	s->archive = archive;
	s->fd = -1;
	s->size = claimed;
}

bool source_open_memory(struct source *s, struct budget *budget, uint8_t *data, size_t size)
{
	source_open_entry(s, budget, NULL, size);
	s->data = data;
	s->have = s->capacity = size;
	s->ended = true;
	if (pay(s, size))
		return true;
	source_close(s);
	return false;
}

void source_close(struct source *s)
{
	free(s->data);
	s->data = NULL;
	s->have = s->capacity = 0;
}

uint8_t *source_memory(size_t size)
{
	uint8_t *memory;

	if (size < HUGE_PAGE)
		return malloc(size);
	size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	memory = aligned_alloc(HUGE_PAGE, size);
	if (memory)
		madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}

static bool reserve(struct source *s, size_t capacity)
{
	uint8_t *data;

	if (capacity <= s->capacity)
		return true;
	data = source_memory(capacity);
	if (!data)
		return stop(s, error_create(ERROR_NOMEM, "not enough memory to unpack"));
	if (s->have)
		memcpy(data, s->data, s->have);
	free(s->data);
	s->data = data;
	s->capacity = capacity;
	return true;
}

/* At most @p length bytes of a file or pipe; 0 at the end, which is noted. */
static size_t read_some(struct source *s, void *buffer, size_t length)
{
	ssize_t n;

	do {
		n = s->kind == SOURCE_FILE ? pread(s->fd, buffer, length, (off_t)s->pos)
					   : read(s->fd, buffer, length);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && s->pos == 0)
		stop(s, error_create(ERROR_IO, "cannot be read: %s", strerrordesc_np(errno)));
	else if (n < 0)
		end_early(s, "it could not be read to its end: %s", strerrordesc_np(errno));
	else if (n == 0)
		s->ended = true;
	else
		s->pos += (uint64_t)n;
	return n > 0 ? (size_t)n : 0;
}

/* Gets the next block of the entry into `pending`, and the hole before it into `hole`. */
static bool pull_block(struct source *s)
{
	int64_t offset = 0;
	int rc = ARCHIVE_RETRY;

	for (int i = 0; i < RETRIES && rc == ARCHIVE_RETRY; i++)
		rc = archive_read_data_block(s->archive, &s->pending, &s->pending_length, &offset);
	if (s->budget->stop || rc == ARCHIVE_EOF) {
		s->ended = true;
		return false;
	}
	/* A wrong checksum is a warning, with the last bytes or behind them. */
	if (rc != ARCHIVE_OK)
		note_damage(s);
	if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) {
		s->ended = true;
		return false;
	}
	if (offset < 0 || (uint64_t)offset < s->pos) {
		end_early(s, "its container is damaged: %s", "its blocks overlap");
		return false;
	}
	s->hole = (uint64_t)offset - s->pos;
	/* Only tar has holes, and they are a cheap way to make much of little. */
	if (s->hole > LIMIT_UNPACK - s->budget->unpacked)
		return stop(s, error_create(ERROR_LIMIT,
					    "unpacks to more than %llu MiB (LIMIT_UNPACK)",
					    (unsigned long long)(LIMIT_UNPACK >> 20)));
	s->budget->unpacked += s->hole;
	return pay(s, s->pending_length);
}

/* False at the end of the entry. */
static bool entry_has_more(struct source *s)
{
	while (s->hole == 0 && s->pending_length == 0) {
		if (s->ended || !pull_block(s))
			return false;
	}
	return true;
}

/* The next bytes of the entry, at most @p most of them; 0 at the end. They stay valid until the
 * next call. */
static size_t entry_next(struct source *s, const void **ret, size_t most)
{
	size_t length;

	if (!entry_has_more(s))
		return 0;
	if (s->hole) {
		length = s->hole < sizeof(zeros) ? (size_t)s->hole : sizeof(zeros);
		length = length < most ? length : most;
		*ret = zeros;
		s->hole -= length;
	} else {
		length = s->pending_length < most ? s->pending_length : most;
		*ret = s->pending;
		s->pending = (const uint8_t *)s->pending + length;
		s->pending_length -= length;
	}
	s->pos += length;
	return length;
}

/* How much to make room for: what is known of the size (which may be a lie), else four times as
 * much. */
static size_t next_capacity(const struct source *s, uint64_t want)
{
	uint64_t capacity = s->capacity < BLOCK ? BLOCK : (uint64_t)s->capacity * 4;

	if (s->size > s->have && s->kind == SOURCE_FILE)
		capacity = s->size + 1; /* one more, to see the end */
	else if (s->size > s->have && s->size > capacity)
		capacity = s->size;
	return (size_t)(capacity < want ? capacity : want);
}

bool source_fill(struct source *s, uint64_t want)
{
	while (s->have < want && !s->ended) {
		const void *block;
		size_t n;

		if (s->kind == SOURCE_ENTRY && !entry_has_more(s))
			break;
		if (s->have == s->capacity && !reserve(s, next_capacity(s, want)))
			return false;
		n = s->capacity - s->have;
		n = n < want - s->have ? n : (size_t)(want - s->have);
		if (s->kind == SOURCE_ENTRY) {
			n = entry_next(s, &block, n);
			if (n)
				memcpy(s->data + s->have, block, n);
		} else {
			n = read_some(s, s->data + s->have, n);
		}
		s->have += n;
	}
	return !s->budget->stop;
}

bool source_drain(struct source *s, uint64_t *total)
{
	const void *block;
	size_t n;

	while (s->kind == SOURCE_ENTRY && (n = entry_next(s, &block, SIZE_MAX)) > 0)
		*total += n;
	return !s->budget->stop;
}

static bool write_whole(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

bool source_spool(struct source *s, int fd, uint64_t *total)
{
	static uint8_t buffer[BLOCK];
	const void *block = s->data;
	size_t n = s->have;

	while (n > 0 && !s->budget->stop) {
		if (*total + n > LIMIT_SPOOL || !write_whole(fd, block, n)) {
			end_early(s, "%s", "there is no room in memory to unpack all of it");
			break;
		}
		*total += n;
		block = buffer;
		if (s->ended)
			n = 0;
		else if (s->kind == SOURCE_ENTRY)
			n = entry_next(s, &block, SIZE_MAX);
		else
			n = read_some(s, buffer, sizeof(buffer));
	}
	return !s->budget->stop;
}

void source_shrink(struct source *s)
{
	uint8_t *data = s->have && s->have < s->capacity ? realloc(s->data, s->have) : NULL;

	if (!data)
		return;
	s->data = data;
	s->capacity = s->have;
}

/* ---- as libarchive reads it ---- */

bool source_seekable(const struct source *s)
{
	return s->kind == SOURCE_FILE || s->ended;
}

static la_ssize_t read_file(struct source *s, const void **ret)
{
	*ret = s->data;
	return (la_ssize_t)read_some(s, s->data, BLOCK);
}

/* First what is in memory, then what follows it. */
static la_ssize_t read_stream(struct source *s, const void **ret)
{
	size_t length = s->have - s->served;

	*ret = s->data + s->served;
	s->served = s->have;
	if (length > 0)
		return (la_ssize_t)length;
	if (s->ended)
		return 0;
	if (s->kind == SOURCE_ENTRY)
		return (la_ssize_t)entry_next(s, ret, SIZE_MAX);
	*ret = s->data;
	return (la_ssize_t)read_some(s, s->data, s->capacity);
}

static la_ssize_t on_read(struct archive *archive, void *context, const void **ret)
{
	struct source *s = context;
	la_ssize_t n = s->kind == SOURCE_FILE ? read_file(s, ret) : read_stream(s, ret);

	if (!s->budget->stop)
		return n;
	archive_set_error(archive, ENOMEM, "stopped");
	return ARCHIVE_FATAL;
}

static la_int64_t on_seek(struct archive *archive, void *context, la_int64_t offset, int whence)
{
	struct source *s = context;
	uint64_t size = s->kind == SOURCE_FILE ? s->size : s->have;
	uint64_t now = s->kind == SOURCE_FILE ? s->pos : s->served;
	int64_t base = whence == SEEK_SET ? 0 : (int64_t)(whence == SEEK_CUR ? now : size);
	int64_t pos;

	if (__builtin_add_overflow(base, offset, &pos) || pos < 0 || (uint64_t)pos > size) {
		archive_set_error(archive, EINVAL, "a position outside of the file");
		return ARCHIVE_FATAL;
	}
	if (s->kind == SOURCE_FILE)
		s->pos = (uint64_t)pos;
	else
		s->served = (size_t)pos;
	return pos;
}

int source_archive(struct source *s, struct archive *archive)
{
	if (s->kind == SOURCE_FILE)
		s->pos = 0;
	s->served = 0;
	if (!reserve(s, BLOCK))
		return ARCHIVE_FATAL;
	archive_read_set_read_callback(archive, on_read);
	archive_read_set_callback_data(archive, s);
	if (source_seekable(s))
		archive_read_set_seek_callback(archive, on_seek);
	return archive_read_open1(archive);
}
