/*
 * One request and its response, from the first byte to the last: its place in a trace, and its span
 * record in the making. Named by rm_ctx; a name whose exchange ended is dead for ever.
 */
#ifndef RM_AGENT_EXCHANGE_H
#define RM_AGENT_EXCHANGE_H

#include <stdatomic.h>

#include "agent/record.h"
#include "agent/text.h"
#include "agent/thread.h"
#include "base/segment.h"
#include "protocols/grpc_body.h"
#include "protocols/tracecontext.h"

enum rm_exchange_phase {
	RM_PHASE_FREE,
	RM_PHASE_BEGUN,     /* first byte seen */
	RM_PHASE_OPEN,      /* request head read; identity and record exist */
	RM_PHASE_ANSWERED,  /* first byte of the response seen */
};

enum rm_rpc {
	RM_RPC_NONE,
#define RM_OVER_RPC(id, name, help) RM_RPC_##id,
#include "agent/over_http.h"
};

struct rm_exchange {
	uint32_t link;              /* the pool's, while the exchange is free: `gen` must outlive that */
	_Atomic uint32_t gen;
	_Atomic uint8_t phase;
	uint8_t kind;               /* enum rm_span_kind */
	uint8_t status;             /* enum rm_span_status, when it ends */
	struct rm_spanctx ctx;      /* identity of the span; flags as decided */
	struct rm_spanctx parent;   /* SERVER, CONSUMER: what came in; CLIENT, PRODUCER: what it belongs to */
	bool parent_remote;
	uint8_t rpc;                /* enum rm_rpc */
	bool rpc_answered;          /* its status is known */
	bool rpc_reads[2];          /* by enum rm_dir: the body is looked at */
	bool operation : 1;         /* of a database, or a message */
	bool unlisted : 1;          /* rm_unwritten_forget when it ends */
	uint8_t promised : 6;       /* what rm_outlet_promise gave: the relay knows that a span is under way */
	uint8_t alike;              /* it is to be like another one, and has no record: agent/alike.h; 0: it is not */
	uint8_t api : 4;            /* enum rm_api_kind: a service over HTTP */
	uint8_t api_call : 4;       /* enum rm_api_call, once the request's body is read */
	_Atomic uint32_t epoch;     /* also read by who has the name of one that ended, in whose place this one is */
	_Atomic uint32_t dropped_events;
	union {
		const struct rm_thread *reader; /* SERVER: the thread that read the request's head */
		uint64_t asked;		        /* CLIENT, where slow ones are looked for: agent/slow.c */
	};
	uint64_t start_ns;          /* monotonic */
	uint64_t request_body_bytes;
	union {
		uint64_t rpc_timeout_ns;    /* the call is to take at most; 0: as long as it likes */
		struct {                    /* of an operation others may be like: agent/alike.h */
			uint32_t same;      /* the protocol's number; 0: none */
			uint16_t told_bytes, attrs_left;
		};
	};
	rm_text carry;              /* tracestate, then baggage: handed to children of this span */
	uint32_t tracestate_bytes, baggage_bytes;
	uint32_t threshold;         /* by which it was sampled, and one; 0: not by one. Said in what is carried */
	struct rm_grpc_body rpc_body[2]; /* of those */
	rm_text record;             /* 0 when not sampled */
	rm_text api_body;           /* a struct rm_api_body, while that goes on; 0: nothing is looked for there */
	struct rm_builder builder;
	_Atomic uint64_t events;    /* that wait for the record: agent/events.c */
};

/* Takes an exchange for a request whose first byte was seen at `now_ns`. 0: none left (counted). */
uint32_t rm_exchange_begin(uint8_t kind, uint64_t now_ns, struct rm_thread *thread);

struct rm_exchange *rm_exchange_at(uint32_t x);
rm_ctx rm_exchange_ctx(uint32_t x);

/*
 * The exchange of a context, NULL when it has ended. Other threads may end it at any moment. In a forked child the
 * requests of its parent live on until that one begins to answer them.
 */
struct rm_exchange *rm_ctx_exchange(rm_ctx ctx);

/* A span id that leads back to its exchange while that lives; random to everybody else. */
void rm_exchange_span_id(uint32_t x, struct rm_random *random, uint8_t ret[8]);

/* True of a request that is served, and of a task: what is done meanwhile is below it. */
static inline bool rm_exchange_serves(const struct rm_exchange *e)
{
	return e->kind == RM_KIND_SERVER || e->kind == RM_KIND_CONSUMER;
}

/* The live exchange of a request that is served, or of a task, that owns this trace and span id; or 0. */
uint32_t rm_exchange_by_id(const struct rm_spanctx *id);

/* Stores what children of this span are to carry, and with it the threshold by which it was sampled; drops it again. */
void rm_exchange_carry(struct rm_exchange *e, struct rm_str tracestate, struct rm_str baggage);
void rm_exchange_carry_nothing(struct rm_exchange *e);

/*
 * What is carried. Of an exchange that another thread may end the slices point at memory that stays
 * readable, but what was copied from there counts only if the exchange lives afterwards.
 */
struct rm_str rm_exchange_tracestate(const struct rm_exchange *e);
struct rm_str rm_exchange_baggage(const struct rm_exchange *e);

/* A span will come of it: should the process be killed before that, the relay counts one that is lost. */
void rm_exchange_promise(struct rm_exchange *e);

/* Ends the exchange: the record, if there is one, goes out with `end_mono_ns`; the name dies. */
void rm_exchange_end(uint32_t x, uint64_t end_mono_ns, struct rm_thread *thread);

/* Sends a span on its way, whose size is in it. */
void rm_exchange_push(struct rm_thread *thread, const struct rm_span *span);

/* Ends it without a word. */
void rm_exchange_drop(uint32_t x);

/* Counts a loss in the segment, if there is one. */
void rm_lost(struct rm_thread *thread, enum rm_lost why);

/* Exchanges in use, see rm_pool_live. */
uint32_t rm_exchange_live(void);

#endif
