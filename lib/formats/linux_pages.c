/* Pages of physical memory: which ones the dump has, at which kernel address, and whose they are.
 */
#include "linux_kernel.h"

#include <stdlib.h>

enum {
	ALIASES_MAX = 1 << 18,      /* pages: 1 GiB of code, data and stacks */
	ALIAS_SPAN_MAX = 256 << 20, /* bytes of one module or stack */
	FOLIO_BYTES_MAX = 2 << 20,
	MAPPING_FLAGS = 3, /* PAGE_MAPPING_FLAGS */
	MAPPING_ANON = 1,  /* PAGE_MAPPING_ANON */
};

/* ---- which pages there are ---- */

bool vm_next_memory(struct vmcore *v, uint64_t from, uint64_t *ret_start, uint64_t *ret_size)
{
	kdump_addr_t first = from / v->page_size, end;
	kdump_attr_t attr;

	if (!v->pages) {
		if (kdump_get_attr(v->kdump, KDUMP_ATTR_FILE_PAGEMAP, &attr) != KDUMP_OK ||
		    attr.type != KDUMP_BITMAP) {
			kdump_clear_err(v->kdump);
			return false;
		}
		v->pages = attr.val.bitmap;
		kdump_bmp_incref(v->pages);
	}
	if (kdump_bmp_find_set(v->pages, &first) != KDUMP_OK)
		return false;
	end = first;
	if (kdump_bmp_find_clear(v->pages, &end) != KDUMP_OK || end <= first ||
	    end > UINT64_MAX / v->page_size)
		return false;
	*ret_start = first * v->page_size;
	*ret_size = (end - first) * v->page_size;
	if (*ret_start < from) {
		*ret_size -= from - *ret_start;
		*ret_start = from;
	}
	return true;
}

/* ---- at which address ---- */

/* A page of the kernel's own code and data, of a module or of a stack has, beside its place in the
 * map of all memory, the address by which it is known. */
struct alias {
	uint64_t physical, address;
};

static void add_aliases(struct vmcore *v, uint64_t base, uint64_t size)
{
	uint64_t first = base & ~(uint64_t)(FETCH_PAGE - 1), physical;

	if (size > ALIAS_SPAN_MAX || base + size < base)
		return;
	for (uint64_t at = first; at < base + size && !v->aliases.overflowed; at += FETCH_PAGE)
		if (vm_translate(v, at, &physical))
			*(struct alias *)list_add(&v->aliases) = (struct alias){physical, at};
}

static int compare(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;

	if (x->physical != y->physical)
		return x->physical < y->physical ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static void list_aliases(struct vmcore *v)
{
	const struct dump *d = v->dump;

	list_init(&v->aliases, v->arena, sizeof(struct alias), ALIASES_MAX);
	if (!v->paging.ready)
		return;
	LIST_EACH(struct module, m, &d->modules) {
		for (unsigned i = 0; i < m->parts && i < PARTS_MAX; i++)
			add_aliases(v, m->part[i].base, m->part[i].size);
		if (m->parts == 0)
			add_aliases(v, m->base, m->size);
	}
	add_aliases(v, d->crash_task.stack_low, d->crash_task.stack_size);
	LIST_EACH(struct task, t, &d->tasks)
		add_aliases(v, t->stack_low, t->stack_size);
	if (v->aliases.count)
		qsort(v->aliases.items, v->aliases.count, sizeof(struct alias), compare);
}

static uint64_t alias_of(struct vmcore *v, uint64_t physical)
{
	uint64_t page = physical & ~(uint64_t)(FETCH_PAGE - 1);
	size_t low = 0, high;

	if (!v->aliases.arena)
		list_aliases(v);
	high = v->aliases.count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct alias *a = list_at(&v->aliases, mid);
		if (a->physical < page)
			low = mid + 1;
		else
			high = mid;
	}
	const struct alias *found = list_at(&v->aliases, low);
	return found && found->physical == page ? found->address + (physical - page) : 0;
}

uint64_t vm_address_of(struct vmcore *v, uint64_t physical)
{
	uint64_t address = alias_of(v, physical), start = 0, back;

	if (address || !vm_linear(v))
		return address;
	/* On arm64 the map begins where memory does. vmcoreinfo.rst */
	if (v->arm)
		vmcoreinfo_number(&v->info, "NUMBER(PHYS_OFFSET)", &start);
	address = v->linear.base + physical - start;
	return vm_is_pointer(address) && (!v->paging.ready ||
					  (vm_translate(v, address, &back) && back == physical))
		       ? address
		       : 0;
}

/* ---- whose they are ---- */

bool vm_page_address(struct vmcore *v, uint64_t page, uint64_t *ret)
{
	if (!vm_linear(v) || page < v->linear.map)
		return false;
	*ret = v->linear.base + (page - v->linear.map) / v->linear.page_struct * v->page_size;
	return vm_is_pointer(*ret);
}

/* A field that was struct page's until 5.16 made folios of pages. */
uint64_t vm_folio_field(const struct vmcore *v, uint64_t page, const char *field)
{
	int64_t offset = vm_offset(v, "folio", field);

	return vm_field(v, page, offset >= 0 ? offset : vm_offset(v, "page", field));
}

/* The struct page, its folio's first one, that stands for the memory at @p address. */
static uint64_t folio_at(struct vmcore *v, uint64_t address)
{
	if (!vm_linear(v) || address < v->linear.base)
		return 0;
	uint64_t page =
		v->linear.map + (address - v->linear.base) / v->page_size * v->linear.page_struct;
	uint64_t head = vm_field(v, page, vm_offset(v, "page", "compound_head"));
	return (head & 1) && head - 1 < page ? head - 1 : page;
}

bool vm_page_owner(struct vmcore *v, struct arena *arena, uint64_t address, struct page_owner *ret)
{
	uint64_t folio = folio_at(v, address), mapping, inode, start;

	if (!folio || !vm_page_address(v, folio, &start) || address < start ||
	    address - start >= FOLIO_BYTES_MAX)
		return false;
	*ret = (struct page_owner){0};
	mapping = vm_folio_field(v, folio, "mapping");
	if (mapping & MAPPING_FLAGS) {
		ret->is_program = (mapping & MAPPING_FLAGS) == MAPPING_ANON;
		return ret->is_program;
	}
	/* Pages of other kinds use the field for other things: inode and mapping must agree. */
	inode = vm_field(v, mapping, vm_offset(v, "address_space", "host"));
	if (!vm_is_pointer(mapping) || !vm_is_pointer(inode) ||
	    vm_field(v, inode, v->layout.inode_mapping) != mapping ||
	    !vm_describe_inode(v, inode, &ret->file))
		return false;
	ret->file.path = vm_inode_path(v, arena, inode);
	ret->offset = vm_folio_field(v, folio, "index") * v->page_size + (address - start);
	return ret->offset < ret->file.size;
}
