/*
 * The constants of a class: found, compared, and added to. Those that were there keep their numbers.
 * Context: any. Spec: JVMS 4.4.
 */
#include "adapters/java/work.h"

enum { UTF8 = 1, CLASS = 7, METHOD = 10, INTERFACE_METHOD = 11, NAME_AND_TYPE = 12, LONG = 5, DOUBLE = 6 };

/* Bytes behind the tag; 0 of those that no version has. */
static size_t constant_bytes(struct rm_jin *in, unsigned tag)
{
	static const uint8_t bytes[21] = { [3] = 4,  [4] = 4,  [LONG] = 8, [DOUBLE] = 8, [CLASS] = 2, [8] = 2, [9] = 4,
					   [METHOD] = 4, [INTERFACE_METHOD] = 4, [NAME_AND_TYPE] = 4, [15] = 3,
					   [16] = 2, [17] = 4, [18] = 4, [19] = 2, [20] = 2 };

	if (tag == UTF8)
		return in->end - in->p >= 2 ? 2 + (size_t)rm_be16(in->p) : 0;
	return tag < sizeof(bytes) ? bytes[tag] : 0;
}

void rm_java_find_constants(struct rm_java_work *w)
{
	memset(w->at, 0, w->constants * sizeof(*w->at));
	for (unsigned i = 1; i < w->constants && !w->in.bad; i++) {
		const uint8_t *p = w->in.p;
		unsigned tag = rm_j_u1(&w->in);
		size_t n = constant_bytes(&w->in, tag);

		w->in.bad |= n == 0;
		w->at[i] = (uint32_t)(p - w->bytes);
		rm_j_take(&w->in, n);
		i += tag == LONG || tag == DOUBLE; /* they count as two */
	}
}

/* The constant's bytes behind the tag; NULL: it is of another kind. */
static const uint8_t *constant(const struct rm_java_work *w, unsigned i, unsigned tag)
{
	const uint8_t *p = i < w->constants && w->at[i] ? w->bytes + w->at[i] : NULL;

	return p && *p == tag ? p + 1 : NULL;
}

bool rm_java_is_text(const struct rm_java_work *w, unsigned i, const char *text)
{
	const uint8_t *p = constant(w, i, UTF8);
	size_t n = strlen(text);

	return p && rm_be16(p) == n && memcmp(p + 2, text, n) == 0;
}

bool rm_java_is_class(const struct rm_java_work *w, unsigned i, const char *name)
{
	const uint8_t *p = constant(w, i, CLASS);

	return p && rm_java_is_text(w, rm_be16(p), name);
}

bool rm_java_is_method(const struct rm_java_work *w, unsigned i, const char *name, const char *signature)
{
	const uint8_t *p = constant(w, i, METHOD);

	if (!p)
		p = constant(w, i, INTERFACE_METHOD);
	p = p ? constant(w, rm_be16(p + 2), NAME_AND_TYPE) : NULL;
	return p && rm_java_is_text(w, rm_be16(p), name) && rm_java_is_text(w, rm_be16(p + 2), signature);
}

static unsigned put_text(struct rm_java_work *w, unsigned *next, const char *text)
{
	rm_j_put1(&w->out, UTF8);
	rm_j_put2(&w->out, (unsigned)strlen(text));
	rm_j_put(&w->out, text, strlen(text));
	return (*next)++;
}

static unsigned put_pair(struct rm_java_work *w, unsigned *next, unsigned tag, unsigned a, unsigned b)
{
	rm_j_put1(&w->out, tag);
	rm_j_put2(&w->out, a);
	if (tag != CLASS)
		rm_j_put2(&w->out, b);
	return (*next)++;
}

static unsigned put_class(struct rm_java_work *w, unsigned *next, const char *name)
{
	return put_pair(w, next, CLASS, put_text(w, next, name), 0);
}

static unsigned put_method(struct rm_java_work *w, unsigned *next, unsigned class, const char *name, const char *signature)
{
	unsigned name_at = put_text(w, next, name), type = put_text(w, next, signature);

	return put_pair(w, next, METHOD, class, put_pair(w, next, NAME_AND_TYPE, name_at, type));
}

void rm_java_add_constants(struct rm_java_work *w, const bool *wanted)
{
	unsigned next = w->constants, class;

	rm_j_put(&w->out, w->bytes, (size_t)(w->in.p - w->bytes));
	class = put_class(w, &next, memcmp(w->rules->class, RM_JAVA_TLS, sizeof(RM_JAVA_TLS) - 1) == 0 ? RM_JAVA_TLS_HELPER : RM_JAVA_HELPER);
	for (unsigned i = 0; i < w->rule_count; i++) {
		const struct rm_java_rule *r = &w->rules[i];

		if (!wanted[i])
			continue;
		if (r->helper[0])
			w->added[i].helper = (uint16_t)put_method(w, &next, class, r->helper, r->helper_signature);
		if (r->where == RM_JAVA_ENTRY && r->callee[0])
			w->added[i].cast = (uint16_t)put_class(w, &next, r->callee);
		if (r->where != RM_JAVA_AROUND || w->end)
			continue;
		w->end = (uint16_t)put_method(w, &next, class, "end", "()V");
		w->throwable = (uint16_t)put_class(w, &next, "java/lang/Throwable");
		w->frames = (uint16_t)put_text(w, &next, "StackMapTable");
	}
	w->out.bad |= next > UINT16_MAX;
	if (!w->out.bad)
		rm_j_write2(w->out.start + RM_JAVA_HEAD_BYTES - 2, next);
}
