/* How a connection gets its protocol when TLS has agreed on it, or where it was there before, agent/stream.c. */
#include <sys/socket.h>
#include <unistd.h>

#include "agent/stream.h"
#include "agent/observe.h"
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

RM_TEST("what a protocol may remember of a head has a limit, by whichever steps it is reached")
{
	struct rm_conn *c = take_client();
	struct rm_visit v;

	rm_visit_init(&v, c, rm_thread_self(), 7);
	RM_CHECK(rm_observe.stash(&v.sink, RM_STASH_REQUEST_HEAD, 1) && rm_observe.stash(&v.sink, RM_STASH_REQUEST_HEAD, RM_HEAD_MAX_BYTES));
	RM_CHECK(rm_observe.stash(&v.sink, RM_STASH_RESPONSE_HEAD, 1) && !rm_observe.stash(&v.sink, RM_STASH_RESPONSE_HEAD, RM_HEAD_MAX_BYTES + 1));
	let_go(c);
}

/* A socket that another process passed on; the peer's end is in pair[1]. */
static void receive_socket(int pair[2])
{
	struct rm_scope s;

	RM_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && rm_enter(&s));
	rm_fd_received(&s, pair[0]);
	rm_leave(&s);
	sent_bytes = 0;
}

static void give_up_socket(int pair[2])
{
	close_fd(pair[0]);
	close(pair[0]);
	close(pair[1]);
	RM_CHECK(all_freed());
}

static const char question[] = "Q\0\0\0\x19SELECT 1 FROM orders";
static const char answer[] = "C\0\0\0\x0dSELECT 1\0Z\0\0\0\5I";
enum { QUESTION = sizeof(question), ANSWER = sizeof(answer) - 1 };

static uint64_t muted(void)
{
	return atomic_load(&stub_segment.lost[RM_LOST_MUTED]);
}

RM_TEST("a connection that was there before is joined, and nothing is lost")
{
	uint64_t before = muted();
	int pair[2];

	receive_socket(pair);
	RM_CHECK(send_text(pair[0], question, QUESTION) == QUESTION);
	receive_text(pair[0], answer, ANSWER);
	RM_CHECK(stub_span() && muted() == before);
	give_up_socket(pair);
}

RM_TEST("not where an answer to somebody else's question waits: that is counted")
{
	uint64_t before = muted();
	int pair[2];

	receive_socket(pair);
	RM_CHECK(write(pair[1], answer, ANSWER) == ANSWER);
	RM_CHECK(send_text(pair[0], question, QUESTION) == QUESTION);
	receive_text(pair[0], answer, ANSWER);
	RM_CHECK(!stub_span() && muted() == before + 1);
	give_up_socket(pair);
}

RM_TEST("nor where a question is not whole, or its answer is none: that is counted")
{
	static const char wrong[] = "1\0\0\0\4";
	uint64_t before = muted();
	int pair[2];

	receive_socket(pair);
	RM_CHECK(send_text(pair[0], question, QUESTION - 2) == QUESTION - 2);
	RM_CHECK(muted() == before + 1);
	give_up_socket(pair);
	receive_socket(pair);
	RM_CHECK(send_text(pair[0], question, QUESTION) == QUESTION);
	receive_text(pair[0], wrong, sizeof(wrong) - 1);
	RM_CHECK(!stub_span() && muted() == before + 2);
	give_up_socket(pair);
}

RM_TEST("one that this process made is not joined, and what is no database's is not counted")
{
	uint64_t before = muted();
	int pair[2];

	open_client(7);
	RM_CHECK(send_text(7, question, QUESTION) == QUESTION);
	receive_text(7, answer, ANSWER);
	RM_CHECK(!stub_span());
	close_fd(7);
	receive_socket(pair);
	RM_CHECK(send_text(pair[0], "hello, world\n", 13) == 13);
	RM_CHECK(!stub_span() && muted() == before);
	give_up_socket(pair);
}

RM_TEST("scratch memory is one piece for a feed, and never shorter than what was asked for")
{
	struct rm_conn *c = take_client();
	struct rm_visit v;
	char *first;

	rm_visit_init(&v, c, rm_thread_self(), 7);
	first = v.sink.on->scratch(&v.sink, 100);
	RM_CHECK(first != NULL && (uintptr_t)first % 16 == 0);
	RM_CHECK(v.sink.on->scratch(&v.sink, 100) == (void *)first && v.sink.on->scratch(&v.sink, 1) == (void *)first);
	memset(first, 1, rm_text_cap(v.scratch));
	RM_CHECK(v.sink.on->scratch(&v.sink, (uint32_t)rm_text_cap(v.scratch) + 1) == NULL);
	RM_CHECK(v.sink.on->scratch(&v.sink, 100) == (void *)first);
	rm_text_put(v.scratch);
	let_go(c);
}
