/*
 * One queue per exporter and signal over shared copies of the records. A queue's head is the batch under way, if
 * any: it leaves when it was delivered or refused or its time is over, and is queued until then.
 *
 *   idle -full, old or flushed-> trying        trying -done, refused, too late-> idle
 *   trying -not now-> paused -time-> trying    trying -too large-> idle, smaller batches
 *
 * The pause belongs to the exporter, not the batch: a backend that is away is asked at most every
 * PAUSE_MAX_NS, whatever is queued. Nothing here blocks but an exporter's call, during which the
 * driver's idle() may push, which only appends, and other queues go on: attempts of backends that took half as long
 * the last time are made inside a slow one's, on the same stack. So who is quick never waits for who is slow, and
 * a slow one only for what is quicker, or new. No state outside struct rm_pipeline but the log's.
 * Context: worker. Spec: OpenTelemetry specification, trace/sdk.md and logs/sdk.md, "Batching processor";
 * OTLP, docs/specification.md, "OTLP/HTTP Throttling".
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
#include "exporters/collect.h"
#include "exporters/places.h"
#include "exporters/poller.h"
#include "exporters/queue.h"

#define MS_NS	       1000000ull
#define PAUSE_FIRST_NS (1000 * MS_NS)
#define PAUSE_MAX_NS   (5000 * MS_NS)
#define IMMEDIATE_NS   (1000 * MS_NS) /* longest time that a record may take to the console */
#define NAP_NS	       (10 * MS_NS)
#define SLOW_NS	       (50 * MS_NS)   /* a backend that takes longer makes others wait */
#define FRESH_NS       (1000 * MS_NS) /* what one may take that was never asked */
enum {
	EXPORTERS_MAX = 8,
};

struct rm_pipeline {
	struct rm_pipeline_driver driver;
	struct rm_resources resources;
	struct rm_lane lane[RM_SIGNAL_COUNT];
	struct rm_queue queue[EXPORTERS_MAX];
	uint32_t queue_count;
	struct rm_random random;
	struct rm_collect collect;
	struct rm_queue *waiting; /* the queue whose attempt waits for its backend; NULL: none */
	uint64_t since_ns;	  /* when that began */
	uint64_t away_ns;	  /* spent on others meanwhile */
	uint64_t deadline_ns;	  /* of the flush under way */
	struct rm_places places;
};

/* What comes now comes at another time. The clock is not asked for each record. */
static void next_go(struct rm_pipeline *p)
{
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		p->lane[i].now_ns = 0;
}

/* Lets the driver bring more. */
static void be_idle(struct rm_pipeline *p)
{
	next_go(p);
	if (p->driver.idle)
		p->driver.idle(p->driver.arg);
	next_go(p);
}

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

/* ---- one attempt ---- */

/* The batch under way; valid until the next one of this queue is built. */
static struct rm_batch build_batch(struct rm_pipeline *p, struct rm_queue *q)
{
	rm_batch_begin(&q->maker, q->exporter->signal);
	for (uint32_t i = 0; i < q->trying; i++)
		rm_batch_add(&q->maker, rm_queue_at(q, i)->resource, &rm_queue_at(q, i)->record);
	return rm_batch_end(&q->maker, &p->resources);
}

/* 1 s, 2 s, 4 s, 5 s, 5 s ... each plus or minus a fifth: a fleet must not come back at once. */
static uint64_t pause_ns(struct rm_pipeline *p, uint32_t failures)
{
	uint64_t ns = failures < 4 ? PAUSE_FIRST_NS << (failures - 1) : PAUSE_MAX_NS;

	return ns - ns / 5 + rm_random_u64(&p->random) % (2 * ns / 5);
}

static void on_failure(struct rm_pipeline *p, struct rm_queue *q, const struct rm_export_result *r)
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
		rm_debug(RM_LOG_EXPORT, "%s: %u %s not delivered: %s; again in %lu ms",
			 q->exporter->name, q->trying, rm_signal_name(q->exporter->signal), r->message, wait_ns / MS_NS);
		return;
	}
	rm_debug(RM_LOG_EXPORT, "%s: %u %s dropped, their time is over: %s", q->exporter->name,
		 q->trying, rm_signal_name(q->exporter->signal), r->message);
	q->stats.dropped_timeout += q->trying;
	rm_queue_drop(q, &p->resources);
}

static void on_refusal(struct rm_pipeline *p, struct rm_queue *q, const struct rm_export_result *r)
{
	rm_debug(RM_LOG_EXPORT, "%s: %u %s refused: %s", q->exporter->name, q->trying, rm_signal_name(q->exporter->signal),
		 r->message);
	q->stats.dropped_refused += q->trying;
	rm_queue_drop(q, &p->resources);
}

static void on_done(struct rm_pipeline *p, struct rm_queue *q, const struct rm_export_result *r)
{
	uint32_t rejected = r->rejected < q->trying ? r->rejected : q->trying;

	rm_debug(RM_LOG_EXPORT, "%s: %u %s delivered, %u of them rejected%s%s",
		 q->exporter->name, q->trying, rm_signal_name(q->exporter->signal), rejected, r->message[0] ? ": " : "", r->message);
	q->stats.exported += q->trying - rejected;
	q->stats.rejected += rejected;
	rm_queue_drop(q, &p->resources);
	q->limit = q->limit < q->lane->batch_max / 2 ? 2 * q->limit : q->lane->batch_max;
}

static void on_too_large(struct rm_pipeline *p, struct rm_queue *q, const struct rm_export_result *r)
{
	if (q->trying == 1) {
		on_refusal(p, q, r);
		return;
	}
	rm_debug(RM_LOG_EXPORT, "%s: %u %s are too many at once: %s", q->exporter->name,
		 q->trying, rm_signal_name(q->exporter->signal), r->message);
	q->limit = (q->trying + 1) / 2;
	q->trying = 0;
}

static void begin_batch(struct rm_queue *q)
{
	uint64_t limit = q->lane->timeout_ns;
	uint64_t budget = q->exporter->budget_ns ? q->exporter->budget_ns(q->state) : 0;

	if (limit > 0 && (budget == 0 || limit < budget))
		budget = limit;
	q->trying = q->count < q->limit ? q->count : q->limit;
	q->give_up_ns = later(rm_clock_mono_ns(), budget > 0 ? budget : UINT64_MAX);
}

static void while_waiting(void *arg);

/* Exports the batch once. What others took meanwhile is not how long this backend takes. */
static void send(struct rm_pipeline *p, struct rm_queue *q, const struct rm_batch *batch, const struct rm_export_io *io,
		 struct rm_export_result *ret)
{
	struct rm_queue *outer = p->waiting;
	uint64_t outer_since_ns = p->since_ns, outer_away_ns = p->away_ns;

	p->waiting = q;
	p->since_ns = rm_clock_mono_ns();
	p->away_ns = 0;
	q->exporter->export(q->state, batch, io, ret);
	if (!is_aborted(p))
		q->took_ns = rm_clock_mono_ns() - p->since_ns - p->away_ns;
	p->waiting = outer;
	p->since_ns = outer_since_ns;
	p->away_ns = outer_away_ns;
}

/* Sends the batch under way, or a new one, once. */
static void attempt(struct rm_pipeline *p, struct rm_queue *q, uint64_t deadline_ns)
{
	struct rm_export_io io = { .abort = p->driver.abort, .idle = while_waiting, .idle_arg = p };
	struct rm_export_result result = { .code = RM_EXPORT_REFUSED };
	struct rm_batch batch;

	if (q->trying > 0)
		q->stats.retries++;
	else
		begin_batch(q);
	q->busy = true;
	batch = build_batch(p, q);
	io.deadline_ns = earlier_of(q->give_up_ns, deadline_ns);
	send(p, q, &batch, &io, &result);
	q->busy = false;
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

/* True of a backend that will have answered long before the one that is waited for, as far as can be known. */
static bool is_quicker(const struct rm_pipeline *p, const struct rm_queue *q, uint64_t waited_ns)
{
	uint64_t expected_ns = q->took_ns ? q->took_ns : FRESH_NS;

	return 2 * expected_ns <= (p->waiting->took_ns > waited_ns ? p->waiting->took_ns : waited_ns);
}

/* Others do not wait for a backend that makes us wait. */
static void serve_others(struct rm_pipeline *p, uint64_t waited_ns)
{
	uint64_t begin_ns = rm_clock_mono_ns();

	rm_collect_run(&p->collect);
	for (uint32_t i = 0; i < p->queue_count && !is_aborted(p); i++) {
		struct rm_queue *q = &p->queue[i];

		if (!q->busy && rm_queue_due_at(q) <= rm_clock_mono_ns() && is_quicker(p, q, waited_ns))
			attempt(p, q, p->deadline_ns);
	}
	p->away_ns += rm_clock_mono_ns() - begin_ns;
}

/* Called by an exporter that waits: at least every 10 ms. */
static void while_waiting(void *arg)
{
	struct rm_pipeline *p = arg;
	uint64_t waited_ns;

	be_idle(p);
	waited_ns = rm_clock_mono_ns() - p->since_ns - p->away_ns;
	if (waited_ns >= SLOW_NS)
		serve_others(p, waited_ns);
}

/* The batch of one is not in the memory of the one that another queue may be sending at this moment. */
static void export_now(struct rm_pipeline *p, struct rm_queue *q, uint32_t resource, const struct rm_record *record)
{
	struct rm_export_io io = { .deadline_ns = rm_clock_mono_ns() + IMMEDIATE_NS,
				   .abort = p->driver.abort };
	uint32_t logs = q->exporter->signal == RM_SIGNAL_LOGS, spans = !logs;
	const struct rm_span *span = (const struct rm_span *)record;
	const struct rm_log *log = (const struct rm_log *)record;
	struct rm_batch_group group = { rm_resources_record(&p->resources, resource), &span, spans, &log, logs };
	struct rm_batch batch = { &group, 1, spans, q->exporter->signal, logs };
	struct rm_export_result result = { .code = RM_EXPORT_REFUSED };

	q->exporter->export(q->state, &batch, &io, &result);
	if (result.code == RM_EXPORT_DONE)
		q->stats.exported++;
	else
		q->stats.dropped_refused++;
}

/* ---- the interface ---- */

static uint32_t pipeline_resource(struct rm_pipeline *p, const struct rm_record *resource)
{
	return rm_resources_get(&p->resources, resource);
}

void rm_pipeline_tell(struct rm_pipeline *p, const struct rm_record *facts)
{
	rm_resources_tell(&p->resources, facts);
}

static void pipeline_resource_put(struct rm_pipeline *p, uint32_t resource)
{
	rm_collect_end(&p->collect, resource);
	rm_resources_put(&p->resources, resource);
}

static int push_record(struct rm_pipeline *p, uint32_t resource, const struct rm_record *record)
{
	enum rm_signal signal = rm_signal_of(record);
	bool known = rm_resources_record(&p->resources, resource) != NULL;
	struct rm_item *item = NULL;
	int err = known ? RM_OK : RM_E_INVALID;

	p->lane[signal].received++;
	for (uint32_t i = 0; i < p->queue_count; i++) {
		struct rm_queue *q = &p->queue[i];

		if (q->exporter->signal != signal)
			continue;
		if (!known)
			q->stats.dropped_queue++;
		else if (q->exporter->immediate)
			export_now(p, q, resource, record);
		else if (!rm_queue_push(q, &p->resources, resource, record, &item))
			err = RM_E_FULL;
	}
	if (item)
		rm_item_put(&p->lane[signal], &p->resources, item);
	return err;
}

static void take_collected(void *arg, uint32_t resource, const struct rm_log *log)
{
	push_record(arg, resource, &log->record);
}

static int pipeline_push(struct rm_pipeline *p, uint32_t resource, const struct rm_record *record)
{
	struct rm_record *named;
	int err;

	if (record->type == RM_RECORD_OUTPUT) {
		rm_collect_take(&p->collect, resource, (const struct rm_output *)record);
		return RM_OK;
	}
	named = rm_places_name(&p->places, record);
	err = push_record(p, resource, named ? named : record);
	free(named);
	return err;
}

static bool pipeline_has_room(const struct rm_pipeline *p, enum rm_signal signal)
{
	uint32_t queues = 0, free_ones = 0;

	for (uint32_t i = 0; i < p->queue_count; i++)
		if (p->queue[i].exporter->signal == signal && !p->queue[i].exporter->immediate) {
			queues++;
			free_ones += rm_queue_has_room(&p->queue[i]);
		}
	return !queues || free_ones;
}

static uint64_t pipeline_run(struct rm_pipeline *p)
{
	uint64_t next, now;

	p->deadline_ns = UINT64_MAX;
	rm_collect_run(&p->collect);
	for (uint32_t i = 0; i < p->queue_count && !is_aborted(p); i++)
		if (rm_queue_due_at(&p->queue[i]) <= rm_clock_mono_ns())
			attempt(p, &p->queue[i], UINT64_MAX);
	next = rm_collect_run(&p->collect); /* pieces came in meanwhile */
	next_go(p);
	for (uint32_t i = 0; i < p->queue_count; i++)
		next = earlier_of(next, rm_queue_due_at(&p->queue[i]));
	now = rm_clock_mono_ns();
	return next == UINT64_MAX ? next : next > now ? next - now : 0;
}

static void nap(struct rm_pipeline *p, uint64_t until_ns)
{
	uint64_t now = rm_clock_mono_ns();
	uint64_t ns = until_ns > now ? earlier_of(until_ns - now, NAP_NS) : 0;

	nanosleep(&(struct timespec){ 0, (long)ns }, NULL);
	be_idle(p);
}

/* One attempt for each queue that may have one; returns when there may be another. */
static uint64_t flush_round(struct rm_pipeline *p, uint64_t deadline_ns)
{
	uint64_t next = UINT64_MAX;
	uint32_t waiting = 0;

	for (uint32_t i = 0; i < p->queue_count; i++)
		waiting += p->queue[i].count > 0;
	for (uint32_t i = 0; i < p->queue_count && !is_aborted(p); i++) {
		struct rm_queue *q = &p->queue[i];
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
	p->deadline_ns = deadline_ns;
	for (uint32_t i = 0; i < p->queue_count; i++)
		p->queue[i].pause_until_ns = 0;
	/* Twice, as pieces of output come in meanwhile; of a program that never stops printing the next ones only count. */
	for (int i = 0; i < 2; i++) {
		rm_collect_flush(&p->collect, 0);
		for (uint64_t next = 0; next < deadline_ns && rm_clock_mono_ns() < deadline_ns && !is_aborted(p);) {
			next = flush_round(p, deadline_ns);
			if (next < deadline_ns && next > rm_clock_mono_ns())
				nap(p, next);
		}
	}
	rm_collect_flush(&p->collect, 0);
	next_go(p);
	for (uint32_t i = 0; i < p->queue_count; i++)
		if (p->queue[i].count > 0)
			return RM_E_IO;
	return RM_OK;
}

static void pipeline_stats(const struct rm_pipeline *p, enum rm_signal signal, struct rm_pipeline_stats *ret)
{
	*ret = (struct rm_pipeline_stats){ .received = p->lane[signal].received };
	for (uint32_t i = 0; i < p->queue_count; i++) {
		const struct rm_queue *q = &p->queue[i];

		if (q->exporter->signal != signal)
			continue;
		ret->exported += q->stats.exported;
		ret->dropped_queue += q->stats.dropped_queue;
		ret->dropped_refused += q->stats.dropped_refused;
		ret->dropped_timeout += q->stats.dropped_timeout;
		ret->rejected += q->stats.rejected;
		ret->retries += q->stats.retries;
		ret->queued += q->count;
	}
}

static void tell_counts(const struct rm_queue *q)
{
	const struct rm_pipeline_stats *s = &q->stats;

	rm_debug(RM_LOG_EXPORT,
		 "%s closed: of %lu %s %lu exported, %lu rejected, dropped: %lu queue full, %lu refused, "
		 "%lu timed out, %u left",
		 q->exporter->name, q->lane->received, rm_signal_name(q->exporter->signal), s->exported, s->rejected, s->dropped_queue,
		 s->dropped_refused, s->dropped_timeout, q->count);
}

static void pipeline_close(struct rm_pipeline *p)
{
	for (uint32_t i = 0; i < p->queue_count; i++) {
		struct rm_queue *q = &p->queue[i];

		tell_counts(q);
		q->trying = q->count;
		rm_queue_drop(q, &p->resources);
		q->exporter->close(q->state);
		rm_queue_fini(q);
	}
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		rm_lane_fini(&p->lane[i]);
	rm_collect_fini(&p->collect);
	rm_places_fini(&p->places);
	rm_resources_fini(&p->resources);
	free(p);
}

/* ---- opening ---- */

static bool is_open(const struct rm_pipeline *p, const struct rm_exporter *x)
{
	for (uint32_t i = 0; i < p->queue_count; i++)
		if (p->queue[i].exporter == x)
			return true;
	return false;
}

static void add_queue(struct rm_pipeline *p, const struct rm_env *env, const struct rm_exporter *x)
{
	struct rm_queue q;
	int err;

	if (is_open(p, x) || p->queue_count == EXPORTERS_MAX)
		return;
	err = rm_queue_init(&q, x, &p->lane[x->signal]);
	if (!err)
		err = x->open(env, &q.state);
	if (err) {
		rm_debug(RM_LOG_EXPORT, "%s: cannot be opened (%d)", x->name, err);
		rm_queue_fini(&q);
		return;
	}
	p->queue[p->queue_count++] = q;
}

/* Opens what the list names. An unknown name was reported when the settings were read. */
static void add_queues(struct rm_pipeline *p, const struct rm_env *env, enum rm_signal signal)
{
	struct rm_str list = rm_env_str(env, rm_lane_exporters(signal)), item;

	/* A list without a name that we know is as if unset. */
	if (!rm_lane_knows(signal, list))
		list = rm_str_c(rm_env_default(rm_lane_exporters(signal)));
	while (rm_env_item(&list, &item)) {
		const struct rm_exporter *x = rm_lane_find(signal, item);

		if (x)
			add_queue(p, env, x);
	}
}

static struct rm_pipeline *pipeline_open(const struct rm_env *env, unsigned signals, unsigned log_topics,
					 int log_level, const struct rm_pipeline_driver *driver)
{
	struct rm_pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	rm_log_init(log_topics, (enum rm_level)log_level);
	if (driver)
		p->driver = *driver;
	rm_collect_init(&p->collect, env, take_collected, p);
	for (int i = 0; i < RM_SIGNAL_COUNT; i++)
		if (signals & 1u << i) {
			rm_lane_init(&p->lane[i], (enum rm_signal)i, env);
			add_queues(p, env, (enum rm_signal)i);
		}
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
	.has_room = pipeline_has_room,
	.run = pipeline_run,
	.flush = pipeline_flush,
	.stats = pipeline_stats,
	.close = pipeline_close,
	.poller_open = rm_poller_open,
	.poll = rm_poller_run,
	.poller_close = rm_poller_close,
};

__attribute__((visibility("default"))) const struct rm_pipeline_api *remora_export_api(uint32_t abi)
{
	return abi == RM_EXPORT_ABI ? &api : NULL;
}
