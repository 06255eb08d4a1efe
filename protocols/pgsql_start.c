/*
 * How a connection to PostgreSQL begins: with StartupMessage, perhaps behind a question whether the server encrypts. Of all
 * that it says the database is remembered.
 * Context: hook, connection locked.
 * Spec: PostgreSQL, "Frontend/Backend Protocol", "Start-up".
 */
#include <string.h>

#include "protocols/pgsql.h"

enum {
	SSL_REQUEST = 80877103,
	GSSENC_REQUEST = 80877104,
};

enum rm_sniff rm_pgsql_sniff(const uint8_t *p, size_t n)
{
	uint32_t length, code;

	/* It is sent in one piece, and nothing behind it. */
	if (n < 8)
		return RM_SNIFF_NO;
	length = rm_be32(p);
	code = rm_be32(p + 4);
	if (length != n)
		return RM_SNIFF_NO;
	if (code == SSL_REQUEST || code == GSSENC_REQUEST)
		return n == 8 ? RM_SNIFF_YES : RM_SNIFF_NO;
	/* Version 3; a name of a parameter; the end of the list. */
	return code >> 16 == 3 && n > 10 && p[8] >= '_' && p[8] <= 'z' && !p[n - 1] && !p[n - 2] ? RM_SNIFF_YES
											   : RM_SNIFF_NO;
}

/* The parameters of a StartupMessage. False: replication. */
static bool read_parameters(struct rm_pgsql *s, struct rm_str rest)
{
	struct rm_str user = { 0 }, database = { 0 };

	while (rest.n && *rest.p) {
		struct rm_str name = rm_str_cut(&rest, '\0'), value = rm_str_cut(&rest, '\0');

		if (rm_str_eq(name, RM_STR("user")))
			user = value;
		else if (rm_str_eq(name, RM_STR("database")))
			database = value;
		else if (rm_str_eq(name, RM_STR("replication")))
			return false;
	}
	database = database.n ? database : user;
	s->space_n = (uint8_t)(database.n <= sizeof(s->space) ? database.n : 0);
	memcpy(s->space, database.p ? database.p : s->space, s->space_n);
	return user.n;
}

bool rm_pgsql_startup(struct rm_pgsql *s, struct rm_str text)
{
	uint32_t code = text.n >= 4 ? rm_be32(text.p) : 0;

	if (code == SSL_REQUEST || code == GSSENC_REQUEST) {
		s->asked_tls = code == SSL_REQUEST;
		s->phase = RM_PGSQL_ASKED;
		return text.n == 4;
	}
	s->phase = RM_PGSQL_MESSAGES;
	s->way[RM_DIR_REQUEST].head_bytes = 1 + RM_PGSQL_LENGTH_BYTES;
	return code >> 16 == 3 && read_parameters(s, (struct rm_str){ text.p + 4, text.n - 4 });
}

bool rm_pgsql_encryption(struct rm_pgsql *s, struct rm_sink *sink, char byte)
{
	if (byte == 'S' && s->asked_tls) {
		s->phase = RM_PGSQL_MUTED;
		sink->on->hand_over(sink, 0, "tls");
		return true;
	}
	s->phase = RM_PGSQL_STARTUP;
	return byte == 'N';
}
