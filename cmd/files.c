/* culprit files: content files. */
#include "message.h"
#include "output.h"
#include "view.h"
#include "want.h"
#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static unsigned nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static bool is_hex(const char *text, size_t length)
{
	return text && strlen(text) == length && strspn(text, "0123456789abcdef") == length;
}

/* The bytes of one file under the name of their checksum: names out of evidence are no names for
 * files. */
static bool carve_one(const char *folder, const json_t *file, FILE *manifest)
{
	const char *content = get_text(file, "content"), *sum = get_text(file, "sha256");
	const char *path = get_text(file, "path"), *from = get_text(file, "bytes_from");
	struct output output;
	char name[4096];

	if (!content || !is_hex(sum, 64) || strlen(content) % 2 ||
	    !is_hex(content, strlen(content)) ||
	    snprintf(name, sizeof(name), "%s/%s", folder, sum) >= (int)sizeof(name))
		return true;
	const char *at = get_text(file, "at"), *type = get_text(file, "type");
	const char *rule = get_text(file, "recognised_by");
	fprintf(manifest, "%s\t%zu\t%s\t%s\t%s\t%s\t%s\n", sum, strlen(content) / 2,
		path ? path : "", from ? from : "", at ? at : "", type ? type : "",
		rule ? rule : "");
	if (!output_open(&output, name, true))
		return false;
	for (const char *p = content; *p; p += 2)
		putc((int)(nibble(p[0]) << 4 | nibble(p[1])), output.file);
	return output_commit(&output);
}

static bool carve(const struct options *options, const json_t *report)
{
	struct output manifest;
	char name[4096];
	bool fine = true;

	if (!options->carve)
		return true;
	if (mkdir(options->carve, 0700) != 0 && errno != EEXIST) {
		complain("%s: %s", options->carve, strerror(errno));
		return false;
	}
	if (snprintf(name, sizeof(name), "%s/MANIFEST.tsv", options->carve) >= (int)sizeof(name) ||
	    !output_open(&manifest, name, true))
		return false;
	fputs("sha256\tbytes\tpath\tfrom\tat\ttype\trecognised_by\n", manifest.file);
	for (size_t i = 0; i < get_count(report, "content_files") && fine; i++)
		fine = carve_one(options->carve, get_item(report, "content_files", i),
				 manifest.file);
	return output_commit(&manifest) && fine;
}

static int run(const struct options *options)
{
	const struct view view = {
		.command = "files",
		.key = "content_files",
		.section = &section_files,
		.nothing = "no content file is named in the dump",
		.want = options->carve ? WANT_STRINGS : 0,
		.on_report = carve,
	};
	return view_run(&view, options, NULL);
}

static const struct option_row files_options[] = {
	{'f', "format", "FORMAT", "text (default) or json: that part of the report",
	 offsetof(struct options, format)},
	{0, "carve", "DIR", "write what is left of their content in memory to DIR, with a manifest",
	 offsetof(struct options, carve)},
	OPTION_SPLIT,
	OPTIONS_DEBUG,
	OPTION_RULES,
	OPTION_COLOR,
	{0},
};

const struct command command_files = {
	.name = "files",
	.synopsis = "FILE",
	.summary = "The content files that the dump names, with how close they are to the fault",
	.options = files_options,
	.minimum = 1,
	.maximum = 1,
	.run = run,
};
