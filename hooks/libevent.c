/*
 * Hooks of libevent's HTTP server and client and, where a program has these, of its timers: as soup.c for libsoup, on
 * agent/turn.c.
 *
 * A request that is to go out is an object, made with the function and the argument of who waits for its answer: it belongs
 * to whoever made it, whenever it is sent. Its context goes into its headers when it is sent, as libevent writes the head
 * at any time from then on, and out of them again before the program is told of the answer. Callbacks are replaced by
 * functions that stand in for them (stand_in.h), their arguments never; event_get_callback and event_get_assignment give
 * the program its own.
 * Context: app.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/adapter_api.h"
#include "agent/carry.h"
#include "agent/turn.h"
#include "hooks/imports.h"
#include "hooks/libevent_api.h"
#include "hooks/lookout.h"
#include "hooks/stand_in.h"

RM_LIBRARY evhttp = { .name = "libevent's HTTP", .anchor = RM_LOOKOUT_EVHTTP };
RM_LIBRARY libevent = { .name = "libevent", .anchor = "event_base_once", .with = &evhttp };

enum { MARKED = 1 }; /* rm_carried.note of a request: its header is ours */

typedef void (*http_fn)(struct evhttp_request *request, void *arg);

RM_USE(evhttp, evhttp_request_get_input_headers);
RM_USE(evhttp, evhttp_request_get_output_headers);
RM_USE(evhttp, evhttp_find_header);
RM_USE(evhttp, evhttp_add_header);
RM_USE(evhttp, evhttp_remove_header);

void rm_libevent_watch(void)
{
	evhttp.unwanted = !rm_ctx_wanted("libevent");
}

/* ---- requests that are served ---- */

RM_USE(evhttp, evhttp_request_get_connection);
RM_USE(evhttp, evhttp_connection_get_bufferevent);
RM_USE(libevent, bufferevent_getfd);

/* The one that is served on its connection. */
static rm_ctx request_on(struct evhttp_request *request)
{
	struct evhttp_connection *connection = real_evhttp_request_get_connection(request);
	struct bufferevent *b = connection ? real_evhttp_connection_get_bufferevent(connection) : NULL;
	int fd = b && real_bufferevent_getfd ? real_bufferevent_getfd(b) : -1;

	return fd < 0 ? 0 : rm_ctx_of_request(fd, 0);
}

/* libevent asks how many bytes there are, and reads as many: our line mostly finds no room, except in place of another. */
static rm_ctx request_of(struct evhttp_request *request)
{
	struct evkeyvalq *headers = request ? real_evhttp_request_get_input_headers(request) : NULL;
	const char *text = headers ? real_evhttp_find_header(headers, "traceparent") : NULL;
	rm_ctx ctx = text ? rm_ctx_from_traceparent(text, strlen(text)) : 0;

	return ctx || !request ? ctx : request_on(request);
}

static struct rm_stand_ins handlers;

static void handle(int number, struct evhttp_request *request, void *arg)
{
	struct rm_turn *turn = rm_turn_serve(request_of(request), request);

	((http_fn)atomic_load(&handlers.own[number]))(request, arg);
	rm_turn_end(turn);
}

#define HANDLER(n)                                                      \
	static void handler_##n(struct evhttp_request *request, void *arg) \
	{                                                               \
		handle(n, request, arg);                                \
	}
#define HANDLER_NAME(n) handler_##n,
RM_STAND_IN_EACH(HANDLER)
static const http_fn handler_of[] = { RM_STAND_IN_EACH(HANDLER_NAME) };

static http_fn handler_for(http_fn own)
{
	int number = rm_stand_in(&handlers, (uintptr_t)own);

	return number < 0 ? own : handler_of[number];
}

RM_IMPORT(evhttp, evhttp_set_cb);
static int hook_evhttp_set_cb(struct evhttp *http, const char *path, http_fn callback, void *arg)
{
	return real_evhttp_set_cb(http, path, handler_for(callback), arg);
}

RM_IMPORT(evhttp, evhttp_set_gencb);
static void hook_evhttp_set_gencb(struct evhttp *http, http_fn callback, void *arg)
{
	real_evhttp_set_gencb(http, handler_for(callback), arg);
}

RM_IMPORT(evhttp, evhttp_send_reply);
static void hook_evhttp_send_reply(struct evhttp_request *request, int code, const char *reason, struct evbuffer *body)
{
	rm_turn_answer(request_of(request), request);
	real_evhttp_send_reply(request, code, reason, body);
}

RM_IMPORT(evhttp, evhttp_send_reply_start);
static void hook_evhttp_send_reply_start(struct evhttp_request *request, int code, const char *reason)
{
	rm_turn_answer(request_of(request), request);
	real_evhttp_send_reply_start(request, code, reason);
}

RM_IMPORT(evhttp, evhttp_send_error);
static void hook_evhttp_send_error(struct evhttp_request *request, int error, const char *reason)
{
	rm_turn_answer(request_of(request), request);
	real_evhttp_send_error(request, error, reason);
}

/* ---- requests that go out ---- */

static struct rm_stand_ins answers;

static void answered(int number, struct evhttp_request *request, void *arg)
{
	uintptr_t own = atomic_load(&answers.own[number]);
	struct rm_turn *turn = rm_turn_take((const void *)own, arg);
	struct rm_carried made;

	if (request && rm_carry_take(request, RM_CARRY_TURN_CALL, &made) && made.note & MARKED)
		real_evhttp_remove_header(real_evhttp_request_get_output_headers(request), "traceparent");
	((http_fn)own)(request, arg);
	rm_turn_end(turn);
}

#define ANSWER(n)                                                         \
	static void answer_##n(struct evhttp_request *request, void *arg) \
	{                                                                 \
		answered(n, request, arg);                                \
	}
#define ANSWER_NAME(n) answer_##n,
RM_STAND_IN_EACH(ANSWER)
static const http_fn answer_of[] = { RM_STAND_IN_EACH(ANSWER_NAME) };

RM_IMPORT(evhttp, evhttp_request_new);
static struct evhttp_request *hook_evhttp_request_new(http_fn callback, void *arg)
{
	int number = rm_turn_here() ? rm_stand_in(&answers, (uintptr_t)callback) : -1;
	rm_ctx ctx = rm_turn_here() ? rm_turn_give((const void *)(uintptr_t)callback, callback ? arg : NULL, true) : 0;
	struct evhttp_request *ret = real_evhttp_request_new(number < 0 ? callback : answer_of[number], arg);

	/* Without a function of ours nobody would take the header out again. */
	if (ret && ctx && number >= 0)
		rm_carry_put(ret, RM_CARRY_TURN_CALL, (struct rm_carried){ .value = ctx }, false);
	else if (ret)
		rm_carry_take(ret, RM_CARRY_TURN_CALL, NULL);
	return ret;
}

static void mark(struct evhttp_request *request)
{
	struct evkeyvalq *headers = real_evhttp_request_get_output_headers(request);
	char text[RM_CTX_TEXT_BYTES + 1] = "";
	struct rm_carried made;

	if (!rm_carry_look(request, RM_CARRY_TURN_CALL, &made) || !headers || real_evhttp_find_header(headers, "traceparent") ||
	    !rm_ctx_to_traceparent(made.value, text) || real_evhttp_add_header(headers, "traceparent", text) != 0)
		return;
	made.note = MARKED;
	rm_carry_put(request, RM_CARRY_TURN_CALL, made, false);
}

RM_IMPORT(evhttp, evhttp_make_request);
static int hook_evhttp_make_request(struct evhttp_connection *connection, struct evhttp_request *request,
				    enum evhttp_cmd_type type, const char *uri)
{
	struct rm_turn *nobody;
	int ret;

	if (request)
		mark(request);
	nobody = rm_turn_nobody();
	ret = real_evhttp_make_request(connection, request, type, uri);
	rm_turn_end(nobody);
	return ret;
}

/* ---- timers ---- */

static struct rm_stand_ins timers;
static atomic_bool any_timer;

static void came(int number, int fd, short what, void *arg)
{
	uintptr_t own = atomic_load(&timers.own[number]);
	struct rm_turn *turn = rm_turn_take((const void *)own, arg);

	((event_callback_fn)own)(fd, what, arg);
	rm_turn_end(turn);
}

#define TIMER(n)                                               \
	static void timer_##n(int fd, short what, void *arg) \
	{                                                      \
		came(n, fd, what, arg);                        \
	}
#define TIMER_NAME(n) timer_##n,
RM_STAND_IN_EACH(TIMER)
static const event_callback_fn timer_of[] = { RM_STAND_IN_EACH(TIMER_NAME) };

/* What is to be called for a timer that is made in a turn: descriptors may be those of many. */
static event_callback_fn timer_for(int fd, short events, event_callback_fn own)
{
	int number = fd < 0 && !(events & RM_EV_PERSIST) && rm_turn_here() ? rm_stand_in(&timers, (uintptr_t)own) : -1;

	if (number < 0)
		return own;
	atomic_store(&any_timer, true);
	return timer_of[number];
}

/* The program's function, NULL where none of ours stands in for it. */
static event_callback_fn own_of(event_callback_fn callback)
{
	for (int i = 0; atomic_load_explicit(&any_timer, memory_order_relaxed) && i < RM_STAND_INS; i++)
		if (callback == timer_of[i])
			return (event_callback_fn)atomic_load(&timers.own[i]);
	return NULL;
}

static bool is_short(const struct timeval *t)
{
	return t && t->tv_sec == 0 && t->tv_usec < RM_TURN_WATCH_MS * 1000;
}

RM_USE(libevent, event_get_callback_arg);

RM_IMPORT(libevent, event_get_callback);
static event_callback_fn hook_event_get_callback(const struct event *event)
{
	event_callback_fn ret = real_event_get_callback(event), own = own_of(ret);

	return own ? own : ret;
}

RM_IMPORT(libevent, event_get_assignment);
static void hook_event_get_assignment(const struct event *event, struct event_base **base, int *fd, short *events,
				      event_callback_fn *callback, void **arg)
{
	event_callback_fn own;

	real_event_get_assignment(event, base, fd, events, callback, arg);
	own = callback ? own_of(*callback) : NULL;
	if (own)
		*callback = own;
}

RM_IMPORT(libevent, event_new);
static struct event *hook_event_new(struct event_base *base, int fd, short events, event_callback_fn callback, void *arg)
{
	return real_event_new(base, fd, events, timer_for(fd, events, callback), arg);
}

RM_IMPORT(libevent, event_assign);
static int hook_event_assign(struct event *event, struct event_base *base, int fd, short events, event_callback_fn callback,
			     void *arg)
{
	return real_event_assign(event, base, fd, events, timer_for(fd, events, callback), arg);
}

RM_IMPORT(libevent, event_add);
static int hook_event_add(struct event *event, const struct timeval *timeout)
{
	event_callback_fn own = event ? own_of(real_event_get_callback(event)) : NULL;

	if (own)
		rm_turn_give((const void *)(uintptr_t)own, real_event_get_callback_arg(event), is_short(timeout));
	return real_event_add(event, timeout);
}

RM_IMPORT(libevent, event_base_once);
static int hook_event_base_once(struct event_base *base, int fd, short events, event_callback_fn callback, void *arg,
				const struct timeval *timeout)
{
	event_callback_fn given = timer_for(fd, events, callback);

	if (given != callback)
		rm_turn_give((const void *)(uintptr_t)callback, arg, is_short(timeout));
	return real_event_base_once(base, fd, events, given, arg, timeout);
}

RM_IMPORT(libevent, event_base_dispatch);
static int hook_event_base_dispatch(struct event_base *base)
{
	struct rm_turn *nobody = rm_turn_nobody();
	int ret = real_event_base_dispatch(base);

	rm_turn_end(nobody);
	return ret;
}

RM_IMPORT(libevent, event_base_loop);
static int hook_event_base_loop(struct event_base *base, int flags)
{
	struct rm_turn *nobody = rm_turn_nobody();
	int ret = real_event_base_loop(base, flags);

	rm_turn_end(nobody);
	return ret;
}
