/*
 * The tokens of SQL as one of several databases reads them. Context: any.
 * Spec: PostgreSQL, "Lexical Structure"; MySQL and MariaDB, "Language Structure", "Comments", "Server SQL Modes";
 * SQLite, "SQL As Understood By SQLite" and tokenize.c's table of characters; Cassandra, "CQL: Definitions".
 */
#ifndef RM_PROTOCOLS_SQLLEX_H
#define RM_PROTOCOLS_SQLLEX_H

#include "base/str.h"

/* Those from SQLITE on know no backslashes. */
enum rm_sql_dialect {
	RM_SQL_PGSQL,
	RM_SQL_MYSQL,
	RM_SQL_MYSQL_MODE, /* the same, where it is not known whether backslashes escape */
	RM_SQL_SQLITE,
	RM_SQL_CQL,
};

enum rm_sql_token {
	RM_SQL_END,      /* of the text, or of what may be read of it */
	RM_SQL_SPACE,    /* white space and comments */
	RM_SQL_WORD,     /* keyword or identifier */
	RM_SQL_QUOTED,   /* quoted identifier */
	RM_SQL_MAYBE,    /* quoted identifier or literal: the server's schema decides */
	RM_SQL_LITERAL,
	RM_SQL_NUMBER,
	RM_SQL_PARAM,    /* $1; where it has no name it is OTHER, ? */
	RM_SQL_OTHER,    /* one character of an operator or of punctuation */
};

/*
 * The token that begins at text.p[*at], which moves behind it. A literal whose end cannot be told for sure is
 * the last token: *at becomes text.n.
 */
enum rm_sql_token rm_sql_next(enum rm_sql_dialect dialect, struct rm_str text, size_t *at);

#endif
