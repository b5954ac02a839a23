/* Archives are made here by libarchive's writers; those it cannot write are in data/. Each is
 * unpacked twice, here and in the sandbox, where it must give the same without opening a file. */
#include "ceilings.h"
#include "formats.h"
#include "sandbox.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

/* What a test made, freed at its end. */
static struct {
	void *blocks[4096];
	size_t count;
} made;

static void use_utf8(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
}

static void free_all(void)
{
	while (made.count)
		free(made.blocks[--made.count]);
}

TestSuite(container, .init = use_utf8, .fini = free_all);

/* ---- making ---- */

struct bytes {
	uint8_t *data;
	size_t size;
};

static struct bytes bytes_new(size_t size)
{
	struct bytes b = {calloc(1, size ? size : 1), size};

	cr_assert(b.data && made.count < sizeof(made.blocks) / sizeof(*made.blocks));
	made.blocks[made.count++] = b.data;
	return b;
}

/* The least that the reader of small dumps bids for, then bytes that compress a little. */
static struct bytes fake_dump(size_t size, unsigned seed)
{
	struct bytes b = bytes_new(size);
	uint32_t random = seed;

	for (size_t i = 0x1000; seed && i < size; i++) {
		random = random * 1664525 + 1013904223;
		b.data[i] = (uint8_t)(random >> 24 & 0x3f);
	}
	memcpy(b.data, "PAGEDU64", 8);
	b.data[0xf98] = 4;
	return b;
}

/* An archive being written. */
struct maker {
	struct archive *archive;
	struct bytes made;
	size_t used;
};

static struct maker make(size_t room, int format, int filter)
{
	struct maker m = {archive_write_new(), bytes_new(room + (1 << 20)), 0};

	cr_assert_geq(archive_write_set_format(m.archive, format), ARCHIVE_WARN);
	cr_assert_geq(archive_write_add_filter(m.archive, filter), ARCHIVE_WARN);
	archive_write_set_bytes_in_last_block(m.archive, 1);
	return m;
}

static void start(struct maker *m)
{
	cr_assert_eq(archive_write_open_memory(m->archive, m->made.data, m->made.size, &m->used),
		     ARCHIVE_OK);
}

static void add(struct maker *m, const char *name, struct bytes content)
{
	struct archive_entry *entry = archive_entry_new();

	if (m->used == 0 && archive_file_count(m->archive) == 0)
		start(m);
	archive_entry_copy_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_size(entry, (int64_t)content.size);
	cr_assert_geq(archive_write_header(m->archive, entry), ARCHIVE_WARN, "%s",
		      archive_error_string(m->archive));
	cr_assert_eq(archive_write_data(m->archive, content.data, content.size),
		     (la_ssize_t)content.size);
	archive_entry_free(entry);
}

static struct bytes finish(struct maker *m)
{
	cr_assert_geq(archive_write_close(m->archive), ARCHIVE_WARN);
	archive_write_free(m->archive);
	m->made.size = m->used;
	return m->made;
}

static struct bytes archive_of(int format, int filter, const char *name, struct bytes content)
{
	struct maker m = make(content.size, format, filter);

	add(&m, name, content);
	return finish(&m);
}

static struct bytes compressed(int filter, struct bytes content)
{
	return archive_of(ARCHIVE_FORMAT_RAW, filter, "data", content);
}

static struct bytes joined(struct bytes a, struct bytes b)
{
	struct bytes both = bytes_new(a.size + b.size);

	memcpy(both.data, a.data, a.size);
	memcpy(both.data + a.size, b.data, b.size);
	return both;
}

static int as_file(struct bytes b)
{
	int fd = memfd_create("input", 0);

	cr_assert_geq(fd, 0);
	for (size_t done = 0; done < b.size;) {
		ssize_t n = write(fd, b.data + done, b.size - done);

		cr_assert_gt(n, 0);
		done += (size_t)n;
	}
	return fd;
}

static int fixture(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/formats/data/%s", TEST_DATA, name);
	fd = open(path, O_RDONLY);
	cr_assert_geq(fd, 0, "%s", path);
	return fd;
}

/* ---- looking ---- */

enum { SEEN = 8 };

struct seen {
	unsigned count;
	struct piece {
		char member[128], containers[64], cut[200];
		uint64_t size, total, sum;
	} pieces[SEEN];
	char error[300];  /* kind: message */
	unsigned stop_at; /* 0: never */
};

static uint64_t sum_of(const uint8_t *data, uint64_t size)
{
	uint64_t sum = 14695981039346656037u;

	for (uint64_t i = 0; i < size; i++)
		sum = (sum ^ data[i]) * 1099511628211u;
	return sum;
}

static struct error *look(void *context, const struct evidence *e)
{
	struct seen *seen = context;
	struct piece *p = &seen->pieces[seen->count % SEEN];

	memset(p, 0, sizeof(*p));
	seen->count++;
	snprintf(p->member, sizeof(p->member), "%s", e->member ? e->member : "-");
	for (const char *const *c = e->containers; *c; c++) {
		strncat(p->containers, *c, 16);
		strncat(p->containers, c[1] ? " " : "", 2);
	}
	snprintf(p->cut, sizeof(p->cut), "%s", e->cut ? e->cut : "");
	p->size = e->size;
	p->total = e->total_size;
	p->sum = sum_of(e->data, e->size);
	return seen->count == seen->stop_at ? error_create(ERROR_USAGE, "enough") : NULL;
}

static void visit_here(int fd, const char *member, unsigned skip, struct seen *seen)
{
	struct error *err = container_visit(fd, member, skip, look, seen);

	if (err)
		snprintf(seen->error, sizeof(seen->error), "%s: %s", error_kind_name(err->kind),
			 err->message);
	error_destroy(err);
}

struct chore {
	int fd;
	const char *member;
	unsigned skip, stop_at;
};

static int visit_there(void *context, int out)
{
	const struct chore *task = context;
	struct seen seen = {.stop_at = task->stop_at};

	visit_here(task->fd, task->member, task->skip, &seen);
	return sandbox_write(out, (const char *)&seen, sizeof(seen)) && sandbox_write(out, "\n", 1)
		       ? 0
		       : 1;
}

/* The struct has newlines in it by chance, so lines are put together again. */
struct arrival {
	uint8_t bytes[sizeof(struct seen) + 1];
	size_t used;
};

static bool arrive(void *context, char *line, size_t length)
{
	struct arrival *a = context;

	cr_assert_leq(a->used + length + 1, sizeof(a->bytes));
	memcpy(a->bytes + a->used, line, length);
	a->used += length;
	a->bytes[a->used++] = '\n';
	return true;
}

static void compare(const struct seen *here, const struct seen *there)
{
	cr_assert_eq(here->count, there->count, "%u %u %s", here->count, there->count,
		     there->error);
	cr_assert_str_eq(here->error, there->error);
	for (unsigned i = 0; i < SEEN; i++) {
		const struct piece *a = &here->pieces[i], *b = &there->pieces[i];

		cr_assert_str_eq(a->member, b->member);
		cr_assert_str_eq(a->containers, b->containers);
		cr_assert_str_eq(a->cut, b->cut);
		cr_assert(a->size == b->size && a->total == b->total && a->sum == b->sum);
	}
}

static struct seen visit_all(int fd, const char *member, unsigned skip, unsigned stop_at)
{
	struct seen here = {.stop_at = stop_at}, there;
	struct chore task = {fd, member, skip, stop_at};
	struct arrival arrival = {.used = 0};
	struct sandbox_result result;

	visit_here(fd, member, skip, &here);
	cr_assert_null(sandbox_run(NULL, &fd, 1, visit_there, &task, arrive, &arrival, &result));
	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
	cr_assert_eq(arrival.used, sizeof(there) + 1);
	memcpy(&there, arrival.bytes, sizeof(there));
	compare(&here, &there);
	return here;
}

static struct seen visit(struct bytes input, const char *member)
{
	int fd = as_file(input);
	struct seen seen = visit_all(fd, member, 0, 0);

	close(fd);
	return seen;
}

static void assert_piece(const struct seen *seen, unsigned index, const char *member,
			 const char *containers, struct bytes content)
{
	const struct piece *p = &seen->pieces[index];

	cr_assert_lt(index, seen->count, "%s", seen->error);
	cr_assert_str_eq(p->member, member);
	cr_assert_str_eq(p->containers, containers);
	cr_assert_str_eq(p->cut, "");
	cr_assert_eq(p->size, content.size);
	cr_assert_eq(p->total, content.size);
	cr_assert_eq(p->sum, sum_of(content.data, content.size));
}

static void assert_only(struct seen seen, const char *member, const char *containers,
			struct bytes content)
{
	cr_assert_str_eq(seen.error, "");
	cr_assert_eq(seen.count, 1);
	assert_piece(&seen, 0, member, containers, content);
}

/* ---- bare files and compressions ---- */

Test(container, bare_file)
{
	struct bytes dump = fake_dump(300000, 1);

	assert_only(visit_all(as_file(dump), NULL, 0, 0), "-", "", dump);
}

static struct error *look_at_fd(void *context, const struct evidence *e)
{
	cr_assert_eq(e->fd, *(int *)context);
	cr_assert_eq(e->total_size, LIMIT_EVIDENCE + 4096);
	cr_assert_eq(e->size, LIMIT_EVIDENCE);
	cr_assert_null(e->cut);
	return NULL;
}

Test(container, large_bare_file_is_read_from_its_descriptor)
{
	int fd = as_file(fake_dump(8192, 0));

	cr_assert_eq(ftruncate(fd, LIMIT_EVIDENCE + 4096), 0);
	cr_assert_null(container_visit(fd, NULL, 0, look_at_fd, &fd));
}

Test(container, empty_file_is_visited)
{
	struct seen seen = visit(bytes_new(0), NULL);

	cr_assert_eq(seen.count, 1);
	cr_assert_eq(seen.pieces[0].size, 0);
}

static const struct {
	int filter;
	const char *name, *with_tar, *in_zip;
} filters[] = {
	{ARCHIVE_FILTER_ZSTD, "zstd", "zstd tar", "zip zstd"},
	{ARCHIVE_FILTER_GZIP, "gzip", "gzip tar", "zip gzip"},
	{ARCHIVE_FILTER_XZ, "xz", "xz tar", "zip xz"},
	{ARCHIVE_FILTER_LZ4, "lz4", "lz4 tar", "zip lz4"},
	{ARCHIVE_FILTER_BZIP2, "bzip2", "bzip2 tar", "zip bzip2"},
};
#define EACH_FILTER(i) for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++)

Test(container, each_compression)
{
	struct bytes dump = fake_dump(300000, 2);

	EACH_FILTER(i)
	assert_only(visit(compressed(filters[i].filter, dump), NULL), "-", filters[i].name, dump);
}

Test(container, several_frames)
{
	struct bytes a = fake_dump(200000, 3), b = bytes_new(100000), both = joined(a, b);

	EACH_FILTER(i)
	assert_only(
		visit(joined(compressed(filters[i].filter, a), compressed(filters[i].filter, b)),
		      NULL),
		"-", filters[i].name, both);
}

/* As `zstd FILE` writes it: the frame tells how much it holds. */
static struct bytes zstd_file(struct bytes content)
{
	struct bytes frame = bytes_new(ZSTD_compressBound(content.size));

	frame.size = ZSTD_compress(frame.data, frame.size, content.data, content.size, 3);
	cr_assert(!ZSTD_isError(frame.size));
	return frame;
}

Test(container, zstd_files)
{
	struct bytes dump = fake_dump(300000, 2), other = bytes_new(100000);
	struct bytes file = zstd_file(dump), cut = file, lying = zstd_file(dump);
	struct seen seen;

	assert_only(visit(file, NULL), "-", "zstd", dump);
	assert_only(visit(zstd_file(file), NULL), "-", "zstd zstd", dump);
	assert_only(visit(compressed(ARCHIVE_FILTER_GZIP, file), NULL), "-", "gzip zstd", dump);
	assert_only(visit(joined(file, zstd_file(other)), NULL), "-", "zstd", joined(dump, other));
	assert_only(visit(joined(file, compressed(ARCHIVE_FILTER_ZSTD, other)), NULL), "-", "zstd",
		    joined(dump, other));

	cut.size -= cut.size / 10;
	seen = visit(cut, NULL);
	cr_assert_eq(seen.count, 1, "%s", seen.error);
	cr_assert_gt(seen.pieces[0].size, dump.size / 2);
	cr_assert_eq(seen.pieces[0].sum, sum_of(dump.data, seen.pieces[0].size));
	cr_assert(strstr(seen.pieces[0].cut, "runcated"), "%s", seen.pieces[0].cut);

	/* Its header claims another size: RFC 8878 3.1.1.1 has 4 bytes of it behind the descriptor.
	 */
	cr_assert_eq(ZSTD_getFrameContentSize(lying.data, lying.size), dump.size);
	cr_assert_eq(lying.data[4] >> 6, 2);
	lying.data[4 + 1 + !(lying.data[4] & 0x20)] ^= 1;
	cr_assert_neq(ZSTD_getFrameContentSize(lying.data, lying.size), dump.size);
	seen = visit(lying, NULL);
	cr_assert_eq(seen.count, 1, "%s", seen.error);
	cr_assert_neq(seen.pieces[0].cut[0], '\0');
}

Test(container, compressed_twice)
{
	struct bytes dump = fake_dump(20000, 4);

	assert_only(
		visit(compressed(ARCHIVE_FILTER_XZ, compressed(ARCHIVE_FILTER_GZIP, dump)), NULL),
		"-", "xz gzip", dump);
	assert_only(
		visit(compressed(ARCHIVE_FILTER_GZIP, compressed(ARCHIVE_FILTER_GZIP, dump)), NULL),
		"-", "gzip gzip", dump);
}

static struct bytes wrapped(struct bytes content, int layers)
{
	for (int i = 0; i < layers; i++)
		content = compressed(i % 2 ? ARCHIVE_FILTER_GZIP : ARCHIVE_FILTER_ZSTD, content);
	return content;
}

Test(container, not_more_than_so_many_layers)
{
	struct bytes dump = fake_dump(8192, 0);
	struct seen seen = visit(wrapped(dump, LIMIT_FILTERS + 1), NULL);

	cr_assert_eq(seen.count, 0);
	cr_assert_str_eq(seen.error,
			 "limit: more than 8 containers within each other (LIMIT_FILTERS)");
	cr_assert_eq(visit(wrapped(dump, LIMIT_FILTERS), NULL).count, 1);
	for (int i = 0; i <= LIMIT_FILTERS; i++)
		dump = compressed(ARCHIVE_FILTER_GZIP, dump);
	seen = visit(dump, NULL);
	cr_assert_eq(seen.count, 0);
	cr_assert(strstr(seen.error, "LIMIT_FILTERS"), "%s", seen.error);
}

Test(container, truncated_compression)
{
	struct bytes dump = fake_dump(3000000, 5);

	EACH_FILTER(i)
	{
		struct bytes input = compressed(filters[i].filter, dump);
		struct seen seen;

		input.size -= input.size / 10;
		seen = visit(input, NULL);
		if (filters[i].filter == ARCHIVE_FILTER_LZ4)
			continue; /* its blocks of 4 MB are whole or nothing */
		cr_assert_eq(seen.count, 1, "%s: %s", filters[i].name, seen.error);
		cr_assert(strstr(seen.pieces[0].cut, "runcated") ||
				  strstr(seen.pieces[0].cut, "damaged"),
			  "%s: %s", filters[i].name, seen.pieces[0].cut);
		cr_assert_gt(seen.pieces[0].size, dump.size / 2, "%s", filters[i].name);
		cr_assert_eq(seen.pieces[0].sum, sum_of(dump.data, seen.pieces[0].size));
	}
}

Test(container, damaged_from_the_beginning)
{
	struct bytes input = compressed(ARCHIVE_FILTER_ZSTD, fake_dump(8192, 1));
	struct seen seen;

	input.size = 12;
	seen = visit(input, NULL);
	cr_assert_eq(seen.count, 0);
	cr_assert_str_eq(seen.error, "bad-data: begins like zstd data, but nothing can be unpacked "
				     "from it: it is empty or damaged");
}

/* ---- archives ---- */

Test(container, each_archive)
{
	struct bytes dump = fake_dump(100000, 6);

	assert_only(visit(archive_of(ARCHIVE_FORMAT_ZIP, 0, "Minidump/x.dmp", dump), NULL),
		    "Minidump/x.dmp", "zip", dump);
	assert_only(visit(archive_of(ARCHIVE_FORMAT_7ZIP, 0, "Minidump/x.dmp", dump), NULL),
		    "Minidump/x.dmp", "7z", dump);
	assert_only(visit(archive_of(ARCHIVE_FORMAT_TAR_USTAR, 0, "Minidump/x.dmp", dump), NULL),
		    "Minidump/x.dmp", "tar", dump);
	assert_only(visit(archive_of(ARCHIVE_FORMAT_TAR_GNUTAR, 0, "Minidump/x.dmp", dump), NULL),
		    "Minidump/x.dmp", "tar", dump);
	EACH_FILTER(i)
	assert_only(visit(archive_of(ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, filters[i].filter, "x.dmp",
				     dump),
			  NULL),
		    "x.dmp", filters[i].with_tar, dump);
}

Test(container, stored_zip)
{
	struct bytes dump = fake_dump(100000, 6);
	struct maker m = make(dump.size, ARCHIVE_FORMAT_ZIP, 0);

	archive_write_set_options(m.archive, "zip:compression=store");
	add(&m, "x.dmp", dump);
	assert_only(visit(finish(&m), NULL), "x.dmp", "zip", dump);
}

Test(container, cab)
{
	struct bytes dump = fake_dump(8192, 0);

	assert_only(visit_all(fixture("mszip.cab"), NULL, 0, 0), "x.dmp", "cab", dump);
}

Test(container, archive_in_compression)
{
	struct bytes dump = fake_dump(50000, 7);

	assert_only(visit(compressed(ARCHIVE_FILTER_XZ,
				     archive_of(ARCHIVE_FORMAT_ZIP, 0, "x.dmp", dump)),
			  NULL),
		    "x.dmp", "xz zip", dump);
	assert_only(visit(compressed(ARCHIVE_FILTER_ZSTD,
				     archive_of(ARCHIVE_FORMAT_7ZIP, 0, "x.dmp", dump)),
			  NULL),
		    "x.dmp", "zstd 7z", dump);
}

Test(container, compression_in_archive)
{
	struct bytes dump = fake_dump(50000, 8);

	EACH_FILTER(i)
	assert_only(visit(archive_of(ARCHIVE_FORMAT_ZIP, 0, "x.dmp.z",
				     compressed(filters[i].filter, dump)),
			  NULL),
		    "x.dmp.z", filters[i].in_zip, dump);
}

static struct bytes zip_of_two(struct bytes a, struct bytes b)
{
	struct maker m = make(a.size + b.size, ARCHIVE_FORMAT_ZIP, 0);
	struct bytes notes = {(uint8_t *)"nothing to see here\n", 20};

	add(&m, "notes.txt", notes);
	add(&m, "Minidump/a.dmp", a);
	add(&m, "Minidump/b.dmp", b);
	return finish(&m);
}

Test(container, archive_in_archive)
{
	struct bytes a = fake_dump(50000, 9), b = fake_dump(60000, 10);
	struct bytes inner = zip_of_two(a, b);
	struct bytes outer = archive_of(ARCHIVE_FORMAT_ZIP, 0, "case/inner.zip", inner);
	int fd = as_file(outer);
	struct seen seen = visit_all(fd, NULL, 0, 0);

	cr_assert_eq(seen.count, 2, "%s", seen.error);
	assert_piece(&seen, 0, "case/inner.zip!Minidump/a.dmp", "zip zip", a);
	assert_piece(&seen, 1, "case/inner.zip!Minidump/b.dmp", "zip zip", b);
	cr_assert_eq(visit_all(fd, "case/inner.zip", 0, 0).count, 2);
	seen = visit_all(fd, "CASE\\INNER.ZIP!minidump\\B.DMP", 0, 0);
	assert_only(seen, "case/inner.zip!Minidump/b.dmp", "zip zip", b);
	cr_assert_eq(visit_all(fd, "Minidump/b.dmp", 0, 0).count, 0);
}

Test(container, chooses_members)
{
	struct bytes a = fake_dump(50000, 9), b = fake_dump(60000, 10);
	int fd = as_file(zip_of_two(a, b));
	struct seen seen = visit_all(fd, NULL, 0, 0);

	cr_assert_str_eq(seen.error, "");
	cr_assert_eq(seen.count, 2);
	assert_piece(&seen, 0, "Minidump/a.dmp", "zip", a);
	assert_piece(&seen, 1, "Minidump/b.dmp", "zip", b);
	assert_only(visit_all(fd, "minidump\\B.dmp", 0, 0), "Minidump/b.dmp", "zip", b);
	/* What no reader wants is visited if a person asks for it. */
	assert_only(visit_all(fd, "notes.txt", 0, 0), "notes.txt", "zip",
		    (struct bytes){(uint8_t *)"nothing to see here\n", 20});
	cr_assert_str_eq(visit_all(fd, "Minidump/c.dmp", 0, 0).error,
			 "not-evidence: no such member among 3");
	cr_assert_str_eq(visit_all(fd, "Minidump/a.dmp!x", 0, 0).error,
			 "not-evidence: no such member among 3");
	cr_assert_str_eq(visit_all(as_file(a), "x", 0, 0).error,
			 "not-evidence: not an archive with a member of that name");
}

Test(container, skips_what_was_visited)
{
	struct bytes a = fake_dump(50000, 9), b = fake_dump(60000, 10);
	int fd = as_file(zip_of_two(a, b));

	assert_only(visit_all(fd, NULL, 1, 0), "Minidump/b.dmp", "zip", b);
	cr_assert_eq(visit_all(fd, NULL, 2, 0).count, 0);
}

Test(container, the_visitor_stops)
{
	struct bytes a = fake_dump(50000, 9), b = fake_dump(60000, 10);
	struct seen seen = visit_all(as_file(zip_of_two(a, b)), NULL, 0, 1);

	cr_assert_eq(seen.count, 1);
	cr_assert_str_eq(seen.error, "usage: enough");
}

Test(container, archive_without_a_dump)
{
	struct bytes notes = {(uint8_t *)"nothing to see here\n", 20};
	struct maker m = make(0, ARCHIVE_FORMAT_ZIP, 0);

	cr_assert_str_eq(visit(archive_of(ARCHIVE_FORMAT_ZIP, 0, "notes.txt", notes), NULL).error,
			 "not-evidence: an archive without a dump: 1 member looked at");
	start(&m);
	cr_assert_str_eq(visit(finish(&m), NULL).error,
			 "not-evidence: an archive without a dump: 0 members looked at");
}

/* A dump of a kind that is not read yet, or that was lost on the way, is told, not passed over. */
Test(container, dumps_that_cannot_be_read_are_visited_too)
{
	struct bytes user_dump = bytes_new(5000), zeros = bytes_new(5000);

	memcpy(user_dump.data, "MDMP", 4);
	memset(zeros.data, 0, zeros.size);
	assert_only(visit(archive_of(ARCHIVE_FORMAT_ZIP, 0, "app.mdmp", user_dump), NULL),
		    "app.mdmp", "zip", user_dump);
	assert_only(visit(archive_of(ARCHIVE_FORMAT_ZIP, 0, "lost.dmp", zeros), NULL), "lost.dmp",
		    "zip", zeros);
	cr_assert_eq(visit(archive_of(ARCHIVE_FORMAT_ZIP, 0, "zeros.bin", zeros), NULL).count, 0);
}

/* A name out of an archive is only ever a name. */
Test(container, names_are_only_names)
{
	static const char *const names[] = {"../../etc/passwd", "/etc/passwd", "C:/Windows/x.dmp",
					    "\xd1\x84\xd0\xb0\xd0\xb9\xd0\xbb.dmp"};
	struct bytes dump = fake_dump(8192, 0);

	for (size_t i = 0; i < 4; i++) {
		assert_only(visit(archive_of(ARCHIVE_FORMAT_ZIP, 0, names[i], dump), NULL),
			    names[i], "zip", dump);
		assert_only(visit(archive_of(ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, 0, names[i], dump),
				  NULL),
			    names[i], "tar", dump);
		assert_only(visit(archive_of(ARCHIVE_FORMAT_7ZIP, 0, names[i], dump), NULL),
			    names[i], "7z", dump);
	}
	assert_only(visit(archive_of(ARCHIVE_FORMAT_TAR_USTAR, 0, "a\x1b[31m\xff.dmp", dump), NULL),
		    "a\\x1b[31m\\xff.dmp", "tar", dump);
}

Test(container, names_in_another_locale)
{
	struct bytes dump = fake_dump(8192, 0);
	struct bytes zip = archive_of(ARCHIVE_FORMAT_ZIP, 0, "\xd1\x84.dmp", dump);
	struct seen seen;

	setlocale(LC_CTYPE, "C");
	seen = visit(zip, NULL);
	cr_assert_str_eq(seen.error, "");
	cr_assert_eq(seen.count, 1);
}

Test(container, encrypted)
{
	int zip = fixture("encrypted.zip");

	cr_assert_str_eq(visit_all(zip, NULL, 0, 0).error,
			 "unsupported: x.dmp: encrypted: unpack it with its password first");
	assert_only(visit_all(zip, "notes.txt", 0, 0), "notes.txt", "zip",
		    (struct bytes){(uint8_t *)"nothing to see here\n", 20});
	cr_assert_str_eq(visit_all(fixture("encrypted.7z"), NULL, 0, 0).error,
			 "unsupported: x.dmp: encrypted: unpack it with its password first");
	cr_assert_str_eq(visit_all(fixture("headers-encrypted.7z"), NULL, 0, 0).error,
			 "unsupported: an encrypted 7z archive: unpack it with its password first");
}

Test(container, truncated_archives)
{
	struct bytes a = fake_dump(400000, 11), b = fake_dump(400000, 12);
	static const int formats[] = {ARCHIVE_FORMAT_ZIP, ARCHIVE_FORMAT_TAR_USTAR};

	for (size_t i = 0; i < 2; i++) {
		struct maker m = make(a.size + b.size, formats[i], 0);
		struct bytes input;
		struct seen seen;

		add(&m, "a.dmp", a);
		add(&m, "b.dmp", b);
		input = finish(&m);
		input.size -= input.size / 4;
		seen = visit(input, NULL);
		cr_assert_eq(seen.count, 2, "%zu %u %s", i, seen.count, seen.error);
		assert_piece(&seen, 0, "a.dmp", i ? "tar" : "zip", a);
		cr_assert(seen.pieces[1].cut[0]);
		cr_assert_eq(seen.pieces[1].sum, sum_of(b.data, seen.pieces[1].size));
	}
}

Test(container, damaged_member)
{
	struct bytes dump = fake_dump(400000, 13);
	struct maker m = make(dump.size, ARCHIVE_FORMAT_ZIP, 0);
	struct bytes input;
	struct seen seen;

	archive_write_set_options(m.archive, "zip:compression=store");
	add(&m, "x.dmp", dump);
	input = finish(&m);
	input.data[200000] ^= 1;
	seen = visit(input, NULL);
	cr_assert_eq(seen.count, 1);
	cr_assert_eq(seen.pieces[0].size, dump.size);
	cr_assert(strstr(seen.pieces[0].cut, "CRC"), "%s", seen.error);
}

/* Recognised here, but not by libarchive (which then must not be asked what is encrypted). */
Test(container, begins_like_an_archive)
{
	static const struct {
		const char *bytes;
		size_t length;
	} beginnings[] = {{"7z\xbc\xaf\x27\x1c", 6},
			  {"MSCF\0\0\0\0", 8},
			  {"PK\3\4", 4},
			  {"PK\5\6", 4},
			  {"PK00PK\3\4", 8}};

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++) {
		for (size_t size = beginnings[i].length; size < 600; size += 37) {
			struct bytes input = bytes_new(size);
			struct seen seen;

			memcpy(input.data, beginnings[i].bytes, beginnings[i].length);
			seen = visit(input, NULL);
			cr_assert_eq(seen.count, 0);
			cr_assert_neq(seen.error[0], '\0');
		}
	}
}

/* ---- bombs ---- */

static struct bytes bomb(uint64_t size, int filter)
{
	struct maker m = make(4 << 20, ARCHIVE_FORMAT_RAW, filter);
	struct archive_entry *entry = archive_entry_new();
	struct bytes dump = fake_dump(1 << 20, 0);

	start(&m);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_write_header(m.archive, entry);
	for (uint64_t done = 0; done < size; done += dump.size) {
		archive_write_data(m.archive, dump.data, dump.size);
		if (done == 0)
			memset(dump.data, 0, dump.size);
	}
	archive_entry_free(entry);
	return finish(&m);
}

Test(container, bomb)
{
	struct bytes zstd = bomb(LIMIT_UNPACK + (2 << 20), ARCHIVE_FILTER_ZSTD);
	struct seen seen = visit(zstd, NULL);

	cr_assert_lt(zstd.size, 1 << 20);
	cr_assert_eq(seen.count, 0);
	cr_assert_str_eq(seen.error, "limit: unpacks to more than 1024 MiB (LIMIT_UNPACK)");
}

Test(container, bomb_in_archive)
{
	struct maker m = make(8 << 20, ARCHIVE_FORMAT_ZIP, 0);
	struct bytes part = bomb(LIMIT_UNPACK / 2 + (2 << 20), ARCHIVE_FILTER_ZSTD);
	struct seen seen;

	add(&m, "a.dmp.zst", part);
	add(&m, "b.dmp.zst", part);
	seen = visit(finish(&m), NULL);
	cr_assert_eq(seen.count, 1);
	cr_assert_str_eq(seen.error, "limit: unpacks to more than 1024 MiB (LIMIT_UNPACK)");
}

/* Larger than what is kept in memory, smaller than a bomb: its beginning is evidence. */
Test(container, large_member)
{
	uint64_t size = LIMIT_EVIDENCE + (2 << 20);
	struct seen seen = visit(bomb(size, ARCHIVE_FILTER_ZSTD), NULL);

	cr_assert_str_eq(seen.error, "");
	cr_assert_eq(seen.count, 1);
	cr_assert_eq(seen.pieces[0].size, LIMIT_EVIDENCE);
	cr_assert_eq(seen.pieces[0].total, size);
	cr_assert(strstr(seen.pieces[0].cut, "LIMIT_EVIDENCE"), "%s", seen.pieces[0].cut);
}

/* A sparse tar claims much and holds little. */
Test(container, sparse_tar)
{
	struct maker m = make(1 << 20, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, 0);
	struct archive_entry *entry = archive_entry_new();
	struct bytes dump = fake_dump(1 << 20, 0), input;
	struct seen seen;
	int64_t size = LIMIT_UNPACK + (8 << 20);

	start(&m);
	archive_entry_set_pathname(entry, "x.dmp");
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_size(entry, size);
	archive_entry_sparse_add_entry(entry, 0, 8192);
	archive_entry_sparse_add_entry(entry, size - 8192, 8192);
	cr_assert_geq(archive_write_header(m.archive, entry), ARCHIVE_WARN);
	for (int64_t done = 0; done < size; done += (int64_t)dump.size)
		cr_assert_gt(archive_write_data(m.archive, dump.data, dump.size), 0);
	archive_entry_free(entry);
	input = finish(&m);
	cr_assert_lt(input.size, 1 << 20);
	seen = visit(input, NULL);
	cr_assert_eq(seen.count, 0);
	cr_assert_str_eq(seen.error, "limit: unpacks to more than 1024 MiB (LIMIT_UNPACK)");
}

/* ---- pipes ---- */

struct feed {
	int fd;
	struct bytes input;
};

static void *feed_pipe(void *context)
{
	struct feed *feed = context;

	/* No assertion in a second thread: Criterion leaks its state there. */
	sandbox_write(feed->fd, (const char *)feed->input.data, feed->input.size);
	close(feed->fd);
	return NULL;
}

static struct seen visit_pipe(struct bytes input)
{
	struct seen seen = {0};
	struct feed feed;
	pthread_t thread;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	feed = (struct feed){ends[1], input};
	cr_assert_eq(pthread_create(&thread, NULL, feed_pipe, &feed), 0);
	visit_here(ends[0], NULL, 0, &seen);
	pthread_join(thread, NULL);
	close(ends[0]);
	return seen;
}

Test(container, pipe_as_input)
{
	struct bytes dump = fake_dump(300000, 14), copy = fake_dump(300000, 14);

	assert_only(visit_pipe(copy), "-", "", dump);
	assert_only(visit_pipe(compressed(ARCHIVE_FILTER_ZSTD, dump)), "-", "zstd", dump);
	assert_only(visit_pipe(zstd_file(dump)), "-", "zstd", dump);
	assert_only(visit_pipe(archive_of(ARCHIVE_FORMAT_ZIP, 0, "x.dmp", dump)), "x.dmp", "zip",
		    dump);
	assert_only(visit_pipe(archive_of(ARCHIVE_FORMAT_7ZIP, 0, "x.dmp", dump)), "x.dmp", "7z",
		    dump);
	assert_only(visit_pipe(archive_of(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, "x.dmp",
					  dump)),
		    "x.dmp", "gzip tar", dump);
}

/* ---- robustness ---- */

/* Every byte of small archives changed: any answer will do, but it must be one. */
Test(container, survives_any_changed_byte)
{
	struct bytes dump = fake_dump(8192, 0);
	struct bytes inputs[] = {
		archive_of(ARCHIVE_FORMAT_ZIP, 0, "x.dmp", dump),
		archive_of(ARCHIVE_FORMAT_7ZIP, 0, "x.dmp", dump),
		archive_of(ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_ZSTD, "x.dmp", dump),
	};

	for (size_t i = 0; i < 3; i++) {
		for (size_t at = 0; at < inputs[i].size; at++) {
			struct seen seen = {0};
			int fd;

			inputs[i].data[at] ^= 0xff;
			fd = as_file(inputs[i]);
			visit_here(fd, NULL, 0, &seen);
			cr_assert(seen.count || seen.error[0]);
			close(fd);
			inputs[i].data[at] ^= 0xff;
		}
	}
}

static double milliseconds(struct bytes input)
{
	struct timespec begin, end;
	int fd = as_file(input);
	struct error *err = NULL;
	struct seen seen = {0};

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < 10 && !err; i++)
		err = container_visit(fd, NULL, 0, look, &seen);
	clock_gettime(CLOCK_MONOTONIC, &end);
	cr_assert_null(err);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e3 +
		(double)(end.tv_nsec - begin.tv_nsec) / 1e6) /
	       10;
}

Test(container, is_fast)
{
	double small = milliseconds(compressed(ARCHIVE_FILTER_ZSTD, fake_dump(290000, 15)));
	double large = milliseconds(compressed(ARCHIVE_FILTER_ZSTD, fake_dump(10 << 20, 16)));

	cr_log_info("290 KB in %.2f ms, 10 MB in %.2f ms (with a checksum)", small, large);
	cr_assert_lt(large, 2000.0);
}
