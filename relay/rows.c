/*
 * The forest of one trace, without recursion. Steps: sort the spans by id and look each parent up;
 * invent one vertex per parent that is not there; cut cycles; link children in order of start;
 * walk. Linear but for the sorts.
 */
#include "relay/rows.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

enum colour { WHITE, GREY, BLACK };

struct vertex {
	const struct rm_node *node; /* NULL: invented for a parent that is missing */
	uint8_t id[8];
	uint64_t start_ns;
	uint32_t parent, child, sibling, depth;
	enum colour colour;
};

struct forest {
	struct vertex *v;
	uint32_t spans, count; /* the spans come first, sorted by id */
	uint32_t root;         /* first of the roots, linked as siblings */
};

static const uint8_t no_id[8];

static int by_id(const void *a, const void *b)
{
	const struct vertex *x = a, *y = b;
	int order = memcmp(x->id, y->id, sizeof(x->id));

	if (order == 0)
		order = x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
	return order;
}

/* The first of `count` vertices from `v` with that id, sorted as by by_id. */
static uint32_t find(const struct vertex *v, uint32_t count, const uint8_t id[8])
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (memcmp(v[middle].id, id, sizeof(v->id)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && memcmp(v[low].id, id, sizeof(v->id)) == 0 ? low : NONE;
}

/* The spans of a trace as vertices, sorted; room for as many missing parents. */
static bool load(struct forest *f, const struct rm_node *nodes, const struct rm_trace *trace)
{
	f->v = calloc(2 * (size_t)trace->count, sizeof(*f->v));
	f->spans = 0;
	f->root = NONE;
	if (!f->v)
		return false;
	for (uint32_t i = trace->first; i; i = nodes[i].next) {
		struct vertex *v = &f->v[f->spans++];

		v->node = &nodes[i];
		v->start_ns = nodes[i].start_ns;
		v->parent = v->child = v->sibling = NONE;
		memcpy(v->id, nodes[i].span_id, sizeof(v->id));
	}
	f->count = f->spans;
	qsort(f->v, f->spans, sizeof(*f->v), by_id);
	return true;
}

enum rm_whole rm_rows_whole(const struct rm_node *nodes, const struct rm_trace *trace)
{
	enum rm_whole whole = RM_WHOLE;
	struct forest f;

	if (!load(&f, nodes, trace))
		return RM_WHOLE;
	for (uint32_t i = 0; i < f.spans && whole != RM_WAITING; i++) {
		const struct rm_node *n = f.v[i].node;

		if (memcmp(n->parent_id, no_id, sizeof(no_id)) != 0 &&
		    find(f.v, f.spans, n->parent_id) == NONE)
			whole = n->bits & RM_SPAN_PARENT_REMOTE ? RM_OUTSIDE : RM_WAITING;
	}
	free(f.v);
	return whole;
}

static int by_missing_parent(const void *a, const void *b)
{
	const struct vertex *const *x = a, *const *y = b;

	return memcmp((*x)->node->parent_id, (*y)->node->parent_id, sizeof(no_id));
}

/* One invented vertex per missing parent, as early as its earliest child. */
static bool invent(struct forest *f)
{
	struct vertex **orphan = malloc(f->spans * sizeof(struct vertex *)), *made = NULL;
	uint32_t orphans = 0;

	if (!orphan)
		return false;
	for (uint32_t i = 0; i < f->spans; i++) {
		struct vertex *v = &f->v[i];

		if (memcmp(v->node->parent_id, no_id, sizeof(no_id)) == 0)
			continue;
		v->parent = find(f->v, f->spans, v->node->parent_id);
		if (v->parent == NONE)
			orphan[orphans++] = v;
	}
	qsort(orphan, orphans, sizeof(struct vertex *), by_missing_parent);
	for (uint32_t i = 0; i < orphans; i++) {
		if (!made || memcmp(made->id, orphan[i]->node->parent_id, sizeof(made->id)) != 0) {
			made = &f->v[f->count++];
			made->parent = made->child = made->sibling = NONE;
			made->start_ns = UINT64_MAX;
			memcpy(made->id, orphan[i]->node->parent_id, sizeof(made->id));
		}
		orphan[i]->parent = (uint32_t)(made - f->v);
		if (orphan[i]->start_ns < made->start_ns)
			made->start_ns = orphan[i]->start_ns;
	}
	free(orphan);
	return true;
}

/* Walks up from each vertex; who meets its own path closes a cycle and becomes a root. */
static void cut_cycles(struct forest *f)
{
	for (uint32_t i = 0; i < f->count; i++) {
		uint32_t at = i, last = NONE;

		while (at != NONE && f->v[at].colour == WHITE) {
			f->v[at].colour = GREY;
			last = at;
			at = f->v[at].parent;
		}
		if (at != NONE && f->v[at].colour == GREY)
			f->v[last].parent = NONE;
		for (at = i; at != NONE && f->v[at].colour == GREY; at = f->v[at].parent)
			f->v[at].colour = BLACK;
	}
}

static int latest_first(const void *a, const void *b)
{
	const struct vertex *const *x = a, *const *y = b;

	if ((*x)->start_ns != (*y)->start_ns)
		return (*x)->start_ns < (*y)->start_ns ? 1 : -1;
	return memcmp((*y)->id, (*x)->id, sizeof((*x)->id));
}

/* Pushing the latest first onto its parent's list leaves each list in order of start. */
static bool link_children(struct forest *f)
{
	struct vertex **order = malloc(f->count * sizeof(struct vertex *));

	if (!order)
		return false;
	for (uint32_t i = 0; i < f->count; i++)
		order[i] = &f->v[i];
	qsort(order, f->count, sizeof(struct vertex *), latest_first);
	for (uint32_t i = 0; i < f->count; i++) {
		struct vertex *v = order[i];
		uint32_t *list = v->parent == NONE ? &f->root : &f->v[v->parent].child;

		v->sibling = *list;
		*list = (uint32_t)(v - f->v);
	}
	free(order);
	return true;
}

static uint32_t walk(struct forest *f, struct rm_row *row)
{
	uint32_t at = f->root, rows = 0;

	while (at != NONE) {
		struct vertex *v = &f->v[at];

		v->depth = v->parent == NONE ? 0 : f->v[v->parent].depth + 1;
		row[rows] = (struct rm_row){ .node = v->node, .depth = v->depth,
					     .last = v->sibling == NONE };
		memcpy(row[rows++].missing, v->id, sizeof(v->id));
		at = v->child;
		while (at == NONE && v) {
			at = v->sibling;
			v = v->parent == NONE ? NULL : &f->v[v->parent];
		}
	}
	return rows;
}

struct rm_row *rm_rows_make(const struct rm_node *nodes, const struct rm_trace *trace,
			    uint32_t *ret_count)
{
	struct rm_row *row = NULL;
	struct forest f;

	if (!load(&f, nodes, trace))
		return NULL;
	if (invent(&f)) {
		cut_cycles(&f);
		if (link_children(&f))
			row = calloc(f.count, sizeof(*row));
		if (row)
			*ret_count = walk(&f, row);
	}
	free(f.v);
	return row;
}
