/* Socket addresses as text, without libc. Spec: RFC 5952 for IPv6. */
#include "base/fmt_addr.h"

#include <netinet/in.h>
#include <sys/un.h>

#include "base/endian.h"

static void put_ipv4(struct rm_strbuf *out, const uint8_t *b)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			rm_strbuf_char(out, '.');
		rm_strbuf_u64(out, b[i]);
	}
}

static void put_hex16(struct rm_strbuf *out, unsigned v)
{
	bool begun = false;

	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = v >> shift & 15;

		begun |= digit || shift == 0;
		if (begun)
			rm_strbuf_char(out, "0123456789abcdef"[digit]);
	}
}

/* Start and length of the longest run of zero groups, length below 2 means none. */
static int longest_zeros(const uint8_t *b, int *ret_length)
{
	int start = -1, best = 0;

	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !b[2 * (i + n)] && !b[2 * (i + n) + 1])
			n++;
		if (n > best) {
			start = i;
			best = n;
		}
		i += n;
	}
	*ret_length = best;
	return best >= 2 ? start : -1;
}

static void put_ipv6(struct rm_strbuf *out, const uint8_t *b)
{
	int zeros, start = longest_zeros(b, &zeros);

	for (int i = 0; i < 8;) {
		if (i == start) {
			rm_strbuf_c(out, "::");
			i += zeros;
			continue;
		}
		if (i && i != start + zeros)
			rm_strbuf_char(out, ':');
		put_hex16(out, rm_be16(b + 2 * i));
		i++;
	}
}

static bool put_unix(struct rm_strbuf *out, const char *path, size_t cap)
{
	size_t n = 0;

	if (cap < 2 || (!path[0] && !path[1]))
		return false;
	if (!path[0]) {
		rm_strbuf_char(out, '@');
		path++;
		cap--;
	}
	while (n < cap && path[n])
		n++;
	rm_strbuf_put(out, path, n);
	return true;
}

bool rm_fmt_sockaddr(struct rm_strbuf *out, const struct sockaddr *sa, size_t len, uint16_t *ret_port)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*ret_port = 0;
	if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in = (const void *)sa;

		put_ipv4(out, (const uint8_t *)&in->sin_addr);
		*ret_port = rm_be16(&in->sin_port);
		return true;
	}
	if (sa->sa_family == AF_INET6 && len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		const struct sockaddr_in6 *in6 = (const void *)sa;
		const uint8_t *b = in6->sin6_addr.s6_addr;
		bool v4 = true;

		for (int i = 0; i < 12; i++)
			v4 &= b[i] == mapped[i];
		if (v4)
			put_ipv4(out, b + 12);
		else
			put_ipv6(out, b);
		*ret_port = rm_be16(&in6->sin6_port);
		return true;
	}
	if (sa->sa_family == AF_UNIX)
		return put_unix(out, (const char *)sa + offsetof(struct sockaddr_un, sun_path),
				len - offsetof(struct sockaddr_un, sun_path));
	return false;
}
