/* Which known content formats (or the person's own YARA rules) are in the dump's memory, and does
 * the crashing thread lead to them? */
#include "support.h"

#include "ceilings.h"
#include "reach.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>
#include <yara.h>

enum {
	SCAN_SECONDS = 5,
	SHOWN_BYTES = 16,
	NEAR = 1 << 20,     /* farther than this from the fault, distance says nothing */
	HEADER_SPAN = 4096, /* a pointer this far into a content file's bytes still leads to it */
};

struct scan {
	struct analysis *a;
	/* libyara counts offsets as signed numbers and finds no match across two blocks: it gets
	 * all memory in one buffer, and addresses are mapped back here (libraries.md 5). */
	const uint8_t *image;
	size_t size;
	const struct range *runs;
	size_t run_count;
	const struct reach_map *map;
};

/* The run that holds @p offset of the image, NULL if a gap does. */
static const struct range *run_at(const struct scan *s, uint64_t offset)
{
	size_t low = 0, high = s->run_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		uint64_t start = (uint64_t)(s->runs[mid].data - s->image);
		if (offset < start)
			high = mid;
		else if (offset - start >= s->runs[mid].size)
			low = mid + 1;
		else
			return &s->runs[mid];
	}
	return NULL;
}

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
	const struct range *run = run_at(s, (uint64_t)match->offset);

	if (!run)
		return;
	uint64_t at = (uint64_t)match->offset - (uint64_t)(run->data - s->image);
	if ((uint64_t)match->match_length > run->size - at)
		return;
	struct hit *hit = list_add(&r->hits);
	size_t shown = (size_t)match->match_length < SHOWN_BYTES ? (size_t)match->match_length
								 : SHOWN_BYTES;
	*hit = (struct hit){
		.rule = text_from_bytes(arena, rule->identifier, strlen(rule->identifier)),
		.string = text_from_bytes(arena, string->identifier, strlen(string->identifier)),
		.type = type,
		.owner = owner,
		.address = run->address + at,
		.length = (unsigned)match->match_length,
		.bytes = hex(arena, s->image + match->offset, shown),
		.distance = UINT64_MAX,
	};
	if (r->crash.has_address)
		hit->distance = hit->address > r->crash.address ? hit->address - r->crash.address
								: r->crash.address - hit->address;
	uint64_t left = run->size - at;
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
	YR_SCANNER *scanner;

	if (!rules || !a->dump->ops)
		return NULL;
	struct scan scan = {.a = a, .map = reach_map(a)};
	scan.run_count = space_runs(a->dump->space, &scan.runs);
	scan.image = space_image(a->dump->space, &scan.size);
	if (scan.image && scan.map && yr_scanner_create(rules, &scanner) == ERROR_SUCCESS) {
		/* Without the flag libyara takes over the process's signal handlers. */
		yr_scanner_set_flags(scanner, SCAN_FLAGS_NO_TRYCATCH);
		yr_scanner_set_timeout(scanner, SCAN_SECONDS);
		yr_scanner_set_callback(scanner, matched, &scan);
		int status = yr_scanner_scan_mem(scanner, scan.image, scan.size);
		if (status == ERROR_SCAN_TIMEOUT)
			report_finding(
				a->report, "warning", "scan-timeout", NULL,
				"the YARA rules needed more than %d seconds for this dump and were "
				"stopped: their hits are incomplete",
				SCAN_SECONDS);
		yr_scanner_destroy(scanner);
	}
	return NULL;
}

const struct analyzer analyzer_scan = {
	.id = "scan",
	.summary = "searches the memory for the formats of known content files",
	.run = run,
};
