/* Reads answers. Context: worker. Spec: opentelemetry-proto docs/specification.md, "OTLP/HTTP Response". */
#include "exporters/otlp_answer.h"

#include <string.h>

#include "exporters/json_find.h"
#include "rpc_status.pb-c.h"
#include "trace_service.pb-c.h"

static void say(struct rm_otlp_answer *a, struct rm_str s)
{
	size_t n = s.n < sizeof(a->message) - 1 ? s.n : sizeof(a->message) - 1;

	memcpy(a->message, s.p ? s.p : "", n);
	a->message[n] = '\0';
}

static void read_json(struct rm_str body, bool is_success, struct rm_otlp_answer *a)
{
	struct rm_str partial, count;
	uint64_t rejected;

	if (!is_success) {
		struct rm_str message = rm_json_find(body, "message");

		say(a, message.p ? rm_json_plain(message) : body);
		return;
	}
	partial = rm_json_find(body, "partialSuccess");
	count = rm_json_find(partial, "rejectedSpans");
	if (!count.p)
		count = rm_json_find(partial, "rejectedLogRecords");
	if (rm_str_u64(rm_json_plain(count), &rejected))
		a->rejected = rejected;
	say(a, rm_json_plain(rm_json_find(partial, "errorMessage")));
}

/* Those of all signals have the same fields. */
static void read_response(struct rm_str body, struct rm_otlp_answer *a)
{
	Otlp__ExportTraceServiceResponse *r = otlp__export_trace_service_response__unpack(
		NULL, body.n, (const uint8_t *)body.p);

	if (!r)
		return;
	if (r->partial_success) {
		a->rejected = r->partial_success->rejected_spans > 0
				      ? (uint64_t)r->partial_success->rejected_spans
				      : 0;
		say(a, rm_str_c(r->partial_success->error_message));
	}
	otlp__export_trace_service_response__free_unpacked(r, NULL);
}

static void read_status(struct rm_str body, struct rm_otlp_answer *a)
{
	Rpc__Status *s = rpc__status__unpack(NULL, body.n, (const uint8_t *)body.p);

	say(a, s ? rm_str_c(s->message) : body);
	if (s)
		rpc__status__free_unpacked(s, NULL);
}

void rm_otlp_answer(struct rm_str body, bool is_json, bool is_success, struct rm_otlp_answer *ret)
{
	ret->rejected = 0;
	ret->message[0] = '\0';
	if (body.n == 0)
		return;
	if (is_json)
		read_json(body, is_success, ret);
	else if (is_success)
		read_response(body, ret);
	else
		read_status(body, ret);
}
