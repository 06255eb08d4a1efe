/*
 * One queue per exporter over shared copies of the spans. A queue's head is the batch under way, if
 * any: it leaves when it was delivered or refused or its time is over, and is queued until then.
 *
 *   idle -full, old or flushed-> trying        trying -done, refused, too late-> idle
 *   trying -not now-> paused -time-> trying    trying -too large-> idle, smaller batches
 *
 * The pause belongs to the exporter, not the batch: a backend that is away is asked at most every
 * PAUSE_MAX_NS, whatever is queued. Nothing here blocks but an exporter's call, during which the
 * driver's idle() may push: that only appends. No state outside struct rm_pipeline but the log's.
 * Context: worker. Spec: OpenTelemetry specification, trace/sdk.md, "Batching processor"; OTLP,
 * docs/specification.md, "OTLP/HTTP Throttling".
 */
#include "exporters/pipeline.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/exporter.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "exporters/registry.h"
#include "exporters/resources.h"

#define MS_NS	       1000000ull
#define PAUSE_FIRST_NS (1000 * MS_NS)
#define PAUSE_MAX_NS   (5000 * MS_NS)
#define IMMEDIATE_NS   (1000 * MS_NS) /* longest time that a span may take to the console */
#define NAP_NS	       (10 * MS_NS)
enum {
	EXPORTERS_MAX = 8,
	QUEUE_DEFAULT = 2048,
	QUEUE_MAX = 1 << 20,
	BATCH_DEFAULT = 512,
	MEMORY_MAX_BYTES = 64 * 1024 * 1024, /* of all spans in all queues */
};

/* A span, in as many queues as `references`. */
struct item {
	uint32_t references;
	uint32_t resource;
	uint64_t pushed_ns;
	struct rm_span span; /* and what follows it */
};

struct queue {
	const struct rm_exporter *exporter;
	void *state;
	struct item **ring;
	uint32_t head, count;
	uint32_t trying;     /* spans of the batch under way; 0: none */
	uint32_t limit;	     /* of the next batch: smaller while the backend finds them too large */
	uint32_t failures;   /* attempts in a row without an answer that counts */
	uint64_t give_up_ns; /* of the batch under way */
	uint64_t pause_until_ns; /* no attempt before */
};

/* One span of a batch in the making. */
struct pick {
	const struct item *item;
	uint32_t at; /* its place in the queue: spans of one resource stay in order */
};

struct rm_pipeline {
	struct rm_pipeline_driver driver;
	struct rm_resources resources;
	struct queue queue[EXPORTERS_MAX];
	uint32_t queue_count, queue_cap, batch_max;
	uint64_t delay_ns, timeout_ns;
	size_t bytes; /* of all items */
	struct rm_random random;
	struct rm_pipeline_stats stats;
	struct pick *picks; /* batch_max of each, for the one batch that is built at a time */
	const struct rm_span **spans;
	struct rm_batch_group *groups;
};

static bool is_aborted(const struct rm_pipeline *p)
{
	return p->driver.abort && atomic_load(p->driver.abort);
}

static uint64_t later(uint64_t t, uint64_t ns)
{
	return t > UINT64_MAX - ns ? UINT64_MAX : t + ns;
}

static uint64_t earlier_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- items and queues ---- */

static void item_put(struct rm_pipeline *p, struct item *item)
{
	if (--item->references > 0)
		return;
	p->bytes -= item->span.record.bytes;
	rm_resources_put(&p->resources, item->resource);
	free(item);
}

/* A copy with one reference; NULL when there is no memory for it. */
static struct item *item_new(struct rm_pipeline *p, uint32_t resource, const struct rm_span *span)
{
	struct item *item = NULL;

	if (p->bytes + span->record.bytes <= MEMORY_MAX_BYTES)
		item = malloc(offsetof(struct item, span) + span->record.bytes);
	if (!item)
		return NULL;
	item->references = 1;
	item->resource = resource;
	item->pushed_ns = rm_clock_mono_ns();
	memcpy(&item->span, span, span->record.bytes);
	p->bytes += span->record.bytes;
	rm_resources_hold(&p->resources, resource);
	return item;
}

static struct item *queue_at(const struct rm_pipeline *p, const struct queue *q, uint32_t i)
{
	return q->ring[(q->head + i) % p->queue_cap];
}

/* Takes the batch under way off the queue. */
static void queue_drop(struct rm_pipeline *p, struct queue *q)
{
	for (; q->trying > 0; q->trying--) {
		item_put(p, queue_at(p, q, 0));
		q->head = (q->head + 1) % p->queue_cap;
		q->count--;
	}
}

/* ---- one attempt ---- */

static int by_resource(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	if (x->item->resource != y->item->resource)
		return x->item->resource < y->item->resource ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

/* The batch under way, grouped by resource; valid until the next one is built. */
static struct rm_batch build_batch(struct rm_pipeline *p, const struct queue *q)
{
	struct rm_batch batch = { .groups = p->groups, .span_count = q->trying };
	uint32_t resource = 0;

	for (uint32_t i = 0; i < q->trying; i++)
		p->picks[i] = (struct pick){ queue_at(p, q, i), i };
	qsort(p->picks, q->trying, sizeof(*p->picks), by_resource);
	for (uint32_t i = 0; i < q->trying; i++) {
		const struct item *item = p->picks[i].item;

		p->spans[i] = &item->span;
		if (item->resource != resource) {
			resource = item->resource;
			p->groups[batch.group_count++] = (struct rm_batch_group){
				rm_resources_record(&p->resources, resource), &p->spans[i], 0
			};
		}
		p->groups[batch.group_count - 1].span_count++;
	}
	return batch;
}

/* 1 s, 2 s, 4 s, 5 s, 5 s ... each plus or minus a fifth: a fleet must not come back at once. */
static uint64_t pause_ns(struct rm_pipeline *p, uint32_t failures)
{
	uint64_t ns = failures < 4 ? PAUSE_FIRST_NS << (failures - 1) : PAUSE_MAX_NS;

	return ns - ns / 5 + rm_random_u64(&p->random) % (2 * ns / 5);
}

static void on_failure(struct rm_pipeline *p, struct queue *q, const struct rm_export_result *r)
{
	uint64_t wait_ns;

	if (is_aborted(p))
		return;
	q->failures++;
	wait_ns = pause_ns(p, q->failures);
	if (wait_ns < r->retry_after_ns)
		wait_ns = r->retry_after_ns;
	q->pause_until_ns = later(rm_clock_mono_ns(), wait_ns);
	if (q->pause_until_ns < q->give_up_ns) {
		rm_debug(RM_LOG_EXPORT, "%s: %u spans not delivered: %s; again in %lu ms",
			 q->exporter->name, q->trying, r->message, wait_ns / MS_NS);
		return;
	}
	rm_debug(RM_LOG_EXPORT, "%s: %u spans dropped, their time is over: %s", q->exporter->name,
		 q->trying, r->message);
	p->stats.dropped_timeout += q->trying;
	queue_drop(p, q);
}

static void on_refusal(struct rm_pipeline *p, struct queue *q, const struct rm_export_result *r)
{
	rm_debug(RM_LOG_EXPORT, "%s: %u spans refused: %s", q->exporter->name, q->trying,
		 r->message);
	p->stats.dropped_refused += q->trying;
	queue_drop(p, q);
}

static void on_done(struct rm_pipeline *p, struct queue *q, const struct rm_export_result *r)
{
	uint32_t rejected = r->rejected < q->trying ? r->rejected : q->trying;

	rm_debug(RM_LOG_EXPORT, "%s: %u spans delivered, %u of them rejected%s%s",
		 q->exporter->name, q->trying, rejected, r->message[0] ? ": " : "", r->message);
	p->stats.exported += q->trying - rejected;
	p->stats.rejected += rejected;
	queue_drop(p, q);
	q->limit = q->limit < p->batch_max / 2 ? 2 * q->limit : p->batch_max;
}

static void on_too_large(struct rm_pipeline *p, struct queue *q, const struct rm_export_result *r)
{
	if (q->trying == 1) {
		on_refusal(p, q, r);
		return;
	}
	rm_debug(RM_LOG_EXPORT, "%s: %u spans are too many at once: %s", q->exporter->name,
		 q->trying, r->message);
	q->limit = (q->trying + 1) / 2;
	q->trying = 0;
}

static void begin_batch(struct rm_pipeline *p, struct queue *q)
{
	uint64_t budget = q->exporter->budget_ns ? q->exporter->budget_ns(q->state) : 0;

	if (p->timeout_ns > 0 && (budget == 0 || p->timeout_ns < budget))
		budget = p->timeout_ns;
	q->trying = q->count < q->limit ? q->count : q->limit;
	q->give_up_ns = later(rm_clock_mono_ns(), budget > 0 ? budget : UINT64_MAX);
}

/* Sends the batch under way, or a new one, once. */
static void attempt(struct rm_pipeline *p, struct queue *q, uint64_t deadline_ns)
{
	struct rm_export_io io = { .abort = p->driver.abort,
				   .idle = p->driver.idle,
				   .idle_arg = p->driver.arg };
	struct rm_export_result result = { .code = RM_EXPORT_REFUSED };
	struct rm_batch batch;

	if (q->trying > 0)
		p->stats.retries++;
	else
		begin_batch(p, q);
	batch = build_batch(p, q);
	io.deadline_ns = earlier_of(q->give_up_ns, deadline_ns);
	q->exporter->export(q->state, &batch, &io, &result);
	if (result.code == RM_EXPORT_RETRY) {
		on_failure(p, q, &result);
		return;
	}
	q->failures = 0;
	q->pause_until_ns = 0;
	if (result.code == RM_EXPORT_DONE)
		on_done(p, q, &result);
	else if (result.code == RM_EXPORT_TOO_LARGE)
		on_too_large(p, q, &result);
	else
		on_refusal(p, q, &result);
}

static void export_now(struct rm_pipeline *p, const struct queue *q, uint32_t resource,
		       const struct rm_span *span)
{
	struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + IMMEDIATE_NS,
				   .abort = p->driver.abort };
	struct rm_batch_group group = { rm_resources_record(&p->resources, resource), &span, 1 };
	struct rm_batch batch = { &group, 1, 1 };
	struct rm_export_result result = { .code = RM_EXPORT_REFUSED };

	q->exporter->export(q->state, &batch, &io, &result);
	if (result.code == RM_EXPORT_DONE)
		p->stats.exported++;
	else
		p->stats.dropped_refused++;
}

/* ---- the interface ---- */

static uint32_t pipeline_resource(struct rm_pipeline *p, const struct rm_record *resource)
{
	return rm_resources_get(&p->resources, resource);
}

static void pipeline_resource_put(struct rm_pipeline *p, uint32_t resource)
{
	rm_resources_put(&p->resources, resource);
}

/* Appends the span, copied into *item by the first queue that wants it. False: it was dropped. */
static bool enqueue(struct rm_pipeline *p, struct queue *q, uint32_t resource,
		    const struct rm_span *span, struct item **item)
{
	if (q->count < p->queue_cap && !*item)
		*item = item_new(p, resource, span);
	if (q->count == p->queue_cap || !*item) {
		p->stats.dropped_queue++;
		return false;
	}
	(*item)->references++;
	q->ring[(q->head + q->count++) % p->queue_cap] = *item;
	return true;
}

static int pipeline_push(struct rm_pipeline *p, uint32_t resource, const struct rm_span *span)
{
	struct item *item = NULL;
	int err = RM_OK;

	p->stats.received++;
	if (!rm_resources_record(&p->resources, resource)) {
		p->stats.dropped_queue++;
		return RM_E_INVALID;
	}
	for (uint32_t i = 0; i < p->queue_count; i++) {
		struct queue *q = &p->queue[i];

		if (q->exporter->immediate)
			export_now(p, q, resource, span);
		else if (!enqueue(p, q, resource, span, &item))
			err = RM_E_FULL;
	}
	if (item)
		item_put(p, item);
	return err;
}

/* When something is to be done for a queue; UINT64_MAX: nothing is queued. */
static uint64_t due_at(const struct rm_pipeline *p, const struct queue *q)
{
	uint64_t at = 0;

	if (q->count == 0)
		return UINT64_MAX;
	if (q->trying == 0 && q->count < q->limit)
		at = later(queue_at(p, q, 0)->pushed_ns, p->delay_ns);
	return at > q->pause_until_ns ? at : q->pause_until_ns;
}

static uint64_t pipeline_run(struct rm_pipeline *p)
{
	uint64_t next = UINT64_MAX, now;

	for (uint32_t i = 0; i < p->queue_count && !is_aborted(p); i++)
		if (due_at(p, &p->queue[i]) <= rm_clock_mono_ns())
			attempt(p, &p->queue[i], UINT64_MAX);
	for (uint32_t i = 0; i < p->queue_count; i++)
		next = earlier_of(next, due_at(p, &p->queue[i]));
	now = rm_clock_mono_ns();
	if (next == UINT64_MAX)
		return next;
	return next > now ? next - now : 0;
}

static void nap(const struct rm_pipeline *p, uint64_t until_ns)
{
	uint64_t now = rm_clock_mono_ns();
	uint64_t ns = until_ns > now ? earlier_of(until_ns - now, NAP_NS) : 0;

	nanosleep(&(struct timespec){ 0, (long)ns }, NULL);
	if (p->driver.idle)
		p->driver.idle(p->driver.arg);
}

/* One attempt for each queue that may have one; returns when there may be another. */
static uint64_t flush_round(struct rm_pipeline *p, uint64_t deadline_ns)
{
	uint64_t next = UINT64_MAX;
	uint32_t waiting = 0;

	for (uint32_t i = 0; i < p->queue_count; i++)
		waiting += p->queue[i].count > 0;
	for (uint32_t i = 0; i < p->queue_count && !is_aborted(p); i++) {
		struct queue *q = &p->queue[i];
		uint64_t now = rm_clock_mono_ns();
		uint32_t share = waiting > 1 ? waiting-- : 1;

		if (q->count == 0)
			continue;
		/* Each gets its share of the time: a silent backend must not take the others'. */
		if (q->pause_until_ns <= now && now < deadline_ns)
			attempt(p, q, now + (deadline_ns - now) / share);
		if (q->count > 0)
			next = earlier_of(next, q->pause_until_ns);
	}
	return next;
}

static int pipeline_flush(struct rm_pipeline *p, uint64_t deadline_ns)
{
	uint64_t next = 0;
	uint32_t queued = 0;

	for (uint32_t i = 0; i < p->queue_count; i++)
		p->queue[i].pause_until_ns = 0;
	while (next < deadline_ns && rm_clock_mono_ns() < deadline_ns && !is_aborted(p)) {
		next = flush_round(p, deadline_ns);
		if (next < deadline_ns && next > rm_clock_mono_ns())
			nap(p, next);
	}
	for (uint32_t i = 0; i < p->queue_count; i++)
		queued += p->queue[i].count;
	return queued > 0 ? RM_E_IO : RM_OK;
}

static void pipeline_stats(const struct rm_pipeline *p, struct rm_pipeline_stats *ret)
{
	*ret = p->stats;
	for (uint32_t i = 0; i < p->queue_count; i++)
		ret->queued += p->queue[i].count;
}

static void pipeline_close(struct rm_pipeline *p)
{
	struct rm_pipeline_stats s;

	pipeline_stats(p, &s);
	rm_debug(RM_LOG_EXPORT,
		 "closed: %lu spans received, %lu exported, %lu rejected, dropped: %lu queue full, "
		 "%lu refused, %lu timed out, %lu left",
		 s.received, s.exported, s.rejected, s.dropped_queue, s.dropped_refused,
		 s.dropped_timeout, s.queued);
	for (uint32_t i = 0; i < p->queue_count; i++) {
		struct queue *q = &p->queue[i];

		q->trying = q->count;
		queue_drop(p, q);
		q->exporter->close(q->state);
		free(q->ring);
	}
	rm_resources_fini(&p->resources);
	free(p->picks);
	free(p->spans);
	free(p->groups);
	free(p);
}

/* ---- opening ---- */

/* A setting that must be a positive number of at most `max`. */
static uint32_t read_size(const struct rm_env *env, enum rm_env_id id, uint32_t if_unset,
			  uint32_t max)
{
	uint64_t v = rm_env_u64(env, id, if_unset);

	if (v > 0 && v <= max)
		return (uint32_t)v;
	v = v == 0 ? if_unset : max;
	rm_warn("%s: must be from 1 to %u; %u is used", rm_env_rows[id].name, max, (unsigned)v);
	return (uint32_t)v;
}

static uint64_t read_ns(const struct rm_env *env, enum rm_env_id id)
{
	uint64_t ms = rm_env_u64(env, id, 0);

	return ms < UINT64_MAX / MS_NS ? ms * MS_NS : UINT64_MAX;
}

/* The sizes, and the arrays whose length they are. False without memory. */
static bool set_sizes(struct rm_pipeline *p, const struct rm_env *env)
{
	p->queue_cap = read_size(env, RM_ENV_BSP_MAX_QUEUE_SIZE, QUEUE_DEFAULT, QUEUE_MAX);
	/* The default batch shrinks with the queue; a larger one, if asked for, is a mistake. */
	p->batch_max = read_size(env, RM_ENV_BSP_MAX_EXPORT_BATCH_SIZE, BATCH_DEFAULT,
				 rm_env_is_set(env, RM_ENV_BSP_MAX_EXPORT_BATCH_SIZE) ? p->queue_cap
										      : QUEUE_MAX);
	if (p->batch_max > p->queue_cap)
		p->batch_max = p->queue_cap;
	p->delay_ns = read_ns(env, RM_ENV_BSP_SCHEDULE_DELAY);
	p->timeout_ns = read_ns(env, RM_ENV_BSP_EXPORT_TIMEOUT);
	p->picks = calloc(p->batch_max, sizeof(*p->picks));
	p->spans = calloc(p->batch_max, sizeof(*p->spans));
	p->groups = calloc(p->batch_max, sizeof(*p->groups));
	return p->picks && p->spans && p->groups;
}

static bool is_open(const struct rm_pipeline *p, const struct rm_exporter *x)
{
	for (uint32_t i = 0; i < p->queue_count; i++)
		if (p->queue[i].exporter == x)
			return true;
	return false;
}

static void add_queue(struct rm_pipeline *p, const struct rm_env *env, const struct rm_exporter *x)
{
	struct queue q = { .exporter = x, .limit = p->batch_max };
	int err;

	if (is_open(p, x) || p->queue_count == EXPORTERS_MAX)
		return;
	if (!x->immediate)
		q.ring = calloc(p->queue_cap, sizeof(struct item *));
	err = x->immediate || q.ring ? x->open(env, &q.state) : RM_E_NOMEM;
	if (err) {
		rm_debug(RM_LOG_EXPORT, "%s: cannot be opened (%d)", x->name, err);
		free(q.ring);
		return;
	}
	p->queue[p->queue_count++] = q;
}

static const struct rm_exporter *find_exporter(struct rm_str name)
{
	for (const struct rm_exporter *const *x = rm_exporters; *x; x++)
		if (rm_str_ieq(name, rm_str_c((*x)->name)))
			return *x;
	return NULL;
}

/* Opens what the list names. An unknown name was reported when the settings were read. */
static void add_queues(struct rm_pipeline *p, const struct rm_env *env, struct rm_str list)
{
	struct rm_str item;

	while (rm_env_item(&list, &item)) {
		const struct rm_exporter *x = find_exporter(item);

		if (x)
			add_queue(p, env, x);
	}
}

/* Whether a list names anything that we know; "none" is known, too. */
static bool has_known(struct rm_str list)
{
	struct rm_str item;

	while (rm_env_item(&list, &item))
		if (find_exporter(item) || rm_str_ieq(item, RM_STR("none")))
			return true;
	return false;
}

static struct rm_pipeline *pipeline_open(const struct rm_env *env, unsigned log_topics,
					 int log_level, const struct rm_pipeline_driver *driver)
{
	struct rm_pipeline *p = calloc(1, sizeof(*p));
	struct rm_str list = rm_env_str(env, RM_ENV_TRACES_EXPORTER);

	if (!p)
		return NULL;
	rm_log_init(log_topics, (enum rm_level)log_level);
	if (driver)
		p->driver = *driver;
	/* A list without a name that we know is as if unset. */
	if (!has_known(list))
		list = rm_str_c(rm_env_rows[RM_ENV_TRACES_EXPORTER].def);
	if (set_sizes(p, env))
		add_queues(p, env, list);
	if (p->queue_count > 0)
		return p;
	pipeline_close(p);
	return NULL;
}

static const struct rm_pipeline_api api = {
	.abi = RM_EXPORT_ABI,
	.open = pipeline_open,
	.resource = pipeline_resource,
	.resource_put = pipeline_resource_put,
	.push = pipeline_push,
	.run = pipeline_run,
	.flush = pipeline_flush,
	.stats = pipeline_stats,
	.close = pipeline_close,
};

__attribute__((visibility("default"))) const struct rm_pipeline_api *remora_export_api(uint32_t abi)
{
	return abi == RM_EXPORT_ABI ? &api : NULL;
}
