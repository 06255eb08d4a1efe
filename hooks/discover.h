/* Finding the TLS libraries of the process, when there is a first sign that it has one. */
#ifndef RM_HOOKS_DISCOVER_H
#define RM_HOOKS_DISCOVER_H

/*
 * Hooks the libraries that were loaded since the last time. Cheap when none was. One thread at a time
 * does it; who comes meanwhile waits for it, a bounded time, and that one looks again. One that is not back by then
 * is not waited for any more, and one that has ended leaves its place to the next. Context: hook.
 */
void rm_discover(void);

#endif
