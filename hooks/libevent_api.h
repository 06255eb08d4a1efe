/*
 * What hooks need of libevent, declared here so that nobody needs the library to build this: as <event2/event.h> and
 * <event2/http.h> of 2.0 and later have it (tests/abi compares the two).
 */
#ifndef RM_HOOKS_LIBEVENT_API_H
#define RM_HOOKS_LIBEVENT_API_H

#include <sys/time.h>

#ifndef EVENT2_HTTP_H_INCLUDED_
struct event;
struct event_base;
struct bufferevent;
struct evbuffer;
struct evhttp;
struct evhttp_connection;
struct evhttp_request;
struct evkeyvalq;
enum evhttp_cmd_type { EVHTTP_REQ_GET = 1 << 0 };
typedef void (*event_callback_fn)(int fd, short what, void *arg);
#endif

enum { RM_EV_PERSIST = 0x10 };

struct event *event_new(struct event_base *base, int fd, short events, event_callback_fn callback, void *arg);
int event_assign(struct event *event, struct event_base *base, int fd, short events, event_callback_fn callback, void *arg);
int event_add(struct event *event, const struct timeval *timeout);
int event_base_once(struct event_base *base, int fd, short events, event_callback_fn callback, void *arg,
		    const struct timeval *timeout);
int event_base_dispatch(struct event_base *base);
int event_base_loop(struct event_base *base, int flags);
short event_get_events(const struct event *event);
event_callback_fn event_get_callback(const struct event *event);
void *event_get_callback_arg(const struct event *event);
void event_get_assignment(const struct event *event, struct event_base **base, int *fd, short *events,
			  event_callback_fn *callback, void **arg);

int evhttp_set_cb(struct evhttp *http, const char *path, void (*callback)(struct evhttp_request *, void *), void *arg);
void evhttp_set_gencb(struct evhttp *http, void (*callback)(struct evhttp_request *, void *), void *arg);
void evhttp_send_error(struct evhttp_request *request, int error, const char *reason);
void evhttp_send_reply(struct evhttp_request *request, int code, const char *reason, struct evbuffer *body);
void evhttp_send_reply_start(struct evhttp_request *request, int code, const char *reason);
struct evhttp_request *evhttp_request_new(void (*callback)(struct evhttp_request *, void *), void *arg);
int evhttp_make_request(struct evhttp_connection *connection, struct evhttp_request *request, enum evhttp_cmd_type type,
			const char *uri);
struct evhttp_connection *evhttp_request_get_connection(struct evhttp_request *request);
struct bufferevent *evhttp_connection_get_bufferevent(struct evhttp_connection *connection);
int bufferevent_getfd(struct bufferevent *b);
struct evkeyvalq *evhttp_request_get_input_headers(struct evhttp_request *request);
struct evkeyvalq *evhttp_request_get_output_headers(struct evhttp_request *request);
const char *evhttp_find_header(const struct evkeyvalq *headers, const char *name);
int evhttp_add_header(struct evkeyvalq *headers, const char *name, const char *value);
int evhttp_remove_header(struct evkeyvalq *headers, const char *name);

#endif
