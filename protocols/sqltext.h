/*
 * What of an SQL text may be shown: the text with every literal replaced by "?", and a summary of what it
 * does to what. Context: any.
 *
 * A text may be cut off at its end. Where two servers could read on in two ways (a backslash before a
 * quote), or a byte has no meaning in SQL, what follows is not shown.
 * Spec: PostgreSQL, "Lexical Structure"; semantic conventions 1.44, docs/db/database-spans.md, "Sanitization of
 * db.query.text" and "Generating a summary of the query".
 */
#ifndef RM_PROTOCOLS_SQLTEXT_H
#define RM_PROTOCOLS_SQLTEXT_H

#include "protocols/sqllex.h"

enum { RM_SQL_SUMMARY_BYTES = 255 };

struct rm_sql {
	struct rm_str query;      /* empty: nothing of it may be shown */
	struct rm_str summary;    /* "SELECT orders items" */
	struct rm_str operation;  /* of the summary: the one that there is ... */
	struct rm_str collection; /* ... and the one that it is about, or ... */
	struct rm_str procedure;  /* ... calls */
	uint32_t statements;      /* in the text, so far as it was read */
	bool moves;               /* one of them is USE, or about a database itself */
};

/*
 * Reads the text. `room` holds what is shown of it, never more than text.n bytes; `summary`
 * RM_SQL_SUMMARY_BYTES.
 */
void rm_sql_read(enum rm_sql_dialect dialect, struct rm_str text, char *room, char *summary, struct rm_sql *ret);

#endif
