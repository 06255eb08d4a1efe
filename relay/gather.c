/* Fan-out of spans; see gather.h. A consumer that fails or is full never holds up another. */
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
	return RM_OK;
}

void rm_origin_fini(struct rm_origin *o, struct rm_gather *g)
{
	if (o->pipeline)
		g->api->resource_put(g->pipeline, o->pipeline);
	free(o->resource);
	*o = (struct rm_origin){ 0 };
}

void rm_gather_span(struct rm_gather *g, struct rm_origin *o, const struct rm_span *span)
{
	g->spans++;
	if (g->tree)
		rm_tree_add(g->tree, o->service, span, rm_clock_mono_ns());
	if (g->json)
		rm_jsonl_add(g->json, o->resource, span);
	if (o->pipeline)
		g->api->push(g->pipeline, o->pipeline, span);
}

void rm_gather_rest(struct rm_gather *g, struct rm_origin *o)
{
	if (g->json)
		rm_jsonl_write(g->json, o->resource);
}

uint64_t rm_gather_lost(const struct rm_gather *g)
{
	/* RM_LOST_INJECT and RM_LOST_INGRESS have their spans: they are lost links. */
	return g->lost[RM_LOST_RING_FULL] + g->lost[RM_LOST_RECORD_SIZE] +
	       g->lost[RM_LOST_EXCHANGE] + g->lost[RM_LOST_MUTED] + g->broken;
}
