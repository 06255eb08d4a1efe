/* Fan-out of spans and logs; see gather.h. A consumer that fails or is full never holds up another. */
#include "relay/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

static struct rm_str service_name(const struct rm_record *resource)
{
	struct rm_attr_iter it = rm_record_attrs(resource);
	struct rm_attr attr;

	while (rm_attr_next(&it, &attr))
		if (attr.type == RM_ATTR_STR && rm_str_eq(attr.key, RM_STR("service.name")))
			return attr.v.str;
	return RM_STR("unknown_service");
}

/* A record that is whole, of the process with this number. */
static void take_log(void *arg, uint32_t number, const struct rm_log *log)
{
	struct rm_gather *g = arg;

	if (g->tree)
		rm_tree_say(g->tree, log, rm_clock_mono_ns());
	if (g->json)
		rm_jsonl_add(g->json, g->origin[number]->resource, &log->record);
}

int rm_gather_want_logs(struct rm_gather *g, const struct rm_env *env)
{
	g->collect = malloc(sizeof(*g->collect));
	if (!g->collect)
		return RM_E_NOMEM;
	rm_collect_init(g->collect, env, take_log, g);
	return RM_OK;
}

uint64_t rm_gather_run(struct rm_gather *g)
{
	uint64_t next, now;

	if (!g->collect)
		return UINT64_MAX;
	next = rm_collect_run(g->collect);
	if (g->json)
		rm_jsonl_write(g->json);
	now = rm_clock_mono_ns();
	return next == UINT64_MAX ? UINT64_MAX : next > now ? next - now : 0;
}

void rm_gather_fini(struct rm_gather *g)
{
	if (g->collect)
		rm_collect_fini(g->collect);
	free(g->collect);
	free(g->origin);
	g->collect = NULL;
	g->origin = NULL;
	g->origins = g->origin_cap = 0;
}

/* A number that nobody has. 0: no memory; then the process has no logs. */
static uint32_t number_of(struct rm_gather *g, struct rm_origin *o)
{
	uint32_t n = 1;

	while (n < g->origins && g->origin[n])
		n++;
	if (n >= g->origin_cap) {
		uint32_t cap = g->origin_cap ? 2 * g->origin_cap : 64;
		struct rm_origin **grown = realloc(g->origin, cap * sizeof(struct rm_origin *));

		if (!grown)
			return 0;
		g->origin = grown;
		g->origin_cap = cap;
	}
	g->origins = n >= g->origins ? n + 1 : g->origins;
	g->origin[n] = o;
	return n;
}

int rm_origin_init(struct rm_origin *o, struct rm_gather *g, const struct rm_record *resource)
{
	struct rm_record *copy = malloc(resource->bytes);

	if (!copy)
		return RM_E_NOMEM;
	memcpy(copy, resource, resource->bytes);
	*o = (struct rm_origin){ .resource = copy };
	if (g->tree)
		o->service = rm_tree_text(g->tree, service_name(copy));
	if (g->pipeline)
		o->pipeline = g->api->resource(g->pipeline, copy);
	if (g->collect)
		o->number = number_of(g, o);
	return RM_OK;
}

void rm_origin_fini(struct rm_origin *o, struct rm_gather *g)
{
	if (o->pipeline)
		g->api->resource_put(g->pipeline, o->pipeline);
	if (o->number) {
		rm_collect_end(g->collect, o->number);
		g->origin[o->number] = NULL;
	}
	if (g->json)
		rm_jsonl_write(g->json);
	free(o->resource);
	*o = (struct rm_origin){ 0 };
}

void rm_gather_span(struct rm_gather *g, struct rm_origin *o, const struct rm_span *span)
{
	g->spans++;
	if (g->tree)
		rm_tree_add(g->tree, o->service, span, rm_clock_mono_ns());
	if (g->json)
		rm_jsonl_add(g->json, o->resource, &span->record);
	if (o->pipeline)
		g->crowded += g->api->push(g->pipeline, o->pipeline, &span->record) == RM_E_FULL;
}

void rm_gather_log(struct rm_gather *g, struct rm_origin *o, const struct rm_record *log)
{
	g->logs++;
	if (o->pipeline)
		g->api->push(g->pipeline, o->pipeline, log);
	if (!o->number)
		return;
	if (log->type == RM_RECORD_LOG)
		take_log(g, o->number, (const struct rm_log *)log);
	else
		rm_collect_take(g->collect, o->number, (const struct rm_output *)log);
}

bool rm_gather_has_room(const struct rm_gather *g)
{
	return !g->pipeline || g->api->has_room(g->pipeline, RM_SIGNAL_LOGS);
}

void rm_gather_rest(struct rm_gather *g)
{
	if (g->json)
		rm_jsonl_write(g->json);
}

void rm_gather_losses(struct rm_gather *g, struct rm_segment *of, bool dead)
{
	for (int why = 0; why < RM_LOST_COUNT; why++)
		g->lost[why] += atomic_load(&of->lost[why]);
	for (int ring = 0; dead && ring < RM_SEGMENT_SPAN_RINGS; ring++)
		g->killed += atomic_load(&of->ring[ring].under_way);
}

uint64_t rm_gather_lost(const struct rm_gather *g)
{
	/* RM_LOST_INJECT and RM_LOST_INGRESS have their spans: they are lost links. */
	return g->lost[RM_LOST_RING_FULL] + g->lost[RM_LOST_RECORD_SIZE] +
	       g->lost[RM_LOST_EXCHANGE] + g->lost[RM_LOST_MUTED] + g->killed + g->broken;
}
