/* Takes evidence out of what it is wrapped in, layer by layer. Each layer is recognised by its own
 * first bytes and opened by a libarchive reader that knows only this one format, so that nothing
 * else of libarchive meets hostile bytes, and each layer is named in evidence.containers. */
#include "ceilings.h"
#include "formats.h"
#include "source.h"
#include "text.h"
#include "zstd_frame.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	HEAD = 64 << 10, /* enough for every reader to bid */
	TAR_HEADER = 512,
	HEADER_FAILURES = 16, /* in a row, before an archive is given up */
};

/* ---- what wraps ---- */

struct wrapper {
	const char *name;
	const char *magic;
	size_t length;
	int (*enable)(struct archive *);
	bool (*at_once)(struct source *, struct source *); /* the common case, without libarchive */
	bool compression; /* of one file; else an archive of many */
	bool must_seek;
	bool seeks; /* reads better if it can */
};

static const struct wrapper wrappers[] = {
	{"zstd", "\x28\xb5\x2f\xfd", 4, archive_read_support_filter_zstd, zstd_frame_unpack, true},
	{"gzip", "\x1f\x8b\x08", 3, archive_read_support_filter_gzip, NULL, true},
	{"xz", "\xfd\x37\x7a\x58\x5a\x00", 6, archive_read_support_filter_xz, NULL, true},
	{"lz4", "\x04\x22\x4d\x18", 4, archive_read_support_filter_lz4, NULL, true},
	{"lz4", "\x02\x21\x4c\x18", 4, archive_read_support_filter_lz4, NULL, true},
	{"bzip2", "BZh", 3, archive_read_support_filter_bzip2, NULL, true},
	{"zip", "PK\3\4", 4, archive_read_support_format_zip, .seeks = true},
	{"zip", "PK\5\6", 4, archive_read_support_format_zip, .seeks = true},
	{"zip", "PK00PK\3\4", 8, archive_read_support_format_zip, .seeks = true},
	{"7z", "7z\xbc\xaf\x27\x1c", 6, archive_read_support_format_7zip, .must_seek = true,
	 .seeks = true},
	{"cab", "MSCF\0\0\0\0", 8, archive_read_support_format_cab},
};

static const struct wrapper tar = {"tar", "", 0, archive_read_support_format_tar};

/* A tar has no magic number in its older forms, but a sum of its first header in all. */
static bool is_tar(const uint8_t *data, size_t size)
{
	enum { SUM_AT = 148, SUM_LENGTH = 8 };
	unsigned sum = SUM_LENGTH * ' ', told = 0, digits = 0;

	if (size < TAR_HEADER || data[0] == 0)
		return false;
	for (unsigned i = 0; i < TAR_HEADER; i++)
		sum += i >= SUM_AT && i < SUM_AT + SUM_LENGTH ? 0 : data[i];
	for (unsigned i = SUM_AT; i < SUM_AT + SUM_LENGTH; i++) {
		if (data[i] == ' ' && digits == 0)
			continue;
		if (data[i] < '0' || data[i] > '7')
			break;
		told = told * 8 + (data[i] - '0');
		digits++;
	}
	return digits > 0 && told == sum;
}

static const struct wrapper *recognise(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(*wrappers); i++) {
		if (size >= wrappers[i].length &&
		    memcmp(data, wrappers[i].magic, wrappers[i].length) == 0)
			return &wrappers[i];
	}
	return is_tar(data, size) ? &tar : NULL;
}

/* ---- the walk ---- */

struct walk {
	struct budget budget;
	unsigned skip, visited; /* visited counts those skipped too */
	unsigned looked_at;     /* members of archives */
	evidence_visitor visit;
	void *context;
	struct error *trouble; /* the first thing that is wrong with a member */
	unsigned troubles;
	const char *layers[LIMIT_FILTERS + 1];
	unsigned depth;
	int fd;
};

/* Which part of the input is meant. */
struct place {
	struct arena *arena; /* of the name */
	const char *name;    /* safe text, NULL outside of archives */
	const char *wanted;  /* member still to be found below, NULL if any */
	bool asked_for;      /* to be visited whatever it is */
};

static void stop(struct walk *w, struct error *err)
{
	if (w->budget.stop)
		error_destroy(err);
	else
		w->budget.stop = err;
}

/* Something that ends one member, not the walk. Takes @p err. */
static void add_trouble(struct walk *w, const struct place *place, struct error *err)
{
	if (place->name)
		err = error_prepend(err, "%s", place->name);
	if (w->troubles++ == 0)
		w->trouble = err;
	else
		error_destroy(err);
}

/* libarchive's reason as safe text. */
static const char *reason(struct archive *a, struct arena *arena)
{
	const char *text = archive_error_string(a);

	return text ? text_from_bytes(arena, text, strnlen(text, 160)) : "no details";
}

/* ---- evidence ---- */

/* Whether a member counts as evidence. A dump that cannot be read does too: it must not vanish from
 * the answer only because it lies in an archive. */
static bool is_evidence(const struct place *place, const struct evidence *head)
{
	const struct format *format;
	struct error *err = format_choose(head, &format);
	bool counts = !err || err->kind == ERROR_UNSUPPORTED ||
		      (place->name && text_ends_nocase(place->name, ".dmp"));

	error_destroy(err);
	return counts;
}

static struct evidence describe(const struct walk *w, const struct source *s,
				const struct place *place, uint64_t total)
{
	return (struct evidence){
		.member = place->name,
		.containers = w->layers,
		.data = s->data ? s->data : (const uint8_t *)"",
		.size = s->have,
		.total_size = total,
		.fd = s->kind == SOURCE_FILE ? w->fd : -1,
		.cut = s->cut[0] ? s->cut : NULL,
	};
}

/* Notes why what is in memory is not all there is, unless it can be read on. */
static void note_cut(struct source *s, bool whole)
{
	if (s->cut[0])
		return;
	if (s->kind == SOURCE_FILE && whole && s->have < s->size)
		snprintf(s->cut, sizeof(s->cut), "the file became shorter meanwhile");
	else if (s->kind != SOURCE_FILE && !whole)
		snprintf(s->cut, sizeof(s->cut),
			 "only its first %llu MiB were read (LIMIT_EVIDENCE)",
			 (unsigned long long)(LIMIT_EVIDENCE >> 20));
}

static bool wants_file(const struct evidence *head)
{
	const struct format *format;
	struct error *err = format_choose(head, &format);
	bool wants = !err && format->by_file;

	error_destroy(err);
	return wants;
}

/* For a reader that works on files: the bare one, or one in memory with what a container holds. */
static void visit_file(struct walk *w, struct source *s, const struct place *place)
{
	uint64_t total = s->size;
	int fd = -1;

	if (s->kind != SOURCE_FILE) {
		total = 0;
		fd = memfd_create("culprit-evidence", MFD_CLOEXEC);
		if (fd < 0) {
			stop(w, error_create(ERROR_NOMEM, "not enough memory to unpack"));
			return;
		}
		if (!source_spool(s, fd, &total)) {
			close(fd);
			return;
		}
	}
	struct evidence e = describe(w, s, place, total);
	if (fd >= 0)
		e.fd = fd;
	stop(w, w->visit(w->context, &e));
	if (fd >= 0)
		close(fd);
}

static void visit_evidence(struct walk *w, struct source *s, const struct place *place)
{
	struct evidence e = describe(w, s, place, s->have);
	uint64_t total;
	bool whole;

	if (place->wanted || (!place->asked_for && !is_evidence(place, &e)))
		return;
	if (w->visited == LIMIT_ARCHIVE_MEMBERS) {
		stop(w, error_create(ERROR_LIMIT, "more than %d dumps (LIMIT_ARCHIVE_MEMBERS)",
				     LIMIT_ARCHIVE_MEMBERS));
		return;
	}
	if (w->visited++ < w->skip)
		return;
	if (wants_file(&e)) {
		visit_file(w, s, place);
		return;
	}
	if (!source_fill(s, LIMIT_EVIDENCE))
		return;
	whole = s->ended;
	total = s->kind == SOURCE_FILE && s->size > s->have ? s->size : s->have;
	if (!whole && !source_drain(s, &total))
		return;
	whole = whole || (s->kind != SOURCE_PIPE && total == s->have);
	note_cut(s, whole);
	source_shrink(s);
	e = describe(w, s, place, total);
	stop(w, w->visit(w->context, &e));
}

/* ---- compression ---- */

static void visit_source(struct walk *w, struct source *s, const struct place *place);

/* False if there are too many already. */
static bool add_layer(struct walk *w, const struct wrapper *wrapper, const struct place *place)
{
	if (w->depth == LIMIT_FILTERS) {
		add_trouble(
			w, place,
			error_create(ERROR_LIMIT,
				     "more than %d containers within each other (LIMIT_FILTERS)",
				     LIMIT_FILTERS));
		return false;
	}
	w->layers[w->depth++] = wrapper->name;
	return true;
}

static void remove_layers(struct walk *w, unsigned depth)
{
	while (w->depth > depth)
		w->layers[--w->depth] = NULL;
}

/* A reader of @p wrapper and nothing else, standing before the first header; NULL and stopped. */
static struct archive *open_reader(struct walk *w, const struct wrapper *wrapper)
{
	struct archive *a = archive_read_new();

	if (a && wrapper->enable(a) >= ARCHIVE_WARN &&
	    (!wrapper->compression || archive_read_support_format_raw(a) == ARCHIVE_OK))
		return a;
	archive_read_free(a);
	stop(w, error_create(ERROR_NOMEM, "not enough memory to unpack"));
	return NULL;
}

/* The reader for one compression takes off all its layers, if it is there several times. */
static bool name_layers(struct walk *w, struct archive *a, const struct wrapper *wrapper,
			const struct place *place)
{
	int layers = archive_filter_count(a) - 1; /* the last one is the file itself */

	for (int i = 1; i < layers; i++) {
		if (!add_layer(w, wrapper, place))
			return false;
	}
	return true;
}

static void visit_compressed(struct walk *w, struct source *s, const struct wrapper *wrapper,
			     const struct place *place)
{
	struct archive *a;
	struct archive_entry *entry;
	struct source inside;

	if (wrapper->at_once && wrapper->at_once(s, &inside)) {
		visit_source(w, &inside, place);
		source_close(&inside);
		return;
	}
	a = w->budget.stop ? NULL : open_reader(w, wrapper);
	if (!a)
		return;
	if (source_archive(s, a) != ARCHIVE_OK ||
	    archive_filter_code(a, 0) == ARCHIVE_FILTER_NONE ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK) {
		if (!w->budget.stop)
			add_trouble(w, place,
				    error_create(ERROR_BAD_DATA,
						 "begins like %s data, but nothing can be unpacked "
						 "from it: it is empty or damaged",
						 wrapper->name));
	} else if (name_layers(w, a, wrapper, place)) {
		source_open_entry(&inside, &w->budget, a, 0);
		visit_source(w, &inside, place);
		source_close(&inside);
	}
	archive_read_free(a);
}

/* ---- archives ---- */

static char plain(char c)
{
	if (c == '\\')
		return '/';
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static const char *without_dot(const char *path)
{
	return path[0] == '.' && plain(path[1]) == '/' ? path + 2 : path;
}

/* What of @p wanted remains below the member @p name: "" if it is the member itself, "x" for
 * "name!x", NULL if it is another one. */
static const char *match(const char *wanted, const char *name)
{
	wanted = without_dot(wanted);
	name = without_dot(name);
	while (*name && plain(*name) == plain(*wanted)) {
		name++;
		wanted++;
	}
	if (*name)
		return NULL;
	return *wanted == '!' ? wanted + 1 : *wanted == '\0' ? wanted : NULL;
}

/* The path of a member, whatever encoding it has. Never used as a path. */
static const char *entry_name(struct archive_entry *entry, struct arena *arena, unsigned number)
{
	const char *name = archive_entry_pathname_utf8(entry);

	if (!name || !*name)
		name = archive_entry_pathname(entry);
	if (!name || !*name)
		return arena_printf(arena, "member %u", number);
	return text_from_bytes(arena, name, strnlen(name, LIMIT_NAME_CHARS));
}

static void visit_entry(struct walk *w, struct archive *a, struct archive_entry *entry,
			const struct wrapper *wrapper, const struct place *place)
{
	int64_t claimed = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
	struct source inside;

	if (archive_entry_is_data_encrypted(entry)) {
		add_trouble(w, place,
			    error_create(ERROR_UNSUPPORTED,
					 "encrypted: unpack it with its password first"));
		return;
	}
	source_open_entry(&inside, &w->budget, a, claimed > 0 ? (uint64_t)claimed : 0);
	inside.free_of_charge = wrapper == &tar;
	visit_source(w, &inside, place);
	source_close(&inside);
}

/* The member at which the archive stands, if it is one that is looked for. */
static void visit_member(struct walk *w, struct archive *a, struct archive_entry *entry,
			 const struct wrapper *wrapper, const struct place *parent)
{
	struct place place = {.asked_for = parent->wanted != NULL};
	const char *name, *rest = "";

	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return;
	w->looked_at++;
	place.arena = arena_create(1 << 20);
	if (!place.arena) {
		stop(w, error_create(ERROR_NOMEM, "not enough memory to unpack"));
		return;
	}
	name = entry_name(entry, place.arena, w->looked_at);
	if (parent->wanted)
		rest = match(parent->wanted, name);
	if (rest) {
		place.wanted = *rest ? rest : NULL;
		place.name = parent->name ? arena_printf(place.arena, "%s!%s", parent->name, name)
					  : name;
		visit_entry(w, a, entry, wrapper, &place);
	}
	arena_destroy(place.arena);
}

static void header_trouble(struct walk *w, struct archive *a, const struct wrapper *wrapper,
			   const struct place *place)
{
	struct error *err;

	/* libarchive 3.6.2 answers the second question from behind the end of its list of formats
	 * (and crashes) if the first one is 0: no format was recognised. */
	if (archive_format(a) != 0 && archive_read_has_encrypted_entries(a) == 1)
		err = error_create(ERROR_UNSUPPORTED,
				   "an encrypted %s archive: unpack it with its password first",
				   wrapper->name);
	else
		err = error_create(ERROR_BAD_DATA, "the %s archive is damaged: %s", wrapper->name,
				   reason(a, place->arena));
	add_trouble(w, place, err);
}

static void visit_members(struct walk *w, struct archive *a, const struct wrapper *wrapper,
			  const struct place *place)
{
	struct archive_entry *entry;
	unsigned failures = 0;

	while (!w->budget.stop) {
		int rc = archive_read_next_header(a, &entry);

		if (w->budget.stop || rc == ARCHIVE_EOF)
			return;
		if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN) {
			failures = 0;
			visit_member(w, a, entry, wrapper, place);
		} else if (rc == ARCHIVE_FATAL || ++failures == HEADER_FAILURES) {
			header_trouble(w, a, wrapper, place);
			return;
		}
	}
}

static void visit_archive(struct walk *w, struct source *s, const struct wrapper *wrapper,
			  const struct place *place)
{
	struct archive *a;

	if (wrapper->seeks && s->kind != SOURCE_FILE && !source_fill(s, LIMIT_EVIDENCE))
		return;
	if (wrapper->must_seek && !source_seekable(s)) {
		add_trouble(w, place,
			    error_create(ERROR_LIMIT,
					 "a %s archive of more than %llu MiB that is no plain "
					 "file (LIMIT_EVIDENCE): unpack it first",
					 wrapper->name,
					 (unsigned long long)(LIMIT_EVIDENCE >> 20)));
		return;
	}
	a = open_reader(w, wrapper);
	if (!a)
		return;
	if (source_archive(s, a) == ARCHIVE_OK)
		visit_members(w, a, wrapper, place);
	else if (!w->budget.stop)
		header_trouble(w, a, wrapper, place);
	/* The members behind the damage are lost, which nobody else would notice. */
	if (s->cut[0] && !w->budget.stop)
		add_trouble(w, place, error_create(ERROR_TRUNCATED, "%s", s->cut));
	archive_read_free(a);
}

/* ---- all of it ---- */

static void visit_source(struct walk *w, struct source *s, const struct place *place)
{
	const struct wrapper *wrapper;
	unsigned depth = w->depth;

	if (!source_fill(s, HEAD))
		return;
	if (s->have == 0 && s->cut[0]) {
		add_trouble(w, place, error_create(ERROR_TRUNCATED, "%s", s->cut));
		return;
	}
	wrapper = recognise(s->data, s->have);
	if (!wrapper) {
		visit_evidence(w, s, place);
		return;
	}
	if (!add_layer(w, wrapper, place))
		return;
	if (wrapper->compression)
		visit_compressed(w, s, wrapper, place);
	else
		visit_archive(w, s, wrapper, place);
	remove_layers(w, depth);
}

/* Nothing was visited, and nothing is known to be wrong. */
static struct error *nothing_found(const struct walk *w, const char *member)
{
	const char *plural = w->looked_at == 1 ? "" : "s";

	if (member && w->looked_at == 0)
		return error_create(ERROR_NOT_EVIDENCE,
				    "not an archive with a member of that name");
	if (member)
		return error_create(ERROR_NOT_EVIDENCE, "no such member among %u", w->looked_at);
	return error_create(ERROR_NOT_EVIDENCE, "an archive without a dump: %u member%s looked at",
			    w->looked_at, plural);
}

/* What to tell at the end of the walk; takes the errors kept in it. */
static struct error *conclude(struct walk *w, const char *member)
{
	struct error *err = w->budget.stop;

	if (!err && w->troubles > 1)
		err = error_create(w->trouble->kind, "%s (and %u more like it)",
				   w->trouble->message, w->troubles - 1);
	else if (!err && w->troubles == 1)
		err = w->trouble;
	else if (!err && w->visited == 0)
		err = nothing_found(w, member);
	if (err != w->trouble)
		error_destroy(w->trouble);
	return err;
}

struct error *container_visit(int fd, const char *member, unsigned skip, evidence_visitor visit,
			      void *context)
{
	struct walk w = {.skip = skip, .visit = visit, .context = context, .fd = fd};
	struct place place = {.arena = arena_create(1 << 20), .wanted = member, .asked_for = true};
	struct source s;

	if (!place.arena)
		return error_create(ERROR_NOMEM, "not enough memory to unpack");
	source_open_fd(&s, &w.budget, fd);
	visit_source(&w, &s, &place);
	source_close(&s);
	arena_destroy(place.arena);
	return conclude(&w, member);
}
