/* See semconv_rpc.h. Runs in hooks with the connection locked. */
#include "agent/semconv_rpc.h"

#include "agent/semconv.h"

enum { RECORD_BASE_BYTES = 700, TIMEOUT_MAX_DIGITS = 8 };
/*
 * A deadline passes for the caller a little before it does for who saw the request later; grpc-java writes one
 * milliseconds after it took the time that is left, which may be an eighth of it at most, and this at most.
 */
static const uint64_t early_max_ns = 25000000;

enum status {
	OK,
	CANCELLED,
	UNKNOWN,
	INVALID_ARGUMENT,
	DEADLINE_EXCEEDED,
	NOT_FOUND,
	ALREADY_EXISTS,
	PERMISSION_DENIED,
	RESOURCE_EXHAUSTED,
	FAILED_PRECONDITION,
	ABORTED,
	OUT_OF_RANGE,
	UNIMPLEMENTED,
	INTERNAL,
	UNAVAILABLE,
	DATA_LOSS,
	UNAUTHENTICATED,
	STATUSES,
};

static const char status_names[STATUSES][20] = {
	[OK] = "OK",
	[CANCELLED] = "CANCELLED",
	[UNKNOWN] = "UNKNOWN",
	[INVALID_ARGUMENT] = "INVALID_ARGUMENT",
	[DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
	[NOT_FOUND] = "NOT_FOUND",
	[ALREADY_EXISTS] = "ALREADY_EXISTS",
	[PERMISSION_DENIED] = "PERMISSION_DENIED",
	[RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
	[FAILED_PRECONDITION] = "FAILED_PRECONDITION",
	[ABORTED] = "ABORTED",
	[OUT_OF_RANGE] = "OUT_OF_RANGE",
	[UNIMPLEMENTED] = "UNIMPLEMENTED",
	[INTERNAL] = "INTERNAL",
	[UNAVAILABLE] = "UNAVAILABLE",
	[DATA_LOSS] = "DATA_LOSS",
	[UNAUTHENTICATED] = "UNAUTHENTICATED",
};

/* What is the server's own fault; to a client everything but OK is an error. */
static const unsigned server_errors = 1u << UNKNOWN | 1u << DEADLINE_EXCEEDED | 1u << UNIMPLEMENTED |
				      1u << INTERNAL | 1u << UNAVAILABLE | 1u << DATA_LOSS;

static struct rm_str field(const struct rm_head *head, struct rm_str name)
{
	for (uint32_t i = 0; i < head->field_count; i++)
		if (rm_str_ieq(head->fields[i].name, name))
			return head->fields[i].value;
	return (struct rm_str){ NULL, 0 };
}

/* ---- request ---- */

static bool cut_prefix(struct rm_str *s, struct rm_str prefix)
{
	if (s->n < prefix.n || !rm_str_ieq((struct rm_str){ s->p, prefix.n }, prefix))
		return false;
	*s = (struct rm_str){ s->p + prefix.n, s->n - prefix.n };
	return true;
}

/* "package.Service/Method" of a path; empty when it is none. */
static struct rm_str method_of(struct rm_str path)
{
	struct rm_str method = { path.p + 1, path.n - 1 };
	const char *slash = path.n > 1 && path.p[0] == '/' ? memchr(method.p, '/', method.n) : NULL;

	if (!slash || slash == method.p || slash == method.p + method.n - 1 || memchr(method.p, '?', method.n))
		return (struct rm_str){ NULL, 0 };
	return method;
}

/* By the content type of a head; *ret_text: its body is base64. */
static enum rm_rpc type_of(const struct rm_head *head, bool *ret_text)
{
	struct rm_str type = field(head, RM_STR("content-type"));
	enum rm_rpc kind = RM_RPC_GRPC;

	*ret_text = false;
	if (!cut_prefix(&type, RM_STR("application/grpc")))
		return RM_RPC_NONE;
	if (cut_prefix(&type, RM_STR("-web"))) {
		kind = RM_RPC_WEB;
		*ret_text = cut_prefix(&type, RM_STR("-text"));
	}
	return !type.n || memchr("+; \t", type.p[0], 4) ? kind : RM_RPC_NONE;
}

enum rm_rpc rm_rpc_of(const struct rm_head *head)
{
	enum rm_rpc kind = RM_RPC_NONE;
	bool text;

	if (rm_str_eq(head->method, RM_STR("POST")) && method_of(head->target).n)
		kind = type_of(head, &text);
	/* Plain gRPC needs HTTP/2. */
	return kind == RM_RPC_GRPC && !head->block ? RM_RPC_NONE : kind;
}

/* "100m" in nanoseconds; 0 for none. */
static uint64_t timeout_of(struct rm_str value)
{
	static const char units[] = "HMSmun";
	static const uint64_t unit_ns[] = { 3600000000000, 60000000000, 1000000000, 1000000, 1000, 1 };
	const char *unit = value.n ? memchr(units, value.p[value.n - 1], sizeof(units) - 1) : NULL;
	uint64_t n;

	if (!unit || value.n - 1 > TIMEOUT_MAX_DIGITS ||
	    !rm_str_u64((struct rm_str){ value.p, value.n - 1 }, &n))
		return 0;
	return n * unit_ns[unit - units];
}

/* Content as the program means it: no coding but the one that HTTP/1 frames it with. */
static bool is_coded(const struct rm_head *head)
{
	struct rm_str content = field(head, RM_STR("content-encoding"));
	struct rm_str transfer = field(head, RM_STR("transfer-encoding"));

	return head->fields_cut || (content.n && !rm_str_ieq(content, RM_STR("identity"))) ||
	       (transfer.n && !rm_str_ieq(transfer, RM_STR("chunked")));
}

/* Begins with the body behind a head, unless it is not that of a call. */
static bool read_body(struct rm_exchange *e, enum rm_dir dir, const struct rm_head *head)
{
	bool text;

	if (is_coded(head) || type_of(head, &text) != e->rpc)
		return false;
	rm_grpc_body_start(&e->rpc_body[dir], text);
	e->rpc_reads[dir] = true;
	return true;
}

void rm_semconv_rpc_request(struct rm_exchange *e, const struct rm_config *c, struct rm_conn *conn,
			    const struct rm_head *head, enum rm_rpc kind, const char *parent_source)
{
	struct rm_str method = method_of(head->target), host;
	struct rm_builder *b = &e->builder;
	uint64_t port;

	if (!rm_semconv_start(e, c, RECORD_BASE_BYTES + 2 * head->target.n + head->authority.n, method))
		return;
	e->rpc = kind;
	read_body(e, RM_DIR_REQUEST, head);
	e->rpc_timeout_ns = timeout_of(field(head, RM_STR("grpc-timeout")));
	rm_builder_str(b, RM_KEY_RPC_SYSTEM_NAME, RM_STR("grpc"));
	rm_builder_str(b, RM_KEY_RPC_METHOD, method);
	host = rm_authority_split(head->authority, &port);
	rm_builder_str(b, RM_KEY_SERVER_ADDRESS, host);
	if (port)
		rm_builder_i64(b, RM_KEY_SERVER_PORT, (int64_t)port);
	rm_semconv_peer(b, &conn->peer);
	rm_builder_str(b, RM_KEY_NETWORK_PROTOCOL_VERSION, head->version);
	if (parent_source)
		rm_builder_str(b, RM_KEY_REMORA_PARENT_SOURCE, rm_str_c(parent_source));
}

/* ---- status ---- */

static void put_status(struct rm_exchange *e, uint64_t code, struct rm_str name)
{
	bool error = e->kind == RM_KIND_CLIENT ? code != OK : code < STATUSES && server_errors >> code & 1;

	if (e->rpc_answered)
		return;
	e->rpc_answered = true;
	rm_builder_str(&e->builder, RM_KEY_RPC_RESPONSE_STATUS_CODE, name);
	if (!error)
		return;
	e->status = RM_STATUS_ERROR;
	rm_builder_str(&e->builder, RM_KEY_ERROR_TYPE, name);
}

static void put_code(struct rm_exchange *e, enum status code)
{
	put_status(e, code, RM_STR_OF(status_names[code]));
}

/* What a client makes of an answer that comes from something else than a gRPC server. */
static enum status of_http(int status)
{
	switch (status) {
	case 400:
		return INTERNAL;
	case 401:
		return UNAUTHENTICATED;
	case 403:
		return PERMISSION_DENIED;
	case 404:
		return UNIMPLEMENTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return UNAVAILABLE;
	}
	return UNKNOWN;
}

bool rm_semconv_rpc_response(struct rm_exchange *e, const struct rm_head *head)
{
	struct rm_str status = field(head, RM_STR("grpc-status"));
	uint64_t code;

	if (status.n && rm_str_u64(status, &code))
		put_status(e, code, code < STATUSES ? RM_STR_OF(status_names[code]) : status);
	else if (head->status && head->status != 200)
		put_code(e, of_http(head->status));
	return !e->rpc_answered && head->status && read_body(e, RM_DIR_RESPONSE, head);
}

bool rm_semconv_rpc_request_content(struct rm_exchange *e, const char *p, uint64_t n)
{
	if (e->rpc_reads[RM_DIR_REQUEST])
		rm_grpc_body_feed(&e->rpc_body[RM_DIR_REQUEST], p, n);
	return e->rpc_reads[RM_DIR_REQUEST];
}

void rm_semconv_rpc_content(struct rm_exchange *e, const char *p, uint64_t n)
{
	struct rm_grpc_body *body = &e->rpc_body[RM_DIR_RESPONSE];
	char digits[8];
	struct rm_strbuf b;

	rm_grpc_body_feed(body, p, n);
	if (e->rpc != RM_RPC_WEB || body->status == RM_GRPC_NO_STATUS || e->rpc_answered)
		return;
	rm_strbuf_init(&b, digits, sizeof(digits));
	rm_strbuf_u64(&b, (uint64_t)body->status);
	put_status(e, (uint64_t)body->status,
		   body->status < STATUSES ? RM_STR_OF(status_names[body->status]) : rm_strbuf_view(&b));
}

/* True when the caller's deadline has come, as far as can be told from here. */
static bool is_late(const struct rm_exchange *e, uint64_t now_ns)
{
	uint64_t eighth = e->rpc_timeout_ns / 8, early = eighth < early_max_ns ? eighth : early_max_ns;

	return e->rpc_timeout_ns && now_ns - e->start_ns + early >= e->rpc_timeout_ns;
}

/* What the end of a stream by an error of HTTP/2 means to gRPC. */
static enum status of_error(const struct rm_exchange *e, struct rm_str error, uint64_t now_ns)
{
	/* With one of these clients give a call up; connect-node takes the second for deadlines. */
	if ((rm_str_eq(error, RM_STR("cancel")) || rm_str_eq(error, RM_STR("internal_error"))) && is_late(e, now_ns))
		return DEADLINE_EXCEEDED;
	if (rm_str_eq(error, RM_STR("cancel")))
		return CANCELLED;
	if (rm_str_eq(error, RM_STR("enhance_your_calm")))
		return RESOURCE_EXHAUSTED;
	if (rm_str_eq(error, RM_STR("inadequate_security")))
		return PERMISSION_DENIED;
	if (rm_str_eq(error, RM_STR("refused_stream")) || rm_str_eq(error, RM_STR("goaway")) ||
	    rm_str_eq(error, RM_STR("connection_closed")) || rm_str_eq(error, RM_STR("connection_reset")))
		return UNAVAILABLE;
	return INTERNAL;
}

/* One message is what most calls have in each direction: it is not worth the bytes. */
static void put_messages(struct rm_exchange *e, enum rm_dir dir, enum rm_key key)
{
	const struct rm_grpc_body *body = &e->rpc_body[dir];

	if (e->rpc_reads[dir] && rm_grpc_body_counts(body) && body->messages != 1)
		rm_builder_i64(&e->builder, key, body->messages);
}

void rm_semconv_rpc_over(struct rm_exchange *e, struct rm_str error, uint64_t now_ns)
{
	put_messages(e, RM_DIR_REQUEST, RM_KEY_REMORA_RPC_REQUEST_MESSAGE_COUNT);
	put_messages(e, RM_DIR_RESPONSE, RM_KEY_REMORA_RPC_RESPONSE_MESSAGE_COUNT);
	if (error.n)
		put_code(e, of_error(e, error, now_ns));
	else if (e->rpc == RM_RPC_GRPC ||
		 (e->rpc_reads[RM_DIR_RESPONSE] && rm_grpc_body_lacks(&e->rpc_body[RM_DIR_RESPONSE])))
		put_code(e, UNKNOWN); /* an answer without the status that it must have */
}
