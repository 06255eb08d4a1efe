/*
 * Redis and Valkey: one exchange for each command. Answers come in the order of the commands, so what
 * is kept of a command is its name until its answer is whole. Values are stepped over by their
 * length (resp.c); of arguments the first three are looked at where the command's own meaning is in
 * them, and none is ever shown.
 *
 * Commands:  START --'*N'--> N bulks --> START      an array, or
 *            START --line--> START                  an inline command; empty ones get no answer
 * Answers:   an item that is no element of another one is an answer to the oldest command, but
 *            - an attribute ('|') belongs to the answer behind it;
 *            - a push ('>'), and in RESP2 an array that says it is a message to a connection that
 *              subscribed, answers nothing;
 *            - a subscription is answered once for each channel, in either of these two ways.
 *
 * Left alone from where they are asked for: MONITOR and replication, whose streams are no answers;
 * CLIENT REPLY OFF and SKIP, after which there are none; leaving all channels at once, which is answered as
 * often as there are channels; subscriptions inside of a transaction.
 *
 * The database is known from the answer to SELECT on. Which commands a server queues (MULTI) is known
 * from what was asked.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: Redis serialization protocol, Redis Pub/Sub, Redis transactions.
 */
#include <string.h>

#include "protocols/redis_names.h"
#include "protocols/resp.h"
#include "protocols/waiting.h"

enum {
	WORDS = 3,
	WORD_BYTES = 24,
	STATUS_BYTES = 24,
	SHOWN_ARGS = 8,
	ARGS_MAX = 1 << 28,
	DATABASE_MAX = 0xffff,
	UNKNOWN = -1,
	PORT = 6379,
};

struct word {
	uint8_t n;
	char text[WORD_BYTES];
};

struct redis {
	struct rm_resp way[2];    /* by enum rm_dir */
	struct rm_waiting_queue queue;
	bool muted;

	/* The command on its way. */
	bool asking;
	rm_xid x;
	uint32_t args, args_left;
	struct word words[WORDS]; /* the first of them */
	bool multi;               /* a transaction is being put together ... */
	uint32_t queued;          /* ... of so many commands */

	/* The answer on its way. */
	bool answering, attribute, failed;
	uint8_t top;              /* type of its outermost item */
	uint64_t items_left;      /* of it, or of the attribute */
	struct word first;        /* the first text in it, where that matters */
	int64_t last;             /* the last integer in it */
	bool resp3, pubsub;       /* in RESP2, after a subscription was asked for, an array may be a push ... */
	uint8_t subscribed;       /* ... while the connection is subscribed: bits, see confirms */
	int32_t database;
};

_Static_assert(sizeof(struct redis) <= 384, "RM_CONN_STATE_BYTES");

struct feed {
	struct redis *r;
	const char *p;
	size_t n, at;
	struct rm_sink *sink;
	void *conn;
};

/* ---- commands ---- */

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	size_t i = 1;

	/* Of inline commands this one is how connections are tried; others could be anybody's. */
	if (n >= 6 && memcmp(p, "PING\r\n", 6) == 0)
		return RM_SNIFF_YES;
	if (n == 0)
		return RM_SNIFF_MORE;
	if (p[0] != '*' || (n > 1 && (p[1] < '1' || p[1] > '9')))
		return RM_SNIFF_NO;
	while (i < n && i < 9 && p[i] >= '0' && p[i] <= '9')
		i++;
	if ((i < n && p[i] != '\r') || (i + 1 < n && p[i + 1] != '\n') || (i + 2 < n && p[i + 2] != '$'))
		return RM_SNIFF_NO;
	return i + 2 < n ? RM_SNIFF_YES : RM_SNIFF_MORE;
}

static void redis_open(void *state, enum rm_role role)
{
	((struct redis *)state)->database = UNKNOWN;
}

static void put_word(struct word *w, const char *text, size_t n)
{
	/* A word that does not fit is none of those we know; its length says so. */
	w->n = (uint8_t)(n < WORD_BYTES ? n : WORD_BYTES);
	memcpy(w->text, text, w->n);
}

static bool is_word(const struct word *w, struct rm_str text)
{
	return rm_str_ieq((struct rm_str){ w->text, w->n }, text);
}

/* The words of an inline command. False when its first ones cannot be told: quoted, or too long. */
static bool split_line(struct redis *r)
{
	const struct rm_resp *line = &r->way[RM_DIR_REQUEST];
	const char *end = line->text + line->kept;

	r->args = 0;
	for (const char *p = line->text; p < end; r->args++) {
		const char *from;

		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (p == end)
			break;
		for (from = p; p < end && *p != ' ' && *p != '\t'; p++)
			if (r->args < WORDS && (*p == '"' || *p == '\''))
				return false;
		if (r->args < WORDS)
			put_word(&r->words[r->args], from, (size_t)(p - from));
	}
	return !line->cut || r->args > WORDS;
}

/* "SET ? ?": how many arguments there are, and none of them. */
static struct rm_str query_of(const struct redis *r, struct rm_str name, char *room)
{
	uint32_t shown = r->args - 1 < SHOWN_ARGS ? r->args - 1 : SHOWN_ARGS;
	size_t n = name.n;

	memcpy(room, name.p, n);
	for (uint32_t i = 0; i < shown; i++) {
		memcpy(room + n, " ?", 2);
		n += 2;
	}
	if (shown < r->args - 1) {
		memcpy(room + n, " ...", 4);
		n += 4;
	}
	return (struct rm_str){ room, n };
}

static void tell(struct feed *f, const struct rm_redis_name *known)
{
	struct redis *r = f->r;
	char room[RM_REDIS_NAME_BYTES + 2 * SHOWN_ARGS + 4];
	struct rm_operation op = { .system = RM_STR("redis"), .port = PORT };

	if (known) {
		op.name = rm_str_c(known->name);
		op.query = query_of(r, op.name, room);
		op.batch = known->kind == RM_REDIS_EXEC && r->multi ? r->queued : 0;
	}
	f->sink->on->operation(f->sink, r->x, &op);
	f->sink->on->request_end(f->sink, r->x, 0);
}

/* What the command means to those that follow. False: they cannot be followed. */
static bool consider(struct redis *r, struct rm_waiting *w)
{
	uint64_t number;

	switch (w->kind) {
	case RM_REDIS_SELECT:
		if (!rm_str_u64((struct rm_str){ r->words[1].text, r->words[1].n }, &number) || number > DATABASE_MAX)
			number = RM_WAITING_MAX;
		w->n = (uint32_t)number & RM_WAITING_MAX;
		break;
	case RM_REDIS_SUBSCRIBE:
	case RM_REDIS_UNSUBSCRIBE:
		w->n = (r->args - 1) & RM_WAITING_MAX;
		/* Without a channel to subscribe to there is one answer, an error. */
		w->n = w->n || w->kind == RM_REDIS_UNSUBSCRIBE ? w->n : 1;
		r->pubsub = true;
		return w->n && !r->multi && r->args <= RM_WAITING_MAX && !r->way[RM_DIR_REQUEST].cut;
	case RM_REDIS_CLIENT:
		w->kind = RM_REDIS_PLAIN;
		return !is_word(&r->words[1], RM_STR("REPLY")) || is_word(&r->words[2], RM_STR("ON"));
	case RM_REDIS_STREAMS:
		return false;
	}
	return true;
}

static void note_transaction(struct redis *r, unsigned kind)
{
	if (kind == RM_REDIS_MULTI) {
		r->multi = true;
		r->queued = 0;
	} else if (kind == RM_REDIS_EXEC || kind == RM_REDIS_DISCARD || kind == RM_REDIS_RESET) {
		r->multi = false;
	} else {
		r->queued += r->multi;
	}
}

/* A command is whole: from now on it waits for its answer. */
static bool command_over(struct feed *f)
{
	struct redis *r = f->r;
	const struct rm_redis_name *known = rm_redis_find(r->words[0].text, r->words[0].n);
	struct rm_waiting w = { .x = r->x, .kind = known ? known->kind : RM_REDIS_PLAIN, .n = 1 };

	if (!consider(r, &w) || !rm_waiting_add(&r->queue, f->sink, &w))
		return false;
	r->x = w.x;
	tell(f, known);
	note_transaction(r, known ? known->kind : RM_REDIS_PLAIN);
	r->asking = false;
	r->x = 0;
	return true;
}

/* An array of nothing, or a line without a word, is no command: it gets no answer. */
static void no_command(struct feed *f)
{
	f->sink->on->broken(f->sink, f->r->x, RM_STR(""));
	f->r->asking = false;
	f->r->x = 0;
}

static void begin_command(struct feed *f)
{
	struct redis *r = f->r;
	struct rm_resp *way = &r->way[RM_DIR_REQUEST];
	char c = f->p[f->at];

	r->asking = true;
	r->args = r->args_left = 0;
	for (int i = 0; i < WORDS; i++)
		r->words[i].n = 0;
	r->x = f->sink->on->request(f->sink, f->conn);
	if (c != '*')
		rm_resp_inline(way);
}

static bool command_item(struct feed *f)
{
	struct redis *r = f->r;
	struct rm_resp *way = &r->way[RM_DIR_REQUEST];

	if (way->type == RM_RESP_INLINE) {
		if (!split_line(r))
			return false;
		if (r->args)
			return command_over(f);
		no_command(f);
		return true;
	}
	if (r->args_left == 0) {
		if (way->type != '*' || way->number > ARGS_MAX)
			return false;
		r->args = r->args_left = way->number > 0 ? (uint32_t)way->number : 0;
		if (!r->args)
			no_command(f);
		way->keep = true;
		return true;
	}
	if (way->type != '$' || way->number < 0)
		return false;
	if (r->args - r->args_left < WORDS)
		put_word(&r->words[r->args - r->args_left], way->text,
			 (uint64_t)way->number <= way->kept ? way->kept : WORD_BYTES);
	way->keep = r->args - --r->args_left < WORDS;
	return r->args_left || command_over(f);
}

static bool commands(struct feed *f)
{
	struct rm_resp *way = &f->r->way[RM_DIR_REQUEST];

	while (f->at < f->n) {
		enum rm_resp_step s;

		if (!f->r->asking)
			begin_command(f);
		s = rm_resp_next(way, f->p, f->n, &f->at);
		if (s == RM_RESP_BAD || (s == RM_RESP_ITEM && !command_item(f)))
			return false;
	}
	return true;
}

/* ---- answers ---- */

/* "WRONGTYPE": the first word of an error, if it looks like one. The rest may hold anything. */
static struct rm_str status_of(const struct redis *r)
{
	size_t n = 0;

	while (n < r->first.n && ((r->first.text[n] >= 'A' && r->first.text[n] <= 'Z') || r->first.text[n] == '_' ||
				  (n && r->first.text[n] >= '0' && r->first.text[n] <= '9')))
		n++;
	if (n == STATUS_BYTES || (n < r->first.n && r->first.text[n] != ' '))
		n = 0;
	return (struct rm_str){ r->first.text, n };
}

/* The oldest command got its last answer. */
static void answered(struct feed *f, const struct rm_waiting *w)
{
	struct redis *r = f->r;
	char digits[8];
	struct rm_outcome outcome = { .failed = r->failed };
	rm_xid x = w->x;

	if (r->failed)
		outcome.status = status_of(r);
	if (r->database != UNKNOWN) {
		size_t i = sizeof(digits);

		for (int32_t v = r->database; v || i == sizeof(digits); v /= 10)
			digits[--i] = (char)('0' + v % 10);
		outcome.space = (struct rm_str){ digits + i, sizeof(digits) - i };
	}
	rm_waiting_pop(&r->queue, f->sink);
	f->sink->on->response(f->sink, x);
	f->sink->on->outcome(f->sink, x, &outcome);
	f->sink->on->response_end(f->sink, x, 0);
}

/* What the answer says about those that follow. */
static void learn(struct redis *r, const struct rm_waiting *w)
{
	if (r->failed)
		return;
	switch (w->kind) {
	case RM_REDIS_SELECT:
		/* Queued, it takes effect some time: from here on nobody knows. */
		r->database = is_word(&r->first, RM_STR("OK")) && w->n <= DATABASE_MAX ? (int32_t)w->n : UNKNOWN;
		break;
	case RM_REDIS_RESET:
		r->database = 0;
		r->resp3 = false;
		r->subscribed = 0;
		break;
	case RM_REDIS_HELLO:
		r->resp3 = r->top == '%';
		break;
	}
}

/*
 * "subscribe", "psubscribe", "sunsubscribe" ...; *ret_leaves: the latter. Returns the bit of those that are
 * counted together: channels and patterns, or channels of shards; 0 when it is another word.
 */
static uint8_t confirms(const struct word *w, bool *ret_leaves)
{
	bool shards = w->n > 1 && *w->text == 's' && w->text[1] != 'u';
	size_t skip = 0;
	struct word rest = *w;

	shards = shards || is_word(w, RM_STR("sunsubscribe"));
	if (shards || (w->n && *w->text == 'p'))
		skip = 1;
	rest.n = (uint8_t)(w->n - skip);
	memcpy(rest.text, w->text + skip, rest.n);
	*ret_leaves = is_word(&rest, RM_STR("unsubscribe"));
	return *ret_leaves || is_word(&rest, RM_STR("subscribe")) ? 1 << shards : 0;
}

static bool may_be_push(const struct redis *r)
{
	return r->top == '>' || (r->top == '*' && r->pubsub && !r->resp3);
}

static bool is_message(const struct word *w)
{
	return is_word(w, RM_STR("message")) || is_word(w, RM_STR("pmessage")) || is_word(w, RM_STR("smessage"));
}

/* A push, or what may be one in RESP2. True when it is: then it answers at most a subscription. */
static bool push_over(struct feed *f, const struct rm_waiting *w)
{
	struct redis *r = f->r;
	bool asked = w && (w->kind == RM_REDIS_SUBSCRIBE || w->kind == RM_REDIS_UNSUBSCRIBE), leaves = false;
	uint8_t bit;

	if (!may_be_push(r) || (r->top == '*' && !r->subscribed && !asked))
		return false;
	bit = confirms(&r->first, &leaves);
	if (!bit)
		return r->top == '>' || (r->subscribed && is_message(&r->first));
	r->subscribed = (uint8_t)(r->last > 0 ? r->subscribed | bit : r->subscribed & ~bit);
	if (asked && leaves == (w->kind == RM_REDIS_UNSUBSCRIBE)) {
		struct rm_waiting *due = rm_waiting_oldest(&r->queue, f->sink);

		if (due && --due->n == 0)
			answered(f, due);
	}
	return true;
}

static bool answer_over(struct feed *f)
{
	struct redis *r = f->r;
	struct rm_waiting *w = rm_waiting_oldest(&r->queue, f->sink);
	struct rm_waiting was;

	r->answering = false;
	if (push_over(f, w))
		return true;
	if (!w)
		return false;
	was = *w;
	learn(r, &was);
	answered(f, &was);
	return true;
}

static bool is_aggregate(uint8_t type)
{
	return type == '*' || type == '~' || type == '%' || type == '>' || type == '|';
}

static uint64_t elements(const struct rm_resp *item)
{
	uint64_t n = is_aggregate(item->type) && item->number > 0 ? (uint64_t)item->number : 0;

	return item->type == '%' || item->type == '|' ? 2 * n : n;
}

static bool outermost(struct feed *f)
{
	struct redis *r = f->r;
	struct rm_resp *way = &r->way[RM_DIR_RESPONSE];

	r->items_left = elements(way);
	if (way->type == '|') {
		r->attribute = r->items_left > 0;
		return true;
	}
	r->answering = true;
	r->top = way->type;
	r->failed = way->type == '-' || way->type == '!';
	r->first.n = 0;
	r->last = 0;
	if (!is_aggregate(way->type))
		put_word(&r->first, way->text, way->kept);
	return r->items_left || answer_over(f);
}

static bool element(struct feed *f)
{
	struct redis *r = f->r;
	struct rm_resp *way = &r->way[RM_DIR_RESPONSE];

	r->items_left += elements(way) - (way->type != '|');
	if (way->type == ':')
		r->last = way->number;
	if (r->answering && !r->first.n && !is_aggregate(way->type))
		put_word(&r->first, way->text, way->kept);
	if (r->items_left)
		return true;
	if (!r->attribute)
		return answer_over(f);
	r->attribute = false;
	return true;
}

static bool answers(struct feed *f)
{
	struct redis *r = f->r;
	struct rm_resp *way = &r->way[RM_DIR_RESPONSE];

	while (f->at < f->n) {
		enum rm_resp_step s;

		way->keep = r->answering && !r->first.n && may_be_push(r);
		s = rm_resp_next(way, f->p, f->n, &f->at);
		if (s == RM_RESP_BAD || way->type == RM_RESP_INLINE)
			return false;
		if (s == RM_RESP_ITEM && !(r->answering || r->attribute ? element(f) : outermost(f)))
			return false;
	}
	return true;
}

/* ---- the connection ---- */

static void break_all(struct redis *r, struct rm_sink *sink, struct rm_str error)
{
	struct rm_waiting *w;

	while ((w = rm_waiting_oldest(&r->queue, sink)) != NULL) {
		rm_xid x = w->x;

		rm_waiting_pop(&r->queue, sink);
		sink->on->broken(sink, x, error);
	}
}

static void take_back(struct redis *r, struct rm_sink *sink)
{
	if (r->asking)
		sink->on->broken(sink, r->x, RM_STR(""));
	r->asking = false;
	r->x = 0;
}

static int mute(struct redis *r, struct rm_sink *sink)
{
	take_back(r, sink);
	r->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct redis *r = state;
	struct feed f = { r, (const char *)p, n, 0, sink, conn };

	if (r->muted || !(dir == RM_DIR_REQUEST ? commands(&f) : answers(&f)))
		return mute(r, sink);
	return (int64_t)n;
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct redis *r = state;
	struct rm_resp *way = &r->way[dir];

	if (r->muted || n + 2 > way->left || way->keep)
		return n || r->muted ? mute(r, sink) : 0;
	way->left -= n;
	return 0;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct redis *r = state;

	take_back(r, sink);
	if (!reset && dir == RM_DIR_REQUEST)
		return;
	break_all(r, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	const struct rm_resp *way = &((const struct redis *)state)->way[RM_DIR_REQUEST];

	return way->left > 2 && !way->keep ? way->left - 2 : 0;
}

const struct rm_proto rm_proto_redis = {
	.name = "redis",
	.help = "Redis and Valkey, RESP2 and RESP3: what clients ask",
	.client_only = true,
	.state_bytes = sizeof(struct redis),
	.sniff = sniff,
	.open = redis_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
