/*
 * Hooks of libsoup 3 and, where that is loaded, of what GLib calls back: calls that are made while a handler runs, or in a
 * callback that works for the same request (agent/turn.c), carry that request in their own head. That is exact whichever
 * connection they wait for, and whoever writes them in the end.
 *
 * A request is known by the traceparent in its headers, which ingress rewriting wrote. A call's gets it when libsoup is about
 * to write it, after the program's own handlers of "starting", and loses it when it is written. Callbacks are replaced by
 * functions that stand in for them (stand_in.h) where something is known of whom they work for; their arguments, by which a
 * program may look for a source or a task, never are. Only a GThreadPool shows its function; it has ours.
 * Context: app.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/adapter_api.h"
#include "agent/turn.h"
#include "hooks/imports.h"
#include "hooks/lookout.h"
#include "hooks/soup_api.h"
#include "hooks/stand_in.h"

RM_LIBRARY soup = { .name = "libsoup", .anchor = RM_LOOKOUT_SOUP };
RM_LIBRARY gobject = { .name = "GObject", .anchor = "g_signal_connect_data", .with = &soup };
RM_LIBRARY glib = { .name = "GLib", .anchor = "g_timeout_add_full", .with = &soup };

RM_USE(soup, soup_server_message_get_request_headers);
RM_USE(soup, soup_message_get_request_headers);
RM_USE(soup, soup_message_headers_get_one);
RM_USE(soup, soup_message_headers_append);
RM_USE(soup, soup_message_headers_remove);

void rm_soup_watch(void)
{
	soup.unwanted = !rm_ctx_wanted("libsoup");
}

/* ---- requests ---- */

static rm_ctx request_of(SoupServerMessage *message)
{
	SoupMessageHeaders *headers = real_soup_server_message_get_request_headers(message);
	const char *text = headers ? real_soup_message_headers_get_one(headers, "traceparent") : NULL;

	return text ? rm_ctx_from_traceparent(text, strlen(text)) : 0;
}

static struct rm_stand_ins handlers;

static void handle(int number, SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
		   gpointer user_data)
{
	rm_ctx ctx = request_of(message);
	struct rm_turn *turn = rm_turn_serve(ctx, message);

	((SoupServerCallback)atomic_load(&handlers.own[number]))(server, message, path, query, user_data);
	if (!rm_turn_holds(turn))
		rm_turn_answer(ctx, message);
	rm_turn_end(turn);
}

#define HANDLER(n)                                                                                                    \
	static void handler_##n(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query, \
				gpointer user_data)                                                                  \
	{                                                                                                            \
		handle(n, server, message, path, query, user_data);                                                  \
	}
#define HANDLER_NAME(n) handler_##n,
RM_STAND_IN_EACH(HANDLER)
static const SoupServerCallback handler_of[] = { RM_STAND_IN_EACH(HANDLER_NAME) };

static SoupServerCallback handler_for(SoupServerCallback own)
{
	int number = rm_stand_in(&handlers, (uintptr_t)own);

	return number < 0 ? own : handler_of[number];
}

RM_IMPORT(soup, soup_server_add_handler);
static void hook_soup_server_add_handler(SoupServer *server, const char *path, SoupServerCallback callback, gpointer user_data,
					 GDestroyNotify destroy)
{
	real_soup_server_add_handler(server, path, handler_for(callback), user_data, destroy);
}

RM_IMPORT(soup, soup_server_add_early_handler);
static void hook_soup_server_add_early_handler(SoupServer *server, const char *path, SoupServerCallback callback,
					       gpointer user_data, GDestroyNotify destroy)
{
	real_soup_server_add_early_handler(server, path, handler_for(callback), user_data, destroy);
}

RM_IMPORT(soup, soup_server_pause_message);
static void hook_soup_server_pause_message(SoupServer *server, SoupServerMessage *message)
{
	rm_turn_hold(message);
	real_soup_server_pause_message(server, message);
}

RM_IMPORT_IF_PRESENT(soup, soup_server_message_pause);
static void hook_soup_server_message_pause(SoupServerMessage *message)
{
	rm_turn_hold(message);
	real_soup_server_message_pause(message);
}

RM_IMPORT(soup, soup_server_unpause_message);
static void hook_soup_server_unpause_message(SoupServer *server, SoupServerMessage *message)
{
	rm_turn_answer(request_of(message), message);
	real_soup_server_unpause_message(server, message);
}

RM_IMPORT_IF_PRESENT(soup, soup_server_message_unpause);
static void hook_soup_server_message_unpause(SoupServerMessage *message)
{
	rm_turn_answer(request_of(message), message);
	real_soup_server_message_unpause(message);
}

/* ---- calls ---- */

RM_USE(gobject, g_signal_connect_data);
RM_USE(gobject, g_signal_handlers_disconnect_matched);

static guint disconnect(SoupMessage *message, GCallback function)
{
	return real_g_signal_handlers_disconnect_matched(message, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, (gpointer)(uintptr_t)function,
							 NULL);
}

static void on_written(SoupMessage *message, gpointer data)
{
	(void)data;
	if (disconnect(message, (GCallback)on_written))
		real_soup_message_headers_remove(real_soup_message_get_request_headers(message), "traceparent");
}

/* `data` is the context. Comes again where libsoup sends it again. */
static void on_starting(SoupMessage *message, gpointer data)
{
	SoupMessageHeaders *headers = real_soup_message_get_request_headers(message);
	char text[RM_CTX_TEXT_BYTES + 1] = "";

	if (real_soup_message_headers_get_one(headers, "traceparent") || !rm_ctx_to_traceparent((rm_ctx)(uintptr_t)data, text))
		return;
	real_soup_message_headers_append(headers, "traceparent", text);
	real_g_signal_connect_data(message, "wrote-headers", (GCallback)on_written, NULL, NULL, G_CONNECT_DEFAULT);
}

static void on_finished(SoupMessage *message, gpointer data)
{
	on_written(message, data);
	disconnect(message, (GCallback)on_starting);
	disconnect(message, (GCallback)on_finished);
}

static void mark(SoupMessage *message, rm_ctx ctx)
{
	if (!ctx || !real_g_signal_connect_data || !message)
		return;
	real_g_signal_connect_data(message, "starting", (GCallback)on_starting, (gpointer)(uintptr_t)ctx, NULL, G_CONNECT_AFTER);
	real_g_signal_connect_data(message, "finished", (GCallback)on_finished, NULL, NULL, G_CONNECT_DEFAULT);
}

static struct rm_stand_ins answers;

static void answered(int number, GObject *source, GAsyncResult *result, gpointer user_data)
{
	uintptr_t own = atomic_load(&answers.own[number]);
	struct rm_turn *turn = rm_turn_take((const void *)own, user_data);

	((GAsyncReadyCallback)own)(source, result, user_data);
	rm_turn_end(turn);
}

#define ANSWER(n)                                                                            \
	static void answer_##n(GObject *source, GAsyncResult *result, gpointer user_data)    \
	{                                                                                    \
		answered(n, source, result, user_data);                                      \
	}
#define ANSWER_NAME(n) answer_##n,
RM_STAND_IN_EACH(ANSWER)
static const GAsyncReadyCallback answer_of[] = { RM_STAND_IN_EACH(ANSWER_NAME) };

/* The thread is in a turn, and this call is made in it: what the library is to call back. */
static GAsyncReadyCallback call(SoupMessage *message, GAsyncReadyCallback own, gpointer user_data)
{
	int number;

	mark(message, rm_turn_give((const void *)(uintptr_t)own, own ? user_data : NULL, true));
	number = rm_stand_in(&answers, (uintptr_t)own);
	return number < 0 ? own : answer_of[number];
}

RM_IMPORT(soup, soup_session_send_async);
static void hook_soup_session_send_async(SoupSession *session, SoupMessage *message, int priority, GCancellable *cancellable,
					 GAsyncReadyCallback callback, gpointer user_data)
{
	GAsyncReadyCallback given = rm_turn_here() ? call(message, callback, user_data) : callback;
	struct rm_turn *nobody = rm_turn_nobody();

	real_soup_session_send_async(session, message, priority, cancellable, given, user_data);
	rm_turn_end(nobody);
}

RM_IMPORT(soup, soup_session_send_and_read_async);
static void hook_soup_session_send_and_read_async(SoupSession *session, SoupMessage *message, int priority,
						  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	GAsyncReadyCallback given = rm_turn_here() ? call(message, callback, user_data) : callback;
	struct rm_turn *nobody = rm_turn_nobody();

	real_soup_session_send_and_read_async(session, message, priority, cancellable, given, user_data);
	rm_turn_end(nobody);
}

RM_IMPORT(soup, soup_session_send);
static GInputStream *hook_soup_session_send(SoupSession *session, SoupMessage *message, GCancellable *cancellable, GError **error)
{
	struct rm_turn *nobody;
	GInputStream *ret;

	mark(message, rm_turn_calls());
	nobody = rm_turn_nobody();
	ret = real_soup_session_send(session, message, cancellable, error);
	rm_turn_end(nobody);
	return ret;
}

RM_IMPORT(soup, soup_session_send_and_read);
static GBytes *hook_soup_session_send_and_read(SoupSession *session, SoupMessage *message, GCancellable *cancellable,
					       GError **error)
{
	struct rm_turn *nobody;
	GBytes *ret;

	mark(message, rm_turn_calls());
	nobody = rm_turn_nobody();
	ret = real_soup_session_send_and_read(session, message, cancellable, error);
	rm_turn_end(nobody);
	return ret;
}

/* ---- GLib: timers, idle functions ---- */

static struct rm_stand_ins sources;

static gboolean dispatched(int number, gpointer data)
{
	uintptr_t own = atomic_load(&sources.own[number]);
	struct rm_turn *turn = rm_turn_take((const void *)own, data);
	gboolean ret = ((GSourceFunc)own)(data);

	rm_turn_end(turn);
	return ret;
}

#define SOURCE(n)                                    \
	static gboolean source_##n(gpointer data)    \
	{                                            \
		return dispatched(n, data);          \
	}
#define SOURCE_NAME(n) source_##n,
RM_STAND_IN_EACH(SOURCE)
static const GSourceFunc source_of[] = { RM_STAND_IN_EACH(SOURCE_NAME) };

/* What the main loop is to call. */
static GSourceFunc source_for(GSourceFunc own, gpointer data, guint ms)
{
	int number;

	if (!own || !rm_turn_here())
		return own;
	rm_turn_give((const void *)(uintptr_t)own, data, ms < RM_TURN_WATCH_MS);
	number = rm_stand_in(&sources, (uintptr_t)own);
	return number < 0 ? own : source_of[number];
}

RM_IMPORT(glib, g_timeout_add);
static guint hook_g_timeout_add(guint interval, GSourceFunc function, gpointer data)
{
	return real_g_timeout_add(interval, source_for(function, data, interval), data);
}

RM_IMPORT(glib, g_timeout_add_full);
static guint hook_g_timeout_add_full(gint priority, guint interval, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
	return real_g_timeout_add_full(priority, interval, source_for(function, data, interval), data, notify);
}

RM_IMPORT(glib, g_timeout_add_seconds);
static guint hook_g_timeout_add_seconds(guint interval, GSourceFunc function, gpointer data)
{
	return real_g_timeout_add_seconds(interval, source_for(function, data, RM_TURN_WATCH_MS), data);
}

RM_IMPORT(glib, g_idle_add);
static guint hook_g_idle_add(GSourceFunc function, gpointer data)
{
	return real_g_idle_add(source_for(function, data, 0), data);
}

RM_IMPORT(glib, g_idle_add_full);
static guint hook_g_idle_add_full(gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
	return real_g_idle_add_full(priority, source_for(function, data, 0), data, notify);
}

RM_IMPORT(glib, g_main_loop_run);
static void hook_g_main_loop_run(GMainLoop *loop)
{
	struct rm_turn *nobody = rm_turn_nobody();

	real_g_main_loop_run(loop);
	rm_turn_end(nobody);
}

RM_IMPORT(glib, g_main_context_iteration);
static gboolean hook_g_main_context_iteration(GMainContext *context, gboolean may_block)
{
	struct rm_turn *nobody = rm_turn_nobody();
	gboolean ret = real_g_main_context_iteration(context, may_block);

	rm_turn_end(nobody);
	return ret;
}

/* ---- GLib: pools of threads ---- */

static struct rm_stand_ins workers;

static void work(int number, gpointer data, gpointer user_data)
{
	uintptr_t own = atomic_load(&workers.own[number]);
	struct rm_turn *turn = rm_turn_take((const void *)own, data);

	((GFunc)own)(data, user_data);
	rm_turn_end(turn);
}

#define WORKER(n)                                                      \
	static void worker_##n(gpointer data, gpointer user_data)      \
	{                                                              \
		work(n, data, user_data);                              \
	}
#define WORKER_NAME(n) worker_##n,
RM_STAND_IN_EACH(WORKER)
static const GFunc worker_of[] = { RM_STAND_IN_EACH(WORKER_NAME) };

RM_IMPORT(glib, g_thread_pool_new);
static GThreadPool *hook_g_thread_pool_new(GFunc function, gpointer user_data, gint max, gboolean exclusive, GError **error)
{
	int number = rm_stand_in(&workers, (uintptr_t)function);

	return real_g_thread_pool_new(number < 0 ? function : worker_of[number], user_data, max, exclusive, error);
}

RM_IMPORT(glib, g_thread_pool_push);
static gboolean hook_g_thread_pool_push(GThreadPool *pool, gpointer data, GError **error)
{
	for (int i = 0; pool && rm_turn_here() && i < RM_STAND_INS; i++)
		if (pool->func == worker_of[i])
			rm_turn_give((const void *)atomic_load(&workers.own[i]), data, true);
	return real_g_thread_pool_push(pool, data, error);
}
