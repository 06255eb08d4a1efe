/*
 * libcurl, set up for life in somebody else's process: no signals, no proxy, no environment, no
 * cookies, no redirects, no TLS until https asks for it, and then without atexit handler or
 * configuration file. A transfer runs on a multi handle in slices of 10 ms, between which the
 * driver's idle callback runs and its abort is looked at; names are resolved by c-ares, so that
 * this holds for DNS too and no NSS module is loaded into the application. What is resolved is
 * remembered for a minute, connections for as long as the server keeps them.
 *
 * One thread uses this in a process. If the application forks while that thread is inside OpenSSL,
 * locks of OpenSSL stay locked for ever in the child: `in_tls` is seen there, and TLS refused.
 * Spec: docs/SAFETY.md; RFC 9110 (Retry-After), OTLP/HTTP. Context: worker.
 */
#include "exporters/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sys.h"

enum { SLICE_MS = 10, TLS_ROOM_BYTES = 8 << 20, FIRST_ANSWER_BYTES = 4096, RETRY_AFTER_MAX_S = 24 * 60 * 60 };
#define MS_NS 1000000ull

struct rm_http {
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers, *resolved;
	bool is_tls, is_http2;
	char *answer;
	size_t answer_n, answer_cap;
	char *head; /* lines of the answer's head and trailers, each with its end */
	size_t head_n;
	char error[CURL_ERROR_SIZE];
};

static atomic_int in_tls; /* transfers: one may be made while another one waits */

/*
 * libcurl's own start-up of TLS, in whose place the linker puts this (--wrap): it would initialise
 * OpenSSL for plain http as well (1.5 ms and 2 MB in each process) and open $SSLKEYLOGFILE. OpenSSL
 * needs no such call, it starts on first use, with what init_tls() has chosen.
 */
int __wrap_Curl_ssl_init(void);
int __wrap_Curl_ssl_init(void)
{
	return 1;
}

static bool init_tls(void)
{
	static bool started;
	SSL_CTX *first;
	void *room;

	if (atomic_load(&in_tls)) {
		rm_debug(RM_LOG_EXPORT,
			 "no TLS in this process: it was forked in the middle of it");
		return false;
	}
	if (started)
		return true;
	/*
	 * Where OpenSSL finds no memory for a lock while it starts, it goes on without and crashes at the lock's first use. So it
	 * starts here as a whole, its algorithms included, and only where there is more than that takes; later it says what failed.
	 */
	room = rm_sys_map(TLS_ROOM_BYTES);
	if (!room) {
		rm_debug(RM_LOG_EXPORT, "no TLS: too little memory is left for it");
		return false;
	}
	rm_sys2(__NR_munmap, room, TLS_ROOM_BYTES);
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return false;
	first = SSL_CTX_new(TLS_client_method());
	SSL_CTX_free(first);
	started = first;
	return started;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct rm_http *h = arg;

	n *= size;
	if (n > RM_HTTP_ANSWER_MAX_BYTES - h->answer_n)
		return 0;
	if (n > h->answer_cap - h->answer_n) {
		size_t cap = 2 * (h->answer_n + n) + FIRST_ANSWER_BYTES;
		char *grown = realloc(h->answer, cap);

		if (!grown)
			return 0;
		h->answer = grown;
		h->answer_cap = cap;
	}
	memcpy(h->answer + h->answer_n, p, n);
	h->answer_n += n;
	return n;
}

/* Lines of the head, each with its end, then those of trailers. One that finds no room is left out. */
static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct rm_http *h = arg;

	n *= size;
	if (n > 5 && memcmp(p, "HTTP/", 5) == 0)
		h->head_n = 0; /* another head follows 1xx */
	if (!h->head)
		h->head = malloc(RM_HTTP_HEADERS_MAX_BYTES);
	if (h->head && n <= RM_HTTP_HEADERS_MAX_BYTES - h->head_n) {
		memcpy(h->head + h->head_n, p, n);
		h->head_n += n;
	}
	return n;
}

struct rm_str rm_http_header(const struct rm_http_answer *a, const char *name)
{
	struct rm_str rest = a->head, found = { NULL, 0 };

	while (rest.n > 0) {
		struct rm_str value = rm_str_cut(&rest, '\n'), key = rm_str_cut(&value, ':');

		if (rm_str_ieq(key, rm_str_c(name)))
			found = rm_str_trim(rm_str_cut(&value, '\r'));
	}
	return found;
}

/* Where distributions keep the certificates they trust: a folder is read only as far as needed. */
static void trust_system(CURL *c)
{
	static const char *const bundles[] = {
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
		"/etc/ssl/cert.pem",
	};

	if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) == 0) {
		curl_easy_setopt(c, CURLOPT_CAPATH, "/etc/ssl/certs");
		return;
	}
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (access(bundles[i], R_OK) == 0) {
			curl_easy_setopt(c, CURLOPT_CAINFO, bundles[i]);
			return;
		}
}

static bool is_given(const char *s)
{
	return s && *s;
}

static void set_tls(CURL *c, const struct rm_http_options *o)
{
	if (is_given(o->ca_file))
		curl_easy_setopt(c, CURLOPT_CAINFO, o->ca_file);
	else
		trust_system(c);
	if (is_given(o->client_cert) && is_given(o->client_key)) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, o->client_cert);
		curl_easy_setopt(c, CURLOPT_SSLKEY, o->client_key);
	}
}

static long http_version(const struct rm_http_options *o, bool is_tls)
{
	if (!o->is_http2)
		return CURL_HTTP_VERSION_1_1;
	return is_tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
}

static bool set_options(struct rm_http *h, const struct rm_http_options *o)
{
	CURL *c = h->easy;

	if (curl_easy_setopt(c, CURLOPT_URL, o->url) != CURLE_OK)
		return false;
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, http_version(o, h->is_tls));
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_RESOLVE, h->resolved);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->error);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, h);
	if (is_given(o->unix_path))
		curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, o->unix_path);
	if (h->is_tls)
		set_tls(c, o);
	return true;
}

static bool add(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer != NULL;
}

/* Many containers have no IPv6: to try it there hides why IPv4 failed. Nothing is sent. */
static bool has_ipv6_loopback(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons(9) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

/* localhost is not looked up: a resolver may know it otherwise or not at all (RFC 6761). */
static bool pin_localhost(struct rm_http *h, const char *host, const char *port)
{
	char line[64];

	if (strcasecmp(host, "localhost") != 0)
		return true;
	rm_format(line, sizeof(line), "localhost:%s:127.0.0.1%s", port, has_ipv6_loopback() ? ",[::1]" : "");
	return add(&h->resolved, line);
}

/* Looks at the URL: is it https, is it localhost. False if it is no URL of ours. */
static bool read_url(struct rm_http *h, const char *url)
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	CURLU *u = curl_url();
	bool good = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;

	if (good) {
		h->is_tls = strcmp(scheme, "https") == 0;
		good = (h->is_tls || strcmp(scheme, "http") == 0) && pin_localhost(h, host, port);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return good;
}

struct rm_http *rm_http_new(const struct rm_http_options *o)
{
	struct rm_http *h = calloc(1, sizeof(*h));
	bool good;

	if (!h)
		return NULL;
	h->is_http2 = o->is_http2;
	/* Counted by libcurl; never undone, as other clients may be in use. */
	good = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && read_url(h, o->url) &&
	       (!h->is_tls || init_tls());
	/* Curl would add this one to large bodies, and wait a second for the answer to it. */
	good = good && add(&h->headers, "Expect:");
	for (uint32_t i = 0; good && i < o->header_count; i++)
		good = add(&h->headers, o->header[i]);
	if (good) {
		h->multi = curl_multi_init();
		h->easy = curl_easy_init();
		good = h->multi && h->easy && set_options(h, o);
	}
	if (good)
		return h;
	rm_http_free(h);
	return NULL;
}

void rm_http_free(struct rm_http *h)
{
	if (!h)
		return;
	atomic_fetch_add(&in_tls, h->is_tls);
	curl_easy_cleanup(h->easy);
	if (h->multi)
		curl_multi_cleanup(h->multi);
	atomic_fetch_sub(&in_tls, h->is_tls);
	curl_slist_free_all(h->headers);
	curl_slist_free_all(h->resolved);
	free(h->answer);
	free(h->head);
	free(h);
}

/* Drives the transfer to its end; CURLE_ABORTED_BY_CALLBACK means the driver's abort. */
static CURLcode drive(struct rm_http *h, const struct rm_export_io *io)
{
	for (;;) {
		uint64_t now = rm_clock_mono_ns();
		int running = 0, left;
		CURLMsg *message;

		if (curl_multi_perform(h->multi, &running) != CURLM_OK)
			return CURLE_FAILED_INIT;
		message = curl_multi_info_read(h->multi, &left);
		if (message)
			return message->data.result;
		if (io->abort && atomic_load(io->abort))
			return CURLE_ABORTED_BY_CALLBACK;
		if (now >= io->deadline_ns)
			return CURLE_OPERATION_TIMEDOUT;
		if (curl_multi_poll(h->multi, NULL, 0, SLICE_MS, NULL) != CURLM_OK)
			return CURLE_FAILED_INIT;
		if (io->idle)
			io->idle(io->idle_arg);
	}
}

static enum rm_http_fault fault_of(CURLcode code)
{
	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
		return RM_HTTP_ABORTED;
	case CURLE_COULDNT_RESOLVE_HOST:
		return RM_HTTP_NO_NAME;
	case CURLE_COULDNT_CONNECT:
		return RM_HTTP_NO_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return RM_HTTP_LATE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
		return RM_HTTP_UNTRUSTED;
	case CURLE_SSL_CONNECT_ERROR:
		return RM_HTTP_NO_TLS;
	case CURLE_UNSUPPORTED_PROTOCOL: /* of an answer that would be HTTP/0.9 */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
		return RM_HTTP_NOT_HTTP;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2_STREAM:
	case CURLE_PARTIAL_FILE:
		return RM_HTTP_CLOSED;
	default:
		return RM_HTTP_FAILED;
	}
}

static void describe_error(struct rm_http *h, CURLcode code, struct rm_http_answer *ret)
{
	const char *text = h->error;
	long number = 0;

	if (code == CURLE_ABORTED_BY_CALLBACK)
		text = "aborted";
	else if (code == CURLE_OPERATION_TIMEDOUT)
		text = "no answer in time";
	else if (!*text)
		text = "the transfer failed";
	rm_format(ret->error, sizeof(ret->error), "%s (curl %d)", text, (int)code);
	ret->fault = fault_of(code);
	curl_easy_getinfo(h->easy, CURLINFO_OS_ERRNO, &number);
	ret->error_number = ret->fault == RM_HTTP_NO_CONNECT ? (int)number : 0;
}

/* An answer whose end is missing, or was too long: its status was said all the same. */
static bool is_cut(CURLcode code)
{
	return code == CURLE_WRITE_ERROR || code == CURLE_PARTIAL_FILE || code == CURLE_HTTP2_STREAM;
}

static void read_answer(struct rm_http *h, CURLcode code, struct rm_http_answer *ret)
{
	curl_off_t retry_after = 0;
	char *type = NULL;
	long status = 0, version = 0;

	curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(h->easy, CURLINFO_HTTP_VERSION, &version);
	ret->is_http2 = version == CURL_HTTP_VERSION_2_0;
	ret->is_cut = is_cut(code);
	if ((code != CURLE_OK && !ret->is_cut) || status < 200) {
		describe_error(h, code, ret);
		return;
	}
	ret->status = (int)status;
	ret->head = (struct rm_str){ h->head, h->head_n };
	ret->body = (struct rm_str){ h->answer, h->answer_n };
	curl_easy_getinfo(h->easy, CURLINFO_CONTENT_TYPE, &type);
	ret->is_json = type && strncasecmp(type, "application/json", 16) == 0;
	curl_easy_getinfo(h->easy, CURLINFO_RETRY_AFTER, &retry_after);
	if (retry_after > RETRY_AFTER_MAX_S) /* a wrong number is not to wrap around to a small one */
		retry_after = RETRY_AFTER_MAX_S;
	if (retry_after > 0)
		ret->retry_after_ns = (uint64_t)retry_after * 1000 * MS_NS;
}

/* The request's own headers, then the client's: the list ends in `h->headers`. NULL without memory. */
static struct curl_slist *chain_headers(struct rm_http *h, const struct rm_http_request *r)
{
	struct curl_slist *list = NULL, *last;

	for (uint32_t i = 0; i < r->header_count; i++)
		if (!add(&list, r->header[i])) {
			curl_slist_free_all(list);
			return NULL;
		}
	if (!list)
		return h->headers;
	for (last = list; last->next; last = last->next)
		;
	last->next = h->headers;
	return list;
}

static void unchain_headers(struct rm_http *h, struct curl_slist *list)
{
	struct curl_slist *last = list;

	if (list == h->headers)
		return;
	while (last->next != h->headers)
		last = last->next;
	last->next = NULL;
	curl_slist_free_all(list);
}

static void set_request(struct rm_http *h, const struct rm_http_request *r, struct curl_slist *headers)
{
	curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, r->is_put ? "PUT" : NULL);
	if (r->is_get) {
		curl_easy_setopt(h->easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(h->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS, r->body.n > 0 ? r->body.p : "");
	curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
}

void rm_http_send(struct rm_http *h, const struct rm_http_request *r, const struct rm_export_io *io,
		  struct rm_http_answer *ret)
{
	struct curl_slist *headers = chain_headers(h, r);
	CURLcode code = headers ? CURLE_FAILED_INIT : CURLE_OUT_OF_MEMORY;

	memset(ret, 0, sizeof(*ret));
	h->answer_n = 0;
	h->head_n = 0;
	h->error[0] = '\0';
	if (headers)
		set_request(h, r, headers);
	atomic_fetch_add(&in_tls, h->is_tls);
	if (headers && curl_multi_add_handle(h->multi, h->easy) == CURLM_OK) {
		code = drive(h, io);
		read_answer(h, code, ret);
		/* Closes the connection of a transfer that has not ended. */
		curl_multi_remove_handle(h->multi, h->easy);
	} else {
		describe_error(h, code, ret);
	}
	atomic_fetch_sub(&in_tls, h->is_tls);
	if (headers)
		unchain_headers(h, headers);
}

void rm_http_post(struct rm_http *h, struct rm_str body, const struct rm_export_io *io,
		  struct rm_http_answer *ret)
{
	rm_http_send(h, &(struct rm_http_request){ .body = body }, io, ret);
}
