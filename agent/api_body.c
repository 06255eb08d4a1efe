/* See api_body.h. Runs in hooks. */
#include "agent/api_body.h"

#include "agent/api_graphql.h"

/* What a value of the JSON is for. */
enum member { OTHER, QUERY, OPERATION_NAME, VERSION, METHOD, ID, ERROR, CODE, ERRORS, DATA, ABOUT, TABLES };

/* ---- heads ---- */

/* Without the encoding of forms, in `room`; where that is wrong empty, or as servers that are lenient read it. */
static struct rm_str decoded(struct rm_str s, char room[RM_JSON_SCAN_TEXT_BYTES], bool lenient)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < RM_JSON_SCAN_TEXT_BYTES; i++) {
		bool code = s.p[i] == '%' && s.n - i >= 3 && rm_hex_digit(s.p[i + 1]) >= 0 && rm_hex_digit(s.p[i + 2]) >= 0;

		if (!code && s.p[i] == '%' && !lenient)
			return (struct rm_str){ 0 };
		room[n++] = (char)(code ? rm_hex_digit(s.p[i + 1]) << 4 | rm_hex_digit(s.p[i + 2]) : s.p[i] == '+' ? ' ' : s.p[i]);
		i += code ? 2 : 0;
	}
	return (struct rm_str){ room, n };
}

/* Is there a document in the URL of a request that could have it in its body? */
static bool has_document(struct rm_str target)
{
	char room[RM_JSON_SCAN_TEXT_BYTES];
	struct rm_graphql g;

	rm_str_cut(&target, '?');
	return rm_graphql_read(decoded(rm_api_parameter(target, RM_STR("query")), room, true), &g);
}

static struct rm_str media_type(const struct rm_head *head)
{
	struct rm_str value = rm_api_field(head, RM_STR("content-type"));

	return rm_str_trim(rm_str_cut(&value, ';'));
}

static bool is_json(struct rm_str type)
{
	return rm_str_ieq(type, RM_STR("application/json")) || rm_str_ieq(type, RM_STR("application/json-rpc")) ||
	       rm_str_ieq(type, RM_STR("application/jsonrequest")) || rm_api_ends(type, RM_STR("+json"));
}

static enum rm_api_body_form aws_form(struct rm_str type, const struct rm_api *api)
{
	if (rm_str_begins(type, RM_STR("application/x-amz-json-1.")))
		return RM_API_BODY_AWS_JSON;
	return rm_str_ieq(type, RM_STR("application/x-www-form-urlencoded")) && !api->operation.n ? RM_API_BODY_AWS_FORM :
												     RM_API_BODY_NONE;
}

enum rm_api_body_form rm_api_body_form(const struct rm_head *head, const struct rm_api *api, bool server)
{
	struct rm_str type;
	bool get = rm_str_eq(head->method, RM_STR("GET"));

	/* A service of AWS may be asked in GraphQL. */
	if ((server || api->kind == RM_API_NONE || api->kind == RM_API_AWS) && rm_graphql_in_url(head) && (get || has_document(head->target)))
		return RM_API_BODY_GRAPHQL_URL;
	if (!rm_str_eq(head->method, RM_STR("POST")) || (!server && api->kind != RM_API_NONE && api->kind != RM_API_AWS))
		return RM_API_BODY_NONE;
	type = media_type(head);
	if (!type.n || rm_api_field(head, RM_STR("content-encoding")).n)
		return RM_API_BODY_NONE;
	if (!server && api->kind == RM_API_AWS)
		return aws_form(type, api);
	if (rm_str_ieq(type, RM_STR("application/graphql")))
		return RM_API_BODY_GRAPHQL;
	return is_json(type) ? RM_API_BODY_JSON : RM_API_BODY_NONE;
}

static void set_word(struct rm_api_word *w, struct rm_str s)
{
	w->bytes = s.n <= sizeof(w->text) ? (uint8_t)s.n : 0;
	if (w->bytes)
		memcpy(w->text, s.p, w->bytes);
}

/* ---- GraphQL ---- */

/* False: it does not begin with an operation. */
static bool read_document(struct rm_api_body *b, struct rm_str text)
{
	struct rm_str before = rm_api_word(&b->type);
	struct rm_graphql g;

	if (!rm_graphql_read(text, &g))
		return false;
	b->mixed = b->mixed || (b->calls && !rm_str_eq(before, g.type));
	b->calls += b->calls < 2;
	set_word(&b->type, g.type);
	set_word(&b->name, g.name);
	return true;
}

/* ---- JSON: GraphQL and JSON-RPC ---- */

static enum rm_json_scan_wish none_of_these(struct rm_api_body *b)
{
	b->form = RM_API_BODY_NONE;
	return RM_JSON_SCAN_STOP;
}

/* Is it a list of calls? Its members are a level deeper then. */
static bool is_batch(const struct rm_api_body *b)
{
	return b->form == RM_API_BODY_JSON && !(b->json.objects & 1);
}

static enum rm_json_scan_wish call_member(struct rm_api_body *b, unsigned depth, struct rm_str key)
{
	static const struct {
		char key[14];
		uint8_t member;
	} known[] = { { "query", QUERY },   { "operationName", OPERATION_NAME }, { "variables", OTHER }, { "extensions", OTHER },
		      { "jsonrpc", VERSION }, { "method", METHOD },              { "id", ID },         { "params", OTHER } };

	b->member = OTHER;
	if (depth > 1u + is_batch(b))
		return RM_JSON_SCAN_SKIP;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (rm_str_eq(key, rm_str_c(known[i].key))) {
			b->member = known[i].member;
			b->graphql_said = b->graphql_said || b->member == OPERATION_NAME || rm_str_eq(key, RM_STR("variables")) ||
					  rm_str_eq(key, RM_STR("extensions"));
			return b->member ? RM_JSON_SCAN_COLLECT : RM_JSON_SCAN_SKIP;
		}
	return b->version.bytes || b->type.bytes ? RM_JSON_SCAN_SKIP : none_of_these(b);
}

/* Of the method, the id and the rest all is printed that could be one. */
static bool is_printable(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return s.n > 0;
}

static enum rm_json_scan_wish call_value(struct rm_api_body *b, enum rm_json_scan_kind kind, struct rm_str text, bool whole)
{
	bool is_text = kind == RM_JSON_SCAN_TEXT;

	switch (b->member) {
	case QUERY:
		return is_text && read_document(b, text) ? RM_JSON_SCAN_SKIP : none_of_these(b);
	case OPERATION_NAME:
		if (is_text && whole && rm_graphql_is_name(text))
			set_word(&b->operation, text);
		break;
	case VERSION:
		if (!is_text || !rm_str_eq(text, RM_STR("2.0")))
			return none_of_these(b);
		set_word(&b->version, text);
		break;
	case METHOD:
		if (!is_text || !whole || !is_printable(text))
			return none_of_these(b);
		b->mixed = b->mixed || (b->calls && !rm_str_eq(rm_api_word(&b->method), text));
		b->calls += b->calls < 2;
		set_word(&b->method, text);
		break;
	case ID:
		b->has_id = kind == RM_JSON_SCAN_NUMBER || is_text;
		if (b->has_id && whole && is_printable(text) && text.n <= RM_API_WORD_BYTES)
			set_word(&b->id, text);
		break;
	}
	return RM_JSON_SCAN_SKIP;
}

/* ---- JSON: lists of answers ---- */

/* Is it one? A list of calls may have an answer by itself, too. */
static bool is_list(const struct rm_api_body *b)
{
	return b->listed && !(b->json.objects & 1);
}

/* One of them is whole. */
static void answer_over(struct rm_api_body *b)
{
	if (b->call == RM_API_CALL_GRAPHQL ? b->failed && !b->has_data : b->answered && b->failed) {
		if (!b->any_failed)
			b->shared = b->code;
		b->differ = b->differ || !rm_str_eq(rm_api_word(&b->shared), rm_api_word(&b->code));
		b->any_failed = true;
	}
	b->answered = b->failed = b->has_data = false;
	b->code.bytes = 0;
}

/* What comes belongs to the next one. */
static void mind_item(struct rm_api_body *b)
{
	if (is_list(b) && b->item != b->json.items)
		answer_over(b);
	b->item = b->json.items;
}

/* ---- JSON: an answer of JSON-RPC ---- */

static enum rm_json_scan_wish answer_member(struct rm_api_body *b, unsigned depth, struct rm_str key)
{
	depth -= is_list(b);
	b->member = OTHER;
	if (depth == 1 && rm_str_eq(key, RM_STR("jsonrpc")))
		b->member = VERSION;
	else if (depth == 1 && rm_str_eq(key, RM_STR("error")))
		b->member = ERROR;
	else if (depth == 2 && b->failed && rm_str_eq(key, RM_STR("code")))
		b->member = CODE;
	return b->member ? RM_JSON_SCAN_COLLECT : RM_JSON_SCAN_SKIP;
}

static enum rm_json_scan_wish answer_value(struct rm_api_body *b, enum rm_json_scan_kind kind, struct rm_str text)
{
	if (!is_list(b) && b->answered && b->failed && b->code.bytes)
		return RM_JSON_SCAN_STOP;
	if (b->member == VERSION)
		b->answered = kind == RM_JSON_SCAN_TEXT && rm_str_eq(text, RM_STR("2.0"));
	else if (b->member == ERROR)
		b->failed = kind == RM_JSON_SCAN_OBJECT;
	else if (b->member == CODE && kind == RM_JSON_SCAN_NUMBER && is_printable(text) && text.n <= RM_API_WORD_BYTES)
		set_word(&b->code, text);
	return RM_JSON_SCAN_SKIP;
}

/* ---- JSON: an answer of GraphQL ---- */

static enum rm_json_scan_wish result_member(struct rm_api_body *b, struct rm_str key)
{
	b->member = rm_str_eq(key, RM_STR("errors")) ? ERRORS : rm_str_eq(key, RM_STR("data")) ? DATA : OTHER;
	return RM_JSON_SCAN_SKIP;
}

/* With data it is of use, and read no further, unless others follow. */
static enum rm_json_scan_wish result_value(struct rm_api_body *b, unsigned depth, enum rm_json_scan_kind kind)
{
	if (depth > 1u + is_list(b))
		return RM_JSON_SCAN_SKIP;
	if (b->member == ERRORS)
		b->failed = kind == RM_JSON_SCAN_ARRAY;
	else if (b->member == DATA)
		b->has_data = kind != RM_JSON_SCAN_WORD;
	return b->has_data && !is_list(b) ? RM_JSON_SCAN_STOP : RM_JSON_SCAN_SKIP;
}

/* ---- JSON: AWS ---- */

static const struct {
	char service[16], key[16];
	uint8_t thing; /* enum rm_aws_thing */
} things[] = {
	{ "DynamoDB", "TableName", RM_AWS_TABLE },        { "SQS", "QueueUrl", RM_AWS_QUEUE_URL },
	{ "SNS", "TopicArn", RM_AWS_TOPIC },              { "Kinesis", "StreamName", RM_AWS_STREAM },
	{ "Secrets Manager", "SecretId", RM_AWS_SECRET }, { "SFN", "stateMachineArn", RM_AWS_STATE_MACHINE },
};

static bool is_thing(const struct rm_api_body *b, struct rm_str key, enum rm_aws_thing *ret)
{
	for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++)
		if (rm_str_eq(key, rm_str_c(things[i].key)) && rm_str_eq(rm_api_word(&b->service), rm_str_c(things[i].service))) {
			*ret = (enum rm_aws_thing)things[i].thing;
			return true;
		}
	return false;
}

/* A secret is named by its ARN, or by a name, which is none. */
static void about(struct rm_api_body *b, struct rm_str text)
{
	if (!is_printable(text) || text.n > sizeof(b->about) ||
	    (b->thing == RM_AWS_SECRET && !rm_str_begins(text, RM_STR("arn:"))))
		return;
	memcpy(b->about, text.p, text.n);
	b->about_bytes = (uint16_t)text.n;
}

static enum rm_json_scan_wish aws_member(struct rm_api_body *b, unsigned depth, struct rm_str key)
{
	enum rm_aws_thing thing;

	/* "RequestItems": {"TABLE": ...}; of several none is told. */
	if (depth == 2 && b->member == TABLES) {
		bool several = b->thing;

		b->thing = several ? RM_AWS_NOTHING : RM_AWS_TABLE;
		b->about_bytes = 0;
		about(b, several ? RM_STR("") : key);
		return several ? RM_JSON_SCAN_STOP : RM_JSON_SCAN_SKIP;
	}
	if (depth > 1)
		return RM_JSON_SCAN_SKIP;
	b->member = OTHER;
	if (is_thing(b, key, &thing)) {
		b->thing = (uint8_t)thing;
		b->member = ABOUT;
		return RM_JSON_SCAN_COLLECT;
	}
	if (rm_str_eq(key, RM_STR("RequestItems")) && rm_str_eq(rm_api_word(&b->service), RM_STR("DynamoDB")))
		b->member = TABLES;
	return RM_JSON_SCAN_SKIP;
}

static enum rm_json_scan_wish aws_value(struct rm_api_body *b, unsigned depth, enum rm_json_scan_kind kind, struct rm_str text,
					bool whole)
{
	if (depth > 1 || b->member != ABOUT)
		return RM_JSON_SCAN_SKIP;
	if (kind == RM_JSON_SCAN_TEXT && whole)
		about(b, text);
	return RM_JSON_SCAN_STOP;
}

/* ---- all of JSON ---- */

static enum rm_json_scan_wish on_member(void *to, unsigned depth, struct rm_str key)
{
	struct rm_api_body *b = to;

	if (b->answers) {
		mind_item(b);
		return b->call == RM_API_CALL_GRAPHQL ? result_member(b, key) : answer_member(b, depth, key);
	}
	return b->form == RM_API_BODY_AWS_JSON ? aws_member(b, depth, key) : call_member(b, depth, key);
}

static enum rm_json_scan_wish on_value(void *to, unsigned depth, enum rm_json_scan_kind kind, struct rm_str text, bool whole)
{
	struct rm_api_body *b = to;

	if (b->answers)
		return b->call == RM_API_CALL_GRAPHQL ? result_value(b, depth, kind) : answer_value(b, kind, text);
	if (b->form == RM_API_BODY_AWS_JSON)
		return aws_value(b, depth, kind, text, whole);
	return depth == 1u + is_batch(b) ? call_value(b, kind, text, whole) : RM_JSON_SCAN_SKIP;
}

/* ---- forms, and documents ---- */

/* What a URL asks for: documents and names stand in it as in a form. */
static void read_url(struct rm_api_body *b, struct rm_str target)
{
	char room[RM_JSON_SCAN_TEXT_BYTES];
	struct rm_str name;

	rm_str_cut(&target, '?');
	read_document(b, decoded(rm_api_parameter(target, RM_STR("query")), room, true));
	name = decoded(rm_api_parameter(target, RM_STR("operationName")), room, true);
	if (rm_graphql_is_name(name))
		set_word(&b->operation, name);
	b->over = true;
}

static void form_member(struct rm_api_body *b, struct rm_str name, struct rm_str value)
{
	char room[RM_JSON_SCAN_TEXT_BYTES];
	enum rm_aws_thing thing;

	if (rm_str_eq(name, RM_STR("Action")) && value.n <= RM_API_WORD_BYTES && rm_graphql_is_name(value)) {
		set_word(&b->operation, value);
	} else if (is_thing(b, name, &thing)) {
		b->thing = (uint8_t)thing;
		about(b, decoded(value, room, false));
	}
}

/* One "NAME=VALUE" after the other; one that is longer than the room for it is none of those that are looked for. */
static bool read_form(struct rm_api_body *b, const char *p, size_t n)
{
	struct rm_json_scan *room = &b->json;

	for (size_t i = 0; i < n; i++) {
		struct rm_str name, value;

		if (p[i] != '&') {
			if (room->bytes < sizeof(room->text))
				room->text[room->bytes++] = p[i];
			continue;
		}
		value = (struct rm_str){ room->text, room->bytes };
		name = rm_str_cut(&value, '=');
		if (room->bytes < sizeof(room->text))
			form_member(b, name, value);
		room->bytes = 0;
		if (b->operation.bytes && b->about_bytes)
			return false;
	}
	return true;
}

static bool read_text(struct rm_api_body *b, const char *p, size_t n)
{
	struct rm_json_scan *room = &b->json;
	size_t left = sizeof(room->text) - room->bytes;

	n = n < left ? n : left;
	memcpy(room->text + room->bytes, p, n);
	room->bytes += (uint16_t)n;
	return room->bytes < sizeof(room->text);
}

void rm_api_body_begin(struct rm_api_body *b, enum rm_api_body_form form, const struct rm_head *head, const struct rm_api *api)
{
	memset(b, 0, offsetof(struct rm_api_body, type));
	b->type.bytes = b->name.bytes = b->operation.bytes = b->method.bytes = b->id.bytes = b->version.bytes = 0;
	b->code.bytes = b->service.bytes = 0;
	b->about_bytes = 0;
	b->form = (uint8_t)form;
	rm_json_scan_begin(&b->json);
	if (form == RM_API_BODY_AWS_FORM || form == RM_API_BODY_AWS_JSON)
		set_word(&b->service, api->service);
	else
		b->graphql_said = form != RM_API_BODY_JSON || rm_graphql_said(head);
	if (form == RM_API_BODY_GRAPHQL_URL)
		read_url(b, head->target);
}

bool rm_api_body_read(struct rm_api_body *b, const char *p, uint64_t n)
{
	static const struct rm_json_scan_calls calls = { on_member, on_value };
	bool more = p && b->read_bytes < RM_API_BODY_MAX_BYTES;

	if (b->over)
		return false;
	if (more) {
		uint64_t left = RM_API_BODY_MAX_BYTES - b->read_bytes;

		n = n < left ? n : left;
		b->read_bytes += (uint32_t)n;
		if (!b->answers && b->form == RM_API_BODY_AWS_FORM)
			more = read_form(b, p, (size_t)n);
		else if (!b->answers && b->form == RM_API_BODY_GRAPHQL)
			more = read_text(b, p, (size_t)n);
		else
			more = rm_json_scan_feed(&b->json, p, (size_t)n, &calls, b);
	}
	b->over = !more;
	return more;
}

static void last_of_form(struct rm_api_body *b)
{
	if (!b->over)
		read_form(b, "&", 1);
}

/* A call of GraphQL or of JSON-RPC, or several: then what they have in common is told. */
static enum rm_api_call call_over(struct rm_api_body *b)
{
	b->listed = is_batch(b);
	b->batch = b->listed && (b->calls > 1 || !rm_json_scan_is_whole(&b->json));
	if (b->batch) {
		b->mixed = b->mixed || !rm_json_scan_is_whole(&b->json);
		b->name.bytes = b->operation.bytes = b->id.bytes = 0;
		if (b->mixed)
			b->type.bytes = b->method.bytes = 0;
		if (!b->calls)
			return RM_API_CALL_NONE;
		return b->version.bytes ? RM_API_CALL_JSONRPC : b->graphql_said ? RM_API_CALL_GRAPHQL : RM_API_CALL_NONE;
	}
	if (b->version.bytes)
		return b->method.bytes ? RM_API_CALL_JSONRPC : RM_API_CALL_NONE;
	/* Which of several operations is asked for, the first one need not be. */
	if (b->operation.bytes && b->name.bytes && !rm_str_eq(rm_api_word(&b->operation), rm_api_word(&b->name)))
		b->type.bytes = 0;
	if (!b->operation.bytes)
		b->operation = b->name;
	return b->graphql_said && (b->type.bytes || b->operation.bytes) ? RM_API_CALL_GRAPHQL : RM_API_CALL_NONE;
}

static enum rm_api_call body_over(struct rm_api_body *b)
{
	switch (b->form) {
	case RM_API_BODY_NONE:
		return RM_API_CALL_NONE;
	case RM_API_BODY_AWS_FORM:
		last_of_form(b);
		/* fall through */
	case RM_API_BODY_AWS_JSON:
		return b->operation.bytes || b->about_bytes ? RM_API_CALL_AWS : RM_API_CALL_NONE;
	case RM_API_BODY_GRAPHQL:
		if (!read_document(b, (struct rm_str){ b->json.text, b->json.bytes }))
			return RM_API_CALL_NONE;
		b->operation = b->name;
		return RM_API_CALL_GRAPHQL;
	}
	return call_over(b);
}

enum rm_api_call rm_api_body_over(struct rm_api_body *b)
{
	b->call = (uint8_t)body_over(b);
	b->over = true;
	return (enum rm_api_call)b->call;
}

bool rm_api_body_answer(struct rm_api_body *b, const struct rm_head *head)
{
	if ((b->call != RM_API_CALL_JSONRPC && b->call != RM_API_CALL_GRAPHQL) || !is_json(media_type(head)) ||
	    rm_api_field(head, RM_STR("content-encoding")).n)
		return false;
	b->answers = true;
	b->over = false;
	b->read_bytes = 0;
	rm_json_scan_begin(&b->json);
	b->json.told_depth += b->listed;
	return true;
}

bool rm_api_body_failed(struct rm_api_body *b)
{
	bool whole = rm_json_scan_is_whole(&b->json);

	if (b->answers && is_list(b)) {
		if (whole)
			answer_over(b);
		b->code = b->shared;
		b->code.bytes = whole && !b->differ && b->any_failed ? b->shared.bytes : 0;
		return b->any_failed;
	}
	/* What GraphQL could do in part is a success; so all of the answer must have been read. */
	return b->failed && (b->call == RM_API_CALL_GRAPHQL ? whole && !b->has_data : b->answered);
}
