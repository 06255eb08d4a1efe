/* How a connection gets its protocol when TLS has agreed on it, agent/stream.c. */
#include "agent/stream.h"
#include "tests/unit/client_fixture.h"

static struct rm_conn *take_client(void)
{
	open_client(7);
	return rm_conn_take(7);
}

static void let_go(struct rm_conn *c)
{
	rm_conn_release(c);
	close_fd(7);
}

RM_TEST("a protocol is chosen by its name in TLS")
{
	char *none[] = { NULL };
	struct rm_conn *c;

	stub_start(none);
	c = take_client();
	RM_CHECK(rm_stream_choose(c, RM_STR("http/1.1")));
	RM_CHECK_STR(rm_str_c(c->proto->name), "http1");
	let_go(c);
}

RM_TEST("a name that nobody knows chooses none")
{
	struct rm_conn *c = take_client();

	RM_CHECK(!rm_stream_choose(c, RM_STR("dot")));
	RM_CHECK(!rm_stream_choose(c, RM_STR("")));
	RM_CHECK(!rm_stream_choose(c, RM_STR("http1")));
	RM_CHECK(c->proto == NULL);
	let_go(c);
}

RM_TEST("with a protocol chosen, the first bytes are its own business")
{
	static const char response[] = "HTTP/1.1 200 OK\r\n\r\n";
	struct rm_conn *c = take_client();
	struct rm_visit v;

	RM_CHECK(rm_stream_choose(c, RM_STR("http/1.1")));
	rm_visit_init(&v, c, rm_thread_self(), 7);
	/* Of an undecided connection this would be the end, too; here it is the parser that says so. */
	RM_CHECK(rm_stream_feed(&v, RM_DIR_RESPONSE, response, sizeof(response) - 1) == RM_FEED_MUTE);
	RM_CHECK(c->dead);
	let_go(c);
}
