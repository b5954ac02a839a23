/* The order of the walls in the child matters: what needs a right comes before the wall that takes
 * the right away, and seccomp, which forbids building any further wall, comes last. */
#include "sandbox.h"

#include "ceilings.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

enum {
	CHILD_STACK_BYTES = 8 << 20,
	CHILD_FILES = 64,
	READ_BYTES = 64 << 10,
	REAP_NAP_MAX_NS = 5 * 1000 * 1000,
};

/* What the child tells beside its answer: one page shared with the parent. The parent looks at it
 * only when the child is dead, and takes nothing from it but two small numbers. */
struct confession {
	int forbidden; /* number of the system call that was stopped, -1 none */
	int refused;   /* enum wall that could not be built, WALL_NONE if all stand */
	int refused_errno;
};

enum wall { WALL_NONE, WALL_PARENT, WALL_FILES, WALL_PRIVILEGES, WALL_SECCOMP };

static const char *wall_name(int wall)
{
	switch (wall) {
	case WALL_PARENT: return "its tie to the parent";
	case WALL_FILES: return "closing its files";
	case WALL_PRIVILEGES: return "giving up its privileges";
	case WALL_SECCOMP: return "its seccomp filter";
	default: return "its sandbox";
	}
}

/* ---- the system calls ---- */

/* What stands for the child's own process id while the filter is built; each child puts its own in.
 * Larger than any process id, so that a filter that was not completed allows nothing. */
#define PID_PLACEHOLDER UINT32_C(0x7ffe1d5b)

/* Built once, never changed after. */
static struct {
	pthread_once_t once;
	struct sock_filter *code;
	unsigned short length;
	int error; /* errno of why there is no code */
} filter = {.once = PTHREAD_ONCE_INIT};

/* clang-format off */
/* For glibc, libarchive and its decompressors, libyara, jansson, OpenSSL's digests and Zydis. */
static const int allowed_calls[] = {
        /* memory; mmap and mprotect have conditions, see below */
        SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
        /* the descriptors it was given, and memory files */
        SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(write),
        SCMP_SYS(writev), SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(close), SCMP_SYS(fstat),
        SCMP_SYS(fstat64), SCMP_SYS(fadvise64), SCMP_SYS(poll), SCMP_SYS(ppoll),
        SCMP_SYS(memfd_create), SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64),
        /* locks, time, chance */
        SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield),
        SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
        SCMP_SYS(times), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(getrandom),
        SCMP_SYS(restart_syscall),
        /* about itself and the machine, reading only */
        SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
        SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getrlimit), SCMP_SYS(getrusage),
        SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(sysinfo), SCMP_SYS(uname),
        /* signals to itself; rt_sigaction and tgkill have conditions, see below */
        SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
        SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Libraries look for locale, conversion modules and settings, and do without: a plain no. */
static const int denied_calls[] = {
        SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(stat),
        SCMP_SYS(lstat), SCMP_SYS(stat64), SCMP_SYS(lstat64), SCMP_SYS(statx), SCMP_SYS(access),
        SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
        SCMP_SYS(getcwd), SCMP_SYS(statfs), SCMP_SYS(prctl),
};

/* AddressSanitizer starts a symbolizer to print its report, and prints without one if it cannot. */
static const int asan_denied_calls[] = {
        SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(execve),
        SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(wait4), SCMP_SYS(socketpair),
};
/* clang-format on */

static int add_calls(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = seccomp_rule_add(ctx, action, calls[i], 0);
	return rc;
}

#define ALLOW_IF(ctx, call, ...) seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(call), __VA_ARGS__)

static int add_conditional_calls(scmp_filter_ctx ctx)
{
	int rc = 0;

	/* No memory that holds code can be made or changed. */
	rc = rc ? rc : ALLOW_IF(ctx, mmap, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rc = rc ? rc : ALLOW_IF(ctx, mmap2, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rc = rc ? rc : ALLOW_IF(ctx, mprotect, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* fstat() of glibc 2.33 and later. The flag permits an empty path, it does not demand one:
	 * the file system's metadata stays visible to a child that was taken over. */
	rc = rc ? rc
		: ALLOW_IF(ctx, newfstatat, 1,
			   SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	rc = rc ? rc : ALLOW_IF(ctx, fcntl, 1, SCMP_A1(SCMP_CMP_EQ, F_GETFL, 0));
	rc = rc ? rc : ALLOW_IF(ctx, fcntl, 1, SCMP_A1(SCMP_CMP_EQ, F_GETFD, 0));
	rc = rc ? rc : ALLOW_IF(ctx, fcntl, 1, SCMP_A1(SCMP_CMP_EQ, F_SETFD, 0));
	rc = rc ? rc
		: ALLOW_IF(ctx, prlimit64, 2, SCMP_A0(SCMP_CMP_EQ, 0, 0),
			   SCMP_A2(SCMP_CMP_EQ, 0, 0));
	/* The handler that reports a forbidden call must stay. */
	rc = rc ? rc : ALLOW_IF(ctx, rt_sigaction, 1, SCMP_A0(SCMP_CMP_NE, SIGSYS, 0));
	/* abort() and raise() */
	rc = rc ? rc : ALLOW_IF(ctx, tgkill, 1, SCMP_A0(SCMP_CMP_EQ, PID_PLACEHOLDER, 0));
	return rc;
}

static int add_refused_calls(scmp_filter_ctx ctx)
{
	int rc = add_calls(ctx, SCMP_ACT_ERRNO(EACCES), denied_calls,
			   sizeof(denied_calls) / sizeof(*denied_calls));

	rc = rc ? rc
		: seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
				   SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
	/* isatty() */
	rc = rc ? rc : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
	if (rc == 0 && UNDER_ASAN)
		rc = add_calls(ctx, SCMP_ACT_ERRNO(EPERM), asan_denied_calls,
			       sizeof(asan_denied_calls) / sizeof(*asan_denied_calls));
	return rc;
}

/* The compiled filter as an array, through a memory file: libseccomp writes to descriptors only. */
static int filter_export(scmp_filter_ctx ctx)
{
	int fd = memfd_create("culprit-filter", MFD_CLOEXEC), rc;
	struct stat st;

	if (fd < 0)
		return -errno;
	rc = seccomp_export_bpf(ctx, fd);
	if (rc == 0 && (fstat(fd, &st) != 0 || st.st_size <= 0 ||
			st.st_size / sizeof(struct sock_filter) > BPF_MAXINSNS))
		rc = -EINVAL;
	if (rc == 0 && !(filter.code = malloc((size_t)st.st_size)))
		rc = -ENOMEM;
	if (rc == 0 && pread(fd, filter.code, (size_t)st.st_size, 0) != st.st_size)
		rc = -EIO;
	if (rc == 0)
		filter.length = (unsigned short)(st.st_size / sizeof(struct sock_filter));
	close(fd);
	return rc;
}

static unsigned filter_put_pid(uint32_t pid)
{
	unsigned changed = 0;

	for (unsigned i = 0; i < filter.length; i++) {
		if (BPF_CLASS(filter.code[i].code) != BPF_JMP ||
		    filter.code[i].k != PID_PLACEHOLDER)
			continue;
		filter.code[i].k = pid;
		changed++;
	}
	return changed;
}

/* The default action is a trap, not a kill, because only then somebody learns which call it was:
 * on_forbidden() notes it and the process ends. The filter protects that handler, and where it
 * cannot run (blocked, no stack) the kernel kills: nothing forbidden can be survived. */
static void filter_build(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	int rc = ctx ? 0 : -ENOMEM;

	rc = rc ? rc : seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	rc = rc ? rc : seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* binary search */
	rc = rc ? rc
		: add_calls(ctx, SCMP_ACT_ALLOW, allowed_calls,
			    sizeof(allowed_calls) / sizeof(*allowed_calls));
	rc = rc ? rc : add_conditional_calls(ctx);
	rc = rc ? rc : add_refused_calls(ctx);
	rc = rc ? rc : filter_export(ctx);
	if (rc == 0 && filter_put_pid(PID_PLACEHOLDER) == 0)
		rc = -EINVAL; /* libseccomp compares in a way this file does not know */
	filter.error = -rc;
	if (ctx)
		seccomp_release(ctx);
}

/* ---- Landlock, by system call: glibc has no wrappers and older headers lack the newer rights ----
 */

struct ruleset {
	uint64_t fs, net, scoped;
};

/* Number of the running kernel's Landlock interface, 0 if it has none. */
static int landlock_version(void)
{
	enum { VERSION_FLAG = 1 };
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);

	return version > 0 ? (int)version : 0;
}

/* Everything the kernel can forbid, and no rule that allows any of it. A right the kernel does not
 * know makes it refuse the whole set, hence the steps. */
static struct ruleset landlock_rights(int version)
{
	struct ruleset rights = {.fs = (1u << 13) - 1};

	if (version >= 2)
		rights.fs |= 1u << 13; /* link and rename across folders */
	if (version >= 3)
		rights.fs |= 1u << 14; /* truncate */
	if (version >= 5)
		rights.fs |= 1u << 15; /* ioctl on devices */
	if (version >= 4)
		rights.net = 3; /* bind and connect TCP */
	if (version >= 6)
		rights.scoped = 3; /* abstract sockets of, and signals to, others */
	return rights;
}

/* Missing in older kernels and in many containers: seccomp forbids the same calls there. */
static void build_landlock(void)
{
	int version = landlock_version(), fd;
	struct ruleset rights = landlock_rights(version);
	size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;

	if (version == 0)
		return;
	fd = (int)syscall(SYS_landlock_create_ruleset, &rights, size, 0);
	if (fd < 0)
		return;
	syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
}

/* ---- the child ---- */

struct job {
	struct sandbox_limits limits; /* none 0 but file_size */
	const int *keep_fds;
	size_t keep_count;
	sandbox_work work;
	void *work_context;
	int null_fd, read_fd, write_fd;
	pid_t parent;
	struct confession *confession;
};

/* Where on_forbidden() writes; only ever set in a child. */
static struct confession *confession_of_child;

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
	int kept[SANDBOX_KEEP_MAX + 1];
	unsigned next = STDERR_FILENO + 1;

	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		bool asan_report = UNDER_ASAN && fd == STDERR_FILENO;

		if (!asan_report && !keeps(job, fd) && dup2(job->null_fd, fd) != fd)
			return false;
	}
	for (size_t i = 0; i < job->keep_count; i++)
		kept[i] = job->keep_fds[i];
	kept[job->keep_count] = job->write_fd;
	qsort(kept, job->keep_count + 1, sizeof(*kept), compare_fds);
	for (size_t i = 0; i <= job->keep_count; i++) {
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

static bool install_filter(void)
{
	struct sock_fprog program = {.len = filter.length, .filter = filter.code};

	errno = filter.error;
	if (!filter.code || filter.error)
		return false;
	/* The array is this process's own copy since fork(). */
	filter_put_pid((uint32_t)getpid());
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
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
	build_landlock();
	return install_filter() ? WALL_NONE : WALL_SECCOMP;
}

/* The only exit in lib/: the child must not run the parent's atexit functions, nor go on in the
 * caller's code with the caller's plans. */
static _Noreturn void child_main(const struct job *job)
{
	enum wall missing;

	confession_of_child = job->confession;
	missing = build_walls(job);
	if (missing != WALL_NONE) {
		job->confession->refused_errno = errno;
		job->confession->refused = (int)missing;
		_exit(1);
	}
	_exit(job->work(job->work_context, job->write_fd) & 0xff);
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

/* ---- the parent ---- */

/* What the parent collects from a running child. */
struct answer {
	char *buffer;
	size_t used, capacity;
	uint64_t total, ceiling;
	sandbox_line on_line;
	void *context;
};

/* Why the parent stopped listening. */
enum stop { STOP_END, STOP_LINE, STOP_WALL, STOP_OUTPUT, STOP_NOMEM };

static bool answer_reserve(struct answer *answer)
{
	size_t capacity = answer->capacity ? answer->capacity : READ_BYTES;
	char *buffer;

	if (answer->capacity - answer->used >= READ_BYTES)
		return true;
	while (capacity - answer->used < READ_BYTES)
		capacity *= 2;
	buffer = realloc(answer->buffer, capacity);
	if (!buffer)
		return false;
	answer->buffer = buffer;
	answer->capacity = capacity;
	return true;
}

/* Hands on the complete lines, of which the first @p seen bytes have no end, and keeps the rest. */
static bool answer_deliver(struct answer *answer, size_t seen)
{
	size_t start = 0;
	char *end;

	while ((end = memchr(answer->buffer + seen, '\n', answer->used - seen))) {
		char *line = answer->buffer + start;

		*end = '\0';
		seen = start = (size_t)(end - answer->buffer) + 1;
		if (!answer->on_line(answer->context, line, (size_t)(end - line)))
			return false;
	}
	answer->used -= start;
	memmove(answer->buffer, answer->buffer + start, answer->used);
	return true;
}

/* One read of what the child wrote. */
static enum stop answer_take(struct answer *answer, int fd, bool *ret_again)
{
	size_t seen = answer->used;
	ssize_t n;

	*ret_again = true;
	if (!answer_reserve(answer))
		return STOP_NOMEM;
	n = read(fd, answer->buffer + answer->used, READ_BYTES);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return STOP_END;
	*ret_again = n > 0;
	if (n <= 0)
		return STOP_END;
	answer->used += (size_t)n;
	answer->total += (uint64_t)n;
	if (answer->total > answer->ceiling)
		return STOP_OUTPUT;
	return answer_deliver(answer, seen) ? STOP_END : STOP_LINE;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum stop listen_to_child(int fd, struct answer *answer, int64_t deadline)
{
	bool again = true;
	enum stop stop = STOP_END;

	while (again && stop == STOP_END) {
		struct pollfd item = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - now_ms();
		int ready = left > 0 ? poll(&item, 1, left > 60000 ? 60000 : (int)left) : 0;

		if (left <= 0)
			return STOP_WALL;
		if (ready > 0)
			stop = answer_take(answer, fd, &again);
	}
	return stop;
}

struct ending {
	bool known;
	int status;
	struct rusage usage;
};

/* Waits for a child that has closed its answer: it is about to end, or pretends. */
static bool wait_until(pid_t pid, int64_t deadline, struct ending *ret)
{
	struct timespec nap = {.tv_nsec = 20 * 1000};

	for (;;) {
		pid_t got = wait4(pid, &ret->status, WNOHANG, &ret->usage);

		if (got == pid || (got < 0 && errno != EINTR)) {
			ret->known = got == pid;
			return true;
		}
		if (now_ms() >= deadline)
			return false;
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < REAP_NAP_MAX_NS)
			nap.tv_nsec *= 2;
	}
}

static void kill_and_wait(pid_t pid, struct ending *ret)
{
	pid_t got;

	kill(pid, SIGKILL);
	do {
		got = wait4(pid, &ret->status, 0, &ret->usage);
	} while (got < 0 && errno == EINTR);
	ret->known = got == pid;
}

static void say(struct sandbox_result *ret, enum sandbox_end end, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void say(struct sandbox_result *ret, enum sandbox_end end, const char *format, ...)
{
	va_list args;

	ret->end = end;
	va_start(args, format);
	vsnprintf(ret->text, sizeof(ret->text), format, args);
	va_end(args);
}

/* " (LIMIT_X)" if the ceiling is the one of limits.h. */
static const char *limit_name(uint64_t value, uint64_t standard, const char *name)
{
	return value == standard ? name : "";
}

static void say_memory(struct sandbox_result *ret, const struct sandbox_limits *limits)
{
	say(ret, SANDBOX_MEMORY, "the reader needed more than %llu MiB of memory%s",
	    (unsigned long long)(limits->memory >> 20),
	    limit_name(limits->memory, LIMIT_MEMORY, " (LIMIT_MEMORY)"));
}

static void say_cpu(struct sandbox_result *ret, const struct sandbox_limits *limits)
{
	say(ret, SANDBOX_CPU, "the reader used up its %u s of processor time%s",
	    limits->cpu_seconds,
	    limit_name(limits->cpu_seconds, LIMIT_CPU_SECONDS, " (LIMIT_CPU_SECONDS)"));
}

static void say_wall(struct sandbox_result *ret, const struct sandbox_limits *limits)
{
	say(ret, SANDBOX_WALL, "the reader did not finish within %u s%s", limits->wall_seconds,
	    limit_name(limits->wall_seconds, LIMIT_WALL_SECONDS, " (LIMIT_WALL_SECONDS)"));
}

static void say_forbidden(struct sandbox_result *ret, int number)
{
	char *name = number < 0 ? NULL : seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

	say(ret, SANDBOX_FORBIDDEN, "the reader tried a system call it may not make%s%s%s",
	    name ? " (" : "", name ? name : "", name ? ")" : "");
	free(name);
}

static void say_signal(struct sandbox_result *ret, const struct sandbox_limits *limits,
		       const struct job *job, const struct ending *ending)
{
	int number = WTERMSIG(ending->status);
	const char *name = sigabbrev_np(number), *meaning = sigdescr_np(number);

	ret->signal_number = number;
	if (number == SIGSYS) {
		say_forbidden(ret, job->confession->forbidden);
	} else if (number == SIGXCPU ||
		   (number == SIGKILL &&
		    ending->usage.ru_utime.tv_sec + ending->usage.ru_stime.tv_sec >=
			    (time_t)limits->cpu_seconds)) {
		say_cpu(ret, limits);
	} else if (number == SIGKILL) {
		say(ret, SANDBOX_MEMORY,
		    "the reader was killed from outside, as the system does when it runs out of "
		    "memory");
	} else {
		say(ret, SANDBOX_SIGNAL, "the reader was killed by signal %d (SIG%s, %s)", number,
		    name ? name : "?", meaning ? meaning : "unknown");
	}
}

static void say_status(struct sandbox_result *ret, const struct job *job,
		       const struct ending *ending)
{
	const struct confession *confession = job->confession;

	ret->status = WEXITSTATUS(ending->status);
	if (confession->refused != WALL_NONE)
		say(ret, SANDBOX_FAILED, "the reader refused to start: %s failed (%s)",
		    wall_name(confession->refused),
		    strerrordesc_np(confession->refused_errno) ?: "unknown error");
	else if (ret->status == 0)
		say(ret, SANDBOX_FINISHED, "the reader finished");
	else if (ret->status == SANDBOX_STATUS_NOMEM)
		say_memory(ret, &job->limits);
	else
		say(ret, SANDBOX_FAILED, "the reader ended with status %d", ret->status);
}

static void judge(const struct job *job, enum stop stop, const struct ending *ending,
		  struct sandbox_result *ret)
{
	const struct sandbox_limits *limits = &job->limits;

	memset(ret, 0, sizeof(*ret));
	if (ending->known && WIFSIGNALED(ending->status))
		ret->signal_number = WTERMSIG(ending->status);
	switch (stop) {
	case STOP_WALL: say_wall(ret, limits); return;
	case STOP_OUTPUT:
		say(ret, SANDBOX_OUTPUT, "the reader answered more than %llu bytes%s",
		    (unsigned long long)limits->output,
		    limit_name(limits->output, LIMIT_REPORT, " (LIMIT_REPORT)"));
		return;
	case STOP_NOMEM: say(ret, SANDBOX_MEMORY, "no memory for the reader's answer"); return;
	case STOP_LINE:
		say(ret, SANDBOX_FAILED, "the reader was stopped before its end");
		ret->status = -1;
		return;
	case STOP_END: break;
	}
	if (!ending->known) {
		say(ret, SANDBOX_FAILED, "how the reader ended is not known");
		ret->status = -1;
	} else if (WIFSIGNALED(ending->status)) {
		say_signal(ret, limits, job, ending);
	} else {
		say_status(ret, job, ending);
	}
}

static void supervise(const struct job *job, pid_t pid, struct answer *answer,
		      struct sandbox_result *ret)
{
	int64_t deadline = now_ms() + (int64_t)job->limits.wall_seconds * 1000;
	enum stop stop = listen_to_child(job->read_fd, answer, deadline);
	struct ending ending = {0};

	if (stop == STOP_END && !wait_until(pid, deadline, &ending))
		stop = STOP_WALL;
	if (stop != STOP_END)
		kill_and_wait(pid, &ending);
	judge(job, stop, &ending, ret);
}

static struct sandbox_limits limits_or_standard(const struct sandbox_limits *limits)
{
	struct sandbox_limits l = limits ? *limits : (struct sandbox_limits){0};

	l.cpu_seconds = l.cpu_seconds ? l.cpu_seconds : LIMIT_CPU_SECONDS;
	l.wall_seconds = l.wall_seconds ? l.wall_seconds : LIMIT_WALL_SECONDS;
	l.memory = l.memory ? l.memory : LIMIT_MEMORY;
	l.output = l.output ? l.output : LIMIT_REPORT;
	return l;
}

/* The same file under a number above those of the standard streams, which the child replaces. */
static int above_standard_streams(int fd)
{
	int higher;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return higher;
}

static bool job_open(struct job *job)
{
	int ends[2] = {-1, -1};
	void *page;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	job->read_fd = above_standard_streams(ends[0]);
	job->write_fd = above_standard_streams(ends[1]);
	job->null_fd = above_standard_streams(open("/dev/null", O_RDWR | O_CLOEXEC));
	page = mmap(NULL, sizeof(*job->confession), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return false;
	job->confession = page;
	job->confession->forbidden = -1;
	return job->read_fd >= 0 && job->write_fd >= 0 && job->null_fd >= 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void job_close(struct job *job)
{
	close_fd(&job->read_fd);
	close_fd(&job->write_fd);
	close_fd(&job->null_fd);
	if (job->confession)
		munmap(job->confession, sizeof(*job->confession));
}

struct error *sandbox_run(const struct sandbox_limits *limits, const int *keep_fds,
			  size_t keep_count, sandbox_work work, void *work_context,
			  sandbox_line on_line, void *line_context, struct sandbox_result *ret)
{
	struct job job = {.limits = limits_or_standard(limits),
			  .keep_fds = keep_fds,
			  .keep_count = keep_count,
			  .work = work,
			  .work_context = work_context,
			  .null_fd = -1,
			  .read_fd = -1,
			  .write_fd = -1,
			  .parent = getpid()};
	struct answer answer = {
		.ceiling = job.limits.output, .on_line = on_line, .context = line_context};
	struct error *err = NULL;
	pid_t pid = -1;

	if (keep_count > SANDBOX_KEEP_MAX)
		return error_create(ERROR_LIMIT, "more than %d files for one reader (%s)",
				    SANDBOX_KEEP_MAX, "SANDBOX_KEEP_MAX");
	pthread_once(&filter.once, filter_build);
	if (job_open(&job))
		pid = fork();
	if (pid == 0)
		child_main(&job);
	if (pid < 0) {
		err = error_create(ERROR_IO, "no process for the reader: %s",
				   strerrordesc_np(errno) ?: "unknown error");
	} else {
		close_fd(&job.write_fd);
		supervise(&job, pid, &answer, ret);
	}
	free(answer.buffer);
	job_close(&job);
	return err;
}

/* ---- about the walls ---- */

static struct {
	pthread_once_t once;
	char text[96];
} walls = {.once = PTHREAD_ONCE_INIT};

static void walls_describe(void)
{
	uint32_t trap = SECCOMP_RET_TRAP;
	bool seccomp = filter.code && !filter.error &&
		       syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &trap) == 0;
	int version = landlock_version();
	char landlock[32] = "no Landlock";

	if (version > 0)
		snprintf(landlock, sizeof(landlock), "Landlock %d", version);
	snprintf(walls.text, sizeof(walls.text), "%s, %s, %s", seccomp ? "seccomp" : "no seccomp",
		 landlock, UNDER_ASAN ? "rlimits (relaxed for AddressSanitizer)" : "rlimits");
}

const char *sandbox_walls(void)
{
	pthread_once(&filter.once, filter_build);
	pthread_once(&walls.once, walls_describe);
	return walls.text;
}
