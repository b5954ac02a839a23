#include "linux_places.h"

#include "support.h"

#include <inttypes.h>

enum {
	REACHED_PAGES = 256,
	PAGE = 4096,
};

/* ---- whose ---- */

static const char *in_content(const struct analysis *a, uint64_t address)
{
	LIST_EACH(struct content_file, f, &a->report->content_files) {
		if (f->path && f->content_at && address >= f->content_at &&
		    address - f->content_at < f->content_size)
			return arena_printf(a->report->arena,
					    "a copy of the content of %s, at offset %" PRIu64,
					    f->path, address - f->content_at);
	}
	return NULL;
}

static const char *in_stack(const struct analysis *a, uint64_t address)
{
	const struct task *crashed = &a->dump->crash_task;

	if (address >= crashed->stack_low && address - crashed->stack_low < crashed->stack_size)
		return arena_printf(a->report->arena, "the stack of the task that crashed (%s)",
				    crashed->name ? crashed->name : "?");
	LIST_EACH(struct task, t, &a->dump->tasks) {
		if (address >= t->stack_low && address - t->stack_low < t->stack_size)
			return arena_printf(a->report->arena, "the stack of task %s (%" PRIu64 ")",
					    t->name ? t->name : "?", t->pid);
	}
	return NULL;
}

static const char *in_heap(const struct analysis *a, uint64_t address)
{
	struct heap_object o;

	if (!a->dump->ops->heap_object_at || !a->dump->ops->heap_object_at(a->dump, address, &o))
		return NULL;
	return arena_printf(a->report->arena, "an object of %s (0x%016" PRIx64 "), at +0x%" PRIx64,
			    o.cache ? o.cache : "the heap", o.address, address - o.address);
}

/* The path by which the report has the file, which knows where its file system is mounted. */
static const char *path_of(const struct analysis *a, const struct open_file *file)
{
	LIST_EACH(struct content_file, f, &a->report->content_files) {
		if (f->path && f->inode_address == file->inode_address)
			return f->path;
	}
	return file->path;
}

static const char *in_page(const struct analysis *a, uint64_t address)
{
	struct arena *arena = a->report->arena;
	struct page_owner o;

	if (!a->dump->ops->page_owner_at ||
	    !a->dump->ops->page_owner_at(a->dump, arena, address, &o))
		return NULL;
	if (o.is_program)
		return "memory of a program";
	const char *path = path_of(a, &o.file);
	return path ? arena_printf(arena, "page cache of %s, at offset %" PRIu64, path, o.offset)
		    : arena_printf(arena,
				   "page cache of a file (inode %" PRIu64 "), at offset %" PRIu64,
				   o.file.inode, o.offset);
}

const char *linux_whose(const struct analysis *a, uint64_t address)
{
	const char *whose = in_content(a, address);

	if (!whose && dump_module_at(a->dump, address))
		whose = report_where(a->report, a->dump, address);
	if (!whose)
		whose = in_stack(a, address);
	if (!whose)
		whose = in_heap(a, address);
	return whose ? whose : in_page(a, address);
}

uint64_t linux_extent(const struct analysis *a, uint64_t address, uint64_t most)
{
	struct heap_object o;

	if (!a->dump->ops->heap_object_at || !a->dump->ops->heap_object_at(a->dump, address, &o) ||
	    address - o.address >= o.size)
		return most;
	uint64_t left = o.size - (address - o.address);
	return left < most ? left : most;
}

/* ---- what the fault leads to ---- */

struct collection {
	struct analysis *a;
	struct space *space;
	enum reach_kind wanted; /* this kind or a nearer one */
	uint64_t last;          /* page */
	unsigned pages;
};

static void collect(void *context, uint64_t address, struct reach reach)
{
	struct collection *c = context;
	const struct dump *d = c->a->dump;
	uint64_t page = address & ~(uint64_t)(PAGE - 1);
	bool near = reach.kind >= REACH_STACK;

	if (near != (c->wanted >= REACH_STACK) || reach.kind < c->wanted ||
	    reach.kind == REACH_DEAD_STACK || page == c->last || c->pages == REACHED_PAGES)
		return;
	c->last = page;
	if (dump_module_at(d, address) ||
	    (address >= d->stack_low && address - d->stack_low < d->stack_size))
		return;
	uint8_t *bytes = arena_alloc(c->a->report->arena, 1, PAGE);
	if (!bytes || !space_read(d->space, page, bytes, PAGE))
		return;
	c->pages++;
	space_add(c->space, page, PAGE, bytes, 0, PIECE_DATA);
}

struct space *linux_reached(struct analysis *a, const struct reach_map *map)
{
	struct collection c = {.a = a, .space = space_create(a->report->arena)};

	if (!c.space)
		return NULL;
	c.wanted = REACH_STACK;
	reach_each(map, collect, &c);
	c.wanted = REACH_INDIRECT;
	c.last = 0;
	reach_each(map, collect, &c);
	return space_seal(c.space) ? c.space : NULL;
}
