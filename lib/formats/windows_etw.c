/* Event buffers of the kernel, saved with the dump (tag 2b88b710): windows-dumps.md 11.2.
 *
 * The interesting session is EventLog-System: what the event-log service had not yet written to
 * disk when the system stopped. Only events that help to tell what happened become dump events, and
 * of those only fields that cannot hold anything personal beyond a file path; the rest is counted.
 */
#include "text.h"
#include "windows_kernel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	HEADER_SIZE = 0x20,
	SESSION_SIGNATURE = 0x01ebafe1,
	SESSION_SIZE = 0x30, /* before its name */
	BUFFER_HEADER = 0x48,
	EVENT_HEADER = 0x50,
	TYPE_EVENT32 = 0x12,
	TYPE_EVENT64 = 0x13,
	FLAG_EXTENDED = 1, /* items stand between header and payload */
	LEVEL_ERROR = 2,
	SESSIONS_NAMED = 8,
	TEXT_UNITS = 256, /* kept of one string in an event */
	EVENTS_KEPT = 2000,
};

enum { CLOCK_QPC = 1, CLOCK_SYSTEM = 2, CLOCK_CYCLES = 3 };

struct session {
	uint32_t clock, buffer_size, name_bytes;
	uint64_t reference_time, reference_clock, rate; /* ticks of `clock` per second */
	uint64_t events;
	const char *name;
};

struct found {
	uint64_t time;
	const char *source, *text;
};

struct etw {
	struct kernel_dump *k;
	struct arena *arena;
	struct cursor c;
	uint64_t qpc_rate, cycle_rate;
	struct list found; /* struct found */
	uint64_t events;
	char sessions[512];
	size_t sessions_length;
	unsigned session_count;
};

/* A UTF-16 string that ends with a NUL. */
static char *string_z(struct etw *e, struct cursor *c)
{
	uint64_t start = c->pos, units = 0;

	while (cursor_left(c) >= 2 && cursor_u16(c) != 0)
		units++;
	units = units < TEXT_UNITS ? units : TEXT_UNITS;
	struct cursor s = cursor_slice(c, start, units * 2, "event text");
	return windows_text(e->arena, &s, units, NULL);
}

/* A UTF-16 string behind its length in characters. */
static char *string_counted(struct etw *e, struct cursor *c)
{
	uint64_t units = cursor_u16(c), start = c->pos;

	if (!cursor_skip(c, units * 2))
		return (char *)"";
	units = units < TEXT_UNITS ? units : TEXT_UNITS;
	struct cursor s = cursor_slice(c, start, units * 2, "event text");
	return windows_text(e->arena, &s, units, NULL);
}

static const char *time_text(struct etw *e, uint64_t time)
{
	const char *text = text_filetime(e->arena, time, 0);

	return text ? text : "an unknown time";
}

static const char *good(uint32_t value)
{
	return value ? "good" : "not good";
}

/* Each decoder turns one event of its provider into a sentence, or NULL if it is of no use. */
static char *kernel_general(struct etw *e, unsigned id, struct cursor *c)
{
	if (id == 12) {
		cursor_skip(c, 8);
		uint32_t build = cursor_u32(c), revision = cursor_u32(c);
		cursor_skip(c, 6);
		return arena_printf(e->arena, "Windows build %u.%u started at %s", build, revision,
				    time_text(e, cursor_u64(c)));
	}
	if (id == 13)
		return arena_printf(e->arena, "Windows shut down at %s",
				    time_text(e, cursor_u64(c)));
	if (id == 1) {
		uint64_t after = cursor_u64(c), before = cursor_u64(c), second = 10000000;
		if (after < before + second && before < after + second)
			return NULL;
		return arena_printf(e->arena, "the clock was set from %s to %s",
				    time_text(e, before), time_text(e, after));
	}
	return NULL;
}

static char *kernel_boot(struct etw *e, unsigned id, struct cursor *c)
{
	static const char *const types[] = {"a cold start", "a fast startup (hibernated kernel)",
					    "a resume from hibernation"};

	if (id == 20) {
		uint32_t shutdown = cursor_u32(c), boot = cursor_u32(c);
		return arena_printf(e->arena, "last shutdown: %s; last boot: %s", good(shutdown),
				    good(boot));
	}
	if (id == 27) {
		uint32_t type = cursor_u32(c);
		uint64_t left = cursor_left(c);
		const uint8_t *options = cursor_bytes(c, left);
		const char *kind = type < 3 ? types[type] : "a boot of unknown type";
		return arena_printf(
			e->arena, "boot was %s, options:%s%s", kind,
			left && options[0] == ' ' ? "" : " ",
			text_from_bytes(e->arena, options, left < 256 ? (size_t)left : 256));
	}
	return NULL;
}

static char *filter_manager(struct etw *e, unsigned id, struct cursor *c)
{
	if (id != 6 && id != 1)
		return NULL;
	uint32_t status = cursor_u32(c);
	cursor_skip(c, 8);
	char *name = string_counted(e, c);
	if (id == 1)
		return arena_printf(e->arena, "file system filter %s unloaded", name);
	if (status)
		return arena_printf(e->arena, "file system filter %s failed to load (0x%08x)", name,
				    status);
	return arena_printf(e->arena, "file system filter %s loaded", name);
}

static char *windows_update(struct etw *e, unsigned id, struct cursor *c)
{
	uint32_t error;

	switch (id) {
	case 19: return arena_printf(e->arena, "update installed: %s", string_z(e, c));
	case 20:
		error = cursor_u32(c);
		return arena_printf(e->arena, "update failed with 0x%08x: %s", error,
				    string_z(e, c));
	case 26: return arena_printf(e->arena, "Windows Update found %u updates", cursor_u32(c));
	case 43:
		return arena_printf(e->arena, "installation of an update started: %s",
				    string_z(e, c));
	case 44: return arena_printf(e->arena, "download of an update started: %s", string_z(e, c));
	default: return NULL;
	}
}

static char *storport(struct etw *e, unsigned id, struct cursor *c)
{
	if (id != 523 && id != 548)
		return NULL;
	char *driver = string_z(e, c);
	cursor_skip(c, 4); /* characters of the text that follows */
	char *what = string_z(e, c);
	return arena_printf(e->arena, "storage driver %s reported: %s", driver, what);
}

static char *kernel_power(struct etw *e, unsigned id, struct cursor *c)
{
	static const struct {
		uint16_t id;
		const char *text;
	} texts[] = {
		{41, "the system restarted without a clean shutdown"},
		{42, "the system is entering sleep"},
		{105, "the power source changed"},
		{107, "the system resumed from sleep"},
		{109, "the kernel began a shutdown or restart"},
		{506, "the system is entering modern standby"},
		{507, "the system left modern standby"},
	};

	(void)c;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].id == id)
			return arena_strdup(e->arena, texts[i].text);
	return NULL;
}

static char *kernel_pnp(struct etw *e, unsigned id, struct cursor *c)
{
	if (id == 219) {
		char *device = string_counted(e, c);
		uint32_t status = cursor_u32(c);
		return arena_printf(e->arena, "driver %s failed to load for device %s (0x%08x)",
				    string_counted(e, c), device, status);
	}
	if (id == 1010)
		return arena_printf(e->arena, "device removed by surprise: %s", string_z(e, c));
	return NULL;
}

static char *service_control(struct etw *e, unsigned id, struct cursor *c)
{
	if (id != 7045)
		return NULL;
	char *name = string_z(e, c);
	return arena_printf(e->arena, "service installed: %s (%s)", name, string_z(e, c));
}

static char *popup(struct etw *e, unsigned id, struct cursor *c)
{
	if (id != 26)
		return NULL;
	char *caption = string_z(e, c);
	return arena_printf(e->arena, "message shown: %s: %s", caption, string_z(e, c));
}

static char *nothing(struct etw *e, unsigned id, struct cursor *c)
{
	(void)e;
	(void)id;
	(void)c;
	return NULL;
}

/* First groups of the provider GUIDs, which differ. */
static const struct provider {
	uint32_t guid;
	const char *name;
	char *(*decode)(struct etw *e, unsigned id, struct cursor *c);
} providers[] = {
	{0xa68ca8b7, "Kernel-General", kernel_general},
	{0x15ca44ff, "Kernel-Boot", kernel_boot},
	{0xf3c5e28e, "FilterManager", filter_manager},
	{0x945a8954, "WindowsUpdateClient", windows_update},
	{0xc4636a1e, "StorPort", storport},
	{0x331c3b3a, "Kernel-Power", kernel_power},
	{0x9c205a39, "Kernel-PnP", kernel_pnp},
	{0x555908d1, "Service Control Manager", service_control},
	{0x47bfa2b7, "Application Popup", popup},
	{0xc26c4f3c, "WHEA-Logger", nothing},
	{0x3ff37a1c, "Ntfs", nothing},
};

static const struct provider *provider_of(uint32_t guid)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
		if (providers[i].guid == guid)
			return &providers[i];
	return NULL;
}

/* A time stamp of the session's clock as FILETIME; 0 if it cannot be told. */
static uint64_t event_time(const struct session *s, uint64_t stamp)
{
	if (s->clock == CLOCK_SYSTEM)
		return stamp;
	if (s->rate == 0 || s->reference_time == 0)
		return 0;
	__extension__ __int128 ticks = (__int128)stamp - (__int128)s->reference_clock;
	ticks = ticks * 10000000 / (__int128)s->rate + (__int128)s->reference_time;
	return ticks > 0 && ticks < INT64_MAX ? (uint64_t)ticks : 0;
}

/* Items between header and payload (user id, traits), each of which says whether one more follows.
 */
static void skip_extended(struct cursor *c)
{
	for (bool more = true; more && cursor_left(c) >= 8;) {
		uint16_t size = cursor_u16_at(c, c->pos);
		more = cursor_u16_at(c, c->pos + 4) & 1;
		if (size < 8 || !cursor_skip(c, size))
			break;
	}
}

/* One event record, EVENT_HEADER and payload. */
static void read_event(struct etw *e, struct session *s, struct cursor *c)
{
	uint16_t flags = cursor_u16_at(c, 4), id = cursor_u16_at(c, 0x28);
	uint8_t level = cursor_u8_at(c, 0x2c);
	const struct provider *p = provider_of(cursor_u32_at(c, 0x18));

	s->events++;
	if (!p || e->k->events >= EVENTS_KEPT || !cursor_seek(c, EVENT_HEADER))
		return;
	uint64_t time = event_time(s, cursor_u64_at(c, 0x10));
	if (time == 0)
		return;
	if (flags & FLAG_EXTENDED)
		skip_extended(c);
	char *text = p->decode(e, id, c);
	if (c->failed) /* shorter than what it is said to be */
		text = NULL;
	if (!text && level && level <= LEVEL_ERROR)
		text = arena_printf(e->arena, "%s reported error event %u", p->name, id);
	if (!text)
		return;
	e->k->events++;
	struct found *f = list_add(&e->found);
	*f = (struct found){time, arena_printf(e->arena, "event buffer: %s %u", p->name, id), text};
}

static void read_buffer(struct etw *e, struct session *s, struct cursor *c)
{
	cursor_seek(c, BUFFER_HEADER);
	while (cursor_left(c) >= 8) {
		uint64_t size = cursor_u16_at(c, c->pos), start = c->pos;
		uint8_t type = cursor_u8_at(c, c->pos + 2);
		if (size < 8 || size > cursor_left(c))
			break;
		if ((type == TYPE_EVENT32 || type == TYPE_EVENT64) && size >= EVENT_HEADER) {
			struct cursor event = cursor_slice(c, start, size, "event");
			read_event(e, s, &event);
		}
		uint64_t padded = (size + 7) & ~UINT64_C(7);
		if (padded > cursor_left(c))
			break;
		cursor_skip(c, padded);
	}
}

/* Buffers of one session; each begins with its size, which is the same for all. */
static void read_buffers(struct etw *e, struct session *s)
{
	while (cursor_left(&e->c) >= BUFFER_HEADER &&
	       cursor_u32_at(&e->c, e->c.pos) == s->buffer_size) {
		uint32_t saved = cursor_u32_at(&e->c, e->c.pos + 4);
		uint32_t current = cursor_u32_at(&e->c, e->c.pos + 8);
		uint32_t stored = current > s->buffer_size ? saved : current;
		if (stored < BUFFER_HEADER || stored > cursor_left(&e->c))
			break;
		struct cursor buffer = cursor_slice(&e->c, e->c.pos, stored, "event buffer");
		read_buffer(e, s, &buffer);
		cursor_skip(&e->c, stored);
	}
}

/* Behind the name, which takes twice the bytes it states on Windows 10 and 11 21H2 and once on
 * later ones: wherever a buffer or the next session begins. */
static bool skip_name(struct etw *e, const struct session *s)
{
	uint64_t left = cursor_left(&e->c);

	for (unsigned times = 2; times >= 1; times--) {
		uint64_t skip = (uint64_t)s->name_bytes * times;
		if (skip > left)
			continue;
		uint32_t next = skip + 4 <= left ? cursor_u32_at(&e->c, e->c.pos + skip) : 0;
		if (skip == left || next == s->buffer_size || next == SESSION_SIGNATURE)
			return cursor_skip(&e->c, skip);
	}
	return false;
}

static void name_session(struct etw *e, const struct session *s)
{
	size_t room = sizeof(e->sessions) - e->sessions_length;

	e->session_count++;
	if (e->session_count > SESSIONS_NAMED)
		return;
	int n = snprintf(e->sessions + e->sessions_length, room, "%s%s %" PRIu64,
			 e->session_count > 1 ? ", " : "", s->name, s->events);
	/* All or nothing: a name that is cut may be no text any more. */
	if (n > 0 && (size_t)n < room)
		e->sessions_length += (size_t)n;
	else
		e->sessions[e->sessions_length] = '\0';
}

static bool read_session(struct etw *e)
{
	struct session s = {0};
	uint64_t start = e->c.pos;

	s.clock = cursor_u32_at(&e->c, start + 0xc);
	s.buffer_size = cursor_u32_at(&e->c, start + 0x10);
	s.name_bytes = cursor_u32_at(&e->c, start + 0x14);
	s.reference_time = cursor_u64_at(&e->c, start + 0x20);
	s.reference_clock = cursor_u64_at(&e->c, start + 0x28);
	s.rate = s.clock == CLOCK_QPC ? e->qpc_rate : e->cycle_rate;
	if (!cursor_skip(&e->c, SESSION_SIZE) || s.buffer_size < BUFFER_HEADER ||
	    s.name_bytes > cursor_left(&e->c))
		return false;
	struct cursor name = cursor_slice(&e->c, e->c.pos, s.name_bytes, "session name");
	s.name = windows_text(e->arena, &name, s.name_bytes / 2 < 64 ? s.name_bytes / 2 : 64, NULL);
	if (!skip_name(e, &s))
		return false;
	read_buffers(e, &s);
	e->events += s.events;
	name_session(e, &s);
	return true;
}

static int found_compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

/* Buffers are per processor: only the sum of them is in order of time. */
static void report_found(struct etw *e)
{
	if (e->found.count)
		qsort(e->found.items, e->found.count, sizeof(struct found), found_compare);
	LIST_EACH(struct found, f, &e->found) {
		dump_event(e->k->dump, f->time, 3, f->source, f->text);
	}
}

char *windows_etw_read(struct kernel_dump *k, struct cursor c)
{
	struct etw e = {.k = k, .arena = k->dump->arena, .c = c};

	if (c.size < HEADER_SIZE)
		return NULL;
	list_init(&e.found, e.arena, sizeof(struct found), EVENTS_KEPT);
	k->real_build = cursor_u32_at(&c, 4) & 0xffff;
	e.cycle_rate = (uint64_t)cursor_u32_at(&c, 8) * 1000000;
	uint64_t boot = cursor_u64_at(&c, 0x10);
	e.qpc_rate = cursor_u64_at(&c, 0x18);
	cursor_seek(&e.c, HEADER_SIZE);
	while (cursor_left(&e.c) >= SESSION_SIZE &&
	       cursor_u32_at(&e.c, e.c.pos) == SESSION_SIGNATURE)
		if (!read_session(&e))
			break;
	if (cursor_left(&e.c))
		dump_problem_at(k->dump, "secondary-data-damaged", c.origin + e.c.pos,
				"the event buffers are damaged: %" PRIu64
				" bytes of them could not "
				"be read",
				cursor_left(&e.c));
	report_found(&e);
	if (!k->dump->boot_time && boot <= k->dump->crash_time)
		k->dump->boot_time = boot;
	return arena_printf(e.arena, "system booted at %s, build %u; %" PRIu64 " events%s%s%s",
			    time_text(&e, boot), k->real_build, e.events,
			    e.session_count ? " (" : "", e.sessions, e.session_count ? ")" : "");
}
