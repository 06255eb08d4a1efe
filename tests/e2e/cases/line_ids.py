"""REMORA_LOG_TRACE_IDS: the program's own lines say which trace and span they belong to, and are else what they were."""
import json
import re

from apps import APPS
from harness import case
from logs import LOGS, by_request, get_all, output, spans_and_logs

IDS = {**LOGS, "REMORA_LOG_TRACE_IDS": "true"}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WORDS = re.compile(rb" trace_id=([0-9a-f]{32}) span_id=([0-9a-f]{16})(?=\r?\n)")


@case("every way to print into a pipe: without the ids the same bytes, and the program counts its own", agent_only=True)
def every_way(t):
    program = t.build.app("log-writer-c")
    for mode in "line", "none", "full":
        plain = output(t, "plain", [program, mode], False, {})
        traced = output(t, mode, [program, mode], True, {
            **IDS, "REMORA_LOG_SOURCES": "redirected,stderr", "TRACEPARENT": f"00-{TRACE}-{SPAN}-01"})
        t.equal((traced[0], *(WORDS.sub(b"", said) for said in traced[1:])), plain, f"{mode}: status, output and error")
        t.check(f"fputs trace_id={TRACE} span_id={SPAN}\nfwrite trace_id=".encode() in traced[2], traced[2])
        t.check(b"\nbegins and ends\n" in traced[2], "a line of three calls is left alone")
        t.equal(b"printf one trace_id=" in traced[1], mode != "full", f"{mode}: a line of a buffer that is emptied is nobody's")
        t.check(not any("trace_id" in log["body"] for log in t.logs(21)), "records have the program's own text")
        t.sink.logs.clear()


def into_pipe(t, file, argv):
    """The program, whose output and error go through a pipe into a file."""
    return ["bash", "-c", 'exec "$@" > >(exec cat >"$0") 2>&1', t.dir / file, *argv]


def lines_of_requests(t, spans, file, find):
    """Each line that names a request has its ids; returns how many do."""
    servers = {s["attributes"]["url.query"]: s for s in spans.all if s["kind"] == "SERVER"}
    found = 0
    for line in (t.dir / file).read_bytes().splitlines(keepends=True):
        named, ids = re.search(rb"id=(\d+)", line), find(line)
        if named and ids:
            span = servers[named[0].decode()]
            t.equal(ids, (span["trace_id"], span["span_id"]), line)
            found += 1
    return found


def words(line):
    found = WORDS.search(line)
    return found and tuple(group.decode() for group in found.groups())


@case("Flask in gunicorn: the lines of a request have its ids", ["gunicorn"])
def flask(t):
    port = t.port()
    t.start("shop", into_pipe(t, "out", [
        "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir", t.dir, "--threads", "4", "--log-level", "critical",
        "--chdir", APPS / "log-server-flask", "app:app"]), port, env={**IDS, "PYTHONDONTWRITEBYTECODE": "1"})
    get_all(t, port, [f"/home?id={i}" for i in range(30)])
    spans, logs = spans_and_logs(t, 30, 90)
    t.equal(by_request(t, spans, logs), 90, "records with the right span")
    t.stop()
    t.equal(lines_of_requests(t, spans, "out", words), 90, "lines with the right ids")


SERVER = """
const log = (level, request) => process.stdout.write(JSON.stringify({level, msg: `asked for ${request.url}`}) + '\\n');
require('http').createServer(async (request, response) => {
	log(30, request);
	await new Promise((resolve) => setTimeout(resolve, 10 * Math.random()));
	log(40, request);
	response.end('home');
}).listen(Number(process.argv[1]), '127.0.0.1');
"""


@case("Node: lines of JSON stay that, and have the ids of their request, with many under way", ["node"])
def node(t):
    port = t.port()
    t.start("node", into_pipe(t, "out", ["node", "-e", SERVER, port]), port, env={**IDS, "REMORA_LOG_SOURCES": "redirected"})
    get_all(t, port, [f"/home?id={i}" for i in range(40)], at_once=16)
    spans, logs = spans_and_logs(t, 40, 80)
    t.equal(by_request(t, spans, logs), 80, "records with the right span")
    t.stop()
    members = lambda line: (json.loads(line)["trace_id"], json.loads(line)["span_id"])
    t.equal(lines_of_requests(t, spans, "out", members), 80, "lines with the right ids")
