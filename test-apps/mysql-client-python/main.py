"""MySQL as Python programs use it, each through the library named: pymysql, MySQLdb, mysql.connector, or
mysql.connector.c, which is that with MySQL's own C library.

main.py LIBRARY HOST PORT        does a few things and says what came back
main.py LIBRARY HOST PORT SERVE  serves GET / on the port SERVE, each by one query
"""
import importlib
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


def connect(library, host, port):
    module = importlib.import_module(library.removesuffix(".c"))
    extra = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": port}
    if library == "MySQLdb":
        extra["local_infile"] = 1
        from MySQLdb.constants import CLIENT
        extra["client_flag"] = CLIENT.MULTI_STATEMENTS
    elif library == "pymysql":
        extra["local_infile"] = True
        from pymysql.constants import CLIENT
        extra["client_flag"] = CLIENT.MULTI_STATEMENTS
    else:
        extra.update(use_pure=not library.endswith(".c"), ssl_disabled=True)
    return module, module.connect(user="shop_user", password="hunter2", database="shop", **extra)


def work(library, host, port):
    module, connection = connect(library, host, port)
    cursor = connection.cursor()
    cursor.execute("INSERT INTO orders (id, note) VALUES (%s, %s)", (1, "it's \"hunter2\" \\ 'é'"))
    connection.commit()
    cursor.execute("SELECT note FROM orders WHERE id IN (%s, %s, %s)", (1, 2, 3))
    print(cursor.fetchall())
    cursor.executemany("INSERT INTO orders (id, note) VALUES (%s, %s)", [(i, "hunter2" * 300) for i in range(10, 30)])
    connection.commit()
    cursor.execute("SELECT * FROM `orders`")
    print(len(cursor.fetchall()))
    try:
        cursor.execute("SELECT * FROM nowhere")
    except module.Error as error:
        print(error.args[0])
    cursor.execute("CALL twice()")
    print(cursor.fetchall(), cursor.nextset(), cursor.fetchall())
    try:
        while cursor.nextset():
            pass
    except module.InterfaceError:  # how mysql.connector.c says that there was no more
        pass
    if library.startswith("mysql.connector"):
        prepared = connection.cursor(prepared=True)
        for i in range(5):
            prepared.execute("SELECT note FROM orders WHERE id = %s", (10 + i,))
            prepared.fetchall()
        prepared.close()
        connection.cmd_reset_connection()
    else:
        cursor.execute("SELECT 1; UPDATE orders SET note = 'hunter2' WHERE id = 1; SELECT 2")
        while cursor.nextset():
            pass
        with open("rows", "w") as rows:
            rows.writelines(f"{i}\thunter2\n" for i in range(1000, 9000))
        cursor.execute("LOAD DATA LOCAL INFILE 'rows' INTO TABLE orders")
        print(cursor.rowcount)
        connection.commit()
    connection.ping()
    connection.close()


def serve(library, host, port, own):
    _, connection = connect(library, host, port)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            cursor = connection.cursor()
            cursor.execute("SELECT count(*) FROM orders")
            body = str(cursor.fetchone()[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    HTTPServer(("127.0.0.1", own), Handler).serve_forever()


if len(sys.argv) > 4:
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    work(sys.argv[1], sys.argv[2], int(sys.argv[3]))
