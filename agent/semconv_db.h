/*
 * Operations of databases as spans. Context: hook.
 * Spec: semantic conventions 1.44, docs/db/database-spans.md, postgresql.md and redis.md.
 */
#ifndef RM_AGENT_SEMCONV_DB_H
#define RM_AGENT_SEMCONV_DB_H

#include "agent/config.h"
#include "agent/conn.h"
#include "agent/exchange.h"

/*
 * Starts the record of a sampled exchange whose operation was just asked for, of `peer`, which is NULL inside the
 * process. Leaves e->record 0 when
 * there is no memory (counted as RM_LOST_EXCHANGE).
 */
void rm_semconv_operation(struct rm_exchange *e, const struct rm_config *c, const struct rm_peer *peer,
			  const struct rm_operation *op, const char *parent_source);

/* Adds what the answer tells. */
void rm_semconv_outcome(struct rm_exchange *e, const struct rm_outcome *outcome);

#endif
