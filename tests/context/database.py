"""Databases under test: real servers, which refuse each question with a code that is made of the request's id.

Spans show no argument; but they show the code of an error. So it is known which request each call to a database
was made for, whoever it was sent with: in one write with others, over a shared connection.
"""
import os
import re
import shutil
import sys
from pathlib import Path

from harness import Failure, which
from judge import Row, place
from tls_apps import Certificates

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e" / "cases"))
CODE = re.compile(r"^Z([0-9A-Z]{4})$")
NUMBER, FROM = re.compile(r"^\d{5}$"), 20000  # MySQL's codes are numbers
FUNCTION = """CREATE FUNCTION note(code text) RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'noted'; END $$"""

PROCEDURE = "CREATE PROCEDURE note(code INT) SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = code, MESSAGE_TEXT = 'noted'"


def calls_of(number):
    """How often a program asks for a request of that id."""
    return 1 + number % 3


def key_for_nobody(t):
    """A certificate with its key that a server may read which is not root's."""
    key = t.dir / "database.key"
    shutil.copy(Certificates(t).server, key)
    key.chmod(0o600)
    if os.getuid() == 0:
        shutil.chown(key, "nobody")
    return key


def start_redis(t, tls):
    port = t.port()
    listen = ["--port", port]
    if tls:
        key = key_for_nobody(t)
        listen = ["--port", 0, "--tls-port", port, "--tls-cert-file", key, "--tls-key-file", key, "--tls-auth-clients", "no"]
    t.start("redis", [which("redis-server"), *listen, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            port, agent=False)
    return f"redis{'s' if tls else ''}://127.0.0.1:{port}"


def start_postgres(t, tls):
    from postgres import postgres, sql
    key = key_for_nobody(t) if tls else None
    server = postgres(t, settings=["max_connections=100"] + (
        ["ssl=on", f"ssl_cert_file={key}", f"ssl_key_file={key}"] if tls else []))
    sql(t, server, FUNCTION)
    return f"{server.uri}?sslmode={'require' if tls else 'disable'}"


def start_mysql(t, tls):
    from mysql import mariadb
    server = mariadb(t, settings=["--max-connections=400"])
    t.run("admin", ["mariadb", "--no-defaults", "-uroot", "-S", server.socket, "--delimiter=;;", "shop"], agent=False,
          stdin=PROCEDURE.encode())
    return f"mysql://shop_user:hunter2@127.0.0.1:{server.port}/shop"


STARTERS = {"redis": start_redis, "postgres": start_postgres, "mysql": start_mysql}


def why_no(kind):
    """What is not installed here, for a database of that kind."""
    program = {"redis": "redis-server", "mysql": "mariadbd"}.get(kind)
    if program:
        return "" if which(program) else program
    return "" if any(Path("/usr/lib/postgresql").glob("*/bin/postgres")) else "postgresql"


def number_in(code):
    """The id that a code was made of; None."""
    letters, number = CODE.match(code), NUMBER.match(code)
    return int(letters[1], 36) if letters else int(code) - FROM if number else None


def judge(spans, service, ids):
    """Compares the codes of CLIENT spans with the ids of their parents. Each call that was made must have its span."""
    by_id = {s["span_id"]: s for s in spans if s["resource"]["service.name"] == service}
    row, wanted = Row(), set(ids)
    for span in by_id.values():
        number = number_in(str(span["attributes"].get("db.response.status_code", "")))
        if span["kind"] == "CLIENT" and number in wanted:
            place(row, number, span, by_id)
    made = sum(map(calls_of, ids))
    if row.calls != made:
        raise Failure(f"{made} calls were made, {row.calls} have a span")
    return row
