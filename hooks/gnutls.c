/*
 * Hooks of GnuTLS. A session is known by the client random of its handshake; nothing of it is asked that
 * GnuTLS would write to a log for.
 *
 * What the library says of writing: a call takes one record at most; what it refused (AGAIN,
 * INTERRUPTED) must come again, or be resumed with NULL and 0, and then the size of the first call is
 * the answer, whatever is offered. Records may be kept together (corked): uncork tells how many bytes left,
 * in which ours do not count.
 * Context: app.
 */
#include "hooks/gnutls_api.h"
#include "hooks/imports.h"
#include "hooks/session.h"

#include <string.h>

RM_LIBRARY gnutls = { .name = "GnuTLS", .anchor = "gnutls_record_send" };

RM_USE(gnutls, gnutls_session_get_random);
RM_USE_IF_PRESENT(gnutls, gnutls_session_get_flags);
RM_USE(gnutls, gnutls_protocol_get_version);
RM_USE(gnutls, gnutls_alpn_get_selected_protocol);
RM_USE(gnutls, gnutls_record_check_pending);
RM_USE(gnutls, gnutls_error_is_fatal);
RM_USE_IF_PRESENT(gnutls, gnutls_packet_get);

/* ---- sessions ---- */

/* From the middle of the client random: some write the time into its first bytes. */
static uint64_t tag(void *session)
{
	gnutls_datum_t client = { NULL, 0 }, server = { NULL, 0 };
	uint64_t part = 0;

	real_gnutls_session_get_random(session, &client, &server);
	if (client.data && client.size == 32)
		memcpy(&part, client.data + 12, sizeof(part));
	return part;
}

/* Early data: the client's first request may have gone by before its session could be told. */
static bool describe_early(void *session, struct rm_tls_session *ret)
{
	gnutls_datum_t client = { NULL, 0 }, server = { NULL, 0 };

	if ((int)real_gnutls_protocol_get_version(session) >= RM_GNUTLS_DTLS_FIRST)
		return false;
	real_gnutls_session_get_random(session, &client, &server);
	ret->random = client.size == 32 ? client.data : NULL;
	return true;
}

static bool describe(void *session, struct rm_tls_session *ret)
{
	if (real_gnutls_session_get_flags && real_gnutls_session_get_flags(session) & RM_GNUTLS_SFLAGS_EARLY_DATA)
		return false;
	return describe_early(session, ret);
}

static void protocol(void *session, struct rm_tls_session *ret, char room[RM_SESSION_PROTOCOL_BYTES])
{
	gnutls_datum_t alpn = { NULL, 0 };

	if (real_gnutls_alpn_get_selected_protocol(session, &alpn) == 0) {
		ret->alpn = (const char *)alpn.data;
		ret->alpn_bytes = alpn.size;
	}
}

static size_t pending(void *session)
{
	return real_gnutls_record_check_pending(session);
}

static bool is_over(void *session, long result)
{
	return result == 0 || result == RM_GNUTLS_E_PREMATURE_TERMINATION;
}

static bool is_broken(void *session, long result)
{
	return result < 0 && !is_over(session, result) && real_gnutls_error_is_fatal((int)result);
}

RM_IMPORT_IF_PRESENT(gnutls, gnutls_record_check_corked);

/* Bytes in records that are kept together, ours among them. */
static size_t corked(void *session)
{
	return real_gnutls_record_check_corked ? real_gnutls_record_check_corked(session) : 0;
}

static bool is_corked(void *session)
{
	return corked(session) > 0;
}

#define COMMON                                                                                          \
	.tag = tag, .protocol = protocol, .pending = pending, .is_broken = is_broken, .is_over = is_over, \
	.partial = true, .takes_all = is_corked

static const struct rm_session_kind kind = { .describe = describe, COMMON };
static const struct rm_session_kind early_kind = { .describe = describe_early, COMMON };

/* ---- bytes in ---- */

RM_IMPORT(gnutls, gnutls_record_recv);

static long recv_plain(const struct rm_session_call *call, void *buf, size_t n)
{
	return real_gnutls_record_recv(call->session, buf, n);
}

static ssize_t hook_gnutls_record_recv(gnutls_session_t session, void *data, size_t n)
{
	struct rm_session_call call = { .kind = &kind, .session = session, .read = recv_plain };

	return rm_session_read(&call, data, n);
}

RM_IMPORT(gnutls, gnutls_record_recv_seq);

static long recv_seq(const struct rm_session_call *call, void *buf, size_t n)
{
	return real_gnutls_record_recv_seq(call->session, buf, n, (unsigned char *)call->more);
}

static ssize_t hook_gnutls_record_recv_seq(gnutls_session_t session, void *data, size_t n, unsigned char *seq)
{
	struct rm_session_call call = { .kind = &kind, .session = session, .read = recv_seq, .more = seq };

	return rm_session_read(&call, data, n);
}

/* The record itself, in memory of the library: looked at, not changed. */
RM_IMPORT_IF_PRESENT(gnutls, gnutls_record_recv_packet);
static ssize_t hook_gnutls_record_recv_packet(gnutls_session_t session, struct mbuffer_st **packet)
{
	ssize_t n = real_gnutls_record_recv_packet(session, packet);
	gnutls_datum_t data = { NULL, 0 };

	if (n > 0 && *packet && real_gnutls_packet_get)
		real_gnutls_packet_get(*packet, &data, NULL);
	return rm_session_received(&kind, session, data.data, data.size, n);
}

/* A server that takes early data reads them before its handshake is over. */
RM_IMPORT_IF_PRESENT(gnutls, gnutls_record_recv_early_data);
static ssize_t hook_gnutls_record_recv_early_data(gnutls_session_t session, void *data, size_t n)
{
	ssize_t got = real_gnutls_record_recv_early_data(session, data, n);

	return got > 0 ? rm_session_received(&early_kind, session, data, (size_t)got, got) : got;
}

/* ---- bytes out ---- */

static ssize_t write_record(const struct rm_session_call *call, const void *data, size_t n)
{
	size_t before = corked(call->session), more;
	ssize_t taken = rm_session_write(call, data, n);

	more = corked(call->session) - before;
	if (taken > 0 && more > (size_t)taken && more < SIZE_MAX / 2)
		rm_tls_held(call->session, more - (size_t)taken);
	return taken;
}

RM_IMPORT(gnutls, gnutls_record_send);

static long send_plain(const struct rm_session_call *call, const void *p, size_t n)
{
	return real_gnutls_record_send(call->session, p, n);
}

static ssize_t hook_gnutls_record_send(gnutls_session_t session, const void *data, size_t n)
{
	struct rm_session_call call = { .kind = &kind, .session = session, .write = send_plain };

	return write_record(&call, data, n);
}

RM_IMPORT_IF_PRESENT(gnutls, gnutls_record_send2);

/* Padding counts from the record's own size, so that it is the same behind more bytes. */
static long send_padded(const struct rm_session_call *call, const void *p, size_t n)
{
	return real_gnutls_record_send2(call->session, p, n, *(const size_t *)call->more, (unsigned)call->number);
}

static ssize_t hook_gnutls_record_send2(gnutls_session_t session, const void *data, size_t n, size_t pad, unsigned flags)
{
	struct rm_session_call call = { .kind = &kind, .session = session, .write = send_padded, .more = &pad,
					.number = (int)flags };

	return write_record(&call, data, n);
}

/* The program hides how long its data are: they stay as long as they are. */
RM_IMPORT_IF_PRESENT(gnutls, gnutls_record_send_range);

static long send_range(const struct rm_session_call *call, const void *p, size_t n)
{
	return real_gnutls_record_send_range(call->session, p, n, call->more);
}

static ssize_t hook_gnutls_record_send_range(gnutls_session_t session, const void *data, size_t n,
					     const gnutls_range_st *range)
{
	struct rm_session_call call = { .kind = &kind, .session = session, .write = send_range, .more = range };

	return rm_session_write_as_is(&call, data, n);
}

RM_IMPORT_IF_PRESENT(gnutls, gnutls_record_send_file);

static long send_file(const struct rm_session_call *call, const void *p, size_t n)
{
	return real_gnutls_record_send_file(call->session, call->number, (off_t *)call->more, n);
}

static ssize_t hook_gnutls_record_send_file(gnutls_session_t session, int fd, off_t *at, size_t n)
{
	struct rm_session_call call = { .kind = &kind, .session = session, .write = send_file, .more = at,
					.number = fd };

	return rm_session_write_as_is(&call, NULL, n);
}

static size_t hook_gnutls_record_check_corked(gnutls_session_t session)
{
	size_t all = real_gnutls_record_check_corked(session), ours = rm_tls_held(session, 0);

	return all > ours ? all - ours : all;
}

/*
 * It stops at an error, and goes on with the rest when called again. When records left before that, nobody can
 * know what the rest is made of: the library's count stands.
 */
RM_IMPORT_IF_PRESENT(gnutls, gnutls_record_uncork);
static int hook_gnutls_record_uncork(gnutls_session_t session, unsigned int flags)
{
	size_t ours = rm_tls_held(session, 0), before = ours ? corked(session) : 0;
	int sent = real_gnutls_record_uncork(session, flags);

	if (ours && corked(session) != before)
		rm_tls_held_sent(session);
	return sent > 0 && (size_t)sent > ours ? sent - (int)ours : sent;
}

/* ---- life of a session ---- */

/* Negotiated anew (before TLS 1.3), a session has another random number and goes on. */
RM_IMPORT(gnutls, gnutls_handshake);
static int hook_gnutls_handshake(gnutls_session_t session)
{
	uint64_t before = tag(session);
	struct rm_tls_known known;
	bool goes_on = before && rm_tls_find(session, before, &known);
	int result = real_gnutls_handshake(session);

	if (goes_on)
		rm_tls_retag(session, tag(session));
	return result;
}

RM_IMPORT(gnutls, gnutls_bye);
static int hook_gnutls_bye(gnutls_session_t session, gnutls_close_request_t how)
{
	int result = real_gnutls_bye(session, how);

	if (result == 0)
		rm_session_closed(&kind, session, true, (int)how == RM_GNUTLS_SHUT_RDWR);
	return result;
}

RM_IMPORT(gnutls, gnutls_deinit);
static void hook_gnutls_deinit(gnutls_session_t session)
{
	rm_tls_forget(session);
	real_gnutls_deinit(session);
}
