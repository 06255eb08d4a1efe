/* See pgsql_frame.h. */
#include "protocols/pgsql_frame.h"

enum state { HEAD, WANTED, REST };
enum { LENGTH_BYTES = 4, BODY_MAX_BYTES = 1 << 30, START_MAX_BYTES = 10000 };

uint32_t rm_pgsql_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static enum rm_pgsql_event head(struct rm_pgsql_frame *f, struct rm_str bytes, size_t *at)
{
	uint32_t whole = f->untyped ? LENGTH_BYTES : 1 + LENGTH_BYTES, length;

	while (f->head_n < whole) {
		if (*at == bytes.n)
			return RM_PGSQL_MORE;
		f->head[f->head_n++] = (uint8_t)bytes.p[(*at)++];
	}
	length = rm_pgsql_be32(f->head + !f->untyped);
	if (length < LENGTH_BYTES || length > (f->untyped ? START_MAX_BYTES : BODY_MAX_BYTES))
		return RM_PGSQL_BAD;
	f->type = f->untyped ? '\0' : (char)f->head[0];
	f->left = length - LENGTH_BYTES; /* it counts itself */
	f->wanted = 0;
	f->state = WANTED;
	return RM_PGSQL_HEAD;
}

static enum rm_pgsql_event body(struct rm_pgsql_frame *f, enum rm_dir dir, struct rm_str bytes, size_t *at,
				struct rm_sink *sink, struct rm_str *ret_text)
{
	uint32_t missing = f->wanted - f->kept;
	size_t here = bytes.n - *at, take = here < missing ? here : missing;
	char *stash = NULL;

	*ret_text = (struct rm_str){ bytes.p + *at, take };
	if (f->kept || take < missing) {
		if (take == 0)
			return RM_PGSQL_MORE;
		stash = sink->on->stash(sink, (enum rm_stash)dir, f->wanted);
		if (!stash)
			return RM_PGSQL_BAD;
		memcpy(stash + f->kept, bytes.p + *at, take);
		f->kept += (uint32_t)take;
		*ret_text = (struct rm_str){ stash, f->wanted };
	}
	*at += take;
	f->left -= (uint32_t)take;
	if (take < missing)
		return RM_PGSQL_MORE;
	f->state = REST;
	return RM_PGSQL_TEXT;
}

static enum rm_pgsql_event rest(struct rm_pgsql_frame *f, struct rm_str bytes, size_t *at)
{
	size_t take = bytes.n - *at < f->left ? bytes.n - *at : f->left;

	*at += take;
	f->left -= (uint32_t)take;
	if (f->left)
		return RM_PGSQL_MORE;
	f->state = HEAD;
	f->head_n = 0;
	return RM_PGSQL_OVER;
}

enum rm_pgsql_event rm_pgsql_next(struct rm_pgsql_frame *f, enum rm_dir dir, struct rm_str bytes, size_t *at,
				  struct rm_sink *sink, struct rm_str *ret_text)
{
	if (f->state == HEAD)
		return head(f, bytes, at);
	if (f->state == WANTED)
		return body(f, dir, bytes, at, sink, ret_text);
	rm_pgsql_forget(f, dir, sink);
	return rest(f, bytes, at);
}

void rm_pgsql_forget(struct rm_pgsql_frame *f, enum rm_dir dir, struct rm_sink *sink)
{
	if (f->kept)
		sink->on->unstash(sink, (enum rm_stash)dir);
	f->kept = 0;
}

bool rm_pgsql_rest(const struct rm_pgsql_frame *f)
{
	return f->state == REST && f->left;
}

bool rm_pgsql_between(const struct rm_pgsql_frame *f)
{
	return f->state == HEAD && !f->head_n;
}
