#include "inputs.h"

#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *safe(struct arena *arena, const char *text)
{
	return text_from_bytes(arena, text, strlen(text));
}

/* NULL if @p fd is something one can read evidence from. */
static const char *why_not(struct arena *arena, const char *name, int fd, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return arena_printf(arena,
				    "it is a directory: name the files in it, for example %s%s*",
				    name, name[strlen(name) - 1] == '/' ? "" : "/");
	if (isatty(fd))
		return "it is a terminal: give a file or a pipe";
	if (S_ISBLK(st->st_mode))
		return "it is a disk: copy the dump out of it first";
	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode) && !S_ISSOCK(st->st_mode) &&
	    fd != STDIN_FILENO)
		return "it is a device, not a file";
	return NULL;
}

/* "evidence.zip!Minidump/x.dmp": the file ends at the first ! before which there is one. */
static int open_member(const char *argument, size_t *ret_length, struct arena *arena)
{
	for (const char *mark = strchr(argument, '!'); mark; mark = strchr(mark + 1, '!')) {
		char *file = arena_strndup(arena, argument, (size_t)(mark - argument));
		int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0 || errno != ENOENT) {
			*ret_length = (size_t)(mark - argument);
			return fd;
		}
	}
	return -1;
}

struct input input_open(struct arena *arena, const char *argument)
{
	struct input in = {.name = safe(arena, argument), .fd = -1};
	size_t length = strlen(argument);
	struct stat st;

	if (strcmp(argument, "-") == 0) {
		in.fd = STDIN_FILENO;
	} else {
		in.fd = open(argument, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (in.fd < 0 && (errno == ENOENT || errno == ENOTDIR))
			in.fd = open_member(argument, &length, arena);
	}
	if (argument[length]) {
		in.name = safe(arena, arena_strndup(arena, argument, length));
		if (argument[length + 1])
			in.member = safe(arena, argument + length + 1);
	}
	in.path = in.member ? arena_printf(arena, "%s!%s", in.name, in.member) : in.name;
	if (in.fd < 0 || fstat(in.fd, &st) != 0) {
		in.trouble = arena_printf(arena, "it could not be opened: %s", strerror(errno));
	} else if ((in.trouble = why_not(arena, in.name, in.fd, &st))) {
		input_close(&in);
	} else {
		/* only the opening must not hang */
		fcntl(in.fd, F_SETFL, fcntl(in.fd, F_GETFL) & ~O_NONBLOCK);
		in.seekable = S_ISREG(st.st_mode);
		in.start = in.seekable ? lseek(in.fd, 0, SEEK_CUR) : 0;
	}
	return in;
}

void input_close(struct input *input)
{
	if (input->fd > STDERR_FILENO)
		close(input->fd);
	input->fd = -1;
}
