/*
 * What a server of MySQL's protocol answers. Answers come in the order of the questions, which `queue` holds.
 *
 * A query:  FIRST --OK, error--> over          (or the next result: FIRST)
 *             |  `--a file is asked for--> FIRST, behind it
 *             `--number of columns--> COLUMNS --> ROWS_BEGIN --[EOF]--> ROWS --EOF, OK, error--> over, or FIRST
 * PREPARE:  FIRST --> PARAMETERS [EOF] --> COLUMNS [EOF] --> over
 * Others are one packet, or rows at once.
 *
 * Whether an EOF stands behind definitions depends on what both sides can do, of which only one is seen inside
 * TLS. But nothing else can stand there that has the same first byte and the same length, and the number
 * of a packet says whether it goes on with an answer.
 * Context: hook, connection locked.
 * Spec: MySQL, "Command Phase"; MariaDB, "Server Response Packets".
 */
#include <string.h>

#include "base/strbuf.h"
#include "protocols/mysql.h"

enum part { FIRST, PARAMETERS, PARAMETERS_END, COLUMNS, ROWS_BEGIN, ROWS };

/* The first byte of a packet. */
enum { OK = 0x00, MORE_AUTH = 0x01, FILE_WANTED = 0xfb, EOF_OR_OK = 0xfe, FAILED = 0xff };

enum {
	EOF_BYTES = 5,
	PROGRESS = 0xffff,     /* the "error" of MariaDB that is none */
	MORE_RESULTS = 1 << 3, /* of the status */
	CURSOR_EXISTS = 1 << 6,
};

struct rm_mysql_key rm_mysql_pending(uint16_t number)
{
	return (struct rm_mysql_key){ { '?', (char)number, (char)(number >> 8) } };
}

struct rm_mysql_key rm_mysql_prepared(uint32_t id)
{
	return (struct rm_mysql_key){ { '#', (char)id, (char)(id >> 8), (char)(id >> 16), (char)(id >> 24) } };
}

/* ---- the database ---- */

void rm_mysql_move(struct rm_mysql *s, struct rm_str space)
{
	s->lost = s->moving++ > 0;
	s->next_n = (uint8_t)(space.n <= sizeof(s->next) ? space.n : 0);
	memcpy(s->next, space.n ? space.p : s->next, s->next_n);
}

/* One of those changes is answered; `failed`: with an error, behind so many results. */
static void moved(struct rm_mysql *s, bool failed, unsigned results)
{
	bool unknown = failed && results;

	s->lost = s->lost || unknown;
	s->moving -= s->moving > 0;
	if (s->moving)
		return;
	if (s->lost) {
		s->space_n = 0;
	} else if (!failed) {
		memcpy(s->space, s->next, s->next_n);
		s->space_n = s->next_n;
	}
	s->lost = false;
}

/* ---- pieces of packets ---- */

/* A number of one to nine bytes. False: it is none, or not here. */
static bool lenenc(struct rm_str *rest, uint64_t *ret)
{
	const uint8_t *p = (const uint8_t *)rest->p;
	size_t n = !rest->n ? 0 : *p < 251 ? 1 : *p == 252 ? 3 : *p == 253 ? 4 : *p == 254 ? 9 : 0;
	uint64_t value = 0;

	if (!n || rest->n < n)
		return false;
	for (size_t i = n; i-- > 1;)
		value = value << 8 | p[i];
	*ret = n == 1 ? *p : value;
	*rest = (struct rm_str){ rest->p + n, rest->n - n };
	return true;
}

/* The status in an OK or EOF packet, behind its first byte. */
static uint32_t status(struct rm_mysql *s, struct rm_str rest, uint32_t length)
{
	uint64_t rows, id;

	if (length == EOF_BYTES ? rest.n < 4 : !lenenc(&rest, &rows) || !lenenc(&rest, &id) || rest.n < 2)
		return 0;
	s->status = (uint16_t)rm_le16(rest.p + (length == EOF_BYTES ? 2 : 0));
	s->has_status = true;
	return s->status;
}

static uint32_t error_code(struct rm_str rest)
{
	return rest.n < 2 ? 0 : rm_le16(rest.p);
}

/* ---- what is answered ---- */

static void answered(struct rm_mysql *s, struct rm_sink *sink, struct rm_waiting w, bool failed)
{
	struct rm_outcome outcome = { .failed = failed };
	struct rm_strbuf code;
	char room[8];

	rm_strbuf_init(&code, room, sizeof(room));
	if (failed)
		rm_strbuf_u64(&code, s->error);
	outcome.status = rm_strbuf_view(&code);
	/* Before its last byte was sent, even: that is told to nobody then. */
	s->x = s->x == w.x ? 0 : s->x;
	sink->on->response(sink, w.x);
	sink->on->outcome(sink, w.x, &outcome);
	sink->on->response_end(sink, w.x, 0);
}

/* The oldest question has its whole answer. */
static void over(struct rm_mysql *s, struct rm_sink *sink, bool failed)
{
	struct rm_waiting w = *rm_waiting_oldest(&s->queue, sink);
	struct rm_mysql_key pending = rm_mysql_pending((uint16_t)(w.n - 1));
	uint32_t statements = w.n & RM_MYSQL_STATEMENTS_MAX;

	rm_waiting_pop(&s->queue, sink);
	s->begun = false;
	s->part = FIRST;
	if (w.kind <= RM_MYSQL_FETCH)
		answered(s, sink, w, failed);
	if (w.kind == RM_MYSQL_QUERY && !(w.n & RM_MYSQL_MOVES) && s->results >= statements &&
	    statements < RM_MYSQL_STATEMENTS_MAX)
		s->space_n = 0; /* More statements than were read: any of them may be USE. */
	if (w.kind == RM_MYSQL_SPACE || w.kind == RM_MYSQL_USER || w.kind == RM_MYSQL_RESET ||
	    (w.kind == RM_MYSQL_QUERY && w.n & RM_MYSQL_MOVES))
		moved(s, failed, s->results);
	if (!failed && (w.kind == RM_MYSQL_USER || w.kind == RM_MYSQL_RESET))
		s->table.bytes = 0;
	if (failed && w.kind == RM_MYSQL_PREPARE)
		rm_prepared_close(&s->table, sink, RM_PREPARED_STATEMENT, rm_mysql_key(&pending));
	s->results = 0;
}

/* A result is over: so is the answer, unless the status says that another one follows. */
static void result_over(struct rm_mysql *s, struct rm_sink *sink, uint32_t status)
{
	s->results += s->results < UINT16_MAX;
	s->part = FIRST;
	if (!(status & MORE_RESULTS))
		over(s, sink, false);
}

static bool failed(struct rm_mysql *s, struct rm_sink *sink, struct rm_str rest)
{
	uint32_t code = error_code(rest);

	if (code == PROGRESS && (s->mariadb || s->joined))
		return true;
	s->error = (uint16_t)code;
	over(s, sink, true);
	return true;
}

/* ---- definitions and rows ---- */

static bool columns_over(struct rm_mysql *s, struct rm_sink *sink, const struct rm_waiting *w)
{
	s->part = ROWS_BEGIN;
	if (w->kind != RM_MYSQL_PREPARE)
		return true;
	over(s, sink, false);
	s->trails = true;
	return true;
}

static bool parameters_over(struct rm_mysql *s, struct rm_sink *sink, const struct rm_waiting *w)
{
	s->part = COLUMNS;
	s->definitions = s->columns;
	return s->columns || columns_over(s, sink, w);
}

static bool definition(struct rm_mysql *s, struct rm_sink *sink, const struct rm_waiting *w)
{
	if (s->definitions)
		s->definitions--;
	if (s->definitions)
		return true;
	if (s->part != PARAMETERS)
		return columns_over(s, sink, w);
	s->part = PARAMETERS_END;
	return s->columns || parameters_over(s, sink, w);
}

/* The number of columns, and what some servers say behind it: 0 if their definitions are left out. */
static bool columns(struct rm_mysql *s, struct rm_str text)
{
	uint64_t n;

	if (!lenenc(&text, &n) || n == 0 || n > UINT16_MAX)
		return false;
	s->definitions = text.n && text.p[0] == 0 ? 0 : (uint32_t)n;
	s->part = s->definitions ? COLUMNS : ROWS_BEGIN;
	return true;
}

/* Its id takes the place of the number that the text waits under. */
static bool prepared(struct rm_mysql *s, struct rm_sink *sink, const struct rm_waiting *w, struct rm_str rest)
{
	struct rm_mysql_key pending = rm_mysql_pending((uint16_t)(w->n - 1)), id;
	const uint8_t *p = (const uint8_t *)rest.p;
	bool defined = rest.n < 12 || p[11];
	uint32_t parameters;

	if (rest.n < 8)
		return false;
	s->last_statement = rm_le32(p);
	id = rm_mysql_prepared(s->last_statement);
	rm_prepared_rename(&s->table, sink, rm_mysql_key(&pending), rm_mysql_key(&id));
	s->columns = (uint16_t)(defined ? rm_le16(p + 4) : 0);
	parameters = defined ? rm_le16(p + 6) : 0;
	s->definitions = parameters;
	s->part = PARAMETERS;
	return parameters || parameters_over(s, sink, w);
}

static bool row(struct rm_mysql *s, struct rm_sink *sink, uint8_t first, struct rm_str rest, uint32_t length)
{
	uint32_t now;

	s->part = ROWS;
	/* A value of 16 MiB begins with that byte, too, in a packet that is full. */
	if (first != EOF_OR_OK || length >= RM_MYSQL_PACKET_MAX)
		return true;
	now = status(s, rest, length);
	result_over(s, sink, now);
	return true;
}

/* What stands where rows begin: maybe an EOF, with which a cursor's answer is over. */
static bool rows_begin(struct rm_mysql *s, struct rm_sink *sink, uint8_t first, struct rm_str rest, uint32_t length)
{
	uint32_t now;

	if (first != EOF_OR_OK || length != EOF_BYTES)
		return row(s, sink, first, rest, length);
	s->part = ROWS;
	now = status(s, rest, length);
	if (now & CURSOR_EXISTS)
		result_over(s, sink, now);
	return true;
}

/* ---- packets ---- */

/* The first packet of an answer or of a further result. `whole` is the packet from its first byte on. */
static bool first_packet(struct rm_mysql *s, struct rm_sink *sink, const struct rm_waiting *w, struct rm_str whole,
			 uint32_t length)
{
	uint8_t first = (uint8_t)whole.p[0];
	struct rm_str rest = { whole.p + 1, whole.n - 1 };

	switch ((enum rm_mysql_kind)w->kind) {
	case RM_MYSQL_PREPARE:
		return first == OK && prepared(s, sink, w, rest);
	case RM_MYSQL_FIELDS:
	case RM_MYSQL_FETCH:
		return row(s, sink, first, rest, length);
	case RM_MYSQL_USER:
		if (first != OK)
			return true;
		break;
	case RM_MYSQL_QUERY:
		s->infile = first == FILE_WANTED;
		if (first == OK)
			result_over(s, sink, status(s, rest, length));
		return s->infile || first == OK || columns(s, whole);
	default:
		break;
	}
	if (w->kind != RM_MYSQL_TEXT)
		status(s, rest, length);
	over(s, sink, false);
	return true;
}

static bool authentication(struct rm_mysql *s, uint8_t first, struct rm_str rest, uint32_t length)
{
	/* Any other is a turn of it, or its end without a connection. */
	if (first != OK)
		return true;
	status(s, rest, length);
	moved(s, false, 0);
	s->phase = RM_MYSQL_COMMANDS;
	s->packs = s->capabilities & (RM_MYSQL_COMPRESS | RM_MYSQL_COMPRESS_ZSTD);
	return true;
}

/* Packets count on from the question's, in both directions. */
static bool in_order(const struct rm_mysql *s)
{
	const struct rm_mysql_way *way = &s->way[RM_DIR_RESPONSE];

	return s->packed || (s->begun ? way->follows : way->seq == 1) || way->seq == (uint8_t)(s->way[RM_DIR_REQUEST].seq + 1);
}

static bool answer_packet(struct rm_mysql *s, struct rm_sink *sink, const struct rm_waiting *w, struct rm_str text,
			  uint32_t length)
{
	uint8_t first = text.n ? (uint8_t)text.p[0] : OK;
	struct rm_str rest = { text.p + (text.n > 0), text.n - (text.n > 0) };

	switch ((enum part)s->part) {
	case FIRST:
		return text.n && first_packet(s, sink, w, text, length);
	case PARAMETERS_END:
		parameters_over(s, sink, w);
		return (first == EOF_OR_OK && length == EOF_BYTES) || definition(s, sink, w);
	case PARAMETERS:
	case COLUMNS:
		return definition(s, sink, w);
	case ROWS_BEGIN:
		return rows_begin(s, sink, first, rest, length);
	case ROWS:
		return row(s, sink, first, rest, length);
	}
	return false;
}

bool rm_mysql_answer(struct rm_mysql *s, struct rm_sink *sink, struct rm_str text, uint32_t length)
{
	uint8_t first = text.n ? (uint8_t)text.p[0] : OK;
	struct rm_str rest = { text.p + (text.n > 0), text.n - (text.n > 0) };
	const struct rm_waiting *w;
	bool trails = s->trails && (s->packed || s->way[RM_DIR_RESPONSE].follows);

	if (s->phase == RM_MYSQL_AUTH)
		return text.n && authentication(s, first, rest, length);
	s->trails = false;
	if (trails && first == EOF_OR_OK && length == EOF_BYTES)
		return true;
	w = rm_waiting_oldest(&s->queue, sink);
	/* Nobody asked: the server ends the connection, and says why. */
	if (!w)
		return first == FAILED;
	if (!in_order(s) && first != FAILED)
		return false;
	s->begun = true;
	if (first == FAILED && w->kind != RM_MYSQL_TEXT)
		return failed(s, sink, rest);
	return answer_packet(s, sink, w, text, length);
}
