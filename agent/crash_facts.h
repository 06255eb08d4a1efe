/*
 * What is known of a crash: the signal in words, whose request it was, and which process has the handlers. Context: any,
 * signal-safe.
 */
#ifndef RM_AGENT_CRASH_FACTS_H
#define RM_AGENT_CRASH_FACTS_H

#include <signal.h>

#include "agent/adapter_api.h"
#include "base/strbuf.h"

/* `arm` is called once, with the first span. Context: init. */
void rm_crash_arm_late(void (*arm)(void));

/* A span begins. */
void rm_crash_span_begins(void);

/* The process whose crash it would be; a forked child takes the place of its parent. */
void rm_crash_settle(void);
void rm_crash_forked(void);

/* False in a process that only borrows the memory: a child of vfork and its kin. */
bool rm_crash_is_home(void);

/* The process dies of this (cut to 256 bytes), and the thread was at work on `ctx`; 0: nothing. One thread. */
void rm_crash_blame(rm_ctx ctx, struct rm_str type);

/* The error of a request that ends because the process does: what it crashed for, if that was the request's thread. */
struct rm_str rm_crash_error(rm_ctx ctx);

/* "SIGSEGV"; never NULL. */
const char *rm_crash_signal_name(int sig);

/* What the kernel tells of it: "SEGV_MAPERR at 0x8: nothing is mapped there". */
void rm_crash_describe(int sig, const siginfo_t *info, struct rm_strbuf *out);

#endif
