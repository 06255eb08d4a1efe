/*
 * A descriptor table of its own for the worker thread: its sockets cannot collide with the
 * application's, be closed or inherited by it, or count against it, and it keeps no pipe of the
 * application open. Context of both: worker.
 */
#ifndef RM_AGENT_PRIVATE_FDS_H
#define RM_AGENT_PRIVATE_FDS_H

#include <stdbool.h>

/*
 * Gives the calling thread a table with the null device on 0 and 1 and the application's stderr on
 * 2, nothing else. False when the kernel or a filter refuses; the thread must then end.
 */
bool rm_private_fds(void);

/* Puts the null device on 2 as well: nobody is left waiting for the end of a pipe. */
void rm_private_fds_mute(void);

#endif
