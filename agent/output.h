/*
 * What the program prints, as log records: its standard output and standard error, where they are logs.
 * They are connections of their own kind (agent/conn.h), so that writing to any other descriptor costs
 * nothing for it. Lines are made of the pieces that leave here by whoever takes them (logs/lines.h).
 */
#ifndef RM_AGENT_OUTPUT_H
#define RM_AGENT_OUTPUT_H

#include "agent/hookapi.h"
#include "base/env.h"

/* Looks at descriptors 1 and 2; only where logs are exported. Settings are borrowed for ever. Context: init, in a visit. */
void rm_output_init(const struct rm_env *env);

/* The program prints: looked at when it is written. Context: any. */
enum rm_tx_mode rm_output_begin(struct rm_tx *tx, struct rm_conn *c, int fd, const struct iovec *iov, int iov_count);

/* Another descriptor was put in the place of 1 or 2. Context: hook. */
void rm_output_moved(int fd);

/*
 * A server is about to serve, which has its logs open by now: descriptors that lead to where a log does are logs, too, as
 * /dev/stdout and /proc/self/fd/2 are opened anew. Asked once in a process, or `anew`. Context: hook.
 */
void rm_output_serves(bool anew);

/* In the child of a fork: its pieces are counted anew. Context: hook. */
void rm_output_forked(void);

/* Says what was not seen (REMORA_DEBUG=export). Context: hook. */
void rm_output_report(void);

#endif
