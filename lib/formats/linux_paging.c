/* Kernel addresses to physical ones by the kernel's own page tables.
 *
 * libkdumpfile can do that too, but follows damaged tables into a crash; here every step is checked
 * against the memory the dump describes. Intel SDM volume 3, 4.5; Arm ARM, D8; vmcoreinfo.rst */
#include "linux_kernel.h"

#include <string.h>

enum { TABLE_SLOTS = 64, ENTRY = 8 };

static const uint64_t kernel_map = UINT64_C(0xffffffff80000000); /* __START_KERNEL_map */
static const uint64_t frame_mask = UINT64_C(0x000ffffffffff000);

static bool x86_init(struct vmcore *v)
{
	struct paging *p = &v->paging;
	uint64_t table, base, five = 0, encryption = 0;

	if (!vmcoreinfo_symbol(&v->info, "init_top_pgt", &table) &&
	    !vmcoreinfo_symbol(&v->info, "swapper_pg_dir", &table))
		return false;
	if (!vmcoreinfo_number(&v->info, "NUMBER(phys_base)", &base) || table < kernel_map)
		return false;
	vmcoreinfo_number(&v->info, "NUMBER(pgtable_l5_enabled)", &five);
	vmcoreinfo_number(&v->info, "NUMBER(sme_mask)", &encryption);
	p->root = table - kernel_map + base;
	p->levels = five == 1 ? 5 : 4;
	p->page_shift = 12;
	p->bits = p->levels == 5 ? 57 : 48;
	p->mask = frame_mask & ~encryption;
	return true;
}

static bool arm_init(struct vmcore *v)
{
	struct paging *p = &v->paging;
	uint64_t table, offset, bits, t1sz;

	if (!vmcoreinfo_symbol(&v->info, "swapper_pg_dir", &table) ||
	    !vmcoreinfo_number(&v->info, "NUMBER(kimage_voffset)", &offset) ||
	    !vmcoreinfo_number(&v->info, "NUMBER(VA_BITS)", &bits))
		return false;
	/* What the processor really used, where the kernel can do with fewer than it was built for.
	 */
	if (vmcoreinfo_number(&v->info, "NUMBER(TCR_EL1_T1SZ)", &t1sz) && t1sz < 64)
		bits = 64 - t1sz;
	p->page_shift = v->page_size == 65536 ? 16 : v->page_size == 16384 ? 14 : 12;
	/* Addresses of more than 48 bits are laid out in a way of their own. */
	if (bits < 36 || bits > 48)
		return false;
	p->root = table - offset;
	p->bits = (unsigned)bits;
	p->levels = (p->bits - p->page_shift + p->page_shift - 4) / (p->page_shift - 3);
	p->mask = UINT64_C(0x0000fffffffff000) & ~((UINT64_C(1) << p->page_shift) - 1);
	return true;
}

bool vm_paging_init(struct vmcore *v)
{
	struct paging *p = &v->paging;

	p->tables = arena_alloc(v->arena, TABLE_SLOTS, sizeof(*p->tables));
	p->ready = v->has_info && p->tables && (v->arm ? arm_init(v) : x86_init(v));
	return p->ready;
}

static bool table_entry(struct vmcore *v, uint64_t address, uint64_t *ret)
{
	uint64_t page = address & ~(uint64_t)(FETCH_PAGE - 1);
	struct cached_page *c = &v->paging.tables[(page / FETCH_PAGE) % TABLE_SLOTS];

	if (!c->used || c->address != page) {
		if (!c->bytes)
			c->bytes = arena_alloc(v->arena, 1, FETCH_PAGE);
		if (!c->bytes)
			return false;
		c->used = true;
		c->address = page;
		c->present = vm_physical(v, page, c->bytes, FETCH_PAGE);
	}
	if (!c->present)
		return false;
	struct cursor at = cursor_make(c->bytes, FETCH_PAGE, 0, "page table");
	*ret = cursor_u64_at(&at, address - page);
	return true;
}

/* 0 if @p address is mapped, @p ret its physical address; else the number of low bits of an address
 * that make no difference to that. */
static unsigned walk(struct vmcore *v, uint64_t address, uint64_t *ret)
{
	const struct paging *p = &v->paging;
	uint64_t table = p->root, entry;
	unsigned width = p->page_shift - 3, shift = p->page_shift;

	for (unsigned level = p->levels; level > 0; level--) {
		shift = p->page_shift + (level - 1) * width;
		uint64_t index = (address >> shift) & ((1u << width) - 1);
		/* The topmost table may be smaller than a page. */
		if (level == p->levels && shift < p->bits)
			index &= (UINT64_C(1) << (p->bits - shift)) - 1;
		if (!table_entry(v, table + index * ENTRY, &entry) || !(entry & 1))
			return shift;
		bool is_block = level > 1 && (v->arm ? !(entry & 2) : (entry & 0x80) != 0);
		if (level == 1 || is_block) {
			uint64_t inside = (UINT64_C(1) << shift) - 1;
			*ret = (entry & p->mask & ~inside) | (address & inside);
			return 0;
		}
		table = entry & p->mask;
	}
	return shift;
}

bool vm_translate(struct vmcore *v, uint64_t address, uint64_t *ret)
{
	const struct paging *p = &v->paging;

	if (address >> (p->bits - 1) != ~UINT64_C(0) >> (p->bits - 1) &&
	    (!v->arm || address >> p->bits != ~UINT64_C(0) >> p->bits))
		return false;
	return walk(v, address, ret) == 0;
}

bool vm_next_mapped(struct vmcore *v, uint64_t *address, uint64_t end, unsigned *steps)
{
	uint64_t physical;

	for (; v->paging.ready && *address<end && * steps> 0; --*steps) {
		unsigned same = walk(v, *address, &physical);
		if (same == 0)
			return true;
		uint64_t next = ((*address >> same) + 1) << same;
		if (next <= *address)
			return false;
		*address = next;
	}
	return false;
}
