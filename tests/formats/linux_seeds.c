/* Writes the generated seeds of the Linux fuzz targets below the current folder. */
#include "linux_writer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct image image;

static int save(const char *target, const char *name, const void *head, size_t head_size,
		const void *bytes, size_t size)
{
	char path[256];

	mkdir(target, 0777);
	snprintf(path, sizeof(path), "%s/%s", target, name);
	FILE *file = fopen(path, "wb");
	if (!file)
		return 1;
	size_t n = fwrite(head, 1, head_size, file) + fwrite(bytes, 1, size, file);
	return fclose(file) != 0 || n != head_size + size;
}

static int save_logs(void)
{
	write_ring(&image);
	int bad = save("linux_log", "ring", "\0", 1, image.bytes, image.used);
	write_old_log(&image);
	return bad + save("linux_log", "log_buf", "\1", 1, image.bytes, image.used);
}

static int save_symbols(void)
{
	static const char *const names[] = {"until-6.4", "since-6.5", "absolute", "self-relative"};
	struct kallsyms_image where;
	int bad = 0;

	for (uint8_t order = 0; order < 4; order++) {
		uint8_t head = order == 1 ? 5 : order; /* 4: percpu */
		write_kallsyms(&image, order, head & 4, &where);
		bad += save("kallsyms", names[order], &head, 1, image.bytes, image.used);
	}
	return bad;
}

static void be64(uint8_t *p, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(value >> (56 - 8 * i));
}

static int save_flattened(void)
{
	static uint8_t file[4096 + 3 * 16 + 200];

	memcpy(file, "makedumpfile", 12);
	be64(file + 16, 1);
	be64(file + 24, 1);
	be64(file + 4096, 8192);
	be64(file + 4104, 100);
	be64(file + 4096 + 116, 0);
	be64(file + 4104 + 116, 100);
	be64(file + 4096 + 232, UINT64_MAX);
	be64(file + 4104 + 232, UINT64_MAX);
	return save("flattened", "two-records", file, sizeof(file), "", 0);
}

/* A walk of three frames: code at 0xc000.. of the image, stack at 0x2000. */
static int save_stack(void)
{
	enum { CODE = 0xc000, STACK = 0x2000 };
	uint8_t head[2 + 8 * 17] = {1, 0};
	struct image regs;

	memset(&image, 0, sizeof(image));
	memset(&regs, 0, sizeof(regs));
	for (unsigned i = 0; i < 256; i++) {
		put32(&image, 4 * i, CODE + 16 * i - 4 * i);
		put16(&image, 4096 + 6 * i, 8);
		put16(&image, 4096 + 6 * i + 4, i == 9 ? 0x400 : 5);
	}
	put64(&image, STACK, IMAGE_BASE + CODE + 0x50);
	put64(&image, STACK + 8, IMAGE_BASE + CODE + 0x98);
	put64(&regs, 8 * 4, IMAGE_BASE + STACK);
	put64(&regs, 8 * 16, IMAGE_BASE + CODE + 0x10);
	memcpy(head + 2, regs.bytes, sizeof(head) - 2);
	int bad = save("orc", "three-frames", head, sizeof(head), image.bytes, 16384);
	memset(&image, 0, sizeof(image));
	put64(&image, STACK, IMAGE_BASE + STACK + 32);
	put64(&image, STACK + 8, IMAGE_BASE + CODE + 0x50);
	put64(&regs, 8 * 5, IMAGE_BASE + STACK);
	memcpy(head + 2, regs.bytes, sizeof(head) - 2);
	head[1] = 1;
	return bad + save("orc", "arm64", head, sizeof(head), image.bytes, 16384);
}

static int save_elf(void)
{
	memset(&image, 0, sizeof(image));
	memcpy(image.bytes, "\177ELF\2\1\1", 7);
	put16(&image, 16, 4);
	put16(&image, 18, 62);
	put64(&image, 32, 64);
	put16(&image, 54, 56);
	put16(&image, 56, 2);
	put32(&image, 64, 4);
	put64(&image, 64 + 8, 512);
	put64(&image, 64 + 32, 32);
	put32(&image, 120, 1);
	put64(&image, 120 + 8, 1024);
	put64(&image, 120 + 32, 64);
	put64(&image, 120 + 40, 64);
	put32(&image, 512, 11);
	put32(&image, 516, 8);
	memcpy(image.bytes + 524, "VMCOREINFO", 10);
	return save("vmcore_headers", "elf", image.bytes, 1088, "", 0);
}

static int save_kdump(const char *name, bool split)
{
	memset(&image, 0, sizeof(image));
	memcpy(image.bytes, "KDUMP   ", 8);
	put32(&image, 8, 6);
	strcpy((char *)image.bytes + 12 + 4 * 65, "x86_64");
	put32(&image, 428, 4096);
	put32(&image, 432, 1);
	put32(&image, 436, 2);
	put32(&image, 440, 100);
	put64(&image, 4096 + 96, 100);
	if (split) {
		put32(&image, 4096 + 12, 1);
		put64(&image, 4096 + 88, 50);
	}
	put32(&image, 8192, 0xff);
	put32(&image, 12288, 0x3);
	for (unsigned i = 0; i < 2; i++) {
		put64(&image, 16384 + 24 * i, 16432);
		put32(&image, 16384 + 24 * i + 8, 32);
		put32(&image, 16384 + 24 * i + 12, 1);
	}
	return save("vmcore_headers", name, image.bytes, 16464, "", 0);
}

int main(void)
{
	return save_logs() + save_symbols() + save_flattened() + save_stack() + save_elf() +
			       save_kdump("kdump", false) + save_kdump("kdump-split", true)
		       ? 1
		       : 0;
}
