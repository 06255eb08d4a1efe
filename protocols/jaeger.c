/*
 * The uber-trace-id header: trace, span, parent and flags in hex, between colons that some senders
 * URL-encode. Ids may come without leading zeros. Context: any, signal-safe.
 * Spec: Jaeger, client libraries, "Trace/Span Identity"; OpenTelemetry, "Jaeger" propagator.
 */
#include "protocols/tracecontext.h"

#include <string.h>

enum { TRACE_HEX = 32, SPAN_HEX = 16, FLAG_SAMPLED = 1, FLAG_DEBUG = 2 };

/* As rm_str_cut, at ":" or "%3A". */
static struct rm_str cut_colon(struct rm_str *rest)
{
	struct rm_str ret = *rest;

	for (size_t i = 0; i < rest->n; i++) {
		const char *p = rest->p + i;
		size_t n = 0;

		if (*p == ':')
			n = 1;
		else if (rest->n - i >= 3 && p[0] == '%' && p[1] == '3' && (p[2] | 0x20) == 'a')
			n = 3;
		if (n == 0)
			continue;
		ret.n = i;
		*rest = (struct rm_str){ p + n, rest->n - i - n };
		return ret;
	}
	*rest = (struct rm_str){ NULL, 0 };
	return ret;
}

/* Hex digits with zeros on the left up to `width`; false when there are none or too many. */
static bool pad(struct rm_str hex, char *ret, size_t width)
{
	if (hex.n == 0 || hex.n > width)
		return false;
	memset(ret, '0', width - hex.n);
	memcpy(ret + width - hex.n, hex.p, hex.n);
	return true;
}

bool rm_jaeger_parse(struct rm_str value, struct rm_spanctx *ret)
{
	struct rm_spanctx c = { .valid = true, .sampled_known = true };
	struct rm_str rest = value;
	struct rm_str trace = cut_colon(&rest);
	struct rm_str span = cut_colon(&rest);
	char trace_hex[TRACE_HEX], span_hex[SPAN_HEX], flags_hex[2];
	uint8_t flags;

	*ret = (struct rm_spanctx){ 0 };
	cut_colon(&rest); /* the parent's id: deprecated */
	if (!rest.p || !pad(trace, trace_hex, TRACE_HEX) || !pad(span, span_hex, SPAN_HEX) ||
	    !pad(rest, flags_hex, 2) || !rm_ids_decode(trace_hex, span_hex, &c) ||
	    !rm_hex_decode(flags_hex, &flags, 1))
		return false;
	c.flags = flags & FLAG_SAMPLED ? RM_FLAG_SAMPLED : 0;
	c.debug = c.flags && flags & FLAG_DEBUG; /* debug means something on sampled traces only */
	*ret = c;
	return true;
}

void rm_jaeger_format(const struct rm_spanctx *c, struct rm_strbuf *out)
{
	rm_strbuf_hex(out, c->trace_id, 16);
	rm_strbuf_char(out, ':');
	rm_strbuf_hex(out, c->span_id, 8);
	rm_strbuf_c(out, c->debug ? ":0:3" : c->flags & RM_FLAG_SAMPLED ? ":0:1" : ":0:0");
}
