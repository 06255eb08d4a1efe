/*
 * Members of JSON, each found by passing those before it; of what is not well-formed there is what came before. Context:
 * worker.
 */
#include "exporters/json_find.h"

#include "base/json_read.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct rm_str rm_json_find(struct rm_str object, const char *name)
{
	struct rm_json_reader j;
	struct rm_str key;

	rm_json_read(&j, object);
	if (!rm_json_object(&j))
		return (struct rm_str){ NULL, 0 };
	while (rm_json_member(&j, &key)) {
		const char *value = j.p;

		rm_json_skip(&j);
		while (value < j.p && is_blank(*value))
			value++;
		if (rm_str_eq(key, rm_str_c(name)))
			return (struct rm_str){ value, (size_t)(j.p - value) };
	}
	return (struct rm_str){ NULL, 0 };
}

struct rm_str rm_json_plain(struct rm_str v)
{
	while (v.n > 0 && is_blank(v.p[v.n - 1]))
		v.n--;
	if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
		return (struct rm_str){ v.p + 1, v.n - 2 };
	return v;
}
