/*
 * Writes Rollbar's items. An exception has its frames, the outermost first; a request that failed without one is a
 * message. Items that are of one kind get one fingerprint, where Rollbar could not tell: what differs from request to
 * request, and from one build of a program to the next, is no part of it. Context: worker.
 * Spec: Rollbar, "Items" of API 1; what pyrollbar 1.5 and rollbar.js 3.1 send.
 */
#include "exporters/rollbar_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/siphash.h"
#include "base/strbuf.h"
#include "exporters/attr_json.h"
#include "exporters/traceback.h"

enum { TEXT_BYTES = 4096, NAME_MAX_BYTES = 255, VERSION_MAX_BYTES = 40, ALIKE_FRAMES = 5 };

struct item {
	struct rm_json *j;
	const struct rm_rollbar_style *style;
	const struct rm_rollbar_subject *of;
	const struct rm_record *resource;
	const struct rm_span *span;        /* NULL: of a log record */
	const struct rm_record *exception; /* whose attributes tell it; NULL: the request failed without one */
	struct rm_traceback *traceback;    /* of that; NULL: there is none, or none that is understood */
	uint64_t time_ns;
};

static const uint64_t hash_keys[2][2] = { { 0x726f6c6c626172, 1 }, { 0x726f6c6c626172, 2 } };

static bool is_exception(const struct rm_event *e)
{
	return rm_str_eq(rm_event_name(e), RM_STR("exception"));
}

static struct rm_str text(const struct rm_record *r, const char *key)
{
	struct rm_str found = { NULL, 0 };

	rm_record_find_str(r, key, &found);
	return found;
}

static bool number(const struct rm_record *r, const char *key, int64_t *ret)
{
	struct rm_attr_iter it = rm_record_attrs(r);
	struct rm_attr a;

	while (rm_attr_next(&it, &a))
		if (a.type == RM_ATTR_I64 && rm_str_eq(a.key, rm_str_c(key))) {
			*ret = a.v.i64;
			return true;
		}
	return false;
}

/* ---- which ---- */

/* Of a span that did not fail, what was thrown in it was caught: no error to anybody. */
static uint32_t exceptions(const struct rm_span *s)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	const struct rm_event *e;
	uint32_t count = 0;

	while (s->status == RM_STATUS_ERROR && s->event_count > 0 && rm_event_next(&it, &e))
		count += is_exception(e);
	return count;
}

/* An answer that says so: a client that went away is no error of the server's. */
static bool has_failed(const struct rm_rollbar_style *style, const struct rm_span *s)
{
	int64_t status = 0;

	if (s->status != RM_STATUS_ERROR)
		return false;
	if (s->kind == RM_KIND_SERVER)
		return style->kinds & RM_ROLLBAR_SERVER &&
		       ((number(&s->record, "http.response.status_code", &status) && status >= 500) ||
			text(&s->record, "rpc.response.status_code").n > 0);
	return s->kind == RM_KIND_CLIENT && style->kinds & RM_ROLLBAR_CLIENT;
}

uint32_t rm_rollbar_count(const struct rm_rollbar_style *style, const struct rm_span *span)
{
	uint32_t count = style->kinds & RM_ROLLBAR_EXCEPTIONS ? exceptions(span) : 0;

	return count > 0 ? count : has_failed(style, span);
}

bool rm_rollbar_takes(const struct rm_rollbar_style *style, const struct rm_log *log)
{
	return style->kinds & RM_ROLLBAR_EXCEPTIONS && text(&log->record, "exception.type").n > 0;
}

static const struct rm_event *exception_at(const struct rm_span *s, uint32_t which)
{
	struct rm_attr_iter it = rm_record_attrs(&s->record);
	const struct rm_event *e;

	while (rm_event_next(&it, &e))
		if (is_exception(e) && which-- == 0)
			return e;
	return NULL;
}

/* ---- members ---- */

static void put(struct rm_json *j, const char *key, struct rm_str value)
{
	if (value.n == 0)
		return;
	rm_json_key(j, key);
	rm_json_str(j, value);
}

static struct rm_str at_most(struct rm_str s, size_t max)
{
	while (s.n > max && ((unsigned char)s.p[max] & 0xc0) == 0x80) /* no half of a character */
		max--;
	return (struct rm_str){ s.p, s.n < max ? s.n : max };
}

static void put_frame(struct rm_json *j, const struct rm_traceback_frame *f)
{
	rm_json_open(j, '{');
	rm_json_key(j, "filename");
	rm_json_str(j, f->path.n > 0 ? f->path : RM_STR("(unknown)"));
	if (f->line > 0) {
		rm_json_key(j, "lineno");
		rm_json_i64(j, f->line);
	}
	if (f->column > 0) {
		rm_json_key(j, "colno");
		rm_json_i64(j, f->column);
	}
	put(j, "method", f->function);
	put(j, "code", f->code);
	rm_json_close(j, '}');
}

static void put_exception(struct rm_json *j, struct rm_str type, struct rm_str message)
{
	rm_json_key(j, "exception");
	rm_json_open(j, '{');
	rm_json_key(j, "class");
	rm_json_str(j, type.n > 0 ? type : RM_STR("Error"));
	put(j, "message", message);
	rm_json_close(j, '}');
}

/* One of a chain; what the event says of the first is what its language says. */
static void put_trace(const struct item *i, uint32_t raised)
{
	const struct rm_traceback_raised *r = &i->traceback->raised[raised];
	struct rm_str type = r->type, message = r->message;

	if (raised == 0) {
		type = text(i->exception, "exception.type");
		message = text(i->exception, "exception.message");
	}
	rm_json_open(i->j, '{');
	rm_json_key(i->j, "frames");
	rm_json_open(i->j, '[');
	for (uint32_t k = r->count; k > 0; k--)
		put_frame(i->j, &i->traceback->frame[r->first + k - 1]);
	rm_json_close(i->j, ']');
	put_exception(i->j, type, message);
	rm_json_close(i->j, '}');
}

static void put_request_line(const struct item *i, struct rm_strbuf *b)
{
	struct rm_str name = text(&i->span->record, "http.request.method");
	struct rm_str route = text(&i->span->record, "url.path");

	if (!route.n)
		route = text(&i->span->record, "server.address");
	rm_strbuf_str(b, name.n > 0 ? name : rm_span_name(i->span));
	if (name.n > 0 && route.n > 0) {
		rm_strbuf_char(b, ' ');
		rm_strbuf_str(b, route);
	}
}

static void put_message(const struct item *i)
{
	char room[TEXT_BYTES];
	struct rm_strbuf b;

	rm_strbuf_init(&b, room, sizeof(room));
	if (i->exception) {
		struct rm_str message = text(i->exception, "exception.message");

		rm_strbuf_str(&b, text(i->exception, "exception.type"));
		if (message.n > 0)
			rm_strbuf_c(&b, ": ");
		rm_strbuf_str(&b, message);
	} else {
		rm_strbuf_str(&b, text(&i->span->record, "error.type"));
		rm_strbuf_c(&b, i->span->kind == RM_KIND_CLIENT ? " was the answer to " : " in answer to ");
		put_request_line(i, &b);
	}
	rm_json_key(i->j, "message");
	rm_json_open(i->j, '{');
	rm_json_key(i->j, "body");
	rm_json_str(i->j, rm_strbuf_view(&b));
	rm_json_close(i->j, '}');
}

static void put_body(const struct item *i)
{
	rm_json_key(i->j, "body");
	rm_json_open(i->j, '{');
	if (!i->traceback) {
		put_message(i);
	} else if (i->traceback->raised_count == 1) {
		rm_json_key(i->j, "trace");
		put_trace(i, 0);
	} else {
		rm_json_key(i->j, "trace_chain");
		rm_json_open(i->j, '[');
		for (uint32_t k = 0; k < i->traceback->raised_count; k++)
			put_trace(i, k);
		rm_json_close(i->j, ']');
	}
	rm_json_close(i->j, '}');
}

static void put_url(const struct item *i)
{
	struct rm_str query = text(&i->span->record, "url.query"), host = text(&i->span->record, "server.address");
	char room[TEXT_BYTES];
	struct rm_strbuf b;
	int64_t port = 0;

	rm_strbuf_init(&b, room, sizeof(room));
	if (host.n > 0) {
		rm_strbuf_str(&b, text(&i->span->record, "url.scheme"));
		rm_strbuf_c(&b, "://");
		rm_strbuf_str(&b, host);
		if (number(&i->span->record, "server.port", &port)) {
			rm_strbuf_char(&b, ':');
			rm_strbuf_i64(&b, port);
		}
	}
	rm_strbuf_str(&b, text(&i->span->record, "url.path"));
	if (query.n > 0) {
		rm_strbuf_char(&b, '?');
		rm_strbuf_str(&b, query);
	}
	put(i->j, "url", rm_strbuf_view(&b));
	put(i->j, "query_string", query);
}

/* Only those that the settings name are among the attributes. */
static void put_headers(const struct item *i)
{
	static const struct rm_str prefix = { "http.request.header.", 20 };
	struct rm_attr_iter it = rm_record_attrs(&i->span->record);
	char key[UINT8_MAX + 1];
	struct rm_str first;
	bool any = false;
	struct rm_attr a;

	while (rm_attr_next(&it, &a)) {
		if (a.type != RM_ATTR_STRS || !rm_str_begins(a.key, prefix) || !rm_attr_strs_next(&a.v.str, &first))
			continue;
		if (!any) {
			rm_json_key(i->j, "headers");
			rm_json_open(i->j, '{');
			any = true;
		}
		a.key = (struct rm_str){ a.key.p + prefix.n, a.key.n - prefix.n };
		rm_format(key, sizeof(key), "%S", &a.key);
		rm_json_key(i->j, key);
		rm_json_str(i->j, first);
	}
	if (any)
		rm_json_close(i->j, '}');
}

static void put_request(const struct item *i)
{
	struct rm_str method = i->span ? text(&i->span->record, "http.request.method") : RM_STR("");

	if (method.n == 0 || i->span->kind != RM_KIND_SERVER)
		return;
	rm_json_key(i->j, "request");
	rm_json_open(i->j, '{');
	put_url(i);
	put(i->j, "method", method);
	put_headers(i);
	if (i->style->user_ip)
		put(i->j, "user_ip", text(&i->span->record, "client.address"));
	rm_json_close(i->j, '}');
}

static void put_server(const struct item *i)
{
	int64_t pid;

	rm_json_key(i->j, "server");
	rm_json_open(i->j, '{');
	put(i->j, "host", text(i->resource, "host.name"));
	if (number(i->resource, "process.pid", &pid)) {
		rm_json_key(i->j, "pid");
		rm_json_i64(i->j, pid);
	}
	put(i->j, "code_version", at_most(text(i->resource, "service.version"), VERSION_MAX_BYTES));
	rm_json_close(i->j, '}');
}

static void put_ids(struct rm_json *j, const uint8_t trace_id[16], const uint8_t span_id[8])
{
	rm_json_key(j, "trace_id");
	rm_json_hex(j, trace_id, 16);
	rm_json_key(j, "span_id");
	rm_json_hex(j, span_id, 8);
}

static void put_custom(const struct item *i)
{
	const struct rm_log *log = i->of->log;

	rm_json_key(i->j, "custom");
	rm_json_open(i->j, '{');
	if (i->span)
		put_ids(i->j, i->span->trace_id, i->span->span_id);
	else if (rm_log_has_trace(log))
		put_ids(i->j, log->trace_id, log->span_id);
	put(i->j, "service", text(i->resource, "service.name"));
	if (i->span) {
		put(i->j, "span", rm_span_name(i->span));
		/* Only what stands nowhere else: a client's address, for one, is shown where it may be. */
		put(i->j, "error", text(&i->span->record, "error.type"));
		if (i->span->kind == RM_KIND_CLIENT)
			put(i->j, "url", text(&i->span->record, "url.full"));
	}
	if (i->exception && !i->traceback)
		put(i->j, "stack", text(i->exception, "exception.stacktrace"));
	rm_json_close(i->j, '}');
}

/* ---- what is alike ---- */

/* Rollbar knows items again by class and frames, but offsets of functions without a name change with each build. */
static void alike_frames(const struct item *i, struct rm_strbuf *b)
{
	const struct rm_traceback *t = i->traceback;

	rm_strbuf_str(b, text(i->exception, "exception.type"));
	for (uint32_t k = 0; k < t->frame_count && k < ALIKE_FRAMES; k++) {
		const struct rm_traceback_frame *f = &t->frame[k];

		rm_strbuf_char(b, '\n');
		rm_strbuf_str(b, f->function.n > 0 ? f->function : f->path);
	}
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* A path without the parts that name one of many: those with a digit, of digits of hexadecimal numbers and '-'. */
static void alike_path(struct rm_str path, struct rm_strbuf *b)
{
	while (path.p) {
		struct rm_str part = rm_str_cut(&path, '/');
		bool digit = false, other = false;

		for (size_t k = 0; k < part.n; k++) {
			digit |= part.p[k] >= '0' && part.p[k] <= '9';
			other |= !is_hex(part.p[k]) && part.p[k] != '-';
		}
		rm_strbuf_char(b, '/');
		rm_strbuf_str(b, digit && !other ? RM_STR("#") : part);
	}
}

static void put_fingerprint(const struct item *i)
{
	char room[TEXT_BYTES];
	uint64_t hash[2];
	struct rm_strbuf b;

	rm_strbuf_init(&b, room, sizeof(room));
	if (i->traceback && strcmp(i->traceback->language, "native") != 0)
		return; /* Rollbar's own is better */
	rm_strbuf_str(&b, text(i->resource, "service.name"));
	rm_strbuf_char(&b, '\n');
	if (i->traceback) {
		alike_frames(i, &b);
	} else if (i->exception) {
		rm_strbuf_str(&b, text(i->exception, "exception.type"));
	} else {
		rm_strbuf_str(&b, text(&i->span->record, "error.type"));
		rm_strbuf_char(&b, '\n');
		rm_strbuf_str(&b, rm_span_name(i->span));
		alike_path(text(&i->span->record, "url.path"), &b);
		rm_strbuf_str(&b, text(&i->span->record, "server.address"));
	}
	for (int k = 0; k < 2; k++)
		hash[k] = rm_siphash(hash_keys[k], rm_strbuf_view(&b));
	rm_json_key(i->j, "fingerprint");
	rm_json_hex(i->j, (const uint8_t *)hash, sizeof(hash));
}

static void id_of_log(const struct rm_log *l, uint8_t ret[RM_ROLLBAR_ID_BYTES])
{
	struct rm_str record = { (const char *)l, l->record.bytes };

	for (int k = 0; k < 2; k++) {
		uint64_t hash = rm_siphash(hash_keys[k], record);

		memcpy(ret + 8 * k, &hash, sizeof(hash));
	}
}

static void id_of_span(const struct rm_span *s, uint32_t which, uint8_t ret[RM_ROLLBAR_ID_BYTES])
{
	memcpy(ret, s->trace_id, RM_ROLLBAR_ID_BYTES);
	for (int k = 0; k < 8; k++)
		ret[k] ^= s->span_id[k];
	ret[15] ^= (uint8_t)which;
}

void rm_rollbar_id(const struct rm_rollbar_subject *subject, uint8_t ret[RM_ROLLBAR_ID_BYTES])
{
	if (subject->log)
		id_of_log(subject->log, ret);
	else
		id_of_span(subject->span, subject->which, ret);
	ret[6] = (uint8_t)((ret[6] & 0x0f) | 0x80); /* RFC 9562: of our own making */
	ret[8] = (uint8_t)((ret[8] & 0x3f) | 0x80);
}

static void put_uuid(const struct item *i)
{
	uint8_t id[RM_ROLLBAR_ID_BYTES];

	rm_rollbar_id(i->of, id);
	rm_json_key(i->j, "uuid");
	rm_json_hex(i->j, id, sizeof(id));
}

/* ---- the item ---- */

static struct rm_str level(const struct item *i)
{
	const struct rm_log *log = i->of->log;

	if ((log && log->severity >= RM_SEVERITY_FATAL) || (i->traceback && strcmp(i->traceback->language, "native") == 0))
		return RM_STR("critical");
	if (log && log->severity != RM_SEVERITY_NONE && log->severity < RM_SEVERITY_ERROR)
		return log->severity < RM_SEVERITY_INFO ? RM_STR("debug") : log->severity < RM_SEVERITY_WARN ? RM_STR("info") : RM_STR("warning");
	return i->exception || i->span->kind == RM_KIND_SERVER ? RM_STR("error") : RM_STR("warning");
}

static struct rm_str environment(const struct item *i)
{
	struct rm_str found = text(i->resource, "deployment.environment.name");

	if (!found.n)
		found = text(i->resource, "deployment.environment");
	return at_most(found.n > 0 ? found : i->style->environment, NAME_MAX_BYTES);
}

static struct rm_str language(const struct item *i)
{
	struct rm_str runtime = text(i->resource, "process.runtime.name");

	if (rm_str_eq(runtime, RM_STR("cpython")) || rm_str_eq(runtime, RM_STR("pypy")))
		return RM_STR("python");
	if (rm_str_eq(runtime, RM_STR("nodejs")))
		return RM_STR("javascript");
	if (runtime.n > 0)
		return runtime;
	return i->traceback && strcmp(i->traceback->language, "native") != 0 ? rm_str_c(i->traceback->language) : RM_STR("c");
}

static void put_context(const struct item *i)
{
	char room[NAME_MAX_BYTES];
	struct rm_strbuf context;

	if (!i->span)
		return;
	rm_strbuf_init(&context, room, sizeof(room));
	put_request_line(i, &context);
	put(i->j, "context", rm_strbuf_view(&context));
}

static void put_data(const struct item *i)
{
	rm_json_open(i->j, '{');
	rm_json_key(i->j, "environment");
	rm_json_str(i->j, environment(i));
	put_body(i);
	put(i->j, "level", level(i));
	rm_json_key(i->j, "timestamp");
	rm_json_i64(i->j, (int64_t)(i->time_ns / 1000000000));
	put(i->j, "code_version", at_most(text(i->resource, "service.version"), VERSION_MAX_BYTES));
	put(i->j, "platform", RM_STR("linux"));
	put(i->j, "language", language(i));
	put_context(i);
	put_request(i);
	put_server(i);
	put_custom(i);
	put_fingerprint(i);
	put_uuid(i);
	rm_json_key(i->j, "notifier");
	rm_json_open(i->j, '{');
	put(i->j, "name", RM_STR("remora"));
	put(i->j, "version", RM_STR(REMORA_VERSION));
	rm_json_close(i->j, '}');
	rm_json_close(i->j, '}');
}

/* Where the exception is told, and when it was; else when the request ended. */
static void find_exception(struct item *i)
{
	const struct rm_log *log = i->of->log;
	const struct rm_event *event = NULL;

	if (log) {
		i->exception = &log->record;
		i->time_ns = log->time_ns ? log->time_ns : log->observed_ns;
		return;
	}
	if (exceptions(i->span) > 0 && i->style->kinds & RM_ROLLBAR_EXCEPTIONS)
		event = exception_at(i->span, i->of->which);
	i->exception = event ? &event->record : NULL;
	i->time_ns = event ? event->time_ns : i->span->end_ns;
}

void rm_rollbar_json(struct rm_json *j, const struct rm_rollbar_style *style, const struct rm_rollbar_subject *subject)
{
	struct item i = { .j = j, .style = style, .of = subject, .resource = subject->resource, .span = subject->span };
	struct rm_traceback *room = NULL;

	find_exception(&i);
	if (i.exception)
		room = malloc(sizeof(*room));
	if (room && rm_traceback_read(text(i.exception, "exception.stacktrace"), room))
		i.traceback = room;
	rm_json_open(j, '{');
	rm_json_key(j, "data");
	put_data(&i);
	rm_json_close(j, '}');
	free(room);
}
