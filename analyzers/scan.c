/* Which known content formats (or the person's own YARA rules) are in the dump's memory, and does
 * the fault lead to them?
 *
 * A small dump is searched whole. Of a vmcore only the bytes of content files and the memory that
 * the fault leads to, unless the person asks for all of it. */
#include "support.h"

#include "ceilings.h"
#include "linux_places.h"
#include "linux_recognize.h"
#include "linux_support.h"
#include "page_walk.h"
#include "reach.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>
#include <yara.h>

enum {
	SCAN_SECONDS = 5,
	WALK_SECONDS = 40, /* of all memory, LIMIT_SCAN_CPU_SECONDS being what there is */
	WALK_MOST_SECONDS = 50,
	SHOWN_BYTES = 16,
	NEAR = 1 << 20,     /* farther than this from the fault, distance says nothing */
	HEADER_SPAN = 4096, /* a pointer this far into a content file's bytes still leads to it */
};

/* Where a match is. */
struct place {
	uint64_t address, physical; /* 0 unknown */
	uint64_t left;              /* how many bytes go on from there */
};

/* One search: libyara sees a row of bytes and counts from 0. */
struct scan {
	struct analysis *a;
	YR_RULES *rules;
	const struct reach_map *map;
	/* What is at @p offset of that row; false: a gap. */
	bool (*place)(const struct scan *s, uint64_t offset, struct place *ret);
	struct space *space;
	struct content_file *file;
	struct page_walk *walk;
	bool timed_out;
};

/* ---- where a match is ---- */

static bool place_in_space(const struct scan *s, uint64_t offset, struct place *ret)
{
	const struct range *runs;
	size_t low = 0, high = space_runs(s->space, &runs);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		uint64_t start = (uint64_t)(runs[mid].data - runs[0].data);
		if (offset < start) {
			high = mid;
		} else if (offset - start >= runs[mid].size) {
			low = mid + 1;
		} else {
			ret->address = runs[mid].address + (offset - start);
			ret->left = runs[mid].size - (offset - start);
			return true;
		}
	}
	return false;
}

static bool place_in_file(const struct scan *s, uint64_t offset, struct place *ret)
{
	const struct content_file *f = s->file;

	if (offset >= f->content_size)
		return false;
	ret->address = f->content_at
			       ? f->content_at + offset
			       : s->a->dump->ops->cached_at(s->a->dump, f->inode_address, offset);
	ret->left = f->content_size - offset;
	return true;
}

static bool place_in_walk(const struct scan *s, uint64_t offset, struct place *ret)
{
	const struct dump_ops *ops = s->a->dump->ops;
	uint8_t byte;

	/* A page that could not be read is zeros to libyara. */
	if (!page_walk_place(s->walk, offset, &ret->physical, &ret->left) ||
	    !ops->read_physical(s->a->dump, ret->physical, &byte, 1))
		return false;
	ret->address = ops->address_of(s->a->dump, ret->physical);
	return true;
}

/* ---- what is said of it ---- */

/* Whose memory it is, or how far from the fault. */
static const char *near_words(const struct scan *s, const struct hit *hit,
			      const struct reach *reach)
{
	struct arena *arena = s->a->report->arena;
	const struct report *r = s->a->report;
	const struct module *m = module_of(s->a->dump, hit->address, NULL);

	if (m)
		return report_where(s->a->report, s->a->dump, hit->address);
	if (reach->kind != REACH_NONE)
		return reach_words(s->a, reach);
	if (hit->distance < NEAR)
		return arena_printf(arena, "0x%" PRIx64 " %s the address that faulted",
				    hit->distance,
				    hit->address > r->crash.address ? "above" : "below");
	const struct range *range = space_find(s->a->dump->space, hit->address);
	return range && range->kind == PIECE_STACK ? "on the crashing thread's stack" : NULL;
}

/* Whose memory it is, and how the fault leads there. */
static const char *linux_words(const struct scan *s, const struct place *place,
			       const struct reach *reach)
{
	const char *whose = place->address ? linux_whose(s->a, place->address) : NULL;

	if (!place->address && place->physical)
		return arena_printf(s->a->report->arena, "physical address 0x%" PRIx64,
				    place->physical);
	if (reach->kind <= REACH_BYSTANDER)
		return whose;
	return arena_printf(s->a->report->arena, "%s%s%s", whose ? whose : "", whose ? "; " : "",
			    reach_words(s->a, reach));
}

static struct content_file *content_of_type(struct analysis *a, const char *type, const char *owner)
{
	struct report *r = a->report;

	LIST_EACH(struct content_file, f, &r->content_files) {
		if (f->type &&
		    (!strcmp(f->type, type) || (owner && f->owner && !strcmp(f->owner, owner))))
			return f;
	}
	struct content_file *f = list_add(&r->content_files);
	*f = (struct content_file){.grade = 'D', .type = type, .owner = owner};
	list_init(&f->evidence, r->arena, sizeof(struct reason), 64);
	return f;
}

/* The header of a known content format: its bytes are as good as its name. */
static void link_content(const struct scan *s, const struct hit *hit, const struct reach *reach)
{
	struct content_file *f = content_of_type(s->a, hit->type, hit->owner);
	char g = reach->kind >= REACH_STACK ? 'A' : reach->kind == REACH_INDIRECT ? 'B' : 'D';

	if (g < f->grade)
		f->grade = g;
	if (!f->address)
		f->address = hit->address;
	content_evidence(s->a->report, f, "content-bytes",
			 g == 'A'   ? 0.8
			 : g == 'B' ? 0.6
				    : 0.2,
			 hit->address, "the header of such a file is in memory (%s): %s", hit->rule,
			 reach_words(s->a, reach));
}

static bool is_listed(const struct report *r, const struct hit *hit)
{
	LIST_EACH(struct hit, h, &r->hits) {
		if (h->address == hit->address && !strcmp(h->rule, hit->rule) &&
		    !strcmp(h->string, hit->string))
			return true;
	}
	return false;
}

/* What a hit says about content files. Formats without an owner (a PE image) are worth listing, but
 * nobody's content. */
static void link_hit(const struct scan *s, const struct hit *hit, const struct reach *reach)
{
	if (!hit->type || !hit->owner || !*hit->owner)
		return;
	if (s->a->dump->os == OS_WINDOWS)
		link_content(s, hit, reach);
	else if (!s->walk)
		linux_recognize(s->a, s->file, hit, reach);
}

__attribute__((no_sanitize("alignment"))) static void
record(const struct scan *s, const YR_RULE *rule, const char *type, const char *owner,
       const YR_STRING *string, const YR_MATCH *match)
{
	struct report *r = s->a->report;
	struct arena *arena = r->arena;
	bool is_linux = s->a->dump->os == OS_LINUX;
	struct place place = {0};

	if (!s->place(s, (uint64_t)(match->base + match->offset), &place) ||
	    (uint64_t)match->match_length > place.left)
		return;
	uint64_t address = place.address;
	size_t shown =
		(size_t)match->data_length < SHOWN_BYTES ? (size_t)match->data_length : SHOWN_BYTES;
	struct hit hit = {
		.rule = text_from_bytes(arena, rule->identifier, strlen(rule->identifier)),
		.string = text_from_bytes(arena, string->identifier, strlen(string->identifier)),
		.type = type,
		.owner = owner,
		.address = address,
		.length = (unsigned)match->match_length,
		.bytes = hex_text(arena, match->data, shown),
		.distance = UINT64_MAX,
	};
	/* The copy of a content file may be among what the fault leads to. */
	if (is_linux && !s->walk && is_listed(r, &hit))
		return;
	if (r->crash.has_address && address)
		hit.distance = address > r->crash.address ? address - r->crash.address
							  : r->crash.address - address;
	uint64_t span = place.left < HEADER_SPAN ? place.left : HEADER_SPAN;
	if (is_linux)
		span = linux_extent(s->a, address, span);
	struct reach reach = reach_find(s->map, address, span);
	hit.near = is_linux ? linux_words(s, &place, &reach) : near_words(s, &hit, &reach);
	*(struct hit *)list_add(&r->hits) = hit;
	link_hit(s, &hit, &reach);
}

static const char *meta_text(struct arena *arena, const YR_RULE *rule, const char *name)
{
	const YR_META *meta;

	yr_rule_metas_foreach(rule, meta) {
		if (meta->type == META_TYPE_STRING && strcmp(meta->identifier, name) == 0)
			return text_from_bytes(arena, meta->string, strlen(meta->string));
	}
	return NULL;
}

/* libyara keeps its matches unaligned, which x86 and ARM64 allow and UBSan does not. */
__attribute__((no_sanitize("alignment"))) static int matched(YR_SCAN_CONTEXT *context, int message,
							     void *data, void *user)
{
	const struct scan *s = user;
	YR_RULE *rule = data;
	YR_STRING *string;
	YR_MATCH *match;

	if (message == CALLBACK_MSG_TOO_MANY_MATCHES)
		return CALLBACK_CONTINUE;
	if (message != CALLBACK_MSG_RULE_MATCHING)
		return CALLBACK_CONTINUE;
	const char *type = meta_text(s->a->report->arena, rule, "type");
	const char *owner = meta_text(s->a->report->arena, rule, "owner");
	yr_rule_strings_foreach(rule, string) {
		yr_string_matches_foreach(context, string, match) {
			if (s->a->report->hits.overflowed)
				return CALLBACK_ABORT;
			record(s, rule, type, owner, string, match);
		}
	}
	return CALLBACK_CONTINUE;
}

/* ---- the searches ---- */

static YR_SCANNER *scanner_create(struct scan *s, int seconds)
{
	YR_SCANNER *scanner;

	if (yr_scanner_create(s->rules, &scanner) != ERROR_SUCCESS)
		return NULL;
	/* Without the flag libyara takes over the process's signal handlers. */
	yr_scanner_set_flags(scanner, SCAN_FLAGS_NO_TRYCATCH);
	yr_scanner_set_timeout(scanner, seconds);
	yr_scanner_set_callback(scanner, matched, s);
	return scanner;
}

static void tell_limits(const struct scan *s)
{
	struct analysis *a = s->a;

	/* libyara evaluates the rules when it has seen all: one that was stopped found nothing. */
	if (s->timed_out)
		report_finding(a->report, "warning", "scan-timeout", NULL,
			       "the YARA rules needed more than %d seconds for this dump and were "
			       "stopped: what they would have found is not known",
			       s->walk ? WALK_MOST_SECONDS : SCAN_SECONDS);
	if (a->report->hits.overflowed)
		report_finding(a->report, "warning", "scan-limit", NULL,
			       "the rules match more often than %d times: the rest is not listed",
			       LIMIT_HITS);
}

static void search_bytes(struct scan *s, const uint8_t *bytes, size_t size)
{
	YR_SCANNER *scanner = bytes ? scanner_create(s, SCAN_SECONDS) : NULL;

	if (!scanner)
		return;
	s->timed_out |= yr_scanner_scan_mem(scanner, bytes, size) == ERROR_SCAN_TIMEOUT;
	yr_scanner_destroy(scanner);
}

static void search_space(struct scan *s, struct space *space)
{
	size_t size;
	const uint8_t *image = space_image(space, &size);

	s->space = space;
	s->place = place_in_space;
	search_bytes(s, image, size);
}

/* Each file by itself: a rule may say where in it something stands. */
static void search_files(struct scan *s)
{
	struct list *files = &s->a->report->content_files;
	size_t count = files->count;

	s->place = place_in_file;
	for (size_t i = 0; i < count; i++) {
		s->file = list_at(files, i);
		if (s->file->content)
			search_bytes(s, s->file->content, s->file->content_size);
	}
	s->file = NULL;
}

static void search_everything(struct scan *s)
{
	struct analysis *a = s->a;
	uint64_t done, all;

	s->walk = page_walk_create(a->dump, a->report->arena, WALK_SECONDS, WALK_MOST_SECONDS);
	s->place = place_in_walk;
	YR_SCANNER *scanner = s->walk ? scanner_create(s, WALK_MOST_SECONDS) : NULL;
	if (!scanner)
		return;
	s->timed_out = yr_scanner_scan_mem_blocks(scanner, page_walk_iterator(s->walk)) ==
		       ERROR_SCAN_TIMEOUT;
	yr_scanner_destroy(scanner);
	page_walk_progress(s->walk, &done, &all);
	if (done < all || all == 0)
		report_finding(a->report, "warning", "scan-incomplete", NULL,
			       "only the first %" PRIu64 " of %" PRIu64
			       " MiB of memory in the dump were searched: a search may take %d "
			       "seconds",
			       done >> 20, all >> 20, WALK_SECONDS);
}

static struct error *run(struct analysis *a)
{
	struct scan scan = {.a = a, .rules = knowledge_yara(a->knowledge)};

	if (!scan.rules || !a->dump->ops || !(scan.map = reach_map(a)))
		return NULL;
	if (a->dump->os == OS_WINDOWS) {
		search_space(&scan, a->dump->space);
	} else if (a->want & WANT_SCAN) {
		if (a->dump->ops->next_memory)
			search_everything(&scan);
	} else {
		struct space *reached = linux_reached(a, scan.map);
		search_files(&scan);
		if (reached) {
			search_space(&scan, reached);
			linux_find_content(a, scan.map, reached);
		}
		linux_sort_files(&a->report->content_files);
	}
	tell_limits(&scan);
	return NULL;
}

const struct analyzer analyzer_scan = {
	.id = "scan",
	.summary = "searches the memory for the formats of known content files",
	.run = run,
};
