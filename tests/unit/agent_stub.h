/*
 * The agent without a way out: what a test of its inner parts needs to link. Spans that end are
 * kept for the test to look at. Include once per test program.
 */
#ifndef RM_TESTS_AGENT_STUB_H
#define RM_TESTS_AGENT_STUB_H

#include <stdlib.h>

#include "agent/config.h"
#include "agent/context.h"
#include "agent/outlet.h"
#include "base/segment.h"

static struct rm_segment stub_segment;
static struct rm_env stub_env;
static struct rm_config stub_config;

void rm_outlet_init(const struct rm_env *env, const struct rm_program *program) { (void)env, (void)program; }
struct rm_segment *rm_outlet_segment(int8_t *ring) { *ring = 0; return &stub_segment; }
void rm_outlet_pushed(uint32_t bytes, uint32_t fill) { (void)bytes; (void)fill; }
unsigned rm_outlet_promise(int8_t *ring) { *ring = 0; return atomic_fetch_add(&stub_segment.ring[0].under_way, 1) < UINT32_MAX; }
void rm_outlet_kept(unsigned promise) { atomic_fetch_sub(&stub_segment.ring[promise - 1].under_way, 1); }
uint64_t rm_outlet_crowded(void) { return 0; }
bool rm_outlet_takes(enum rm_signal signal) { (void)signal; return true; }
void rm_outlet_output(struct rm_output *head, const struct iovec *text, size_t skip)
{
	rm_segment_push_parts(&stub_segment, 0, &(struct rm_segment_parts){ head, sizeof(*head), text, skip, head->bytes }, NULL);
}
void rm_outlet_log(const struct rm_log *log, uint32_t bytes) { rm_segment_push(&stub_segment, 0, log, bytes, NULL); }
bool rm_outlet_wants_worker(void) { return false; }
void rm_outlet_safe_point(void) { }
void rm_outlet_forked(void) { }
void rm_outlet_end(enum rm_end how) { (void)how; }
void rm_outlet_end_again(void) { }
void rm_outlet_resume(void) { }
void rm_outlet_stop(void) { }
bool rm_outlet_is_silent(void) { return false; }

/* Starts the agent with the environment given, as far as these tests need it. */
static void stub_start(char *const *environment)
{
	rm_segment_init(&stub_segment, 1);
	rm_env_load(&stub_env, environment, NULL);
	rm_config_build(&stub_config, &stub_env);
	rm_context_init(&stub_config);
	rm_thread_activate();
}

/* The next finished span, NULL when there is none; valid until the next call. */
__attribute__((unused)) static const struct rm_span *stub_span(void)
{
	static _Alignas(8) char buf[RM_RECORD_MAX_BYTES];

	return rm_segment_pop(&stub_segment, 0, buf) > 0 ? (const struct rm_span *)buf : NULL;
}

#endif
