/*
 * A comment behind a query, in which the context of its span travels to the server's log: traceparent='00-...'.
 * Context: hook, connection locked. Spec: google/sqlcommenter-spec, "Specification".
 */
#ifndef RM_PROTOCOLS_SQLCOMMENT_H
#define RM_PROTOCOLS_SQLCOMMENT_H

#include "protocols/proto.h"
#include "protocols/sqllex.h"

/*
 * Appends the text with a comment of `fields` behind its one statement, before a semicolon that ends it. False, with anything
 * appended: it is not certain that the server reads on as before. Certain is one statement that reads or writes rows, or calls a
 * procedure; has no comment yet; and ends where each string and name in it is closed for any setting of the server.
 */
bool rm_sql_comment(enum rm_sql_dialect dialect, struct rm_str text, struct rm_str fields, struct rm_strbuf *out);

/* The message of a simple query of PostgreSQL, and the packet of one of MySQL: writers of an envelope. */
bool rm_sql_comment_pgsql(const struct rm_envelope *e, struct rm_str fields, struct rm_strbuf *out);
bool rm_sql_comment_mysql(const struct rm_envelope *e, struct rm_str fields, struct rm_strbuf *out);

/*
 * Tells the sink of a query that could get a comment, where its message lies in the bytes that are fed from its head to its
 * last byte, before `at`; `body` is what stands behind the head. False: feed() is to stop here.
 */
bool rm_sql_offer(struct rm_sink *sink, rm_xid x, struct rm_str bytes, size_t at, struct rm_str body, uint32_t head_bytes,
		  bool (*write)(const struct rm_envelope *, struct rm_str, struct rm_strbuf *));

#endif
