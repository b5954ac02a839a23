/* What the files of the sandbox share: sandbox.c (the parent), sandbox_child.c (the child until it
 * does its work) and sandbox_filter.c (which system calls it may make). Nobody else includes this.
 */
#ifndef CULPRIT_SANDBOX_PARTS_H
#define CULPRIT_SANDBOX_PARTS_H

#include "sandbox.h"

#include <sys/types.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

enum { CHILD_STACK_BYTES = 8 << 20 };

/* What the child tells beside its answer: one page shared with the parent. The parent looks at it
 * only when the child is dead, and takes nothing from it but two small numbers. */
struct confession {
	int forbidden; /* number of the system call that was stopped, -1 none */
	int refused;   /* enum wall that could not be built, WALL_NONE if all stand */
	int refused_errno;
};

enum wall { WALL_NONE, WALL_PARENT, WALL_FILES, WALL_PRIVILEGES, WALL_SECCOMP };

struct job {
	struct sandbox_limits limits; /* none 0 but file_size */
	const int *keep_fds;
	size_t keep_count;
	sandbox_work work;
	void *work_context;
	int null_fd, read_fd, write_fd;
	int ask_fd, hear_fd; /* the child's and the parent's end; -1 without `supply` */
	pid_t parent;
	struct confession *confession;
};

/* Builds the system call filter, once in the life of the program. */
void sandbox_filter_prepare(void);
/* Whether there is one. */
bool sandbox_filter_ready(void);
/* Puts it in force for this process, which may receive on @p ask_fd (-1: nowhere); false with errno
 * if that cannot be. */
bool sandbox_filter_install(int ask_fd);

/* Number of the running kernel's Landlock interface, 0 if it has none. */
int sandbox_landlock_version(void);
/* Forbids all file access as far as the kernel can. */
void sandbox_landlock_install(void);

/* The child's life: walls, work, end. */
_Noreturn void sandbox_child_main(const struct job *job);

#endif
