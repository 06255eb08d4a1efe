/* See gather.h. */
#include "protocols/gather.h"

bool rm_gather_keep(struct rm_gather *g, enum rm_dir dir, struct rm_str bytes, struct rm_sink *sink)
{
	char *stash;

	if (!bytes.n)
		return true;
	if (bytes.n > RM_HEAD_MAX_BYTES)
		return false;
	stash = sink->on->stash(sink, (enum rm_stash)dir, g->kept + (uint32_t)bytes.n);
	if (!stash)
		return false;
	memcpy(stash + g->kept, bytes.p, bytes.n);
	g->kept += (uint32_t)bytes.n;
	return true;
}

const char *rm_gather_joined(const struct rm_gather *g, enum rm_dir dir, const char *p, uint32_t want, struct rm_sink *sink)
{
	char *stash;

	if (!g->kept)
		return p;
	stash = sink->on->stash(sink, (enum rm_stash)dir, want > g->kept ? want : g->kept);
	if (stash && want > g->kept)
		memcpy(stash + g->kept, p, want - g->kept);
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
