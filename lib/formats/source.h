/* Where bytes come from: a file, a pipe, or an entry of an archive that itself reads a source.
 *
 * A source is read in one of two ways: source_fill() keeps what it reads in `data`, and
 * source_archive() lets libarchive read all of it from the beginning. Damage is no error: `cut`
 * says what it is, and where nothing more can be read the source ends. What makes going on
 * pointless for the whole input (memory, LIMIT_UNPACK) is kept in the budget's `stop`, and ends
 * every source that shares it. */
#ifndef CULPRIT_SOURCE_H
#define CULPRIT_SOURCE_H

#include "errors.h"

#include <stddef.h>

struct archive;

struct budget {
	uint64_t unpacked;  /* bytes made by decompression so far */
	struct error *stop; /* owned by whoever made the budget */
};

enum source_kind { SOURCE_FILE, SOURCE_PIPE, SOURCE_ENTRY };

struct source {
	struct budget *budget;
	enum source_kind kind;
	int fd;
	struct archive *archive; /* standing at the entry */
	bool free_of_charge;     /* its bytes were counted when they were decompressed (tar) */
	uint64_t size;           /* of a file; what an entry claims to have, 0 if nothing */
	uint64_t pos;            /* of the next byte to read from where it comes from */
	uint8_t *data;           /* what source_fill() read */
	size_t have, capacity;
	size_t served; /* bytes of `data` an archive on top has been given */
	bool ended;    /* there is no more to read */
	char cut[200]; /* why it ended early (safe text), "" if it did not */
	uint64_t hole; /* zeros still to deliver before the pending block of a sparse entry */
	const void *pending;
	size_t pending_length;
};

/* Standing at the beginning of @p fd; a regular file is read from its offset 0. */
void source_open_fd(struct source *s, struct budget *budget, int fd);
/* Standing at the beginning of the current entry of @p archive. */
void source_open_entry(struct source *s, struct budget *budget, struct archive *archive,
		       uint64_t claimed);
/* Memory for free(), NULL if there is none. Much of it is made of huge pages where the kernel has
 * them: touching 10 MB in small ones takes longer than unpacking it. */
uint8_t *source_memory(size_t size);
/* All of @p size bytes at @p data, which source_memory() gave and the source takes. False if the
 * budget stopped: then there is nothing to close. */
bool source_open_memory(struct source *s, struct budget *budget, uint8_t *data, size_t size);
void source_close(struct source *s);

/* Reads until `have` is @p want or the source ended. False if the budget stopped. */
bool source_fill(struct source *s, uint64_t want);
/* Reads on without keeping anything; adds what there was to @p total. False as above. */
bool source_drain(struct source *s, uint64_t *total);
/* Writes all of it, what is in `data` first, to the file @p fd and adds up its size in @p total.
 * False as above; a file that takes no more ends the source early. */
bool source_spool(struct source *s, int fd, uint64_t *total);
/* Cuts `data` to what is used, so that a reader's overrun is found by AddressSanitizer. */
void source_shrink(struct source *s);

/* Whether libarchive can seek in it: a file, or all of it is in memory. */
bool source_seekable(const struct source *s);
/* Makes @p archive read @p s from its beginning; an ARCHIVE_ code. */
int source_archive(struct source *s, struct archive *archive);

#endif
