/* Objects of the kernel's heap (SLUB): which cache an address belongs to, and where its object
 * begins and ends.
 *
 * The page of an address has a struct page; that of a slab's first page is its struct slab and
 * points at the cache. Whether it really is one is decided by the list of all caches. mm/slub.c */
#include "linux_kernel.h"

#include <string.h>

enum {
	CACHES_MAX = 4096,
	NAME_BYTES = 64,
	SIZE_MAX_BYTES = 64 << 10,
	OBJECTS_BITS = 16 /* OO_SHIFT: the order of a slab's pages is above its object count */
};

bool vm_linear(struct vmcore *v)
{
	struct linear *l = &v->linear;
	uint64_t base = vm_symbol(v, "page_offset_base"), map = vm_symbol(v, "vmemmap_base"), bits;

	if (l->tried)
		return l->base && l->map && l->page_struct;
	l->tried = true;
	vmcoreinfo_size(&v->info, "page", &l->page_struct);
	if (base && map) {
		l->base = vm_u64(v, base);
		l->map = vm_u64(v, map);
	} else if (v->arm && vmcoreinfo_number(&v->info, "NUMBER(VA_BITS)", &bits) && bits >= 36 &&
		   bits <= 52) {
		l->base = ~UINT64_C(0) << bits;
		vmcoreinfo_number(&v->info, "NUMBER(VMEMMAP_START)", &l->map);
	}
	return l->base && l->map && l->page_struct;
}

static void list_caches(struct vmcore *v)
{
	uint64_t head = vm_symbol(v, "slab_caches"), at = vm_u64(v, head);
	int64_t node = vm_offset(v, "kmem_cache", "list");

	list_init(&v->caches, v->arena, sizeof(uint64_t), CACHES_MAX);
	if (!head || node < 0)
		return;
	for (; at && at != head && !v->caches.overflowed; at = vm_u64(v, at))
		*(uint64_t *)list_add(&v->caches) = at - (uint64_t)node;
}

static bool is_cache(struct vmcore *v, uint64_t address)
{
	if (!v->caches.arena)
		list_caches(v);
	LIST_EACH(uint64_t, cache, &v->caches) {
		if (*cache == address)
			return true;
	}
	return false;
}

struct slab {
	uint64_t cache, first; /* address of its first object */
	uint64_t stride, size, count;
};

/* The slab whose first page is @p page; false if it is none. */
static bool slab_of(struct vmcore *v, uint64_t page, struct slab *ret)
{
	/* struct slab is new in 5.17; before, its fields were struct page's. */
	int64_t cache_at = vm_offset(v, "slab", "slab_cache");
	uint64_t cache =
		vm_field(v, page, cache_at >= 0 ? cache_at : vm_offset(v, "page", "slab_cache"));

	if (page < v->linear.map || !vm_is_pointer(cache) || !is_cache(v, cache))
		return false;
	uint64_t index = (page - v->linear.map) / v->linear.page_struct;
	uint64_t pad = vm_field32(v, cache, vm_offset(v, "kmem_cache", "red_left_pad"));
	uint32_t order = vm_field32(v, cache, vm_offset(v, "kmem_cache", "oo")) >> OBJECTS_BITS;
	*ret = (struct slab){
		.cache = cache,
		.first = v->linear.base + index * v->page_size + pad,
		.stride = vm_field32(v, cache, vm_offset(v, "kmem_cache", "size")),
		.size = vm_field32(v, cache, vm_offset(v, "kmem_cache", "object_size"))};
	if (!ret->size || ret->size > ret->stride || ret->stride > SIZE_MAX_BYTES || order > 8)
		return false;
	ret->count = (v->page_size << order) / ret->stride;
	return true;
}

static void describe(struct vmcore *v, const struct slab *slab, uint64_t index,
		     struct heap_object *ret)
{
	uint64_t name = vm_field(v, slab->cache, vm_offset(v, "kmem_cache", "name"));

	ret->address = slab->first + index * slab->stride;
	ret->size = slab->size;
	ret->cache = name ? vm_string(v, v->arena, name, NAME_BYTES) : NULL;
}

bool vm_heap_object(struct vmcore *v, uint64_t address, struct heap_object *ret)
{
	struct slab slab;

	if (!vm_linear(v) || address < v->linear.base)
		return false;
	uint64_t page =
		v->linear.map + (address - v->linear.base) / v->page_size * v->linear.page_struct;
	uint64_t head = vm_field(v, page, vm_offset(v, "page", "compound_head"));
	if ((head & 1) && head - 1 < page)
		page = head - 1;
	if (!slab_of(v, page, &slab) || address < slab.first)
		return false;
	describe(v, &slab, (address - slab.first) / slab.stride, ret);
	return true;
}

/* The slab from which @p cache serves the processor that crashed. */
static bool serving_slab(struct vmcore *v, uint64_t cache, struct slab *ret)
{
	uint64_t local = vm_field(v, cache, vm_offset(v, "kmem_cache", "cpu_slab"));
	uint64_t table = vm_symbol(v, "__per_cpu_offset"), base;

	if (!local || !table || !v->has_crash_cpu ||
	    !space_u64(v->dump->space, table + 8 * (uint64_t)v->crash_cpu, &base))
		return false;
	uint64_t page =
		vm_field(v, base + local, vm_offset_either(v, "kmem_cache_cpu", "slab", "page"));
	return page && slab_of(v, page, ret);
}

static bool is_text(uint64_t bytes)
{
	for (unsigned i = 0; i < 8; i++, bytes >>= 8)
		if ((bytes & 0xff) < 0x20 || (bytes & 0xff) > 0x7e)
			return false;
	return true;
}

/* A link as the allocator reads it: the bytes exclusive-ored with the cache's secret and with their
 * own address, swapped; the other way round the same. freelist_ptr_decode() */
static uint64_t coded(uint64_t bytes, uint64_t secret, uint64_t at, bool hardened)
{
	return hardened ? bytes ^ secret ^ __builtin_bswap64(at) : bytes;
}

/* The object whose bytes give @p value; then those whose bytes, if they were text, would have: the
 * object may have been handed out and cleared since. */
static bool find_link(struct vmcore *v, const struct slab *slab, struct heap_link *ret,
		      unsigned nth)
{
	int64_t random = vm_offset(v, "kmem_cache", "random");
	uint64_t secret = vm_field(v, slab->cache, random);
	uint64_t offset = vm_field32(v, slab->cache, vm_offset(v, "kmem_cache", "offset"));

	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint64_t i = 0; i < slab->count; i++) {
			uint64_t at = slab->first + i * slab->stride + offset, bytes;
			bool fits = false;
			if (pass == 1) {
				bytes = coded(ret->value - offset, secret, at, random >= 0);
				fits = is_text(bytes);
			} else if (space_u64(v->dump->space, at, &bytes)) {
				uint64_t link = coded(bytes, secret, at, random >= 0);
				fits = link == ret->value || link + offset == ret->value;
			}
			if (!fits || nth-- > 0)
				continue;
			describe(v, slab, i, &ret->object);
			ret->bytes = bytes;
			ret->still_there = pass == 0;
			return true;
		}
	}
	return false;
}

bool vm_heap_link(struct vmcore *v, uint64_t value, unsigned nth, struct heap_link *ret)
{
	const struct registers *regs = &v->dump->header_context;
	struct slab slab;

	*ret = (struct heap_link){.value = value};
	if (!vm_linear(v) || !v->dump->has_header_context)
		return false;
	/* The allocator had its cache in a register. */
	for (unsigned i = 0; i < REGISTERS_MAX; i++)
		if ((regs->known & (UINT32_C(1) << i)) && vm_is_pointer(regs->r[i]) &&
		    is_cache(v, regs->r[i]) && serving_slab(v, regs->r[i], &slab))
			return find_link(v, &slab, ret, nth);
	return false;
}
