/*
 * PostgreSQL's protocol 3: one exchange for each simple query (which may hold several statements) and for each
 * execution of a portal. What was prepared is
 * remembered in prepared.c, texts are made harmless by sqltext.c. Everything else is stepped over by its
 * length: parameters, rows, COPY data, passwords.
 *
 * Requests:  STARTUP --SSLRequest, GSSENCRequest--> ASKED --'N'--> STARTUP --StartupMessage--> MESSAGES
 *                                                    '--'S'--> TLS: handed over; 'G': left alone
 * Answers:   in the order of the questions. `queue` holds those that decide it: a simple query and a function
 *            call are over with ReadyForQuery, an execution with CommandComplete, EmptyQueryResponse or
 *            PortalSuspended, or with an error; a Sync with ReadyForQuery. After an error in the extended
 *            protocol the server skips all up to the Sync: what was to be executed there is broken.
 *            Notices, notifications and parameters may come at any time and answer nothing.
 *
 * A connection is known from its first message or not at all. Left alone: replication, encryption by GSSAPI,
 * cancel requests, and what breaks the rules.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: PostgreSQL, "Frontend/Backend Protocol".
 */
#include <string.h>

#include "protocols/frame.h"
#include "protocols/pgsql_copy.h"
#include "protocols/prepared.h"
#include "protocols/sqlcomment.h"
#include "protocols/waiting.h"

enum phase { STARTUP, ASKED, MESSAGES, MUTED };

/* What waits for an answer. */
enum kind { SYNC = 1, QUERY, EXECUTE, CALL };

enum {
	SSL_REQUEST = 80877103,
	GSSENC_REQUEST = 80877104,
	QUERY_BYTES = 4096,  /* how much of a text is read; the rest is not shown */
	NAMES_BYTES = 2 * (RM_PREPARED_NAME_BYTES + 1),
	ERROR_BYTES = 64,    /* of its fields: the SQLSTATE is the third */
	LENGTH_BYTES = 4,    /* the length counts itself */
	BODY_MAX_BYTES = 1 << 30,
	START_MAX_BYTES = 10000,
	STATE_BYTES = 5,
	PORT = 5432,
};

struct pgsql {
	struct rm_frame way[2]; /* by enum rm_dir */
	struct rm_waiting_queue queue;
	struct rm_prepared table;
	uint8_t phase;
	bool asked_tls;
	bool started;     /* the server was ready once */
	bool asking;      /* a request is on its way that is not told of whole ... */
	rm_xid x;         /* ... and its exchange, up to its last byte */
	bool failed;      /* what is being answered */
	bool skips;       /* the server skips messages up to the next Sync */
	struct rm_pgsql_copy copy;
	uint8_t space_n, sqlstate_n;
	char sqlstate[STATE_BYTES];
	char space[RM_PREPARED_NAME_BYTES];
};

struct shown {
	char query[QUERY_BYTES + 1];
	char summary[RM_SQL_SUMMARY_BYTES];
};

_Static_assert(sizeof(struct pgsql) <= 384, "RM_CONN_STATE_BYTES");

static enum rm_sniff sniff(const uint8_t *p, size_t n)
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

static void pgsql_open(void *state, enum rm_role role)
{
	struct pgsql *s = state;

	s->way[RM_DIR_REQUEST].head_bytes = LENGTH_BYTES;
	s->way[RM_DIR_RESPONSE].head_bytes = 1 + LENGTH_BYTES;
}

/* Only what starts a connection has no type. */
static bool typed(const struct rm_frame *f)
{
	return f->head_bytes == 1 + LENGTH_BYTES;
}

static char type_of(const struct rm_frame *f)
{
	return typed(f) ? (char)f->head[0] : '\0';
}

/* A head is whole: the length that it tells. False: it is none. */
static bool read_length(struct rm_frame *f)
{
	uint32_t length = rm_be32(f->head + typed(f));

	if (length < LENGTH_BYTES || length > (typed(f) ? BODY_MAX_BYTES : START_MAX_BYTES))
		return false;
	rm_frame_body(f, length - LENGTH_BYTES, 0);
	return true;
}

/* The bytes up to a NUL, or all of them; what follows stays in *rest. */
static struct rm_str cut_name(struct rm_str *rest)
{
	return rm_str_cut(rest, '\0');
}

/* ---- requests ---- */

static void tell(struct pgsql *s, struct rm_sink *sink, const struct rm_sql *sql)
{
	struct rm_operation op = {
		.system = RM_STR("postgresql"), .port = PORT, .space = { s->space, s->space_n },
		.name = sql->operation, .collection = sql->collection, .summary = sql->summary,
		.query = sql->query, .batch = sql->statements > 1 ? sql->statements : 0,
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

/* The parameters of a StartupMessage. False: replication. */
static bool read_parameters(struct pgsql *s, struct rm_str rest)
{
	struct rm_str user = { 0 }, database = { 0 };

	while (rest.n && *rest.p) {
		struct rm_str name = cut_name(&rest), value = cut_name(&rest);

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

static bool startup(struct pgsql *s, struct rm_str text)
{
	uint32_t code = text.n >= 4 ? rm_be32(text.p) : 0;

	if (code == SSL_REQUEST || code == GSSENC_REQUEST) {
		s->asked_tls = code == SSL_REQUEST;
		s->phase = ASKED;
		return text.n == 4;
	}
	s->phase = MESSAGES;
	s->way[RM_DIR_REQUEST].head_bytes = 1 + LENGTH_BYTES;
	return code >> 16 == 3 && read_parameters(s, (struct rm_str){ text.p + 4, text.n - 4 });
}

static void parse(struct pgsql *s, struct rm_sink *sink, struct rm_str text)
{
	struct rm_str name = cut_name(&text), query = cut_name(&text);
	struct rm_sql sql;

	read_sql(sink, query, &sql);
	rm_prepared_add(&s->table, sink, name, &sql);
}

/* What waits from now on. */
static bool wait_for(struct pgsql *s, struct rm_sink *sink, enum kind kind, uint32_t n)
{
	struct rm_waiting w = { .x = s->x, .kind = kind, .n = n };

	if (!rm_waiting_add(&s->queue, sink, &w))
		return false;
	s->asking = false;
	return true;
}

static bool ask(struct pgsql *s, struct rm_sink *sink, enum kind kind, struct rm_str text)
{
	struct rm_sql sql = { 0 };

	if (kind == QUERY && sink->on->shows(sink, s->x))
		read_sql(sink, cut_name(&text), &sql);
	else if (kind == EXECUTE && sink->on->shows(sink, s->x))
		rm_prepared_portal(&s->table, sink, cut_name(&text), &sql);
	rm_pgsql_copy_asked(&s->copy);
	if (!wait_for(s, sink, kind, 1))
		return false;
	tell(s, sink, &sql);
	return true;
}

static enum kind kind_of(char type)
{
	return type == 'Q' ? QUERY : type == 'E' ? EXECUTE : type == 'F' ? CALL : 0;
}

/* A message's head. False: there is no such message. */
static bool request_head(struct pgsql *s, struct rm_sink *sink, void *conn)
{
	struct rm_frame *f = &s->way[RM_DIR_REQUEST];
	char type = type_of(f);
	uint32_t most = 0;

	if (!read_length(f))
		return false;
	if (s->phase == STARTUP)
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
	if (s->phase == MESSAGES && kind_of(type)) {
		s->x = sink->on->request(sink, conn);
		s->asking = true;
	}
	return true;
}

/* What was wanted of it. False: the connection is left alone. */
static bool request_text(struct pgsql *s, struct rm_sink *sink, struct rm_str text)
{
	struct rm_str name, kind;
	uint32_t n;

	if (s->phase == STARTUP)
		return startup(s, text);
	switch (type_of(&s->way[RM_DIR_REQUEST])) {
	case 'Q':
	case 'E':
	case 'F':
		return ask(s, sink, kind_of(type_of(&s->way[RM_DIR_REQUEST])), text);
	case 'S':
		n = rm_pgsql_copy_sync(&s->copy);
		return !n || wait_for(s, sink, SYNC, n);
	case 'c':
	case 'f':
		rm_pgsql_copy_ended(&s->copy);
		break;
	case 'P':
		parse(s, sink, text);
		break;
	case 'B':
		name = cut_name(&text);
		rm_prepared_bind(&s->table, sink, name, cut_name(&text));
		break;
	case 'C':
		kind = (struct rm_str){ text.p, text.n > 0 };
		text = (struct rm_str){ text.p + kind.n, text.n - kind.n };
		if (kind.n && (*kind.p == RM_PREPARED_STATEMENT || *kind.p == RM_PREPARED_PORTAL))
			rm_prepared_close(&s->table, sink, (enum rm_prepared_kind)*kind.p, cut_name(&text));
		break;
	}
	return true;
}

static void request_over(struct pgsql *s, struct rm_sink *sink)
{
	if (kind_of(type_of(&s->way[RM_DIR_REQUEST])) && s->x)
		sink->on->request_end(sink, s->x, 0);
	s->x = 0;
}

static bool requests(struct pgsql *s, struct rm_str bytes, struct rm_sink *sink, void *conn, size_t *at)
{
	struct rm_frame *f = &s->way[RM_DIR_REQUEST];
	bool stops = false;
	struct rm_str text;

	for (;;) {
		bool ok = true;

		/* Nothing is sent before the server said whether it encrypts. */
		if (s->phase == ASKED && rm_frame_between(f) && *at < bytes.n)
			return false;
		switch (rm_frame_next(f, RM_DIR_REQUEST, bytes, at, sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			ok = request_head(s, sink, conn);
			break;
		case RM_FRAME_TEXT:
			ok = request_text(s, sink, text);
			stops = ok && type_of(f) == 'Q' && s->x && !f->left &&
				!rm_sql_offer(sink, s->x, bytes, *at, text, 1 + LENGTH_BYTES, rm_sql_comment_pgsql);
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

/* ---- answers ---- */

/* The SQLSTATE among the fields of an error. */
static struct rm_str sqlstate(const char *p, size_t n)
{
	size_t at = 0;

	while (at < n && p[at]) {
		const char *end = memchr(p + at, '\0', n - at);
		struct rm_str value = { p + at + 1, end ? (size_t)(end - p) - at - 1 : 0 };

		if (!end)
			break;
		if (p[at] != 'C') {
			at = (size_t)(end - p) + 1;
			continue;
		}
		for (size_t i = 0; i < value.n; i++)
			if (!(value.p[i] >= '0' && value.p[i] <= '9') && !(value.p[i] >= 'A' && value.p[i] <= 'Z'))
				value.n = 0;
		return value.n == STATE_BYTES ? value : (struct rm_str){ NULL, 0 };
	}
	return (struct rm_str){ NULL, 0 };
}

/* The oldest question is answered. */
static void answered(struct pgsql *s, struct rm_sink *sink, bool failed)
{
	struct rm_outcome outcome = { .failed = failed };
	rm_xid x = rm_waiting_oldest(&s->queue, sink)->x;

	/* Before its last byte was sent, even: that is told to nobody then. */
	s->x = s->x == x ? 0 : s->x;
	if (failed)
		outcome.status = (struct rm_str){ s->sqlstate, s->sqlstate_n };
	rm_waiting_pop(&s->queue, sink);
	sink->on->response(sink, x);
	sink->on->outcome(sink, x, &outcome);
	sink->on->response_end(sink, x, 0);
}

/* The server skipped it, after an error of what came before. */
static void skipped(struct pgsql *s, struct rm_sink *sink)
{
	rm_xid x = rm_waiting_oldest(&s->queue, sink)->x;

	s->x = s->x == x ? 0 : s->x;
	rm_waiting_pop(&s->queue, sink);
	sink->on->broken(sink, x, RM_STR("pipeline_aborted"));
}

static int oldest_kind(const struct pgsql *s, struct rm_sink *sink)
{
	const struct rm_waiting *w = rm_waiting_oldest(&s->queue, sink);

	return w ? (int)w->kind : -1;
}

/* False: what it is the end of is not known. */
static bool error(struct pgsql *s, struct rm_sink *sink, const char *p, size_t n)
{
	struct rm_str state = sqlstate(p, n);
	int kind = oldest_kind(s, sink);

	if (s->skips)
		return true;
	if (state.n)
		memcpy(s->sqlstate, state.p, state.n);
	s->sqlstate_n = (uint8_t)state.n;
	s->failed = true;
	if (kind == QUERY || kind == CALL)
		return rm_pgsql_copy_answered(&s->copy, true);
	/* The error of an idle server, which ends the connection, skips nothing either. */
	s->skips = true;
	if (kind == EXECUTE)
		answered(s, sink, true);
	return rm_pgsql_copy_answered(&s->copy, true);
}

/* ReadyForQuery. False: nobody asked. */
static bool ready(struct pgsql *s, struct rm_sink *sink)
{
	int kind;

	if (!s->started) {
		s->started = true;
		s->skips = s->failed = false;
		return true;
	}
	for (kind = oldest_kind(s, sink); s->skips && kind > SYNC; kind = oldest_kind(s, sink))
		skipped(s, sink);
	if (kind == QUERY || kind == CALL)
		answered(s, sink, s->failed);
	else if (kind == SYNC)
		rm_waiting_pop(&s->queue, sink);
	else
		return false;
	s->skips = s->failed = false;
	return true;
}

/* One message of the server. False: the connection is left alone. */
static bool answer(struct pgsql *s, struct rm_sink *sink, char type, struct rm_str text)
{
	int kind;

	switch (type) {
	case 'E':
		return error(s, sink, text.p, text.n);
	case 'G':
		kind = oldest_kind(s, sink);
		return (kind != EXECUTE && kind != QUERY) || rm_pgsql_copy_begins(&s->copy, &s->queue, sink, SYNC);
	case 'Z':
		return ready(s, sink);
	case 'C':
	case 'I':
	case 's':
		kind = oldest_kind(s, sink);
		rm_pgsql_copy_answered(&s->copy, false);
		if (kind == EXECUTE)
			answered(s, sink, false);
		return kind == EXECUTE || kind == QUERY;
	case 'W': /* CopyBothResponse: replication */
		return false;
	}
	return true;
}

/*
 * The one byte that answers SSLRequest or GSSENCRequest. False: the connection is left alone. (An error in
 * its place is that of a server of another age.)
 */
static bool encryption(struct pgsql *s, struct rm_sink *sink, char byte)
{
	if (byte == 'S' && s->asked_tls) {
		s->phase = MUTED;
		sink->on->hand_over(sink, 0, "tls");
		return true;
	}
	s->phase = STARTUP;
	return byte == 'N';
}

static bool answer_head(struct rm_frame *f)
{
	if (!read_length(f))
		return false;
	rm_frame_body(f, f->left, type_of(f) == 'E' ? ERROR_BYTES : 0);
	return type_of(f) && memchr("RKSNAEZCITD123ntsGHWdcVv", type_of(f), 24);
}

static bool answers(struct pgsql *s, struct rm_str bytes, struct rm_sink *sink)
{
	struct rm_frame *f = &s->way[RM_DIR_RESPONSE];
	struct rm_str text;
	size_t at = 0;

	for (;;) {
		bool ok = true;

		switch (rm_frame_next(f, RM_DIR_RESPONSE, bytes, &at, sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			ok = answer_head(f);
			break;
		case RM_FRAME_TEXT:
			ok = answer(s, sink, type_of(f), text);
			break;
		case RM_FRAME_OVER:
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
static void take_back(struct pgsql *s, struct rm_sink *sink)
{
	rm_frame_forget(&s->way[RM_DIR_REQUEST], RM_DIR_REQUEST, sink);
	if (s->asking)
		sink->on->broken(sink, s->x, RM_STR(""));
	s->asking = false;
	s->x = 0;
}

static void break_all(struct pgsql *s, struct rm_sink *sink, struct rm_str why)
{
	const struct rm_waiting *w;

	rm_frame_forget(&s->way[RM_DIR_RESPONSE], RM_DIR_RESPONSE, sink);
	while ((w = rm_waiting_oldest(&s->queue, sink)) != NULL) {
		struct rm_waiting was = *w;

		rm_waiting_pop(&s->queue, sink);
		if (was.kind == SYNC)
			continue;
		/* The error that ended the connection says more. */
		sink->on->broken(sink, was.x, s->failed && s->sqlstate_n && !s->skips ?
				 (struct rm_str){ s->sqlstate, s->sqlstate_n } : why);
		s->failed = false;
	}
}

static int mute(struct pgsql *s, struct rm_sink *sink)
{
	take_back(s, sink);
	s->phase = MUTED;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_str bytes = { (const char *)p, n };
	struct pgsql *s = state;
	size_t at = 0;

	if (s->phase == MUTED)
		return mute(s, sink);
	if (dir == RM_DIR_REQUEST)
		return requests(s, bytes, sink, conn, &at) ? (int64_t)at : mute(s, sink);
	if (s->phase == ASKED && n)
		return encryption(s, sink, *bytes.p) && (n == 1 || s->phase == MUTED) ? 1 : mute(s, sink);
	return s->phase == MESSAGES && answers(s, bytes, sink) ? (int64_t)n : mute(s, sink);
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct pgsql *s = state;
	struct rm_frame *f = &s->way[dir];

	if (s->phase == MUTED)
		return RM_FEED_MUTE;
	if (n == 0)
		return 0;
	return s->phase == MESSAGES && rm_frame_skip(f, n) ? 0 : mute(s, sink);
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct pgsql *s = state;

	take_back(s, sink);
	if (reset || dir == RM_DIR_RESPONSE)
		break_all(s, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	const struct rm_frame *f = &((const struct pgsql *)state)->way[RM_DIR_REQUEST];

	return rm_frame_rest(f) && !f->kept ? f->left : 0;
}

const struct rm_proto rm_proto_pgsql = {
	.name = "pgsql",
	.alpn = "postgresql",
	.help = "PostgreSQL, protocol 3: what clients ask",
	.client_only = true,
	.state_bytes = sizeof(struct pgsql),
	.sniff = sniff,
	.open = pgsql_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
