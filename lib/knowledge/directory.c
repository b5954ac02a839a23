/* Reads a directory of rules. Only regular files with the names of rules are opened, never through
 * a symbolic link; everything else in it is described. */
#include "ceilings.h"
#include "internal.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 20000, ENTRIES_SEEN_MAX = 100000 };

struct reader {
	struct knowledge *k;
	struct checker *c;
	struct list files; /* struct rule_file */
	uint64_t bytes;
	size_t seen;
};

/* At most @p size bytes; a file that shrank is shorter. -1 with errno. */
static ssize_t read_all(int fd, char *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(fd, to + done, size - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static void read_open_file(struct reader *r, int fd, const char *name, size_t most)
{
	struct stat st;

	if (fstat(fd, &st)) {
		check_problem(r->c, 0, "cannot be read: %s", strerror(errno));
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		check_problem(r->c, 0, "is not a regular file");
		return;
	}
	if (st.st_size < 0 || (uint64_t)st.st_size > most) {
		check_problem(r->c, 0, "has %lld bytes, more than the %zu of such a rule file",
			      (long long)st.st_size, most);
		return;
	}
	if (r->bytes + (uint64_t)st.st_size > LIMIT_RULES) {
		check_problem(r->c, 0, "the directory has more than %llu bytes (LIMIT_RULES)",
			      (unsigned long long)LIMIT_RULES);
		return;
	}
	char *data = arena_alloc(r->k->arena, (size_t)st.st_size + 1, 1);
	ssize_t size = data ? read_all(fd, data, (size_t)st.st_size) : 0;
	if (!data || size < 0) {
		check_problem(r->c, 0, "cannot be read: %s", data ? strerror(errno) : "no memory");
		return;
	}
	data[size] = '\0';
	r->bytes += (uint64_t)size;
	struct rule_file *file = list_add(&r->files);
	*file = (struct rule_file){arena_strdup(r->k->arena, name), data, (size_t)size};
	if (r->files.overflowed)
		check_problem(r->c, 0, "the directory has more than %d files", FILES_MAX);
}

static void read_file(struct reader *r, int directory, const char *entry, const char *name)
{
	enum rule_kind kind = rule_kind(name);

	if (!strcmp(name, "SOURCES.md"))
		return; /* for people */
	check_begin(r->c, name);
	if (kind == RULE_UNKNOWN) {
		check_problem(r->c, 0, "is not the name of a rule file");
		return;
	}
	/* O_NONBLOCK: a FIFO of that name must not make us wait. */
	int fd = openat(directory, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		check_problem(r->c, 0, "cannot be read: %s",
			      errno == ELOOP ? "it is a symbolic link" : strerror(errno));
		return;
	}
	read_open_file(r, fd, name, rule_size_max(kind));
	close(fd);
}

static struct error *read_folder(struct reader *r, int fd, const char *prefix);

/* A folder of documents. */
static struct error *read_subfolder(struct reader *r, int parent, const char *entry,
				    const char *prefix)
{
	int fd = openat(parent, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return read_folder(r, fd, prefix);
	check_begin(r->c, entry);
	check_problem(r->c, 0, "cannot be read: %s",
		      errno == ELOOP || errno == ENOTDIR ? "it is not a directory"
							 : strerror(errno));
	return NULL;
}

static bool is_folder(const char *entry)
{
	return !strcmp(entry, "bugchecks") || !strcmp(entry, "incidents") ||
	       !strcmp(entry, "fixes") || !strcmp(entry, "content");
}

/* Reads what the open directory @p fd (closed here) holds; names begin with @p prefix. */
static struct error *read_folder(struct reader *r, int fd, const char *prefix)
{
	DIR *dir = fdopendir(fd);
	struct error *err = NULL;

	if (!dir) {
		err = error_create(ERROR_IO, "cannot be read: %s", strerror(errno));
		close(fd);
		return err;
	}
	for (struct dirent *entry; !err && (entry = readdir(dir));) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (++r->seen > ENTRIES_SEEN_MAX) {
			err = error_create(ERROR_LIMIT, "holds more than %d entries",
					   ENTRIES_SEEN_MAX);
			break;
		}
		const char *name = arena_printf(r->k->arena, "%s%s", prefix, entry->d_name);
		if (!*prefix && is_folder(entry->d_name))
			err = read_subfolder(r, dirfd(dir), entry->d_name,
					     arena_printf(r->k->arena, "%s/", entry->d_name));
		else
			read_file(r, dirfd(dir), entry->d_name, name);
	}
	closedir(dir);
	return err;
}

static void report_missing(struct reader *r)
{
	for (const char *const *table = rule_tables; *table; table++) {
		bool found = false;
		LIST_EACH(struct rule_file, file, &r->files)
			found = found || !strcmp(file->name, *table);
		bool described = false;
		LIST_EACH(struct rule_problem, problem, r->c->problems)
			described = described || !strcmp(problem->file, *table);
		if (found || described)
			continue;
		check_begin(r->c, *table);
		check_problem(r->c, 0, "is missing: nothing is known that it would say");
	}
}

struct error *directory_read(struct knowledge *k, struct checker *c, const char *directory)
{
	struct reader r = {.k = k, .c = c};
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_create(ERROR_IO, "the rules directory cannot be read: %s",
				    strerror(errno));
	list_init(&r.files, k->arena, sizeof(struct rule_file), FILES_MAX);
	struct error *err = read_folder(&r, fd, "");
	if (err)
		return error_prepend(err, "the rules directory");
	if (!r.files.count)
		return error_create(ERROR_RULES, "the directory holds no rules");
	if (arena_failed(k->arena))
		return error_create(ERROR_LIMIT, "the rules need more memory than they may");
	k->files = r.files.items;
	k->file_count = r.files.count;
	rule_files_sort(k->files, k->file_count);
	report_missing(&r);
	return NULL;
}
