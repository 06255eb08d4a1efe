/* See semconv_api.h. Runs in hooks with the connection locked. */
#include "agent/semconv_api.h"

static struct rm_str system_of(enum rm_api_kind kind)
{
	static const char names[][14] = {
		[RM_API_NONE] = "",
#define RM_OVER_SERVICE(id, name, help) [RM_API_##id] = name,
#include "agent/over_http.h"
	};

	return kind == RM_API_AWS ? RM_STR("") : RM_STR_OF(names[kind]); /* of AWS each service is one of its own */
}

static bool is_dynamodb(const struct rm_api *api)
{
	return api->kind == RM_API_AWS && rm_str_eq(api->service, RM_STR("DynamoDB"));
}

void rm_semconv_api_name(const struct rm_api *api, struct rm_strbuf *ret)
{
	struct rm_str about = api->collection.n ? api->collection : api->space;

	if (api->kind == RM_API_AWS) {
		rm_strbuf_str(ret, api->service);
		if (api->operation.n)
			rm_strbuf_char(ret, '.');
		rm_strbuf_str(ret, api->operation);
		return;
	}
	if (!api->kind || (!api->operation.n && !about.n))
		return;
	rm_strbuf_str(ret, api->operation);
	if (api->operation.n && about.n)
		rm_strbuf_char(ret, ' ');
	rm_strbuf_str(ret, about);
}

static void put_aws(struct rm_builder *b, const struct rm_api *api)
{
	const struct rm_str method[] = { api->service, RM_STR("/"), api->operation };

	rm_builder_str(b, RM_KEY_RPC_SYSTEM_NAME, RM_STR("aws-api"));
	if (api->operation.n)
		rm_builder_joined(b, RM_KEY_RPC_METHOD, method, 3);
	rm_builder_str(b, RM_KEY_CLOUD_REGION, api->region);
	rm_builder_str(b, RM_KEY_AWS_S3_BUCKET, api->bucket);
	if (!is_dynamodb(api))
		return;
	rm_builder_str(b, RM_KEY_DB_SYSTEM_NAME, RM_STR("aws.dynamodb"));
	rm_builder_str(b, RM_KEY_DB_OPERATION_NAME, api->operation);
}

void rm_semconv_api_request(struct rm_exchange *e, const struct rm_api *api)
{
	struct rm_builder *b = &e->builder;

	e->api = api->kind;
	if (api->kind == RM_API_AWS)
		put_aws(b, api);
	if (!system_of(api->kind).n)
		return;
	rm_builder_str(b, RM_KEY_DB_SYSTEM_NAME, system_of(api->kind));
	rm_builder_str(b, RM_KEY_DB_OPERATION_NAME, api->operation);
	rm_builder_str(b, RM_KEY_DB_COLLECTION_NAME, api->collection);
	rm_builder_str(b, RM_KEY_DB_NAMESPACE, api->space);
}

struct rm_str rm_semconv_api_response(struct rm_exchange *e, const struct rm_head *head, struct rm_str status)
{
	struct rm_builder *b = &e->builder;
	struct rm_api_answer a;

	rm_api_answer_of(head, &a);
	if (!e->api && !a.kind)
		return RM_STR("");
	if (e->api == RM_API_AWS) {
		rm_builder_str(b, RM_KEY_AWS_REQUEST_ID, a.request_id);
		rm_builder_str(b, RM_KEY_AWS_EXTENDED_REQUEST_ID, a.extended_id);
		return RM_STR("");
	}
	/* A client that did not say whom it asks: the server says so itself. */
	if (!e->api) {
		e->api = a.kind;
		rm_builder_str(b, RM_KEY_DB_SYSTEM_NAME, system_of(a.kind));
	}
	if (e->api == RM_API_CLICKHOUSE) {
		rm_builder_str(b, RM_KEY_DB_RESPONSE_STATUS_CODE, a.code);
		return a.code;
	}
	rm_builder_str(b, RM_KEY_DB_RESPONSE_STATUS_CODE, status);
	rm_builder_str(b, RM_KEY_DB_NAMESPACE, a.cluster);
	rm_builder_str(b, RM_KEY_ELASTICSEARCH_NODE_NAME, a.node);
	return RM_STR("");
}

/* ---- bodies ---- */

static struct rm_api_body *body_of(const struct rm_exchange *e)
{
	return e->api_body ? (void *)rm_text_at(e->api_body) : NULL;
}

void rm_semconv_api_reads(struct rm_exchange *e, enum rm_api_body_form form, const struct rm_head *head, const struct rm_api *api)
{
	e->api_body = rm_text_get(sizeof(struct rm_api_body));
	if (!e->api_body)
		return;
	rm_api_body_begin(body_of(e), form, head, api);
	if (form == RM_API_BODY_GRAPHQL_URL)
		rm_semconv_api_request_over(e);
}

bool rm_semconv_api_request_content(struct rm_exchange *e, const char *p, uint64_t n)
{
	return e->api_body && rm_api_body_read(body_of(e), p, n);
}

/* A list of calls is called so, and what they all are. */
static void rename_call(struct rm_builder *b, const struct rm_api_body *body, struct rm_str what, struct rm_str other)
{
	char room[RM_API_METHOD_BYTES + 8];
	struct rm_strbuf name;

	rm_strbuf_init(&name, room, sizeof(room));
	if (body->batch)
		rm_strbuf_str(&name, what.n ? RM_STR("BATCH ") : RM_STR("BATCH"));
	rm_strbuf_str(&name, what.n || body->batch ? what : other);
	rm_builder_rename(b, rm_strbuf_view(&name));
}

static void put_graphql(struct rm_builder *b, const struct rm_api_body *body)
{
	struct rm_str type = rm_api_word(&body->type);

	rename_call(b, body, type, RM_STR("GraphQL Operation"));
	rm_builder_str(b, RM_KEY_GRAPHQL_OPERATION_TYPE, type);
	rm_builder_str(b, RM_KEY_GRAPHQL_OPERATION_NAME, rm_api_word(&body->operation));
}

static void put_jsonrpc(struct rm_builder *b, const struct rm_api_body *body)
{
	rename_call(b, body, rm_api_word(&body->method), (struct rm_str){ 0 });
	rm_builder_str(b, RM_KEY_RPC_SYSTEM_NAME, RM_STR("jsonrpc"));
	rm_builder_str(b, RM_KEY_RPC_METHOD, rm_api_word(&body->method));
	rm_builder_str(b, RM_KEY_JSONRPC_PROTOCOL_VERSION, rm_api_word(&body->version));
	rm_builder_str(b, RM_KEY_JSONRPC_REQUEST_ID, rm_api_word(&body->id));
}

static void put_thing(struct rm_builder *b, const struct rm_api_body *body)
{
	static const enum rm_key keys[] = {
		[RM_AWS_QUEUE_URL] = RM_KEY_AWS_SQS_QUEUE_URL,
		[RM_AWS_TOPIC] = RM_KEY_AWS_SNS_TOPIC_ARN,
		[RM_AWS_STREAM] = RM_KEY_AWS_KINESIS_STREAM_NAME,
		[RM_AWS_SECRET] = RM_KEY_AWS_SECRETSMANAGER_SECRET_ARN,
		[RM_AWS_STATE_MACHINE] = RM_KEY_AWS_STEP_FUNCTIONS_STATE_MACHINE_ARN,
	};
	struct rm_str about = { body->about, body->about_bytes };

	if (body->thing == RM_AWS_TABLE && about.n)
		rm_builder_named_strs(b, rm_key_name(RM_KEY_AWS_DYNAMODB_TABLE_NAMES), &about, 1);
	else if (body->thing)
		rm_builder_str(b, keys[body->thing], about);
}

static void put_action(struct rm_builder *b, const struct rm_api_body *body)
{
	const struct rm_str service = rm_api_word(&body->service), operation = rm_api_word(&body->operation);
	const struct rm_str method[] = { service, RM_STR("/"), operation };
	char room[2 * RM_API_METHOD_BYTES + 1];
	struct rm_strbuf name;

	if (!operation.n)
		return;
	rm_strbuf_init(&name, room, sizeof(room));
	rm_strbuf_str(&name, service);
	rm_strbuf_char(&name, '.');
	rm_strbuf_str(&name, operation);
	rm_builder_rename(b, rm_strbuf_view(&name));
	rm_builder_joined(b, RM_KEY_RPC_METHOD, method, 3);
}

void rm_semconv_api_request_over(struct rm_exchange *e)
{
	struct rm_api_body *body = body_of(e);

	if (!body || e->api_call)
		return;
	e->api_call = rm_api_body_over(body);
	switch (e->api_call) {
	case RM_API_CALL_GRAPHQL:
		put_graphql(&e->builder, body);
		return; /* the answer is read, too */
	case RM_API_CALL_JSONRPC:
		put_jsonrpc(&e->builder, body);
		return;
	case RM_API_CALL_AWS:
		put_action(&e->builder, body);
		put_thing(&e->builder, body);
		break;
	}
	rm_text_put(e->api_body);
	e->api_body = 0;
}

bool rm_semconv_api_reads_answer(struct rm_exchange *e, const struct rm_head *head)
{
	return e->api_body && rm_api_body_answer(body_of(e), head);
}

void rm_semconv_api_content(struct rm_exchange *e, const char *p, uint64_t n)
{
	if (e->api_body)
		rm_api_body_read(body_of(e), p, n);
}

bool rm_semconv_api_hides_query(const struct rm_exchange *e, const struct rm_api *api)
{
	return api->kind == RM_API_CLICKHOUSE || (body_of(e) && body_of(e)->form == RM_API_BODY_GRAPHQL_URL && e->api_call == RM_API_CALL_GRAPHQL);
}

/* json-rpc.md: an answer with an error object is an error. So is one of GraphQL with errors and no data; and a list with one. */
void rm_semconv_api_over(struct rm_exchange *e)
{
	struct rm_api_body *body = body_of(e);
	struct rm_str code;

	if (!body || !rm_api_body_failed(body))
		return;
	code = rm_api_word(&body->code);
	rm_builder_str(&e->builder, RM_KEY_RPC_RESPONSE_STATUS_CODE, code);
	if (e->status == RM_STATUS_ERROR)
		return;
	e->status = RM_STATUS_ERROR;
	rm_builder_str(&e->builder, RM_KEY_ERROR_TYPE,
		       code.n ? code : body->call == RM_API_CALL_GRAPHQL ? RM_STR("graphql_error") : RM_STR("_OTHER"));
}
