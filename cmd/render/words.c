#include "words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Adds @p more to @p text behind @p joint; either may be NULL. */
static const char *join(struct arena *arena, const char *text, const char *joint, const char *more)
{
	if (!more || !*more)
		return text;
	return text ? arena_printf(arena, "%s%s%s", text, joint, more) : more;
}

bool words_is_unreadable(const json_t *report)
{
	return same(get_text(report, "input.status"), "unreadable");
}

const char *words_class(const char *class)
{
	static const char *const names[][2] = {
		{"third-party-driver", "a third-party driver"},
		{"os-driver", "a driver of the operating system"},
		{"hardware", "hardware"},
		{"memory-corruption", "memory corruption"},
		{"user-initiated", "somebody asked for it"},
		{"application", "an application"},
		{"unknown", "unknown"},
	};
	for (size_t i = 0; class && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(class, names[i][0]) == 0)
			return names[i][1];
	return class;
}

const char *words_verdict(struct arena *arena, const json_t *report)
{
	const char *path = get_text(report, "input.path");
	const char *culprit = get_text(report, "verdict.culprit");
	const char *summary = get_text(report, "verdict.summary");
	size_t parts = get_count(report, "input.parts");

	if (words_is_unreadable(report) && parts)
		return arena_printf(arena, "These %zu files could not be read as one vmcore.",
				    parts);
	if (words_is_unreadable(report))
		return arena_printf(arena, "%s could not be read as evidence.",
				    !path || same(path, "-") ? "The input" : path);
	if (summary)
		return summary;
	if (!get_bool(report, "verdict.decided"))
		return "No driver is blamed: the evidence does not name one.";
	if (culprit)
		return arena_printf(arena, "%s crashed this machine.", culprit);
	return arena_printf(arena, "Cause: %s.", words_class(get_text(report, "verdict.class")));
}

const char *words_culprit(struct arena *arena, const json_t *report)
{
	const char *culprit = get_text(report, "verdict.culprit");
	const char *vendor = get_text(report, "verdict.vendor");
	const char *product = get_text(report, "verdict.product");
	/* a product usually carries its maker's name already */
	bool twice = vendor && product && strncmp(vendor, product, strlen(vendor)) == 0;
	const char *by = join(arena, twice ? NULL : vendor, " ", product);

	return culprit && by ? arena_printf(arena, "%s (%s)", culprit, by) : culprit;
}

const char *words_confidence(struct arena *arena, const json_t *report)
{
	const char *confidence = get_text(report, "verdict.confidence");
	const char *class = words_class(get_text(report, "verdict.class"));

	if (!get_bool(report, "verdict.decided"))
		return NULL;
	const char *text = confidence ? arena_printf(arena, "Confidence: %s.", confidence) : NULL;
	return class ? join(arena, text, " ", arena_printf(arena, "Cause: %s.", class)) : text;
}

/* "0x00000050" as people write it: "0x50". */
static const char *short_code(struct arena *arena, const char *code)
{
	if (!code || strncmp(code, "0x", 2) != 0)
		return code;
	const char *digits = code + 2;
	while (digits[0] == '0' && digits[1])
		digits++;
	return arena_printf(arena, "0x%s", digits);
}

/* "acme_edr.c:76", or "list.h:110 in __list_del": the innermost place in the sources. The folders a
 * module was built in tell nothing here. */
static const char *source_of(struct arena *arena, const json_t *frame)
{
	const json_t *at = get_item(frame, "source", 0);
	const char *file = get_text(at, "file"), *function = get_text(at, "function");

	if (!file)
		return NULL;
	if (file[0] == '/' && strrchr(file, '/')[1])
		file = strrchr(file, '/') + 1;
	const char *place = arena_printf(arena, "%s:%.0f", file, get_number(at, "line"));
	return get_count(frame, "source") > 1 && function
		       ? arena_printf(arena, "%s in %s", place, function)
		       : place;
}

const char *words_frame(struct arena *arena, const json_t *frame)
{
	const char *module = get_text(frame, "module"), *offset = get_text(frame, "offset");
	const char *symbol = get_text(frame, "symbol");

	if (!module)
		return get_text(frame, "address");
	const char *where = offset ? arena_printf(arena, "%s+%s", module, offset) : module;
	if (get_bool(frame, "unloaded"))
		where = arena_printf(arena, "%s (unloaded)", where);
	symbol = join(arena, symbol, ", ", source_of(arena, frame));
	return symbol ? arena_printf(arena, "%s (%s)", where, symbol) : where;
}

bool words_is_about_given(const json_t *problem)
{
	const char *code = get_text(problem, "code");

	return code && (strncmp(code, "vmlinux-", 8) == 0 || strncmp(code, "debug-dir-", 10) == 0);
}

const char *words_debug_files(struct arena *arena, const json_t *report)
{
	static const char *const by[][2] = {
		{"build-id", "by its build ID"},
		{"banner", "by its banner"},
		{"srcversion", "by its srcversion"},
		{"name", "by name and release only: lines may be those of another build"},
	};
	const char *text = NULL;

	for (size_t i = 0; i < get_count(report, "input.debug_files"); i++) {
		const json_t *file = get_item(report, "input.debug_files", i);
		const char *of = get_text(file, "of"), *how = get_text(file, "matched_by");
		for (size_t k = 0; how && k < sizeof(by) / sizeof(by[0]); k++)
			if (same(how, by[k][0]))
				how = by[k][1];
		if (of && how)
			text = join(arena, text, ", ", arena_printf(arena, "%s (%s)", of, how));
	}
	return text;
}

const char *words_crash(struct arena *arena, const json_t *report)
{
	const char *name = get_text(report, "crash.name");
	const char *code = short_code(arena, get_text(report, "crash.code"));
	const char *access = get_text(report, "crash.access");
	const char *address = get_text(report, "crash.address");
	const char *exception = get_text(report, "crash.exception.name");
	const json_t *top = get_item(report, "stack", 0);
	const char *what = NULL;

	if (!name && !code)
		return NULL;
	const char *text = name ? arena_printf(arena, code ? "%s (%s)" : "%s", name, code) : code;
	if (get_bool(report, "system.live"))
		text = join(arena, text, ", ", "a report from a running system: nothing crashed");
	if (address)
		what = arena_printf(arena, "%s of %s", access ? access : "use", address);
	else
		what = exception;
	if (same(get_text(top, "trust"), "context") && get_text(top, "module"))
		what = join(arena, what ? what : "stopped", what ? " by " : " at ",
			    words_frame(arena, top));
	return join(arena, text, ": ", what);
}

/* The kernel's own words, where it has some; Windows' codes say it all. */
const char *words_message(struct arena *arena, const json_t *report)
{
	const char *message = get_text(report, "crash.message");
	const char *panic = get_text(report, "crash.panic");

	if (!same(get_text(report, "system.os"), "linux"))
		return NULL;
	if (message && panic && strstr(panic, message))
		message = NULL;
	return join(arena, message, "; ", panic);
}

const char *words_instruction(struct arena *arena, const json_t *report)
{
	return join(arena, get_text(report, "crash.instruction"), "  -  ",
		    get_text(report, "crash.explanation"));
}

bool words_is_time(const char *iso)
{
	static const char shape[] = "0000-00-00T00:00:00";

	for (size_t i = 0; shape[i]; i++)
		if (!iso || (shape[i] == '0' ? iso[i] < '0' || iso[i] > '9' : iso[i] != shape[i]))
			return false;
	return true;
}

const char *words_time(struct arena *arena, const char *iso)
{
	if (!words_is_time(iso))
		return iso;
	return arena_printf(arena, "%.10s %.8s UTC", iso, iso + 11);
}

const char *words_duration(struct arena *arena, double seconds)
{
	if (seconds < 0)
		return NULL;
	if (seconds < 60)
		return arena_printf(arena, "%.1f s", seconds);
	uint64_t s = seconds < 1e15 ? (uint64_t)seconds : 0;
	if (s < 3600)
		return arena_printf(arena, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	if (s < 86400)
		return arena_printf(arena, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
				    s % 3600 / 60);
	return arena_printf(arena, "%" PRIu64 " day%s %" PRIu64 " h", s / 86400,
			    s < 2 * 86400 ? "" : "s", s % 86400 / 3600);
}

const char *words_when(struct arena *arena, const json_t *report)
{
	const char *text = words_time(arena, get_text(report, "system.crash_time"));
	const char *process = get_text(report, "crash.process");
	const json_t *pid = get(report, "crash.pid");

	if (get(report, "system.uptime_s"))
		text = join(
			arena, text, ", ",
			arena_printf(arena, "%s after the start",
				     words_duration(arena, get_number(report, "system.uptime_s"))));
	if (process && pid)
		process = arena_printf(arena, "in %s (pid %.0f)", process, json_number_value(pid));
	else if (process)
		process = arena_printf(arena, "in %s", process);
	return join(arena, text, ", ", process);
}

static const char *os_words(struct arena *arena, const json_t *report)
{
	const char *os = get_text(report, "system.os"),
		   *version = get_text(report, "system.version");
	const char *name = same(os, "windows") ? "Windows"
			   : same(os, "linux") ? "Linux"
			   : same(os, "macos") ? "macOS"
					       : os;
	return join(arena, name, " ", version);
}

const char *words_system(struct arena *arena, const json_t *report)
{
	const char *host = get_text(report, "system.host");
	const char *text =
		join(arena, os_words(arena, report), ", ", get_text(report, "system.arch"));
	const char *machine = join(arena, get_text(report, "system.manufacturer"), " ",
				   get_text(report, "system.product"));
	double cpus = get_number(report, "system.cpus");

	if (cpus > 0)
		text = join(arena, text, ", ",
			    arena_printf(arena, "%.0f processor%s", cpus, cpus == 1 ? "" : "s"));
	if (host)
		text = join(arena, text, ", ", arena_printf(arena, "host %s", host));
	return join(arena, text, ", ", machine);
}

const char *words_bytes(struct arena *arena, double bytes)
{
	char digits[32], out[48];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%.0f", bytes < 1e18 ? bytes : 0),
	       o = 0;

	for (size_t i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0 && digits[i - 1] != '-')
			out[o++] = ',';
		out[o++] = digits[i];
	}
	return arena_printf(arena, "%.*s bytes", (int)o, out);
}

const char *words_input(struct arena *arena, const json_t *report)
{
	const char *text = NULL, *around = NULL;

	if (get(report, "input.bytes"))
		text = words_bytes(arena, get_number(report, "input.bytes"));
	if (text && get_count(report, "input.parts"))
		text = arena_printf(arena, "%zu parts, %s", get_count(report, "input.parts"), text);
	text = join(arena, text, ", ", get_text(report, "input.format"));
	for (size_t i = 0; i < get_count(report, "input.containers"); i++)
		around = join(arena, around, ", ", get_line(report, "input.containers", i));
	return join(arena, text, ", out of ", around);
}

const char *words_grade(struct arena *arena, const json_t *file)
{
	static const char *const words[] = {
		"the fault's own registers or stack lead to it",
		"open in the thread or process that crashed, and of a kind its driver reads",
		"its name is in memory that the crashing thread leads to",
		"only its name was found",
	};
	const char *grade = get_text(file, "grade");

	if (!grade || grade[0] < 'A' || grade[0] > 'D')
		return grade;
	/* What an inode is known of, its holder was found, whatever its name. */
	if (grade[0] == 'B' && get_text(file, "beginning") == NULL &&
	    json_object_get(file, "inode"))
		return "grade B: held open by the code at fault, or by what it keeps in memory";
	return arena_printf(arena, "grade %c: %s", grade[0], words[grade[0] - 'A']);
}

const char *words_problem(struct arena *arena, const json_t *problem)
{
	const char *message = get_text(problem, "message"), *offset = get_text(problem, "offset");

	if (!message)
		message = get_text(problem, "code");
	return message && offset ? arena_printf(arena, "%s (at byte %s)", message, offset)
				 : message;
}

const char *words_reread(const json_t *report)
{
	static const char *const advice[][2] = {
		{"not-evidence",
		 "Look for a sound crash dump of the machine: C:\\Windows\\Minidump\\*.dmp, "
		 "C:\\Windows\\MEMORY.DMP, or an archive with such files in it."},
		{"zero-filled",
		 "Look for another dump of the same crash; the stop code may be in the System "
		 "event log (event 1001). Check the disk: it lost what was written."},
		{"truncated",
		 "Copy the file again and compare its size and hash with the original; if "
		 "the original is as short, look for another dump of the same crash."},
		{"bad-data",
		 "Copy the file again and compare its hash with the original; if they "
		 "agree, the dump was damaged when it was written: look for another one."},
		{"unsupported", "This version does not read this kind; take the small dump "
				"(C:\\Windows\\Minidump) of the same crash if there is one."},
		{"usage",
		 "Give with --split all parts of one vmcore, each of them once, and nothing "
		 "else."},
		{"limit", "This is a ceiling of culprit, not damage; take the dump out of what is "
			  "around it, or a smaller dump of the same crash."},
		{"reader-died",
		 "Nothing else was harmed: it was read behind a wall. Keep the file and "
		 "report it as a defect of culprit."},
		{"io", "Check the name and the rights, and try again."},
	};
	const char *code = get_text(get_item(report, "input.problems", 0), "code");

	for (size_t i = 0; code && i < sizeof(advice) / sizeof(advice[0]); i++)
		if (strcmp(code, advice[i][0]) == 0)
			return advice[i][1];
	return "Look for another dump of the same crash.";
}

const json_t *words_content_file(const json_t *report)
{
	const char *path = get_text(report, "verdict.content_file");

	for (size_t i = 0; path && i < get_count(report, "content_files"); i++) {
		const json_t *file = get_item(report, "content_files", i);
		if (same(get_text(file, "path"), path))
			return file;
	}
	return NULL;
}

const json_t *words_suspect(const json_t *report)
{
	const char *culprit = get_text(report, "verdict.culprit");

	for (size_t i = 0; culprit && i < get_count(report, "suspects"); i++) {
		const json_t *suspect = get_item(report, "suspects", i);
		if (same(get_text(suspect, "module"), culprit))
			return suspect;
	}
	return culprit ? NULL : get_item(report, "suspects", 0);
}

bool words_is_member(const json_t *report)
{
	const char *path = get_text(report, "input.path");

	return get_count(report, "input.containers") && path && strchr(path, '!');
}

size_t words_strongest(const json_t *item, bool against, const json_t **ret, size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < get_count(item, "evidence"); i++) {
		const json_t *e = get_item(item, "evidence", i);
		if (!get_text(e, "text") || get_bool(e, "for") == against)
			continue;
		double weight = get_number(e, "weight");
		size_t at = found < count ? found++ : count;
		while (at > 0 && get_number(ret[at - 1], "weight") < weight) {
			if (at < count)
				ret[at] = ret[at - 1];
			at--;
		}
		if (at < count)
			ret[at] = e;
	}
	return found;
}
