/* See line.h. */
#include "protocols/line.h"

void rm_line_forget(struct rm_line *l, enum rm_dir dir, struct rm_sink *sink)
{
	if (l->kept)
		sink->on->unstash(sink, (enum rm_stash)dir);
	*l = (struct rm_line){ 0 };
}

/* Adds to what is kept. NULL: no memory. */
static const char *keep(struct rm_line *l, enum rm_dir dir, struct rm_str part, uint16_t most, struct rm_sink *sink)
{
	char *stash = sink->on->stash(sink, (enum rm_stash)dir, most);
	size_t take = part.n < (size_t)(most - l->kept) ? part.n : (size_t)(most - l->kept);

	if (!stash)
		return NULL;
	memcpy(stash + l->kept, part.p, take);
	l->kept = (uint16_t)(l->kept + take);
	l->cut = l->cut || take < part.n;
	return stash;
}

enum rm_line_step rm_line_next(struct rm_line *l, enum rm_dir dir, struct rm_str bytes, size_t *at, uint16_t most,
			       struct rm_sink *sink, struct rm_str *ret)
{
	struct rm_str part = { bytes.p + *at, bytes.n - *at };
	const char *lf;

	if (l->over)
		rm_line_forget(l, dir, sink);
	if (part.n == 0)
		return RM_LINE_MORE;
	lf = memchr(part.p, '\n', part.n);
	part.n = lf ? (size_t)(lf - part.p) : part.n;
	*at += part.n + (lf != NULL);
	if (!lf || l->kept) {
		part.p = keep(l, dir, part, most, sink);
		part.n = l->kept;
		if (!part.p)
			return RM_LINE_NO_MEMORY;
		if (!lf)
			return RM_LINE_MORE;
	} else if (part.n > most) {
		part.n = most;
		l->cut = true;
	}
	l->over = true;
	if (!l->cut && part.n && part.p[part.n - 1] == '\r')
		part.n--;
	*ret = part;
	return RM_LINE_WHOLE;
}
