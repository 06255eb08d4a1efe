"""memcached: one CLIENT span for each command, counted against what the far side counted itself."""
from collections import Counter

from harness import APPS, Skip, case
from proxy import Recorder

SECRETS = ("hunter2", "key", "none", "count", "text")
PYTHON = APPS / "memcached-client-python" / "main.py"
SAYS = ("True b'hunter2'\n[]\n100\nTrue False\nFalse True\nNone True False\n7 6\nno number\n900000\n"
        "True hunter2 {'key': 'hunter2'}\nNone 1 None\n")
# What it asks: pymemcache, then python-memcached.
ASKS = {"set": 1 + 1 + 100 + 1 + 1 + 1, "get": 1 + 1 + 1 + 1 + 3, "gets": 1, "cas": 2, "add": 1, "append": 1, "touch": 1, "delete": 2,
        "incr": 3, "decr": 1, "quit": 1}
PHP_SAYS = "true hunter2\nfalse not found\ntrue 3\nfalse true\n7 6\nfalse\n500000\n"


def memcached(t, agent=False):
    port = t.port()
    return t.start("memcached", ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", port, "-U", "0"], port, agent)


def python(t, port, agent=True):
    probe = ["python3", "-c", "import memcache, pymemcache; print('there')"]
    if "there" not in t.run("probe", probe, agent=False, status=None):
        raise Skip("no pymemcache, or no python-memcached here")
    t.equal(t.run("python", ["python3", PYTHON, "127.0.0.1", port], agent), SAYS, "what the program says")


def php(t, port, *options, agent=True):
    if "memcached" not in t.run("probe", ["php", "-m"], agent=False):
        raise Skip("no php-memcached here")
    said = t.run("php", ["php", APPS / "memcached-client-php" / "main.php", "127.0.0.1", port, *options], agent)
    t.equal(said, PHP_SAYS, "what the program says")


def names(spans, service):
    return dict(Counter(s["name"] for s in spans.of(service, "CLIENT")))


def check_common(t, spans, server):
    for s in spans.all:
        spans.attributes(s, db__system__name="memcached", db__operation__name=s["name"], db__namespace=None, db__query__text=None,
                         server__address="127.0.0.1", server__port=server.port, network__peer__port=server.port)
        for key, value in s["attributes"].items():
            t.check(not any(secret in str(value) for secret in SECRETS), f"no key and no value in {key}: {value}")


def errors(spans):
    return [(s["name"], s["attributes"]["error.type"]) for s in spans.all if s["status"] == "error"]


@case("pymemcache and python-memcached: each command a span, with noreply, many keys, errors", ["memcached", "python3"])
def memcached_python(t):
    server = memcached(t)
    python(t, server.port)
    spans = t.spans(sum(ASKS.values()))
    t.equal(names(spans, "python"), ASKS, "spans by name")
    check_common(t, spans, server)
    t.equal(errors(spans), [("incr", "CLIENT_ERROR")], "errors")


@case("libmemcached's memccp and memccat: values are stored and shown", ["memcached", "memccp", "memccat"])
def memcached_tools(t):
    server, value = memcached(t), t.dir / "key"
    value.write_text("hunter2")
    where = f"--servers=127.0.0.1:{server.port}"
    for options in ([], ["--binary"]):
        t.run("memccp", ["memccp", where, *options, value])
        t.equal(t.run("memccat", ["memccat", where, *options, "key"]), "hunter2\n", "what it shows")
    spans = t.spans_at_least(4)
    check_common(t, spans, server)
    t.check(names(spans, "memccp")["set"] == 2, f"stored: {names(spans, 'memccp')}")
    t.check(names(spans, "memccat")["get"] == 2, f"shown: {names(spans, 'memccat')}")


@case("php-memcached: the text protocol", ["memcached", "php"])
def memcached_php(t):
    server = memcached(t)
    php(t, server.port)
    spans = t.spans_at_least(10)
    check_common(t, spans, server)
    found = names(spans, "php")
    t.equal((found.get("set"), found.get("add"), found.get("delete"), found.get("incr"), found.get("decr")), (7, 1, 1, 2, 1), f"{found}")
    t.equal(errors(spans), [("incr", "CLIENT_ERROR")], "errors")


@case("php-memcached: the binary protocol, with quiet commands", ["memcached", "php"])
def memcached_php_binary(t):
    server = memcached(t)
    php(t, server.port, "binary")
    spans = t.spans_at_least(10)
    check_common(t, spans, server)
    found = names(spans, "php")
    t.equal((found.get("set"), found.get("add"), found.get("delete"), found.get("incr"), found.get("decr")), (7, 1, 1, 2, 1), f"{found}")
    t.equal(errors(spans), [("incr", "0x0006")], "errors")
    # The server says how many keys it was asked for.
    t.equal(found.get("get"), 7, "a span for each key")


@case("a memcached under the agent has no spans, and serves as ever", ["memcached", "python3"])
def memcached_traced(t):
    server = memcached(t, agent=True)
    python(t, server.port)
    spans = t.spans(sum(ASKS.values()))
    t.equal(len(spans.of("memcached")), 0, "spans of the server")


@case("what a served request asks of memcached is below its SERVER span", ["memcached", "python3", "curl"])
def memcached_parent(t):
    server, port = memcached(t), t.port()
    web = t.start("web", ["python3", PYTHON, "127.0.0.1", server.port, port], port)
    for _ in range(5):
        t.equal(t.get(web.port, "/", keep_alive=False), [(200, b"hunter2")], "answer")
    spans = t.spans(11)
    gets = [s for s in spans.of("web", "CLIENT") if s["name"] == "get"]
    t.equal(sorted(s["parent_id"] for s in gets), sorted(s["span_id"] for s in spans.of("web", "SERVER")), "parents")


@case("clients of memcached: both streams are the same with the agent", ["memcached", "php", "python3"])
def memcached_identity(t):
    streams = {}
    for agent in (False, True):
        server = memcached(t)
        recorder = Recorder(server.port)
        python(t, recorder.port, agent)
        streams[agent] = recorder.finish()
        t.stop()
    t.check(sum(len(sent) for sent, _ in streams[False]) > 900000, "there were bytes")
    t.equal([(len(sent), len(answered)) for sent, answered in streams[True]],
            [(len(sent), len(answered)) for sent, answered in streams[False]], "lengths")
    t.check(streams[True] == streams[False], "both directions of each connection")
    if not t.agent:
        t.spans(0)
