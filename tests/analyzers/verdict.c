/* Which content files a verdict cites. */
#include "analyzer.h"
#include "knowledge.h"
#include "support.h"

#include <criterion/criterion.h>

extern const struct analyzer analyzer_verdict;

/* A Linux crash in a module that is certainly at fault. */
struct scene {
	struct arena *arena;
	struct knowledge *knowledge;
	struct analysis a;
};

static void make(struct scene *s)
{
	s->arena = arena_create(16 << 20);
	cr_assert_null(knowledge_load_builtin(&s->knowledge));
	struct dump *dump = dump_create(s->arena);
	dump->os = OS_LINUX;
	dump->arch = ARCH_X86_64;
	struct module *m = list_add(&dump->modules);
	*m = (struct module){.name = "acme_edr", .loaded = true, .origin = ORIGIN_THIRD_PARTY};
	struct report *report = report_create(s->arena);
	s->a = (struct analysis){.dump = dump, .knowledge = s->knowledge, .report = report};
	suspect_evidence(report, report_suspect(report, m), "faulting-ip", 0.9, 0, "it is its own");
}

static struct content_file *add_file(struct scene *s, const char *path, char grade,
				     const char *proof)
{
	struct report *r = s->a.report;
	struct content_file *f = list_add(&r->content_files);

	*f = (struct content_file){.path = path, .grade = grade, .owner = "acme_edr"};
	list_init(&f->evidence, s->arena, sizeof(struct reason), 64);
	content_evidence(r, f, proof, 0.5, 0, "of %s", path);
	return f;
}

static void unmake(struct scene *s)
{
	knowledge_destroy(s->knowledge);
	arena_destroy(s->arena);
}

Test(verdict, files_that_the_fault_leads_to_are_cited)
{
	struct scene s;

	make(&s);
	struct content_file *a = add_file(&s, "/opt/a", 'B', "open-file"),
			    *b = add_file(&s, "/opt/b", 'A', "open-file"),
			    *c = add_file(&s, "/opt/c", 'C', "open-file");
	cr_assert_null(analyzer_verdict.run(&s.a));
	cr_assert(a->cited && b->cited && !c->cited);
	cr_assert_eq(s.a.report->verdict.content_file, b);
	unmake(&s);
}

Test(verdict, one_that_holds_the_pointer_is_cited_alone)
{
	struct scene s;

	make(&s);
	struct content_file *good = add_file(&s, "/opt/good", 'A', "open-file"),
			    *bad = add_file(&s, "/opt/bad", 'B', "pointer-in-content");
	cr_assert_null(analyzer_verdict.run(&s.a));
	cr_assert(bad->cited && !good->cited);
	cr_assert_eq(s.a.report->verdict.content_file, bad);
	unmake(&s);
}
