/* The rules: what culprit knows about drivers, stop codes, content files, incidents and fixes.
 *
 * They are files under rules/, compiled into the program and replaceable by a directory of the same
 * shape. Tables (.tsv) are parsed when they are loaded; documents (.yaml) are kept as bytes and
 * parsed when asked for. Everything is immutable after loading and may be shared by threads and
 * forked children.
 *
 * Strings returned live as long as the knowledge, those of documents as long as the arena given. */
#ifndef CULPRIT_KNOWLEDGE_H
#define CULPRIT_KNOWLEDGE_H

#include "arena.h"
#include "errors.h"

struct knowledge;

/* What is wrong with a rule file, for people: "FILE:LINE: REASON". */
struct rule_problem {
	const char *file;
	unsigned line; /* 1-based, 0: the file as a whole */
	const char *reason;
};

/* The rules inside the program. */
struct error *knowledge_load_builtin(struct knowledge **ret);

/* The rules of @p directory. Every file is validated; one that is bad is left out and described in
 * @p ret_problems (a list of struct rule_problem in @p arena). Fails only if the directory cannot
 * be read at all or holds no rules. */
struct error *knowledge_load_directory(const char *directory, struct arena *arena,
				       struct list *ret_problems, struct knowledge **ret);
/* Validates the builtin rules in full, as a directory would be (used by the tests). */
struct error *knowledge_check_builtin(struct arena *arena, struct list *ret_problems);
void knowledge_destroy(struct knowledge *knowledge);

/* "sha256:..." over all files in name order. */
const char *knowledge_hash(const struct knowledge *knowledge);

/* Names of the rule files that are in use, NULL-terminated, in name order. */
const char *const *knowledge_files(const struct knowledge *knowledge);
/* Bytes of one of them; NULL if it is not there. */
const char *knowledge_file(const struct knowledge *knowledge, const char *name, size_t *ret_size);

/* ---- stop codes: bugchecks.tsv, bugchecks/0x00000050.yaml ----------------------------------- */

/* What a parameter of a stop code is. The word is the column value in bugchecks.tsv. */
struct bugcheck {
	uint32_t code;
	const char *name;
	const char *kind;   /* stop | live | stop+live */
	const char *family; /* memory | hardware | pool | video | ... | "" */
	const char *
		role[4]; /* code_addr, bad_addr, access, ctx_record ...; "-" unused, "var" varies */
};

struct subcode {
	const char *value; /* "0x41790" */
	const char *text;
};

/* The help-desk page of a stop code. */
struct bugcheck_page {
	const char *meaning;
	const char *parameters[4];
	unsigned subcode_parameter; /* 1..4: which parameter the subcodes are values of; 0 none */
	struct list subcodes;       /* struct subcode */
	struct list causes, advice; /* const char * */
};

/* Exact code first; then without the 0x10000000 bit (never for 0xC... and 0xDEAD... codes). NULL if
 * unknown. windows-dumps.md 1.1 */
const struct bugcheck *knowledge_bugcheck(const struct knowledge *knowledge, uint32_t code);
/* By number in any usual form ("50", "0x50", "0x00000050") or by name; NULL if unknown. */
const struct bugcheck *knowledge_bugcheck_named(const struct knowledge *knowledge,
						const char *text);
/* The page of @p bugcheck, or *ret = NULL where there is none (then the roles must do). */
struct error *knowledge_bugcheck_page(const struct knowledge *knowledge, struct arena *arena,
				      const struct bugcheck *bugcheck, struct bugcheck_page **ret);
/* Plain words for a role ("bad_addr" -> "address that was touched"); the role itself if unknown. */
const char *knowledge_role_text(const struct knowledge *knowledge, const char *role);
/* Meaning of the value @p value of the first parameter of @p code, or NULL. */
const char *knowledge_subcode(const struct knowledge *knowledge, uint32_t code, uint64_t value);
/* Name and meaning of an NTSTATUS; NULL if unknown. */
const char *knowledge_status(const struct knowledge *knowledge, uint32_t status,
			     const char **ret_meaning);

/* ---- drivers -------------------------------------------------------------------------------- */

struct driver_info {
	const char *name;
	const char *vendor, *product, *category;
	bool confirmed; /* false: from memory only */
};
/* vendors.tsv, then altitudes.tsv (vendor only), then linux_modules.tsv for names without an
 * extension (or with .ko); NULL if unknown. Names compare without case. */
const struct driver_info *knowledge_driver(const struct knowledge *knowledge, const char *name);

/* Whether Linux itself has a module of that name (linux_intree.tsv). The name proves nothing where
 * the kernel's taint says otherwise. */
bool knowledge_in_tree(const struct knowledge *knowledge, const char *name);

enum inbox { INBOX_NO, INBOX_MICROSOFT, INBOX_THIRD_PARTY };
/* Whether a driver of that name ships with Windows. */
enum inbox knowledge_inbox(const struct knowledge *knowledge, const char *name);
/* Modules that raise, forward or merely carry a crash (kernel, HAL, verifier, port and class
 * drivers ...): blame walks past them. passthrough.tsv; globs. @p ret_why may be NULL. */
bool knowledge_passes_blame(const struct knowledge *knowledge, const char *name,
			    const char **ret_why);

struct bad_driver {
	const char *name, *category, *id; /* "vulnerable driver" | "malicious" */
	uint32_t timestamp;               /* PE link time of a listed sample, 0 none */
};
/* LOLDrivers entries of that file name; @p timestamp picks the one whose sample has the same link
 * time modulo whole hours within 14 h, *ret_exact says so. NULL: not listed. */
const struct bad_driver *knowledge_bad_driver(const struct knowledge *knowledge, const char *name,
					      uint32_t timestamp, bool *ret_exact);

/* ---- content files: content_files.tsv, YARA rules in content/ ------------------------------- */

struct content_type {
	const char *id; /* "crowdstrike-channel" */
	const char *vendor, *product, *os;
	const char *directory; /* a part the path must contain, lower case, may be "" */
	const char *globs;     /* of the file name, separated by spaces */
	const char *owners;    /* drivers or programs that consume it, separated by ", " */
	bool confirmed;
};
/* The type of file that @p path (device, DOS or object form) is, or NULL. Directory and glob must
 * both fit; a bare name fits only a glob with at least four fixed characters before its last dot.
 */
const struct content_type *knowledge_content_type(const struct knowledge *knowledge,
						  const char *path);
/* The type with @p id if it is one of @p os; else the one that the same product has on @p os, NULL
 * if it has none there. */
const struct content_type *knowledge_content_type_on(const struct knowledge *knowledge,
						     const char *id, const char *os);
/* Whether @p module is one of the owners of @p type, or of the same vendor. */
bool knowledge_consumes(const struct knowledge *knowledge, const struct content_type *type,
			const char *module);

/* Compiled YARA rules of content/ (a YR_RULES *), NULL if there are none. */
void *knowledge_yara(const struct knowledge *knowledge);
/* Scans go by @p rules (a YR_RULES *) from now on, which become the knowledge's, instead of those
 * of content/: `culprit scan`. Before anything is shared. */
void knowledge_set_yara(struct knowledge *knowledge, void *rules);

/* ---- incidents and fixes: incidents/ID.yaml, fixes/ID.yaml ---------------------------------- */

struct incident_offset {
	const char *module, *version, *offset, *instruction, *note;
};
struct incident_time {
	const char *time, *event;
};
struct fix_step {
	const char *check, *action, *command, *verify, *undo;
	const char *brief; /* the step in a line, if it belongs into an outline; may be NULL */
};
struct incident {
	const char *id, *title, *date, *os, *vendor, *incident_class;
	struct list drivers, content_files;               /* const char * globs */
	struct list bugchecks, panic_patterns, functions; /* const char * */
	struct list kernels;      /* const char *: patterns for releases, empty: any */
	struct list offsets;      /* struct incident_offset */
	struct list timeline;     /* struct incident_time, ISO times */
	const char *first, *last; /* ISO: when crashes of it can have happened */
	const char *affected, *cause;
	bool harmful_file;                       /* a fix step removes or replaces a file */
	struct list steps;                       /* struct fix_step */
	struct list cautions, notes, references; /* const char * */
	bool confirmed;
};
/* All incidents whose text mentions @p driver (a file name). List of struct incident. */
struct error *knowledge_incidents_for(const struct knowledge *knowledge, struct arena *arena,
				      const char *driver, struct list *ret);
/* All incidents of @p os ("linux") whose text has one of @p words, a list that ends with NULL. */
struct error *knowledge_incidents_mentioning(const struct knowledge *knowledge, struct arena *arena,
					     const char *os, const char *const *words,
					     struct list *ret);
struct error *knowledge_incident(const struct knowledge *knowledge, struct arena *arena,
				 const char *id, struct incident **ret); /* *ret = NULL: no such */
/* Ids of all incidents, NULL-terminated, sorted. */
const char *const *knowledge_incident_ids(const struct knowledge *knowledge);

/* What to do for a class of crash where no incident matches. */
struct fix_page {
	const char *id, *title;
	const char *family;   /* of the stop code; "" any */
	const char *category; /* of the driver: av, gpu, network ...; "" any */
	bool content;         /* about a content file the driver was reading: {content_file} */
	struct list steps;    /* struct fix_step; {driver} {vendor} {product} stand for names */
	struct list cautions, references;
};
/* The most particular page of @p verdict_class (as in the report) for the stop code's @p family and
 * the driver's @p category (either may be NULL); with @p content (the verdict names a content file)
 * pages about that come first, without they are left out. *ret = NULL if the class has none. */
struct error *knowledge_fix(const struct knowledge *knowledge, struct arena *arena,
			    const char *verdict_class, const char *family, const char *category,
			    bool content, struct fix_page **ret);

#endif
