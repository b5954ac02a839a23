#include "linux_writer.h"

#include <stdio.h>
#include <string.h>

void put16(struct image *image, size_t at, uint16_t value)
{
	image->bytes[at] = (uint8_t)value;
	image->bytes[at + 1] = (uint8_t)(value >> 8);
}

void put32(struct image *image, size_t at, uint32_t value)
{
	put16(image, at, (uint16_t)value);
	put16(image, at + 2, (uint16_t)(value >> 16));
}

void put64(struct image *image, size_t at, uint64_t value)
{
	put32(image, at, (uint32_t)value);
	put32(image, at + 4, (uint32_t)(value >> 32));
}

/* ---- printk ring buffer ---------------------------------------------------------------------- */

/* offsets in the image; the layout is 6.1's */
enum { PRB = 0, RB = 64, DESCS = 256, INFOS = 1024, TEXT = 4096, RING_END = 8192 };
enum { COUNT_BITS = 3, SIZE_BITS = 9, FIRST_ID = 100 };

const char ring_vmcoreinfo[] = "OSRELEASE=6.1.0-test\n"
			       "SYMBOL(prb)=ffff888000100000\n"
			       "OFFSET(printk_ringbuffer.desc_ring)=0\n"
			       "OFFSET(printk_ringbuffer.text_data_ring)=48\n"
			       "OFFSET(prb_desc_ring.count_bits)=0\n"
			       "OFFSET(prb_desc_ring.descs)=8\n"
			       "OFFSET(prb_desc_ring.infos)=16\n"
			       "OFFSET(prb_desc_ring.head_id)=24\n"
			       "OFFSET(prb_desc_ring.tail_id)=32\n"
			       "SIZE(prb_desc)=24\n"
			       "OFFSET(prb_desc.state_var)=0\n"
			       "OFFSET(prb_desc.text_blk_lpos)=8\n"
			       "OFFSET(prb_data_blk_lpos.begin)=0\n"
			       "OFFSET(prb_data_blk_lpos.next)=8\n"
			       "SIZE(printk_info)=88\n"
			       "OFFSET(printk_info.seq)=0\n"
			       "OFFSET(printk_info.ts_nsec)=8\n"
			       "OFFSET(printk_info.text_len)=16\n"
			       "OFFSET(printk_info.caller_id)=20\n"
			       "OFFSET(prb_data_ring.size_bits)=0\n"
			       "OFFSET(prb_data_ring.data)=8\n";

struct ring_writer {
	struct image *image;
	uint64_t id, lpos;
};

/* state: 0 reserved, 1 committed, 2 finalized */
static void ring_add(struct ring_writer *w, unsigned state, uint8_t level, uint8_t facility,
		     uint32_t caller, const char *text)
{
	struct image *m = w->image;
	size_t slot = w->id % (1 << COUNT_BITS), length = strlen(text);
	size_t desc = DESCS + 24 * slot, info = INFOS + 88 * slot;
	uint64_t ring = 1 << SIZE_BITS, size = (8 + length + 7) & ~UINT64_C(7);
	uint64_t begin = w->lpos, next = begin + size, data = begin % ring;

	if (begin / ring != (next - 1) / ring) { /* does not fit before the end: anew at 0 */
		next = (begin / ring + 1) * ring + size;
		data = 0;
	}
	put64(m, desc, (uint64_t)state << 62 | w->id);
	put64(m, desc + 8, begin);
	put64(m, desc + 16, next);
	put64(m, info, w->id - FIRST_ID);
	put64(m, info + 8, (w->id - FIRST_ID + 1) * UINT64_C(1500000000));
	put16(m, info + 16, (uint16_t)length);
	m->bytes[info + 18] = facility;
	m->bytes[info + 19] = (uint8_t)(2 | level << 5);
	put32(m, info + 20, caller);
	put64(m, TEXT + data, w->id);
	memcpy(m->bytes + TEXT + data + 8, text, length);
	w->lpos = next;
	w->id++;
}

void write_ring(struct image *image)
{
	struct ring_writer w = {.image = image, .id = FIRST_ID, .lpos = 1024 + 256};

	memset(image, 0, sizeof(*image));
	put64(image, PRB, IMAGE_BASE + RB);
	put32(image, RB, COUNT_BITS);
	put64(image, RB + 8, IMAGE_BASE + DESCS);
	put64(image, RB + 16, IMAGE_BASE + INFOS);
	put64(image, RB + 32, FIRST_ID);
	put32(image, RB + 48, SIZE_BITS);
	put64(image, RB + 56, IMAGE_BASE + TEXT);
	ring_add(&w, 2, 6, 0, 1, "first");
	ring_add(&w, 2, 4, 0, 0x80000003, "second\nof two lines");
	ring_add(&w, 2, 6, 0, 1,
		 "a long line that fills the ring, so that the next one has to begin at zero: "
		 "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 01234");
	ring_add(&w, 2, 6, 1, 77, "wrapped, by a user, with more text than fits at the end");
	ring_add(&w, 0, 6, 0, 1, "never written");
	ring_add(&w, 1, 1, 0, 1, "last");
	put64(image, RB + 24, w.id - 1);
	image->used = RING_END;
}

/* ---- log_buf ----------------------------------------------------------------------------------
 */

enum {
	OLD_POINTER = 0,
	OLD_LENGTH = 16,
	OLD_FIRST = 24,
	OLD_NEXT = 32,
	OLD_BUFFER = 256,
	OLD_SIZE = 256
};

const char old_vmcoreinfo[] = "SYMBOL(log_buf)=ffff888000100000\n"
			      "SYMBOL(log_buf_len)=ffff888000100010\n"
			      "SYMBOL(log_first_idx)=ffff888000100018\n"
			      "SYMBOL(log_next_idx)=ffff888000100020\n"
			      "SIZE(printk_log)=16\n"
			      "OFFSET(printk_log.ts_nsec)=0\n"
			      "OFFSET(printk_log.len)=8\n"
			      "OFFSET(printk_log.text_len)=10\n"
			      "OFFSET(printk_log.dict_len)=12\n";

/* flags of printk.c: 2 newline, 4 prefix, 8 continued */
static size_t old_add(struct image *m, size_t at, uint64_t ns, uint8_t facility, uint8_t flags,
		      const char *text)
{
	size_t length = strlen(text), size = (16 + length + 3) & ~(size_t)3;

	put64(m, OLD_BUFFER + at, ns);
	put16(m, OLD_BUFFER + at + 8, (uint16_t)size);
	put16(m, OLD_BUFFER + at + 10, (uint16_t)length);
	m->bytes[OLD_BUFFER + at + 14] = facility;
	m->bytes[OLD_BUFFER + at + 15] = (uint8_t)(flags | 6 << 5);
	memcpy(m->bytes + OLD_BUFFER + at + 16, text, length);
	return at + size;
}

void write_old_log(struct image *image)
{
	memset(image, 0, sizeof(*image));
	put64(image, OLD_POINTER, IMAGE_BASE + OLD_BUFFER);
	put32(image, OLD_LENGTH, OLD_SIZE);
	put32(image, OLD_FIRST, 128);
	size_t at = old_add(image, 128, 1000, 0, 2 | 4, "one");
	at = old_add(image, at, 2000, 0, 8 | 4, "two, ");
	old_add(image, at, 3000, 0, 8 | 2, "goes on"); /* then a length of 0: from the beginning */
	at = old_add(image, 0, 4000, 1, 2 | 4, "three");
	put32(image, OLD_NEXT, (uint32_t)at);
	image->used = OLD_BUFFER + OLD_SIZE;
}

/* ---- kallsyms ----------------------------------------------------------------------------------
 */

static size_t round8(size_t v)
{
	return (v + 7) & ~(size_t)7;
}

/* Token i is the character i if that can be in a name, else something long. */
static size_t put_tokens(struct image *m, size_t at, uint16_t index[256])
{
	size_t start = at;

	for (int i = 0; i < 256; i++) {
		index[i] = (uint16_t)(at - start);
		if (i > 0x20 && i < 0x7f)
			m->bytes[at++] = (uint8_t)i;
		else if (i == 1)
			at += (size_t)sprintf((char *)m->bytes + at, "symbol_");
		else
			at += (size_t)sprintf((char *)m->bytes + at, "x%02x", i);
		at++;
	}
	return round8(at);
}

static uint64_t symbol_address(int i)
{
	return KALLSYMS_TEXT + 16 * (uint64_t)(i == 4 ? 3 : i);
}

static size_t put_names(struct image *m, size_t at, uint32_t *markers)
{
	size_t start = at;

	for (int i = 0; i < KALLSYMS_SYMBOLS; i++) {
		char rest[16];
		if (i % 256 == 0)
			markers[i / 256] = (uint32_t)(at - start);
		snprintf(rest, sizeof(rest), i == 4 ? "alias" : "%04d", i);
		size_t length = 2 + strlen(rest);
		m->bytes[at++] = (uint8_t)length;
		m->bytes[at++] = i == 4 ? 't' : 'T';
		m->bytes[at++] = 1; /* "symbol_" */
		memcpy(m->bytes + at, rest, strlen(rest));
		at += strlen(rest);
	}
	return round8(at);
}

static size_t put_offsets(struct image *m, size_t at, bool percpu, struct kallsyms_image *ret)
{
	ret->offsets = IMAGE_BASE + at;
	for (int i = 0; i < KALLSYMS_SYMBOLS; i++, at += 4) {
		uint32_t up = (uint32_t)(symbol_address(i) - KALLSYMS_TEXT);
		put32(m, at, percpu ? (uint32_t)-1 - up : up);
	}
	at = round8(at);
	ret->relative_base = IMAGE_BASE + at;
	put64(m, at, KALLSYMS_TEXT);
	return at + 8;
}

static size_t put_self_relative(struct image *m, size_t at, struct kallsyms_image *ret)
{
	ret->offsets = IMAGE_BASE + at;
	for (int i = 0; i < KALLSYMS_SYMBOLS; i++, at += 4)
		put32(m, at, (uint32_t)(symbol_address(i) - (IMAGE_BASE + at)));
	return at;
}

static size_t put_absolute(struct image *m, size_t at, struct kallsyms_image *ret)
{
	ret->addresses = IMAGE_BASE + at;
	for (int i = 0; i < KALLSYMS_SYMBOLS; i++, at += 8)
		put64(m, at, symbol_address(i));
	return at;
}

void write_kallsyms(struct image *image, enum kallsyms_order order, bool percpu,
		    struct kallsyms_image *ret)
{
	uint32_t markers[KALLSYMS_SYMBOLS / 256 + 1];
	uint16_t index[256];
	size_t at = 4096;

	memset(image, 0, sizeof(*image));
	*ret = (struct kallsyms_image){0};
	if (order == ORDER_UNTIL_6_4)
		at = put_offsets(image, at, percpu, ret);
	else if (order == ORDER_ABSOLUTE)
		at = put_absolute(image, at, ret);
	ret->num_syms = IMAGE_BASE + at;
	put32(image, at, KALLSYMS_SYMBOLS);
	ret->names = IMAGE_BASE + at + 8;
	at = put_names(image, at + 8, markers);
	for (size_t i = 0; i < sizeof(markers) / sizeof(*markers); i++, at += 4)
		put32(image, at, markers[i]);
	at = round8(at);
	ret->token_table = IMAGE_BASE + at;
	at = put_tokens(image, at, index);
	ret->token_index = IMAGE_BASE + at;
	for (int i = 0; i < 256; i++, at += 2)
		put16(image, at, index[i]);
	if (order == ORDER_SINCE_6_5)
		at = put_offsets(image, at, percpu, ret);
	else if (order == ORDER_SELF_RELATIVE)
		at = put_self_relative(image, at, ret);
	image->used = round8(at) + 4096;
}
