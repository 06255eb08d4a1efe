/*
 * Kafka: what a client sends to a broker (Produce), what it gets of it (Fetch), and names of topics (Metadata). Everything else is
 * stepped over.
 *
 * Requests:  REQUEST (its head, of Produce all or a beginning of it) --> REST --> REQUEST
 * Answers:   ANSWER (its number) --> what it is the answer to --> ANSWER; they come in the order of the requests
 *
 * A connection is known from its first request, whose head must be one in each part, and followed from there or not at all. It
 * is left alone with SASL of the old kind, whose packets have no heads, and with versions that are not known.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: Kafka protocol guide.
 */
#include "protocols/kafka.h"

enum {
	SIZE_BYTES = 4,
	HEAD_BYTES = SIZE_BYTES + 2 + 2 + 4 + 2, /* of a request, up to the length of the client's name */
	ANSWER_BYTES = SIZE_BYTES + 4,
	SIZE_MAX_BYTES = 1 << 30,
	KEYS_MAX = 120,
	VERSIONS_MAX = 24,
	FIRST_SIZE_MAX_BYTES = 1 << 20,
	PRODUCE_FLEXIBLE = 9,
	FETCH_FLEXIBLE = 12,
};

static int64_t be(const char *p, size_t bytes)
{
	struct rm_kafka_cursor c = { .p = p, .n = bytes };

	return rm_kafka_int(&c, bytes);
}

/* ---- the first request ---- */

static bool is_name(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] >= 0x7f)
			return false;
	return true;
}

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	const char *head = (const char *)p;
	int64_t size, key, version, name;

	if (n < HEAD_BYTES)
		return RM_SNIFF_NO;
	size = be(head, 4);
	key = be(head + 4, 2);
	version = be(head + 6, 2);
	name = be(head + 12, 2);
	if (size < HEAD_BYTES - SIZE_BYTES || size > FIRST_SIZE_MAX_BYTES || key < 0 || key > KEYS_MAX || version < 0 ||
	    version > VERSIONS_MAX || be(head + 8, 4) < 0 || name < -1 || name > size - (HEAD_BYTES - SIZE_BYTES))
		return RM_SNIFF_NO;
	if (name > 0 && (n < HEAD_BYTES + (size_t)name || !is_name(p + HEAD_BYTES, (size_t)name)))
		return RM_SNIFF_NO;
	/* One without a name is any number of zeros: only these, which begin connections, are taken for it. */
	return name > 0 || ((key == RM_KAFKA_API_VERSIONS || key == RM_KAFKA_SASL_HANDSHAKE) && version < 6) ? RM_SNIFF_YES :
													     RM_SNIFF_NO;
}

static void kafka_open(void *state, enum rm_role role)
{
	(void)state, (void)role;
}

/* ---- requests ---- */

/* How much of a request is looked at in one piece; `p` has HEAD_BYTES. */
static uint32_t wanted(const char *p)
{
	uint32_t all = SIZE_BYTES + (uint32_t)be(p, 4), name = (uint32_t)(be(p + 12, 2) > 0 ? be(p + 12, 2) : 0);

	if (be(p + 4, 2) == RM_KAFKA_PRODUCE)
		return all <= RM_KAFKA_WHOLE_BYTES ? all : RM_KAFKA_PART_BYTES;
	return HEAD_BYTES + name < all ? HEAD_BYTES + name : all;
}

static void learn_client(struct rm_kafka *s, struct rm_str name)
{
	if (s->client_bytes || !name.n || name.n > sizeof(s->client))
		return;
	memcpy(s->client, name.p, name.n);
	s->client_bytes = (uint8_t)name.n;
}

/* Is the answer to be read for ids of topics? */
static bool is_telling(int64_t key, int64_t version)
{
	return key == RM_KAFKA_METADATA && version >= RM_KAFKA_METADATA_MIN && version <= RM_KAFKA_METADATA_MAX;
}

/* The request is here as far as it is looked at, and was stepped over. */
static enum rm_step request_here(struct rm_kafka_feed *f, struct rm_str request, int64_t at)
{
	struct rm_kafka_cursor c = { .p = request.p, .n = request.n, .at = SIZE_BYTES };
	int64_t key = rm_kafka_int(&c, 2), version = rm_kafka_int(&c, 2), number = rm_kafka_int(&c, 4);
	struct rm_str name = rm_kafka_string(&c);
	struct rm_waiting w = { .kind = RM_WAITING_PLAIN, .n = 1 };

	if (c.bad || key < 0 || version < 0 || (key == RM_KAFKA_SASL_HANDSHAKE && version == 0))
		return RM_STEP_MUTE;
	f->s->opened = true;
	learn_client(f->s, name);
	if ((key == RM_KAFKA_PRODUCE && version > RM_KAFKA_PRODUCE_MAX) || (key == RM_KAFKA_FETCH && version > RM_KAFKA_FETCH_MAX))
		return RM_STEP_MUTE;
	if (key == RM_KAFKA_PRODUCE)
		return rm_kafka_produce(f, &c, (unsigned)version, (uint32_t)number, request, at, !f->s->way[f->in.dir].left);
	if (key == RM_KAFKA_FETCH || is_telling(key, version)) {
		w.kind = key == RM_KAFKA_FETCH ? RM_KAFKA_WAITS_FETCH : RM_KAFKA_WAITS_METADATA;
		w.n = rm_kafka_waits((unsigned)version, (uint32_t)number) & RM_WAITING_MAX;
	}
	return rm_waiting_add(&f->s->queue, f->sink, &w) ? RM_STEP_GO_ON : RM_STEP_MUTE;
}

static enum rm_step request(struct rm_kafka_feed *f)
{
	struct rm_kafka_way *w = &f->s->way[f->in.dir];
	size_t have = rm_gather_have(&w->gather, &f->in);
	enum rm_step v;
	const char *p;
	uint32_t want;
	int64_t at;

	if (have < HEAD_BYTES)
		return rm_gather_keep(&w->gather, &f->in, f->sink);
	p = rm_gather_joined(&w->gather, &f->in, HEAD_BYTES, f->sink);
	if (!p || be(p, 4) < HEAD_BYTES - SIZE_BYTES || be(p, 4) > SIZE_MAX_BYTES)
		return RM_STEP_MUTE;
	want = wanted(p);
	if (have < want)
		return rm_gather_keep(&w->gather, &f->in, f->sink);
	p = rm_gather_joined(&w->gather, &f->in, want, f->sink);
	if (!p)
		return RM_STEP_MUTE;
	at = (int64_t)f->in.at - w->gather.kept;
	f->in.at += want - w->gather.kept;
	w->left = SIZE_BYTES + (uint32_t)be(p, 4) - want;
	v = request_here(f, (struct rm_str){ p, want }, at);
	rm_gather_forget(&w->gather, f->in.dir, f->sink);
	return v;
}

static void settle(struct rm_kafka_feed *f, rm_xid x)
{
	struct rm_outcome outcome = { .failed = f->s->error.n, .status = f->s->error };

	f->sink->on->response(f->sink, x);
	f->sink->on->outcome(f->sink, x, &outcome);
	f->sink->on->response_end(f->sink, x, 0);
}

static void request_over(struct rm_kafka_feed *f)
{
	struct rm_kafka *s = f->s;

	if (!s->producing)
		return;
	s->producing = false;
	f->sink->on->request_end(f->sink, s->x, s->body);
	s->error = (struct rm_str){ 0 };
	if (!s->answered)
		settle(f, s->x);
	s->x = 0;
}

/* ---- answers ---- */

/* What the answer with this number is to. False: to nothing. */
static bool match(struct rm_kafka_feed *f, uint32_t number)
{
	struct rm_waiting *w = rm_waiting_oldest(&f->s->queue, f->sink);

	if (!w || (w->kind != RM_WAITING_PLAIN && (w->n & 0xffff) != (number & 0xffff)))
		return false;
	/* Not before all of the request was sent. */
	if (w->kind == RM_KAFKA_WAITS_PRODUCE && f->s->producing && w->x == f->s->x && w->x)
		return false;
	f->s->now = *w;
	f->s->error = (struct rm_str){ 0 };
	if (w->kind == RM_KAFKA_WAITS_FETCH)
		rm_kafka_fetch_begin(f->s, (w->n >> 16) - 1);
	else if (w->kind == RM_KAFKA_WAITS_METADATA)
		rm_kafka_metadata_begin(f->s);
	rm_waiting_pop(&f->s->queue, f->sink);
	return true;
}

static bool is_small_answer(const struct rm_waiting *w, uint32_t size)
{
	return w && w->kind == RM_KAFKA_WAITS_PRODUCE && size <= RM_KAFKA_VIEW_BYTES;
}

/* An answer begins; small ones to Produce are looked at in one piece. */
static enum rm_step answer(struct rm_kafka_feed *f)
{
	struct rm_kafka_way *w = &f->s->way[f->in.dir];
	size_t have = rm_gather_have(&w->gather, &f->in);
	uint32_t want = ANSWER_BYTES, size;
	bool good, whole;
	const char *p;

	if (have < want)
		return rm_gather_keep(&w->gather, &f->in, f->sink);
	p = rm_gather_joined(&w->gather, &f->in, want, f->sink);
	if (!p || be(p, 4) < ANSWER_BYTES - SIZE_BYTES || be(p, 4) > SIZE_MAX_BYTES)
		return RM_STEP_MUTE;
	size = (uint32_t)be(p, 4);
	whole = is_small_answer(rm_waiting_oldest(&f->s->queue, f->sink), size);
	want = whole ? SIZE_BYTES + size : want;
	if (have < want)
		return rm_gather_keep(&w->gather, &f->in, f->sink);
	p = rm_gather_joined(&w->gather, &f->in, want, f->sink);
	if (!p)
		return RM_STEP_MUTE;
	good = match(f, (uint32_t)be(p + 4, 4));
	if (good && whole)
		good = rm_kafka_produced(f->s, f->sink, (f->s->now.n >> 16) - 1, f->s->now.n & 0xffff,
					 (struct rm_str){ p + ANSWER_BYTES, want - ANSWER_BYTES });
	else if (good && f->s->now.kind == RM_KAFKA_WAITS_PRODUCE)
		rm_kafka_batches_answered(f->s, f->sink, f->s->now.n & 0xffff, RM_KAFKA_UNKNOWN);
	f->in.at += want - w->gather.kept;
	w->left = SIZE_BYTES + size - want;
	rm_gather_forget(&w->gather, f->in.dir, f->sink);
	return good ? RM_STEP_GO_ON : RM_STEP_MUTE;
}

/* Is the answer on its way one that is looked at? */
static bool reads_on(const struct rm_kafka *s)
{
	return s->now.kind == RM_KAFKA_WAITS_FETCH || s->now.kind == RM_KAFKA_WAITS_METADATA;
}

/* The next step in an answer that is read as it comes. */
static enum rm_step read_on(struct rm_kafka_feed *f)
{
	struct rm_kafka_way *w = &f->s->way[f->in.dir];
	size_t have = rm_gather_have(&w->gather, &f->in), look = have < w->left ? have : w->left;
	const char *p;
	int64_t used;

	look = look < RM_KAFKA_VIEW_BYTES ? look : RM_KAFKA_VIEW_BYTES;
	p = rm_gather_joined(&w->gather, &f->in, (uint32_t)look, f->sink);
	if (!p)
		return RM_STEP_MUTE;
	used = f->s->now.kind == RM_KAFKA_WAITS_FETCH ? rm_kafka_fetch_step(f, (struct rm_str){ p, look }, w->left) :
							rm_kafka_metadata_step(f, (struct rm_str){ p, look }, w->left);
	if (used < 0)
		return rm_gather_keep(&w->gather, &f->in, f->sink);
	if (used == 0)
		return RM_STEP_GO_ON;
	f->in.at += (size_t)used - w->gather.kept;
	w->left -= (uint32_t)used;
	rm_gather_forget(&w->gather, f->in.dir, f->sink);
	return RM_STEP_GO_ON;
}

static void answer_over(struct rm_kafka_feed *f)
{
	struct rm_waiting now = f->s->now;

	f->s->now = (struct rm_waiting){ 0 };
	if (now.kind == RM_KAFKA_WAITS_PRODUCE)
		settle(f, now.x);
	else if (now.kind == RM_KAFKA_WAITS_FETCH)
		rm_kafka_fetch_over(f->s, f->sink, (struct rm_str){ 0 });
}

/* ---- the connection ---- */

/* One step of a direction; `left` is 0 where something ended, or begins. */
static enum rm_step go_on(struct rm_kafka_feed *f)
{
	struct rm_kafka_way *w = &f->s->way[f->in.dir];
	bool sent = f->in.dir == RM_DIR_REQUEST;
	enum rm_step v = RM_STEP_GO_ON;

	if (!w->left)
		v = sent ? request(f) : answer(f);
	else if (!sent && reads_on(f->s))
		v = read_on(f);
	else
		rm_input_pass(&f->in, &w->left, 0);
	if (v != RM_STEP_MUTE && !w->left && !w->gather.kept) {
		if (sent)
			request_over(f);
		else
			answer_over(f);
	}
	return v;
}

static void break_all(struct rm_kafka *s, struct rm_sink *sink, struct rm_str error)
{
	struct rm_waiting *w;
	rm_xid under_way = s->producing ? s->x : 0;

	rm_kafka_fetch_over(s, sink, error);
	if (s->now.kind == RM_KAFKA_WAITS_PRODUCE)
		sink->on->broken(sink, s->now.x, error);
	s->now = (struct rm_waiting){ 0 };
	while ((w = rm_waiting_oldest(&s->queue, sink)) != NULL) {
		rm_xid x = w->kind == RM_KAFKA_WAITS_PRODUCE ? w->x : 0;

		rm_waiting_pop(&s->queue, sink);
		if (x && x == under_way)
			s->answered = false;
		else if (x)
			sink->on->broken(sink, x, error);
	}
	if (s->producing)
		sink->on->broken(sink, s->x, error);
	s->producing = false;
}

static int mute(struct rm_kafka *s, enum rm_dir dir, struct rm_sink *sink)
{
	rm_gather_forget(&s->way[dir].gather, dir, sink);
	s->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_kafka *s = state;
	struct rm_kafka_feed f = { s, { dir, (const char *)p, n, 0 }, sink, conn };
	enum rm_step v = RM_STEP_GO_ON;

	if (!s->opened && dir == RM_DIR_RESPONSE)
		return mute(s, dir, sink);
	while (!s->muted && f.in.at < n && v == RM_STEP_GO_ON)
		v = go_on(&f);
	if (v == RM_STEP_MUTE)
		return mute(s, dir, sink);
	return s->muted ? RM_FEED_MUTE : (int64_t)f.in.at;
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct rm_kafka *s = state;
	struct rm_kafka_way *w = &s->way[dir];

	(void)conn;
	/* Not to the last byte, at which something is over; and some answers are looked at. */
	if (s->muted || (n && (n >= w->left || w->gather.kept || (dir == RM_DIR_RESPONSE && reads_on(s)))))
		return mute(s, dir, sink);
	w->left -= (uint32_t)n;
	return 0;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct rm_kafka *s = state;

	(void)conn;
	if (rm_gather_end(&s->way[dir].gather, &s->way[RM_DIR_REQUEST].gather, dir, reset, sink))
		break_all(s, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	return ((const struct rm_kafka *)state)->way[RM_DIR_REQUEST].left;
}

const struct rm_proto rm_proto_kafka = {
	.name = "kafka",
	.help = "Kafka: messages that clients send and fetch",
	.client_only = true,
	.state_bytes = sizeof(struct rm_kafka),
	.sniff = sniff,
	.open = kafka_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
