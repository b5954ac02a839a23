/* Each test does in the child what a reader that was taken over would try, and looks at what the
 * parent says about it. A child that succeeds returns BREACH. */
#include "sandbox.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
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

enum { BREACH = 42 };

TestSuite(sandbox);

struct lines {
	size_t count, bytes;
	char first[64], last[64];
	size_t longest;
	size_t stop_after; /* 0: never */
};

static bool count_line(void *context, char *line, size_t length)
{
	struct lines *lines = context;

	cr_assert_eq(line[length], '\0');
	snprintf(lines->count ? lines->last : lines->first, sizeof(lines->first), "%s", line);
	lines->count++;
	lines->bytes += length;
	if (length > lines->longest)
		lines->longest = length;
	return lines->count != lines->stop_after;
}

static struct sandbox_result run_with(const struct sandbox_limits *limits, sandbox_work work,
				      void *context, struct lines *lines)
{
	struct lines none = {0};
	struct sandbox_result result;
	struct error *err = sandbox_run(limits, NULL, 0, work, context, count_line,
					lines ? lines : &none, &result);

	cr_assert_null(err, "%s", err ? err->message : "");
	return result;
}

static struct sandbox_result run(sandbox_work work, void *context)
{
	return run_with(NULL, work, context, NULL);
}

static void assert_forbidden(struct sandbox_result result, const char *call)
{
	cr_assert_eq(result.end, SANDBOX_FORBIDDEN, "%s", result.text);
	cr_assert_eq(result.signal_number, SIGSYS);
	cr_assert(strstr(result.text, call), "%s", result.text);
}

/* ---- ordinary ends ---- */

static int do_nothing(void *context, int out)
{
	(void)out;
	return context ? *(int *)context : 0;
}

Test(sandbox, finishes)
{
	struct sandbox_result result = run(do_nothing, NULL);

	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
	cr_assert_eq(result.status, 0);
}

Test(sandbox, says_the_status)
{
	int status = 5;
	struct sandbox_result result = run(do_nothing, &status);

	cr_assert_eq(result.end, SANDBOX_FAILED);
	cr_assert_eq(result.status, 5);
	cr_assert_str_eq(result.text, "the reader ended with status 5");
}

Test(sandbox, names_its_walls)
{
	cr_assert(strstr(sandbox_walls(), "seccomp"), "%s", sandbox_walls());
	cr_assert(strstr(sandbox_walls(), "Landlock"), "%s", sandbox_walls());
	cr_assert(strstr(sandbox_walls(), "rlimits"), "%s", sandbox_walls());
	cr_assert_eq(strncmp(sandbox_walls(), "no seccomp", 10) == 0, false);
}

/* ---- files ---- */

static int open_path(void *context, int out)
{
	static const int flags[] = {O_RDONLY, O_WRONLY,           O_RDWR,
				    O_PATH,   O_WRONLY | O_CREAT, O_RDONLY | O_DIRECTORY};

	(void)out;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (open(context, flags[i], 0600) >= 0)
			return BREACH;
		if (errno != EACCES)
			return 1;
	}
	return fopen(context, "r") ? BREACH : 0;
}

static void assert_cannot_open(const char *path)
{
	struct sandbox_result result = run(open_path, (void *)path);

	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s: %s", path, result.text);
}

Test(sandbox, opens_no_file)
{
	assert_cannot_open("/etc/passwd");
	assert_cannot_open("CMakeLists.txt");
	assert_cannot_open("../../../../../../etc/passwd");
	assert_cannot_open("/proc/self/maps");
	assert_cannot_open("/proc/self/mem");
	assert_cannot_open("/proc/self/fd/0");
	assert_cannot_open("/dev/null");
	assert_cannot_open("/");
	assert_cannot_open(".");
}

Test(sandbox, creates_no_file)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/culprit-sandbox-%d", (int)getpid());
	assert_cannot_open(path);
	cr_assert_neq(access(path, F_OK), 0);
}

static int look_by_path(void *context, int out)
{
	struct stat st;
	char link[64];

	(void)context;
	(void)out;
	if (stat("/etc/passwd", &st) == 0 || access("/etc/passwd", R_OK) == 0 ||
	    readlink("/proc/self/exe", link, sizeof(link)) >= 0 || opendir("/"))
		return BREACH;
	return 0;
}

Test(sandbox, looks_at_no_path)
{
	cr_assert_eq(run(look_by_path, NULL).end, SANDBOX_FINISHED);
}

static int open_by_openat2(void *context, int out)
{
	uint64_t how[3] = {O_RDONLY};

	(void)context;
	(void)out;
	return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof(how)) >= 0 ? BREACH : 0;
}

Test(sandbox, opens_no_file_by_openat2)
{
	cr_assert_eq(run(open_by_openat2, NULL).end, SANDBOX_FINISHED);
}

static int rename_file(void *context, int out)
{
	(void)context;
	(void)out;
	return rename("/tmp/culprit-a", "/tmp/culprit-b") == 0 ? BREACH : 1;
}

static int unlink_file(void *context, int out)
{
	(void)context;
	(void)out;
	return unlink("/tmp/culprit-a") == 0 ? BREACH : 1;
}

Test(sandbox, changes_no_name)
{
	assert_forbidden(run(rename_file, NULL), "rename");
	assert_forbidden(run(unlink_file, NULL), "unlink");
}

/* ---- descriptors ---- */

static int read_kept(void *context, int out)
{
	const int *fds = context;
	struct stat st;
	char text[6] = "";

	if (pread(fds[0], text, 5, 0) != 5 || strcmp(text, "known") != 0)
		return 1;
	if (fstat(fds[0], &st) != 0 || st.st_size != 5 || lseek(fds[0], 0, SEEK_END) != 5)
		return 2;
	if (fcntl(fds[1], F_GETFD) >= 0)
		return BREACH;
	for (int fd = 3; fd < 1000; fd++) {
		if (fd != fds[0] && fd != out && fcntl(fd, F_GETFD) >= 0)
			return BREACH;
	}
	return 0;
}

static int memory_file(const char *text)
{
	int fd = memfd_create("evidence", 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

Test(sandbox, keeps_only_listed_files)
{
	int fds[2] = {memory_file("known"), memory_file("other")};
	struct lines lines = {0};
	struct sandbox_result result;

	cr_assert_null(sandbox_run(NULL, fds, 1, read_kept, fds, count_line, &lines, &result));
	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
}

/* Evidence on standard input. */
Test(sandbox, keeps_stdin_if_listed)
{
	int fd = memory_file("known"), fds[2] = {0, 200};
	struct lines lines = {0};
	struct sandbox_result result;

	cr_assert_eq(dup2(fd, 0), 0);
	cr_assert_eq(dup2(fd, 200), 200);
	cr_assert_null(sandbox_run(NULL, fds, 1, read_kept, fds, count_line, &lines, &result));
	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
}

static int write_standard_streams(void *context, int out)
{
	(void)out;
	(void)context;
	if (write(1, "x", 1) != 1 || read(0, &(char){0}, 1) != 0)
		return 1;
	return 0;
}

Test(sandbox, standard_streams_lead_nowhere)
{
	int ends[2];
	char text[8];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	cr_assert_eq(dup2(ends[1], 1), 1);
	cr_assert_eq(run(write_standard_streams, NULL).end, SANDBOX_FINISHED);
	cr_assert_lt(read(ends[0], text, sizeof(text)), 0);
}

static int write_a_memory_file(void *context, int out)
{
	int fd = memfd_create("spool", 0);

	(void)context;
	(void)out;
	if (fd < 0 || ftruncate(fd, 1 << 20) != 0 || pwrite(fd, "x", 1, 0) == 1)
		return 1; /* pwrite() is not among the calls; it should not get here */
	return 2;
}

static int make_a_memory_file(void *context, int out)
{
	int fd = memfd_create("spool", 0);

	(void)context;
	(void)out;
	return fd >= 0 && ftruncate(fd, 1 << 20) == 0 && write(fd, "x", 1) == 1 ? 0 : 1;
}

Test(sandbox, memory_files_need_a_limit)
{
	struct sandbox_limits limits = {.file_size = 1 << 20};
	struct sandbox_result result = run(make_a_memory_file, NULL);

	cr_assert_eq(result.end, SANDBOX_SIGNAL, "%s", result.text);
	cr_assert_eq(result.signal_number, SIGXFSZ);
	result = run_with(&limits, make_a_memory_file, NULL, NULL);
	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
	assert_forbidden(run_with(&limits, write_a_memory_file, NULL, NULL), "pwrite64");
}

/* ---- files that the child asks for ---- */

struct shelf {
	int fd;           /* what is handed over for "known" */
	unsigned asked;   /* how often */
	size_t last_size; /* of the last request */
};

static int supply_known(void *context, const void *request, size_t size)
{
	struct shelf *shelf = context;

	shelf->asked++;
	shelf->last_size = size;
	return size == 5 && memcmp(request, "known", 5) == 0 ? dup(shelf->fd) : -1;
}

static struct sandbox_result run_asking(struct shelf *shelf, sandbox_work work)
{
	const struct sandbox_limits limits = {.supply = supply_known, .supply_context = shelf};

	return run_with(&limits, work, NULL, NULL);
}

static int ask_and_read(void *context, int out)
{
	char text[8] = "";
	int fd = sandbox_ask("known", 5);

	(void)context;
	(void)out;
	if (sandbox_ask("other", 5) >= 0)
		return BREACH;
	if (fd < 0 || pread(fd, text, sizeof(text), 0) != 4 || strcmp(text, "file") != 0)
		return 1;
	return write(fd, "x", 1) == 1 ? 2 : 0;
}

Test(sandbox, hands_over_what_is_asked_for)
{
	char path[] = "/tmp/culprit-supply-XXXXXX";
	int writer = mkstemp(path);
	struct shelf shelf = {.fd = open(path, O_RDONLY)};

	cr_assert_eq(write(writer, "file", 4), 4);
	unlink(path);
	struct sandbox_result result = run_asking(&shelf, ask_and_read);
	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
	cr_assert_eq(shelf.asked, 2);
	cr_assert_eq(shelf.last_size, 5);
}

static int ask_nobody(void *context, int out)
{
	(void)context;
	(void)out;
	return sandbox_ask("known", 5) >= 0 ? BREACH : 0;
}

Test(sandbox, nobody_answers_without_a_supplier)
{
	struct sandbox_result result = run(ask_nobody, NULL);

	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
}

static int ask_without_end(void *context, int out)
{
	char large[SANDBOX_ASK_BYTES + 1] = "";
	unsigned got = 0;

	(void)context;
	(void)out;
	if (sandbox_ask(large, sizeof(large)) >= 0)
		return BREACH;
	for (unsigned i = 0; i < 2 * SANDBOX_ASKS_MAX; i++) {
		int fd = sandbox_ask("known", 5);
		got += fd >= 0;
		close(fd);
	}
	return got == SANDBOX_ASKS_MAX ? 0 : BREACH;
}

Test(sandbox, answers_only_so_many_questions)
{
	struct shelf shelf = {.fd = memory_file("file")};
	struct sandbox_result result = run_asking(&shelf, ask_without_end);

	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
	cr_assert_eq(shelf.asked, SANDBOX_ASKS_MAX);
}

/* Asks without listening to the answers: files must not pile up in the parent. */
static int ask_and_go(void *context, int out)
{
	struct stat st;

	(void)context;
	(void)out;
	for (int fd = 3; fd < 64; fd++)
		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			for (unsigned i = 0; i < 100; i++)
				if (write(fd, "known", 5) != 5)
					return 1;
	return 0;
}

Test(sandbox, a_child_that_does_not_listen_blocks_nobody)
{
	struct shelf shelf = {.fd = memory_file("file")};
	struct sandbox_result result = run_asking(&shelf, ask_and_go);

	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
	cr_assert_eq(fcntl(shelf.fd + 20, F_GETFD), -1);
}

static int receive_elsewhere(void *context, int out)
{
	struct msghdr message = {0};

	(void)out;
	return recvmsg(*(int *)context, &message, MSG_DONTWAIT) == 0 ? BREACH : 0;
}

Test(sandbox, receives_on_no_other_socket)
{
	int ends[2];
	struct lines lines = {0};
	struct sandbox_result result;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	cr_assert_null(
		sandbox_run(NULL, ends, 1, receive_elsewhere, ends, count_line, &lines, &result));
	assert_forbidden(result, "recvmsg");
}

/* ---- the outside ---- */

static int make_socket(void *context, int out)
{
	(void)out;
	return socket(*(int *)context, SOCK_STREAM, 0) >= 0 ? BREACH : 1;
}

Test(sandbox, makes_no_socket)
{
	assert_forbidden(run(make_socket, &(int){AF_INET}), "socket");
	assert_forbidden(run(make_socket, &(int){AF_UNIX}), "socket");
}

static int exec_program(void *context, int out)
{
	char *argv[] = {(char *)"/bin/true", NULL};

	(void)context;
	(void)out;
	execv(argv[0], argv);
	return errno == EPERM ? 1 : BREACH;
}

static int fork_process(void *context, int out)
{
	pid_t pid = fork();

	(void)context;
	(void)out;
	if (pid == 0)
		_exit(0);
	return pid > 0 ? BREACH : 1;
}

/* AddressSanitizer's runtime tries both for its reports, so there they fail without an end. */
Test(sandbox, execs_and_forks_nothing)
{
	struct sandbox_result exec = run(exec_program, NULL), forked = run(fork_process, NULL);

	if (UNDER_ASAN) {
		cr_assert_eq(exec.status, 1, "%s", exec.text);
		cr_assert_eq(forked.status, 1, "%s", forked.text);
		return;
	}
	assert_forbidden(exec, "execve");
	assert_forbidden(forked, "clone");
}

static int signal_by_kill(void *context, int out)
{
	(void)out;
	return kill(*(pid_t *)context, 0) == 0 ? BREACH : 1;
}

static int signal_by_tgkill(void *context, int out)
{
	pid_t pid = *(pid_t *)context;

	(void)out;
	return syscall(SYS_tgkill, pid, pid, SIGABRT) == 0 ? BREACH : 1;
}

Test(sandbox, signals_nobody)
{
	pid_t me = getpid();

	assert_forbidden(run(signal_by_kill, &me), "kill");
	assert_forbidden(run(signal_by_tgkill, &me), "tgkill");
}

static int trace_parent(void *context, int out)
{
	(void)out;
	return ptrace(PTRACE_ATTACH, *(pid_t *)context, 0, 0) == 0 ? BREACH : 1;
}

Test(sandbox, traces_nobody)
{
	pid_t me = getpid();

	assert_forbidden(run(trace_parent, &me), "ptrace");
}

static int make_code(void *context, int out)
{
	(void)context;
	(void)out;
	mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return BREACH;
}

static int change_code(void *context, int out)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)context;
	(void)out;
	mprotect(page, 4096, PROT_READ | PROT_EXEC);
	return BREACH;
}

Test(sandbox, makes_no_code)
{
	assert_forbidden(run(make_code, NULL), "mmap");
	assert_forbidden(run(change_code, NULL), "mprotect");
}

static int raise_limit(void *context, int out)
{
	struct rlimit more = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};

	(void)context;
	(void)out;
	setrlimit(RLIMIT_FSIZE, &more);
	return BREACH;
}

static int replace_reporter(void *context, int out)
{
	(void)context;
	(void)out;
	signal(SIGSYS, SIG_IGN);
	return BREACH;
}

static int block_reporter(void *context, int out)
{
	sigset_t all;

	(void)context;
	(void)out;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	syscall(SYS_mkdir, "/tmp/x", 0700);
	return BREACH;
}

Test(sandbox, walls_cannot_be_taken_down)
{
	assert_forbidden(run(raise_limit, NULL), "prlimit64");
	assert_forbidden(run(replace_reporter, NULL), "rt_sigaction");
	cr_assert_eq(run(block_reporter, NULL).end, SANDBOX_FORBIDDEN);
}

/* What libraries do all the time must go on working. */
static int behave(void *context, int out)
{
	struct timespec now;
	char *block = malloc(8 << 20), number[32];
	cpu_set_t set;

	(void)context;
	if (!block || clock_gettime(CLOCK_REALTIME, &now) != 0 || isatty(out))
		return 1;
	memset(block, 1, 8 << 20);
	block = realloc(block, 16 << 20);
	snprintf(number, sizeof(number), "%.3f\n", (double)now.tv_sec);
	if (!block || sysconf(_SC_PHYS_PAGES) <= 0 || sched_getaffinity(0, sizeof(set), &set) != 0)
		return 2;
	free(block);
	return sandbox_write(out, number, strlen(number)) ? 0 : 3;
}

Test(sandbox, lets_libraries_work)
{
	struct lines lines = {0};
	struct sandbox_result result = run_with(NULL, behave, NULL, &lines);

	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
	cr_assert_eq(lines.count, 1);
}

static int say_and_wait(void *context, int out)
{
	char line[32];

	(void)context;
	snprintf(line, sizeof(line), "%d\n", (int)getpid());
	if (!sandbox_write(out, line, strlen(line)))
		return 1;
	sleep(100);
	return 0;
}

/* Looks at the child from outside, as the kernel sees it; its line is its process id. */
static bool look_at_child(void *context, char *line, size_t length)
{
	char path[64], status[4096] = "";
	FILE *file;

	(void)length;
	snprintf(path, sizeof(path), "/proc/%s/status", line);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	cr_assert_gt(fread(status, 1, sizeof(status) - 1, file), 0);
	fclose(file);
	cr_assert(strstr(status, "CapEff:\t0000000000000000\n"), "%s", status);
	cr_assert(strstr(status, "CapPrm:\t0000000000000000\n"), "%s", status);
	cr_assert(strstr(status, "NoNewPrivs:\t1\n"), "%s", status);
	cr_assert(strstr(status, "Seccomp:\t2\n"), "%s", status);
	*(bool *)context = true;
	return false;
}

Test(sandbox, stands_as_the_kernel_sees_it)
{
	bool looked = false;
	struct sandbox_result result;

	cr_assert_null(
		sandbox_run(NULL, NULL, 0, say_and_wait, NULL, look_at_child, &looked, &result));
	cr_assert(looked);
}

/* ---- bad ends ---- */

static int die_by_signal(void *context, int out)
{
	(void)out;
	if (*(int *)context == SIGABRT)
		abort();
	raise(*(int *)context);
	return BREACH;
}

static int touch_null(void *context, int out)
{
	volatile int *nowhere = *(int **)context;

	(void)out;
	return *nowhere;
}

Test(sandbox, survives_a_segfault)
{
	int *nowhere = NULL;
	struct sandbox_result result = run(die_by_signal, &(int){SIGSEGV});

	cr_assert_eq(result.end, SANDBOX_SIGNAL);
	cr_assert_eq(result.signal_number, SIGSEGV);
	cr_assert_str_eq(result.text,
			 "the reader was killed by signal 11 (SIGSEGV, Segmentation fault)");
	if (!UNDER_ASAN)
		cr_assert_eq(run(touch_null, &nowhere).signal_number, SIGSEGV);
}

Test(sandbox, survives_an_abort)
{
	struct sandbox_result result = run(die_by_signal, &(int){SIGABRT});

	cr_assert_eq(result.end, SANDBOX_SIGNAL, "%s", result.text);
	cr_assert_eq(result.signal_number, SIGABRT);
}

/* Volatile, and more than a tail call: neither compiler may make a loop of it. */
static int recurse(volatile unsigned depth)
{
	volatile char room[4096];

	room[0] = (char)depth;
	return depth == ~0u ? 0 : recurse(depth + 1) + room[0];
}

static int overflow_stack(void *context, int out)
{
	(void)context;
	(void)out;
	return recurse(0);
}

Test(sandbox, survives_endless_recursion)
{
	cr_assert_eq(run(overflow_stack, NULL).signal_number, SIGSEGV);
}

static int spin(void *context, int out)
{
	(void)context;
	(void)out;
	for (volatile unsigned i = 0;; i++) {
		if (i == ~0u)
			i = 0;
	}
	return BREACH;
}

Test(sandbox, stops_an_endless_loop)
{
	struct sandbox_limits limits = {.cpu_seconds = 1};
	struct sandbox_result result = run_with(&limits, spin, NULL, NULL);

	cr_assert_eq(result.end, SANDBOX_CPU, "%s", result.text);
	cr_assert_str_eq(result.text, "the reader used up its 1 s of processor time");
}

static int spin_deaf(void *context, int out)
{
	signal(SIGXCPU, SIG_IGN);
	return spin(context, out);
}

Test(sandbox, stops_an_endless_loop_that_ignores_it)
{
	struct sandbox_limits limits = {.cpu_seconds = 1};
	struct sandbox_result result = run_with(&limits, spin_deaf, NULL, NULL);

	cr_assert_eq(result.end, SANDBOX_CPU, "%s", result.text);
}

static int sleep_long(void *context, int out)
{
	if (context)
		close(out);
	for (;;)
		sleep(100);
	return BREACH;
}

Test(sandbox, stops_a_sleeper)
{
	struct sandbox_limits limits = {.wall_seconds = 1};
	struct sandbox_result result = run_with(&limits, sleep_long, NULL, NULL);

	cr_assert_eq(result.end, SANDBOX_WALL, "%s", result.text);
	cr_assert_str_eq(result.text, "the reader did not finish within 1 s");
	/* One that pretends to be done. */
	result = run_with(&limits, sleep_long, &limits, NULL);
	cr_assert_eq(result.end, SANDBOX_WALL, "%s", result.text);
}

/* A chain, because compilers leave out blocks nobody reads. */
static int eat_memory(void *context, int out)
{
	void *chain = NULL;

	(void)context;
	(void)out;
	for (;;) {
		void **block = malloc(1 << 20);

		if (!block)
			return chain ? SANDBOX_STATUS_NOMEM : BREACH;
		*block = chain;
		chain = block;
	}
}

Test(sandbox, stops_a_memory_hog, .disabled = UNDER_ASAN)
{
	struct sandbox_limits limits = {.memory = 64 << 20};
	struct sandbox_result result = run_with(&limits, eat_memory, NULL, NULL);

	cr_assert_eq(result.end, SANDBOX_MEMORY, "%s", result.text);
	cr_assert_str_eq(result.text, "the reader needed more than 64 MiB of memory");
}

/* Not by the parent and not for CPU time: the system, most often for memory. */
Test(sandbox, explains_a_kill_from_outside)
{
	struct sandbox_result result = run(die_by_signal, &(int){SIGKILL});

	cr_assert_eq(result.end, SANDBOX_MEMORY);
	cr_assert(strstr(result.text, "from outside"), "%s", result.text);
}

/* ---- the answer ---- */

static int answer_forever(void *context, int out)
{
	while (sandbox_write(out, context, strlen(context)))
		;
	return 1;
}

Test(sandbox, stops_an_endless_answer)
{
	struct sandbox_limits limits = {.output = 1 << 20};
	struct lines lines = {0};
	struct sandbox_result result = run_with(&limits, answer_forever, (void *)"line\n", &lines);

	cr_assert_eq(result.end, SANDBOX_OUTPUT, "%s", result.text);
	cr_assert_str_eq(result.text, "the reader answered more than 1048576 bytes");
	cr_assert_gt(lines.count, 100000);
	result = run_with(&limits, answer_forever, (void *)"no end of line", NULL);
	cr_assert_eq(result.end, SANDBOX_OUTPUT, "%s", result.text);
}

static int answer_lines(void *context, int out)
{
	enum { LONG = 3 << 20 };
	char *text = malloc(LONG);

	(void)context;
	if (!text)
		return 1;
	memset(text, 'x', LONG);
	text[LONG - 1] = '\n';
	for (int i = 0; i < 3; i++) {
		if (!sandbox_write(out, "first\n\n", 7) || !sandbox_write(out, text, LONG))
			return 2;
	}
	/* One byte at a time, and a line that never ends. */
	for (const char *p = "last\nunfinished"; *p; p++) {
		if (!sandbox_write(out, p, 1))
			return 3;
	}
	free(text);
	return 0;
}

Test(sandbox, lines_arrive_whole)
{
	struct lines lines = {0};
	struct sandbox_result result = run_with(NULL, answer_lines, NULL, &lines);

	cr_assert_eq(result.end, SANDBOX_FINISHED, "%s", result.text);
	cr_assert_eq(lines.count, 10);
	cr_assert_eq(lines.longest, (3 << 20) - 1);
	cr_assert_str_eq(lines.first, "first");
	cr_assert_str_eq(lines.last, "last");
}

Test(sandbox, stops_when_told)
{
	struct lines lines = {.stop_after = 3};
	struct sandbox_result result = run_with(NULL, answer_forever, (void *)"line\n", &lines);

	cr_assert_eq(result.end, SANDBOX_FAILED, "%s", result.text);
	cr_assert_eq(result.status, -1);
	cr_assert_eq(lines.count, 3);
}

static int answer_in_vain(void *context, int out)
{
	(void)context;
	close(out);
	return sandbox_write(out, "x", 1) ? BREACH : 0;
}

Test(sandbox, a_failed_write_is_no_end)
{
	cr_assert_eq(run(answer_in_vain, NULL).end, SANDBOX_FINISHED);
}

/* The child goes with its parent. */
Test(sandbox, does_not_outlive_the_parent)
{
	int ends[2];
	char byte;
	pid_t parent;

	cr_assert_eq(pipe(ends), 0);
	parent = fork();
	if (parent == 0) {
		struct sandbox_result result;
		struct lines lines = {0};

		sandbox_run(NULL, &ends[1], 1, sleep_long, NULL, count_line, &lines, &result);
		_exit(0);
	}
	close(ends[1]);
	usleep(100 * 1000);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	/* The end of the pipe: nobody holds the other side any more. */
	cr_assert_eq(read(ends[0], &byte, 1), 0);
}

Test(sandbox, too_many_files)
{
	int fds[SANDBOX_KEEP_MAX + 1] = {0};
	struct lines lines = {0};
	struct sandbox_result result;
	struct error *err = sandbox_run(NULL, fds, SANDBOX_KEEP_MAX + 1, do_nothing, NULL,
					count_line, &lines, &result);

	cr_assert_not_null(err);
	cr_assert_eq(err->kind, ERROR_LIMIT);
	error_destroy(err);
}

/* Not a measurement, but the walls must not cost what one can feel. */
Test(sandbox, is_fast, .disabled = UNDER_ASAN)
{
	struct timespec start, end;
	double ms;

	run(do_nothing, NULL);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < 100; i++)
		run(do_nothing, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ms = ((double)(end.tv_sec - start.tv_sec) * 1e3 +
	      (double)(end.tv_nsec - start.tv_nsec) / 1e6) /
	     100;
	cr_log_info("%.3f ms per reader", ms);
	cr_assert_lt(ms, 20.0);
}
