/*
 * Tasks: what a program takes off a queue to do, told by the adapter of its runtime. One is an exchange that no connection
 * carries, below whoever sent it. While it goes on what it calls is below it, as what a request calls is below that one.
 * Spec: OpenTelemetry semantic conventions 1.43.0, messaging-spans.md, "process".
 */
#include "agent/adapter_api.h"

#include "agent/answered.h"
#include "agent/context.h"
#include "agent/identity.h"
#include "agent/semconv.h"
#include "base/clock.h"

enum { RECORD_BYTES = 900, NAME_BYTES = 256, ID_BYTES = 128 };

static struct rm_str at_most(struct rm_str text, size_t n)
{
	return text.n > n ? (struct rm_str){ NULL, 0 } : text;
}

static void describe(struct rm_exchange *e, const struct rm_task *task, const char *parent_source)
{
	struct rm_str name = at_most(task->name, NAME_BYTES), queue = at_most(task->queue, NAME_BYTES), what = name.n ? name : queue;
	struct rm_builder *b = &e->builder;
	char room[NAME_BYTES + 8];
	struct rm_strbuf title;

	rm_strbuf_init(&title, room, sizeof(room));
	rm_strbuf_c(&title, what.n ? "run " : "run");
	rm_strbuf_str(&title, what);
	if (!rm_semconv_start(e, rm_context_config(), RECORD_BYTES + 2 * name.n + queue.n + e->tracestate_bytes, rm_strbuf_view(&title)))
		return;
	rm_builder_str(b, RM_KEY_MESSAGING_SYSTEM, task->system);
	rm_builder_str(b, RM_KEY_MESSAGING_OPERATION_NAME, RM_STR("run"));
	rm_builder_str(b, RM_KEY_MESSAGING_OPERATION_TYPE, RM_STR("process"));
	rm_builder_str(b, RM_KEY_MESSAGING_DESTINATION_NAME, queue);
	rm_builder_str(b, RM_KEY_MESSAGING_MESSAGE_ID, at_most(task->id, ID_BYTES));
	rm_builder_str(b, RM_KEY_CODE_FUNCTION_NAME, name);
	if (parent_source)
		rm_builder_str(b, RM_KEY_REMORA_PARENT_SOURCE, rm_str_c(parent_source));
}

static rm_ctx begin(struct rm_thread *t, const struct rm_task *task)
{
	struct rm_spanctx sender = { 0 };
	struct rm_parent parent;
	struct rm_exchange *e;
	uint32_t x;

	if (!rm_fork_watch())
		return 0;
	x = rm_exchange_begin(RM_KIND_CONSUMER, rm_clock_mono_ns(), t);
	if (!x)
		return 0;
	rm_answered_begin();
	e = rm_exchange_at(x);
	e->operation = true;
	if (!rm_traceparent_parse(task->traceparent, &sender))
		sender = (struct rm_spanctx){ 0 };
	rm_context_resolve_received(&sender, &parent);
	rm_identity_adopt(t, x, e, &parent, NULL);
	if (e->ctx.flags & RM_FLAG_SAMPLED)
		describe(e, task, rm_context_shown_source(&parent));
	return rm_exchange_ctx(x);
}

rm_ctx rm_ctx_begin_task(const struct rm_task *task)
{
	struct rm_scope s;
	rm_ctx ret;

	if (!rm_active() || !(rm_context_config()->propagators & RM_PROP_TRACECONTEXT) || !rm_enter(&s))
		return 0;
	ret = begin(s.thread, task);
	rm_leave(&s);
	return ret;
}

/* A task of this very process, NULL: it is none. */
static struct rm_exchange *task_of(rm_ctx ctx)
{
	struct rm_exchange *e = rm_ctx_lives(ctx) ? rm_ctx_exchange(ctx) : NULL;

	return e && e->kind == RM_KIND_CONSUMER && e->epoch == rm_epoch() ? e : NULL;
}

void rm_ctx_fail_task(rm_ctx ctx, struct rm_str type)
{
	struct rm_exchange *e;
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	e = task_of(ctx);
	if (e && e->status != RM_STATUS_ERROR) {
		e->status = RM_STATUS_ERROR;
		if (e->record)
			rm_builder_str(&e->builder, RM_KEY_ERROR_TYPE, at_most(type, NAME_BYTES));
	}
	rm_leave(&s);
}

void rm_ctx_end_task(rm_ctx ctx)
{
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	if (task_of(ctx)) {
		rm_answered_mark((uint32_t)ctx, (uint32_t)(ctx >> 32));
		rm_exchange_end((uint32_t)ctx, rm_clock_mono_ns(), s.thread);
	}
	rm_leave(&s);
}
