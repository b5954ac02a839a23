#include "worker.h"

#include "ceilings.h"
#include "examine.h"
#include "formats.h"
#include "sandbox.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
	const struct work *work;
	int output_fd;
};

/* One line of the answer; takes @p value. False if the parent is gone or memory is short. */
static bool answer(int fd, const char *key, json_t *value)
{
	json_t *line = json_object();
	json_object_set_new(line, key, value ? value : json_null());
	char *text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	if (!text)
		return false;
	bool sent = sandbox_write(fd, text, strlen(text)) && sandbox_write(fd, "\n", 1);
	free(text);
	return sent;
}

void worker_prepare(void)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL);
}

/* SHA-256 of the dump's own bytes. What a container held beyond LIMIT_EVIDENCE is not in memory and
 * has no hash; a bare file can be read again. */
static void hash(const struct evidence *evidence, char ret[65])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	bool fine = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(md, evidence->data, evidence->size) == 1;
	uint64_t offset = evidence->size;

	fine = fine && evidence->total_size <= LIMIT_HASH;
	while (fine && offset < evidence->total_size) {
		static unsigned char buffer[1 << 16];
		ssize_t n = evidence->fd < 0
				    ? -1
				    : pread(evidence->fd, buffer, sizeof(buffer), (off_t)offset);
		fine = n > 0 && EVP_DigestUpdate(md, buffer, (size_t)n) == 1;
		offset += n > 0 ? (uint64_t)n : 0;
	}
	fine = fine && EVP_DigestFinal_ex(md, digest, &length) == 1;
	for (unsigned i = 0; fine && i < 32; i++)
		sprintf(ret + 2 * i, "%02x", digest[i]);
	EVP_MD_CTX_free(md);
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
	if (!err && evidence->cut) {
		dump->partial = true;
		dump_problem(dump, "truncated", "%s", evidence->cut);
	}
	if (!err)
		err = examine(subject, dump, work->knowledge, work->want_strings, ret);
	dump_close(dump);
	return err;
}

static struct error *visit(void *context, const struct evidence *evidence)
{
	const struct job *job = context;
	const struct work *work = job->work;
	struct error *gone = NULL;

	if (!answer(job->output_fd, "begin",
		    evidence->member ? json_string(evidence->member) : NULL))
		return error_create(ERROR_IO, "the answer could not be sent");
	struct arena *arena = arena_create(LIMIT_ARENA);
	if (!arena)
		return error_create(ERROR_NOMEM, "no memory left");
	struct subject subject = {.bytes = evidence->total_size > evidence->size
						   ? evidence->total_size
						   : evidence->size,
				  .containers = evidence->containers};
	subject.path = evidence->member ? arena_printf(arena, "%s!%s", work->name, evidence->member)
					: work->name;
	hash(evidence, subject.sha256);
	json_t *report = NULL;
	struct error *err = read_dump(arena, evidence, &subject, work, &report);
	if (err)
		report = examine_unreadable(&subject, work->knowledge, err);
	error_destroy(err);
	if (!answer(job->output_fd, "report", report))
		gone = error_create(ERROR_IO, "the answer could not be sent");
	arena_destroy(arena);
	return gone;
}

int worker_run(void *context, int output_fd)
{
	const struct work *work = context;
	struct job job = {work, output_fd};
	struct error *err = container_visit(work->fd, work->member, work->skip, visit, &job);
	if (!err)
		return 0;

	if (work->skip && err->kind == ERROR_NOT_EVIDENCE) {
		error_destroy(err); /* nothing behind the piece that killed the child before */
		return 0;
	}
	bool nomem = err->kind == ERROR_NOMEM;
	struct subject subject = {.path = work->name};
	/* A container that breaks after some members leaves a report of its own. */
	bool told = answer(output_fd, "report", examine_unreadable(&subject, work->knowledge, err));
	error_destroy(err);
	return nomem ? SANDBOX_STATUS_NOMEM : told ? 0 : 1;
}
