/* The same with libuv's streams: uv_tcp_t on both sides, a pool of connections. */
#include <uv.h>

#include "fan.h"

enum { POOL = 16 };

struct request {
	uv_tcp_t *client;
	uv_timer_t timer;
	int calls, turn;
	long number;
	struct request *next;
};

struct link {
	uv_tcp_t tcp;
	uv_connect_t connect;
	struct request *of;
	char text[128], room[512];
	size_t n;
};

static struct link links[POOL];
static struct request *line, **line_end = &line;
static unsigned seed = 1;

static void written(uv_write_t *w, int status)
{
	(void)status;
	free(w);
}

static void put(uv_tcp_t *to, const char *text, size_t n)
{
	uv_buf_t buf = uv_buf_init((char *)text, (unsigned)n);

	uv_write(malloc(sizeof(uv_write_t)), (uv_stream_t *)to, &buf, 1, written);
}

static void send_on(struct link *l, struct request *r)
{
	l->of = r;
	l->n = 0;
	put(&l->tcp, l->text, (size_t)call_text(l->text, sizeof(l->text), r->number, r->turn));
}

static void rested(uv_timer_t *timer)
{
	struct request *r = timer->data;

	for (int i = 0; i < POOL; i++) {
		if (!links[i].of) {
			send_on(&links[i], r);
			return;
		}
	}
	r->next = NULL;
	*line_end = r;
	line_end = &r->next;
}

static void free_request(uv_handle_t *timer)
{
	free(timer->data);
}

static void room_for(uv_handle_t *handle, size_t want, uv_buf_t *ret)
{
	static char room[65536];

	(void)handle;
	(void)want;
	*ret = uv_buf_init(room, sizeof(room) - 1);
}

static void far_said(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	struct link *l = stream->data;
	struct request *r = l->of;

	if (got < 0 || l->n + (size_t)got >= sizeof(l->room))
		exit(1);
	memcpy(l->room + l->n, buf->base, (size_t)got);
	l->n += (size_t)got;
	l->room[l->n] = '\0';
	if (!strstr(l->room, "\r\n\r\nfar"))
		return;
	l->of = NULL;
	if (line) {
		struct request *next = line;

		line = next->next;
		if (!line)
			line_end = &line;
		send_on(l, next);
	}
	if (++r->turn < r->calls) {
		uv_timer_start(&r->timer, rested, (uint64_t)rest_ms(&seed), 0);
		return;
	}
	put(r->client, ANSWER, sizeof(ANSWER) - 1);
	uv_close((uv_handle_t *)&r->timer, free_request);
}

static void gone(uv_handle_t *client)
{
	free(client);
}

static void asked(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	struct request *r;

	if (got < 0) {
		uv_close((uv_handle_t *)stream, gone);
		return;
	}
	if (got == 0)
		return;
	buf->base[got] = '\0';
	r = calloc(1, sizeof(*r));
	r->client = (uv_tcp_t *)stream;
	r->calls = how_many(&seed);
	r->number = number_of(buf->base);
	uv_timer_init(uv_default_loop(), &r->timer);
	r->timer.data = r;
	uv_timer_start(&r->timer, rested, (uint64_t)rest_ms(&seed), 0);
}

static void came(uv_stream_t *server, int status)
{
	uv_tcp_t *client = malloc(sizeof(*client));

	(void)status;
	uv_tcp_init(uv_default_loop(), client);
	if (uv_accept(server, (uv_stream_t *)client) == 0)
		uv_read_start((uv_stream_t *)client, room_for, asked);
}

static void connected(uv_connect_t *connect, int status)
{
	if (status < 0)
		exit(1);
	uv_read_start(connect->handle, room_for, far_said);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = address(atoi(argv[argc > 1])), there = address(far_port());
	uv_tcp_t server;

	for (int i = 0; i < POOL; i++) {
		uv_tcp_init(uv_default_loop(), &links[i].tcp);
		links[i].tcp.data = &links[i];
		uv_tcp_connect(&links[i].connect, &links[i].tcp, (struct sockaddr *)&there, connected);
	}
	uv_tcp_init(uv_default_loop(), &server);
	uv_tcp_bind(&server, (struct sockaddr *)&here, 0);
	if (uv_listen((uv_stream_t *)&server, 1024, came) != 0)
		return 1;
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
