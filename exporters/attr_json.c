/* See attr_json.h. Context: worker. */
#include "exporters/attr_json.h"

#include "base/log.h"

void rm_attr_json(struct rm_json *j, const struct rm_attr *a)
{
	struct rm_str packed = a->v.str, s;

	if (a->type == RM_ATTR_STR) {
		rm_json_str(j, a->v.str);
	} else if (a->type == RM_ATTR_I64) {
		rm_json_i64(j, a->v.i64);
	} else if (a->type == RM_ATTR_F64) {
		rm_json_f64(j, a->v.f64);
	} else if (a->type == RM_ATTR_BOOL) {
		rm_json_bool(j, a->v.i64 != 0);
	} else {
		rm_json_open(j, '[');
		while (rm_attr_strs_next(&packed, &s))
			rm_json_str(j, s);
		rm_json_close(j, ']');
	}
}

void rm_attrs_json(struct rm_json *j, const struct rm_record *r)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	char key[UINT8_MAX + 1]; /* as long as a record's keys can be */
	struct rm_attr a;

	rm_json_open(j, '{');
	while (rm_attr_next(&it, &a)) {
		rm_format(key, sizeof(key), "%S", &a.key);
		rm_json_key(j, key);
		rm_attr_json(j, &a);
	}
	rm_json_close(j, '}');
}
