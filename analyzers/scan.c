/* Which known content formats (or the person's own YARA rules) are in the dump's memory, and does
 * the crashing thread lead to them? */
#include "support.h"

#include "ceilings.h"
#include "reach.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <yara.h>

enum {
	GAP = 64, /* zeros between pieces that do not touch, so that no match joins them */
	SCAN_SECONDS = 5,
	SHOWN_BYTES = 16,
	NEAR = 1 << 20,     /* farther than this from the fault, distance says nothing */
	HEADER_SPAN = 4096, /* a pointer this far into a content file's bytes still leads to it */
};

/* The dump's memory in one buffer. libyara's conditions count offsets as signed numbers, and no
 * match crosses a block, so addresses are mapped back from offsets here (libraries.md 5). */
struct image {
	uint8_t *bytes;
	size_t size;
	struct place {
		uint64_t address, offset, size;
	} * places;
	size_t count;
};

static bool image_init(struct image *image, struct arena *arena, const struct space *space)
{
	const struct range *r;
	size_t n = space_ranges(space, &r), total = 0;

	for (size_t i = 0; i < n; i++)
		total += r[i].size + GAP;
	*image = (struct image){.bytes = calloc(1, total + 1),
				.places = arena_alloc(arena, n + 1, sizeof(struct place))};
	if (!image->bytes || !image->places) {
		free(image->bytes);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		struct place *last = image->count ? &image->places[image->count - 1] : NULL;
		if (last && last->address + last->size == r[i].address) {
			last->size += r[i].size;
		} else {
			image->size += image->count ? GAP : 0;
			image->places[image->count++] =
				(struct place){r[i].address, image->size, r[i].size};
		}
		memcpy(image->bytes + image->size, r[i].data, r[i].size);
		image->size += r[i].size;
	}
	return true;
}

static const struct place *image_place(const struct image *image, uint64_t offset)
{
	size_t low = 0, high = image->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct place *p = &image->places[mid];
		if (offset < p->offset)
			high = mid;
		else if (offset - p->offset >= p->size)
			low = mid + 1;
		else
			return p;
	}
	return NULL;
}

struct scan {
	struct analysis *a;
	const struct image *image;
	const struct reach_map *map;
};

static const char *hex(struct arena *arena, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(arena, size + 1, 2);

	for (size_t i = 0; text && i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return text;
}

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

__attribute__((no_sanitize("alignment"))) static void
record(const struct scan *s, const YR_RULE *rule, const char *type, const char *owner,
       const YR_STRING *string, const YR_MATCH *match)
{
	struct report *r = s->a->report;
	struct arena *arena = r->arena;
	const struct place *place = image_place(s->image, (uint64_t)match->offset);

	if (!place ||
	    (uint64_t)match->offset + (uint64_t)match->match_length > place->offset + place->size)
		return;
	struct hit *hit = list_add(&r->hits);
	size_t shown = (size_t)match->match_length < SHOWN_BYTES ? (size_t)match->match_length
								 : SHOWN_BYTES;
	*hit = (struct hit){
		.rule = text_from_bytes(arena, rule->identifier, strlen(rule->identifier)),
		.string = text_from_bytes(arena, string->identifier, strlen(string->identifier)),
		.type = type,
		.owner = owner,
		.address = place->address + ((uint64_t)match->offset - place->offset),
		.length = (unsigned)match->match_length,
		.bytes = hex(arena, s->image->bytes + match->offset, shown),
		.distance = UINT64_MAX,
	};
	if (r->crash.has_address)
		hit->distance = hit->address > r->crash.address ? hit->address - r->crash.address
								: r->crash.address - hit->address;
	uint64_t left = place->address + place->size - hit->address;
	struct reach reach =
		reach_find(s->map, hit->address, left < HEADER_SPAN ? left : HEADER_SPAN);
	hit->near = near_words(s, hit, &reach);
	/* Formats without an owner (a PE image) are worth listing, but nobody's content. */
	if (type && owner && *owner)
		link_content(s, hit, &reach);
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

static struct error *run(struct analysis *a)
{
	YR_RULES *rules = knowledge_yara(a->knowledge);
	struct image image;
	YR_SCANNER *scanner;

	if (!rules || !a->dump->ops || !image_init(&image, a->report->arena, a->dump->space))
		return NULL;
	struct scan scan = {a, &image, reach_map(a)};
	if (image.size && scan.map && yr_scanner_create(rules, &scanner) == ERROR_SUCCESS) {
		/* Without the flag libyara takes over the process's signal handlers. */
		yr_scanner_set_flags(scanner, SCAN_FLAGS_NO_TRYCATCH);
		yr_scanner_set_timeout(scanner, SCAN_SECONDS);
		yr_scanner_set_callback(scanner, matched, &scan);
		int status = yr_scanner_scan_mem(scanner, image.bytes, image.size);
		if (status == ERROR_SCAN_TIMEOUT)
			report_finding(
				a->report, "warning", "scan-timeout", NULL,
				"the YARA rules needed more than %d seconds for this dump and were "
				"stopped: their hits are incomplete",
				SCAN_SECONDS);
		yr_scanner_destroy(scanner);
	}
	free(image.bytes);
	return NULL;
}

const struct analyzer analyzer_scan = {
	.id = "scan",
	.summary = "searches the memory for the formats of known content files",
	.run = run,
};
