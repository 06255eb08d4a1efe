/*
 * SQLite's C API: a table at once, a callback that asks something of its own, a statement that is reset before its
 * end, one that is never finalized, calls that it refuses, two threads with a connection each.
 * Usage: main FILE
 */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>

static const char *file;

static int nested(void *db, int n, char **values, char **names)
{
	(void)n, (void)values, (void)names;
	return sqlite3_exec(db, "SELECT note FROM inner_table", NULL, NULL, NULL);
}

static void *in_a_thread(void *arg)
{
	sqlite3_stmt *s;
	sqlite3 *db;
	int rows = 0;

	(void)arg;
	sqlite3_open(file, &db);
	for (int i = 0; i < 100; i++) {
		sqlite3_prepare_v2(db, "SELECT note FROM orders WHERE id < ?", -1, &s, NULL);
		sqlite3_bind_int(s, 1, 5);
		while (sqlite3_step(s) == SQLITE_ROW)
			rows++;
		sqlite3_finalize(s);
	}
	sqlite3_close(db);
	return (void *)(long)rows;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	sqlite3_stmt *s, *open;
	char **table;
	int rows, columns;
	void *n;
	sqlite3 *db;

	(void)argc;
	file = argv[1];
	sqlite3_open(file, &db);
	sqlite3_exec(db, "CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT); CREATE TABLE inner_table (note TEXT);"
			 "INSERT INTO orders VALUES (1, 'hunter2'), (2, 'hunter2'), (3, 'hunter2')", NULL, NULL, NULL);
	sqlite3_get_table(db, "SELECT * FROM orders WHERE note = 'hunter2'", &table, &rows, &columns, NULL);
	sqlite3_free_table(table);
	printf("%d %d ", rows, columns);
	printf("%d ", sqlite3_exec(db, "SELECT id FROM orders WHERE id < 3", nested, db, NULL));
	sqlite3_prepare_v2(db, "SELECT id FROM orders", -1, &s, NULL);
	for (int i = 0; i < 3; i++) {
		printf("%d ", sqlite3_step(s));
		sqlite3_reset(s);
	}
	sqlite3_finalize(s);
	sqlite3_prepare_v2(db, "", -1, &s, NULL);
	printf("%d %d ", sqlite3_step(s), sqlite3_finalize(s));
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, in_a_thread, NULL);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &n);
		printf("%ld ", (long)n);
	}
	sqlite3_prepare_v2(db, "SELECT note FROM orders", -1, &open, NULL);
	printf("%d\n", sqlite3_step(open));
	return 0;
}
