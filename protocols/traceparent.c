/*
 * The traceparent header: version, trace id, span id and flags, each of fixed length. Strict, since
 * a value that is only almost right belongs to a broken sender: then a new trace begins.
 * Context: any, signal-safe. Spec: W3C Trace Context level 2, sections 3.2 and 4.
 */
#include "protocols/tracecontext.h"

#include <string.h>

enum { TRACE_ID_AT = 3, SPAN_ID_AT = 36, FLAGS_AT = 53 };

static bool any_bit(const uint8_t p[8])
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word != 0;
}

bool rm_ids_decode(const char *trace_hex, const char *span_hex, struct rm_spanctx *ret)
{
	return rm_hex_decode(trace_hex, ret->trace_id, 16) &&
	       rm_hex_decode(span_hex, ret->span_id, 8) &&
	       (any_bit(ret->trace_id) || any_bit(ret->trace_id + 8)) && any_bit(ret->span_id);
}

bool rm_traceparent_parse(struct rm_str value, struct rm_spanctx *ret)
{
	struct rm_spanctx c = { .sampled_known = true };
	const char *p = value.p;
	uint8_t version;

	*ret = (struct rm_spanctx){ 0 };
	if (value.n < RM_TRACEPARENT_BYTES || !rm_hex_decode(p, &version, 1) || version == 0xff)
		return false;
	/* Later versions may append fields, version 00 may not. */
	if (value.n > RM_TRACEPARENT_BYTES && (version == 0 || p[RM_TRACEPARENT_BYTES] != '-'))
		return false;
	if (p[TRACE_ID_AT - 1] != '-' || p[SPAN_ID_AT - 1] != '-' || p[FLAGS_AT - 1] != '-')
		return false;
	if (!rm_ids_decode(p + TRACE_ID_AT, p + SPAN_ID_AT, &c) ||
	    !rm_hex_decode(p + FLAGS_AT, &c.flags, 1))
		return false;
	c.flags &= RM_FLAG_SAMPLED | RM_FLAG_RANDOM;
	c.valid = true;
	*ret = c;
	return true;
}

void rm_traceparent_format(const struct rm_spanctx *c, char *ret)
{
	memcpy(ret, "00-", TRACE_ID_AT);
	rm_hex_encode(c->trace_id, 16, ret + TRACE_ID_AT);
	ret[SPAN_ID_AT - 1] = '-';
	rm_hex_encode(c->span_id, 8, ret + SPAN_ID_AT);
	ret[FLAGS_AT - 1] = '-';
	ret[FLAGS_AT] = '0';
	ret[FLAGS_AT + 1] = (char)('0' + (c->flags & (RM_FLAG_SAMPLED | RM_FLAG_RANDOM)));
}

void rm_traceparent_line(const struct rm_spanctx *c, char *ret)
{
	memcpy(ret, "traceparent: ", 13);
	rm_traceparent_format(c, ret + 13);
	memcpy(ret + 13 + RM_TRACEPARENT_BYTES, "\r\n", 2);
}
