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
#include "protocols/redis.h"

#include "base/bytes.h"

enum { WORDS = RM_RESP_WORDS, SHOWN_ARGS = 8, ARGS_MAX = 1 << 28, PORT = 6379 };

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
	((struct rm_redis *)state)->database = RM_REDIS_DATABASE_UNKNOWN;
}

/* The words of an inline command. False when its first ones cannot be told: quoted, or too long. */
static bool split_line(struct rm_redis *r)
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
			rm_redis_put_word(&r->words[r->args], from, (size_t)(p - from));
	}
	return !line->cut || r->args > WORDS;
}

/* "SET ? ?": how many arguments there are, and none of them. */
static struct rm_str query_of(const struct rm_redis *r, struct rm_str name, char *room)
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

/* All that is told of a plain command, as a number: its name, and how many arguments are shown. */
static uint32_t same_of(const struct rm_redis_name *known, uint32_t args)
{
	uint32_t most = SHOWN_ARGS + 2; /* with all that is left out */

	return known->kind == RM_REDIS_PLAIN ? (uint32_t)rm_redis_number(known) << 8 | (args < most ? args : most) : 0;
}

static void tell(struct rm_redis_feed *f, const struct rm_redis_name *known)
{
	struct rm_redis *r = f->r;
	char room[RM_REDIS_NAME_BYTES + 2 * SHOWN_ARGS + 4];
	struct rm_operation op = { .system = RM_STR("redis"), .port = PORT };

	if (known) {
		op.name = rm_str_c(known->name);
		op.query = query_of(r, op.name, room);
		op.same = same_of(known, r->args);
		op.batch = known->kind == RM_REDIS_EXEC && r->multi ? r->queued : 0;
	}
	f->sink->on->operation(f->sink, r->x, &op);
	f->sink->on->request_end(f->sink, r->x, 0);
}

/* What the command means to those that follow. False: they cannot be followed. */
static bool consider(struct rm_redis *r, struct rm_waiting *w)
{
	uint64_t number;

	switch (w->kind) {
	case RM_REDIS_SELECT:
		if (!rm_str_u64((struct rm_str){ r->words[1].text, r->words[1].n }, &number) || number > RM_REDIS_DATABASE_MAX)
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
		return !rm_redis_is_word(&r->words[1], RM_STR("REPLY")) || rm_redis_is_word(&r->words[2], RM_STR("ON"));
	case RM_REDIS_STREAMS:
		return false;
	}
	return true;
}

static void note_transaction(struct rm_redis *r, unsigned kind)
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
static bool command_over(struct rm_redis_feed *f)
{
	struct rm_redis *r = f->r;
	const struct rm_redis_name *known = rm_redis_find(r->words[0].text, r->words[0].n);
	struct rm_waiting w = { .x = r->x, .kind = known ? known->kind : RM_REDIS_PLAIN, .n = 1 };

	f->ring = NULL;
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
static void no_command(struct rm_redis_feed *f)
{
	f->sink->on->broken(f->sink, f->r->x, RM_STR(""));
	f->r->asking = false;
	f->r->x = 0;
}

static void begin_command(struct rm_redis_feed *f)
{
	struct rm_redis *r = f->r;
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

static bool command_item(struct rm_redis_feed *f)
{
	struct rm_redis *r = f->r;
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
		rm_redis_put_word(&r->words[r->args - r->args_left], way->text,
			 (uint64_t)way->number <= way->kept ? way->kept : RM_REDIS_WORD_BYTES);
	way->keep = r->args - --r->args_left < WORDS;
	return r->args_left || command_over(f);
}

/* As rm_redis_find: programs use few commands, and the same again. */
static const struct rm_redis_name *recall(struct rm_redis *r, struct rm_str word)
{
	uint64_t text;
	size_t i;

	if (word.n - 1 >= sizeof(text))
		return rm_redis_find(word.p, word.n);
	text = word.n < sizeof(text) ? rm_bytes_few(word.p, word.n) : rm_bytes_word(word.p);
	i = (text * 0x9e3779b97f4a7c15ull) >> 62;
	if (r->recent[i] != text) {
		r->recent[i] = text;
		r->found[i] = rm_redis_number(rm_redis_find(word.p, word.n));
	}
	return rm_redis_by_number(r->found[i]);
}

/* A plain command that lies as a whole where it came, as nearly all do. False: it is to be read in pieces. */
static bool whole_command(struct rm_redis_feed *f)
{
	struct rm_redis *r = f->r;
	const struct rm_redis_name *known;
	struct rm_resp_command c;
	size_t at = f->at;
	rm_xid x = 0;

	if (!rm_resp_command(f->p, f->n, &at, &c))
		return false;
	known = recall(r, c.word[0]);
	if (!known || known->kind != RM_REDIS_PLAIN || !rm_waiting_has_room(&r->queue) || !rm_redis_ring(f))
		return false;
	f->at = at;
	if (!f->sink->on->again || !f->sink->on->again(f->sink, f->conn, same_of(known, c.args), &x)) {
		r->args = c.args;
		r->x = x = f->sink->on->request(f->sink, f->conn);
		tell(f, known);
		r->x = 0;
	}
	f->ring[rm_waiting_place(&r->queue, r->queue.count++)] = (struct rm_waiting){ .x = x, .kind = RM_WAITING_PLAIN, .n = 1 };
	r->queued += r->multi;
	return true;
}

static bool commands(struct rm_redis_feed *f)
{
	struct rm_resp *way = &f->r->way[RM_DIR_REQUEST];

	while (f->at < f->n) {
		enum rm_resp_step s;

		if (!f->r->asking && rm_resp_between(way) && whole_command(f))
			continue;
		if (!f->r->asking)
			begin_command(f);
		s = rm_resp_next(way, f->p, f->n, &f->at);
		if (s == RM_RESP_BAD || (s == RM_RESP_ITEM && !command_item(f)))
			return false;
	}
	return true;
}

/* ---- the connection ---- */

static void break_all(struct rm_redis *r, struct rm_sink *sink, struct rm_str error)
{
	struct rm_waiting *w;

	while ((w = rm_waiting_oldest(&r->queue, sink)) != NULL) {
		rm_xid x = w->x;

		rm_waiting_pop(&r->queue, sink);
		sink->on->broken(sink, x, error);
	}
}

static void take_back(struct rm_redis *r, struct rm_sink *sink)
{
	if (r->asking)
		sink->on->broken(sink, r->x, RM_STR(""));
	r->asking = false;
	r->x = 0;
}

static int mute(struct rm_redis *r, struct rm_sink *sink)
{
	take_back(r, sink);
	r->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_redis *r = state;
	struct rm_redis_feed f = { r, (const char *)p, n, 0, sink, conn, NULL };

	if (r->muted || !(dir == RM_DIR_REQUEST ? commands(&f) : rm_redis_answers(&f)))
		return mute(r, sink);
	return (int64_t)n;
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct rm_redis *r = state;
	struct rm_resp *way = &r->way[dir];

	if (r->muted || n + 2 > way->left || way->keep)
		return n || r->muted ? mute(r, sink) : 0;
	way->left -= n;
	return 0;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct rm_redis *r = state;

	take_back(r, sink);
	if (!reset && dir == RM_DIR_REQUEST)
		return;
	break_all(r, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	const struct rm_resp *way = &((const struct rm_redis *)state)->way[RM_DIR_REQUEST];

	return way->left > 2 && !way->keep ? way->left - 2 : 0;
}

const struct rm_proto rm_proto_redis = {
	.name = "redis",
	.help = "Redis and Valkey, RESP2 and RESP3: what clients ask",
	.client_only = true,
	.state_bytes = sizeof(struct rm_redis),
	.sniff = sniff,
	.open = redis_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
