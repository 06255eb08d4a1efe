/*
 * Questions to the DNS as exchanges, whoever asks: libc (agent/lookup.c), or the program itself (agent/datagram.c). One that
 * is under way is kept with those of SQLite (agent/local.h). Context of all: hook, inside a visit.
 */
#ifndef RM_AGENT_DNS_H
#define RM_AGENT_DNS_H

#include "agent/semconv_dns.h"
#include "agent/thread.h"
#include "protocols/dns_message.h"

/*
 * Begins one, of the request that the thread is at work on, and keeps it under `key`. 0: it has no span, as it belongs to
 * nothing, or nobody wants any (REMORA_DNS).
 */
rm_ctx rm_dns_begin(struct rm_thread *t, const struct rm_dns_asked *asked, const void *key);

/* The same of exchange `x`, which a connection began: gives it its place and its record. False: it has no span. */
bool rm_dns_place(struct rm_thread *t, uint32_t x, const struct rm_dns_message *m, const struct rm_peer *peer);

/* The answer of `n` bytes, of which `m` was read, goes into the span. */
void rm_dns_answered(struct rm_exchange *e, const uint8_t *p, size_t n, struct rm_dns_message *m);

/* The exchange that is kept under `key`, if it is this process's; it is not kept any more. */
struct rm_exchange *rm_dns_take(const void *key, rm_ctx *ret);

/* Ends it. `error` empty: nothing went wrong. */
void rm_dns_end(struct rm_thread *t, rm_ctx ctx, struct rm_str error, const struct rm_str *answers, uint32_t count);

#endif
