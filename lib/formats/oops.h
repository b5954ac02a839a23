/* What the kernel wrote into its log when it crashed: oopses, panics, lockups, warnings.
 *
 * Formats from 2.6 to 6.x, x86-64, x86 and arm64. The kernel's own sources of each line: bug.c,
 * fault.c, traps.c, dumpstack.c, process.c of each architecture; kernel/panic.c, watchdog.c,
 * hung_task.c, rcu/tree_stall.h; Documentation/admin-guide/{bug-hunting,tainted-kernels}.rst. */
#ifndef CULPRIT_OOPS_H
#define CULPRIT_OOPS_H

#include "dump.h"
#include "linux_log.h"

enum oops_kind {
	OOPS_NONE,
	OOPS_NULL_POINTER, /* page fault below the first page or two */
	OOPS_PAGE_FAULT,
	OOPS_GENERAL_PROTECTION,
	OOPS_DIVIDE,
	OOPS_INVALID_OPCODE, /* not by BUG() */
	OOPS_BUG,            /* "kernel BUG at FILE:LINE!" */
	OOPS_DOUBLE_FAULT,
	OOPS_STACK_OVERFLOW, /* also a canary of a function */
	OOPS_STACK_END,      /* the scheduler finds the end of a stack overwritten */
	OOPS_LIST_CORRUPTION,
	OOPS_SLAB_CORRUPTION, /* SLUB's own checks, hardened usercopy, bad page state */
	OOPS_KASAN,
	OOPS_KFENCE,
	OOPS_UBSAN,
	OOPS_SOFT_LOCKUP,
	OOPS_HARD_LOCKUP,
	OOPS_HUNG_TASK,
	OOPS_RCU_STALL,
	OOPS_MACHINE_CHECK, /* also other hardware reports: NMI for PCI SERR, memory parity, SError
			     */
	OOPS_SYSRQ,
	OOPS_OOM,
	OOPS_WARNING,
	OOPS_SCHEDULING, /* scheduling while atomic, sleeping function called ... */
	OOPS_DIE,        /* another die(): the headline says which */
	OOPS_PANIC,      /* panic() called for another reason */
	OOPS_BACKTRACE,  /* a processor's state printed on behalf of another event */
};
const char *oops_kind_name(enum oops_kind kind); /* "null-pointer", "soft-lockup" ... */

enum oops_access { OOPS_ACCESS_UNKNOWN, OOPS_ACCESS_READ, OOPS_ACCESS_WRITE, OOPS_ACCESS_EXECUTE };

/* "acme_match_template+0x28/0x40 [acme_edr]" */
struct oops_place {
	const char *text;   /* as printed; NULL: nothing was printed */
	const char *symbol; /* NULL if only an address was printed */
	uint64_t address;   /* 0 if only a symbol was printed */
	uint64_t offset, size;
	const char *module; /* NULL: the kernel itself, or unknown */
	const char *build_id;
};

struct oops_frame {
	struct oops_place place;
	bool questionable;   /* "?": found on the stack, not by unwinding */
	const char *context; /* "IRQ", "NMI", "TASK", "#DF" ...; NULL none */
	bool interrupted;    /* a RIP: line within the trace: registers of interrupted code */
	bool user;           /* ... and that was user space */
};

struct oops_module {
	const char *name;
	const char *taints; /* its own letters, "OE"; "" none */
	char state;         /* '+' loading, '-' unloading, 0 running */
};

enum { OOPS_CODE_MAX = 128 };

/* One event of the log. */
struct oops {
	enum oops_kind kind;
	const char *headline; /* the line that says what it is */
	const char *detail; /* its explanation, e.g. "#PF: supervisor read access in kernel mode" */
	size_t first_line, last_line; /* in the log's lines */
	bool has_ns;
	uint64_t ns;
	bool fatal;      /* the kernel died of it: die(), or panic() */
	unsigned number; /* the 1 of "[#1]", 0 unknown */
	enum arch arch;

	bool has_address;
	uint64_t address;      /* that was touched, or that the kernel says it was probably */
	bool address_is_guess; /* "probably for non-canonical address", "maybe for address" */
	enum oops_access access;
	bool has_error_code;
	uint64_t error_code; /* x86: of the exception; arm64: ESR */
	const char *file;    /* BUG() and WARNING: source file */
	unsigned line;

	bool has_cpu, has_pid;
	unsigned cpu;
	uint64_t pid;
	const char *comm;
	uint64_t seconds;     /* lockups, hung tasks and stalls: how long, as printed */
	const char *tainted;  /* letters, "GOE" -> "GOE"; "" not tainted; NULL not said */
	const char *release;  /* "6.1.0-56-cloud-amd64" */
	const char *version;  /* "#1 Debian 6.1.172-1" */
	const char *hardware; /* whole line */
	const char *vendor, *product, *bios;
	const char *workqueue; /* "Workqueue: events foo [bar]" */

	struct oops_place ip;
	struct oops_place lr; /* arm64 */
	bool ip_user;         /* RIP: 0033:..., or pstate EL0 */
	bool has_registers;
	struct registers registers; /* numbering of dump.h */
	bool has_cr2;
	uint64_t cr0, cr2, cr3, cr4;

	uint8_t code[OOPS_CODE_MAX]; /* around the instruction; arm64 words in memory order */
	unsigned code_count;
	unsigned code_mark; /* index of the faulting instruction in code[] */
	bool has_code_mark;
	const char *code_missing; /* "Unable to access opcode bytes at ..." */

	struct list frames;  /* struct oops_frame */
	struct list modules; /* struct oops_module, newest first as printed */
	const char *last_unloaded;
	const char *last_unloaded_taints;
};

/* A log, read. */
struct oops_log {
	struct list events; /* struct oops, in the order of their headlines */
	/* The event that began it: the first die() if there is one, else the first of the kind the
	 * panic was about, else the first that is more than a warning. NULL: nothing happened. */
	const struct oops *cause;
	/* The last "Kernel panic - not syncing", NULL if there was none. May be the cause. */
	const struct oops *end;
	const char *panic_reason;            /* "Fatal exception in interrupt" */
	const char *release;                 /* from the events, else from "Linux version" */
	const char *banner;                  /* "Linux version ..." */
	const char *command_line;            /* kernel parameters */
	const char *vendor, *product, *bios; /* from "Hardware name:" or "DMI:" */
	enum arch arch;
};

/* Finds the events in @p log. Lines that user space wrote are not believed. Never fails: without
 * memory the arena says so. */
void oops_parse(const struct linux_log *log, struct arena *arena, struct oops_log *ret);

/* "acme_match_template+0x28/0x40 [acme_edr]", "0xffffffff81000000", "foo+0x1/0x2 [mod 0123abcd]".
 * False if @p text is none of these; strings go to @p arena. */
bool oops_place_parse(struct arena *arena, const char *text, struct oops_place *ret);

#endif
