/* The child that reads the evidence asks for files by what it knows: a build ID, a release, the
 * name of a module. Handing it a descriptor for each question was chosen over passing all files of
 * the directory, because /usr/lib/debug holds thousands and which release is wanted stands in the
 * evidence; and over a descriptor of the directory, because seccomp cannot keep openat() below it.
 * What comes back is at worst another file of that directory with a name that debug files have. */
#include "debug_store.h"

#include "ceilings.h"
#include "command.h"
#include "message.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ENTRIES_MAX = 100000, /* looked at for one module; a release has five thousand */
	DEPTH_MAX = 12,
	PATH_MAX_BYTES = 512,
};

static bool open_vmlinux(const char *path, int *ret)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		complain("--vmlinux %s: it could not be opened: %m", path);
		return false;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		complain("--vmlinux %s: it is not a file", path);
		close(fd);
		return false;
	}
	*ret = fd;
	return true;
}

bool debug_store_open(const struct options *options, struct debug_store *ret)
{
	*ret = (struct debug_store){-1, -1};
	if (options->vmlinux && !open_vmlinux(options->vmlinux, &ret->vmlinux))
		return false;
	if (!options->debug_dir)
		return true;
	ret->directory = open(options->debug_dir, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (ret->directory >= 0)
		return true;
	complain("--debug-dir %s: it could not be opened: %m", options->debug_dir);
	debug_store_close(ret);
	return false;
}

void debug_store_close(struct debug_store *store)
{
	if (store->vmlinux >= 0)
		close(store->vmlinux);
	if (store->directory >= 0)
		close(store->directory);
	*store = (struct debug_store){-1, -1};
}

/* ---- questions ---- */

/* Text of a fixed field: one part of a path, and no name that could lead elsewhere. */
static bool is_plain(const char *field, size_t size, const char *allowed)
{
	size_t length = strnlen(field, size);

	return length > 0 && length < size && field[0] != '.' && strspn(field, allowed) == length;
}

#define HEX     "0123456789abcdef"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* The regular file of that name, or -1. */
static int open_file(int directory, const char *path)
{
	struct stat st;
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Counts @p fd as one more; it is the wanted one when *nth others came before it. */
static bool is_wanted(int fd, uint32_t *nth)
{
	if (fd < 0)
		return false;
	if ((*nth)-- == 0)
		return true;
	close(fd);
	return false;
}

/* The @p nth of the files of @p patterns (NULL-terminated) for @p text, below the directory itself
 * or the root of an unpacked package. */
static int find_path(int directory, const char *const *patterns, const char *text, uint32_t *nth)
{
	static const char *const roots[] = {"", "usr/lib/debug/"};
	char path[PATH_MAX_BYTES];

	for (size_t r = 0; r < sizeof(roots) / sizeof(roots[0]); r++) {
		for (const char *const *pattern = patterns; *pattern; pattern++) {
			const char *mark = strchr(*pattern, '*');
			int length = mark ? (int)(mark - *pattern) : (int)strlen(*pattern);
			snprintf(path, sizeof(path), "%s%.*s%s%s", roots[r], length, *pattern,
				 mark ? text : "", mark ? mark + 1 : "");
			int fd = open_file(directory, path);
			if (is_wanted(fd, nth))
				return fd;
		}
	}
	return -1;
}

/* Debian, Fedora, SUSE; and a file put there by hand. */
static int find_kernel(int directory, const char *release, uint32_t nth)
{
	static const char *const patterns[] = {"boot/vmlinux-*",
					       "lib/modules/*/vmlinux",
					       "boot/vmlinux-*.debug",
					       "vmlinux-*",
					       "vmlinux",
					       "vmlinux.debug",
					       NULL};

	return find_path(directory, patterns, release, &nth);
}

static int find_build_id(int directory, const char *id, uint32_t nth)
{
	static const char *const patterns[] = {".build-id/*.debug", NULL};
	char split[PATH_MAX_BYTES];

	snprintf(split, sizeof(split), "%.2s/%s", id, id + 2);
	return find_path(directory, patterns, split, &nth);
}

/* Modules have an underscore in their names where their files may have a hyphen. */
static bool is_same_name(const char *file, const char *module)
{
	size_t i = 0;

	for (; module[i]; i++)
		if ((file[i] == '-' ? '_' : file[i]) != (module[i] == '-' ? '_' : module[i]))
			return false;
	return strcmp(file + i, ".ko") == 0 || strcmp(file + i, ".ko.debug") == 0;
}

struct walk {
	const char *module;
	uint32_t nth;
	unsigned seen;
};

/* Looks below @p path, which is in @p parent; -1 if it is not there. @p depth 0: there only. */
static int find_below(struct walk *walk, int parent, const char *path, unsigned depth)
{
	int fd = openat(parent, path, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NONBLOCK), found = -1;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!folder && fd >= 0)
		close(fd);
	while (folder && found < 0 && (entry = readdir(folder)) && walk->seen++ < ENTRIES_MAX) {
		if (is_same_name(entry->d_name, walk->module)) {
			int file = open_file(dirfd(folder), entry->d_name);
			found = is_wanted(file, &walk->nth) ? file : -1;
		} else if (entry->d_type == DT_DIR && depth > 0 && entry->d_name[0] != '.') {
			found = find_below(walk, dirfd(folder), entry->d_name, depth - 1);
		}
	}
	if (folder)
		closedir(folder);
	return found;
}

static int find_module(int directory, const char *release, const char *module, uint32_t nth)
{
	static const char *const places[] = {"lib/modules", "usr/lib/debug/lib/modules",
					     "usr/lib/modules", "usr/lib/debug/usr/lib/modules"};
	struct walk walk = {module, nth, 0};
	char path[PATH_MAX_BYTES];
	int fd = find_below(&walk, directory, ".", 0);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && fd < 0; i++) {
		snprintf(path, sizeof(path), "%s/%s", places[i], release);
		fd = find_below(&walk, directory, path, DEPTH_MAX);
	}
	return fd;
}

int debug_store_find(int directory, const void *bytes, size_t size)
{
	struct debug_request r;

	if (size != sizeof(r))
		return -1;
	memcpy(&r, bytes, sizeof(r));
	bool has_release = is_plain(r.release, sizeof(r.release), LETTERS ".+~");
	if (r.kind == DEBUG_BUILD_ID && is_plain(r.name, sizeof(r.name), HEX) && strlen(r.name) > 2)
		return find_build_id(directory, r.name, r.nth);
	if (r.kind == DEBUG_KERNEL && has_release)
		return find_kernel(directory, r.release, r.nth);
	if (r.kind == DEBUG_MODULE && has_release && is_plain(r.name, sizeof(r.name), LETTERS))
		return find_module(directory, r.release, r.name, r.nth);
	return -1;
}

/* ---- for the child ---- */

static int supply(void *context, const void *request, size_t size)
{
	const struct debug_store *store = context;

	return debug_store_find(store->directory, request, size);
}

static int ask_parent(const struct debug_request *request)
{
	return sandbox_ask(request, sizeof(*request));
}

const struct debug_files *debug_store_grant(const struct debug_store *store,
					    struct sandbox_limits *limits,
					    struct debug_files *files)
{
	if (store->vmlinux < 0 && store->directory < 0)
		return NULL;
	limits->memory = LIMIT_MEMORY + LIMIT_DEBUG;
	if (store->directory >= 0) {
		limits->supply = supply;
		limits->supply_context = (void *)store;
	}
	*files = (struct debug_files){store->vmlinux, store->directory >= 0 ? ask_parent : NULL};
	return files;
}
