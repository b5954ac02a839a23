#include "flattened.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEADER_BYTES = 4096, SIGNATURE_BYTES = 16, RECORD_BYTES = 16, CHUNK_BYTES = 256 * 1024 };
enum { TYPE_FLAT = 1, VERSION_FLAT = 1 };

/* Beyond this no vmcore ends: 2^52 bytes is the most memory an x86-64 or arm64 machine can have. */
#define SPAN_MAX (UINT64_C(1) << 52)
#define END_MARK UINT64_MAX

struct rearranger {
	const struct reader *file;
	uint64_t file_size, limit;
	uint8_t *buffer;
	uint64_t window_at; /* what of the file is in the buffer */
	size_t window_size;
	struct flattened *out;
};

bool flattened_is(const void *bytes, size_t size)
{
	static const char signature[SIGNATURE_BYTES] = "makedumpfile";

	return size >= SIGNATURE_BYTES && memcmp(bytes, signature, SIGNATURE_BYTES) == 0;
}

static uint64_t be64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* At least one byte of the file at @p at, at most @p want; NULL beyond what can be read. */
static const uint8_t *window(struct rearranger *r, uint64_t at, size_t want, size_t *ret_size)
{
	if (at < r->window_at || at - r->window_at >= r->window_size ||
	    (want <= RECORD_BYTES && r->window_size - (at - r->window_at) < want)) {
		r->window_at = at;
		uint64_t left = at < r->file_size ? r->file_size - at : 0;
		r->window_size = reader_some(r->file, at, r->buffer,
					     left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES);
		if (r->window_size == 0)
			return NULL;
	}
	size_t skip = (size_t)(at - r->window_at);
	*ret_size = r->window_size - skip < want ? r->window_size - skip : want;
	return r->buffer + skip;
}

static void cut(struct rearranger *r, uint64_t at, const char *why, bool by_limit)
{
	r->out->cut_at = at;
	r->out->cut = why;
	r->out->cut_by_limit = by_limit;
}

static bool put(int fd, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

/* Copies one record's data; false if that is where it ends. */
static bool copy(struct rearranger *r, uint64_t record_at, uint64_t offset, uint64_t size)
{
	uint64_t at = record_at + RECORD_BYTES;

	if (lseek(r->out->fd, (off_t)offset, SEEK_SET) < 0) {
		cut(r, record_at, "the vmcore is larger than a file can be here", true);
		return false;
	}
	for (uint64_t done = 0; done < size;) {
		size_t part, want = size - done < CHUNK_BYTES ? (size_t)(size - done) : CHUNK_BYTES;
		const uint8_t *bytes = window(r, at + done, want, &part);
		if (!bytes) {
			cut(r, at + done, "the file ends in the middle of a record", false);
			return false;
		}
		if (!put(r->out->fd, bytes, part)) {
			cut(r, at + done, "there is no room for more of the vmcore", true);
			return false;
		}
		done += part;
		r->out->stored += part;
		if (offset + done > r->out->size)
			r->out->size = offset + done;
	}
	return true;
}

/* Why a record cannot be copied, or NULL. */
static const char *objection(const struct rearranger *r, uint64_t offset, uint64_t size,
			     bool *ret_limit)
{
	*ret_limit = false;
	if (offset > INT64_MAX || size > INT64_MAX)
		return "a record's offset or size is negative";
	if (size == 0)
		return "a record has no bytes";
	if (size > SPAN_MAX || offset > SPAN_MAX - size)
		return "a record lies beyond any memory a machine can have";
	*ret_limit = size > r->limit - r->out->stored;
	return *ret_limit ? "the vmcore is larger than the limit for rearranged files" : NULL;
}

static void copy_records(struct rearranger *r)
{
	for (uint64_t at = HEADER_BYTES;;) {
		size_t got;
		bool limit;
		const uint8_t *head = window(r, at, RECORD_BYTES, &got);
		if (!head || got < RECORD_BYTES) {
			cut(r, at, "the file ends without an end record", false);
			return;
		}
		uint64_t offset = be64(head), size = be64(head + 8);
		if (offset == END_MARK && size == END_MARK) {
			r->out->complete = true;
			return;
		}
		const char *why = objection(r, offset, size, &limit);
		if (why) {
			cut(r, at, why, limit);
			return;
		}
		if (!copy(r, at, offset, size))
			return;
		r->out->records++;
		at += RECORD_BYTES + size;
	}
}

static struct error *check_header(const struct reader *file)
{
	uint8_t head[SIGNATURE_BYTES + 16];

	if (!reader_exact(file, 0, head, sizeof(head)))
		return error_at(ERROR_TRUNCATED, 0, "the flattened file ends in its header");
	if (!flattened_is(head, sizeof(head)))
		return error_create(ERROR_NOT_EVIDENCE, "not a flattened file");
	uint64_t type = be64(head + SIGNATURE_BYTES), version = be64(head + SIGNATURE_BYTES + 8);
	if (type != TYPE_FLAT || version != VERSION_FLAT)
		return error_at(ERROR_UNSUPPORTED, SIGNATURE_BYTES,
				"the flattened file has type %" PRIu64 ", version %" PRIu64
				"; only type 1, version 1 is known",
				type, version);
	return NULL;
}

/* What came out is of no use if not even the vmcore's first bytes did. */
static struct error *finish(struct rearranger *r)
{
	if (r->out->stored == 0)
		return error_at(ERROR_TRUNCATED, r->out->cut_at,
				"nothing of the vmcore is there: %s",
				r->out->cut ? r->out->cut : "the flattened file has no records");
	if (ftruncate(r->out->fd, (off_t)r->out->size) != 0)
		return error_create(ERROR_IO, "the rearranged vmcore cannot be kept: %s",
				    strerror(errno));
	lseek(r->out->fd, 0, SEEK_SET);
	return NULL;
}

struct error *flattened_rearrange(const struct reader *file, uint64_t file_size, uint64_t limit,
				  struct arena *arena, struct flattened *ret)
{
	struct flattened out = {.fd = -1};
	struct rearranger r = {.file = file, .file_size = file_size, .limit = limit, .out = &out};
	struct error *err = check_header(file);

	if (err)
		return err;
	r.buffer = arena_alloc(arena, CHUNK_BYTES, 1);
	if (!r.buffer)
		return error_create(ERROR_NOMEM, "no memory to rearrange a flattened file");
	out.fd = memfd_create("flattened", MFD_CLOEXEC);
	if (out.fd < 0)
		return error_create(ERROR_IO, "no temporary file for a flattened vmcore: %s",
				    strerror(errno));
	/* A write beyond RLIMIT_FSIZE must fail, as copy_records() expects, and not kill. */
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	sigaction(SIGXFSZ, &ignore, &before);
	copy_records(&r);
	err = finish(&r);
	sigaction(SIGXFSZ, &before, NULL);
	if (err) {
		close(out.fd);
		return err;
	}
	*ret = out;
	return NULL;
}
