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
	DATA_MAX = 1 << 20,    /* bytes of one module's data that are looked at */
	OBJECT_BYTES = 512,    /* of an object that the data points to */
	BUFFER_BYTES = 4096,   /* of a buffer that such an object points to */
	FOLLOWED_MAX = 20000,  /* pointers, all modules together */
	WORDS_ON = 32,         /* pointers of an object that are followed further */
};

static const double WEIGHT_BYTES_OWNED = 0.7;

struct search {
	struct analysis *a;
	uint64_t pattern;
	unsigned followed;
	/* what was found */
	uint64_t global, object, buffer; /* the way: object and buffer may be 0 */
	uint64_t at;
};

static bool is_heap(const struct dump *d, uint64_t value)
{
	return value % 8 == 0 && dump_is_kernel_address(d, value) && !dump_module_at(d, value) &&
	       space_has(d->space, value);
}

/* Where the pattern is in [address, address + size), 0 if nowhere. */
static uint64_t find_in(const struct search *s, uint64_t address, size_t size)
{
	uint8_t bytes[BUFFER_BYTES];
	size_t have = space_read_some(s->a->dump->space, address, bytes,
				      size < sizeof(bytes) ? size : sizeof(bytes));

	for (size_t i = 0; i + 8 <= have; i++)
		if (linux_word(bytes + i) == s->pattern)
			return address + i;
	return 0;
}

static bool search_object(struct search *s, uint64_t object)
{
	const struct dump *d = s->a->dump;
	uint64_t word;

	s->object = object;
	s->buffer = 0;
	if ((s->at = find_in(s, object, OBJECT_BYTES)))
		return true;
	for (unsigned i = 0; i < WORDS_ON && s->followed < FOLLOWED_MAX; i++) {
		if (!read_pointer(d, object + 8 * (uint64_t)i, &word))
			break;
		if (!is_heap(d, word))
			continue;
		s->followed++;
		s->buffer = word;
		if ((s->at = find_in(s, word, BUFFER_BYTES)))
			return true;
	}
	return false;
}

static bool search_module(struct search *s, const struct module *m)
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
			if (search_object(s, word))
				return true;
		}
	}
	return false;
}

/* The file that belongs to the object through which the bytes were found. */
static void tie_file(const struct search *s, const struct module *m)
{
	struct analysis *a = s->a;
	const struct dump *d = a->dump;
	struct open_file file;
	uint64_t word;

	for (unsigned i = 0; i < WORDS_ON && d->ops->open_file_at; i++) {
		if (!read_pointer(d, s->object + 8 * (uint64_t)i, &word))
			return;
		if (!dump_is_kernel_address(d, word) ||
		    !d->ops->open_file_at(d, a->report->arena, word, &file) || !file.regular)
			continue;
		struct content_file *f = linux_content_file(a, &file);
		if (f->grade > 'B')
			f->grade = 'B';
		if (!f->type)
			f->owner = m->name;
		f->address = s->buffer ? s->buffer : s->object;
		content_evidence(a->report, f, "pointer-in-content", 0.8, s->at,
				 "its content in %s's memory holds the bytes that overwrote the "
				 "pointer (at 0x%016" PRIx64 ")",
				 m->name, s->at);
		return;
	}
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
	suspect_evidence(a->report, suspect, "bytes-owned", WEIGHT_BYTES_OWNED, s->at,
			 "the pointer that faulted was overwritten with \"%s\", and these bytes are "
			 "in memory that this module keeps (%s)",
			 text, way);
	tie_file(s, m);
}

static void look_for(struct analysis *a, uint64_t pattern, const char *text)
{
	struct search s = {.a = a, .pattern = pattern};

	LIST_EACH(struct module, m, &a->dump->modules)
	{
		if (m->kind == MODULE_DRIVER && may_be_culprit(a, m, NULL) && search_module(&s, m))
			accuse(&s, m, text);
	}
}

static struct error *run(struct analysis *a)
{
	uint64_t values[BAD_VALUES_MAX];
	unsigned count = linux_bad_values(a, values);
	char text[9];

	for (unsigned i = 0; i < count; i++) {
		if (linux_is_text(values[i], text)) {
			report_finding(a->report, "info", "text-as-pointer", NULL,
				       "the pointer that faulted is text: \"%s\"", text);
			look_for(a, values[i], text);
			linux_sort_files(&a->report->content_files);
			break;
		}
	}
	return NULL;
}

const struct analyzer analyzer_linux_overrun = {
	.id = "linux_overrun",
	.summary = "looks for whose bytes overwrote the pointer that faulted",
	.os = OS_LINUX,
	.run = run,
};
