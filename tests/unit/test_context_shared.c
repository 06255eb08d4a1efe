/*
 * Connections that threads share, as far as anybody can see: on one of HTTP/2 a thread sends what others have put there, and
 * a pool of HTTP/1 may hand any request to whoever comes. No request has a wrong parent, and none is without one where
 * a thread has its connection to itself.
 */
#include "tests/unit/context_fixture.h"
#include "tests/unit/http2_fixture.h"

enum { QUEUE_MAX = 32, POOLED = 3, SHARED_FD = 300, OWN_FD = 400 };

/* ---- connections of HTTP/2 ---- */

struct streams {
	int fd;
	bool open;
	uint32_t next; /* its number */
	struct request waiting[QUEUE_MAX]; /* copies; live is false of those for nobody */
	unsigned count;
};

static void put(struct streams *s, const struct request *r)
{
	if (s->count < QUEUE_MAX)
		s->waiting[s->count++] = r ? *r : (struct request){ .live = false };
}

static size_t put_waiting(struct streams *s, char *out)
{
	size_t n = s->open ? 0 : put_preface(out);

	if (!s->open)
		open_client(s->fd);
	s->open = true;
	for (unsigned i = 0; i < s->count; i++)
		n += put_frame(out + n, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, s->next + 2 * i, get_block,
			       sizeof(get_block));
	return n;
}

/* What was sent has a field for each that waited, in their order. */
static void judge_sent(const struct streams *s)
{
	static const char name[] = "traceparent\x37" "00-";
	const char *p = sent;
	unsigned found = 0;

	for (; (p = memmem(p, (size_t)(sent + sent_bytes - p), name, sizeof(name) - 1)); found++) {
		p += sizeof(name) - 1;
		judge(s->waiting[found].live ? &s->waiting[found] : NULL, p);
	}
	RM_CHECK(found == s->count);
}

/* This thread sends all that waits, and reads the answers. */
static void send_waiting(struct streams *s)
{
	static const char ok[] = { '\x88' };
	char out[4096];
	bool first;

	if (!s->count)
		return;
	sent_bytes = 0;
	first = !s->open;
	send_text(s->fd, out, put_waiting(s, out));
	judge_sent(s);
	if (first)
		receive_text(s->fd, out, put_frame(out, RM_HTTP2_SETTINGS, 0, 0, NULL, 0));
	for (unsigned i = 0; i < s->count; i++, s->next += 2)
		receive_text(s->fd, out, put_frame(out, RM_HTTP2_HEADERS, RM_HTTP2_END_HEADERS | RM_HTTP2_END_STREAM, s->next, ok,
						   sizeof(ok)));
	s->count = 0;
}

static struct streams shared = { .fd = SHARED_FD, .next = 1 };

static void ask_over(struct streams *s, const struct request *r)
{
	put(s, r);
	send_waiting(s);
}

/* What a thread of a pool does next: it reads a request, asks, or answers. Returns the request to ask for. */
static struct request *step_in_pool(int thread)
{
	static struct request *mine[THREADS];
	struct request *r = mine[thread];
	int conn = r ? -1 : any_idle();

	if (conn >= 0) {
		read_request(conn, 0);
		mine[thread] = &requests[conn];
	} else if (r && dice(3)) {
		return r;
	} else if (r) {
		answer(r);
		mine[thread] = NULL;
	}
	return NULL;
}

/* Threads of a pool ask over one connection. One of them sends what waits: nobody else is seen there. */
static void joint_step(int thread)
{
	struct request *r = step_in_pool(thread);

	if (r)
		put(&shared, r);
	if (thread == 0 && dice(2))
		send_waiting(&shared);
}

static void joint(void)
{
	run_threads(joint_step);
}

/* Each has a connection of its own, opened in the call of a library that keeps it to itself. */
static void called_step(int thread)
{
	static struct streams own[THREADS];
	struct request *r = step_in_pool(thread);
	struct rm_scope s;

	if (!r)
		return;
	if (!own[thread].next)
		own[thread] = (struct streams){ .fd = OWN_FD + thread, .next = 1 };
	if (rm_enter(&s)) {
		rm_resend_call(&s, __builtin_frame_address(0));
		rm_leave(&s);
	}
	ask_over(&own[thread], r);
	if (rm_enter(&s)) {
		rm_resend_call_over(&s);
		rm_leave(&s);
	}
}

static void called(void)
{
	run_threads(called_step);
}

static void serve_one(int conn, struct streams *s, unsigned calls)
{
	read_request(conn, 0);
	while (calls-- > 0)
		ask_over(s, &requests[conn]);
	answer(&requests[conn]);
	drain_spans();
}

/* One thread serves, one request after the other. */
static void alone(void)
{
	for (int step = 0; step < STEPS; step++)
		serve_one((int)dice(CONNS), &shared, dice(4));
}

/* There is another thread, which puts requests of nobody's into the queue, and was started before any request came. */
static void beside(void)
{
	rm_thread_starts();
	for (int step = 0; step < STEPS; step++) {
		put(&shared, NULL);
		serve_one((int)dice(CONNS), &shared, 1 + dice(3));
	}
}

/* The same of one that a request starts, as libraries do to look up a name. */
static void helped(void)
{
	read_request(0, 0);
	rm_thread_starts();
	ask_over(&shared, &requests[0]);
	answer(&requests[0]);
}

static void *ask_for_nobody(void *arg)
{
	ask_over(arg, NULL);
	return NULL;
}

/* Another thread sends over one once: then a second one is not believed either, as this program shares such connections. */
static void visited(void)
{
	static struct streams own = { .fd = OWN_FD, .next = 1 };
	pthread_t thread;

	serve_one(0, &shared, 1);
	read_request(1, 0);
	pthread_create(&thread, NULL, ask_for_nobody, &shared);
	pthread_join(thread, NULL);
	put(&own, NULL);
	ask_over(&own, &requests[1]);
	ask_over(&shared, &requests[1]);
	answer(&requests[1]);
}

/* ---- messages ---- */

/* A broker's connection that the thread opened, and that another one used, too, from some moment on. */
static void sending(void)
{
	struct rm_thread *t = rm_thread_self();
	struct rm_conn conn = { .connected_on = t };
	struct rm_spanctx none = { .valid = false };
	struct rm_parent parent;

	read_request(0, 0);
	rm_context_resolve_sent(t, &conn, &none, &parent);
	RM_CHECK(parent.source == RM_SOURCE_THREAD);
	conn.shared = 1;
	rm_context_resolve_sent(t, &conn, &none, &parent);
	RM_CHECK(parent.source == RM_SOURCE_NONE && !parent.ctx.valid);
}

/* ---- a pool of connections of HTTP/1 ---- */

static const char *answer_text = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/* Sends what `r` asks, on a connection of a pool; who reads the answer is another matter. */
static void ask_on(int fd, const struct request *r)
{
	static const char text[] = "GET /out HTTP/1.1\r\nHost: h\r\n\r\n";
	const char *line;

	if (!rm_fd_tracked(fd))
		open_client(fd);
	sent_bytes = 0;
	send_text(fd, text, sizeof(text) - 1);
	sent[sent_bytes] = '\0';
	line = strstr(sent, "traceparent: 00-");
	RM_CHECK(line != NULL);
	if (line)
		judge(r, line + 16);
}

static void *open_pool(void *arg)
{
	for (int fd = CLIENT_FD; fd < CLIENT_FD + POOLED; fd++)
		open_client(fd);
	return arg;
}

static void *read_answer(void *arg)
{
	receive_text((int)(intptr_t)arg, answer_text, strlen(answer_text));
	return NULL;
}

static void elsewhere(void *(*what)(void *), int fd)
{
	pthread_t thread;

	pthread_create(&thread, NULL, what, (void *)(intptr_t)fd);
	pthread_join(thread, NULL);
}

/*
 * Whoever gives a connection back sends the request that waits, perhaps another one's. A thread of its own opens connections
 * and reads answers.
 */
static void pooled_step(int thread)
{
	static struct request waiting[QUEUE_MAX];
	static unsigned first, count;
	struct request *r = step_in_pool(thread);
	int fd = CLIENT_FD + (int)dice(POOLED);

	if (r && count - first < QUEUE_MAX)
		waiting[count++ % QUEUE_MAX] = *r;
	if (first == count || dice(2))
		return;
	ask_on(fd, &waiting[first++ % QUEUE_MAX]);
	elsewhere(read_answer, fd);
}

/* What it is shows with the first answer. */
static void pooled(void)
{
	elsewhere(open_pool, 0);
	read_request(0, 0);
	ask_on(CLIENT_FD, &requests[0]);
	elsewhere(read_answer, CLIENT_FD);
	answer(&requests[0]);
	run_threads(pooled_step);
}

/* The same process has clients that read their own answers, each over a connection that nobody else has. */
static void kept_step(int thread)
{
	struct request *r = step_in_pool(thread);

	if (!r)
		return;
	ask_on(OWN_FD + thread, r);
	read_answer((void *)(intptr_t)(OWN_FD + thread));
}

static void kept(void)
{
	ask_on(CLIENT_FD, NULL);
	elsewhere(read_answer, CLIENT_FD);
	run_threads(kept_step);
}

/* ---- */

RM_TEST("threads that share a connection of many streams give no wrong parent")
{
	struct result r = run_kinds("joint", joint);

	RM_CHECK(r.wrong == 0 && r.none > 1000);
}

RM_TEST("within calls of a library with connections of its own every parent is given")
{
	struct result r = run_kinds("called", called);

	RM_CHECK(r.wrong == 0 && r.none == 0 && r.right > 1000);
}

RM_TEST("a process of one thread gives every parent over a connection of many streams")
{
	struct result r = run_kinds("alone", alone);

	RM_CHECK(r.wrong == 0 && r.none == 0 && r.right > 1000);
}

RM_TEST("a thread that was there before the first request may send over it, too")
{
	struct result r = run_kinds("beside", beside);

	RM_CHECK(r.wrong == 0 && r.none > 1000);
	r = run_kind(helped, 1);
	RM_CHECK(r.right == 1 && r.wrong == 0 && r.none == 0);
}

RM_TEST("once another thread has used a connection of many streams nothing is believed there")
{
	struct result r = run_kind(visited, 1);

	RM_CHECK(r.right == 1 && r.wrong == 0 && r.none == 4);
}

RM_TEST("what a thread sends to a broker is not believed once another one used its connection")
{
	run_kind(sending, 1);
}

RM_TEST("a pool whose answers another thread reads gives no wrong parent once that was seen")
{
	struct result r = run_kinds("pooled", pooled);

	RM_CHECK(r.wrong == 0 && r.none > 1000);
}

RM_TEST("beside such a pool threads with connections of their own give every parent")
{
	struct result r = run_kinds("kept", kept);

	RM_CHECK(r.wrong == 0 && r.right > 1000 && r.none == RUNS);
}
