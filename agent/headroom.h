/* What the servers of this world take of a request head, so that our lines are never the ones too many. */
#ifndef RM_AGENT_HEADROOM_H
#define RM_AGENT_HEADROOM_H

#include "protocols/proto.h"

/*
 * True when `lines`, whole header lines (for HTTP/2: as rm_hpack_put writes them), may be added to the
 * head: no server that takes it as it is refuses it for them. Context: any, signal-safe.
 */
bool rm_headroom(const struct rm_head *head, struct rm_str lines);

/* The same of a head in which values become longer, too, by `grown` bytes together. */
bool rm_headroom_beside(const struct rm_head *head, struct rm_str lines, size_t grown);

#endif
