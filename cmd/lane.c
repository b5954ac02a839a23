#include "lane.h"

#include "ceilings.h"
#include "debug_store.h"
#include "inputs.h"
#include "message.h"
#include "run.h"
#include "sandbox.h"
#include "want.h"
#include "worker.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_BYTES = 1 << 20 };
_Static_assert((int)LIMIT_PARTS + 1 <= (int)SANDBOX_KEEP_MAX, "one child gets all parts");

/* ---- inside the lane
 * ------------------------------------------------------------------------------- */

/* What a child has said so far, by how its lines begin. */
struct passing {
	int fd;
	unsigned begun, done;
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

static void say_failure(struct passing *p, enum error_kind kind, const char *text)
{
	say_text(p, 'F', error_kind_name(kind));
	say_text(p, 'T', text);
}

static bool on_line(void *context, char *line, size_t length)
{
	static const char begin[] = "{\"begin\":", done[] = "{\"done\":";
	struct passing *p = context;

	if (strncmp(line, begin, strlen(begin)) == 0) {
		p->begun++;
		p->in_archive = line[strlen(begin)] == '"';
	} else if (strncmp(line, done, strlen(done)) == 0) {
		p->done++;
	}
	return say(p, 'L', line, length);
}

/* The child ended in the middle of something. True: another child should go on at *skip. */
static bool after_death(struct passing *p, const struct input *in, const char *text, bool given,
			const struct sandbox_result *result, unsigned *skip)
{
	char words[320];
	bool in_evidence = p->begun > p->done;
	bool used_up = result->end == SANDBOX_CPU || result->end == SANDBOX_WALL ||
		       result->end == SANDBOX_MEMORY || result->end == SANDBOX_OUTPUT;

	/* The members before it may have used up what one child gets: a fresh one tries it again.
	 */
	if (in_evidence && used_up && p->done > 0 && in->seekable) {
		*skip += p->done;
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

/* Reads @p inputs, which are one, or with `split` (@p count of them) the parts of one. */
static void read_inputs(struct passing *p, const struct run *run, const struct input *inputs,
			unsigned count)
{
	unsigned skip = 0;
	bool again = true;
	int fds[LIMIT_PARTS + 1]; /* and the vmlinux */

	for (unsigned i = 0; i < count; i++)
		fds[i] = inputs[i].fd;
	while (again && !p->gone) {
		struct debug_files debug = {.vmlinux = -1};
		struct work work = {.inputs = inputs,
				    .count = count,
				    .split = run->split,
				    .skip = skip,
				    .knowledge = run->knowledge,
				    .want = run->want};
		struct sandbox_limits limits = {.file_size = LIMIT_SPOOL};
		unsigned kept = count;
		if (run->want & WANT_SCAN) {
			limits.cpu_seconds = LIMIT_SCAN_CPU_SECONDS;
			limits.wall_seconds = LIMIT_SCAN_WALL_SECONDS;
		}
		if (run->debug) {
			work.debug = debug_store_grant(run->debug, &limits, &debug);
			if (debug.vmlinux >= 0)
				fds[kept++] = debug.vmlinux;
		}
		struct sandbox_result result = {0};
		p->begun = p->done = 0;
		again = false;
		for (unsigned i = 0; i < count; i++)
			if (inputs[i].seekable)
				lseek(inputs[i].fd, inputs[i].start, SEEK_SET);
		struct error *err =
			sandbox_run(&limits, fds, kept, worker_run, &work, on_line, p, &result);
		if (err) {
			say_failure(p, err->kind, err->message);
			error_destroy(err);
		} else if (result.end != SANDBOX_FINISHED) {
			again = after_death(p, inputs, result.text, work.debug, &result, &skip);
		} else if (p->begun > p->done || (!p->done && !skip)) {
			again = after_death(p, inputs, "the reader ended without an answer",
					    work.debug, &result, &skip);
		}
		again = again && !run->split;
	}
}

/* Opens all of @p arguments; false if one of them cannot be, which was told. */
static bool open_inputs(struct passing *p, const struct run *run, struct arena *arena,
			char **arguments, unsigned count, struct input *inputs)
{
	const struct input *bad = NULL;

	for (unsigned i = 0; i < count; i++) {
		inputs[i] = input_open(arena, arguments[i]);
		bad = !bad && inputs[i].fd < 0 ? &inputs[i] : bad;
	}
	say_text(p, 'N', inputs->name);
	say_text(p, 'P', inputs->path);
	if (inputs->member)
		say_text(p, 'M', inputs->member);
	for (unsigned i = 0; i < count && run->split; i++)
		say_text(p, 'S', inputs[i].name);
	if (bad)
		say_failure(p, ERROR_IO,
			    count == 1 ? bad->trouble
				       : arena_printf(arena, "%s: %s", bad->path, bad->trouble));
	return !bad;
}

static void read_arguments(struct passing *p, const struct run *run, char **arguments,
			   unsigned count)
{
	struct arena *arena = arena_create(LIMIT_RULES);
	struct input inputs[LIMIT_PARTS];

	if (open_inputs(p, run, arena, arguments, count, inputs))
		read_inputs(p, run, inputs, count);
	say_text(p, 'E', "");
	for (unsigned i = 0; i < count; i++)
		input_close(&inputs[i]);
	arena_destroy(arena);
}

static void run_lane(int fd, const struct run *run, char **arguments, int count, int first,
		     int step)
{
	struct passing p = {.fd = fd};

	if (run->split && first == 0)
		read_arguments(&p, run, arguments, (unsigned)count);
	for (int i = first; !run->split && i < count && !p.gone; i += step)
		read_arguments(&p, run, &arguments[i], 1);
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
