/*
 * Whether a thread of this process still is: what it held in a call that it never came back from (it was cancelled) can be given
 * back then.
 */
#ifndef RM_AGENT_ALIVE_H
#define RM_AGENT_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

/* The calling thread's number; 0 where no system call may be made (seccomp). Context: hook. */
uint32_t rm_alive_self(void);

/* True if the process has no other thread. False where that cannot be asked. Context: hook. */
bool rm_alive_alone(void);

/* True if there is no such thread in this process. False where that cannot be asked. Context: hook. */
bool rm_alive_gone(uint32_t tid);

#endif
