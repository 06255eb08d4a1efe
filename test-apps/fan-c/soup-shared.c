/*
 * libsoup's server and client, where what one request asked the library for also works for others, as programs do that let
 * few calls be under way at once, or collect them:
 *   line      four calls at once; who is answered starts the next one that stands in line
 *   watched   the same, and a timer watches over whoever stands in line
 *   client    one call at a time, whose answers go to one object for all, which has a line
 *   guarded   the same, and a timer watches over whoever stands in line
 *   batch     the first request arms a timer, others join it until that comes
 *   first     the same, and the timer has the first request's own object, at the end of a list
 *   fourth    each fourth request's handler makes the calls of the four
 *   repeat    a timer for ever, which the first request armed
 *   tokens    a GThreadPool gets the same item for each, and its threads take the newest request
 */
#include <libsoup/soup.h>

#include "fan.h"

struct fan {
	SoupServerMessage *message;
	int calls, turn;
	long number;
	guint watch;
	struct fan *next;
};

struct line {
	struct fan *first;
	int count, under_way;
};

static SoupSession *session;
static GThreadPool *pool;
static GMutex lock;
static struct line *all;
static const char *style;
static unsigned seed = 1;

static gboolean is(const char *name)
{
	return strcmp(style, name) == 0;
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

static SoupMessage *call_of(const struct fan *f)
{
	char url[128];

	snprintf(url, sizeof(url), "%s/call/%ld/%d", getenv("FAR"), f->number, f->turn);
	return soup_message_new("GET", url);
}

static gboolean give_up(gpointer data)
{
	((struct fan *)data)->watch = 0;
	return G_SOURCE_REMOVE;
}

static void ask(struct fan *f);

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

/* ---- how calls are made ---- */

static struct fan *served; /* of the client for all */

static void start(struct fan *f);

static void next(void)
{
	struct fan *f;
	int most = is("client") || is("guarded") ? 1 : 4;

	while (all->under_way < most && (f = pop())) {
		all->under_way++;
		start(f);
		if (f->watch)
			g_source_remove(f->watch);
		f->watch = 0;
	}
}

static void far_said(GObject *source, GAsyncResult *result, gpointer data)
{
	struct fan *f = data == all ? served : data;
	GBytes *body = soup_session_send_and_read_finish(SOUP_SESSION(source), result, NULL);

	if (!body)
		exit(1);
	g_bytes_unref(body);
	if (++f->turn == f->calls)
		finish(f);
	else if (is("line") || is("watched") || is("client") || is("guarded"))
		push(f);
	else
		ask(f);
	if (is("line") || is("watched") || is("client") || is("guarded")) {
		all->under_way--;
		next();
	}
}

static void start(struct fan *f)
{
	SoupMessage *call = call_of(f);
	gboolean shared = is("client") || is("guarded");

	served = f;
	soup_session_send_and_read_async(session, call, G_PRIORITY_DEFAULT, NULL, far_said, shared ? (gpointer)all : f);
	g_object_unref(call);
}

static gboolean flush(gpointer data)
{
	struct fan *f;

	(void)data;
	while ((f = pop()))
		start(f);
	return is("repeat") ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void work(gpointer data, gpointer user)
{
	static _Thread_local SoupSession *mine;
	struct fan *f;

	(void)data;
	(void)user;
	if (!mine)
		mine = soup_session_new();
	g_mutex_lock(&lock);
	f = pop();
	g_mutex_unlock(&lock);
	for (; f->turn < f->calls; f->turn++) {
		SoupMessage *call = call_of(f);
		GBytes *body;

		sleep_ms(2);
		body = soup_session_send_and_read(mine, call, NULL, NULL);
		if (!body)
			exit(1);
		g_bytes_unref(body);
		g_object_unref(call);
	}
	g_idle_add(finish, f);
}

static void ask(struct fan *f)
{
	static guint timer;
	gboolean alone;

	g_mutex_lock(&lock);
	alone = !all->first;
	push(f);
	g_mutex_unlock(&lock);
	if (pool)
		g_thread_pool_push(pool, all, NULL);
	else if (is("batch") && alone)
		g_timeout_add(5, flush, all);
	else if (is("first") && alone)
		g_timeout_add(5, flush, f);
	else if (is("fourth") && (all->count == 4 || f->turn))
		flush(NULL);
	else if (is("repeat") && !timer)
		timer = g_timeout_add(3, flush, all);
	else if (all->under_way && (is("watched") || is("guarded")))
		f->watch = g_timeout_add(30000, give_up, f);
	if (is("line") || is("watched") || is("client") || is("guarded"))
		next();
}

static gboolean late(gpointer data)
{
	(void)data;
	flush(NULL); /* who came when no fourth one did */
	return G_SOURCE_CONTINUE;
}

static void asked(SoupServer *of, SoupServerMessage *message, const char *path, GHashTable *query, gpointer user)
{
	struct fan *f = g_new0(struct fan, 1);

	(void)of;
	(void)query;
	(void)user;
	f->message = g_object_ref(message);
	f->number = number_of(path);
	f->calls = how_many(&seed);
	soup_server_message_pause(message);
	ask(f);
}

int main(int argc, char **argv)
{
	SoupServer *server;

	if (argc < 3)
		return 1;
	style = argv[2];
	all = g_new0(struct line, 1);
	if (is("tokens"))
		pool = g_thread_pool_new(work, NULL, 16, FALSE, NULL);
	session = soup_session_new();
	g_object_set(session, "max-conns", 16, "max-conns-per-host", 16, NULL);
	server = soup_server_new(NULL, NULL);
	soup_server_add_handler(server, NULL, asked, NULL, NULL);
	if (!soup_server_listen_local(server, (guint)atoi(argv[1]), SOUP_SERVER_LISTEN_IPV4_ONLY, NULL))
		return 1;
	if (is("fourth"))
		g_timeout_add(20, late, NULL);
	g_main_loop_run(g_main_loop_new(NULL, FALSE));
}
