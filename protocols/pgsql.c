/*
 * PostgreSQL's protocol 3: one exchange for each simple query (which may hold several statements) and for each
 * execution of a portal. What was prepared is remembered in prepared.c, texts are made harmless by sqltext.c. Everything
 * else is stepped over by its length: parameters, rows, COPY data, passwords.
 *
 * Requests:  STARTUP --SSLRequest, GSSENCRequest--> ASKED --'N'--> STARTUP --StartupMessage--> MESSAGES
 *                                                    '--'S'--> TLS: handed over; 'G': left alone
 *
 * A connection is known from its first message (pgsql_start.c), or where it was there before us from the first that are
 * seen (pgsql_join.c). Left alone: replication, encryption by GSSAPI, cancel requests, and what breaks the rules.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: PostgreSQL, "Frontend/Backend Protocol".
 */
#include "protocols/pgsql.h"

#include <string.h>

#include "protocols/sqlcomment.h"

enum {
	QUERY_BYTES = 4096,  /* how much of a text is read; the rest is not shown */
	NAMES_BYTES = 2 * (RM_PREPARED_NAME_BYTES + 1),
	PORT = 5432,
};

struct shown {
	char query[QUERY_BYTES + 1];
	char summary[RM_SQL_SUMMARY_BYTES];
};

static void pgsql_open(void *state, enum rm_role role)
{
	struct rm_pgsql *s = state;

	s->way[RM_DIR_REQUEST].head_bytes = RM_PGSQL_LENGTH_BYTES;
	s->way[RM_DIR_RESPONSE].head_bytes = 1 + RM_PGSQL_LENGTH_BYTES;
}

/* ---- requests ---- */

static void tell(struct rm_pgsql *s, struct rm_sink *sink, const struct rm_sql *sql)
{
	struct rm_operation op = {
		.system = RM_STR("postgresql"), .port = PORT, .space = { s->space, s->space_n },
		.name = sql->operation, .collection = sql->collection, .procedure = sql->procedure,
		.summary = sql->summary, .query = sql->query, .batch = sql->statements > 1 ? sql->statements : 0,
	};

	sink->on->operation(sink, s->x, &op);
}

static void read_sql(struct rm_sink *sink, struct rm_str text, struct rm_sql *ret)
{
	struct shown *room = sink->on->scratch(sink, sizeof(*room));

	*ret = (struct rm_sql){ 0 };
	text.n = text.n < QUERY_BYTES ? text.n : QUERY_BYTES;
	if (room)
		rm_sql_read(RM_SQL_PGSQL, text, room->query, room->summary, ret);
}

static void parse(struct rm_pgsql *s, struct rm_sink *sink, struct rm_str text)
{
	struct rm_str name = rm_str_cut(&text, '\0'), query = rm_str_cut(&text, '\0');
	struct rm_sql sql;

	/* Another one may have that name already, which the server keeps then. */
	if (s->joined && name.n)
		return;
	read_sql(sink, query, &sql);
	rm_prepared_add(&s->table, sink, name, &sql);
}

/* What waits from now on. */
static bool wait_for(struct rm_pgsql *s, struct rm_sink *sink, enum rm_pgsql_kind kind, uint32_t n)
{
	struct rm_waiting w = { .x = s->x, .kind = kind, .n = n };

	if (!rm_waiting_add(&s->queue, sink, &w))
		return false;
	s->asking = false;
	return true;
}

static bool ask(struct rm_pgsql *s, struct rm_sink *sink, enum rm_pgsql_kind kind, struct rm_str text)
{
	struct rm_sql sql = { 0 };

	if (kind == RM_PGSQL_QUERY && sink->on->shows(sink, s->x))
		read_sql(sink, rm_str_cut(&text, '\0'), &sql);
	else if (kind == RM_PGSQL_EXECUTE && sink->on->shows(sink, s->x))
		rm_prepared_portal(&s->table, sink, rm_str_cut(&text, '\0'), &sql);
	rm_pgsql_copy_asked(&s->copy);
	if (!wait_for(s, sink, kind, 1))
		return false;
	tell(s, sink, &sql);
	return true;
}

static enum rm_pgsql_kind kind_of(char type)
{
	return type == 'Q' ? RM_PGSQL_QUERY : type == 'E' ? RM_PGSQL_EXECUTE : type == 'F' ? RM_PGSQL_CALL : 0;
}

/* A message's head. False: there is no such message. */
static bool request_head(struct rm_pgsql *s, struct rm_sink *sink, void *conn)
{
	struct rm_frame *f = &s->way[RM_DIR_REQUEST];
	char type = rm_pgsql_type(f);
	uint32_t most = 0;

	if (!rm_pgsql_length(f))
		return false;
	if (s->phase == RM_PGSQL_STARTUP)
		most = f->left;
	else if (type == 'Q')
		most = QUERY_BYTES;
	else if (type == 'P')
		most = QUERY_BYTES + RM_PREPARED_NAME_BYTES + 1;
	else if (type == 'B' || type == 'E' || type == 'C')
		most = NAMES_BYTES;
	else if (!type || !memchr("DSHFdcfpX", type, 9))
		return false;
	rm_frame_body(f, f->left, most);
	if (s->phase == RM_PGSQL_MESSAGES && kind_of(type)) {
		s->x = sink->on->request(sink, conn);
		s->asking = true;
	}
	return true;
}

/* What was wanted of it. False: the connection is left alone. */
static bool request_text(struct rm_pgsql *s, struct rm_sink *sink, struct rm_str text)
{
	struct rm_str name, kind;
	uint32_t n;

	if (s->phase == RM_PGSQL_STARTUP)
		return rm_pgsql_startup(s, text);
	switch (rm_pgsql_type(&s->way[RM_DIR_REQUEST])) {
	case 'Q':
	case 'E':
	case 'F':
		return ask(s, sink, kind_of(rm_pgsql_type(&s->way[RM_DIR_REQUEST])), text);
	case 'S':
		n = rm_pgsql_copy_sync(&s->copy);
		return !n || wait_for(s, sink, RM_PGSQL_ANY_SYNC, n);
	case 'c':
	case 'f':
		rm_pgsql_copy_ended(&s->copy);
		break;
	case 'P':
		parse(s, sink, text);
		break;
	case 'B':
		name = rm_str_cut(&text, '\0');
		if (!s->joined || !name.n)
			rm_prepared_bind(&s->table, sink, name, rm_str_cut(&text, '\0'));
		break;
	case 'C':
		kind = (struct rm_str){ text.p, text.n > 0 };
		text = (struct rm_str){ text.p + kind.n, text.n - kind.n };
		if (kind.n && (*kind.p == RM_PREPARED_STATEMENT || *kind.p == RM_PREPARED_PORTAL))
			rm_prepared_close(&s->table, sink, (enum rm_prepared_kind)*kind.p, rm_str_cut(&text, '\0'));
		break;
	}
	return true;
}

static void request_over(struct rm_pgsql *s, struct rm_sink *sink)
{
	if (kind_of(rm_pgsql_type(&s->way[RM_DIR_REQUEST])) && s->x)
		sink->on->request_end(sink, s->x, 0);
	s->x = 0;
}

static bool requests(struct rm_pgsql *s, struct rm_str bytes, struct rm_sink *sink, void *conn, size_t *at)
{
	struct rm_frame *f = &s->way[RM_DIR_REQUEST];
	bool stops = false;
	struct rm_str text;

	for (;;) {
		bool ok = true;

		/* Nothing is sent before the server said whether it encrypts. */
		if (s->phase == RM_PGSQL_ASKED && rm_frame_between(f) && *at < bytes.n)
			return false;
		switch (rm_frame_next(f, RM_DIR_REQUEST, bytes, at, sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			ok = request_head(s, sink, conn);
			break;
		case RM_FRAME_TEXT:
			ok = request_text(s, sink, text);
			stops = ok && rm_pgsql_type(f) == 'Q' && s->x && !f->left &&
				!rm_sql_offer(sink, s->x, bytes, *at, text, 1 + RM_PGSQL_LENGTH_BYTES, rm_sql_comment_pgsql);
			break;
		case RM_FRAME_OVER:
			request_over(s, sink);
			if (stops)
				return true;
			break;
		case RM_FRAME_BAD:
			return false;
		}
		if (!ok)
			return false;
	}
}

/* ---- the connection ---- */

/* A request that is not whole never was one. */
static void take_back(struct rm_pgsql *s, struct rm_sink *sink)
{
	rm_frame_forget(&s->way[RM_DIR_REQUEST], RM_DIR_REQUEST, sink);
	if (s->asking)
		sink->on->broken(sink, s->x, RM_STR(""));
	s->asking = false;
	s->x = 0;
}

static void break_all(struct rm_pgsql *s, struct rm_sink *sink, struct rm_str why)
{
	const struct rm_waiting *w;

	rm_frame_forget(&s->way[RM_DIR_RESPONSE], RM_DIR_RESPONSE, sink);
	while ((w = rm_waiting_oldest(&s->queue, sink)) != NULL) {
		struct rm_waiting was = *w;

		rm_waiting_pop(&s->queue, sink);
		if (was.kind == RM_PGSQL_ANY_SYNC)
			continue;
		/* The error that ended the connection says more. */
		sink->on->broken(sink, was.x, s->failed && s->sqlstate_n && !s->skips ?
				 (struct rm_str){ s->sqlstate, s->sqlstate_n } : why);
		s->failed = false;
	}
}

static int mute(struct rm_pgsql *s, struct rm_sink *sink)
{
	take_back(s, sink);
	s->phase = RM_PGSQL_MUTED;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_str bytes = { (const char *)p, n };
	struct rm_pgsql *s = state;
	size_t at = 0;

	if (s->phase == RM_PGSQL_MUTED)
		return mute(s, sink);
	if (dir == RM_DIR_REQUEST)
		return requests(s, bytes, sink, conn, &at) ? (int64_t)at : mute(s, sink);
	if (s->phase == RM_PGSQL_ASKED && n)
		return rm_pgsql_encryption(s, sink, *bytes.p) && (n == 1 || s->phase == RM_PGSQL_MUTED) ? 1 : mute(s, sink);
	return s->phase == RM_PGSQL_MESSAGES && rm_pgsql_answers(s, bytes, sink) ? (int64_t)n : mute(s, sink);
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct rm_pgsql *s = state;
	struct rm_frame *f = &s->way[dir];

	if (s->phase == RM_PGSQL_MUTED)
		return RM_FEED_MUTE;
	if (n == 0)
		return 0;
	return s->phase == RM_PGSQL_MESSAGES && rm_frame_skip(f, n) ? 0 : mute(s, sink);
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct rm_pgsql *s = state;

	take_back(s, sink);
	if (reset || dir == RM_DIR_RESPONSE)
		break_all(s, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	const struct rm_frame *f = &((const struct rm_pgsql *)state)->way[RM_DIR_REQUEST];

	return rm_frame_rest(f) && !f->kept ? f->left : 0;
}

static enum rm_sniff join(void *state, const uint8_t *p, size_t n)
{
	return rm_pgsql_join(state, p, n);
}

const struct rm_proto rm_proto_pgsql = {
	.name = "pgsql",
	.alpn = "postgresql",
	.help = "PostgreSQL, protocol 3: what clients ask",
	.client_only = true,
	.state_bytes = sizeof(struct rm_pgsql),
	.sniff = rm_pgsql_sniff,
	.open = pgsql_open,
	.join = join,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
