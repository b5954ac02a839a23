#include "diskdump_split.h"

#include "ceilings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PROBLEMS_MAX = 256, COMPARE_CHUNK = 4096, GAPS_NAMED = 4 };

static int by_frames(const void *a, const void *b)
{
	const struct diskdump_facts *x = &((const struct diskdump_part *)a)->facts,
				    *y = &((const struct diskdump_part *)b)->facts;

	if (x->start_pfn != y->start_pfn)
		return x->start_pfn < y->start_pfn ? -1 : 1;
	/* A part for which nothing was left begins where another one does. */
	return x->end_pfn < y->end_pfn ? -1 : x->end_pfn > y->end_pfn;
}

/* ---- are they of one vmcore? --------------------------------------------------------------- */

static bool same_bytes(const struct diskdump_part *a, uint64_t a_at, const struct diskdump_part *b,
		       uint64_t b_at, uint64_t size)
{
	uint8_t x[COMPARE_CHUNK], y[COMPARE_CHUNK];

	for (uint64_t done = 0; done < size;) {
		size_t n = size - done < sizeof(x) ? (size_t)(size - done) : sizeof(x);
		if (!reader_exact(&a->file, a_at + done, x, n) ||
		    !reader_exact(&b->file, b_at + done, y, n) || memcmp(x, y, n) != 0)
			return false;
		done += n;
	}
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* What shows that @p b was not written together with @p a, NULL if nothing does. VMCOREINFO has the
 * second of the crash and where that kernel lay in memory, the notes the processors' registers.
 * That they lie at the same place too is what libkdumpfile takes for granted. */
static const char *difference(const struct diskdump_part *a, const struct diskdump_part *b)
{
	const struct diskdump_facts *x = &a->facts, *y = &b->facts;

	if (x->arch != y->arch)
		return "the machine";
	if (!same_text(x->release, y->release) || !same_text(x->version, y->version))
		return "the release of the kernel";
	if (!same_text(x->node, y->node))
		return "the name of the host";
	if (x->header_version != y->header_version)
		return "the version of the header";
	if (x->block_size != y->block_size)
		return "the size of a page";
	if (x->max_mapnr != y->max_mapnr)
		return "the amount of memory";
	if (x->vmcoreinfo_size != y->vmcoreinfo_size ||
	    !same_bytes(a, x->vmcoreinfo_offset, b, y->vmcoreinfo_offset, x->vmcoreinfo_size))
		return "the VMCOREINFO (the time of the crash is in it)";
	if (x->notes_offset != y->notes_offset || x->notes_size != y->notes_size ||
	    !same_bytes(a, x->notes_offset, b, y->notes_offset, x->notes_size))
		return "the registers of the processors";
	return NULL;
}

static struct error *check_kinship(const struct diskdump_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!parts[i].facts.split)
			return error_create(ERROR_USAGE,
					    "%s is a whole vmcore, not a part of one written with "
					    "--split",
					    parts[i].name);
	for (size_t i = 1; i < count; i++) {
		const char *what = difference(&parts[0], &parts[i]);
		if (what)
			return error_create(
				ERROR_USAGE,
				"%s and %s are not parts of the same vmcore: %s differs",
				parts[0].name, parts[i].name, what);
	}
	return NULL;
}

static struct error *check_overlap(const struct diskdump_part *a, const struct diskdump_part *b)
{
	const struct diskdump_facts *x = &a->facts, *y = &b->facts;

	if (x->start_pfn == y->start_pfn && x->end_pfn == y->end_pfn)
		return error_create(ERROR_USAGE,
				    "%s and %s are the same part: page frames 0x%" PRIx64
				    " to 0x%" PRIx64,
				    a->name, b->name, x->start_pfn, x->end_pfn);
	return error_create(ERROR_USAGE,
			    "%s and %s overlap: both have page frame 0x%" PRIx64
			    ", so that they are not parts of one vmcore",
			    a->name, b->name, y->start_pfn);
}

/* ---- what they have, and what not ---------------------------------------------------------- */

static struct error *find_gaps(const struct diskdump_part *parts, size_t count,
			       struct diskdump_whole *w)
{
	const struct diskdump_part *last = NULL;
	uint64_t next = 0;

	for (size_t i = 0; i < count; i++) {
		const struct diskdump_facts *f = &parts[i].facts;
		if (f->start_pfn == f->end_pfn)
			continue;
		if (last && f->start_pfn < next)
			return check_overlap(last, &parts[i]);
		if (f->start_pfn > next)
			*(struct frame_range *)list_add(&w->gaps) =
				(struct frame_range){next, f->start_pfn};
		next = f->end_pfn;
		last = &parts[i];
	}
	if (next < w->facts.max_mapnr)
		*(struct frame_range *)list_add(&w->gaps) =
			(struct frame_range){next, w->facts.max_mapnr};
	return NULL;
}

static const char *gaps_in_words(const struct list *gaps, struct arena *arena)
{
	const char *text = "";

	for (size_t i = 0; i < gaps->count && i < GAPS_NAMED; i++) {
		const struct frame_range *gap = list_at(gaps, i);
		text = arena_printf(arena, "%s%s0x%" PRIx64 " to 0x%" PRIx64, text, i ? ", " : "",
				    gap->from, gap->to);
	}
	if (gaps->count > GAPS_NAMED)
		text = arena_printf(arena, "%s and %zu more ranges", text,
				    gaps->count - GAPS_NAMED);
	return text;
}

static void tell_gaps(struct diskdump_whole *w, size_t count, struct arena *arena)
{
	const char *where = gaps_in_words(&w->gaps, arena);
	struct problem *p;

	if (!w->gaps.count)
		return;
	p = list_add(&w->facts.problems);
	p->code = count == 1 ? "split" : "split-missing";
	if (count == 1)
		p->message = arena_printf(
			arena,
			"this is one part of a vmcore written with --split, without the memory of "
			"page frames %s: give all its parts together with --split",
			where);
	else
		p->message =
			arena_printf(arena,
				     "page frames %s are in none of the %zu parts: a part of this "
				     "vmcore is not among them",
				     where, count);
}

static void add_up(const struct diskdump_part *parts, size_t count, struct diskdump_whole *w,
		   struct arena *arena)
{
	struct diskdump_facts *f = &w->facts;

	list_init(&f->problems, arena, sizeof(struct problem), PROBLEMS_MAX);
	f->pages = f->pages_missing = 0;
	f->incomplete = false;
	for (size_t i = 0; i < count; i++) {
		f->pages += parts[i].facts.pages;
		f->pages_missing += parts[i].facts.pages_missing;
		f->incomplete = f->incomplete || parts[i].facts.incomplete;
		LIST_EACH(struct problem, p, &parts[i].facts.problems) {
			struct problem *q = list_add(&f->problems);
			*q = *p;
			if (count > 1)
				q->message =
					arena_printf(arena, "%s: %s", parts[i].name, p->message);
		}
	}
}

struct error *diskdump_join(struct diskdump_part *parts, size_t count, struct arena *arena,
			    struct diskdump_whole *ret)
{
	struct diskdump_whole whole = {0};
	struct error *err = count > 1 ? check_kinship(parts, count) : NULL;

	if (err)
		return err;
	if (parts[0].facts.split)
		qsort(parts, count, sizeof(*parts), by_frames);
	whole.facts = parts[0].facts;
	list_init(&whole.gaps, arena, sizeof(struct frame_range), LIMIT_PARTS + 1);
	add_up(parts, count, &whole, arena);
	if (whole.facts.split)
		err = find_gaps(parts, count, &whole);
	if (err)
		return err;
	tell_gaps(&whole, count, arena);
	if (arena_failed(arena))
		return error_create(ERROR_NOMEM, "no memory to join the parts of a vmcore");
	*ret = whole;
	return NULL;
}
