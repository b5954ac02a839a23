/* What the files of lib/knowledge/ share: the loaded rules, how a rule file is checked and how its
 * tables and documents are read.
 *
 * Every reader works in two ways. With a `struct checker` (rules of a directory) it looks at
 * everything, describes what is wrong and leaves a bad file out. Without (the rules inside the
 * program, which a test checks) it only reads. */
#ifndef CULPRIT_KNOWLEDGE_INTERNAL_H
#define CULPRIT_KNOWLEDGE_INTERNAL_H

#include "knowledge.h"

/* ---- rule files ----------------------------------------------------------------------------- */

struct rule_file {
	const char *name; /* relative to rules/, with '/' */
	const char *data; /* followed by a NUL; NULL: left out */
	size_t size;
};

enum rule_kind {
	RULE_UNKNOWN, /* not a name of a rule file */
	RULE_TABLE,
	RULE_BUGCHECK,
	RULE_INCIDENT,
	RULE_FIX,
	RULE_YARA,
};
enum rule_kind rule_kind(const char *name);

/* Bytes that a file of that kind may have. */
size_t rule_size_max(enum rule_kind kind);

/* Names of the tables, NULL-terminated, in name order. */
extern const char *const rule_tables[];

/* Sorts by name, as everything expects it. */
void rule_files_sort(struct rule_file *files, size_t count);

enum { RULE_HASH_SIZE = sizeof("sha256:") + 64 };
void rule_files_hash(const struct rule_file *files, size_t count, char hash[RULE_HASH_SIZE]);

/* ---- checking ------------------------------------------------------------------------------- */

enum { PROBLEMS_MAX = 2000, PROBLEMS_PER_FILE = 10 };

struct checker {
	struct arena *arena;   /* of the reasons */
	struct arena *scratch; /* of the document being looked at */
	struct list *problems; /* struct rule_problem */
	const char *file;      /* being looked at */
	unsigned in_file;      /* problems it has */
};

/* The next problems are those of @p file. */
void check_begin(struct checker *c, const char *file);
/* Describes a problem of the current file; @p line 0: the file as a whole. */
void check_problem(struct checker *c, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Whether the current file has problems. A NULL @p c has none. */
bool check_failed(const struct checker *c);

/* What one document may need while it is looked at. */
#define SCRATCH_MAX (UINT64_C(32) << 20)

/* The bytes are UTF-8 text without characters that are not what they look like. */
void check_text(struct checker *c, const struct rule_file *file);

/* Forms that a value can have. They return NULL, or what is wrong with @p text. */
const char *check_code(const char *text); /* 0x0000000A */
const char *check_hex(const char *text);  /* 0xA, 1 to 16 digits */
const char *check_word(const char *text); /* a-z 0-9 _ + - */
const char *check_file(const char *text); /* name of a file */
const char *check_glob(const char *text); /* the same with * and ? */
const char *check_globs(const char *text, const char *separator);
const char *check_time(const char *text); /* 2024-07-19T04:09:00Z, or its beginning */
const char *check_enum(const char *text, const char *words); /* "one|or|other" */

/* Characters of @p glob that stand for themselves, before its last dot. */
unsigned glob_fixed(const char *glob);
bool has_wildcard(const char *text);

/* Hexadecimal with or without 0x, at most 16 digits, nothing else. */
bool parse_hex(const char *text, uint64_t *ret);

/* ---- tables --------------------------------------------------------------------------------- */

enum cell {
	CELL_TEXT,
	CELL_CODE,
	CELL_HEX,
	CELL_WORD,
	CELL_SYMBOL, /* A-Z a-z 0-9 _ */
	CELL_ENUM,   /* one of `words` */
	CELL_FILE,
	CELL_GLOB,
	CELL_GLOBS,     /* globs separated by `words` */
	CELL_DIRECTORY, /* part of a path, lower case */
	CELL_NUMBER,    /* decimal, may have a fraction */
};

struct column {
	const char *name;
	enum cell cell;
	bool optional; /* may be empty */
	const char *words;
};

enum { COLUMNS_MAX = 9 };

/* The shape of one table. Adding a column is one line in its list and its use below it. */
struct table_spec {
	const char *file;
	struct column columns[COLUMNS_MAX + 1]; /* ends with a NULL name */
	unsigned key;                           /* that many first columns are unique together */
};

struct table {
	const char **cells;
	size_t rows, columns;
};

static inline const char *table_cell(const struct table *table, size_t row, size_t column)
{
	return table->cells[row * table->columns + column];
}

/* The line of a row, for messages. */
static inline unsigned table_line(size_t row)
{
	return (unsigned)row + 2;
}

/* Reads the table of @p spec; one that is absent or (with @p c) bad has no rows. False: bad, or no
 * memory (the arena says which). */
bool table_load(struct knowledge *knowledge, struct checker *c, const struct table_spec *spec,
		struct table *ret);

/* Finds rows by name without regard to case. The name is the first member of a row; names with * or
 * ? are globs, tried in order when no name is equal. */
struct index {
	const char *rows;
	size_t stride;
	uint32_t *slots; /* row + 1, 0 free */
	uint32_t mask;
	uint32_t *globs;
	size_t glob_count;
};
bool index_build(struct index *index, struct arena *arena, const void *rows, size_t count,
		 size_t stride);
/* The rows of exactly that name one after the other; *cursor is 0 at first. NULL at the end. */
const void *index_next(const struct index *index, const char *name, uint32_t *cursor);
const void *index_find(const struct index *index, const char *name);

/* ---- the loaded rules ----------------------------------------------------------------------- */

struct role {
	const char *role, *text;
};
struct subcode_row {
	uint64_t value;
	uint32_t code;
	const char *text;
};
struct status_row {
	uint32_t status;
	const char *name, *meaning;
};
struct inbox_row {
	const char *name;
	enum inbox inbox;
};
struct passthrough {
	const char *name, *why;
};
struct content_rule {
	struct content_type type; /* first */
	const char *directory;    /* with \ between parts */
	const char **globs;
	unsigned *fixed; /* glob_fixed() of each */
	unsigned glob_count;
};

struct knowledge {
	struct arena *arena;
	struct rule_file *files; /* in name order */
	size_t file_count;
	const char **names, **incident_ids;
	char hash[RULE_HASH_SIZE];

	struct bugcheck *bugchecks; /* by code */
	size_t bugcheck_count;
	struct role *roles;
	size_t role_count;
	struct index role_index;
	struct subcode_row *subcodes; /* by code and value */
	size_t subcode_count;
	struct status_row *statuses; /* by status */
	size_t status_count;

	struct driver_info *vendors, *altitudes, *linux_modules;
	struct index vendor_index, altitude_index, linux_index;
	struct inbox_row *inbox;
	struct index inbox_index;
	struct passthrough *passthrough;
	struct index passthrough_index;
	struct bad_driver *bad_drivers;
	struct index bad_driver_index;

	struct content_rule *content;
	size_t content_count;

	void *yara;
	bool yara_initialized;
};

/* The file called @p name, NULL if there is none (or it was left out). */
const struct rule_file *knowledge_find(const struct knowledge *knowledge, const char *name);
/* The files whose name begins with @p folder ("incidents/"): *ret_first and their number. */
size_t knowledge_folder(const struct knowledge *knowledge, const char *folder,
			const struct rule_file **ret_first);

/* Fills in one table; what is wrong goes to @p c. False: no memory. */
typedef bool table_loader(struct knowledge *knowledge, struct checker *c);
/* One after the other; a file that is bad is left out. @p loaders ends with NULL. */
bool tables_load(struct knowledge *knowledge, struct checker *c, table_loader *const loaders[]);

/* The tables of one subject. */
bool bugchecks_load(struct knowledge *knowledge, struct checker *c);
bool drivers_load(struct knowledge *knowledge, struct checker *c);
bool content_load(struct knowledge *knowledge, struct checker *c);

/* Look at one document in full; what is wrong goes to @p c. */
void bugcheck_check(const struct knowledge *knowledge, struct checker *c,
		    const struct rule_file *file);
void incident_check(const struct knowledge *knowledge, struct checker *c,
		    const struct rule_file *file);
void fix_check(const struct knowledge *knowledge, struct checker *c, const struct rule_file *file);
/* Compiles the file alone; what is wrong goes to @p c. Needs yara_begin(). */
void yara_check(const struct knowledge *knowledge, struct checker *c, const struct rule_file *file);

/* Once per knowledge, before anything of YARA; undone by yara_end(). */
struct error *yara_begin(struct knowledge *knowledge);
void yara_end(struct knowledge *knowledge);
/* Compiles all files of content/ together. One that does not go with those before it is described
 * to @p c and left out; without @p c it is an error. */
struct error *yara_compile(struct knowledge *knowledge, struct checker *c);
/* Rules compiled when the program was built; fails if they are of another version of YARA. */
struct error *yara_load(struct knowledge *knowledge, const void *bytes, size_t size);

/* Everything from @p files on (sorted, taken over into the knowledge's arena by the caller). */
struct error *knowledge_fill(struct knowledge *knowledge, struct checker *c);
struct error *knowledge_create(struct knowledge **ret);

/* Reads the files of @p directory into the knowledge; what is wrong goes to @p c. */
struct error *directory_read(struct knowledge *knowledge, struct checker *c, const char *directory);

#endif
