"""PostgreSQL: one CLIENT span for each query, counted against what the server counted itself."""
import os
import shutil
import signal
import time
from pathlib import Path

from apps import APPS
from fetched import cargo, npm
from harness import DEADLINE, Failure, Skip, case
from proxy import Recorder
from tls_apps import Certificates

JDBC = Path("/usr/share/java/postgresql.jar")
NEEDS = ["psql", "pgbench", "setpriv"]
SETTINGS = ["fsync=off", "shared_preload_libraries=pg_stat_statements", "max_connections=40"]


def installed():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        raise Skip("no PostgreSQL server here")
    return found[-1].parent


def as_nobody():
    """How to start what refuses to be root's."""
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.getuid() == 0 else []


def postgres(t, agent=False, settings=(), programs=None):
    """A server of its own, with a table of orders; `programs`: those of another version, without statistics."""
    statistics, port, home = not programs, t.port(), t.dir / "postgres"
    programs = programs or installed()
    home.mkdir()
    user = as_nobody()
    if user:
        shutil.chown(home, "nobody", "nogroup")
    t.run("initdb", [*user, programs / "initdb", "-D", home / "data", "-U", "shop_user", "-A", "trust", "-N", "-E", "UTF8"],
          agent=False, cwd=home)
    options = [o for s in [*(SETTINGS if statistics else SETTINGS[:1]), *settings] for o in ("-c", s)]
    server = t.start("postgres", [*user, programs / "postgres", "-D", home / "data", "-p", port, "-k", home, *options], port, agent,
                     cwd=home)
    server.sockets = home
    server.uri = f"postgresql://shop_user@127.0.0.1:{port}/postgres"
    end = time.monotonic() + DEADLINE
    while "1" not in sql(t, server, "SELECT 1", status=None):
        if time.monotonic() > end:
            raise Failure(f"no answer from PostgreSQL: {t.tail(server.log)}")
        time.sleep(0.1)
    sql(t, server, "CREATE TABLE orders (id int PRIMARY KEY, note text)")
    if statistics:
        sql(t, server, "CREATE EXTENSION pg_stat_statements")
        sql(t, server, "SELECT pg_stat_statements_reset()")
    return server


def sql(t, server, text, status=0):
    return t.run("admin", ["psql", "-XAtq", server.uri, "-c", text], agent=False, status=status)


def counted(t, server, what="."):
    """How many statements that match the server ran, without those of asking for it."""
    return int(sql(t, server, f"SELECT sum(calls) FROM pg_stat_statements WHERE query !~ 'pg_stat_statements' AND query ~* '{what}'"))


# What pg_stat_statements counts each time: of BEGIN and its like, once prepared, it counts the first.
QUERIES = "^(select|insert|update|delete)"


def check(t, spans, server, **more):
    for s in spans.all:
        if s["kind"] != "CLIENT":
            continue
        spans.attributes(s, db__system__name="postgresql", **{"db__namespace": "postgres", "server__address": "127.0.0.1",
                         "server__port": server.port, "network__peer__address": "127.0.0.1", **more})
        for key, value in s["attributes"].items():
            t.check("hunter2" not in str(value), f"no literal in {key}: {value}")
        for key in ("db.query.text", "db.query.summary"):
            t.check("'" not in str(s["attributes"].get(key)), f"no string in {key}")


@case("psql: names, texts without literals, several statements, errors, COPY", NEEDS)
def psql(t):
    server = postgres(t)
    script = ("INSERT INTO orders VALUES (1, 'hunter2'), (-2, E'hunter2\\'');\n"
              "SELECT o.note FROM orders o JOIN orders p ON o.id = p.id WHERE o.id IN (1, 2, 3) AND o.note = $$hunter2$$;\n"
              "SELECT * FROM nowhere;\n"
              "INSERT INTO orders VALUES (3, 'x')\\; INSERT INTO orders VALUES (4, 'hunter2');\n"
              "COPY orders FROM STDIN;\n5\thunter2\n6\thunter2\n\\.\n"
              "BEGIN;\nPREPARE p AS SELECT 1;\nEXECUTE p;\nROLLBACK;\n")
    t.equal(t.run("psql", ["psql", "-XAtq", server.uri], stdin=script.encode(), status=None), "hunter2\n1\n", "what psql says")
    spans = t.spans(9).roots("psql", "CLIENT")
    check(t, spans, server)
    t.equal([s["name"] for s in spans.all], ["INSERT orders", "SELECT orders orders", "SELECT nowhere", "BATCH INSERT orders",
                                             "COPY orders", "BEGIN", "PREPARE SELECT", "EXECUTE p", "ROLLBACK"], "names")
    insert, select, wrong, batch = spans.all[:4]
    spans.attributes(insert, db__operation__name="INSERT", db__collection__name="orders", db__query__summary="INSERT orders",
                     db__query__text="INSERT INTO orders VALUES (?, ?), (?, ?);", error__type=None)
    spans.attributes(select, db__query__text="SELECT o.note FROM orders o JOIN orders p ON o.id = p.id WHERE o.id IN (?) "
                     "AND o.note = ?;", db__collection__name=None)
    spans.attributes(wrong, db__response__status_code="42P01", error__type="42P01")
    spans.attributes(batch, db__operation__batch__size=2, db__operation__name="BATCH INSERT", db__collection__name="orders")
    t.equal([s["status"] for s in spans.all], ["unset"] * 2 + ["error"] + ["unset"] * 6, "statuses")


def pgbench(t, server, mode, agent=True, transactions=30, clients=4):
    return t.run("pgbench", ["pgbench", "-n", "-M", mode, "-c", clients, "-t", transactions, "-h", "127.0.0.1", "-p", server.port,
                             "-U", "shop_user", "postgres"], agent)


def benchmark(mode):
    @case(f"pgbench, {mode}: as many spans as the server ran statements", NEEDS, name=f"pgbench_{mode}")
    def run(t):
        server = postgres(t)
        t.run("init", ["pgbench", "-i", "-q", "-h", "127.0.0.1", "-p", server.port, "-U", "shop_user", "postgres"], agent=False)
        sql(t, server, "SELECT pg_stat_statements_reset()")
        t.check("processed: 120/120" in pgbench(t, server, mode), "pgbench ran all")
        want = counted(t, server, QUERIES) + 2 * 120
        t.check(want >= 7 * 120, f"the server ran {want}")
        spans = t.spans(want)
        check(t, spans, server)
        names = [s["name"] for s in spans.all]
        for name, times in (("UPDATE pgbench_accounts", 120), ("INSERT pgbench_history", 120), ("BEGIN", 120), ("END", 120)):
            t.equal(names.count(name), times, name)
        t.equal({s["status"] for s in spans.all}, {"unset"}, "statuses")


for mode in ("simple", "extended", "prepared"):
    benchmark(mode)


def python(library, said, errors, extra=0):
    """`extra`: spans of what the server does not count: what failed, and further steps of one cursor."""
    @case(f"{library}: as many spans as the server ran statements", [*NEEDS, "python3"], name=library)
    def run(t):
        if t.run("probe", ["python3", "-c", f"import {library}"], agent=False, status=None) or "Error" in t.tail(t.dir / "probe.log"):
            raise Skip(f"no {library} here")
        server = postgres(t)
        uri = server.uri + ("" if library == "asyncpg" else "?sslmode=disable")
        t.equal(t.run("python", ["python3", APPS / "pgsql-client-python" / "main.py", library, uri]), said, "what it says")
        spans = t.spans(counted(t, server) + extra)
        check(t, spans, server)
        t.equal([s["attributes"]["error.type"] for s in spans.all if s["status"] == "error"], errors, "errors")
        t.check(all(s["attributes"].get("db.query.text") for s in spans.all), "each has its text")


python("psycopg2", "[('hunter2',)]\n42P01\n", ["42P01"], 1)
python("psycopg", "1 2 3 4 5 6 7 8 9 10 1005\n", [])
python("asyncpg", "120\n23505\n", ["23505"], 3)


def keys(t, c):
    """Settings of a server that speaks TLS."""
    key = t.dir / "postgres.key"
    shutil.copy(c.server, key)
    key.chmod(0o600)
    if os.getuid() == 0:
        shutil.chown(key, "nobody")
    return ["ssl=on", f"ssl_cert_file={key}", f"ssl_key_file={key}"]


def jdbc_of(t, mode, server):
    if not JDBC.exists():
        raise Skip("no JDBC driver here")
    url = f"jdbc:postgresql://127.0.0.1:{server.port}/postgres?user=shop_user&{mode}"
    app = t.build.app("pgsql-client-java", source="Main")
    said = t.run("java", ["java", "-cp", f"{app}:{JDBC}", "Main", url])
    t.equal(said, "1 2 3 4 5 6 7 8 20 20 42P01\n", "what it says")
    # 20 rows in steps of 8 are three executions of one portal; what failed was not counted.
    want = counted(t, server, QUERIES) + 2 + 1
    spans = t.spans_at_least(want)
    check(t, spans, server)
    names = [s["name"] for s in spans.all]
    t.equal(sum(n.startswith(("SELECT", "INSERT")) for n in names), want, f"queries: {names}")
    t.equal((names.count("INSERT orders"), names.count("SELECT orders")), (20, 3), f"names: {names}")
    t.equal([s["attributes"]["error.type"] for s in spans.all if s["status"] == "error"], ["42P01"], "errors")


@case("pg for Node: a pool, statements by name, several in one, a transaction that failed", [*NEEDS, "node", "npm"])
def node_pg(t):
    path, server = npm("node-databases", "pg", "mysql2"), postgres(t)
    said = t.run("node", ["node", APPS / "pgsql-client-node" / "main.js", server.uri], env={"NODE_PATH": path})
    t.equal(said, f"30\n{'1' * 20}\n30\n3\n42P01\n25P02\n2\n", "what it says")
    # Two queries failed, and three statements are one query.
    spans = t.spans(counted(t, server) + 2 - 2)
    check(t, spans, server)
    names = [s["name"] for s in spans.all]
    t.equal((names.count("INSERT orders"), names.count("SELECT orders"), names.count("BATCH")), (30, 22, 1), f"names: {names}")
    t.equal([s["attributes"]["error.type"] for s in spans.all if s["status"] == "error"], ["42P01", "25P02"], "errors")
    t.check(all(s["attributes"].get("db.query.text") for s in spans.all), "each has its text")


@case("tokio-postgres: many under way at once on one connection, a portal in steps, COPY, an error", [*NEEDS, "cargo"])
def rust_tokio(t):
    program, server = cargo("pgsql-client-rust"), postgres(t)
    t.equal(t.run("rust", [program, server.uri]), "40\n40\n3 40\n2\n6\n23505\n", "what it says")
    # One portal in three steps, two statements in one query, and one that failed.
    spans = t.spans(counted(t, server) + 2 - 1 + 1)
    check(t, spans, server)
    names = [s["name"] for s in spans.all]
    t.equal({n: names.count(n) for n in set(names)}, {"INSERT orders": 41, "SELECT orders": 43, "START": 1, "COMMIT": 1, "COPY orders": 1,
                                                      "BATCH SELECT": 1}, "names")
    t.equal([s["attributes"]["error.type"] for s in spans.all if s["status"] == "error"], ["23505"], "errors")


@case("JDBC: statements prepared by name, a batch, a result read in steps, an error", [*NEEDS, "javac", "java"])
def jdbc(t):
    jdbc_of(t, "sslmode=disable", postgres(t))


@case("JDBC inside TLS, which Java makes: the same spans", [*NEEDS, "javac", "java", "openssl"])
def jdbc_tls(t):
    c = Certificates(t)
    jdbc_of(t, f"sslmode=verify-full&sslrootcert={c.ca}", postgres(t, settings=[*keys(t, c), "ssl_min_protocol_version=TLSv1.3"]))


@case("psql inside TLS, and refused: spans as in clear", [*NEEDS, "openssl"])
def psql_tls(t):
    c = Certificates(t)
    server = postgres(t, settings=keys(t, c))
    for mode in ("require", "verify-full", "disable"):
        uri = f"{server.uri}?sslmode={mode}&sslrootcert={c.ca}"
        t.equal(t.run(mode, ["psql", "-XAtq", uri, "-c", "SELECT 'hunter2'"]), "hunter2\n", "what psql says")
    spans = t.spans(3)
    check(t, spans, server, db__query__text="SELECT ?")


@case("psql through a Unix-domain socket: its path is the address", NEEDS)
def psql_unix(t):
    server = postgres(t)
    said = t.run("psql", ["psql", "-XAtq", "-h", server.sockets, "-p", server.port, "-U", "shop_user", "postgres", "-c", "SELECT 1"])
    t.equal(said, "1\n", "what psql says")
    spans = t.spans(1)
    path = f"{server.sockets}/.s.PGSQL.{server.port}"
    check(t, spans, server, server__address=path, server__port=None, network__peer__address=path)


@case("a PostgreSQL server under the agent has no spans, and serves as ever", NEEDS)
def postgres_traced(t):
    server = postgres(t, agent=True)
    t.equal(t.run("psql", ["psql", "-XAtq", server.uri, "-c", "SELECT 1"]), "1\n", "what psql says")
    t.spans(1).count("psql", client=1)


@case("what a served request asks of PostgreSQL is below its SERVER span", [*NEEDS, "python3"])
def postgres_parent(t):
    if t.run("probe", ["python3", "-c", "import psycopg2"], agent=False, status=None) or "Error" in t.tail(t.dir / "probe.log"):
        raise Skip("no psycopg2 here")
    server, port = postgres(t), t.port()
    web = t.start("web", ["python3", APPS / "pgsql-client-python" / "main.py", "psycopg2", server.uri, port], port)
    for _ in range(5):
        t.equal(t.get(web.port, "/", keep_alive=False), [(200, b"0")], "answer")
    spans = t.spans(10).count("web", server=5, client=5).linked("web", "CLIENT", "web", "SERVER")
    t.equal({s["name"] for s in spans.of("web", "CLIENT")}, {"SELECT orders"}, "names")


@case("pgbench and psql: both streams are the same with the agent", NEEDS)
def postgres_identity(t):
    server = postgres(t)
    script = "".join(f"INSERT INTO orders VALUES ({i}, '{'x' * i}');\nSELECT * FROM orders;\n" for i in range(100))
    streams = {}
    (t.dir / "script").write_text("SELECT 1; SELECT count(*) FROM orders WHERE id > 5;\nSELECT 'a', 2;\n")
    for agent in (False, True):
        sql(t, server, "TRUNCATE orders")
        recorder = Recorder(server.port)
        uri = f"postgresql://shop_user@127.0.0.1:{recorder.port}/postgres"
        t.run("psql", ["psql", "-XAtq", uri], agent, stdin=script.encode())
        for mode in ("simple", "extended", "prepared"):
            t.run("pgbench", ["pgbench", "-n", "-M", mode, "-f", "script", "-t", 20, uri], agent)
        # The key to cancel with is another one each time: BackendKeyData.
        streams[agent] = [(sent, answered[:300].split(b"K\0\0\0\x0c")[0], answered.split(b"K\0\0\0\x0c")[1][8:])
                          for sent, answered in recorder.finish() if b"K\0\0\0\x0c" in answered]
    t.check(sum(len(a) for _, _, a in streams[False]) > 100000, "there were bytes")
    t.check(streams[True] == streams[False], "both directions of each connection: "
            f"{[(len(s), len(a)) for s, _, a in streams[True]]} bytes, {[(len(s), len(a)) for s, _, a in streams[False]]}")
    if not t.agent:
        t.spans(0)


@case("pgbouncer between, transactions pooled: its clients' spans and its own, as many as the server ran statements",
      [*NEEDS, "pgbouncer"])
def pgbouncer(t):
    server, port = postgres(t), t.port()
    (t.dir / "users").write_text('"shop_user" ""\n')
    (t.dir / "bouncer.ini").write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={server.port} user=shop_user\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = any\nauth_file = {t.dir}/users\npool_mode = transaction\nunix_socket_dir =\n"
        "ignore_startup_parameters = extra_float_digits\n")
    t.start("bouncer", [*as_nobody(), "pgbouncer", t.dir / "bouncer.ini"], port, stop=signal.SIGINT)
    uri = f"postgresql://shop_user@127.0.0.1:{port}/postgres"
    (t.dir / "script").write_text("\\set id random(1, 99)\nBEGIN;\nINSERT INTO orders VALUES (:id, 'hunter2')"
                                  " ON CONFLICT (id) DO UPDATE SET note = 'hunter2';\nEND;\n")
    said = t.run("pgbench", ["pgbench", "-n", "-M", "extended", "-f", "script", "-c", 3, "-t", 10, uri])
    t.check("processed: 30/30" in said, f"pgbench ran all: {said}")
    t.equal(t.run("psql", ["psql", "-XAtq", uri, "-c", "SELECT 'hunter2'"]), "hunter2\n", "what psql says")
    t.equal(counted(t, server, "insert"), 30, "what the server ran")
    spans = t.spans_at_least(2 * 91)
    for service in ("pgbench", "bouncer"):
        names = [s["name"] for s in spans.of(service, "CLIENT")]
        t.equal([names.count(n) for n in ("BEGIN", "INSERT orders", "END")], [30] * 3, f"spans of {service}")
    spans.count("psql", client=1).count("pgbench", client=90)
    t.equal({s["status"] for s in spans.of("pgbench")}, {"unset"}, "statuses")
