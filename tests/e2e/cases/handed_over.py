"""Databases, over connections that are older than the process that uses them: the right spans, or none."""
import json

from apps import APPS
from cases import caches, mysql, postgres
from harness import case

APP = APPS / "database-handed-over-python" / "main.py"


class System:
    """How it is started, and what its spans are called."""

    def __init__(self, name, needs, start, space, before, here, slow, after, said):
        self.name, self.needs, self.start, self.space = name, needs, start, space
        self.before, self.here, self.slow, self.after, self.said = before, here, slow, after, said


SYSTEMS = [
    System("postgresql", postgres.NEEDS, postgres.postgres, "postgres", "INSERT orders", "SELECT orders", "SELECT", "DELETE orders",
           ["INSERT 0 1", "SELECT 1", "SELECT 1", "DELETE 1"]),
    System("mariadb", mysql.NEEDS, mysql.mariadb, "shop", "INSERT orders", "SELECT orders", "SELECT", "DELETE orders",
           ["1 rows", "rows 1", "rows 1", "1 rows"]),
    System("redis", ["redis-server", "redis-cli"], caches.redis, "3", "SELECT", "GET", "BLPOP", "DEL", ["+OK", "$-1", "*-1", ":0"]),
]


def use(t, system, how, agent=True, **env):
    server = system.start(t)
    said = t.run("program", ["python3", APP, system.name, how, server.port], agent, env=env).split("\n")
    return server, said[:-1]


def told(t, spans, system, server, joined=99):
    """
    (process, name) of each span, in the order of their start; what they say is right, if they say it. From `joined` on nothing is
    known of what was said before: neither the database nor, of MariaDB, that it is no MySQL.
    """
    found, processes = [], []
    for i, s in enumerate(spans.all):
        pid = s["resource"]["process.pid"]
        if pid not in processes:
            processes.append(pid)
        if i >= joined:
            spans.attributes(s, db__namespace=None, error__type=None)
            t.check(system.name == "redis" or s["attributes"]["db.query.summary"] == s["name"], "its text is read")
        spans.attributes(s, db__system__name=system.name if i < joined else system.name.replace("mariadb", "mysql"), server__address="127.0.0.1", server__port=server.port)
        for key, value in s["attributes"].items():
            t.check("hunter2" not in str(value), f"no literal in {key}: {value}")
        found.append((processes.index(pid), s["name"]))
    return found


def cases(system):
    def one(how, what):
        return case(f"{system.name}, {what}", [*system.needs, "python3"], name=f"{system.name}_{how}")

    @one("forked", "a connection of the parent that a forked child uses: all spans, each with all that was known")
    def forked(t):
        server, said = use(t, system, "forked")
        before, here, _, after = system.said
        t.equal(said, [before, here, here, here, after], "what it says")
        spans = t.spans(5)
        t.equal(told(t, spans, system, server), [(0, system.before), (1, system.here), (1, system.here), (1, system.here), (0, system.after)], "spans")
        t.equal({s["attributes"].get("db.namespace") for s in spans.all[1:]}, {system.space}, "databases")
        t.equal({s["status"] for s in spans.all}, {"unset"}, "statuses")

    @one("midway", "a fork while a question is on its way: it is the parent's, once")
    def midway(t):
        server, said = use(t, system, "midway")
        t.equal(said, [system.said[0], system.said[2]], "what it says")
        t.equal(told(t, t.spans(2), system, server), [(0, system.before), (0, system.slow)], "spans")

    @one("answered", "a fork while a question is on its way, whose answer the child gets: all that the parent saw of it is its end")
    def answered(t):
        server, said = use(t, system, "answered")
        t.equal(said, [system.said[0], system.said[2]], "what it says")
        spans = t.spans(2)
        t.equal(told(t, spans, system, server), [(0, system.before), (0, system.slow)], "spans")
        spans.attributes(spans.all[1], error__type="connection_closed", db__response__status_code=None)

    @one("passed", "a connection that another process passed on: without what was said before")
    def passed(t):
        server, said = use(t, system, "passed")
        before, here, _, after = system.said
        t.equal(said, [before, here, after], "what it says")
        spans = t.spans(3)
        t.equal(told(t, spans, system, server, 1), [(0, system.before), (1, system.here), (1, system.after)], "spans")

    @one("inherited", "a connection of a parent without the agent, which its child has: the child's spans")
    def inherited(t):
        server, said = use(t, system, "inherited", agent=False, CHILD=json.dumps(t.environment("child", True, {})))
        before, here, _, after = system.said
        t.equal(said, [before, here, after], "what it says")
        spans = t.spans(2)
        t.equal(told(t, spans, system, server, 0), [(0, system.here), (0, system.after)], "spans")

    @one("restarted", "a program that starts itself anew and keeps its connection: all spans")
    def restarted(t):
        server, said = use(t, system, "restarted")
        before, here, _, after = system.said
        t.equal(said, [before, here, after], "what it says")
        spans = t.spans(3)
        t.equal(told(t, spans, system, server, 1), [(0, system.before), (0, system.here), (0, system.after)], "spans")

    if system.name == "redis":
        return

    @one("owed", "a question behind one of another process, whose answer waits: no span, rather than with that answer")
    def owed(t):
        server, said = use(t, system, "owed")
        before, here, _, after = system.said
        t.equal(said, [before, here, after], "what it says")
        spans = t.spans(2)
        t.equal(told(t, spans, system, server), [(0, system.before), (0, system.here)], "spans")
        spans.attributes(spans.all[1], error__type="connection_closed")


for one in SYSTEMS:
    cases(one)
