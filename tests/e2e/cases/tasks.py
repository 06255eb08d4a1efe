"""Tasks that one program gives to a queue and another one does: below the request that gave them, and what they call below them."""
import re
import signal
import time

from brokers import ENVIRONMENT, needs
from harness import APPS, DEADLINE, Failure, case

COUNT = 10


class Celery:
    system, queue, app, stop = "celery", "celery", APPS / "tasks-python-celery", signal.SIGQUIT
    modules, names, ours = ("celery", "redis"), True, ["traceparent"]

    def __init__(self, pool):
        self.pool = pool

    def worker(self, broker):
        return ["-m", "celery", "-A", "main.tasks", "worker", "--loglevel", "error", "--without-gossip", "--without-mingle", "--pool",
                self.pool, "--concurrency", "3"]


class Rq:
    system, queue, app, stop = "rq", "work", APPS / "tasks-python-rq", signal.SIGTERM
    modules, names, ours = ("rq", "redis"), False, []

    def __init__(self, *kind):
        self.kind = kind

    def worker(self, broker):
        return ["-m", "rq.cli", "worker", "--quiet", "--url", broker, *self.kind, "work"]


def start(t, name, how, agent=True):
    """A server and a worker, with a Redis of their own; what is in `far` is there to be asked for."""
    broker, far, port = t.port(), t.port(), t.port()
    t.start(f"redis-{name}", ["redis-server", "--port", broker, "--bind", "127.0.0.1", "--save", ""], broker, agent=False)
    (t.dir / "far").mkdir(exist_ok=True)
    for i in range(1, COUNT + 1):
        (t.dir / "far" / str(i)).write_text("there")
    t.start(f"far-{name}", ["python3", "-m", "http.server", far, "--bind", "127.0.0.1", "--directory", t.dir / "far"], far, agent=False)
    url = f"redis://127.0.0.1:{broker}/0"
    env = {**ENVIRONMENT, "BROKER": url, "FAR": f"http://127.0.0.1:{far}", "PYTHONUNBUFFERED": "1"}
    worker = t.start(f"worker-{name}", ["python3", *how.worker(url)], agent=agent, env=env, cwd=how.app, stop=how.stop)
    t.start(f"web-{name}", ["python3", how.app / "main.py", port], port, agent=agent, env=env)
    return port, worker, env


def seen(t, worker):
    """What a task saw of its request."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        found = re.search(r"sees (.*)\n", worker.log.read_text())
        if found:
            return sorted(re.findall(r"'(\w+)'", found[1]))
        time.sleep(0.05)
    raise Failure(f"no task was done:\n{t.tail(worker.log)}")


def done(t, count, kind="CONSUMER"):
    """Waits until so many tasks, or requests, are."""
    end = time.monotonic() + DEADLINE
    while sum(s["kind"] == kind for s in t.sink.wait(1, 1.0)) < count and time.monotonic() < end:
        time.sleep(0.05)


def tasks(t, how):
    needs(t, *how.modules)
    port, worker, _ = start(t, "traced", how)
    t.get(port, *[f"/{i}" for i in range(1, COUNT + 1)], "/fail", "/looks")
    with_agent = seen(t, worker)
    done(t, COUNT + 2)
    spans = t.spans_at_least(2 * COUNT + 4)
    asked = {s["attributes"]["url.path"]: s for s in spans.of("web-traced", "SERVER")}
    run = spans.of("worker-traced", "CONSUMER")
    t.equal(len(run), COUNT + 2, "tasks")
    t.equal(sorted(s["parent_id"] for s in run), sorted(s["span_id"] for s in asked.values()), "each is below its request")
    for s in run:
        name = spans.by_id[s["parent_id"]]["attributes"]["url.path"][1:]
        function = f"main.{'call' if name.isdigit() else name}" if how.names else None
        t.equal(s["name"], f"run {function or how.queue}", "name")
        spans.attributes(s, messaging__system=how.system, messaging__operation__name="run", messaging__operation__type="process",
                         messaging__destination__name=how.queue, code__function__name=function,
                         error__type="LookupError" if name == "fail" else None)
        t.check(re.fullmatch(r"[0-9a-f-]{36}", s["attributes"]["messaging.message.id"]), "the task's id")
    called = [s for s in spans.of("worker-traced", "CLIENT") if "url.full" in s["attributes"]]
    t.equal(len(called), COUNT, "calls")
    for s in called:
        task = spans.by_id[s["parent_id"]]
        number = s["attributes"]["url.full"].rpartition("/")[2]
        t.equal(task["parent_id"], asked[f"/{number}"]["span_id"], f"the request for {number}")
        t.check(task["start"] <= s["start"] and s["end"] <= task["end"], "a call while its task ran")
    plain_port, plain, _ = start(t, "plain", how, agent=False)
    t.get(plain_port, "/looks")
    t.equal(with_agent, sorted([*seen(t, plain), *how.ours]), "what a task sees of its request")


@case("Celery over Redis, in threads: tasks below the requests that gave them, calls below tasks, errors", ["redis-server", "python3"],
      name="celery_threads", agent_only=True)
def threads(t):
    tasks(t, Celery("threads"))


@case("Celery over Redis, in processes: the same", ["redis-server", "python3"], name="celery_prefork", agent_only=True)
def prefork(t):
    tasks(t, Celery("prefork"))


@case("RQ, which forks for each job: the same", ["redis-server", "python3"], name="rq_fork", agent_only=True)
def rq_fork(t):
    tasks(t, Rq())


@case("RQ, in a process for all jobs: the same", ["redis-server", "python3"], name="rq_simple", agent_only=True)
def rq_simple(t):
    tasks(t, Rq("--worker-class", "rq.SimpleWorker"))


@case("a job of RQ that has the id of an earlier one, but no request that gave it, begins a trace", ["redis-server", "python3"],
      name="rq_again", agent_only=True)
def rq_again(t):
    how = Rq()
    needs(t, *how.modules)
    port, _, env = start(t, "traced", how)
    t.get(port, "/again")
    done(t, 1)
    done(t, 1, "SERVER")
    t.run("plain", ["python3", how.app / "main.py"], agent=False, env=env)
    done(t, 2)
    spans = t.spans_at_least(3)
    first, second = sorted(spans.of("worker-traced", "CONSUMER"), key=lambda s: s["start"])
    t.equal(first["parent_id"], spans.of("web-traced", "SERVER")[0]["span_id"], "the first one's")
    t.check(not second["parent_id"] and second["trace_id"] != first["trace_id"], "the second one is nobody's")
