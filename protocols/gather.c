/* See gather.h. */
#include "protocols/gather.h"

enum rm_step rm_gather_keep(struct rm_gather *g, struct rm_input *in, struct rm_sink *sink)
{
	struct rm_str rest = rm_input_rest(in);
	char *stash;

	if (!rest.n)
		return RM_STEP_GO_ON;
	if (rest.n > RM_HEAD_MAX_BYTES)
		return RM_STEP_MUTE;
	stash = sink->on->stash(sink, (enum rm_stash)in->dir, g->kept + (uint32_t)rest.n);
	if (!stash)
		return RM_STEP_MUTE;
	memcpy(stash + g->kept, rest.p, rest.n);
	g->kept += (uint32_t)rest.n;
	in->at = in->n;
	return RM_STEP_GO_ON;
}

const char *rm_gather_join(const struct rm_gather *g, const struct rm_input *in, uint32_t want, struct rm_sink *sink)
{
	char *stash = sink->on->stash(sink, (enum rm_stash)in->dir, want > g->kept ? want : g->kept);

	if (stash && want > g->kept)
		memcpy(stash + g->kept, in->p + in->at, want - g->kept);
	return stash;
}

void rm_gather_forget(struct rm_gather *g, enum rm_dir dir, struct rm_sink *sink)
{
	if (g->kept)
		sink->on->unstash(sink, (enum rm_stash)dir);
	g->kept = 0;
}

bool rm_gather_end(struct rm_gather *g, struct rm_gather *request, enum rm_dir dir, bool reset, struct rm_sink *sink)
{
	rm_gather_forget(g, dir, sink);
	if (!reset && dir == RM_DIR_REQUEST)
		return false;
	rm_gather_forget(request, RM_DIR_REQUEST, sink);
	return true;
}
