/*
 * libsoup's server, whose handler asks FAR and says what it sees of that: the headers of its own message at each step, its
 * sources by their arguments, its callback's argument.
 */
#include <libsoup/soup.h>
#include <stdio.h>
#include <stdlib.h>

struct looks {
	SoupServerMessage *request;
	GString *seen;
};

static SoupSession *session;

static void see(struct looks *l, const char *when, SoupMessage *call)
{
	SoupMessageHeadersIter i;
	const char *name, *value;

	g_string_append_printf(l->seen, "%s:", when);
	soup_message_headers_iter_init(&i, soup_message_get_request_headers(call));
	while (soup_message_headers_iter_next(&i, &name, &value))
		g_string_append_printf(l->seen, " %s", name);
	g_string_append_c(l->seen, '\n');
}

static void starting(SoupMessage *call, gpointer data)
{
	see(data, "starting", call);
}

static void wrote_body(SoupMessage *call, gpointer data)
{
	see(data, "written", call);
}

static gboolean never(gpointer data)
{
	(void)data;
	exit(2);
}

static void far_said(GObject *source, GAsyncResult *result, gpointer data)
{
	struct looks *l = data;
	GBytes *body = soup_session_send_and_read_finish(session, result, NULL);

	(void)source;
	see(l, body ? "answered" : "failed", soup_session_get_async_result_message(session, result));
	g_string_append_printf(l->seen, "argument: %d\n", g_async_result_get_user_data(result) == data);
	g_bytes_unref(body);
	g_idle_add(never, l);
	g_timeout_add(5, never, l->seen);
	g_string_append_printf(l->seen, "idle: %d, timer: %d\n", g_idle_remove_by_data(l), g_source_remove_by_user_data(l->seen));
	soup_server_message_set_status(l->request, 200, NULL);
	soup_server_message_set_response(l->request, "text/plain", SOUP_MEMORY_COPY, l->seen->str, l->seen->len);
	soup_server_message_unpause(l->request);
	g_string_free(l->seen, TRUE);
	g_object_unref(l->request);
	g_free(l);
}

static gboolean soon(gpointer data)
{
	struct looks *l = data;
	SoupMessage *call = soup_message_new("GET", getenv("FAR"));

	g_signal_connect(call, "starting", G_CALLBACK(starting), l);
	g_signal_connect(call, "wrote-body", G_CALLBACK(wrote_body), l);
	see(l, "made", call);
	soup_session_send_and_read_async(session, call, G_PRIORITY_DEFAULT, NULL, far_said, l);
	see(l, "given", call);
	g_object_unref(call);
	return G_SOURCE_REMOVE;
}

static void asked(SoupServer *server, SoupServerMessage *request, const char *path, GHashTable *query, gpointer user)
{
	struct looks *l = g_new0(struct looks, 1);

	(void)server;
	(void)path;
	(void)query;
	l->request = g_object_ref(request);
	l->seen = g_string_new(NULL);
	soup_server_message_pause(request);
	g_string_append_printf(l->seen, "user: %d\n", user == &session);
	g_timeout_add(1, soon, l);
}

int main(int argc, char **argv)
{
	SoupServer *server = soup_server_new(NULL, NULL);

	session = soup_session_new();
	soup_server_add_handler(server, NULL, asked, &session, NULL);
	if (argc < 2 || !soup_server_listen_local(server, (guint)atoi(argv[1]), SOUP_SERVER_LISTEN_IPV4_ONLY, NULL))
		return 1;
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
}
