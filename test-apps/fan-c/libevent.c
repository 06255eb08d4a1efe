/* libevent's HTTP server and HTTP client, timers between them, connections kept in a pool of its own. */
#include <event2/event.h>
#include <event2/http.h>
#include <event2/buffer.h>

#include "fan.h"

enum { POOL = 16 };

struct fan {
	struct evhttp_request *request;
	int calls, turn;
	long number;
};

static struct event_base *base;
static struct evhttp_connection *links[POOL]; /* each keeps a queue of what is to be sent */
static unsigned seed = 1, next_link;

static void rested(evutil_socket_t fd, short what, void *arg);

static void rest(struct fan *f)
{
	struct timeval time = { 0, rest_ms(&seed) * 1000 };

	event_base_once(base, -1, EV_TIMEOUT, rested, f, &time);
}

static void far_said(struct evhttp_request *response, void *arg)
{
	struct fan *f = arg;
	struct evbuffer *body;

	if (!response || evhttp_request_get_response_code(response) != 200)
		exit(1);
	if (++f->turn < f->calls) {
		rest(f);
		return;
	}
	body = evbuffer_new();
	evbuffer_add(body, "near\n", 5);
	evhttp_send_reply(f->request, 200, "OK", body);
	evbuffer_free(body);
	free(f);
}

static void rested(evutil_socket_t fd, short what, void *arg)
{
	struct fan *f = arg;
	struct evhttp_request *call = evhttp_request_new(far_said, f);
	char path[64];

	(void)fd;
	(void)what;
	evhttp_add_header(evhttp_request_get_output_headers(call), "Host", "far");
	snprintf(path, sizeof(path), "/call/%ld/%d", f->number, f->turn);
	evhttp_make_request(links[next_link++ % POOL], call, EVHTTP_REQ_GET, path);
}

static void asked(struct evhttp_request *request, void *arg)
{
	struct fan *f = calloc(1, sizeof(*f));

	(void)arg;
	f->request = request;
	f->calls = how_many(&seed);
	f->number = number_of(evhttp_request_get_uri(request));
	rest(f);
}

int main(int argc, char **argv)
{
	struct evhttp *server;

	base = event_base_new();
	server = evhttp_new(base);
	for (int i = 0; i < POOL; i++)
		links[i] = evhttp_connection_base_new(base, NULL, "127.0.0.1", (unsigned short)far_port());
	evhttp_set_gencb(server, asked, NULL);
	if (evhttp_bind_socket(server, "127.0.0.1", (unsigned short)atoi(argv[argc > 1])) != 0)
		return 1;
	return event_base_dispatch(base);
}
