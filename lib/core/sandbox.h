/* The wall between the person's machine and the evidence.
 *
 * sandbox_run() forks. The child keeps the descriptors it is given and nothing else: it cannot open
 * a file (Landlock where the kernel has it, seccomp everywhere), make a socket, exec, fork or
 * signal, has no capabilities even under root, and has limits on CPU, memory and output. It answers
 * in lines over a pipe. However it ends, the parent gets a result that says so in words; nothing in
 * the parent reads evidence.
 *
 * A file that only the evidence can name reaches the child as a descriptor: it asks, and the parent
 * decides what it hands over (sandbox_ask()). That costs one system call, recvmsg(), on one socket.
 * A directory's descriptor would not do: no wall but Landlock, which not every kernel has, keeps
 * openat() below it.
 *
 * Opening a file by name fails in the child with EACCES, because libraries look for their settings
 * and can do without; every other forbidden call ends it. Without seccomp the child refuses to
 * work.
 *
 * An AddressSanitizer build relaxes what its runtime needs: stderr stays open and the address space
 * unlimited, attempts to fork and exec fail (EPERM) instead of ending the child, and leaks of the
 * child are not looked for (that takes ptrace). No file can be opened there either. */
#ifndef CULPRIT_SANDBOX_H
#define CULPRIT_SANDBOX_H

#include "errors.h"

#include <stddef.h>

/* Finds the file that the child asks for with @p request: @p size bytes of a process that must be
 * taken for hostile. Runs in the parent. The descriptor it returns is closed when the child has its
 * own; -1: there is no such file. */
typedef int (*sandbox_supply)(void *context, const void *request, size_t size);

struct sandbox_limits {
	unsigned cpu_seconds;  /* 0: LIMIT_CPU_SECONDS */
	unsigned wall_seconds; /* 0: LIMIT_WALL_SECONDS */
	uint64_t memory;    /* bytes of address space on top of what the parent has mapped when it
			       forks, 0: LIMIT_MEMORY; ignored under ASan */
	uint64_t output;    /* bytes the child may answer, 0: LIMIT_REPORT */
	uint64_t file_size; /* of a memfd the child may make, 0: none */
	sandbox_supply supply; /* NULL: there is nobody to ask for files */
	void *supply_context;
};

enum sandbox_end {
	SANDBOX_FINISHED,  /* work() returned 0 */
	SANDBOX_FAILED,    /* work() returned something else, in `status` */
	SANDBOX_SIGNAL,    /* killed, `signal_number` */
	SANDBOX_FORBIDDEN, /* tried a system call it may not make */
	SANDBOX_CPU,       /* used up its CPU seconds */
	SANDBOX_WALL,      /* did not finish in time */
	SANDBOX_MEMORY,    /* ended for lack of memory */
	SANDBOX_OUTPUT,    /* answered too much */
};

struct sandbox_result {
	enum sandbox_end end;
	int status, signal_number;
	char text[160]; /* one sentence, no full stop: "the reader was killed by signal 11 (...)" */
};

/* What the child does. @p output_fd takes its answer, written with sandbox_write(). */
typedef int (*sandbox_work)(void *context, int output_fd);
/* One line of the answer, its newline replaced by a NUL; what follows the last newline is dropped.
 * Return false to stop the child: the result is then SANDBOX_FAILED with status -1. */
typedef bool (*sandbox_line)(void *context, char *line, size_t length);

/* Runs @p work in a child. @p keep_fds (@p keep_count of them, at most SANDBOX_KEEP_MAX) stay open
 * there under their numbers, all others are closed; stdin, stdout and stderr are /dev/null unless
 * they are among @p keep_fds. @p limits may be NULL. The calling thread must live until the end of
 * the call: the kernel kills the child when it ends. @p on_line is called in the parent for each
 * complete line. Returns an error only if the child could not be made; what became of it is in @p
 * ret. */
struct error *sandbox_run(const struct sandbox_limits *limits, const int *keep_fds,
			  size_t keep_count, sandbox_work work, void *work_context,
			  sandbox_line on_line, void *line_context, struct sandbox_result *ret);

enum { SANDBOX_KEEP_MAX = 33, SANDBOX_ASK_BYTES = 512, SANDBOX_ASKS_MAX = 256 };

/* For the child, which learns only from the evidence which other file it needs: has the parent's
 * `supply` look for it. @p size is at most SANDBOX_ASK_BYTES; only the first SANDBOX_ASKS_MAX
 * questions are answered. Returns a descriptor that is the caller's, or -1. */
int sandbox_ask(const void *request, size_t size);

/* Writes all of it; false if the parent is gone. */
bool sandbox_write(int fd, const char *data, size_t length);

/* For the child to say that it ended for lack of memory: return this from work(). */
enum { SANDBOX_STATUS_NOMEM = 77 };

/* One line for people: which walls this kernel has ("seccomp, Landlock 7, rlimits"). */
const char *sandbox_walls(void);

#endif
