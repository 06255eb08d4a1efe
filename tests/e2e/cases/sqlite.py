"""SQLite inside the process: one CLIENT span for each execution of a statement."""
from pathlib import Path

from apps import APPS
from harness import Skip, case


def names(spans, service):
    return [s["name"] for s in spans.of(service, "CLIENT")]


def check(t, spans, space="shop.db"):
    for s in spans.all:
        if s["kind"] == "CLIENT":
            spans.attributes(s, db__system__name="sqlite", db__namespace=space, server__address=None, network__peer__address=None)
        for key, value in s["attributes"].items():
            t.check("hunter" not in str(value), f"no literal in {key}: {value}")
            t.check(str(t.dir) not in str(value), f"no folder in {key}: {value}")


def errors(spans):
    return [s["attributes"]["error.type"] for s in spans.all if s["status"] == "error"]


@case("the sqlite3 shell: names, texts without literals, an error", ["sqlite3"])
def sqlite_shell(t):
    script = ("CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT);\nINSERT INTO orders VALUES (1, 'hunter2'), (2, 'it''s hunter2');\n"
              "SELECT o.id FROM orders o JOIN orders p USING (id) WHERE o.note = \"hunter2\" AND o.id IN (1, 2, 3);\n"
              "SELECT * FROM nowhere;\nPRAGMA user_version = 42;\n")
    t.equal(t.run("shell", ["sqlite3", "-batch", t.dir / "shop.db"], stdin=script.encode(), status=None), "1\n", "what it says")
    spans = t.spans(5).roots("shell", "CLIENT")
    check(t, spans)
    t.equal(names(spans, "shell"), ["CREATE TABLE orders", "INSERT orders", "SELECT orders orders", "SELECT nowhere", "PRAGMA"], "names")
    spans.attributes(spans.all[1], db__query__text="INSERT INTO orders VALUES (?, ?), (?, ?);", db__operation__name="INSERT",
                     db__collection__name="orders")
    spans.attributes(spans.all[2], db__query__text="SELECT o.id FROM orders o JOIN orders p USING (id) WHERE o.note = ? AND o.id IN (?);")
    spans.attributes(spans.all[3], db__response__status_code="1", error__type="1")
    spans.attributes(spans.all[4], db__query__text="PRAGMA user_version = ?;")


@case("Python's sqlite3: each statement, also of executemany; errors; a result that is not read to its end", ["python3"])
def sqlite_python(t):
    said = t.run("python", ["python3", APPS / "sqlite-client-python" / "main.py", t.dir / "shop.db"])
    t.equal(said, "2\nOperationalError\nIntegrityError\nOperationalError\n1\n292\n", "what it says")
    spans = t.spans_at_least(24)
    check(t, spans)
    got = names(spans, "python")
    t.equal([got.count(n) for n in ("CREATE TABLE orders", "INSERT orders", "SELECT orders", "UPDATE orders")], [1, 12, 3, 1], f"names: {got}")
    t.equal(errors(spans), ["1", "1555", "1"], "errors")


@case("PHP's PDO and SQLite3: each statement and its errors", ["php"])
def sqlite_php(t):
    if "yes" not in t.run("probe", ["php", "-r", "echo extension_loaded('pdo_sqlite') && class_exists('SQLite3') ? 'yes' : 'no';"], agent=False):
        raise Skip("no SQLite for PHP here")
    t.equal(t.run("php", ["php", APPS / "sqlite-client-php" / "main.php", t.dir / "shop.db"]), "5 1 5 1\n", "what it says")
    spans = t.spans(10)
    check(t, spans)
    t.equal(names(spans, "php"), ["CREATE TABLE orders", *["INSERT orders"] * 5, "SELECT orders", "SELECT nowhere", "SELECT orders",
                                  "UPDATE orders"], "names")
    t.equal(errors(spans), ["1"], "errors")


@case("the C API: whole texts, what a callback asks, resets, refused calls, threads, an end in the middle", ["cc"])
def sqlite_c(t):
    if not Path("/usr/include/sqlite3.h").exists():
        raise Skip("no libsqlite3-dev here")
    app = t.build.app("sqlite-client-c", options=["-lsqlite3", "-pthread"])
    t.equal(t.run("c", [app, t.dir / "shop.db"]), "3 2 0 100 100 100 21 0 300 300 100\n", "what it says")
    spans = t.spans(1 + 1 + 3 + 3 + 200 + 1)
    check(t, spans)
    got = names(spans, "c")
    t.equal((got[0], got.count("SELECT orders"), got.count("SELECT inner_table"), errors(spans)), ("BATCH", 206, 2, []), "names")
    spans.attributes(spans.all[0], db__operation__batch__size=3)


@case("what a served request asks of SQLite is below its SERVER span", ["python3"])
def sqlite_parent(t):
    t.run("fill", ["python3", APPS / "sqlite-client-python" / "main.py", t.dir / "shop.db"], agent=False)
    port = t.port()
    web = t.start("web", ["python3", APPS / "sqlite-client-python" / "main.py", t.dir / "shop.db", port], port)
    for _ in range(5):
        t.equal(t.get(web.port, "/", keep_alive=False), [(200, b"11")], "answer")
    spans = t.spans(10).count("web", server=5, client=5).linked("web", "CLIENT", "web", "SERVER")
    check(t, spans)
