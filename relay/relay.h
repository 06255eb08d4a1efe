/*
 * The relay: admits processes (relay/door.h), empties their segments into a gather, learns of their
 * death, and lets its owner wait for one descriptor more. One thread does all that; a second one
 * only turns the doorbell's futex into an eventfd, so that a single epoll sees everything.
 * Context of everything here: worker.
 */
#ifndef RM_RELAY_RELAY_H
#define RM_RELAY_RELAY_H

#include "relay/door.h"
#include "relay/gather.h"

enum {
	RM_RELAY_PROCESSES_MAX = 8192, /* more are refused: they export by themselves */
	RM_RELAY_SWEEP_MIN_MS = 50,    /* between two looks at all segments without a ring of the bell */
	RM_RELAY_SWEEP_MAX_MS = 1000,
};

struct rm_relay;

/* How many records of each signal may come in. */
struct rm_room {
	uint32_t of[RM_SIGNAL_COUNT];
};
#define RM_ROOM_FOR_ALL ((struct rm_room){ { UINT32_MAX, UINT32_MAX } })

/*
 * Opens the door. `gather` is borrowed for the relay's life. `with_rules`: processes are told sampling rules.
 * Errors: NULL, with errno and nothing left behind.
 */
struct rm_relay *rm_relay_new(struct rm_gather *gather, bool with_rules);

/* Drains and drops every process, removes socket and directory. */
void rm_relay_free(struct rm_relay *r);

/* Writes the value of REMORA_RELAY. */
void rm_relay_address(const struct rm_relay *r, char ret[RM_DOOR_ADDRESS_BYTES]);

/* Calls `ready` from rm_relay_step whenever `fd` is readable; it must read. Errors: RM_E_IO. */
int rm_relay_watch(struct rm_relay *r, int fd, void (*ready)(void *arg), void *arg);

/*
 * Sleeps at most `timeout_ns` for something to happen, then does all of it, but takes no more than there is
 * room for out of the segments: with none it only admits processes and calls the watch.
 */
void rm_relay_step(struct rm_relay *r, uint64_t timeout_ns, struct rm_room room);

/*
 * Admits who waits at the door and looks into every segment, now, for what there is room for.
 * Returns false when something had to be left.
 */
bool rm_relay_drain(struct rm_relay *r, struct rm_room room);

/* What they are told, for the one who writes it; NULL: nothing. */
struct rm_rules *rm_relay_rules(struct rm_relay *r);

/* Processes that are connected and, as far as we know, alive. */
uint32_t rm_relay_alive(const struct rm_relay *r);

#endif
