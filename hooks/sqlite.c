/*
 * Hooks of SQLite: one span for each execution of a statement, from its first step to the end of its last one before
 * it is done or reset; for each sqlite3_exec and sqlite3_get_table, whatever they hold; and for what cannot be prepared.
 * What SQLite calls inside of itself goes by no slot (hooks/imports.c), so nothing is told of twice.
 *
 * Nothing is asked of SQLite that takes a lock, but for the name of the file: that is left out where another thread
 * has the connection. Nothing is kept in it.
 * Context: app.
 */
#include <string.h>

#include "agent/local.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "hooks/imports.h"
#include "hooks/sqlite_api.h"

RM_LIBRARY sqlite = { .name = "SQLite", .anchor = "sqlite3_step" };

enum { SPACE_BYTES = 255 };

RM_USE(sqlite, sqlite3_stmt_busy);
RM_USE(sqlite, sqlite3_sql);
RM_USE(sqlite, sqlite3_db_handle);
RM_USE_IF_PRESENT(sqlite, sqlite3_db_filename);
RM_USE_IF_PRESENT(sqlite, sqlite3_extended_errcode);
RM_USE_IF_PRESENT(sqlite, sqlite3_db_mutex);
RM_USE_IF_PRESENT(sqlite, sqlite3_mutex_try);
RM_USE_IF_PRESENT(sqlite, sqlite3_mutex_leave);

/* ---- what is told ---- */

/* The database's file without the folders it is in, which may hold names of people; empty where it cannot be asked. */
static struct rm_str space_of(sqlite3 *db, char room[SPACE_BYTES])
{
	sqlite3_mutex *mutex;
	struct rm_str name;
	const char *path;

	if (!db || !real_sqlite3_db_filename || !real_sqlite3_db_mutex || !real_sqlite3_mutex_try || !real_sqlite3_mutex_leave)
		return (struct rm_str){ 0 };
	mutex = real_sqlite3_db_mutex(db);
	if (mutex && real_sqlite3_mutex_try(mutex) != RM_SQLITE_OK)
		return (struct rm_str){ 0 };
	path = real_sqlite3_db_filename(db, "main");
	name = path && *path ? rm_str_c(path) : RM_STR(":memory:");
	for (size_t i = name.n; i-- > 0;)
		if (name.p[i] == '/') {
			name = (struct rm_str){ name.p + i + 1, name.n - i - 1 };
			break;
		}
	name.n = name.n < SPACE_BYTES ? name.n : 0;
	memcpy(room, name.p, name.n);
	if (mutex)
		real_sqlite3_mutex_leave(mutex);
	return (struct rm_str){ room, name.n };
}

/* `n`: bytes of the text, if it does not end before; negative: up to its end. */
static struct rm_str cut_text(const char *text, int n)
{
	size_t most = n < 0 || n > RM_LOCAL_TEXT_BYTES ? RM_LOCAL_TEXT_BYTES : (size_t)n;
	const char *end = text ? memchr(text, '\0', most) : text;

	return (struct rm_str){ text, !text ? 0 : end ? (size_t)(end - text) : most };
}

static rm_ctx begin(sqlite3 *db, struct rm_str text, uint64_t start_ns)
{
	char space[SPACE_BYTES];
	struct rm_scope s;
	rm_ctx ctx;

	if (!rm_enter(&s))
		return 0;
	ctx = rm_local_begin(s.thread, text, space_of(db, space), start_ns);
	rm_leave(&s);
	return ctx;
}

/* `result` is what the call gave; of an error the connection knows more, if that is given. `space` may be empty. */
static void end(sqlite3 *db, rm_ctx ctx, int result, struct rm_str space, uint64_t end_ns)
{
	bool failed = result != RM_SQLITE_OK && result != RM_SQLITE_ROW && result != RM_SQLITE_DONE;
	int code = failed && db && real_sqlite3_extended_errcode ? real_sqlite3_extended_errcode(db) : result;
	struct rm_strbuf number;
	char room[12];
	struct rm_scope s;

	if (!ctx || !rm_enter(&s))
		return;
	rm_strbuf_init(&number, room, sizeof(room));
	/* Another thread's error may be there by now. */
	if (failed)
		rm_strbuf_u64(&number, (uint64_t)(((code ^ result) & 0xff) == 0 ? code : result));
	rm_local_end(s.thread, ctx, rm_strbuf_view(&number), space, end_ns);
	rm_leave(&s);
}

/* ---- statements ---- */

static void keep(sqlite3_stmt *statement, rm_ctx ctx, uint64_t now_ns)
{
	struct rm_scope s;

	if (!rm_enter(&s))
		return;
	rm_local_keep(s.thread, statement, ctx, now_ns);
	rm_leave(&s);
}

/* What goes on under this address is over, as it is: it was reset, or ends with the statement. */
static void over(sqlite3_stmt *statement)
{
	uint64_t seen_ns;
	rm_ctx ctx = statement ? rm_local_take(statement, &seen_ns) : 0;

	if (ctx)
		end(NULL, ctx, RM_SQLITE_OK, (struct rm_str){ 0 }, seen_ns);
}

RM_IMPORT(sqlite, sqlite3_step);
static int hook_sqlite3_step(sqlite3_stmt *statement)
{
	uint64_t now_ns, seen_ns;
	rm_ctx ctx = 0;
	sqlite3 *db;
	int result;

	if (!statement || !rm_local_wanted())
		return real_sqlite3_step(statement);
	db = real_sqlite3_db_handle(statement);
	if (!real_sqlite3_stmt_busy(statement)) {
		over(statement);
		ctx = begin(db, cut_text(real_sqlite3_sql(statement), -1), rm_clock_mono_ns());
	}
	result = real_sqlite3_step(statement);
	now_ns = rm_clock_mono_ns();
	if (result != RM_SQLITE_ROW)
		end(db, ctx ? ctx : rm_local_take(statement, &seen_ns), result, (struct rm_str){ 0 }, now_ns);
	else if (ctx)
		keep(statement, ctx, now_ns);
	else
		rm_local_seen(statement, now_ns);
	return result;
}

RM_IMPORT(sqlite, sqlite3_reset);
static int hook_sqlite3_reset(sqlite3_stmt *statement)
{
	over(statement);
	return real_sqlite3_reset(statement);
}

RM_IMPORT(sqlite, sqlite3_finalize);
static int hook_sqlite3_finalize(sqlite3_stmt *statement)
{
	over(statement);
	return real_sqlite3_finalize(statement);
}

/* ---- whole texts ---- */

/* Only a call that SQLite did not refuse was given a connection for sure. */
static void end_text(sqlite3 *db, rm_ctx ctx, int result)
{
	bool sure = result != RM_SQLITE_MISUSE;
	char space[SPACE_BYTES];

	if (ctx)
		end(sure ? db : NULL, ctx, result, space_of(sure ? db : NULL, space), rm_clock_mono_ns());
}

RM_IMPORT(sqlite, sqlite3_exec);
static int hook_sqlite3_exec(sqlite3 *db, const char *sql, int (*callback)(void *, int, char **, char **), void *arg,
			     char **error)
{
	rm_ctx ctx = rm_local_wanted() ? begin(NULL, cut_text(sql, -1), rm_clock_mono_ns()) : 0;
	int result = real_sqlite3_exec(db, sql, callback, arg, error);

	end_text(db, ctx, result);
	return result;
}

RM_IMPORT(sqlite, sqlite3_get_table);
static int hook_sqlite3_get_table(sqlite3 *db, const char *sql, char ***ret, int *rows, int *columns, char **error)
{
	rm_ctx ctx = rm_local_wanted() ? begin(NULL, cut_text(sql, -1), rm_clock_mono_ns()) : 0;
	int result = real_sqlite3_get_table(db, sql, ret, rows, columns, error);

	end_text(db, ctx, result);
	return result;
}

/* What cannot be prepared is never executed: its error is told of here. */
static void prepared(sqlite3 *db, const char *sql, int n, int result, uint64_t start_ns)
{
	if (result == RM_SQLITE_OK || result == RM_SQLITE_MISUSE || !start_ns)
		return;
	end(db, begin(db, cut_text(sql, n), start_ns), result, (struct rm_str){ 0 }, rm_clock_mono_ns());
}

RM_IMPORT(sqlite, sqlite3_prepare);
static int hook_sqlite3_prepare(sqlite3 *db, const char *sql, int n, sqlite3_stmt **ret, const char **tail)
{
	uint64_t start_ns = rm_local_wanted() ? rm_clock_mono_ns() : 0;
	int result = real_sqlite3_prepare(db, sql, n, ret, tail);

	prepared(db, sql, n, result, start_ns);
	return result;
}

RM_IMPORT(sqlite, sqlite3_prepare_v2);
static int hook_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int n, sqlite3_stmt **ret, const char **tail)
{
	uint64_t start_ns = rm_local_wanted() ? rm_clock_mono_ns() : 0;
	int result = real_sqlite3_prepare_v2(db, sql, n, ret, tail);

	prepared(db, sql, n, result, start_ns);
	return result;
}

RM_IMPORT_IF_PRESENT(sqlite, sqlite3_prepare_v3);
static int hook_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int n, unsigned int flags, sqlite3_stmt **ret, const char **tail)
{
	uint64_t start_ns = rm_local_wanted() ? rm_clock_mono_ns() : 0;
	int result = real_sqlite3_prepare_v3(db, sql, n, flags, ret, tail);

	prepared(db, sql, n, result, start_ns);
	return result;
}
