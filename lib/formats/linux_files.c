/* Open files: what a struct file says of itself, by the kernel's own layouts. */
#include "linux_kernel.h"

#include "ceilings.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum {
	COMPONENTS = 64,
	COMPONENT_BYTES = 256,
	PATH_BYTES = 4096,
	S_IFMT = 0170000,
	S_IFREG = 0100000,
	MODE_EXECUTE = 0111,
	FD_MAX = 1024,
	XA_DEPTH = 12,
	FOLIO_PAGES = 512
};

/* Whether the three pointers of a struct file agree with each other. linux-vmcores.md, "Paths" */
static bool looks_like_file(const struct vmcore *v, uint64_t address)
{
	const struct layout *l = &v->layout;

	if (address % 8 || !vm_is_pointer(address))
		return false;
	uint64_t inode = vm_field(v, address, l->file_inode);
	if (inode % 8 || !vm_is_pointer(inode))
		return false;
	uint64_t dentry = vm_field(v, address, l->file_dentry);
	return dentry % 8 == 0 && vm_is_pointer(dentry) &&
	       vm_field(v, dentry, l->dentry_inode) == inode &&
	       vm_is_pointer(vm_field(v, address, l->file_operations));
}

static bool prepend(char *buffer, size_t *at, const char *name, size_t length)
{
	if (length + 1 > *at)
		return false;
	*at -= length;
	memcpy(buffer + *at, name, length);
	buffer[--*at] = '/';
	return true;
}

/* From the dentry to the root of its mount, then on from where that is mounted; 0: not known. */
static char *path_of(const struct vmcore *v, struct arena *arena, uint64_t dentry, uint64_t mount)
{
	const struct layout *l = &v->layout;
	char buffer[PATH_BYTES], name[COMPONENT_BYTES];
	size_t at = sizeof(buffer);

	for (unsigned i = 0; i < COMPONENTS && vm_is_pointer(dentry); i++) {
		uint64_t parent = vm_field(v, dentry, l->dentry_parent);
		uint64_t root =
			mount ? vm_field(v, mount + (uint64_t)l->mount_inner, l->vfsmount_root) : 0;
		if (dentry == root || dentry == parent) {
			uint64_t above = mount ? vm_field(v, mount, l->mount_parent) : 0;
			if (!above || above == mount)
				break;
			dentry = vm_field(v, mount, l->mount_point);
			mount = above;
			continue;
		}
		size_t have = space_read_some(v->dump->space, vm_field(v, dentry, l->dentry_name),
					      name, sizeof(name));
		/* A part whose page is not in the dump. */
		if (!prepend(buffer, &at, have ? name : "?", have ? strnlen(name, have) : 1))
			break;
		dentry = parent;
	}
	/* Sockets, pipes and the like have no place, but a name. */
	if (at == sizeof(buffer)) {
		size_t have = space_read_some(v->dump->space, vm_field(v, dentry, l->dentry_name),
					      name, sizeof(name));
		size_t length = strnlen(name, have);
		if (length && name[0] != '/')
			return arena_printf(arena, "anon:[%s]",
					    text_from_bytes(arena, name, length));
		buffer[--at] = '/';
	}
	return text_from_bytes(arena, buffer + at, sizeof(buffer) - at);
}

bool vm_describe_inode(const struct vmcore *v, uint64_t inode, struct open_file *ret)
{
	const struct layout *l = &v->layout;
	uint8_t probe;

	if (!vm_is_pointer(inode) || !vm_read(v, inode, &probe, sizeof(probe)))
		return false;
	ret->inode_address = inode;
	ret->inode = vm_field(v, inode, l->inode_number);
	ret->size = vm_field(v, inode, l->inode_size);
	ret->mtime = linux_filetime(vm_field(v, inode, l->inode_mtime),
				    vm_field32(v, inode, l->inode_mtime_ns));
	ret->ctime = linux_filetime(vm_field(v, inode, l->inode_ctime),
				    vm_field32(v, inode, l->inode_ctime_ns));
	uint32_t mode = vm_field32(v, inode, l->inode_mode);
	ret->regular = (mode & S_IFMT) == S_IFREG;
	ret->executable = ret->regular && (mode & MODE_EXECUTE);
	return true;
}

char *vm_inode_path(const struct vmcore *v, struct arena *arena, uint64_t inode)
{
	int64_t link = vm_offset(v, "dentry", "d_u.d_alias");
	uint64_t entry = vm_field(v, inode, vm_offset(v, "inode", "i_dentry.first"));
	uint64_t dentry = entry - (uint64_t)link;

	if (link < 0 || !vm_is_pointer(entry) ||
	    vm_field(v, dentry, v->layout.dentry_inode) != inode)
		return NULL;
	return path_of(v, arena, dentry, 0);
}

bool vm_open_file(const struct vmcore *v, struct arena *arena, uint64_t address,
		  struct open_file *ret)
{
	const struct layout *l = &v->layout;

	if (!l->files_known || !looks_like_file(v, address))
		return false;
	uint64_t mount = vm_field(v, address, l->file_mount) - (uint64_t)l->mount_inner;
	*ret = (struct open_file){
		.address = address,
		.path = path_of(v, arena, vm_field(v, address, l->file_dentry), mount),
		.descriptor = -1};
	vm_describe_inode(v, vm_field(v, address, l->file_inode), ret);
	return true;
}

void vm_task_files(struct vmcore *v, const struct task *task)
{
	const struct layout *l = &v->layout;
	uint64_t files = vm_field(v, task->address, l->task_files);
	uint64_t table = vm_field(v, files, l->files_fdt);
	uint32_t count = vm_field32(v, table, l->fdtable_max);
	uint64_t slots = vm_field(v, table, l->fdtable_fd);

	for (uint32_t i = 0; slots && i < count && i < FD_MAX; i++) {
		uint64_t file = vm_u64(v, slots + 8 * (uint64_t)i);
		struct open_file found;
		if (!file || !vm_open_file(v, v->arena, file, &found))
			continue;
		found.task = task->name;
		found.pid = task->pid;
		found.descriptor = (int)i;
		*(struct open_file *)list_add(&v->dump->open_files) = found;
	}
}

/* The page cache keeps a file's pages in an xarray: a tree of nodes of 64 slots whose leaves are
 * pages (folios). Value entries and internal markers have low bits set. lib/xarray.c */
static uint64_t cached_page(const struct vmcore *v, uint64_t mapping, uint64_t index)
{
	int64_t shift_at = vm_offset(v, "xa_node", "shift"),
		slots = vm_offset(v, "xa_node", "slots");
	uint64_t entry = vm_field(v, mapping, vm_offset(v, "address_space", "i_pages.xa_head"));

	if ((entry & 3) == 0 && index > 0) /* a tree of one page */
		return 0;
	for (unsigned depth = 0; depth < XA_DEPTH && (entry & 3) == 2; depth++) {
		uint64_t node = entry & ~UINT64_C(3);
		unsigned shift = vm_field32(v, node, shift_at) & 0xff;
		if (slots < 0 || shift > 60 || !vm_is_pointer(node))
			return 0;
		entry = vm_u64(v, node + (uint64_t)slots + 8 * ((index >> shift) & 63));
		if ((entry & 3) == 2 && entry < 4096) /* a sibling of a large folio */
			return 0;
	}
	return (entry & 3) == 0 && vm_is_pointer(entry) ? entry : 0;
}

uint64_t vm_cached_at(struct vmcore *v, uint64_t inode, uint64_t offset)
{
	uint64_t mapping = vm_field(v, inode, v->layout.inode_mapping), at;
	uint64_t index = offset / v->page_size, page = cached_page(v, mapping, index);

	if (!page || !vm_page_address(v, page, &at))
		return 0;
	/* The head of a large folio stands for all of its pages. */
	uint64_t first = vm_folio_field(v, page, "index");
	if (first <= index && index - first < FOLIO_PAGES)
		at += (index - first) * v->page_size;
	return at + offset % v->page_size;
}
