#include "linux_recognize.h"

#include "linux_places.h"
#include "linux_support.h"
#include "support.h"

#include <inttypes.h>
#include <string.h>

enum {
	SAME_BYTES = 64,      /* of a buffer that is held to be a file's content */
	SAME_BYTES_MIN = 16,  /* and the least that proves anything */
	BEGINNING_MAX = 1024, /* of a file's content that is looked for */
	SPAN = 4096,          /* a pointer this far into a content file's bytes still leads to it */
};

static char grade_of(const struct reach *reach)
{
	return reach->kind >= REACH_STACK ? 'A' : reach->kind == REACH_INDIRECT ? 'B' : 'D';
}

static double weight_of(char grade)
{
	return grade == 'A' ? 0.6 : grade == 'B' ? 0.4 : 0.2;
}

/* The file whose content has the bytes at @p address too. */
static struct content_file *file_with(const struct analysis *a, uint64_t address)
{
	uint8_t bytes[SAME_BYTES];
	size_t have = space_read_some(a->dump->space, address, bytes, sizeof(bytes));

	LIST_EACH(struct content_file, f, &a->report->content_files) {
		if (have >= SAME_BYTES_MIN && f->content &&
		    memmem(f->content, f->content_size, bytes, have))
			return f;
	}
	return NULL;
}

/* The entry of a file of which nothing is known but its format. */
static struct content_file *nameless(struct analysis *a, const struct content_type *type,
				     uint64_t address)
{
	struct report *r = a->report;

	LIST_EACH(struct content_file, f, &r->content_files) {
		if (!f->path && f->type && !strcmp(f->type, type->id))
			return f;
	}
	struct content_file *f = list_add(&r->content_files);
	*f = (struct content_file){.grade = 'D', .address = address};
	list_init(&f->evidence, r->arena, sizeof(struct reason), 64);
	return f;
}

void linux_recognize(struct analysis *a, struct content_file *file, const struct hit *hit,
		     const struct reach *reach)
{
	const struct content_type *type =
		knowledge_content_type_on(a->knowledge, hit->type, "linux");
	struct content_file *f = file;
	char grade = grade_of(reach);

	if (!type) /* a format of another system, which no file here can be of */
		return;
	if (!f)
		f = file_with(a, hit->address);
	if (!f)
		f = nameless(a, type, hit->address);
	if (f->recognised_by && f->recognised_grade <= grade)
		return; /* nothing new, though there may be thousands of hits */
	f->recognised_by = hit->rule;
	f->recognised_grade = grade;
	if (grade < f->grade)
		f->grade = grade;
	if (!f->type) {
		f->type = type->id;
		f->vendor = type->vendor;
		/* The module whose frame held the file says more than what usually reads such. */
		if (!f->owner)
			f->owner = type->owners;
	}
	/* What leads to the file itself is said already. */
	bool led = !file || reach->kind > REACH_BYSTANDER;
	content_evidence(a->report, f, "content-bytes", weight_of(grade), hit->address,
			 "%s what marks files of type %s (rule %s)%s%s",
			 file ? "its content has" : "there is in memory", type->id, hit->rule,
			 led ? ": " : "", led ? reach_words(a, reach) : "");
}

static bool is_plain(const uint8_t *bytes, size_t size)
{
	return size == 0 || memcmp(bytes, bytes + 1, size - 1) == 0;
}

static void found_beginning(struct analysis *a, const struct reach_map *map, struct content_file *f,
			    uint64_t address, size_t size)
{
	struct reach reach = reach_find(map, address, linux_extent(a, address, SPAN));
	char grade = grade_of(&reach);

	if (grade == 'D')
		return;
	LIST_EACH(struct reason, e, &f->evidence) {
		if (e->address == address && !strcmp(e->kind, "content-bytes"))
			return;
	}
	if (grade < f->grade)
		f->grade = grade;
	content_evidence(a->report, f, "content-bytes", weight_of(grade), address,
			 "its first %zu bytes are in memory (at 0x%016" PRIx64 "): %s", size,
			 address, reach_words(a, &reach));
}

void linux_find_content(struct analysis *a, const struct reach_map *map, struct space *space)
{
	const struct range *runs;
	size_t count = space_runs(space, &runs);

	LIST_EACH(struct content_file, f, &a->report->content_files) {
		size_t size = f->content_size < BEGINNING_MAX ? f->content_size : BEGINNING_MAX;
		if (size < SAME_BYTES || is_plain(f->content, size))
			continue;
		for (size_t i = 0; i < count; i++) {
			const uint8_t *at = memmem(runs[i].data, runs[i].size, f->content, size);
			if (at)
				found_beginning(a, map, f,
						runs[i].address + (uint64_t)(at - runs[i].data),
						size);
		}
	}
}
