/*
 * The check of the X-Ray daemon. Nobody answers its datagrams; by its other port it hands requests on to AWS, signed, so
 * that asking for the sampling rules shows whether AWS knows who it is. Context: worker.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "exporters/check/checks.h"
#include "exporters/json_find.h"
#include "exporters/resolve.h"
#include "exporters/xray_address.h"

#define SECOND_NS 1000000000ull
enum { REFUSAL_MS = 300 }; /* a host that is near says so at once */

/* Sends an empty datagram. Returns 0, or the errno of a host that has nobody for it. */
static int knock(const struct sockaddr_storage *address, socklen_t n)
{
	int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;
	socklen_t error_n = sizeof(error);
	struct pollfd p = { fd, POLLIN, 0 };

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, n) != 0 || send(fd, "", 0, 0) < 0)
		error = errno;
	else if (poll(&p, 1, REFUSAL_MS) > 0)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_n);
	if (fd >= 0)
		close(fd);
	return error;
}

/* False: there is nobody, which was said. */
static bool check_datagrams(struct rm_checkup *c, const struct rm_xray_address *a)
{
	struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + 10 * SECOND_NS };
	struct sockaddr_storage address;
	const char *error = "";
	socklen_t n = 0;

	if (rm_resolve(a->host, a->port, &io, &address, &n, &error) != RM_OK) {
		rm_checkup_say(c, RM_FINDING_NO, "the name %s does not resolve (%s); is it spelt right in AWS_XRAY_DAEMON_ADDRESS?",
			       a->host, error);
		return false;
	}
	if (knock(&address, n) != 0) {
		rm_checkup_say(c, RM_FINDING_NO, "nothing takes datagrams at %s port %u; is the X-Ray daemon running there?", a->host,
			       a->port);
		return false;
	}
	rm_checkup_say(c, RM_FINDING_YES, "nothing refuses datagrams at %s port %u; more cannot be known, for nobody answers them: the "
		       "daemon's own log says what AWS made of them", a->host, a->port);
	return true;
}

static void judge_rules(struct rm_checkup *c, const struct rm_endpoint *e, const struct rm_http_answer *a)
{
	bool is_wanted = rm_str_eq(rm_env_str(c->env, RM_ENV_TRACES_SAMPLER), RM_STR("xray"));
	enum rm_finding bad = is_wanted ? RM_FINDING_NO : RM_FINDING_NOTE;
	const char *loss = is_wanted ? "no sampling rules come from AWS" : "it is only needed for OTEL_TRACES_SAMPLER=xray";
	struct rm_str said = rm_json_plain(rm_json_find(a->body, "message"));
	int n = (int)said.n;

	if (a->status == 200 && rm_json_find(a->body, "SamplingRuleRecords").n > 0)
		rm_checkup_say(c, RM_FINDING_YES, "%s hands requests on to AWS, which knows the daemon: it gives out sampling rules",
			       e->shown);
	else if (a->status == 0)
		rm_checkup_say(c, bad, "%s: its proxy cannot be asked (%s); %s", e->shown, a->error, loss);
	else if (a->status == 401 || a->status == 403)
		rm_checkup_say(c, bad, "%s: AWS does not let the daemon ask for sampling rules (HTTP %d: %.*s): has it credentials, and the right "
			       "xray:GetSamplingRules? %s", e->shown, a->status, n, said.p, loss);
	else if (a->status >= 500)
		rm_checkup_say(c, bad, "%s: the daemon does not reach AWS (HTTP %d); %s", e->shown, a->status, loss);
	else
		rm_checkup_say(c, bad, "%s: what is there does not answer as the daemon's proxy does (HTTP %d); %s", e->shown, a->status, loss);
}

static void check_rules(struct rm_checkup *c)
{
	static const char *const headers[] = { "Content-Type: application/json" };
	const struct rm_http_request request = { .body = RM_STR("{}") };
	struct rm_http_options options = { .header = headers, .header_count = 1 };
	char url[RM_XRAY_URL_BYTES];
	struct rm_secrets secrets = { 0 };
	struct rm_endpoint endpoint = { 0 };
	struct rm_http_answer a;
	struct rm_http *http = NULL;

	rm_xray_url(rm_env_str(c->env, RM_ENV_XRAY_DAEMON_ADDRESS), url);
	if (rm_endpoint_parse(rm_str_c(url), "GetSamplingRules", &secrets, &endpoint) == RM_OK) {
		options.url = endpoint.url;
		if (rm_check_ask(c, &options, &request, &http, &a))
			judge_rules(c, &endpoint, &a);
		rm_http_free(http);
	}
	rm_endpoint_free(&endpoint);
	rm_secrets_free(&secrets);
}

void rm_check_xray(struct rm_checkup *c)
{
	struct rm_str value = rm_env_str(c->env, RM_ENV_XRAY_DAEMON_ADDRESS);
	struct rm_xray_address a;

	if (!rm_xray_address(value.n > 0 ? value : RM_STR(RM_XRAY_DAEMON), &a))
		rm_checkup_say(c, RM_FINDING_NO, "AWS_XRAY_DAEMON_ADDRESS is neither host:port nor tcp:host:port udp:host:port");
	else if (check_datagrams(c, &a))
		check_rules(c);
}
