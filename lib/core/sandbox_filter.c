/* Which system calls the child may make, as a BPF program, and the same for files by Landlock. */
#include "sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What stands for the child's own process id while the filter is built; each child puts its own in.
 * Larger than any process id, so that a filter that was not completed allows nothing. */
#define PID_PLACEHOLDER UINT32_C(0x7ffe1d5b)
/* The same for the socket by which it gets files. */
#define ASK_PLACEHOLDER UINT32_C(0x7ffe1d5d)

/* Built once, never changed after. */
static struct {
	pthread_once_t once;
	struct sock_filter *code;
	unsigned short length;
	int error; /* errno of why there is no code */
} filter = {.once = PTHREAD_ONCE_INIT};

/* clang-format off */
/* For glibc, libarchive and its decompressors, libyara, jansson, OpenSSL's digests, Zydis, libdw. */
static const int allowed_calls[] = {
        /* memory; mmap and mprotect have conditions, see below */
        SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
        /* the descriptors it was given, and memory files */
        SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(write),
        SCMP_SYS(writev), SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(fstat),
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
	rc = rc ? rc : ALLOW_IF(ctx, fcntl, 1, SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0));
	rc = rc ? rc
		: ALLOW_IF(ctx, prlimit64, 2, SCMP_A0(SCMP_CMP_EQ, 0, 0),
			   SCMP_A2(SCMP_CMP_EQ, 0, 0));
	/* The handler that reports a forbidden call must stay. */
	rc = rc ? rc : ALLOW_IF(ctx, rt_sigaction, 1, SCMP_A0(SCMP_CMP_NE, SIGSYS, 0));
	/* abort() and raise() */
	rc = rc ? rc : ALLOW_IF(ctx, tgkill, 1, SCMP_A0(SCMP_CMP_EQ, PID_PLACEHOLDER, 0));
	/* sandbox_ask() */
	rc = rc ? rc : ALLOW_IF(ctx, recvmsg, 1, SCMP_A0(SCMP_CMP_EQ, ASK_PLACEHOLDER, 0));
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

static unsigned filter_put(uint32_t placeholder, uint32_t value)
{
	unsigned changed = 0;

	for (unsigned i = 0; i < filter.length; i++) {
		if (BPF_CLASS(filter.code[i].code) != BPF_JMP || filter.code[i].k != placeholder)
			continue;
		filter.code[i].k = value;
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
	if (rc == 0 && (filter_put(PID_PLACEHOLDER, PID_PLACEHOLDER) == 0 ||
			filter_put(ASK_PLACEHOLDER, ASK_PLACEHOLDER) == 0))
		rc = -EINVAL; /* libseccomp compares in a way this file does not know */
	filter.error = -rc;
	if (ctx)
		seccomp_release(ctx);
}

void sandbox_filter_prepare(void)
{
	pthread_once(&filter.once, filter_build);
}

bool sandbox_filter_ready(void)
{
	return filter.code && !filter.error;
}

bool sandbox_filter_install(int ask_fd)
{
	struct sock_fprog program = {.len = filter.length, .filter = filter.code};

	errno = filter.error;
	if (!filter.code || filter.error)
		return false;
	/* The array is this process's own copy since fork(). */
	filter_put(PID_PLACEHOLDER, (uint32_t)getpid());
	if (ask_fd >= 0)
		filter_put(ASK_PLACEHOLDER, (uint32_t)ask_fd);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* ---- Landlock, by system call: glibc has no wrappers and older headers lack the newer rights ----
 */

struct ruleset {
	uint64_t fs, net, scoped;
};

int sandbox_landlock_version(void)
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
void sandbox_landlock_install(void)
{
	int version = sandbox_landlock_version(), fd;
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
