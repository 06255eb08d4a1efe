/*
 * The propagators together: which headers carry a context, which of them is believed, and the
 * fields that carry ours. Baggage passes through as bytes; nobody here reads it.
 * Context: any, signal-safe. Spec: OpenTelemetry, context/api-propagators.md; W3C Baggage
 * section 3.3 (limits).
 */
#include "protocols/tracecontext.h"

#include <string.h>

enum { BAGGAGE_MAX_MEMBERS = 64, VALUE_MAX_BYTES = 128 /* of a context in any format */ };

static const struct {
	char name[13];
	unsigned bit;
} propagators_by_name[] = {
	{ "tracecontext", RM_PROP_TRACECONTEXT },
	{ "baggage", RM_PROP_BAGGAGE },
	{ "b3", RM_PROP_B3 },
	{ "b3multi", RM_PROP_B3MULTI },
	{ "xray", RM_PROP_XRAY },
	{ "xray-lambda", RM_PROP_XRAY },
	{ "jaeger", RM_PROP_JAEGER },
};
enum { PROPAGATORS = sizeof(propagators_by_name) / sizeof(propagators_by_name[0]) };

unsigned rm_propagators_parse(struct rm_str list)
{
	unsigned ret = 0;

	while (list.p) {
		struct rm_str item = rm_str_trim(rm_str_cut(&list, ','));

		for (unsigned i = 0; i < PROPAGATORS; i++)
			if (rm_str_ieq(item, RM_STR_OF(propagators_by_name[i].name)))
				ret |= propagators_by_name[i].bit;
	}
	return ret;
}

/* ---- reading ---- */

static const struct {
	uint8_t bytes;
	char text[18];
} carrier_names[RM_CARRIER_COUNT] = {
	[RM_CARRIER_TRACEPARENT] = { 11, "traceparent" },
	[RM_CARRIER_TRACESTATE] = { 10, "tracestate" },
	[RM_CARRIER_BAGGAGE] = { 7, "baggage" },
	[RM_CARRIER_B3] = { 2, "b3" },
	[RM_CARRIER_B3_TRACEID] = { 12, "x-b3-traceid" },
	[RM_CARRIER_B3_SPANID] = { 11, "x-b3-spanid" },
	[RM_CARRIER_B3_PARENTSPANID] = { 17, "x-b3-parentspanid" },
	[RM_CARRIER_B3_SAMPLED] = { 12, "x-b3-sampled" },
	[RM_CARRIER_B3_FLAGS] = { 10, "x-b3-flags" },
	[RM_CARRIER_XRAY] = { 15, "x-amzn-trace-id" },
	[RM_CARRIER_JAEGER] = { 13, "uber-trace-id" },
};

static struct rm_str name_of(enum rm_carrier carrier)
{
	return (struct rm_str){ carrier_names[carrier].text, carrier_names[carrier].bytes };
}

static int if_named(struct rm_str name, enum rm_carrier carrier)
{
	return rm_str_ieq(name, name_of(carrier)) ? (int)carrier : -1;
}

#define SHAPE(length, letter) ((length) << 8 | (letter))

int rm_carrier_of(struct rm_str name)
{
	if (name.n == 0)
		return -1;
	/* Almost every header of almost every message ends at this switch. */
	switch (SHAPE(name.n, (unsigned char)name.p[0] | 0x20u)) {
	case SHAPE(11, 't'):
		return if_named(name, RM_CARRIER_TRACEPARENT);
	case SHAPE(10, 't'):
		return if_named(name, RM_CARRIER_TRACESTATE);
	case SHAPE(7, 'b'):
		return if_named(name, RM_CARRIER_BAGGAGE);
	case SHAPE(2, 'b'):
		return if_named(name, RM_CARRIER_B3);
	case SHAPE(12, 'x'):
		if (name.p[3] != '3') /* X-Request-Id, which many have */
			return -1;
		return if_named(name, (name.p[5] | 0x20) == 't' ? RM_CARRIER_B3_TRACEID
								: RM_CARRIER_B3_SAMPLED);
	case SHAPE(11, 'x'):
		return if_named(name, RM_CARRIER_B3_SPANID);
	case SHAPE(17, 'x'):
		return if_named(name, RM_CARRIER_B3_PARENTSPANID);
	case SHAPE(10, 'x'):
		return if_named(name, RM_CARRIER_B3_FLAGS);
	case SHAPE(15, 'x'):
		return if_named(name, RM_CARRIER_XRAY);
	case SHAPE(13, 'u'):
		return if_named(name, RM_CARRIER_JAEGER);
	}
	return -1;
}

#define CARRIES(carrier) (1u << (carrier))

void rm_carriers_add(struct rm_carriers *c, int carrier, struct rm_str value)
{
	uint8_t seen = c->count[carrier];

	value = rm_str_trim(value);
	if (seen == 0)
		c->value[carrier] = value;
	else if (seen <= RM_CARRIERS_MORE && carrier == RM_CARRIER_TRACESTATE)
		c->more_tracestate[seen - 1] = value;
	else if (seen <= RM_CARRIERS_MORE && carrier == RM_CARRIER_BAGGAGE)
		c->more_baggage[seen - 1] = value;
	c->seen |= CARRIES(carrier);
	if (seen < UINT8_MAX)
		c->count[carrier] = (uint8_t)(seen + 1);
}

static void extract_tracestate(const struct rm_carriers *c, struct rm_strbuf *ret)
{
	unsigned count = c->count[RM_CARRIER_TRACESTATE];
	bool good = rm_tracestate_append(ret, rm_carriers_first(c, RM_CARRIER_TRACESTATE));

	for (unsigned i = 0; good && i < RM_CARRIERS_MORE && i + 1 < count; i++)
		good = rm_tracestate_append(ret, c->more_tracestate[i]);
	if (!good)
		ret->n = 0;
}

void rm_extract(unsigned propagators, const struct rm_carriers *c, struct rm_spanctx *ret,
		struct rm_strbuf *ret_state)
{
	struct rm_spanctx jaeger;

	ret_state->n = 0;
	*ret = (struct rm_spanctx){ 0 };
	if (propagators & RM_PROP_TRACECONTEXT && c->count[RM_CARRIER_TRACEPARENT] == 1 &&
	    rm_traceparent_parse(c->value[RM_CARRIER_TRACEPARENT], ret)) {
		extract_tracestate(c, ret_state);
		return;
	}
	/* Either B3 propagator reads both encodings; they differ in what is sent. */
	if (propagators & (RM_PROP_B3 | RM_PROP_B3MULTI) &&
	    (rm_b3_parse(rm_carriers_first(c, RM_CARRIER_B3), ret) || rm_b3multi_parse(c, ret)))
		return;
	if (propagators & RM_PROP_XRAY && c->count[RM_CARRIER_XRAY] == 1 &&
	    rm_xray_parse(c->value[RM_CARRIER_XRAY], ret))
		return;
	/* Only a whole context takes the place of a trace that is known without a span. */
	if (propagators & RM_PROP_JAEGER && rm_jaeger_parse(rm_carriers_first(c, RM_CARRIER_JAEGER), &jaeger))
		*ret = jaeger;
}

struct rm_str rm_extract_baggage(const struct rm_carriers *c, struct rm_strbuf *room)
{
	unsigned count = c->count[RM_CARRIER_BAGGAGE];

	if (count < 2)
		return rm_carriers_first(c, RM_CARRIER_BAGGAGE);
	room->n = 0;
	for (unsigned i = 0; i <= RM_CARRIERS_MORE && i < count; i++) {
		struct rm_str value = i == 0 ? c->value[RM_CARRIER_BAGGAGE]
					     : c->more_baggage[i - 1];

		if (value.n == 0 || room->cap - room->n < value.n + 1)
			continue;
		if (room->n > 0)
			rm_strbuf_char(room, ',');
		rm_strbuf_str(room, value);
	}
	return rm_strbuf_view(room);
}

/* ---- writing ---- */

/* What a parser let through as a value may still hold a folded line: it must not become ours. */
static bool is_sendable(struct rm_str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char byte = (unsigned char)value.p[i];

		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return false;
	}
	return value.n > 0;
}

/* The longest run of whole members from the start that keeps to the limits. */
static struct rm_str fit_baggage(struct rm_str baggage)
{
	size_t end = 0;
	unsigned members = 0;

	for (size_t i = 0; i <= baggage.n && i <= RM_BAGGAGE_MAX_BYTES; i++) {
		if (i < baggage.n && baggage.p[i] != ',')
			continue;
		end = i;
		if (++members == BAGGAGE_MAX_MEMBERS)
			break;
	}
	return (struct rm_str){ baggage.p, end };
}

void rm_put_line(struct rm_strbuf *out, struct rm_str name, struct rm_str value)
{
	char *p = rm_strbuf_room(out, name.n + 2 + value.n + 2);

	if (!p)
		return;
	memcpy(p, name.p, name.n);
	memcpy(p + name.n, ": ", 2);
	p += name.n + 2;
	memcpy(p, value.p, value.n);
	memcpy(p + value.n, "\r\n", 2);
}

/* A field whose value is a context as one of the formats writes it. */
static void put_formatted(struct rm_strbuf *out, rm_put_field *put, enum rm_carrier carrier,
			  const struct rm_spanctx *c, void (*format)(const struct rm_spanctx *, struct rm_strbuf *))
{
	char text[VALUE_MAX_BYTES];
	struct rm_strbuf value;

	rm_strbuf_init(&value, text, sizeof(text));
	format(c, &value);
	put(out, name_of(carrier), rm_strbuf_view(&value));
}

void rm_inject_traceparent(const struct rm_spanctx *c, rm_put_field *put, struct rm_strbuf *out)
{
	char value[RM_TRACEPARENT_BYTES];

	rm_traceparent_format(c, value);
	put(out, name_of(RM_CARRIER_TRACEPARENT), (struct rm_str){ value, sizeof(value) });
}

static void put_b3(const struct rm_spanctx *c, rm_put_field *put, struct rm_strbuf *out)
{
	put_formatted(out, put, RM_CARRIER_B3, c, rm_b3_format);
}

static void put_hex(struct rm_strbuf *out, rm_put_field *put, enum rm_carrier carrier, const uint8_t *id, size_t n)
{
	char digits[32];

	rm_hex_encode(id, n, digits);
	put(out, name_of(carrier), (struct rm_str){ digits, 2 * n });
}

static void put_b3multi(const struct rm_spanctx *c, rm_put_field *put, struct rm_strbuf *out)
{
	put_hex(out, put, RM_CARRIER_B3_TRACEID, c->trace_id, 16);
	put_hex(out, put, RM_CARRIER_B3_SPANID, c->span_id, 8);
	/* Debug implies the decision: both at once would be redundant. */
	if (c->debug)
		put(out, name_of(RM_CARRIER_B3_FLAGS), RM_STR("1"));
	else
		put(out, name_of(RM_CARRIER_B3_SAMPLED),
			  c->flags & RM_FLAG_SAMPLED ? RM_STR("1") : RM_STR("0"));
}

static void put_xray(const struct rm_spanctx *c, rm_put_field *put, struct rm_strbuf *out)
{
	put_formatted(out, put, RM_CARRIER_XRAY, c, rm_xray_format);
}

static void put_jaeger(const struct rm_spanctx *c, rm_put_field *put, struct rm_strbuf *out)
{
	put_formatted(out, put, RM_CARRIER_JAEGER, c, rm_jaeger_format);
}

/* Takes back what was written since `start` if not all of it fitted. */
static bool keep_whole(struct rm_strbuf *out, size_t start)
{
	if (!out->truncated)
		return true;
	out->n = start;
	out->truncated = false;
	return false;
}

/* What writes a context, and the carriers that say the program did so itself. */
static const struct {
	unsigned propagator, carriers;
	void (*put)(const struct rm_spanctx *c, rm_put_field *put, struct rm_strbuf *out);
} writers[] = {
	{ RM_PROP_TRACECONTEXT, CARRIES(RM_CARRIER_TRACEPARENT), rm_inject_traceparent },
	{ RM_PROP_B3, CARRIES(RM_CARRIER_B3), put_b3 },
	{ RM_PROP_B3MULTI,
	  CARRIES(RM_CARRIER_B3_TRACEID) | CARRIES(RM_CARRIER_B3_SPANID) |
		  CARRIES(RM_CARRIER_B3_SAMPLED) | CARRIES(RM_CARRIER_B3_FLAGS),
	  put_b3multi },
	{ RM_PROP_XRAY, CARRIES(RM_CARRIER_XRAY), put_xray },
	{ RM_PROP_JAEGER, CARRIES(RM_CARRIER_JAEGER), put_jaeger },
};

static void put_extra(struct rm_strbuf *out, rm_put_field *put, enum rm_carrier carrier, struct rm_str value)
{
	size_t start = out->n;

	if (!is_sendable(value))
		return;
	put(out, name_of(carrier), value);
	keep_whole(out, start);
}

void rm_inject_tracestate(struct rm_str tracestate, const struct rm_carriers *present, rm_put_field *put,
			  struct rm_strbuf *out)
{
	if (!(present->seen & CARRIES(RM_CARRIER_TRACESTATE)))
		put_extra(out, put, RM_CARRIER_TRACESTATE, tracestate);
}

void rm_inject(unsigned propagators, const struct rm_spanctx *c, struct rm_str tracestate,
	       struct rm_str baggage, const struct rm_carriers *present, rm_put_field *put, struct rm_strbuf *out)
{
	unsigned has = present ? present->seen : 0;

	for (unsigned i = 0; c->valid && i < sizeof(writers) / sizeof(writers[0]); i++) {
		size_t start = out->n;

		if (!(propagators & writers[i].propagator) || has & writers[i].carriers)
			continue;
		writers[i].put(c, put, out);
		if (keep_whole(out, start) && writers[i].propagator == RM_PROP_TRACECONTEXT &&
		    !(has & CARRIES(RM_CARRIER_TRACESTATE)))
			put_extra(out, put, RM_CARRIER_TRACESTATE, tracestate);
	}
	if (propagators & RM_PROP_BAGGAGE && !(has & CARRIES(RM_CARRIER_BAGGAGE)))
		put_extra(out, put, RM_CARRIER_BAGGAGE, fit_baggage(baggage));
}
