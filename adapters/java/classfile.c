/*
 * Rewrites a class file: constants are added behind the others, calls are replaced by calls of the same length, and
 * what is put in front of a method is a multiple of four bytes long, so that the padding of switches stays
 * right. Then only what counts bytes from the start of the method has to be moved.
 * Context: any. Must never read or write outside of what it was given, whatever the bytes are.
 * Spec: JVMS 4.4 (constant pool), 4.7.3 to 4.7.14 (attributes of code), 6.5 (instructions).
 */
#include "adapters/java/classfile.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

enum {
	RULES_MAX = 16,      /* of one class */
	GROWTH_BYTES = 8192, /* of one class, more than those can take */
	CODE_MAX = 65535,
	HEAD_BYTES = 10,     /* before the constants */
	PROLOGUE_MAX = 12,

	UTF8 = 1, CLASS = 7, METHOD = 10, INTERFACE_METHOD = 11, NAME_AND_TYPE = 12, LONG = 5, DOUBLE = 6,

	NOP = 0x00, BIPUSH = 0x10, ALOAD_0 = 0x2a, ASTORE_0 = 0x4b, TABLESWITCH = 0xaa, LOOKUPSWITCH = 0xab, INVOKEVIRTUAL = 0xb6,
	INVOKESTATIC = 0xb8, INVOKEINTERFACE = 0xb9, CHECKCAST = 0xc0, WIDE = 0xc4, IINC = 0x84,
};

struct in {
	const uint8_t *p, *end;
	bool bad;
};

struct out {
	uint8_t *start, *p, *end;
	bool bad;
};

struct work {
	struct in in;
	struct out out;
	const uint8_t *bytes;
	const uint32_t *at;  /* of each constant, where it is in `bytes`; 0: nothing */
	unsigned constants;
	const struct rm_java_rule *rules;
	unsigned rule_count;
	uint16_t helper[RULES_MAX]; /* of each rule, the constant that is called; 0: no method of that name */
	unsigned hits;
};

/* ---- bytes ---- */

static const uint8_t *take(struct in *in, size_t n)
{
	static const uint8_t zeros[8];
	const uint8_t *p = in->p;

	if (n > (size_t)(in->end - in->p)) {
		in->bad = true;
		in->p = in->end;
		return n <= sizeof(zeros) ? zeros : NULL;
	}
	in->p += n;
	return p;
}

static unsigned u1(struct in *in)
{
	return *take(in, 1);
}

static unsigned read2(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static unsigned u2(struct in *in)
{
	return read2(take(in, 2));
}

static uint32_t read4(const uint8_t *p)
{
	return (uint32_t)read2(p) << 16 | read2(p + 2);
}

static uint32_t u4(struct in *in)
{
	return read4(take(in, 4));
}

static void put(struct out *out, const void *p, size_t n)
{
	if (!p || n > (size_t)(out->end - out->p)) {
		out->bad = true;
		return;
	}
	memcpy(out->p, p, n);
	out->p += n;
}

static void put1(struct out *out, unsigned v)
{
	uint8_t b = (uint8_t)v;

	put(out, &b, 1);
}

static void write2(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put2(struct out *out, unsigned v)
{
	uint8_t b[2];

	write2(b, v);
	put(out, b, 2);
}

static void put4(struct out *out, uint32_t v)
{
	put2(out, v >> 16);
	put2(out, v & 0xffff);
}

/* Copies what was read since `from`. */
static void put_since(struct work *w, const uint8_t *from)
{
	put(&w->out, from, (size_t)(w->in.p - from));
}

/* Keeps room for a length that is known later; what is returned goes to put_length. */
static size_t keep4(struct out *out)
{
	size_t at = (size_t)(out->p - out->start);

	put4(out, 0);
	return at;
}

static void put_length(struct out *out, size_t at)
{
	size_t n = (size_t)(out->p - out->start) - at - 4;

	if (out->bad)
		return;
	write2(out->start + at, (unsigned)(n >> 16));
	write2(out->start + at + 2, (unsigned)(n & 0xffff));
}

/* ---- constants ---- */

/* Bytes behind the tag; 0 of those that no version has. */
static size_t constant_bytes(struct in *in, unsigned tag)
{
	static const uint8_t bytes[21] = { [3] = 4,  [4] = 4,  [LONG] = 8, [DOUBLE] = 8, [CLASS] = 2, [8] = 2, [9] = 4,
					   [METHOD] = 4, [INTERFACE_METHOD] = 4, [NAME_AND_TYPE] = 4, [15] = 3,
					   [16] = 2, [17] = 4, [18] = 4, [19] = 2, [20] = 2 };

	if (tag == UTF8)
		return in->end - in->p >= 2 ? 2 + (size_t)read2(in->p) : 0;
	return tag < sizeof(bytes) ? bytes[tag] : 0;
}

static void find_constants(struct work *w, uint32_t *at)
{
	memset(at, 0, w->constants * sizeof(*at));
	for (unsigned i = 1; i < w->constants && !w->in.bad; i++) {
		const uint8_t *p = w->in.p;
		unsigned tag = u1(&w->in);
		size_t n = constant_bytes(&w->in, tag);

		w->in.bad |= n == 0;
		at[i] = (uint32_t)(p - w->bytes);
		take(&w->in, n);
		i += tag == LONG || tag == DOUBLE; /* they count as two */
	}
	w->at = at;
}

/* The constant's bytes behind the tag; NULL: it is of another kind. */
static const uint8_t *constant(const struct work *w, unsigned i, unsigned tag)
{
	const uint8_t *p = i < w->constants && w->at[i] ? w->bytes + w->at[i] : NULL;

	return p && *p == tag ? p + 1 : NULL;
}

static bool is_text(const struct work *w, unsigned i, const char *text)
{
	const uint8_t *p = constant(w, i, UTF8);
	size_t n = strlen(text);

	return p && read2(p) == n && memcmp(p + 2, text, n) == 0;
}

static bool is_class(const struct work *w, unsigned i, const char *name)
{
	const uint8_t *p = constant(w, i, CLASS);

	return p && is_text(w, read2(p), name);
}

static bool is_method(const struct work *w, unsigned i, const char *name, const char *signature)
{
	const uint8_t *p = constant(w, i, METHOD);

	if (!p)
		p = constant(w, i, INTERFACE_METHOD);
	p = p ? constant(w, read2(p + 2), NAME_AND_TYPE) : NULL;
	return p && is_text(w, read2(p), name) && is_text(w, read2(p + 2), signature);
}

static unsigned put_text(struct work *w, unsigned *next, const char *text)
{
	put1(&w->out, UTF8);
	put2(&w->out, (unsigned)strlen(text));
	put(&w->out, text, strlen(text));
	return (*next)++;
}

static unsigned put_pair(struct work *w, unsigned *next, unsigned tag, unsigned a, unsigned b)
{
	put1(&w->out, tag);
	put2(&w->out, a);
	if (tag != CLASS)
		put2(&w->out, b);
	return (*next)++;
}

/* Adds what the rules call, and the new count of constants. */
static void add_constants(struct work *w, const bool *wanted)
{
	unsigned next = w->constants, class;
	size_t count_at = HEAD_BYTES - 2;

	put(&w->out, w->bytes, (size_t)(w->in.p - w->bytes));
	class = put_pair(w, &next, CLASS, put_text(w, &next, RM_JAVA_HELPER), 0);
	for (unsigned i = 0; i < w->rule_count; i++) {
		const struct rm_java_rule *r = &w->rules[i];
		unsigned name, type;

		if (!wanted[i])
			continue;
		name = put_text(w, &next, r->helper);
		type = put_text(w, &next, r->helper_signature);
		type = put_pair(w, &next, NAME_AND_TYPE, name, type);
		w->helper[i] = (uint16_t)put_pair(w, &next, METHOD, class, type);
	}
	w->out.bad |= next > UINT16_MAX;
	if (!w->out.bad)
		write2(w->out.start + count_at, next);
}

/* ---- instructions ---- */

/* Bytes of a switch's table; 0: too many. */
static size_t switch_bytes(struct in *in, const uint8_t *code)
{
	size_t pad = 3 - (size_t)(in->p - code) % 4;
	struct in look = *in;
	uint32_t low, high;
	unsigned opcode;

	opcode = u1(&look);
	take(&look, pad + 4); /* and the default */
	low = u4(&look);
	if (opcode == LOOKUPSWITCH)
		return look.bad || low > CODE_MAX ? 0 : 1 + pad + 8 + 8 * (size_t)low;
	high = u4(&look);
	return look.bad || high - low > CODE_MAX ? 0 : 1 + pad + 12 + 4 * ((size_t)(high - low) + 1);
}

/* Of the instruction at in->p, in the method's code; 0: no such instruction. */
static size_t instruction_bytes(struct in *in, const uint8_t *code)
{
	unsigned op = *in->p;

	if (op == TABLESWITCH || op == LOOKUPSWITCH)
		return switch_bytes(in, code);
	if (op == WIDE)
		return in->end - in->p > 1 && in->p[1] == IINC ? 6 : 4;
	if (op == BIPUSH || op == 0x12 || (op >= 0x15 && op <= 0x19) || (op >= 0x36 && op <= 0x3a) || op == 0xa9 ||
	    op == 0xbc)
		return 2;
	if (op == 0x11 || op == 0x13 || op == 0x14 || op == IINC || (op >= 0x99 && op <= 0xa8) ||
	    (op >= 0xb2 && op <= INVOKESTATIC) || op == 0xbb || op == 0xbd || op == CHECKCAST || op == 0xc1 ||
	    op == 0xc6 || op == 0xc7)
		return 3;
	if (op == 0xc5)
		return 4;
	if (op == INVOKEINTERFACE || op == 0xba || op == 0xc8 || op == 0xc9)
		return 5;
	return op <= 0xc3 ? 1 : 0;
}

static bool fits(const struct work *w, const struct rm_java_rule *r, const uint8_t *p)
{
	if (r->where == RM_JAVA_CALL)
		return (*p == INVOKEVIRTUAL || *p == INVOKEINTERFACE) &&
		       is_method(w, read2(p + 1), r->callee, r->callee_signature);
	return r->where == RM_JAVA_CAST && *p == CHECKCAST && is_class(w, read2(p + 1), r->callee);
}

/* The instruction as it is, or the call that a rule has instead. `mask`: rules of this method. */
static void put_instruction(struct work *w, const uint8_t *p, size_t n, uint32_t mask)
{
	for (unsigned i = 0; i < w->rule_count; i++) {
		if (!(mask & 1u << i) || !fits(w, &w->rules[i], p))
			continue;
		put1(&w->out, INVOKESTATIC);
		put2(&w->out, w->helper[i]);
		for (; n > 3; n--)
			put1(&w->out, NOP);
		w->hits++;
		return;
	}
	put(&w->out, p, n);
}

/* Writes what comes before the method's own code into `ret`, and returns its length; 0: nothing does. */
static size_t prologue(struct work *w, uint32_t mask, uint8_t ret[PROLOGUE_MAX], unsigned *ret_stack)
{
	size_t n = 0;

	for (unsigned i = 0; i < w->rule_count && n == 0; i++) {
		const struct rm_java_rule *r = &w->rules[i];

		if (!(mask & 1u << i) || r->where != RM_JAVA_ENTRY)
			continue;
		for (const char *c = r->load; *c; c++)
			ret[n++] = (uint8_t)(ALOAD_0 + (*c - '0'));
		*ret_stack = (unsigned)n + (r->number != RM_JAVA_NO_NUMBER);
		if (r->number != RM_JAVA_NO_NUMBER) {
			ret[n++] = BIPUSH;
			ret[n++] = (uint8_t)r->number;
		}
		ret[n++] = INVOKESTATIC;
		write2(ret + n, w->helper[i]);
		n += 2;
		if (r->helper_signature[strlen(r->helper_signature) - 1] != 'V')
			ret[n++] = (uint8_t)(ASTORE_0 + (r->load[0] - '0'));
		while (n % 4)
			ret[n++] = NOP;
		w->hits++;
	}
	return n;
}

/* ---- what counts bytes from the start of the code ---- */

/* A type of a frame: an object that is not made yet is known by where. */
static void move_type(struct work *w, unsigned shift)
{
	unsigned tag = u1(&w->in);

	put1(&w->out, tag);
	if (tag == 7)
		put2(&w->out, u2(&w->in));
	else if (tag == 8)
		put2(&w->out, u2(&w->in) + shift);
}

static void move_types(struct work *w, unsigned count, unsigned shift)
{
	while (count-- && !w->in.bad)
		move_type(w, shift);
}

/* Frames say how far they are from the one before: only the first, `by`, is further away than before. */
static void move_frame(struct work *w, unsigned by, unsigned shift)
{
	unsigned kind = u1(&w->in), n;

	if (kind < 128) { /* same, same_locals_1_stack_item */
		unsigned base = kind & 64, delta = (kind & 63) + by;

		put1(&w->out, delta < 64 ? base + delta : base ? 247 : 251);
		if (delta >= 64)
			put2(&w->out, delta);
		move_types(w, base != 0, shift);
		return;
	}
	w->in.bad |= kind < 247;
	put1(&w->out, kind);
	put2(&w->out, u2(&w->in) + by);
	if (kind == 247)
		move_type(w, shift);
	else if (kind > 251 && kind < 255)
		move_types(w, kind - 251, shift);
	for (int part = 0; kind == 255 && part < 2; part++) { /* locals, stack */
		n = u2(&w->in);
		put2(&w->out, n);
		move_types(w, n, shift);
	}
}

static void move_frames(struct work *w, unsigned shift)
{
	unsigned count = u2(&w->in);

	put2(&w->out, count);
	for (unsigned i = 0; i < count && !w->in.bad; i++)
		move_frame(w, i == 0 ? shift : 0, shift);
}

/* Lines and variables: what begins with the method begins with what is put in front of it. */
static void move_table(struct work *w, unsigned shift, bool has_length, size_t rest)
{
	unsigned count = u2(&w->in);

	put2(&w->out, count);
	for (unsigned i = 0; i < count && !w->in.bad; i++) {
		unsigned start = u2(&w->in);

		put2(&w->out, start ? start + shift : 0);
		if (has_length)
			put2(&w->out, u2(&w->in) + (start ? 0 : shift));
		put(&w->out, take(&w->in, rest), rest);
	}
}

/* False: left out, as nothing at run time reads it. */
static bool move_attribute(struct work *w, unsigned shift)
{
	const uint8_t *start = w->in.p;
	unsigned name = u2(&w->in);
	uint32_t n = u4(&w->in);
	struct in rest;
	size_t length_at;

	if (take(&w->in, n) == NULL || w->in.bad)
		return false;
	if (is_text(w, name, "RuntimeVisibleTypeAnnotations") || is_text(w, name, "RuntimeInvisibleTypeAnnotations"))
		return false;
	if (!is_text(w, name, "StackMapTable") && !is_text(w, name, "LineNumberTable") &&
	    !is_text(w, name, "LocalVariableTable") && !is_text(w, name, "LocalVariableTypeTable")) {
		put_since(w, start);
		return true;
	}
	rest = w->in;
	w->in = (struct in){ start + 6, rest.p, false };
	put2(&w->out, name);
	length_at = keep4(&w->out);
	if (is_text(w, name, "StackMapTable"))
		move_frames(w, shift);
	else if (is_text(w, name, "LineNumberTable"))
		move_table(w, shift, false, 2);
	else
		move_table(w, shift, true, 6);
	rest.bad |= w->in.bad || w->in.p != w->in.end;
	w->in = rest;
	put_length(&w->out, length_at);
	return true;
}

static void move_attributes(struct work *w, unsigned shift)
{
	unsigned count = u2(&w->in), kept = 0;
	size_t count_at = (size_t)(w->out.p - w->out.start);

	put2(&w->out, 0);
	for (unsigned i = 0; i < count && !w->in.bad; i++)
		kept += move_attribute(w, shift);
	if (!w->out.bad)
		write2(w->out.start + count_at, kept);
}

static void move_handlers(struct work *w, unsigned shift)
{
	unsigned count = u2(&w->in);

	put2(&w->out, count);
	for (unsigned i = 0; i < count && !w->in.bad; i++) {
		for (int bound = 0; bound < 3; bound++) /* start, end, handler */
			put2(&w->out, u2(&w->in) + shift);
		put2(&w->out, u2(&w->in));
	}
}

/* ---- methods ---- */

static void rewrite_code(struct work *w, uint32_t mask)
{
	unsigned stack = u2(&w->in), locals = u2(&w->in), needs = 0;
	uint8_t first[PROLOGUE_MAX];
	size_t shift = prologue(w, mask, first, &needs);
	uint32_t n = u4(&w->in);
	struct in code = { w->in.p, w->in.p, false };

	if (n > CODE_MAX - shift || !take(&w->in, n) || w->in.bad) {
		w->in.bad = true;
		return;
	}
	code.end = code.p + n;
	put2(&w->out, stack > needs ? stack : needs);
	put2(&w->out, locals);
	put4(&w->out, n + (uint32_t)shift);
	put(&w->out, first, shift);
	for (const uint8_t *start = code.p; code.p < code.end && !code.bad;) {
		const uint8_t *p = code.p;
		size_t bytes = instruction_bytes(&code, start);

		if (!bytes || !take(&code, bytes) || code.bad)
			break;
		put_instruction(w, p, bytes, mask);
	}
	w->in.bad |= code.p != code.end || code.bad;
	move_handlers(w, (unsigned)shift);
	move_attributes(w, (unsigned)shift);
}

/* Which rules are for the method: a bit each. */
static uint32_t rules_for(const struct work *w, unsigned name, unsigned signature)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < w->rule_count; i++)
		if (is_text(w, name, w->rules[i].method) && is_text(w, signature, w->rules[i].signature))
			mask |= 1u << i;
	return mask;
}

static void skip_attributes(struct in *in)
{
	for (unsigned count = u2(in); count && !in->bad; count--) {
		u2(in);
		take(in, u4(in));
	}
}

static void skip_members(struct in *in)
{
	for (unsigned count = u2(in); count && !in->bad; count--) {
		take(in, 6);
		skip_attributes(in);
	}
}

static void rewrite_method(struct work *w)
{
	const uint8_t *start = w->in.p;
	const uint8_t *head = take(&w->in, 6);
	uint32_t mask = rules_for(w, read2(head + 2), read2(head + 4));
	unsigned count;

	if (!mask) {
		skip_attributes(&w->in);
		put_since(w, start);
		return;
	}
	count = u2(&w->in);
	put_since(w, start);
	for (; count && !w->in.bad; count--) {
		const uint8_t *attribute = w->in.p;
		unsigned name = u2(&w->in);
		uint32_t n = u4(&w->in);

		if (is_text(w, name, "Code")) {
			size_t at;

			put2(&w->out, name);
			at = keep4(&w->out);
			rewrite_code(w, mask);
			put_length(&w->out, at);
			w->in.bad |= w->in.p != attribute + 6 + n;
			continue;
		}
		take(&w->in, n);
		put_since(w, attribute);
	}
}

/* Which rules have a method here. */
static bool look_for_methods(struct work *w, struct in methods, bool *ret)
{
	bool any = false;

	for (unsigned count = u2(&methods); count && !methods.bad; count--) {
		const uint8_t *head = take(&methods, 6);
		uint32_t mask = rules_for(w, read2(head + 2), read2(head + 4));

		for (unsigned i = 0; i < w->rule_count; i++)
			ret[i] |= mask >> i & 1;
		any |= mask != 0;
		skip_attributes(&methods);
	}
	return any && !methods.bad;
}

/* ---- classes ---- */

const struct rm_java_rule *rm_java_rules_of(const char *class, size_t n)
{
	for (const struct rm_java_rule *r = rm_java_rules; r->class; r++)
		if (strlen(r->class) == n && memcmp(r->class, class, n) == 0)
			return r;
	return NULL;
}

static unsigned rules_of_class(const struct rm_java_rule *rule)
{
	unsigned n = 0;

	while (n < RULES_MAX && rule[n].class && rm_str_eq(rm_str_c(rule[n].class), rm_str_c(rule->class)))
		n++;
	return n;
}

size_t rm_classfile_room(const uint8_t *bytes, size_t n)
{
	static const uint8_t magic[4] = { 0xca, 0xfe, 0xba, 0xbe };

	if (n < HEAD_BYTES || memcmp(bytes, magic, sizeof(magic)) != 0)
		return 0;
	/* The table of constants lies behind the room for the class. */
	return n + GROWTH_BYTES + sizeof(uint32_t) * ((size_t)read2(bytes + HEAD_BYTES - 2) + 1);
}

size_t rm_classfile_rewrite(const uint8_t *bytes, size_t n, const struct rm_java_rule *rule, uint8_t *room)
{
	size_t cap = (n + GROWTH_BYTES) & ~(sizeof(uint32_t) - 1);
	struct work w = { .bytes = bytes, .in = { bytes, bytes + n, false }, .out = { room, room, room + cap, false },
			  .rules = rule, .rule_count = rules_of_class(rule) };
	bool wanted[RULES_MAX] = { false };
	const uint8_t *start;
	struct in methods;
	unsigned count;

	take(&w.in, HEAD_BYTES - 2);
	w.constants = u2(&w.in);
	find_constants(&w, (uint32_t *)(void *)(room + cap));
	methods = w.in;
	take(&methods, 6);                               /* flags, this, super */
	take(&methods, 2 * (size_t)u2(&methods));        /* interfaces */
	skip_members(&methods);                          /* fields */
	if (w.in.bad || methods.bad || !look_for_methods(&w, methods, wanted))
		return 0;
	add_constants(&w, wanted);
	start = w.in.p;
	w.in.p = methods.p;
	put_since(&w, start);
	start = w.in.p;
	count = u2(&w.in);
	put_since(&w, start);
	for (; count && !w.in.bad; count--)
		rewrite_method(&w);
	start = w.in.p;
	skip_attributes(&w.in);
	put_since(&w, start);
	return w.in.bad || w.out.bad || w.in.p != w.in.end || !w.hits ? 0 : (size_t)(w.out.p - room);
}
