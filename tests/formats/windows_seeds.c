/* Makes the seeds of the Windows fuzz targets: `windows_seeds tests/fuzz/corpus`. Not part of the
 * ordinary build; run it by hand when a target's input changes. */
#include "windows_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *corpus;

static void save(const char *name, const void *prefix, size_t prefix_size, const void *data,
		 size_t size)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", corpus, name);
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(prefix, 1, prefix_size, f) != prefix_size ||
	    fwrite(data, 1, size, f) != size || fclose(f)) {
		perror(path);
		exit(1);
	}
}

/* Drops zeros at the end, which the reader can do without. */
static size_t trimmed(const struct writer *w, size_t least)
{
	size_t size = w->size;

	while (size > least && w->data[size - 1] == 0)
		size--;
	return size;
}

static void headers(struct writer *w)
{
	write_x64(w);
	save("windows_header/x64", "", 0, w->data, w->size);
	save("windows_header/x64-header-only", "", 0, w->data, 0x2000);
	save("windows_header/x64-cut", "", 0, w->data, 0x3800);
	put32(w, 0xf98, 6);
	put_ascii(w, 0x2000, "SDMPDUMP");
	save("windows_header/x64-bitmap", "", 0, w->data, 0x2040);
	write_x86(w);
	save("windows_header/x86", "", 0, w->data, w->size);
}

static void bodies(struct writer *w)
{
	write_x64(w);
	save("windows_triage/x64", "\0", 1, w->data + 0x2000, trimmed(w, 0x2000) - 0x2000);
	save("windows_triage/arm64", "\1", 1, w->data + 0x2000, trimmed(w, 0x2000) - 0x2000);
	put_event_buffers(w, 2);
	put_firmware(w);
	save("windows_triage/x64-blobs", "\0", 1, w->data + 0x2000, w->size - 0x2000);
	write_x86(w);
	save("windows_triage/x86", "\2", 1, w->data + 0x1000, w->size - 0x1000);
}

static void boxes(struct writer *w)
{
	size_t at = put_blob(w, "b7631941-532a-4cd6-b1b1-edb5917d4557", 0x60);
	put64(w, at + 0x10, TIME_CRASH);
	put_utf16(w, at + 0x2c, "USB\\VID_1234");
	at = put_blob(w, "f57308df-cc45-4e01-ad76-29a4ebb010ec", 0xb0);
	put64(w, at + 0x20, TIME_CRASH);
	at = put_blob(w, "4ee76bd8-3cf4-44a0-a0ac-3937643e37a3", 0x1d6);
	put64(w, at + 0x18, TIME_CRASH);
	put16(w, at + 0xd4, 16);
	put_utf16(w, at + 0xd6, "\\x\\y.sys");
	at = put_blob(w, "2b4ae195-a64d-4f04-8ede-7e4f981bd42a", 0x1c);
	put32(w, at, 1);
	put32(w, at + 4, 4);
	put_ascii(w, at + 0x18, "abc");
	at = put_blob(w, "6c7ac389-4313-47dc-9f34-a8800a0fb56c", 0x60);
	put32(w, at, 40);
	put_utf16(w, at + 4, "ProcessorNameString");
	put32(w, at + 44, 1);
	put32(w, at + 48, 8);
	put_utf16(w, at + 52, "CPU");
	at = put_blob(w, "f87e4a4c-c5a1-4d2f-bff0-d5de63a5e4c3", 0x38);
	put_ascii(w, at + 0x14, "Wdf01000");
	at = put_blob(w, "54c84888-01d1-4c1e-bed6-282c98241303", 0x60);
	put_ascii(w, at + 0x24, "bad");
	at = put_blob(w, "0d910545-e694-4b15-870c-01625fb32a6f", 0x40);
	put_ascii(w, at + 0x10, "SomeCallback");
	at = put_blob(w, "21ba7b61-05f8-41f1-9048-c09493dcfe38", 0x44);
	put_ascii(w, at, "wdiwifi");
	at = put_blob(w, "80cc79cf-a719-4af1-bf97-fe29ff76ebc1", 0x20);
	put_utf16(w, at + 12, "Shell");
	at = put_blob(w, "00afe9c4-940d-4213-8016-cd3719b5bc20", 0x20);
	put64(w, at + 8, TIME_CRASH);
}

static void blobs(struct writer *w)
{
	write_x64(w);
	boxes(w);
	save("windows_blobs/boxes", "", 0, w->data + AT_END, w->size - AT_END);
	write_x64(w);
	put_event_buffers(w, 2);
	save("windows_blobs/events", "", 0, w->data + AT_END, w->size - AT_END);
	write_x64(w);
	put_event_buffers(w, 1);
	put_firmware(w);
	save("windows_blobs/events-firmware", "", 0, w->data + AT_END, w->size - AT_END);
}

static void texts(struct writer *w)
{
	memset(w, 0, sizeof(*w));
	put16(w, 0, 24);
	put16(w, 2, 24);
	put64(w, 8, UINT64_C(0xffffe00000000010));
	put_utf16(w, 0x10, "\\a\\C-291.sys");
	save("utf16/counted", "", 0, w->data, w->size);
	memset(w, 0, sizeof(*w));
	put16(w, 0, 5);
	put16(w, 2, 0xd8);
	put64(w, 0x40, UINT64_C(0xffffe00000000000));
	put16(w, 0x58, 10);
	put16(w, 0x5a, 10);
	put64(w, 0x60, UINT64_C(0xffffe00000000070));
	put_utf16(w, 0x70, "a.sys");
	put16(w, 0x7a, 0xd83d);
	put16(w, 0x7c, 0xde00);
	put16(w, 0x7e, 0x202e);
	save("utf16/file-object", "", 0, w->data, w->size);
}

int main(int argc, char **argv)
{
	static struct writer w;

	if (argc != 2)
		return 2;
	corpus = argv[1];
	headers(&w);
	bodies(&w);
	blobs(&w);
	texts(&w);
	return 0;
}
