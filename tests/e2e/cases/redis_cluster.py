"""Redis as a cluster, and RESP3: each command and each redirection is a span, counted against every node's own statistics."""
import time

from apps import APPS
from cases.caches import check_common, cli, counts, difference, redis, without_client
from fetched import npm, pypi
from harness import DEADLINE, Failure, case

NEEDS = ["redis-server", "redis-cli"]
PARTS = ("0 5460", "5461 10922", "10923 16383")
SLOT_OF_A = 15495


def cluster(t):
    """Three nodes that share the slots: the key `a` is the third one's, `b` the first one's."""
    nodes = []
    for name, slots in zip(("first", "second", "third"), PARTS):
        bus = t.port()
        node = redis(t, name=name, options=["--cluster-enabled", "yes", "--cluster-config-file", f"{t.dir}/{name}.conf",
                                            "--cluster-port", bus, "--unixsocket", ""])
        node.id = cli(t, node, "CLUSTER MYID\n", agent=False, name="id").strip()
        cli(t, node, f"CLUSTER ADDSLOTSRANGE {slots}\n", agent=False, name="slots")
        if nodes:
            cli(t, nodes[0], f"CLUSTER MEET 127.0.0.1 {node.port} {bus}\n", agent=False, name="meet")
        nodes.append(node)
    end = time.monotonic() + DEADLINE
    while not all(agrees(t, node) for node in nodes):
        if time.monotonic() > end:
            raise Failure("the cluster does not come up")
        time.sleep(0.1)
    for node in nodes:
        node.before = counts(t, node)
    return nodes


def agrees(t, node):
    """It knows all nodes and what each of them has."""
    said = cli(t, node, "CLUSTER INFO\nCLUSTER NODES\n", agent=False, name="info")
    return "cluster_state:ok" in said and all(part.replace(" ", "-") in said for part in PARTS)


def ran(t, node):
    """How often a node ran, or refused, each command, since it was started."""
    return difference(counts(t, node), node.before)


def compare(t, nodes, service, but=()):
    """The spans, each of which some node counted; returns them by the node's place and name. `but`: names that are not compared."""
    but = {"INFO", "COMMAND", "CLIENT", *but}  # with which the statistics are asked for, and what servers may not know
    want = [ran(t, node) for node in nodes]
    spans = t.spans_at_least(sum(sum(w.values()) for w in want))
    places = {node.port: i for i, node in enumerate(nodes)}
    found = [{} for _ in nodes]
    for s in spans.of(service, "CLIENT"):
        name, at = s["name"], found[places[s["attributes"]["server.port"]]]
        at[name] = at.get(name, 0) + 1
        for key, value in s["attributes"].items():
            t.check("hunter2" not in str(value), f"no argument in {key}: {value}")
    t.equal(*([{name: n for name, n in at.items() if name not in but} for at in each] for each in (found, want)), "spans by node and name")
    return [(places[s["attributes"]["server.port"]], s["name"], s["attributes"].get("error.type")) for s in spans.all
            if s["name"] not in {*but, "CLUSTER"}]


def moved(t, nodes, names, state):
    """Begins to move the slot of `a` from the third node to the first, or ends it."""
    steps = {"begin": [(0, f"IMPORTING {nodes[2].id}"), (2, f"MIGRATING {nodes[0].id}")],
             "end": [(i, f"NODE {nodes[0].id}") for i in range(3)]}[state]
    for i, what in steps:
        cli(t, nodes[i], f"CLUSTER SETSLOT {SLOT_OF_A} {what}\n", agent=False, name="setslot")
    for node in nodes:
        node.before["CLUSTER"] = counts(t, node)["CLUSTER"]


@case("redis-cli and a cluster: a redirected command is a span with MOVED or ASK, and one at the node that has the key", NEEDS)
def redis_cli_cluster(t):
    nodes = cluster(t)
    said = cli(t, nodes[0], "SET a hunter2\nGET a\nGET b\nMGET a b\n", options=["-c"])
    t.equal([line for line in said.split("\n") if "Redirected" not in line],
            ["OK", "hunter2", "", "CROSSSLOT Keys in request don't hash to the same slot", "", ""], "what redis-cli says")
    cli(t, nodes[2], "DEL a\n", agent=False, name="delete")
    nodes[2].before["DEL"] = nodes[2].before.get("DEL", 0) + 1
    moved(t, nodes, "a", "begin")
    said = cli(t, nodes[2], "SET a hunter2\nGET a\nGET {a}b\nMULTI\nINCR {a}c\nEXEC\n", options=["-c"])
    t.check(said.count("Redirected") >= 2, f"what redis-cli says: {said}")
    moved(t, nodes, "a", "end")
    said = cli(t, nodes[2], "GET a\n", options=["-c"])
    t.check("hunter2" in said, f"what redis-cli says: {said}")
    told = compare(t, nodes, "redis-cli")
    t.equal(told[:6], [(0, "SET", "MOVED"), (2, "SET", None), (2, "GET", None), (2, "GET", "MOVED"), (0, "GET", None),
                       (0, "MGET", "CROSSSLOT")], "commands and where they went")
    t.equal(told[6:12], [(2, "SET", "ASK"), (0, "ASKING", None), (0, "SET", None), (0, "GET", "MOVED"), (2, "GET", "ASK"),
                         (0, "ASKING", None)], "commands while the slot moves")
    t.equal(told[-2:], [(2, "GET", "MOVED"), (0, "GET", None)], "commands after it moved")


@case("redis-py and a cluster: a pipeline, a script, a slot that moves; as many spans as each node ran", [*NEEDS, "python3"])
def redis_py_cluster(t):
    nodes = cluster(t)
    said = t.run("python", ["python3", APPS / "redis-client-python" / "cluster.py", *(n.port for n in nodes)])
    t.equal(said, "30\n30\nhunter2 None\nWRONGTYPE\nTrue hunter2\nhunter2 1\n", "what the program says")
    told = compare(t, nodes, "python")
    t.check((2, "SET", "ASK") in told and (2, "GET", "ASK") in told, "a key that is not there yet")
    t.equal(sum(one == (0, "ASKING", None) for one in told), 2, "how it is asked for")
    t.check((2, "GET", "MOVED") in told, "a slot that is not there any more")
    t.equal(sum(error == "WRONGTYPE" for _, _, error in told), 1, "errors")


@case("ioredis and a cluster: commands at once, a transaction, a slot that moves; as many spans as each node ran", [*NEEDS, "node", "npm"])
def ioredis_cluster(t):
    path, nodes = npm("node-clients", "cassandra-driver", "ioredis"), cluster(t)
    said = t.run("node", ["node", APPS / "redis-client-ioredis" / "cluster.js", *(n.port for n in nodes)], env={"NODE_PATH": path})
    t.equal(said, '30\n[[null,1],[null,2]]\nhunter2 null\nWRONGTYPE\nOK hunter2\nhunter2 1\n', "what the program says")
    told = compare(t, nodes, "node", ["CLUSTER"])  # it may ask for the map when it is about to end
    t.check((2, "SET", "ASK") in told and (2, "GET", "ASK") in told, "a key that is not there yet")
    t.equal(sum(one == (0, "ASKING", None) for one in told), 2, "how it is asked for")
    t.check((2, "GET", "MOVED") in told, "a slot that is not there any more")
    t.equal(sum(error == "WRONGTYPE" for _, _, error in told), 1, "errors")


@case("redis-py with RESP3: pushes between answers, scripts by name, functions, who blocks; as many spans as the server ran",
      [*NEEDS, "python3"])
def resp3(t):
    server, python = redis(t), pypi("redis-newer", "redis") / "python3"
    said = t.run("python", [python, APPS / "redis-client-python" / "resp3.py", server.port])
    t.equal(said.split("\n"), ["{b'a': b'hunter2', b'b': b'1'} [b'1', b'2', b'3']", "1.5", "[b'a', b'hunter2'] [b'a', b'hunter2']",
                               "MINE", "b'hunter2'", "['subscribe', 'psubscribe', 'message', 'pmessage']", "4", ""], "what the program says")
    want = without_client(counts(t, server))
    spans = t.spans_at_least(sum(want.values()))
    found = {}
    for s in spans.all:
        if s["name"] not in ("INFO", "CLIENT"):
            found[s["name"]] = found.get(s["name"], 0) + 1
    t.equal(found, want, "spans by name")
    check_common(t, spans, server)
    t.equal(sorted((s["name"], s["attributes"]["error.type"]) for s in spans.all if s["status"] == "error" and s["name"] != "CLIENT"),
            [("EVAL", "MINE"), ("EVALSHA", "NOSCRIPT")], "errors")
    given = min(s["start"] for s in spans.all if s["name"] == "RPUSH")
    for name in ("BLPOP", "BLMOVE", "BZPOPMIN", "XREAD"):
        waited, = (s for s in spans.all if s["name"] == name)
        t.check(waited["start"] < given < waited["end"], f"{name} lasts until somebody gives it what it waits for")
