/*
 * NATS: what a client publishes, and what it receives. The server speaks first; inside TLS, where it did so before, the
 * client does.
 *
 * Each direction:  LINE --a line--> LINE               INFO, CONNECT, SUB, UNSUB, PING, PONG, +OK, -ERR
 *                  LINE --PUB, MSG--> BODY             so many bytes, CR LF
 *                  LINE --HPUB, HMSG--> (headers) --> BODY
 * A line and the headers behind it are looked at as one, the head; bodies are stepped over.
 *
 * A message is published when its last byte is sent: nobody answers. It gets headers where the server said that it takes
 * them (INFO), the client that it sends them (CONNECT), and the server has answered to that, by when it has said how long
 * a message of this client may be. What a client without that says stays as it is.
 *
 * No messages are what goes to the server itself ($JS., $SYS.) and what is sent to or comes by an inbox (_INBOX.): calls
 * and their answers.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: NATS client protocol; ADR-4 (headers).
 */
#include "protocols/gather.h"
#include "protocols/names.h"
#include "protocols/nats_text.h"

enum {
	PORT = 4222,
	WORDS = 6,
	LINE_MAX_BYTES = 4096,        /* of messages and subscriptions */
	HEADERS_MAX_BYTES = 16 * 1024, /* of those that are read */
	BODY_MAX_BYTES = 1 << 30,
};

struct way {
	struct rm_gather gather;
	uint32_t line;  /* bytes of the head's line, once that is whole */
	uint32_t head;  /* bytes of all of it, then */
	uint32_t left;  /* of the body and its CR LF */
	bool told;      /* the body is that of a message ... */
	rm_xid x;
	uint32_t body;  /* ... so long */
};

struct nats {
	struct way way[2]; /* by enum rm_dir */
	struct rm_names subscriptions; /* by their number: pattern, LF, group */
	uint32_t max_payload;
	bool server_headers, client_headers, connected, answered;
	bool streams;          /* the server keeps messages in streams, each with a limit that it does not tell */
	bool informed;         /* an INFO was seen */
	bool muted;
};

_Static_assert(sizeof(struct nats) <= RM_CONN_STATE_BYTES, "as any protocol");

struct feed {
	struct nats *s;
	struct way *w;
	struct rm_input in;
	struct rm_sink *sink;
	void *conn;
};

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	static const char connect[] = "CONNECT {";

	/* Not earlier: HTTP begins with the same word. */
	return n >= sizeof(connect) - 1 && memcmp(p, connect, sizeof(connect) - 1) == 0 ? RM_SNIFF_YES : RM_SNIFF_NO;
}

static bool greets(const uint8_t *p, size_t n)
{
	return n >= 6 && memcmp(p, "INFO {", 6) == 0;
}

static void nats_open(void *state, enum rm_role role)
{
	(void)state, (void)role;
}

/* ---- heads ---- */

static void forget_head(struct way *w, enum rm_dir dir, struct rm_sink *sink)
{
	rm_gather_forget(&w->gather, dir, sink);
	w->line = w->head = 0;
}

static struct rm_str next_word(struct rm_str *rest)
{
	const char *p = rest->p, *end = p + rest->n, *from;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	for (from = p; p < end && *p != ' ' && *p != '\t';)
		p++;
	*rest = (struct rm_str){ p, (size_t)(end - p) };
	return (struct rm_str){ from, (size_t)(p - from) };
}

static uint32_t split(struct rm_str line, struct rm_str words[WORDS])
{
	uint32_t count = 0;

	while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	while (count < WORDS) {
		words[count] = next_word(&line);
		if (!words[count].n)
			break;
		count++;
	}
	return line.n && next_word(&line).n ? WORDS + 1 : count;
}

static bool read_size(struct rm_str word, uint64_t *ret)
{
	return rm_str_u64(word, ret) && *ret <= BODY_MAX_BYTES;
}

/* What stands behind the operation of a message. False: it is none. */
static bool read_args(const struct rm_str *words, uint32_t count, bool received, bool headers, struct rm_nats_args *ret)
{
	uint32_t sizes = headers ? 2 : 1, fixed = 2 + received + sizes;

	*ret = (struct rm_nats_args){ 0 };
	if (count < fixed || count > fixed + 1)
		return false;
	ret->subject = words[1];
	if (received)
		ret->sid = words[2];
	if (count > fixed)
		ret->reply = words[2 + received];
	return read_size(words[count - 1], &ret->bytes) && (!headers || read_size(words[count - 2], &ret->header_bytes)) &&
	       ret->header_bytes <= ret->bytes;
}

static bool is_message(struct rm_str op, bool received, bool *ret_headers)
{
	*ret_headers = op.n > 1 && (op.p[0] | 0x20) == 'h';
	if (*ret_headers)
		op = (struct rm_str){ op.p + 1, op.n - 1 };
	return rm_str_ieq(op, received ? RM_STR("MSG") : RM_STR("PUB"));
}

/* ---- messages ---- */

static bool is_told(struct rm_str subject)
{
	return !rm_str_begins(subject, RM_STR("$JS.")) && !rm_str_begins(subject, RM_STR("$SYS.")) &&
	       !rm_str_begins(subject, RM_STR("_INBOX."));
}

static void begin_body(struct way *w, const struct rm_nats_args *args, size_t headers_read)
{
	w->left = (uint32_t)(args->bytes - headers_read) + 2;
	w->body = (uint32_t)(args->bytes - args->header_bytes);
	w->told = is_told(args->subject);
}

static void read_headers(struct rm_str block, struct rm_nats_headers *headers, struct rm_message *m)
{
	rm_nats_headers_read(block, headers);
	m->fields = headers->fields;
	m->field_count = headers->count;
	m->id = headers->id;
}

/* By how much a message may grow. */
static uint64_t room_for(const struct feed *f, const struct rm_nats_args *args)
{
	uint64_t most = f->s->max_payload, untold = f->s->streams ? f->sink->on->untold(f->sink) : most;

	most = untold < most ? untold : most;
	return most > args->bytes ? most - args->bytes : 0;
}

/* A message on its way out; `block` are its headers, or as much as is looked at: nothing. */
static bool publish(struct feed *f, struct rm_str head, int64_t at, const struct rm_nats_args *args, struct rm_str block,
		    struct rm_nats_headers *headers)
{
	struct nats *s = f->s;
	struct rm_nats_envelope envelope = { .args = args, .block = block };
	struct rm_message m = { .system = RM_STR("nats"), .port = PORT, .operation = RM_STR("publish"), .destination = args->subject };

	headers->count = 0;
	headers->whole = !args->header_bytes;
	if (block.n)
		read_headers(block, headers, &m);
	if (!headers->whole)
		envelope.block = (struct rm_str){ 0 };
	envelope.base = (struct rm_envelope){
		.at = at,
		.head = head,
		.room_bytes = headers->whole && headers->count <= RM_NATS_FIELDS / 2 ? room_for(f, args) : 0,
		.extra_bytes = RM_NATS_EXTRA_BYTES,
		.copies = 1,
		.put = rm_put_line,
		.write = rm_nats_write,
	};
	if (s->server_headers && s->client_headers && s->answered)
		m.envelope = &envelope.base;
	f->w->x = f->sink->on->request(f->sink, f->conn);
	return f->sink->on->message(f->sink, f->w->x, &m, (uint32_t)f->in.at);
}

static void receive(struct feed *f, const struct rm_nats_args *args, struct rm_str block, struct rm_nats_headers *headers)
{
	struct rm_message m = {
		.system = RM_STR("nats"),
		.port = PORT,
		.received = true,
		.operation = RM_STR("receive"),
		.destination = args->subject,
		.group = rm_nats_consumer(args->reply),
	};
	struct rm_str known;

	if (block.n)
		read_headers(block, headers, &m);
	if (rm_names_get(&f->s->subscriptions, f->sink, args->sid, &known)) {
		m.pattern = rm_str_cut(&known, '\n');
		if (!m.group.n)
			m.group = known;
	}
	f->w->x = f->sink->on->request(f->sink, f->conn);
	f->sink->on->message(f->sink, f->w->x, &m, (uint32_t)f->in.at);
}

static void message_over(struct feed *f)
{
	static const struct rm_outcome fine;
	const struct rm_sink_calls *on = f->sink->on;
	rm_xid x = f->w->x;
	bool sent = f->in.dir == RM_DIR_REQUEST;

	if (!f->w->told)
		return;
	f->w->told = false;
	f->w->x = 0;
	on->request_end(f->sink, x, sent ? f->w->body : 0);
	on->response(f->sink, x);
	on->outcome(f->sink, x, &fine);
	on->response_end(f->sink, x, sent ? 0 : f->w->body);
}

/* ---- lines ---- */

static bool is_true(struct rm_str options, struct rm_str name)
{
	struct rm_str value;

	return rm_nats_member(options, name, &value) && rm_str_eq(value, RM_STR("true"));
}

static void learn_info(struct nats *s, struct rm_str options)
{
	struct rm_str value;
	uint64_t most = 0;

	if (rm_nats_member(options, RM_STR("max_payload"), &value) && !rm_str_u64(value, &most))
		most = 0;
	s->server_headers = is_true(options, RM_STR("headers"));
	s->streams = is_true(options, RM_STR("jetstream"));
	s->max_payload = most < BODY_MAX_BYTES ? (uint32_t)most : BODY_MAX_BYTES;
	s->informed = true;
}

/* What the server said before TLS: the longest message, and two bits. */
enum { GREETING_HEADERS = 32, GREETING_STREAMS };

static uint64_t greeting_of(const struct nats *s)
{
	return s->max_payload | (uint64_t)s->server_headers << GREETING_HEADERS | (uint64_t)s->streams << GREETING_STREAMS;
}

static void recall_greeting(struct nats *s, uint64_t greeting)
{
	s->max_payload = (uint32_t)greeting;
	s->server_headers = greeting >> GREETING_HEADERS & 1;
	s->streams = greeting >> GREETING_STREAMS & 1;
}

/* Subscriptions of which more is known than the subject of each message tells. */
static void subscribe(struct feed *f, const struct rm_str *words, uint32_t count)
{
	struct rm_str subject = words[1], group = count == 4 ? words[2] : (struct rm_str){ 0 };
	bool pattern = memchr(subject.p, '*', subject.n) || memchr(subject.p, '>', subject.n);
	char room[RM_NAMES_TEXT_BYTES];
	struct rm_strbuf text;

	if (!is_told(subject) || (!pattern && !group.n))
		return;
	rm_strbuf_init(&text, room, sizeof(room));
	rm_strbuf_str(&text, pattern ? subject : RM_STR(""));
	rm_strbuf_char(&text, '\n');
	rm_strbuf_str(&text, group);
	if (!text.truncated)
		rm_names_put(&f->s->subscriptions, f->sink, words[count - 1], rm_strbuf_view(&text));
}

static enum rm_step client_line(struct feed *f, struct rm_str line, const struct rm_str *words, uint32_t count)
{
	struct nats *s = f->s;
	struct rm_str op = words[0];

	if (rm_str_ieq(op, RM_STR("CONNECT")) && line.n > 8) {
		if (!s->informed)
			recall_greeting(s, f->sink->on->greeting(f->sink));
		s->client_headers = is_true((struct rm_str){ line.p + 8, line.n - 8 }, RM_STR("headers"));
		s->connected = true;
		s->answered = false;
		return RM_STEP_GO_ON;
	}
	if (rm_str_ieq(op, RM_STR("SUB")) && (count == 3 || count == 4)) {
		subscribe(f, words, count);
		return RM_STEP_GO_ON;
	}
	if (rm_str_ieq(op, RM_STR("UNSUB")) && (count == 2 || count == 3)) {
		if (count == 2) /* else so many messages are to come */
			rm_names_drop(&s->subscriptions, f->sink, words[1]);
		return RM_STEP_GO_ON;
	}
	return count == 1 && (rm_str_ieq(op, RM_STR("PING")) || rm_str_ieq(op, RM_STR("PONG"))) ? RM_STEP_GO_ON : RM_STEP_MUTE;
}

static enum rm_step server_line(struct feed *f, struct rm_str line, const struct rm_str *words, uint32_t count)
{
	struct nats *s = f->s;
	struct rm_str op = words[0];

	if (rm_str_ieq(op, RM_STR("INFO")) && line.n > 5) {
		learn_info(s, (struct rm_str){ line.p + 5, line.n - 5 });
		return RM_STEP_GO_ON;
	}
	if (count == 1 && (rm_str_ieq(op, RM_STR("PONG")) || rm_str_ieq(op, RM_STR("+OK")))) {
		s->answered = s->connected;
		return RM_STEP_GO_ON;
	}
	return (count == 1 && rm_str_ieq(op, RM_STR("PING"))) || rm_str_ieq(op, RM_STR("-ERR")) ? RM_STEP_GO_ON : RM_STEP_MUTE;
}

/* ---- bytes ---- */

/* The line is whole: how much more belongs to the head? */
static uint32_t head_of(const char *p, uint32_t line, bool received)
{
	struct rm_str words[WORDS];
	struct rm_nats_args args;
	bool headers;
	uint32_t count = split((struct rm_str){ p, line }, words);

	if (count > WORDS || !count || !is_message(words[0], received, &headers) || !headers ||
	    !read_args(words, count, received, headers, &args) || args.header_bytes > HEADERS_MAX_BYTES)
		return line;
	return line + (uint32_t)args.header_bytes;
}

/* The head is here. Its bytes are stepped over, whatever becomes of it. */
static enum rm_step head_here(struct feed *f, struct rm_str head)
{
	bool received = f->in.dir == RM_DIR_RESPONSE, headers;
	int64_t at = (int64_t)f->in.at - f->w->gather.kept;
	uint32_t line_bytes = f->w->line, count;
	struct rm_str line = { head.p, line_bytes }, block = { head.p + line_bytes, head.n - line_bytes };
	struct rm_nats_headers *room;
	struct rm_str words[WORDS];
	struct rm_nats_args args;

	f->in.at += head.n - f->w->gather.kept;
	count = split(line, words);
	/* Lines of options hold any number of words. */
	if (!count || line_bytes > RM_HEAD_MAX_BYTES)
		return RM_STEP_MUTE;
	if (!is_message(words[0], received, &headers))
		return received ? server_line(f, line, words, count) : client_line(f, line, words, count);
	if (count > WORDS || line_bytes > LINE_MAX_BYTES || !read_args(words, count, received, headers, &args))
		return RM_STEP_MUTE;
	begin_body(f->w, &args, block.n);
	if (!f->w->told)
		return RM_STEP_GO_ON;
	room = f->sink->on->scratch(f->sink, sizeof(*room));
	if (!room)
		return RM_STEP_MUTE;
	if (received)
		receive(f, &args, block, room);
	else if (!publish(f, head, at, &args, block, room))
		return RM_STEP_STOP;
	return RM_STEP_GO_ON;
}

static enum rm_step head(struct feed *f)
{
	struct way *w = f->w;
	enum rm_step v;
	const char *p;

	if (f->in.dir == RM_DIR_REQUEST && !f->s->connected && !w->gather.kept && f->in.p[f->in.at] == 22) {
		forget_head(&f->s->way[RM_DIR_RESPONSE], RM_DIR_RESPONSE, f->sink);
		f->sink->on->set_greeting(f->sink, greeting_of(f->s));
		f->sink->on->hand_over(f->sink, 0, "tls");
		return RM_STEP_STOP;
	}
	if (!w->line) {
		const char *end = memchr(f->in.p + f->in.at, '\n', f->in.n - f->in.at);

		if (!end)
			return rm_gather_keep(&w->gather, &f->in, f->sink);
		w->line = w->gather.kept + (uint32_t)(end + 1 - (f->in.p + f->in.at));
		p = rm_gather_joined(&w->gather, &f->in, w->line, f->sink);
		if (!p)
			return RM_STEP_MUTE;
		w->head = head_of(p, w->line, f->in.dir == RM_DIR_RESPONSE);
	}
	if (rm_gather_have(&w->gather, &f->in) < w->head)
		return rm_gather_keep(&w->gather, &f->in, f->sink);
	p = rm_gather_joined(&w->gather, &f->in, w->head, f->sink);
	if (!p)
		return RM_STEP_MUTE;
	v = head_here(f, (struct rm_str){ p, w->head });
	forget_head(w, f->in.dir, f->sink);
	return v;
}

/* A body, and the CR LF behind it. */
static bool body(struct feed *f)
{
	struct way *w = f->w;

	if (w->left > 2) {
		rm_input_pass(&f->in, &w->left, 2);
		return true;
	}
	if (f->in.p[f->in.at++] != (w->left == 2 ? '\r' : '\n'))
		return false;
	if (--w->left == 0)
		message_over(f);
	return true;
}

/* Exchanges end without a word, or with this one. */
static void end_all(struct nats *s, struct rm_sink *sink, struct rm_str error)
{
	for (int dir = 0; dir < 2; dir++) {
		if (s->way[dir].told)
			sink->on->broken(sink, s->way[dir].x, error);
		s->way[dir].told = false;
		forget_head(&s->way[dir], (enum rm_dir)dir, sink);
	}
}

static int mute(struct nats *s, enum rm_dir dir, struct rm_sink *sink)
{
	forget_head(&s->way[dir], dir, sink);
	s->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct nats *s = state;
	struct feed f = { s, &s->way[dir], { dir, (const char *)p, n, 0 }, sink, conn };

	while (!s->muted && f.in.at < n) {
		enum rm_step v = f.w->left ? (body(&f) ? RM_STEP_GO_ON : RM_STEP_MUTE) : head(&f);

		if (v == RM_STEP_MUTE)
			return mute(s, dir, sink);
		if (v != RM_STEP_GO_ON)
			break;
	}
	return s->muted ? RM_FEED_MUTE : (int64_t)f.in.at;
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct nats *s = state;
	struct way *w = &s->way[dir];

	(void)conn;
	if (s->muted || (n && n + 2 > w->left))
		return mute(s, dir, sink);
	w->left -= (uint32_t)n;
	return 0;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct nats *s = state;

	(void)conn;
	if (!reset && dir == RM_DIR_REQUEST)
		forget_head(&s->way[dir], dir, sink);
	else
		end_all(s, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	const struct way *w = &((const struct nats *)state)->way[RM_DIR_REQUEST];

	return w->left > 2 ? w->left - 2 : 0;
}

const struct rm_proto rm_proto_nats = {
	.name = "nats",
	.help = "NATS: messages that clients publish and receive",
	.client_only = true,
	.state_bytes = sizeof(struct nats),
	.sniff = sniff,
	.open = nats_open,
	.greets = greets,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};
