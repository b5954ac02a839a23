#include "types.h"

#include <string.h>

void types_destroy(struct types *types)
{
	if (types)
		types->ops->destroy(types);
}

bool types_member(const struct types *types, const char *name, const char *path, struct member *ret)
{
	uint64_t type = types->ops->find(types, name), bits = 0;
	struct member member = {0};

	if (!type || !*path)
		return false;
	while (*path) {
		size_t length = strcspn(path, ".");
		member = (struct member){0};
		int64_t offset = types->ops->field(types, type, path, length, &type, &member);
		if (offset < 0)
			return false;
		bits += (uint64_t)offset;
		path += length;
		path += *path == '.';
	}
	types->ops->describe(types, type, &member);
	member.offset = bits / 8;
	*ret = member;
	return true;
}

int64_t types_offset(const struct types *types, const char *name, const char *path)
{
	struct member member;

	return types_member(types, name, path, &member) ? (int64_t)member.offset : -1;
}

uint64_t types_size(const struct types *types, const char *name)
{
	uint64_t type = types->ops->find(types, name);
	struct member member = {0};

	if (type)
		types->ops->describe(types, type, &member);
	return member.size;
}

uint32_t types_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h;
}
