/* makedumpfile's flattened format (makedumpfile -F, and what ssh kdump targets store): the pieces
 * of a vmcore in the order they were written. libkdumpfile 0.5 does not read it.
 *
 * File: 4096 bytes {char "makedumpfile"[16]; be64 type = 1; be64 version = 1}, then records
 * {be64 offset; be64 size; size bytes}, the last with offset and size -1. makedumpfile(8), "-R". */
#ifndef CULPRIT_FLATTENED_H
#define CULPRIT_FLATTENED_H

#include "arena.h"
#include "errors.h"
#include "reader.h"

struct flattened {
	int fd;          /* sparse memfd of the vmcore; the caller's to close */
	uint64_t size;   /* of the vmcore */
	uint64_t stored; /* bytes of it that were in records */
	uint64_t records;
	bool complete;     /* the end record is there */
	uint64_t cut_at;   /* if not: offset in the flattened file where it stops making sense */
	const char *cut;   /* ... and why, one sentence */
	bool cut_by_limit; /* ... and that is only because it is too large for us */
};

/* Whether @p bytes begin a flattened file. */
bool flattened_is(const void *bytes, size_t size);

/* Writes the vmcore into a new memfd. @p limit bounds the bytes stored. What is wrong after the
 * first record is no error: then there is less, and `complete` is false. Uses memfd_create,
 * ftruncate, lseek and write only; the size of the memfd (not what it stores) may exceed
 * RLIMIT_FSIZE, which then counts as a limit. */
struct error *flattened_rearrange(const struct reader *file, uint64_t file_size, uint64_t limit,
				  struct arena *arena, struct flattened *ret);

#endif
