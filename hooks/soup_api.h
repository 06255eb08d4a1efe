/*
 * What hooks need of libsoup 3 and of GLib below it, declared here so that nobody needs the libraries to build this: as
 * <libsoup/soup.h> of 3.0 and later has it (tests/abi compares the two).
 */
#ifndef RM_HOOKS_SOUP_API_H
#define RM_HOOKS_SOUP_API_H

#include <stdint.h>

#ifndef __SOUP_H__
typedef char gchar;
typedef int gint;
typedef int gboolean;
typedef unsigned int guint;
typedef unsigned long gulong;
typedef uint32_t guint32;
typedef void *gpointer;
typedef uint32_t GQuark;

typedef struct _GObject GObject;
typedef struct _GError GError;
typedef struct _GBytes GBytes;
typedef struct _GClosure GClosure;
typedef struct _GHashTable GHashTable;
typedef struct _GMainContext GMainContext;
typedef struct _GMainLoop GMainLoop;
typedef struct _GCancellable GCancellable;
typedef struct _GAsyncResult GAsyncResult;
typedef struct _GInputStream GInputStream;
typedef struct _SoupMessage SoupMessage;
typedef struct _SoupMessageHeaders SoupMessageHeaders;
typedef struct _SoupServer SoupServer;
typedef struct _SoupServerMessage SoupServerMessage;
typedef struct _SoupSession SoupSession;

typedef void (*GFunc)(gpointer data, gpointer user_data);
typedef void (*GCallback)(void);
typedef void (*GDestroyNotify)(gpointer data);
typedef void (*GClosureNotify)(gpointer data, GClosure *closure);
typedef gboolean (*GSourceFunc)(gpointer user_data);
typedef void (*GAsyncReadyCallback)(GObject *source, GAsyncResult *result, gpointer user_data);
typedef void (*SoupServerCallback)(SoupServer *server, SoupServerMessage *message, const char *path, GHashTable *query,
				   gpointer user_data);

typedef struct _GThreadPool {
	GFunc func;
	gpointer user_data;
	gboolean exclusive;
} GThreadPool;

typedef enum { G_CONNECT_DEFAULT = 0, G_CONNECT_AFTER = 1 << 0 } GConnectFlags;
typedef enum { G_SIGNAL_MATCH_FUNC = 1 << 3, G_SIGNAL_MATCH_DATA = 1 << 4 } GSignalMatchType;
#endif

gulong g_signal_connect_data(gpointer instance, const gchar *name, GCallback handler, gpointer data, GClosureNotify notify,
			     GConnectFlags flags);
guint g_signal_handlers_disconnect_matched(gpointer instance, GSignalMatchType mask, guint id, GQuark detail, GClosure *closure,
					   gpointer function, gpointer data);

guint g_timeout_add(guint interval, GSourceFunc function, gpointer data);
guint g_timeout_add_full(gint priority, guint interval, GSourceFunc function, gpointer data, GDestroyNotify notify);
guint g_timeout_add_seconds(guint interval, GSourceFunc function, gpointer data);
guint g_idle_add(GSourceFunc function, gpointer data);
guint g_idle_add_full(gint priority, GSourceFunc function, gpointer data, GDestroyNotify notify);
gboolean g_main_context_iteration(GMainContext *context, gboolean may_block);
void g_main_loop_run(GMainLoop *loop);
GThreadPool *g_thread_pool_new(GFunc function, gpointer user_data, gint max, gboolean exclusive, GError **error);
gboolean g_thread_pool_push(GThreadPool *pool, gpointer data, GError **error);

void soup_server_add_handler(SoupServer *server, const char *path, SoupServerCallback callback, gpointer user_data,
			     GDestroyNotify destroy);
void soup_server_add_early_handler(SoupServer *server, const char *path, SoupServerCallback callback, gpointer user_data,
				   GDestroyNotify destroy);
void soup_server_pause_message(SoupServer *server, SoupServerMessage *message);
void soup_server_unpause_message(SoupServer *server, SoupServerMessage *message);
void soup_server_message_pause(SoupServerMessage *message);
void soup_server_message_unpause(SoupServerMessage *message);
SoupMessageHeaders *soup_server_message_get_request_headers(SoupServerMessage *message);
const char *soup_server_message_get_method(SoupServerMessage *message);

SoupMessageHeaders *soup_message_get_request_headers(SoupMessage *message);
const char *soup_message_headers_get_one(SoupMessageHeaders *headers, const char *name);
void soup_message_headers_append(SoupMessageHeaders *headers, const char *name, const char *value);
void soup_message_headers_remove(SoupMessageHeaders *headers, const char *name);

void soup_session_send_async(SoupSession *session, SoupMessage *message, int priority, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data);
GInputStream *soup_session_send(SoupSession *session, SoupMessage *message, GCancellable *cancellable, GError **error);
void soup_session_send_and_read_async(SoupSession *session, SoupMessage *message, int priority, GCancellable *cancellable,
				      GAsyncReadyCallback callback, gpointer user_data);
GBytes *soup_session_send_and_read(SoupSession *session, SoupMessage *message, GCancellable *cancellable, GError **error);

#endif
