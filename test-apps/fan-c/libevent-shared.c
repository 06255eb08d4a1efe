/*
 * libevent's HTTP server and client, where what one request asked the library for also works for others, as soup-shared.c
 * has it:
 *   line      four calls at once; who is answered starts the next one that stands in line
 *   client    one call at a time, whose answers go to one object for all, which has a line
 *   guarded   the same, and a timer watches over whoever stands in line
 *   batch     the first request arms a timer, others join it until that comes
 *   first     the same, and the timer has the first request's own object, at the end of a list
 *   fourth    each fourth request's handler makes the calls of the four
 *   made      four calls at once, of requests for libevent that handlers have made, which stand in line
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "fan.h"

enum { POOL = 16 };

struct fan {
	struct evhttp_request *request, *call;
	int calls, turn;
	long number;
	struct event *watch;
	struct fan *next;
};

static struct event_base *base;
static struct evhttp_connection *links[POOL];
static struct line {
	struct fan *first;
	int count, under_way;
} *all;
static struct fan *served; /* of the client for all */
static const char *style;
static unsigned seed = 1, next_link;

static int is(const char *name)
{
	return strcmp(style, name) == 0;
}

static int has_line(void)
{
	return is("line") || is("client") || is("guarded") || is("made");
}

static void push(struct fan *f)
{
	f->next = all->first;
	all->first = f;
	all->count++;
}

static struct fan *pop(void)
{
	struct fan *f = all->first;

	if (f) {
		all->first = f->next;
		all->count--;
	}
	return f;
}

static void give_up(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
}

static void far_said(struct evhttp_request *response, void *arg);

static void make(struct fan *f)
{
	f->call = evhttp_request_new(far_said, is("client") || is("guarded") ? (void *)all : f);
	evhttp_add_header(evhttp_request_get_output_headers(f->call), "Host", "far");
}

static void start(struct fan *f)
{
	char path[64];

	served = f;
	if (!is("made"))
		make(f);
	snprintf(path, sizeof(path), "/call/%ld/%d", f->number, f->turn);
	evhttp_make_request(links[next_link++ % POOL], f->call, EVHTTP_REQ_GET, path);
}

static void next(void)
{
	int most = is("client") || is("guarded") ? 1 : 4;
	struct fan *f;

	while (all->under_way < most && (f = pop())) {
		all->under_way++;
		start(f);
		if (f->watch)
			event_free(f->watch);
		f->watch = NULL;
	}
}

static void flush(evutil_socket_t fd, short what, void *arg)
{
	struct fan *f;

	(void)fd, (void)what, (void)arg;
	while ((f = pop()))
		start(f);
}

static void ask(struct fan *f)
{
	struct timeval soon = { 0, 5000 }, late = { 30, 0 };
	int alone = !all->first;

	if (is("made"))
		make(f);
	push(f);
	if (is("batch") && alone)
		event_base_once(base, -1, EV_TIMEOUT, flush, all, &soon);
	else if (is("first") && alone)
		event_base_once(base, -1, EV_TIMEOUT, flush, f, &soon);
	else if (is("fourth") && (all->count == 4 || f->turn))
		flush(-1, 0, NULL);
	else if (is("guarded") && all->under_way)
		event_add(f->watch = evtimer_new(base, give_up, f), &late);
	if (has_line())
		next();
}

static void finish(struct fan *f)
{
	struct evbuffer *body = evbuffer_new();

	evbuffer_add(body, "near\n", 5);
	evhttp_send_reply(f->request, 200, "OK", body);
	evbuffer_free(body);
	free(f);
}

static void far_said(struct evhttp_request *response, void *arg)
{
	struct fan *f = arg == all ? served : arg;

	if (!response || evhttp_request_get_response_code(response) != 200)
		exit(1);
	if (has_line())
		all->under_way--;
	if (++f->turn == f->calls)
		finish(f);
	else
		ask(f);
	if (has_line())
		next();
}

static void asked(struct evhttp_request *request, void *arg)
{
	struct fan *f = calloc(1, sizeof(*f));

	(void)arg;
	f->request = request;
	f->calls = how_many(&seed);
	f->number = number_of(evhttp_request_get_uri(request));
	ask(f);
}

int main(int argc, char **argv)
{
	struct timeval often = { 0, 20000 };
	struct evhttp *server;

	if (argc < 3)
		return 1;
	style = argv[2];
	all = calloc(1, sizeof(*all));
	base = event_base_new();
	server = evhttp_new(base);
	for (int i = 0; i < POOL; i++)
		links[i] = evhttp_connection_base_new(base, NULL, "127.0.0.1", (unsigned short)far_port());
	evhttp_set_gencb(server, asked, NULL);
	if (evhttp_bind_socket(server, "127.0.0.1", (unsigned short)atoi(argv[1])) != 0)
		return 1;
	if (is("fourth"))
		event_add(event_new(base, -1, EV_PERSIST, flush, NULL), &often); /* who came when no fourth one did */
	return event_base_dispatch(base);
}
