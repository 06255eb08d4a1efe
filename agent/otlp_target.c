/*
 * Endpoint and header variables of OTLP over HTTP, as far as they can be obeyed with raw system
 * calls at the end of a process: no resolver, no TLS, no user name in the URL.
 * Spec: OpenTelemetry specification, protocol/exporter.md (endpoint URLs, headers); RFC 3986
 * section 3.2.2 (IP literals); RFC 9110 section 5.6.2 (token).
 */
#include "agent/otlp_target.h"

#include <string.h>
#include <sys/socket.h>

#define USER_AGENT "remora/" REMORA_VERSION " OTel-OTLP-Exporter-C/" REMORA_VERSION

enum { PORT_HTTP = 80, HEADER_VALUE_MAX = 4096 };

static const struct rm_str default_endpoint = { "http://localhost:4318", 21 };

static const struct {
	enum rm_env_id endpoint, protocol, headers;
	struct rm_str path;
} own[RM_SIGNAL_COUNT] = {
	{ RM_ENV_OTLP_TRACES_ENDPOINT, RM_ENV_OTLP_TRACES_PROTOCOL, RM_ENV_OTLP_TRACES_HEADERS, { "/v1/traces", 10 } },
	{ RM_ENV_OTLP_LOGS_ENDPOINT, RM_ENV_OTLP_LOGS_PROTOCOL, RM_ENV_OTLP_LOGS_HEADERS, { "/v1/logs", 8 } },
};

/* The variable for the signal where it is set, else the general one. */
static struct rm_str prefer(const struct rm_env *env, enum rm_env_id of_signal, enum rm_env_id general)
{
	return rm_env_str(env, rm_env_is_set(env, of_signal) ? of_signal : general);
}

static bool parse_v4(struct rm_str s, uint8_t *ret)
{
	for (int i = 0; i < 4; i++) {
		struct rm_str part = rm_str_cut(&s, '.');
		uint64_t v;

		if (part.n > 3 || !rm_str_u64(part, &v) || v > 255 || (s.p != NULL) != (i < 3))
			return false;
		ret[i] = (uint8_t)v;
	}
	return true;
}

/* One group of an IPv6 address; big-endian. */
static bool parse_group(struct rm_str s, uint8_t *ret)
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 4)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (rm_hex_digit(s.p[i]) < 0)
			return false;
		v = v << 4 | (unsigned)rm_hex_digit(s.p[i]);
	}
	ret[0] = (uint8_t)(v >> 8);
	ret[1] = (uint8_t)v;
	return true;
}

/* Parses groups up to the end of `s` or its "::"; returns the bytes written, or -1. */
static int parse_groups(struct rm_str s, uint8_t *ret)
{
	int n = 0;

	while (s.p && s.n > 0) {
		struct rm_str group = rm_str_cut(&s, ':');

		if (!s.p && n <= 12 && parse_v4(group, ret + n))
			return n + 4;
		if (n > 14 || !parse_group(group, ret + n) || (s.p && s.n == 0))
			return -1;
		n += 2;
	}
	return n;
}

static bool parse_v6(struct rm_str s, uint8_t *ret)
{
	uint8_t tail[16];
	size_t gap = 0;
	int before, after;

	while (gap + 1 < s.n && !(s.p[gap] == ':' && s.p[gap + 1] == ':'))
		gap++;
	memset(ret, 0, 16);
	if (gap + 1 >= s.n)
		return parse_groups(s, ret) == 16;
	before = parse_groups((struct rm_str){ s.p, gap }, ret);
	after = parse_groups((struct rm_str){ s.p + gap + 2, s.n - gap - 2 }, tail);
	if (before < 0 || after < 0 || before + after > 14)
		return false;
	memcpy(ret + 16 - after, tail, (size_t)after);
	return true;
}

static void add_v4(struct rm_otlp_target *t, const uint8_t *ip, uint16_t port)
{
	struct sockaddr_in *a = &t->address[t->address_count++].v4;

	*a = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = __builtin_bswap16(port) };
	memcpy(&a->sin_addr, ip, 4);
}

static void add_v6(struct rm_otlp_target *t, const uint8_t *ip, uint16_t port)
{
	struct sockaddr_in6 *a = &t->address[t->address_count++].v6;

	*a = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = __builtin_bswap16(port) };
	memcpy(&a->sin6_addr, ip, 16);
}

static bool add_host(struct rm_otlp_target *t, struct rm_str host, uint16_t port)
{
	static const uint8_t v4_loop[4] = { 127, 0, 0, 1 }, v6_loop[16] = { [15] = 1 };
	uint8_t ip[16];

	if (rm_str_ieq(host, RM_STR("localhost"))) {
		add_v4(t, v4_loop, port);
		add_v6(t, v6_loop, port);
	} else if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		if (!parse_v6((struct rm_str){ host.p + 1, host.n - 2 }, ip))
			return false;
		add_v6(t, ip, port);
	} else {
		if (!parse_v4(host, ip))
			return false;
		add_v4(t, ip, port);
	}
	return true;
}

static bool parse_authority(struct rm_str s, struct rm_otlp_target *t)
{
	struct rm_str host = s, digits = { NULL, 0 };
	uint64_t port = PORT_HTTP;
	size_t i = s.n;

	while (i > 0 && s.p[i - 1] != ':' && s.p[i - 1] != ']')
		i--;
	if (i > 0 && s.p[i - 1] == ':') {
		host.n = i - 1;
		digits = (struct rm_str){ s.p + i, s.n - i };
	}
	if (digits.n > 0 && (!rm_str_u64(digits, &port) || port == 0 || port > 65535))
		return false;
	t->authority = s;
	return add_host(t, host, (uint16_t)port);
}

/* `url` is an absolute URL; its fragment is not sent. */
static bool parse_url(struct rm_str url, struct rm_otlp_target *t)
{
	struct rm_str scheme = RM_STR("http://"), rest;
	size_t authority = 0, path;

	url = rm_str_trim(url);
	if (url.n <= scheme.n || !rm_str_ieq((struct rm_str){ url.p, scheme.n }, scheme))
		return false;
	url = rm_str_cut(&url, '#');
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f)
			return false;
	rest = (struct rm_str){ url.p + scheme.n, url.n - scheme.n };
	while (authority < rest.n && rest.p[authority] != '/' && rest.p[authority] != '?')
		authority++;
	path = authority;
	while (path < rest.n && rest.p[path] != '?')
		path++;
	t->path = (struct rm_str){ rest.p + authority, path - authority };
	t->query = (struct rm_str){ rest.p + path, rest.n - path };
	return parse_authority((struct rm_str){ rest.p, authority }, t);
}

/* unix:///path or unix:/path, as gRPC writes it. The request goes to `at`, whatever the socket is called. */
static bool parse_unix(struct rm_str url, struct rm_str at, struct rm_otlp_target *t)
{
	struct rm_str scheme = RM_STR("unix:"), path;
	struct sockaddr_un *a = &t->address[0].local;

	url = rm_str_trim(url);
	if (url.n <= scheme.n || !rm_str_ieq((struct rm_str){ url.p, scheme.n }, scheme))
		return false;
	path = rm_str_behind(url, scheme.n);
	if (rm_str_begins(path, RM_STR("//")))
		path = rm_str_behind(path, 2);
	if (path.n < 2 || path.p[0] != '/' || path.n >= sizeof(a->sun_path))
		return false;
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, path.p, path.n);
	t->address_count = 1;
	t->authority = RM_STR("localhost");
	t->path = at;
	return true;
}

bool rm_otlp_target(const struct rm_env *env, enum rm_signal signal, struct rm_otlp_target *ret)
{
	bool exact = rm_env_is_set(env, own[signal].endpoint);
	struct rm_str url = prefer(env, own[signal].endpoint, RM_ENV_OTLP_ENDPOINT);

	*ret = (struct rm_otlp_target){ 0 };
	if (!rm_str_eq(prefer(env, own[signal].protocol, RM_ENV_OTLP_PROTOCOL), RM_STR("http/protobuf")))
		return false;
	ret->headers = prefer(env, own[signal].headers, RM_ENV_OTLP_HEADERS);
	if (parse_unix(url, own[signal].path, ret))
		return true;
	if (!parse_url(url.n > 0 ? url : default_endpoint, ret))
		return false;
	if (exact) {
		if (ret->path.n == 0)
			ret->path = RM_STR("/");
		return true;
	}
	if (ret->path.n > 0 && ret->path.p[ret->path.n - 1] == '/')
		ret->path.n--;
	ret->append = own[signal].path;
	return true;
}

static bool is_token(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], letter = c | 0x20;

		if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') &&
		    !(c && memchr("!#$%&'*+-.^_`|~", c, 15)))
			return false;
	}
	return s.n > 0;
}

/* What the user's escapes decode to must not end the line. */
static bool is_field_value(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f)
			return false;
	return true;
}

/* Decodes in place, since the stack may be a signal handler's. A wrong value takes its line back. */
static void put_user_header(struct rm_str key, struct rm_str value, struct rm_strbuf *b)
{
	size_t start = b->n;
	int n;

	rm_strbuf_str(b, key);
	rm_strbuf_c(b, ": ");
	b->truncated = b->truncated || b->cap - b->n < value.n;
	if (b->truncated)
		return;
	n = rm_percent_decode(value, b->p + b->n, b->cap - b->n);
	if (n < 0 || n > HEADER_VALUE_MAX || !is_field_value(b->p + b->n, (size_t)n)) {
		b->n = start;
		return;
	}
	b->n += (size_t)n;
	rm_strbuf_c(b, "\r\n");
}

static void put_user_headers(struct rm_str list, struct rm_strbuf *b)
{
	struct rm_str item, key, value;

	while (rm_env_item(&list, &item))
		if (rm_env_pair(item, &key, &value) && is_token(key))
			put_user_header(key, value, b);
}

void rm_otlp_head(const struct rm_otlp_target *t, size_t content_bytes, struct rm_strbuf *b)
{
	rm_strbuf_c(b, "POST ");
	rm_strbuf_str(b, t->path);
	rm_strbuf_str(b, t->append);
	rm_strbuf_str(b, t->query);
	rm_strbuf_c(b, " HTTP/1.1\r\nHost: ");
	rm_strbuf_str(b, t->authority);
	rm_strbuf_c(b, "\r\nUser-Agent: " USER_AGENT
		       "\r\nContent-Type: application/x-protobuf\r\nConnection: close\r\n");
	put_user_headers(t->headers, b);
	rm_strbuf_c(b, "Content-Length: ");
	rm_strbuf_u64(b, content_bytes);
	rm_strbuf_c(b, "\r\n\r\n");
}
