/*
 * The protocol of MySQL and MariaDB: one exchange for each query, whatever it holds, for each execution of what
 * was prepared and for each further fetch of a cursor. Texts are made harmless by sqltext.c; of what was
 * prepared the result is remembered in prepared.c. Everything else is stepped over by its length: parameters,
 * rows, files, passwords.
 *
 * Requests: LOGIN --TLS is asked for--> handed over
 *             `--name, password, database--> AUTH --the server's OK--> COMMANDS
 * A packet has its number in the conversation: 0 begins a command. Others go on with what the server asked for:
 * a proof, a file, the rest of a packet of 16 MiB.
 *
 * The server speaks first: a connection is known from that greeting, one inside TLS from the client's answer to a greeting
 * that came before, and one that was there before us from a command (mysql_join.c), or not at all. Where compression was agreed on, the packets behind the login come out of
 * mysql_packed.c. Left alone: replication, and what breaks the rules.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: MySQL, "Client/Server Protocol"; MariaDB, "Clients and Utilities: Protocol".
 */
#include "protocols/mysql.h"
#include "protocols/sqlcomment.h"

#include <string.h>

enum {
	QUERY_BYTES = 4096,  /* how much of a text is read; the rest is not shown */
	ID_BYTES = 4,
	USER_BYTES = 512,
	LAST_PREPARED = -1,  /* the id of MariaDB for what is being prepared */
	PORT = 3306,
};

struct shown {
	char query[QUERY_BYTES + 1];
	char summary[RM_SQL_SUMMARY_BYTES];
};

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	static const char filler[19];
	uint32_t length;

	/* Inside TLS: the second packet of the client, after the greeting and the wish for TLS, in one piece. */
	if (n < RM_MYSQL_HEAD_BYTES + 32 || p[3] != 2)
		return RM_SNIFF_NO;
	length = rm_le24(p);
	return length == n - RM_MYSQL_HEAD_BYTES && (rm_le32(p + 4) & (RM_MYSQL_TLS | RM_MYSQL_PROTOCOL_41)) ==
	       (RM_MYSQL_TLS | RM_MYSQL_PROTOCOL_41) && memcmp(p + 13, filler, sizeof(filler)) == 0 ?
		       RM_SNIFF_YES : RM_SNIFF_NO;
}

static void mysql_open(void *state, enum rm_role role)
{
	struct rm_mysql *s = state;

	(void)role;
	s->way[RM_DIR_REQUEST].frame.head_bytes = RM_MYSQL_HEAD_BYTES;
	s->way[RM_DIR_RESPONSE].frame.head_bytes = RM_MYSQL_HEAD_BYTES;
	s->capabilities = UINT32_MAX;
}

/* ---- requests ---- */

static void tell(struct rm_mysql *s, struct rm_sink *sink, const struct rm_sql *sql)
{
	struct rm_operation op = {
		.system = s->mariadb ? RM_STR("mariadb") : RM_STR("mysql"), .port = PORT,
		.space = { s->space, s->moving ? 0 : s->space_n },
		.name = sql->operation, .collection = sql->collection, .procedure = sql->procedure,
		.summary = sql->summary, .query = sql->query, .batch = sql->statements > 1 ? sql->statements : 0,
	};

	sink->on->operation(sink, s->x, &op);
}

static void read_sql(const struct rm_mysql *s, struct rm_sink *sink, struct rm_str text, struct rm_sql *ret)
{
	struct shown *room = sink->on->scratch(sink, sizeof(*room));
	bool sure = s->has_status && !(s->status & RM_MYSQL_NO_BACKSLASH_ESCAPES) && !s->queue.count;

	*ret = (struct rm_sql){ 0 };
	text.n = text.n < QUERY_BYTES ? text.n : QUERY_BYTES;
	if (room)
		rm_sql_read(sure ? RM_SQL_MYSQL : RM_SQL_MYSQL_MODE, text, room->query, room->summary, ret);
}

/* The text of COM_QUERY. Attributes before it have a 1 at second place, which no text has. Theirs is not shown. */
static struct rm_str text_of(const struct rm_mysql *s, struct rm_str text)
{
	if (!(s->capabilities & RM_MYSQL_QUERY_ATTRIBUTES) || text.n < 2 || text.p[1] != 1)
		return text;
	return text.p[0] == 0 ? (struct rm_str){ text.p + 2, text.n - 2 } : (struct rm_str){ 0 };
}

/* The database of a text that is "USE name" and nothing else; empty where it is not that simple. */
static struct rm_str used(struct rm_str text)
{
	enum rm_sql_token token = RM_SQL_SPACE;
	struct rm_str name = { 0 };
	size_t at = 0, from = 0;

	for (unsigned words = 0; token != RM_SQL_END;) {
		from = at;
		token = rm_sql_next(RM_SQL_MYSQL_MODE, text, &at);
		if (token == RM_SQL_SPACE || token == RM_SQL_END || (words == 2 && text.p[from] == ';'))
			continue;
		if ((token != RM_SQL_WORD && token != RM_SQL_QUOTED) || ++words > 2)
			return (struct rm_str){ 0 };
		name = (struct rm_str){ text.p + from, at - from };
	}
	if (name.n < 2 || name.p[0] != '`')
		return name;
	name = (struct rm_str){ name.p + 1, name.n - 2 };
	return name.n && memchr(name.p, '`', name.n) ? (struct rm_str){ 0 } : name;
}

static bool holds(struct rm_str text, struct rm_str word)
{
	for (size_t i = 0; i + word.n <= text.n; i++)
		if (rm_str_ieq((struct rm_str){ text.p + i, word.n }, word))
			return true;
	return false;
}

/* Of a text that was not understood: may there be a change of the database in it? */
static bool may_move(struct rm_str text)
{
	return text.n >= QUERY_BYTES || holds(text, RM_STR("use")) || holds(text, RM_STR("drop")) || holds(text, RM_STR("execute"));
}

static bool wait_for(struct rm_mysql *s, struct rm_sink *sink, enum rm_mysql_kind kind, uint32_t n)
{
	struct rm_waiting w = { .x = kind <= RM_MYSQL_FETCH ? s->x : 0, .kind = kind, .n = n };

	if (!rm_waiting_add(&s->queue, sink, &w))
		return false;
	s->asking = false;
	return true;
}

/* What was told waits; `use` is the database that it changes to, if it does. */
static bool ask(struct rm_mysql *s, struct rm_sink *sink, const struct rm_sql *sql, struct rm_str use)
{
	/* What is called may have any number of results. */
	bool calls = rm_str_ieq(sql->operation, RM_STR("CALL"));
	uint32_t seen = sql->statements ? sql->statements : 1;
	uint32_t n = calls || seen >= RM_MYSQL_STATEMENTS_MAX ? RM_MYSQL_STATEMENTS_MAX : seen + 1;
	bool moves = sql->moves;

	if (!wait_for(s, sink, RM_MYSQL_QUERY, n | (moves ? RM_MYSQL_MOVES : 0)))
		return false;
	tell(s, sink, sql);
	if (moves)
		rm_mysql_move(s, use);
	return true;
}

static bool query(struct rm_mysql *s, struct rm_sink *sink, struct rm_str arguments)
{
	struct rm_str text = text_of(s, arguments);
	struct rm_sql sql;

	read_sql(s, sink, text, &sql);
	sql.moves = sql.moves || (!sql.statements && may_move(arguments));
	return ask(s, sink, &sql, sql.statements == 1 ? used(text) : (struct rm_str){ 0 });
}

static bool prepare(struct rm_mysql *s, struct rm_sink *sink, struct rm_str text)
{
	struct rm_mysql_key key = rm_mysql_pending(++s->prepares);
	struct rm_sql sql;

	read_sql(s, sink, text, &sql);
	sql.moves = sql.moves || (!sql.statements && may_move(text));
	rm_prepared_close(&s->table, sink, RM_PREPARED_STATEMENT, rm_mysql_key(&key));
	rm_prepared_add(&s->table, sink, rm_mysql_key(&key), &sql);
	return wait_for(s, sink, RM_MYSQL_PREPARE, s->prepares + 1u);
}

static uint32_t id_of(struct rm_str arguments)
{
	return arguments.n < ID_BYTES ? 0 : rm_le32(arguments.p);
}

static bool execute(struct rm_mysql *s, struct rm_sink *sink, struct rm_str arguments, bool fetch)
{
	uint32_t id = id_of(arguments);
	struct rm_mysql_key pending = rm_mysql_pending(s->prepares), key;
	struct rm_sql sql = { 0 };

	key = rm_mysql_prepared(id == (uint32_t)LAST_PREPARED ? s->last_statement : id);
	if (id != (uint32_t)LAST_PREPARED || !rm_prepared_statement(&s->table, sink, rm_mysql_key(&pending), &sql))
		rm_prepared_statement(&s->table, sink, rm_mysql_key(&key), &sql);
	if (!fetch)
		return ask(s, sink, &sql, (struct rm_str){ 0 });
	if (!wait_for(s, sink, RM_MYSQL_FETCH, 1))
		return false;
	tell(s, sink, &sql);
	return true;
}

static bool move(struct rm_mysql *s, struct rm_sink *sink, enum rm_mysql_kind kind, struct rm_str space)
{
	rm_mysql_move(s, space);
	return wait_for(s, sink, kind, 1);
}

/* Behind a name and a proof of a password stands the database. */
static bool change_user(struct rm_mysql *s, struct rm_sink *sink, struct rm_str rest)
{
	size_t n;

	rm_str_cut(&rest, '\0');
	n = rest.n ? 1u + (uint8_t)rest.p[0] : 0;
	rest = n < rest.n ? (struct rm_str){ rest.p + n, rest.n - n } : (struct rm_str){ 0 };
	return move(s, sink, RM_MYSQL_USER, rm_str_cut(&rest, '\0'));
}

/* A command and what is wanted of its arguments. False: left alone. */
static bool command(struct rm_mysql *s, struct rm_sink *sink, struct rm_str arguments)
{
	struct rm_mysql_key key = rm_mysql_prepared(id_of(arguments));
	static const struct rm_sql nothing;

	switch ((enum rm_mysql_command)s->command) {
	case RM_MYSQL_COM_QUERY:
		return query(s, sink, arguments);
	case RM_MYSQL_COM_EXECUTE:
	case RM_MYSQL_COM_BULK_EXECUTE:
	case RM_MYSQL_COM_FETCH:
		return execute(s, sink, arguments, s->command == RM_MYSQL_COM_FETCH);
	case RM_MYSQL_COM_PROCESS_INFO:
		return ask(s, sink, &nothing, (struct rm_str){ 0 });
	case RM_MYSQL_COM_PREPARE:
		return prepare(s, sink, arguments);
	case RM_MYSQL_COM_CLOSE:
		rm_prepared_close(&s->table, sink, RM_PREPARED_STATEMENT, rm_mysql_key(&key));
		return true;
	case RM_MYSQL_COM_LONG_DATA:
	case RM_MYSQL_COM_QUIT:
		return true;
	case RM_MYSQL_COM_INIT_DB:
		return move(s, sink, RM_MYSQL_SPACE, arguments);
	case RM_MYSQL_COM_CHANGE_USER:
		return change_user(s, sink, arguments);
	case RM_MYSQL_COM_RESET_CONNECTION:
		return move(s, sink, RM_MYSQL_RESET, (struct rm_str){ 0 });
	case RM_MYSQL_COM_DROP_DB:
		return move(s, sink, RM_MYSQL_SPACE, (struct rm_str){ 0 });
	case RM_MYSQL_COM_FIELD_LIST:
		return wait_for(s, sink, RM_MYSQL_FIELDS, 1);
	case RM_MYSQL_COM_STATISTICS:
		return wait_for(s, sink, RM_MYSQL_TEXT, 1);
	case RM_MYSQL_COM_CREATE_DB:
	case RM_MYSQL_COM_REFRESH:
	case RM_MYSQL_COM_SHUTDOWN:
	case RM_MYSQL_COM_PROCESS_KILL:
	case RM_MYSQL_COM_DEBUG:
	case RM_MYSQL_COM_PING:
	case RM_MYSQL_COM_RESET_STATEMENT:
	case RM_MYSQL_COM_SET_OPTION:
		return wait_for(s, sink, RM_MYSQL_DONE, 1);
	}
	return false;
}

static bool is_exchange(uint8_t command)
{
	return command == RM_MYSQL_COM_QUERY || command == RM_MYSQL_COM_EXECUTE || command == RM_MYSQL_COM_BULK_EXECUTE ||
	       command == RM_MYSQL_COM_FETCH || command == RM_MYSQL_COM_PROCESS_INFO;
}

/* How much of its arguments matters. */
static uint32_t wanted(uint8_t command)
{
	switch (command) {
	case RM_MYSQL_COM_QUERY:
	case RM_MYSQL_COM_PREPARE:
		return QUERY_BYTES;
	case RM_MYSQL_COM_EXECUTE:
	case RM_MYSQL_COM_BULK_EXECUTE:
	case RM_MYSQL_COM_FETCH:
	case RM_MYSQL_COM_CLOSE:
		return ID_BYTES;
	case RM_MYSQL_COM_INIT_DB:
		return RM_MYSQL_SPACE_BYTES + 1;
	case RM_MYSQL_COM_CHANGE_USER:
		return USER_BYTES;
	}
	return 0;
}

/* Does the server wait for what goes on with its question: a file, a proof of a password? */
static bool is_asked(const struct rm_mysql *s, struct rm_sink *sink)
{
	const struct rm_waiting *w = rm_waiting_oldest(&s->queue, sink);

	return s->infile || (w && w->kind == RM_MYSQL_USER);
}

/* The head of a packet. False: left alone. */
static bool request_head(struct rm_mysql *s, struct rm_sink *sink)
{
	struct rm_mysql_way *way = &s->way[RM_DIR_REQUEST];
	uint32_t length = rm_le24(way->frame.head);
	uint8_t before = way->seq;
	bool goes_on;

	way->seq = way->frame.head[3];
	way->follows = way->seq == (uint8_t)(before + 1);
	/* Behind 255 packets of a file comes number 0. */
	goes_on = way->seq || (s->infile && (s->packed || way->follows));
	s->command = 0;
	rm_frame_body(&way->frame, length, 0);
	if (way->continued)
		return s->packed || way->follows;
	switch ((enum rm_mysql_phase)s->phase) {
	case RM_MYSQL_GREETING: /* inside TLS */
	case RM_MYSQL_LOGIN:
		rm_frame_body(&way->frame, length, RM_MYSQL_LOGIN_BYTES);
		return way->seq == (s->phase == RM_MYSQL_GREETING ? 2 : 1);
	case RM_MYSQL_AUTH:
		return way->seq;
	case RM_MYSQL_COMMANDS:
		if (goes_on ? !is_asked(s, sink) : !length || s->infile)
			return false;
		rm_frame_body(&way->frame, length, goes_on ? 0 : 1);
		s->infile = s->infile && length;
		return true;
	case RM_MYSQL_MUTED:
		break;
	}
	return false;
}

static bool login(struct rm_mysql *s, struct rm_sink *sink, struct rm_str text)
{
	bool tls;

	if (!rm_mysql_login(s, text, &tls))
		return false;
	if (tls) {
		if (!rm_frame_between(&s->way[RM_DIR_RESPONSE].frame)) /* the server waits for this, and sends nothing */
			return false;
		rm_frame_forget(&s->way[RM_DIR_REQUEST].frame, RM_DIR_REQUEST, sink);
		s->phase = RM_MYSQL_MUTED;
		if (s->mariadb)
			sink->on->system(sink, "mariadb");
		sink->on->hand_over(sink, 0, "tls");
	}
	return true;
}

/* What is wanted of a packet is here: first a command, then its arguments. False: left alone. */
static bool request_text(struct rm_mysql *s, struct rm_sink *sink, struct rm_str text, void *conn)
{
	struct rm_mysql_way *way = &s->way[RM_DIR_REQUEST];

	if (way->continued || s->phase == RM_MYSQL_AUTH)
		return true;
	if (s->phase != RM_MYSQL_COMMANDS)
		return login(s, sink, text);
	if (s->command)
		return command(s, sink, text);
	if (!text.n)
		return true;
	s->command = (uint8_t)text.p[0];
	if (!s->command)
		return false;
	if (is_exchange(s->command)) {
		s->x = sink->on->request(sink, conn);
		s->asking = true;
	}
	rm_frame_body(&way->frame, way->frame.left, wanted(s->command));
	return true;
}

static void request_over(struct rm_mysql *s, struct rm_sink *sink)
{
	struct rm_mysql_way *way = &s->way[RM_DIR_REQUEST];
	const uint8_t *head = way->frame.head;

	way->continued = (head[0] & head[1] & head[2]) == 0xff;
	if (way->continued)
		return;
	if (s->x)
		sink->on->request_end(sink, s->x, 0);
	s->x = 0;
}

static bool requests(struct rm_mysql *s, struct rm_str bytes, struct rm_sink *sink, void *conn, size_t *at)
{
	struct rm_frame *f = &s->way[RM_DIR_REQUEST].frame;
	bool stops = false;
	struct rm_str text;

	/* Until TLS has begun. */
	while (s->phase != RM_MYSQL_MUTED) {
		bool ok = true;

		switch (rm_frame_next(f, RM_DIR_REQUEST, bytes, at, sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			ok = request_head(s, sink);
			break;
		case RM_FRAME_TEXT:
			ok = request_text(s, sink, text, conn);
			stops = ok && !s->packed && s->command == RM_MYSQL_COM_QUERY && s->x && !s->asking && !f->left &&
				!rm_sql_offer(sink, s->x, bytes, *at, text, RM_MYSQL_HEAD_BYTES + 1, rm_sql_comment_mysql);
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
	return true;
}

/* ---- answers ---- */

static void answer_head(struct rm_mysql *s)
{
	struct rm_mysql_way *way = &s->way[RM_DIR_RESPONSE];
	uint8_t before = way->seq;

	way->seq = way->frame.head[3];
	way->follows = way->seq == (uint8_t)(before + 1);
	rm_frame_body(&way->frame, rm_le24(way->frame.head),
		      way->continued ? 0 : s->phase == RM_MYSQL_GREETING ? RM_MYSQL_LOGIN_BYTES : RM_MYSQL_ANSWER_BYTES);
}

static bool answer_text(struct rm_mysql *s, struct rm_sink *sink, struct rm_str text)
{
	const struct rm_mysql_way *way = &s->way[RM_DIR_RESPONSE];

	if (way->continued)
		return s->packed || way->follows;
	if (s->phase == RM_MYSQL_GREETING)
		return way->seq == 0 && rm_mysql_greeting(s, text);
	return s->phase != RM_MYSQL_LOGIN &&
	       rm_mysql_answer(s, sink, text, rm_le24(way->frame.head));
}

/* Up to the end of the bytes, or where packets begin to travel in frames. */
static bool answers(struct rm_mysql *s, struct rm_str bytes, struct rm_sink *sink, size_t *at)
{
	struct rm_mysql_way *way = &s->way[RM_DIR_RESPONSE];
	const uint8_t *head = way->frame.head;
	struct rm_str text;

	for (;;) {
		switch (rm_frame_next(&way->frame, RM_DIR_RESPONSE, bytes, at, sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			answer_head(s);
			break;
		case RM_FRAME_TEXT:
			if (!answer_text(s, sink, text))
				return false;
			break;
		case RM_FRAME_OVER:
			way->continued = (head[0] & head[1] & head[2]) == 0xff;
			if (s->packs)
				return rm_mysql_pack(s);
			break;
		case RM_FRAME_BAD:
			return false;
		}
	}
}

bool rm_mysql_packets(struct rm_mysql *s, enum rm_dir dir, struct rm_str bytes, struct rm_sink *sink, void *conn)
{
	size_t at = 0;

	return dir == RM_DIR_REQUEST ? requests(s, bytes, sink, conn, &at) : answers(s, bytes, sink, &at);
}

/* ---- the connection ---- */

/* A request that is not whole never was one. */
static void take_back(struct rm_mysql *s, struct rm_sink *sink)
{
	rm_frame_forget(&s->way[RM_DIR_REQUEST].frame, RM_DIR_REQUEST, sink);
	if (s->asking)
		sink->on->broken(sink, s->x, RM_STR(""));
	s->asking = false;
	s->x = 0;
}

static void break_all(struct rm_mysql *s, struct rm_sink *sink, struct rm_str why)
{
	const struct rm_waiting *w;

	rm_frame_forget(&s->way[RM_DIR_RESPONSE].frame, RM_DIR_RESPONSE, sink);
	while ((w = rm_waiting_oldest(&s->queue, sink)) != NULL) {
		struct rm_waiting was = *w;

		rm_waiting_pop(&s->queue, sink);
		if (was.kind <= RM_MYSQL_FETCH)
			sink->on->broken(sink, was.x, why);
	}
}

/* end() tells of what was under way, and that it is lost. */
static int mute(struct rm_mysql *s)
{
	s->phase = RM_MYSQL_MUTED;
	return RM_FEED_MUTE;
}

/* Frames that cannot be read hold what was asked, which is a lost exchange: so it is counted. */
static void lose(struct rm_mysql *s, enum rm_dir dir, struct rm_sink *sink, void *conn)
{
	static const struct rm_sql nothing;

	if (dir != RM_DIR_REQUEST || s->asking || s->queue.count)
		return;
	s->x = sink->on->request(sink, conn);
	s->asking = true;
	ask(s, sink, &nothing, nothing.query);
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_str bytes = { (const char *)p, n };
	struct rm_mysql *s = state;
	size_t at = 0;

	if (s->phase == RM_MYSQL_MUTED)
		return mute(s);
	if (!s->packed) {
		if (!(dir == RM_DIR_REQUEST ? requests(s, bytes, sink, conn, &at) : answers(s, bytes, sink, &at)))
			return mute(s);
		if (!s->packed)
			return (int64_t)at;
	}
	if (rm_mysql_unpack(s, dir, rm_str_behind(bytes, at), sink, conn))
		return (int64_t)n;
	lose(s, dir, sink, conn);
	return mute(s);
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct rm_mysql *s = state;

	(void)sink, (void)conn;
	if (s->phase == RM_MYSQL_MUTED)
		return mute(s);
	return n == 0 || (!s->packed && rm_frame_skip(&s->way[dir].frame, n)) ? 0 : mute(s);
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct rm_mysql *s = state;

	(void)conn;
	take_back(s, sink);
	if (reset || dir == RM_DIR_RESPONSE)
		break_all(s, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	const struct rm_mysql *s = state;
	const struct rm_frame *f = &s->way[RM_DIR_REQUEST].frame;

	return !s->packed && rm_frame_rest(f) && !f->kept ? f->left : 0;
}

static enum rm_sniff join(void *state, const uint8_t *p, size_t n)
{
	return rm_mysql_join(state, p, n);
}

const struct rm_proto rm_proto_mysql = {
	.name = "mysql",
	.help = "MySQL and MariaDB: what clients ask",
	.client_only = true,
	.state_bytes = sizeof(struct rm_mysql),
	.sniff = sniff,
	.greets = rm_mysql_greets,
	.open = mysql_open,
	.join = join,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
