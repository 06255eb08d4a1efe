/* See frame.h. */
#include "protocols/frame.h"

enum state { HEAD, WANTED, REST };

static enum rm_frame_event head(struct rm_frame *f, struct rm_str bytes, size_t *at)
{
	size_t missing = (size_t)f->head_bytes - f->head_n, here = bytes.n - *at;
	size_t take = here < missing ? here : missing;

	if (take)
		memcpy(f->head + f->head_n, bytes.p + *at, take);
	*at += take;
	f->head_n += (uint8_t)take;
	if (take < missing)
		return RM_FRAME_MORE;
	f->left = f->wanted = 0;
	f->state = WANTED;
	return RM_FRAME_HEAD;
}

static enum rm_frame_event body(struct rm_frame *f, enum rm_dir dir, struct rm_str bytes, size_t *at,
				struct rm_sink *sink, struct rm_str *ret_text)
{
	uint32_t missing = f->wanted - f->kept;
	size_t here = bytes.n - *at, take = here < missing ? here : missing;
	char *stash = NULL;

	*ret_text = (struct rm_str){ bytes.p + *at, take };
	if (f->kept || take < missing) {
		if (take == 0)
			return RM_FRAME_MORE;
		stash = sink->on->stash(sink, (enum rm_stash)dir, f->wanted);
		if (!stash)
			return RM_FRAME_BAD;
		memcpy(stash + f->kept, bytes.p + *at, take);
		f->kept += (uint32_t)take;
		*ret_text = (struct rm_str){ stash, f->wanted };
	}
	*at += take;
	f->left -= (uint32_t)take;
	if (take < missing)
		return RM_FRAME_MORE;
	f->state = REST;
	return RM_FRAME_TEXT;
}

static enum rm_frame_event rest(struct rm_frame *f, struct rm_str bytes, size_t *at)
{
	size_t take = bytes.n - *at < f->left ? bytes.n - *at : f->left;

	*at += take;
	f->left -= (uint32_t)take;
	if (f->left)
		return RM_FRAME_MORE;
	f->state = HEAD;
	f->head_n = 0;
	return RM_FRAME_OVER;
}

enum rm_frame_event rm_frame_next(struct rm_frame *f, enum rm_dir dir, struct rm_str bytes, size_t *at,
				  struct rm_sink *sink, struct rm_str *ret_text)
{
	if (f->state == HEAD)
		return head(f, bytes, at);
	if (f->state == WANTED)
		return body(f, dir, bytes, at, sink, ret_text);
	rm_frame_forget(f, dir, sink);
	return rest(f, bytes, at);
}

void rm_frame_body(struct rm_frame *f, uint32_t bytes, uint32_t most)
{
	f->left = bytes;
	f->wanted = bytes < most ? bytes : most;
	f->state = WANTED;
}

void rm_frame_forget(struct rm_frame *f, enum rm_dir dir, struct rm_sink *sink)
{
	if (f->kept)
		sink->on->unstash(sink, (enum rm_stash)dir);
	f->kept = 0;
}

bool rm_frame_rest(const struct rm_frame *f)
{
	return f->state == REST && f->left;
}

bool rm_frame_between(const struct rm_frame *f)
{
	return f->state == HEAD && !f->head_n;
}

bool rm_frame_skip(struct rm_frame *f, uint64_t n)
{
	/* Not to the last byte, at which a message is over. */
	if (!rm_frame_rest(f) || n >= f->left)
		return false;
	f->left -= (uint32_t)n;
	return true;
}
