/* Every run of text in the dump's memory, for a person who wants to look for something. */
#include "support.h"

#include "memory_text.h"

static struct error *run(struct analysis *a)
{
	struct list texts;

	if (!(a->want & WANT_STRINGS))
		return NULL;
	memory_text_find(a->dump, a->report->arena, false, &texts);
	LIST_EACH(struct found_text, t, &texts) {
		struct text_hit *hit = list_add(&a->report->strings);
		*hit = (struct text_hit){t->address, text_kind_name(t->kind), t->text};
	}
	return NULL;
}

const struct analyzer analyzer_strings = {
	.id = "strings",
	.summary = "lists the text in memory",
	.run = run,
};
