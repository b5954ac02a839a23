/* Who made each module: the kernel's own tree, a third party, or a program that loaded BPF code?
 *
 * Decided by what the kernel knows of them (taints: signature, licence, out-of-tree), not by
 * names: anybody can give a module a name. Names only tell the vendor. */
#include "support.h"

#include "text.h"

#include <string.h>

static const struct {
	char letter;
	bool foreign;
	const char *meaning;
} taints[] = {
	{'O', true, "built outside of the kernel's tree"},
	{'P', true, "proprietary licence"},
	{'E', true, "not signed with a key this kernel trusts"},
	{'X', true, "supported by its vendor, not by the distribution"},
	{'F', true, "loaded by force"},
	{'K', false, "a live patch"},
	{'C', false, "from the kernel's staging area"},
	{'T', false, "randomised structure layout"},
	{'N', false, "a test module"},
};

/* What the letters mean, in words; *ret_foreign: one of them says it is not the kernel's own. */
static const char *taint_words(struct arena *arena, const char *letters, bool *ret_foreign)
{
	const char *words = NULL;

	*ret_foreign = false;
	for (size_t i = 0; i < sizeof(taints) / sizeof(*taints); i++) {
		if (!strchr(letters, taints[i].letter))
			continue;
		*ret_foreign |= taints[i].foreign;
		words = words ? arena_printf(arena, "%s, %s (%c)", words, taints[i].meaning,
					     taints[i].letter)
			      : arena_printf(arena, "%s (%c)", taints[i].meaning, taints[i].letter);
	}
	return words;
}

static void know(struct analysis *a, struct module *m)
{
	const struct driver_info *known = knowledge_driver(a->knowledge, m->name);

	if (!known)
		return;
	m->vendor = known->vendor;
	m->product = known->product;
	m->category = known->category;
}

/* Programs of the system that load BPF code of their own. */
static bool is_system_loader(const char *name)
{
	return text_starts_nocase(name, "systemd") || strcmp(name, "init") == 0;
}

static void classify_bpf(struct analysis *a, struct module *m)
{
	struct arena *arena = a->report->arena;

	m->category = "bpf";
	if (m->loader && is_system_loader(m->loader)) {
		m->origin = ORIGIN_OS;
		m->origin_why = arena_printf(arena, "a BPF program loaded by %s", m->loader);
		return;
	}
	m->origin = m->loader ? ORIGIN_THIRD_PARTY : ORIGIN_UNKNOWN;
	m->origin_why =
		m->loader ? arena_printf(arena, "a BPF program that process %s holds", m->loader)
			  : "a BPF program; no process that holds it was found";
}

/* A log alone often does not list the modules with their taints; then names must do. */
static void classify_by_name(struct analysis *a, struct module *m)
{
	const char *kernel = a->dump->taints;

	know(a, m);
	if (m->vendor) {
		m->origin = ORIGIN_THIRD_PARTY;
		m->origin_why = "its name is that of a third party's module; the log does not list "
				"its taints";
	} else if (kernel && !strpbrk(kernel, "OPE")) {
		m->origin = ORIGIN_OS;
		m->origin_why = "the kernel is not tainted by any foreign module";
	} else if (knowledge_in_tree(a->knowledge, m->name)) {
		m->origin = ORIGIN_OS;
		m->origin_why = "its name is that of one of the kernel's own modules; the log does "
				"not list its taints";
	} else {
		m->origin_why = "the log does not tell whether it is the kernel's own; its name is "
				"not one of those the kernel has";
	}
}

static void classify(struct analysis *a, struct module *m)
{
	struct arena *arena = a->report->arena;
	bool foreign = false;

	if (m->kind == MODULE_KERNEL) {
		m->origin = ORIGIN_OS;
		m->origin_why = "the kernel itself";
		return;
	}
	if (m->kind == MODULE_BPF) {
		classify_bpf(a, m);
		return;
	}
	if (!m->taints) {
		classify_by_name(a, m);
		return;
	}
	const char *words = taint_words(arena, m->taints, &foreign);
	if (!foreign) {
		m->origin = ORIGIN_OS;
		m->origin_why =
			words ? arena_printf(arena, "one of the kernel's own modules: %s", words)
			      : "one of the kernel's own modules: the kernel marks no taint";
		return;
	}
	m->origin = ORIGIN_THIRD_PARTY;
	m->origin_why = arena_printf(arena, "the kernel marks it as foreign: %s", words);
	know(a, m);
}

static struct error *run(struct analysis *a)
{
	LIST_EACH(struct module, m, &a->dump->modules)
		classify(a, m);
	LIST_EACH(struct module, u, &a->dump->unloaded)
		classify(a, u);
	return NULL;
}

const struct analyzer analyzer_linux_origin = {
	.id = "linux_origin",
	.summary = "tells the kernel's own modules from third-party ones",
	.os = OS_LINUX,
	.run = run,
};
