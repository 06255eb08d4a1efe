/*
 * The X-Amzn-Trace-Id header: `Key=Value` fields in any order, of which Root, Parent and Sampled
 * are ours; Self (of load balancers), Lineage and what else there is stay as they are.
 * What is a context, and what is not:
 *
 *   Root, Parent, Sampled=0 or 1   the parent, and its decision
 *   Root, Parent, no Sampled or ?  the parent, which leaves the decision to us
 *   Root, no Parent                a trace that a load balancer began: our span is a root in it
 *   anything else                  none
 *
 * OpenTelemetry's propagators take the first form and Sampled=? alone, AWS's SDKs all three.
 * Context: any, signal-safe. Spec: AWS X-Ray developer guide, "Tracing header".
 */
#include "protocols/tracecontext.h"

#include <string.h>

enum {
	ROOT_BYTES = 35,
	ROOT_TIME_AT = 2,
	ROOT_TIME_HEX = 8,
	ROOT_REST_AT = 11,
	ROOT_REST_HEX = 24,
	PARENT_BYTES = 16,
	REWRITE_MAX_BYTES = 512
};

/* The values, slices of the header's; p is NULL without one. Of several of a name the last counts. */
struct parts {
	struct rm_str root, parent, sampled;
};

static void split(struct rm_str value, struct parts *ret)
{
	*ret = (struct parts){ 0 };
	while (value.p) {
		struct rm_str field = rm_str_cut(&value, ';');
		struct rm_str key = rm_str_trim(rm_str_cut(&field, '='));
		struct rm_str *to = rm_str_eq(key, RM_STR("Root"))    ? &ret->root
				    : rm_str_eq(key, RM_STR("Parent"))	? &ret->parent
				    : rm_str_eq(key, RM_STR("Sampled")) ? &ret->sampled
									: NULL;

		if (to)
			*to = field.p ? rm_str_trim(field) : RM_STR("");
	}
}

/* `1-<8 hex>-<24 hex>`: the digits are one W3C trace id. */
static bool root_hex(struct rm_str root, char *ret_hex)
{
	if (root.n != ROOT_BYTES || memcmp(root.p, "1-", ROOT_TIME_AT) != 0 ||
	    root.p[ROOT_REST_AT - 1] != '-')
		return false;
	memcpy(ret_hex, root.p + ROOT_TIME_AT, ROOT_TIME_HEX);
	memcpy(ret_hex + ROOT_TIME_HEX, root.p + ROOT_REST_AT, ROOT_REST_HEX);
	return true;
}

static bool read_sampled(struct rm_str sampled, struct rm_spanctx *ret)
{
	if (!sampled.p)
		return true;
	if (sampled.n != 1 || (sampled.p[0] != '0' && sampled.p[0] != '1' && sampled.p[0] != '?'))
		return false;
	ret->asks = sampled.p[0] == '?';
	ret->sampled_known = !ret->asks;
	ret->flags = sampled.p[0] == '1' ? RM_FLAG_SAMPLED : 0;
	return true;
}

bool rm_xray_parse(struct rm_str value, struct rm_spanctx *ret)
{
	static const char some_span[PARENT_BYTES + 1] = "0000000000000001";
	char trace_hex[ROOT_TIME_HEX + ROOT_REST_HEX];
	struct rm_spanctx c = { 0 };
	struct parts parts;

	*ret = c;
	split(value, &parts);
	if (!root_hex(parts.root, trace_hex) || !read_sampled(parts.sampled, &c))
		return false;
	if (!parts.parent.p) {
		if (!rm_ids_decode(trace_hex, some_span, &c))
			return false;
		memset(c.span_id, 0, sizeof(c.span_id));
		c.trace_only = true;
		*ret = c;
		return false;
	}
	if (parts.parent.n != PARENT_BYTES || !rm_ids_decode(trace_hex, parts.parent.p, &c))
		return false;
	c.valid = true;
	*ret = c;
	return true;
}

void rm_trace_id_date(uint8_t trace_id[16], uint64_t wall_ns)
{
	uint32_t seconds = __builtin_bswap32((uint32_t)(wall_ns / 1000000000)); /* big-endian, and we are not */

	memcpy(trace_id, &seconds, sizeof(seconds));
}

static void put_root(const struct rm_spanctx *c, struct rm_strbuf *out)
{
	rm_strbuf_c(out, "1-");
	rm_strbuf_hex(out, c->trace_id, ROOT_TIME_HEX / 2);
	rm_strbuf_char(out, '-');
	rm_strbuf_hex(out, c->trace_id + ROOT_TIME_HEX / 2, ROOT_REST_HEX / 2);
}

static char decision(const struct rm_spanctx *c)
{
	return c->flags & RM_FLAG_SAMPLED ? '1' : '0';
}

void rm_xray_format(const struct rm_spanctx *c, struct rm_strbuf *out)
{
	rm_strbuf_c(out, "Root=");
	put_root(c, out);
	rm_strbuf_c(out, ";Parent=");
	rm_strbuf_hex(out, c->span_id, sizeof(c->span_id));
	rm_strbuf_c(out, ";Sampled=");
	rm_strbuf_char(out, decision(c));
}

void rm_xray_answer(const struct rm_spanctx *c, struct rm_strbuf *out)
{
	rm_strbuf_c(out, "Root=");
	put_root(c, out);
	rm_strbuf_c(out, ";Sampled=");
	rm_strbuf_char(out, decision(c));
}

static bool is_root_of(struct rm_str root, const struct rm_spanctx *c)
{
	char hex[ROOT_BYTES];
	struct rm_strbuf b;

	rm_strbuf_init(&b, hex, sizeof(hex));
	put_root(c, &b);
	return rm_str_eq(root, rm_strbuf_view(&b));
}

bool rm_xray_rewrite(struct rm_str value, const struct rm_spanctx *c, struct rm_strbuf *out)
{
	struct parts parts;
	size_t start = out->n;

	split(value, &parts);
	if (value.n > REWRITE_MAX_BYTES || !is_root_of(parts.root, c) || (parts.parent.p && parts.parent.n != PARENT_BYTES) ||
	    (parts.sampled.p && parts.sampled.n != 1))
		return false;
	rm_strbuf_str(out, value);
	if (out->truncated)
		return false;
	if (parts.parent.p) {
		rm_hex_encode(c->span_id, sizeof(c->span_id), out->p + start + (parts.parent.p - value.p));
	} else {
		rm_strbuf_c(out, ";Parent=");
		rm_strbuf_hex(out, c->span_id, sizeof(c->span_id));
	}
	if (parts.sampled.p) {
		out->p[start + (size_t)(parts.sampled.p - value.p)] = decision(c);
	} else {
		rm_strbuf_c(out, ";Sampled=");
		rm_strbuf_char(out, decision(c));
	}
	return !out->truncated;
}
