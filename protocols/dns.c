/*
 * DNS over TCP: messages behind two bytes of their length, questions one way and answers the other, in any order. Each question
 * is an exchange, known by its number and what is asked. Of an answer the first part is read.
 * States: none but where each direction stands in its message, and which questions wait. An answer that nobody waits for is
 * passed over (a transfer of a zone goes on after its first message).
 * Context: hook, connection locked. Spec: RFC 1035, section 4.2.2; RFC 7766.
 */
#include <string.h>

#include "protocols/dns_message.h"
#include "protocols/frame.h"
#include "protocols/proto.h"

enum { LENGTH_BYTES = 2, WAITING_MAX = 16, READ_BYTES = 4096, QUESTION_MIN_BYTES = RM_DNS_HEAD_BYTES + 5 };

struct waiting {
	rm_xid x;
	uint32_t hash;
	uint16_t id;
	bool used;
};

struct dns {
	bool over;           /* not understood */
	struct rm_frame way[2];
	struct waiting waiting[WAITING_MAX];
};

/* A whole standard question of the class IN: of what begins with a length nothing else looks like that. */
static enum rm_sniff sniff(const uint8_t *p, size_t n)
{
	size_t bytes = n >= LENGTH_BYTES ? rm_be16(p) : 0;

	return bytes >= QUESTION_MIN_BYTES && n >= LENGTH_BYTES + bytes && rm_dns_is_question(p + LENGTH_BYTES, bytes) ? RM_SNIFF_YES
															: RM_SNIFF_NO;
}

static void dns_open(void *state, enum rm_role role)
{
	struct dns *d = state;

	(void)role;
	d->way[0].head_bytes = d->way[1].head_bytes = LENGTH_BYTES;
}

static bool ask(struct dns *d, const struct rm_dns_message *m, struct rm_sink *sink, void *conn)
{
	for (int i = 0; i < WAITING_MAX; i++) {
		struct waiting *w = &d->waiting[i];

		if (w->used)
			continue;
		*w = (struct waiting){ sink->on->request(sink, conn), m->hash, m->id, true };
		sink->on->question(sink, w->x, m);
		sink->on->request_end(sink, w->x, 0);
		return true;
	}
	return false;
}

static void answer(struct dns *d, struct rm_str text, struct rm_dns_message *m, struct rm_sink *sink)
{
	for (int i = 0; i < WAITING_MAX; i++) {
		struct waiting *w = &d->waiting[i];

		if (!w->used || w->id != m->id || w->hash != m->hash)
			continue;
		w->used = false;
		sink->on->response(sink, w->x);
		sink->on->answered(sink, w->x, text, m);
		sink->on->response_end(sink, w->x, 0);
		return;
	}
}

/* False: it is none, or one too many. */
static bool take(struct dns *d, enum rm_dir dir, struct rm_str text, struct rm_sink *sink, void *conn)
{
	char *room = sink->on->scratch(sink, RM_DNS_NAME_BYTES);
	struct rm_dns_message m;
	struct rm_strbuf name;

	rm_strbuf_init(&name, room, room ? RM_DNS_NAME_BYTES : 0);
	if (!rm_dns_read((const uint8_t *)text.p, text.n, &name, &m) || m.response != (dir == RM_DIR_RESPONSE))
		return false;
	if (dir == RM_DIR_REQUEST)
		return ask(d, &m, sink, conn);
	answer(d, text, &m, sink);
	return true;
}

/* Up to the end of these bytes. False: not understood. */
static bool follow(struct dns *d, enum rm_dir dir, struct rm_str bytes, struct rm_sink *sink, void *conn)
{
	struct rm_frame *f = &d->way[dir];
	struct rm_str text;
	uint32_t length;
	size_t at = 0;

	while (true)
		switch (rm_frame_next(f, dir, bytes, &at, sink, &text)) {
		case RM_FRAME_MORE:
			return true;
		case RM_FRAME_HEAD:
			length = rm_be16(f->head);
			if (length < RM_DNS_HEAD_BYTES)
				return false;
			rm_frame_body(f, length, length < READ_BYTES ? length : READ_BYTES);
			break;
		case RM_FRAME_TEXT:
			if (!take(d, dir, text, sink, conn))
				return false;
			break;
		case RM_FRAME_OVER:
			break;
		default:
			return false;
		}
}

static int64_t feed(void *state, enum rm_dir dir, const uint8_t *p, size_t n, struct rm_sink *sink, void *conn)
{
	struct dns *d = state;

	d->over = d->over || !follow(d, dir, (struct rm_str){ (const char *)p, n }, sink, conn);
	return d->over ? RM_FEED_MUTE : (int64_t)n;
}

static int skip(void *state, enum rm_dir dir, uint64_t n, struct rm_sink *sink, void *conn)
{
	struct dns *d = state;

	(void)sink, (void)conn;
	return !d->over && rm_frame_skip(&d->way[dir], n) ? 0 : RM_FEED_MUTE;
}

static void end(void *state, enum rm_dir dir, bool reset, struct rm_sink *sink, void *conn)
{
	struct dns *d = state;

	(void)conn;
	rm_frame_forget(&d->way[RM_DIR_REQUEST], RM_DIR_REQUEST, sink);
	if (dir == RM_DIR_REQUEST && !reset)
		return;
	rm_frame_forget(&d->way[RM_DIR_RESPONSE], RM_DIR_RESPONSE, sink);
	for (int i = 0; i < WAITING_MAX; i++)
		if (d->waiting[i].used) {
			d->waiting[i].used = false;
			sink->on->broken(sink, d->waiting[i].x, rm_end_error(reset));
		}
}

const struct rm_proto rm_proto_dns = {
	.name = "dns",
	.help = "DNS over TCP: questions of clients, and their answers",
	.client_only = true,
	.state_bytes = sizeof(struct dns),
	.sniff = sniff,
	.open = dns_open,
	.feed = feed,
	.skip = skip,
	.end = end,
};
