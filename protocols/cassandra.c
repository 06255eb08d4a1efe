/*
 * Cassandra's native protocol, versions 3 to 5 (also spoken by ScyllaDB): one exchange for each query, each execution of what was
 * prepared, and each batch. Starting, logging in, preparing, registering and OPTIONS, with which drivers try whether a
 * connection lives, are none. Texts are made harmless by sqltext.c, what was prepared is remembered in prepared.c by the
 * id that the server gives it. Values and rows are stepped over.
 *
 * A message names its stream, and the answer the same one: many are under way at once, in a table of the connection.
 *
 * Requests and answers: MESSAGES --STARTUP of version 5 is answered--> SEGMENTS, in which messages are packed.
 *
 * A connection is known from its first message. Left alone: segments that are compressed, with the start; more under way
 * than the table holds; an answer that nobody asked for; other versions. Of a message of version 3 or 4 that is compressed no
 * text is known.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: Apache Cassandra, native_protocol_v3.spec, native_protocol_v4.spec, native_protocol_v5.spec.
 */
#include <string.h>

#include "protocols/cql_body.h"
#include "protocols/cql_segment.h"
#include "protocols/frame.h"
#include "protocols/prepared.h"

enum opcode {
	ERROR = 0x00, STARTUP = 0x01, READY = 0x02, AUTHENTICATE = 0x03, OPTIONS = 0x05, SUPPORTED = 0x06, QUERY = 0x07, RESULT = 0x08,
	PREPARE = 0x09, EXECUTE = 0x0a, REGISTER = 0x0b, EVENT = 0x0c, BATCH = 0x0d, AUTH_CHALLENGE = 0x0e,
	AUTH_RESPONSE = 0x0f, AUTH_SUCCESS = 0x10,
};

enum flag { COMPRESSED = 1, TRACING = 2, PAYLOAD = 4, WARNING = 8, BETA = 16 };

/* Kinds of a RESULT. */
enum { SET_KEYSPACE = 3, PREPARED = 4 };

/* Of the queries of a batch. */
enum { BY_TEXT, BY_ID };

enum {
	HEAD_BYTES = 9,
	ANSWERS = 0x80,        /* in the version: the message is one */
	QUERY_BYTES = 4096,    /* how much is read of a text, or of a batch, ... */
	ID_BYTES = 2 + RM_PREPARED_NAME_BYTES,
	START_BYTES = 1024,
	ANSWER_BYTES = 128,    /* ... and of what is answered; with warnings and the like: */
	LONG_ANSWER_BYTES = 4096,
	MESSAGE_MAX_BYTES = 256 << 20,
	KEYSPACE_BYTES = 48,
	KEY_BYTES = 16,        /* of the ids of all servers */
	FLIGHTS_FIRST = 64,
	FLIGHTS_MAX = 4096,
	CODE_BYTES = 6,
	PORT = 9042,
};

/* What is under way. */
struct flight {
	rm_xid x;
	uint16_t stream;
	uint8_t opcode;
};

struct cassandra {
	struct rm_frame way[2];            /* by enum rm_dir */
	struct rm_cql_segment segment[2];
	struct rm_prepared table;
	uint16_t flights, cap;
	bool muted, segments, compresses;
	rm_xid x;                          /* whose request is on its way, up to its last byte */
	struct flight answered;            /* who gets the answer that is on its way ... */
	bool failed;
	char code[CODE_BYTES];             /* ... and its error */
	uint8_t code_n, space_n;
	char space[KEYSPACE_BYTES];
};

_Static_assert(sizeof(struct cassandra) <= RM_CONN_STATE_BYTES, "as any protocol");

struct shown {
	char query[QUERY_BYTES + 1];
	char summary[RM_SQL_SUMMARY_BYTES + 1];
};

struct feed {
	struct cassandra *s;
	struct rm_sink *sink;
	void *conn;
};

static bool is_version(uint8_t version)
{
	return version >= 3 && version <= 5;
}

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	struct rm_str body;

	/* It is sent in one piece, and nothing behind it. */
	if (n < HEAD_BYTES || !is_version(p[0]) || p[1] & ~(PAYLOAD | BETA) || p[2] & 0x80 || rm_be32(p + 5) != n - HEAD_BYTES)
		return RM_SNIFF_NO;
	body = (struct rm_str){ (const char *)p + HEAD_BYTES, n - HEAD_BYTES };
	if (p[4] == OPTIONS)
		return n == HEAD_BYTES ? RM_SNIFF_YES : RM_SNIFF_NO;
	return p[4] == STARTUP && body.n > 2 && body.p[0] == 0 && rm_cql_map_has(body, RM_STR("CQL_VERSION")) ? RM_SNIFF_YES : RM_SNIFF_NO;
}

static void cassandra_open(void *state, enum rm_role role)
{
	struct cassandra *s = state;

	(void)role;
	s->way[RM_DIR_REQUEST].head_bytes = HEAD_BYTES;
	s->way[RM_DIR_RESPONSE].head_bytes = HEAD_BYTES;
}

static uint8_t flags_of(const struct rm_frame *f)
{
	return f->head[1];
}

static uint16_t stream_of(const struct rm_frame *f)
{
	return rm_be16(f->head + 2);
}

static uint8_t opcode_of(const struct rm_frame *f)
{
	return f->head[4];
}

/* ---- what is under way ---- */

static struct flight *flights(struct feed *f, uint16_t cap)
{
	return cap ? (void *)f->sink->on->stash(f->sink, RM_STASH_STREAMS, cap * (uint32_t)sizeof(struct flight)) : NULL;
}

/* Which one has the stream; s->flights: none. */
static uint16_t find(struct feed *f, uint16_t stream)
{
	const struct flight *all = flights(f, f->s->cap);
	uint16_t i = 0;

	while (all && i < f->s->flights && all[i].stream != stream)
		i++;
	return all ? i : f->s->flights;
}

/* False: the stream is taken, or the limit is reached. */
static bool take_off(struct feed *f, const struct flight *flight)
{
	struct cassandra *s = f->s;
	struct flight *all;

	if (find(f, flight->stream) != s->flights)
		return false;
	if (s->flights == s->cap) {
		uint16_t cap = s->cap ? (uint16_t)(2 * s->cap) : FLIGHTS_FIRST;

		if (cap > FLIGHTS_MAX || !flights(f, cap))
			return false;
		s->cap = cap;
	}
	all = flights(f, s->cap);
	if (!all)
		return false;
	all[s->flights++] = *flight;
	return true;
}

static struct flight land(struct feed *f, uint16_t i)
{
	struct flight *all = flights(f, f->s->cap);
	struct flight was = all[i];

	all[i] = all[--f->s->flights];
	if (f->s->x == was.x)
		f->s->x = 0;
	return was;
}

/* ---- requests ---- */

static void read_text(struct feed *f, struct rm_str text, struct rm_sql *ret)
{
	struct shown *room = f->sink->on->scratch(f->sink, sizeof(*room));

	*ret = (struct rm_sql){ 0 };
	if (text.n >= QUERY_BYTES) {
		/* The first half of a UUID looks like a name: no word is cut. */
		text.n = QUERY_BYTES;
		while (text.n && text.p[text.n - 1] != ' ')
			text.n--;
	}
	if (room)
		rm_sql_read(RM_SQL_CQL, text, room->query, room->summary, ret);
}

static void read_execute(struct feed *f, struct rm_str body, struct rm_sql *ret)
{
	struct rm_str id;

	if (rm_cql_string(&body, &id))
		rm_prepared_statement(&f->s->table, f->sink, id, ret);
}

/* How many queries it has, and the one if there is one. */
static uint32_t read_batch(struct feed *f, struct rm_str body, struct rm_sql *ret)
{
	struct rm_str text;
	uint8_t type, kind;
	uint32_t n = 0;

	if (!rm_cql_byte(&body, &type) || !rm_cql_short(&body, &n) || n != 1 || !rm_cql_byte(&body, &kind))
		return n;
	if (kind == BY_ID)
		read_execute(f, body, ret);
	else if (kind == BY_TEXT && rm_cql_text(&body, &text))
		read_text(f, text, ret);
	return n;
}

/* Before its id is known, what is prepared is remembered by its stream, under a name as long. */
static struct rm_str pending(const struct rm_frame *frame, char room[KEY_BYTES])
{
	memset(room, 0, KEY_BYTES);
	memcpy(room, frame->head + 2, 2);
	return (struct rm_str){ room, KEY_BYTES };
}

static void prepare(struct feed *f, struct rm_str body)
{
	struct cassandra *s = f->s;
	struct rm_str text, name;
	char room[KEY_BYTES];
	struct rm_sql sql;

	name = pending(&s->way[RM_DIR_REQUEST], room);
	rm_prepared_close(&s->table, f->sink, RM_PREPARED_STATEMENT, name);
	if (!rm_cql_text(&body, &text))
		return;
	read_text(f, text, &sql);
	rm_prepared_add(&s->table, f->sink, name, &sql);
}

static void tell(struct feed *f, uint8_t opcode, struct rm_str body)
{
	const struct cassandra *s = f->s;
	struct rm_operation op = { .system = RM_STR("cassandra"), .port = PORT, .space = { s->space, s->space_n } };
	struct rm_sql sql = { 0 };
	struct rm_str text;

	if (!f->sink->on->shows(f->sink, s->x)) {
		/* only its end is of interest */
	} else if (opcode == BATCH) {
		op.batch = read_batch(f, body, &sql);
		if (op.batch != 1)
			op.summary = op.name = RM_STR("BATCH");
	} else if (opcode == EXECUTE) {
		read_execute(f, body, &sql);
	} else if (rm_cql_text(&body, &text)) {
		read_text(f, text, &sql);
	}
	if (!op.name.n) {
		op.name = sql.operation;
		op.summary = sql.summary;
		op.collection = sql.collection;
		op.query = sql.query;
	}
	f->sink->on->operation(f->sink, s->x, &op);
}

static bool is_told(uint8_t opcode)
{
	return opcode == QUERY || opcode == EXECUTE || opcode == BATCH;
}

/* The head of a message. False: it is none. */
static bool read_head(struct rm_frame *f, uint8_t direction, uint32_t most)
{
	uint32_t n = rm_be32(f->head + 5);

	if (!is_version((uint8_t)(f->head[0] ^ direction)) || n > MESSAGE_MAX_BYTES || flags_of(f) & ~(COMPRESSED | TRACING | PAYLOAD | WARNING | BETA))
		return false;
	rm_frame_body(f, n, most);
	return true;
}

static uint32_t wanted(const struct rm_frame *f)
{
	uint32_t more = flags_of(f) & PAYLOAD ? START_BYTES : 0;

	switch (opcode_of(f)) {
	case QUERY:
	case PREPARE:
	case BATCH:
		return QUERY_BYTES + 4 + more;
	case EXECUTE:
		return ID_BYTES + more;
	case STARTUP:
		return START_BYTES + more;
	}
	return 0;
}

/* What is wanted of it is here. False: the connection is left alone. */
static bool request_text(struct feed *f, struct rm_str body)
{
	struct cassandra *s = f->s;
	const struct rm_frame *frame = &s->way[RM_DIR_REQUEST];
	struct flight flight = { .stream = stream_of(frame), .opcode = opcode_of(frame) };

	if (flags_of(frame) & COMPRESSED || (flags_of(frame) & PAYLOAD && !rm_cql_skip_payload(&body)))
		body.n = 0;
	if (flight.opcode == STARTUP)
		s->compresses = rm_cql_map_has(body, RM_STR("COMPRESSION"));
	if (is_told(flight.opcode))
		flight.x = f->sink->on->request(f->sink, f->conn);
	if (!take_off(f, &flight)) {
		if (is_told(flight.opcode))
			f->sink->on->broken(f->sink, flight.x, RM_STR(""));
		return false;
	}
	s->x = flight.x;
	if (is_told(flight.opcode))
		tell(f, flight.opcode, body);
	else if (flight.opcode == PREPARE)
		prepare(f, body);
	return true;
}

static bool requests(struct feed *f, struct rm_str bytes)
{
	struct rm_frame *frame = &f->s->way[RM_DIR_REQUEST];
	struct rm_str text;
	size_t at = 0;

	for (;;) {
		bool ok = true;

		switch (rm_frame_next(frame, RM_DIR_REQUEST, bytes, &at, f->sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			ok = read_head(frame, 0, wanted(frame));
			break;
		case RM_FRAME_TEXT:
			ok = request_text(f, text);
			break;
		case RM_FRAME_OVER:
			if (f->s->x)
				f->sink->on->request_end(f->sink, f->s->x, 0);
			f->s->x = 0;
			break;
		case RM_FRAME_BAD:
			return false;
		}
		if (!ok)
			return false;
	}
}

/* ---- answers ---- */

/* What stands before the answer's own. False: more than is here. */
static bool skip_extras(const struct rm_frame *frame, struct rm_str *body)
{
	if (flags_of(frame) & COMPRESSED)
		return false;
	if (flags_of(frame) & TRACING) {
		if (body->n < 16)
			return false;
		*body = (struct rm_str){ body->p + 16, body->n - 16 };
	}
	return (!(flags_of(frame) & WARNING) || rm_cql_skip_strings(body)) && (!(flags_of(frame) & PAYLOAD) || rm_cql_skip_payload(body));
}

/* The code of an error, "0x2200". */
static void read_error(struct cassandra *s, struct rm_str body)
{
	uint8_t bytes[2];
	uint32_t code;

	if (!rm_cql_int(&body, &code) || code > 0xffff)
		return;
	bytes[0] = (uint8_t)(code >> 8);
	bytes[1] = (uint8_t)code;
	memcpy(s->code, "0x", 2);
	rm_hex_encode(bytes, sizeof(bytes), s->code + 2);
	s->code_n = CODE_BYTES;
}

static void read_result(struct feed *f, struct rm_str body)
{
	struct cassandra *s = f->s;
	struct rm_str name;
	char room[KEY_BYTES];
	uint32_t kind;

	if (!rm_cql_int(&body, &kind) || (kind != SET_KEYSPACE && kind != PREPARED))
		return;
	if (!rm_cql_string(&body, &name))
		name.n = 0;
	if (kind == SET_KEYSPACE) {
		s->space_n = (uint8_t)(name.n <= KEYSPACE_BYTES ? name.n : 0);
		if (s->space_n)
			memcpy(s->space, name.p, s->space_n);
	} else if (s->answered.opcode == PREPARE && name.n == KEY_BYTES) {
		rm_prepared_rename(&s->table, f->sink, pending(&s->way[RM_DIR_RESPONSE], room), name);
	}
}

/* What is wanted of it is here. False: the connection is left alone. */
static bool answer_text(struct feed *f, struct rm_str body)
{
	struct cassandra *s = f->s;
	const struct rm_frame *frame = &s->way[RM_DIR_RESPONSE];
	uint8_t opcode = opcode_of(frame);
	uint16_t i;

	s->answered = (struct flight){ 0 };
	s->failed = opcode == ERROR;
	s->code_n = 0;
	if (opcode == EVENT)
		return true;
	i = find(f, stream_of(frame));
	if (i == s->flights)
		return false;
	s->answered = land(f, i);
	if (!skip_extras(frame, &body)) {
		/* It may have been the answer to USE. */
		s->space_n = opcode == RESULT ? 0 : s->space_n;
		return true;
	}
	if (opcode == ERROR)
		read_error(s, body);
	else if (opcode == RESULT)
		read_result(f, body);
	return true;
}

/* Its last byte is here. False: the connection is left alone. */
static bool answer_over(struct feed *f)
{
	struct cassandra *s = f->s;
	uint8_t opcode = opcode_of(&s->way[RM_DIR_RESPONSE]);
	struct rm_outcome outcome = { .failed = s->failed, .status = { s->code, s->failed ? s->code_n : 0 } };

	if (is_told(s->answered.opcode) && s->answered.x) {
		f->sink->on->response(f->sink, s->answered.x);
		f->sink->on->outcome(f->sink, s->answered.x, &outcome);
		f->sink->on->response_end(f->sink, s->answered.x, 0);
	}
	if (s->answered.opcode == STARTUP && (opcode == READY || opcode == AUTHENTICATE))
		s->segments = (s->way[RM_DIR_RESPONSE].head[0] & ~ANSWERS) == 5;
	s->answered = (struct flight){ 0 };
	return !s->segments || !s->compresses;
}

static bool answers(struct feed *f, struct rm_str bytes, size_t *at)
{
	struct rm_frame *frame = &f->s->way[RM_DIR_RESPONSE];
	bool segments = f->s->segments;
	struct rm_str text;

	/* Behind the answer to STARTUP the bytes are segments. */
	while (f->s->segments == segments) {
		bool ok = true, more = flags_of(frame) & (TRACING | WARNING | PAYLOAD);

		switch (rm_frame_next(frame, RM_DIR_RESPONSE, bytes, at, f->sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			more = flags_of(frame) & (TRACING | WARNING | PAYLOAD);
			ok = read_head(frame, ANSWERS, more ? LONG_ANSWER_BYTES : ANSWER_BYTES);
			break;
		case RM_FRAME_TEXT:
			ok = answer_text(f, text);
			break;
		case RM_FRAME_OVER:
			ok = answer_over(f);
			break;
		case RM_FRAME_BAD:
			return false;
		}
		if (!ok)
			return false;
	}
	return true;
}

/* ---- the connection ---- */

static bool packed(struct feed *f, enum rm_dir dir, struct rm_str bytes, size_t at)
{
	struct rm_str payload;

	for (;;) {
		enum rm_cql_segment_step step = rm_cql_segment_next(&f->s->segment[dir], bytes, &at, &payload);
		size_t from = 0;

		if (step != RM_CQL_SEGMENT_PAYLOAD)
			return step == RM_CQL_SEGMENT_MORE;
		if (dir == RM_DIR_REQUEST ? !requests(f, payload) : !answers(f, payload, &from))
			return false;
	}
}

static bool received(struct feed *f, struct rm_str bytes)
{
	size_t at = 0;

	if (!f->s->segments && !answers(f, bytes, &at))
		return false;
	return !f->s->segments || packed(f, RM_DIR_RESPONSE, bytes, at);
}

/* end() tells of what was under way, and that it is lost. */
static int mute(struct cassandra *s)
{
	s->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_str bytes = { (const char *)p, n };
	struct cassandra *s = state;
	struct feed f = { s, sink, conn };
	bool ok;

	if (s->muted)
		return mute(s);
	if (dir == RM_DIR_RESPONSE)
		ok = received(&f, bytes);
	else
		ok = s->segments ? packed(&f, dir, bytes, 0) : requests(&f, bytes);
	return ok ? (int64_t)n : mute(s);
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct cassandra *s = state;

	(void)sink, (void)conn;
	if (s->muted)
		return RM_FEED_MUTE;
	return n == 0 || (!s->segments && rm_frame_skip(&s->way[dir], n)) ? 0 : mute(s);
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct rm_str why = rm_end_error(reset);
	struct cassandra *s = state;
	struct feed f = { s, sink, conn };

	rm_frame_forget(&s->way[RM_DIR_REQUEST], RM_DIR_REQUEST, sink);
	if (!reset && dir == RM_DIR_REQUEST)
		return;
	rm_frame_forget(&s->way[RM_DIR_RESPONSE], RM_DIR_RESPONSE, sink);
	s->x = 0;
	if (is_told(s->answered.opcode) && s->answered.x)
		sink->on->broken(sink, s->answered.x, why);
	s->answered = (struct flight){ 0 };
	while (s->flights) {
		struct flight was = land(&f, 0);

		if (is_told(was.opcode) && was.x)
			sink->on->broken(sink, was.x, why);
	}
}

static uint64_t unread(const void *state)
{
	const struct cassandra *s = state;
	const struct rm_frame *f = &s->way[RM_DIR_REQUEST];

	return !s->segments && rm_frame_rest(f) && !f->kept ? f->left : 0;
}

const struct rm_proto rm_proto_cassandra = {
	.name = "cassandra",
	.help = "Cassandra, native protocol 3 to 5: what clients ask",
	.client_only = true,
	.multiplexes = true,
	.state_bytes = sizeof(struct cassandra),
	.sniff = sniff,
	.open = cassandra_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
