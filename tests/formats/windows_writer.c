#include "windows_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct writer *w, size_t at, uint64_t value, size_t width)
{
	if (at + width > WRITER_ROOM)
		abort();
	for (size_t i = 0; i < width; i++)
		w->data[at + i] = (uint8_t)(value >> (8 * i));
	if (w->size < at + width)
		w->size = at + width;
}

void put16(struct writer *w, size_t at, uint16_t value)
{
	put(w, at, value, 2);
}

void put32(struct writer *w, size_t at, uint32_t value)
{
	put(w, at, value, 4);
}

void put64(struct writer *w, size_t at, uint64_t value)
{
	put(w, at, value, 8);
}

void put_ascii(struct writer *w, size_t at, const char *text)
{
	for (; *text; text++)
		put(w, at++, (uint8_t)*text, 1);
}

void put_utf16(struct writer *w, size_t at, const char *text)
{
	for (; *text; text++, at += 2)
		put(w, at, (uint8_t)*text, 2);
}

static void fill(struct writer *w, size_t size)
{
	for (size_t i = 0; i < size; i += 4)
		put_ascii(w, i, "PAGE");
}

void put_driver(struct writer *w, unsigned index, uint64_t base, const char *name)
{
	size_t entry = AT_DRIVERS + 0x90 * index, string = AT_STRINGS + 0x60 * index;

	put32(w, entry, (uint32_t)string);
	put64(w, entry + 0x38, base);
	put32(w, entry + 0x48, 0x100000);
	put32(w, entry + 0x80, 0xc0de);
	put32(w, entry + 0x88, 0x5f000000);
	put32(w, string, (uint32_t)strlen(name));
	put_utf16(w, string + 4, name);
}

size_t put_blob(struct writer *w, const char *guid, size_t size)
{
	unsigned a, b, c, d[8];

	if (sscanf(guid, "%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x", &a, &b, &c, &d[0], &d[1], &d[2],
		   &d[3], &d[4], &d[5], &d[6], &d[7]) != 11)
		abort();
	if (w->size == AT_END) {
		put_ascii(w, AT_END, "DumpBlob");
		put32(w, AT_END + 8, 0x10);
		put32(w, AT_END + 12, 0xf0000000 | 19041);
	}
	size_t at = w->size;
	put32(w, at, 0x20);
	put32(w, at + 4, a);
	put16(w, at + 8, (uint16_t)b);
	put16(w, at + 10, (uint16_t)c);
	for (size_t i = 0; i < 8; i++)
		put(w, at + 12 + i, d[i], 1);
	put32(w, at + 0x14, (uint32_t)size);
	put32(w, at + 0x18, 4); /* before and after the data */
	put32(w, at + 0x1c, 4);
	put(w, at + 0x20 + 4 + size + 3, 0, 1);
	return at + 0x24;
}

static void header_x64(struct writer *w)
{
	fill(w, 0x2000);
	put_ascii(w, 0, "PAGEDU64");
	put32(w, 0x8, 0xf);
	put32(w, 0xc, 19041);
	put32(w, 0x30, 0x8664);
	put32(w, 0x34, 1);
	put32(w, 0x38, 0x50);
	put64(w, 0x40, 0xffffe00000999000);
	put64(w, 0x48, 0);
	put64(w, 0x50, VA_DRIVER + 0x1234);
	put64(w, 0x58, 2);
	put64(w, 0x80, VA_DEBUGGER);
	for (size_t i = 0; i < 0x4d0; i += 8)
		put64(w, 0x348 + i, 0);
	put32(w, 0x348 + 0x30, 0x10005f);
	put16(w, 0x348 + 0x38, 0x10);
	put32(w, 0x348 + 0x44, 0x246);
	put64(w, 0x348 + 0x78, 0x1111); /* rax */
	put64(w, 0x348 + 0x98, VA_STACK);
	put64(w, 0x348 + 0xf8, VA_NT + 0x4000);
	put32(w, 0xf00, 0x80000003);
	put64(w, 0xf10, VA_NT + 0x4000);
	put32(w, 0xf98, 4);
	put64(w, 0xfa0, 0x100000);
	put64(w, 0xfa8, TIME_CRASH);
	put64(w, 0x1030, TIME_UP);
	put32(w, 0x1038, 0xcff);
}

static void triage_x64(struct writer *w)
{
	static const uint32_t fields[] = {
		0,         AT_END,      AT_END - 4,   0x348,      0xf00,
		AT_MEMORY, AT_UNLOADED, AT_PROCESSOR, AT_PROCESS, AT_THREAD,
		AT_STACK,  0x200,       AT_DRIVERS,   3,          AT_STRINGS,
		0x120,     0,           0xffffffff,
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		put32(w, 0x2000 + 4 * i, fields[i]);
	put64(w, 0x2048, VA_STACK);
	put32(w, 0x2070, AT_DEBUGGER);
	put32(w, 0x2074, 0x380);
	put32(w, 0x2078, AT_BLOCKS);
	put32(w, 0x207c, 4);
}

static void debugger_data(struct writer *w)
{
	size_t at = AT_DEBUGGER;

	put_ascii(w, at + 0x10, "KDBG");
	put32(w, at + 0x14, 0x380);
	put64(w, at + 0x18, VA_NT);
	put64(w, at + 0x218, VA_TABLE);
	put16(w, at + 0x2a0, 0x98); /* thread: process */
	put16(w, at + 0x2a8, 0x700);
	put16(w, at + 0x2aa, 0x550);
	put16(w, at + 0x2ac, 0x540);
	put16(w, at + 0x2b0, 0x400);
	put16(w, at + 0x2b4, 8);    /* processor: thread */
	put16(w, at + 0x2be, 0x24); /* processor: number */
	put16(w, at + 0x2c0, 0x500);
	put16(w, at + 0x2e6, 0x180);
	put16(w, at + 0x2f2, 0x100); /* processor: special registers */
	put16(w, at + 0x338, 0x200); /* processor: context */
	put32(w, at + 0x340, 0x30);
	put32(w, at + 0x344, 0x38);
}

/* Control block, process and thread as the debugger data describes them. */
static void objects(struct writer *w)
{
	put64(w, AT_PROCESSOR + 8, VA_THREAD);
	put32(w, AT_PROCESSOR + 0x24, 0);
	put64(w, AT_PROCESSOR + 0x108, 0xffffe00000999000); /* cr2 */
	put64(w, AT_PROCESSOR + 0x1a0, 2);                  /* cr8 */
	put64(w, AT_PROCESSOR + 0x200, VA_DATA + 0x1000);
	for (size_t i = 0x300; i < 0x3c0; i += 16) {
		put64(w, AT_PROCESSOR + i, VA_PROCESSOR + i);
		put64(w, AT_PROCESSOR + i + 8, VA_PROCESSOR + i);
	}
	put64(w, AT_THREAD + 0x30, VA_STACK - 0x2a00);
	put64(w, AT_THREAD + 0x38, VA_STACK + 0x600);
	put64(w, AT_THREAD + 0x98, VA_PROCESS);
	put64(w, AT_THREAD + 0x430, TIME_CRASH - 10000000);
	put64(w, AT_THREAD + 0x478, 4);
	put64(w, AT_THREAD + 0x480, 0x1c8);
	put64(w, AT_PROCESS + 0x440, 4);
	put64(w, AT_PROCESS + 0x448, 0xffffe00000777448);
	put64(w, AT_PROCESS + 0x450, VA_NT + 0x8888);
	put64(w, AT_PROCESS + 0x468, TIME_CRASH - 2000000000);
	put_ascii(w, AT_PROCESS + 0x5a8, "System");
}

static void put_block(struct writer *w, unsigned index, uint64_t address, size_t at, uint32_t size)
{
	size_t entry = AT_BLOCKS + 16 * index;

	put64(w, entry, address);
	put32(w, entry + 8, (uint32_t)at);
	put32(w, entry + 12, size);
}

void write_x64(struct writer *w)
{
	memset(w, 0, sizeof(*w));
	header_x64(w);
	triage_x64(w);
	put32(w, AT_UNLOADED, 1);
	put16(w, AT_UNLOADED + 8, 24);
	put_utf16(w, AT_UNLOADED + 8 + 0x10, "dump_storpor");
	put64(w, AT_UNLOADED + 8 + 0x28, VA_DRIVER + 0x1000000);
	put64(w, AT_UNLOADED + 8 + 0x30, VA_DRIVER + 0x1008000);
	debugger_data(w);
	objects(w);
	for (size_t i = 0; i < 0x200; i += 8)
		put64(w, AT_STACK + i, 0x5000 + i);
	put64(w, AT_STACK + 0x40, VA_DRIVER + 0x1234);
	put_driver(w, 0, VA_NT, "\\SystemRoot\\system32\\ntoskrnl.exe");
	put_driver(w, 1, VA_NT + 0x1000000, "\\SystemRoot\\system32\\hal.dll");
	put_driver(w, 2, VA_DRIVER, "\\??\\C:\\Windows\\bad.sys");
	put_block(w, 0, VA_DATA, AT_DATA, 0x100);
	put_block(w, 1, VA_DATA + 0x100, AT_DATA + 0x100, 0x100);
	put_block(w, 2, VA_TABLE, AT_DATA + 0x200, 8);
	put_block(w, 3, VA_STACK + 0x200, AT_DATA + 0x208, 0x20);
	put64(w, AT_DATA + 0x200, VA_PROCESSOR);
	put_ascii(w, AT_END - 4, "TRGD");
}

void write_x86(struct writer *w)
{
	memset(w, 0, sizeof(*w));
	fill(w, 0x1000);
	put_ascii(w, 0, "PAGEDUMP");
	put32(w, 0xc, 7601);
	put32(w, 0x20, 0x14c);
	put32(w, 0x24, 2);
	put32(w, 0x28, 0x1000008e);
	put32(w, 0x2c, 0xc0000005);
	put32(w, 0x30, 0x8a001234);
	put32(w, 0x34, 0x8d000100);
	put32(w, 0x38, 0);
	for (size_t i = 0; i < 0x2cc; i += 4)
		put32(w, 0x320 + i, 0);
	put32(w, 0x320, 0x1003f);
	put32(w, 0x320 + 0xb0, 0x77); /* eax */
	put32(w, 0x320 + 0xb8, 0x82804000);
	put32(w, 0x320 + 0xbc, 8);
	put32(w, 0x320 + 0xc4, 0x8d000000);
	put32(w, 0x7dc, 0x82804000);
	put32(w, 0xf88, 4);
	put64(w, 0xfb8, TIME_UP);
	put64(w, 0xfc0, TIME_CRASH);
	put32(w, 0x1004, 0x1400); /* size, end mark */
	put32(w, 0x1008, 0x13fc);
	put32(w, 0x1028, 0x1100); /* stack */
	put32(w, 0x102c, 0x100);
	put32(w, 0x1030, 0x1200); /* drivers */
	put32(w, 0x1034, 2);
	put32(w, 0x1038, 0x12a0);
	put32(w, 0x1048, 0x8d000000);
	for (size_t i = 0; i < 2; i++) {
		put32(w, 0x1200 + 0x4c * i, (uint32_t)(0x12a0 + 0x40 * i));
		put32(w, 0x1200 + 0x4c * i + 0x1c, (uint32_t)(0x82800000 + 0x7800000 * i));
		put32(w, 0x1200 + 0x4c * i + 0x24, 0x400000);
		put32(w, 0x1200 + 0x4c * i + 0x48, 0x4a5bc123);
		put32(w, 0x12a0 + 0x40 * i, i ? 7 : 12);
		put_utf16(w, 0x12a0 + 0x40 * i + 4, i ? "bad.sys" : "ntkrnlpa.exe");
	}
	put_ascii(w, 0x13fc, "TRGD");
}

/* One event record at @p at; returns where its payload begins. */
static size_t event(struct writer *w, size_t at, uint32_t provider, uint16_t id, uint64_t time,
		    uint16_t payload)
{
	put16(w, at, (uint16_t)(0x50 + payload));
	put16(w, at + 2, 0xc013);
	put64(w, at + 0x10, time);
	put32(w, at + 0x18, provider);
	put16(w, at + 0x28, id);
	put16(w, at + 0x2c, 4);
	return at + 0x50;
}

void put_event_buffers(struct writer *w, unsigned times)
{
	size_t at = put_blob(w, "2b88b710-1c93-4f7c-b06c-655ecc50decc", 0x50 + 8 * times + 0x300);

	put32(w, at + 4, 0xf0000000 | 19045);
	put64(w, at + 0x10, TIME_CRASH - TIME_UP);
	at += 0x20;
	put32(w, at, 0x01ebafe1);
	put32(w, at + 0xc, 2);
	put32(w, at + 0x10, 0x10000);
	put32(w, at + 0x14, 8);
	put_utf16(w, at + 0x30, "Log");
	at += 0x30 + 8 * times;
	for (unsigned i = 0; i < 2; i++, at += 0x180) {
		put32(w, at, 0x10000);
		put32(w, at + 4, 0x180);
		put32(w, at + 8, i ? 0x10180 : 0x180);
		/* a filter, the later one first */
		size_t p = event(w, at + 0x48, 0xf3c5e28e, 6, TIME_CRASH - 1000 * (i + 1), 0x28);
		put16(w, p + 12, 6);
		put_utf16(w, p + 14, i ? "First0" : "Second");
		p = event(w, at + 0x48 + 0x78, 0x12345678, 1, TIME_CRASH,
			  8); /* of an unknown provider */
		put64(w, p, 0);
		put16(w, at + 0x48 + 0x78 + 0x58, 0x18); /* something that is no event */
	}
	w->size = w->size > at + 4 ? w->size : at + 4;
}

void put_firmware(struct writer *w)
{
	size_t at = put_blob(w, "bc5c008f-1e3a-44d7-988d-86f6884c6758", 0x80);

	put32(w, at + 8, 0x1800); /* BIOS, 18 bytes */
	put32(w, at + 12, 0x0201);
	put32(w, at + 16, 3);
	put_ascii(w, at + 0x20, "Vendor");
	put_ascii(w, at + 0x27, "1.2");
	put_ascii(w, at + 0x2b, "01/02/2024");
	put32(w, at + 0x37, 0x0801); /* system, 8 bytes */
	put32(w, at + 0x3b, 0x0201);
	put_ascii(w, at + 0x3f, "Maker  ");
	put_ascii(w, at + 0x47, "Model");
}
