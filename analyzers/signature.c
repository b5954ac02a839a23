/* The names under which the same crash is found again: WinDbg's bucket as far as it can be known
 * without symbols, its failure hash, and a hash of our own. field.md, "The WER hash" */
#include "failure_hash.h"
#include "support.h"

#include "text.h"

#include <ctype.h>
#include <inttypes.h>
#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

enum { BUCKET_MAX = 512 };

/* Stops that WinDbg files under "AV": an access that went wrong. */
static bool is_access_violation(const struct analysis *a)
{
	static const uint32_t codes[] = {0x0a, 0x50, 0xd1, 0xd5, 0xd6, 0xbe, 0xfc, 0xcc, 0xcd};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (stop_code(a->dump) == codes[i])
			return true;
	return a->report->crash.exception == 0xc0000005;
}

static const char *prefix(const struct analysis *a)
{
	const struct dump *d = a->dump;
	uint32_t code = stop_code(d);

	if (is_access_violation(a))
		return "AV";
	/* Codes whose first parameter is a kind are filed by it. */
	if (stop_parameter(a, "subtype") == 0 || stop_parameter(a, "fastfail") == 0 ||
	    code == 0x133 || code == 0x124)
		return arena_printf(a->report->arena, "0x%" PRIX32 "_%" PRIx64, code,
				    d->parameter[0]);
	if (a->report->crash.exception)
		return arena_printf(a->report->arena, "0x%" PRIX32 "_%" PRIx32, code,
				    a->report->crash.exception);
	return arena_printf(a->report->arena, "0x%" PRIX32, code);
}

/* Kind of failure, module and function: what stays the same from machine to machine. */
static const char *linux_bucket(const struct analysis *a)
{
	const struct report *r = a->report;
	const struct frame *top = list_at(&r->stack, 0);
	const char *kind = r->crash.name ? r->crash.name : "unknown";
	const char *symbol = r->verdict.function ? r->verdict.function : top ? top->symbol : NULL;
	const struct module *m = r->verdict.culprit ? r->verdict.culprit : top ? top->module : NULL;

	/* The symbol of a BPF program has a hash in it that changes with every build. */
	if (m && m->kind == MODULE_BPF)
		return arena_printf(r->arena, "%s_bpf!%s", kind, m->name);
	return arena_printf(r->arena, "%s_%s!%.*s", kind, m ? m->name : "unknown",
			    symbol ? (int)strcspn(symbol, "+") : 16,
			    symbol ? symbol : "unknown_function");
}

/* What WinDbg prints without symbols: the module without its suffix, no function. */
static const char *bucket(const struct analysis *a)
{
	struct arena *arena = a->report->arena;
	const struct module *m = a->report->verdict.culprit;

	if (a->report->verdict.verdict_class == CLASS_HARDWARE)
		return arena_printf(arena, "%s_HARDWARE", prefix(a));
	if (a->report->verdict.verdict_class == CLASS_MEMORY_CORRUPTION)
		return arena_printf(arena, "%s_MEMORY_CORRUPTION", prefix(a));
	if (!m && a->report->crash.has_context && a->report->crash.is_fault)
		m = module_of(a->dump, a->report->crash.context.ip, NULL);
	if (!m)
		return arena_printf(arena, "%s_UNKNOWN", prefix(a));
	if (stop_family(a, "video"))
		return arena_printf(arena, "%s_IMAGE_%s", prefix(a), m->name);
	size_t stem = strlen(m->name);
	const char *dot = strrchr(m->name, '.');
	if (dot)
		stem = (size_t)(dot - m->name);
	bool kernel =
		text_equal_nocase(m->name, "ntoskrnl.exe") || text_starts_nocase(m->name, "ntkrnl");
	return arena_printf(arena, "%s_%.*s!unknown_function", prefix(a), kernel ? 2 : (int)stem,
			    kernel ? "nt" : m->name);
}

/* Stable over load addresses and machines: the code, and module+offset of the frames that are
 * certain; frames of a scan change with what was left on the stack. */
static void stack_hash(const struct analysis *a, char *ret)
{
	struct sha256_ctx context;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char line[BUCKET_MAX];

	sha256_init(&context);
	int n = a->dump->os == OS_LINUX
			? snprintf(line, sizeof(line), "%s\n",
				   a->report->crash.name ? a->report->crash.name : "")
			: snprintf(line, sizeof(line), "0x%08" PRIx32 "\n", stop_code(a->dump));
	sha256_update(&context, (size_t)n, (const uint8_t *)line);
	LIST_EACH(struct frame, f, &a->report->stack) {
		if (f->trust == TRUST_SCAN || !f->module)
			continue;
		/* A kernel is built anew every week: functions stay, offsets do not. */
		if (a->dump->os == OS_LINUX)
			n = snprintf(line, sizeof(line), "%.200s!%.*s\n", f->module->name,
				     f->symbol && f->module->kind != MODULE_BPF
					     ? (int)strcspn(f->symbol, "+")
					     : 0,
				     f->symbol ? f->symbol : "");
		else
			n = snprintf(line, sizeof(line), "%.200s+0x%" PRIx64 "\n", f->module->name,
				     f->offset);
		for (int i = 0; i < n; i++)
			line[i] = (char)tolower((unsigned char)line[i]);
		sha256_update(&context, (size_t)n, (const uint8_t *)line);
	}
	sha256_digest(&context, sizeof(digest), digest);
	base16_encode_update(ret, sizeof(digest), digest);
	ret[BASE16_ENCODE_LENGTH(sizeof(digest))] = '\0';
}

static struct error *run(struct analysis *a)
{
	struct report *r = a->report;

	r->signature.bucket = a->dump->os == OS_LINUX ? linux_bucket(a) : bucket(a);
	if (!failure_hash(r->signature.bucket, r->signature.failure_hash))
		r->signature.failure_hash[0] = '\0';
	stack_hash(a, r->signature.stack_hash);
	return NULL;
}

const struct analyzer analyzer_signature = {
	.id = "signature",
	.summary = "makes the bucket and the hashes under which equal crashes are grouped",
	.run = run,
};
