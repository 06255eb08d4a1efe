/* Requests that are like one before have the record that they would have without it. */
#include <stdlib.h>

#include "agent/memo.h"
#include "agent/semconv.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

#define PICK(list) list[(unsigned)rand() % (sizeof(list) / sizeof(*(list)))]

enum { REQUESTS = 20000, HEADS = 10, TEXT = 512 };

static struct rm_memo memo;
static int repeated;

/* The fields of each number are the same, wherever they lie; the line before them need not be. */
struct request {
	char line[TEXT];
	struct rm_field fields[3];
	struct rm_head head;
};

static void make(struct request *r, uint32_t number)
{
	static const char *const methods[] = { "GET", "POST", "BREW" };
	static const char *const targets[] = { "/", "/api/items/1?id=1&sort=price", "/a?sig=x", "*", "http://h/x", "/graphql?query={a}" };
	static const char *const hosts[HEADS] = { "", "h", "h:80", "127.0.0.1:8080", "u@h", "h?x", "[::1]:1", "a", "b", "c" };
	static const char *const types[] = { "text/plain", "application/json", "application/grpc-web" };
	bool usual = rand() % 4, call = number % 3 == 2;
	const char *method = usual ? (call ? "POST" : "GET") : PICK(methods);
	const char *target = usual ? (call ? "/shop.Items/Get" : "/api/items?id=42") : PICK(targets);
	int n = snprintf(r->line, sizeof(r->line), "%s %s HTTP/1.1\r\n", method, target);

	r->head = (struct rm_head){ .version = RM_STR("1.1"), .fields = r->fields, .field_count = 3, .same = number,
				    .line_bytes = (uint32_t)n, .raw = { r->line, (size_t)n } };
	r->head.method = (struct rm_str){ r->line, strcspn(r->line, " ") };
	r->head.target = (struct rm_str){ r->line + r->head.method.n + 1, (size_t)n - r->head.method.n - 12 };
	r->head.authority = rm_str_c(hosts[number % HEADS]);
	r->fields[0] = (struct rm_field){ RM_STR("User-Agent"), number % 3 ? RM_STR("curl/7.88.1") : RM_STR("an agent of more than sixteen") };
	r->fields[1] = (struct rm_field){ RM_STR("Content-Type"), rm_str_c(types[number % 3]) };
	r->fields[2] = number % 5 ? (struct rm_field){ RM_STR("X-Id"), RM_STR("7") } :
				    (struct rm_field){ RM_STR("X-Forwarded-For"), RM_STR("1.2.3.4") };
}

static void identify(struct rm_exchange *e, unsigned seed)
{
	memset(e->ctx.trace_id, (int)seed, sizeof(e->ctx.trace_id));
	memset(e->ctx.span_id, (int)seed + 1, sizeof(e->ctx.span_id));
	memset(e->parent.span_id, (int)seed + 2, sizeof(e->parent.span_id));
	e->parent.valid = seed % 3 == 0;
	e->parent_remote = e->parent.valid;
	e->ctx.flags = RM_FLAG_SAMPLED | (seed % 2 ? RM_FLAG_RANDOM : 0);
}

static void answer(uint32_t x)
{
	const struct rm_head response = { .status = 503, .version = RM_STR("1.1") };

	rm_semconv_response(rm_exchange_at(x), &stub_config, &response);
	rm_semconv_bodies(rm_exchange_at(x), 12, 0);
	rm_exchange_end(x, 2000000000, rm_thread_self());
}

/* What an exchange knows of its request beside the record. */
struct side {
	uint8_t rpc, api;
	bool body;
};

/* The span of the request, made with the memo or without. Returns its bytes. */
static uint32_t span(const struct rm_head *head, struct rm_conn *conn, uint8_t kind, unsigned seed, bool with_memo, struct side *ret_side,
		     void *ret)
{
	uint32_t x = rm_exchange_begin(kind, 1000000000 + seed, rm_thread_self());
	struct rm_repeat *again = with_memo ? rm_repeat_of(&memo, head) : NULL;
	struct rm_exchange *e = rm_exchange_at(x);
	const struct rm_span *made;
	struct rm_fields fields;

	identify(e, seed);
	rm_fields_read(head, &fields);
	if (again && rm_repeat_request(again, e, &stub_config, conn, head)) {
		repeated++;
	} else {
		rm_semconv_request(e, &stub_config, conn, head, &fields, NULL);
		if (again)
			rm_repeat_keep(again, e, &stub_config, conn, head);
	}
	*ret_side = (struct side){ e->rpc, e->api, e->api_body != 0 };
	answer(x);
	made = stub_span();
	if (!made)
		return 0;
	memcpy(ret, made, made->record.bytes);
	return made->record.bytes;
}

static void compare(const char *environment)
{
	static _Alignas(8) char plain[RM_RECORD_MAX_BYTES], quick[RM_RECORD_MAX_BYTES];
	static const char *const peers[] = { "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "" };
	char *variables[] = { (char *)(uintptr_t)environment, NULL };

	srand(1);
	memo = (struct rm_memo){ 0 };
	repeated = 0;
	stub_start(variables);
	for (unsigned i = 0; i < REQUESTS; i++) {
		const char *peer = PICK(peers);
		uint8_t kind = i % 5 ? RM_KIND_SERVER : RM_KIND_CLIENT;
		struct rm_conn conn = { .secure = i % 16 == 0, .peer = { .asked = true, .port = (uint16_t)(i % 7 ? i : 0),
			.path = i % 31 == 0, .bytes = (uint8_t)strlen(peer) } };
		struct side one, other;
		struct request r;
		uint32_t bytes;

		memcpy(conn.peer.text, peer, strlen(peer));
		make(&r, 1 + (unsigned)rand() % 3 + i / 1000);
		bytes = span(&r.head, &conn, kind, i, false, &one, plain);
		RM_CHECK(bytes && bytes == span(&r.head, &conn, kind, i, true, &other, quick) && memcmp(plain, quick, bytes) == 0);
		RM_CHECK(one.rpc == other.rpc && one.api == other.api && one.body == other.body);
	}
}

RM_TEST("a span that is copied is the one that would be made, to the byte, but for what is its own")
{
	compare(NULL);
	RM_CHECK(repeated > REQUESTS / 16);
}

RM_TEST("with a limit of attributes, too")
{
	compare("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=6");
}

RM_TEST("where fields of responses are told nothing is copied")
{
	compare("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS=server");
	RM_CHECK(repeated == 0);
}
