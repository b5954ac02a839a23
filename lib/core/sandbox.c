#include "sandbox_parts.h"

#include "ceilings.h"

#include <errno.h>
#include <fcntl.h>
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	READ_BYTES = 64 << 10,
	REAP_NAP_MAX_NS = 5 * 1000 * 1000,
};

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

/* One byte, and with it the file: copied into the socket, not shared. */
static bool hand_over(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	char word = fd >= 0;
	struct iovec part = {&word, sizeof(word)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(word);
}

/* Answers one question; false when nothing more is to be heard of that child. */
static bool answer_question(const struct job *job, unsigned *asked)
{
	_Alignas(max_align_t) char request[SANDBOX_ASK_BYTES];
	ssize_t n = recv(job->hear_fd, request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);
	int fd = -1;
	bool sent;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0 || ++*asked > SANDBOX_ASKS_MAX)
		return false;
	if (n <= (ssize_t)sizeof(request))
		fd = job->limits.supply(job->limits.supply_context, request, (size_t)n);
	sent = hand_over(job->hear_fd, fd);
	if (fd >= 0)
		close(fd);
	return sent;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static enum stop listen_to_child(struct job *job, struct answer *answer, int64_t deadline)
{
	bool again = true;
	unsigned asked = 0;
	enum stop stop = STOP_END;

	while (again && stop == STOP_END) {
		struct pollfd items[] = {{.fd = job->read_fd, .events = POLLIN},
					 {.fd = job->hear_fd, .events = POLLIN}};
		int64_t left = deadline - now_ms();
		int ready = left > 0 ? poll(items, 2, left > 60000 ? 60000 : (int)left) : 0;

		if (left <= 0)
			return STOP_WALL;
		if (ready > 0 && items[0].revents)
			stop = answer_take(answer, job->read_fd, &again);
		if (ready > 0 && items[1].revents && !answer_question(job, &asked))
			close_fd(&job->hear_fd);
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

static void supervise(struct job *job, pid_t pid, struct answer *answer, struct sandbox_result *ret)
{
	int64_t deadline = now_ms() + (int64_t)job->limits.wall_seconds * 1000;
	enum stop stop = listen_to_child(job, answer, deadline);
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

	if (job->limits.supply) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
			return false;
		job->ask_fd = above_standard_streams(ends[0]);
		job->hear_fd = above_standard_streams(ends[1]);
		if (job->ask_fd < 0 || job->hear_fd < 0)
			return false;
	}
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

static void job_close(struct job *job)
{
	close_fd(&job->read_fd);
	close_fd(&job->write_fd);
	close_fd(&job->null_fd);
	close_fd(&job->ask_fd);
	close_fd(&job->hear_fd);
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
			  .ask_fd = -1,
			  .hear_fd = -1,
			  .parent = getpid()};
	struct answer answer = {
		.ceiling = job.limits.output, .on_line = on_line, .context = line_context};
	struct error *err = NULL;
	pid_t pid = -1;

	if (keep_count > SANDBOX_KEEP_MAX)
		return error_create(ERROR_LIMIT, "more than %d files for one reader (%s)",
				    SANDBOX_KEEP_MAX, "SANDBOX_KEEP_MAX");
	sandbox_filter_prepare();
	if (job_open(&job))
		pid = fork();
	if (pid == 0)
		sandbox_child_main(&job);
	if (pid < 0) {
		err = error_create(ERROR_IO, "no process for the reader: %s",
				   strerrordesc_np(errno) ?: "unknown error");
	} else {
		close_fd(&job.write_fd);
		close_fd(&job.ask_fd);
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
	bool seccomp = sandbox_filter_ready() &&
		       syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &trap) == 0;
	int version = sandbox_landlock_version();
	char landlock[32] = "no Landlock";

	if (version > 0)
		snprintf(landlock, sizeof(landlock), "Landlock %d", version);
	snprintf(walls.text, sizeof(walls.text), "%s, %s, %s", seccomp ? "seccomp" : "no seccomp",
		 landlock, UNDER_ASAN ? "rlimits (relaxed for AddressSanitizer)" : "rlimits");
}

const char *sandbox_walls(void)
{
	sandbox_filter_prepare();
	pthread_once(&walls.once, walls_describe);
	return walls.text;
}
