#include "lane.h"

#include "ceilings.h"
#include "debug_store.h"
#include "inputs.h"
#include "message.h"
#include "run.h"
#include "sandbox.h"
#include "worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20 };

/* ---- inside the lane
 * ------------------------------------------------------------------------------- */

/* What a child has said so far, by how its lines begin. */
struct passing {
	int fd;
	unsigned begun, reported;
	bool in_archive; /* what it begun last is a member */
	bool gone;       /* nobody listens */
};

static bool say(struct passing *p, char letter, const char *text, size_t length)
{
	char head = letter;

	p->gone = p->gone || !sandbox_write(p->fd, &head, 1) ||
		  !sandbox_write(p->fd, text, length) || !sandbox_write(p->fd, "\n", 1);
	return !p->gone;
}

static bool say_text(struct passing *p, char letter, const char *text)
{
	return say(p, letter, text, strlen(text));
}

static bool on_line(void *context, char *line, size_t length)
{
	static const char begin[] = "{\"begin\":", report[] = "{\"report\":";
	struct passing *p = context;

	if (strncmp(line, begin, strlen(begin)) == 0) {
		p->begun++;
		p->in_archive = line[strlen(begin)] == '"';
	} else if (strncmp(line, report, strlen(report)) == 0) {
		p->reported++;
	}
	return say(p, 'L', line, length);
}

/* The child ended in the middle of something. True: another child should go on at *skip. */
static bool after_death(struct passing *p, const struct input *in, const char *text, bool given,
			const struct sandbox_result *result, unsigned *skip)
{
	char words[320];
	bool in_evidence = p->begun > p->reported;
	bool used_up = result->end == SANDBOX_CPU || result->end == SANDBOX_WALL ||
		       result->end == SANDBOX_MEMORY || result->end == SANDBOX_OUTPUT;

	/* The members before it may have used up what one child gets: a fresh one tries it again.
	 */
	if (in_evidence && used_up && p->reported > 0 && in->seekable) {
		*skip += p->reported;
		return true;
	}
	say_text(p, in_evidence ? 'D' : 'F', error_kind_name(ERROR_CRASHED));
	snprintf(words, sizeof(words), "%s%s", text,
		 given ? "; it may be a file given with --vmlinux or --debug-dir that it died of: "
			 "try without"
		       : "");
	say_text(p, 'T', words);
	*skip += p->begun;
	return in_evidence && p->in_archive && !in->member && in->seekable;
}

static void read_input(struct passing *p, const struct run *run, const struct input *in)
{
	unsigned skip = 0;
	bool again = true;

	while (again && !p->gone) {
		struct debug_files debug = {.vmlinux = -1};
		struct work work = {.fd = in->fd,
				    .name = in->name,
				    .member = in->member,
				    .skip = skip,
				    .knowledge = run->knowledge,
				    .want_strings = run->want_strings};
		struct sandbox_limits limits = {.file_size = LIMIT_SPOOL};
		int keep[] = {in->fd, -1};
		struct sandbox_result result = {0};
		p->begun = p->reported = 0;
		again = false;
		if (run->debug) {
			work.debug = debug_store_grant(run->debug, &limits, &debug);
			keep[1] = debug.vmlinux;
		}
		if (in->seekable)
			lseek(in->fd, in->start, SEEK_SET);
		struct error *err = sandbox_run(&limits, keep, 1 + (keep[1] >= 0), worker_run,
						&work, on_line, p, &result);
		if (err) {
			say_text(p, 'F', error_kind_name(err->kind));
			say_text(p, 'T', err->message);
			error_destroy(err);
		} else if (result.end != SANDBOX_FINISHED) {
			again = after_death(p, in, result.text, work.debug, &result, &skip);
		} else if (p->begun > p->reported || (!p->reported && !skip)) {
			again = after_death(p, in, "the reader ended without an answer", work.debug,
					    &result, &skip);
		}
	}
}

static void run_lane(int fd, const struct run *run, char **arguments, int count, int first,
		     int step)
{
	struct passing p = {.fd = fd};

	for (int i = first; i < count && !p.gone; i += step) {
		struct arena *arena = arena_create(LIMIT_RULES);
		struct input in = input_open(arena, arguments[i]);
		say_text(&p, 'N', in.name);
		say_text(&p, 'P', in.path);
		if (in.member)
			say_text(&p, 'M', in.member);
		if (in.fd < 0) {
			say_text(&p, 'F', error_kind_name(ERROR_IO));
			say_text(&p, 'T', in.trouble);
		} else {
			read_input(&p, run, &in);
		}
		say_text(&p, 'E', "");
		input_close(&in);
		arena_destroy(arena);
	}
}

/* ---- seen from the main process
 * --------------------------------------------------------------------- */

bool lane_start(struct lane *lane, const struct run *run, char **arguments, int count, int first,
		int step)
{
	int ends[2];
	pid_t parent = getpid();

	*lane = (struct lane){0};
	if (pipe2(ends, O_CLOEXEC) != 0) {
		complain("no pipe can be made: %m");
		return false;
	}
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* a smaller one only waits more */
	lane->pid = fork();
	if (lane->pid == 0) {
		static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
		for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
			signal(signals[i], SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		if (getppid() == parent)
			run_lane(ends[1], run, arguments, count, first, step);
		_exit(0); /* stdout's buffer is the main process's */
	}
	close(ends[1]);
	lane->lines = lane->pid < 0 ? NULL : fdopen(ends[0], "r");
	if (!lane->lines) {
		complain("no process can be made: %m");
		close(ends[0]);
		return false;
	}
	return true;
}

bool lane_next(struct lane *lane)
{
	ssize_t n = getline(&lane->line, &lane->capacity, lane->lines);

	if (n <= 0)
		return false;
	if (lane->line[n - 1] == '\n')
		lane->line[--n] = '\0';
	lane->length = (size_t)n;
	return n > 0;
}

void lane_stop(struct lane *lane)
{
	if (lane->lines)
		fclose(lane->lines);
	if (lane->pid > 0) {
		/* It may be in the middle of something that nobody wants any more; its child goes
		 * with it. */
		kill(lane->pid, SIGKILL);
		waitpid(lane->pid, NULL, 0);
	}
	free(lane->line);
	*lane = (struct lane){0};
}
