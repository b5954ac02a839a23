/* Sections about the crash itself. */
#include "sections.h"

#include "paper.h"
#include "words.h"

#include <string.h>

const struct section *const sections_all[] = {
	&section_problems,      &section_facts,
	&section_parameters,    &section_registers,
	&section_stack,         &section_suspects,
	&section_files,         &section_findings,
	&section_timeline,      &section_hits,
	&section_contributions, &section_strings,
	&section_modules,       NULL,
};

static const char *number(struct arena *arena, const char *format, double value)
{
	/* the formats are literals of this file */
	return arena_printf(arena, strcmp(format, "%.2f") == 0 ? "%.2f" : "%.0f", value);
}

/* ---- facts: one row a fact
 * ----------------------------------------------------------------------- */

static void fact(const struct rows *rows, const char *name, const char *value)
{
	if (value && *value)
		rows->sink(rows->context, (const char *const[]){name, value});
}

static void fact_text(const struct rows *rows, const char *name, const char *path)
{
	fact(rows, name, get_text(rows->report, path));
}

static void fill_facts(const struct rows *rows)
{
	const json_t *r = rows->report;
	struct arena *a = rows->arena;

	fact_text(rows, "Input", "input.path");
	fact_text(rows, "SHA-256", "input.sha256");
	for (size_t i = 0; i < get_count(r, "input.parts"); i++) {
		const json_t *part = get_item(r, "input.parts", i);
		fact(rows, "Part", get_text(part, "path"));
		fact(rows, "SHA-256", get_text(part, "sha256"));
	}
	fact(rows, "Kind", words_input(a, r));
	fact(rows, "Debug files", words_debug_files(a, r));
	fact_text(rows, "Status", "input.status");
	fact_text(rows, "Dump", "system.writer");
	fact(rows, "System", words_system(a, r));
	fact_text(rows, "Firmware", "system.bios");
	if (get(r, "system.build") && get(r, "system.base_build") &&
	    get_number(r, "system.build") != get_number(r, "system.base_build"))
		fact(rows, "Build",
		     arena_printf(a, "%.0f (the header says %.0f)", get_number(r, "system.build"),
				  get_number(r, "system.base_build")));
	if (get_bool(r, "system.driver_verifier"))
		fact(rows, "Verifier", "Driver Verifier was on");
	fact_text(rows, "Started", "system.boot_time");
	fact_text(rows, "Crashed", "system.crash_time");
	fact(rows, "Crash", words_crash(a, r));
	fact_text(rows, "Message", "crash.message");
	fact(rows, "Instruction", words_instruction(a, r));
	fact_text(rows, "Process", "crash.process");
	fact_text(rows, "Program", "crash.process_path");
	if (get_text(r, "crash.context_source"))
		fact(rows, "Registers",
		     arena_printf(a, "from %s%s", get_text(r, "crash.context_source"),
				  get_bool(r, "crash.context.is_fault")
					  ? ", of the fault itself"
					  : ", of where the crash was raised"));
	fact(rows, "Verdict", words_verdict(a, r));
	fact(rows, "Culprit", words_culprit(a, r));
	fact_text(rows, "Confidence", "verdict.confidence");
	fact_text(rows, "Content file", "verdict.content_file");
	fact_text(rows, "Incident", "verdict.incident");
	fact_text(rows, "Bucket", "signature.bucket");
	fact_text(rows, "Failure hash", "signature.failure_hash");
	fact_text(rows, "Stack hash", "signature.stack_hash");
	fact_text(rows, "Rules", "tool.rules");
}

const struct section section_facts = {
	"Facts",
	(const struct column[]){{"Fact"}, {"Value", .wrap = true}, {NULL}},
	fill_facts,
};

/* ---- the stop code's parameters, the registers
 * --------------------------------------------------- */

static void fill_parameters(const struct rows *rows)
{
	for (size_t i = 0; i < get_count(rows->report, "crash.parameters"); i++) {
		const json_t *p = get_item(rows->report, "crash.parameters", i);
		rows->sink(rows->context,
			   (const char *const[]){number(rows->arena, "%.0f", (double)i + 1),
						 get_text(p, "value"), get_text(p, "role"),
						 get_text(p, "meaning")});
	}
}

const struct section section_parameters = {
	"Parameters of the stop code",
	(const struct column[]){
		{"#", .right = true}, {"Value"}, {"What it is"}, {"Here", .wrap = true}, {NULL}},
	fill_parameters,
};

static void fill_registers(const struct rows *rows)
{
	enum { PAIRS = 3 };
	const json_t *registers = get(rows->report, "crash.context.registers"), *value;
	const char *cells[2 * PAIRS] = {NULL}, *name;
	unsigned n = 0;

	json_object_foreach((json_t *)registers, name, value) {
		cells[n++] = name;
		cells[n++] = json_string_value(value);
		if (n == 2 * PAIRS) {
			rows->sink(rows->context, cells);
			n = 0;
		}
	}
	for (unsigned i = n; n && i < 2 * PAIRS; i++)
		cells[i] = "";
	if (n)
		rows->sink(rows->context, cells);
}

const struct section section_registers = {
	"Registers",
	(const struct column[]){
		{"Register"}, {"Value"}, {"Register"}, {"Value"}, {"Register"}, {"Value"}, {NULL}},
	fill_registers,
};

/* ---- who was there, who is suspected
 * -------------------------------------------------------------- */

static void fill_stack(const struct rows *rows)
{
	for (size_t i = 0; i < get_count(rows->report, "stack"); i++) {
		const json_t *f = get_item(rows->report, "stack", i);
		rows->sink(rows->context,
			   (const char *const[]){number(rows->arena, "%.0f", (double)i),
						 words_frame(rows->arena, f), get_text(f, "trust"),
						 get_text(f, "blame"), get_text(f, "why")});
	}
}

const struct section section_stack = {
	"Stack",
	(const struct column[]){{"#", .right = true},
				{"Where"},
				{"Trust"},
				{"Blame"},
				{"Why", .wrap = true},
				{NULL}},
	fill_stack,
};

static void evidence_rows(const struct rows *rows, const json_t *item, const char *who,
			  const char *rank)
{
	for (size_t i = 0; i < get_count(item, "evidence"); i++) {
		const json_t *e = get_item(item, "evidence", i);
		rows->sink(
			rows->context,
			(const char *const[]){i ? "" : who, i ? "" : rank,
					      get_bool(e, "for") ? "for" : "against",
					      number(rows->arena, "%.2f", get_number(e, "weight")),
					      get_text(e, "text"), get_text(e, "at")});
	}
	if (get_count(item, "evidence") == 0)
		rows->sink(rows->context, (const char *const[]){who, rank, "", "", "", ""});
}

static void fill_suspects(const struct rows *rows)
{
	for (size_t i = 0; i < get_count(rows->report, "suspects"); i++) {
		const json_t *s = get_item(rows->report, "suspects", i);
		evidence_rows(rows, s, get_text(s, "module"),
			      number(rows->arena, "%.2f", get_number(s, "score")));
	}
}

const struct section section_suspects = {
	"Suspects",
	(const struct column[]){{"Module"},
				{"Score", .right = true},
				{"Speaks"},
				{"Weight", .right = true},
				{"Evidence", .wrap = true},
				{"At"},
				{NULL}},
	fill_suspects,
};

static void fill_files(const struct rows *rows)
{
	for (size_t i = 0; i < get_count(rows->report, "content_files"); i++) {
		const json_t *f = get_item(rows->report, "content_files", i), *reason;
		const char *why =
			words_strongest(f, false, &reason, 1) ? get_text(reason, "text") : NULL;
		rows->sink(rows->context,
			   (const char *const[]){get_text(f, "grade"),
						 get_bool(f, "cited") ? "yes" : "no",
						 get_text(f, "path"), get_text(f, "type"),
						 get_text(f, "owner"), get_text(f, "at"), why});
	}
}

const struct section section_files = {
	"Content files",
	(const struct column[]){{"Grade"},
				{"Tied"},
				{"Path", .wrap = true},
				{"Type"},
				{"Owner"},
				{"At"},
				{"Why", .wrap = true},
				{NULL}},
	fill_files,
};

/* ---- printing as text
 * ------------------------------------------------------------------------------ */

static void print_row(void *context, const char *const *cells)
{
	table_row(context, cells);
}

size_t section_print(const struct section *section, const struct render *render,
		     struct arena *arena, const json_t *report, bool title)
{
	struct table *table = table_create(render, arena, section->columns);
	struct rows rows = {arena, report, print_row, table};

	section->fill(&rows);
	if (title && table_count(table)) {
		struct paper p = paper_make(render);
		paper_gap(&p);
		paper_line(&p, INK_LABEL, section->title);
	}
	return table_print(table);
}
