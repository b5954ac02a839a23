/* Build-time program, not part of culprit: packs the rules for embedding.
 *
 *     rules-embed RULES-DIRECTORY OUTPUT-PREFIX < NAMES
 *
 * NAMES is one rule file a line, relative to the directory. Writes PREFIX.bytes (all files, each
 * followed by a NUL), PREFIX.yara (content/ *.yar compiled: compiling when culprit starts would
 * take most of its time) and PREFIX.c (names, places, hash). It does not check the rules, except
 * that YARA must accept them; the tests do. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yara.h>

enum { FILES_MAX = 20000, LINE_LENGTH = 4096 };

static _Noreturn void fail(const char *what, const char *why)
{
	fprintf(stderr, "rules-embed: %s: %s\n", what, why);
	exit(1);
}

static void *allocate(size_t size)
{
	void *result = malloc(size);

	if (!result)
		fail("memory", "used up");
	return result;
}

static FILE *create(const char *prefix, const char *suffix)
{
	char path[LINE_LENGTH];

	if (snprintf(path, sizeof(path), "%s%s", prefix, suffix) >= (int)sizeof(path))
		fail(prefix, "too long a name");
	FILE *out = fopen(path, "wb");
	if (!out)
		fail(path, "cannot be written");
	return out;
}

static void finish(FILE *out, const char *what)
{
	if (ferror(out) | fclose(out))
		fail(what, "cannot be written");
}

static struct rule_file read_file(const char *directory, const char *name)
{
	char path[2 * LINE_LENGTH];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		fail(name, "too long a name");
	FILE *in = fopen(path, "rb");
	if (!in || fseek(in, 0, SEEK_END))
		fail(path, "cannot be read");
	size_t size = (size_t)ftell(in);
	char *data = allocate(size + 1);
	rewind(in);
	if (fread(data, 1, size, in) != size)
		fail(path, "cannot be read");
	fclose(in);
	data[size] = '\0';
	return (struct rule_file){strdup(name), data, size};
}

static size_t read_files(const char *directory, struct rule_file *files)
{
	char line[LINE_LENGTH];
	size_t count = 0;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (!*line)
			continue;
		if (rule_kind(line) == RULE_UNKNOWN)
			fail(line, "is not the name of a rule file");
		if (count == FILES_MAX)
			fail(line, "too many files");
		files[count++] = read_file(directory, line);
	}
	rule_files_sort(files, count);
	return count;
}

static void on_message(int level, const char *file, int line, const YR_RULE *rule,
		       const char *message, void *context)
{
	(void)file;
	(void)rule;
	if (level == YARA_ERROR_LEVEL_ERROR)
		fprintf(stderr, "rules/%s:%d: %s\n", *(const char **)context, line, message);
}

static size_t write_bytes(const void *from, size_t size, size_t count, void *context)
{
	return fwrite(from, size, count, context);
}

static size_t write_yara(const struct rule_file *files, size_t count, const char *prefix)
{
	const char *name = "";
	YR_COMPILER *compiler = NULL;
	YR_RULES *rules = NULL;
	size_t sources = 0;
	FILE *out = create(prefix, ".yara");

	if (yr_initialize() || yr_compiler_create(&compiler))
		fail("libyara", "cannot be initialized");
	yr_compiler_set_include_callback(compiler, NULL, NULL, NULL);
	yr_compiler_set_callback(compiler, on_message, &name);
	for (size_t i = 0; i < count; i++) {
		name = files[i].name;
		if (rule_kind(name) != RULE_YARA)
			continue;
		if (yr_compiler_add_string(compiler, files[i].data, NULL))
			fail(name, "YARA does not accept it");
		sources++;
	}
	if (sources) {
		YR_STREAM stream = {.user_data = out, .write = write_bytes};
		if (yr_compiler_get_rules(compiler, &rules) || yr_rules_save_stream(rules, &stream))
			fail("libyara", "compiled rules cannot be saved");
		yr_rules_destroy(rules);
	}
	yr_compiler_destroy(compiler);
	yr_finalize();
	size_t size = (size_t)ftell(out);
	finish(out, ".yara");
	return size;
}

int main(int argc, char **argv)
{
	struct rule_file *files = allocate(FILES_MAX * sizeof(*files));
	char hash[RULE_HASH_SIZE];
	size_t offset = 0;

	if (argc != 3)
		fail("usage", "rules-embed RULES-DIRECTORY OUTPUT-PREFIX < NAMES");
	size_t count = read_files(argv[1], files);
	size_t yara_size = write_yara(files, count, argv[2]);
	rule_files_hash(files, count, hash);

	FILE *bytes = create(argv[2], ".bytes"), *code = create(argv[2], ".c");
	fprintf(code, "/* Written by rules-embed. */\n#include \"embedded.h\"\n\n"
		      "const struct embedded embedded_files[] = {\n");
	for (size_t i = 0; i < count; i++) {
		fprintf(code, "\t{\"%s\", %zu, %zu},\n", files[i].name, offset, files[i].size);
		fwrite(files[i].data, 1, files[i].size + 1, bytes);
		offset += files[i].size + 1;
	}
	fprintf(code,
		"};\nconst size_t embedded_count = %zu;\n"
		"const char embedded_hash[] = \"%s\";\nconst size_t embedded_yara_size = %zu;\n",
		count, hash, yara_size);
	finish(bytes, ".bytes");
	finish(code, ".c");
	for (size_t i = 0; i < count; i++) {
		free((char *)files[i].name);
		free((char *)files[i].data);
	}
	free(files);
	return 0;
}
