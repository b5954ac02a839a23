/* What speaks against every driver: failing hardware, damaged memory, a person who asked for the
 * crash. It decides the class of a crash that no driver is blamed for. windows-dumps.md 5.1, 5.4 */
#include "support.h"

#include <inttypes.h>
#include <string.h>

enum { LOWEST_FLIPPED_BIT = 16, LARGEST_OFFSET = 0x1000 };
/* Ten minutes of FILETIME ticks. */
static const uint64_t BEFORE_CRASH = UINT64_C(6000000000);

struct reading {
	enum verdict_class verdict_class;
	bool certain; /* the stop code itself says so; no driver is blamed whatever else is there */
	const char *text;
};

/* Stop codes that say what happened better than any stack. */
static const struct {
	uint32_t code;
	struct reading reading;
} readings[] = {
	{0x2e, {CLASS_HARDWARE, true, "the stop code reports a parity or bus error"}},
	{0x80, {CLASS_HARDWARE, true, "the hardware raised a non-maskable interrupt"}},
	{0x9c, {CLASS_HARDWARE, true, "the processor reported a machine check"}},
	{0x124,
	 {CLASS_HARDWARE, true, "the hardware itself reported an error that cannot be corrected"}},
	{0x12b, {CLASS_HARDWARE, true, "a page of memory changed by itself: RAM"}},
	{0xe2,
	 {CLASS_USER_INITIATED, true,
	  "somebody asked for this crash (keyboard or debugging tool)"}},
	{0xdeaddead,
	 {CLASS_USER_INITIATED, true,
	  "somebody asked for this crash, or a forensic tool "
	  "wrote the file and put this code in"}},
	{0x1c8,
	 {CLASS_USER_INITIATED, true,
	  "somebody held the power button down until the machine "
	  "stopped"}},
	{0x161,
	 {CLASS_USER_INITIATED, true,
	  "somebody asked for a dump of the running system; nothing "
	  "crashed"}},
	{0x101,
	 {CLASS_HARDWARE, false,
	  "a processor stopped answering and nothing in the dump ties a "
	  "driver to it: processor, firmware, overclocking or the "
	  "hypervisor come first"}},
	{0x1c7,
	 {CLASS_MEMORY_CORRUPTION, false,
	  "compressed memory was found changed: RAM or storage "
	  "come first"}},
	{0x154,
	 {CLASS_MEMORY_CORRUPTION, false,
	  "the memory store could not read its own data: RAM or "
	  "storage come first"}},
	{0x1a,
	 {CLASS_MEMORY_CORRUPTION, false,
	  "the memory manager found its own lists damaged; who "
	  "damaged them is not in the dump"}},
	{0x4e,
	 {CLASS_MEMORY_CORRUPTION, false,
	  "the list of memory pages is damaged; who damaged it is "
	  "not in the dump"}},
	{0x109,
	 {CLASS_MEMORY_CORRUPTION, false,
	  "Windows' own code or data was changed: bad RAM or a "
	  "driver that patches the kernel"}},
	{0x19,
	 {CLASS_MEMORY_CORRUPTION, false,
	  "a pool block was damaged earlier by somebody else than "
	  "the code that noticed"}},
	{0xc5,
	 {CLASS_MEMORY_CORRUPTION, false,
	  "the pool was damaged earlier by somebody else than the "
	  "code that noticed"}},
	{0x13a,
	 {CLASS_MEMORY_CORRUPTION, false,
	  "the kernel heap was damaged earlier by somebody else "
	  "than the code that noticed"}},
	{0x139,
	 {CLASS_MEMORY_CORRUPTION, false,
	  "Windows found a damaged structure and stopped; who "
	  "damaged it is not certain"}},
	{0xef, {CLASS_APPLICATION, false, "a process that Windows cannot do without ended"}},
	{0xf4, {CLASS_APPLICATION, false, "a process that Windows cannot do without ended"}},
	{0xc000021a, {CLASS_APPLICATION, false, "a process that Windows cannot do without ended"}},
};

static const struct reading *reading_of(uint32_t code)
{
	for (size_t i = 0; i < sizeof(readings) / sizeof(*readings); i++)
		if (readings[i].code == code)
			return &readings[i].reading;
	return NULL;
}

static void against_all(struct analysis *a, const char *kind, double weight, const char *text)
{
	LIST_EACH(struct suspect, s, &a->report->suspects)
		suspect_evidence(a->report, s, kind, -weight, 0, "%s", text);
}

/* A pointer that would be right but for one bit. Neighbouring allocations differ in low bits all
 * the time, so only a high bit counts, and only if the right address is in the dump and the wrong
 * one is in no module. */
static bool one_bit_off(const struct analysis *a, uint64_t good, uint64_t bad)
{
	uint64_t difference = good ^ bad;

	return difference && !(difference & (difference - 1)) &&
	       difference >= (UINT64_C(1) << LOWEST_FLIPPED_BIT) && good > bad / 2 &&
	       dump_is_kernel_address(a->dump, good) &&
	       (dump_module_at(a->dump, good) || space_has(a->dump->space, good));
}

/* Looks for what @p bad should have been among the other registers and on the stack. */
static bool nearly_valid(const struct analysis *a, uint64_t bad, uint64_t *ret_good)
{
	const struct report *r = a->report;
	uint64_t value;

	for (unsigned i = 0; i < REGISTERS_MAX; i++) {
		if ((r->crash.context.known & (UINT32_C(1) << i)) &&
		    one_bit_off(a, r->crash.context.r[i], bad)) {
			*ret_good = r->crash.context.r[i];
			return true;
		}
	}
	struct stack_span live = live_stack(a);
	for (uint64_t at = live.low; at < live.high; at += pointer_size(a->dump)) {
		if (read_pointer(a->dump, at, &value) && one_bit_off(a, value, bad)) {
			*ret_good = value;
			return true;
		}
	}
	return false;
}

/* The pointers that led to the address: itself, and registers it was computed from. */
static bool flipped_bit(const struct analysis *a, uint64_t *ret_bad, uint64_t *ret_good)
{
	const struct report *r = a->report;
	const struct dump *d = a->dump;
	uint64_t bad = r->crash.address;

	if (!r->crash.has_address || bad < 0x10000 || space_has(d->space, bad) ||
	    dump_module_at(d, bad) || !r->crash.has_context || !r->crash.is_fault)
		return false;
	*ret_bad = bad;
	if (nearly_valid(a, bad, ret_good))
		return true;
	for (unsigned i = 0; i < REGISTERS_MAX; i++) {
		*ret_bad = r->crash.context.r[i];
		if ((r->crash.context.known & (UINT32_C(1) << i)) &&
		    bad - *ret_bad < LARGEST_OFFSET && *ret_bad != bad &&
		    nearly_valid(a, *ret_bad, ret_good))
			return true;
	}
	return false;
}

static void say(struct analysis *a, enum verdict_class c, const char *text)
{
	struct report *r = a->report;

	if (r->verdict.verdict_class == CLASS_UNKNOWN)
		r->verdict.verdict_class = c;
	report_say(r, &r->verdict.because, "%s", text);
}

/* What the storage stack logged in the minutes before: the log service itself had no time to write
 * it down, so nobody finds it on the disk. */
static void storage_trouble(struct analysis *a)
{
	const struct dump *d = a->dump;
	struct report *r = a->report;

	LIST_EACH(struct event, e, &d->events) {
		if (!strstr(e->source, "StorPort") || e->time > d->crash_time ||
		    d->crash_time - e->time > BEFORE_CRASH)
			continue;
		const char *text = arena_printf(r->arena, "%s, %.0f s before the end", e->text,
						(double)(d->crash_time - e->time) / 1e7);
		report_finding(r, "warning", "storage-trouble", NULL,
			       "%s: the drive, its cable or its firmware may be behind the crash",
			       text);
		report_say(r, &r->verdict.because, "%s: look at the drive and its firmware", text);
		return;
	}
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;
	const struct reading *reading = reading_of(stop_code(a->dump));
	uint64_t bad, good;

	if (reading) {
		say(a, reading->verdict_class, reading->text);
		if (reading->certain) {
			r->verdict.decided = true;
			against_all(a, verdict_class_name(reading->verdict_class), 1.0,
				    reading->text);
		}
	}
	if (flipped_bit(a, &bad, &good)) {
		const char *text = arena_printf(r->arena,
						"the pointer that faulted (0x%" PRIx64
						") differs in a single bit from 0x%" PRIx64
						", which is valid: a flipped bit in memory "
						"explains that better than any driver",
						bad, good);
		say(a, CLASS_HARDWARE, text);
		against_all(a, "flipped-bit", 0.5, text);
	}
	if (r->crash.exception == 0xc000001d && r->crash.instruction) {
		const char *text =
			"the processor refused an instruction that is valid in the dump: "
			"processor, cache or RAM come before any driver";
		say(a, CLASS_HARDWARE, text);
		against_all(a, "valid-instruction", 0.5, text);
	}
	if (r->verdict.verdict_class == CLASS_UNKNOWN)
		storage_trouble(a);
	return NULL;
}

const struct analyzer analyzer_innocence = {
	.id = "innocence",
	.summary = "tells hardware, damaged memory and requested crashes from driver faults",
	.os = OS_WINDOWS,
	.run = run,
};
