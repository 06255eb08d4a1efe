/*
 * What hooks need of SQLite, declared here so that nobody needs the library to build this: as
 * <sqlite3.h> of 3.7 and later has it (tests/abi compares the two).
 */
#ifndef RM_HOOKS_SQLITE_API_H
#define RM_HOOKS_SQLITE_API_H

#ifndef SQLITE3_H
typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
typedef struct sqlite3_mutex sqlite3_mutex;
#endif

enum { RM_SQLITE_OK = 0, RM_SQLITE_MISUSE = 21, RM_SQLITE_ROW = 100, RM_SQLITE_DONE = 101 };

int sqlite3_prepare(sqlite3 *db, const char *sql, int n, sqlite3_stmt **ret, const char **tail);
int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **ret, const char **tail);
int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned int flags, sqlite3_stmt **ret, const char **tail);
int sqlite3_step(sqlite3_stmt *statement);
int sqlite3_reset(sqlite3_stmt *statement);
int sqlite3_finalize(sqlite3_stmt *statement);
int sqlite3_exec(sqlite3 *db, const char *sql, int (*callback)(void *, int, char **, char **), void *arg, char **error);
int sqlite3_get_table(sqlite3 *db, const char *sql, char ***ret, int *rows, int *columns, char **error);
int sqlite3_stmt_busy(sqlite3_stmt *statement);
const char *sqlite3_sql(sqlite3_stmt *statement);
sqlite3 *sqlite3_db_handle(sqlite3_stmt *statement);
const char *sqlite3_db_filename(sqlite3 *db, const char *name);
int sqlite3_extended_errcode(sqlite3 *db);
sqlite3_mutex *sqlite3_db_mutex(sqlite3 *db);
int sqlite3_mutex_try(sqlite3_mutex *mutex);
void sqlite3_mutex_leave(sqlite3_mutex *mutex);

#endif
