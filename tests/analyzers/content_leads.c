/* How near to the fault a file of a Linux kernel is that registers, the stack and objects lead to.
 */
#include "analyzer.h"
#include "knowledge.h"
#include "support.h"

#include <criterion/criterion.h>
#include <string.h>

extern const struct analyzer analyzer_linux_content;

enum { WORDS = 64, SIZE = 17992 };

static const uint64_t stack_at = UINT64_C(0xffffc90000100000);
static const uint64_t object_at = UINT64_C(0xffff888012340000);
static const uint64_t file_at = UINT64_C(0xffff888056780000);
static const uint64_t code_at = UINT64_C(0xffffffffc0400000);

/* A crash in a third party's module. */
struct scene {
	struct arena *arena;
	struct knowledge *knowledge;
	struct analysis a;
	uint64_t stack[WORDS], object[WORDS];
};

static bool is_program; /* the file */

static bool open_file_at(const struct dump *dump, struct arena *arena, uint64_t address,
			 struct open_file *ret)
{
	(void)dump;
	(void)arena;
	if (address != file_at)
		return false;
	*ret = (struct open_file){.address = file_at,
				  .path = "/opt/x",
				  .size = SIZE,
				  .regular = true,
				  .executable = is_program,
				  .descriptor = -1};
	return true;
}

static const struct dump_ops ops = {.open_file_at = open_file_at};

static void make(struct scene *s)
{
	*s = (struct scene){.arena = arena_create(16 << 20)};
	cr_assert_null(knowledge_load_builtin(&s->knowledge));
	struct dump *dump = dump_create(s->arena);
	struct report *report = report_create(s->arena);
	s->a = (struct analysis){.dump = dump, .knowledge = s->knowledge, .report = report};
	dump->os = OS_LINUX;
	dump->arch = ARCH_X86_64;
	dump->ops = &ops;
	dump->stack_low = stack_at;
	dump->stack_size = sizeof(s->stack);
	struct module *m = list_add(&dump->modules);
	*m = (struct module){.name = "acme_edr",
			     .base = code_at,
			     .size = 4096,
			     .loaded = true,
			     .origin = ORIGIN_THIRD_PARTY};
	*(struct frame *)list_add(&report->stack) =
		(struct frame){.address = code_at + 1, .module = m};
	report->crash.has_context = true;
	report->crash.is_fault = true;
	report->crash.context.sp = stack_at;
	is_program = false;
}

/* The only file of the report. */
static const struct content_file *find(struct scene *s)
{
	struct space *space = s->a.dump->space;

	space_add(space, stack_at, sizeof(s->stack), (const uint8_t *)s->stack, 0, PIECE_STACK);
	space_add(space, object_at, sizeof(s->object), (const uint8_t *)s->object, 0, PIECE_DATA);
	space_seal(space);
	cr_assert_null(analyzer_linux_content.run(&s->a));
	cr_assert_eq(s->a.report->content_files.count, 1);
	return list_at(&s->a.report->content_files, 0);
}

static void unmake(struct scene *s)
{
	knowledge_destroy(s->knowledge);
	arena_destroy(s->arena);
}

Test(content_leads, a_register_of_the_fault_is_what_the_code_works_on)
{
	struct scene s;

	make(&s);
	s.a.report->crash.context.known = 1 << REG_RDI;
	s.a.report->crash.context.r[REG_RDI] = file_at;
	cr_assert_eq(find(&s)->grade, 'A');
	unmake(&s);
}

Test(content_leads, a_program_is_nobodys_content)
{
	struct scene s;

	make(&s);
	is_program = true;
	s.a.report->crash.context.known = 1 << REG_RDI;
	s.a.report->crash.context.r[REG_RDI] = file_at;
	const struct content_file *f = find(&s);
	cr_assert_eq(f->grade, 'C');
	cr_assert_null(f->owner);
	unmake(&s);
}

Test(content_leads, what_the_stack_holds_may_be_left_over)
{
	struct scene s;

	make(&s);
	s.stack[5] = file_at;
	cr_assert_eq(find(&s)->grade, 'C');
	unmake(&s);
}

Test(content_leads, so_may_an_object_that_holds_the_file)
{
	struct scene s;

	make(&s);
	s.stack[5] = object_at;
	s.object[2] = file_at;
	cr_assert_eq(find(&s)->grade, 'C');
	unmake(&s);
}

Test(content_leads, an_object_with_its_size_was_made_for_it)
{
	struct scene s;

	make(&s);
	s.stack[5] = object_at;
	s.object[2] = file_at;
	s.object[3] = SIZE;
	const struct content_file *f = find(&s);
	cr_assert_eq(f->grade, 'B');
	const struct reason *last = list_at(&f->evidence, f->evidence.count - 1);
	cr_assert_str_eq(last->kind, "size");
	unmake(&s);
}
