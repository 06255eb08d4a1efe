/* Requests of checks, and why they have no answer. Context: worker. */
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "exporters/check/checks.h"

#define SECOND_NS 1000000000ull
enum { PATIENCE_S = 10, CLOCK_MAX_S = 60 };

bool rm_check_ask(struct rm_checkup *c, const struct rm_http_options *options, const struct rm_http_request *request,
		  struct rm_http **ret_http, struct rm_http_answer *ret)
{
	struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + PATIENCE_S * SECOND_NS };
	struct rm_http *http = rm_http_new(options);

	if (!http) {
		rm_checkup_say(c, RM_FINDING_NO, "no client can be made for this endpoint");
		return false;
	}
	rm_http_send(http, request, &io, ret);
	*ret_http = http;
	return true;
}

/* The host of a URL, for messages. */
static void read_host(const char *url, char ret[256])
{
	CURLU *u = curl_url();
	char *host = NULL;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK)
		curl_url_get(u, CURLUPART_HOST, &host, 0);
	rm_format(ret, 256, "%s", host ? host : "");
	curl_free(host);
	curl_url_cleanup(u);
}

static void say_unconnected(struct rm_checkup *c, const struct rm_http_backend *b, const struct rm_http_answer *a)
{
	const char *where = b->endpoint->shown;
	int error = a->error_number;

	if (b->endpoint->unix_path && (error == ENOENT || error == 0))
		rm_checkup_say(c, RM_FINDING_NO, "%s: there is no such socket; is its server running, and is this its path?",
			       where);
	else if (error == EACCES || error == EPERM)
		rm_checkup_say(c, RM_FINDING_NO, "%s: this user may not connect to it", where);
	else if (error == ENETUNREACH || error == EHOSTUNREACH)
		rm_checkup_say(c, RM_FINDING_NO, "%s: there is no route to its host from here", where);
	else if (error == ECONNREFUSED && b->is_default)
		rm_checkup_say(c, RM_FINDING_NO, "%s: nothing listens there, and no endpoint is set; set %s, or start a backend here",
			       where, b->variable);
	else if (error == ECONNREFUSED)
		rm_checkup_say(c, RM_FINDING_NO, "%s: nothing listens there (connection refused); is it running, and is this its port?",
			       where);
	else
		rm_checkup_say(c, RM_FINDING_NO, "%s: no connection: %s", where, a->error);
}

static void say_untrusted(struct rm_checkup *c, const struct rm_http_backend *b, const struct rm_http_answer *a)
{
	char date[64] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (strstr(a->error, "not yet valid") || strstr(a->error, "has expired")) {
		if (gmtime_r(&now, &tm))
			strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
		rm_checkup_say(c, RM_FINDING_NO, "%s: its certificate is not valid now: %s; here it is %s: if that is right, the "
			       "certificate has to be renewed", b->endpoint->shown, a->error, date);
	} else if (strstr(a->error, "subject name") || strstr(a->error, "certificate subject")) {
		rm_checkup_say(c, RM_FINDING_NO, "%s: its certificate is for another name: %s; name the host in %s as the certificate "
			       "does", b->endpoint->shown, a->error, b->variable);
	} else if (b->options.client_cert && *b->options.client_cert &&
		   (strstr(a->error, "client cert") || strstr(a->error, "private key") || strstr(a->error, "key file"))) {
		rm_checkup_say(c, RM_FINDING_NO, "%s: our certificate or its key cannot be used: %s (OTEL_EXPORTER_OTLP_CLIENT_"
			       "CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_KEY)", b->endpoint->shown, a->error);
	} else {
		rm_checkup_say(c, RM_FINDING_NO, "%s: its certificate is not trusted: %s; name the certificate of its authority in "
			       "OTEL_EXPORTER_OTLP_CERTIFICATE%s", b->endpoint->shown, a->error,
			       b->options.ca_file && *b->options.ca_file ? ", which names another" : "");
	}
}

/* A server that asks for a certificate says so by an alert, of which OpenSSL tells the name. */
static bool wants_certificate(const struct rm_http_answer *a)
{
	return strstr(a->error, "alert certificate required") || strstr(a->error, "alert handshake failure") ||
	       strstr(a->error, "alert bad certificate");
}

/* With TLS 1.3 we may be writing already when it looks for one: its alert is then lost with the connection. */
static bool may_want_certificate(const struct rm_http_backend *b, const struct rm_http_answer *a)
{
	return a->fault == RM_HTTP_CLOSED && strncmp(b->endpoint->url, "https:", 6) == 0 &&
	       !(b->options.client_cert && *b->options.client_cert);
}

void rm_check_say_fault(struct rm_checkup *c, const struct rm_http_backend *b, const struct rm_http_answer *a,
			const char *as)
{
	const char *where = b->endpoint->shown;
	char host[256];

	switch (a->fault) {
	case RM_HTTP_NO_NAME:
		read_host(b->endpoint->url, host);
		rm_checkup_say(c, RM_FINDING_NO, "%s: the name %s does not resolve; is it spelt right in %s? /etc/hosts and DNS were "
			       "asked, nothing else", where, host, b->variable);
		return;
	case RM_HTTP_NO_CONNECT:
		say_unconnected(c, b, a);
		return;
	case RM_HTTP_LATE:
		rm_checkup_say(c, RM_FINDING_NO, "%s: no answer within %d s; does a firewall drop the packets, is the port right?",
			       where, PATIENCE_S);
		return;
	case RM_HTTP_UNTRUSTED:
		say_untrusted(c, b, a);
		return;
	default:
		break;
	}
	if (wants_certificate(a))
		rm_checkup_say(c, RM_FINDING_NO, "%s: it wants a certificate of ours, or another one (OTEL_EXPORTER_OTLP_CLIENT_"
			       "CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_KEY): %s", where, a->error);
	else if (strstr(a->error, "wrong version number") || strstr(a->error, "packet length too long"))
		rm_checkup_say(c, RM_FINDING_NO, "%s: there is no TLS; use http:// in %s, or the port that has TLS", where, b->variable);
	else if (may_want_certificate(b, a))
		rm_checkup_say(c, RM_FINDING_NO, "%s: it closes the connection once TLS is agreed on; perhaps it wants a certificate of ours "
			       "(OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, OTEL_EXPORTER_OTLP_CLIENT_KEY): %s", where, a->error);
	else
		rm_checkup_say(c, RM_FINDING_NO, "%s: what is there does not answer as %s does: %s", where, as, a->error);
}

void rm_check_clock(struct rm_checkup *c, const struct rm_http_answer *a)
{
	struct rm_str value = rm_http_header(a, "date");
	char text[64];
	time_t theirs, off;

	if (value.n == 0 || value.n >= sizeof(text))
		return;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	theirs = curl_getdate(text, NULL);
	off = time(NULL) - theirs;
	if (theirs > 0 && (off > CLOCK_MAX_S || off < -CLOCK_MAX_S))
		rm_checkup_say(c, RM_FINDING_NOTE, "the clock of this machine is %ld s %s the backend's; spans will be at a wrong time",
			       off < 0 ? -(long)off : (long)off, off < 0 ? "behind" : "ahead of");
}
