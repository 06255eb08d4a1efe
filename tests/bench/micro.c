/*
 * The calls whose cost micro.py counts. Each step is a function of its own that measure() calls
 * directly, so that callgrind's record of measure() tells what one step cost; warm_up() has made
 * the same calls before, once everything that happens once. The peer speaks to the kernel without
 * libc's functions: it is the world outside, which no agent sees.
 *
 * Usage: micro CALLS plain|child|varied|tls|full|rest
 * With `child`, requests carry a trace context already; with `varied`, no two requests of HTTP/1 in a row have the same path,
 * query, user agent and id; with `tls`, calls are those inside TLS alone: handshakes take
 * a while, in which an agent's own thread wakes up; with `rest`, those that few programs make, and lines on standard error. With `full`, spans stay where they are: no thread is started while
 * a signal is blocked, and so many calls are made before the others that no span more finds room.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/micro_tls.h"

enum { WARM_UP_CALLS = 8, STEPS_MAX = 4, BODY_STEP = 4096, FULL_CALLS = 4000 };

#define STEP static APART void

#define FIELDS                                                                                     \
	"Host: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n"                       \
	"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"                             \
	"X-Request-Id: 7f3c2a9e51\r\n"

#define PARENT "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"

static const char plain[] = "GET /api/items?id=42&sort=price HTTP/1.1\r\n" FIELDS "\r\n";
static const char child[] = "GET /api/items?id=42&sort=price HTTP/1.1\r\n" FIELDS PARENT "\r\n";
static const char upload[] = "POST /upload HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
			     "Content-Length: 1000000000\r\n\r\n";
static const char response[] =
	"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 15 Oct 2024 08:12:31 GMT\r\n"
	"Content-Type: text/plain\r\nContent-Length: 12\r\nConnection: keep-alive\r\n\r\n"
	"Hello world\n";

#define GET "*2\r\n$3\r\nGET\r\n$10\r\nsession:42\r\n"
#define GETS GET GET GET GET
#define GOT "$5\r\nhello\r\n"
#define GOTS GOT GOT GOT GOT
static const char commands[] = GETS GETS GETS GETS; /* a pipeline of 16 */
static const char values[] = GOTS GOTS GOTS GOTS;

#define SQL "SELECT o.id, o.note FROM orders o JOIN items i ON i.order_id = o.id WHERE o.id = "
static const char startup[] = "\0\0\0\x26\0\3\0\0user\0shop_user\0database\0shop\0";
static const char ready[] = "R\0\0\0\x08\0\0\0\0Z\0\0\0\5I";
static const char query[] = "Q\0\0\0\x5d" SQL "4242424";
static const char prepare[] = "P\0\0\0\x5c" "p\0" SQL "$1\0\0\0S\0\0\0\4";
static const char prepared[] = "1\0\0\0\4Z\0\0\0\5I";
static const char execute[] = "B\0\0\0\x15\0p\0\0\0\0\1\0\0\0\4" "4242\0\0" "E\0\0\0\x09\0\0\0\0\0S\0\0\0\4";
static const char rows[] = "2\0\0\0\4D\0\0\0\x0b\0\1\0\0\0\1xC\0\0\0\x0dSELECT 1\0Z\0\0\0\5I";
#define QUERY_ROWS (rows + 5) /* nothing was bound */

/* HTTP/2: a request in one frame, a response in two. Their streams are counted up in STREAM_AT. */
#define H2_FRAME(bytes, type, flags) "\0\0" bytes type flags "\0\0\0\0"
#define H2_SETTINGS H2_FRAME("\0", "\4", "\0")
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" H2_SETTINGS;
static const char settings[] = H2_SETTINGS;
static char stream_request[] = H2_FRAME("\x4a", "\1", "\5") "\x82\x86\x04\x1b" "/api/items?id=42&sort=price"
			       "\x01\x0e" "127.0.0.1:8080" "\x0f\x2b\x0b" "curl/7.88.1" "\x0f\x04\x03" "*/*"
			       "\x0f\x01\x04" "gzip";
static char stream_response[] = H2_FRAME("\x13", "\1", "\4") "\x88\x0f\x10\x0a" "text/plain" "\x0f\x0d\x02" "12"
				H2_FRAME("\x0c", "\0", "\1") "Hello world\n";
enum { H2_HEAD = 9, STREAM_AT = 5, DATA_AT = H2_HEAD + 0x13 };

_Static_assert(sizeof(stream_request) - 1 == H2_HEAD + 0x4a, "its length");
_Static_assert(sizeof(stream_response) - 1 == DATA_AT + H2_HEAD + 0x0c, "its lengths");

/* gRPC: a call with one message each way. Its streams are counted up in STREAM_AT, too. */
#define GRPC_TYPE "\x0f\x10\x10" "application/grpc"
static char call_request[] = H2_FRAME("\x36", "\1", "\4") "\x83\x86\x04\x0f" "/shop.Items/Get" "\x01\x0e" "127.0.0.1:8080" GRPC_TYPE
			     H2_FRAME("\x0c", "\0", "\1") "\0\0\0\0\7" "message";
static char call_response[] = H2_FRAME("\x14", "\1", "\4") "\x88" GRPC_TYPE
			      H2_FRAME("\x0c", "\0", "\0") "\0\0\0\0\7" "message"
			      H2_FRAME("\x0f", "\1", "\5") "\0\x0b" "grpc-status" "\1" "0";
enum { CALL_DATA_AT = H2_HEAD + 0x36, ANSWER_DATA_AT = H2_HEAD + 0x14, TRAILERS_AT = ANSWER_DATA_AT + H2_HEAD + 0x0c };

_Static_assert(sizeof(call_request) - 1 == CALL_DATA_AT + H2_HEAD + 0x0c, "its lengths");
_Static_assert(sizeof(call_response) - 1 == TRAILERS_AT + H2_HEAD + 0x0f, "its lengths");

/* AMQP: a message of a byte to exchange "e" by key "k". */
static const char broker_preface[] = "AMQP\0\0\x09\1";
static const char publish[] = "\1\0\1\0\0\0\x0b" "\0\x3c\0\x28\0\0" "\1" "e" "\1" "k" "\0" "\xce"
			      "\2\0\1\0\0\0\x0e" "\0\x3c\0\0" "\0\0\0\0\0\0\0\1" "\0\0" "\xce"
			      "\3\0\1\0\0\0\1" "a" "\xce";

/* DNS over TCP. */
#define NAME_ASKED "\7" "example" "\3" "com" "\0" "\0\1" "\0\1"
static const char question[] = "\0\x1d" "\x12\x34" "\1\0" "\0\1\0\0\0\0\0\0" NAME_ASKED;
static const char found[] = "\0\x2d" "\x12\x34" "\x81\x80" "\0\1\0\1\0\0\0\0" NAME_ASKED
			    "\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4\x7f\0\0\1";

_Static_assert(sizeof(question) - 1 == 2 + 0x1d && sizeof(found) - 1 == 2 + 0x2d, "their lengths");

static const char line[] = "2026-11-30 08:12:31 INFO order 42 was paid\n";

/* A connection: our end goes through libc, the peer's does not. */
struct pair {
	int ours, peers;
};

static struct pair served, asked, uploaded, datagrams, cache, database, streams_in, streams_out, calls_out, broker, resolver;
static int file;
static const char *request = plain;
static char buf[BODY_STEP];
static char another[512];
static bool varied;

/*
 * Valgrind has no vDSO: a clock read would be a system call there and nowhere else. This one has
 * the cost of neither, for the agent and for libc alike.
 */
int clock_gettime(clockid_t clock, struct timespec *ret)
{
	static long ns;

	ret->tv_sec = 1700000000;
	ret->tv_nsec = ns = (ns + 1000) % 1000000000;
	return 0;
}

static void check(long result, const char *what)
{
	if (result > 0)
		return;
	perror(what);
	exit(2);
}

static void peer_sends(int fd, const void *p, size_t n)
{
	check(syscall(SYS_sendto, fd, p, n, 0, NULL, 0), "peer sends");
}

static void peer_takes(int fd)
{
	check(syscall(SYS_recvfrom, fd, buf, sizeof(buf), 0, NULL, NULL), "peer takes");
}

/* What is asked next, where requests vary. */
static void vary(void)
{
	static const char *const agents[] = { "curl/7.88.1", "Wget/1.21.3", "python-requests/2.31.0 (worker)", "Go-http-client/1.1" };
	static unsigned n;

	if (!varied)
		return;
	n++;
	snprintf(another, sizeof(another),
		 "GET /api/items/%u?id=%u&sort=%s HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: %s\r\nAccept: */*\r\n"
		 "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nX-Request-Id: %08x\r\n\r\n",
		 n * 7, n * 7919, n % 3 ? "price" : "name", agents[n % 4], n * 2654435761u);
	request = another;
}

/* ---- steps ---- */

STEP file_read(void)
{
	check(read(file, buf, 64), "read");
}

STEP datagram_write(void)
{
	check(write(datagrams.ours, "x", 1), "write");
}

STEP datagram_taken(void)
{
	peer_takes(datagrams.peers);
}

STEP body_sent(void)
{
	peer_sends(uploaded.peers, buf, sizeof(buf));
}

STEP body_read(void)
{
	check(read(uploaded.ours, buf, sizeof(buf)), "read body");
}

STEP request_sent(void)
{
	vary();
	peer_sends(served.peers, request, strlen(request));
}

STEP server_reads(void)
{
	check(read(served.ours, buf, sizeof(buf)), "server reads");
}

STEP server_answers(void)
{
	check(send(served.ours, response, sizeof(response) - 1, 0), "server answers");
}

STEP response_taken(void)
{
	peer_takes(served.peers);
}

STEP client_asks(void)
{
	check(send(asked.ours, request, strlen(request), 0), "client asks");
}

STEP response_sent(void)
{
	peer_takes(asked.peers);
	peer_sends(asked.peers, response, sizeof(response) - 1);
	vary();
}

STEP client_reads(void)
{
	check(recv(asked.ours, buf, sizeof(buf), 0), "client reads");
}

STEP cache_asks(void)
{
	check(send(cache.ours, commands, sizeof(commands) - 1, 0), "cache asks");
}

STEP cache_answered(void)
{
	peer_takes(cache.peers);
	peer_sends(cache.peers, values, sizeof(values) - 1);
}

STEP cache_reads(void)
{
	check(recv(cache.ours, buf, sizeof(buf), 0), "cache reads");
}

STEP query_asks(void)
{
	check(send(database.ours, query, sizeof(query), 0), "query asks");
}

STEP query_answered(void)
{
	peer_takes(database.peers);
	peer_sends(database.peers, QUERY_ROWS, sizeof(rows) - 1 - 5);
}

STEP query_reads(void)
{
	check(recv(database.ours, buf, sizeof(buf), 0), "query reads");
}

STEP execute_asks(void)
{
	check(send(database.ours, execute, sizeof(execute) - 1, 0), "execute asks");
}

STEP execute_answered(void)
{
	peer_takes(database.peers);
	peer_sends(database.peers, rows, sizeof(rows) - 1);
}

STEP execute_reads(void)
{
	check(recv(database.ours, buf, sizeof(buf), 0), "execute reads");
}

static void number_stream(char *frame)
{
	static unsigned id = 1;

	if (frame == stream_request)
		id += 2;
	frame[STREAM_AT + 2] = (char)(id >> 8);
	frame[STREAM_AT + 3] = (char)id;
}

static void number_response(void)
{
	number_stream(stream_response);
	number_stream(stream_response + DATA_AT);
}

STEP stream_asks(void)
{
	check(send(streams_out.ours, stream_request, sizeof(stream_request) - 1, 0), "stream asks");
}

STEP stream_answered(void)
{
	peer_takes(streams_out.peers);
	number_response();
	peer_sends(streams_out.peers, stream_response, sizeof(stream_response) - 1);
	number_stream(stream_request);
}

STEP stream_reads(void)
{
	check(recv(streams_out.ours, buf, sizeof(buf), 0), "stream reads");
}

STEP stream_sent(void)
{
	number_stream(stream_request);
	number_response();
	peer_sends(streams_in.peers, stream_request, sizeof(stream_request) - 1);
}

STEP stream_served(void)
{
	check(read(streams_in.ours, buf, sizeof(buf)), "stream served");
}

STEP stream_answers(void)
{
	check(send(streams_in.ours, stream_response, sizeof(stream_response) - 1, 0), "stream answers");
}

STEP stream_taken(void)
{
	peer_takes(streams_in.peers);
}

static void number_calls(void)
{
	static unsigned id = -1u;
	char *const frames[] = { call_request, call_request + CALL_DATA_AT, call_response, call_response + ANSWER_DATA_AT,
				 call_response + TRAILERS_AT };

	id += 2;
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		frames[i][STREAM_AT + 2] = (char)(id >> 8);
		frames[i][STREAM_AT + 3] = (char)id;
	}
}

STEP call_asks(void)
{
	check(send(calls_out.ours, call_request, sizeof(call_request) - 1, 0), "call asks");
}

STEP call_answered(void)
{
	peer_takes(calls_out.peers);
	peer_sends(calls_out.peers, call_response, sizeof(call_response) - 1);
	number_calls();
}

STEP call_reads(void)
{
	check(recv(calls_out.ours, buf, sizeof(buf), 0), "call reads");
}

STEP message_published(void)
{
	check(send(broker.ours, publish, sizeof(publish) - 1, 0), "publish");
}

STEP message_taken(void)
{
	peer_takes(broker.peers);
}

STEP question_asked(void)
{
	check(send(resolver.ours, question, sizeof(question) - 1, 0), "question");
}

STEP question_answered(void)
{
	peer_takes(resolver.peers);
	peer_sends(resolver.peers, found, sizeof(found) - 1);
}

STEP answer_read(void)
{
	check(recv(resolver.ours, buf, sizeof(buf), 0), "answer");
}

STEP line_written(void)
{
	check(write(STDERR_FILENO, line, sizeof(line) - 1), "line");
}

typedef void step(void);
static step *const scenarios[][STEPS_MAX] = {
	{ file_read },
	{ datagram_write, datagram_taken },
	{ body_sent, body_read },
	{ request_sent, server_reads, server_answers, response_taken },
	{ client_asks, response_sent, client_reads },
	{ cache_asks, cache_answered, cache_reads },
	{ query_asks, query_answered, query_reads },
	{ execute_asks, execute_answered, execute_reads },
	{ stream_asks, stream_answered, stream_reads },
	{ stream_sent, stream_served, stream_answers, stream_taken },
};
static step *const secure_scenarios[][STEPS_MAX] = {
	{ tls_server_reads, tls_server_answers },
	{ tls_client_asks, tls_client_reads },
};

static step *const rest_scenarios[][STEPS_MAX] = {
	{ call_asks, call_answered, call_reads },
	{ message_published, message_taken },
	{ question_asked, question_answered, answer_read },
	{ line_written },
};

static APART void warm_up(step *const *steps, int calls)
{
	while (calls--)
		for (int i = 0; i < STEPS_MAX && steps[i]; i++)
			steps[i]();
}

static APART void measure(step *const *steps, int calls)
{
	while (calls--)
		for (int i = 0; i < STEPS_MAX && steps[i]; i++)
			steps[i]();
}

static void run(step *const (*list)[STEPS_MAX], size_t count, int calls)
{
	for (size_t i = 0; i < count; i++) {
		warm_up(list[i], WARM_UP_CALLS);
		measure(list[i], calls);
	}
}

static void fill_up(void)
{
	static step *const pipeline[STEPS_MAX] = { cache_asks, cache_answered, cache_reads };

	warm_up(pipeline, FULL_CALLS);
}

/* ---- connections ---- */

static struct sockaddr_in bound(int fd)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);

	check(bind(fd, (struct sockaddr *)&at, n) + 1, "bind");
	check(getsockname(fd, (struct sockaddr *)&at, &n) + 1, "getsockname");
	return at;
}

/* We accept. */
static struct pair serve(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = bound(listener);
	struct pair ret;

	check(listen(listener, 1) + 1, "listen");
	ret.peers = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	check(syscall(SYS_connect, ret.peers, &at, sizeof(at)) + 1, "peer connects");
	ret.ours = accept(listener, NULL, NULL);
	check(ret.ours, "accept");
	return ret;
}

/* We connect. */
static struct pair ask(void)
{
	int listener = (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in at = bound(listener);
	struct pair ret;

	check(syscall(SYS_listen, listener, 1) + 1, "peer listens");
	ret.ours = socket(AF_INET, SOCK_STREAM, 0);
	check(connect(ret.ours, (struct sockaddr *)&at, sizeof(at)) + 1, "connect");
	ret.peers = (int)syscall(SYS_accept, listener, NULL, NULL);
	check(ret.peers, "peer accepts");
	return ret;
}

/* What a driver does first: it logs in and prepares a statement. */
static void log_in(void)
{
	check(send(database.ours, startup, sizeof(startup), 0), "start");
	peer_takes(database.peers);
	peer_sends(database.peers, ready, sizeof(ready) - 1);
	check(recv(database.ours, buf, sizeof(buf), 0), "ready");
	check(send(database.ours, prepare, sizeof(prepare) - 1, 0), "prepare");
	peer_takes(database.peers);
	peer_sends(database.peers, prepared, sizeof(prepared) - 1);
	check(recv(database.ours, buf, sizeof(buf), 0), "prepared");
}

/* The first frames of both ends of both connections. */
static void greet(void)
{
	check(send(streams_out.ours, preface, sizeof(preface) - 1, 0), "preface");
	peer_takes(streams_out.peers);
	peer_sends(streams_out.peers, settings, sizeof(settings) - 1);
	check(recv(streams_out.ours, buf, sizeof(buf), 0), "settings");
	peer_sends(streams_in.peers, preface, sizeof(preface) - 1);
	check(read(streams_in.ours, buf, sizeof(buf)), "preface");
	check(send(streams_in.ours, settings, sizeof(settings) - 1, 0), "settings");
	peer_takes(streams_in.peers);
	number_stream(stream_request);
}

/* Connections of the rest. */
static void begin_rest(void)
{
	calls_out = ask();
	broker = ask();
	resolver = ask();
	check(send(calls_out.ours, preface, sizeof(preface) - 1, 0), "preface");
	peer_takes(calls_out.peers);
	peer_sends(calls_out.peers, settings, sizeof(settings) - 1);
	check(recv(calls_out.ours, buf, sizeof(buf), 0), "settings");
	number_calls();
	check(send(broker.ours, broker_preface, sizeof(broker_preface) - 1, 0), "preface of AMQP");
	peer_takes(broker.peers);
}

int main(int argc, char **argv)
{
	const struct text answer = { response, sizeof(response) - 1 };
	int calls = argc > 1 ? atoi(argv[1]) : 1, both[2];
	bool full = argc > 2 && strcmp(argv[2], "full") == 0;
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(full ? SIG_BLOCK : SIG_UNBLOCK, &blocked, NULL);
	tls_peer(argc, argv, (struct text){ plain, sizeof(plain) - 1 }, answer);
	if (argc > 2 && strcmp(argv[2], "child") == 0)
		request = child;
	varied = argc > 2 && strcmp(argv[2], "varied") == 0;
	vary();
	file = open("/dev/zero", O_RDONLY);
	check(socketpair(AF_UNIX, SOCK_DGRAM, 0, both) + 1, "socketpair");
	datagrams = (struct pair){ both[0], both[1] };
	served = serve();
	asked = ask();
	uploaded = serve();
	cache = ask();
	database = ask();
	log_in();
	streams_out = ask();
	streams_in = serve();
	greet();
	peer_sends(uploaded.peers, upload, sizeof(upload) - 1);
	check(read(uploaded.ours, buf, sizeof(buf)), "read upload");
	if (argc > 2 && strcmp(argv[2], "tls") == 0) {
		tls_start(argv[0], (struct text){ plain, sizeof(plain) - 1 }, answer);
		run(secure_scenarios, sizeof(secure_scenarios) / sizeof(secure_scenarios[0]), calls);
	} else if (argc > 2 && strcmp(argv[2], "rest") == 0) {
		begin_rest();
		run(rest_scenarios, sizeof(rest_scenarios) / sizeof(rest_scenarios[0]), calls);
	} else {
		if (full)
			fill_up();
		run(scenarios, sizeof(scenarios) / sizeof(scenarios[0]), calls);
	}
	syscall(SYS_exit_group, 0); /* what the end of a process costs is another question */
}
