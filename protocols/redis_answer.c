/* Answers of Redis, see redis.c. Runs in hooks with the connection locked. */
#include "protocols/redis.h"

enum { STATUS_BYTES = 24 };

/* "WRONGTYPE": the first word of an error, if it looks like one. The rest may hold anything. */
static struct rm_str status_of(const struct rm_redis *r)
{
	size_t n = 0;

	while (n < r->first.n && ((r->first.text[n] >= 'A' && r->first.text[n] <= 'Z') || r->first.text[n] == '_' ||
				  (n && r->first.text[n] >= '0' && r->first.text[n] <= '9')))
		n++;
	if (n == STATUS_BYTES || (n < r->first.n && r->first.text[n] != ' '))
		n = 0;
	return (struct rm_str){ r->first.text, n };
}

/* All that is told of an answer that is no error, as a number. */
static uint32_t same_outcome(const struct rm_redis *r)
{
	return (uint32_t)(r->database - RM_REDIS_DATABASE_UNKNOWN + 1);
}

/* The oldest command got its last answer. */
static void answered(struct rm_redis_feed *f, const struct rm_waiting *w)
{
	struct rm_redis *r = f->r;
	char digits[8];
	struct rm_outcome outcome = { .failed = r->failed };
	rm_xid x = w->x;

	if (r->failed)
		outcome.status = status_of(r);
	else
		outcome.same = same_outcome(r);
	if (r->database != RM_REDIS_DATABASE_UNKNOWN) {
		size_t i = sizeof(digits);

		for (int32_t v = r->database; v || i == sizeof(digits); v /= 10)
			digits[--i] = (char)('0' + v % 10);
		outcome.space = (struct rm_str){ digits + i, sizeof(digits) - i };
	}
	rm_waiting_pop(&r->queue, f->sink);
	f->ring = NULL;
	f->sink->on->response(f->sink, x);
	f->sink->on->outcome(f->sink, x, &outcome);
	f->sink->on->response_end(f->sink, x, 0);
}

/* What the answer says about those that follow. */
static void learn(struct rm_redis *r, const struct rm_waiting *w)
{
	if (r->failed)
		return;
	switch (w->kind) {
	case RM_REDIS_SELECT:
		/* Queued, it takes effect some time: from here on nobody knows. */
		r->database = rm_redis_is_word(&r->first, RM_STR("OK")) && w->n <= RM_REDIS_DATABASE_MAX ? (int32_t)w->n : RM_REDIS_DATABASE_UNKNOWN;
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
static uint8_t confirms(const struct rm_redis_word *w, bool *ret_leaves)
{
	bool shards = w->n > 1 && *w->text == 's' && w->text[1] != 'u';
	size_t skip = 0;
	struct rm_redis_word rest = *w;

	shards = shards || rm_redis_is_word(w, RM_STR("sunsubscribe"));
	if (shards || (w->n && *w->text == 'p'))
		skip = 1;
	rest.n = (uint8_t)(w->n - skip);
	memcpy(rest.text, w->text + skip, rest.n);
	*ret_leaves = rm_redis_is_word(&rest, RM_STR("unsubscribe"));
	return *ret_leaves || rm_redis_is_word(&rest, RM_STR("subscribe")) ? 1 << shards : 0;
}

static bool may_be_push(const struct rm_redis *r)
{
	return r->top == '>' || (r->top == '*' && r->pubsub && !r->resp3);
}

static bool is_message(const struct rm_redis_word *w)
{
	return rm_redis_is_word(w, RM_STR("message")) || rm_redis_is_word(w, RM_STR("pmessage")) || rm_redis_is_word(w, RM_STR("smessage"));
}

/* A push, or what may be one in RESP2. True when it is: then it answers at most a subscription. */
static bool push_over(struct rm_redis_feed *f, const struct rm_waiting *w)
{
	struct rm_redis *r = f->r;
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

static bool answer_over(struct rm_redis_feed *f)
{
	struct rm_redis *r = f->r;
	struct rm_waiting *w = rm_waiting_oldest(&r->queue, f->sink);
	struct rm_waiting was;

	f->ring = NULL;
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

static bool outermost(struct rm_redis_feed *f)
{
	struct rm_redis *r = f->r;
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
		rm_redis_put_word(&r->first, way->text, way->kept);
	return r->items_left || answer_over(f);
}

static bool element(struct rm_redis_feed *f)
{
	struct rm_redis *r = f->r;
	struct rm_resp *way = &r->way[RM_DIR_RESPONSE];

	r->items_left += elements(way) - (way->type != '|');
	if (way->type == ':')
		r->last = way->number;
	if (r->answering && !r->first.n && !is_aggregate(way->type))
		rm_redis_put_word(&r->first, way->text, way->kept);
	if (r->items_left)
		return true;
	if (!r->attribute)
		return answer_over(f);
	r->attribute = false;
	return true;
}

/* A simple answer to a plain command, whole where it came. False: it is to be looked at. */
static bool whole_answer(struct rm_redis_feed *f)
{
	struct rm_redis *r = f->r;
	struct rm_waiting was;

	if (r->answering || r->attribute || r->pubsub || !r->queue.count || !rm_redis_ring(f))
		return false;
	was = f->ring[r->queue.oldest];
	if (was.kind != RM_WAITING_PLAIN || was.n != 1 || !rm_resp_answer(f->p, f->n, &f->at))
		return false;
	if (was.x && f->sink->on->as_before && f->sink->on->as_before(f->sink, was.x, same_outcome(r))) {
		rm_waiting_drop(&r->queue);
		return true;
	}
	r->failed = false;
	answered(f, &was);
	return true;
}

bool rm_redis_answers(struct rm_redis_feed *f)
{
	struct rm_redis *r = f->r;
	struct rm_resp *way = &r->way[RM_DIR_RESPONSE];

	while (f->at < f->n) {
		enum rm_resp_step s;

		if (rm_resp_between(way) && whole_answer(f))
			continue;
		way->keep = r->answering && !r->first.n && may_be_push(r);
		s = rm_resp_next(way, f->p, f->n, &f->at);
		if (s == RM_RESP_BAD || way->type == RM_RESP_INLINE)
			return false;
		if (s == RM_RESP_ITEM && !(r->answering || r->attribute ? element(f) : outermost(f)))
			return false;
	}
	return true;
}
