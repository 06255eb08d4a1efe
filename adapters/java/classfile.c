/*
 * Walks through a class file and writes it anew: constants are added behind the others, the code of methods that
 * rules name is rewritten, the rest stays as it is.
 * Context: any. Must never read or write outside of what it was given, whatever the bytes are.
 * Spec: JVMS 4.1, 4.6.
 */
#include "adapters/java/work.h"
#include "base/str.h"

enum {
	GROWTH_BYTES = 16384, /* of one class, more than rules can take */
	VERSION_AT = 6,
	VERSION_WITH_FRAMES = 50, /* older ones have other verifiers */
};

/* Copies what was read since `from`. */
static void put_since(struct rm_java_work *w, const uint8_t *from)
{
	rm_j_put(&w->out, from, (size_t)(w->in.p - from));
}

/* Is it the method's name as a rule has it? Compilers number the bodies of lambdas. */
static bool is_name(const struct rm_java_work *w, unsigned i, const char *name)
{
	char numbered[sizeof(((struct rm_java_rule *)NULL)->method) + 1];
	size_t n = strlen(name);

	if (n == 0 || name[n - 1] != '$')
		return rm_java_is_text(w, i, name);
	memcpy(numbered, name, n);
	numbered[n + 1] = '\0';
	for (char digit = '0'; digit <= '9'; digit++) {
		numbered[n] = digit;
		if (rm_java_is_text(w, i, numbered))
			return true;
	}
	return false;
}

/* Which rules are for the method: a bit each. */
static uint32_t rules_for(const struct rm_java_work *w, unsigned name, unsigned signature)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < w->rule_count; i++)
		if (is_name(w, name, w->rules[i].method) &&
		    (!w->rules[i].signature[0] || rm_java_is_text(w, signature, w->rules[i].signature)) &&
		    (w->rules[i].where != RM_JAVA_AROUND || rm_be16(w->bytes + VERSION_AT) >= VERSION_WITH_FRAMES))
			mask |= 1u << i;
	return mask;
}

static void skip_attributes(struct rm_jin *in)
{
	for (unsigned count = rm_j_u2(in); count && !in->bad; count--) {
		rm_j_u2(in);
		rm_j_take(in, rm_j_u4(in));
	}
}

static void skip_members(struct rm_jin *in)
{
	for (unsigned count = rm_j_u2(in); count && !in->bad; count--) {
		rm_j_take(in, 6);
		skip_attributes(in);
	}
}

static void rewrite_method(struct rm_java_work *w)
{
	const uint8_t *start = w->in.p;
	const uint8_t *head = rm_j_take(&w->in, 6);
	uint32_t mask = rules_for(w, rm_be16(head + 2), rm_be16(head + 4));
	unsigned count;

	if (!mask) {
		skip_attributes(&w->in);
		put_since(w, start);
		return;
	}
	count = rm_j_u2(&w->in);
	put_since(w, start);
	for (; count && !w->in.bad; count--) {
		const uint8_t *attribute = w->in.p;
		unsigned name = rm_j_u2(&w->in);
		uint32_t n = rm_j_u4(&w->in);

		if (rm_java_is_text(w, name, "Code")) {
			size_t at;

			rm_j_put2(&w->out, name);
			at = rm_j_keep4(&w->out);
			rm_java_rewrite_code(w, mask);
			rm_j_put_length(&w->out, at);
			w->in.bad |= w->in.p != attribute + 6 + n;
			continue;
		}
		rm_j_take(&w->in, n);
		put_since(w, attribute);
	}
}

/* Which rules have a method here. */
static bool look_for_methods(struct rm_java_work *w, struct rm_jin methods, bool *ret)
{
	bool any = false;

	for (unsigned count = rm_j_u2(&methods); count && !methods.bad; count--) {
		const uint8_t *head = rm_j_take(&methods, 6);
		uint32_t mask = rules_for(w, rm_be16(head + 2), rm_be16(head + 4));

		for (unsigned i = 0; i < w->rule_count; i++)
			ret[i] |= mask >> i & 1;
		any |= mask != 0;
		skip_attributes(&methods);
	}
	return any && !methods.bad;
}

/* ---- classes ---- */

static unsigned rules_of_class(const struct rm_java_rule *rule)
{
	unsigned n = 0;

	while (n < RM_JAVA_RULES_MAX && rule[n].class[0] && rm_str_eq(rm_str_c(rule[n].class), rm_str_c(rule->class)))
		n++;
	return n;
}

size_t rm_classfile_room(const uint8_t *bytes, size_t n)
{
	static const uint8_t magic[4] = { 0xca, 0xfe, 0xba, 0xbe };

	if (n < RM_JAVA_HEAD_BYTES || memcmp(bytes, magic, sizeof(magic)) != 0)
		return 0;
	/* Behind the room for the class lie a table of its constants and one of a method's code. */
	return n + GROWTH_BYTES + sizeof(uint32_t) * ((size_t)rm_be16(bytes + RM_JAVA_HEAD_BYTES - 2) + 1) +
	       sizeof(uint16_t) * (n + 1);
}

size_t rm_classfile_rewrite(const uint8_t *bytes, size_t n, const struct rm_java_rule *rule, uint8_t *room)
{
	size_t cap = (n + GROWTH_BYTES) & ~(sizeof(uint32_t) - 1);
	struct rm_java_work w = { .bytes = bytes, .in = { bytes, bytes + n, false }, .out = { room, room, room + cap, false },
				  .rules = rule, .rule_count = rules_of_class(rule) };
	bool wanted[RM_JAVA_RULES_MAX] = { false };
	const uint8_t *start;
	struct rm_jin methods;
	unsigned count;

	rm_j_take(&w.in, RM_JAVA_HEAD_BYTES - 2);
	w.constants = rm_j_u2(&w.in);
	w.at = (uint32_t *)(void *)(room + cap);
	w.moved = (uint16_t *)(void *)(w.at + w.constants + 1);
	rm_java_find_constants(&w);
	methods = w.in;
	rm_j_take(&methods, 6);                             /* flags, this, super */
	rm_j_take(&methods, 2 * (size_t)rm_j_u2(&methods)); /* interfaces */
	skip_members(&methods);                             /* fields */
	if (w.in.bad || methods.bad || !look_for_methods(&w, methods, wanted))
		return 0;
	rm_java_add_constants(&w, wanted);
	start = w.in.p;
	w.in.p = methods.p;
	put_since(&w, start);
	start = w.in.p;
	count = rm_j_u2(&w.in);
	put_since(&w, start);
	for (; count && !w.in.bad; count--)
		rewrite_method(&w);
	start = w.in.p;
	skip_attributes(&w.in);
	put_since(&w, start);
	return w.in.bad || w.out.bad || w.in.p != w.in.end || !w.hits ? 0 : (size_t)(w.out.p - room);
}
