#include "linux_log.h"

#include "ceilings.h"
#include "cursor.h"

#include <string.h>

enum {
	RECORD_MAX_BYTES = 8192,
	OLD_RING_MAX = 1 << 24, /* bytes of a log_buf that are looked at */
	STRUCT_MAX = 256,       /* of struct printk_info, struct prb_desc, struct printk_log */
};
/* enum log_flags of printk.c, the same since 3.5 */
enum { LOG_NEWLINE = 2, LOG_PREFIX = 4, LOG_CONT = 8 };

/* What is known of a record beside its text, alike in both ring layouts. */
struct record {
	struct linux_line line;
	uint8_t flags;
};

/* The record before, kept until it is known that no other one continues its line. */
struct pending {
	struct record record;
	bool used;
	size_t length;
	char text[RECORD_MAX_BYTES];
};

static void flush(struct linux_log *log, struct pending *pending)
{
	if (pending->used)
		linux_log_add(log, &pending->record.line, pending->text, pending->length);
	pending->used = false;
}

/* msg_print_text(): a record that continues one without newline is the same line. */
static bool continues(const struct pending *pending, const struct record *record)
{
	const struct linux_line *a = &pending->record.line, *b = &record->line;

	/* Nothing else of it has a value before a record was taken. */
	if (!pending->used || pending->record.flags & LOG_NEWLINE)
		return false;
	bool same = a->has_caller == b->has_caller && a->caller == b->caller;
	return (same && record->flags & LOG_CONT) ||
	       (pending->record.flags & LOG_CONT && !(record->flags & LOG_PREFIX));
}

static void take_record(struct linux_log *log, struct pending *pending, const struct record *record,
			const char *text, size_t length)
{
	if (!continues(pending, record)) {
		flush(log, pending);
		pending->record = *record;
		pending->length = 0;
		pending->used = true;
	}
	if (length > sizeof(pending->text) - pending->length)
		length = sizeof(pending->text) - pending->length;
	memcpy(pending->text + pending->length, text, length);
	pending->length += length;
	pending->record.flags = record->flags;
}

static void note_missing(struct linux_log *log, const char *why)
{
	log->missing++;
	log->partial = true;
	if (!log->why)
		log->why = why;
}

/* facility, then one byte of flags (5 bits) and level (3 bits). */
static void set_priority(struct record *record, uint8_t facility, uint8_t bits)
{
	record->line.facility = facility;
	record->line.level = bits >> 5;
	record->flags = bits & 0x1f;
}

/* printk_caller_id(): bit 31 set means a processor. */
static void set_caller(struct record *record, uint32_t id)
{
	record->line.has_caller = true;
	record->line.caller_is_cpu = id >> 31;
	record->line.caller = id & INT32_MAX;
}

/* ---- the lockless ring: 5.10 and later ---------------------------------------------------- */

/* kernel/printk/printk_ringbuffer.h */
enum { STATE_SHIFT = 62, STATE_COMMITTED = 1, STATE_FINALIZED = 2, BITS_MAX = 30 };
#define ID_MASK ((UINT64_C(1) << STATE_SHIFT) - 1)

struct ring {
	const struct reader *memory;
	uint64_t descs, infos, data;
	unsigned count_bits, size_bits;
	uint64_t head, tail;
	uint64_t desc_size, info_size;
	uint64_t desc_state, desc_lpos; /* offsets in struct prb_desc */
	uint64_t lpos_begin, lpos_next; /* in struct prb_data_blk_lpos */
	uint64_t info_seq, info_time, info_length, info_caller;
};

/* Every offset the walk needs; false if VMCOREINFO lacks one. */
static bool ring_layout(const struct vmcoreinfo *info, struct ring *ring)
{
	const struct {
		const char *name;
		uint64_t *value;
	} offsets[] = {
		{"prb_desc.state_var", &ring->desc_state},
		{"prb_desc.text_blk_lpos", &ring->desc_lpos},
		{"prb_data_blk_lpos.begin", &ring->lpos_begin},
		{"prb_data_blk_lpos.next", &ring->lpos_next},
		{"printk_info.seq", &ring->info_seq},
		{"printk_info.ts_nsec", &ring->info_time},
		{"printk_info.text_len", &ring->info_length},
		{"printk_info.caller_id", &ring->info_caller},
	};

	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
		if (!vmcoreinfo_offset(info, offsets[i].name, offsets[i].value) ||
		    *offsets[i].value > STRUCT_MAX - 32)
			return false;
	return vmcoreinfo_size(info, "prb_desc", &ring->desc_size) &&
	       vmcoreinfo_size(info, "printk_info", &ring->info_size) &&
	       ring->desc_size <= STRUCT_MAX && ring->info_size <= STRUCT_MAX &&
	       ring->desc_size >= 24 && ring->info_size >= 24;
}

static bool read_part(const struct reader *memory, const struct vmcoreinfo *info,
		      const char *offset, uint64_t base, uint64_t *ret)
{
	uint64_t at;

	return vmcoreinfo_offset(info, offset, &at) && reader_u64(memory, base + at, ret);
}

static struct error *ring_open(const struct reader *memory, const struct vmcoreinfo *info,
			       uint64_t prb, struct ring *ring)
{
	uint64_t rb, desc_at, text_at, count_bits, size_bits;

	*ring = (struct ring){.memory = memory};
	if (!ring_layout(info, ring) ||
	    !vmcoreinfo_offset(info, "printk_ringbuffer.desc_ring", &desc_at) ||
	    !vmcoreinfo_offset(info, "printk_ringbuffer.text_data_ring", &text_at))
		return error_create(ERROR_UNSUPPORTED,
				    "VMCOREINFO does not describe the log's ring buffer");
	if (!reader_u64(memory, prb, &rb))
		return error_create(ERROR_TRUNCATED, "the log's address is not in the dump");
	desc_at += rb;
	text_at += rb;
	if (!read_part(memory, info, "prb_desc_ring.count_bits", desc_at, &count_bits) ||
	    !read_part(memory, info, "prb_desc_ring.descs", desc_at, &ring->descs) ||
	    !read_part(memory, info, "prb_desc_ring.infos", desc_at, &ring->infos) ||
	    !read_part(memory, info, "prb_desc_ring.head_id", desc_at, &ring->head) ||
	    !read_part(memory, info, "prb_desc_ring.tail_id", desc_at, &ring->tail) ||
	    !read_part(memory, info, "prb_data_ring.size_bits", text_at, &size_bits) ||
	    !read_part(memory, info, "prb_data_ring.data", text_at, &ring->data))
		return error_create(ERROR_TRUNCATED, "the log's ring buffer is not in the dump");
	ring->count_bits = (uint32_t)count_bits; /* unsigned int in the kernel */
	ring->size_bits = (uint32_t)size_bits;
	ring->head &= ID_MASK;
	ring->tail &= ID_MASK;
	if (ring->count_bits > BITS_MAX || ring->size_bits > BITS_MAX || ring->size_bits < 4)
		return error_create(ERROR_BAD_DATA,
				    "the log's ring buffer claims 2^%u records and 2^%u bytes",
				    ring->count_bits, ring->size_bits);
	return NULL;
}

/* get_data(): where a block lies. False if the positions make no sense. */
static bool block_range(const struct ring *ring, uint64_t begin, uint64_t next, uint64_t *ret_at,
			uint64_t *ret_size)
{
	uint64_t size = UINT64_C(1) << ring->size_bits, mask = size - 1;

	if (begin / size == (next - 1) / size && begin < next) {
		*ret_at = begin & mask;
		*ret_size = next - begin;
	} else if ((begin + size) / size == next / size) { /* wrapped: it begins anew at 0 */
		*ret_at = 0;
		*ret_size = next & mask;
	} else {
		return false;
	}
	return *ret_size >= 8 && *ret_at + *ret_size <= size;
}

/* The text of a block of @p size bytes at @p at of the ring; it begins with its record's id. */
static bool block_text(const struct ring *ring, uint64_t id, uint64_t at, uint64_t size, char *text,
		       size_t *length)
{
	uint64_t owner;

	if (!reader_u64(ring->memory, ring->data + at, &owner) || (owner & ID_MASK) != id)
		return false;
	if (*length > size - 8)
		*length = (size_t)(size - 8);
	if (*length > RECORD_MAX_BYTES)
		*length = RECORD_MAX_BYTES;
	return reader_exact(ring->memory, ring->data + at + 8, text, *length);
}

static uint64_t le64(const uint8_t *p)
{
	struct cursor c = cursor_make(p, 8, 0, "");

	return cursor_u64(&c);
}

enum found { FOUND, FOUND_NOTHING, FOUND_MISSING };

/* Descriptor of record @p id: where its text lies. Nothing if the slot holds another record or one
 * that is still being written. */
static enum found ring_descriptor(const struct ring *ring, uint64_t id, uint64_t *ret_begin,
				  uint64_t *ret_next)
{
	uint8_t desc[STRUCT_MAX] = {0};
	uint64_t index = id & ((UINT64_C(1) << ring->count_bits) - 1);

	if (!reader_exact(ring->memory, ring->descs + index * ring->desc_size, desc,
			  (size_t)ring->desc_size))
		return FOUND_MISSING;
	uint64_t state = le64(desc + ring->desc_state);
	*ret_begin = le64(desc + ring->desc_lpos + ring->lpos_begin % 16);
	*ret_next = le64(desc + ring->desc_lpos + ring->lpos_next % 16);
	if ((state & ID_MASK) != id ||
	    (state >> STATE_SHIFT != STATE_COMMITTED && state >> STATE_SHIFT != STATE_FINALIZED))
		return FOUND_NOTHING;
	return FOUND;
}

static bool ring_info(const struct ring *ring, uint64_t id, struct record *ret, size_t *ret_length)
{
	uint8_t info[STRUCT_MAX] = {0};
	uint64_t index = id & ((UINT64_C(1) << ring->count_bits) - 1);

	if (!reader_exact(ring->memory, ring->infos + index * ring->info_size, info,
			  (size_t)ring->info_size))
		return false;
	const uint8_t *length = info + ring->info_length;
	*ret = (struct record){.line.ns = le64(info + ring->info_time),
			       .line.has_ns = true,
			       .line.sequence = (uint32_t)le64(info + ring->info_seq)};
	set_priority(ret, length[2], length[3]);
	set_caller(ret, (uint32_t)le64(info + ring->info_caller));
	*ret_length = (size_t)(length[0] | length[1] << 8);
	return true;
}

/* BLK_DATALESS: begin and next are 1 for a record whose text found no room, 3 for an empty line. */
static enum found ring_record(const struct ring *ring, uint64_t id, struct record *ret, char *text,
			      size_t *ret_length)
{
	uint64_t begin, next, at, room;
	enum found found = ring_descriptor(ring, id, &begin, &next);

	if (found != FOUND)
		return found;
	if (!ring_info(ring, id, ret, ret_length))
		return FOUND_MISSING;
	if (begin & next & 1) {
		*ret_length = 0;
		return begin == 1 ? FOUND_MISSING : FOUND;
	}
	return block_range(ring, begin, next, &at, &room) &&
			       block_text(ring, id, at, room, text, ret_length)
		       ? FOUND
		       : FOUND_MISSING;
}

static void ring_walk(const struct ring *ring, struct linux_log *log)
{
	char text[RECORD_MAX_BYTES];
	uint64_t capacity = UINT64_C(1) << ring->count_bits;
	uint64_t span = ((ring->head - ring->tail) & ID_MASK) + 1;
	struct pending pending;

	pending.used = false;
	if (span > capacity) {
		note_missing(log, "the log's ring buffer has contradictory ends");
		span = capacity;
	}
	if (span > LIMIT_LOG_LINES) { /* the newest matter */
		log->partial = true;
		log->why = "the log has more records than LIMIT_LOG_LINES";
		span = LIMIT_LOG_LINES;
	}
	for (uint64_t i = 0; i < span; i++) {
		struct record record;
		size_t length;
		enum found found = ring_record(ring, (ring->head - (span - 1) + i) & ID_MASK,
					       &record, text, &length);
		if (found == FOUND)
			take_record(log, &pending, &record, text, length);
		else if (found == FOUND_MISSING)
			note_missing(log, "parts of the log's ring buffer are not in the dump");
	}
	flush(log, &pending);
}

/* ---- log_buf records: 3.5 to 5.9 ----------------------------------------------------------- */

struct old_ring {
	const struct reader *memory;
	uint64_t buffer;
	uint32_t length, first, next;
	uint64_t header, time, len, text_len, dict_len;
};

/* struct printk_log was struct log until 3.10 */
static bool old_offset(const struct vmcoreinfo *info, const char *field, uint64_t *ret)
{
	char name[64];

	for (int i = 0; i < 2; i++) {
		size_t n = strlen(i ? "log" : "printk_log");
		memcpy(name, i ? "log" : "printk_log", n);
		memcpy(name + n, field, strlen(field) + 1);
		bool found = *field ? vmcoreinfo_offset(info, name, ret)
				    : vmcoreinfo_size(info, name, ret);
		if (found)
			return *ret <= STRUCT_MAX - 32;
	}
	return false;
}

static bool read_symbol_u32(const struct reader *memory, const struct vmcoreinfo *info,
			    const char *name, uint32_t *ret)
{
	uint64_t at;

	return vmcoreinfo_symbol(info, name, &at) && reader_u32(memory, at, ret);
}

static struct error *old_ring_open(const struct reader *memory, const struct vmcoreinfo *info,
				   struct old_ring *ring)
{
	uint64_t at;

	*ring = (struct old_ring){.memory = memory};
	if (!old_offset(info, "", &ring->header) || !old_offset(info, ".ts_nsec", &ring->time) ||
	    !old_offset(info, ".len", &ring->len) ||
	    !old_offset(info, ".text_len", &ring->text_len) || ring->header < 16)
		return error_create(ERROR_UNSUPPORTED, "VMCOREINFO does not describe the log");
	if (!old_offset(info, ".dict_len", &ring->dict_len))
		ring->dict_len = ring->text_len + 2;
	if (!vmcoreinfo_symbol(info, "log_buf", &at) || !reader_u64(memory, at, &ring->buffer) ||
	    !read_symbol_u32(memory, info, "log_buf_len", &ring->length) ||
	    !read_symbol_u32(memory, info, "log_first_idx", &ring->first) ||
	    !read_symbol_u32(memory, info, "log_next_idx", &ring->next))
		return error_create(ERROR_TRUNCATED, "the log's ring buffer is not in the dump");
	if (ring->length > OLD_RING_MAX || ring->first >= ring->length || ring->next > ring->length)
		return error_create(ERROR_BAD_DATA, "the log claims %u bytes, from %u to %u",
				    ring->length, ring->first, ring->next);
	return NULL;
}

/* Caller ids are there only with CONFIG_PRINTK_CALLER: then the header is longer than 16. */
static bool old_record(const struct old_ring *ring, uint32_t at, struct record *ret, char *text,
		       size_t *ret_length, uint32_t *ret_size)
{
	uint8_t head[STRUCT_MAX] = {0};

	if (!reader_exact(ring->memory, ring->buffer + at, head, (size_t)ring->header))
		return false;
	*ret_size = head[ring->len] | (uint32_t)head[ring->len + 1] << 8;
	*ret_length = (size_t)(head[ring->text_len] | head[ring->text_len + 1] << 8);
	*ret = (struct record){.line.ns = le64(head + ring->time), .line.has_ns = true};
	set_priority(ret, head[ring->dict_len + 2], head[ring->dict_len + 3]);
	if (ring->header >= ring->dict_len + 8)
		set_caller(ret, (uint32_t)le64(head + ring->dict_len + 4));
	if (*ret_size == 0)
		return true;
	if (*ret_length > *ret_size - ring->header || *ret_size < ring->header)
		return false;
	if (*ret_length > RECORD_MAX_BYTES)
		*ret_length = RECORD_MAX_BYTES;
	return reader_exact(ring->memory, ring->buffer + at + ring->header, text, *ret_length);
}

/* A walk through the records; false at the end, and where they cannot be followed (then *broken).
 */
struct old_walk {
	uint32_t at, size;
	bool wrapped, broken;
};

static bool old_next(const struct old_ring *ring, struct old_walk *w, struct record *ret,
		     char *text, size_t *ret_length)
{
	w->at += w->size;
	for (w->size = 0; w->at != ring->next || !w->wrapped; w->at = 0) {
		if (w->at + ring->header > ring->length ||
		    !old_record(ring, w->at, ret, text, ret_length, &w->size) ||
		    (w->size == 0 && w->wrapped)) {
			w->broken = true;
			return false;
		}
		if (w->size)
			return true;
		w->wrapped = true; /* log_next(): a length of 0, the buffer begins anew */
	}
	return false;
}

static struct old_walk old_begin(const struct old_ring *ring)
{
	return (struct old_walk){.at = ring->first, .wrapped = ring->next > ring->first};
}

static void old_ring_walk(const struct old_ring *ring, struct linux_log *log)
{
	char text[RECORD_MAX_BYTES];
	struct record record;
	struct pending pending;
	struct old_walk w = old_begin(ring);
	uint32_t count = 0, number = 0;
	size_t length;

	while (old_next(ring, &w, &record, text, &length))
		count++;
	uint32_t skipped = count > LIMIT_LOG_LINES ? count - LIMIT_LOG_LINES : 0;
	if (skipped) { /* the newest matter */
		log->partial = true;
		log->why = "the log has more records than LIMIT_LOG_LINES";
	}
	pending.used = false;
	for (w = old_begin(ring); old_next(ring, &w, &record, text, &length); number++) {
		record.line.sequence = number;
		if (number >= skipped)
			take_record(log, &pending, &record, text, length);
	}
	flush(log, &pending);
	if (w.broken)
		note_missing(log, "the log cannot be followed to its end");
}

/* Before 3.5: a ring of characters, as they went to the console. */
static struct error *oldest_ring(const struct reader *memory, const struct vmcoreinfo *info,
				 struct arena *arena, struct linux_log *ret)
{
	uint64_t at, buffer;
	uint32_t length, end, chars;

	if (!vmcoreinfo_symbol(info, "log_buf", &at) || !reader_u64(memory, at, &buffer) ||
	    !read_symbol_u32(memory, info, "log_buf_len", &length) ||
	    !read_symbol_u32(memory, info, "log_end", &end) ||
	    !read_symbol_u32(memory, info, "logged_chars", &chars))
		return error_create(ERROR_UNSUPPORTED, "VMCOREINFO does not describe the log");
	if (length == 0 || length > OLD_RING_MAX || (length & (length - 1)))
		return error_create(ERROR_BAD_DATA, "the log claims %u bytes", length);
	if (chars > length)
		chars = length;
	char *text = arena_alloc(arena, chars ? chars : 1, 1);
	if (!text)
		return error_create(ERROR_NOMEM, "no memory for the kernel's log");
	uint32_t begin = (end - chars) & (length - 1);
	uint32_t part = chars < length - begin ? chars : length - begin;
	bool whole = reader_exact(memory, buffer + begin, text, part) &&
		     reader_exact(memory, buffer, text + part, chars - part);
	linux_log_from_text(text, chars, arena, ret);
	ret->layout = "log_buf";
	if (!whole)
		note_missing(ret, "parts of the log are not in the dump");
	return NULL;
}

struct error *linux_log_read(const struct reader *memory, const struct vmcoreinfo *info,
			     struct arena *arena, struct linux_log *ret)
{
	uint64_t prb;
	struct ring ring;
	struct old_ring old;
	struct linux_log log;
	bool is_ring = vmcoreinfo_symbol(info, "prb", &prb);

	if (!is_ring && vmcoreinfo_value(info, "SYMBOL(logged_chars)"))
		return oldest_ring(memory, info, arena, ret);
	struct error *err =
		is_ring ? ring_open(memory, info, prb, &ring) : old_ring_open(memory, info, &old);
	if (err)
		return err;
	linux_log_init(&log, arena, is_ring ? "printk_ringbuffer" : "log_buf");
	if (is_ring)
		ring_walk(&ring, &log);
	else
		old_ring_walk(&old, &log);
	if (arena_failed(arena))
		return error_create(ERROR_NOMEM, "no memory for the kernel's log");
	*ret = log;
	return NULL;
}
