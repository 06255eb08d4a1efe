/* Collects the attributes X-Ray has places for. Context: worker. */
#include "exporters/xray_facts.h"

static const char *const names[RM_XRAY_FACT_COUNT] = {
#define X(id, name) name,
	RM_XRAY_FACTS(X)
#undef X
};

static void collect(const struct rm_record *r, struct rm_xray_facts *f)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	while (rm_attr_next(&it, &a)) {
		int i = 0;

		while (i < RM_XRAY_FACT_COUNT && !rm_str_eq(a.key, rm_str_c(names[i])))
			i++;
		if (i == RM_XRAY_FACT_COUNT || a.type == RM_ATTR_F64 || a.type == RM_ATTR_BOOL)
			continue;
		f->has[i] = true;
		f->is_list[i] = a.type == RM_ATTR_STRS;
		if (a.type == RM_ATTR_I64)
			f->number[i] = a.v.i64;
		else
			f->text[i] = a.v.str;
	}
}

void rm_xray_facts(const struct rm_record *resource, const struct rm_span *span,
		   struct rm_xray_facts *ret)
{
	*ret = (struct rm_xray_facts){ 0 };
	collect(resource, ret);
	collect(&span->record, ret);
}

struct rm_str rm_xray_text(const struct rm_xray_facts *f, enum rm_xray_fact fact)
{
	return f->is_list[fact] ? RM_STR("") : f->text[fact];
}

void rm_xray_put(struct rm_json *j, const char *key, struct rm_str value)
{
	if (value.n == 0)
		return;
	rm_json_key(j, key);
	rm_json_str(j, value);
}
