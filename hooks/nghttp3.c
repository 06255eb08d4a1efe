/*
 * Hooks of nghttp3, by which libcurl and others speak HTTP/3: one CLIENT span for each request that a client submits, and
 * our fields among its own. QUIC is another library's business, and is not looked at.
 *
 * A client's connection is made with callbacks. The library gets a copy of them, in which three are ours; each calls the
 * program's own with what it was given, and returns what that returned. Which those are is in a table, by the address of the
 * connection, until it is deleted; its place there is the number that agent/http3.c knows it by. A connection that found no place there has its own callbacks, and no spans.
 * What nghttp3 calls inside of itself goes by no slot. Servers are left alone.
 * Context: app.
 * Spec: nghttp3's programmers' guide; RFC 9114 section 8.1.
 */
#include <stdatomic.h>
#include <string.h>

#include "agent/http3.h"
#include "agent/local.h"
#include "base/probe.h"
#include "hooks/imports.h"
#include "hooks/nghttp3_api.h"

RM_LIBRARY nghttp3 = { .name = "nghttp3", .anchor = "nghttp3_conn_submit_request" };

enum { CONNS_MAX = RM_HTTP3_CONNS_MAX, ADDED_MAX = 16, NO_COPY_VALUE = 4, TAKEN = 1 };

RM_USE(nghttp3, nghttp3_rcbuf_get_buf);

/* ---- the program's own callbacks ---- */

/* As much as any release has: each reads what it knows. */
union callbacks {
	nghttp3_callbacks known;
	void *all[32];
};
_Static_assert(sizeof(union callbacks) == 32 * sizeof(void *), "room for later ones");

struct own {
	__typeof__(((nghttp3_callbacks *)0)->stream_close) stream_close;
	__typeof__(((nghttp3_callbacks *)0)->recv_header) recv_header;
	__typeof__(((nghttp3_callbacks *)0)->end_stream) end_stream;
};

static _Atomic uintptr_t conns[CONNS_MAX]; /* 0: free; TAKEN: by one that is being made */
static struct own owns[CONNS_MAX];

/* Where it stands, or CONNS_MAX. */
static uint32_t place_of(uintptr_t conn)
{
	uint32_t i = 0;

	while (i < CONNS_MAX && atomic_load_explicit(&conns[i], memory_order_acquire) != conn)
		i++;
	return i;
}

/* Of a connection that has our callbacks. */
static const struct own *own_at(uint32_t place)
{
	static const struct own none;

	return place < CONNS_MAX ? &owns[place] : &none;
}

/* A free place, or CONNS_MAX. */
static uint32_t take_place(void)
{
	for (uint32_t i = 0; i < CONNS_MAX; i++) {
		uintptr_t none = 0;

		if (atomic_compare_exchange_strong(&conns[i], &none, TAKEN))
			return i;
	}
	return CONNS_MAX;
}

static void closed(uint32_t place)
{
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	rm_http3_closed(s.thread, place);
	rm_leave(&s);
}

/* One that is new has this address: who deleted another one there was not seen. */
static void forget(uintptr_t conn)
{
	for (uint32_t i = place_of(conn); i < CONNS_MAX; i = place_of(conn)) {
		closed(i);
		atomic_store_explicit(&conns[i], 0, memory_order_release);
	}
}

/* What nghttp3 calls while it reads a response. */

static struct rm_str name_of(uint64_t code)
{
	static const char names[][26] = { "general_protocol_error", "internal_error", "stream_creation_error",
					     "closed_critical_stream", "frame_unexpected", "frame_error", "excessive_load",
					     "id_error", "settings_error", "missing_settings", "request_rejected",
					     "request_cancelled", "request_incomplete", "message_error", "connect_error",
					     "version_fallback" };
	enum { NO_ERROR = 0x100, FIRST };

	if (code == NO_ERROR)
		return (struct rm_str){ NULL, 0 };
	return code >= FIRST && code - FIRST < sizeof(names) / sizeof(names[0]) ? RM_STR_OF(names[code - FIRST])
									       : RM_STR("stream_reset");
}

static void ended(uint32_t place, int64_t stream, struct rm_str error)
{
	struct rm_scope s;

	if (place == CONNS_MAX || !rm_enter(&s))
		return;
	rm_http3_end(s.thread, place, stream, error);
	rm_leave(&s);
}

static int on_stream_close(nghttp3_conn *conn, int64_t stream, uint64_t code, void *conn_user, void *user)
{
	uint32_t place = place_of((uintptr_t)conn);
	const struct own *own = own_at(place);

	ended(place, stream, name_of(code));
	return own->stream_close ? own->stream_close(conn, stream, code, conn_user, user) : 0;
}

static int on_end_stream(nghttp3_conn *conn, int64_t stream, void *conn_user, void *user)
{
	uint32_t place = place_of((uintptr_t)conn);
	const struct own *own = own_at(place);

	ended(place, stream, (struct rm_str){ NULL, 0 });
	return own->end_stream ? own->end_stream(conn, stream, conn_user, user) : 0;
}

static int on_recv_header(nghttp3_conn *conn, int64_t stream, int32_t token, nghttp3_rcbuf *name, nghttp3_rcbuf *value,
			  uint8_t flags, void *conn_user, void *user)
{
	uint32_t place = place_of((uintptr_t)conn);
	const struct own *own = own_at(place);
	nghttp3_vec n = real_nghttp3_rcbuf_get_buf(name), v;
	struct rm_scope s;

	if (place < CONNS_MAX && n.len == 7 && memcmp(n.base, ":status", 7) == 0 && rm_enter(&s)) {
		v = real_nghttp3_rcbuf_get_buf(value);
		rm_http3_status(s.thread, place, stream, (struct rm_str){ (const char *)v.base, v.len });
		rm_leave(&s);
	}
	return own->recv_header ? own->recv_header(conn, stream, token, name, value, flags, conn_user, user) : 0;
}

/* ---- connections ---- */

/* A copy with ours in it. False: it cannot be made. */
static bool lead_here(const nghttp3_callbacks *callbacks, union callbacks *ret)
{
	struct rm_probe nothing_known = { 0 };

	if (!callbacks || !rm_readable(&nothing_known, callbacks, sizeof(*ret)))
		return false;
	memcpy(ret, callbacks, sizeof(*ret));
	ret->known.stream_close = on_stream_close;
	ret->known.recv_header = on_recv_header;
	ret->known.end_stream = on_end_stream;
	return true;
}

RM_IMPORT(nghttp3, nghttp3_conn_client_new_versioned);
static int hook_nghttp3_conn_client_new_versioned(nghttp3_conn **ret, int callbacks_version,
						  const nghttp3_callbacks *callbacks, int settings_version,
						  const nghttp3_settings *settings, const nghttp3_mem *mem, void *user)
{
	union callbacks ours;
	uint32_t place = rm_local_wanted() ? take_place() : CONNS_MAX;
	int result;

	if (place < CONNS_MAX && !lead_here(callbacks, &ours)) {
		atomic_store(&conns[place], 0);
		place = CONNS_MAX;
	}
	if (place == CONNS_MAX)
		return real_nghttp3_conn_client_new_versioned(ret, callbacks_version, callbacks, settings_version, settings,
							      mem, user);
	result = real_nghttp3_conn_client_new_versioned(ret, callbacks_version, &ours.known, settings_version, settings, mem,
							user);
	if (result == 0)
		forget((uintptr_t)*ret);
	owns[place] = (struct own){ callbacks->stream_close, callbacks->recv_header, callbacks->end_stream };
	atomic_store_explicit(&conns[place], result == 0 ? (uintptr_t)*ret : 0, memory_order_release);
	return result;
}

RM_IMPORT(nghttp3, nghttp3_conn_del);
static void hook_nghttp3_conn_del(nghttp3_conn *conn)
{
	uint32_t place = conn ? place_of((uintptr_t)conn) : CONNS_MAX;

	if (place < CONNS_MAX)
		closed(place);
	real_nghttp3_conn_del(conn);
	if (place < CONNS_MAX)
		atomic_store_explicit(&conns[place], 0, memory_order_release);
}

/* ---- requests ---- */

struct request {
	struct rm_http3_field fields[RM_HTTP3_FIELDS_MAX];
	nghttp3_nv nva[RM_HTTP3_FIELDS_MAX + ADDED_MAX];
	char lines[RM_HTTP3_LINES_BYTES];
};

static struct rm_str view(const uint8_t *p, size_t n)
{
	return (struct rm_str){ (const char *)p, n };
}

/* The fields as the program has them, and ours. Returns how many. */
static size_t compose(struct request *r, const nghttp3_nv *nva, size_t n, struct rm_str lines, bool replace)
{
	size_t count = n;

	memcpy(r->nva, nva, n * sizeof(*nva));
	while (lines.n && count < RM_HTTP3_FIELDS_MAX + ADDED_MAX) {
		const char *end = memchr(lines.p, '\r', lines.n), *colon = memchr(lines.p, ':', lines.n);
		struct rm_str name = { lines.p, (size_t)(colon - lines.p) };
		struct rm_str value = { colon + 2, (size_t)(end - colon - 2) };
		nghttp3_nv *to = &r->nva[count];

		for (size_t i = 0; i < n && replace; i++)
			if (rm_str_eq(view(nva[i].name, nva[i].namelen), name))
				to = &r->nva[i];
		if (to == &r->nva[count]) {
			*to = (nghttp3_nv){ .name = (void *)name.p, .namelen = name.n };
			count++;
		}
		to->value = (void *)value.p;
		to->valuelen = value.n;
		to->flags &= (uint8_t)~NO_COPY_VALUE;
		lines.n -= (size_t)(end + 2 - lines.p);
		lines.p = end + 2;
	}
	return count;
}

/* The memory in which the request with our fields lies; 0: it goes out as it is. */
static rm_text ours_too(uint32_t place, int64_t stream, const nghttp3_nv *nva, size_t n, size_t *ret_n)
{
	rm_text room = 0;
	struct rm_strbuf lines;
	struct request *r;
	struct rm_scope s;
	bool replace;

	if (!n || n > RM_HTTP3_FIELDS_MAX || !rm_local_wanted() || place == CONNS_MAX || !rm_enter(&s))
		return 0;
	room = rm_text_get(sizeof(*r));
	if (room) {
		r = (void *)rm_text_at(room);
		for (size_t i = 0; i < n; i++)
			r->fields[i] = (struct rm_http3_field){ view(nva[i].name, nva[i].namelen),
								view(nva[i].value, nva[i].valuelen) };
		rm_strbuf_init(&lines, r->lines, sizeof(r->lines));
		if (rm_http3_request(s.thread, place, stream, r->fields, (uint32_t)n, &lines, &replace))
			*ret_n = compose(r, nva, n, rm_strbuf_view(&lines), replace);
		else
			*ret_n = 0;
	}
	if (room && !*ret_n) {
		rm_text_put(room);
		room = 0;
	}
	rm_leave(&s);
	return room;
}

static void submitted(uint32_t place, int64_t stream, rm_text room, int result)
{
	struct rm_scope s;

	rm_text_put(room);
	if (result == 0 || !rm_enter(&s))
		return;
	rm_http3_refused(place, stream);
	rm_leave(&s);
}

RM_IMPORT(nghttp3, nghttp3_conn_submit_request);
static int hook_nghttp3_conn_submit_request(nghttp3_conn *conn, int64_t stream, const nghttp3_nv *nva, size_t n,
					    const nghttp3_data_reader *dr, void *user)
{
	size_t more = 0;
	uint32_t place = conn ? place_of((uintptr_t)conn) : CONNS_MAX;
	rm_text room = ours_too(place, stream, nva, n, &more);
	int result;

	if (!room)
		return real_nghttp3_conn_submit_request(conn, stream, nva, n, dr, user);
	result = real_nghttp3_conn_submit_request(conn, stream, ((struct request *)(void *)rm_text_at(room))->nva, more, dr,
						  user);
	submitted(place, stream, room, result);
	return result;
}
