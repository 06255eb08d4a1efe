/*
 * Storage of spans by trace, and the texts they share. Nodes live in one array and are named by
 * index, 0 being none, so that growing it moves them freely; a trace is a list of nodes. Texts are
 * stored once each behind an open hash table: names repeat, ids do not. Ids and names are other processes'
 * choice, so that both tables hash with a key of this run.
 */
#include "relay/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "base/siphash.h"
#include "relay/rows.h"

enum {
	BUCKETS = 1 << 14,
	NODES_FIRST = 256,
	TEXTS_FIRST = 256,
	/* A caller's span ends after its server's, and a slow one is not a foreign one. */
	OUTSIDE_PATIENCE = 5,
};

struct text {
	uint32_t offset, bytes;
	bool service; /* named by rm_tree_add as one: for the summary */
};

struct rm_tree {
	uint64_t key[2];      /* of the hashes */
	struct rm_node *node; /* [0] is unused */
	uint32_t nodes, node_cap, free, kept, max_spans;
	struct rm_trace *bucket[BUCKETS];
	struct text *text;    /* [0] is the empty text */
	uint32_t texts, text_cap;
	uint32_t *slot;       /* hash table of text handles, 2 * text_cap slots */
	char *chars;
	uint32_t char_bytes, char_cap;
	struct rm_tree_stats stats;
};

/* ---- texts ---- */

static uint64_t hash_of(const struct rm_tree *t, const void *p, size_t n)
{
	return rm_siphash(t->key, (struct rm_str){ p, n });
}

static void note_search(struct rm_tree *t, uint32_t steps)
{
	t->stats.longest_search = steps > t->stats.longest_search ? steps : t->stats.longest_search;
}

struct rm_str rm_tree_text_of(const struct rm_tree *t, uint32_t handle)
{
	const struct text *x = &t->text[handle < t->texts ? handle : 0];

	return (struct rm_str){ t->chars + x->offset, x->bytes };
}

/* The slot where `s` is or would go. */
static uint32_t *slot_of(struct rm_tree *t, struct rm_str s)
{
	uint32_t mask = 2 * t->text_cap - 1, i = (uint32_t)hash_of(t, s.p, s.n) & mask, steps = 1;

	for (; t->slot[i] && !rm_str_eq(rm_tree_text_of(t, t->slot[i]), s); steps++)
		i = (i + 1) & mask;
	note_search(t, steps);
	return &t->slot[i];
}

static bool grow_texts(struct rm_tree *t)
{
	uint32_t cap = t->text_cap ? 2 * t->text_cap : TEXTS_FIRST;
	struct text *text = realloc(t->text, cap * sizeof(*text));
	uint32_t *slot;

	if (!text)
		return false;
	t->text = text;
	slot = calloc(2 * (size_t)cap, sizeof(*slot));
	if (!slot)
		return false;
	free(t->slot);
	t->slot = slot;
	t->text_cap = cap;
	for (uint32_t i = 1; i < t->texts; i++)
		*slot_of(t, rm_tree_text_of(t, i)) = i;
	return true;
}

static bool grow_chars(struct rm_tree *t, size_t more)
{
	size_t cap = t->char_cap ? t->char_cap : 4096;
	char *chars;

	if (t->char_bytes + more <= t->char_cap)
		return true;
	if (t->char_bytes + more > RM_TREE_TEXT_BYTES_MAX)
		return false;
	while (cap < t->char_bytes + more)
		cap *= 2;
	chars = realloc(t->chars, cap);
	if (!chars)
		return false;
	t->chars = chars;
	t->char_cap = (uint32_t)cap;
	return true;
}

uint32_t rm_tree_text(struct rm_tree *t, struct rm_str s)
{
	uint32_t *slot = slot_of(t, s);

	if (s.n == 0 || *slot)
		return *slot;
	if (!grow_chars(t, s.n) || (t->texts == t->text_cap && !grow_texts(t)))
		return s.n == 3 && memcmp(s.p, "...", 3) == 0 ? 0 : *slot_of(t, RM_STR("..."));
	t->text[t->texts] = (struct text){ .offset = t->char_bytes, .bytes = (uint32_t)s.n };
	memcpy(t->chars + t->char_bytes, s.p, s.n);
	t->char_bytes += (uint32_t)s.n;
	*slot_of(t, s) = t->texts;
	return t->texts++;
}

/* ---- spans ---- */

struct rm_tree *rm_tree_new(uint32_t max_spans)
{
	struct rm_tree *t = calloc(1, sizeof(*t));
	struct rm_random random = { { 0 } };

	if (!t)
		return NULL;
	t->key[0] = rm_random_u64(&random);
	t->key[1] = rm_random_u64(&random);
	t->max_spans = max_spans;
	if (!grow_texts(t)) {
		rm_tree_free(t);
		return NULL;
	}
	t->text[0] = (struct text){ 0 };
	t->texts = 1;
	t->nodes = 1;
	rm_tree_text(t, RM_STR("..."));
	return t;
}

void rm_tree_free(struct rm_tree *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < BUCKETS; i++) {
		struct rm_trace *next;

		for (struct rm_trace *trace = t->bucket[i]; trace; trace = next) {
			next = trace->next;
			rm_said_free(&t->stats.said, trace->said);
			free(trace);
		}
	}
	free(t->node);
	free(t->text);
	free(t->slot);
	free(t->chars);
	free(t);
}

static uint32_t get_node(struct rm_tree *t)
{
	uint32_t index = t->free;

	if (t->kept >= t->max_spans)
		return 0;
	if (index) {
		t->free = t->node[index].next;
		t->kept++;
		return index;
	}
	if (t->nodes >= t->node_cap) {
		uint32_t cap = t->node_cap ? 2 * t->node_cap : NODES_FIRST;
		struct rm_node *node = realloc(t->node, cap * sizeof(*node));

		if (!node)
			return 0;
		t->node = node;
		t->node_cap = cap;
	}
	t->kept++;
	return t->nodes++;
}

static void put_node(struct rm_tree *t, uint32_t index)
{
	t->node[index].next = t->free;
	t->free = index;
	t->kept--;
}

static struct rm_trace *get_trace(struct rm_tree *t, const uint8_t id[16])
{
	struct rm_trace **bucket = &t->bucket[hash_of(t, id, sizeof((*bucket)->id)) % BUCKETS], *trace;
	uint32_t steps = 1;

	for (trace = *bucket; trace && memcmp(trace->id, id, sizeof(trace->id)) != 0; trace = trace->next)
		steps++;
	note_search(t, steps);
	if (trace)
		return trace;
	trace = calloc(1, sizeof(*trace));
	if (!trace)
		return NULL;
	memcpy(trace->id, id, sizeof(trace->id));
	trace->start_ns = UINT64_MAX;
	trace->next = *bucket;
	*bucket = trace;
	return trace;
}

/* Ids and names of routes may be many: places are not shared, and go with their span. */
static void set_place(struct rm_node *n, struct rm_str place)
{
	place = rm_str_cut(&place, '?');
	n->place_bytes = (uint8_t)(place.n < sizeof(n->place) ? place.n : sizeof(n->place));
	memcpy(n->place, place.p, n->place_bytes);
	if (place.n > sizeof(n->place))
		memcpy(n->place + sizeof(n->place) - 3, "...", 3);
}

static struct rm_str without_scheme(struct rm_str url)
{
	struct rm_str rest = url;

	rm_str_cut(&rest, ':');
	return rest.n > 2 && memcmp(rest.p, "//", 2) == 0 ? (struct rm_str){ rest.p + 2, rest.n - 2 } : url;
}

static void read_attrs(struct rm_tree *t, struct rm_node *n, const struct rm_span *span)
{
	struct rm_attr_iter it = rm_record_attrs(&span->record);
	struct rm_attr a;

	while (rm_attr_next(&it, &a)) {
		if (a.type == RM_ATTR_I64 && rm_str_eq(a.key, RM_STR("http.response.status_code")) &&
		    a.v.i64 > 0 && a.v.i64 < 1000)
			n->http_status = (uint16_t)a.v.i64;
		else if (a.type == RM_ATTR_STR && rm_str_eq(a.key, RM_STR("error.type")))
			n->error = rm_tree_text(t, a.v.str);
		else if (a.type == RM_ATTR_STR && rm_str_eq(a.key, RM_STR("url.path")))
			set_place(n, a.v.str);
		else if (a.type == RM_ATTR_STR && rm_str_eq(a.key, RM_STR("url.full")))
			set_place(n, without_scheme(a.v.str));
	}
}

int rm_tree_add(struct rm_tree *t, uint32_t service, const struct rm_span *span, uint64_t now_ns)
{
	uint32_t index = get_node(t);
	struct rm_trace *trace = index ? get_trace(t, span->trace_id) : NULL;
	struct rm_node *n;

	if (!trace) {
		t->stats.dropped++;
		if (!index)
			return RM_E_FULL;
		put_node(t, index);
		return RM_E_NOMEM;
	}
	n = &t->node[index];
	*n = (struct rm_node){
		.start_ns = span->start_ns,
		.end_ns = span->end_ns < span->start_ns ? span->start_ns : span->end_ns,
		.service = service, .name = rm_tree_text(t, rm_span_name(span)),
		.next = trace->first, .kind = span->kind, .status = span->status, .bits = span->bits,
	};
	memcpy(n->span_id, span->span_id, sizeof(n->span_id));
	memcpy(n->parent_id, span->parent_id, sizeof(n->parent_id));
	read_attrs(t, n, span);
	trace->first = index;
	t->stats.traces += trace->count++ == 0;
	t->stats.spans++;
	trace->start_ns = n->start_ns < trace->start_ns ? n->start_ns : trace->start_ns;
	trace->end_ns = n->end_ns > trace->end_ns ? n->end_ns : trace->end_ns;
	trace->heard_ns = now_ns;
	if (!t->text[service].service) {
		t->text[service].service = true;
		t->stats.services++;
	}
	return RM_OK;
}

void rm_tree_say(struct rm_tree *t, const struct rm_log *log, uint64_t now_ns)
{
	struct rm_said *one = rm_said_new(&t->stats.said, log);
	struct rm_trace *trace = one ? get_trace(t, log->trace_id) : NULL;

	if (!trace) {
		t->stats.said.dropped += one != NULL;
		rm_said_free(&t->stats.said, one);
		return;
	}
	rm_said_insert(&trace->said, one);
	trace->heard_ns = now_ns;
}

void rm_tree_hold(struct rm_tree *t, const uint8_t trace_id[16])
{
	struct rm_trace *trace = get_trace(t, trace_id);

	if (trace)
		trace->held = true;
}

/* ---- taking out ---- */

static bool is_finished(const struct rm_tree *t, const struct rm_trace *trace, uint64_t now_ns,
			uint64_t quiet_ns)
{
	uint64_t quiet = now_ns - trace->heard_ns;

	if (quiet_ns == 0)
		return true;
	if (trace->held || quiet < quiet_ns)
		return false;
	switch (rm_rows_whole(t->node, trace)) {
	case RM_WHOLE:
		return true;
	case RM_OUTSIDE:
		return quiet >= OUTSIDE_PATIENCE * quiet_ns;
	default:
		return false;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct rm_trace *const *x = a, *const *y = b;

	if ((*x)->start_ns != (*y)->start_ns)
		return (*x)->start_ns < (*y)->start_ns ? -1 : 1;
	return memcmp((*x)->id, (*y)->id, sizeof((*x)->id));
}

/* Puts a list in order of start. Without memory it stays as it is: all traces are there. */
static struct rm_trace *sort(struct rm_trace *list, uint32_t count)
{
	struct rm_trace **array = malloc(count * sizeof(struct rm_trace *));
	uint32_t n = 0;

	if (!array)
		return list;
	for (struct rm_trace *trace = list; trace; trace = trace->later)
		array[n++] = trace;
	qsort(array, n, sizeof(struct rm_trace *), by_start);
	for (uint32_t i = 0; i < n; i++)
		array[i]->later = i + 1 < n ? array[i + 1] : NULL;
	list = array[0];
	free(array);
	return list;
}

struct rm_trace *rm_tree_take(struct rm_tree *t, uint64_t now_ns, uint64_t quiet_ns)
{
	struct rm_trace *list = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < BUCKETS; i++) {
		for (struct rm_trace **at = &t->bucket[i]; *at;) {
			struct rm_trace *trace = *at;

			if (trace->count == 0 || !is_finished(t, trace, now_ns, quiet_ns)) {
				at = &trace->next;
				continue;
			}
			*at = trace->next;
			trace->said = rm_said_reversed(trace->said);
			trace->later = list;
			list = trace;
			count++;
		}
	}
	return count ? sort(list, count) : NULL;
}

void rm_tree_put(struct rm_tree *t, struct rm_trace *trace)
{
	uint32_t next;

	for (uint32_t i = trace->first; i; i = next) {
		next = t->node[i].next;
		put_node(t, i);
	}
	rm_said_free(&t->stats.said, trace->said);
	free(trace);
}

struct rm_row *rm_tree_rows(const struct rm_tree *t, const struct rm_trace *trace,
			    uint32_t *ret_count)
{
	return rm_rows_make(t->node, trace, ret_count);
}

void rm_tree_stats(const struct rm_tree *t, struct rm_tree_stats *ret)
{
	*ret = t->stats;
}
