#include "accept.h"

#include "text.h"

#include <math.h>
#include <string.h>

static bool clean(const json_t *value, unsigned depth, const char **ret_why)
{
	if (depth > ACCEPT_DEPTH) {
		*ret_why = "it is nested too deeply";
		return false;
	}
	if (json_is_string(value) &&
	    !text_is_safe(json_string_value(value), json_string_length(value))) {
		*ret_why = "it holds text that is not safe to print";
		return false;
	}
	if (json_is_real(value) && !isfinite(json_real_value(value))) {
		*ret_why = "it holds a number that is none";
		return false;
	}
	size_t i;
	json_t *item;
	json_array_foreach(value, i, item) {
		if (!clean(item, depth + 1, ret_why))
			return false;
	}
	const char *key;
	void *at;
	json_object_foreach_safe((json_t *)value, at, key, item)
	{
		if (!text_is_safe(key, strlen(key))) {
			*ret_why = "it holds a name that is not safe to print";
			return false;
		}
		if (!clean(item, depth + 1, ret_why))
			return false;
	}
	return true;
}

json_t *accept_line(const char *line, size_t length, const char **ret_why)
{
	json_error_t error;
	json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
	*ret_why = "it is not JSON";
	if (json_is_object(object) && clean(object, 0, ret_why))
		return object;
	json_decref(object);
	return NULL;
}

bool accept_report(const json_t *report, const char **ret_why)
{
	const char *schema = json_string_value(json_object_get(report, "schema"));
	json_t *input = json_object_get(report, "input");
	const char *status = json_string_value(json_object_get(input, "status"));

	if (schema && strcmp(schema, "culprit.report/1") == 0 && status &&
	    (strcmp(status, "complete") == 0 || strcmp(status, "partial") == 0 ||
	     strcmp(status, "unreadable") == 0) &&
	    json_is_object(json_object_get(report, "verdict")))
		return true;
	*ret_why = "it is not a report";
	return false;
}
