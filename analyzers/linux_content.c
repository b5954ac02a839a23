/* Which open files do the fault's registers and stack lead to, and what of their content is there?
 *
 * A file counts when code at fault held it: its object, or an object that points to it, is in a
 * register of the fault or on the stack of a third-party frame or of what that frame called. Files
 * the task merely has open are listed, never cited. Where the object is not in the dump (writers of
 * dumps leave heap pages out by mistake), the path that the module was handed still names the file.
 * Grades: culprit-report(5). */
#include "support.h"

#include "ceilings.h"
#include "linux_support.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	OBJECT_WORDS = 64,     /* of an object that a register or the stack points to */
	OBJECTS_MAX = 4096,    /* followed for one crash */
	CONTENT_MAX = 1 << 20, /* bytes of a file's content that are looked at */
	SHOWN_BYTES = 16,
	SMALLEST = 16, /* a file of fewer bytes proves nothing by its size */
	STACK_WORDS = 2048,
	BUFFER_BYTES = 4096, /* of a buffer that stands beside a path */
	CACHE_PART = 4096,   /* of the page cache that is in one piece at least */
};

/* How a file was found. */
struct lead {
	struct open_file file;
	int reg;         /* the register that leads to it, -1: the stack */
	uint64_t slot;   /* on the stack */
	uint64_t object; /* that holds the pointer to it, 0: the register or the slot itself */
	unsigned word;   /* index of that pointer in the object */
	const struct module *owner; /* the third-party module whose frame held it; NULL none */
};

struct hunt {
	struct analysis *a;
	struct list leads; /* struct lead */
	struct list paths; /* struct lead: only the path was found, at file.address */
	uint64_t *seen;
	unsigned seen_count;
};

static bool followed(struct hunt *h, uint64_t object)
{
	for (unsigned i = 0; i < h->seen_count; i++)
		if (h->seen[i] == object)
			return true;
	if (h->seen_count == OBJECTS_MAX)
		return true;
	h->seen[h->seen_count++] = object;
	return false;
}

static void found(struct hunt *h, const struct lead *from, const struct open_file *file,
		  uint64_t object, unsigned word)
{
	LIST_EACH(struct lead, l, &h->leads) {
		if (l->file.address == file->address)
			return;
	}
	struct lead *l = list_add(&h->leads);
	*l = *from;
	l->file = *file;
	l->object = object;
	l->word = word;
}

static void note_path(struct hunt *h, uint64_t value, const struct lead *from)
{
	const char *path = linux_path_at(h->a->dump, h->a->report->arena, value);

	if (!path)
		return;
	LIST_EACH(struct lead, l, &h->paths) {
		if (strcmp(l->file.path, path) == 0)
			return;
	}
	struct lead *l = list_add(&h->paths);
	*l = *from;
	l->file = (struct open_file){.address = value, .path = path, .descriptor = -1};
}

/* One value of a register or of the stack: a file, or an object that points to one. */
static void follow(struct hunt *h, uint64_t value, const struct lead *from)
{
	const struct dump *d = h->a->dump;
	struct open_file file;
	uint64_t word;

	if (from->owner && dump_is_kernel_address(d, value) && !dump_module_at(d, value))
		note_path(h, value, from);
	if (value % 8 || !dump_is_kernel_address(d, value) || dump_module_at(d, value) ||
	    (value >= d->stack_low && value - d->stack_low < d->stack_size) || followed(h, value))
		return;
	if (d->ops->open_file_at(d, h->a->report->arena, value, &file)) {
		found(h, from, &file, 0, 0);
		return;
	}
	for (unsigned i = 0; i < OBJECT_WORDS; i++) {
		if (!read_pointer(d, value + 8 * (uint64_t)i, &word))
			return;
		if (word % 8 == 0 && dump_is_kernel_address(d, word) &&
		    d->ops->open_file_at(d, h->a->report->arena, word, &file))
			found(h, from, &file, value, i);
	}
}

static void follow_all(struct hunt *h)
{
	const struct dump *d = h->a->dump;
	const struct registers *regs = &h->a->report->crash.context;
	struct stack_span live = live_stack(h->a);
	struct lead from = {.reg = -1};
	uint64_t value;

	from.owner = linux_owner_of(h->a, 0);
	for (int i = 0; h->a->report->crash.has_context && i < REGISTERS_MAX; i++) {
		from.reg = i;
		if (regs->known & (UINT32_C(1) << i))
			follow(h, regs->r[i], &from);
	}
	from.reg = -1;
	for (unsigned i = 0; i < STACK_WORDS && live.low + 8 * (uint64_t)i < live.high; i++) {
		from.slot = live.low + 8 * (uint64_t)i;
		if (!read_pointer(d, from.slot, &value))
			continue;
		from.owner = linux_owner_of(h->a, from.slot);
		if (from.owner)
			follow(h, value, &from);
	}
}

static const char *way_start(struct analysis *a, const struct lead *l)
{
	struct arena *arena = a->report->arena;

	if (l->reg < 0)
		return arena_printf(arena, "the stack (at 0x%016" PRIx64 ")", l->slot);
	return arena_printf(arena, "register %s of the %s",
			    register_name(a->dump->arch, (unsigned)l->reg),
			    a->report->crash.is_fault ? "fault" : "code that ran");
}

static const char *way(struct analysis *a, const struct lead *l)
{
	struct arena *arena = a->report->arena;
	const char *start = way_start(a, l);

	if (!l->object)
		return arena_printf(arena, "%s holds its kernel object", start);
	return arena_printf(arena,
			    "%s points at an object that holds it (at 0x%016" PRIx64 " + %u)",
			    start, l->object, 8 * l->word);
}

/* The copy of the content that the object with the file's pointer also points to: a buffer, and
 * the file's exact size next to it, which *ret_sized tells of by itself. */
static uint64_t private_copy(struct analysis *a, const struct lead *l, uint8_t *bytes, size_t size,
			     bool *ret_sized)
{
	const struct dump *d = a->dump;
	uint64_t word, best = 0;
	unsigned nearest = OBJECT_WORDS;

	*ret_sized = false;
	for (unsigned i = 0; l->object && i < OBJECT_WORDS; i++) {
		if (!read_pointer(d, l->object + 8 * (uint64_t)i, &word))
			break;
		*ret_sized |= word == l->file.size;
		unsigned distance = i > l->word ? i - l->word : l->word - i;
		if (i == l->word || distance >= nearest || word % 8 ||
		    !dump_is_kernel_address(d, word) || dump_module_at(d, word) ||
		    !space_read(d->space, word, bytes, size))
			continue;
		best = word;
		nearest = distance;
	}
	if (!*ret_sized || !best || !space_read(d->space, best, bytes, size))
		return 0;
	return best;
}

/* Whether a value that was used as a pointer stands in the content. */
static bool holds_pointer(struct analysis *a, const uint8_t *bytes, size_t size, uint64_t *ret,
			  size_t *ret_at)
{
	uint64_t values[BAD_POINTERS_MAX];
	unsigned count = bad_pointers(a, values);

	for (unsigned v = 0; v < count; v++) {
		for (size_t i = 0; i + 8 <= size; i++) {
			if (linux_word(bytes + i) == values[v]) {
				*ret = values[v];
				*ret_at = i;
				return true;
			}
		}
	}
	return false;
}

static void describe_bytes(struct analysis *a, struct content_file *f, const uint8_t *bytes,
			   size_t size, uint64_t at, const char *from)
{
	f->content = bytes;
	f->content_size = size;
	f->content_at = at;
	f->sha256 = linux_sha256(a->report->arena, bytes, size);
	f->beginning = hex_text(a->report->arena, bytes, size < SHOWN_BYTES ? size : SHOWN_BYTES);
	f->bytes_from = from;
}

/* How many of the file's first @p size bytes the page cache has. */
static size_t read_cached(const struct dump *d, uint64_t inode, uint8_t *bytes, size_t size)
{
	size_t done = 0;

	while (d->ops->cached_at && done < size) {
		size_t part = size - done < CACHE_PART ? size - done : CACHE_PART;
		uint64_t at = d->ops->cached_at(d, inode, done);
		if (!at || !space_read(d->space, at, bytes + done, part))
			break;
		done += part;
	}
	return done;
}

static void look_at_content(struct analysis *a, struct content_file *f, const struct lead *l)
{
	struct report *r = a->report;
	const struct dump *d = a->dump;
	size_t size = l->file.size < CONTENT_MAX ? (size_t)l->file.size : CONTENT_MAX, at = 0;
	uint64_t value = 0;

	if (!l->file.regular || size < SMALLEST)
		return;
	uint8_t *cached = arena_alloc(r->arena, size, 1), *copy = arena_alloc(r->arena, size, 1);
	if (!cached || !copy)
		return;
	f->inode_address = l->file.inode_address;
	size_t have = read_cached(d, f->inode_address, cached, size);
	bool sized, held = l->owner != NULL && f->owner;
	uint64_t buffer = private_copy(a, l, copy, size, &sized);
	bool same = buffer && have == size && memcmp(cached, copy, size) == 0;
	if (have)
		describe_bytes(a, f, cached, have, 0,
			       have == size ? "page cache" : "page cache, its first pages");
	if (buffer) {
		f->address = buffer;
		if (same)
			f->content_at = buffer;
		if (!have)
			describe_bytes(a, f, copy, size, buffer, "a copy in the kernel's memory");
		content_evidence(r, f, "content-bytes", 0.6, buffer,
				 same ? "the same object points at a copy of its content, byte for "
					"byte what the page cache has (%zu bytes, beginning %s)"
				      : "the same object has its exact size (%zu bytes) and points "
					"at a buffer of that size, beginning %s",
				 size, f->beginning);
		f->grade = held ? 'A' : f->grade;
	} else if (sized) {
		content_evidence(r, f, "size", 0.3, l->object,
				 "the same object has its exact size (%zu bytes)", size);
		f->grade = held && f->grade > 'B' ? 'B' : f->grade;
	}
	const uint8_t *bytes = buffer ? copy : cached;
	if ((buffer || have) && holds_pointer(a, bytes, buffer ? size : have, &value, &at)) {
		content_evidence(r, f, "pointer-in-content", 0.9, buffer,
				 "the value that was used as a pointer (0x%016" PRIx64
				 ") is in it, at offset %zu",
				 value, at);
		f->grade = 'A';
	}
}

/* A path that the module was handed says what the kernel's entries no longer do. */
static void complete_path(struct hunt *h, struct lead *l)
{
	if (!l->file.path || !strstr(l->file.path, "/?"))
		return;
	LIST_EACH(struct lead, p, &h->paths) {
		if (linux_completes(l->file.path, p->file.path)) {
			l->file.path = p->file.path;
			return;
		}
	}
}

static void report_lead(struct analysis *a, const struct lead *l)
{
	struct content_file *f = linux_content_file(a, &l->file);

	/* A register of the fault is what the code works on. The stack also has what earlier calls
	 * left there, and so has every object: it takes more to prove that this file was read. */
	bool live = l->owner && l->file.regular && l->reg >= 0 && !l->object;
	char grade = live && !l->file.executable ? 'A' : 'C';

	if (grade < f->grade)
		f->grade = grade;
	if (l->owner && l->file.regular && !l->file.executable && !f->type)
		f->owner = l->owner->name;
	content_evidence(a->report, f, "open-file", f->grade == 'A' ? 0.8 : 0.5, l->file.address,
			 "an open file: %s", way(a, l));
	look_at_content(a, f, l);
}

/* The register whose object the dump does not have, -1 if none. */
static int lost_register(struct analysis *a)
{
	const struct report *r = a->report;
	const struct registers *regs = &r->crash.context;
	uint64_t bad[BAD_POINTERS_MAX];
	unsigned count = bad_pointers(a, bad);

	for (int i = 0; r->crash.has_context && i < REGISTERS_MAX; i++) {
		uint64_t value = regs->r[i];
		bool faulted = false;
		for (unsigned k = 0; k < count; k++)
			faulted |= value == bad[k];
		if ((regs->known & (UINT32_C(1) << i)) && !faulted && value % 8 == 0 &&
		    dump_is_kernel_address(a->dump, value) && !space_has(a->dump->space, value))
			return i;
	}
	return -1;
}

/* The object that begins with the path: does it point at a buffer with the value that was used as a
 * pointer? */
static void look_beside_path(struct analysis *a, struct content_file *f, uint64_t object)
{
	const struct dump *d = a->dump;
	uint8_t bytes[BUFFER_BYTES];
	uint64_t word, value = 0;
	size_t at = 0;

	for (unsigned i = 0; object % 8 == 0 && i < OBJECT_WORDS; i++) {
		if (!read_pointer(d, object + 8 * (uint64_t)i, &word))
			return;
		if (word % 8 || !dump_is_kernel_address(d, word) || dump_module_at(d, word) ||
		    word - object < 8 * (uint64_t)OBJECT_WORDS)
			continue;
		size_t have = space_read_some(d->space, word, bytes, sizeof(bytes));
		if (!have || !holds_pointer(a, bytes, have, &value, &at))
			continue;
		content_evidence(a->report, f, "pointer-in-content", 0.9, word,
				 "the object that begins with this path points at a buffer (at "
				 "0x%016" PRIx64 ") with the value that was used as a pointer "
				 "(0x%016" PRIx64 "), at offset %zu",
				 word, value, at);
		f->grade = 'A';
		f->address = word;
		return;
	}
}

/* Only the path: where no object leads to the file. */
static void report_path(struct analysis *a, struct lead *l)
{
	struct report *r = a->report;
	uint64_t at = l->file.address;
	bool known = a->dump->ops->file_by_path &&
		     a->dump->ops->file_by_path(a->dump, l->file.path, &l->file);
	int lost = lost_register(a);

	if (known && (!l->file.regular || l->file.executable))
		return;
	struct content_file *f = linux_content_file(a, &l->file);
	f->grade = f->grade == 'D' ? 'C' : f->grade;
	f->passed = true;
	if (!f->type)
		f->owner = l->owner->name;
	content_evidence(r, f, "path", 0.5, at,
			 "its path was in the hands of %s: %s points at it (at 0x%016" PRIx64 ")",
			 l->owner->name, way_start(a, l), at);
	if (!known)
		content_evidence(r, f, "no-entry", -0.1, 0,
				 "no directory entry of it is left in the dump");
	if (lost >= 0)
		content_evidence(
			r, f, "object-lost", -0.1, r->crash.context.r[lost],
			"the dump has not the page that register %s points at (0x%016" PRIx64
			"): what could have proved it was left out when the dump was "
			"written",
			register_name(a->dump->arch, (unsigned)lost), r->crash.context.r[lost]);
	if (known)
		look_at_content(a, f, l);
	if (at < a->dump->stack_low || at - a->dump->stack_low >= a->dump->stack_size)
		look_beside_path(a, f, at);
}

static bool has_proven_file(const struct report *r)
{
	LIST_EACH(const struct content_file, f, &r->content_files) {
		if (f->grade <= 'B')
			return true;
	}
	return false;
}

static void report_open(struct analysis *a, const struct open_file *file)
{
	struct content_file *f = linux_content_file(a, file);
	bool consumed = f->type != NULL;

	if (f->grade == 'D' && consumed)
		f->grade = 'B';
	content_evidence(a->report, f, "descriptor", 0.2, file->address,
			 "process %s (%" PRIu64 ") has it open as descriptor %d",
			 file->task ? file->task : "?", file->pid, file->descriptor);
}

static struct error *run(struct analysis *a)
{
	struct hunt h = {.a = a};
	const struct dump *d = a->dump;

	if (!d->ops || !d->ops->open_file_at)
		return NULL;
	list_init(&h.leads, a->report->arena, sizeof(struct lead), 64);
	list_init(&h.paths, a->report->arena, sizeof(struct lead), 64);
	h.seen = arena_alloc(a->report->arena, OBJECTS_MAX, sizeof(*h.seen));
	if (!h.seen)
		return NULL;
	follow_all(&h);
	LIST_EACH(struct lead, l, &h.leads) {
		complete_path(&h, l);
		report_lead(a, l);
	}
	LIST_EACH(struct open_file, file, &d->open_files)
		report_open(a, file);
	if (!has_proven_file(a->report)) {
		LIST_EACH(struct lead, l, &h.paths)
			report_path(a, l);
	}
	linux_sort_files(&a->report->content_files);
	return NULL;
}

const struct analyzer analyzer_linux_content = {
	.id = "linux_content",
	.summary =
		"finds the open files that the fault leads to, and what is left of their content",
	.os = OS_LINUX,
	.run = run,
};
