/*
 * Bytes that the program gives to its TLS library. What a server sends is looked at once the library
 * has it; before, only where a response may get lines of ours (agent/server_timing.h). What a client
 * sends is parsed before, since request heads get our header lines.
 *
 * The rewrite, stated once. As in agent/tx.c the program's bytes are a stream, `ahead` of which are
 * parsed and not yet taken, with edits (`pending`) at fixed places of it. A library differs from the
 * kernel: what it refused it must be offered again, the same bytes at the same address, and it
 * encrypts what it is offered in records. So the edits are not sent by themselves: the program's bytes
 * around them, a record's size at most, are copied, with the edits carried out, to one text, the
 * flight, which stands for `flight_own` bytes of the program. Hence:
 *   - a flight that was refused, or taken in part, stays where it is and is offered again, before
 *     anything else, until the library has it;
 *   - the program's bytes in it count when the library has all of it;
 *   - the program's own bytes that were refused (`raw_owed`) are offered again from its memory;
 *   - a program that does not expect a short count is told of all its bytes or of none; one that does, of no
 *     less than a record or what the library itself cut, so that it is never told of less than
 *     without us, and never of a part of a flight, behind which it might go on as it likes;
 *   - what the library took in a call that failed in the end is `taken`, and stepped over when the call comes
 *     again.
 * A library does not look at bytes again that it has encrypted: a program may come with an address that has
 * others by now, or none. The flight goes on all the same; where more depends on these bytes the session is
 * left alone then. Who comes with less breaks the rules; that goes to the library as it is, which says so.
 * What a server's call without any edit was refused goes as it is until it is through, with whatever comes
 * behind it by then.
 *
 * Runs in the program's calls. The connection is not locked while the library works; it has `tx_busy`
 * and a reference, as in tx.c.
 */
#include "agent/tls.h"

#include "agent/context.h"
#include "agent/server_timing.h"
#include "agent/tx_plan.h"

enum { RECORD_MAX_BYTES = 16384, GROWTH_MAX_BYTES = 16384 };

/* One call of the program. */
struct call {
	const struct rm_tls_writer *w;
	struct rm_conn *c;
	const char *p;
	size_t n, off; /* `off` bytes of it are with the library ... */
	size_t from;   /* ... so many since earlier calls */
	bool server;   /* it is a response, or a part of one */
	bool resumes;  /* without bytes of its own ... */
	bool addressless; /* ... and so does the library's next write */
	bool cut;      /* the library took a part of the program's bytes that it was offered */
	bool strange;  /* with other bytes than were refused */
	bool lost;     /* a request went out without our header */
};

/* ---- what the library takes ---- */

/* `n` bytes of the program are with the library. */
static void advance(struct call *call, size_t n)
{
	struct rm_conn *c = call->c;

	call->off += n;
	rm_pending_advance(c, n);
}

static void end_flight(struct rm_conn *c)
{
	rm_text_put(c->retry);
	c->retry = 0;
}

static void drop_pending(struct rm_conn *c)
{
	for (int i = 0; i < c->pending_count; i++)
		rm_text_put(c->pending[i].text);
	c->pending_count = 0;
}

/* ---- composing a flight ---- */

/* How many of the edits that wait fit into one flight; *ret_own and *ret_bytes are its size then. */
static int fit(const struct call *call, size_t *ret_own, size_t *ret_bytes)
{
	const struct rm_conn *c = call->c;
	size_t left = call->n - call->off, parsed = c->ahead < left ? c->ahead : left;
	size_t grown = 0, own = 0;
	int count = 0;

	for (; count < c->pending_count; count++) {
		const struct rm_pending *e = &c->pending[count];
		size_t more = grown + e->bytes - e->del;

		/* An insertion has bytes behind it in this very call, parsed or not. */
		if (e->at + e->del > RECORD_MAX_BYTES || more > GROWTH_MAX_BYTES || e->at + e->del > parsed ||
		    e->at == left)
			break;
		grown = more;
	}
	/* As much of what is parsed behind them as a record has room for. */
	if (count == c->pending_count)
		own = parsed;
	else if (count)
		own = c->pending[count].at < parsed ? c->pending[count].at : parsed;
	if (own > RECORD_MAX_BYTES)
		own = RECORD_MAX_BYTES;
	*ret_own = own;
	*ret_bytes = own + grown;
	return count;
}

/* Copies the program's bytes from `p` on, with `count` edits carried out. */
static void compose(struct rm_conn *c, const char *p, size_t own, int count)
{
	char *out = rm_text_at(c->retry);
	size_t at = 0;

	for (int i = 0; i < count; i++) {
		const struct rm_pending *e = &c->pending[i];

		memcpy(out, p + at, e->at - at);
		out += e->at - at;
		memcpy(out, rm_text_at(e->text), e->bytes);
		out += e->bytes;
		at = e->at + e->del;
		rm_text_put(e->text);
	}
	memcpy(out, p + at, own - at);
	c->pending_count -= (uint8_t)count;
	memmove(c->pending, c->pending + count, c->pending_count * sizeof(c->pending[0]));
}

/* Makes the next edits a flight, if they can be one here. */
static void take_off(struct call *call)
{
	struct rm_conn *c = call->c;
	size_t own, bytes;
	int count;

	if (!c->pending_count || c->retry || c->raw_owed)
		return;
	count = fit(call, &own, &bytes);
	if (!count && c->pending[0].at)
		return; /* too far away: the bytes before it go first */
	c->retry = count ? rm_text_get(bytes) : 0;
	if (!c->retry) {
		drop_pending(c);
		call->lost = true;
		return;
	}
	compose(c, call->p + call->off, own, count);
	c->retry_at = 0;
	c->retry_end = (uint32_t)bytes;
	c->flight_own = (uint32_t)own;
}

/* ---- parsing ---- */

/* Parses what lies beyond what is parsed. Lock held. */
static void parse_ahead(struct call *call, struct rm_thread *t)
{
	struct rm_conn *c = call->c;
	size_t from = call->off + c->ahead;
	struct rm_visit v;

	if (c->dead || c->pending_count || c->retry || from >= call->n)
		return;
	rm_visit_init(&v, c, t, -1);
	v.insert_room = UINT32_MAX;
	rm_stream_feed(&v, RM_DIR_REQUEST, call->p + from, call->n - from);
	rm_pending_adopt(c, &v);
	c->ahead += (uint32_t)v.base;
	if (c->dead)
		drop_pending(c);
}

/* The same in the middle of a call. What nobody can parse now is a gap. */
static void parse_rest(struct call *call)
{
	struct rm_conn *c = call->c;
	struct rm_scope s;

	if (c->dead || c->gap || c->ahead || c->pending_count || c->retry || call->off >= call->n)
		return;
	if (!rm_conn_enter(c, &s))
		return;
	if (rm_conn_lock(c)) {
		parse_ahead(call, s.thread);
		rm_conn_release(c);
	}
	rm_leave(&s);
}

/* ---- the call ---- */

/* How many bytes the program has to offer again. */
static size_t owed(const struct rm_conn *c)
{
	return c->taken + (c->retry ? c->flight_own : c->raw_owed);
}

/* What is offered again begins with the same bytes. */
static bool same_retry(const struct call *call)
{
	const struct rm_conn *c = call->c;
	size_t n = call->n - c->taken < c->ahead_known ? call->n - c->taken : c->ahead_known;
	const char *p = call->p + c->taken;

	return n == 0 || (rm_may_read(p, n) && memcmp(p, c->ahead_head, n) == 0);
}

/* Forgets all that a retry depends on: the program's bytes go out as they are. Lock held. */
static void give_up(struct call *call, struct rm_thread *t)
{
	struct rm_conn *c = call->c;
	struct rm_visit v;

	drop_pending(c);
	end_flight(c);
	c->ahead = 0;
	c->raw_owed = 0;
	c->taken = 0;
	c->ahead_known = 0;
	rm_visit_init(&v, c, t, -1);
	rm_stream_mute(&v);
}

/* Something of the flight is with the library: it goes on, whatever the program comes with. */
static bool is_under_way(const struct rm_conn *c)
{
	return c->retry && (c->kept || c->retry_at);
}

/* The program comes with other bytes: of ours only what the library has goes on, then it is left alone. */
static void end_edits(struct rm_conn *c)
{
	if (!is_under_way(c))
		end_flight(c);
	drop_pending(c);
	c->ahead = 0;
	atomic_store(&c->gap, 1);
}

/* Looks for heads that get fields in a server's bytes from `off` on. */
static bool foresee(const struct call *call, struct rm_thread *t)
{
	const struct iovec iov = { (void *)call->p, call->n };

	return rm_server_timing(call->c, t, &iov, 1, call->off);
}

/*
 * A server's call is edited when heads are in it that get fields, and as long as anything of such a call was
 * refused. Its bytes are parsed when they are with the library, as those of other calls. False: neither.
 */
static bool expect_response(const struct call *call, struct rm_thread *t)
{
	const struct rm_conn *c = call->c;

	return c->retry || c->pending_count || c->raw_owed || c->taken || foresee(call, t);
}

/* Prepares the call with the connection locked. False: the library gets it as it is. */
static bool prepare(struct call *call, struct rm_thread *t)
{
	struct rm_conn *c = call->c;

	if (c->held)
		return false;
	if (call->resumes) {
		call->n = owed(c);
		call->off = call->from = c->taken;
		call->addressless = true;
		return c->retry || c->raw_owed;
	}
	call->strange = !same_retry(call);
	if (call->n < owed(c) || call->n + c->ahead >= UINT32_MAX ||
	    (call->strange && !c->taken && !is_under_way(c))) {
		give_up(call, t);
		return false;
	}
	call->off = call->from = c->taken;
	if (call->strange && !(is_under_way(c) && call->n == owed(c)))
		end_edits(c);
	else if (call->server)
		return expect_response(call, t);
	else
		parse_ahead(call, t);
	return true;
}

/* Takes the session for this call. False: it is not ours to write. */
static bool begin(struct call *call)
{
	struct rm_conn *c = rm_tls_watched(call->w->session) ? rm_conn_peek_name(call->w->session) : NULL;
	struct rm_scope s;
	bool ok = false;

	if (!c || !rm_conn_enter(c, &s))
		return false;
	c = rm_conn_take_name(call->w->session);
	if (c && rm_conn_busy(c)) {
		atomic_store(&c->gap, 1); /* two threads write at once: nobody knows the order */
	} else if (c) {
		call->c = c;
		ok = prepare(call, s.thread);
		if (ok) {
			rm_conn_hold(c);
			atomic_store(&c->tx_busy, rm_epoch() + 1);
		}
	}
	if (c)
		rm_conn_release(c);
	rm_leave(&s);
	return ok;
}

/* The program's own bytes that may go next: up to the first edit, or as far as they are parsed. */
static size_t raw_bytes(const struct call *call)
{
	const struct rm_conn *c = call->c;
	size_t left = call->n - call->off;
	size_t n = c->pending_count ? c->pending[0].at : c->ahead;

	return c->dead || c->gap || n > left || n == 0 ? left : n;
}

static int write_flight(struct call *call)
{
	struct rm_conn *c = call->c;
	size_t left = c->retry_end - c->retry_at, took = 0;
	const char *p = rm_text_at(c->retry) + c->retry_at;
	int rc = call->w->write(call->w->arg, call->addressless ? NULL : p, call->addressless ? 0 : left, &took);

	if (rc <= 0) {
		c->kept = !call->w->keeps || call->w->keeps(call->w->arg);
		return rc;
	}
	call->addressless = false;
	c->retry_at += (uint32_t)took;
	if (c->retry_at == c->retry_end) {
		end_flight(c);
		advance(call, c->flight_own);
	}
	return rc;
}

static int write_raw(struct call *call)
{
	struct rm_conn *c = call->c;
	size_t n = raw_bytes(call), took = 0;
	const char *p = call->addressless ? NULL : call->p + call->off;
	int rc = call->w->write(call->w->arg, p, call->addressless ? 0 : n, &took);

	c->raw_owed = rc <= 0 ? (uint32_t)n : 0;
	if (rc <= 0)
		return rc;
	call->cut = took < n;
	advance(call, took);
	return rc;
}

/* What a retry will begin with. */
static void remember(struct call *call, bool refused)
{
	struct rm_conn *c = call->c;
	size_t left = call->n - call->off;

	if ((call->resumes || call->strange) && refused)
		return; /* as before */
	c->ahead_known = 0;
	if (call->resumes || call->strange || (!refused && !c->ahead))
		return;
	c->ahead_known = (uint8_t)(left < sizeof(c->ahead_head) ? left : sizeof(c->ahead_head));
	memcpy(c->ahead_head, call->p + call->off, c->ahead_known);
}

/* The call is over: lets go of the session. */
static void finish(struct call *call, bool refused)
{
	struct rm_conn *c = call->c;
	struct rm_scope s;

	c->taken = refused ? (uint32_t)call->off : 0;
	if (call->server && !refused)
		c->ahead = (uint32_t)owed(c); /* what comes behind it is looked at anew */
	remember(call, refused);
	atomic_store(&c->tx_busy, 0);
	if (!rm_enter(&s))
		return; /* the process is at its end */
	if (call->lost)
		rm_lost(s.thread, RM_LOST_INJECT);
	rm_conn_drop(c);
	rm_leave(&s);
}

/* What a server's call without an address, or with other bytes, went on with is not there to be looked at. */
static void note_sent(const struct call *call, size_t n)
{
	if (call->p && !call->strange)
		rm_tls_sent(call->w->session, call->p + call->from, n);
	else
		rm_tls_sent_unseen(call->w->session, n);
}

/* What a server's call has behind the edits that are done, which was not looked at yet. */
static void look_on(struct call *call)
{
	struct rm_conn *c = call->c;
	struct rm_scope s;

	if (call->strange || call->resumes || c->ahead || c->pending_count || c->retry || call->off >= call->n)
		return;
	note_sent(call, call->off - call->from);
	call->from = call->off;
	if (!rm_conn_enter(c, &s))
		return;
	if (rm_conn_lock(c)) {
		foresee(call, s.thread);
		rm_conn_release(c);
	}
	rm_leave(&s);
}

/* May the program be told of what the library took since `start`? */
static bool is_enough(const struct call *call, size_t start)
{
	const struct rm_tls_writer *w = call->w;

	if (call->off >= call->n || call->resumes)
		return !call->c->retry;
	if (!w->partial)
		return false;
	return call->cut || (call->off - start >= RECORD_MAX_BYTES && !(w->takes_all && w->takes_all(w->arg)));
}

static int write_edited(struct call *call, size_t *ret_n)
{
	struct rm_conn *c = call->c;
	size_t start = call->off;
	int rc;

	do {
		take_off(call);
		rc = c->retry ? write_flight(call) : write_raw(call);
		if (rc <= 0 || is_enough(call, start))
			break;
		if (call->server)
			look_on(call);
		else
			parse_rest(call);
	} while (true);
	if (rc > 0)
		*ret_n = call->off;
	/* A program that was told of a part may go on as it likes: nothing is put into bytes unseen. */
	if (rc > 0 && c->pending_count) {
		drop_pending(c);
		call->lost = true;
	}
	call->lost = call->lost && !call->server;
	finish(call, rc <= 0);
	if (call->server)
		note_sent(call, call->off - call->from);
	return rc;
}

static RM_GLANCE bool is_held(rm_tls session)
{
	const volatile struct rm_conn *c = rm_conn_peek_name(session);

	return c && c->held;
}

/* A server's call that went as it was: has the library a part of it that the program does not know of? */
static void set_held(const struct rm_tls_writer *w, int rc)
{
	bool held = rc <= 0 && (!w->keeps || w->keeps(w->arg));
	struct rm_conn *c = rm_conn_peek_name(w->session);
	struct rm_scope s;

	if (!c || held == is_held(w->session) || !rm_conn_enter(c, &s))
		return;
	c = rm_conn_take_name(w->session);
	if (c) {
		c->held = held;
		rm_conn_release(c);
	}
	rm_leave(&s);
}

static RM_GLANCE bool is_server(rm_tls session)
{
	const volatile struct rm_conn *c = rm_conn_peek_name(session);

	return c && c->role == RM_ROLE_SERVER;
}

bool rm_tls_edits_responses(void)
{
	return rm_context_config()->server_timing;
}

int rm_tls_write(const struct rm_tls_writer *w, const void *p, size_t n, size_t *ret_n)
{
	struct call call = { .w = w, .p = p, .n = n, .resumes = !p && !n };
	int rc;

	if (!rm_tls_watched(w->session))
		return w->write(w->arg, p, n, ret_n);
	call.server = is_server(w->session);
	if ((!call.server || rm_context_config()->answers) && (n || call.resumes) && begin(&call))
		return write_edited(&call, ret_n);
	rc = w->write(w->arg, p, n, ret_n);
	if (call.server && rm_context_config()->answers)
		set_held(w, rc);
	if (rc > 0 && (call.server || call.resumes))
		note_sent(&call, *ret_n);
	return rc;
}
