/*
 * The native methods of RemoraTls.java: what connections of the JVM's own TLS carry, copied from arrays of the JVM for the
 * agent, and back where it changed something. No array is held meanwhile: a collection may come at any time.
 *
 * What is sent is composed before JSSE has it (rm_tls_write with a library that takes all): on a socket it takes all or
 * the connection breaks, and for an engine RemoraTls.java keeps what did not fit into a record.
 * Context: app, on threads of the JVM, called by its code. Must leave no exception behind.
 */
#include <string.h>

#include "adapters/java/objects.h"
#include "agent/tls.h"
#include "base/memory.h"

enum {
	PIECE_MAX = 16384,  /* RemoraTls.java knows it; a record */
	GROWTH_USUAL = 2048, /* of a piece */
	GROWTH_MAX = 1 << 20,
	PROTOCOL_MAX = 255,
	LEFT_ALONE = -1,
};

static int64_t open_session(rm_jenv e, rm_jref class, uint8_t server, rm_jref random, rm_jref protocol)
{
	uint8_t bytes[32];
	char name[PROTOCOL_MAX];
	struct rm_tls_session session = { .server = server, .random = bytes, .fd = -1, .alpn = name };
	int32_t n = protocol ? rm_jni_array_length(e, protocol) : 0;

	if (!random || rm_jni_array_length(e, random) != sizeof(bytes) || n > PROTOCOL_MAX)
		return 0;
	rm_jni_get_bytes(e, random, 0, sizeof(bytes), bytes);
	if (n)
		rm_jni_get_bytes(e, protocol, 0, n, name);
	session.alpn_bytes = (size_t)n;
	return rm_java_failed(e) ? 0 : (int64_t)rm_tls_open(&session);
}

static uint8_t edits(rm_jenv e, rm_jref class, uint8_t server)
{
	return !server || rm_tls_edits_responses();
}

static void leave_session(rm_jenv e, rm_jref class, int64_t name)
{
	rm_tls_leave_alone((rm_tls)name);
}

static void end_session(rm_jenv e, rm_jref class, int64_t name, uint8_t sent, uint8_t broken)
{
	rm_tls_ended((rm_tls)name, sent, broken);
}

static void close_session(rm_jenv e, rm_jref class, int64_t name)
{
	rm_tls_close((rm_tls)name);
}

/* ---- bytes in ---- */

/* More than a record is, which only some peers of old send: looked at, not changed. */
static int32_t received_long(rm_jenv e, rm_tls name, rm_jref bytes, int32_t at, int32_t n)
{
	char piece[PIECE_MAX];

	for (int32_t done = 0, part; done < n; done += part) {
		part = n - done < PIECE_MAX ? n - done : PIECE_MAX;
		rm_jni_get_bytes(e, bytes, at + done, part, piece);
		if (rm_java_failed(e))
			return LEFT_ALONE;
		rm_tls_received(name, piece, (size_t)part, (size_t)part, 0);
	}
	return n * 2;
}

static int32_t received(rm_jenv e, rm_jref class, int64_t session, rm_jref bytes, int32_t at, int32_t n, int32_t room)
{
	char buf[PIECE_MAX + GROWTH_USUAL];
	rm_tls name = (rm_tls)session;
	size_t reserve, all;

	if (!rm_tls_watched(name))
		return LEFT_ALONE;
	if (n > PIECE_MAX)
		return received_long(e, name, bytes, at, n);
	rm_jni_get_bytes(e, bytes, at, n, buf);
	if (rm_java_failed(e))
		return LEFT_ALONE;
	reserve = room > 0 ? rm_tls_reserve_late(name) : 0;
	if (!reserve) {
		rm_tls_received(name, buf, (size_t)n, (size_t)n, 0);
		return n * 2;
	}
	room = room < GROWTH_USUAL ? room : GROWTH_USUAL;
	all = rm_tls_received(name, buf, (size_t)(n + room), (size_t)n, reserve);
	rm_jni_set_bytes(e, bytes, at, (int32_t)all, buf);
	return rm_java_failed(e) ? LEFT_ALONE : (int32_t)all * 2 + 1;
}

/* ---- bytes out ---- */

static int32_t sent(rm_jenv e, rm_jref class, int64_t session, rm_jref bytes, int32_t at, int32_t n)
{
	char piece[PIECE_MAX];
	rm_tls name = (rm_tls)session;

	for (int32_t done = 0, part; done < n; done += part) {
		if (!rm_tls_watched(name))
			return LEFT_ALONE;
		part = n - done < PIECE_MAX ? n - done : PIECE_MAX;
		rm_jni_get_bytes(e, bytes, at + done, part, piece);
		if (rm_java_failed(e))
			return LEFT_ALONE;
		rm_tls_sent(name, piece, (size_t)part);
	}
	return 0;
}

/* What takes the place of the bytes [p, p + n): themselves, as long as all that came was `same` of them. */
struct outgoing {
	const char *p;
	size_t n, same;
	char *made; /* NULL: nothing else yet */
	size_t used, room;
	char usual[PIECE_MAX + GROWTH_USUAL];
};

/* Room for more. What does not fit is gone: the whole piece goes as it was then. */
static bool grow(struct outgoing *out, size_t wanted)
{
	size_t room = out->room * 2 > wanted ? out->room * 2 : wanted;
	char *more = room <= GROWTH_MAX ? rm_memory_get(room) : NULL;

	if (!more)
		return false;
	memcpy(more, out->made, out->used);
	if (out->made != out->usual)
		rm_memory_put(out->made, out->room);
	out->made = more;
	out->room = room;
	return true;
}

static int take(void *arg, const void *p, size_t n, size_t *ret_n)
{
	struct outgoing *out = arg;

	*ret_n = n;
	if (!out->made && p == out->p + out->same) {
		out->same += n;
		return 1;
	}
	if (!out->made) {
		out->made = out->usual;
		out->room = sizeof(out->usual);
		out->used = out->same;
		memcpy(out->made, out->p, out->same);
	}
	if (out->used + n > out->room && !grow(out, out->used + n))
		return -1;
	memcpy(out->made + out->used, p, n);
	out->used += n;
	return 1;
}

static bool lets_go(void *arg)
{
	return false;
}

static rm_jref compose(rm_jenv e, rm_jref class, int64_t session, rm_jref bytes, int32_t at, int32_t n)
{
	char own[PIECE_MAX];
	struct outgoing out;
	struct rm_tls_writer w = { .session = (rm_tls)session, .write = take, .arg = &out, .keeps = lets_go };
	rm_jref ret = NULL;
	size_t taken = 0;
	bool ok;

	if (n <= 0 || n > PIECE_MAX || !rm_tls_watched(w.session))
		return NULL;
	rm_jni_get_bytes(e, bytes, at, n, own);
	out.p = own;
	out.n = (size_t)n;
	out.same = out.used = out.room = 0;
	out.made = NULL;
	ok = !rm_java_failed(e) && rm_tls_write(&w, own, (size_t)n, &taken) > 0 && taken == (size_t)n;
	if (ok && out.made) {
		ret = rm_jni_new_bytes(e, out.made, (int32_t)out.used);
		ok = !rm_java_failed(e) && ret;
	}
	if (out.made && out.made != out.usual)
		rm_memory_put(out.made, out.room);
	if (ok)
		return ret;
	rm_tls_leave_alone(w.session);
	return NULL;
}

bool rm_java_register_tls(rm_jenv e, rm_jref helper)
{
	return rm_java_give(e, helper, "open", "(Z[B[B)J", (void *)open_session) &&
	       rm_java_give(e, helper, "edits", "(Z)Z", (void *)edits) &&
	       rm_java_give(e, helper, "received", "(J[BIII)I", (void *)received) &&
	       rm_java_give(e, helper, "sent", "(J[BII)I", (void *)sent) &&
	       rm_java_give(e, helper, "compose", "(J[BII)[B", (void *)compose) &&
	       rm_java_give(e, helper, "ended", "(JZZ)V", (void *)end_session) &&
	       rm_java_give(e, helper, "leave", "(J)V", (void *)leave_session) &&
	       rm_java_give(e, helper, "close", "(J)V", (void *)close_session);
}
