"""REMORA_SQLCOMMENTER: the servers' own logs have the span of each query that could get a comment."""
import re

from harness import case
from mysql import NEEDS as MARIADB_NEEDS, client, mariadb
from postgres import NEEDS, postgres
from proxy import Recorder

COMMENT = re.compile(r"(SELECT|INSERT|UPDATE|DELETE)\b[^\n]*? /\*traceparent='00-([0-9a-f]{32})-([0-9a-f]{16})-0[0-9a-f]'\*/")
BYTES = re.compile(rb" /\*traceparent='[0-9a-f-]{55}'\*/")
QUERIES = ["INSERT INTO orders VALUES (1, 'it''s; --hunter2');", "SELECT note FROM orders WHERE id = 1;",
           "UPDATE orders SET note = 'x' WHERE id = 1;", "CREATE VIEW seen AS SELECT 1;", "DELETE FROM orders;"]
COMMENTED = ["INSERT", "SELECT", "UPDATE", "DELETE"]


def switch(t, setting):
    t.debug = {**t.debug, "REMORA_SQLCOMMENTER": setting}


def check(t, log, service):
    """Each comment names the span of its query, and only those have one that may."""
    spans = t.spans_at_least(len(QUERIES))
    ids = {(s["trace_id"], s["span_id"]): s["attributes"].get("db.operation.name") for s in spans.of(service, "CLIENT")}
    found = [(word, ids.get((trace, span))) for word, trace, span in COMMENT.findall(log) if (trace, span) in ids]
    t.equal([word for word, _ in found if word in COMMENTED][-4:], COMMENTED, "queries with a comment")
    t.equal([f for f in found if f[0] != f[1]], [], "whose spans they name")
    t.equal(len(COMMENT.findall(log)), log.count("traceparent"), "there is no other comment")
    for query in QUERIES:
        t.check(query.rstrip(";") in log, f"as it was asked: {query}")


@case("psql and PostgreSQL's log: a comment with the span in each query that may have one", NEEDS, agent_only=True)
def sqlcommenter_postgres(t):
    server = postgres(t, settings=["log_statement=all"])
    before = len(server.log.read_text())
    switch(t, "true")
    said = t.run("psql", ["psql", "-XAtq", server.uri], stdin="\n".join(QUERIES).encode())
    t.equal(said, "it's; --hunter2\n", "what psql says")
    t.spans_at_least(len(QUERIES))
    check(t, server.log.read_text()[before:], "psql")


@case("the MariaDB client and its server's log: a comment with the span in each query that may have one", MARIADB_NEEDS, agent_only=True)
def sqlcommenter_mariadb(t):
    server = mariadb(t)
    before = len(server.general.read_text())
    switch(t, "true")
    said = t.run("client", client(server), stdin="\n".join(QUERIES).encode())
    t.equal(said, "it's; --hunter2\n", "what the client says")
    t.spans_at_least(len(QUERIES))
    check(t, server.general.read_text()[before:], "client")


@case("comments are all that differs of what psql and PostgreSQL say to each other", NEEDS)
def sqlcommenter_identity(t):
    server = postgres(t)
    streams = {}
    for setting in ("false", "true"):
        switch(t, setting)
        recorder = Recorder(server.port)
        uri = server.uri.replace(f":{server.port}/", f":{recorder.port}/")
        said = t.run(f"psql-{setting}", ["psql", "-XAtq", uri], stdin=b"SELECT 1;\nSELECT 'x''y';\nBEGIN;\nCOMMIT;\nSELECT 2")
        t.equal(said, "1\nx'y\n2\n", "what psql says")
        streams[setting], = recorder.finish()
    t.equal(len(BYTES.findall(streams["true"][0])), 3 if t.agent else 0, "comments")
    t.equal(len(BYTES.sub(b"", streams["true"][0])), len(streams["false"][0]), "bytes without them")
    t.equal(len(streams["true"][1]), len(streams["false"][1]), "bytes of answers")
    if not t.agent:
        t.spans(0)
