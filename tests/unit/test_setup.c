/* What it took to set up a connection: agent/setup.c. */
#include "agent/setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/err.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

static struct rm_conn conn;

static void begin_test(enum rm_setup_mode mode)
{
	static bool started;
	char *none[] = { NULL };

	if (!started)
		stub_start(none);
	started = true;
	stub_config.setup = (uint8_t)mode;
	memset(&conn, 0, sizeof(conn));
	memcpy(conn.peer.text, "192.0.2.1", 9);
	conn.peer.bytes = 9;
	conn.peer.port = 443;
}

/* A CLIENT exchange with a record, as observe.c has it when a head goes out. */
static uint32_t request(const struct rm_spanctx *parent)
{
	struct rm_thread *t = rm_thread_self();
	uint32_t x = rm_exchange_begin(RM_KIND_CLIENT, 9000000000, t);
	struct rm_exchange *e = rm_exchange_at(x);
	struct rm_span span = { .kind = RM_KIND_CLIENT };

	e->parent = parent ? *parent : (struct rm_spanctx){ 0 };
	e->ctx = (struct rm_spanctx){ .valid = true, .flags = RM_FLAG_SAMPLED, .trace_id = { 7 }, .sampled_known = true };
	rm_exchange_span_id(x, &t->random, e->ctx.span_id);
	atomic_store(&e->phase, RM_PHASE_OPEN);
	e->record = rm_text_get(400);
	e->builder.max_attrs = 128;
	RM_CHECK(rm_builder_span(&e->builder, rm_text_at(e->record), 400, &span, RM_STR("GET"), RM_STR("")) == RM_OK);
	return x;
}

static const struct rm_span *told(uint32_t x)
{
	rm_setup_tell(&conn, rm_thread_self(), x);
	rm_exchange_end(x, 9500000000, rm_thread_self());
	return stub_span();
}

static struct rm_attr attribute(const struct rm_record *r, const char *key)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (rm_str_eq(a.key, rm_str_c(key)))
			return a;
	return (struct rm_attr){ 0 };
}

RM_TEST("each step is an event with its duration, told once")
{
	const struct rm_event *event;
	const struct rm_span *span;
	struct rm_attr_iter it;

	begin_test(RM_SETUP_EVENTS);
	conn.setup = (struct rm_setup){ 1000000000, 1250000000, 1300000000, 1800000000, 4 };
	span = told(request(NULL));
	RM_CHECK(span && span->event_count == 2);
	it = rm_record_attrs(&span->record);
	RM_CHECK(rm_event_next(&it, &event));
	RM_CHECK_STR(rm_event_name(event), "network.connect");
	RM_CHECK(attribute(&event->record, "remora.duration").v.f64 == 0.25);
	RM_CHECK_STR(attribute(&event->record, "network.peer.address").v.str, "192.0.2.1");
	RM_CHECK(attribute(&event->record, "network.peer.port").v.i64 == 443);
	RM_CHECK(rm_event_next(&it, &event));
	RM_CHECK_STR(rm_event_name(event), "tls.handshake");
	RM_CHECK(attribute(&event->record, "remora.duration").v.f64 == 0.5);
	RM_CHECK_STR(attribute(&event->record, "tls.protocol.version").v.str, "1.3");
	RM_CHECK(told(request(NULL))->event_count == 0);
}

RM_TEST("as spans they are below the request, with their own times")
{
	const struct rm_span *span;
	uint8_t parent[8];
	uint64_t start_ns;
	uint32_t x;

	begin_test(RM_SETUP_SPANS);
	conn.setup = (struct rm_setup){ 1000000000, 1250000000, 1300000000, 1800000000, 3 };
	x = request(NULL);
	memcpy(parent, rm_exchange_at(x)->ctx.span_id, 8);
	rm_setup_tell(&conn, rm_thread_self(), x);
	span = stub_span();
	RM_CHECK(span && span->kind == RM_KIND_INTERNAL && span->end_ns - span->start_ns == 250000000);
	RM_CHECK(memcmp(span->parent_id, parent, 8) == 0 && span->trace_id[0] == 7);
	RM_CHECK_STR(rm_span_name(span), "socket connect 192.0.2.1:443");
	RM_CHECK_STR(attribute(&span->record, "network.transport").v.str, "tcp");
	start_ns = span->start_ns;
	span = stub_span();
	RM_CHECK(span && span->end_ns - span->start_ns == 500000000 && span->start_ns - start_ns == 300000000);
	RM_CHECK_STR(rm_span_name(span), "TLS client handshake 192.0.2.1");
	RM_CHECK_STR(attribute(&span->record, "tls.protocol.version").v.str, "1.2");
	rm_exchange_end(x, 9500000000, rm_thread_self());
	RM_CHECK(stub_span()->event_count == 0 && !stub_span());
}

RM_TEST("what was not seen to its end is not told; nor a path's, nor what no record is for")
{
	uint32_t x;

	begin_test(RM_SETUP_EVENTS);
	conn.setup = (struct rm_setup){ .connect_ns = 1000000000, .hello_ns = 1300000000 };
	RM_CHECK(told(request(NULL))->event_count == 0);
	conn.setup = (struct rm_setup){ .connect_ns = 1000000000, .connected_ns = 1100000000 };
	conn.peer.path = true;
	RM_CHECK(told(request(NULL))->event_count == 0);
	conn.peer.path = false;
	conn.setup = (struct rm_setup){ .connect_ns = 1000000000, .connected_ns = 1100000000 };
	x = request(NULL);
	rm_text_put(rm_exchange_at(x)->record);
	rm_exchange_at(x)->record = 0;
	RM_CHECK(!told(x) && !conn.setup.connect_ns);
}

RM_TEST("a connection is told of to a request whose parent began before it, and to no other")
{
	uint32_t server;
	struct rm_spanctx parent;

	begin_test(RM_SETUP_EVENTS);
	server = rm_exchange_begin(RM_KIND_SERVER, 2000000000, rm_thread_self());
	parent = (struct rm_spanctx){ .valid = true, .flags = RM_FLAG_SAMPLED };
	rm_exchange_span_id(server, &rm_thread_self()->random, parent.span_id);
	rm_exchange_at(server)->ctx = parent;
	atomic_store(&rm_exchange_at(server)->phase, RM_PHASE_OPEN);
	conn.setup = (struct rm_setup){ .connect_ns = 1000000000, .connected_ns = 1100000000 };
	RM_CHECK(told(request(&parent))->event_count == 0);
	conn.setup = (struct rm_setup){ .connect_ns = 3000000000, .connected_ns = 3100000000 };
	RM_CHECK(told(request(&parent))->event_count == 1);
	rm_exchange_drop(server);
}

/* Connects to `port` of this machine, or of nobody, and says what the program did. */
static struct rm_setup connected(uint32_t address, uint16_t port, bool asks)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(address) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct rm_setup ret = { 0 };
	struct rm_conn *c;
	struct rm_scope s;

	RM_CHECK(rm_enter(&s));
	rm_fd_socket(&s, fd, AF_INET, SOCK_STREAM);
	(void)!connect(fd, (struct sockaddr *)&to, sizeof(to));
	rm_fd_connect(&s, fd, (struct sockaddr *)&to, sizeof(to), -1, EINPROGRESS, 1000);
	if (asks)
		rm_fd_connected(&s, fd);
	c = rm_conn_take(fd);
	if (c) {
		ret = c->setup;
		rm_conn_release(c);
	}
	rm_fd_close(&s, fd);
	rm_leave(&s);
	close(fd);
	return ret;
}

RM_TEST("who asks while the connection is being made is not connected")
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	begin_test(RM_SETUP_EVENTS);
	RM_CHECK(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 8) == 0);
	RM_CHECK(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
	RM_CHECK(connected(INADDR_LOOPBACK, at.sin_port, true).connected_ns > 1000);
	RM_CHECK(connected(INADDR_LOOPBACK, at.sin_port, false).connected_ns == 0);
	RM_CHECK(connected(0xc0000201, htons(9), true).connected_ns == 0);
	close(listener);
}
