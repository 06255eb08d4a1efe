"""MongoDB: one CLIENT span for each command, counted against what the far side was asked."""
import os
import re

from apps import APPS
from golang import go_module
from harness import Skip, case
from proxy import Recorder

UNTOLD = {"hello", "isMaster", "ismaster"}


def has(t, *probe, env={}):
    return "there" in t.run("probe", probe, agent=False, status=None, env=env)


def server(t, agent=False):
    if not has(t, "python3", "-c", "import bson, pymongo; print('there')"):
        raise Skip("no pymongo here")
    port, log = t.port(), t.dir / "asked"
    started = t.start("mongod", ["python3", APPS / "mongodb-server-python" / "main.py", port, log], port, agent)
    started.asked = log
    started.uri = f"mongodb://127.0.0.1:{port}/"
    return started


def asked(far):
    """(database, command) of each that is told of."""
    lines = far.asked.read_text().split() if far.asked.exists() else []
    return [tuple(line.split(".")) for line in lines if line.split(".")[1] not in UNTOLD]


def check(t, spans, far):
    for s in spans.all:
        if s["kind"] != "CLIENT":
            continue
        spans.attributes(s, db__system__name="mongodb", **{"server__address": "127.0.0.1", "server__port": far.port})
        for key, value in s["attributes"].items():
            t.check("hunter" not in str(value), f"no value in {key}: {value}")
    told = sorted((s["attributes"].get("db.namespace"), s["attributes"].get("db.operation.name")) for s in spans.all if s["kind"] == "CLIENT"
                  and s["attributes"].get("db.operation.name"))
    t.equal(told, sorted(a for a in asked(far) if a[1] != "hunter2"), "databases and commands")


def errors(spans):
    return [s["attributes"]["error.type"] for s in spans.all if s["status"] == "error"]


@case("pymongo: as many spans as the server was asked commands; cursors, errors, writes without an answer", ["python3"])
def pymongo(t):
    far = server(t)
    said = t.run("python", ["python3", APPS / "mongodb-client-python" / "main.py", far.uri])
    t.equal(said, "100\n1\n3\n11000\n59\n50\n", "what it says")
    spans = t.spans(len(asked(far)))
    check(t, spans, far)
    names = [s["name"] for s in spans.all]
    t.equal([names.count(n) for n in ("insert orders", "find orders", "getMore orders", "update orders", "delete orders", "other")],
            [3, 2, 3, 1, 1, 1], f"names: {names}")
    t.equal(errors(spans), ["11000", "59"], "errors")


def compressed(t, how):
    far = server(t)
    said = t.run("python", ["python3", APPS / "mongodb-client-python" / "main.py", f"{far.uri}?compressors={how}"])
    t.equal(said, "100\n1\n3\n11000\n59\n50\n", "what it says")
    spans = t.spans(len(asked(far)))
    t.check((t.dir / "asked.compressed").read_text().split().count(how) > 10, "it was compressed")
    check(t, spans, far)
    t.equal(errors(spans), ["11000", "59"], "errors")


@case("pymongo: compressed by zlib, one span for each command", ["python3"])
def pymongo_zlib(t):
    compressed(t, "zlib")


@case("pymongo: compressed by Snappy, one span for each command", ["python3"])
def pymongo_snappy(t):
    if not has(t, "python3", "-c", "import snappy; print('there')"):
        raise Skip("no python-snappy here")
    compressed(t, "snappy")


@case("mongodb for Node: as many spans as the server was asked commands", ["python3", "node"])
def mongodb_node(t):
    env = {"NODE_PATH": os.environ.get("NODE_PATH", "/usr/share/nodejs")}
    if not has(t, "node", "-e", "require('mongodb'); console.log('there')", env=env):
        raise Skip("no mongodb for Node here")
    far = server(t)
    t.equal(t.run("node", ["node", APPS / "mongodb-client-node" / "main.js", f"{far.uri}?compressors=zlib"], env=env), "20\n11000\n", "what it says")
    t.check("zlib" in (t.dir / "asked.compressed").read_text(), "it was compressed")
    spans = t.spans(len(asked(far)))
    check(t, spans, far)
    names = [s["name"] for s in spans.all]
    t.equal([names.count(n) for n in ("insert orders", "find orders", "getMore orders")], [21, 1, 2], f"names: {names}")
    t.equal(errors(spans), ["11000"], "errors")


@case("a MongoDB server under the agent has no spans, and serves as ever", ["python3"])
def mongodb_server_traced(t):
    far = server(t, agent=True)
    t.run("python", ["python3", APPS / "mongodb-client-python" / "main.py", far.uri])
    t.spans(len(asked(far))).count("mongod").count("python", client=len(asked(far)))


@case("what a served request asks of MongoDB is below its SERVER span", ["python3"])
def mongodb_parent(t):
    far, port = server(t), t.port()
    web = t.start("web", ["python3", APPS / "mongodb-client-python" / "main.py", far.uri, port], port)
    for _ in range(5):
        t.equal(t.get(web.port, "/", keep_alive=False), [(200, b"0")], "answer")
    spans = t.spans_at_least(10)
    found = [s for s in spans.of("web", "CLIENT") if s["name"] == "find orders"]
    t.equal(sorted(s["parent_id"] for s in found), sorted(s["span_id"] for s in spans.of("web", "SERVER")), "parents")


def ferretdb(t):
    """A server that is not ours (FerretDB, on SQLite), behind a proxy that keeps what it is asked."""
    port, home = t.port(), t.dir / "ferretdb"
    home.mkdir()
    name = "mongodb-server-ferretdb"
    t.start("ferretdb", [go_module(t.build.folder / name, APPS / name), port, home], port, agent=False, seconds=60)
    return Recorder(port)


def commands(recorder):
    """(database, command) of each message that the clients sent, as the bytes have it."""
    found = []
    for sent, _ in recorder.finish():
        while len(sent) >= 16:
            length, message = int.from_bytes(sent[:4], "little"), bytes(sent[16:int.from_bytes(sent[:4], "little")])
            if int.from_bytes(sent[12:16], "little") == 2013:  # OP_MSG; its body comes first, and in that the command
                command = re.match(rb"[\x01-\x12]([^\0]+)\0", message[9:])[1].decode()
                database = re.search(rb"\x02\$db\0....([^\0]+)\0", message, re.DOTALL)[1].decode()
                found += [(database, command)] if command not in UNTOLD else []
            sent = sent[length:]
    return sorted(found)


def as_asked(t, spans, recorder, clients):
    t.stop()
    told = sorted((s["attributes"]["db.namespace"], s["attributes"]["db.operation.name"]) for s in spans.all)
    t.equal(told, [c for c in commands(recorder) if c[1] != "hunter2"], f"commands of {clients}")
    t.check(all("hunter" not in str(value) for s in spans.all for value in s["attributes"].values()), "no value in an attribute")


@case("pymongo and FerretDB: as many spans as the bytes hold commands", ["python3"], agent_only=True)
def ferretdb_pymongo(t):
    recorder = ferretdb(t)
    if not has(t, "python3", "-c", "import bson, pymongo; print('there')"):
        raise Skip("no pymongo here")
    said = t.run("python", ["python3", APPS / "mongodb-client-python" / "main.py", f"mongodb://127.0.0.1:{recorder.port}/", "answered"])
    t.equal(said, "100\n1\n3\n11000\n59\n50\n", "what it says")
    spans = t.spans_at_least(10)
    t.equal(errors(spans), ["11000", "59", "59"], "errors; the last is that of endSessions, which FerretDB does not have")
    spans.all = [s for s in spans.all if s["name"] != "other"]
    as_asked(t, spans, recorder, "pymongo")


@case("mongodb for Node and FerretDB: as many spans as the bytes hold commands", ["node"], agent_only=True)
def ferretdb_node(t):
    env = {"NODE_PATH": os.environ.get("NODE_PATH", "/usr/share/nodejs")}
    if not has(t, "node", "-e", "require('mongodb'); console.log('there')", env=env):
        raise Skip("no mongodb for Node here")
    recorder = ferretdb(t)
    t.equal(t.run("node", ["node", APPS / "mongodb-client-node" / "main.js", f"mongodb://127.0.0.1:{recorder.port}/"], env=env),
            "20\n11000\n", "what it says")
    spans = t.spans_at_least(22)
    t.equal(errors(spans), ["11000", "59"], "errors")
    as_asked(t, spans, recorder, "Node")


def without_random(data):
    """The messages of one direction, without their numbers and the names of sessions."""
    messages = []
    while len(data) >= 16:
        length = int.from_bytes(data[:4], "little")
        messages.append(data[12:16] + re.sub(rb"(\x05id\0\x10\0\0\0\x04).{16}", rb"\1", bytes(data[16:length]), flags=re.DOTALL))
        data = data[length:]
    return messages, bytes(data)


@case("pymongo: both streams are the same with the agent", ["python3"])
def mongodb_identity(t):
    streams = {}
    for agent in (False, True):
        far = server(t)
        recorder = Recorder(far.port)
        said = t.run("python", ["python3", APPS / "mongodb-client-python" / "main.py", f"mongodb://127.0.0.1:{recorder.port}/"], agent)
        t.equal(said, "100\n1\n3\n11000\n59\n50\n", "what it says")
        t.stop()
        # Those of its monitor say hello as often as there is time.
        streams[agent] = max(((without_random(sent), without_random(answered)) for sent, answered in recorder.finish()),
                             key=lambda c: len(c[0][0]))
        (t.dir / "asked").unlink()
    t.check(len(streams[False][0][0]) > 10, "there were messages")
    for way in (0, 1):
        differ = [i for i, (a, b) in enumerate(zip(streams[True][way][0], streams[False][way][0])) if a != b]
        t.check(streams[True][way] == streams[False][way], f"direction {way} of the connection at work: messages {differ}, of them "
                f"{[(streams[True][way][0][i][:400], streams[False][way][0][i][:400]) for i in differ[:1]]}")
    if not t.agent:
        t.spans(0)
