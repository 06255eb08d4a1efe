/*
 * What the program says by syslog(3), as log records. The hooks give the message as libc formats it
 * (hooks/syslogged.c); what stands in the call, and what openlog said before, is put together here.
 */
#ifndef RM_AGENT_SYSLOGGED_H
#define RM_AGENT_SYSLOGGED_H

#include "agent/hookapi.h"
#include "base/env.h"

/* Settings are borrowed for ever. Context: init. */
void rm_syslog_init(const struct rm_env *env);

/* Says what was not seen (REMORA_DEBUG=export). Context: hook. */
void rm_syslog_report(void);

#endif
