/*
 * MySQL through libmariadb, what few other clients do: a cursor that is fetched in steps, parameters in bulk, a
 * statement that is prepared and executed in one go, another user, a connection that is reset, long data, a row of
 * more than 16 MiB.
 * Usage: main PORT [compress]
 */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static MYSQL *m;

static void must(int failed)
{
	if (!failed)
		return;
	printf("%s\n", mysql_error(m));
	exit(1);
}

static void ask(const char *text)
{
	MYSQL_RES *r;

	must(mysql_query(m, text));
	r = mysql_store_result(m);
	if (r)
		mysql_free_result(r);
}

static void cursor(void)
{
	unsigned long type = CURSOR_TYPE_READ_ONLY, rows = 5;
	MYSQL_STMT *s = mysql_stmt_init(m);
	static const char text[] = "SELECT id FROM orders WHERE id BETWEEN 1 AND 12";
	MYSQL_BIND bind = { 0 };
	int id, n = 0;

	mysql_stmt_attr_set(s, STMT_ATTR_CURSOR_TYPE, &type);
	mysql_stmt_attr_set(s, STMT_ATTR_PREFETCH_ROWS, &rows);
	must(mysql_stmt_prepare(s, text, sizeof(text) - 1));
	must(mysql_stmt_execute(s));
	bind.buffer_type = MYSQL_TYPE_LONG;
	bind.buffer = &id;
	mysql_stmt_bind_result(s, &bind);
	while (mysql_stmt_fetch(s) == 0)
		n++;
	printf("%d ", n);
	mysql_stmt_close(s);
}

static void bulk(void)
{
	int ids[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	MYSQL_STMT *s = mysql_stmt_init(m);
	static const char text[] = "INSERT INTO orders (id, note) VALUES (?, 'hunter2')";
	unsigned count = 12;
	MYSQL_BIND bind = { .buffer_type = MYSQL_TYPE_LONG, .buffer = ids };

	must(mysql_stmt_prepare(s, text, sizeof(text) - 1));
	mysql_stmt_attr_set(s, STMT_ATTR_ARRAY_SIZE, &count);
	mysql_stmt_bind_param(s, &bind);
	must(mysql_stmt_execute(s));
	printf("%d ", (int)mysql_stmt_affected_rows(s));
	mysql_stmt_close(s);
}

static void direct(void)
{
	MYSQL_STMT *s = mysql_stmt_init(m);
	static const char text[] = "UPDATE orders SET note = ? WHERE id = 2", note[] = "hunter2";
	unsigned long length = sizeof(note) - 1;
	unsigned count = 1;
	MYSQL_BIND bind = { .buffer_type = MYSQL_TYPE_STRING, .buffer = (void *)note, .length = &length, .buffer_length = sizeof(note) };

	mysql_stmt_attr_set(s, STMT_ATTR_PREBIND_PARAMS, &count);
	mysql_stmt_bind_param(s, &bind);
	must(mariadb_stmt_execute_direct(s, text, sizeof(text) - 1));
	must(mysql_stmt_execute(s));
	must(mysql_stmt_send_long_data(s, 0, "hunter", 6));
	must(mysql_stmt_send_long_data(s, 0, "2", 1));
	must(mysql_stmt_execute(s));
	must(mysql_stmt_reset(s));
	mysql_stmt_close(s);
}

static void large(void)
{
	MYSQL_RES *r;

	must(mysql_query(m, "SELECT repeat('h', 16777215), repeat('u', 17000000), 1 FROM (SELECT 1 UNION SELECT 2) t"));
	r = mysql_use_result(m);
	for (MYSQL_ROW row; (row = mysql_fetch_row(r));)
		printf("%lu ", mysql_fetch_lengths(r)[0] + mysql_fetch_lengths(r)[1]);
	mysql_free_result(r);
}

/* What is sent is longer than a packet, too. */
static void large_query(void)
{
	size_t n = 17000000;
	char *text = malloc(n + 100);
	int at = sprintf(text, "SELECT length('");

	memset(text + at, 'h', n);
	strcpy(text + at + n, "hunter2')");
	ask(text);
	free(text);
}

int main(int argc, char **argv)
{
	m = mysql_init(NULL);
	if (argc > 2)
		mysql_options(m, MYSQL_OPT_COMPRESS, NULL);
	must(!mysql_real_connect(m, "127.0.0.1", "shop_user", "hunter2", "shop", (unsigned)atoi(argv[1]), NULL, 0));
	bulk();
	cursor();
	direct();
	ask("SELECT 'a\\'hunter2'");
	must(mysql_change_user(m, "shop_user", "hunter2", "other"));
	ask("SELECT 'hunter2'");
	must(mysql_reset_connection(m));
	ask("SELECT 'hunter2'");
	must(mysql_select_db(m, "shop"));
	must(mysql_ping(m));
	printf("%d ", mysql_stat(m) != NULL);
	large();
	large_query();
	printf("%d\n", mysql_query(m, "SELECT * FROM nowhere") ? (int)mysql_errno(m) : 0);
	mysql_close(m);
	return 0;
}
