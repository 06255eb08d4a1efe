/*
 * libevent's server, whose handler asks FAR and says what it sees of that: the headers of its own request before and after,
 * its timer's function and argument, its callback's argument.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct looks {
	struct evhttp_request *request;
	struct event *timer;
	struct evbuffer *seen;
};

static struct event_base *base;
static struct evhttp_connection *far;

static void see(struct looks *l, const char *when, struct evhttp_request *call)
{
	const struct evkeyval *header;

	evbuffer_add_printf(l->seen, "%s:", when);
	for (header = evhttp_request_get_output_headers(call)->tqh_first; header; header = header->next.tqe_next)
		evbuffer_add_printf(l->seen, " %s", header->key);
	evbuffer_add_printf(l->seen, "\n");
}

static void far_said(struct evhttp_request *call, void *arg)
{
	struct looks *l = arg;

	if (!call)
		exit(1);
	see(l, "answered", call);
	evhttp_send_reply(l->request, 200, "OK", l->seen);
	evbuffer_free(l->seen);
	event_free(l->timer);
	free(l);
}

static void soon(evutil_socket_t fd, short what, void *arg)
{
	struct looks *l = arg;
	struct evhttp_request *call = evhttp_request_new(far_said, l);
	event_callback_fn assigned;

	event_get_assignment(l->timer, NULL, NULL, NULL, &assigned, NULL);
	evbuffer_add_printf(l->seen, "timer: %d %d %d %d %d\n", event_get_callback(l->timer) == soon, assigned == soon,
			    event_get_callback_arg(l->timer) == l, fd, what);
	evhttp_add_header(evhttp_request_get_output_headers(call), "Host", "far");
	see(l, "made", call);
	evhttp_make_request(far, call, EVHTTP_REQ_GET, "/");
}

static void asked(struct evhttp_request *request, void *arg)
{
	struct looks *l = calloc(1, sizeof(*l));
	struct timeval time = { 0, 1000 };

	l->request = request;
	l->seen = evbuffer_new();
	evbuffer_add_printf(l->seen, "user: %d\n", arg == &base);
	l->timer = evtimer_new(base, soon, l);
	event_add(l->timer, &time);
}

int main(int argc, char **argv)
{
	struct evhttp *server;

	base = event_base_new();
	server = evhttp_new(base);
	far = evhttp_connection_base_new(base, NULL, "127.0.0.1", (unsigned short)atoi(strrchr(getenv("FAR"), ':') + 1));
	evhttp_set_gencb(server, asked, &base);
	if (argc < 2 || evhttp_bind_socket(server, "127.0.0.1", (unsigned short)atoi(argv[1])) != 0)
		return 1;
	return event_base_dispatch(base);
}
