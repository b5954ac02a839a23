/* A file by its path, through the directory entries that the kernel had cached: for files whose
 * struct file is not in the dump. Symbolic links are not followed. fs/namei.c, fs/namespace.c */
#include "linux_kernel.h"

#include "text.h"

#include <string.h>

enum { NAME_BYTES = 256, VISITED_MAX = 65536, MOUNTS_MAX = 4096, STACKED_MAX = 16 };

struct walk {
	const struct vmcore *v;
	uint64_t dentry, mount;
	unsigned visited;
};

static bool is_named(const struct walk *w, uint64_t dentry, const char *name, size_t length)
{
	char got[NAME_BYTES];
	size_t have =
		space_read_some(w->v->dump->space, vm_field(w->v, dentry, w->v->layout.dentry_name),
				got, sizeof(got));

	return have > length && memcmp(got, name, length) == 0 && got[length] == '\0';
}

/* Where a directory's first entry is linked, and where entries are linked to each other: a list
 * with a head until 6.7, then one that ends in NULL. */
static bool step_down(struct walk *w, const char *name, size_t length)
{
	const struct vmcore *v = w->v;
	int64_t head = vm_offset_either(v, "dentry", "d_children", "d_subdirs");
	int64_t link = vm_offset_either(v, "dentry", "d_sib", "d_child");

	if (head < 0 || link < 0)
		return false;
	uint64_t end = w->dentry + (uint64_t)head;
	for (uint64_t node = vm_u64(v, end); node != end && vm_is_pointer(node);
	     node = vm_u64(v, node)) {
		uint64_t dentry = node - (uint64_t)link;
		if (++w->visited > VISITED_MAX)
			return false;
		if (is_named(w, dentry, name, length) &&
		    vm_is_pointer(vm_field(v, dentry, v->layout.dentry_inode))) {
			w->dentry = dentry;
			return true;
		}
	}
	return false;
}

/* Onto what is mounted here, if anything is. */
static bool cross_one(struct walk *w)
{
	const struct vmcore *v = w->v;
	const struct layout *l = &v->layout;
	int64_t head = vm_offset(v, "mount", "mnt_mounts"),
		link = vm_offset(v, "mount", "mnt_child");
	unsigned count = 0;

	if (head < 0 || link < 0)
		return false;
	uint64_t end = w->mount + (uint64_t)head;
	for (uint64_t node = vm_u64(v, end); node != end && vm_is_pointer(node);
	     node = vm_u64(v, node)) {
		uint64_t mount = node - (uint64_t)link;
		if (++count > MOUNTS_MAX)
			return false;
		if (vm_field(v, mount, l->mount_point) == w->dentry) {
			w->mount = mount;
			w->dentry = vm_field(v, mount + (uint64_t)l->mount_inner, l->vfsmount_root);
			return true;
		}
	}
	return false;
}

static bool start_at_root(struct walk *w)
{
	const struct vmcore *v = w->v;
	uint64_t fs = vm_field(v, v->crash_task, vm_offset(v, "task_struct", "fs"));

	if (!v->crash_task || !vm_is_pointer(fs))
		return false;
	w->dentry = vm_field(v, fs, vm_offset(v, "fs_struct", "root.dentry"));
	w->mount = vm_field(v, fs, vm_offset(v, "fs_struct", "root.mnt")) -
		   (uint64_t)v->layout.mount_inner;
	return vm_is_pointer(w->dentry) && vm_is_pointer(w->mount);
}

bool vm_file_by_path(const struct vmcore *v, const char *path, struct open_file *ret)
{
	struct walk w = {.v = v};

	if (!v->layout.files_known || path[0] != '/' || !start_at_root(&w))
		return false;
	for (const char *name = path; *name != '\0';) {
		name += strspn(name, "/");
		size_t length = strcspn(name, "/");
		if (length == 0)
			break;
		if (!step_down(&w, name, length))
			return false;
		for (unsigned i = 0; i < STACKED_MAX && cross_one(&w); i++)
			;
		name += length;
	}
	*ret = (struct open_file){.address = w.dentry, .path = path, .descriptor = -1};
	return vm_describe_inode(v, vm_field(v, w.dentry, v->layout.dentry_inode), ret);
}
