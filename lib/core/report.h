/* The report: everything culprit says about one piece of evidence, as the analyzers fill it in and
 * as report_json.c writes it. culprit-report(5) is the contract; field names never change meaning.
 *
 * Ownership: everything hangs on `arena`; NULL strings become JSON null. */
#ifndef CULPRIT_REPORT_H
#define CULPRIT_REPORT_H

#include "dump.h"

#include <jansson.h>

enum status { STATUS_COMPLETE, STATUS_PARTIAL, STATUS_UNREADABLE };

enum trust { TRUST_CONTEXT, TRUST_UNWIND, TRUST_FRAME_POINTER, TRUST_SCAN };
enum blame { BLAME_NOT_REACHED, BLAME_REJECTED, BLAME_CHOSEN };

struct parameter {
	uint64_t value;
	const char *role;    /* "bad address" */
	const char *meaning; /* decoded: "read", "csagent.sys+0xe14ed" */
};

struct frame {
	uint64_t address;
	uint64_t slot;               /* where on the stack it was found, 0 for a register */
	const struct module *module; /* NULL: in none */
	bool unloaded;               /* module is of the unloaded list */
	uint64_t offset;             /* in the module */
	const char *symbol;
	const struct list *sources; /* struct source_line, innermost first; NULL not known */
	enum trust trust;
	bool call_seen; /* the bytes before it are in the dump and are a call */
	enum blame blame;
	const char *why;
};

struct reason {
	bool against;
	const char *kind; /* stable word: faulting-ip, parameter, stack, bystander ... */
	const char *text;
	double weight; /* > 0; against subtracts */
	bool has_address;
	uint64_t address;
};

struct suspect {
	const struct module *module;
	double score;         /* 0..1 after analyzers/verdict.c */
	struct list evidence; /* struct reason */
};

struct content_file {
	const char *path;
	char grade;        /* 'A'..'D' */
	const char *type;  /* "crowdstrike-channel"; NULL: of no known kind */
	const char *owner; /* driver or program that consumes such files */
	const char *vendor;
	bool cited;  /* tied to the fault: may be called the culprit's file */
	bool passed; /* its path was handed to code of the owner that the fault stands in */
	bool has_size;
	uint64_t size;
	uint64_t address;      /* where in memory the name (or the bytes) is, 0 unknown */
	uint64_t mtime, ctime; /* FILETIME, 0 unknown */
	uint64_t inode;        /* its number, 0 unknown */
	uint64_t object;       /* the kernel's object of the open file, 0 unknown */
	const char *task;      /* that has it open, NULL unknown */
	uint64_t pid;
	const uint8_t *content; /* what was found of its bytes in memory, NULL nothing */
	size_t content_size;
	uint64_t content_at; /* where they were found in one piece; 0: page by page, in the page
			      * cache of `inode_address` */
	uint64_t inode_address;
	const char *recognised_by; /* rule that its bytes fit, NULL none */
	char recognised_grade;     /* of the nearest place where they do */
	const char *sha256;        /* of the bytes that were found in memory, NULL if none */
	const char *bytes_from;    /* where they were found, in words */
	const char *beginning;     /* of them, in hex */
	struct list evidence;
};

/* A rule of libyara that matched in the dump's memory. */
struct hit {
	const char *rule, *string, *type, *owner;
	uint64_t address;
	unsigned length;
	const char *bytes; /* hex of its beginning */
	const char *near;  /* "0x40 above the address that faulted", module+offset ... */
	uint64_t distance; /* from the address that faulted, UINT64_MAX unknown */
};

struct text_hit {
	uint64_t address;
	const char *encoding; /* "utf-16" | "ascii" | "counted" */
	const char *text;
};

/* Something worth knowing that is no part of the blame. */
struct finding {
	const char *kind;     /* known-bad-driver, verifier-on, live-dump ... */
	const char *severity; /* info | warning */
	const char *text;
	const char *subject; /* file name, id ... or NULL */
};

struct timeline_entry {
	uint64_t time; /* FILETIME */
	int digits;
	const char *event, *source;
};

struct step {
	const char *check, *action, *command, *verify, *undo, *brief;
};

struct fix {
	const char *id, *title;
	struct list steps;      /* struct step */
	struct list cautions;   /* const char * */
	struct list references; /* const char * */
};

enum verdict_class {
	CLASS_UNKNOWN,
	CLASS_THIRD_PARTY_DRIVER,
	CLASS_OS_DRIVER,
	CLASS_HARDWARE,
	CLASS_MEMORY_CORRUPTION,
	CLASS_USER_INITIATED,
	CLASS_APPLICATION,
};
const char *verdict_class_name(enum verdict_class c);

enum confidence { CONFIDENCE_NONE, CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };
const char *confidence_name(enum confidence c); /* NULL for none */

struct incident_match {
	const char *id, *title;
	double score;
	struct list why;   /* const char * */
	struct list times; /* struct timeline_entry: what was published about it */
};

/* One of several files that are one dump. */
struct dump_part {
	const char *path;
	char sha256[65]; /* "": not known */
	uint64_t bytes;
};

struct report {
	struct arena *arena;
	const char *tool_version, *rules_hash;

	struct {
		const char *path;
		uint64_t bytes;
		const char *format;
		struct list containers;        /* const char * */
		const struct dump_part *parts; /* NULL: it is one file */
		size_t part_count;
		enum status status;
	} input;

	struct {
		uint32_t code;
		const char *kind; /* bugcheck | live-dump | panic | exception */
		const char *name, *family, *message;
		struct parameter parameter[4];
		unsigned parameters;
		bool has_context;
		struct registers context;   /* of the fault, recovered */
		const char *context_source; /* parameter | machine-frame | context-on-stack | header
					       | processor */
		bool is_fault; /* context is where it went wrong, not where the crash was raised */
		const char *instruction; /* disassembly */
		const char *explanation; /* what the operand that faulted shows, in words */
		const char *access;      /* read | write | execute */
		bool has_address;
		uint64_t address;   /* that was touched */
		uint32_t exception; /* NTSTATUS, 0 if none */
	} crash;

	struct list stack;         /* struct frame */
	struct list suspects;      /* struct suspect, best first */
	struct list content_files; /* struct content_file, best first */
	struct list hits;          /* struct hit */
	struct list strings;       /* struct text_hit */
	struct list findings;      /* struct finding */
	struct list timeline;      /* struct timeline_entry, ascending */

	struct {
		bool decided;
		const char
			*function; /* "acme_match_template+0x28": where the culprit's code stands */
		enum verdict_class verdict_class;
		const struct module *culprit;
		const struct content_file *content_file;
		enum confidence confidence;
		const char *summary;
		struct list because; /* const char *: the reasons, strongest first */
	} verdict;
	struct incident_match *incident; /* NULL: none */
	struct {
		const char *bucket;
		char failure_hash[37], stack_hash[65];
	} signature;
	struct fix fix;
};

/* Empty report in @p arena; NULL without memory. */
struct report *report_create(struct arena *arena);

struct suspect *report_suspect(struct report *report, const struct module *module);
/* Adds a reason for (weight > 0) or against (weight < 0) @p s. @p address 0: nowhere in particular.
 */
void suspect_evidence(struct report *report, struct suspect *s, const char *kind, double weight,
		      uint64_t address, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
void content_evidence(struct report *report, struct content_file *file, const char *kind,
		      double weight, uint64_t address, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* The last of @p evidence (struct reason) that is of @p kind, NULL if none is. */
const struct reason *evidence_of(const struct list *evidence, const char *kind);
void report_finding(struct report *report, const char *severity, const char *kind,
		    const char *subject, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Appends a string to one of the lists of const char *. */
void report_say(struct report *report, struct list *list, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "module+0x1234", or the address in hex if no module covers it. */
char *report_where(struct report *report, const struct dump *dump, uint64_t address);

/* The contract's object for @p report about @p dump (NULL if it could not be read).
 * Returns a new reference, NULL without memory. @p with_strings: include the strings list. */
json_t *report_to_json(const struct report *report, const struct dump *dump, bool with_strings);

/* input.parts. */
json_t *report_parts(const struct dump_part *parts, size_t count);

/* The contract's object for evidence that could not be read: status "unreadable". */
json_t *report_unreadable(const char *tool_version, const char *rules_hash, const char *path,
			  const char *format, const char *code, const char *message,
			  bool has_offset, uint64_t offset);

#endif
