#include "get.h"

#include <string.h>

const json_t *get(const json_t *from, const char *path)
{
	while (from && *path) {
		size_t length = strcspn(path, ".");
		from = json_object_getn(from, path, length);
		path += length + (path[length] == '.');
	}
	return json_is_null(from) ? NULL : from;
}

const char *get_text(const json_t *from, const char *path)
{
	return json_string_value(get(from, path));
}

bool get_bool(const json_t *from, const char *path)
{
	return json_is_true(get(from, path));
}

double get_number(const json_t *from, const char *path)
{
	return json_number_value(get(from, path));
}

size_t get_count(const json_t *from, const char *path)
{
	return json_array_size(get(from, path));
}

const json_t *get_item(const json_t *from, const char *path, size_t index)
{
	const json_t *item = json_array_get(get(from, path), index);
	return json_is_null(item) ? NULL : item;
}

const char *get_line(const json_t *from, const char *path, size_t index)
{
	return json_string_value(get_item(from, path, index));
}

bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}
