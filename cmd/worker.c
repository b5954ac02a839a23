#include "worker.h"

#include "ceilings.h"
#include "examine.h"
#include "formats.h"
#include "inputs.h"
#include "sandbox.h"
#include "split.h"

#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
	const struct work *work;
	int output_fd;
};

/* One line of the answer; takes it. False if the parent is gone or memory is short. */
static bool answer_line(int fd, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	if (!text)
		return false;
	bool fine = sandbox_write(fd, text, strlen(text)) && sandbox_write(fd, "\n", 1);
	free(text);
	return fine;
}

/* Takes @p value. */
static bool answer(int fd, const char *key, json_t *value)
{
	json_t *line = json_object();

	json_object_set_new(line, key, value ? value : json_null());
	return answer_line(fd, line);
}

/* NULL if @p fine; else nobody listens. */
static struct error *sent(bool fine)
{
	return fine ? NULL : error_create(ERROR_IO, "the answer could not be sent");
}

/* SHA-256 of the dump's own bytes. What a container held beyond LIMIT_EVIDENCE is not in memory and
 * has no hash; a bare file can be read again. */
static void hash(const struct evidence *evidence, char ret[65])
{
	struct sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];
	uint64_t offset = evidence->size;
	bool fine = evidence->total_size <= LIMIT_HASH;

	sha256_init(&context);
	sha256_update(&context, evidence->size, evidence->data);
	while (fine && offset < evidence->total_size) {
		static unsigned char buffer[1 << 16];
		ssize_t n = evidence->fd < 0
				    ? -1
				    : pread(evidence->fd, buffer, sizeof(buffer), (off_t)offset);
		fine = n > 0;
		if (fine)
			sha256_update(&context, (size_t)n, buffer);
		offset += fine ? (uint64_t)n : 0;
	}
	sha256_digest(&context, sizeof(digest), digest);
	if (fine)
		base16_encode_update(ret, sizeof(digest), digest);
}

static struct error *read_dump(struct arena *arena, const struct evidence *evidence,
			       struct subject *subject, const struct work *work, json_t **ret)
{
	const struct format *format;
	struct error *err = format_choose(evidence, &format);
	if (err)
		return err;
	subject->format = format->id;
	struct dump *dump = dump_create(arena);
	if (!dump)
		return error_create(ERROR_NOMEM, "no memory left for the dump");
	struct evidence with = *evidence;
	with.debug = work->debug;
	err = format->read(&with, dump);
	if (dump->format)
		subject->format = dump->format;
	if (!err && work->debug && !format->by_debug_files)
		dump_problem(dump, "debug-dir-not-used",
			     "--vmlinux and --debug-dir have no use here: they are for vmcores");
	for (const struct evidence *e = evidence; e && !err; e = e->next) {
		if (!e->cut)
			continue;
		dump->partial = true;
		dump_problem(dump, "truncated", "%s%s%s", evidence->next ? e->name : "",
			     evidence->next ? ": " : "", e->cut);
	}
	if (!err)
		err = examine(subject, dump, work->knowledge, work->want, ret);
	dump_close(dump);
	return err;
}

/* Reads @p evidence and answers with its report. An error: nobody listens. */
static struct error *tell(const struct job *job, struct arena *arena,
			  const struct evidence *evidence, struct subject *subject)
{
	json_t *report = NULL;
	struct error *err = read_dump(arena, evidence, subject, job->work, &report);

	if (err)
		report = examine_unreadable(subject, job->work->knowledge, err);
	error_destroy(err);
	return sent(answer(job->output_fd, "report", report));
}

static struct error *visit(void *context, const struct evidence *evidence)
{
	const struct job *job = context;

	struct error *gone = sent(answer(job->output_fd, "begin",
					 evidence->member ? json_string(evidence->member) : NULL));
	if (gone)
		return gone;
	struct arena *arena = arena_create(LIMIT_ARENA);
	if (!arena)
		return error_create(ERROR_NOMEM, "no memory left");
	struct subject subject = {.has_bytes = true,
				  .bytes = evidence->total_size > evidence->size
						   ? evidence->total_size
						   : evidence->size,
				  .containers = evidence->containers};
	const char *name = job->work->inputs->name;
	subject.path =
		evidence->member ? arena_printf(arena, "%s!%s", name, evidence->member) : name;
	gone = tell(job, arena, evidence, &subject);
	char sha256[65] = "";
	if (!gone)
		hash(evidence, sha256);
	if (!gone)
		gone = sent(answer(job->output_fd, "done", sha256[0] ? json_string(sha256) : NULL));
	arena_destroy(arena);
	return gone;
}

/* ---- --split: all inputs are one dump
 * ----------------------------------------------------------------------------- */

static bool announce(void *context, unsigned file, const char *member)
{
	const struct job *job = context;
	json_t *line = json_pack("{s:s?, s:i}", "part", member, "file", (int)file);

	return answer_line(job->output_fd, line);
}

static void describe_parts(const struct split *split, struct arena *arena, struct subject *subject)
{
	struct dump_part *parts = arena_alloc(arena, split->count, sizeof(*parts));

	for (unsigned i = 0; parts && i < split->count; i++) {
		parts[i].path = split->parts[i].name;
		parts[i].bytes = split->parts[i].total_size;
		if (split->bytes <= LIMIT_HASH)
			hash(&split->parts[i], parts[i].sha256);
	}
	subject->parts = parts;
	subject->part_count = parts ? split->count : 0;
}

/* A set of one part is an ordinary input: it says itself what it lacks. */
static struct error *read_parts(const struct job *job, const struct split *split)
{
	const struct evidence *first = &split->parts[0];

	if (split->count == 1)
		return visit((void *)job, first);
	struct error *gone = sent(answer(job->output_fd, "begin", NULL));
	if (gone)
		return gone;
	struct arena *arena = arena_create(LIMIT_ARENA);
	if (!arena)
		return error_create(ERROR_NOMEM, "no memory left");
	struct subject subject = {.path = first->name,
				  .has_bytes = true,
				  .bytes = split->bytes,
				  .containers = first->containers};
	describe_parts(split, arena, &subject);
	gone = tell(job, arena, first, &subject);
	if (!gone)
		gone = sent(answer(job->output_fd, "done", NULL));
	arena_destroy(arena);
	return gone;
}

static struct error *read_split(const struct job *job)
{
	const struct work *work = job->work;
	struct split split = {
		.arena = arena_create(LIMIT_ARENA), .announce = announce, .context = (void *)job};
	struct error *err = NULL;

	if (!split.arena)
		return error_create(ERROR_NOMEM, "no memory left");
	for (unsigned i = 0; i < work->count && !err; i++) {
		err = split_add(&split, &work->inputs[i]);
		if (work->count > 1)
			err = error_prepend(err, "%s", work->inputs[i].name);
	}
	if (!err)
		err = read_parts(job, &split);
	split_close(&split);
	arena_destroy(split.arena);
	return err;
}

int worker_run(void *context, int output_fd)
{
	const struct work *work = context;
	struct job job = {work, output_fd};
	const struct input *input = work->inputs;
	struct error *err =
		work->split ? read_split(&job)
			    : container_visit(input->fd, input->member, work->skip, visit, &job);
	if (!err)
		return 0;

	if (work->skip && err->kind == ERROR_NOT_EVIDENCE) {
		error_destroy(err); /* nothing behind the piece that killed the child before */
		return 0;
	}
	bool nomem = err->kind == ERROR_NOMEM;
	struct subject subject = {.path = input->name};
	/* A container that breaks after some members leaves a report of its own. */
	bool told =
		answer(output_fd, "report", examine_unreadable(&subject, work->knowledge, err)) &&
		answer(output_fd, "done", NULL);
	error_destroy(err);
	return nomem ? SANDBOX_STATUS_NOMEM : told ? 0 : 1;
}
