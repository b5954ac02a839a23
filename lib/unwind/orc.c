#include "orc.h"

#include <string.h>

/* arch/x86/include/asm/orc_types.h */
enum {
	ENTRY_BYTES = 6,
	REG_UNDEFINED = 0,
	REG_PREV_SP = 1,
	REG_DX = 2,
	REG_DI = 3,
	REG_BP = 4,
	REG_SP = 5,
	REG_R10 = 6,
	REG_R13 = 7,
	REG_BP_INDIRECT = 8,
	REG_SP_INDIRECT = 9,
	REG_NONE = 15,
};
/* Numbers of dump.h. */
enum { RDX = 2, RSP = 4, RBP = 5, RDI = 7, R10 = 10, R13 = 13 };
enum {
	CS_USER = 3,            /* privilege bits of a code segment */
	FRAME_MAX = 128 * 1024, /* a frame pointer further away is not one */
	REGISTER_SAMPLE = 256,
	NEW_SP = 3,             /* the stack pointer in 7.x */
	LAYOUT_SAMPLE = 2048,   /* entries looked at to guess the layout */
	SEARCH_MAX = 64 * 1024, /* bytes of a stack searched at most */
	SEARCH_TRIES_MAX = 256, /* return addresses tried at most */
};

enum entry_type { ENTRY_UNDEFINED, ENTRY_END, ENTRY_CALL, ENTRY_REGS, ENTRY_REGS_PARTIAL };

struct entry {
	int16_t sp_offset, bp_offset;
	unsigned sp_reg, bp_reg;
	enum entry_type type;
	bool signal; /* the caller's address is exact */
};

struct pt_regs_layout orc_pt_regs(void)
{
	return (struct pt_regs_layout){.r15 = 0,
				       .r14 = 8,
				       .r13 = 16,
				       .r12 = 24,
				       .bp = 32,
				       .bx = 40,
				       .r11 = 48,
				       .r10 = 56,
				       .r9 = 64,
				       .r8 = 72,
				       .ax = 80,
				       .cx = 88,
				       .dx = 96,
				       .si = 104,
				       .di = 112,
				       .ip = 128,
				       .cs = 136,
				       .sp = 152,
				       .flags = 144,
				       .size = 168};
}

const char *unwind_end_text(enum unwind_end end)
{
	switch (end) {
	case UNWIND_COMPLETE: return "the stack's end";
	case UNWIND_USER: return "entry from user space";
	case UNWIND_NOT_TEXT: return "an address that is no code";
	case UNWIND_NO_TABLE: return "code without unwind information";
	case UNWIND_BAD_TABLE: return "unwind information that says nothing";
	case UNWIND_UNREADABLE: return "a part of the stack that is not in the dump";
	case UNWIND_LOOP: return "a stack that leads back to itself";
	case UNWIND_LIMIT: return "too many frames";
	}
	return "unknown";
}

bool unwind_end_is_clean(enum unwind_end end)
{
	return end == UNWIND_COMPLETE || end == UNWIND_USER;
}

/* ---- entries ------------------------------------------------------------------------------- */

enum orc_layout orc_layout_of(unsigned type_bits, bool has_signal, bool has_end)
{
	if (type_bits == 3)
		return ORC_TYPE3;
	if (type_bits == 2)
		return has_signal && has_end ? ORC_TYPE2_SIGNAL_END11 : ORC_TYPE2_END10;
	return ORC_LAYOUT_UNKNOWN;
}

/* Most entries are calls: type 0 of two bits, or 2 of three. Where `end` is, tell the entries
 * without a stack pointer. */
enum orc_layout orc_layout_guess(const struct reader *memory, const struct orc_table *table)
{
	uint32_t step = table->count / LAYOUT_SAMPLE + 1;
	uint32_t seen = 0, zero = 0, two = 0, bit10 = 0, bit11 = 0;

	for (uint32_t i = 0; i < table->count && seen < 2 * LAYOUT_SAMPLE; i += step) {
		uint16_t flags;
		if (!reader_u16(memory, table->entries + (uint64_t)i * ENTRY_BYTES + 4, &flags))
			continue;
		seen++;
		zero += (flags & 0x700) == 0;
		two += (flags & 0x700) == 0x200;
		bit10 += !(flags & 15) && (flags & 0x400);
		bit11 += !(flags & 15) && (flags & 0x800);
	}
	if (two > seen / 2)
		return orc_layout_refine(ORC_TYPE3, memory, table);
	if (zero > seen / 2)
		return bit11 > bit10 ? ORC_TYPE2_SIGNAL_END11 : ORC_TYPE2_END10;
	return ORC_LAYOUT_UNKNOWN;
}

/* Most frames are found by the stack pointer, which is 5 in the old numbers and 3 in the new. */
enum orc_layout orc_layout_refine(enum orc_layout layout, const struct reader *memory,
				  const struct orc_table *table)
{
	uint32_t step = table->count / REGISTER_SAMPLE + 1, new_sp = 0, old_sp = 0;

	for (uint32_t i = 0; layout == ORC_TYPE3 && i < table->count; i += step) {
		uint16_t flags;
		if (!reader_u16(memory, table->entries + (uint64_t)i * ENTRY_BYTES + 4, &flags))
			continue;
		old_sp += (flags & 15) == REG_SP;
		new_sp += (flags & 15) == NEW_SP;
	}
	return new_sp > old_sp ? ORC_TYPE3_RENUMBERED : layout;
}

/* Types of two bits: 0 call, 1 regs, 2 partial regs; `end` counts without a stack pointer only. */
static enum entry_type type_of(enum orc_layout layout, uint16_t flags)
{
	unsigned type = flags >> 8 & 7;

	if (layout == ORC_TYPE3 || layout == ORC_TYPE3_RENUMBERED)
		return type <= ENTRY_REGS_PARTIAL ? (enum entry_type)type : ENTRY_UNDEFINED;
	type &= 3;
	bool end = flags >> (layout == ORC_TYPE2_END10 ? 10 : 11) & 1;
	if ((flags & 15) == REG_UNDEFINED)
		return end ? ENTRY_END : ENTRY_UNDEFINED;
	return type <= 2 ? (enum entry_type)(ENTRY_CALL + type) : ENTRY_UNDEFINED;
}

/* The old number of each register in the new order: undefined, ax, dx, sp, bp, di, r10, r13,
 * prev_sp, sp and bp indirect. ax has no old number. arch/x86/include/asm/orc_types.h */
static const uint8_t old_number[16] = {REG_UNDEFINED, REG_NONE,        REG_DX,          REG_SP,
				       REG_BP,        REG_DI,          REG_R10,         REG_R13,
				       REG_PREV_SP,   REG_SP_INDIRECT, REG_BP_INDIRECT, REG_NONE,
				       REG_NONE,      REG_NONE,        REG_NONE,        REG_NONE};

static struct entry decode(enum orc_layout layout, const uint8_t *p)
{
	uint16_t flags = (uint16_t)(p[4] | p[5] << 8);
	struct entry e = {.sp_offset = (int16_t)(p[0] | p[1] << 8),
			  .bp_offset = (int16_t)(p[2] | p[3] << 8),
			  .sp_reg = flags & 15,
			  .bp_reg = flags >> 4 & 15,
			  .type = type_of(layout, flags)};

	if (layout == ORC_TYPE3_RENUMBERED) {
		e.sp_reg = old_number[e.sp_reg];
		e.bp_reg = old_number[e.bp_reg];
	}
	e.signal = e.type == ENTRY_REGS || e.type == ENTRY_REGS_PARTIAL ||
		   (layout == ORC_TYPE3 && flags >> 11 & 1) ||
		   (layout == ORC_TYPE3_RENUMBERED && flags >> 11 & 1) ||
		   (layout == ORC_TYPE2_SIGNAL_END11 && flags >> 10 & 1);
	return e;
}

/* __orc_find(): the last entry at or below @p ip. */
static bool find(const struct unwinder *u, const struct orc_table *table, uint64_t ip,
		 struct entry *ret)
{
	uint32_t low = 0, high = table->count;
	uint8_t bytes[ENTRY_BYTES];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2, relative;
		uint64_t at = table->ip + 4 * (uint64_t)middle;
		if (!reader_u32(u->memory, at, &relative))
			return false;
		if (at + (uint64_t)(int64_t)(int32_t)relative <= ip)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !reader_exact(u->memory, table->entries + (uint64_t)(low - 1) * ENTRY_BYTES,
				      bytes, sizeof(bytes)))
		return false;
	*ret = decode(u->layout, bytes);
	return true;
}

/* ---- registers ----------------------------------------------------------------------------- */

bool unwind_state_from_regs(const struct unwinder *unwinder, uint64_t address,
			    struct unwind_state *ret, bool *ret_user)
{
	const struct pt_regs_layout *l = &unwinder->regs;
	const uint16_t offsets[16] = {l->ax, l->cx, l->dx,  l->bx,  l->sp,  l->bp,  l->si,  l->di,
				      l->r8, l->r9, l->r10, l->r11, l->r12, l->r13, l->r14, l->r15};
	struct unwind_state s = {.exact = true, .known = 0xffff};
	uint64_t cs;

	if (!reader_u64(unwinder->memory, address + l->ip, &s.ip) ||
	    !reader_u64(unwinder->memory, address + l->cs, &cs))
		return false;
	for (unsigned i = 0; i < 16; i++)
		if (!reader_u64(unwinder->memory, address + offsets[i], &s.r[i]))
			return false;
	s.sp = s.r[RSP];
	s.fp = s.r[RBP];
	*ret = s;
	*ret_user = (cs & CS_USER) == CS_USER;
	return true;
}

/* arch/x86/include/asm/switch_to.h, struct inactive_task_frame */
bool unwind_state_sleeping_x86_64(const struct reader *memory, uint64_t sp,
				  struct unwind_state *ret)
{
	static const uint8_t order[] = {15, 14, 13, 12, 3, RBP};
	struct unwind_state s = {0};

	for (unsigned i = 0; i < sizeof(order); i++) {
		if (!reader_u64(memory, sp + 8 * i, &s.r[order[i]]))
			return false;
		s.known |= 1u << order[i];
	}
	if (!reader_u64(memory, sp + 8 * sizeof(order), &s.ip))
		return false;
	s.sp = s.r[RSP] = sp + 8 * (sizeof(order) + 1);
	s.known |= 1u << RSP;
	s.fp = s.r[RBP];
	*ret = s;
	return true;
}

static bool get(const struct unwind_state *s, unsigned number, uint64_t *ret)
{
	*ret = s->r[number];
	return s->known >> number & 1;
}

/* ---- one step ------------------------------------------------------------------------------ */

/* Goes on with the walk. */
#define STEP_GOES_ON ((enum unwind_end) - 1)

struct walk {
	const struct unwinder *u;
	struct list *frames;
	struct unwind_state now;
	uint64_t cfa;            /* of the frame just left */
	uint64_t regs;           /* pt_regs the next state came from */
	enum unwind_trust trust; /* of the next state */
	bool may_go_down;        /* the step may change to another stack */
};

static bool is_text(const struct walk *w, uint64_t address)
{
	return w->u->is_text(w->u->context, address);
}

/* Leaves for the caller at @p ip: only stack and frame pointer are known there. */
static void leave(struct walk *w, uint64_t ip, uint64_t sp, uint64_t fp, bool exact,
		  enum unwind_trust trust)
{
	w->now = (struct unwind_state){.ip = ip, .sp = sp, .fp = fp, .exact = exact};
	w->now.r[RSP] = sp;
	w->now.r[RBP] = fp;
	w->now.known = 1u << RSP | 1u << RBP;
	w->trust = trust;
	w->regs = 0;
}

/* A call or jump to where no code is: the return address is still on top of the stack. */
static enum unwind_end step_wild(struct walk *w)
{
	struct unwind_state s = w->now;
	uint64_t ip;

	if (!s.exact)
		return UNWIND_NOT_TEXT;
	if (!reader_u64(w->u->memory, s.sp, &ip))
		return UNWIND_UNREADABLE;
	if (!is_text(w, ip - 1))
		return UNWIND_NOT_TEXT;
	w->cfa = s.sp + 8;
	leave(w, ip, w->cfa, s.fp, false, UNWIND_GUESS);
	w->now.known = s.known & ~(1u << RSP); /* nothing ran that could have changed them */
	memcpy(w->now.r, s.r, sizeof(s.r));
	w->now.r[RSP] = w->cfa;
	w->now.known |= 1u << RSP;
	return STEP_GOES_ON;
}

/* Code without a table: BPF programs and trampolines keep rbp (orc_fp_entry of unwind_orc.c). */
static enum unwind_end step_frame_pointer(struct walk *w)
{
	uint64_t fp = w->now.fp, up, ip;

	if (fp & 7 || fp < w->now.sp || fp - w->now.sp > FRAME_MAX)
		return UNWIND_NO_TABLE;
	if (!reader_u64(w->u->memory, fp, &up) || !reader_u64(w->u->memory, fp + 8, &ip))
		return UNWIND_UNREADABLE;
	if (!is_text(w, ip - 1))
		return UNWIND_NO_TABLE;
	w->cfa = fp + 16;
	leave(w, ip, w->cfa, up, false, UNWIND_FRAME_POINTER);
	return STEP_GOES_ON;
}

/* Where the caller's stack begins; *ret_end says why not if false. */
static bool stack_of_caller(struct walk *w, const struct entry *e, uint64_t *ret,
			    enum unwind_end *ret_end)
{
	const struct unwind_state *s = &w->now;
	uint64_t offset = (uint64_t)(int64_t)e->sp_offset, value, slot;
	bool known = true;

	*ret_end = UNWIND_BAD_TABLE;
	w->may_go_down = e->sp_reg != REG_SP;
	switch (e->sp_reg) {
	case REG_SP: value = s->sp + offset; break;
	case REG_BP: value = s->fp + offset; break;
	case REG_R10: known = get(s, R10, &value); break;
	case REG_R13: known = get(s, R13, &value); break;
	case REG_DI: known = get(s, RDI, &value); break;
	case REG_DX: known = get(s, RDX, &value); break;
	case REG_BP_INDIRECT:
	case REG_SP_INDIRECT:
		*ret_end = UNWIND_UNREADABLE;
		slot = e->sp_reg == REG_SP_INDIRECT ? s->sp : s->fp + offset;
		if (!reader_u64(w->u->memory, slot, &value))
			return false;
		value += e->sp_reg == REG_SP_INDIRECT ? offset : 0;
		break;
	default: return false;
	}
	*ret = value;
	return known;
}

/* Until 5.12 the offset of an indirect stack pointer was added before it was read. */
static bool old_indirect_stack(struct walk *w, const struct entry *e, uint64_t *ret)
{
	return e->sp_reg == REG_SP_INDIRECT && e->sp_offset &&
	       reader_u64(w->u->memory, w->now.sp + (uint64_t)(int64_t)e->sp_offset, ret);
}

static bool fp_of_caller(const struct walk *w, const struct entry *e, uint64_t cfa, uint64_t *ret)
{
	uint64_t offset = (uint64_t)(int64_t)e->bp_offset;

	*ret = w->now.fp;
	switch (e->bp_reg) {
	case REG_UNDEFINED: return true;
	case REG_PREV_SP: return reader_u64(w->u->memory, cfa + offset, ret);
	case REG_BP: return reader_u64(w->u->memory, w->now.fp + offset, ret);
	default: return false;
	}
}

static enum unwind_end step_call(struct walk *w, const struct entry *e, uint64_t cfa)
{
	uint64_t ip, fp, other, other_ip;
	bool there = reader_u64(w->u->memory, cfa - 8, &ip);

	if ((!there || !is_text(w, ip - 1)) && old_indirect_stack(w, e, &other) &&
	    reader_u64(w->u->memory, other - 8, &other_ip)) {
		cfa = other;
		ip = other_ip;
		there = true;
	}
	if (!there)
		return UNWIND_UNREADABLE;
	if (!fp_of_caller(w, e, cfa, &fp))
		return UNWIND_UNREADABLE;
	if (!is_text(w, e->signal ? ip : ip - 1))
		return UNWIND_NOT_TEXT;
	w->cfa = cfa;
	leave(w, ip, cfa, fp, e->signal, e->signal ? UNWIND_CONTEXT : UNWIND_TABLE);
	return STEP_GOES_ON;
}

/* An interrupt or exception: registers are saved at @p at. */
static enum unwind_end step_regs(struct walk *w, uint64_t at)
{
	struct unwind_state s;
	bool user;

	if (!unwind_state_from_regs(w->u, at, &s, &user))
		return UNWIND_UNREADABLE;
	w->cfa = at;
	if (user)
		return UNWIND_USER;
	w->now = s;
	w->regs = at;
	w->trust = UNWIND_CONTEXT;
	w->may_go_down = true;
	return STEP_GOES_ON;
}

/* Only what the processor itself pushed: ip cs flags sp ss. */
static enum unwind_end step_iret(struct walk *w, const struct entry *e, uint64_t at)
{
	uint64_t ip, cs, sp, fp;

	if (!reader_u64(w->u->memory, at, &ip) || !reader_u64(w->u->memory, at + 8, &cs) ||
	    !reader_u64(w->u->memory, at + 24, &sp))
		return UNWIND_UNREADABLE;
	w->cfa = at;
	if ((cs & CS_USER) == CS_USER)
		return UNWIND_USER;
	if (!fp_of_caller(w, e, at, &fp))
		return UNWIND_UNREADABLE;
	leave(w, ip, sp, fp, true, UNWIND_CONTEXT);
	w->may_go_down = true;
	return STEP_GOES_ON;
}

static enum unwind_end step(struct walk *w)
{
	uint64_t look = w->now.exact ? w->now.ip : w->now.ip - 1, cfa;
	struct orc_table table;
	struct entry e;
	enum unwind_end end;

	w->may_go_down = false;
	if (!is_text(w, look))
		return step_wild(w);
	if (w->u->layout == ORC_LAYOUT_UNKNOWN || !w->u->table(w->u->context, look, &table) ||
	    !find(w->u, &table, look, &e))
		return step_frame_pointer(w);
	if (e.type == ENTRY_END)
		return UNWIND_COMPLETE;
	if (e.type == ENTRY_UNDEFINED)
		return UNWIND_BAD_TABLE;
	if (!stack_of_caller(w, &e, &cfa, &end))
		return end;
	if (e.type == ENTRY_CALL)
		return step_call(w, &e, cfa);
	return e.type == ENTRY_REGS ? step_regs(w, cfa) : step_iret(w, &e, cfa);
}

/* ---- walks --------------------------------------------------------------------------------- */

static struct unwind_frame *add_frame(struct walk *w)
{
	struct unwind_frame *f = list_add(w->frames);

	*f = (struct unwind_frame){.ip = w->now.ip,
				   .sp = w->now.sp,
				   .trust = w->trust,
				   .exact = w->now.exact,
				   .regs = w->regs,
				   .state = w->now};
	return f;
}

/* A stack that goes down is another stack (an interrupt's, an exception's): every place is visited
 * once. */
static bool visited(const struct list *frames, const struct unwind_state *s)
{
	LIST_EACH(struct unwind_frame, f, frames) {
		if (f->sp == s->sp && f->ip == s->ip)
			return true;
	}
	return false;
}

static bool loops(const struct walk *w, uint64_t sp_before)
{
	if (w->now.sp > sp_before)
		return false;
	return !w->may_go_down || visited(w->frames, &w->now);
}

enum unwind_end unwind_x86_64(const struct unwinder *unwinder, const struct unwind_state *start,
			      struct list *frames)
{
	struct walk w = {.u = unwinder, .frames = frames, .now = *start};

	w.trust = start->exact ? UNWIND_CONTEXT : UNWIND_TABLE;
	while (frames->count < frames->limit) {
		struct unwind_frame *frame = add_frame(&w);
		uint64_t sp = w.now.sp;
		if (frames->overflowed)
			return UNWIND_LIMIT;
		w.cfa = 0;
		enum unwind_end end = step(&w);
		frame->cfa = w.cfa;
		if (end != STEP_GOES_ON)
			return end;
		if (loops(&w, sp))
			return UNWIND_LOOP;
	}
	return UNWIND_LIMIT;
}

bool unwind_x86_64_search(const struct unwinder *unwinder, const struct unwind_state *start,
			  uint64_t bytes, struct list *frames, enum unwind_end *ret)
{
	uint64_t low = (start->sp + 7) & ~UINT64_C(7);
	unsigned tries = 0;

	if (bytes > SEARCH_MAX)
		bytes = SEARCH_MAX;
	for (uint64_t at = low; at - low < bytes && tries < SEARCH_TRIES_MAX; at += 8) {
		struct unwind_state s = {.sp = at + 8};
		if (!reader_u64(unwinder->memory, at, &s.ip))
			break;
		if (!unwinder->is_text(unwinder->context, s.ip - 1))
			continue;
		s.r[RSP] = s.sp;
		s.known = 1u << RSP;
		tries++;
		frames->count = 0;
		enum unwind_end end = unwind_x86_64(unwinder, &s, frames);
		if (unwind_end_is_clean(end) && frames->count > 1) {
			*ret = end;
			return true;
		}
	}
	frames->count = 0;
	return false;
}
