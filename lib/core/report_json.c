/* The report as the JSON contract: culprit-report(5). Nothing but this file knows its field names
 * on the writing side. */
#include "report.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SCHEMA_ID "culprit.report/1"

/* jansson's json_object_set_new() frees the value and returns -1 when memory is short or the value
 * is NULL; a member that could not be made is left out, and the report is refused at the end. */
static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value ? value : json_null());
}

static json_t *text(const char *s)
{
	return s ? json_string(s) : json_null();
}

/* For what only some systems have: no member where there is nothing. */
static void set_known(json_t *object, const char *key, const char *value)
{
	if (value)
		set(object, key, json_string(value));
}

static json_t *hex(uint64_t value, int digits)
{
	char buffer[24];

	snprintf(buffer, sizeof(buffer), "0x%0*" PRIx64, digits, value);
	return json_string(buffer);
}

static json_t *address(uint64_t value)
{
	return hex(value, 16);
}

static json_t *address_or_null(bool known, uint64_t value)
{
	return known ? address(value) : json_null();
}

static json_t *when(const struct report *r, uint64_t filetime, int digits)
{
	return text(text_filetime(r->arena, filetime, digits));
}

static json_t *strings(const struct list *list)
{
	json_t *array = json_array();

	LIST_EACH(const char *, s, list)
		json_array_append_new(array, json_string(*s));
	return array;
}

static json_t *tool(const char *version, const char *rules)
{
	json_t *o = json_object();

	set(o, "name", json_string("culprit"));
	set(o, "version", text(version));
	set(o, "rules", text(rules));
	return o;
}

static json_t *problem(const char *code, const char *message, bool has_offset, uint64_t offset)
{
	json_t *o = json_object();

	set(o, "code", text(code));
	set(o, "message", text(message));
	set(o, "offset", has_offset ? hex(offset, 1) : json_null());
	return o;
}

json_t *report_parts(const struct dump_part *parts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *o = json_object();
		set(o, "path", text(parts[i].path));
		set(o, "sha256", text(parts[i].sha256[0] ? parts[i].sha256 : NULL));
		set(o, "bytes", json_integer((json_int_t)parts[i].bytes));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *debug_uses(const struct list *uses)
{
	json_t *array = json_array();

	LIST_EACH(struct debug_use, use, uses) {
		json_t *o = json_object(), *gives = json_array();
		if (use->symbols)
			json_array_append_new(gives, json_string("symbols"));
		if (use->layouts)
			json_array_append_new(gives, json_string("layouts"));
		if (use->lines)
			json_array_append_new(gives, json_string("lines"));
		set(o, "of", text(use->of));
		set(o, "matched_by", text(use->matched_by));
		set(o, "gives", gives);
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *input(const struct report *r, const struct dump *d)
{
	static const char *const status[] = {"complete", "partial", "unreadable"};
	json_t *o = json_object(), *problems = json_array();

	LIST_EACH(struct problem, p, &d->problems)
		json_array_append_new(problems,
				      problem(p->code, p->message, p->has_offset, p->offset));
	set(o, "path", text(r->input.path));
	set(o, "sha256", json_null()); /* is told later */
	set(o, "bytes", json_integer((json_int_t)r->input.bytes));
	set(o, "format", text(r->input.format));
	set(o, "containers", strings(&r->input.containers));
	set(o, "status", json_string(status[r->input.status]));
	set(o, "problems", problems);
	if (r->input.parts)
		set(o, "parts", report_parts(r->input.parts, r->input.part_count));
	if (d->debug_uses.count)
		set(o, "debug_files", debug_uses(&d->debug_uses));
	return o;
}

static const char *os_name(enum os os)
{
	static const char *const names[] = {NULL, "windows", "linux", "macos"};

	return names[os];
}

static const char *arch_name(enum arch arch)
{
	static const char *const names[] = {NULL, "x86", "x86_64", "arm64"};

	return names[arch];
}

static json_t *system_facts(const struct report *r, const struct dump *d)
{
	json_t *o = json_object();

	set(o, "os", text(os_name(d->os)));
	set(o, "version", text(d->os_version));
	set(o, "build", d->build ? json_integer(d->build) : json_null());
	set(o, "base_build", d->base_build ? json_integer(d->base_build) : json_null());
	set(o, "arch", text(arch_name(d->arch)));
	set(o, "cpus", d->cpu_count ? json_integer(d->cpu_count) : json_null());
	set(o, "host", text(d->host));
	set(o, "boot_time", when(r, d->boot_time, 3));
	set(o, "crash_time", when(r, d->crash_time, 7));
	set(o, "uptime_s", d->has_uptime ? json_real(d->uptime_s) : json_null());
	set(o, "manufacturer", text(d->manufacturer));
	set(o, "product", text(d->product));
	set(o, "bios", text(d->bios));
	set(o, "writer", text(d->writer));
	set(o, "live", json_boolean(d->live));
	set(o, "driver_verifier", json_boolean(d->verifier_on));
	set_known(o, "taints", d->taints);
	return o;
}

static json_t *registers(const struct dump *d, const struct registers *regs)
{
	json_t *o = json_object();
	const char *name;

	for (unsigned i = 0; i < REGISTERS_MAX && (name = register_name(d->arch, i)); i++)
		if (regs->known & (UINT32_C(1) << i))
			set(o, name, address(regs->r[i]));
	set(o,
	    d->arch == ARCH_ARM64 ? "pc"
	    : d->arch == ARCH_X86 ? "eip"
				  : "rip",
	    address(regs->ip));
	if (d->arch == ARCH_ARM64)
		set(o, "sp", address(regs->sp));
	set(o, "flags", hex(regs->flags, 8));
	return o;
}

static json_t *crash(const struct report *r, const struct dump *d)
{
	json_t *o = json_object(), *parameters = json_array(), *context = NULL, *exception = NULL;

	for (unsigned i = 0; i < r->crash.parameters; i++) {
		const struct parameter *p = &r->crash.parameter[i];
		json_t *e = json_object();
		set(e, "value", address(p->value));
		set(e, "role", text(p->role));
		set(e, "meaning", text(p->meaning));
		json_array_append_new(parameters, e);
	}
	if (r->crash.has_context) {
		context = json_object();
		set(context, "source", text(r->crash.context_source));
		set(context, "is_fault", json_boolean(r->crash.is_fault));
		set(context, "registers", registers(d, &r->crash.context));
	}
	if (r->crash.exception) {
		exception = json_object();
		set(exception, "code", hex(r->crash.exception, 8));
	}
	set(o, "kind", text(r->crash.kind));
	set(o, "code", d->os == OS_LINUX ? json_null() : hex(r->crash.code, 8));
	set(o, "name", text(r->crash.name));
	set(o, "family", text(r->crash.family));
	set(o, "parameters", parameters);
	set(o, "message", text(r->crash.message));
	set_known(o, "panic", d->panic);
	set(o, "exception", exception);
	set(o, "instruction_pointer", address_or_null(r->crash.has_context, r->crash.context.ip));
	set(o, "instruction", text(r->crash.instruction));
	set(o, "explanation", text(r->crash.explanation));
	set(o, "access", text(r->crash.access));
	set(o, "address", address_or_null(r->crash.has_address, r->crash.address));
	set(o, "process", text(d->process.name));
	set(o, "process_path", text(d->process.image_path));
	set(o, "pid", d->process.has_pid ? json_integer((json_int_t)d->process.pid) : json_null());
	set(o, "context_source", text(r->crash.context_source));
	set(o, "context", context);
	return o;
}

static json_t *sources(const struct list *list)
{
	json_t *array = json_array();

	LIST_EACH(struct source_line, s, list) {
		json_t *o = json_object();
		set(o, "file", text(s->file));
		set(o, "line", json_integer(s->line));
		set(o, "function", text(s->function));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *stack(const struct report *r)
{
	static const char *const trust[] = {"context", "unwind", "frame-pointer", "scan"};
	static const char *const blame[] = {"not-reached", "rejected", "chosen"};
	json_t *array = json_array();
	json_int_t index = 0;

	LIST_EACH(struct frame, f, &r->stack) {
		json_t *o = json_object();
		/* a module without an address: a log has named it */
		bool placed = f->address || !f->module;
		set(o, "index", json_integer(index++));
		set(o, "address", address_or_null(placed, f->address));
		set(o, "module", text(f->module ? f->module->name : NULL));
		set(o, "offset", f->module && placed ? hex(f->offset, 1) : json_null());
		set(o, "symbol", text(f->symbol));
		if (f->sources)
			set(o, "source", sources(f->sources));
		set(o, "trust", json_string(trust[f->trust]));
		set(o, "call_seen", json_boolean(f->call_seen));
		set(o, "unloaded", json_boolean(f->unloaded));
		set(o, "slot", address_or_null(f->slot != 0, f->slot));
		set(o, "blame", json_string(blame[f->blame]));
		set(o, "why", text(f->why));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *module(const struct report *r, const struct dump *d, const struct module *m)
{
	json_t *o = json_object();
	uint64_t unix_epoch = UINT64_C(116444736000000000);

	set(o, "name", text(m->name));
	set(o, "path", text(m->path));
	set(o, "base", address(m->base));
	set(o, "size", json_integer((json_int_t)m->size));
	set(o, "timestamp",
	    m->timestamp_is_date ? when(r, unix_epoch + UINT64_C(10000000) * m->timestamp, 0)
				 : json_null());
	set(o, "timestamp_raw", m->timestamp ? hex(m->timestamp, 8) : json_null());
	set(o, "version", text(m->version));
	set(o, "vendor", text(m->vendor ? m->vendor : m->company));
	set(o, "product", text(m->product));
	set(o, "category", text(m->category));
	set(o, "origin", text(origin_name(m->origin)));
	set(o, "origin_why", text(m->origin_why));
	set(o, "loaded", json_boolean(m->loaded));
	if (d->os != OS_WINDOWS) {
		static const char *const kinds[] = {"module", "kernel", "bpf"};
		set(o, "kind", json_string(kinds[m->kind]));
		set(o, "source_version", text(m->source_version));
		set(o, "taints", text(m->taints));
		set(o, "state", text(m->state));
		set(o, "livepatch", json_boolean(m->patches_kernel));
		set(o, "loader", text(m->loader));
		set(o, "hook", text(m->hook));
		set(o, "id", m->kind == MODULE_BPF ? json_integer(m->id) : json_null());
	}
	return o;
}

static json_t *modules(const struct report *r, const struct dump *d)
{
	json_t *array = json_array();

	LIST_EACH(struct module, m, &d->modules)
		json_array_append_new(array, module(r, d, m));
	LIST_EACH(struct module, u, &d->unloaded)
		json_array_append_new(array, module(r, d, u));
	return array;
}

static json_t *evidence(const struct list *list)
{
	json_t *array = json_array();

	LIST_EACH(struct reason, e, list) {
		json_t *o = json_object();
		set(o, "for", json_boolean(!e->against));
		set(o, "kind", text(e->kind));
		set(o, "text", text(e->text));
		set(o, "weight", json_real(e->weight));
		set(o, "at", address_or_null(e->has_address, e->address));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *suspects(const struct report *r)
{
	json_t *array = json_array();

	LIST_EACH(struct suspect, s, &r->suspects) {
		json_t *o = json_object();
		set(o, "module", text(s->module->name));
		set(o, "vendor", text(s->module->vendor));
		set(o, "origin", text(origin_name(s->module->origin)));
		set(o, "score", json_real(s->score));
		set(o, "evidence", evidence(&s->evidence));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *hex_bytes(struct arena *arena, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *text = arena_alloc(arena, size + 1, 2);

	for (size_t i = 0; text && i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return text ? json_string(text) : NULL;
}

static json_t *content_files(const struct report *r, bool with_bytes)
{
	json_t *array = json_array();

	LIST_EACH(struct content_file, f, &r->content_files) {
		json_t *o = json_object();
		char grade[2] = {f->grade, '\0'};
		set(o, "path", text(f->path));
		set(o, "grade", json_string(grade));
		set(o, "type", text(f->type));
		set(o, "owner", text(f->owner));
		set(o, "vendor", text(f->vendor));
		set(o, "cited", json_boolean(f->cited));
		set(o, "size", f->has_size ? json_integer((json_int_t)f->size) : json_null());
		set(o, "mtime", when(r, f->mtime, 7));
		set(o, "sha256", text(f->sha256));
		if (f->ctime)
			set(o, "ctime", when(r, f->ctime, 7));
		if (f->inode)
			set(o, "inode", json_integer((json_int_t)f->inode));
		set_known(o, "process", f->task);
		if (f->task)
			set(o, "pid", json_integer((json_int_t)f->pid));
		set_known(o, "bytes_from", f->bytes_from);
		set_known(o, "beginning", f->beginning);
		set_known(o, "recognised_by", f->recognised_by);
		if (with_bytes && f->content)
			set(o, "content", hex_bytes(r->arena, f->content, f->content_size));
		set(o, "at", address_or_null(f->address != 0, f->address));
		set(o, "evidence", evidence(&f->evidence));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *hits(const struct report *r)
{
	json_t *array = json_array();

	LIST_EACH(struct hit, h, &r->hits) {
		json_t *o = json_object();
		set(o, "rule", text(h->rule));
		set(o, "string", text(h->string));
		set(o, "type", text(h->type));
		set(o, "owner", text(h->owner));
		set(o, "address", address_or_null(h->address != 0, h->address));
		set(o, "length", json_integer(h->length));
		set(o, "bytes", text(h->bytes));
		set(o, "near", text(h->near));
		set(o, "distance", h->distance == UINT64_MAX ? json_null() : hex(h->distance, 1));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *string_list(const struct report *r)
{
	json_t *array = json_array();

	LIST_EACH(struct text_hit, s, &r->strings) {
		json_t *o = json_object();
		set(o, "address", address(s->address));
		set(o, "encoding", text(s->encoding));
		set(o, "text", text(s->text));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *findings(const struct report *r)
{
	json_t *array = json_array();

	LIST_EACH(struct finding, f, &r->findings) {
		json_t *o = json_object();
		set(o, "kind", text(f->kind));
		set(o, "severity", text(f->severity));
		set(o, "subject", text(f->subject));
		set(o, "text", text(f->text));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *tasks(const struct dump *d)
{
	json_t *array = json_array();

	LIST_EACH(struct task, t, &d->tasks) {
		json_t *o = json_object(), *calls = json_array();
		LIST_EACH(struct call, c, &t->calls)
			json_array_append_new(calls, c->symbol ? json_string(c->symbol)
							       : address(c->address));
		set(o, "name", text(t->name));
		set(o, "pid", json_integer((json_int_t)t->pid));
		set(o, "stack", calls);
		json_array_append_new(array, o);
	}
	return array;
}

/* A kernel's log is long: the report has its end. */
static json_t *log_lines(const struct dump *d)
{
	enum { SHOWN = 400 };
	json_t *array = json_array();
	size_t skip = d->log.count > SHOWN ? d->log.count - SHOWN : 0, index = 0;

	LIST_EACH(struct log_line, line, &d->log) {
		if (index++ < skip)
			continue;
		json_t *o = json_object();
		set(o, "seconds", json_real(line->seconds));
		set(o, "text", text(line->text));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *contributions(const struct dump *d)
{
	json_t *array = json_array();

	LIST_EACH(struct contribution, c, &d->contributions) {
		json_t *o = json_object();
		set(o, "guid", text(c->guid));
		set(o, "name", text(c->name));
		set(o, "size", json_integer((json_int_t)c->size));
		set(o, "text", text(c->text));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *verdict(const struct report *r)
{
	json_t *o = json_object();
	const struct module *m = r->verdict.culprit;
	const struct content_file *f = r->verdict.content_file;

	set(o, "decided", json_boolean(r->verdict.decided));
	set(o, "class", json_string(verdict_class_name(r->verdict.verdict_class)));
	set(o, "culprit", text(m ? m->name : NULL));
	set_known(o, "function", r->verdict.function);
	set(o, "vendor", text(m ? m->vendor : NULL));
	set(o, "product", text(m ? m->product : NULL));
	set(o, "content_file", text(f ? f->path : NULL));
	set(o, "confidence", text(confidence_name(r->verdict.confidence)));
	set(o, "incident", text(r->incident ? r->incident->id : NULL));
	set(o, "summary", text(r->verdict.summary));
	set(o, "because", strings(&r->verdict.because));
	return o;
}

static json_t *incident(const struct report *r)
{
	if (!r->incident)
		return json_null();
	json_t *o = json_object();
	set(o, "id", text(r->incident->id));
	set(o, "title", text(r->incident->title));
	set(o, "score", json_real(r->incident->score));
	set(o, "why", strings(&r->incident->why));
	return o;
}

static json_t *signature(const struct report *r)
{
	json_t *o = json_object();

	set(o, "bucket", text(r->signature.bucket));
	set(o, "failure_hash",
	    text(r->signature.failure_hash[0] ? r->signature.failure_hash : NULL));
	set(o, "stack_hash", text(r->signature.stack_hash[0] ? r->signature.stack_hash : NULL));
	return o;
}

static const char *precision_name(int digits)
{
	return digits <= 0 ? "s" : digits <= 3 ? "ms" : "100ns";
}

static json_t *timeline(const struct report *r)
{
	json_t *array = json_array();

	LIST_EACH(struct timeline_entry, t, &r->timeline) {
		json_t *o = json_object();
		set(o, "time", when(r, t->time, t->digits));
		set(o, "event", text(t->event));
		set(o, "source", text(t->source));
		set(o, "precision", json_string(precision_name(t->digits)));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *fix(const struct report *r)
{
	if (!r->fix.title)
		return json_null();
	json_t *o = json_object(), *steps = json_array();
	LIST_EACH(struct step, s, &r->fix.steps) {
		json_t *e = json_object();
		set(e, "check", text(s->check));
		set(e, "do", text(s->action));
		set(e, "command", text(s->command));
		set(e, "verify", text(s->verify));
		set(e, "undo", text(s->undo));
		set(e, "brief", text(s->brief));
		json_array_append_new(steps, e);
	}
	set(o, "id", text(r->fix.id));
	set(o, "title", text(r->fix.title));
	set(o, "steps", steps);
	set(o, "cautions", strings(&r->fix.cautions));
	set(o, "references", strings(&r->fix.references));
	return o;
}

json_t *report_to_json(const struct report *r, const struct dump *d, bool with_strings)
{
	json_t *o = json_object();

	set(o, "schema", json_string(SCHEMA_ID));
	set(o, "tool", tool(r->tool_version, r->rules_hash));
	set(o, "input", input(r, d));
	set(o, "system", system_facts(r, d));
	set(o, "crash", crash(r, d));
	set(o, "verdict", verdict(r));
	set(o, "incident", incident(r));
	set(o, "signature", signature(r));
	set(o, "stack", stack(r));
	set(o, "suspects", suspects(r));
	set(o, "content_files", content_files(r, with_strings));
	set(o, "scan_hits", hits(r));
	set(o, "findings", findings(r));
	set(o, "timeline", timeline(r));
	set(o, "fix", fix(r));
	set(o, "modules", modules(r, d));
	set(o, "contributions", contributions(d));
	if (d->os == OS_LINUX) {
		set(o, "tasks", tasks(d));
		set(o, "log", log_lines(d));
	}
	if (with_strings)
		set(o, "strings", string_list(r));
	return o;
}

json_t *report_unreadable(const char *tool_version, const char *rules_hash, const char *path,
			  const char *format, const char *code, const char *message,
			  bool has_offset, uint64_t offset)
{
	static const char *const absent[] = {"system", "crash", "incident", "signature", "fix"};
	static const char *const empty[] = {"stack",     "modules",  "suspects", "content_files",
					    "scan_hits", "findings", "timeline", "contributions"};
	json_t *o = json_object(), *in = json_object(), *v = json_object(),
	       *problems = json_array();

	json_array_append_new(problems, problem(code, message, has_offset, offset));
	set(in, "path", text(path));
	set(in, "sha256", json_null());
	set(in, "bytes", json_null());
	set(in, "format", text(format));
	set(in, "containers", json_array());
	set(in, "status", json_string("unreadable"));
	set(in, "problems", problems);
	set(v, "decided", json_false());
	set(v, "class", json_string("unknown"));
	for (const char *const *key =
		     (const char *const[]){"culprit", "vendor", "product", "content_file",
					   "confidence", "incident", NULL};
	     *key; key++)
		set(v, *key, json_null());
	set(v, "summary", text(message));
	set(v, "because", json_array());
	set(o, "schema", json_string(SCHEMA_ID));
	set(o, "tool", tool(tool_version, rules_hash));
	set(o, "input", in);
	set(o, "verdict", v);
	for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
		set(o, absent[i], json_null());
	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++)
		set(o, empty[i], json_array());
	return o;
}
