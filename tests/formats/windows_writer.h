/* Writes small Windows dumps for tests, byte by byte. It deliberately shares no layout with the
 * reader: offsets stand here as the fact sheet (windows-dumps.md 1, 3, 4) has them. */
#ifndef CULPRIT_TEST_WINDOWS_WRITER_H
#define CULPRIT_TEST_WINDOWS_WRITER_H

#include <stddef.h>
#include <stdint.h>

enum { WRITER_ROOM = 0x8000 };

struct writer {
	uint8_t data[WRITER_ROOM];
	size_t size;
};

void put16(struct writer *w, size_t at, uint16_t value);
void put32(struct writer *w, size_t at, uint32_t value);
void put64(struct writer *w, size_t at, uint64_t value);
void put_ascii(struct writer *w, size_t at, const char *text); /* without its NUL */
void put_utf16(struct writer *w, size_t at, const char *text); /* without its NUL */
void put_driver(struct writer *w, unsigned index, uint64_t base, const char *name);
/* Appends a block of secondary data of that GUID (text form) and @p size zero bytes; returns the
 * file offset of the data. */
size_t put_blob(struct writer *w, const char *guid, size_t size);

/* Event buffers: one session of two buffers, in which "First0" and "Second" are loaded as file
 * system filters, the later one first. @p times: how often the session's name takes the size it
 * states. */
void put_event_buffers(struct writer *w, unsigned times);
/* SMBIOS tables: "Maker", "Model", BIOS "Vendor 1.2 (01/02/2024)". */
void put_firmware(struct writer *w);

/* Where the areas of write_x64() are in the file. */
enum {
	AT_MEMORY = 0x2080,
	AT_UNLOADED = 0x20d0,
	AT_PROCESSOR = 0x2180,
	AT_PROCESS = 0x2580,
	AT_THREAD = 0x2c80,
	AT_STACK = 0x3180,
	AT_DEBUGGER = 0x3380,
	AT_DRIVERS = 0x3700,
	AT_STRINGS = 0x38b0,
	AT_BLOCKS = 0x3a00,
	AT_DATA = 0x3a40,
	AT_END = 0x3f00, /* SizeOfDump */
};

/* Addresses in it. */
#define VA_NT        UINT64_C(0xfffff80100000000)
#define VA_DRIVER    UINT64_C(0xfffff80200000000)
#define VA_PROCESSOR UINT64_C(0xfffff80300001180)
#define VA_TABLE     UINT64_C(0xfffff80100cfc600)
#define VA_THREAD    UINT64_C(0xffffe00000111000)
#define VA_PROCESS   UINT64_C(0xffffe00000222000)
#define VA_STACK     UINT64_C(0xffffd00000333a00)
#define VA_DEBUGGER  UINT64_C(0xfffff80100aa0000)
#define VA_DATA      UINT64_C(0xffffe00000555000)

/* 2024-03-31T12:00:00Z and five minutes. */
#define TIME_CRASH UINT64_C(133563816000000000)
#define TIME_UP    UINT64_C(3000000000)

/* A sound dump of Windows 10 (19041, x64): one processor, three drivers (ntoskrnl.exe, hal.dll,
 * bad.sys), one unloaded, System as process, four data blocks, no secondary data. */
void write_x64(struct writer *w);
/* A sound 32-bit dump with two drivers and a stack. */
void write_x86(struct writer *w);

#endif
