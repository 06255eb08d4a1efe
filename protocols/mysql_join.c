/*
 * A connection to MySQL or MariaDB that was there before us (inherited, passed on): what its ends agreed on is not known. It is
 * followed from the first bytes on that its client sends, if they are commands and nothing else: whole packets of the number 0,
 * each with what its command has, up to the end of the buffer. Packets of an answer must have the numbers behind that.
 *
 * How answers are read does not depend on what was agreed on. Without are left: the database, whether it is MariaDB,
 * what was prepared. A compressed connection has other lengths, and is left alone.
 * Context: hook, connection locked.
 * Spec: MySQL, "Command Phase".
 */
#include <string.h>

#include "protocols/mysql.h"

enum { DOUBT_MIN_BYTES = 16 /* of a first text, to take it for one */ };

/* May a query begin like that? */
static bool is_text(struct rm_str text)
{
	/* Without attributes, where both ends know them: none of them, in one set. */
	if (text.n > 2 && text.p[0] == 0 && text.p[1] == 1)
		text = rm_str_behind(text, 2);
	for (size_t i = 0; i < text.n && i < DOUBT_MIN_BYTES; i++)
		if ((unsigned char)text.p[i] < ' ' && !memchr("\t\r\n", text.p[i], 3))
			return false;
	return text.n > 0;
}

/* What the command has, as far as it is here: `n` bytes in all. */
static bool is_command(uint8_t command, struct rm_str arguments, size_t n)
{
	switch ((enum rm_mysql_command)command) {
	case RM_MYSQL_COM_QUERY:
	case RM_MYSQL_COM_PREPARE:
	case RM_MYSQL_COM_INIT_DB:
		return is_text(arguments);
	case RM_MYSQL_COM_EXECUTE: /* an id, flags, and so many times: once */
		return arguments.n >= 9 && rm_le32(arguments.p + 5) == 1;
	case RM_MYSQL_COM_FETCH:
		return n == 8;
	case RM_MYSQL_COM_CLOSE:
	case RM_MYSQL_COM_RESET_STATEMENT:
		return n == 4;
	case RM_MYSQL_COM_PING:
	case RM_MYSQL_COM_RESET_CONNECTION:
		return n == 0;
	default:
		return false;
	}
}

enum rm_sniff rm_mysql_join(struct rm_mysql *s, const uint8_t *p, size_t n)
{
	struct rm_str rest = { (const char *)p, n };

	while (rest.n > RM_MYSQL_HEAD_BYTES && rest.p[3] == 0) {
		size_t length = rm_le24(rest.p), here = rest.n - RM_MYSQL_HEAD_BYTES;
		struct rm_str body = { rest.p + RM_MYSQL_HEAD_BYTES, here < length ? here : length };

		if (!length || !is_command((uint8_t)*body.p, (struct rm_str){ body.p + 1, body.n - 1 }, length - 1))
			return RM_SNIFF_NO;
		if (here < length)
			return here > DOUBT_MIN_BYTES ? RM_SNIFF_MORE : RM_SNIFF_NO;
		rest = rm_str_behind(rest, RM_MYSQL_HEAD_BYTES + length);
	}
	if (rest.n || !n)
		return RM_SNIFF_NO;
	s->phase = RM_MYSQL_COMMANDS;
	s->joined = true;
	return RM_SNIFF_YES;
}
