/* Which files of a debug directory a process that is not trusted can get. */
#include "debug_store.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static int directory;

/* A file whose content is its own path; folders as needed. */
static void put(const char *path)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s/%s", folder, path);
	for (char *slash = strchr(whole + strlen(folder) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(whole, 0700);
		*slash = '/';
	}
	int fd = open(whole, O_WRONLY | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(fd, 0, "%s", whole);
	cr_assert_eq(write(fd, path, strlen(path)), (ssize_t)strlen(path));
	close(fd);
}

static void set_up(void)
{
	strcpy(folder, "/tmp/culprit-debug-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	directory = open(folder, O_RDONLY | O_DIRECTORY);
	put("secret");
	put("boot/vmlinux-6.1.0-1-amd64");
	put("vmlinux");
	put(".build-id/ab/cdef01.debug");
	put("lib/modules/6.1.0-1-amd64/kernel/fs/acme-edr.ko");
	put("lib/modules/6.1.0-1-amd64/updates/dkms/acme_edr.ko.debug");
	put("lib/modules/6.1.0-1-amd64/kernel/fs/acme.ko");
	put("lib/modules/6.1.0-2-amd64/kernel/fs/acme_edr.ko");
	put("other.ko");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void tear_down(void)
{
	close(directory);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(debug_store, .init = set_up, .fini = tear_down);

/* The path of what is handed out, "" for nothing. */
static const char *found(enum debug_kind kind, const char *release, const char *name, unsigned nth)
{
	static char path[256];
	struct debug_request r = {.kind = kind, .nth = nth};

	snprintf(r.release, sizeof(r.release), "%s", release);
	snprintf(r.name, sizeof(r.name), "%s", name);
	int fd = debug_store_find(directory, &r, sizeof(r));
	ssize_t n = fd < 0 ? 0 : read(fd, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return path;
}

Test(debug_store, finds_by_build_id)
{
	cr_assert_str_eq(found(DEBUG_BUILD_ID, "", "abcdef01", 0), ".build-id/ab/cdef01.debug");
	cr_assert_str_eq(found(DEBUG_BUILD_ID, "", "abcdef01", 1), "");
	cr_assert_str_eq(found(DEBUG_BUILD_ID, "", "abcdef02", 0), "");
}

Test(debug_store, finds_the_kernel)
{
	cr_assert_str_eq(found(DEBUG_KERNEL, "6.1.0-1-amd64", "", 0), "boot/vmlinux-6.1.0-1-amd64");
	cr_assert_str_eq(found(DEBUG_KERNEL, "6.1.0-1-amd64", "", 1), "vmlinux");
	cr_assert_str_eq(found(DEBUG_KERNEL, "6.1.0-1-amd64", "", 2), "");
	cr_assert_str_eq(found(DEBUG_KERNEL, "6.1.0-9-amd64", "", 0), "vmlinux");
}

Test(debug_store, finds_modules_of_the_release_only)
{
	const char *first = strdup(found(DEBUG_MODULE, "6.1.0-1-amd64", "acme_edr", 0));
	const char *second = found(DEBUG_MODULE, "6.1.0-1-amd64", "acme_edr", 1);

	cr_assert_str_neq(first, second);
	cr_assert(strstr(first, "acme-edr.ko") || strstr(first, "acme_edr.ko.debug"), "%s", first);
	cr_assert(strstr(second, "acme-edr.ko") || strstr(second, "acme_edr.ko.debug"));
	cr_assert(strstr(first, "6.1.0-1-amd64") && strstr(second, "6.1.0-1-amd64"));
	cr_assert_str_eq(found(DEBUG_MODULE, "6.1.0-1-amd64", "acme_edr", 2), "");
	cr_assert_str_eq(found(DEBUG_MODULE, "6.1.0-9-amd64", "other", 0), "other.ko");
	cr_assert_str_eq(found(DEBUG_MODULE, "6.1.0-9-amd64", "acme", 0), "");
	free((char *)first);
}

Test(debug_store, hands_out_nothing_else)
{
	static const char *const names[] = {"../secret", "/etc/passwd", "..", ".",
					    "secret",    "a/b",         "",   "*"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_assert_str_eq(found(DEBUG_BUILD_ID, "6.1.0-1-amd64", names[i], 0), "");
		cr_assert_str_eq(found(DEBUG_MODULE, "6.1.0-1-amd64", names[i], 0), "");
		cr_assert_str_eq(found(DEBUG_MODULE, names[i], "acme", 0), "");
	}
	cr_assert_str_eq(found(DEBUG_KERNEL, "../secret", "", 0), "");
	cr_assert_str_eq(found(0, "6.1.0-1-amd64", "acme", 0), "");
	cr_assert_str_eq(found(4, "6.1.0-1-amd64", "acme", 0), "");
}

Test(debug_store, wants_the_whole_question)
{
	struct debug_request r = {.kind = DEBUG_MODULE};

	cr_assert_eq(debug_store_find(directory, &r, sizeof(r) - 1), -1);
	memset(&r, 'a', sizeof(r)); /* no end to any text */
	for (uint32_t kind = 1; kind < 4; kind++) {
		r.kind = kind;
		r.nth = 0;
		cr_assert_eq(debug_store_find(directory, &r, sizeof(r)), -1);
	}
}

/* What is no plain file could hang the one who opens it, or be a device. */
Test(debug_store, hands_out_plain_files_only)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/fifo.ko", folder);
	cr_assert_eq(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/null.ko", folder);
	cr_assert_eq(symlink("/dev/null", path), 0);
	snprintf(path, sizeof(path), "%s/folder.ko", folder);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_str_eq(found(DEBUG_MODULE, "6.1.0-1-amd64", "fifo", 0), "");
	cr_assert_str_eq(found(DEBUG_MODULE, "6.1.0-1-amd64", "null", 0), "");
	cr_assert_str_eq(found(DEBUG_MODULE, "6.1.0-1-amd64", "folder", 0), "");
}
