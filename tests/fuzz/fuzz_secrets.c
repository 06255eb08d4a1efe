/*
 * No value that a program sends is in what is told of it. The first byte of an input chooses what is sent: a command of Redis, one
 * of MongoDB, an HTTP request, or a call of GraphQL or JSON-RPC. Each further byte is a piece of it, some of them with a secret where
 * values stand; where the last one ends it may be cut off, and answered. Whatever comes of that, no secret may be told.
 * (SQL has a target of its own, fuzz_sql.c.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/api_body.h"
#include "agent/semconv.h"
#include "agent/semconv_api.h"
#include "protocols/http1_head.h"
#include "tests/replay/watch.h"
#include "tests/unit/agent_stub.h"

extern const struct rm_proto rm_proto_redis, rm_proto_mongodb;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { PIECES_MAX = 100, PIECE_BYTES = 80, TEXT_BYTES = PIECES_MAX * PIECE_BYTES };

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void no_secret(struct rm_str s)
{
	static const char *const secrets[] = { "hunter", "HUNTER", "Hunter", "4242", "aHVudGVy" };

	for (size_t i = 0; i < COUNT(secrets); i++)
		check(!s.n || !memmem(s.p, s.n, secrets[i], strlen(secrets[i])));
}

/* Bytes of an input, as pieces are chosen by them. */
struct input {
	const uint8_t *p;
	size_t n;
};

static unsigned next(struct input *in)
{
	if (!in->n)
		return 0;
	in->n--;
	return *in->p++;
}

static const char *piece(struct input *in, const char *const *all, size_t count)
{
	return all[next(in) % count];
}
#define PIECE(in, all) piece(in, all, COUNT(all))

static size_t put(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n + 1);
	return n;
}

/* ---- Redis ---- */

static const char *const redis_words[] = {
	"SET", "get", "AUTH", "HELLO", "3", "SETNAME", "CONFIG", "ACL", "SETUSER", "EVAL", "MULTI", "EXEC", "CLIENT", "SUBSCRIBE", "MIGRATE", "AUTH2",
	"HMSET", "PING", "ECHO", "SELECT", "0", "hunter2", "HUNTER2", "424242", ">hunter2", "hunter2\r\nSET hunter2 hunter2", "$7\r\nhunter2", "",
	"return redis.call('SET', 'hunter2', '4242')", "SET hunter2", "*3\r\n$4\r\nAUTH", "\"hunter2\"", "hunter2 hunter2", "\xff\xfehunter2\0x",
};
static const char *const redis_answers[] = {
	"+OK\r\n", "-ERR unknown command 'hunter2', with args beginning with: '4242'\r\n", "$7\r\nhunter2\r\n", ":424242\r\n", "-hunter2 wrong\r\n", "*-1\r\n",
	"*2\r\n$7\r\nhunter2\r\n:4242\r\n", "-WRONGPASS hunter2\r\n", "$-1\r\n", "_\r\n", "=11\r\ntxt:hunter2\r\n", "!8\r\nhunter2!\r\n", ",42.42\r\n", "+QUEUED\r\n",
	"%1\r\n+hunter2\r\n#t\r\n", ">2\r\n+message\r\n+hunter2\r\n", "-4242 hunter2\r\n", "-MOVED 4242 hunter2:4242\r\n", "-hUNTER2\r\n", "+hunter2\r\n",
};

static size_t redis_command(struct input *in, char *to)
{
	static const char *const first[] = { "SET", "GET", "AUTH", "hunter2", "CONFIG", "EVAL", "MULTI", "EXEC", "PING", "SELECT", "hello", "4242", "MIGRATE" };
	unsigned words = 1 + next(in) % 5;
	char count[] = "*?\r\n";
	size_t n;

	if (next(in) % 8 == 0) /* inline */
		return (size_t)sprintf(to, "%s %s %s\r\n", "PING", "hunter2", next(in) % 2 ? "\"hunter2 4242\"" : "4242");
	count[1] = (char)('0' + words);
	n = put(to, count);
	for (unsigned i = 0; i < words; i++) {
		const char *word = i ? PIECE(in, redis_words) : PIECE(in, first);

		n += (size_t)sprintf(to + n, "$%zu\r\n%s\r\n", strlen(word), word);
	}
	return n;
}

/* ---- MongoDB ---- */

static size_t put32(char *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (char)(v >> 8 * i);
	return 4;
}

static const char *const mongodb_keys[] = {
	"filter", "query", "documents", "$db", "collection", "pipeline", "payload", "hunter2", "q", "u", "4242", "lsid", "comment", "pwd", "find", "insert",
};

/* An element whose value is secret: a text, a number, or a document with such an element. */
static size_t bson_value(struct input *in, char *to, const char *key, unsigned depth)
{
	unsigned kind = next(in) % 5;
	size_t n = 1 + (size_t)sprintf(to + 1, "%s", key) + 1, from;

	if (kind == 0 && depth) {
		*to = 0x03;
		from = n;
		n += 4;
		n += bson_value(in, to + n, PIECE(in, mongodb_keys), depth - 1);
		to[n++] = '\0';
		put32(to + from, (uint32_t)(n - from));
		return n;
	}
	if (kind == 1) {
		*to = 0x10;
		return n + put32(to + n, 424242);
	}
	*to = kind == 2 ? 0x05 : 0x02; /* bytes, or a text */
	n += put32(to + n, kind == 2 ? 7 : 8);
	if (kind == 2)
		to[n++] = '\0';
	memcpy(to + n, "hunter2", 8);
	return n + (kind == 2 ? 7 : 8);
}

static size_t mongodb_command(struct input *in, char *to)
{
	static const char *const names[] = { "find", "insert", "aggregate", "saslStart", "hello", "getMore", "update", "hunter2", "createUser", "ping", "explain", "4242" };
	static const char *const plain[] = { "filter", "documents", "pipeline", "payload", "pwd", "hunter2", "q", "lsid", "comment", "updates" };
	const char *name = PIECE(in, names);
	size_t n = 16, document;

	n += put32(to + n, 0); /* flags */
	to[n++] = 0;
	document = n;
	n += 4;
	/* Where a command has a collection that is its name. */
	if (next(in) % 2) {
		to[n++] = 0x02;
		n += (size_t)sprintf(to + n, "%s", name) + 1;
		n += put32(to + n, 7);
		memcpy(to + n, "orders", 7);
		n += 7;
	} else {
		to[n++] = 0x10;
		n += (size_t)sprintf(to + n, "%s", name) + 1;
		n += put32(to + n, 424242);
	}
	for (unsigned more = next(in) % 4; more; more--)
		n += bson_value(in, to + n, PIECE(in, plain), 3);
	to[n++] = '\0';
	put32(to + document, (uint32_t)(n - document));
	put32(to, (uint32_t)n);
	put32(to + 4, 7);
	put32(to + 8, 0);
	put32(to + 12, 2013);
	return n;
}

static size_t mongodb_answer(struct input *in, char *to)
{
	static const char *const plain[] = { "errmsg", "cursor", "codeName", "value", "hunter2", "writeErrors", "$clusterTime" };
	size_t n = 16;

	n += put32(to + n, 0);
	to[n++] = 0;
	n += 4;
	for (unsigned more = 1 + next(in) % 3; more; more--)
		n += bson_value(in, to + n, PIECE(in, plain), 2);
	to[n++] = '\0';
	put32(to + 21, (uint32_t)(n - 21));
	put32(to, (uint32_t)n);
	put32(to + 4, 9);
	put32(to + 8, 7);
	put32(to + 12, 2013);
	return n;
}

/* ---- conversations ---- */

typedef size_t make_fn(struct input *in, char *to);

static size_t redis_answer(struct input *in, char *to)
{
	return (size_t)sprintf(to, "%s", PIECE(in, redis_answers));
}

static void converse(const struct rm_proto *proto, make_fn *ask, make_fn *answer, struct input *in)
{
	static char text[TEXT_BYTES];
	struct watch w;

	watch_open(&w, proto);
	while (in->n) {
		unsigned how = next(in);
		size_t n = (how & 1 ? ask : answer)(in, text), cut = how & 2 ? 1 + how % n : n;

		watch_feed(&w, how & 1 ? RM_DIR_REQUEST : RM_DIR_RESPONSE, text, cut);
		watch_feed(&w, how & 1 ? RM_DIR_REQUEST : RM_DIR_RESPONSE, text + cut, how & 4 ? 0 : n - cut);
	}
	watch_close(&w);
	no_secret((struct rm_str){ w.text, w.text_bytes });
	watch_free(&w);
}

/* ---- HTTP ---- */

/* A secret stands in user information, in parameters that are secret, in documents, in fields and in bodies; nowhere else. */
static const char *const url_parts[] = {
	"/", "/a", "/graphql", "?", "&", "a=1", "password=hunter2", "token=hunter2", "access_token=hunter2", "X-Amz-Signature=4242", "api_key=4242", "sig=hunter2",
	"&&", "=", "secret=hunter2=hunter2", "auth=hunter2;hunter2", "code=4242", "%20", "pwd=hunter2%26hunter2", "client_secret=hunter2", "q=%", "token=", "..",
};
static const char *const graphql_in_url[] = {
	"query=query%20A(x:%22hunter2%22)%7Ba%7D", "query={a(x:4242)}", "query=%7Ba(x:%22hunter2%22)%7D", "query=mutation+B($p:Int=4242)%7Bb%7D",
};
static const char *const graphql_behind[] = { "&variables=%7B%22x%22:%22hunter2%22%7D", "&operationName=A", "&password=hunter2", "&extensions=4242", "&" };

static size_t url(struct input *in, char *to)
{
	static const char *const before[] = { "", "http://shop.example", "http://user:hunter2@shop.example", "http://a:hunter2@b@shop.example:80" };
	size_t n = (size_t)sprintf(to, "%s/graphql?", PIECE(in, before));

	if (next(in) % 4 == 0) {
		n += (size_t)sprintf(to + n, "%s", PIECE(in, graphql_in_url));
		for (unsigned more = next(in) % 4; more; more--)
			n += (size_t)sprintf(to + n, "%s", PIECE(in, graphql_behind));
		return n;
	}
	for (unsigned more = next(in) % 12; more; more--)
		n += (size_t)sprintf(to + n, "%s&", PIECE(in, url_parts));
	return n;
}

static size_t head(struct input *in, char *to)
{
	static const char *const fields[] = {
		"Authorization: Bearer hunter2", "Cookie: id=hunter2", "X-Api-Key: 4242", "Accept: */*", "Content-Type: application/json", "Proxy-Authorization: Basic aHVudGVyMg==",
		"Accept: application/graphql-response+json", "X-Token: hunter2",
		"Authorization: AWS4-HMAC-SHA256 Credential=HUNTER2/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=4242", "X-Amz-Security-Token: hunter2",
	};
	size_t n = (size_t)sprintf(to, "%s ", next(in) % 2 ? "GET" : "POST");

	n += url(in, to + n);
	n += (size_t)sprintf(to + n, " HTTP/1.1\r\nHost: shop.example\r\n");
	for (unsigned more = next(in) % 5; more; more--)
		n += (size_t)sprintf(to + n, "%s\r\n", PIECE(in, fields));
	return n + (size_t)sprintf(to + n, "\r\n");
}

static void check_record(struct rm_exchange *e)
{
	const struct rm_record *r = e->builder.record;
	struct rm_attr_iter it;
	struct rm_attr a;

	check(rm_record_valid(r, rm_builder_end(&e->builder)));
	no_secret(rm_span_name((const struct rm_span *)r));
	for (it = rm_record_attrs(r); rm_attr_next(&it, &a);) {
		no_secret(a.key);
		if (a.type == RM_ATTR_STR || a.type == RM_ATTR_STRS)
			no_secret(a.v.str);
	}
}

/* ---- GraphQL, JSON-RPC ---- */

static const char *const document_pieces[] = {
	"query", "mutation", "subscription", "fragment", "Named", "{", "}", "(", ")", ":", "$v", "!", "@skip", "a", "[", "]", "...", "on", "\"hunter2\"", "4242",
	"# hunter2\n", "# \"hunter2\n", "\"\"\"hunter2\"\"\"", "{a:\"hunter2\"}", "(x: 4242)", "($p: Int = 4242)", "(p:\"hun\\\"ter, hunter2\")", ",", "\xef\xbb\xbf", "=", "-4242",
};

static size_t document(struct input *in, char *to)
{
	size_t n = 0;

	*to = '\0';
	for (unsigned more = next(in) % 16; more; more--)
		n += (size_t)sprintf(to + n, "%s ", PIECE(in, document_pieces));
	return n;
}

static size_t json_text(char *to, const char *text)
{
	size_t n = 0;

	to[n++] = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			to[n++] = '\\';
		if (*text == '\n')
			n += (size_t)sprintf(to + n, "\\u000a");
		else
			to[n++] = *text;
	}
	to[n++] = '"';
	return n;
}

static size_t call(struct input *in, char *to)
{
	static const char *const members[] = {
		"\"variables\":{\"query\":\"hunter2\",\"method\":\"4242\"}", "\"jsonrpc\":\"2.0\"", "\"method\":\"stock.count\"", "\"params\":[\"hunter2\",4242,{\"method\":\"hunter2\"}]",
		"\"id\":7", "\"operationName\":\"A\"", "\"extensions\":{\"operationName\":\"hunter2\"}", "\"password\":\"hunter2\"", "\"params\":\"hunter2\"", "\"id\":{\"hunter2\":4242}",
		"\"params\":{\"method\":\"hunter2\",\"id\":\"4242\"}", "\"variables\":{\"operationName\":\"hunter2\"}", "\"method\":{\"a\":\"hunter2\"}", "\"jsonrpc\":{\"id\":\"4242\"}", "\"operationName\":[\"hunter2\"]", "\"method\":\"hunter2 4242\"", "\"operationName\":\"hunter2 4242\"",
	};
	bool list = next(in) % 4 == 0;
	char text[16 * PIECE_BYTES];
	size_t n = 0;

	n += put(to, list ? "[" : "");
	for (unsigned calls = list ? 1 + next(in) % 3 : 1; calls; calls--) {
		to[n++] = '{';
		for (unsigned more = 1 + next(in) % 4; more; more--) {
			if (next(in) % 3 == 0) {
				document(in, text);
				n += (size_t)sprintf(to + n, "\"query\":");
				n += json_text(to + n, text);
			} else {
				n += (size_t)sprintf(to + n, "%s", PIECE(in, members));
			}
			to[n++] = more > 1 ? ',' : '}';
		}
		to[n++] = calls > 1 ? ',' : list ? ']' : ' ';
	}
	return n;
}

static size_t call_answer(struct input *in, char *to)
{
	static const char *const answers[] = {
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"hunter2\",\"data\":{\"code\":4242}}}", "{\"errors\":[{\"message\":\"hunter2\"}],\"data\":null}",
		"{\"data\":{\"a\":\"hunter2\"}}", "[{\"jsonrpc\":\"2.0\",\"error\":{\"code\":\"hunter2\"}},{\"error\":{\"code\":{\"code\":4242}},\"jsonrpc\":\"2.0\"}]",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":\"hunter2\"}}", "{\"jsonrpc\":\"2.0\",\"result\":{\"error\":{\"code\":4242}}}",
	};

	return (size_t)sprintf(to, "%s", PIECE(in, answers));
}

/* A request with its body and the answer, as far as they come. */
static void exchange(struct input *in)
{
	static const char good[] = "HTTP/1.1 200 hunter2\r\nContent-Type: application/json\r\nSet-Cookie: hunter2\r\nX-Request: 4242\r\n\r\n";
	static char text[TEXT_BYTES], body[TEXT_BYTES];
	static struct rm_field room[RM_FIELDS_MAX], more[RM_FIELDS_MAX];
	static struct rm_conn conn = { .peer = { .port = 80, .bytes = 9, .asked = true, .text = "127.0.0.1" } };
	struct rm_http1_head asked = { .room = room, .room_fields = RM_FIELDS_MAX }, answered = { .room = more, .room_fields = RM_FIELDS_MAX };
	struct rm_thread *thread = rm_thread_self();
	bool server = next(in) % 2, graphql = next(in) % 4 == 0;
	struct rm_fields fields;
	struct rm_exchange *e;
	size_t n, cut;
	uint32_t x;

	n = graphql ? (size_t)sprintf(text, "POST /graphql HTTP/1.1\r\nHost: h\r\nContent-Type: application/graphql\r\n\r\n") : head(in, text);
	check(rm_http1_head_parse(&asked, RM_DIR_REQUEST, text, n, true) == RM_HTTP1_DONE);
	x = rm_exchange_begin(server ? RM_KIND_SERVER : RM_KIND_CLIENT, 1, thread);
	e = rm_exchange_at(x);
	rm_fields_read(&asked.head, &fields);
	rm_semconv_request(e, &stub_config, &conn, &asked.head, &fields, NULL);
	n = graphql ? document(in, body) : call(in, body);
	cut = next(in) % (n + 1);
	if (rm_semconv_reads_request(e) && rm_semconv_request_content(e, body, cut) && next(in) % 4)
		rm_semconv_request_content(e, body + cut, n - cut);
	rm_semconv_api_request_over(e);
	check(rm_http1_head_parse(&answered, RM_DIR_RESPONSE, good, sizeof(good) - 1, true) == RM_HTTP1_DONE);
	n = call_answer(in, body);
	if (rm_semconv_response(e, &stub_config, &answered.head))
		rm_semconv_content(e, body, next(in) % 4 ? n : next(in) % (n + 1));
	rm_semconv_bodies(e, n, 0);
	if (e->record)
		check_record(e);
	rm_exchange_drop(x);
	check(rm_text_live() == 0 && rm_exchange_live() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static char *environment[] = { NULL };
	struct input in = { data + 1, n - 1 };
	static bool started;

	if (n < 2 || n > PIECES_MAX)
		return 0;
	if (!started)
		stub_start(environment);
	started = true;
	switch (*data % 3) {
	case 0:
		converse(&rm_proto_redis, redis_command, redis_answer, &in);
		break;
	case 1:
		converse(&rm_proto_mongodb, mongodb_command, mongodb_answer, &in);
		break;
	case 2:
		while (in.n)
			exchange(&in);
		break;
	}
	return 0;
}
