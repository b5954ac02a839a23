#include "yarafiles.h"

#include "ceilings.h"
#include "message.h"
#include "text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yara.h>

/* The first complaint of the compiler about the file in work. */
struct complaint {
	int line;
	char text[256];
};

static void on_error(int level, const char *file, int line, const YR_RULE *rule,
		     const char *message, void *context)
{
	struct complaint *c = context;
	(void)file;
	(void)rule;
	if (level != YARA_ERROR_LEVEL_ERROR || c->text[0])
		return;
	c->line = line;
	snprintf(c->text, sizeof(c->text), "%s", message);
}

static char *read_text(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = NULL;

	if (fd < 0 || fstat(fd, &st) != 0) {
		complain("%s cannot be read: %m", path);
	} else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > LIMIT_RULES) {
		complain("%s is not a file of rules", path);
	} else if ((text = calloc(1, (size_t)st.st_size + 1))) {
		ssize_t n = read(fd, text, (size_t)st.st_size);
		if (n != st.st_size || strlen(text) != (size_t)n) {
			complain("%s is not a text file (compiled rules are not accepted)", path);
			free(text);
			text = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return text;
}

/* Every file is a namespace, so that two may have rules of one name. */
static bool add(YR_COMPILER *compiler, const char *text, const char *path)
{
	return yr_compiler_add_string(compiler, text, path) == 0;
}

static YR_COMPILER *make_compiler(struct complaint *complaint)
{
	YR_COMPILER *compiler = NULL;

	if (yr_compiler_create(&compiler) != ERROR_SUCCESS)
		return NULL;
	yr_compiler_set_callback(compiler, on_error, complaint);
	/* include "/etc/passwd" is an error */
	yr_compiler_set_include_callback(compiler, NULL, NULL, NULL);
	return compiler;
}

/* A compiler is dead after its first error, so each file is tried in one of its own first. */
static bool add_file(YR_COMPILER *all, const char *path)
{
	struct complaint complaint = {0};
	char *text = read_text(path);
	YR_COMPILER *alone = text ? make_compiler(&complaint) : NULL;
	bool fine = alone && add(alone, text, path) && add(all, text, path);

	if (alone && !fine)
		complain("%s:%d: %s", path, complaint.line,
			 complaint.text[0] ? complaint.text : "it cannot be compiled");
	if (alone)
		yr_compiler_destroy(alone);
	free(text);
	return fine;
}

static int wanted(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && (text_ends_nocase(entry->d_name, ".yar") ||
					   text_ends_nocase(entry->d_name, ".yara"));
}

/* Number of files that were added. */
static unsigned add_directory(YR_COMPILER *all, const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, wanted, alphasort);
	unsigned added = 0;

	if (count < 0) {
		complain("%s cannot be read: %m", path);
		return 0;
	}
	for (int i = 0; i < count; i++) {
		char *file = NULL;
		if (asprintf(&file, "%s/%s", path, entries[i]->d_name) > 0) {
			added += add_file(all, file);
			free(file);
		}
		free(entries[i]);
	}
	free(entries);
	if (count == 0)
		complain("%s holds no .yar file", path);
	return added;
}

void *yarafiles_compile(const char *path)
{
	struct stat st;
	YR_RULES *rules = NULL;
	YR_COMPILER *compiler;
	struct complaint complaint = {0};

	if (stat(path, &st) != 0) {
		complain("%s cannot be read: %m", path);
		return NULL;
	}
	if (!(compiler = make_compiler(&complaint))) {
		complain("YARA could not be started");
		return NULL;
	}
	unsigned added =
		S_ISDIR(st.st_mode) ? add_directory(compiler, path) : add_file(compiler, path);
	if (added && yr_compiler_get_rules(compiler, &rules) != ERROR_SUCCESS)
		complain("the rules of %s do not compile", path);
	yr_compiler_destroy(compiler);
	return rules;
}
