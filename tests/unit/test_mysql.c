/* What captures cannot say of MySQL: who is recognised, and the limits of what is remembered. */
#include <stdlib.h>

#include "tests/replay/watch.h"
#include "tests/unit/sniff_fixture.h"

extern const struct rm_proto rm_proto_mysql;

static const char greeting[] = "\x59\0\0\0\n5.5.5-10.11.6-MariaDB\0\x07\0\0\0" "8letters\0\xff\xf7-\2\0\xff\x81\x15\0\0\0\0\0\0\x1d\0\0\0"
			       "12letters...\0mysql_native_password\0";
/* Protocol 4.1, SECURE_CONNECTION, CONNECT_WITH_DB; behind 23 bytes of filler a name, no proof and a database. */
static const char login[] = "\x2b\0\0\1\x08\x82\0\0\0\0\0\1-\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			    "user\0\0shop\0";
static const char ok[] = "\7\0\0\2\0\0\0\2\0\0\0";

static const char *greeted(const char *p, size_t n)
{
	for (int i = 0; rm_protocols[i]; i++)
		if (rm_protocols[i]->greets && rm_protocols[i]->greets((const uint8_t *)p, n))
			return rm_protocols[i]->name;
	return "none";
}

#define IS(function, bytes, name) RM_CHECK(strcmp(function(bytes, sizeof(bytes) - 1), name) == 0)

RM_TEST("a server that greets is recognised by whole packets and by their heads")
{
	IS(greeted, greeting, "mysql");
	IS(greeted, "\x4e\0\0\0", "mysql");
	IS(greeted, "\x4e\0\0\0\n8", "mysql");
	IS(greeted, "\x4e\0\0\0\n", "mysql");
}

RM_TEST("other servers that speak first are not")
{
	IS(greeted, "\x4e\0\0", "none");
	IS(greeted, "\x4e\0\0\1\n8", "none");
	IS(greeted, "\x4e\0\0\0\x09" "8", "none");
	IS(greeted, "\x4e\0\0\0\nx", "none");
	IS(greeted, "\x17\0\0\0\xff\x10\x04Too many connections", "none");
	IS(greeted, "220 mail.example ESMTP\r\n", "none");
	IS(greeted, "SSH-2.0-OpenSSH_9.2\r\n", "none");
	IS(greeted, "+OK ready\r\n", "none");
	IS(greeted, "INFO {\"server_id\"", "nats");
	IS(greeted, "\0\0\0\0\n8", "none");
	IS(greeted, "\0\0\x10\0\n8", "none");
}

RM_TEST("a client is recognised inside TLS only, by the second packet of its login")
{
	char second[sizeof(login)];

	memcpy(second, login, sizeof(login));
	CLAIMED(login, "none");
	second[3] = 2;
	RM_CHECK(strcmp(claimed_by(second, sizeof(second) - 1), "none") == 0);
	second[5] |= 0x08; /* the wish for TLS, said again */
	RM_CHECK(strcmp(claimed_by(second, sizeof(second) - 1), "mysql") == 0);
	RM_CHECK(strcmp(claimed_by(second, sizeof(second) - 2), "none") == 0);
	second[20] = 1;
	RM_CHECK(strcmp(claimed_by(second, sizeof(second) - 1), "none") == 0);
	CLAIMED("\x09\0\0\0\3SELECT 1", "none"); /* joined in the middle, where a connection was there before */
}

#define JOINED(bytes) joined_by(&rm_proto_mysql, bytes, sizeof(bytes) - 1)

RM_TEST("a connection that was there before is joined with whole commands")
{
	RM_CHECK(JOINED("\x09\0\0\0\3SELECT 1") == RM_SNIFF_YES);
	RM_CHECK(JOINED("\x0b\0\0\0\3\0\1SELECT 1") == RM_SNIFF_YES);
	RM_CHECK(JOINED("\x09\0\0\0\x16SELECT ?\x0a\0\0\0\x17\xff\xff\xff\xff\0\1\0\0\0") == RM_SNIFF_YES);
	RM_CHECK(JOINED("\5\0\0\0\x19\1\0\0\0\1\0\0\0\x0e") == RM_SNIFF_YES);
	RM_CHECK(JOINED("\5\0\0\0\2shop") == RM_SNIFF_YES);
	RM_CHECK(JOINED("\1\0\0\0\x1f") == RM_SNIFF_YES);
}

RM_TEST("with one that goes on it might be, and is not")
{
	RM_CHECK(JOINED("\x09\1\0\0\3SELECT 1 FROM orders") == RM_SNIFF_MORE);
	RM_CHECK(JOINED("\x20\0\0\0\x17\1\0\0\0\0\1\0\0\0" "abcdefghi") == RM_SNIFF_MORE);
}

RM_TEST("nor with anything else")
{
	RM_CHECK(JOINED("") == RM_SNIFF_NO);
	RM_CHECK(JOINED("\x09\0\0\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("\x09\0\0\0\3SELECT 1x") == RM_SNIFF_NO);
	RM_CHECK(JOINED("\x0a\0\0\0\3SELECT 1") == RM_SNIFF_NO); /* too short to be taken for one */
	RM_CHECK(JOINED("\x09\0\0\1\3SELECT 1") == RM_SNIFF_NO);
	RM_CHECK(JOINED("\x09\0\0\0\3SELECT\0001") == RM_SNIFF_NO);
	RM_CHECK(JOINED("\1\0\0\0\1") == RM_SNIFF_NO);
	RM_CHECK(JOINED("\1\0\0\0\x12") == RM_SNIFF_NO); /* replication */
	RM_CHECK(JOINED("\2\0\0\0\x0ex") == RM_SNIFF_NO);
	RM_CHECK(JOINED("\6\0\0\0\x19\1\0\0\0\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("\x0a\0\0\0\x17\1\0\0\0\0\2\0\0\0") == RM_SNIFF_NO);
	RM_CHECK(JOINED("\x09\0\0\0\0\0\0\5\0\0\0\3SELECT 1") == RM_SNIFF_NO); /* compressed */
	RM_CHECK(JOINED("\0\0\0\0\0\0\0\0") == RM_SNIFF_NO);
}

static void send(struct watch *w, enum rm_dir dir, const char *p, size_t n)
{
	watch_feed(w, dir, p, n);
}

static void open_connection(struct watch *w)
{
	watch_open(w, &rm_proto_mysql);
	send(w, RM_DIR_RESPONSE, greeting, sizeof(greeting) - 1);
	send(w, RM_DIR_REQUEST, login, sizeof(login) - 1);
	send(w, RM_DIR_RESPONSE, ok, sizeof(ok) - 1);
}

static void prepare(struct watch *w, uint32_t id)
{
	static const char text[] = "\x18\0\0\0\x16INSERT INTO t VALUES(?)";
	char prepared[] = "\x0c\0\0\1\0iiii\0\0\0\0\0\0\0";

	send(w, RM_DIR_REQUEST, text, sizeof(text) - 1);
	memcpy(prepared + 5, &id, sizeof(id));
	send(w, RM_DIR_RESPONSE, prepared, sizeof(prepared) - 1);
}

static void execute(struct watch *w, uint32_t id)
{
	char asked[] = "\x0a\0\0\0\x17iiii\0\1\0\0\0", done[] = "\7\0\0\1\0\0\0\2\0\0\0";

	memcpy(asked + 5, &id, sizeof(id));
	send(w, RM_DIR_REQUEST, asked, sizeof(asked) - 1);
	send(w, RM_DIR_RESPONSE, done, sizeof(done) - 1);
}

/* How often `line` is in what was told. */
static int told(struct watch *w, const char *line)
{
	const char *at;
	int n = 0;

	fflush(w->log);
	for (at = w->text; (at = strstr(at, line)) != NULL; at++)
		n++;
	return n;
}

RM_TEST("past the limit statements are executed without their texts, those before with them, and room is given back")
{
	struct watch w;
	int shown;

	open_connection(&w);
	for (uint32_t id = 1; id <= 3000; id++)
		prepare(&w, id);
	for (uint32_t id = 1; id <= 3000; id++)
		execute(&w, id);
	shown = told(&w, "query INSERT INTO t VALUES(?)");
	RM_CHECK(told(&w, "response_end") == 3000);
	RM_CHECK(shown > 500 && shown < 3000);
	for (uint32_t id = 1; id <= 3000; id++) {
		char close[] = "\5\0\0\0\x19iiii";

		memcpy(close + 5, &id, sizeof(id));
		send(&w, RM_DIR_REQUEST, close, sizeof(close) - 1);
	}
	prepare(&w, 3001);
	execute(&w, 3001);
	RM_CHECK(told(&w, "query INSERT INTO t VALUES(?)") == shown + 1);
	watch_close(&w);
	watch_free(&w);
}

RM_TEST("more questions than are remembered end the reading")
{
	static const char query[] = "\x09\0\0\0\3SELECT 1";
	struct watch w;

	open_connection(&w);
	for (int i = 0; i < 9000 && !told(&w, "mute"); i += 500)
		for (int j = 0; j < 500; j++)
			send(&w, RM_DIR_REQUEST, query, sizeof(query) - 1);
	RM_CHECK(told(&w, "mute") == 1);
	RM_CHECK(told(&w, "operation") > 8000);
	watch_close(&w);
	watch_free(&w);
}
