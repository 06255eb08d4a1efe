/*
 * main COUNT [traceparent]: a client and a server of HTTP/3 by nghttp3 in one process, whose streams are copied from the one to
 * the other instead of being sent by QUIC. The client makes COUNT requests at once, with that traceparent if one is given;
 * the server prints their paths, and the traceparent that came. Its answer is 200, 404 for the third; the fourth stream
 * it resets, and the fifth is under way when the connection is deleted.
 */
#include <nghttp3/nghttp3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMS = 4 * 100 };

static nghttp3_conn *client, *server;
static char paths[STREAMS][32], contexts[STREAMS][64];

static nghttp3_nv nv(const char *name, const char *value)
{
	return (nghttp3_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP3_NV_FLAG_NONE };
}

static void must(int result)
{
	if (result < 0) {
		fprintf(stderr, "%s\n", nghttp3_strerror(result));
		exit(1);
	}
}

static int on_request_field(nghttp3_conn *conn, int64_t stream, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
			    uint8_t flags, void *conn_user, void *user)
{
	nghttp3_vec n = nghttp3_rcbuf_get_buf(name), v = nghttp3_rcbuf_get_buf(value);

	(void)conn, (void)token, (void)flags, (void)conn_user, (void)user;
	if (n.len == 5 && memcmp(n.base, ":path", 5) == 0)
		snprintf(paths[stream], sizeof(paths[0]), "%.*s", (int)v.len, v.base);
	if (n.len == 11 && memcmp(n.base, "traceparent", 11) == 0)
		snprintf(contexts[stream], sizeof(contexts[0]), "%.*s", (int)v.len, v.base);
	return 0;
}

static int on_request_end(nghttp3_conn *conn, int64_t stream, void *conn_user, void *user)
{
	nghttp3_nv answer[] = { nv(":status", stream == 8 ? "404" : "200"), nv("server", "nghttp3") };

	(void)conn_user, (void)user;
	printf("%s %s\n", paths[stream], contexts[stream]);
	if (stream != 12 && stream != 16)
		must(nghttp3_conn_submit_response(conn, stream, answer, 2, NULL));
	return 0;
}

static int on_status(nghttp3_conn *conn, int64_t stream, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
		     uint8_t flags, void *conn_user, void *user)
{
	nghttp3_vec v = nghttp3_rcbuf_get_buf(value);

	(void)conn, (void)token, (void)name, (void)flags, (void)conn_user, (void)user, (void)stream;
	if (v.len == 3)
		printf("%.*s\n", (int)v.len, v.base);
	return 0;
}

/* Copies what one side has to send to the other. Returns how many pieces there were. */
static int copy(nghttp3_conn *from, nghttp3_conn *to)
{
	nghttp3_vec parts[8];
	int64_t stream = -1;
	nghttp3_ssize n;
	int pieces = 0, fin = 0;

	while ((n = nghttp3_conn_writev_stream(from, &stream, &fin, parts, 8)) >= 0 && stream >= 0) {
		size_t bytes = 0;

		for (nghttp3_ssize i = 0; i < n; i++) {
			must((int)nghttp3_conn_read_stream(to, stream, parts[i].base, parts[i].len, fin && i == n - 1));
			bytes += parts[i].len;
		}
		if (!n && fin)
			must((int)nghttp3_conn_read_stream(to, stream, NULL, 0, 1));
		must(nghttp3_conn_add_write_offset(from, stream, bytes));
		pieces++;
	}
	must((int)n);
	return pieces;
}

int main(int argc, char **argv)
{
	static const nghttp3_callbacks asks = { .recv_header = on_status };
	static const nghttp3_callbacks serves = { .recv_header = on_request_field, .end_stream = on_request_end };
	int count = argc > 1 ? atoi(argv[1]) : 0;
	nghttp3_settings settings;

	nghttp3_settings_default(&settings);
	must(nghttp3_conn_client_new(&client, &asks, &settings, nghttp3_mem_default(), NULL));
	must(nghttp3_conn_server_new(&server, &serves, &settings, nghttp3_mem_default(), NULL));
	must(nghttp3_conn_bind_control_stream(client, 2));
	must(nghttp3_conn_bind_qpack_streams(client, 6, 10));
	must(nghttp3_conn_bind_control_stream(server, 3));
	must(nghttp3_conn_bind_qpack_streams(server, 7, 11));
	for (int i = 0; i < count; i++) {
		char path[32];
		nghttp3_nv head[] = { nv(":method", "GET"), nv(":scheme", "https"), nv(":authority", "shop.example:8443"),
				      nv(":path", path), nv("user-agent", "test"), nv("traceparent", argc > 2 ? argv[2] : "") };

		snprintf(path, sizeof(path), "/item?id=%d", i);
		head[3] = nv(":path", path);
		must(nghttp3_conn_submit_request(client, 4 * i, head, argc > 2 ? 6 : 5, NULL, NULL));
	}
	while (copy(client, server) + copy(server, client) > 0)
		;
	if (count > 3)
		must(nghttp3_conn_close_stream(client, 12, NGHTTP3_H3_REQUEST_REJECTED));
	nghttp3_conn_del(client);
	nghttp3_conn_del(server);
	return 0;
}
