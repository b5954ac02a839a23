/* An ELF file that describes a kernel or a module: a vmlinux, a .ko, what a debug package holds.
 * Read by libdw, which believes what is in such files: only ever in the sandboxed process.
 *
 * Addresses are those of the file. A module's file has none yet: libdw lays its sections out, and
 * its symbols are the bridge to where they were in the machine. */
#ifndef CULPRIT_DEBUG_FILE_H
#define CULPRIT_DEBUG_FILE_H

#include "dump.h"
#include "errors.h"
#include "types.h"

struct debug_file;

struct debug_symbol {
	const char *name; /* as the file has it: not safe to print. Lives as long as the file */
	uint64_t address;
	uint64_t size; /* 0 unknown */
	bool is_function;
	bool is_global;
	bool is_alone; /* no other function or object of the file has this name */
};

/* Reads the file behind @p fd, which stays the caller's. The message of an error is a sentence
 * about the file: "it is not an ELF file ...". */
struct error *debug_file_open(int fd, struct debug_file **ret);
/* Accepts NULL. */
void debug_file_close(struct debug_file *file);

/* The GNU build ID in hex, NULL if there is none. */
const char *debug_file_build_id(const struct debug_file *file);
/* A section by its name; NULL if it is not there or has no bytes. They live as long as the file. */
const uint8_t *debug_file_section(const struct debug_file *file, const char *name,
				  uint64_t *ret_size);
/* The bytes at @p address, *ret_size of them to the end of their section; NULL if there are none.
 */
const uint8_t *debug_file_bytes(const struct debug_file *file, uint64_t address,
				uint64_t *ret_size);
/* The value of "KEY=VALUE" among a module's facts (.modinfo), NULL if it has none. Not safe to
 * print. */
const char *debug_file_fact(const struct debug_file *file, const char *key);

/* The symbol of that name, a global one before others; false if there is none. */
bool debug_file_symbol(struct debug_file *file, const char *name, struct debug_symbol *ret);
/* The function or object that covers @p address: the last at or below it, and not behind its end
 * where that is known. */
bool debug_file_symbol_at(struct debug_file *file, uint64_t address, struct debug_symbol *ret);

bool debug_file_has_symbols(struct debug_file *file);
/* Whether it has DWARF. */
bool debug_file_has_dwarf(struct debug_file *file);
/* Where in the sources the instruction at @p address comes from: @p ret (of `struct source_line`)
 * gets the innermost first, the function that has the symbol last. False if the DWARF does not
 * tell. */
bool debug_file_source(struct debug_file *file, uint64_t address, struct arena *arena,
		       struct list *ret);
/* The layouts its DWARF has, with @p file's life. ERROR_UNSUPPORTED if it has none. */
struct error *debug_file_types(struct debug_file *file, struct types **ret);

#endif
