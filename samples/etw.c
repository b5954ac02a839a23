/* The kernel's event buffers as they stand in a dump's secondary data. */
#include "mkdump.h"

#include <string.h>

enum {
	BUFFER_SIZE = 0x10000,
	SESSION_HEADER = 0x30,
	BUFFER_HEADER = 0x48,
	EVENT_HEADER = 0x50,
};

/* Where things begin in the blob being written; 0 when there is none. */
static size_t buffer_at, event_at;

void etw_begin(const struct line *line, struct bytes *blob)
{
	static const struct field known[] = {{"boot", 0, 0}, {"mhz", 0, 0}, {NULL, 0, 0}};
	const char *boot = option(line, 1, "boot");

	if (!boot)
		fail(line, "etw boot=TIME [mhz=N]");
	fill_fields(line, 1, known, NULL);
	put(blob, 4, 156250);
	put(blob, 4, 0xf0000000 | recipe.real_build);
	put(blob, 4, option_number(line, 1, "mhz", 2496));
	put(blob, 4, 0);
	put(blob, 8, time_of(line, boot));
	put(blob, 8, 10000000);
	buffer_at = 0;
	event_at = 0;
}

static void close_event(struct bytes *blob)
{
	if (!event_at)
		return;
	store(blob->data + event_at, 2, blob->size - event_at);
	put_zeros(blob, (8 - (blob->size - buffer_at) % 8) % 8);
	event_at = 0;
}

void etw_finish(struct bytes *blob)
{
	size_t used;

	close_event(blob);
	if (!buffer_at)
		return;
	/* Stored is what was used; the offset beyond the buffer's size says so. */
	used = blob->size - buffer_at;
	store(blob->data + buffer_at + 4, 4, used);
	store(blob->data + buffer_at + 8, 4, BUFFER_SIZE + used);
	store(blob->data + buffer_at + 0x30, 4, used);
	buffer_at = 0;
}

void etw_session(const struct line *line, struct bytes *blob)
{
	static const struct field known[] = {
		{"id", 0, 0},
		{"clock", 0, 0},
		{"start", 0, 0},
		{NULL, 0, 0},
	};
	struct bytes name = {0};
	const char *start = option(line, 2, "start");
	uint64_t began;

	if (line->words < 3 || !start)
		fail(line, "session NAME start=TIME [id=N] [clock=N]");
	fill_fields(line, 2, known, NULL);
	etw_finish(blob);
	began = time_of(line, start);
	put_utf16(line, &name, line->word[1]);
	put(&name, 2, 0);
	put(blob, 4, 0x01ebafe1);
	put(blob, 4, option_number(line, 2, "id", 9));
	put(blob, 4, 0x98800180);
	put(blob, 4, option_number(line, 2, "clock", 2));
	put(blob, 4, BUFFER_SIZE);
	put(blob, 4, name.size);
	put(blob, 8, began);
	put(blob, 8, began);
	put(blob, 8, began);
	put_data(blob, name.data, name.size);
	/* The name's area is twice its size on these builds, once on newer ones. */
	if (recipe.profile->build < 26100)
		put_zeros(blob, name.size);
	buffer_at = blob->size;
	put_zeros(blob, BUFFER_HEADER);
	store(blob->data + buffer_at, 4, BUFFER_SIZE);
	store(blob->data + buffer_at + 0x10, 8, recipe.time);
	store(blob->data + buffer_at + 0x18, 8, 1);
	store(blob->data + buffer_at + 0x2a, 2, 9);
}

void etw_event(const struct line *line, struct bytes *blob)
{
	/* The header's own fields, of EVENT_HEADER64 as in the buffers. */
	static const struct field fields[] = {
		{"tid", 0x8, 4},    {"pid", 0xc, 4},     {"version", 0x2a, 1}, {"channel", 0x2b, 1},
		{"level", 0x2c, 1}, {"opcode", 0x2d, 1}, {"task", 0x2e, 2},    {"keyword", 0x30, 8},
		{"sid", 0, 0},      {NULL, 0, 0},
	};
	static const uint8_t system_sid[] = {0x18, 0, 2, 0, 0,    0, 0xc, 0, 1, 1, 0, 0,
					     0,    0, 0, 5, 0x12, 0, 0,   0, 0, 0, 0, 0};
	uint8_t *event;

	if (!buffer_at)
		fail(line, "an event belongs to a session");
	if (line->words < 4)
		fail(line, "event TIME PROVIDER ID [NAME=VALUE...]");
	close_event(blob);
	event_at = blob->size;
	put_zeros(blob, EVENT_HEADER);
	event = blob->data + event_at;
	store(event + 2, 2, 0xc013);
	store(event + 0x8, 4, 0x58);
	store(event + 0xc, 4, 4);
	store(event + 0x10, 8, time_of(line, line->word[1]));
	guid_of(line, line->word[2], event + 0x18);
	store(event + 0x28, 2, number(line, line->word[3]));
	store(event + 0x2b, 1, 8);
	store(event + 0x2c, 1, 4);
	store(event + 0x30, 8, 0x8000000000000000);
	fill_fields(line, 4, fields, event);
	/* Extended data stand before the payload, and flag bit 0 says so. */
	if (option_number(line, 4, "sid", 0)) {
		store(event + 4, 2, 1);
		put_data(blob, system_sid, sizeof(system_sid));
	}
}
