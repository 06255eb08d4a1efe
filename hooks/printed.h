/*
 * What libc's stdio writes: its functions make their system calls inside of libc, past any name that could be
 * interposed. But all of them write through one slot of a table of functions that each stream names.
 */
#ifndef RM_HOOKS_PRINTED_H
#define RM_HOOKS_PRINTED_H

/*
 * Puts ours in the place of libc's own function in that slot, where something that is printed is a log.
 * Context: init, after rm_init.
 */
void rm_printed_watch(void);

/*
 * At the end of the process: what stands in the buffers of stdout and stderr, which libc empties when we are
 * gone, is a log too. It is read, not written. Context: init.
 */
void rm_printed_rest(void);

#endif
