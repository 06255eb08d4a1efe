/*
 * How a connection to MySQL or MariaDB begins. The server greets with its capabilities; the client answers with
 * those it uses, a name, proof of a password and a database, or asks for TLS, inside of which the same follows.
 * Of all that the capabilities and the database are remembered.
 * Context: hook, connection locked.
 * Spec: MySQL, "Connection Phase"; MariaDB, "Connecting".
 */
#include <string.h>

#include "protocols/mysql.h"

enum {
	GREETING_VERSION = 10,
	GREETING_MIN_BYTES = 40,
	TLS_REQUEST_BYTES = 32,
	FIXED_BYTES = 32, /* of the client's answer: capabilities, size, character set and filler */
};

bool rm_mysql_greets(const uint8_t *p, size_t n)
{
	uint32_t length;

	if (n < 4)
		return false;
	length = rm_le24(p);
	if (p[3] != 0 || length < GREETING_MIN_BYTES || length > RM_MYSQL_LOGIN_BYTES)
		return false;
	/* Some read the head by itself. */
	return n == 4 || (p[4] == GREETING_VERSION && (n == 5 || (p[5] >= '0' && p[5] <= '9')));
}

static bool names_mariadb(struct rm_str version)
{
	static const char name[] = "MariaDB";

	for (size_t i = 0; i + sizeof(name) - 1 <= version.n; i++)
		if (memcmp(version.p + i, name, sizeof(name) - 1) == 0)
			return true;
	return false;
}

bool rm_mysql_greeting(struct rm_mysql *s, struct rm_str text)
{
	struct rm_str version, rest = rm_str_behind(text, 1);
	const uint8_t *p;

	if (!text.n || text.p[0] != GREETING_VERSION)
		return false;
	version = rm_str_cut(&rest, '\0');
	/* The number of the connection, data of the authentication and a filler; capabilities, character set, status. */
	rest = rm_str_behind(rest, 4 + 8 + 1);
	p = (const uint8_t *)rest.p;
	if (rest.n < 2 + 1 + 2 + 2)
		return false;
	s->capabilities = rm_le16(p) | (uint32_t)rm_le16(p + 5) << 16;
	s->mariadb = names_mariadb(version) || !(s->capabilities & RM_MYSQL_LONG_PASSWORD);
	s->phase = RM_MYSQL_LOGIN;
	return s->capabilities & RM_MYSQL_PROTOCOL_41;
}

/* Behind what proves the password, which is not looked at. False: its end is not here. */
static bool skip_proof(struct rm_mysql *s, struct rm_str *rest)
{
	size_t n = rest->n ? (uint8_t)rest->p[0] : 0, head = 1;

	if (!(s->capabilities & (RM_MYSQL_LENENC_AUTH | RM_MYSQL_SECURE_CONNECTION))) {
		rm_str_cut(rest, '\0');
		return true;
	}
	if (s->capabilities & RM_MYSQL_LENENC_AUTH && n > 250) {
		if (n != 252 || rest->n < 3)
			return false;
		n = rm_le16(rest->p + 1);
		head = 3;
	}
	if (rest->n < head + n)
		return false;
	*rest = rm_str_behind(*rest, head + n);
	return true;
}

bool rm_mysql_login(struct rm_mysql *s, struct rm_str text, bool *ret_tls)
{
	struct rm_str rest = rm_str_behind(text, FIXED_BYTES), database = { 0 };
	uint32_t wanted = text.n >= FIXED_BYTES ? rm_le32(text.p) : 0;

	*ret_tls = wanted & RM_MYSQL_TLS && text.n == TLS_REQUEST_BYTES;
	/* Inside TLS the greeting was not seen; but a client that knows MariaDB says so. */
	if (s->phase == RM_MYSQL_GREETING)
		s->mariadb = !(wanted & RM_MYSQL_LONG_PASSWORD);
	s->capabilities &= wanted;
	if (!(wanted & RM_MYSQL_PROTOCOL_41) || *ret_tls)
		return *ret_tls;
	rm_str_cut(&rest, '\0');
	if (s->capabilities & RM_MYSQL_CONNECT_WITH_DB && skip_proof(s, &rest))
		database = rm_str_cut(&rest, '\0');
	rm_mysql_move(s, database);
	s->phase = RM_MYSQL_AUTH;
	return true;
}
