/* The tokens of SQL as PostgreSQL reads it. Context: any. Spec: PostgreSQL, "Lexical Structure". */
#ifndef RM_PROTOCOLS_SQLLEX_H
#define RM_PROTOCOLS_SQLLEX_H

#include "base/str.h"

enum rm_sql_token {
	RM_SQL_END,      /* of the text, or of what may be read of it */
	RM_SQL_SPACE,    /* white space and comments */
	RM_SQL_WORD,     /* keyword or identifier */
	RM_SQL_QUOTED,   /* quoted identifier */
	RM_SQL_LITERAL,
	RM_SQL_NUMBER,
	RM_SQL_PARAM,    /* $1 */
	RM_SQL_OTHER,    /* one character of an operator or of punctuation */
};

/*
 * The token that begins at text.p[*at], which moves behind it. A literal whose end cannot be told for sure is
 * the last token: *at becomes text.n.
 */
enum rm_sql_token rm_sql_next(struct rm_str text, size_t *at);

#endif
