"""All backends at once: a Flask application that knows of none of them has its traces, lines and errors in each, by variables alone."""
import re
import signal
import socket

from apps import APPS
from backends import TEAM, TOKEN, CloudWatch, Otlp, Rollbar
from cloudwatch import Moto
from harness import case
from rollbar import problems
from xray import Datagrams

FLASK = ["/usr/bin/python3", "-m", "flask", "--app", "app", "run", "--no-reload"]
ALL = {"OTEL_TRACES_EXPORTER": "otlp,xray,rollbar", "OTEL_LOGS_EXPORTER": "otlp,cloudwatch,rollbar",
       "OTEL_SERVICE_NAME": "backend-flask", "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_BLRP_SCHEDULE_DELAY": "100",
       "PYTHONDONTWRITEBYTECODE": "1", "REMORA_DEBUG": "export"}
HOME, USER, BROKEN = "/api/activities/home", "/api/activities/@andrew", "/api/activities/broken"
LINE = r"\[\d{4}-\w{3}-\d\d \d\d:\d\d\] 127\.0\.0\.1 GET http %s\? %s"


def start(t, command, env):
    port = t.port()
    argv = [*command, *(["-b", f"127.0.0.1:{port}"] if command[0] == "gunicorn" else ["-p", port])]
    return port, t.start("backend", argv, port, env={**ALL, **env}, cwd=APPS / "notes-flask", stop=signal.SIGINT)


def served(spans, path):
    return next(s for s in spans if s["kind"] == "SERVER" and s["attributes"]["url.path"] == path)


def below(spans, parent, kind):
    return [s for s in spans if s["parent_id"] == parent["span_id"] and s["trace_id"] == parent["trace_id"] and s["kind"] == kind]


def check_honeycomb(t, otlp):
    """The trace of each request, with the calls that it made, and its lines."""
    home, user, broken = (served(otlp.spans, path) for path in (HOME, USER, BROKEN))
    for span, status in (home, 200), (user, 200), (broken, 500):
        t.equal((span["name"], span["parent_id"], span["attributes"]["http.response.status_code"],
                 span["resource"]["service.name"]), ("GET", "", status, "backend-flask"), "the request's span")
    t.equal(broken["status"], "error", "the span of the request that failed")
    t.check(any(s["attributes"].get("db.system.name") == "sqlite" for s in below(otlp.spans, home, "CLIENT")), "the query's span")
    call, = below(otlp.spans, user, "CLIENT")
    t.check(call["attributes"]["url.full"].endswith("/profiles/andrew"), "the call's span")
    lines = [log for log in otlp.logs if re.fullmatch(LINE % (re.escape(HOME), "200 OK"), log["body"])]
    t.equal([(log["trace_id"], log["span_id"]) for log in lines], [(home["trace_id"], home["span_id"])], "the line of the response")
    t.equal(otlp.problems, [], "what Honeycomb would say of it")
    return home, user, broken


def check_xray(t, documents, home, user, broken):
    """A segment for each request, and a subsegment for what it called."""
    by_id = {d["id"]: d for d in documents}
    for span, status in (home, 200), (user, 200), (broken, 500):
        segment = by_id[span["span_id"]]
        t.equal((segment["name"], segment["trace_id"].replace("1-", "", 1).replace("-", ""), segment["http"]["response"]["status"]),
                ("backend-flask", span["trace_id"], status), "the segment")
        t.check(segment["http"]["request"]["url"].endswith(span["attributes"]["url.path"]), "its URL")
    t.check(by_id[broken["span_id"]]["fault"], "the segment of the request that failed")
    for parent, namespace in (home, "remote"), (user, "remote"):
        subsegments = [d for d in documents if d.get("parent_id") == parent["span_id"]]
        t.check(subsegments and all((d["type"], d["namespace"]) == ("subsegment", namespace) for d in subsegments),
                f"subsegments of {parent['attributes']['url.path']}")


def check_cloudwatch(t, messages):
    """A line for each response, as the application wrote it."""
    for path, status in (HOME, "200 OK"), (USER, "200 OK"), (BROKEN, "500 INTERNAL SERVER ERROR"):
        found = [m for m in messages if re.fullmatch(LINE % (re.escape(path), status), m)]
        t.equal(len(found), 1, f"lines of {path} in {messages}")
    t.equal(messages.count("HomeActivities"), 1, "the line of the service")
    t.check(any(m.startswith("Exception on /api/activities/broken [GET]\nTraceback (most") for m in messages), "the traceback")


def check_rollbar(t, items, broken):
    """One error, with its frames, of the request that failed."""
    item, = items
    trace = item["body"]["trace"]
    t.equal((item["level"], trace["exception"]["class"]), ("error", "ValueError"), "the item")
    t.equal([f["method"] for f in trace["frames"] if "notes-flask" in f["filename"]][-2:], ["data_broken", "newest"], "its frames")
    t.equal(item["custom"]["trace_id"], broken["trace_id"], "its trace")
    t.equal(problems({"data": item}), [], "what Rollbar would say of it")


def exercise(t, command):
    otlp, udp, items, moto = Otlp(t), Datagrams(t), Rollbar(t), Moto(t)
    profiles, _ = t.header_recorder()
    port, _ = start(t, command, {
        **otlp.settings(), **items.settings(), "AWS_XRAY_DAEMON_ADDRESS": udp.address,
        **moto.settings(AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true", REMORA_CLOUDWATCH_LOG_GROUP="cruddur"),
        "PROFILES_URL": f"http://127.0.0.1:{profiles}"})
    for path, status in (HOME, 200), (USER, 200), (BROKEN, 500):
        t.equal(t.get(port, path, keep_alive=False)[0][0], status, path)
    stream = socket.gethostname()
    t.until("all lines in CloudWatch Logs", lambda: sum(" GET http " in m for m in moto.messages("cruddur", stream)) == 3)
    t.until("an item in Rollbar", lambda: items.items)
    t.until("all segments", lambda: sum("parent_id" not in d for d in udp.documents) >= 3)
    t.until("all spans", lambda: sum(s["kind"] == "SERVER" for s in otlp.spans) == 3 and
            sum(" GET http " in str(log["body"]) for log in otlp.logs) == 3)
    home, user, broken = check_honeycomb(t, otlp)
    check_xray(t, udp.documents, home, user, broken)
    check_cloudwatch(t, moto.messages("cruddur", stream))
    t.stop()
    check_rollbar(t, items.items, broken)
    t.equal(items.problems, [], "what Rollbar would say of the request")
    for log in t.dir.glob("*.log"):
        for secret in (TEAM, TOKEN, moto.who["secret"]):
            t.check(secret not in log.read_text(errors="replace"), f"a secret in {log.name}")


@case("the exercise in gunicorn: Honeycomb has the traces, X-Ray segments and subsegments, CloudWatch Logs the lines, Rollbar the error",
      ["gunicorn"], agent_only=True)
def gunicorn(t):
    exercise(t, ["gunicorn", "--worker-tmp-dir", t.dir, "--threads", "2", "app:app"])


@case("the exercise in Flask's own server: the same", ["python3"], agent_only=True)
def flask_run(t):
    exercise(t, FLASK)


# ---- one of them in trouble ----

def closed(log):
    """What each exporter says in the end: {(name, signal): (received, exported, lost)}."""
    found = {}
    for m in re.finditer(r"(\S+) closed: of (\d+) (\w+) (\d+) exported, (\d+) rejected, dropped: (\d+) queue full, (\d+) refused, "
                         r"(\d+) timed out, (\d+) left", log):
        name, received, signal_name, exported, *lost = m.groups()
        found[name, signal_name] = int(received), int(exported), sum(map(int, lost))
    return found


class NoDaemon:
    """An address where nobody listens."""

    def __init__(self, t):
        self.documents, self.address = [], f"127.0.0.1:{t.port()}"


PAGES = 12


def whole(backends):
    """For each backend whether it has all."""
    lines = lambda texts: sum(" GET http " in str(text) for text in texts) == PAGES + 1
    return {"otlp": lambda: sum(s["kind"] == "SERVER" for s in backends["otlp"].spans) == PAGES + 1 and
            lines(log["body"] for log in backends["otlp"].logs),
            "xray": lambda: sum("parent_id" not in d for d in backends["xray"].documents) == PAGES + 1,
            "cloudwatch": lambda: lines(backends["cloudwatch"].messages),
            "rollbar": lambda: len(backends["rollbar"].items) == 1}


def trouble(t, victim, mode):
    """One backend is down, silent or fails: the others have everything, and what it has not is counted."""
    backends = {name: kind(t, mode if name == victim and mode != "down" else "ok")
                for name, kind in (("otlp", Otlp), ("cloudwatch", CloudWatch), ("rollbar", Rollbar))}
    backends["xray"] = (NoDaemon if victim == "xray" else Datagrams)(t)
    if mode == "down" and victim != "xray":
        backends[victim].shutdown()
        backends[victim].server_close()
    env = {"AWS_XRAY_DAEMON_ADDRESS": backends["xray"].address, "PROFILES_URL": "http://127.0.0.1:1"}
    for name in ("otlp", "cloudwatch", "rollbar"):
        env.update(backends[name].settings())
    port, process = start(t, FLASK, env)
    t.get(port, BROKEN, keep_alive=False)
    t.get(port, *[HOME] * PAGES, keep_alive=False)
    has_all = whole(backends)
    for name in has_all:
        if name != victim:
            t.until(f"{victim} is {mode}: {name} has all", has_all[name])
    if mode in ("silent", "500"):
        t.until(f"{victim} was asked", lambda: backends[victim].asked)
    t.check(not has_all[victim](), f"{victim} has nothing")
    t.stop()
    said = closed(process.log.read_text(errors="replace"))
    t.equal({name for name, _ in said}, set(backends), "exporters that say what became of their records")
    for (name, what), (received, exported, lost) in said.items():
        t.equal(exported + lost, received, f"{name}: each of the {what} is in one number")
        if name != victim:
            t.equal(lost, 0, f"{name}: lost {what}")
        elif name == "rollbar":  # most is no error, and so not to be sent
            t.check(what == "spans" or lost >= 1, "the error is counted as lost")
        else:
            t.equal(exported, 0, f"{name}: {what} that arrived")
    for name in ("otlp", "cloudwatch", "rollbar"):
        t.equal(backends[name].problems, [], f"what {name} would say of it")


@case("OTLP is down, silent or fails, and X-Ray, CloudWatch Logs and Rollbar have everything", agent_only=True)
def without_otlp(t):
    for mode in ("down", "silent", "500"):
        trouble(t, "otlp", mode)


@case("CloudWatch Logs is down, silent or fails, and OTLP, X-Ray and Rollbar have everything", agent_only=True)
def without_cloudwatch(t):
    for mode in ("down", "silent", "500"):
        trouble(t, "cloudwatch", mode)


@case("Rollbar is down, silent or fails, and OTLP, X-Ray and CloudWatch Logs have everything", agent_only=True)
def without_rollbar(t):
    for mode in ("down", "silent", "500"):
        trouble(t, "rollbar", mode)


@case("X-Ray's daemon is away, and OTLP, CloudWatch Logs and Rollbar have everything", agent_only=True)
def without_xray(t):
    trouble(t, "xray", "down")
