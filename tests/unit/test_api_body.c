/* What bodies of calls over HTTP say: agent/api_body.c. Each is read whole, and in two pieces cut at every byte. */
#include "agent/api_body.h"
#include "tests/rmtest.h"

static struct rm_field fields[4];
static struct rm_head head;
static struct rm_api_body body;

static enum rm_api_body_form ask(const char *method, const char *target, const char *type, struct rm_api *api, bool server)
{
	fields[0] = (struct rm_field){ RM_STR("Host"), RM_STR("x") };
	fields[1] = (struct rm_field){ RM_STR("content-type"), rm_str_c(type) };
	head = (struct rm_head){ .method = rm_str_c(method), .target = rm_str_c(target), .fields = fields, .field_count = 2 };
	return rm_api_body_form(&head, api, server);
}

static enum rm_api_call read_cut(enum rm_api_body_form form, const struct rm_api *api, const char *text, size_t cut)
{
	rm_api_body_begin(&body, form, &head, api);
	if (!cut || rm_api_body_read(&body, text, cut))
		rm_api_body_read(&body, text + cut, strlen(text) - cut);
	return rm_api_body_over(&body);
}

/* A request's body; -1: it depends on how it is cut. */
static int call(const char *target, const char *type, const char *text)
{
	struct rm_api none = { 0 };
	enum rm_api_body_form form = ask("POST", target, type, &none, true);
	int first = (int)read_cut(form, &none, text, strlen(text));
	struct rm_api_body as_a_whole = body;

	for (size_t cut = 0; cut < strlen(text); cut++)
		if ((int)read_cut(form, &none, text, cut) != first || body.type.bytes != as_a_whole.type.bytes ||
		    body.operation.bytes != as_a_whole.operation.bytes || body.method.bytes != as_a_whole.method.bytes)
			return -1;
	return first;
}

static int json(const char *text)
{
	return call("/api", "application/json", text);
}

static int graphql(const char *document)
{
	return call("/graphql", "application/graphql", document);
}

static bool is_graphql(int found, const char *type, const char *operation)
{
	return found == RM_API_CALL_GRAPHQL && rm_str_eq(rm_api_word(&body.type), rm_str_c(type)) &&
	       rm_str_eq(rm_api_word(&body.operation), rm_str_c(operation));
}

RM_TEST("bodies are read of POST with a type that may say something, and nothing between")
{
	struct rm_api none = { 0 };

	RM_CHECK(ask("POST", "/", "application/json; charset=utf-8", &none, true) == RM_API_BODY_JSON);
	RM_CHECK(ask("POST", "/", "Application/JSON", &none, false) == RM_API_BODY_JSON);
	RM_CHECK(ask("POST", "/", "application/graphql+json", &none, false) == RM_API_BODY_JSON);
	RM_CHECK(ask("POST", "/", "application/graphql", &none, false) == RM_API_BODY_GRAPHQL);
	RM_CHECK(ask("GET", "/", "application/json", &none, true) == RM_API_BODY_NONE);
	RM_CHECK(ask("POST", "/", "text/plain", &none, true) == RM_API_BODY_NONE);
	RM_CHECK(ask("POST", "/", "application/x-www-form-urlencoded", &none, true) == RM_API_BODY_NONE);
	none.kind = RM_API_ELASTICSEARCH;
	RM_CHECK(ask("POST", "/", "application/json", &none, false) == RM_API_BODY_NONE);
	none.kind = RM_API_NONE;
	ask("POST", "/", "application/json", &none, true);
	fields[head.field_count++] = (struct rm_field){ RM_STR("Content-Encoding"), RM_STR("gzip") };
	RM_CHECK(rm_api_body_form(&head, &none, true) == RM_API_BODY_NONE);
}

RM_TEST("a document of GraphQL says its type and its name")
{
	RM_CHECK(is_graphql(graphql("query GetUser($id: ID!) { user(id: $id) { name } }"), "query", "GetUser"));
	RM_CHECK(is_graphql(graphql("{ user(id: 17) { name } }"), "query", ""));
	RM_CHECK(is_graphql(graphql("# a comment, {\n\n mutation  Add_2 @live { a }"), "mutation", "Add_2"));
	RM_CHECK(is_graphql(graphql("\xef\xbb\xbf,subscription{ a }"), "subscription", ""));
	RM_CHECK(graphql("quer") == RM_API_CALL_NONE && graphql("query hunter2") == RM_API_CALL_NONE);
	RM_CHECK(graphql("") == RM_API_CALL_NONE && graphql("DELETE hunter2") == RM_API_CALL_NONE);
	RM_CHECK(is_graphql(graphql("fragment F on User { a }"), "", ""));
}

RM_TEST("so it does within JSON, where something besides says that it is GraphQL")
{
	RM_CHECK(is_graphql(json("{\"query\":\"query A { a }\",\"variables\":{\"p\":\"hunter2\"}}"), "query", "A"));
	RM_CHECK(is_graphql(json("{\"operationName\":\"B\",\"variables\":{},\"query\":\"mutation B($p: String) {\\n b }\"}"), "mutation", "B"));
	RM_CHECK(is_graphql(json("{\"query\":\"query A { a } mutation B { b }\",\"operationName\":\"B\"}"), "", "B"));
	RM_CHECK(is_graphql(json("{\"query\":\"fragment F on U { a } query A { a }\",\"operationName\":\"A\"}"), "", "A"));
	RM_CHECK(is_graphql(json("{\"operationName\":\"A\",\"extensions\":{\"persistedQuery\":{\"sha256Hash\":\"00\"}}}"), "", "A"));
	RM_CHECK(json("{\"query\":\"{ a }\"}") == RM_API_CALL_NONE);
	RM_CHECK(is_graphql(call("/v1/GraphQL?x=1", "application/json", "{\"query\":\"{ a }\"}"), "query", ""));
	fields[2] = (struct rm_field){ RM_STR("Accept"), RM_STR("application/graphql-response+json, application/json") };
}

RM_TEST("what only looks like it is none")
{
	RM_CHECK(json("{\"query\":\"hunter2\",\"variables\":{}}") == RM_API_CALL_NONE);
	RM_CHECK(json("{\"query\":{\"match\":{}},\"variables\":1}") == RM_API_CALL_NONE);
	RM_CHECK(json("{\"name\":\"x\",\"query\":\"{ a }\",\"variables\":{}}") == RM_API_CALL_NONE);
	RM_CHECK(json("[\"query\",{\"a\":1}]") == RM_API_CALL_NONE);
	RM_CHECK(json("[[{\"query\":\"{ a }\",\"variables\":{}}]]") == RM_API_CALL_NONE);
	RM_CHECK(json("{\"operationName\":\"not a name\",\"variables\":{}}") == RM_API_CALL_NONE);
	RM_CHECK(json("{\"query\":\"{ a }\",\"variables\":") == RM_API_CALL_GRAPHQL);
	RM_CHECK(json("not json") == RM_API_CALL_NONE && json("") == RM_API_CALL_NONE);
}

static bool is_rpc(int found, const char *method, const char *id)
{
	return found == RM_API_CALL_JSONRPC && rm_str_eq(rm_api_word(&body.method), rm_str_c(method)) &&
	       rm_str_eq(rm_api_word(&body.id), rm_str_c(id));
}

RM_TEST("a call of JSON-RPC says its method and number; no parameter")
{
	RM_CHECK(is_rpc(json("{\"jsonrpc\":\"2.0\",\"method\":\"stock.count\",\"params\":[\"hunter2\"],\"id\":7}"), "stock.count", "7"));
	RM_CHECK(is_rpc(json("{\"id\":\"a-1\",\"params\":{\"method\":\"x\"},\"method\":\"eth_call\",\"jsonrpc\":\"2.0\"}"), "eth_call", "a-1"));
	RM_CHECK(is_rpc(json("{\"jsonrpc\":\"2.0\",\"method\":\"note\"}"), "note", ""));
	RM_CHECK(is_rpc(json("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":null,\"auth\":\"hunter2\"}"), "m", ""));
	RM_CHECK(json("{\"jsonrpc\":\"1.0\",\"method\":\"m\"}") == RM_API_CALL_NONE);
	RM_CHECK(json("{\"method\":\"m\",\"id\":1,\"params\":[]}") == RM_API_CALL_NONE);
	RM_CHECK(json("{\"jsonrpc\":\"2.0\",\"method\":17}") == RM_API_CALL_NONE);
	RM_CHECK(json("{\"jsonrpc\":\"2.0\",\"method\":\"two words\"}") == RM_API_CALL_NONE);
	RM_CHECK(json("{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":1}") == RM_API_CALL_NONE);
}

/* The answer to a call: its code, or "ok", "failed", "none". */
static const char *answer(const char *text)
{
	static char code[RM_API_METHOD_BYTES + 1];

	RM_CHECK(json("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}") == RM_API_CALL_JSONRPC);
	head = (struct rm_head){ .fields = fields + 1, .field_count = 1 };
	RM_CHECK(rm_api_body_answer(&body, &head));
	for (size_t i = 0; i < strlen(text) && rm_api_body_read(&body, text + i, 1); i++)
		;
	snprintf(code, sizeof(code), "%.*s", (int)body.code.bytes, body.code.text);
	return !body.answered ? "none" : !body.failed ? "ok" : body.code.bytes ? code : "failed";
}

RM_TEST("its answer says whether it failed, and how")
{
	RM_CHECK(strcmp(answer("{\"jsonrpc\":\"2.0\",\"result\":{\"error\":{\"code\":1}},\"id\":1}"), "ok") == 0);
	RM_CHECK(strcmp(answer("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":\"hunter2\"},\"id\":1}"), "-32601") == 0);
	RM_CHECK(strcmp(answer("{\"error\":{\"message\":\"x\",\"data\":{\"code\":5},\"code\":7},\"jsonrpc\":\"2.0\"}"), "7") == 0);
	RM_CHECK(strcmp(answer("{\"jsonrpc\":\"2.0\",\"error\":{},\"id\":1}"), "failed") == 0);
	RM_CHECK(strcmp(answer("{\"jsonrpc\":\"2.0\",\"error\":null,\"result\":1}"), "ok") == 0);
	RM_CHECK(strcmp(answer("[1]"), "none") == 0 && strcmp(answer(""), "none") == 0);
	fields[1].value = RM_STR("text/html");
	RM_CHECK(!rm_api_body_answer(&body, &head));
}

/* What a URL asks for that looks as if it asked; -1: it does not, or a body behind it is read. */
static int in_url(const char *target)
{
	struct rm_api none = { 0 };
	enum rm_api_body_form form = ask("GET", target, "x", &none, true);

	if (form != RM_API_BODY_GRAPHQL_URL)
		return -1;
	rm_api_body_begin(&body, form, &head, &none);
	return rm_api_body_read(&body, "{", 1) ? -1 : (int)rm_api_body_over(&body);
}

static bool url(const char *target, const char *type, const char *operation)
{
	return is_graphql(in_url(target), type, operation);
}

RM_TEST("a URL may ask of GraphQL, if something says that it does")
{
	struct rm_api elastic = { .kind = RM_API_ELASTICSEARCH }, amazon = { .kind = RM_API_AWS }, none = { 0 };

	RM_CHECK(url("/graphql?query=%7B+a%28b%3A%20%22hunter2%22%29+%7D", "query", ""));
	RM_CHECK(url("/v1/GraphQL/?x=1&query=query+Q%28%24a%3AInt%29%7Ba%7D&variables=%7B%7D", "query", "Q"));
	RM_CHECK(url("/graphql?query=query%20A%7Ba%7D%20query%20B%7Bb%7D&operationName=B", "", "B"));
	RM_CHECK(url("/graphql?operationName=Stored&extensions=%7B%7D", "", "Stored"));
	RM_CHECK(in_url("/graphql?query=words+of+a+search") == RM_API_CALL_NONE);
	RM_CHECK(in_url("/graphql?query=%zz") == RM_API_CALL_NONE);
	RM_CHECK(in_url("/graphql?operationName=two+words") == RM_API_CALL_NONE);
	RM_CHECK(url("/graphql?query=%7Ba(b:%22%zzhunter2%%22)%7D", "query", ""));
	RM_CHECK(ask("POST", "/graphql?query=%7Ba%7D", "application/json", &none, true) == RM_API_BODY_GRAPHQL_URL);
	RM_CHECK(ask("POST", "/graphql?operationName=A", "application/json", &none, true) == RM_API_BODY_JSON);
	RM_CHECK(ask("GET", "/graphql?query=%7Ba%7D", "x", &amazon, false) == RM_API_BODY_GRAPHQL_URL);
	RM_CHECK(ask("POST", "/graphql?query=words", "application/json", &none, true) == RM_API_BODY_JSON);
	RM_CHECK(ask("GET", "/search?query=%7Ba%7D", "x", &none, true) == RM_API_BODY_NONE);
	RM_CHECK(ask("GET", "/graphql", "x", &none, true) == RM_API_BODY_NONE);
	RM_CHECK(ask("GET", "/graphql?a=query", "x", &none, true) == RM_API_BODY_NONE);
	RM_CHECK(ask("GET", "/graphql?query=%7Ba%7D", "x", &elastic, false) == RM_API_BODY_NONE);
}

RM_TEST("of a list of calls it is told what they have in common")
{
	RM_CHECK(is_rpc(json("[{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":7}]"), "m", "7") && !body.batch);
	RM_CHECK(is_rpc(json("[{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"method\":\"x\"},\"id\":7},"
			     "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}]"), "m", "") && body.batch);
	RM_CHECK(is_rpc(json("[{\"jsonrpc\":\"2.0\",\"method\":\"m\"},{\"jsonrpc\":\"2.0\",\"method\":\"n\"},"
			     "{\"jsonrpc\":\"2.0\",\"method\":\"n\"}]"), "", "") && body.batch);
	RM_CHECK(is_rpc(json("[{\"jsonrpc\":\"2.0\",\"method\":\"m\"},{\"jsonrpc\":\"2.0\",\"method\":\"m\"}"), "", "") && body.batch);
	RM_CHECK(json("[{\"jsonrpc\":\"2.0\",\"method\":\"m\"},{\"jsonrpc\":\"1.0\",\"method\":\"m\"}]") == RM_API_CALL_NONE);
	RM_CHECK(json("[]") == RM_API_CALL_NONE && json("[{}]") == RM_API_CALL_NONE && json("[{\"jsonrpc\":\"2.0\"}]") == RM_API_CALL_NONE);
	RM_CHECK(is_graphql(json("[{\"query\":\"query A{a}\",\"variables\":{}},{\"query\":\"{ a }\"}]"), "query", "") && body.batch);
	RM_CHECK(is_graphql(json("[{\"query\":\"{ a }\",\"variables\":{}},{\"query\":\"mutation { b }\"}]"), "", "") && body.batch);
	RM_CHECK(is_graphql(json("[{\"query\":\"query A{a}\",\"variables\":{}}]"), "query", "A") && !body.batch);
	RM_CHECK(json("[{\"query\":\"{ a }\"},{\"query\":\"{ a }\"}]") == RM_API_CALL_NONE);
	head = (struct rm_head){ .fields = fields + 1, .field_count = 1 };
	json("[{\"jsonrpc\":\"2.0\",\"method\":\"m\"},{\"jsonrpc\":\"2.0\",\"method\":\"m\"}]");
	RM_CHECK(rm_api_body_answer(&body, &head));
	fields[1].value = RM_STR("text/html");
	RM_CHECK(!rm_api_body_answer(&body, &head));
}

/* What a list of answers to these calls says: its code, "failed" or "ok"; "-": it depends on how it is cut. */
static const char *list(const char *calls, const char *text)
{
	static char all[RM_API_METHOD_BYTES + 1];
	char one[sizeof(all)];

	for (size_t piece = strlen(text) + 1; piece; piece--) {
		json(calls);
		head = (struct rm_head){ .fields = fields + 1, .field_count = 1 };
		RM_CHECK(rm_api_body_answer(&body, &head));
		for (size_t at = 0; at < strlen(text); at += piece)
			if (!rm_api_body_read(&body, text + at, strlen(text) - at < piece ? strlen(text) - at : piece))
				break;
		if (!rm_api_body_failed(&body))
			strcpy(one, "ok");
		else if (body.code.bytes)
			snprintf(one, sizeof(one), "%.*s", body.code.bytes, body.code.text);
		else
			strcpy(one, "failed");
		if (piece == strlen(text) + 1)
			strcpy(all, one);
		else if (strcmp(one, all) != 0)
			return "-";
	}
	return all;
}

RM_TEST("a list of answers has failed where one of them did, with the code that all of those have")
{
	static const char two[] = "[{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1},{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":2}]";
	static const char one[] = "[{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":1}]";
#define GOOD "{\"jsonrpc\":\"2.0\",\"result\":{\"error\":{\"code\":1}},\"id\":1}"
#define BAD(code) "{\"id\":2,\"error\":{\"message\":\"hunter2\",\"data\":{\"code\":9},\"code\":" code "},\"jsonrpc\":\"2.0\"}"

	RM_CHECK(strcmp(list(two, "[" GOOD "," GOOD "]"), "ok") == 0);
	RM_CHECK(strcmp(list(two, "[" GOOD "," BAD("-32601") "]"), "-32601") == 0);
	RM_CHECK(strcmp(list(two, "[" BAD("5") "," GOOD "," BAD("5") "]"), "5") == 0);
	RM_CHECK(strcmp(list(two, "[" BAD("5") "," BAD("6") "]"), "failed") == 0);
	RM_CHECK(strcmp(list(two, "[" BAD("5") ",{\"jsonrpc\":\"2.0\",\"error\":{}}]"), "failed") == 0);
	RM_CHECK(strcmp(list(two, "[" BAD("5") "," GOOD), "failed") == 0); /* others may follow */
	RM_CHECK(strcmp(list(two, "[" GOOD "," BAD("5")), "ok") == 0);     /* nor is this one over */
	RM_CHECK(strcmp(list(two, "[{\"error\":{\"code\":5}}," GOOD "]"), "ok") == 0);
	RM_CHECK(strcmp(list(two, BAD("-32700")), "-32700") == 0);         /* one answer to all */
	RM_CHECK(strcmp(list(two, "[]"), "ok") == 0 && strcmp(list(two, ""), "ok") == 0);
	RM_CHECK(strcmp(list(one, "[" BAD("7") "]"), "7") == 0);
#undef GOOD
#undef BAD
}

RM_TEST("so has one of GraphQL, where one has errors and no data")
{
	static const char calls[] = "[{\"query\":\"{ a }\",\"variables\":{}},{\"query\":\"{ b }\"}]";

	RM_CHECK(strcmp(list(calls, "[{\"data\":{\"a\":1}},{\"errors\":[{\"code\":3}],\"data\":null}]"), "failed") == 0);
	RM_CHECK(strcmp(list(calls, "[{\"data\":{\"a\":1}},{\"errors\":[{}]}]"), "failed") == 0);
	RM_CHECK(strcmp(list(calls, "[{\"errors\":[{}]},{\"data\":{\"a\":1}}]"), "failed") == 0);
	RM_CHECK(strcmp(list(calls, "[{\"errors\":[{}],\"data\":{\"a\":1}},{\"data\":{\"errors\":[{}]}}]"), "ok") == 0);
	RM_CHECK(strcmp(list(calls, "[{\"data\":{\"a\":1},\"errors\":[{}]},{\"data\":null}]"), "ok") == 0);
	RM_CHECK(strcmp(list(calls, "{\"errors\":[{}]}"), "failed") == 0);
}

/* Did a call of GraphQL fail, whose answer this is, in pieces of any size? */
static bool fails(const char *text)
{
	bool first = false;

	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		json("{\"query\":\"{ a }\",\"variables\":{}}");
		head = (struct rm_head){ .fields = fields + 1, .field_count = 1 };
		RM_CHECK(rm_api_body_answer(&body, &head));
		for (size_t at = 0; at < strlen(text); at += piece)
			if (!rm_api_body_read(&body, text + at, strlen(text) - at < piece ? strlen(text) - at : piece))
				break;
		first = piece == 1 ? rm_api_body_failed(&body) : first;
		RM_CHECK(rm_api_body_failed(&body) == first);
	}
	return first;
}

RM_TEST("an answer of GraphQL with errors and without data is a failure")
{
	RM_CHECK(fails("{\"errors\":[{\"message\":\"hunter2\",\"extensions\":{\"code\":\"X\"}}]}"));
	RM_CHECK(fails("{\"errors\":[{}],\"data\":null}"));
	RM_CHECK(fails("{\"data\":null,\"errors\":[{}]}"));
	RM_CHECK(!fails("{\"errors\":[{}],\"data\":{\"a\":null}}"));
	RM_CHECK(!fails("{\"data\":{\"a\":null},\"errors\":[{}]}"));
	RM_CHECK(!fails("{\"data\":{\"errors\":[{}]}}"));
	RM_CHECK(!fails("{\"extensions\":{\"errors\":[{}]}}"));
	RM_CHECK(!fails("{\"errors\":null}") && !fails("{\"errors\":\"x\"}"));
	RM_CHECK(!fails("{\"errors\":[{}]"));
	RM_CHECK(!fails("{\"errors\":[{}]]}"));
	RM_CHECK(!fails("[{\"errors\":[{}]}]") && !fails("\"errors\"") && !fails(""));
	fields[1].value = RM_STR("text/html");
	RM_CHECK(!rm_api_body_answer(&body, &head));
}

static bool aws(const char *service, const char *type, const char *text, const char *operation, enum rm_aws_thing thing, const char *about)
{
	struct rm_api api = { .kind = RM_API_AWS, .service = rm_str_c(service) };
	enum rm_api_body_form form = ask("POST", "/", type, &api, false);
	bool good = true;

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		read_cut(form, &api, text, cut);
		good = good && rm_str_eq(rm_api_word(&body.operation), rm_str_c(operation)) &&
		       rm_str_eq((struct rm_str){ body.about, body.about_bytes }, rm_str_c(about)) && (!*about || body.thing == thing);
	}
	return good;
}

#define JSON_1 "application/x-amz-json-1.0"
#define FORM "application/x-www-form-urlencoded; charset=utf-8"

RM_TEST("a request to AWS says what it is about, by names that its service has for that")
{
	RM_CHECK(aws("DynamoDB", JSON_1, "{\"Key\":{\"TableName\":{\"S\":\"hunter2\"}},\"TableName\":\"orders\"}", "", RM_AWS_TABLE, "orders"));
	RM_CHECK(aws("SQS", JSON_1, "{\"QueueUrl\":\"http://sqs/1/jobs\",\"MessageBody\":\"hunter2\"}", "", RM_AWS_QUEUE_URL, "http://sqs/1/jobs"));
	RM_CHECK(aws("SQS", JSON_1, "{\"TableName\":\"orders\"}", "", RM_AWS_NOTHING, ""));
	RM_CHECK(aws("DynamoDB", JSON_1, "{\"RequestItems\":{\"orders\":[{\"PutRequest\":{}}]}}", "", RM_AWS_TABLE, "orders"));
	RM_CHECK(aws("DynamoDB", JSON_1, "{\"RequestItems\":{\"a\":[],\"b\":[]}}", "", RM_AWS_NOTHING, "") && !body.thing);
	RM_CHECK(aws("Secrets Manager", JSON_1, "{\"SecretId\":\"hunter2\"}", "", RM_AWS_NOTHING, ""));
	RM_CHECK(aws("Secrets Manager", JSON_1, "{\"SecretId\":\"arn:aws:s:x\"}", "", RM_AWS_SECRET, "arn:aws:s:x"));
}

RM_TEST("the Query protocol has its action in a form")
{
	RM_CHECK(aws("SNS", FORM, "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu%3A1%3Anews&Message=hunter2", "Publish",
		     RM_AWS_TOPIC, "arn:aws:sns:eu:1:news"));
	RM_CHECK(aws("IAM", FORM, "Version=1&Action=ListUsers", "ListUsers", RM_AWS_NOTHING, ""));
	RM_CHECK(aws("IAM", FORM, "Action=hunter%202&Version=1", "", RM_AWS_NOTHING, ""));
	RM_CHECK(aws("SNS", FORM, "TopicArn=%zz&Action=Publish", "Publish", RM_AWS_NOTHING, ""));
}

RM_TEST("no more than 16 KiB are read, and nothing behind what nobody saw")
{
	static char text[RM_API_BODY_MAX_BYTES + 200];
	struct rm_api none = { 0 };
	int n = snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"params\":\"%0*d", RM_API_BODY_MAX_BYTES - 46, 0);

	snprintf(text + n, sizeof(text) - (size_t)n, "\",\"method\":\"m\"}");
	RM_CHECK(strlen(text) == RM_API_BODY_MAX_BYTES - 5 + 1 && json(text) == RM_API_CALL_JSONRPC);
	n = snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"params\":\"%0*d", RM_API_BODY_MAX_BYTES - 30, 0);
	snprintf(text + n, sizeof(text) - (size_t)n, "\",\"method\":\"m\"}");
	ask("POST", "/", "application/json", &none, true);
	RM_CHECK(read_cut(RM_API_BODY_JSON, &none, text, 100) == RM_API_CALL_NONE);
	rm_api_body_begin(&body, RM_API_BODY_JSON, &head, &none);
	RM_CHECK(rm_api_body_read(&body, "{\"jsonrpc\":\"2.0\",", 17) && !rm_api_body_read(&body, NULL, 10));
	RM_CHECK(!rm_api_body_read(&body, "\"method\":\"m\"}", 13) && rm_api_body_over(&body) == RM_API_CALL_NONE);
}
