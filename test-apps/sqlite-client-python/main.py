"""SQLite as Python programs use it. main.py FILE does a few things; main.py FILE PORT serves GET / by one query."""
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


def work(file):
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT)")
    connection.execute("INSERT INTO orders VALUES (?, 'hunter2')", (1,))
    connection.executemany("INSERT INTO orders VALUES (?, ?)", [(i, "hunter2") for i in range(10, 20)])
    connection.commit()
    print(len(connection.execute("SELECT * FROM orders WHERE note = 'hunter2' AND id IN (1, 2, 3, 10)").fetchall()))
    for text in ("SELECT * FROM nowhere", "INSERT INTO orders VALUES (1, 'hunter2')", "hunter2"):
        try:
            connection.execute(text)
        except sqlite3.Error as error:
            print(type(error).__name__)
    connection.rollback()
    connection.executescript("BEGIN; UPDATE orders SET note = 'hunter2'; COMMIT;")
    half = connection.execute("SELECT id FROM orders")
    print(half.fetchone()[0])
    connection.create_function("twice", 1, lambda x: 2 * x)
    print(connection.execute("SELECT sum(twice(id)) FROM orders").fetchone()[0])


def serve(file, port):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = str(sqlite3.connect(file).execute("SELECT count(*) FROM orders").fetchone()[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


if len(sys.argv) > 2:
    serve(sys.argv[1], int(sys.argv[2]))
else:
    work(sys.argv[1])
