/* Kernel memory for tests, written without the readers' own structures: a printk ring buffer, the
 * records of an old log_buf, kallsyms tables. */
#ifndef CULPRIT_TEST_LINUX_WRITER_H
#define CULPRIT_TEST_LINUX_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IMAGE_BYTES = 65536 };
#define IMAGE_BASE UINT64_C(0xffff888000100000)

struct image {
	uint8_t bytes[IMAGE_BYTES];
	size_t used;
};

void put16(struct image *image, size_t at, uint16_t value);
void put32(struct image *image, size_t at, uint32_t value);
void put64(struct image *image, size_t at, uint64_t value);

/* VMCOREINFO that goes with the ring image below, NUL-terminated. */
extern const char ring_vmcoreinfo[];
/* A ring of 8 descriptors and 512 bytes of text: records "first", "second\nof two lines", one that
 * wraps around, a reserved one (not written yet) and "last". */
void write_ring(struct image *image);

extern const char old_vmcoreinfo[];
/* log_buf: "one", then "two, " continued by "goes on", wrapped, then "three" of a user. */
void write_old_log(struct image *image);

/* How kallsyms tables lie: see kallsyms_find.c. Since 7.0 each offset is from its own place. */
enum kallsyms_order { ORDER_UNTIL_6_4, ORDER_SINCE_6_5, ORDER_ABSOLUTE, ORDER_SELF_RELATIVE };
struct kallsyms_image {
	uint64_t names, num_syms, token_table, token_index, offsets, relative_base, addresses;
};
enum { KALLSYMS_SYMBOLS = 1500 };
/* Symbol i is "Tsymbol_NNNN" at base + 16 * i; number 3 has an alias "tsymbol_alias" of lower rank
 * instead of number 4. @p percpu: x86-64's negative offsets. */
void write_kallsyms(struct image *image, enum kallsyms_order order, bool percpu,
		    struct kallsyms_image *ret);
/* As in a kernel, the code lies before the tables, within the reach of 32 bits. */
#define KALLSYMS_TEXT (IMAGE_BASE - 0x100000)

#endif
