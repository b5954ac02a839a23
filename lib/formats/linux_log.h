/* The kernel's log, from the ring buffer in a vmcore or from a text file. */
#ifndef CULPRIT_LINUX_LOG_H
#define CULPRIT_LINUX_LOG_H

#include "errors.h"
#include "reader.h"
#include "vmcoreinfo.h"

enum { LINUX_LINE_MAX = 4096 }; /* bytes of one line that are kept */

/* One line. A record of several lines becomes several of these with the same time. */
struct linux_line {
	const char *text; /* safe text, tabs as spaces, without prefixes */
	uint64_t ns;      /* since boot */
	uint64_t wall; /* seconds since 1970 if the prefix had a date (dmesg -T, syslog), else 0 */
	bool has_ns;
	int level;    /* 0 emergency .. 7 debug, -1 unknown */
	int facility; /* 0 the kernel itself, else user space wrote it (/dev/kmsg); -1 unknown */
	uint32_t sequence; /* record number, low 32 bits; lines of one record share it */
	bool has_caller;   /* who printed it is known */
	bool caller_is_cpu;
	uint32_t caller; /* thread id or processor number */
};

struct linux_log {
	struct list lines;  /* struct linux_line, oldest first */
	bool partial;       /* records are known to be missing */
	uint64_t missing;   /* how many records could not be read */
	const char *why;    /* one sentence if partial, else NULL */
	const char *layout; /* "printk_ringbuffer", "log_buf", "text" */
};

/* Reads the ring buffer by what VMCOREINFO says: the lockless one (5.10 and later) or the records
 * of log_buf (3.5 to 5.9). linux-vmcores.md, "Log". Lines go to @p arena. Fails only if not even
 * the ring's own description can be read. */
struct error *linux_log_read(const struct reader *memory, const struct vmcoreinfo *info,
			     struct arena *arena, struct linux_log *ret);

/* Lines of a text: vmcore-dmesg.txt, dmesg, a serial console, syslog, with or without stamps.
 * Never fails but for memory: *ret then has the lines that fitted and partial set. */
void linux_log_from_text(const void *text, size_t size, struct arena *arena, struct linux_log *ret);

/* For those who make a log themselves: an empty one, and a record of one or more lines to add. */
void linux_log_init(struct linux_log *log, struct arena *arena, const char *layout);
void linux_log_add(struct linux_log *log, const struct linux_line *like, const char *text,
		   size_t length);
/* Safe copy of one line; tabs become blanks, control sequences of terminals are left out. */
const char *linux_log_text(struct arena *arena, const char *text, size_t length);

/* How sure these bytes are a kernel log with something to say: 0..100, for struct format's bid. */
int linux_log_bid(const void *bytes, size_t size);

#endif
