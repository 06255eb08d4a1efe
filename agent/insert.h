/*
 * Edits in what a program has just read: carried out in its own buffer, which may be scattered.
 * Context: hook.
 */
#ifndef RM_AGENT_INSERT_H
#define RM_AGENT_INSERT_H

#include "agent/stream.h"

/* A position in the caller's scattered memory. */
struct rm_cursor {
	const struct iovec *iov;
	int count, i;
	size_t off;
};

void rm_cursor_seek(struct rm_cursor *c, size_t at);

static inline size_t rm_iov_total(const struct iovec *iov, int count)
{
	size_t n = 0;

	for (int i = 0; i < count; i++)
		n += iov[i].iov_len;
	return n;
}

/*
 * How many bytes may be put in behind the `filled` (not 0) that were read. A caller may claim more
 * room than there is, and as long as little arrives nobody notices: pages that were not written to
 * are asked for.
 */
uint32_t rm_insert_room(const struct iovec *iov, int count, size_t filled, size_t room);

/* True when the visit's edits make its bytes more. */
bool rm_insert_grows(const struct rm_visit *v);

/* Carries the visit's edits out, last one first. Returns how much the bytes grew. */
size_t rm_insert_apply(struct rm_visit *v, const struct iovec *iov, int count, size_t filled);

/* Forgets the visit's edits. */
void rm_insert_drop(struct rm_visit *v);

/* True for an errno that says that the connection is broken. */
bool rm_error_is_fatal(int error);

#endif
