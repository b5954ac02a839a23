/* Who called, from the tables the kernel carries for itself.
 *
 * x86-64: ORC (arch/x86/kernel/unwind_orc.c, Documentation/arch/x86/orc-unwinder.rst), with frame
 * pointers for code that has none (BPF programs, trampolines). arm64: frame records.
 * linux-vmcores.md, "ORC". Memory, tables and "is that code?" come from the caller. */
#ifndef CULPRIT_ORC_H
#define CULPRIT_ORC_H

#include "arena.h"
#include "reader.h"

/* Where the bits of an entry's flags are. */
enum orc_layout {
	ORC_LAYOUT_UNKNOWN,
	ORC_TYPE2_END10,        /* 4.14 .. 6.2: type 2 bits at 8, end at 10 */
	ORC_TYPE2_SIGNAL_END11, /* 6.3: type 2 bits at 8, signal at 10, end at 11 */
	ORC_TYPE3, /* 6.4 and later: type 3 bits at 8 with undefined and end, signal 11 */
	ORC_TYPE3_RENUMBERED, /* the same with other numbers for registers (7.x) */
};

/* One pair of tables: @p count self-relative s32 addresses in ascending order, and as many entries
 * of 6 bytes. The kernel's own, and one per module. */
struct orc_table {
	uint64_t ip;      /* __start_orc_unwind_ip, module.arch.orc_unwind_ip */
	uint64_t entries; /* __start_orc_unwind, module.arch.orc_unwind */
	uint32_t count;
};

/* Byte offsets in struct pt_regs. x86-64's have not changed since 2.6; see orc_pt_regs(). */
struct pt_regs_layout {
	uint16_t r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, ip, cs, flags,
		sp;
	uint16_t size;
};
struct pt_regs_layout orc_pt_regs(void);

enum unwind_trust {
	UNWIND_CONTEXT,       /* saved registers: the address itself is what ran */
	UNWIND_TABLE,         /* return address found by ORC */
	UNWIND_FRAME_POINTER, /* return address found by a frame pointer */
	UNWIND_GUESS, /* found in the link register or at the stack's top after a wild jump */
};

enum unwind_end {
	UNWIND_COMPLETE,   /* the kernel's own end mark */
	UNWIND_USER,       /* entry from user space */
	UNWIND_NOT_TEXT,   /* an address that is no code */
	UNWIND_NO_TABLE,   /* code without a table, and no usable frame pointer */
	UNWIND_BAD_TABLE,  /* a table entry that says it knows nothing, or makes no sense */
	UNWIND_UNREADABLE, /* the stack is not in the dump there */
	UNWIND_LOOP,       /* the stack did not go up */
	UNWIND_LIMIT,      /* too many frames */
};
const char *unwind_end_text(enum unwind_end end); /* plain words */
/* Whether the walk reached an end where one is meant to be. */
bool unwind_end_is_clean(enum unwind_end end);

/* Registers an unwinder follows. x86-64 numbering of dump.h: r[4] rsp ... arm64: x0..x30. */
struct unwind_state {
	uint64_t ip, sp, fp;
	bool exact; /* ip ran (or was about to); false: it is a return address */
	uint64_t r[31];
	uint32_t known; /* bit per r[] */
};

struct unwind_frame {
	uint64_t ip, sp;
	uint64_t cfa; /* end of the frame; the return address is right below. 0 unknown */
	enum unwind_trust trust;
	bool exact;    /* ip is the instruction itself; else look up ip - 1 */
	uint64_t regs; /* address of the pt_regs that this frame was read from, 0 none */
	struct unwind_state state; /* registers as far as they are known in this frame */
};

struct unwinder {
	const struct reader *memory;
	void *context; /* of the callbacks */
	/* The table that covers @p ip; false if none does. */
	bool (*table)(void *context, uint64_t ip, struct orc_table *ret);
	/* Whether @p address is kernel, module or JIT code. */
	bool (*is_text)(void *context, uint64_t address);
	/* Start of the function @p address lies in, 0 unknown. May be NULL. */
	uint64_t (*function)(void *context, uint64_t address);
	/* x86-64 */
	enum orc_layout layout;
	struct pt_regs_layout regs;
	/* arm64 */
	uint64_t pac_mask; /* NUMBER(KERNELPACMASK), 0 none or unknown */
	uint16_t regs_pc, regs_sp, regs_pstate, regs_size; /* offsets in pt_regs, x0 is at 0 */
	uint16_t regs_stackframe; /* offset of pt_regs.stackframe, 0 unknown */
};

/* Walks from @p start and appends to @p frames (a list of struct unwind_frame; its limit is the
 * walk's). The first frame is @p start itself. Who walks many stacks keeps one list and sets its
 * `count` to 0 in between: an arena takes nothing back. */
enum unwind_end unwind_x86_64(const struct unwinder *unwinder, const struct unwind_state *start,
			      struct list *frames);
enum unwind_end unwind_arm64(const struct unwinder *unwinder, const struct unwind_state *start,
			     struct list *frames);

/* The state from a struct pt_regs in memory (x86-64); false if it is not there. */
bool unwind_state_from_regs(const struct unwinder *unwinder, uint64_t address,
			    struct unwind_state *ret, bool *ret_user);
/* The state of a sleeping x86-64 task from thread.sp: struct inactive_task_frame (r15 r14 r13 r12
 * bx bp ret). arm64 keeps it in thread.cpu_context: x19..x28 fp sp pc. */
bool unwind_state_sleeping_x86_64(const struct reader *memory, uint64_t sp,
				  struct unwind_state *ret);
bool unwind_state_sleeping_arm64(const struct reader *memory, uint64_t cpu_context,
				 struct unwind_state *ret);

/* The layout by what BTF says of struct orc_entry: width of `type`, presence of `signal`, `end`. */
enum orc_layout orc_layout_of(unsigned type_bits, bool has_signal, bool has_end);
/* The layout by looking at a table's entries: for kernels without BTF, and for what BTF does not
 * say, the numbers of the registers. */
enum orc_layout orc_layout_guess(const struct reader *memory, const struct orc_table *table);
enum orc_layout orc_layout_refine(enum orc_layout layout, const struct reader *memory,
				  const struct orc_table *table);

/* x86-64, after panic() from an interrupt: the saved registers stand in __crash_kexec, from where
 * ORC does not lead on. Looks up the stack for the first return address from which the walk ends
 * clean; false (and *frames empty) if there is none within @p bytes. linux-vmcores.md */
bool unwind_x86_64_search(const struct unwinder *unwinder, const struct unwind_state *start,
			  uint64_t bytes, struct list *frames, enum unwind_end *ret);

/* Without the pointer authentication code. */
uint64_t arm64_strip_pac(uint64_t address, uint64_t pac_mask);

#endif
