/* Messages of syslog(3) as log records. */
#ifndef RM_HOOKS_SYSLOGGED_H
#define RM_HOOKS_SYSLOGGED_H

/* Looks for what it needs of libc's, where syslog is watched. Context: init. */
void rm_syslog_watch(void);

#endif
