/*
 * See sqlcomment.h. That a text ends where nothing is open is told by the tokens of the text with a semicolon of ours behind it:
 * the last token must be that one. What the tokens' reader has a doubt about swallows it (sqllex.c).
 */
#include "protocols/sqlcomment.h"

#include "base/strbuf.h"
#include "protocols/frame.h"

enum { GUARD_BYTES = 2, COMMENT_BYTES = 5, PGSQL_HEAD_BYTES = 5, MYSQL_HEAD_BYTES = 5, MYSQL_MAX_BYTES = 0xffffff };

static void put(struct rm_strbuf *out, struct rm_str name, struct rm_str value)
{
	size_t n = out->n;

	if (n)
		rm_strbuf_char(out, ',');
	rm_strbuf_str(out, name);
	rm_strbuf_c(out, "='");
	rm_strbuf_str(out, value);
	rm_strbuf_char(out, '\'');
	out->n = out->truncated ? n : out->n;
}

static bool may_have_comment(struct rm_str word)
{
	static const char words[][8] = { "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "WITH", "VALUES", "CALL" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (rm_str_ieq(word, RM_STR_OF(words[i])))
			return true;
	return false;
}

static bool is_blank(struct rm_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && (s.p[i] < '\t' || s.p[i] > '\r'))
			return false;
	return true;
}

/* Where its one statement ends, without a semicolon. 0: that is not certain. The text has the guard behind it. */
static size_t end_of_statement(enum rm_sql_dialect dialect, struct rm_str guarded)
{
	size_t at = 0, end = 0, guard = guarded.n - 1;
	bool over = false;

	for (;;) {
		size_t from = at;
		enum rm_sql_token token = rm_sql_next(dialect, guarded, &at);
		struct rm_str s = { guarded.p + from, at - from };

		if (token == RM_SQL_END || (token == RM_SQL_SPACE && !is_blank(s)))
			return 0;
		if (token == RM_SQL_SPACE)
			continue;
		if (from == guard)
			return end;
		if (at > guard || over || (!end && (token != RM_SQL_WORD || !may_have_comment(s))))
			return 0;
		over = token == RM_SQL_OTHER && *s.p == ';';
		end = over ? end : at;
	}
}

bool rm_sql_comment(enum rm_sql_dialect dialect, struct rm_str text, struct rm_str fields, struct rm_strbuf *out)
{
	size_t start = out->n, end;

	rm_strbuf_str(out, text);
	rm_strbuf_c(out, " ;");
	if (out->truncated)
		return false;
	end = end_of_statement(dialect, (struct rm_str){ out->p + start, out->n - start });
	if (!end)
		return false;
	out->n = start + end;
	rm_strbuf_c(out, " /*");
	rm_strbuf_str(out, fields);
	rm_strbuf_c(out, "*/");
	rm_strbuf_str(out, (struct rm_str){ text.p + end, text.n - end });
	return !out->truncated;
}

/* 'Q', the length of what follows with itself, the text, NUL. */
bool rm_sql_comment_pgsql(const struct rm_envelope *e, struct rm_str fields, struct rm_strbuf *out)
{
	struct rm_str text = { e->head.p + PGSQL_HEAD_BYTES, e->head.n - PGSQL_HEAD_BYTES };
	uint32_t n;

	if (!text.n || memchr(text.p, '\0', text.n) != text.p + text.n - 1)
		return false;
	text.n--;
	rm_strbuf_put(out, e->head.p, PGSQL_HEAD_BYTES);
	if (!rm_sql_comment(RM_SQL_PGSQL, text, fields, out))
		return false;
	rm_strbuf_char(out, '\0');
	n = (uint32_t)out->n - 1;
	for (int i = 0; i < 4; i++)
		out->p[1 + i] = (char)(n >> (24 - 8 * i));
	return true;
}

/* The length of what follows the head of four bytes, the number, COM_QUERY, perhaps "no attributes", the text. */
bool rm_sql_comment_mysql(const struct rm_envelope *e, struct rm_str fields, struct rm_strbuf *out)
{
	struct rm_str text = { e->head.p + MYSQL_HEAD_BYTES, e->head.n - MYSQL_HEAD_BYTES };
	size_t none = text.n > 2 && text.p[0] == 0 && text.p[1] == 1 ? 2 : 0, n;

	text = (struct rm_str){ text.p + none, text.n - none };
	rm_strbuf_put(out, e->head.p, MYSQL_HEAD_BYTES + none);
	/* What a backslash is depends on the session. */
	if (!rm_sql_comment(RM_SQL_MYSQL_MODE, text, fields, out))
		return false;
	n = out->n - (MYSQL_HEAD_BYTES - 1);
	for (int i = 0; i < 3; i++)
		out->p[i] = (char)(n >> 8 * i);
	return n < MYSQL_MAX_BYTES;
}

bool rm_sql_offer(struct rm_sink *sink, rm_xid x, struct rm_str bytes, size_t at, struct rm_str body, uint32_t head_bytes,
		  bool (*write)(const struct rm_envelope *, struct rm_str, struct rm_strbuf *))
{
	struct rm_envelope e = { .room_bytes = UINT32_MAX, .extra_bytes = COMMENT_BYTES + GUARD_BYTES, .copies = 1, .put = put, .write = write };

	/* A part that came before is in the stash. */
	if (body.p < bytes.p || body.p > bytes.p + bytes.n || body.p + body.n != bytes.p + at || (size_t)(body.p - bytes.p) < head_bytes)
		return true;
	e.at = body.p - bytes.p - head_bytes;
	e.head = (struct rm_str){ body.p - head_bytes, body.n + head_bytes };
	return sink->on->query(sink, x, &e, (uint32_t)at);
}
