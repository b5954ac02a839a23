/* Bytes of a vmcore: libkdumpfile behind a cache of pages. linux-vmcores.md; libraries.md 4 */
#include "linux_kernel.h"

#include "ceilings.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KDUMP_PAGES = 256, RENEWALS_MAX = 64 };

static void classify_failure(struct vmcore *v, kdump_status status)
{
	const char *text = kdump_get_err(v->kdump);

	/* One code for all; the text differs. linux-vmcores.md, traps */
	if (status == KDUMP_ERR_NODATA && text && strstr(text, "xcluded"))
		v->absent.excluded++;
	else if (status == KDUMP_ERR_NODATA || status == KDUMP_ERR_ADDRXLAT)
		v->absent.unmapped++;
	else
		v->absent.missing++;
	kdump_clear_err(v->kdump);
}

/* Whether the dump can have memory there at all: libkdumpfile trusts that it is asked nothing else.
 */
static bool is_memory(const struct vmcore *v, uint64_t physical, size_t size)
{
	uint64_t end = physical + size;

	if (end < physical || end >> 52)
		return false;
	return !v->is_diskdump || !v->diskdump.max_mapnr ||
	       (end + v->page_size - 1) / v->page_size <= v->diskdump.max_mapnr;
}

/* Whether memory that the dump has lies in a part of it that was not given. */
static bool is_elsewhere(const struct vmcore *v, uint64_t physical, size_t size)
{
	uint64_t from = physical / v->page_size, to = (physical + size - 1) / v->page_size;

	LIST_EACH(struct frame_range, gap, &v->gaps) {
		if (to >= gap->from && from < gap->to)
			return true;
	}
	return false;
}

/* libkdumpfile 0.5.1 loses the buffer of a page when its cache evicts by a certain pattern, and
 * then says "Decompression failed: error -2" of that page for ever. Some hundred pages that cannot
 * be unpacked make it crash in the same way. Setting the size makes a new cache. */
static bool renew_cache(struct vmcore *v)
{
	return kdump_set_number_attr(v->kdump, "cache.size",
				     KDUMP_PAGES + v->renewals++ % RENEWALS_MAX) == KDUMP_OK;
}

/* A read through libkdumpfile that leaves its cache sound. */
static kdump_status read_kdump(struct vmcore *v, kdump_addrspace_t space, uint64_t address,
			       void *buffer, size_t *got)
{
	size_t want = *got;
	kdump_status status = kdump_read(v->kdump, space, address, buffer, got);

	for (unsigned tries = 0; status != KDUMP_OK; tries++) {
		if (status == KDUMP_ERR_NODATA || status == KDUMP_ERR_ADDRXLAT)
			break;
		bool again = tries == 0 && v->renewals < RENEWALS_MAX;
		kdump_clear_err(v->kdump);
		if (!renew_cache(v) || !again)
			break;
		*got = want;
		status = kdump_read(v->kdump, space, address, buffer, got);
	}
	return status;
}

bool vm_physical(struct vmcore *v, uint64_t address, void *buffer, size_t size)
{
	size_t got = size;

	if (!is_memory(v, address, size)) {
		v->absent.unmapped++;
		return false;
	}
	if (is_elsewhere(v, address, size)) {
		v->absent.elsewhere++;
		return false;
	}
	kdump_status status = read_kdump(v, KDUMP_MACHPHYSADDR, address, buffer, &got);
	if (status == KDUMP_OK && got == size)
		return true;
	classify_failure(v, status);
	return false;
}

/* How many bytes could be read of kernel address @p address; by our own walk of the page tables, or
 * by libkdumpfile's where the dump does not tell where they are. */
static size_t read_virtual(struct vmcore *v, uint64_t address, uint8_t *buffer, size_t size)
{
	size_t done = 0;

	if (!v->paging.ready) {
		size_t got = size;
		kdump_status status = read_kdump(v, KDUMP_KVADDR, address, buffer, &got);
		if (status != KDUMP_OK)
			classify_failure(v, status);
		return got < size ? got : size;
	}
	while (done < size) {
		uint64_t skip = (address + done) & (FETCH_PAGE - 1), physical;
		size_t part =
			FETCH_PAGE - skip < size - done ? (size_t)(FETCH_PAGE - skip) : size - done;
		if (!vm_translate(v, address + done, &physical)) {
			v->absent.unmapped++;
			break;
		}
		if (!vm_physical(v, physical, buffer + done, part))
			break;
		done += part;
	}
	return done;
}

bool vm_bulk(struct vmcore *v, uint64_t address, void *buffer, size_t size)
{
	return read_virtual(v, address, buffer, size) == size;
}

static const uint8_t *fetch(void *context, uint64_t page)
{
	struct vmcore *v = context;
	struct cached_page *c = &v->cache[(page / FETCH_PAGE) % FETCH_SLOTS];

	if (c->used && c->address == page)
		return c->present ? c->bytes : NULL;
	if (!c->bytes)
		c->bytes = arena_alloc(v->arena, 1, FETCH_PAGE);
	if (!c->bytes || !vm_is_pointer(page))
		return NULL;
	c->used = true;
	c->address = page;
	c->present = vm_bulk(v, page, c->bytes, FETCH_PAGE);
	return c->present ? c->bytes : NULL;
}

bool vm_is_pointer(uint64_t value)
{
	/* Kernel halves of both architectures with 48-bit and with 52-bit addresses. */
	return value >= UINT64_C(0xff00000000000000) && value < UINT64_C(0xfffffffffffff000);
}

/* Large pieces go past the cache. */
static size_t read_memory(void *context, uint64_t address, void *buffer, size_t size)
{
	struct vmcore *v = context;

	if (size < FETCH_PAGE)
		return space_read_some(v->dump->space, address, buffer, size);
	return vm_is_pointer(address) ? read_virtual(v, address, buffer, size) : 0;
}

static struct error *refuse(struct vmcore *v, const char *what)
{
	struct arena *arena = v->arena;
	const char *text = kdump_get_err(v->kdump);

	return error_create(ERROR_BAD_DATA, "%s: %s", what,
			    text ? text_from_bytes(arena, text, strlen(text)) : "no details");
}

struct error *vm_open(struct vmcore *v)
{
	int fds[LIMIT_PARTS];
	uint64_t pointer = 0;

	for (unsigned i = 0; i < v->file_count; i++)
		fds[i] = v->files[i].fd;
	v->memory = (struct reader){read_memory, v};
	v->kdump = kdump_new();
	v->cache = arena_alloc(v->arena, FETCH_SLOTS, sizeof(*v->cache));
	if (!v->kdump || !v->cache)
		return error_create(ERROR_NOMEM, "no memory to open the vmcore");
	kdump_set_number_attr(v->kdump, KDUMP_ATTR_FILE_MMAP_POLICY, KDUMP_MMAP_NEVER);
	renew_cache(v);
	if (kdump_open_fdset(v->kdump, v->file_count, fds) != KDUMP_OK)
		return refuse(v, "the vmcore cannot be opened");
	if (!vm_number(v, KDUMP_ATTR_PAGE_SIZE, &v->page_size) || v->page_size < 4096 ||
	    v->page_size > 65536 || (v->page_size & (v->page_size - 1)))
		return error_create(ERROR_BAD_DATA, "the vmcore has no valid page size");
	if (vm_number(v, KDUMP_ATTR_PTR_SIZE, &pointer) && pointer != 8)
		return error_create(ERROR_UNSUPPORTED,
				    "a vmcore of a 32-bit kernel, which this version does not "
				    "read");
	space_set_fetch(v->dump->space, fetch, v, FETCH_PAGE);
	return NULL;
}

void vm_use_kdump_translation(struct vmcore *v)
{
	/* Before anything asks for VMCOREINFO. libraries.md 4 */
	if (kdump_set_string_attr(v->kdump, KDUMP_ATTR_OSTYPE, "linux") == KDUMP_OK)
		return;
	kdump_clear_err(v->kdump);
	dump_problem(v->dump, "no-address-translation",
		     "how this kernel maps its memory could not be found in the dump");
	v->dump->partial = true;
}

void vm_close(struct vmcore *v)
{
	if (v->pages)
		kdump_bmp_decref(v->pages);
	v->pages = NULL;
	if (v->kdump)
		kdump_free(v->kdump);
	v->kdump = NULL;
	for (unsigned i = 0; i < v->file_count; i++)
		if (v->files[i].own)
			close(v->files[i].fd);
	v->file_count = 0;
	types_destroy(v->types);
	v->types = NULL;
	vm_debug_close(v); /* what it described is gone */
}

bool vm_read(const struct vmcore *v, uint64_t address, void *buffer, size_t size)
{
	return space_read(v->dump->space, address, buffer, size);
}

uint64_t vm_u64(const struct vmcore *v, uint64_t address)
{
	uint64_t value;

	return space_u64(v->dump->space, address, &value) ? value : 0;
}

uint32_t vm_u32(const struct vmcore *v, uint64_t address)
{
	uint32_t value;

	return space_u32(v->dump->space, address, &value) ? value : 0;
}

char *vm_string(const struct vmcore *v, struct arena *arena, uint64_t address, size_t most)
{
	char bytes[LIMIT_NAME_CHARS];
	size_t want = most < sizeof(bytes) ? most : sizeof(bytes);
	size_t have = space_read_some(v->dump->space, address, bytes, want);
	size_t length = strnlen(bytes, have);

	return length ? text_from_bytes(arena, bytes, length) : NULL;
}

bool vm_register(struct vmcore *v, unsigned cpu, const char *name, uint64_t *ret)
{
	char key[64];

	snprintf(key, sizeof(key), "cpu.%u.reg.%s", cpu, name);
	return vm_number(v, key, ret);
}

bool vm_number(struct vmcore *v, const char *key, uint64_t *ret)
{
	kdump_attr_t attr;

	if (kdump_get_attr(v->kdump, key, &attr) != KDUMP_OK) {
		kdump_clear_err(v->kdump);
		return false;
	}
	if (attr.type != KDUMP_NUMBER && attr.type != KDUMP_ADDRESS)
		return false;
	*ret = attr.type == KDUMP_NUMBER ? attr.val.number : attr.val.address;
	return true;
}

const char *vm_attribute(struct vmcore *v, const char *key)
{
	const char *text = NULL;

	if (kdump_get_string_attr(v->kdump, key, &text) != KDUMP_OK) {
		kdump_clear_err(v->kdump);
		return NULL;
	}
	return text ? text_from_bytes(v->arena, text, strlen(text)) : NULL;
}
