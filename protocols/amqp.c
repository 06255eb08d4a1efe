/*
 * AMQP 0-9-1 (RabbitMQ): what a client publishes, and what it receives.
 *
 * Each direction:  FRAME (7 bytes; of methods and content heads all of it) --> REST (the end, or bytes of a body) --> FRAME
 * Frames of several channels may alternate. A message is a method frame, a content head and frames of its body; which method
 * it was is kept by channel until the head comes, with which the message is told (amqp_content.c).
 *
 * A message that is published is over with its last byte, or where the channel is in confirm mode when the broker settled
 * it. One that is received is over with its last byte.
 * Context: hook, connection locked. Never: allocates, blocks, logs.
 * Spec: AMQP 0-9-1, section 4.2.3 (frames).
 */
#include "protocols/amqp.h"

enum { FRAME_END = 0xce, PREFACE_BYTES = 8, SIZE_MAX_BYTES = 1 << 28, FIRST_CHANNELS = 4 };

static const uint8_t preface[PREFACE_BYTES] = { 'A', 'M', 'Q', 'P', 0, 0, 9, 1 };

static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	size_t here = n < PREFACE_BYTES ? n : PREFACE_BYTES;

	if (memcmp(p, preface, here) != 0)
		return RM_SNIFF_NO;
	return here == PREFACE_BYTES ? RM_SNIFF_YES : RM_SNIFF_MORE;
}

static void amqp_open(void *state, enum rm_role role)
{
	(void)state, (void)role;
}

/* ---- channels ---- */

static struct rm_amqp_channel *channels(const struct rm_amqp *s, struct rm_sink *sink, uint32_t cap)
{
	(void)s;
	return (void *)sink->on->stash(sink, RM_STASH_RESPONSE_TABLE, cap * (uint32_t)sizeof(struct rm_amqp_channel));
}

static bool is_idle(const struct rm_amqp_channel *c)
{
	return !c->confirms && !c->way[0].stage && !c->way[1].stage;
}

struct rm_amqp_channel *rm_amqp_channel(struct rm_amqp *s, struct rm_sink *sink, uint16_t id, bool add)
{
	struct rm_amqp_channel *all = s->channels ? channels(s, sink, s->channels_cap) : NULL;
	uint32_t cap = s->channels_cap, i;

	for (i = 0; all && i < s->channels; i++)
		if (all[i].id == id)
			return &all[i];
	if (!add)
		return NULL;
	for (i = 0; all && i < s->channels; i++)
		if (is_idle(&all[i]))
			break;
	if (i == s->channels) {
		if (s->channels == cap)
			cap = cap ? 2 * cap : FIRST_CHANNELS;
		all = cap <= RM_AMQP_CHANNELS ? channels(s, sink, cap) : NULL;
		if (!all)
			return NULL;
		s->channels_cap = (uint16_t)cap;
		s->channels++;
	}
	all[i] = (struct rm_amqp_channel){ .id = id };
	return &all[i];
}

/* ---- frames ---- */

/* The rest of a frame: bytes of a body, and the end. */
static bool rest(struct rm_amqp_feed *f)
{
	struct rm_amqp_way *w = &f->s->way[f->in.dir];
	struct rm_amqp_channel *c;

	if (w->left > 1) {
		rm_input_pass(&f->in, &w->left, 1);
		return true;
	}
	w->left = 0;
	if ((uint8_t)f->in.p[f->in.at++] != FRAME_END)
		return false;
	c = w->content ? rm_amqp_channel(f->s, f->sink, w->channel, false) : NULL;
	/* A channel may be closed within a frame. */
	if (!c || c->way[f->in.dir].stage != RM_AMQP_IN_BODY)
		return true;
	c->way[f->in.dir].left -= w->body;
	if (!c->way[f->in.dir].left)
		rm_amqp_content_over(f, c);
	return true;
}

/* Is this a frame that may come here? */
static bool may_be(struct rm_amqp_feed *f, const uint8_t *head, uint32_t size)
{
	struct rm_amqp_channel *c;

	switch (head[0]) {
	case RM_AMQP_METHOD:
		return size >= 4;
	case RM_AMQP_HEARTBEAT:
		return size == 0;
	case RM_AMQP_HEADER:
	case RM_AMQP_BODY:
		c = rm_amqp_channel(f->s, f->sink, rm_be16(head + 1), false);
		if (!c)
			return false;
		return head[0] == RM_AMQP_HEADER ? c->way[f->in.dir].stage == RM_AMQP_AWAITS_HEAD :
						   c->way[f->in.dir].stage == RM_AMQP_IN_BODY && size <= c->way[f->in.dir].left;
	}
	return false;
}

/* So much of a frame is looked at in one piece. */
static uint32_t head_bytes(const uint8_t *head, uint32_t size)
{
	if (head[0] == RM_AMQP_BODY || (head[0] == RM_AMQP_METHOD && size > RM_AMQP_HEAD_MAX_BYTES))
		return RM_AMQP_HEAD_BYTES;
	return RM_AMQP_HEAD_BYTES + size;
}

static enum rm_step content_head(struct rm_amqp_feed *f, uint16_t id, struct rm_str head, int64_t at)
{
	struct rm_amqp_channel *c = rm_amqp_channel(f->s, f->sink, id, false);
	bool stop;

	if (!c || !rm_amqp_content_head(f, c, head, at, &stop))
		return RM_STEP_MUTE;
	return stop ? RM_STEP_STOP : RM_STEP_GO_ON;
}

/* As much of the frame as is looked at is here. */
static enum rm_step frame_here(struct rm_amqp_feed *f, struct rm_str head)
{
	struct rm_amqp_way *w = &f->s->way[f->in.dir];
	const uint8_t *p = (const uint8_t *)head.p;
	uint32_t size = rm_be32(p + 3);
	struct rm_str payload = { head.p + RM_AMQP_HEAD_BYTES, head.n - RM_AMQP_HEAD_BYTES };
	int64_t at = (int64_t)f->in.at - w->gather.kept;

	f->in.at += head.n - w->gather.kept;
	w->channel = rm_be16(p + 1);
	w->content = p[0] == RM_AMQP_HEADER || p[0] == RM_AMQP_BODY;
	w->body = p[0] == RM_AMQP_BODY ? size : 0;
	w->left = size - (uint32_t)payload.n + 1;
	if (p[0] == RM_AMQP_HEADER)
		return content_head(f, w->channel, head, at);
	if (p[0] == RM_AMQP_METHOD && payload.n == size && !rm_amqp_method(f, w->channel, payload))
		return RM_STEP_MUTE;
	return RM_STEP_GO_ON;
}

static enum rm_step frame(struct rm_amqp_feed *f)
{
	struct rm_gather *g = &f->s->way[f->in.dir].gather;
	size_t have = rm_gather_have(g, &f->in);
	enum rm_step v;
	const char *p;
	uint32_t want, size;

	if (have < RM_AMQP_HEAD_BYTES)
		return rm_gather_keep(g, &f->in, f->sink);
	p = rm_gather_joined(g, &f->in, RM_AMQP_HEAD_BYTES, f->sink);
	if (!p)
		return RM_STEP_MUTE;
	size = rm_be32(p + 3);
	if (size > SIZE_MAX_BYTES || !may_be(f, (const uint8_t *)p, size))
		return RM_STEP_MUTE;
	want = head_bytes((const uint8_t *)p, size);
	if (want > RM_AMQP_HEAD_BYTES + RM_AMQP_HEAD_MAX_BYTES)
		return RM_STEP_MUTE;
	if (have < want)
		return rm_gather_keep(g, &f->in, f->sink);
	p = rm_gather_joined(g, &f->in, want, f->sink);
	if (!p)
		return RM_STEP_MUTE;
	v = frame_here(f, (struct rm_str){ p, want });
	rm_gather_forget(g, f->in.dir, f->sink);
	return v;
}

static bool open_here(struct rm_amqp_feed *f)
{
	struct rm_gather *g = &f->s->way[RM_DIR_REQUEST].gather;
	const char *p;

	if (rm_gather_have(g, &f->in) < PREFACE_BYTES)
		return rm_gather_keep(g, &f->in, f->sink) == RM_STEP_GO_ON;
	p = rm_gather_joined(g, &f->in, PREFACE_BYTES, f->sink);
	if (!p || memcmp(p, preface, PREFACE_BYTES) != 0)
		return false;
	f->in.at = PREFACE_BYTES - g->kept;
	rm_gather_forget(g, RM_DIR_REQUEST, f->sink);
	f->s->opened = true;
	return true;
}

/* ---- the connection ---- */

static void break_all(struct rm_amqp *s, struct rm_sink *sink, struct rm_str error)
{
	for (uint32_t i = 0; i < s->channels; i++) {
		struct rm_amqp_channel *all = channels(s, sink, s->channels_cap);

		if (all)
			rm_amqp_channel_over(s, sink, &all[i], error);
	}
}

static int mute(struct rm_amqp *s, enum rm_dir dir, struct rm_sink *sink)
{
	rm_gather_forget(&s->way[dir].gather, dir, sink);
	s->muted = true;
	return RM_FEED_MUTE;
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct rm_amqp *s = state;
	struct rm_amqp_feed f = { s, { dir, (const char *)p, n, 0 }, sink, conn };

	if (!s->muted && !s->opened && n && (dir == RM_DIR_RESPONSE || !open_here(&f)))
		return mute(s, dir, sink);
	while (!s->muted && f.in.at < n) {
		enum rm_step v = s->way[dir].left ? (rest(&f) ? RM_STEP_GO_ON : RM_STEP_MUTE) : frame(&f);

		if (v == RM_STEP_MUTE)
			return mute(s, dir, sink);
		if (v == RM_STEP_STOP)
			break;
	}
	return s->muted ? RM_FEED_MUTE : (int64_t)f.in.at;
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct rm_amqp *s = state;
	struct rm_amqp_way *w = &s->way[dir];

	(void)conn;
	if (s->muted || (n && n + 1 > w->left))
		return mute(s, dir, sink);
	w->left -= (uint32_t)n;
	return 0;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct rm_amqp *s = state;

	(void)conn;
	if (rm_gather_end(&s->way[dir].gather, &s->way[RM_DIR_REQUEST].gather, dir, reset, sink))
		break_all(s, sink, rm_end_error(reset));
}

static uint64_t unread(const void *state)
{
	const struct rm_amqp_way *w = &((const struct rm_amqp *)state)->way[RM_DIR_REQUEST];

	return w->left > 1 ? w->left - 1 : 0;
}

const struct rm_proto rm_proto_amqp = {
	.name = "amqp",
	.help = "AMQP 0-9-1 (RabbitMQ): messages that clients publish and receive",
	.client_only = true,
	.state_bytes = sizeof(struct rm_amqp),
	.sniff = sniff,
	.open = amqp_open,
	.feed = feed,
	.skip = skip,
	.end = end,
	.unread = unread,
};

_Static_assert(sizeof(struct rm_amqp) <= RM_CONN_STATE_BYTES, "as any protocol");
