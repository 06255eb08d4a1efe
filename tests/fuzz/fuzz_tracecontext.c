/*
 * Trace context headers. The input is header lines, "name: value" each, after one byte that chooses
 * propagators and one that chooses how much room there is. What must hold for any input: what is
 * extracted can be injected and extracted again to the same; injected text is whole header lines
 * with nothing between; tracestate and baggage keep to their limits.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/redact.h"
#include "protocols/tracecontext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	ALL = RM_PROP_TRACECONTEXT | RM_PROP_BAGGAGE | RM_PROP_B3 | RM_PROP_B3MULTI | RM_PROP_XRAY |
	      RM_PROP_JAEGER,
	OUT_BYTES = 16384,
	MEMBERS_MAX = 32
};

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void read_lines(struct rm_str text, struct rm_carriers *ret)
{
	memset(ret, 0, sizeof(*ret));
	while (text.p) {
		struct rm_str value = rm_str_cut(&text, '\n');
		struct rm_str name = rm_str_cut(&value, ':');
		int carrier = rm_carrier_of(name);

		check(carrier < RM_CARRIER_COUNT);
		if (carrier >= 0 && value.p)
			rm_carriers_add(ret, carrier, value);
	}
}

/* Splits what rm_inject wrote: each line is one carrier and ends in CR LF. */
static void read_injected(struct rm_str text, struct rm_carriers *ret)
{
	memset(ret, 0, sizeof(*ret));
	while (text.n > 0) {
		struct rm_str value = rm_str_cut(&text, '\n');
		struct rm_str name = rm_str_cut(&value, ':');
		int carrier = rm_carrier_of(name);

		check(carrier >= 0 && text.p && value.n > 2 && value.p[0] == ' ');
		check(value.p[value.n - 1] == '\r' && !memchr(value.p, '\r', value.n - 1));
		value.n--;
		rm_carriers_add(ret, carrier, value);
		check(ret->count[carrier] == 1);
	}
}

static bool same(const struct rm_spanctx *a, const struct rm_spanctx *b)
{
	return a->valid == b->valid && memcmp(a->trace_id, b->trace_id, 16) == 0 &&
	       memcmp(a->span_id, b->span_id, 8) == 0 &&
	       (a->flags & RM_FLAG_SAMPLED) == (b->flags & RM_FLAG_SAMPLED);
}

static void check_state(struct rm_str state)
{
	unsigned members = state.n > 0;

	for (size_t i = 0; i < state.n; i++) {
		check(state.p[i] >= ' ' && state.p[i] <= '~');
		members += state.p[i] == ',';
	}
	check(members <= MEMBERS_MAX && state.n <= RM_TRACESTATE_MAX_BYTES);
}

/* Each format alone gives back what it was given. */
static void round_trip(const struct rm_spanctx *c, struct rm_str state, struct rm_str baggage)
{
	static char text[OUT_BYTES], again[2048];
	struct rm_carriers carriers;
	struct rm_strbuf out, room;
	struct rm_spanctx got;

	for (unsigned bit = 1; bit <= RM_PROP_JAEGER; bit <<= 1) {
		rm_strbuf_init(&out, text, sizeof(text));
		rm_inject(bit, c, state, baggage, NULL, rm_put_line, &out);
		check(!out.truncated);
		read_injected(rm_strbuf_view(&out), &carriers);
		check(rm_carriers_first(&carriers, RM_CARRIER_BAGGAGE).n <= RM_BAGGAGE_MAX_BYTES);
		rm_strbuf_init(&room, again, sizeof(again));
		rm_extract(bit, &carriers, &got, &room);
		if (bit == RM_PROP_BAGGAGE) {
			check(!got.valid);
			continue;
		}
		check(same(c, &got) && got.sampled_known);
		if (bit == RM_PROP_TRACECONTEXT)
			check(rm_str_eq(rm_tracestate_fit(&room), state) && got.flags == c->flags);
	}
}

/* What of a header is taken for a trace can be given another span, and all else in it stays. */
static void rewrite(struct rm_str value)
{
	static char text[1024];
	struct rm_spanctx c, got;
	struct rm_strbuf out;
	bool valid = rm_xray_parse(value, &c);

	if (!valid && !c.trace_only)
		return;
	memset(c.span_id, 0xab, sizeof(c.span_id));
	c.flags ^= RM_FLAG_SAMPLED;
	rm_strbuf_init(&out, text, sizeof(text));
	if (!rm_xray_rewrite(value, &c, &out)) {
		check(value.n > 512);
		return;
	}
	c.valid = true;
	check(rm_xray_parse(rm_strbuf_view(&out), &got) && same(&c, &got) && got.sampled_known);
	check(out.n >= value.n && (!valid || out.n <= value.n + sizeof(";Sampled=1") - 1));
}

static void redact(struct rm_str url)
{
	static const struct rm_config config = { .redact = { { "sig", 3 } }, .redact_count = 1 };
	static char text[OUT_BYTES], twice[2 * OUT_BYTES];
	struct rm_strbuf out, again;

	rm_strbuf_init(&out, text, sizeof(text));
	rm_redact_url_full(&config, url, &out);
	if (out.truncated)
		return;
	check(rm_redact_url_needed(&config, url) || rm_str_eq(rm_strbuf_view(&out), url));
	rm_strbuf_init(&again, twice, sizeof(twice));
	rm_redact_url_full(&config, rm_strbuf_view(&out), &again);
	check(rm_str_eq(rm_strbuf_view(&out), rm_strbuf_view(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char state_text[2048], baggage_text[8192], text[OUT_BYTES];
	struct rm_str input = { (const char *)data + 2, n - 2 }, state, baggage;
	struct rm_carriers carriers, injected;
	struct rm_strbuf room, out;
	struct rm_spanctx c;

	if (n < 2)
		return 0;
	redact(input);
	rm_propagators_parse(input);
	read_lines(input, &carriers);
	rewrite(rm_carriers_first(&carriers, RM_CARRIER_XRAY));
	rm_strbuf_init(&room, state_text,
		       data[1] & 1 ? RM_TRACESTATE_MAX_BYTES : sizeof(state_text));
	rm_extract(data[0] & ALL, &carriers, &c, &room);
	check(!room.truncated && (c.valid || room.n == 0));
	state = rm_tracestate_fit(&room);
	check_state(state);
	rm_strbuf_init(&room, baggage_text, sizeof(baggage_text));
	baggage = rm_extract_baggage(&carriers, &room);
	if (c.valid)
		round_trip(&c, state, baggage);
	/* Any room: whole lines, none twice, none that the message has. */
	rm_strbuf_init(&out, text, (size_t)data[1] * 4);
	rm_inject(data[0], &c, state, baggage, &carriers, rm_put_line, &out);
	check(!out.truncated);
	read_injected(rm_strbuf_view(&out), &injected);
	for (int i = 0; i < RM_CARRIER_COUNT; i++)
		check(injected.count[i] == 0 || carriers.count[i] == 0 ||
		      i == RM_CARRIER_B3_PARENTSPANID);
	return 0;
}
