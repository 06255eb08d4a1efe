/*
 * Hooks of gRPC's core and of its C++ library, as shared libraries: calls that a handler makes carry the request that it is
 * at work on, in their own metadata. That is exact whoever writes the bytes in the end: many calls share a connection, and
 * any thread that polls writes for all of them. Nothing else that a thread writes is said to be anybody's here.
 *
 * A request is known by the traceparent among its metadata, which ingress rewriting wrote. The code that runs for it:
 *   - handlers of synchronous and of callback servers, as long as the library's function lasts that runs them;
 *   - with completion queues, what a thread does from a request's tag to the next time it asks for one;
 *   - what it does when the request's own call completes something: a message was read, or written;
 *   - in a program that serves no gRPC: what the thread is at when it makes the call, as the ladder has it (agent/context.h).
 * What is done when a call is answered may be for another request that stood in line for it, and what is done when a message
 * comes on a stream may be for any: these tell nothing, but to the handler that takes its own tags off a queue. One that
 * takes another's works for nobody that is known from then on.
 *
 * Nothing is changed but the list of metadata that one batch is started with: the core copies what it wants of it before the
 * call returns, since 1.51. The tags of queues of callbacks are objects with a function, in whose place one of ours
 * stands, which calls it.
 * Context: app.
 */
#include "hooks/grpc_api.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "agent/adapter_api.h"
#include "agent/carry.h"
#include "hooks/imports.h"
#include "hooks/lookout.h"

RM_LIBRARY core = { .name = "gRPC", .anchor = RM_LOOKOUT_GRPC };
RM_LIBRARY cpp = { .name = "gRPC for C++", .anchor = RM_GRPC_BIND, .has_own = true };

enum {
	MAJOR_FIRST = 29,  /* of the core's own version, which is that of 1.51 */
	OPS_MAX = 8,
	METADATA_MAX = 16, /* that a client sends of its own; with more nothing is added */
	RECEIVED_MAX = 128,
	WRAPPED_MAX = 1024,
	WRAPPED_TRIES = 16,
	NAME_BYTES = sizeof("traceparent") - 1,
};

/* Of calls and tags: rm_carried.note. */
enum {
	SERVER = 1 << 0,
	CALLBACK = 1 << 1, /* its tags are functors */
};

/* In which of the library's functions the thread is that last as long as the code which they run. */
enum { NOWHERE, IN_SYNC, IN_CALLBACK, IN_COMPLETION };

/* Whom the thread works for. */
static rm_ctx now(void)
{
	return *rm_carry_within() == RM_CARRY_IN_TURN ? 0 : *rm_carry_now();
}

/* In a callback of another library nothing is said. */
static void set_now(rm_ctx ctx)
{
	if (*rm_carry_within() != RM_CARRY_IN_TURN)
		*rm_carry_now() = ctx;
}

RM_USE(core, grpc_version_string);
RM_USE(core, grpc_slice_from_copied_buffer);
RM_USE(core, grpc_slice_unref);

void rm_grpc_watch(void)
{
	core.unwanted = cpp.unwanted = !rm_ctx_wanted("grpc");
}

/* ---- metadata ---- */

static bool is_understood(void)
{
	static _Atomic int known; /* 1: yes, 2: no */
	int ret = atomic_load_explicit(&known, memory_order_relaxed), major = 0;
	const char *version;

	if (ret)
		return ret == 1;
	version = real_grpc_version_string();
	for (int i = 0; i < 3 && version[i] >= '0' && version[i] <= '9'; i++)
		major = 10 * major + version[i] - '0';
	atomic_store(&known, major >= MAJOR_FIRST ? 1 : 2);
	return major >= MAJOR_FIRST;
}

static struct rm_str bytes_of(const grpc_slice *s)
{
	if (s->refcount)
		return (struct rm_str){ (const char *)s->data.refcounted.bytes, s->data.refcounted.length };
	return (struct rm_str){ (const char *)s->data.inlined.bytes, s->data.inlined.length };
}

static const grpc_metadata *traceparent_in(const grpc_metadata *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct rm_str name = bytes_of(&all[i].key);

		if (name.n == NAME_BYTES && memcmp(name.p, "traceparent", NAME_BYTES) == 0)
			return &all[i];
	}
	return NULL;
}

/* The request that came with this; 0: not known. */
static rm_ctx request_of(const grpc_metadata_array *metadata)
{
	const grpc_metadata *found;
	struct rm_str value;

	if (!metadata->metadata || metadata->count > RECEIVED_MAX || !is_understood())
		return 0;
	found = traceparent_in(metadata->metadata, metadata->count);
	if (!found)
		return 0;
	value = bytes_of(&found->value);
	return rm_ctx_from_traceparent(value.p, value.n);
}

/* ---- handlers ---- */

static atomic_bool serves; /* a server asks for requests: what its threads read says nothing of what they do */

static void note_server(void)
{
	if (!atomic_load_explicit(&serves, memory_order_relaxed))
		atomic_store_explicit(&serves, true, memory_order_relaxed);
}

struct bracket {
	uint64_t now;
	uint8_t within;
};

static struct bracket begin(uint8_t in, rm_ctx ctx)
{
	struct bracket before = { *rm_carry_now(), *rm_carry_within() };

	note_server();
	*rm_carry_within() = in;
	set_now(ctx);
	return before;
}

static void end(const struct bracket *before)
{
	*rm_carry_now() = before->now;
	*rm_carry_within() = before->within;
}

/* The handler of this request is about to run. */
static void serve(uint8_t in, const grpc_metadata_array *metadata)
{
	if (*rm_carry_within() == in && !now())
		set_now(request_of(metadata));
}

RM_IMPORT_MEMBER(cpp, grpc_ServerContextBase, RM_GRPC_CONTEXT);
static void hook_grpc_ServerContextBase(void *self, gpr_timespec deadline, grpc_metadata_array *metadata)
{
	serve(IN_SYNC, metadata);
	real_grpc_ServerContextBase(self, deadline, metadata);
}

RM_IMPORT_MEMBER(cpp, grpc_ServerContextBase_BindDeadlineAndMetadata, RM_GRPC_BIND);
static void hook_grpc_ServerContextBase_BindDeadlineAndMetadata(void *self, gpr_timespec deadline,
								grpc_metadata_array *metadata)
{
	serve(IN_CALLBACK, metadata);
	real_grpc_ServerContextBase_BindDeadlineAndMetadata(self, deadline, metadata);
}

RM_IMPORT_MEMBER(cpp, grpc_Server_SyncRequest_Run, RM_GRPC_SYNC);
static void hook_grpc_Server_SyncRequest_Run(void *self, const void *callbacks, bool resources)
{
	struct bracket before = begin(IN_SYNC, 0);

	real_grpc_Server_SyncRequest_Run(self, callbacks, resources);
	end(&before);
}

RM_IMPORT_MEMBER(cpp, grpc_Server_CallbackRequest_Run, RM_GRPC_CALLBACK);
static void hook_grpc_Server_CallbackRequest_Run(grpc_completion_queue_functor *self, int ok)
{
	struct bracket before = begin(IN_CALLBACK, 0);

	real_grpc_Server_CallbackRequest_Run(self, ok);
	end(&before);
}

RM_IMPORT_MEMBER(cpp, grpc_Server_CallbackRequest_Generic_Run, RM_GRPC_GENERIC);
static void hook_grpc_Server_CallbackRequest_Generic_Run(grpc_completion_queue_functor *self, int ok)
{
	struct bracket before = begin(IN_CALLBACK, 0);

	real_grpc_Server_CallbackRequest_Generic_Run(self, ok);
	end(&before);
}

/* ---- queues ---- */

/* Whom the thread works for that was given this tag. */
static rm_ctx whose(const grpc_event *event)
{
	struct rm_carried what;

	if (rm_carry_take(event->tag, RM_CARRY_GRPC_REQUEST, &what))
		return event->success ? request_of((const grpc_metadata_array *)(uintptr_t)what.value) : 0;
	if (!rm_carry_take(event->tag, RM_CARRY_GRPC_TAG, &what))
		return 0;
	return what.note & SERVER || *rm_carry_within() ? what.value : 0;
}

RM_IMPORT(core, grpc_completion_queue_next);
static grpc_event hook_grpc_completion_queue_next(grpc_completion_queue *cq, gpr_timespec deadline, void *reserved)
{
	grpc_event event;
	rm_ctx ctx;

	if (!*rm_carry_within())
		set_now(0);
	event = real_grpc_completion_queue_next(cq, deadline, reserved);
	if (event.type != RM_GRPC_OP_COMPLETE)
		return event;
	ctx = whose(&event);
	if (!*rm_carry_within())
		set_now(ctx);
	else if (ctx != now())
		set_now(RM_CTX_NOBODY);
	return event;
}

RM_IMPORT(core, grpc_completion_queue_pluck);
static grpc_event hook_grpc_completion_queue_pluck(grpc_completion_queue *cq, void *tag, gpr_timespec deadline, void *reserved)
{
	grpc_event event = real_grpc_completion_queue_pluck(cq, tag, deadline, reserved);

	if (event.type == RM_GRPC_OP_COMPLETE)
		rm_carry_take(event.tag, RM_CARRY_GRPC_TAG, NULL);
	return event;
}

/* ---- requests that servers ask for ---- */

static void asked_for(const void *tag, const grpc_metadata_array *metadata)
{
	note_server();
	rm_carry_take(tag, RM_CARRY_GRPC_TAG, NULL);
	rm_carry_put(tag, RM_CARRY_GRPC_REQUEST, (struct rm_carried){ .value = (uintptr_t)metadata }, true);
}

static int refused(const void *tag, int error)
{
	if (error != RM_GRPC_CALL_OK)
		rm_carry_take(tag, RM_CARRY_GRPC_REQUEST, NULL);
	return error;
}

RM_IMPORT(core, grpc_server_request_call);
static int hook_grpc_server_request_call(grpc_server *server, grpc_call **call, grpc_call_details *details,
					 grpc_metadata_array *metadata, grpc_completion_queue *bound,
					 grpc_completion_queue *notified, void *tag)
{
	asked_for(tag, metadata);
	return refused(tag, real_grpc_server_request_call(server, call, details, metadata, bound, notified, tag));
}

RM_IMPORT(core, grpc_server_request_registered_call);
static int hook_grpc_server_request_registered_call(grpc_server *server, void *method, grpc_call **call,
						    gpr_timespec *deadline, grpc_metadata_array *metadata,
						    grpc_byte_buffer **payload, grpc_completion_queue *bound,
						    grpc_completion_queue *notified, void *tag)
{
	asked_for(tag, metadata);
	return refused(tag, real_grpc_server_request_registered_call(server, method, call, deadline, metadata, payload, bound,
								     notified, tag));
}

/* ---- calls ---- */

static rm_ctx maker(void)
{
	bool elsewhere = !*rm_carry_within() && !atomic_load_explicit(&serves, memory_order_relaxed);

	return elsewhere ? rm_ctx_current() : now();
}

/* A client's call was made: for whoever served its parent, if it has one, else for whom the thread is at work on. */
static grpc_call *made(grpc_call *call, const grpc_call *parent)
{
	struct rm_carried of = { .value = maker() };

	if (parent && !(rm_carry_look(parent, RM_CARRY_GRPC_CALL, &of) && of.note & SERVER))
		of.value = 0;
	if (call && rm_ctx_lives(of.value))
		rm_carry_put(call, RM_CARRY_GRPC_CALL, (struct rm_carried){ .value = of.value }, false);
	else if (call)
		rm_carry_take(call, RM_CARRY_GRPC_CALL, NULL);
	return call;
}

RM_IMPORT(core, grpc_channel_create_call);
static grpc_call *hook_grpc_channel_create_call(grpc_channel *channel, grpc_call *parent, uint32_t mask,
						grpc_completion_queue *cq, grpc_slice method, const grpc_slice *host,
						gpr_timespec deadline, void *reserved)
{
	return made(real_grpc_channel_create_call(channel, parent, mask, cq, method, host, deadline, reserved), parent);
}

RM_IMPORT(core, grpc_channel_create_registered_call);
static grpc_call *hook_grpc_channel_create_registered_call(grpc_channel *channel, grpc_call *parent, uint32_t mask,
							   grpc_completion_queue *cq, void *method, gpr_timespec deadline,
							   void *reserved)
{
	return made(real_grpc_channel_create_registered_call(channel, parent, mask, cq, method, deadline, reserved), parent);
}

/* Its memory may become another call's. */
RM_IMPORT(core, grpc_call_unref);
static void hook_grpc_call_unref(grpc_call *call)
{
	rm_carry_take(call, RM_CARRY_GRPC_CALL, NULL);
	real_grpc_call_unref(call);
}

/* ---- functors ---- */

struct wrapped {
	grpc_completion_queue_functor functor; /* first: what the library knows */
	grpc_completion_queue_functor *own;
	rm_ctx ctx;
	atomic_bool used;
};

static struct wrapped all_wrapped[WRAPPED_MAX];

static void run_wrapped(grpc_completion_queue_functor *functor, int ok)
{
	struct wrapped *w = (struct wrapped *)functor;
	grpc_completion_queue_functor *own = w->own;
	struct bracket before = begin(IN_COMPLETION, w->ctx);

	atomic_store(&w->used, false);
	own->functor_run(own, ok);
	end(&before);
}

/* What is to be given to the library for it: itself where there is no room. */
static void *wrap(grpc_completion_queue_functor *own, rm_ctx ctx)
{
	static _Atomic uint32_t next;

	for (int i = 0; i < WRAPPED_TRIES; i++) {
		struct wrapped *w = &all_wrapped[atomic_fetch_add(&next, 1) % WRAPPED_MAX];

		if (atomic_exchange(&w->used, true))
			continue;
		w->functor = (grpc_completion_queue_functor){ .functor_run = run_wrapped, .inlineable = own->inlineable };
		w->own = own;
		w->ctx = ctx;
		return w;
	}
	return own;
}

static void unwrap(void *tag, const void *own)
{
	if (tag != own)
		atomic_store(&((struct wrapped *)tag)->used, false);
}

/* ---- batches ---- */

RM_IMPORT(core, grpc_call_start_batch);

struct batch {
	const grpc_op *head; /* its initial metadata */
	bool close;
};

static struct batch batch_of(const grpc_op *ops, size_t count)
{
	struct batch ret = { 0 };

	for (size_t i = 0; i < count; i++) {
		if (ops[i].op == RM_GRPC_SEND_INITIAL_METADATA)
			ret.head = &ops[i];
		ret.close |= ops[i].op == RM_GRPC_RECV_CLOSE_ON_SERVER;
	}
	return ret;
}

/* The batch with one more of metadata: `head` is its operation that sends them. */
static __attribute__((noinline)) int start_with(grpc_call *call, const grpc_op *ops, size_t count, const grpc_op *head,
						const char text[RM_CTX_TEXT_BYTES], void *tag, void *reserved)
{
	size_t own = head->data.send_initial_metadata.count;
	grpc_metadata metadata[METADATA_MAX + 1];
	grpc_op room[OPS_MAX], *ours = &room[head - ops];
	int ret;

	memcpy(room, ops, count * sizeof(*ops));
	if (own)
		memcpy(metadata, head->data.send_initial_metadata.metadata, own * sizeof(*metadata));
	metadata[own] = (grpc_metadata){ .key = real_grpc_slice_from_copied_buffer("traceparent", NAME_BYTES),
					 .value = real_grpc_slice_from_copied_buffer(text, RM_CTX_TEXT_BYTES) };
	ours->data.send_initial_metadata.metadata = metadata;
	ours->data.send_initial_metadata.count = own + 1;
	ret = real_grpc_call_start_batch(call, room, count, tag, reserved);
	real_grpc_slice_unref(metadata[own].key);
	real_grpc_slice_unref(metadata[own].value);
	return ret;
}

static bool may_add(const grpc_op *head, size_t count)
{
	size_t own = head ? head->data.send_initial_metadata.count : 0;
	const grpc_metadata *metadata = head ? head->data.send_initial_metadata.metadata : NULL;

	return head && count <= OPS_MAX && own <= METADATA_MAX && (metadata || !own) && !traceparent_in(metadata, own) &&
	       is_understood();
}

/* A batch of a call that is for somebody. */
static int start(grpc_call *call, const grpc_op *ops, size_t count, void *tag, void *reserved, struct rm_carried what)
{
	struct batch batch = batch_of(ops, count);
	char text[RM_CTX_TEXT_BYTES];
	void *given = tag;
	int ret;

	if (what.note & CALLBACK)
		given = tag ? wrap(tag, what.value) : NULL;
	else
		rm_carry_put(tag, RM_CARRY_GRPC_TAG, what, false);
	if (!(what.note & SERVER) && may_add(batch.head, count) && rm_ctx_to_traceparent(what.value, text))
		ret = start_with(call, ops, count, batch.head, text, given, reserved);
	else
		ret = real_grpc_call_start_batch(call, ops, count, given, reserved);
	if (ret != RM_GRPC_CALL_OK) {
		unwrap(given, tag);
		rm_carry_take(tag, RM_CARRY_GRPC_TAG, NULL);
	}
	return ret;
}

/* Each call of a server starts with this; `now` is what it was read for. */
static void begin_served(const grpc_call *call, const grpc_op *ops, size_t count)
{
	if (rm_ctx_lives(now()) && batch_of(ops, count).close)
		rm_carry_put(call, RM_CARRY_GRPC_CALL,
			     (struct rm_carried){ now(), SERVER | (*rm_carry_within() == IN_CALLBACK ? CALLBACK : 0) }, false);
}

static int hook_grpc_call_start_batch(grpc_call *call, const grpc_op *ops, size_t count, void *tag, void *reserved)
{
	struct rm_carried what;

	if (!ops)
		return real_grpc_call_start_batch(call, ops, count, tag, reserved);
	if (now() && *rm_carry_within() != IN_COMPLETION)
		begin_served(call, ops, count);
	if (rm_carry_look(call, RM_CARRY_GRPC_CALL, &what) && rm_ctx_lives(what.value))
		return start(call, ops, count, tag, reserved, what);
	rm_carry_take(tag, RM_CARRY_GRPC_TAG, NULL);
	rm_carry_take(tag, RM_CARRY_GRPC_REQUEST, NULL);
	return real_grpc_call_start_batch(call, ops, count, tag, reserved);
}
