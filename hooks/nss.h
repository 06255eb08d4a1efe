/*
 * Hooks of NSS.
 */
#ifndef RM_HOOKS_NSS_H
#define RM_HOOKS_NSS_H

/*
 * Leads the sockets of NSS to hooks, if it is loaded and was not led before. After rm_imports_scan, and as
 * that: one thread at a time. Context: hook.
 */
void rm_nss_scan(void);

#endif
