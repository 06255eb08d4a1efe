/*
 * What a connection to a broker named by something short, as subscriptions by their number: remembered by that, in the
 * stash of the connection, up to a limit. Past it nothing more is remembered, and messages are told with less detail.
 * Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_NAMES_H
#define RM_PROTOCOLS_NAMES_H

#include "protocols/proto.h"

enum { RM_NAMES_KEY_BYTES = 255, RM_NAMES_TEXT_BYTES = 512, RM_NAMES_MAX_BYTES = 16 * 1024 };

struct rm_names {
	uint32_t bytes, cap; /* of the stash: in use, and there */
};

/* Remembers a text under this key, in the place of what was there. One that is too long is not remembered. */
void rm_names_put(struct rm_names *names, struct rm_sink *sink, struct rm_str key, struct rm_str text);

/* A slice of the stash, valid until the next call. False: nothing is known by this key. */
bool rm_names_get(const struct rm_names *names, struct rm_sink *sink, struct rm_str key, struct rm_str *ret);

void rm_names_drop(struct rm_names *names, struct rm_sink *sink, struct rm_str key);

/* All whose keys begin so. */
void rm_names_drop_prefix(struct rm_names *names, struct rm_sink *sink, struct rm_str prefix);

#endif
