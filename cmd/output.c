#include "output.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* For the signal handler: what must not be left behind. */
static char *unfinished;

static void remove_unfinished(int signal_number)
{
	if (unfinished)
		unlink(unfinished);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static bool exists_complaint(const char *path)
{
	complain("%s is there already; --force would replace it", path);
	return false;
}

bool output_open(struct output *output, const char *path, bool force)
{
	struct stat st;

	*output = (struct output){.file = stdout, .path = path, .force = force};
	if (!path)
		return true;
	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode)) {
			complain("%s is not a file that could be replaced", path);
			return false;
		}
		if (!force)
			return exists_complaint(path);
	}
	const char *slash = strrchr(path, '/');
	int folder = slash ? (int)(slash - path) + 1 : 0;
	if (asprintf(&output->aside, "%.*s.%s.XXXXXX", folder, path, path + folder) < 0) {
		output->aside = NULL;
		complain("out of memory");
		return false;
	}
	int fd = mkostemp(output->aside, O_CLOEXEC);
	if (fd < 0) {
		complain("%s cannot be written: %m", path);
		free(output->aside);
		return false;
	}
	mode_t mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	unfinished = output->aside;
	signal(SIGINT, remove_unfinished);
	signal(SIGTERM, remove_unfinished);
	signal(SIGHUP, remove_unfinished);
	output->file = fdopen(fd, "w");
	return output->file != NULL;
}

bool output_commit(struct output *output)
{
	bool fine = true;

	if (!output->path)
		return true; /* main() looks after stdout */
	fine = fflush(output->file) == 0 && !ferror(output->file) &&
	       fsync(fileno(output->file)) == 0;
	fine = fclose(output->file) == 0 && fine;
	if (fine && output->force) {
		fine = rename(output->aside, output->path) == 0;
	} else if (fine) {
		/* link() fails if somebody made the file meanwhile */
		fine = link(output->aside, output->path) == 0 ||
		       (errno == EPERM && renameat2(AT_FDCWD, output->aside, AT_FDCWD, output->path,
						    RENAME_NOREPLACE) == 0);
	}
	if (!fine && errno == EEXIST)
		exists_complaint(output->path);
	else if (!fine)
		complain("%s cannot be written: %m", output->path);
	unfinished = NULL;
	unlink(output->aside);
	free(output->aside);
	output->aside = NULL;
	return fine;
}
