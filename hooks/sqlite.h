/*
 * Finding SQLite, whose programs may have no socket at all, so that nothing else makes anybody look for libraries.
 */
#ifndef RM_HOOKS_SQLITE_H
#define RM_HOOKS_SQLITE_H

/* An object is about to be loaded. Context: any. */
void rm_sqlite_loading(void);

/*
 * Looks for SQLite if objects were loaded since the last time, and hooks what calls it: at the start, and in calls that
 * SQLite makes when it opens or locks a file, or that programs make between loading it and using it. Else one load.
 * Context: hook.
 */
void rm_sqlite_look(void);

#endif
