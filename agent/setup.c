/*
 * See setup.h. Times are of the monotonic clock, 0 where something was not seen: then nothing is told that would need it.
 *
 * A connection that was there before a request began is not what that one waited for: nothing is told of it. Where the
 * parent is in another process, or there is none, nobody knows, and what happened is told with its own times.
 */
#include "agent/setup.h"

#include "agent/context.h"
#include "agent/events.h"
#include "agent/identity.h"
#include "agent/semconv.h"
#include "base/clock.h"
#include "base/sys.h"

enum { EVENT_BYTES = 200, SPAN_BYTES = 500, NAME_BYTES = 112 };

/* One of the two, as it is told. */
struct step {
	struct rm_str event, span; /* its name as an event, and the words before the peer's address as a span */
	uint64_t from_ns, to_ns;
	struct rm_str version;     /* of TLS */
};

bool rm_setup_wanted(void)
{
	const struct rm_config *config = rm_context_config();

	return config && config->setup != RM_SETUP_NONE;
}

uint64_t rm_fd_connect_begins(void)
{
	return rm_active() && rm_setup_wanted() ? rm_clock_mono_ns() : 0;
}

/* A hint, without the lock: is it being connected, as far as the program was told? */
RM_GLANCE static bool is_connecting(int fd)
{
	const struct rm_conn *c = rm_conn_peek(fd);

	return c && c->setup.connect_ns && !c->setup.connected_ns;
}

/* SO_ERROR says nothing went wrong while it goes on, too: only a connection has a peer. */
void rm_fd_connected(struct rm_scope *s, int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	struct rm_conn *c;

	if (!is_connecting(fd) || rm_sys3(__NR_getpeername, fd, &peer, &len) < 0)
		return;
	c = rm_conn_take(fd);
	if (!c)
		return;
	if (c->setup.connect_ns && !c->setup.connected_ns)
		c->setup.connected_ns = rm_clock_mono_ns();
	rm_conn_release(c);
}

static void describe(struct rm_builder *b, const struct rm_peer *peer, const struct step *step)
{
	if (step->version.n) {
		rm_builder_str(b, RM_KEY_TLS_PROTOCOL_NAME, RM_STR("tls"));
		rm_builder_str(b, RM_KEY_TLS_PROTOCOL_VERSION, step->version);
	} else {
		rm_builder_str(b, RM_KEY_NETWORK_TRANSPORT, RM_STR("tcp"));
	}
	rm_semconv_peer(b, peer);
}

static void tell_event(const struct rm_peer *peer, struct rm_thread *t, uint32_t x, const struct step *step)
{
	struct rm_event_draft d;

	if (!rm_event_begin(&d, EVENT_BYTES, step->event, rm_clock_wall_at(&t->wall, step->to_ns)))
		return;
	rm_builder_f64(&d.builder, RM_KEY_REMORA_DURATION, (double)(step->to_ns - step->from_ns) / 1e9);
	describe(&d.builder, peer, step);
	rm_event_give(&d, rm_exchange_ctx(x));
}

static struct rm_str name_of(const struct rm_peer *peer, const struct step *step, char room[NAME_BYTES])
{
	struct rm_strbuf name;

	rm_strbuf_init(&name, room, NAME_BYTES);
	rm_strbuf_str(&name, step->span);
	rm_strbuf_put(&name, peer->text, peer->bytes);
	if (peer->port && !step->version.n) {
		rm_strbuf_char(&name, ':');
		rm_strbuf_u64(&name, peer->port);
	}
	return rm_strbuf_view(&name);
}

static void tell_span(const struct rm_peer *peer, struct rm_thread *t, uint32_t parent, const struct step *step)
{
	uint32_t x = rm_exchange_begin(RM_KIND_INTERNAL, step->from_ns, t);
	struct rm_exchange *e;
	char room[NAME_BYTES];

	if (!x)
		return;
	e = rm_exchange_at(x);
	e->parent = rm_exchange_at(parent)->ctx;
	rm_identity_fix(t, x, e, NULL);
	if (!(e->ctx.flags & RM_FLAG_SAMPLED) || !rm_semconv_start(e, rm_context_config(), SPAN_BYTES, name_of(peer, step, room))) {
		rm_exchange_drop(x);
		return;
	}
	describe(&e->builder, peer, step);
	rm_exchange_end(x, step->to_ns, t);
}

static void tell(const struct rm_peer *peer, struct rm_thread *t, uint32_t x, const struct step *step)
{
	if (!step->from_ns || step->to_ns < step->from_ns)
		return;
	if (rm_context_config()->setup == RM_SETUP_SPANS)
		tell_span(peer, t, x, step);
	else
		tell_event(peer, t, x, step);
}

/* False: the connection is older than what its request is for. */
static bool is_for(const struct rm_exchange *e, uint64_t begun_ns)
{
	uint32_t server = e->parent.valid ? rm_exchange_by_id(&e->parent) : 0;

	return !server || rm_exchange_at(server)->start_ns <= begun_ns;
}

static struct rm_str version_of(uint8_t minor)
{
	static const char names[] = "1.0" "1.1" "1.2" "1.3";

	return minor >= 1 && minor <= 4 ? (struct rm_str){ names + 3 * (minor - 1), 3 } : RM_STR("");
}

void rm_setup_tell_seen(struct rm_conn *c, struct rm_thread *t, uint32_t x)
{
	const struct rm_setup s = c->setup;
	const struct rm_exchange *e = rm_exchange_at(x);
	const struct step connect = { RM_STR("network.connect"), RM_STR("socket connect "), s.connect_ns, s.connected_ns, { 0 } };
	const struct step secure = { RM_STR("tls.handshake"), RM_STR("TLS client handshake "), s.hello_ns, s.secured_ns,
				     version_of(s.tls_minor) };

	c->setup = (struct rm_setup){ 0 };
	if (!e->record || !is_for(e, s.connect_ns ? s.connect_ns : s.hello_ns))
		return;
	if (s.connected_ns && !c->peer.path)
		tell(&c->peer, t, x, &connect);
	if (s.secured_ns && secure.version.n)
		tell(&c->peer, t, x, &secure);
}
