/*
 * Hooks of NSS, whose sockets are descriptors of NSPR with a layer of TLS. All calls of them, PR_Read to
 * PR_Close and those of layers above, go through the layer's table of functions, one for all sockets:
 * its entries are exchanged. So it does not matter who calls, by which name.
 *
 * The table is no symbol. It is known by what stands in it: NSS makes it at its first socket, from NSPR's
 * default table and functions of its own. Two such tables, or none: NSS is left alone.
 *
 * What the library says of writing: it may take less than it is offered; what would block is to be offered
 * again from there on. The first call makes the handshake, where the program did not.
 * Context: app; rm_nss_scan: hook.
 */
#include "hooks/nss.h"

#include "base/log.h"
#include "base/objects.h"
#include "hooks/imports.h"
#include "hooks/nss_api.h"
#include "hooks/session.h"

RM_LIBRARY nss = { .name = "NSS", .anchor = "SSL_ImportFD" };
RM_LIBRARY nspr = { .name = "NSPR", .anchor = "PR_GetDefaultIOMethods" };

RM_USE(nss, SSL_SecurityStatus);
RM_USE(nss, SSL_OptionGet);
RM_USE(nss, SSL_DataPending);
RM_USE(nss, SSL_GetNextProto);
RM_USE(nspr, PR_GetDefaultIOMethods);
RM_USE(nspr, PR_GetError);
RM_USE(nspr, PR_FileDesc2NativeHandle);

static PRIOMethods real;
static const PRIOMethods *led; /* the table that leads here ... */
static const void *led_by;     /* ... and the SSL_ImportFD of its library */

/* ---- sessions ---- */

/* Layers that are put above this one move its descriptor, but not what it points to. */
static const void *key(void *session)
{
	return ((PRFileDesc *)session)->secret;
}

static bool option(PRFileDesc *fd, int which)
{
	int on = 0;

	return real_SSL_OptionGet(fd, which, &on) == 0 && on;
}

/*
 * A socket may carry plain bytes until a proxy has connected it: those are seen where they are sent. What is
 * written before the handshake is made in that call; unless it is early data, which may be lost.
 */
static uint64_t tag(void *session)
{
	int on = 0;

	if (real_SSL_SecurityStatus(session, &on, NULL, NULL, NULL, NULL, NULL) == 0 && on)
		return 1;
	return option(session, RM_SSL_SECURITY) && !option(session, RM_SSL_ENABLE_0RTT_DATA);
}

static bool describe(void *session, struct rm_tls_session *ret)
{
	const PRFileDesc *lowest = session;

	while (lowest->lower)
		lowest = lowest->lower;
	ret->fd = (int)real_PR_FileDesc2NativeHandle(session);
	return lowest->methods->file_type != RM_PR_DESC_SOCKET_UDP;
}

static void protocol(void *session, struct rm_tls_session *ret, char room[RM_SESSION_PROTOCOL_BYTES])
{
	unsigned bytes = 0;
	int state = 0;

	if (real_SSL_GetNextProto(session, &state, (unsigned char *)room, &bytes, RM_SESSION_PROTOCOL_BYTES) == 0 &&
	    (state == RM_SSL_NEXT_PROTO_NEGOTIATED || state == RM_SSL_NEXT_PROTO_SELECTED)) {
		ret->alpn = room;
		ret->alpn_bytes = bytes;
	}
}

static size_t pending(void *session)
{
	int n = real_SSL_DataPending(session);

	return n > 0 ? (size_t)n : 0;
}

static bool is_over(void *session, long result)
{
	return result == 0;
}

static bool is_broken(void *session, long result)
{
	int error = result < 0 ? real_PR_GetError() : 0;

	return error && error != RM_PR_WOULD_BLOCK && error != RM_PR_PENDING_INTERRUPT && error != RM_PR_IO_TIMEOUT;
}

static bool takes_all(void *session)
{
	return true;
}

static const struct rm_session_kind kind = {
	.key = key,
	.tag = tag,
	.describe = describe,
	.protocol = protocol,
	.pending = pending,
	.is_broken = is_broken,
	.is_over = is_over,
	.partial = true,
	.takes_all = takes_all,
};

/* ---- the table's functions ---- */

static long plain_read(const struct rm_session_call *call, void *buf, size_t n)
{
	return real.read(call->session, buf, (int)n);
}

static int hook_read(PRFileDesc *fd, void *buf, int n)
{
	struct rm_session_call call = { .kind = &kind, .session = fd, .read = plain_read };

	return n > 0 ? (int)rm_session_read(&call, buf, (size_t)n) : real.read(fd, buf, n);
}

static long plain_write(const struct rm_session_call *call, const void *p, size_t n)
{
	return real.write(call->session, p, (int)n);
}

static int hook_write(PRFileDesc *fd, const void *buf, int n)
{
	struct rm_session_call call = { .kind = &kind, .session = fd, .write = plain_write };

	return n > 0 ? (int)rm_session_write(&call, buf, (size_t)n) : real.write(fd, buf, n);
}

static long recv_some(const struct rm_session_call *call, void *buf, size_t n)
{
	return real.recv(call->session, buf, (int)n, call->number, (uint32_t)call->other);
}

static int hook_recv(PRFileDesc *fd, void *buf, int n, int flags, uint32_t timeout)
{
	struct rm_session_call call = { .kind = &kind, .session = fd, .read = recv_some, .number = flags,
					.other = (int)timeout };

	if (flags & RM_PR_MSG_PEEK)
		rm_session_peeks(&kind, fd);
	return n > 0 && !(flags & RM_PR_MSG_PEEK) ? (int)rm_session_read(&call, buf, (size_t)n)
						   : real.recv(fd, buf, n, flags, timeout);
}

static long send_some(const struct rm_session_call *call, const void *p, size_t n)
{
	return real.send(call->session, p, (int)n, call->number, (uint32_t)call->other);
}

static int hook_send(PRFileDesc *fd, const void *buf, int n, int flags, uint32_t timeout)
{
	struct rm_session_call call = { .kind = &kind, .session = fd, .write = send_some, .number = flags,
					.other = (int)timeout };

	return n > 0 ? (int)rm_session_write(&call, buf, (size_t)n) : real.send(fd, buf, n, flags, timeout);
}

/* Pieces that the library joins and cuts by rules of its own: left alone. */
static int hook_writev(PRFileDesc *fd, const void *iov, int count, uint32_t timeout)
{
	rm_session_unwatched(&kind, fd);
	return real.writev(fd, iov, count, timeout);
}

static int hook_shutdown(PRFileDesc *fd, int how)
{
	int result = real.shutdown(fd, how);

	if (result == 0)
		rm_session_closed(&kind, fd, how != RM_PR_SHUTDOWN_RCV,
				  how == RM_PR_SHUTDOWN_RCV || how == RM_PR_SHUTDOWN_BOTH);
	return result;
}

static int hook_close(PRFileDesc *fd)
{
	rm_tls_forget(key(fd));
	return real.close(fd);
}

/* ---- finding the table ---- */

struct search {
	const PRIOMethods *defaults;
	PRIOMethods *table;
	unsigned tables;
};

static bool is_code(const struct rm_object *o, const void *at)
{
	const ElfW(Phdr) *s = rm_object_segment(o, (uintptr_t)at, 1);

	return s && s->p_flags & PF_X;
}

static bool is_table(const struct rm_object *o, const PRIOMethods *m, const PRIOMethods *defaults)
{
	return m->file_type == RM_PR_DESC_LAYERED && m->getsocketoption == defaults->getsocketoption &&
	       m->setsocketoption == defaults->setsocketoption &&
	       m->connectcontinue == defaults->connectcontinue && is_code(o, m->close) && is_code(o, m->read) &&
	       is_code(o, m->write) && is_code(o, m->writev) && is_code(o, m->shutdown) && is_code(o, m->recv) &&
	       is_code(o, m->send);
}

static void search_segment(const struct rm_object *o, const ElfW(Phdr) *s, struct search *search)
{
	uintptr_t at = (o->base + s->p_vaddr + sizeof(void *) - 1) & ~(sizeof(void *) - 1);

	for (; at + sizeof(PRIOMethods) <= o->base + s->p_vaddr + s->p_memsz; at += sizeof(void *)) {
		if (rm_object_is_relro(o, at, sizeof(PRIOMethods)) || !is_table(o, (PRIOMethods *)at, search->defaults))
			continue;
		search->table = (PRIOMethods *)at;
		search->tables++;
	}
}

static bool search_object(const struct rm_object *o, void *arg)
{
	struct search *search = arg;

	if (rm_object_function(o, nss.anchor) != nss.instance)
		return false;
	for (unsigned i = 0; i < o->segment_count; i++)
		if (o->segments[i].p_type == PT_LOAD && o->segments[i].p_flags & PF_W)
			search_segment(o, &o->segments[i], search);
	return true;
}

#define EXCHANGE(entry) __atomic_store_n(&table->entry, hook_##entry, __ATOMIC_RELEASE)

static void lead(PRIOMethods *table)
{
	real = *table;
	rm_imports_publish();
	EXCHANGE(close);
	EXCHANGE(read);
	EXCHANGE(write);
	EXCHANGE(writev);
	EXCHANGE(shutdown);
	EXCHANGE(recv);
	EXCHANGE(send);
}

void rm_nss_scan(void)
{
	struct search search = { 0 };

	if (!nss.instance || !nspr.instance || (nss.instance == led_by && led->read == hook_read))
		return;
	search.defaults = real_PR_GetDefaultIOMethods();
	rm_objects_each(search_object, &search);
	if (search.tables != 1)
		return;
	lead(search.table);
	led = search.table;
	led_by = nss.instance;
	rm_debug(RM_LOG_INIT, "the sockets of NSS");
}
