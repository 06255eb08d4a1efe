/*
 * AWS X-Ray: a datagram for each span to the X-Ray daemon, the CloudWatch agent or a Collector, which signs
 * and forwards. Nobody answers a datagram; a batch counts as delivered when all of its datagrams were sent and
 * no refusal came back, else it is sent again: documents with ids that are known already replace the old.
 * Context: worker. Spec: AWS X-Ray developer guide, "Sending trace data", "Segment documents".
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/resolve.h"
#include "exporters/xray_address.h"
#include "exporters/xray_json.h"

#define HEADER "{\"format\": \"json\", \"version\": 1}\n"
enum { SLICE_MS = 10 };

struct xray {
	struct rm_xray_style style;
	struct rm_xray_address address;
	struct rm_json json; /* the datagram; kept for the next */
	int fd; /* connected; -1: not yet */
};

static void xray_close(void *state)
{
	struct xray *x = state;

	if (x->fd >= 0)
		close(x->fd);
	rm_json_free(&x->json);
	free(x);
}

static int xray_open(const struct rm_env *env, void **ret_state)
{
	struct xray *x = calloc(1, sizeof(*x));
	struct rm_str address = rm_env_str(env, RM_ENV_XRAY_DAEMON_ADDRESS);

	if (!x)
		return RM_E_NOMEM;
	x->fd = -1;
	rm_json_init(&x->json);
	x->style = (struct rm_xray_style){
		.name = rm_env_str(env, RM_ENV_XRAY_TRACING_NAME),
		.host_pattern = rm_env_str(env, RM_ENV_XRAY_HOST_PATTERN),
		.annotations = rm_env_str(env, RM_ENV_XRAY_ANNOTATIONS),
	};
	if (address.n > 0 && !rm_xray_address(address, &x->address)) {
		rm_warn("%s: %S is neither host:port nor tcp:host:port udp:host:port; %s is used",
			rm_env_name(RM_ENV_XRAY_DAEMON_ADDRESS), &address, RM_XRAY_DAEMON);
		address.n = 0;
	}
	if (address.n == 0)
		rm_xray_address(RM_STR(RM_XRAY_DAEMON), &x->address);
	rm_debug(RM_LOG_EXPORT, "xray: datagrams to %s port %u", x->address.host, (unsigned)x->address.port);
	*ret_state = x;
	return RM_OK;
}

/* ---- sending ---- */

static void fail(struct rm_export_result *ret, const char *what, const char *why)
{
	ret->code = RM_EXPORT_RETRY;
	rm_format(ret->message, sizeof(ret->message), "%s: %s", what, why);
}

/* strerror may change memory that the program uses. */
static const char *why(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "nobody takes datagrams at this port";
	case ENETUNREACH:
	case EHOSTUNREACH:
		return "there is no way to it";
	case EACCES:
	case EPERM:
		return "this process may not send there";
	case ETIMEDOUT:
		return "no room for datagrams in time";
	default:
		return "no datagram can be sent";
	}
}

static bool connected(struct xray *x, const struct rm_export_io *io, struct rm_export_result *ret)
{
	struct sockaddr_storage a;
	const char *error;
	socklen_t n;

	if (x->fd >= 0)
		return true;
	if (rm_resolve(x->address.host, x->address.port, io, &a, &n, &error)) {
		fail(ret, x->address.host, error);
		return false;
	}
	x->fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (x->fd >= 0 && connect(x->fd, (struct sockaddr *)&a, n) == 0)
		return true;
	fail(ret, x->address.host, why(errno));
	if (x->fd >= 0)
		close(x->fd);
	x->fd = -1;
	return false;
}

/* The socket goes, so that the name is asked for again: the daemon may have moved. */
static void disconnect(struct xray *x)
{
	close(x->fd);
	x->fd = -1;
}

/* Sends what is in x->json; 0 or an errno. */
static int send_datagram(struct xray *x, const struct rm_export_io *io)
{
	while (send(x->fd, x->json.p, x->json.n, MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			return errno;
		if (rm_clock_mono_ns() >= io->deadline_ns || (io->abort && atomic_load(io->abort)))
			return ETIMEDOUT;
		poll(&(struct pollfd){ x->fd, POLLOUT, 0 }, 1, SLICE_MS);
		if (io->idle)
			io->idle(io->idle_arg);
	}
	return 0;
}

/* A refusal of an earlier datagram, if one came back; 0 or an errno. */
static int refusal(struct xray *x)
{
	int error = 0;
	socklen_t n = sizeof(error);

	return getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error : errno;
}

/* One span. 0 or an errno; what no datagram holds is counted in ret->rejected. */
static int export_span(struct xray *x, const struct rm_record *resource, const struct rm_span *span,
		       const struct rm_export_io *io, struct rm_export_result *ret)
{
	int error;

	x->json.n = 0;
	x->json.failed = false;
	rm_json_raw(&x->json, RM_STR(HEADER));
	if (!rm_xray_json(&x->json, &x->style, resource, span)) {
		ret->rejected++;
		rm_format(ret->message, sizeof(ret->message), "%s",
			  x->json.failed ? "out of memory" : "a span over 64 kB");
		return 0;
	}
	error = send_datagram(x, io);
	if (error != EMSGSIZE)
		return error;
	ret->rejected++;
	rm_format(ret->message, sizeof(ret->message), "a span of %u bytes is too long for a datagram",
		  (unsigned)x->json.n);
	return 0;
}

static void xray_export(void *state, const struct rm_batch *batch, const struct rm_export_io *io,
			struct rm_export_result *ret)
{
	struct xray *x = state;
	int error = 0;

	*ret = (struct rm_export_result){ .code = RM_EXPORT_DONE };
	if (!connected(x, io, ret))
		return;
	for (uint32_t g = 0; g < batch->group_count && !error; g++)
		for (uint32_t i = 0; i < batch->groups[g].span_count && !error; i++)
			error = export_span(x, batch->groups[g].resource, batch->groups[g].spans[i], io, ret);
	if (!error)
		error = refusal(x);
	if (!error)
		return;
	ret->rejected = 0; /* all of it is sent again */
	fail(ret, x->address.host, why(error));
	disconnect(x);
}

const struct rm_exporter rm_exporter_xray = {
	.name = "xray",
	.help = "AWS X-Ray's segments, to its daemon (AWS_XRAY_*)",
	.open = xray_open,
	.export = xray_export,
	.close = xray_close,
};
