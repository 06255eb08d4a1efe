/*
 * What a connection to a database has prepared: names of statements and what may be shown of their texts, names
 * of portals and the statements they run. It lies in the stash of the connection and has a limit: past it
 * operations are told with less detail. Context: hook, connection locked.
 */
#ifndef RM_PROTOCOLS_PREPARED_H
#define RM_PROTOCOLS_PREPARED_H

#include "protocols/proto.h"
#include "protocols/sqltext.h"

enum { RM_PREPARED_NAME_BYTES = 63, RM_PREPARED_QUERY_BYTES = 1024 };

struct rm_prepared {
	uint32_t bytes, cap;
};

enum rm_prepared_kind { RM_PREPARED_STATEMENT = 'S', RM_PREPARED_PORTAL = 'P' };

/*
 * Remembers a statement. One of that name whose text is another one makes both unknown, unless the name is
 * empty: the server keeps either. NULL `sql`: a statement of which nothing is known.
 */
void rm_prepared_add(struct rm_prepared *t, struct rm_sink *sink, struct rm_str name,
		     const struct rm_sql *sql);

/* Remembers which statement a portal runs. */
void rm_prepared_bind(struct rm_prepared *t, struct rm_sink *sink, struct rm_str portal,
		      struct rm_str statement);

/* Gives a statement another name, which is as long. */
void rm_prepared_rename(struct rm_prepared *t, struct rm_sink *sink, struct rm_str from, struct rm_str to);

/* What is known of a statement: slices into the stash. False: nothing. */
bool rm_prepared_statement(const struct rm_prepared *t, struct rm_sink *sink, struct rm_str name, struct rm_sql *ret);

/* The same of the statement that a portal runs. */
bool rm_prepared_portal(const struct rm_prepared *t, struct rm_sink *sink, struct rm_str portal,
			struct rm_sql *ret);

void rm_prepared_close(struct rm_prepared *t, struct rm_sink *sink, enum rm_prepared_kind kind,
		       struct rm_str name);

#endif
