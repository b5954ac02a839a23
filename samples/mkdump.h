/* What the files of mkdump share. Nothing here comes from culprit, and culprit uses nothing of
 * this: a reader and a writer with one common header would agree with each other about a wrong
 * offset. */
#ifndef MKDUMP_H
#define MKDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MAX_CPUS = 16,
	MAX_MODULES = 512,
	MAX_UNLOADED = 50,
	MAX_BLOCKS = 1024,
	MAX_BLOBS = 64,
	MAX_BLOCK_SIZE = 1 << 20,
	MAX_WORDS = 512,
};

enum arch { ARCH_X64, ARCH_ARM64, ARCH_X86 };

enum writer { WRITER_EXTRACTED, WRITER_WIN81, WRITER_KERNEL };

/* A growing run of bytes; everything is little-endian. */
struct bytes {
	uint8_t *data;
	size_t size;
	size_t room;
};

/* One line of a recipe, cut into words. An item line is indented and belongs to what is above it.
 */
struct line {
	const char *file;
	unsigned number;
	bool item;
	unsigned words;
	char **word;
};

/* A named value inside a structure. Size 0: the name is known but written by other code. */
struct field {
	const char *name;
	uint16_t at;
	uint16_t size;
};

/* One value of the debugger data block; kernel-relative ones are offsets into the first module. */
struct kdbg_value {
	uint16_t at;
	uint8_t size;
	bool kernel_relative;
	uint64_t value;
};

/* What differs between Windows builds. */
struct profile {
	unsigned build;
	enum arch arch;
	const char *lab;
	const struct kdbg_value *kdbg;
	uint16_t kdbg_size;
	uint32_t kdbg_at; /* both offsets into the kernel */
	uint32_t bugcheck_at;
	uint16_t process_pid; /* offsets into EPROCESS */
	uint16_t process_created;
	uint16_t process_name;
	uint16_t thread_created; /* offsets into ETHREAD */
	uint16_t thread_cid;
	uint16_t idle_thread; /* offset of the idle thread's pointer in KPRCB */
	uint32_t idle_at;     /* offsets into the kernel: where an idle CPU stands, */
	uint32_t idle_loop;   /* and the return address at the bottom of its stack */
};

struct module {
	const char *name;
	const char *path;
	uint64_t base;
	uint32_t size;
	uint32_t checksum;
	uint32_t stamp;
};

struct unloaded {
	const char *name;
	uint64_t start;
	uint64_t end;
};

struct process {
	const char *name;
	uint64_t address, pid, ppid, created, peb, file_object, image, dtb;
};

struct thread {
	uint64_t address, tid, created, teb, stack_base, stack_limit, state;
};

struct cpu {
	uint64_t prcb, context, thread, idle_thread, cr2, cr3, irql, dpc_stack, isr_stack, mhz;
	bool idle;
	const struct line *context_line;
	struct bytes registers;
};

struct block {
	uint64_t address;
	size_t limit; /* 0: as large as its items */
	struct bytes data;
};

struct blob {
	uint8_t guid[16];
	struct bytes data;
};

struct override {
	uint32_t at;
	uint8_t size;
	uint64_t value;
};

struct recipe {
	enum arch arch;
	enum writer writer;
	const struct profile *profile;
	const char *lab;
	unsigned real_build;
	unsigned cpus;
	unsigned crash_cpu;
	uint64_t time, uptime;
	uint32_t code;
	uint64_t parameter[4];
	struct module module[MAX_MODULES];
	unsigned modules;
	struct unloaded unloaded[MAX_UNLOADED];
	unsigned unloads;
	struct process process;
	struct thread thread;
	struct cpu cpu[MAX_CPUS];
	struct block stack;
	struct block block[MAX_BLOCKS];
	unsigned blocks;
	struct blob blob[MAX_BLOBS];
	unsigned blobs;
	struct override header[64];
	unsigned overrides;
};

extern struct recipe recipe;

/* recipe.c: text to lines, words and values. fail() prints file:line: reason and ends the program.
 */
void fail(const struct line *line, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
void *keep(size_t size); /* zeroed memory that lives as long as the program */
struct line *read_recipe(const char *path, size_t *count_ret);
void define(const char *name, uint64_t value);
void names_are_final(void); /* from now on an unknown name is an error */
uint64_t number(const struct line *line, const char *word);
uint64_t time_of(const struct line *line, const char *word);
void guid_of(const struct line *line, const char *word, uint8_t ret[16]);
/* The value of KEY=VALUE among the words from @p first on, NULL if there is none. */
const char *option(const struct line *line, unsigned first, const char *key);
uint64_t option_number(const struct line *line, unsigned first, const char *key,
		       uint64_t otherwise);
/* Stores every KEY=VALUE from @p first on; a key that is not in @p fields is an error. */
void fill_fields(const struct line *line, unsigned first, const struct field *fields,
		 uint8_t *base);
void put_utf16(const struct line *line, struct bytes *bytes, const char *text);
void put_ascii(const struct line *line, struct bytes *bytes, const char *text);

/* bytes */
void store(uint8_t *at, unsigned size, uint64_t value);
uint64_t load(const uint8_t *at, unsigned size);
void put(struct bytes *bytes, unsigned size, uint64_t value);
void put_data(struct bytes *bytes, const void *data, size_t size);
void put_zeros(struct bytes *bytes, size_t size);
void pad_to(struct bytes *bytes, size_t multiple);

/* profiles.c */
const struct profile *find_profile(unsigned build, enum arch arch);
uint64_t kdbg_value(const struct profile *profile, uint16_t at);

/* items.c */
unsigned pointer_size(void);
unsigned context_size(void);
void context_defaults(uint8_t *context);
void context_set(const struct line *line, unsigned first, uint8_t *context);
uint64_t context_sp(const uint8_t *context);
uint64_t context_pc(const uint8_t *context);
struct block *add_block(const struct line *line, uint64_t address, size_t limit);
/* Writes one item line at the cursor of @p bytes; @p start is where the line's offsets begin. */
void put_item(const struct line *line, struct bytes *bytes, size_t start, size_t *cursor,
	      size_t limit);

/* etw.c */
void etw_begin(const struct line *line, struct bytes *blob);
void etw_session(const struct line *line, struct bytes *blob);
void etw_event(const struct line *line, struct bytes *blob);
void etw_finish(struct bytes *blob); /* closes the open event and the open session */

/* layout.c */
void header_set(const struct line *line); /* one header NAME=VALUE... statement */
/* The recipe becomes a file; names such as file.drivers are defined for the damage lines. */
void write_dump(const struct line *last, struct bytes *out);

#endif
