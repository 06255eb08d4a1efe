/*
 * One read or write of a TLS library's session, between the program and the library.
 * Nothing of ours is held while the library works. Context: app.
 */
#include "hooks/session.h"

#include <errno.h>
#include <string.h>

static const void *key_of(const struct rm_session_kind *kind, void *session)
{
	return kind->key ? kind->key(session) : session;
}

static uint64_t tag_of(const struct rm_session_kind *kind, void *session)
{
	return kind->tag ? kind->tag(session) : 1;
}

/* False: nothing was entered yet. */
static bool find(const struct rm_session_kind *kind, void *session, struct rm_tls_known *ret)
{
	uint64_t tag = tag_of(kind, session);

	*ret = (struct rm_tls_known){ 0 };
	return tag && rm_tls_find(key_of(kind, session), tag, ret);
}

/*
 * Who is it that sends first, where nothing else tells? A client, in every protocol here but HTTP/2, whose
 * clients begin with a preface.
 */
static bool is_server(const struct rm_session_kind *kind, void *session, bool sent, bool is_text)
{
	int server = kind->is_server ? kind->is_server(session) : -1;

	return server >= 0 ? server : sent != is_text;
}

/* Of the session's first bytes, which were sent or received, `first` is the first one. */
static void learn(const struct rm_session_kind *kind, void *session, bool sent, uint8_t first,
		  struct rm_tls_known *ret)
{
	struct rm_tls_session details = { .fd = -1 };
	uint64_t tag = tag_of(kind, session);
	bool is_text = first >= ' ';
	char room[RM_SESSION_PROTOCOL_BYTES];

	if (!tag)
		return;
	if (!kind->describe(session, &details)) {
		rm_tls_enter_unwatched(key_of(kind, session), tag);
		return;
	}
	if (!is_text && kind->protocol)
		kind->protocol(session, &details, room);
	details.server = is_server(kind, session, sent, is_text);
	rm_tls_enter(key_of(kind, session), tag, &details, ret);
}

/* What the result of a call says of the session's end. */
static void mind(const struct rm_session_call *call, rm_tls name, bool sent, long result)
{
	int error = errno;

	if (result > 0 || !name)
		return;
	if (call->kind->is_broken(call->session, result))
		rm_tls_ended(name, sent, true);
	else if (!sent && call->kind->is_over(call->session, result))
		rm_tls_ended(name, false, false);
	errno = error;
}

/*
 * The library gave all that it was asked for, which was less than the program's room: what else it has of
 * this record, without asking the network, goes into the rest.
 */
static size_t top_up(const struct rm_session_call *call, rm_tls name, char *buf, size_t room)
{
	size_t there = call->kind->pending ? call->kind->pending(call->session) : 0;
	long more;

	if (!there || !room)
		return 0;
	more = call->read(call, buf, there < room ? there : room);
	return more > 0 ? rm_tls_received(name, buf, (size_t)more, (size_t)more, 0) : 0;
}

long rm_session_read(const struct rm_session_call *call, void *buf, size_t n)
{
	struct rm_tls_known known;
	bool found = find(call->kind, call->session, &known);
	size_t reserve = found && !known.name ? 0 : rm_tls_reserve(known.name, !found || known.server, n);
	long got = call->read(call, buf, n - reserve);
	size_t seen;

	if (got > 0 && !found)
		learn(call->kind, call->session, false, *(uint8_t *)buf, &known);
	if (got <= 0 || !known.name) {
		mind(call, known.name, false, got);
		return got > 0 && (size_t)got + reserve == n ? got + (long)top_up(call, 0, (char *)buf + got, reserve) : got;
	}
	seen = rm_tls_received(known.name, buf, n, (size_t)got, reserve);
	if (reserve && (size_t)got + reserve == n)
		seen += top_up(call, known.name, (char *)buf + seen, n - seen);
	return (long)seen;
}

long rm_session_received(const struct rm_session_kind *kind, void *session, void *p, size_t n, long result)
{
	struct rm_session_call call = { .kind = kind, .session = session };
	struct rm_tls_known known;

	if (!find(kind, session, &known) && n > 0)
		learn(kind, session, false, *(uint8_t *)p, &known);
	if (n > 0)
		rm_tls_received(known.name, p, n, n, 0);
	mind(&call, known.name, false, result);
	return result;
}

static int write_through(void *arg, const void *p, size_t n, size_t *ret_n)
{
	const struct rm_session_call *call = arg;
	long result = call->write(call, p, n);

	if (result > 0)
		*ret_n = (size_t)result;
	return result > 0 ? 1 : (int)result;
}

static bool takes_all(void *arg)
{
	const struct rm_session_call *call = arg;

	return call->kind->takes_all && call->kind->takes_all(call->session);
}

long rm_session_write(const struct rm_session_call *call, const void *p, size_t n)
{
	struct rm_tls_writer writer = { .write = write_through, .arg = (void *)call, .partial = call->kind->partial,
					.takes_all = takes_all };
	struct rm_tls_known known;
	size_t taken = 0;
	int rc;

	if (!find(call->kind, call->session, &known) && p && n)
		learn(call->kind, call->session, true, *(const uint8_t *)p, &known);
	if (!known.name)
		return call->write(call, p, n);
	writer.session = known.name;
	rc = rm_tls_write(&writer, p, n, &taken);
	mind(call, known.name, true, rc);
	return rc > 0 ? (long)taken : rc;
}

long rm_session_write_as_is(const struct rm_session_call *call, const void *p, size_t n)
{
	long result = call->write(call, p, n);
	struct rm_tls_known known;

	if (!find(call->kind, call->session, &known) && p && result > 0)
		learn(call->kind, call->session, true, *(const uint8_t *)p, &known);
	if (result > 0 && p)
		rm_tls_sent(known.name, p, (size_t)result);
	else if (result > 0)
		rm_tls_sent_unseen(known.name, (size_t)result);
	mind(call, known.name, true, result);
	return result;
}

void rm_session_peeks(const struct rm_session_kind *kind, void *session)
{
	struct rm_tls_known known;

	if (!find(kind, session, &known))
		learn(kind, session, false, ' ', &known);
	rm_tls_peeked(known.name);
}

void rm_session_unwatched(const struct rm_session_kind *kind, void *session)
{
	struct rm_tls_known known;

	if (find(kind, session, &known))
		rm_tls_leave_alone(known.name);
	else if (tag_of(kind, session))
		rm_tls_enter_unwatched(key_of(kind, session), tag_of(kind, session));
}

void rm_session_closed(const struct rm_session_kind *kind, void *session, bool sent, bool received)
{
	struct rm_tls_known known;

	if (!find(kind, session, &known))
		return;
	if (sent)
		rm_tls_ended(known.name, true, false);
	if (received)
		rm_tls_ended(known.name, false, false);
}
