/* The order of the walls matters: what needs a right comes before the wall that takes the right
 * away, and seccomp, which forbids building any further wall, comes last. */
#include "sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHILD_FILES = 128 };

/* Where on_forbidden() writes; only ever set in a child. */
static struct confession *confession_of_child;
/* The same for sandbox_ask(). */
static int ask_of_child = -1;

static void on_forbidden(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	confession_of_child->forbidden = info->si_syscall;
	/* Forbidden again, and now the signal is blocked: the kernel ends the process. */
	syscall(SYS_kill, 0, 0);
	_exit(1);
}

/* Handlers of the parent must not run here; SIGPIPE is an error of write(). */
static bool reset_signals(void)
{
	struct sigaction act = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &act, NULL);
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
	act.sa_handler = NULL;
	act.sa_sigaction = on_forbidden;
	act.sa_flags = SA_SIGINFO | SA_RESETHAND;
	sigemptyset(&none);
	return sigaction(SIGSYS, &act, NULL) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool die_with_parent(const struct job *job)
{
	/* The parent may have died before the first call took effect. */
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == job->parent;
}

static bool keeps(const struct job *job, int fd)
{
	for (size_t i = 0; i < job->keep_count; i++) {
		if (job->keep_fds[i] == fd)
			return true;
	}
	return false;
}

/* Closes @p first to @p last, also where close_range() is unknown or forbidden. */
static void close_between(unsigned first, unsigned last)
{
	struct rlimit files;

	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max > 1 << 20)
		files.rlim_max = 1 << 20;
	for (unsigned fd = first; fd <= last && fd < files.rlim_max; fd++)
		close((int)fd);
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static bool close_files(const struct job *job)
{
	int kept[SANDBOX_KEEP_MAX + 2];
	size_t count = job->keep_count;
	unsigned next = STDERR_FILENO + 1;

	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		bool asan_report = UNDER_ASAN && fd == STDERR_FILENO;

		if (!asan_report && !keeps(job, fd) && dup2(job->null_fd, fd) != fd)
			return false;
	}
	for (size_t i = 0; i < job->keep_count; i++)
		kept[i] = job->keep_fds[i];
	kept[count++] = job->write_fd;
	if (job->ask_fd >= 0)
		kept[count++] = job->ask_fd;
	qsort(kept, count, sizeof(*kept), compare_fds);
	for (size_t i = 0; i < count; i++) {
		if (kept[i] < (int)next)
			continue;
		close_between(next, (unsigned)kept[i] - 1);
		next = (unsigned)kept[i] + 1;
	}
	close_between(next, ~0u);
	return true;
}

/* Bytes of address space in use: RLIMIT_AS counts what was inherited from the parent too, and a
 * parent with many threads has reserved gigabytes. */
static uint64_t address_space_used(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	return length > 0 ? strtoull(text, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* If the machine runs out of memory, the reader goes first, not the person's work. */
static void volunteer_for_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1000", 4) != 4)
		errno = 0; /* a read-only /proc: no harm */
	close(fd);
}

static void set_limit(__rlimit_resource_t resource, uint64_t soft, uint64_t hard)
{
	struct rlimit now, limit = {.rlim_cur = soft, .rlim_max = hard};

	if (getrlimit(resource, &now) != 0)
		return;
	if (limit.rlim_max > now.rlim_max)
		limit.rlim_max = now.rlim_max;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	setrlimit(resource, &limit);
}

/* A host that does not let limits be lowered is no reason to refuse: the parent's clock and the
 * ceilings of limits.h hold without them. */
static void set_limits(const struct sandbox_limits *limits)
{
	uint64_t memory = address_space_used() + limits->memory;

	volunteer_for_oom_killer();
	/* The soft limit sends SIGXCPU, by which the parent knows; the hard one kills. */
	set_limit(RLIMIT_CPU, limits->cpu_seconds, (uint64_t)limits->cpu_seconds + 1);
	if (!UNDER_ASAN)
		set_limit(RLIMIT_AS, memory, memory);
	set_limit(RLIMIT_STACK, CHILD_STACK_BYTES, CHILD_STACK_BYTES);
	set_limit(RLIMIT_FSIZE, limits->file_size, limits->file_size);
	set_limit(RLIMIT_NOFILE, CHILD_FILES, CHILD_FILES);
	set_limit(RLIMIT_CORE, 0, 0);
	set_limit(RLIMIT_NPROC, 0, 0);
}

/* Root without capabilities is an ordinary user who owns much; the other walls take care of that,
 * and stand alone where a service manager forbids this call. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	syscall(SYS_capset, &header, none);
}

/* The wall that could not be built, with errno set, or WALL_NONE. */
static enum wall build_walls(const struct job *job)
{
	if (!reset_signals() || !die_with_parent(job))
		return WALL_PARENT;
	if (!close_files(job))
		return WALL_FILES;
	set_limits(&job->limits);
	drop_capabilities();
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return WALL_PRIVILEGES;
	sandbox_landlock_install();
	return sandbox_filter_install(job->ask_fd) ? WALL_NONE : WALL_SECCOMP;
}

/* The only exit in lib/: the child must not run the parent's atexit functions, nor go on in the
 * caller's code with the caller's plans. */
_Noreturn void sandbox_child_main(const struct job *job)
{
	enum wall missing;

	confession_of_child = job->confession;
	ask_of_child = job->ask_fd;
	missing = build_walls(job);
	if (missing != WALL_NONE) {
		job->confession->refused_errno = errno;
		job->confession->refused = (int)missing;
		_exit(1);
	}
	_exit(job->work(job->work_context, job->write_fd) & 0xff);
}

int sandbox_ask(const void *request, size_t size)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char word;
	struct iovec part = {&word, sizeof(word)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	const struct cmsghdr *c;
	ssize_t n;
	int fd;

	if (ask_of_child < 0 || size > SANDBOX_ASK_BYTES ||
	    write(ask_of_child, request, size) != (ssize_t)size)
		return -1;
	do {
		n = recvmsg(ask_of_child, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

bool sandbox_write(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}
