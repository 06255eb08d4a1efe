/* Protocols that are none of ours: the first bytes that their clients or servers send are claimed by nobody. */
#include "protocols/proto.h"
#include "tests/rmtest.h"

#define BYTES(s) { s, sizeof(s) - 1 }

static const struct {
	const char *name;
	struct rm_str bytes;
} clients[] = {
	{ "AJP 1.3, a request", BYTES("\x12\x34\0\x2a\2\2\0\x8HTTP/1.1\0\0\1/\0\0\x9" "127.0.0.1\0\xff\xff\0\4host\0\0\x50\0\0\0\xff") },
	{ "AJP 1.3, a ping", BYTES("\x12\x34\0\1\x0a") },
	{ "ZooKeeper", BYTES("\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x75\x30\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
	{ "Thrift, framed", BYTES("\0\0\0\x11\x80\1\0\1\0\0\0\4ping\0\0\0\0\0") },
	{ "Thrift, not framed", BYTES("\x80\1\0\1\0\0\0\4ping\0\0\0\0\0") },
	{ "AMQP 1.0", BYTES("AMQP\0\1\0\0") },
	{ "AMQP 1.0 with SASL", BYTES("AMQP\3\1\0\0") },
	{ "STOMP", BYTES("CONNECT\naccept-version:1.2\nhost:x\n\n\0") },
	{ "beanstalkd, a job", BYTES("put 0 0 60 5\r\nhello\r\n") },
	{ "beanstalkd, a tube", BYTES("use orders\r\n") },
	{ "beanstalkd, a wait", BYTES("reserve-with-timeout 5\r\n") },
	{ "Gearman", BYTES("\0REQ\0\0\0\7\0\0\0\6orders") },
	{ "SMTP", BYTES("EHLO example.org\r\n") },
	{ "FTP", BYTES("USER anonymous\r\n") },
	{ "IRC", BYTES("NICK someone\r\nUSER a 0 * :b\r\n") },
	{ "IMAP", BYTES("a1 CAPABILITY\r\n") },
	{ "SSH", BYTES("SSH-2.0-OpenSSH_9.2\r\n") },
	{ "LDAP", BYTES("0\x0c\2\1\1`\7\2\1\3\4\0\x80\0") },
	{ "DNS over TCP, an update", BYTES("\0\x1d\x12\x34\x28\0\0\1\0\0\0\0\0\0\7example\3org\0\0\1\0\1") },
	{ "MongoDB's old insert", BYTES("\x1a\0\0\0\1\0\0\0\0\0\0\0\xd2\7\0\0\0\0\0\0" "a.b\0\5\0") },
	{ "Cassandra, version 2", BYTES("\2\0\0\1\0\0\0\x16\0\1\0\x0b" "CQL_VERSION\0\5" "3.0.0") },
	{ "TDS", BYTES("\x12\1\0\x2f\0\0\1\0\0\0\x1a\0\6\1\0\x20\0\1\2\0\x21\0\1\3\0\x22\0\4\4\0\x26\0\1\xff") },
	{ "Oracle's TNS", BYTES("\0\x3a\0\0\1\0\0\0\1\x36\1\x2c\0\0\x08\0\x7f\xff\x7f\x08\0\0\0\1\0\0\0\x3a\0\0\0\0") },
	{ "PostgreSQL, a request to cancel", BYTES("\0\0\0\x10\4\xd2\x16\x2e\0\0\0\1\0\0\0\2") },
	{ "ClickHouse, native", BYTES("\0\x11" "ClickHouse client\1\1\xaf\xa9\3\0\7" "default\0") },
	{ "Aerospike", BYTES("\2\1\0\0\0\0\0\5node\n") },
	{ "Memcache's router of another kind", BYTES("^\x01\x02\x03\x04\x05\x06\x07") },
	{ "a key-value store with lines of its own", BYTES("fetch orders 17\r\n") },
	{ "bytes without a meaning", BYTES("\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad\xbe\xef") },
};

static const struct {
	const char *name;
	struct rm_str bytes;
} servers[] = {
	{ "SMTP", BYTES("220 mail.example.org ESMTP\r\n") },
	{ "FTP", BYTES("220 (vsFTPd 3.0.5)\r\n") },
	{ "IMAP", BYTES("* OK ready\r\n") },
	{ "SSH", BYTES("SSH-2.0-OpenSSH_9.2\r\n") },
	{ "VNC", BYTES("RFB 003.008\n") },
	{ "Tarantool", BYTES("Tarantool 2.11.0 (Binary) 00000000-0000-0000-0000-000000000000 \nc2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ=                    \n") },
};

RM_TEST("what clients of other protocols send first is claimed by nobody")
{
	for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++)
		for (const struct rm_proto *const *p = rm_protocols; *p; p++) {
			enum rm_sniff said = (*p)->sniff ? (*p)->sniff((const uint8_t *)clients[i].bytes.p, clients[i].bytes.n) : RM_SNIFF_NO;

			if (said != RM_SNIFF_NO)
				printf("# %s: %s\n", clients[i].name, (*p)->name);
			RM_CHECK(said == RM_SNIFF_NO);
		}
}

RM_TEST("so is what their servers send first")
{
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++)
		for (const struct rm_proto *const *p = rm_protocols; *p; p++) {
			bool said = (*p)->greets && (*p)->greets((const uint8_t *)servers[i].bytes.p, servers[i].bytes.n);

			if (said)
				printf("# %s: %s\n", servers[i].name, (*p)->name);
			RM_CHECK(!said);
		}
}

RM_TEST("and no beginning of any of them is")
{
	for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++)
		for (size_t n = 8; n < clients[i].bytes.n; n++)
			for (const struct rm_proto *const *p = rm_protocols; *p; p++)
				RM_CHECK(!(*p)->sniff || (*p)->sniff((const uint8_t *)clients[i].bytes.p, n) != RM_SNIFF_YES);
}
