/*
 * What OpenSSL's tables of functions lead to. A session's first bytes open it for the agent; its name is
 * kept in the session itself (ex_data), so that its end is told by the library.
 *
 * Runs in the program's calls of the library, perhaps on a fiber of it (ASYNC_JOB), which may come
 * back from a call on another thread: nothing of the agent's is held while the library works, and
 * nothing of a thread is kept. The library's error queue and errno are what its own call left.
 * Context: app.
 */
#include "hooks/openssl.h"

#include <errno.h>
#include <stdatomic.h>

#include "agent/tls.h"
#include "base/sys.h"

/* Values of OpenSSL's public headers. */
enum {
	CLASS_SSL = 0,               /* CRYPTO_EX_INDEX_SSL */
	CTRL_MODE = 33,              /* SSL_CTRL_MODE */
	MODE_PARTIAL_WRITE = 1,      /* SSL_MODE_ENABLE_PARTIAL_WRITE */
	CTRL_GET_KTLS_SEND = 73,     /* BIO_CTRL_GET_KTLS_SEND */
	ERROR_SSL = 1, ERROR_SYSCALL = 5, ERROR_ZERO_RETURN = 6,
	EARLY_DATA_ACCEPTED = 2,
	WANT_WRITING = 2,            /* SSL_WRITING */
};

/* In a session's ex_data: its name, or this mark. Numbers of connections are far smaller than EARLY. */
#define UNWATCHED ((rm_tls)-1)
#define EARLY ((rm_tls)1 << 31) /* with the name: bytes went out that the server may refuse */

typedef int (*read_fn)(void *ssl, void *buf, size_t n, size_t *ret_n);
typedef int (*write_fn)(void *ssl, const void *p, size_t n, size_t *ret_n);
typedef long (*plain_fn)(void *ssl);

struct place {
	atomic_bool taken;
	struct rm_openssl_slots real;
	struct rm_openssl_calls calls;
	_Atomic int index; /* of ex_data, 0: not asked for yet, -1: there is none */
};

static struct place places[RM_OPENSSL_MAX];

/* ---- the name of a session ---- */

/* The library frees a session, or a copy of one that was made before its handshake. */
static void on_free(void *ssl, void *data, void *all, int index, long number, void *pointer)
{
	rm_tls name = (uintptr_t)data;

	(void)ssl, (void)all, (void)index, (void)number, (void)pointer;
	if (name != UNWATCHED)
		rm_tls_close(name & ~EARLY);
}

static int index_of(struct place *p)
{
	int index = atomic_load_explicit(&p->index, memory_order_acquire), none = 0;

	if (index)
		return index;
	index = p->calls.get_ex_new_index(CLASS_SSL, 0, NULL, NULL, NULL, (void *)on_free);
	index = index > 0 ? index : -1;
	/* Of two threads one is first; the other's index stays unused. */
	return atomic_compare_exchange_strong(&p->index, &none, index) ? index : none;
}

static rm_tls name_of(struct place *p, void *ssl)
{
	int index = atomic_load_explicit(&p->index, memory_order_acquire);

	return index > 0 ? (uintptr_t)p->calls.get_ex_data(ssl, index) : 0;
}

static rm_tls set_name(struct place *p, void *ssl, rm_tls name)
{
	int index = index_of(p);

	if (index > 0 && p->calls.set_ex_data(ssl, index, (void *)(uintptr_t)name) == 1)
		return name;
	if (name != UNWATCHED)
		rm_tls_close(name & ~EARLY);
	return UNWATCHED;
}

static bool kernel_encrypts(struct place *p, void *ssl)
{
	void *bio = p->calls.has_ktls ? p->calls.get_wbio(ssl) : NULL;

	return bio && p->calls.bio_ctrl(bio, CTRL_GET_KTLS_SEND, 0, NULL) > 0;
}

static rm_tls open_session(struct place *p, void *ssl)
{
	unsigned char random[32];
	struct rm_tls_session session = { .server = p->calls.is_server(ssl), .fd = -1 };
	const unsigned char *alpn = NULL;
	unsigned alpn_bytes = 0;
	rm_tls name = 0;

	/* SSL_sendfile goes past all tables. */
	if (!kernel_encrypts(p, ssl)) {
		if (p->calls.get_client_random(ssl, random, sizeof(random)) == sizeof(random))
			session.random = random;
		if (p->calls.get_rbio(ssl))
			session.fd = p->calls.get_fd(ssl);
		p->calls.get0_alpn_selected(ssl, &alpn, &alpn_bytes);
		session.alpn = (const char *)alpn;
		session.alpn_bytes = alpn_bytes;
		name = rm_tls_open(&session);
	}
	return set_name(p, ssl, name ? name : UNWATCHED);
}

/* A session is used for another handshake, or goes. */
static void forget(struct place *p, void *ssl)
{
	rm_tls name = name_of(p, ssl);

	if (!name)
		return;
	set_name(p, ssl, 0);
	if (name != UNWATCHED)
		rm_tls_close(name & ~EARLY);
}

/*
 * Early data is over. What the server refused the program sends again: as a request of its own, so
 * that the first one's answer is not waited for. Only now the kernel may have been given the keys.
 */
static rm_tls end_early(struct place *p, void *ssl, rm_tls name)
{
	if (!p->calls.is_init_finished(ssl))
		return name;
	if (p->calls.get_early_data_status(ssl) == EARLY_DATA_ACCEPTED && !kernel_encrypts(p, ssl))
		return set_name(p, ssl, name & ~EARLY);
	rm_tls_leave_alone(name & ~EARLY);
	forget(p, ssl);
	return open_session(p, ssl);
}

/* The session's name as far as it has one; UNWATCHED also for what is left alone by now. */
static rm_tls current(struct place *p, void *ssl)
{
	rm_tls name = name_of(p, ssl);

	if (name && name != UNWATCHED && name & EARLY)
		name = end_early(p, ssl, name);
	if (!name || name == UNWATCHED)
		return name;
	name &= ~EARLY;
	return rm_tls_watched(name) ? name : UNWATCHED;
}

/* ---- bytes in ---- */

/* Why a read gave nothing: the peer has closed, or the connection is gone, or nothing is there yet. */
static void note_end(struct place *p, void *ssl, rm_tls name, int result)
{
	int saved = errno, why = p->calls.get_error(ssl, result);

	errno = saved;
	if (why == ERROR_ZERO_RETURN || why == ERROR_SYSCALL || why == ERROR_SSL)
		rm_tls_ended(name, false, why != ERROR_ZERO_RETURN && saved != 0);
}

/* The read was full to where we made it end: what the library has of this record belongs to it too. */
static size_t top_up(struct place *p, void *ssl, rm_tls name, char *buf, size_t room)
{
	size_t more = 0;

	if (!room || p->calls.pending(ssl) <= 0 || ((read_fn)p->real.read)(ssl, buf, room, &more) <= 0)
		return 0;
	return rm_tls_received(name, buf, room, more, 0);
}

static int on_read(struct place *p, void *ssl, void *buf, size_t n, size_t *ret_n)
{
	rm_tls name = current(p, ssl);
	size_t reserve, got;
	bool may_end;
	int rc;

	if (name == UNWATCHED)
		return ((read_fn)p->real.read)(ssl, buf, n, ret_n);
	/* The end of early data looks like an error. */
	may_end = name && p->calls.is_init_finished(ssl);
	reserve = rm_tls_reserve(name, p->calls.is_server(ssl), n);
	rc = ((read_fn)p->real.read)(ssl, buf, n - reserve, ret_n);
	if (rc <= 0) {
		if (may_end)
			note_end(p, ssl, name, rc);
		return rc;
	}
	got = *ret_n;
	if (!name)
		name = open_session(p, ssl);
	if (name == UNWATCHED || !got)
		name = 0;
	if (name)
		*ret_n = rm_tls_received(name, buf, n, got, reserve);
	if (reserve && got == n - reserve)
		*ret_n += top_up(p, ssl, name, (char *)buf + *ret_n, n - *ret_n);
	return rc;
}

static int on_peek(struct place *p, void *ssl, void *buf, size_t n, size_t *ret_n)
{
	rm_tls name = current(p, ssl);
	int rc = ((read_fn)p->real.peek)(ssl, buf, n, ret_n);

	if (name == UNWATCHED || rc <= 0)
		return rc;
	if (!name)
		name = open_session(p, ssl);
	if (name != UNWATCHED)
		rm_tls_peeked(name);
	return rc;
}

/* ---- bytes out ---- */

/* Early data, and what a server sends before the handshake is over: goes as it is, and is looked at then. */
static int write_before(struct place *p, void *ssl, rm_tls name, const void *data, size_t n, size_t *ret_n)
{
	int rc = ((write_fn)p->real.write)(ssl, data, n, ret_n);

	if (rc <= 0 || !*ret_n)
		return rc;
	if (!name)
		name = open_session(p, ssl);
	if (name == UNWATCHED)
		return rc;
	rm_tls_sent(name, data, *ret_n);
	if (!p->calls.is_server(ssl) && !p->calls.is_init_finished(ssl))
		set_name(p, ssl, name | EARLY);
	return rc;
}

struct writing {
	struct place *p;
	void *ssl;
};

static int write_through(void *arg, const void *data, size_t n, size_t *ret_n)
{
	struct writing *it = arg;

	return ((write_fn)it->p->real.write)(it->ssl, data, n, ret_n);
}

/* A record waits for its transport. In a handshake it is not one of these bytes. */
static bool keeps(void *arg)
{
	struct writing *it = arg;

	return it->p->calls.want(it->ssl) == WANT_WRITING && !it->p->calls.in_init(it->ssl);
}

static int on_write(struct place *p, void *ssl, const void *data, size_t n, size_t *ret_n)
{
	struct writing it = { p, ssl };
	struct rm_tls_writer w = { .write = write_through, .keeps = keeps, .arg = &it, .session = current(p, ssl) };

	if (w.session == UNWATCHED)
		return w.write(&it, data, n, ret_n);
	/* A client's write would make the handshake and go on with these very bytes: one after the other. */
	if (!w.session && p->calls.in_init(ssl) && !p->calls.is_server(ssl)) {
		int rc = p->calls.do_handshake(ssl);

		if (rc <= 0)
			return rc < 0 ? rc : -1;
	}
	if (!p->calls.is_init_finished(ssl) && (!w.session || !p->calls.in_init(ssl)))
		return write_before(p, ssl, w.session, data, n, ret_n);
	if (!w.session)
		w.session = open_session(p, ssl);
	if (w.session == UNWATCHED)
		return w.write(&it, data, n, ret_n);
	w.partial = p->calls.ctrl(ssl, CTRL_MODE, 0, NULL) & MODE_PARTIAL_WRITE;
	return rm_tls_write(&w, data, n, ret_n);
}

/* ---- the end ---- */

static int on_shutdown(struct place *p, void *ssl)
{
	rm_tls name = current(p, ssl);
	int rc = ((int (*)(void *))p->real.shutdown)(ssl);

	if (name && name != UNWATCHED && rc >= 0)
		rm_tls_ended(name, true, false);
	return rc;
}

static long on_clear(struct place *p, void *ssl)
{
	forget(p, ssl);
	return ((plain_fn)p->real.clear)(ssl);
}

static long on_release(struct place *p, void *ssl)
{
	forget(p, ssl);
	return ((plain_fn)p->real.release)(ssl);
}

/* ---- one set of functions for each copy, since a table's functions are told nothing but the session ---- */

#define PLACE(i)                                                                               \
	static int read_##i(void *s, void *b, size_t n, size_t *r) { return on_read(&places[i], s, b, n, r); } \
	static int peek_##i(void *s, void *b, size_t n, size_t *r) { return on_peek(&places[i], s, b, n, r); } \
	static int write_##i(void *s, const void *b, size_t n, size_t *r)                      \
	{                                                                                      \
		return on_write(&places[i], s, b, n, r);                                       \
	}                                                                                      \
	static int shutdown_##i(void *s) { return on_shutdown(&places[i], s); }                \
	static long clear_##i(void *s) { return on_clear(&places[i], s); }                     \
	static long release_##i(void *s) { return on_release(&places[i], s); }

#define SLOTS(i)                                                                               \
	{ .clear = (void *)clear_##i, .release = (void *)release_##i, .read = (void *)read_##i, \
	  .peek = (void *)peek_##i, .write = (void *)write_##i, .shutdown = (void *)shutdown_##i }

PLACE(0) PLACE(1) PLACE(2) PLACE(3) PLACE(4) PLACE(5) PLACE(6) PLACE(7)

static const struct rm_openssl_slots ours[RM_OPENSSL_MAX] = {
	SLOTS(0), SLOTS(1), SLOTS(2), SLOTS(3), SLOTS(4), SLOTS(5), SLOTS(6), SLOTS(7),
};

int rm_openssl_place(const void *read)
{
	for (int i = 0; i < RM_OPENSSL_MAX; i++)
		if (ours[i].read == read)
			return i;
	return -1;
}

void rm_openssl_vacate(int place)
{
	if (place >= 0)
		atomic_store(&places[place].taken, false);
}

const struct rm_openssl_slots *rm_openssl_adopt(const struct rm_openssl_slots *real,
						const struct rm_openssl_calls *calls)
{
	for (int i = 0; i < RM_OPENSSL_MAX; i++) {
		if (atomic_exchange(&places[i].taken, true))
			continue;
		/* Of one that was unloaded and loaded again nobody knows whether its indices are. */
		atomic_store(&places[i].index, 0);
		places[i].real = *real;
		places[i].calls = *calls;
		return &ours[i];
	}
	return NULL;
}
