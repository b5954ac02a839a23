/* What did the processor try to do, and what does the operand show? */
#include "instruction.h"

#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 15, LOOK_BACK = 16, NULL_PAGE = 0x10000 };

/* How an address looks, in words that say what it means for the fault. */
static const char *address_words(const struct analysis *a, uint64_t address)
{
	const struct dump *d = a->dump;
	uint64_t top = address >> 47;

	if (address < NULL_PAGE)
		return "an access through a NULL pointer";
	if (d->arch == ARCH_X86_64 && top != 0 && top != 0x1ffff)
		return "not even a possible address (it is non-canonical): the pointer holds data";
	if (!dump_is_kernel_address(d, address))
		return "a user-mode address, which a driver must not touch like this";
	const struct module *m = dump_module_at(d, address);
	if (m)
		return arena_printf(a->report->arena, "inside %s", m->name);
	return "a kernel address where nothing was mapped: the pointer is stale, freed or was "
	       "never one";
}

/* The instructions right before the fault, when a start can be found whose decoding meets it. */
static bool tested_before(const struct analysis *a, uint64_t ip, int reg, char *text, size_t size)
{
	uint8_t bytes[LOOK_BACK];
	struct instruction in;

	for (unsigned back = LOOK_BACK; back >= 2; back--) {
		if (!space_read(a->dump->space, ip - back, bytes, back))
			continue;
		bool tested = false;
		unsigned at = 0;
		while (at < back && instruction_decode(a->dump->arch, bytes + at, back - at,
						       ip - back + at, NULL, &in)) {
			if (in.tests_register == reg && *in.text) {
				tested = true;
				snprintf(text, size, "%s", in.text);
			}
			at += in.length;
		}
		if (at == back)
			return tested;
	}
	return false;
}

/* The memory operand that touched the address that faulted. */
static const struct memory_operand *faulting_operand(const struct analysis *a,
						     const struct instruction *in)
{
	const struct report *r = a->report;

	for (unsigned i = 0; i < in->operand_count; i++) {
		const struct memory_operand *op = &in->operand[i];
		if (op->known && op->access != ACCESS_NONE && r->crash.has_address &&
		    r->crash.address >= op->address &&
		    r->crash.address - op->address < (op->bytes ? op->bytes : 1) + 8)
			return op;
	}
	return NULL;
}

static const char *access_verb(const struct memory_operand *op)
{
	return op->access == ACCESS_WRITE  ? "writes"
	       : op->access == ACCESS_BOTH ? "changes"
					   : "reads";
}

static void explain(struct analysis *a, const struct instruction *in)
{
	struct report *r = a->report;
	const struct memory_operand *op = faulting_operand(a, in);
	const struct registers *regs = &r->crash.context;
	char test[96];

	if (!op)
		return;
	const char *base = op->base >= 0 ? register_name(a->dump->arch, (unsigned)op->base) : NULL;
	const char *words = address_words(a, r->crash.address);
	if (!base) {
		r->crash.explanation = arena_printf(
			r->arena, "it %s %u byte%s at 0x%" PRIx64 ": %s", access_verb(op),
			op->bytes, plural(op->bytes), op->address, words);
		return;
	}
	char index[64] = "";
	if (op->index >= 0)
		snprintf(index, sizeof(index), " and index %s = 0x%" PRIx64,
			 register_name(a->dump->arch, (unsigned)op->index), regs->r[op->index]);
	bool tested = regs->r[op->base] >= NULL_PAGE &&
		      tested_before(a, regs->ip, op->base, test, sizeof(test));
	r->crash.explanation = arena_printf(
		r->arena, "it %s %u byte%s through %s = 0x%" PRIx64 "%s; that is %s%s%s%s",
		access_verb(op), op->bytes, plural(op->bytes), base, regs->r[op->base], index,
		words,
		tested ? ". It is no NULL pointer bug: the code tests the pointer just before ("
		       : "",
		tested ? test : "", tested ? ")" : "");
}

static void illegal(struct analysis *a, bool decodes)
{
	struct report *r = a->report;

	/* Not every instruction of arm64 is known here. */
	if (r->crash.exception != 0xc000001d || a->dump->arch == ARCH_ARM64)
		return;
	if (decodes)
		r->crash.explanation =
			"the processor called this instruction illegal, but the bytes saved in the "
			"dump are a valid one: it executed something else than what memory held";
	else
		r->crash.explanation =
			"the bytes at that address are no valid instruction: the code "
			"was overwritten, or execution arrived where no code is";
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;
	uint8_t bytes[LONGEST];
	struct instruction in;

	if (!r->crash.has_context || !r->crash.is_fault)
		return NULL;
	size_t size = space_read_some(a->dump->space, r->crash.context.ip, bytes, sizeof(bytes));
	if (size == 0)
		return NULL;
	bool decodes = instruction_decode(a->dump->arch, bytes, size, r->crash.context.ip,
					  &r->crash.context, &in);
	if (decodes && *in.text) {
		r->crash.instruction = arena_strdup(r->arena, in.text);
		explain(a, &in);
	}
	if (decodes || size == sizeof(bytes))
		illegal(a, decodes);
	return NULL;
}

const struct analyzer analyzer_instruction = {
	.id = "instruction",
	.summary = "decodes the instruction that faulted and explains its operand",
	.run = run,
};
