/* When the fault is the damage of somebody else's earlier write: whose bytes are they?
 *
 * A pointer made of text was overwritten with data. If the same bytes are in memory that a
 * third-party module keeps (its own data, an object it points to, or a buffer that points on), the
 * data came from there. Without that link nobody is named. */
#include "support.h"

#include "linux_support.h"

#include <inttypes.h>
#include <string.h>

enum {
	DATA_MAX = 1 << 20,      /* bytes of one module's data that are looked at */
	OBJECT_BYTES = 512,      /* of an object whose size the heap does not tell */
	BUFFER_BYTES = 64 << 10, /* of a buffer that such an object points to */
	CHUNK = 4096,
	FOLLOWED_MAX = 20000, /* pointers, for one question */
	LINKS_MAX = 64,       /* candidates for the object whose link was overwritten */
	WORDS_ON = 64,        /* words of an object that are followed further */
};

static const double WEIGHT_BYTES_OWNED = 0.75;

struct search {
	struct analysis *a;
	uint64_t pattern;
	unsigned followed;
	/* what was found */
	uint64_t global, object, buffer; /* the way: buffer may be 0 */
	uint64_t at;
};

static bool is_heap(const struct dump *d, uint64_t value)
{
	return value % 8 == 0 && dump_is_kernel_address(d, value) && !dump_module_at(d, value) &&
	       space_has(d->space, value);
}

/* How many bytes from @p address on belong to one object: neighbours in a slab are others', and so
 * are objects that have a cache of their own (tasks, inodes ...). What is of no slab has pages of
 * its own; anything else is an object that this kernel does not tell about. */
static size_t object_bytes(const struct dump *d, uint64_t address, size_t otherwise)
{
	struct heap_object object;

	if (!d->ops->heap_object_at || !d->ops->heap_object_at(d, address, &object))
		return address % CHUNK == 0 ? otherwise : 0;
	if (address < object.address || !object.cache || strncmp(object.cache, "kmalloc", 7) != 0)
		return 0;
	uint64_t left = object.address + object.size - address;
	return left < otherwise ? (size_t)left : otherwise;
}

/* Where the pattern is in [address, address + size), 0 if nowhere. */
static uint64_t find_in(const struct search *s, uint64_t address, size_t size)
{
	uint8_t bytes[CHUNK + 8];

	for (size_t done = 0; done < size; done += CHUNK) {
		size_t want = size - done < sizeof(bytes) ? size - done : sizeof(bytes);
		size_t have = space_read_some(s->a->dump->space, address + done, bytes, want);
		for (size_t i = 0; i + 8 <= have; i++)
			if (linux_word(bytes + i) == s->pattern)
				return address + done + i;
		if (have < want)
			break;
	}
	return 0;
}

static bool search_object(struct search *s, uint64_t object)
{
	const struct dump *d = s->a->dump;
	size_t size = object_bytes(d, object, OBJECT_BYTES);
	uint64_t word;

	s->object = object;
	s->buffer = 0;
	if ((s->at = find_in(s, object, size)))
		return true;
	for (unsigned i = 0; i < WORDS_ON && 8 * i < size && s->followed < FOLLOWED_MAX; i++) {
		if (!read_pointer(d, object + 8 * (uint64_t)i, &word))
			break;
		if (!is_heap(d, word))
			continue;
		s->followed++;
		s->buffer = word;
		if ((s->at = find_in(s, word, object_bytes(d, word, BUFFER_BYTES))))
			return true;
	}
	return false;
}

/* What the kernel itself keeps in a module's data says nothing about the module's deeds. */
static bool is_kernels_own(const struct search *s, uint64_t at)
{
	const struct dump *d = s->a->dump;
	const char *name = d->ops->symbol_at ? d->ops->symbol_at(d, s->a->report->arena, at) : NULL;

	return name && strncmp(name, "__this_module", 13) == 0;
}

/* Calls @p look with every heap pointer in the module's data, until it says it has found. */
static bool each_pointer(struct search *s, const struct module *m,
			 bool (*look)(struct search *, uint64_t))
{
	const struct dump *d = s->a->dump;
	uint64_t word;

	for (unsigned p = 0; p < m->parts; p++) {
		const struct part *part = &m->part[p];
		uint64_t size = part->size < DATA_MAX ? part->size : DATA_MAX;
		for (uint64_t i = 0; !part->code && i + 8 <= size; i += 8) {
			if (s->followed >= FOLLOWED_MAX)
				return false;
			if (!read_pointer(d, part->base + i, &word) || !is_heap(d, word))
				continue;
			s->followed++;
			s->global = part->base + i;
			if (look(s, word) && !is_kernels_own(s, s->global))
				return true;
		}
	}
	return false;
}

static void cite(const struct search *s, const struct module *m, struct content_file *f)
{
	if (!f->type)
		f->owner = m->name;
	f->address = s->buffer ? s->buffer : s->object;
	content_evidence(s->a->report, f, "pointer-in-content", 0.8, s->at,
			 "its content in %s's memory holds the bytes that overwrote the "
			 "pointer (at 0x%016" PRIx64 ")",
			 m->name, s->at);
}

/* The object begins with the path of a file whose own kernel object the dump does not have. */
static void tie_path(const struct search *s, const struct module *m, const char *path)
{
	struct analysis *a = s->a;
	const struct dump *d = a->dump;
	struct open_file file = {.address = s->object, .path = path, .descriptor = -1};

	if (d->ops->file_by_path && d->ops->file_by_path(d, path, &file) && !file.regular)
		return;
	struct content_file *f = linux_content_file(a, &file);
	f->grade = f->grade == 'D' ? 'C' : f->grade;
	f->passed = true;
	content_evidence(a->report, f, "path", 0.5, s->object,
			 "its path is what the object begins with (at 0x%016" PRIx64 ")",
			 s->object);
	content_evidence(a->report, f, "object-lost", -0.1, 0,
			 "no open file that the object points at is in the dump");
	cite(s, m, f);
}

/* The file that belongs to the object through which the bytes were found. */
static void tie_file(const struct search *s, const struct module *m)
{
	struct analysis *a = s->a;
	const struct dump *d = a->dump;
	struct open_file file;
	uint64_t word;

	size_t size = object_bytes(d, s->object, OBJECT_BYTES);
	const char *path = linux_path_at(d, a->report->arena, s->object);
	for (unsigned i = 0; i < WORDS_ON && 8 * i < size && d->ops->open_file_at; i++) {
		if (!read_pointer(d, s->object + 8 * (uint64_t)i, &word))
			break;
		if (!dump_is_kernel_address(d, word) ||
		    !d->ops->open_file_at(d, a->report->arena, word, &file) || !file.regular)
			continue;
		/* What the object begins with says what the kernel's entries no longer do. */
		if (path && file.path && linux_completes(file.path, path))
			file.path = path;
		struct content_file *f = linux_content_file(a, &file);
		if (f->grade > 'B')
			f->grade = 'B';
		cite(s, m, f);
		return;
	}
	if (path)
		tie_path(s, m, path);
}

static void accuse(const struct search *s, const struct module *m, const char *text)
{
	struct analysis *a = s->a;
	struct suspect *suspect = report_suspect(a->report, m);
	const char *way = report_where(a->report, a->dump, s->global);

	if (s->buffer)
		way = arena_printf(a->report->arena, "%s -> 0x%016" PRIx64 " -> 0x%016" PRIx64, way,
				   s->object, s->buffer);
	else
		way = arena_printf(a->report->arena, "%s -> 0x%016" PRIx64, way, s->object);
	suspect_evidence(
		a->report, suspect, "bytes-owned", WEIGHT_BYTES_OWNED, s->at,
		"what the kernel tripped over was overwritten with \"%s\", and these bytes are "
		"in memory that this module keeps (%s)",
		text, way);
	tie_file(s, m);
}

/* Accuses every module that keeps these bytes; whether any does. */
static bool look_for(struct analysis *a, uint64_t pattern, const char *text)
{
	bool owned = false;

	LIST_EACH(struct module, m, &a->dump->modules) {
		struct search s = {.a = a, .pattern = pattern};
		if (m->kind == MODULE_DRIVER && may_be_culprit(a, m, NULL) &&
		    each_pointer(&s, m, search_object)) {
			accuse(&s, m, text);
			owned = true;
		}
	}
	return owned;
}

/* A free object's link that was overwritten: the allocator read nonsense for the address of the
 * next one. What stood there? Worked out it may be several texts: then only one that a module keeps
 * counts. */
static bool broken_free_list(struct analysis *a, uint64_t value)
{
	const struct dump *d = a->dump;
	struct heap_link link;
	char text[9];

	for (unsigned nth = 0;
	     nth < LINKS_MAX && d->ops->heap_link && d->ops->heap_link(d, value, nth, &link);
	     nth++) {
		if (!linux_is_text(link.bytes, text))
			continue;
		bool owned = look_for(a, link.bytes, text);
		if (!owned && !link.still_there)
			continue;
		report_finding(
			a->report, "info", "free-list", NULL,
			"the list of free objects of %s leads nowhere: in the object at "
			"0x%016" PRIx64
			" the address of the next one was overwritten with \"%s\"%s",
			link.object.cache ? link.object.cache : "a slab", link.object.address, text,
			link.still_there ? "" : " (worked out from the value that was read)");
		return true;
	}
	return false;
}

/* A processor that waits for a lock for ever: was the lock's word overwritten? */
static bool broken_lock(struct analysis *a)
{
	const struct report *r = a->report;
	const struct frame *top = list_at(&r->stack, 0);
	uint64_t bytes;
	char text[9];

	if (!r->stack.count || !top->symbol || !strstr(top->symbol, "spin_lock"))
		return false;
	for (unsigned i = 0; r->crash.has_context && i < REGISTERS_MAX; i++) {
		uint64_t lock = r->crash.context.r[i];
		if (!(r->crash.context.known & (UINT32_C(1) << i)) || !is_heap(a->dump, lock) ||
		    !space_u64(a->dump->space, lock, &bytes) || !linux_is_text(bytes, text))
			continue;
		report_finding(a->report, "info", "lock-overwritten", NULL,
			       "the lock at 0x%016" PRIx64
			       " that is waited for was overwritten with \"%s\"",
			       lock, text);
		look_for(a, bytes, text);
		return true;
	}
	return false;
}

static struct error *run(struct analysis *a)
{
	uint64_t values[BAD_POINTERS_MAX];
	unsigned count = bad_pointers(a, values);
	char text[9];
	bool found = false;

	if (!a->dump->ops)
		return NULL;
	for (unsigned i = 0; i < count && !found; i++) {
		found = linux_is_text(values[i], text);
		if (!found)
			continue;
		report_finding(a->report, "info", "text-as-pointer", NULL,
			       "text was used as a pointer: \"%s\"", text);
		look_for(a, values[i], text);
	}
	for (unsigned i = 0; i < count && !found; i++)
		found = broken_free_list(a, values[i]);
	if (!found)
		broken_lock(a);
	linux_sort_files(&a->report->content_files);
	return NULL;
}

const struct analyzer analyzer_linux_overrun = {
	.id = "linux_overrun",
	.summary = "looks for whose bytes overwrote the pointer that faulted",
	.os = OS_LINUX,
	.run = run,
};
