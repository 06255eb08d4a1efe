/* Questions to the DNS over datagrams: agent/datagram.c and protocols/dns_message.c. */
#include "agent/datagram.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/conn.h"
#include "agent/local.h"
#include "protocols/dns_message.h"
#include "tests/rmtest.h"
#include "tests/unit/agent_stub.h"

enum { FD = 40 };

static const struct sockaddr_in resolver = { .sin_family = AF_INET, .sin_port = 0x3500, .sin_addr = { 0x020200c0 } };

static void begin_test(void)
{
	static bool started;
	char *all[] = { "REMORA_DNS=all", NULL };
	struct rm_scope s;

	if (!started)
		stub_start(all);
	started = true;
	RM_CHECK(rm_enter(&s));
	rm_fd_socket(&s, FD, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK);
	rm_leave(&s);
}

static void close_fd(void)
{
	struct rm_scope s;

	RM_CHECK(rm_enter(&s));
	rm_fd_close(&s, FD);
	rm_leave(&s);
}

/* "3www1a..." of a question with this number; with `flags` 0x8180 | rcode an answer. */
static size_t message(uint8_t *p, uint16_t id, uint16_t flags, const char *name, const char *answers, size_t answer_bytes, int count)
{
	const uint8_t head[RM_DNS_HEAD_BYTES] = { (uint8_t)(id >> 8), (uint8_t)id, (uint8_t)(flags >> 8), (uint8_t)flags, 0, 1, 0, (uint8_t)count };
	const char tail[] = "\0\0\1\0\1";
	size_t n = sizeof(head);

	memcpy(p, head, n);
	memcpy(p + n, name, strlen(name));
	n += strlen(name);
	memcpy(p + n, tail, 5);
	memcpy(p + n + 5, answers, answer_bytes);
	return n + 5 + answer_bytes;
}

static uint64_t ask(uint16_t id, const char *name)
{
	uint8_t p[300];
	struct iovec iov = { p, message(p, id, 0x0100, name, "", 0, 0) };

	RM_CHECK(rm_datagram_to(FD, (const struct sockaddr *)&resolver, sizeof(resolver)));
	return rm_datagram_sends(FD, &iov, 1, (const struct sockaddr *)&resolver, sizeof(resolver));
}

static const struct rm_span *answered(uint16_t id, uint16_t rcode, const char *name, const char *answers, size_t bytes, int count)
{
	uint8_t p[600];
	size_t n = message(p, id, 0x8180 | rcode, name, answers, bytes, count);
	struct iovec iov = { p, sizeof(p) };

	rm_datagram_received(FD, &iov, 1, (ssize_t)n);
	return stub_span();
}

static struct rm_str attribute(const struct rm_span *span, const char *key)
{
	struct rm_str s = RM_STR("");

	rm_record_find_str(&span->record, key, &s);
	return s;
}

RM_TEST("a question is a span from its sending to its answer, whatever the case of its letters")
{
	static const char a[] = "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\xc0\0\2\7";
	const struct rm_span *span;

	begin_test();
	RM_CHECK(!rm_fd_tracked(FD) && ask(7, "\4shop\7example") && rm_fd_tracked(FD));
	RM_CHECK(!stub_span());
	RM_CHECK(!answered(8, 0, "\4shop\7example", a, sizeof(a) - 1, 1));
	RM_CHECK(!answered(7, 0, "\4shpo\7example", a, sizeof(a) - 1, 1));
	span = answered(7, 0, "\4sHop\7exAMple", a, sizeof(a) - 1, 1);
	RM_CHECK(span && span->kind == RM_KIND_CLIENT && span->status == RM_STATUS_UNSET);
	RM_CHECK_STR(rm_span_name(span), "DNS lookup shop.example");
	RM_CHECK_STR(attribute(span, "dns.question.type"), "A");
	RM_CHECK_STR(attribute(span, "server.address"), "192.0.2.2");
	RM_CHECK(!answered(7, 0, "\4shop\7example", a, sizeof(a) - 1, 1));
	close_fd();
}

RM_TEST("the response code is the error, also an extended one")
{
	static const char opt[] = "\0\0\x29\4\0\1\0\0\0\0\0";
	uint8_t p[600];
	struct iovec iov = { p, 0 };
	const struct rm_span *span;
	size_t n;

	begin_test();
	RM_CHECK(ask(1, "\1a"));
	span = answered(1, 3, "\1a", "", 0, 0);
	RM_CHECK(span && span->status == RM_STATUS_ERROR);
	RM_CHECK_STR(attribute(span, "error.type"), "NXDOMAIN");
	RM_CHECK(ask(2, "\1a"));
	n = message(p, 2, 0x8180, "\1a", opt, sizeof(opt) - 1, 0);
	p[11] = 1;
	iov.iov_len = n;
	rm_datagram_received(FD, &iov, 1, (ssize_t)n);
	span = stub_span();
	RM_CHECK(span != NULL);
	RM_CHECK_STR(attribute(span, "error.type"), "BADVERS");
	close_fd();
}

RM_TEST("sent again it is the same one; not sent it is none; closed it has no answer")
{
	uint32_t before = rm_exchange_live();
	const struct rm_span *span;
	uint64_t question;

	begin_test();
	question = ask(3, "\1b");
	RM_CHECK(question && !ask(3, "\1b"));
	rm_datagram_unsent(question);
	RM_CHECK(!stub_span() && rm_exchange_live() == before);
	RM_CHECK(ask(3, "\1b"));
	close_fd();
	span = stub_span();
	RM_CHECK(span != NULL);
	RM_CHECK_STR(attribute(span, "error.type"), "no_answer");
	RM_CHECK(!stub_span() && rm_exchange_live() == before && !rm_fd_tracked(FD));
}

RM_TEST("other ports, other messages, and messages that are cut, are passed over")
{
	const struct sockaddr_in elsewhere = { .sin_family = AF_INET, .sin_port = htons(5300) };
	uint8_t p[300];
	struct iovec iov = { p, 0 };

	begin_test();
	RM_CHECK(!rm_datagram_to(FD, (const struct sockaddr *)&elsewhere, sizeof(elsewhere)) && !rm_fd_tracked(FD));
	RM_CHECK(!rm_datagram_to(FD, NULL, 0) && !rm_datagram_to(FD, (const struct sockaddr *)&resolver, 3));
	RM_CHECK(!rm_datagram_to(FD, (const struct sockaddr *)8, sizeof(resolver)));
	RM_CHECK(rm_datagram_to(FD, (const struct sockaddr *)&resolver, sizeof(resolver)));
	iov.iov_len = message(p, 1, 0x0100, "\1a", "", 0, 0);
	for (size_t n = iov.iov_len - 1; n > 0; n--) {
		struct iovec cut = { p, n };

		RM_CHECK(!rm_datagram_sends(FD, &cut, 1, NULL, 0));
	}
	p[2] = 0x28; /* an update */
	RM_CHECK(!rm_datagram_sends(FD, &iov, 1, NULL, 0));
	p[2] = 0x81;
	RM_CHECK(!rm_datagram_sends(FD, &iov, 1, NULL, 0));
	iov.iov_base = (void *)8;
	RM_CHECK(!rm_datagram_sends(FD, &iov, 1, NULL, 0));
	close_fd();
}

RM_TEST("more questions than there is room for are counted, and all end")
{
	uint64_t lost = stub_segment.lost[RM_LOST_EXCHANGE];
	uint32_t before = rm_exchange_live();
	int spans = 0;

	begin_test();
	for (int i = 0; i < 3000; i++)
		ask((uint16_t)i, "\1c");
	RM_CHECK(stub_segment.lost[RM_LOST_EXCHANGE] > lost && rm_exchange_live() - before <= 1024);
	close_fd();
	while (stub_span())
		spans++;
	RM_CHECK(spans > 256 && rm_exchange_live() == before);
}

RM_TEST("in a forked child the parent's questions have no span")
{
	int status, spans = 0;
	pid_t child;

	begin_test();
	RM_CHECK(ask(5, "\1d"));
	child = fork();
	if (child == 0) {
		close_fd();
		while (stub_span())
			spans++;
		_exit(spans);
	}
	RM_CHECK(waitpid(child, &status, 0) == child && status == 0);
	RM_CHECK(answered(5, 0, "\1d", "", 0, 0));
	close_fd();
}

RM_TEST("names are text: odd bytes by their number, the root is a dot; none is longer than there may be")
{
	char room[RM_DNS_NAME_BYTES];
	struct rm_strbuf text;
	struct rm_dns_message m;
	uint8_t p[600];
	size_t n;

	rm_strbuf_init(&text, room, sizeof(room));
	n = message(p, 1, 0, "\6a.b\\\x80 ", "", 0, 0);
	RM_CHECK(rm_dns_read(p, n, &text, &m));
	RM_CHECK_STR(m.name, "a\\046b\\092\\128\\032");
	rm_strbuf_init(&text, room, sizeof(room));
	n = message(p, 1, 0, "", "", 0, 0);
	RM_CHECK(rm_dns_read(p, n, &text, &m));
	RM_CHECK_STR(m.name, ".");
	memset(p + RM_DNS_HEAD_BYTES, 1, 300);
	memcpy(p + RM_DNS_HEAD_BYTES + 300, "\0\0\1\0\1", 5);
	rm_strbuf_init(&text, room, sizeof(room));
	RM_CHECK(!rm_dns_read(p, RM_DNS_HEAD_BYTES + 305, &text, &m));
}
