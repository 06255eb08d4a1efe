/* Operations of databases as spans, and that servers have none: agent/semconv_db.c, observe.c, stream.c. */
#include "agent/semconv_db.h"
#include "agent/stream.h"
#include "tests/unit/client_fixture.h"

static struct rm_str name;
static const struct rm_span *span;

/* The attribute's text in the span looked at; "none" without it, "number" for what is no text. */
static struct rm_str attribute(const char *key)
{
	struct rm_attr_iter it = rm_record_attrs(&span->record);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (rm_str_eq(a.key, rm_str_c(key)))
			return a.type == RM_ATTR_STR ? a.v.str : RM_STR("number");
	return RM_STR("none");
}

static void talk(enum rm_role role, const char *asked, const char *answered)
{
	struct rm_conn *c;
	struct rm_visit v;

	open_client(7);
	c = rm_conn_take(7);
	c->role = (uint8_t)role;
	c->peer = (struct rm_peer){ .port = 6380, .bytes = 9, .asked = true, .text = "127.0.0.1" };
	rm_visit_init(&v, c, rm_thread_self(), 7);
	if (rm_stream_feed(&v, RM_DIR_REQUEST, asked, strlen(asked)) > 0)
		rm_stream_feed(&v, RM_DIR_RESPONSE, answered, strlen(answered));
	rm_conn_release(c);
	close_fd(7);
}

static bool next_span(void)
{
	span = stub_span();
	name = span ? rm_span_name(span) : (struct rm_str){ 0 };
	return span != NULL;
}

RM_TEST("a command is a CLIENT span with the attributes of the conventions")
{
	char *none[] = { NULL };

	stub_start(none);
	talk(RM_ROLE_CLIENT, "*2\r\n$3\r\nget\r\n$7\r\nhunter2\r\n", "$1\r\nx\r\n");
	RM_CHECK(next_span());
	RM_CHECK_STR(name, "GET");
	RM_CHECK(span->kind == RM_KIND_CLIENT && span->status == RM_STATUS_UNSET);
	RM_CHECK_STR(attribute("db.system.name"), "redis");
	RM_CHECK_STR(attribute("db.operation.name"), "GET");
	RM_CHECK_STR(attribute("db.query.text"), "GET ?");
	RM_CHECK_STR(attribute("db.namespace"), "none");
	RM_CHECK_STR(attribute("db.operation.batch.size"), "none");
	RM_CHECK_STR(attribute("server.address"), "127.0.0.1");
	RM_CHECK_STR(attribute("server.port"), "number");
	RM_CHECK_STR(attribute("network.peer.address"), "127.0.0.1");
	RM_CHECK_STR(attribute("error.type"), "none");
	RM_CHECK_STR(attribute("http.response.body.size"), "none");
	RM_CHECK(!next_span());
}

RM_TEST("an error has its status as error.type, once")
{
	talk(RM_ROLE_CLIENT, "*1\r\n$4\r\nLPOP\r\n", "-WRONGTYPE hunter2\r\n");
	RM_CHECK(next_span());
	RM_CHECK(span->status == RM_STATUS_ERROR);
	RM_CHECK_STR(attribute("db.response.status_code"), "WRONGTYPE");
	RM_CHECK_STR(attribute("error.type"), "WRONGTYPE");
	talk(RM_ROLE_CLIENT, "*1\r\n$4\r\nEVAL\r\n", "-hunter2\r\n");
	RM_CHECK(next_span());
	RM_CHECK_STR(attribute("db.response.status_code"), "none");
	RM_CHECK_STR(attribute("error.type"), "_OTHER");
}

RM_TEST("a command that is not known is named after the system, one without an answer ends as broken")
{
	talk(RM_ROLE_CLIENT, "*1\r\n$7\r\nhunter2\r\n", "");
	RM_CHECK(next_span());
	RM_CHECK_STR(name, "redis");
	RM_CHECK_STR(attribute("db.operation.name"), "none");
	RM_CHECK_STR(attribute("error.type"), "connection_closed");
}

RM_TEST("a server's own connection is left alone at once")
{
	static const char asked[] = "*1\r\n$4\r\nPING\r\n";
	struct rm_conn *c;
	struct rm_visit v;

	open_client(7);
	c = rm_conn_take(7);
	c->role = RM_ROLE_SERVER;
	rm_visit_init(&v, c, rm_thread_self(), 7);
	RM_CHECK(rm_stream_feed(&v, RM_DIR_REQUEST, asked, sizeof(asked) - 1) == RM_FEED_MUTE);
	RM_CHECK(c->muted && !c->proto);
	rm_conn_release(c);
	close_fd(7);
	RM_CHECK(!next_span());
}

static void operation(const struct rm_operation *op)
{
	static struct rm_conn conn = { .peer = { .port = 5432, .bytes = 9, .asked = true, .text = "127.0.0.1" } };
	uint32_t x = rm_exchange_begin(RM_KIND_CLIENT, 1000000000, rm_thread_self());

	rm_semconv_operation(rm_exchange_at(x), &stub_config, &conn.peer, op, NULL);
	rm_exchange_end(x, 2000000000, rm_thread_self());
	RM_CHECK(next_span());
}

RM_TEST("the name is the summary; else the operation and what it is about; else that; else the system")
{
	struct rm_operation op = { .system = RM_STR("postgresql"), .port = 5432, .space = RM_STR("shop"), .batch = 3 };

	operation(&op);
	RM_CHECK_STR(name, "shop");
	RM_CHECK_STR(attribute("server.port"), "none");
	RM_CHECK_STR(attribute("db.operation.batch.size"), "number");
	op.collection = RM_STR("orders");
	operation(&op);
	RM_CHECK_STR(name, "orders");
	op.name = RM_STR("SELECT");
	operation(&op);
	RM_CHECK_STR(name, "SELECT orders");
	op.summary = RM_STR("SELECT orders items");
	operation(&op);
	RM_CHECK_STR(name, "SELECT orders items");
	op = (struct rm_operation){ .system = RM_STR("postgresql"), .name = RM_STR("CALL"), .procedure = RM_STR("settle"), .space = RM_STR("shop") };
	operation(&op);
	RM_CHECK_STR(name, "CALL settle");
	RM_CHECK_STR(attribute("db.stored_procedure.name"), "settle");
	RM_CHECK_STR(attribute("db.collection.name"), "none");
	op = (struct rm_operation){ .system = RM_STR("postgresql") };
	operation(&op);
	RM_CHECK_STR(name, "postgresql");
}
