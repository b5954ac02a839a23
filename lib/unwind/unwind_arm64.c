/* arm64: frame records {x29 of the caller, return address} linked from x29.
 * arch/arm64/kernel/stacktrace.c, arch/arm64/kernel/entry.S */
#include "orc.h"

#include <string.h>

enum { FP = 29, LR = 30, STACK_CHANGES_MAX = 8 };
enum { PSTATE_MODE = 0xf, PSTATE_EL0 = 0 };
/* struct frame_record_meta of 6.13 and later: both words 0, then a type. */
enum { META_FINAL = 1, META_PT_REGS = 2 };
/* Bits a pointer authentication code can have in kernel addresses of 48 bits. */
#define PAC_BITS (UINT64_C(0xff7f) << 48)

uint64_t arm64_strip_pac(uint64_t address, uint64_t pac_mask)
{
	return address >> 55 & 1 ? address | pac_mask : address & ~pac_mask;
}

struct walk {
	const struct unwinder *u;
	struct list *frames;
	unsigned stack_changes;
};

static bool is_text(const struct walk *w, uint64_t address)
{
	return w->u->is_text(w->u->context, address);
}

/* Return address without its code, also if the dump does not say what that looks like. */
static uint64_t plain(const struct walk *w, uint64_t address)
{
	uint64_t stripped = arm64_strip_pac(address, w->u->pac_mask);

	if (!is_text(w, stripped - 4) && is_text(w, (address | PAC_BITS) - 4))
		return address | PAC_BITS;
	return stripped;
}

/* struct cpu_context: x19..x28, fp, sp, pc */
bool unwind_state_sleeping_arm64(const struct reader *memory, uint64_t cpu_context,
				 struct unwind_state *ret)
{
	struct unwind_state s = {0};

	for (unsigned i = 19; i <= FP; i++) {
		if (!reader_u64(memory, cpu_context + 8 * (i - 19), &s.r[i]))
			return false;
		s.known |= 1u << i;
	}
	if (!reader_u64(memory, cpu_context + 88, &s.sp) ||
	    !reader_u64(memory, cpu_context + 96, &s.ip))
		return false;
	s.fp = s.r[FP];
	*ret = s;
	return true;
}

static void add_frame(struct walk *w, const struct unwind_state *s, enum unwind_trust trust,
		      uint64_t regs)
{
	struct unwind_frame *f = list_add(w->frames);

	*f = (struct unwind_frame){.ip = s->ip,
				   .sp = s->sp,
				   .trust = trust,
				   .exact = s->exact,
				   .regs = regs,
				   .state = *s};
}

static bool same_function(const struct walk *w, uint64_t a, uint64_t b)
{
	uint64_t start = w->u->function ? w->u->function(w->u->context, a) : 0;

	return start && start == w->u->function(w->u->context, b);
}

/* A function that has not (or not yet) pushed a record: its caller is known from x30 only. If it
 * has, x30 is the record's own value, or points back into the function. */
static void add_link_register(struct walk *w, const struct unwind_state *s)
{
	uint64_t recorded;

	if (!s->exact || !(s->known >> LR & 1))
		return;
	uint64_t lr = plain(w, s->r[LR]);
	if (!is_text(w, lr - 4) || same_function(w, lr - 4, s->ip))
		return;
	if (reader_u64(w->u->memory, s->fp + 8, &recorded) && plain(w, recorded) == lr)
		return;
	struct unwind_state caller = {.ip = lr, .sp = s->sp, .fp = s->fp};
	add_frame(w, &caller, UNWIND_GUESS, 0);
}

/* Registers of an interrupted context. */
static bool load_regs(const struct walk *w, uint64_t at, struct unwind_state *ret, bool *ret_user)
{
	struct unwind_state s = {.exact = true, .known = 0x7fffffff};
	uint64_t pstate;

	for (unsigned i = 0; i <= LR; i++)
		if (!reader_u64(w->u->memory, at + 8 * i, &s.r[i]))
			return false;
	if (!reader_u64(w->u->memory, at + w->u->regs_pc, &s.ip) ||
	    !reader_u64(w->u->memory, at + w->u->regs_sp, &s.sp) ||
	    !reader_u64(w->u->memory, at + w->u->regs_pstate, &pstate))
		return false;
	s.fp = s.r[FP];
	*ret = s;
	*ret_user = (pstate & PSTATE_MODE) == PSTATE_EL0;
	return true;
}

/* The pt_regs whose `stackframe` is the record at @p fp, if that is what it is. */
static bool regs_around(const struct walk *w, uint64_t fp, uint64_t *ret_at,
			struct unwind_state *ret, bool *ret_user)
{
	uint64_t offset = w->u->regs_stackframe;

	if (!offset || !w->u->regs_pc || fp < offset)
		return false;
	*ret_at = fp - offset;
	return load_regs(w, *ret_at, ret, ret_user);
}

/* A record of two zeros: the end, or (since 6.13) registers. */
static bool step_zero(struct walk *w, struct unwind_state *now, enum unwind_end *ret)
{
	uint64_t type = 0, at;
	struct unwind_state s;
	bool user = false;
	bool regs = regs_around(w, now->fp, &at, &s, &user);

	reader_u64(w->u->memory, now->fp + 16, &type);
	if (type == META_PT_REGS && regs && !user && is_text(w, s.ip)) {
		*now = s;
		add_frame(w, now, UNWIND_CONTEXT, at);
		add_link_register(w, now);
		return true;
	}
	*ret = regs && user && type != META_FINAL ? UNWIND_USER : UNWIND_COMPLETE;
	return false;
}

static bool visited(const struct walk *w, uint64_t fp)
{
	LIST_EACH(struct unwind_frame, f, w->frames)
	{
		if (f->state.fp == fp && f->trust != UNWIND_GUESS)
			return true;
	}
	return false;
}

/* The record at now->fp leads to the caller; false with *ret set at an end. */
static bool step(struct walk *w, struct unwind_state *now, enum unwind_end *ret)
{
	uint64_t record[2], at;
	struct unwind_state regs;
	bool user;

	*ret = UNWIND_UNREADABLE;
	if (now->fp & 7 || !reader_u64(w->u->memory, now->fp, &record[0]) ||
	    !reader_u64(w->u->memory, now->fp + 8, &record[1]))
		return false;
	if (record[0] == 0 && record[1] == 0)
		return step_zero(w, now, ret);
	uint64_t ip = plain(w, record[1]);
	*ret = UNWIND_NOT_TEXT;
	if (!is_text(w, ip - 4) && !is_text(w, ip))
		return false;
	*ret = UNWIND_LOOP;
	if (record[0] <= now->fp && record[0] &&
	    (visited(w, record[0]) || ++w->stack_changes > STACK_CHANGES_MAX))
		return false;
	if (regs_around(w, now->fp, &at, &regs, &user) && !user && regs.ip == record[1] &&
	    regs.fp == record[0]) {
		*now = regs;
		add_frame(w, now, UNWIND_CONTEXT, at);
		add_link_register(w, now);
		return true;
	}
	*now = (struct unwind_state){.ip = ip, .sp = now->fp + 16, .fp = record[0]};
	now->r[FP] = now->fp;
	now->known = 1u << FP;
	add_frame(w, now, UNWIND_FRAME_POINTER, 0);
	return true;
}

enum unwind_end unwind_arm64(const struct unwinder *unwinder, const struct unwind_state *start,
			     struct list *frames)
{
	struct walk w = {.u = unwinder, .frames = frames};
	struct unwind_state now = *start;
	enum unwind_end end;

	add_frame(&w, &now, start->exact ? UNWIND_CONTEXT : UNWIND_FRAME_POINTER, 0);
	add_link_register(&w, &now);
	if (start->exact && !is_text(&w, now.ip) && frames->count == 1)
		return UNWIND_NOT_TEXT;
	while (frames->count < frames->limit && !frames->overflowed) {
		size_t last = frames->count - 1; /* an index: adding frames may move them */
		uint64_t fp = now.fp;
		if (!fp)
			return UNWIND_COMPLETE;
		if (!step(&w, &now, &end))
			return end;
		struct unwind_frame *left = list_at(frames, last);
		left->cfa = fp + 16; /* behind the record: the return address is right below */
	}
	return UNWIND_LIMIT;
}
