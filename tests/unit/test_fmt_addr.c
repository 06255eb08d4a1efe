/* Addresses as text, base/fmt_addr.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/fmt_addr.h"
#include "tests/rmtest.h"

static struct rm_str format(const void *sa, size_t len, uint16_t *port)
{
	static char room[256];
	struct rm_strbuf b;

	rm_strbuf_init(&b, room, sizeof(room));
	if (!rm_fmt_sockaddr(&b, sa, len, port))
		return (struct rm_str){ "none", 4 };
	return rm_strbuf_view(&b);
}

RM_TEST("IPv4 addresses are dotted, with their port")
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(8080) };
	uint16_t port;

	inet_pton(AF_INET, "10.0.255.7", &in.sin_addr);
	RM_CHECK_STR(format(&in, sizeof(in), &port), "10.0.255.7");
	RM_CHECK(port == 8080);
}

RM_TEST("IPv6 addresses are written as inet_ntop writes them, ten thousand random ones included")
{
	static const char *const texts[] = { "::",	  "::1",	 "1::",		"fe80::1:0:0:2",
					     "2001:db8::1", "1:2:3:4:5:6:7:8", "1:0:3:4:5:6:7:8", "a:0:0:b::c" };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	uint16_t port;
	char want[64];

	srand(7);
	for (int i = 0; i < 10000; i++) {
		if (i < 8)
			inet_pton(AF_INET6, texts[i], &in6.sin6_addr);
		else
			for (int k = 1; k < 16; k++)
				in6.sin6_addr.s6_addr[k] = rand() % 3 ? 0 : (uint8_t)rand();
		in6.sin6_addr.s6_addr[0] |= i < 8 ? 0 : 0x20; /* not one of the embedded IPv4 forms */
		inet_ntop(AF_INET6, &in6.sin6_addr, want, sizeof(want));
		RM_CHECK_STR(format(&in6, sizeof(in6), &port), want);
	}
}

RM_TEST("an IPv4-mapped IPv6 address is written as IPv4")
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	uint16_t port;

	inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr);
	RM_CHECK_STR(format(&in6, sizeof(in6), &port), "127.0.0.1");
}

RM_TEST("Unix sockets show their path, abstract ones with an @, unnamed ones nothing")
{
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "/run/app.sock" };
	uint16_t port;

	RM_CHECK_STR(format(&un, sizeof(un), &port), "/run/app.sock");
	memcpy(un.sun_path, "\0hidden\0", 9);
	RM_CHECK_STR(format(&un, sizeof(un), &port), "@hidden");
	memset(un.sun_path, 0, sizeof(un.sun_path));
	RM_CHECK_STR(format(&un, sizeof(un), &port), "none");
}

RM_TEST("an address that is cut short is none")
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	uint16_t port;

	RM_CHECK_STR(format(&in, sizeof(in) - 1, &port), "none");
	RM_CHECK_STR(format(&in6, sizeof(in), &port), "none");
}
