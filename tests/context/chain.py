"""One request through five runtimes: nginx, Node, Python, Java and PHP, each asks the next one."""
import collections

from drive import load
from harness import APPS, which
from judge import Row, number_of
from programs import PYTHON, program
from proxies import nginx

HOPS = ("server", "node", "python", "java", "php")  # nginx is called as the programs of proxies.py are
SPANS = 2 * len(HOPS) - 1
MANY = 10000


def start(t, env):
    """From the end on, so that each knows the next one; returns nginx's port."""
    ports = {name: t.port() for name in HOPS[1:]}
    programs = {
        "php": [which("php"), "-S", f"127.0.0.1:{ports['php']}", APPS / "chain" / "index.php"],
        "java": [which("java"), "-Xmx256m", "-Dhttp.maxConnections=64", "-cp", t.build.app("chain", "Chain"), "Chain", ports["java"]],
        "python": [PYTHON, "-m", "uvicorn", "--port", ports["python"], "--log-level", "warning", "--backlog", 1024, "main:app"],
        "node": [which("node"), APPS / "chain" / "main.js", ports["node"]],
    }
    following = None
    for name, argv in programs.items():
        t.start(name, argv, ports[name], cwd=APPS / "chain" if name == "python" else None,
                env={"PHP_CLI_SERVER_WORKERS": "8", "NEXT": following or "", "REMORA_PARENT_SOURCE": "true",
                     "OTEL_BSP_MAX_QUEUE_SIZE": "65536", **env})
        following = f"http://127.0.0.1:{ports[name]}"
    return nginx(t, following, env, "keepalive 64;", "location / { proxy_pass http://far; }", "/chain/{id}")[0].port


def is_whole(spans):
    """Nine spans, each below the one before, from nginx to PHP."""
    below = {s["parent_id"]: s for s in spans}
    parent, line = "", []
    while parent in below:
        line.append(below.pop(parent))
        parent = line[-1]["span_id"]
    wanted = [(name, kind) for name in HOPS for kind in ("SERVER", "CLIENT")][:SPANS]
    return len(spans) == SPANS and [(s["resource"]["service.name"], s["kind"]) for s in line] == wanted


def judge(spans, ids):
    """Right: a whole trace. Wrong: one with spans of several requests. Missing: all else, for each request one."""
    traces, row = collections.defaultdict(list), Row()
    for span in spans:
        traces[span["trace_id"]].append(span)
    for trace in traces.values():
        numbers = {number_of(s) for s in trace}
        if len(numbers) > 1:
            row.add("wrong", "mixed")
        elif numbers <= set(ids) and is_whole(trace):
            row.add("right", "whole")
    for _ in range(len(ids) - row.calls):
        row.add("missing", "broken")
    return row


def measure(t, requests, env):
    port, first, cells = start(t, env), 1, {}
    concurrency = 64
    count = MANY if 256 in requests else requests[concurrency]
    load(port, "/chain/{id}", first, count, concurrency, True, deadline=900)
    cells[concurrency, True] = range(first, first + count)
    t.sink.wait(SPANS * count, 20.0)
    t.stop()
    spans = t.sink.wait(SPANS * count, 5.0)
    return {cell: judge(spans, ids) for cell, ids in cells.items()}


program("chain", "nginx, Node, uvicorn, Java and PHP in one chain; counted are traces", ["nginx", "node", "java", "javac", "php"],
        ["uvicorn", "httpx"], measure=measure)(None)
