/*
 * B3, in one header or in several: ids and a state that accepts, denies, demands debugging or
 * leaves the decision to us. 64-bit trace ids become 128-bit ones with zeros on the left.
 * Context: any, signal-safe. Spec: openzipkin B3; OpenTelemetry, context/api-propagators.md,
 * "B3 Requirements".
 */
#include "protocols/tracecontext.h"

#include <string.h>

enum { SPAN_HEX = 16, SHORT_TRACE_HEX = 16, TRACE_HEX = 32 };

static bool read_ids(struct rm_str trace, struct rm_str span, struct rm_spanctx *ret)
{
	char padded[TRACE_HEX];

	if (span.n != SPAN_HEX || (trace.n != TRACE_HEX && trace.n != SHORT_TRACE_HEX))
		return false;
	memset(padded, '0', sizeof(padded) - trace.n);
	memcpy(padded + sizeof(padded) - trace.n, trace.p, trace.n);
	return rm_ids_decode(padded, span.p, ret);
}

static void set_debug(struct rm_spanctx *c)
{
	c->debug = true;
	c->sampled_known = true;
	c->flags = RM_FLAG_SAMPLED;
}

static void set_sampled(struct rm_spanctx *c, bool sampled)
{
	c->sampled_known = true;
	c->flags = sampled ? RM_FLAG_SAMPLED : 0;
}

static bool read_state(struct rm_str state, struct rm_spanctx *ret)
{
	if (state.n != 1)
		return false;
	switch (state.p[0]) {
	case 'd':
		set_debug(ret);
		return true;
	case '0':
	case '1':
		set_sampled(ret, state.p[0] == '1');
		return true;
	}
	return false;
}

bool rm_b3_parse(struct rm_str value, struct rm_spanctx *ret)
{
	struct rm_spanctx c = { .valid = true };
	struct rm_str rest = value;
	struct rm_str trace = rm_str_cut(&rest, '-');
	struct rm_str span = rm_str_cut(&rest, '-');

	*ret = (struct rm_spanctx){ 0 };
	if (!read_ids(trace, span, &c))
		return false;
	if (rest.p && !read_state(rm_str_cut(&rest, '-'), &c))
		return false;
	/* What may follow is the parent's id, which nobody needs. */
	if (rest.p && rest.n != SPAN_HEX)
		return false;
	*ret = c;
	return true;
}

bool rm_b3multi_parse(const struct rm_carriers *carriers, struct rm_spanctx *ret)
{
	struct rm_str sampled = rm_carriers_first(carriers, RM_CARRIER_B3_SAMPLED);
	struct rm_spanctx c = { .valid = true };

	*ret = (struct rm_spanctx){ 0 };
	if (!read_ids(rm_carriers_first(carriers, RM_CARRIER_B3_TRACEID),
		      rm_carriers_first(carriers, RM_CARRIER_B3_SPANID),
		      &c))
		return false;
	if (rm_str_eq(rm_carriers_first(carriers, RM_CARRIER_B3_FLAGS), RM_STR("1"))) {
		set_debug(&c);
	} else if (rm_str_eq(sampled, RM_STR("1")) || rm_str_ieq(sampled, RM_STR("true"))) {
		set_sampled(&c, true);
	} else if (rm_str_eq(sampled, RM_STR("0")) || rm_str_ieq(sampled, RM_STR("false"))) {
		set_sampled(&c, false);
	} else if (sampled.n > 0) {
		return false;
	}
	*ret = c;
	return true;
}

void rm_b3_format(const struct rm_spanctx *c, struct rm_strbuf *out)
{
	rm_strbuf_hex(out, c->trace_id, 16);
	rm_strbuf_char(out, '-');
	rm_strbuf_hex(out, c->span_id, 8);
	rm_strbuf_char(out, '-');
	rm_strbuf_char(out, c->debug ? 'd' : c->flags & RM_FLAG_SAMPLED ? '1' : '0');
}
