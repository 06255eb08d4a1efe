/*
 * The process's side of agent/relay_proto.h: makes the memory that can be shared with the relay,
 * and hands it over. Raw system calls only, each wait bounded, no descriptor left open.
 */
#ifndef RM_AGENT_RELAY_JOIN_H
#define RM_AGENT_RELAY_JOIN_H

#include "base/segment.h"
#include "base/str.h"

/*
 * Makes a close-on-exec memfd of `bytes`, sealed so that it can neither shrink nor grow.
 * Returns its descriptor or RM_E_IO. Ownership: the caller closes it. Context: hook, signal-safe.
 */
int rm_relay_memory(size_t bytes);

/* What one step may take; none begins after twice that. Tests let a busy machine have more. */
extern uint32_t rm_relay_patience_ms;

/*
 * Hands the memory behind `segment_fd` (borrowed, complete with its resource record) to the relay
 * that `setting` names, a value of REMORA_RELAY. `*bell` becomes the relay's doorbell page; one
 * that is mapped already is kept, as all processes of a relay have the same. Of it and what is behind it `*bytes` are
 * mapped, or where there are fewer the doorbell alone: then that is what `*bytes` says. Takes 300 ms at most.
 * Errors: RM_E_INVALID for a malformed setting, RM_E_IO when the relay is not there or is silent,
 * RM_E_PROTO when it refuses or speaks another version. Context: hook, signal-safe.
 */
int rm_relay_join(struct rm_str setting, int segment_fd, struct rm_doorbell **bell, size_t *bytes);

#endif
