"""Tasks that one program gives to a queue and another one does: below the request that gave them, and what they call below them."""
import re
import signal
import time

from brokers import ENVIRONMENT, needs
from harness import APPS, DEADLINE, Failure, case

APP = APPS / "tasks-python-celery"
COUNT = 10


def start(t, name, pool, agent=True):
    """A server and a worker, with a Redis of their own; what is in `far` is there to be asked for."""
    broker, far, port = t.port(), t.port(), t.port()
    t.start(f"redis-{name}", ["redis-server", "--port", broker, "--bind", "127.0.0.1", "--save", ""], broker, agent=False)
    (t.dir / "far").mkdir(exist_ok=True)
    for i in range(1, COUNT + 1):
        (t.dir / "far" / str(i)).write_text("there")
    t.start(f"far-{name}", ["python3", "-m", "http.server", far, "--bind", "127.0.0.1", "--directory", t.dir / "far"], far, agent=False)
    env = {**ENVIRONMENT, "BROKER": f"redis://127.0.0.1:{broker}/0", "FAR": f"http://127.0.0.1:{far}",
           "SETTINGS": f"http://127.0.0.1:{far}/1", "PYTHONUNBUFFERED": "1"}
    worker = t.start(f"worker-{name}", ["python3", "-m", "celery", "-A", "main.tasks", "worker", "--loglevel", "error", "--without-gossip",
                                        "--without-mingle", "--pool", pool, "--concurrency", "3"], agent=agent, env=env, cwd=APP,
                     stop=signal.SIGQUIT)
    t.start(f"web-{name}", ["python3", APP / "main.py", port], port, agent=agent, env=env)
    return port, worker


def seen(t, worker):
    """What a task saw of its request."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = re.search(r"sees (\[.*\])", worker.log.read_text())
        if found:
            return sorted(re.findall(r"'(\w+)'", found[1]))
        time.sleep(0.05)
    raise Failure(f"no task was done:\n{t.tail(worker.log)}")


def done(t, count):
    """Waits until so many tasks are."""
    end = time.monotonic() + DEADLINE
    while sum(s["kind"] == "CONSUMER" for s in t.sink.wait(1, 1.0)) < count and time.monotonic() < end:
        time.sleep(0.05)


def tasks(t, pool):
    needs(t, "celery", "redis")
    port, worker = start(t, "traced", pool)
    t.get(port, *[f"/{i}" for i in range(1, COUNT + 1)], "/fail", "/looks")
    with_agent = seen(t, worker)
    done(t, COUNT + 2)
    spans = t.spans_at_least(2 * COUNT + 4)
    asked = {s["attributes"]["url.path"]: s for s in spans.of("web-traced", "SERVER")}
    run = spans.of("worker-traced", "CONSUMER")
    t.equal(len(run), COUNT + 2, "tasks")
    for s in run:
        name = s["name"].removeprefix("run main.")
        spans.attributes(s, messaging__system="celery", messaging__operation__name="run", messaging__operation__type="process",
                         messaging__destination__name="celery", code__function__name=f"main.{name}",
                         error__type="LookupError" if name == "fail" else None)
        t.check(re.fullmatch(r"[0-9a-f-]{36}", s["attributes"]["messaging.message.id"]), "the task's id")
        t.check(spans.by_id[s["parent_id"]]["name"] == "GET", f"below a request: {s}")
        if name != "call":
            t.equal(s["parent_id"], asked[f"/{name}"]["span_id"], f"the request for {name}")
    called = [s for s in spans.of("worker-traced", "CLIENT") if "url.full" in s["attributes"] and s["parent_id"]]
    t.equal(len(called), COUNT, "calls")
    for s in called:
        task = spans.by_id[s["parent_id"]]
        number = s["attributes"]["url.full"].rpartition("/")[2]
        t.equal(task["parent_id"], asked[f"/{number}"]["span_id"], f"the request for {number}")
        t.check(task["start"] <= s["start"] and s["end"] <= task["end"], "a call while its task ran")
    plain_port, plain = start(t, "plain", pool, agent=False)
    t.get(plain_port, "/looks")
    t.equal(with_agent, sorted([*seen(t, plain), "traceparent"]), "what a task sees of its request: one header more")


@case("Celery over Redis, in threads: tasks below the requests that gave them, calls below tasks, errors", ["redis-server", "python3"],
      name="celery_threads", agent_only=True)
def threads(t):
    tasks(t, "threads")


@case("Celery over Redis, in processes: the same", ["redis-server", "python3"], name="celery_prefork", agent_only=True)
def prefork(t):
    tasks(t, "prefork")
