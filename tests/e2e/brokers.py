"""Message brokers and the libraries that talk to them, for cases. What Debian has not is in deps/brokers/ (./dev test)."""
import os
import time

from harness import APPS, DEADLINE, ROOT, Failure, Skip, which

CLIENTS = ROOT / "deps" / "brokers"
ENVIRONMENT = {"PYTHONPATH": CLIENTS / "python",
               "NODE_PATH": f"{CLIENTS / 'node_modules'}:{os.environ.get('NODE_PATH', '/usr/share/nodejs')}"}


def python(name):
    return ["python3", APPS / name / "main.py"]


def node(name):
    return ["node", APPS / name / "main.js"]


def needs(t, *modules):
    """Skips where one of the libraries is not here: 'nats' of Python, 'node:nats' of Node."""
    for module in modules:
        kind, _, name = module.rpartition(":")
        probe = ["node", "-e", f"require('{name}'); console.log('there')"] if kind else ["python3", "-c", f"import {name}; print('there')"]
        if not which(probe[0]) or "there" not in t.run("probe", probe, agent=False, status=None, env=ENVIRONMENT):
            raise Skip(f"no {module} here")


def background(t, name, argv, agent=True, env=ENVIRONMENT):
    """Starts a program and waits until it says that it is ready."""
    process = t.start(name, argv, agent=agent, env=env)
    end = time.monotonic() + DEADLINE
    while "ready" not in process.log.read_text():
        if process.popen.poll() is not None or time.monotonic() > end:
            raise Failure(f"{name} is not ready; it said:\n{t.tail(process.log)}")
        time.sleep(0.05)
    return process


def said(t, process):
    """Waits for the end of such a program; what it said when it was ready."""
    t.equal(process.popen.wait(DEADLINE), 0, f"status of {process.name}: {t.tail(process.log)}")
    return process.log.read_text().partition("ready\n")[2]


def handed_over(t, spans, sender, receiver, destination, count, source=None):
    """Each message that was received is below the one that was sent, and has a link to it."""
    sent, received = spans.of(sender, "PRODUCER"), spans.of(receiver, "CONSUMER")
    t.equal((len(sent), len(received)), (count, count), "PRODUCER and CONSUMER spans")
    by_id = {s["span_id"]: s for s in sent}
    for s in received:
        parent = by_id.pop(s["parent_id"], None)
        t.check(parent is not None, f"no message was sent by the parent of {s}")
        t.equal(s["trace_id"], parent["trace_id"], "one trace")
        t.equal(s["links"], [(parent["trace_id"], parent["span_id"])], "links")
        t.equal((parent["attributes"]["messaging.destination.name"], s["attributes"]["messaging.destination.name"]),
                (destination, source or destination), "destinations")


def asked_at_once(t, port, count):
    """Requests for /1 to /COUNT, all at once."""
    waiting = [t.thread(lambda i=i: t.equal(t.get(port, f"/{i}"), [(200, b"ok\n")], "answer")) for i in range(1, count + 1)]
    for answer in waiting:
        answer()


def messages_of_requests(t, spans, service, number):
    """Each request sent one message; `number` tells of which request that is, by what is to be seen in its span."""
    spans.count(service, server=len(spans.all) // 2).linked(service, "PRODUCER", service, "SERVER")
    for s in spans.of(service, "PRODUCER"):
        t.equal("/" + number(s), spans.by_id[s["parent_id"]]["attributes"]["url.path"], "the request that sent it")
