/*
 * The descriptor table: what each descriptor is to the agent, in two loads. Its places hold the number of a connection, or
 * a mark. agent/conn.c owns it; here is what looking at it takes, as that is done with each call. Context: any.
 */
#ifndef RM_AGENT_FD_TABLE_H
#define RM_AGENT_FD_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RM_FD_MAX = 1 << 22, RM_FD_LEAF_BITS = 12, RM_FD_LEAF = 1 << RM_FD_LEAF_BITS };

/* Marks in the descriptor table: numbers no connection has. */
enum {
	RM_FD_NONE = 0,
	RM_FD_LISTENER = 0xfffffff0u,     /* a listening socket */
	RM_FD_SERVED_MUTE = 0xfffffff1u,  /* an accepted connection that is none of ours */
	RM_FD_SERVED_EPOLL = 0xfffffff2u, /* an epoll instance of a server's loop */
	RM_FD_STREAM = 0xfffffff3u,       /* a stream socket, not connected yet */
	RM_FD_DGRAM = 0xfffffff4u,        /* a datagram socket that may come to ask the DNS */
	RM_FD_DNS = 0xffffffefu,          /* one that does: its calls are looked at, see agent/datagram.h */
	RM_FD_MARKS = 0xffffffefu,
	RM_FD_PASSED = 0xfffffff0u,       /* from here on calls are passed on without a look */
};

typedef _Atomic uint32_t rm_fd_entry;

extern _Atomic(rm_fd_entry *) rm_fd_root[RM_FD_MAX >> RM_FD_LEAF_BITS] __attribute__((visibility("hidden")));

/* The table's place for `fd`; NULL where there is none yet. */
static inline rm_fd_entry *rm_fd_slot(int fd)
{
	rm_fd_entry *leaf;

	if ((unsigned)fd >= RM_FD_MAX)
		return NULL;
	leaf = atomic_load_explicit(&rm_fd_root[(unsigned)fd >> RM_FD_LEAF_BITS], memory_order_acquire);
	return leaf ? &leaf[fd & (RM_FD_LEAF - 1)] : NULL;
}

/* What the table has for a descriptor: a mark, or a connection's number. */
static inline uint32_t rm_fd_mark(int fd)
{
	rm_fd_entry *e = rm_fd_slot(fd);

	return e ? atomic_load_explicit(e, memory_order_acquire) : RM_FD_NONE;
}

/* Fast answer, outside any scope: can this descriptor carry traffic of ours? Two loads. */
static inline bool rm_fd_tracked(int fd)
{
	return rm_fd_mark(fd) - 1 < RM_FD_PASSED - 1;
}

#endif
