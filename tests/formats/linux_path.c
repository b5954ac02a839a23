/* Files by their path, in a tree of directory entries made for the purpose. */
#include "linux_kernel.h"
#include "linux_writer.h"

#include <bpf/btf.h>
#include <criterion/criterion.h>
#include <string.h>

/* struct dentry of 256 bytes each, then the others. Offsets are made up: the reader has them from
 * the type information alone. */
enum { DENTRY = 256, INODES = 16384, MOUNTS = 24576, FS = 28672, TASK = 29696 };
enum { D_PARENT = 8, D_NAME = 16, D_INODE = 24, D_DOWN = 40, D_LINK = 72, D_TEXT = 128 };
enum { I_NUMBER = 8, I_SIZE = 16, I_MODE = 24, I_TIME = 32, INODE = 64 };
enum { M_PARENT = 0, M_POINT = 8, M_INNER = 16, M_DOWN = 48, M_LINK = 64, MOUNT = 128 };
enum { V_ROOT = 8 };
enum { FS_ROOT = 24, TASK_FS = 32 };
#define AT(offset) (IMAGE_BASE + (uint64_t)(offset))

static struct arena *arena;
static struct image image;
static struct vmcore v;
static bool ends_in_null; /* 6.8 and later */

/* How the kernel says where its fields are. */
static struct types *make_types(void)
{
	struct btf *btf = btf__new_empty();
	struct types *types;
	uint32_t size;

	int word = btf__add_int(btf, "unsigned long", 8, 0);
	btf__add_struct(btf, "dentry", DENTRY);
	btf__add_field(btf, ends_in_null ? "d_children" : "d_subdirs", word, D_DOWN * 8, 0);
	btf__add_field(btf, ends_in_null ? "d_sib" : "d_child", word, D_LINK * 8, 0);
	btf__add_struct(btf, "mount", MOUNT);
	btf__add_field(btf, "mnt_mounts", word, M_DOWN * 8, 0);
	btf__add_field(btf, "mnt_child", word, M_LINK * 8, 0);
	int path = btf__add_struct(btf, "path", 16);
	btf__add_field(btf, "mnt", word, 0, 0);
	btf__add_field(btf, "dentry", word, 8 * 8, 0);
	btf__add_struct(btf, "fs_struct", 64);
	btf__add_field(btf, "root", path, FS_ROOT * 8, 0);
	btf__add_struct(btf, "task_struct", 64);
	btf__add_field(btf, "fs", word, TASK_FS * 8, 0);
	const void *data = btf__raw_data(btf, &size);
	cr_assert_null(btf_types(data, size, &types));
	btf__free(btf);
	return types;
}

/* Entry @p n, a child of @p parent, of inode @p inode (0: a name that is known not to exist). */
static void dentry(unsigned n, unsigned parent, const char *name, unsigned inode)
{
	size_t at = (size_t)n * DENTRY, up = (size_t)parent * DENTRY;
	uint64_t link = AT(at + D_LINK), first;

	put64(&image, at + D_PARENT, AT(up));
	put64(&image, at + D_NAME, AT(at + D_TEXT));
	put64(&image, at + D_INODE, inode ? AT(INODES + inode * INODE) : 0);
	put64(&image, at + D_DOWN, ends_in_null ? 0 : AT(at + D_DOWN));
	strcpy((char *)image.bytes + at + D_TEXT, name);
	if (inode) {
		put64(&image, INODES + inode * INODE + I_NUMBER, 1000 + inode);
		put64(&image, INODES + inode * INODE + I_SIZE, 500 + inode);
		put32(&image, INODES + inode * INODE + I_MODE, 0100644);
	}
	if (n == parent)
		return;
	memcpy(&first, image.bytes + up + D_DOWN, sizeof(first));
	put64(&image, at + D_LINK, first); /* new ones come first */
	put64(&image, up + D_DOWN, link);
}

/* Mount @p n, whose root is @p root, on @p point of mount @p parent. */
static void mount(unsigned n, unsigned parent, unsigned point, unsigned root)
{
	size_t at = MOUNTS + (size_t)n * MOUNT, up = MOUNTS + (size_t)parent * MOUNT;
	uint64_t first;

	put64(&image, at + M_PARENT, AT(up));
	put64(&image, at + M_POINT, AT(point * DENTRY));
	put64(&image, at + M_INNER + V_ROOT, AT(root * DENTRY));
	put64(&image, at + M_DOWN, AT(at + M_DOWN));
	if (n == parent)
		return;
	memcpy(&first, image.bytes + up + M_DOWN, sizeof(first));
	put64(&image, at + M_LINK, first);
	put64(&image, up + M_DOWN, AT(at + M_LINK));
}

/* / has opt and etc; on /opt another file system is mounted, with acme/channel.sys and others. */
static void write_tree(void)
{
	memset(&image, 0, sizeof(image));
	dentry(0, 0, "/", 1);
	dentry(1, 0, "opt", 2);
	dentry(2, 0, "etc", 3);
	dentry(3, 1, "acme", 4); /* hidden by what is mounted on it */
	dentry(4, 3, "hidden", 5);
	dentry(10, 10, "/", 6);
	dentry(11, 10, "acme", 7);
	dentry(12, 10, "acme2", 8);
	dentry(13, 11, "channel.sys", 9);
	dentry(14, 11, "deleted.sys", 0);
	dentry(15, 12, "other.sys", 10);
	mount(0, 0, 0, 0);
	mount(1, 0, 1, 10);
	mount(2, 0, 2, 2); /* on itself, as bind mounts can be */
	put64(&image, FS + FS_ROOT, AT(MOUNTS + M_INNER));
	put64(&image, FS + FS_ROOT + 8, AT(0));
	put64(&image, TASK + TASK_FS, AT(FS));
}

static void setup(void)
{
	arena = arena_create(16 << 20);
	write_tree();
	v = (struct vmcore){.arena = arena, .dump = dump_create(arena), .crash_task = AT(TASK)};
	space_add(v.dump->space, IMAGE_BASE, IMAGE_BYTES, image.bytes, 0, PIECE_DATA);
	cr_assert(space_seal(v.dump->space));
	v.types = make_types();
	v.layout = (struct layout){.dentry_parent = D_PARENT,
				   .dentry_name = D_NAME,
				   .dentry_inode = D_INODE,
				   .mount_inner = M_INNER,
				   .mount_parent = M_PARENT,
				   .mount_point = M_POINT,
				   .vfsmount_root = V_ROOT,
				   .inode_number = I_NUMBER,
				   .inode_size = I_SIZE,
				   .inode_mode = I_MODE,
				   .inode_mtime = I_TIME,
				   .inode_mtime_ns = I_TIME,
				   .inode_ctime = I_TIME,
				   .inode_ctime_ns = I_TIME,
				   .files_known = true};
}

static void teardown(void)
{
	types_destroy(v.types);
	arena_destroy(arena);
}

TestSuite(linux_path, .init = setup, .fini = teardown);

/* Number of the inode at @p path, 0 if there is none. */
static uint64_t inode_of(const char *path)
{
	struct open_file file;

	return vm_file_by_path(&v, path, &file) ? file.inode : 0;
}

static void all_are_found(void)
{
	struct open_file file;

	cr_assert(vm_file_by_path(&v, "/opt/acme/channel.sys", &file));
	cr_assert(file.address == AT(13 * DENTRY) && file.inode == 1009 && file.size == 509);
	cr_assert(file.regular && file.descriptor == -1);
	cr_assert_str_eq(file.path, "/opt/acme/channel.sys");
	cr_assert_eq(inode_of("/opt/acme2/other.sys"), 1010);
	cr_assert_eq(inode_of("//opt///acme2/other.sys/"), 1010);
	cr_assert_eq(inode_of("/opt"), 1006, "what is mounted, not what is below");
	cr_assert_eq(inode_of("/"), 1001);
}

Test(linux_path, lists_with_a_head)
{
	all_are_found();
}

Test(linux_path, lists_that_end_in_null)
{
	teardown();
	ends_in_null = true;
	setup();
	all_are_found();
}

Test(linux_path, names_that_are_not_there)
{
	static const char *const paths[] = {
		"/opt/acme/channel",       /* the beginning of a name */
		"/opt/acme/channel.sys2",  /* more than a name */
		"/opt/acme/deleted.sys",   /* known not to exist */
		"/opt/acme/hidden",        /* below what is mounted there */
		"/opt/acme/channel.sys/x", /* below a file */
		"/nothing",
		"opt/acme/channel.sys", /* from nowhere */
		"",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		cr_expect_eq(inode_of(paths[i]), 0, "%s", paths[i]);
}

Test(linux_path, without_a_root_nothing_is_found)
{
	v.crash_task = 0;
	cr_assert_eq(inode_of("/opt"), 0);
	v.crash_task = AT(TASK);
	put64(&image, FS + FS_ROOT + 8, 0);
	cr_assert_eq(inode_of("/opt"), 0);
	write_tree();
	put64(&image, TASK + TASK_FS, AT(IMAGE_BYTES)); /* not in the dump */
	cr_assert_eq(inode_of("/opt"), 0);
	write_tree();
	v.layout.files_known = false;
	cr_assert_eq(inode_of("/opt"), 0);
}

Test(linux_path, pages_that_are_not_in_the_dump)
{
	put64(&image, 11 * DENTRY + D_NAME, AT(IMAGE_BYTES));
	cr_assert_eq(inode_of("/opt/acme/channel.sys"), 0, "its name");
	cr_assert_eq(inode_of("/opt/acme2/other.sys"), 1010, "the one before it in the list");
	write_tree();
	put64(&image, 12 * DENTRY + D_LINK, AT(IMAGE_BYTES + 64));
	cr_assert_eq(inode_of("/opt/acme/channel.sys"), 0, "the list breaks off before it");
	write_tree();
	put64(&image, 13 * DENTRY + D_INODE, AT(IMAGE_BYTES));
	cr_assert_eq(inode_of("/opt/acme/channel.sys"), 0, "its inode");
}

Test(linux_path, lists_that_never_end, .timeout = 20)
{
	/* two entries that follow each other, neither of them the head */
	put64(&image, 11 * DENTRY + D_LINK, AT(12 * DENTRY + D_LINK));
	put64(&image, 12 * DENTRY + D_LINK, AT(11 * DENTRY + D_LINK));
	cr_assert_eq(inode_of("/opt/nothing"), 0);
	/* mounts too */
	write_tree();
	put64(&image, MOUNTS + MOUNT + M_LINK, AT(MOUNTS + MOUNT + M_LINK));
	put64(&image, MOUNTS + M_DOWN, AT(MOUNTS + MOUNT + M_LINK));
	cr_assert_eq(inode_of("/etc"), 1003);
	write_tree();
	/* mounted on its own root, again and again */
	mount(3, 1, 10, 10);
	put64(&image, MOUNTS + 3 * MOUNT + M_DOWN, AT(MOUNTS + 3 * MOUNT + M_LINK));
	cr_assert_eq(inode_of("/opt/acme2/other.sys"), 1010);
}
