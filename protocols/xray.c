/*
 * The X-Amzn-Trace-Id header: `Key=Value` fields in any order, of which Root, Parent and Sampled
 * are ours. A header of a load balancer, Root alone, names no span and is no context.
 * Context: any, signal-safe. Spec: AWS X-Ray, "Tracing header"; OpenTelemetry's X-Ray propagator.
 */
#include "protocols/tracecontext.h"

#include <string.h>

enum {
	ROOT_BYTES = 35,
	ROOT_TIME_AT = 2,
	ROOT_TIME_HEX = 8,
	ROOT_REST_AT = 11,
	ROOT_REST_HEX = 24,
	PARENT_BYTES = 16
};

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

bool rm_xray_parse(struct rm_str value, struct rm_spanctx *ret)
{
	struct rm_str root = { 0 }, parent = { 0 }, sampled = { 0 };
	char trace_hex[ROOT_TIME_HEX + ROOT_REST_HEX];
	struct rm_spanctx c = { .valid = true };

	*ret = (struct rm_spanctx){ 0 };
	while (value.p) {
		struct rm_str field = rm_str_cut(&value, ';');
		struct rm_str key = rm_str_trim(rm_str_cut(&field, '='));

		if (rm_str_eq(key, RM_STR("Root")))
			root = rm_str_trim(field);
		else if (rm_str_eq(key, RM_STR("Parent")))
			parent = rm_str_trim(field);
		else if (rm_str_eq(key, RM_STR("Sampled")))
			sampled = rm_str_trim(field);
	}
	if (!root_hex(root, trace_hex) || parent.n != PARENT_BYTES || sampled.n != 1 ||
	    !rm_ids_decode(trace_hex, parent.p, &c))
		return false;
	/* "?" asks us to decide. */
	if (sampled.p[0] != '0' && sampled.p[0] != '1' && sampled.p[0] != '?')
		return false;
	c.sampled_known = sampled.p[0] != '?';
	c.flags = sampled.p[0] == '1' ? RM_FLAG_SAMPLED : 0;
	*ret = c;
	return true;
}

void rm_xray_format(const struct rm_spanctx *c, struct rm_strbuf *out)
{
	rm_strbuf_c(out, "Root=1-");
	rm_strbuf_hex(out, c->trace_id, ROOT_TIME_HEX / 2);
	rm_strbuf_char(out, '-');
	rm_strbuf_hex(out, c->trace_id + ROOT_TIME_HEX / 2, ROOT_REST_HEX / 2);
	rm_strbuf_c(out, ";Parent=");
	rm_strbuf_hex(out, c->span_id, 8);
	rm_strbuf_c(out, c->flags & RM_FLAG_SAMPLED ? ";Sampled=1" : ";Sampled=0");
}
