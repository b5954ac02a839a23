/* Which content file some bytes in a Linux kernel's memory are of, and whether the fault leads
 * there. */
#include "knowledge.h"
#include "linux_places.h"
#include "linux_recognize.h"

#include <criterion/criterion.h>
#include <string.h>

enum { BUFFER = 2 * 4096, CONTENT = 600 };

static const uint64_t buffer_at = UINT64_C(0xffff888012340000);
static const uint64_t code_at = UINT64_C(0xffffffffc0400000);

/* A crash in a third party's module, with a register that points into a buffer. */
struct scene {
	struct arena *arena;
	struct analysis a;
	struct dump *dump;
	struct report *report;
	uint8_t buffer[BUFFER], content[CONTENT];
};

static const struct dump_ops ops = {0};

static void make(struct scene *s, enum origin origin, uint64_t rdi)
{
	struct knowledge *knowledge;

	*s = (struct scene){.arena = arena_create(16 << 20)};
	s->dump = dump_create(s->arena);
	s->report = report_create(s->arena);
	cr_assert_null(knowledge_load_builtin(&knowledge));
	s->a = (struct analysis){.dump = s->dump, .knowledge = knowledge, .report = s->report};
	s->dump->os = OS_LINUX;
	s->dump->arch = ARCH_X86_64;
	s->dump->ops = &ops;
	struct module *m = list_add(&s->dump->modules);
	*m = (struct module){.name = "acme_edr",
			     .base = code_at,
			     .size = 4096,
			     .loaded = true,
			     .origin = origin};
	*(struct frame *)list_add(&s->report->stack) =
		(struct frame){.address = code_at + 1, .module = m};
	*(struct frame *)list_add(&s->report->stack) =
		(struct frame){.address = code_at + 2, .module = m, .slot = 1};
	s->report->crash.has_context = true;
	s->report->crash.is_fault = true;
	s->report->crash.context.known = 1 << REG_RDI;
	s->report->crash.context.r[REG_RDI] = rdi;
	for (size_t i = 0; i < CONTENT; i++)
		s->content[i] = (uint8_t)(i * i >> 3);
	memcpy(s->buffer + 256, s->content, CONTENT);
	space_add(s->dump->space, buffer_at, BUFFER, s->buffer, 0, PIECE_DATA);
	space_seal(s->dump->space);
}

static struct content_file *add_file(struct scene *s)
{
	struct content_file *f = list_add(&s->report->content_files);

	*f = (struct content_file){
		.path = "/opt/x", .grade = 'C', .content = s->content, .content_size = CONTENT};
	list_init(&f->evidence, s->arena, sizeof(struct reason), 64);
	return f;
}

static void find(struct scene *s)
{
	const struct reach_map *map = reach_map(&s->a);
	struct space *reached = linux_reached(&s->a, map);

	cr_assert_not_null(reached);
	linux_find_content(&s->a, map, reached);
}

static void unmake(struct scene *s)
{
	knowledge_destroy((struct knowledge *)s->a.knowledge);
	arena_destroy(s->arena);
}

Test(recognize, bytes_of_a_file_that_a_register_points_at)
{
	struct scene s;

	make(&s, ORIGIN_THIRD_PARTY, buffer_at + 256 + 40);
	struct content_file *f = add_file(&s);
	find(&s);
	const struct reason *e = list_at(&f->evidence, 0);
	cr_assert_eq(f->grade, 'A');
	cr_assert_eq(f->evidence.count, 1);
	cr_assert_str_eq(e->kind, "content-bytes");
	cr_assert_eq(e->address, buffer_at + 256);
	unmake(&s);
}

Test(recognize, other_bytes_of_the_page_are_no_link)
{
	struct scene s;

	make(&s, ORIGIN_THIRD_PARTY, buffer_at + 8);
	struct content_file *f = add_file(&s);
	find(&s);
	cr_assert_eq(f->grade, 'C');
	cr_assert_eq(f->evidence.count, 0);
	unmake(&s);
}

Test(recognize, the_kernels_own_registers_lead_nowhere)
{
	struct scene s;

	make(&s, ORIGIN_OS, buffer_at + 256);
	struct content_file *f = add_file(&s);
	find(&s);
	cr_assert_eq(f->grade, 'C');
	cr_assert_eq(f->evidence.count, 0);
	unmake(&s);
}

static void recognize(struct scene *s, const char *type)
{
	struct hit hit = {.rule = "r", .type = type, .owner = "any", .address = buffer_at + 256};
	struct reach reach = reach_find(reach_map(&s->a), hit.address, 4096);

	linux_recognize(&s->a, NULL, &hit, &reach);
}

Test(recognize, a_format_with_the_bytes_of_a_file_is_that_files)
{
	struct scene s;

	make(&s, ORIGIN_THIRD_PARTY, buffer_at + 256);
	struct content_file *f = add_file(&s);
	recognize(&s, "clamav-db");
	cr_assert_eq(s.report->content_files.count, 1);
	cr_assert_str_eq(f->type, "clamav-db-linux", "the product's files of this system");
	cr_assert_str_eq(f->recognised_by, "r");
	cr_assert_eq(f->grade, 'A');
	unmake(&s);
}

Test(recognize, other_bytes_make_a_file_without_a_name)
{
	struct scene s;

	make(&s, ORIGIN_THIRD_PARTY, buffer_at + 4096);
	struct content_file *f = add_file(&s);
	s.content[10] ^= 1;
	recognize(&s, "clamav-db");
	recognize(&s, "clamav-db");
	cr_assert_eq(s.report->content_files.count, 2);
	f = list_at(&s.report->content_files, 0);
	cr_assert_null(f->type);
	f = list_at(&s.report->content_files, 1);
	cr_assert_null(f->path);
	cr_assert_eq(f->evidence.count, 1, "said once");
	unmake(&s);
}

Test(recognize, without_a_link_it_is_grade_d)
{
	struct scene s;

	make(&s, ORIGIN_THIRD_PARTY, buffer_at);
	recognize(&s, "clamav-db");
	const struct content_file *f = list_at(&s.report->content_files, 0);
	cr_assert_eq(f->grade, 'D');
	unmake(&s);
}

Test(recognize, a_format_of_another_system_is_no_file_here)
{
	struct scene s;

	make(&s, ORIGIN_THIRD_PARTY, buffer_at + 256);
	recognize(&s, "crowdstrike-channel");
	recognize(&s, "no-such-type");
	cr_assert_eq(s.report->content_files.count, 0);
	unmake(&s);
}
