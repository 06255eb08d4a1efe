/*
 * Puts calls into the code of a method: in front of it, instead of instructions, before it returns, and where it throws.
 * The code is walked through twice: to know where each instruction goes, and to write it there. Of the new place of
 * an instruction that something was put before, jumps to it lead to what was put there (but to the first one of the method:
 * behind it).
 * Context: any. Spec: JVMS 4.7.3, 6.5.
 */
#include "adapters/java/work.h"
#include "base/str.h"

enum {
	PROLOGUE_MAX = 20,
	EPILOGUE_BYTES = 8, /* at most */
	HANDLER_BYTES = 4,

	NOP = 0x00, BIPUSH = 0x10, ILOAD = 0x15, ISTORE = 0x36, IOR = 0x80, ALOAD_0 = 0x2a, ASTORE_0 = 0x4b, POP = 0x57, POP2 = 0x58, DUP = 0x59, DUP_X2 = 0x5b, DUP2_X1 = 0x5d, SWAP = 0x5f,
	IINC = 0x84, IF_FIRST = 0x99, JSR = 0xa8,
	TABLESWITCH = 0xaa, LOOKUPSWITCH = 0xab, RETURN_FIRST = 0xac, IRETURN = 0xac, ARETURN = 0xb0, RETURN_LAST = 0xb1, INVOKEVIRTUAL = 0xb6,
	INVOKESTATIC = 0xb8, INVOKEINTERFACE = 0xb9, ATHROW = 0xbf, CHECKCAST = 0xc0, WIDE = 0xc4, IFNULL = 0xc6,
	IFNONNULL = 0xc7, GOTO_W = 0xc8, JSR_W = 0xc9,
};

struct code {
	struct rm_java_work *w;
	const uint8_t *start, *end;
	uint32_t mask;        /* rules of this method */
	uint32_t around;      /* those that have an end */
	uint32_t after;       /* those that are called at its end */
	uint32_t result;      /* those that are shown what it returns */
	uint32_t before;      /* those that are shown whose methods it calls */
};

/* ---- instructions ---- */

/* Bytes of a switch's table, its padding aside; 0: too many. `ret_pad` is the padding. */
static size_t switch_bytes(const struct code *c, const uint8_t *p, size_t *ret_pad)
{
	struct rm_jin in = { p, c->end, false };
	uint32_t low, high;
	unsigned op = rm_j_u1(&in);

	*ret_pad = 3 - (size_t)(p - c->start) % 4;
	rm_j_take(&in, *ret_pad + 4); /* and the default */
	low = rm_j_u4(&in);
	if (op == LOOKUPSWITCH)
		return in.bad || low > RM_JAVA_CODE_MAX ? 0 : 9 + 8 * (size_t)low;
	high = rm_j_u4(&in);
	return in.bad || high - low > RM_JAVA_CODE_MAX ? 0 : 13 + 4 * ((size_t)(high - low) + 1);
}

/* Of any instruction; 0: no such one, or it does not fit. */
static size_t instruction_bytes(const struct code *c, const uint8_t *p)
{
	unsigned op = *p;
	size_t n, pad = 0;

	if (op == TABLESWITCH || op == LOOKUPSWITCH) {
		n = switch_bytes(c, p, &pad);
		n += n ? pad : 0;
	} else if (op == WIDE)
		n = c->end - p > 1 && p[1] == IINC ? 6 : 4;
	else if (op == BIPUSH || op == 0x12 || (op >= 0x15 && op <= 0x19) || (op >= 0x36 && op <= 0x3a) || op == 0xa9 ||
		 op == 0xbc)
		n = 2;
	else if (op == 0x11 || op == 0x13 || op == 0x14 || op == IINC || (op >= IF_FIRST && op <= JSR) ||
		 (op >= 0xb2 && op <= INVOKESTATIC) || op == 0xbb || op == 0xbd || op == CHECKCAST || op == 0xc1 ||
		 op == IFNULL || op == IFNONNULL)
		n = 3;
	else if (op == 0xc5)
		n = 4;
	else if (op == INVOKEINTERFACE || op == 0xba || op == GOTO_W || op == JSR_W)
		n = 5;
	else
		n = op <= 0xc3;
	return n > (size_t)(c->end - p) ? 0 : n;
}

static bool fits(const struct rm_java_work *w, const struct rm_java_rule *r, const uint8_t *p)
{
	bool is_static = *p == INVOKESTATIC;

	if (r->where == RM_JAVA_CALL)
		return (*p == INVOKEVIRTUAL || *p == INVOKEINTERFACE || is_static) &&
		       rm_str_eq(rm_str_c(r->callee_signature), rm_str_c(r->helper_signature)) == is_static &&
		       rm_java_is_method(w, rm_be16(p + 1), r->callee, r->callee_signature);
	if (r->where == RM_JAVA_BEFORE)
		return (*p == INVOKEVIRTUAL || *p == INVOKEINTERFACE) &&
		       rm_java_is_method(w, rm_be16(p + 1), r->callee, r->callee_signature);
	return r->where == RM_JAVA_CAST && *p == CHECKCAST && rm_java_is_class(w, rm_be16(p + 1), r->callee);
}

/* ---- what is put in front, and before a return ---- */

static unsigned first_of(uint32_t mask)
{
	return (unsigned)__builtin_ctz(mask);
}

/* parameter |= helper(others) */
static size_t set_bits(const struct rm_java_work *w, unsigned rule, uint8_t ret[PROLOGUE_MAX], unsigned *ret_stack)
{
	const char *c = w->rules[rule].load;
	size_t n = 0;

	for (; c[1]; c++)
		ret[n++] = (uint8_t)(ALOAD_0 + (*c - '0'));
	*ret_stack = n > 2 ? (unsigned)n : 2;
	ret[n++] = INVOKESTATIC;
	rm_j_write2(ret + n, w->added[rule].helper);
	n += 2;
	ret[n++] = ILOAD;
	ret[n++] = (uint8_t)(*c - '0');
	ret[n++] = IOR;
	ret[n++] = ISTORE;
	ret[n++] = (uint8_t)(*c - '0');
	return n;
}

/* Writes what comes before the method's own code into `ret`, and returns its length; 0: nothing does. */
static size_t prologue(struct rm_java_work *w, uint32_t mask, uint8_t ret[PROLOGUE_MAX], unsigned *ret_stack)
{
	size_t n = 0;

	for (unsigned i = 0; i < w->rule_count && n == 0; i++) {
		const struct rm_java_rule *r = &w->rules[i];

		if (!(mask & 1u << i) ||
		    (r->where != RM_JAVA_ENTRY && r->where != RM_JAVA_AROUND && r->where != RM_JAVA_GROW &&
		     r->where != RM_JAVA_SET))
			continue;
		w->hits++;
		if (r->where == RM_JAVA_SET)
			return set_bits(w, i, ret, ret_stack);
		if (r->where == RM_JAVA_GROW) {
			ret[n++] = IINC;
			ret[n++] = (uint8_t)(r->load[0] - '0');
			ret[n++] = (uint8_t)r->number;
			continue;
		}
		for (const char *c = r->load; *c; c++)
			ret[n++] = (uint8_t)(ALOAD_0 + (*c - '0'));
		*ret_stack = (unsigned)n + (r->number != RM_JAVA_NO_NUMBER);
		if (r->number != RM_JAVA_NO_NUMBER) {
			ret[n++] = BIPUSH;
			ret[n++] = (uint8_t)r->number;
		}
		ret[n++] = INVOKESTATIC;
		rm_j_write2(ret + n, w->added[i].helper);
		n += 2;
		if (w->added[i].cast) {
			ret[n++] = CHECKCAST;
			rm_j_write2(ret + n, w->added[i].cast);
			n += 2;
		}
		if (r->helper_signature[strlen(r->helper_signature) - 1] != 'V')
			ret[n++] = (uint8_t)(ASTORE_0 + (r->load[0] - '0'));
	}
	return n;
}

static size_t call_after(const struct code *c, uint8_t ret[EPILOGUE_BYTES])
{
	unsigned i = first_of(c->after);
	size_t n = 0;

	for (const char *at = c->w->rules[i].load; *at; at++)
		ret[n++] = (uint8_t)(ALOAD_0 + (*at - '0'));
	ret[n++] = INVOKESTATIC;
	rm_j_write2(ret + n, c->w->added[i].helper);
	return n + 2;
}

/* The object below one or two arguments is shown to the helper. */
static size_t show(const struct code *c, unsigned rule, uint8_t ret[EPILOGUE_BYTES])
{
	unsigned objects = 0;
	size_t n = 0;
	bool two;

	for (const char *at = c->w->rules[rule].callee_signature; *at; at++)
		objects += *at == ';';
	two = objects == 2;
	if (two) {
		ret[n++] = DUP2_X1;
		ret[n++] = POP2;
	} else {
		ret[n++] = SWAP;
	}
	ret[n++] = DUP;
	ret[n++] = INVOKESTATIC;
	rm_j_write2(ret + n, c->w->added[rule].helper);
	n += 2;
	ret[n++] = two ? DUP_X2 : SWAP;
	if (two)
		ret[n++] = POP;
	return n;
}

/* The same of what comes before this instruction. */
static size_t epilogue(const struct code *c, const uint8_t *p, uint8_t ret[EPILOGUE_BYTES])
{
	if (c->around && *p >= RETURN_FIRST && *p <= RETURN_LAST) {
		ret[0] = INVOKESTATIC;
		rm_j_write2(ret + 1, c->w->end);
		return 3;
	}
	if (c->after && *p >= RETURN_FIRST && *p <= RETURN_LAST)
		return call_after(c, ret);
	if (c->result && *p == IRETURN) {
		ret[0] = INVOKESTATIC;
		rm_j_write2(ret + 1, c->w->added[first_of(c->result)].helper);
		return 3;
	}
	if (c->result && *p == ARETURN) {
		ret[0] = DUP;
		ret[1] = INVOKESTATIC;
		rm_j_write2(ret + 2, c->w->added[first_of(c->result)].helper);
		return 4;
	}
	for (uint32_t left = c->before; left; left &= left - 1)
		if (fits(c->w, &c->w->rules[first_of(left)], p))
			return show(c, first_of(left), ret);
	return 0;
}

/* ---- where instructions go ---- */

/* Fills w->moved; returns the new length of the code, without a handler. 0: it is not understood. */
static size_t lay_out(const struct code *c, size_t first)
{
	size_t to = first, n;
	uint8_t text[EPILOGUE_BYTES];

	for (const uint8_t *p = c->start; p < c->end; p += n) {
		n = instruction_bytes(c, p);
		if (!n || to > RM_JAVA_CODE_MAX)
			return 0;
		c->w->moved[p - c->start] = (uint16_t)to;
		to += epilogue(c, p, text);
		if (*p == TABLESWITCH || *p == LOOKUPSWITCH) {
			size_t pad, bytes = switch_bytes(c, p, &pad);

			to += bytes + 3 - to % 4;
		} else {
			to += n;
		}
	}
	if (to > RM_JAVA_CODE_MAX)
		return 0;
	c->w->moved[c->end - c->start] = (uint16_t)to;
	return to;
}

/* How far it is to where the instruction at p jumps, from its new place. */
static int32_t distance(const struct code *c, const uint8_t *p, int32_t by)
{
	int64_t at = (p - c->start) + by;

	if (at < 0 || at >= c->end - c->start || !c->w->moved[at]) {
		c->w->out.bad |= at != 0;
		return at == 0 ? -(int32_t)c->w->moved[p - c->start] : 0;
	}
	return (int32_t)c->w->moved[at] - (int32_t)c->w->moved[p - c->start];
}

static void put_switch(const struct code *c, const uint8_t *p)
{
	struct rm_jout *out = &c->w->out;
	size_t pad, bytes = switch_bytes(c, p, &pad), to = c->w->moved[p - c->start];
	const uint8_t *rest = p + 1 + pad, *last = p + pad + bytes;

	rm_j_put1(out, *p);
	for (size_t i = 0; i < 3 - to % 4; i++)
		rm_j_put1(out, 0);
	rm_j_put4(out, (uint32_t)distance(c, p, (int32_t)rm_be32(rest)));
	rm_j_put(out, rest + 4, *p == LOOKUPSWITCH ? 4 : 8); /* how many; or the lowest and the highest */
	for (rest += *p == LOOKUPSWITCH ? 8 : 12; rest < last; rest += 4) {
		if (*p == LOOKUPSWITCH) {
			rm_j_put(out, rest, 4);
			rest += 4;
		}
		rm_j_put4(out, (uint32_t)distance(c, p, (int32_t)rm_be32(rest)));
	}
}

static void put_jump(const struct code *c, const uint8_t *p)
{
	bool wide = *p == GOTO_W || *p == JSR_W;
	int32_t by = distance(c, p, wide ? (int32_t)rm_be32(p + 1) : (int16_t)rm_be16(p + 1));

	rm_j_put1(&c->w->out, *p);
	if (wide) {
		rm_j_put4(&c->w->out, (uint32_t)by);
		return;
	}
	c->w->out.bad |= by < INT16_MIN || by > INT16_MAX;
	rm_j_put2(&c->w->out, (unsigned)by & 0xffff);
}

/* The instruction, or the call that a rule has instead, behind what is put before it. */
static void put_instruction(const struct code *c, const uint8_t *p, size_t n)
{
	struct rm_java_work *w = c->w;
	uint8_t text[EPILOGUE_BYTES];
	size_t before = epilogue(c, p, text);

	rm_j_put(&w->out, text, before);
	w->hits += before != 0;
	for (unsigned i = 0; i < w->rule_count; i++) {
		if (!(c->mask & ~c->before & 1u << i) || !fits(w, &w->rules[i], p))
			continue;
		rm_j_put1(&w->out, INVOKESTATIC);
		rm_j_put2(&w->out, w->added[i].helper);
		for (; n > 3; n--)
			rm_j_put1(&w->out, NOP);
		w->hits++;
		return;
	}
	if (*p == TABLESWITCH || *p == LOOKUPSWITCH)
		put_switch(c, p);
	else if ((*p >= IF_FIRST && *p <= JSR) || *p == IFNULL || *p == IFNONNULL || *p == GOTO_W || *p == JSR_W)
		put_jump(c, p);
	else
		rm_j_put(&w->out, p, n);
}

static void put_code(const struct code *c, const uint8_t *first, size_t first_bytes)
{
	rm_j_put(&c->w->out, first, first_bytes);
	for (const uint8_t *p = c->start; p < c->end && !c->w->out.bad;) {
		size_t n = instruction_bytes(c, p);

		put_instruction(c, p, n);
		p += n;
	}
	if (!c->around)
		return;
	rm_j_put1(&c->w->out, INVOKESTATIC);
	rm_j_put2(&c->w->out, c->w->end);
	rm_j_put1(&c->w->out, ATHROW);
}

/* The rules of `mask` that are of this kind. */
static uint32_t of_kind(const struct rm_java_work *w, uint32_t mask, enum rm_java_where where)
{
	uint32_t ret = 0;

	for (unsigned i = 0; i < w->rule_count; i++)
		ret |= w->rules[i].where == where ? mask & 1u << i : 0;
	return ret;
}

void rm_java_rewrite_code(struct rm_java_work *w, uint32_t mask)
{
	unsigned stack = rm_j_u2(&w->in), locals = rm_j_u2(&w->in), needs = 0;
	struct code c = { w, NULL, NULL, mask, of_kind(w, mask, RM_JAVA_AROUND),
			  of_kind(w, mask, RM_JAVA_AFTER), of_kind(w, mask, RM_JAVA_RESULT), of_kind(w, mask, RM_JAVA_BEFORE) };
	uint8_t first[PROLOGUE_MAX];
	size_t first_bytes = prologue(w, mask, first, &needs), bytes;
	uint32_t n = rm_j_u4(&w->in);
	struct rm_java_change change = { .first = (unsigned)first_bytes, .code = n };

	c.start = w->in.p;
	if (!n || n > RM_JAVA_CODE_MAX || !rm_j_take(&w->in, n) || w->in.bad) {
		w->in.bad = true;
		return;
	}
	c.end = c.start + n;
	memset(w->moved, 0, (n + 1) * sizeof(*w->moved));
	bytes = lay_out(&c, first_bytes);
	if (!bytes || bytes + HANDLER_BYTES > RM_JAVA_CODE_MAX) {
		w->in.bad = true;
		return;
	}
	if (c.around) {
		change.handler = (unsigned)bytes;
		bytes += HANDLER_BYTES;
	}
	if (c.result)
		stack++;
	if (c.before)
		stack += 2;
	if (c.after)
		stack += (unsigned)strlen(w->rules[first_of(c.after)].load);
	if (c.around && !needs)
		needs = 1;
	rm_j_put2(&w->out, stack > needs ? stack : needs);
	rm_j_put2(&w->out, locals);
	rm_j_put4(&w->out, (uint32_t)bytes);
	put_code(&c, first, first_bytes);
	rm_java_move_handlers(w, &change);
	rm_java_move_attributes(w, &change);
}
