/*
 * libsoup's server. "async": libsoup's client in the same main loop. "pool": each request is pushed to a
 * GThreadPool, whose threads use a session each and give the answer back to the main loop.
 */
#include <libsoup/soup.h>

#include "fan.h"

struct fan {
	SoupServerMessage *message;
	int calls, turn;
	long number;
	unsigned seed;
};

static SoupSession *session;
static SoupServer *server;
static GThreadPool *pool;

static SoupMessage *call_of(const struct fan *f)
{
	char url[128];

	snprintf(url, sizeof(url), "%s/call/%ld/%d", getenv("FAR"), f->number, f->turn);
	return soup_message_new("GET", url);
}

static gboolean finish(gpointer data)
{
	struct fan *f = data;

	soup_server_message_set_status(f->message, 200, NULL);
	soup_server_message_set_response(f->message, "text/plain", SOUP_MEMORY_STATIC, "near\n", 5);
	soup_server_message_unpause(f->message);
	g_object_unref(f->message);
	g_free(f);
	return G_SOURCE_REMOVE;
}

static gboolean rested(gpointer data);

static void far_said(GObject *source, GAsyncResult *result, gpointer data)
{
	struct fan *f = data;
	GBytes *body = soup_session_send_and_read_finish(SOUP_SESSION(source), result, NULL);

	if (!body)
		exit(1);
	g_bytes_unref(body);
	if (++f->turn < f->calls)
		g_timeout_add((guint)rest_ms(&f->seed), rested, f);
	else
		finish(f);
}

static gboolean rested(gpointer data)
{
	SoupMessage *call = call_of(data);

	soup_session_send_and_read_async(session, call, G_PRIORITY_DEFAULT, NULL, far_said, data);
	g_object_unref(call);
	return G_SOURCE_REMOVE;
}

static void work(gpointer data, gpointer user)
{
	static _Thread_local SoupSession *mine;
	struct fan *f = data;

	(void)user;
	if (!mine)
		mine = soup_session_new();
	for (; f->turn < f->calls; f->turn++) {
		SoupMessage *call = call_of(f);
		GBytes *body;

		sleep_ms(rest_ms(&f->seed));
		body = soup_session_send_and_read(mine, call, NULL, NULL);
		if (!body)
			exit(1);
		g_bytes_unref(body);
		g_object_unref(call);
	}
	g_idle_add(finish, f);
}

static void asked(SoupServer *of, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user)
{
	struct fan *f = g_new0(struct fan, 1);

	(void)of;
	(void)query;
	(void)user;
	f->message = g_object_ref(message);
	f->number = number_of(path);
	f->seed = (unsigned)f->number;
	f->calls = how_many(&f->seed);
	soup_server_message_pause(message);
	if (pool)
		g_thread_pool_push(pool, f, NULL);
	else
		g_timeout_add((guint)rest_ms(&f->seed), rested, f);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 1;
	if (strcmp(argv[2], "pool") == 0)
		pool = g_thread_pool_new(work, NULL, 32, FALSE, NULL);
	session = soup_session_new();
	g_object_set(session, "max-conns", 16, "max-conns-per-host", 16, NULL);
	server = soup_server_new(NULL, NULL);
	soup_server_add_handler(server, NULL, asked, NULL, NULL);
	if (!soup_server_listen_local(server, (guint)atoi(argv[1]), SOUP_SERVER_LISTEN_IPV4_ONLY, NULL))
		return 1;
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
}
