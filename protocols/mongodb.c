/*
 * The protocol of MongoDB: one exchange for each command of OP_MSG, and of OP_QUERY where it carries one. A command is
 * the first field of its document; its name, collection and database are told, values never. What
 * authenticates and what drivers ask to know the server by (hello) are no exchanges.
 *
 * An answer names the message that it answers. They come in the order of the commands, which `queue` holds; one that has
 * more to come is answered by further messages, each of which names the one before. A command that says that
 * more is to come after it has no answer.
 *
 * A compressed message is read as the one in it. A connection is known from its first message, which drivers send by itself and
 * never compress, or not at all. Left alone: what zstd compressed, with the first such message, the messages of servers
 * before 3.6, and what breaks the rules.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: MongoDB, "Wire Protocol"; the driver specifications, "OP_MSG" and "Wire Compression".
 */
#include <string.h>

#include "base/strbuf.h"
#include "protocols/bson.h"
#include "protocols/frame.h"
#include "protocols/mongodb_packed.h"
#include "protocols/waiting.h"

enum opcode { REPLY = 1, QUERY = 2004, COMPRESSED = 2012, MSG = 2013 };
enum { CHECKSUM = 1, MORE_TO_COME = 2, EXHAUST_ALLOWED = 1 << 16 }; /* flags */

/* What waits for an answer. */
enum kind { COMMAND = 1, UNTOLD };

enum {
	HEAD_BYTES = 16,
	FLAG_BYTES = 4,
	ASKED_BYTES = 16384,   /* how much is read of a command ... */
	ANSWER_BYTES = 4096,   /* ... and of what is answered */
	MESSAGE_MAX_BYTES = 48 << 20,
	ID_MASK = 0x7fffff,    /* of a message's number, as much as is remembered */
	NAME_BYTES = 255,
	PORT = 27017,
};

struct mongodb {
	struct rm_frame way[2]; /* by enum rm_dir */
	struct rm_waiting_queue queue;
	rm_xid x;          /* whose request is on its way, up to its last byte */
	bool asking;       /* it was not told of */
	bool silent;       /* nor will it be answered */
	bool streams;      /* the oldest has had an answer, and this is the next one's number: */
	uint32_t streamed;
	bool muted;
};

_Static_assert(sizeof(struct mongodb) <= RM_CONN_STATE_BYTES, "as any protocol");

/* What a command is: about nothing that is told, about the collection that is its value, or not to be told of. */
enum about { NOTHING, COLLECTION, UNTOLD_OF };

struct command {
	char name[24];
	uint8_t about; /* enum about */
};

static const struct command commands[] = {
	{ "find", COLLECTION }, { "insert", COLLECTION }, { "update", COLLECTION },
	{ "delete", COLLECTION }, { "aggregate", COLLECTION }, { "getMore", NOTHING },
	{ "findAndModify", COLLECTION }, { "findandmodify", COLLECTION }, { "count", COLLECTION },
	{ "distinct", COLLECTION }, { "bulkWrite", NOTHING }, { "killCursors", COLLECTION },
	{ "mapReduce", COLLECTION }, { "mapreduce", COLLECTION }, { "create", COLLECTION },
	{ "drop", COLLECTION }, { "createIndexes", COLLECTION }, { "dropIndexes", COLLECTION },
	{ "listIndexes", COLLECTION }, { "listCollections", NOTHING },
	{ "listDatabases", NOTHING }, { "dropDatabase", NOTHING }, { "renameCollection", NOTHING },
	{ "collMod", COLLECTION }, { "collStats", COLLECTION }, { "validate", COLLECTION },
	{ "compact", COLLECTION }, { "reIndex", COLLECTION },
	{ "createSearchIndexes", COLLECTION }, { "dropSearchIndex", COLLECTION },
	{ "updateSearchIndex", COLLECTION }, { "commitTransaction", NOTHING },
	{ "abortTransaction", NOTHING }, { "startSession", NOTHING }, { "endSessions", NOTHING },
	{ "refreshSessions", NOTHING }, { "killSessions", NOTHING }, { "ping", NOTHING },
	{ "buildInfo", NOTHING }, { "buildinfo", NOTHING }, { "serverStatus", NOTHING },
	{ "dbStats", NOTHING }, { "dbstats", NOTHING }, { "explain", NOTHING },
	{ "getLastError", NOTHING }, { "getlasterror", NOTHING }, { "getParameter", NOTHING },
	{ "setParameter", NOTHING }, { "hostInfo", NOTHING }, { "connectionStatus", NOTHING },
	{ "currentOp", NOTHING }, { "killOp", NOTHING }, { "fsync", NOTHING },
	{ "profile", NOTHING }, { "top", NOTHING }, { "whatsmyuri", NOTHING },
	{ "createUser", NOTHING }, { "updateUser", NOTHING }, { "dropUser", NOTHING },
	{ "usersInfo", NOTHING }, { "grantRolesToUser", NOTHING },
	{ "revokeRolesFromUser", NOTHING }, { "createRole", NOTHING }, { "dropRole", NOTHING },
	{ "rolesInfo", NOTHING }, { "replSetGetStatus", NOTHING }, { "logout", NOTHING },
	{ "hello", UNTOLD_OF }, { "isMaster", UNTOLD_OF }, { "ismaster", UNTOLD_OF },
	{ "saslStart", UNTOLD_OF }, { "saslContinue", UNTOLD_OF }, { "authenticate", UNTOLD_OF },
	{ "getnonce", UNTOLD_OF },
};

/* ---- recognising ---- */

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	static const char admin[] = "admin.$cmd";
	uint32_t code;

	/* A message that answers nothing; what follows is a command's document. */
	if (n < HEAD_BYTES + FLAG_BYTES + 6 || rm_le32(p) != n || rm_le32(p + 8) != 0)
		return RM_SNIFF_NO;
	code = rm_le32(p + 12);
	p += HEAD_BYTES;
	n -= HEAD_BYTES;
	if (code == QUERY)
		return n > FLAG_BYTES + sizeof(admin) && memcmp(p + FLAG_BYTES, admin, sizeof(admin)) == 0 ?
			       RM_SNIFF_YES : RM_SNIFF_NO;
	return code == MSG && (rm_le32(p) & ~(uint32_t)(CHECKSUM | MORE_TO_COME | EXHAUST_ALLOWED)) == 0 &&
	       p[FLAG_BYTES] == 0 && rm_le32(p + FLAG_BYTES + 1) < n ? RM_SNIFF_YES : RM_SNIFF_NO;
}

static void mongodb_open(void *state, enum rm_role role)
{
	struct mongodb *s = state;

	(void)role;
	s->way[RM_DIR_REQUEST].head_bytes = HEAD_BYTES;
	s->way[RM_DIR_RESPONSE].head_bytes = HEAD_BYTES;
}

static uint32_t id_of(const struct rm_frame *f)
{
	return rm_le32(f->head + 4);
}

static uint32_t answers_to(const struct rm_frame *f)
{
	return rm_le32(f->head + 8);
}

static uint32_t opcode(const struct rm_frame *f)
{
	return rm_le32(f->head + 12);
}

/* What is read of a message: the beginning of one that may have been compressed. */
struct message {
	uint32_t code; /* enum opcode; COMPRESSED: nobody can tell */
	struct rm_str text;
};

static struct message unpacked(const struct rm_frame *f, struct rm_str text, uint32_t most, struct rm_sink *sink)
{
	struct message m = { opcode(f), text };

	if (m.code == COMPRESSED &&
	    (!rm_mongodb_unpack(sink, rm_le32(f->head) - HEAD_BYTES, most, &m.text, &m.code) || m.text.n < FLAG_BYTES))
		m.code = COMPRESSED;
	return m;
}

/* The head of a message. False: it is none. */
static bool read_head(struct rm_frame *f, uint32_t most)
{
	uint32_t length = rm_le32(f->head);

	if (length < HEAD_BYTES + FLAG_BYTES || length > MESSAGE_MAX_BYTES)
		return false;
	rm_frame_body(f, length - HEAD_BYTES, most);
	return true;
}

/* ---- requests ---- */

/* The document of an OP_MSG: the section of kind 0. Empty: it is not here. */
static struct rm_str document_of(struct rm_str text)
{
	for (text = rm_str_behind(text, FLAG_BYTES); text.n > 5; ) {
		uint32_t n = rm_le32(text.p + 1);

		if (text.p[0] == 0)
			return rm_str_behind(text, 1);
		if (text.p[0] != 1 || n < 4 || n >= text.n)
			break;
		text = rm_str_behind(text, 1 + (size_t)n);
	}
	return (struct rm_str){ 0 };
}

static const struct command *find_command(struct rm_str name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (rm_str_eq(name, RM_STR_OF(commands[i].name)))
			return &commands[i];
	return NULL;
}

/* Names only: what is longer than names may be is not shown. */
static struct rm_str name_in(const struct rm_bson_element *e)
{
	return e->type == RM_BSON_STRING && e->value.n <= NAME_BYTES ? e->value : (struct rm_str){ 0 };
}

/* A command's document. False: it is not told of. */
static bool read_command(struct rm_str document, struct rm_operation *op)
{
	const struct command *command;
	struct rm_bson_element e;
	struct rm_str rest;

	if (!rm_bson_open(document, &rest) || !rm_bson_next(&rest, &e))
		return true;
	command = find_command(e.name);
	op->name = rm_str_c(command ? command->name : "");
	if (command && command->about == COLLECTION)
		op->collection = name_in(&e);
	while (rm_bson_next(&rest, &e)) {
		if (rm_str_eq(e.name, RM_STR("$db")))
			op->space = name_in(&e);
		else if (rm_str_eq(e.name, RM_STR("collection")) && rm_str_eq(op->name, RM_STR("getMore")))
			op->collection = name_in(&e);
	}
	return !command || command->about != UNTOLD_OF;
}

/* "shop.$cmd", then numbers, then the document. False: the message is of an old kind. */
static bool read_query(struct rm_str text, struct rm_operation *op, bool *ret_told)
{
	static const char suffix[] = ".$cmd";
	size_t n = sizeof(suffix) - 1;
	struct rm_str name;

	text = rm_str_behind(text, FLAG_BYTES);
	name = rm_str_cut(&text, '\0');
	if (name.n <= n || memcmp(name.p + name.n - n, suffix, n) != 0)
		return false;
	op->space = (struct rm_str){ name.p, name.n - n };
	*ret_told = read_command(rm_str_behind(text, 8), op);
	return true;
}

static bool wait_for(struct mongodb *s, struct rm_sink *sink, enum kind kind)
{
	struct rm_waiting w = { .x = s->x, .kind = kind, .n = (id_of(&s->way[RM_DIR_REQUEST]) & ID_MASK) + 1 };

	if (!rm_waiting_add(&s->queue, sink, &w))
		return false;
	s->asking = false;
	return true;
}

/* What is wanted of a message is here. False: the connection is left alone. */
static bool request_text(struct mongodb *s, struct rm_sink *sink, struct rm_str text, void *conn)
{
	struct message m = unpacked(&s->way[RM_DIR_REQUEST], text, ASKED_BYTES, sink);
	struct rm_operation op = { .system = RM_STR("mongodb"), .port = PORT };
	bool told = true;

	if (m.code == QUERY) {
		if (!read_query(m.text, &op, &told))
			return false;
	} else if (m.code == MSG) {
		told = read_command(document_of(m.text), &op);
	} else if (m.code != COMPRESSED) {
		return false;
	}
	s->silent = m.code == MSG && rm_le32(m.text.p) & MORE_TO_COME;
	s->asking = told;
	s->x = told ? sink->on->request(sink, conn) : 0;
	if (!told)
		return s->silent || wait_for(s, sink, UNTOLD);
	if (!s->silent && !wait_for(s, sink, COMMAND))
		return false;
	s->asking = false;
	sink->on->operation(sink, s->x, &op);
	/* Which is lost then, and counted so. */
	return m.code != COMPRESSED;
}

static void tell(struct mongodb *s, struct rm_sink *sink, rm_xid x, const struct rm_outcome *outcome)
{
	/* Before its last byte was sent, even: that is told to nobody then. */
	s->x = s->x == x ? 0 : s->x;
	sink->on->response(sink, x);
	sink->on->outcome(sink, x, outcome);
	sink->on->response_end(sink, x, 0);
}

static void request_over(struct mongodb *s, struct rm_sink *sink)
{
	static const struct rm_outcome sent;

	if (s->x) {
		sink->on->request_end(sink, s->x, 0);
		if (s->silent)
			tell(s, sink, s->x, &sent);
	}
	s->x = 0;
	s->silent = false;
}

static bool requests(struct mongodb *s, struct rm_str bytes, struct rm_sink *sink, void *conn)
{
	struct rm_frame *f = &s->way[RM_DIR_REQUEST];
	struct rm_str text;
	size_t at = 0;

	for (;;) {
		bool ok = true;

		switch (rm_frame_next(f, RM_DIR_REQUEST, bytes, &at, sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			ok = read_head(f, ASKED_BYTES);
			break;
		case RM_FRAME_TEXT:
			ok = request_text(s, sink, text, conn);
			break;
		case RM_FRAME_OVER:
			request_over(s, sink);
			break;
		case RM_FRAME_BAD:
			return false;
		}
		if (!ok)
			return false;
	}
}

/* ---- answers ---- */

/* The code in a document, or in the first document of an array of them. */
static int64_t code_in(const struct rm_bson_element *in)
{
	struct rm_bson_element e;
	struct rm_str rest;

	if (!rm_bson_open(in->value, &rest))
		return 0;
	while (rm_bson_next(&rest, &e)) {
		if (in->type == RM_BSON_ARRAY)
			return e.type == RM_BSON_DOCUMENT ? code_in(&e) : 0;
		if (rm_str_eq(e.name, RM_STR("code")))
			return rm_bson_number(&e);
	}
	return 0;
}

/* Did it fail? Whoever fails says so first. *ret_code is 0 where there is none. */
static bool read_answer(struct rm_str document, int64_t *ret_code)
{
	struct rm_bson_element e;
	bool failed = false;
	struct rm_str rest;

	*ret_code = 0;
	if (!rm_bson_open(document, &rest))
		return false;
	while (rm_bson_next(&rest, &e)) {
		if (rm_str_eq(e.name, RM_STR("ok"))) {
			failed = failed || rm_bson_number(&e) == 0;
		} else if (rm_str_eq(e.name, RM_STR("code"))) {
			*ret_code = rm_bson_number(&e);
		} else if (rm_str_eq(e.name, RM_STR("writeErrors")) || rm_str_eq(e.name, RM_STR("writeConcernError"))) {
			failed = true;
			*ret_code = *ret_code ? *ret_code : code_in(&e);
		}
	}
	return failed;
}

static void answered(struct mongodb *s, struct rm_sink *sink, rm_xid x, const struct message *m)
{
	struct rm_outcome outcome = { 0 };
	struct rm_strbuf code;
	char room[24];
	int64_t number = 0;

	outcome.failed = read_answer(m->code == MSG ? document_of(m->text) : rm_str_behind(m->text, FLAG_BYTES + 8 + 4 + 4), &number);
	rm_strbuf_init(&code, room, sizeof(room));
	if (outcome.failed && number > 0)
		rm_strbuf_u64(&code, (uint64_t)number);
	outcome.status = rm_strbuf_view(&code);
	tell(s, sink, x, &outcome);
}

/* False: the connection is left alone. */
static bool answer_text(struct mongodb *s, struct rm_sink *sink, struct rm_str text)
{
	const struct rm_frame *f = &s->way[RM_DIR_RESPONSE];
	const struct rm_waiting *w = rm_waiting_oldest(&s->queue, sink);
	struct message m = unpacked(f, text, ANSWER_BYTES, sink);
	struct rm_waiting was;

	if ((m.code != MSG && m.code != REPLY) || !w)
		return false;
	if (s->streams ? answers_to(f) != s->streamed : (answers_to(f) & ID_MASK) + 1 != w->n)
		return false;
	s->streams = m.code == MSG && rm_le32(m.text.p) & MORE_TO_COME;
	s->streamed = id_of(f);
	if (s->streams)
		return true;
	was = *w;
	rm_waiting_pop(&s->queue, sink);
	if (was.kind == COMMAND)
		answered(s, sink, was.x, &m);
	return true;
}

static bool answers(struct mongodb *s, struct rm_str bytes, struct rm_sink *sink)
{
	struct rm_frame *f = &s->way[RM_DIR_RESPONSE];
	struct rm_str text;
	size_t at = 0;

	for (;;) {
		switch (rm_frame_next(f, RM_DIR_RESPONSE, bytes, &at, sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			if (!read_head(f, ANSWER_BYTES))
				return false;
			break;
		case RM_FRAME_TEXT:
			if (!answer_text(s, sink, text))
				return false;
			break;
		case RM_FRAME_OVER:
			break;
		case RM_FRAME_BAD:
			return false;
		}
	}
}

/* ---- the connection ---- */

/* A request that is not whole never was one; one without an answer is nothing more than sent. */
static void take_back(struct mongodb *s, struct rm_sink *sink)
{
	rm_frame_forget(&s->way[RM_DIR_REQUEST], RM_DIR_REQUEST, sink);
	if (s->asking)
		sink->on->broken(sink, s->x, RM_STR(""));
	else if (s->silent && s->x)
		sink->on->broken(sink, s->x, RM_STR("connection_closed"));
	s->asking = s->silent = false;
	s->x = 0;
}

static void break_all(struct mongodb *s, struct rm_sink *sink, struct rm_str why)
{
	const struct rm_waiting *w;

	rm_frame_forget(&s->way[RM_DIR_RESPONSE], RM_DIR_RESPONSE, sink);
	while ((w = rm_waiting_oldest(&s->queue, sink)) != NULL) {
		struct rm_waiting was = *w;

		rm_waiting_pop(&s->queue, sink);
		if (was.kind == COMMAND)
			sink->on->broken(sink, was.x, why);
	}
}

/* end() tells of what was under way, and that it is lost. */
static int mute(struct mongodb *s)
{
	s->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_str bytes = { (const char *)p, n };
	struct mongodb *s = state;
	bool ok;

	if (s->muted)
		return mute(s);
	ok = dir == RM_DIR_REQUEST ? requests(s, bytes, sink, conn) : answers(s, bytes, sink);
	return ok ? (int64_t)n : mute(s);
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct mongodb *s = state;

	(void)sink, (void)conn;
	if (s->muted)
		return RM_FEED_MUTE;
	return n == 0 || rm_frame_skip(&s->way[dir], n) ? 0 : mute(s);
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct mongodb *s = state;

	(void)conn;
	take_back(s, sink);
	if (reset || dir == RM_DIR_RESPONSE)
		break_all(s, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	const struct rm_frame *f = &((const struct mongodb *)state)->way[RM_DIR_REQUEST];

	return rm_frame_rest(f) && !f->kept ? f->left : 0;
}

const struct rm_proto rm_proto_mongodb = {
	.name = "mongodb",
	.help = "MongoDB, OP_MSG: what clients ask",
	.client_only = true,
	.state_bytes = sizeof(struct mongodb),
	.sniff = sniff,
	.open = mongodb_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
