#include "split.h"

#include "formats.h"
#include "inputs.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The containers' array and the bytes live as long as the visit only. */
static bool keep(struct split *s, const struct evidence *evidence)
{
	struct evidence *e = &s->parts[s->count];
	size_t layers = 0;

	while (evidence->containers[layers])
		layers++;
	const char **containers = arena_alloc(s->arena, layers + 1, sizeof(*containers));
	uint8_t *data = arena_alloc(s->arena, evidence->size ? evidence->size : 1, 1);
	int fd = fcntl(evidence->fd, F_DUPFD_CLOEXEC, 0);
	if (!containers || !data || fd < 0) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (size_t i = 0; i < layers; i++)
		containers[i] = evidence->containers[i];
	memcpy(data, evidence->data, evidence->size);
	*e = *evidence;
	e->containers = containers;
	e->data = data;
	e->fd = fd;
	e->cut = evidence->cut ? arena_strdup(s->arena, evidence->cut) : NULL;
	e->member = evidence->member ? arena_strdup(s->arena, evidence->member) : NULL;
	e->name = e->member ? arena_printf(s->arena, "%s!%s", s->input->name, e->member)
			    : s->input->name;
	if (s->count)
		s->parts[s->count - 1].next = e;
	s->count++;
	s->bytes += evidence->total_size;
	return true;
}

static struct error *check(struct split *s, const struct evidence *evidence)
{
	const struct format *format;
	struct error *err = format_choose(evidence, &format);

	if (err)
		return err;
	if (!format->joins)
		return error_create(ERROR_USAGE, "it is of kind %s, not a part of a vmcore",
				    format->id);
	if (s->count == LIMIT_PARTS)
		return error_create(ERROR_LIMIT, "more than %d parts (LIMIT_PARTS)", LIMIT_PARTS);
	s->unpacked += evidence->containers[0] ? evidence->total_size : 0;
	if (s->unpacked > LIMIT_UNPACK)
		return error_create(ERROR_LIMIT,
				    "the parts unpack to more than %llu MiB (LIMIT_UNPACK)",
				    (unsigned long long)(LIMIT_UNPACK >> 20));
	return NULL;
}

static struct error *visit(void *context, const struct evidence *evidence)
{
	struct split *s = context;
	struct error *err;

	if (s->announce && !s->announce(s->context, s->files, evidence->member))
		return error_create(ERROR_IO, "the answer could not be sent");
	err = check(s, evidence);
	if (!err && !keep(s, evidence))
		err = error_create(ERROR_NOMEM, "no memory left for the parts of the vmcore");
	return evidence->member ? error_prepend(err, "%s", evidence->member) : err;
}

struct error *split_add(struct split *split, const struct input *input)
{
	split->input = input;
	struct error *err = container_visit(input->fd, input->member, 0, visit, split);
	split->files++;
	return err;
}

void split_close(struct split *split)
{
	for (unsigned i = 0; i < split->count; i++)
		close(split->parts[i].fd);
	split->count = 0;
}
