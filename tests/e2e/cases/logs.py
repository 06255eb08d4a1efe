"""What programs print becomes log records, of the request that wrote them, and stays what it is."""
import concurrent.futures
import os
import re
import subprocess
import time

from apps import APACHE, APPS, configure, web_root
from harness import case

LOGS = {"OTEL_LOGS_EXPORTER": "otlp", "OTEL_BLRP_SCHEDULE_DELAY": "100"}


def output(t, name, argv, agent, extra, shell=None):
    """Runs a program with pipes as standard output and error; returns (status, output, error)."""
    done = subprocess.run([str(a) for a in argv], env=t.environment(name, agent, extra), stdin=subprocess.DEVNULL,
                          capture_output=True, cwd=t.dir, timeout=60)
    return done.returncode, done.stdout, done.stderr


def lines(data):
    """The records that these bytes are to become: lines that begin with a blank go on with the one before."""
    found = []
    for line in data.split(b"\n"):
        if line.strip(b"\r"):
            found.append(line.decode(errors="replace"))
    return found


def bodies(logs, stream):
    return [log["body"] for log in logs if log["attributes"]["log.iostream"] == stream]


def same_and_logged(t, mode):
    program = t.build.app("log-writer-c")
    plain = output(t, "plain", [program, mode], False, {})
    traced = output(t, "writer", [program, mode], True, {**LOGS, "REMORA_LOG_SOURCES": "redirected,stderr"})
    t.equal(traced, plain, "status, output and error with the agent and without")
    logs = t.logs(len(lines(plain[1])) + len(lines(plain[2])))
    t.equal(sorted(bodies(logs, "stdout")), sorted(lines(plain[1])), "lines of standard output")
    t.equal(bodies(logs, "stderr"), lines(plain[2]), "lines of standard error, in order")
    for log in logs:
        t.equal(log["trace_id"], "", "lines outside any request have no trace")


@case("every way to print: the same bytes, status and errno, and each line is a record", agent_only=True)
def all_ways_full(t):
    same_and_logged(t, "full")


@case("the same with a line buffer", agent_only=True)
def all_ways_line(t):
    same_and_logged(t, "line")


@case("the same without a buffer", agent_only=True)
def all_ways_none(t):
    same_and_logged(t, "none")


def get_all(t, port, paths, at_once=8):
    """Requests the paths, so many at once."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for answers in pool.map(lambda path: t.get(port, path), paths):
            t.equal(answers[0][0], 200, "status")


def by_request(t, spans, logs):
    """Each record that names an id is of the SERVER span whose query has it, or of none; returns how many are of one."""
    servers = {s["span_id"]: s for s in spans.all if s["kind"] == "SERVER"}
    right = 0
    for log in logs:
        named = re.search(r"id=(\d+)", log["body"])
        if not log["trace_id"] or not named:
            continue
        span = servers.get(log["span_id"])
        t.check(span is not None, f"a record of an unknown span: {log}")
        t.equal(log["trace_id"], span["trace_id"], "the trace of the span")
        t.equal(span["attributes"]["url.query"], named[0], f"a wrong span for {log['body']!r}")
        right += 1
    return right


def spans_and_logs(t, spans, logs):
    t.sink.wait_for_logs(logs, 5.0)
    found = t.spans(spans)
    return found, t.logs(logs)


@case("Flask in gunicorn: what a request logs and prints is of its span", ["gunicorn"])
def flask(t):
    port = t.port()
    t.start("shop", ["gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir", t.dir, "--threads", "4",
                     "--log-level", "critical", "--chdir", APPS / "log-server-flask", "app:app"], port,
            env={**LOGS, "PYTHONDONTWRITEBYTECODE": "1"})
    get_all(t, port, [f"/home?id={i}" for i in range(40)])
    spans, logs = spans_and_logs(t, 40, 120)
    t.equal(by_request(t, spans, logs), 120, "records with the right span")
    t.equal({log["attributes"]["log.iostream"] for log in logs}, {"stderr"}, "streams")


@case("lines that one call writes together have no span, since nobody knows that they are one request's", ["gunicorn"])
def together(t):
    port = t.port()
    t.start("shop", ["gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir", t.dir, "--log-level", "critical",
                     "--chdir", APPS / "log-server-flask", "app:app"], port,
            env={**LOGS, "PYTHONDONTWRITEBYTECODE": "1"})
    get_all(t, port, [f"/several?id={i}" for i in range(5)], at_once=1)
    spans, logs = spans_and_logs(t, 5, 15)
    t.equal(by_request(t, spans, logs), 5, "records with a span: the response's line")
    t.equal([log["trace_id"] for log in logs if not re.search("several", log["body"])], [""] * 10, "the others have none")


@case("Node: lines before and after an await are of their request, with many under way", ["node"])
def node(t):
    port = t.port()
    t.start("node", ["node", APPS / "log-server-node" / "main.js", port], port, env=LOGS)
    get_all(t, port, [f"/home?id={i}" for i in range(60)], at_once=16)
    spans, logs = spans_and_logs(t, 60, 120)
    t.equal(by_request(t, spans, logs), 120, "records with the right span")
    t.equal(len(bodies(logs, "stdout")), 60, "lines of standard output")


@case("Java: what handlers print is of their request, or of none", ["java", "javac"])
def java(t):
    port = t.port()
    classes = t.build.app("log-server-java", "Main")
    t.start("java", ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", classes, "Main", port], port, env=LOGS)
    get_all(t, port, [f"/home?id={i}" for i in range(20)], at_once=4)
    spans, logs = spans_and_logs(t, 20, 40)
    t.check(by_request(t, spans, logs) in (0, 40), "all have their span, or the thread rule does not hold")


def crash_of(logs):
    """The one record that has an exception."""
    found = [log for log in logs if "exception.type" in log["attributes"]]
    return found[0] if len(found) == 1 else None


def check_crash(t, spans, log, kind, message, frame, severity):
    t.check(log is not None, "one record with an exception")
    told = {key: value for key, value in log["attributes"].items() if key.startswith("exception.")}
    t.equal((told["exception.type"], told.get("exception.message")), (kind, message), "the exception")
    t.check(frame in told["exception.stacktrace"], told["exception.stacktrace"])
    t.equal(log["severity"], severity, "severity")
    t.check(log["span_id"] in ("", spans.all[0]["span_id"]), "its span or none")


@case("Flask: an exception that it logs is one record, with severity and stack", ["gunicorn"])
def flask_crash(t):
    port = t.port()
    t.start("shop", ["gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir", t.dir, "--log-level", "critical",
                     "--chdir", APPS / "log-server-flask", "app:app"], port,
            env={**LOGS, "PYTHONDONTWRITEBYTECODE": "1"})
    t.equal(t.get(port, "/crash")[0][0], 500, "status")
    spans, logs = spans_and_logs(t, 1, 2)
    check_crash(t, spans, crash_of(logs), "RuntimeError", "as asked", 'raise RuntimeError("as asked")', 17)
    t.equal({log["span_id"] for log in logs}, {spans.all[0]["span_id"]}, "both are of the request")
    t.check("ERROR app: Exception on /crash [GET]\nTraceback" in crash_of(logs)["body"], crash_of(logs)["body"])


@case("Node: an error that is printed is one record", ["node"])
def node_crash(t):
    port = t.port()
    t.start("node", ["node", APPS / "log-server-node" / "main.js", port], port, env=LOGS)
    t.get(port, "/crash?id=1")
    spans, logs = spans_and_logs(t, 1, 3)
    check_crash(t, spans, crash_of(logs), "Error", "as asked id=1", "main.js", 17)


@case("Java: a stack trace that is printed line by line is one record", ["java", "javac"])
def java_crash(t):
    port = t.port()
    classes = t.build.app("log-server-java", "Main")
    t.start("java", ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", classes, "Main", port], port, env=LOGS)
    t.get(port, "/crash?id=1")
    spans, logs = spans_and_logs(t, 1, 3)
    check_crash(t, spans, crash_of(logs), "java.lang.IllegalStateException", "as asked id=1",
                "Caused by: java.lang.RuntimeException: the cause", 17)


UNCAUGHT = {
    "python3": (["python3", "-c", "import json\ndef f(): json.loads('{')\nf()"], "json.decoder.JSONDecodeError"),
    "node": (["node", "-e", "function f() { throw new RangeError('as asked'); }\nf();"], "RangeError"),
    "ruby": (["ruby", "-e", "def f; raise ArgumentError, 'as asked'; end\nf"], "ArgumentError"),
    "php": (["php", "-d", "display_errors=0", "-d", "log_errors=1", "-d", "error_log=", "-r",
             "function f() { throw new LogicException('as asked'); } f();"], "LogicException"),
}


@case("exceptions that nobody catches are one record each, as the runtimes print them", list(UNCAUGHT), agent_only=True)
def uncaught(t):
    for name, (argv, kind) in UNCAUGHT.items():
        plain = output(t, "plain", argv, False, {})
        t.equal(output(t, name, argv, True, LOGS), plain, f"{name}: status, output and error")
        log, = t.logs(1)
        t.equal(log["attributes"].get("exception.type"), kind, log["body"])
        t.check(log["severity"] >= 17, f"severity of {log['body']}")
        t.sink.logs.clear()


@case("severities as loggers write them", ["gunicorn", "node", "ruby"], agent_only=True)
def severities(t):
    python = "import logging; logging.basicConfig(level=10)\n" + "\n".join(
        f"logging.{level}('x')" for level in ("debug", "info", "warning", "error", "critical"))
    ruby = "require 'logger'; l = Logger.new($stderr); l.debug 'x'; l.info 'x'; l.warn 'x'; l.error 'x'; l.fatal 'x'"
    for argv in (["python3", "-c", python], ["ruby", "-e", ruby]):
        output(t, "x", argv, True, LOGS)
        t.equal([log["severity"] for log in t.logs(5)], [5, 9, 13, 17, 21], argv[0])
        t.sink.logs.clear()


@case("nginx: its error log on standard error", ["nginx"])
def nginx(t):
    port = t.port()
    conf = configure(t, "nginx.conf", f"""daemon off; master_process off; pid {t.dir}/pid; error_log stderr;
events {{ }}
http {{ access_log off; client_body_temp_path {t.dir}; proxy_temp_path {t.dir}; fastcgi_temp_path {t.dir};
uwsgi_temp_path {t.dir}; scgi_temp_path {t.dir}; server {{ listen 127.0.0.1:{port}; root {t.dir}; }} }}
""")
    t.start("nginx", ["nginx", "-c", conf, "-e", "stderr"], port, env=LOGS)
    t.equal(t.get(port, "/nowhere?id=1")[0][0], 404, "status")
    t.sink.wait_for_logs(1, 5.0)
    spans = t.spans(1)
    t.stop()
    logs = [log for log in t.sink.wait_for_logs(1, 5.0) if "nowhere" in log["body"]]
    t.equal(len(logs), 1, "one line")
    t.check("open() \"" in logs[0]["body"] and "(2: No such file or directory)" in logs[0]["body"], logs[0]["body"])
    t.check(logs[0]["span_id"] in ("", spans.all[0]["span_id"]), "its span or none")


def as_in_images(t, name, argv, port, error):
    """Its logs are /dev/stdout and /dev/stderr, opened by name: a request's line, and an error's with its severity."""
    t.start(name, argv, port, env={**LOGS, "REMORA_LOG_SOURCES": "redirected,stderr"})
    t.equal(t.get(port, "/forbidden?id=1")[0][0], 403, "status")
    t.sink.wait_for_logs(2, 5.0)
    t.stop()
    logs = t.sink.wait_for_logs(2, 5.0)
    access = [log for log in logs if '"GET /forbidden?id=1 HTTP/1.1" 403' in log["body"]]
    t.equal([(log["severity"], log["trace_id"]) for log in access], [(0, "")], "the access line, once, of no request: it has ended")
    told = [log for log in logs if error in log["body"]]
    t.equal([(log["severity"], log["severity_text"]) for log in told], [(17, "error")], "the error's line, once")
    span, = t.sink.received
    t.check(told[0]["span_id"] in ("", span["span_id"]), "its span or none")


@case("nginx whose logs are /dev/stdout and /dev/stderr, as in its image", ["nginx"])
def nginx_image(t):
    port = t.port()
    user = "user root;" if os.geteuid() == 0 else ""
    conf = configure(t, "nginx.conf", f"""daemon off; {user} worker_processes 1; pid {t.dir}/pid; error_log /dev/stderr notice;
events {{ }}
http {{ access_log /dev/stdout; client_body_temp_path {t.dir}; proxy_temp_path {t.dir}; fastcgi_temp_path {t.dir};
uwsgi_temp_path {t.dir}; scgi_temp_path {t.dir}; server {{ listen 127.0.0.1:{port}; root {t.dir};
location /forbidden {{ deny all; }} }} }}
""")
    as_in_images(t, "nginx", ["nginx", "-c", conf, "-e", "/dev/stderr"], port, "access forbidden by rule")


@case("Apache httpd whose logs are /proc/self/fd/1 and 2, as in its image", ["apache2"])
def apache_image(t):
    port = t.port()
    text = APACHE.replace("ErrorLog {dir}/apache.err.log", "ErrorLog /proc/self/fd/2").format(
        dir=t.dir, port=port, user="User www-data\nGroup www-data" if os.geteuid() == 0 else "", root=web_root(t),
        modules="/usr/lib/apache2/modules", proxy="<Location /forbidden>\nRequire all denied\n</Location>\n"
        'LogFormat "%h %l %u %t \\"%r\\" %>s %b" common\nCustomLog /proc/self/fd/1 common')
    as_in_images(t, "apache", ["apache2", "-D", "FOREGROUND", "-f", configure(t, "apache.conf", text)], port, "AH01630")


@case("below `remora run` lines arrive of short programs, of killed ones, and of what they start", agent_only=True)
def relayed(t):
    kill = "import os, signal, sys; print('last words', file=sys.stderr); os.kill(os.getpid(), signal.SIGKILL)"
    t.run("run", [t.build.cli, "run", "-q", "--", "sh", "-c",
                  f'python3 -c "print(1)" >&2; python3 -c "{kill}"; python3 -c "print(2)"; exit 0'],
          agent=False, env={**LOGS, "OTEL_EXPORTER_OTLP_ENDPOINT": t.sink.endpoint})
    logs = t.logs(3)
    t.equal([log["body"] for log in logs], ["1", "last words", "2"], "bodies")
    t.equal(len({log["trace_id"] for log in logs}), 1, "all are of the command's trace")
    t.check(logs[0]["trace_id"] != "", "which they have")


@case("what goes to another program is no log, unless it is asked for", agent_only=True)
def piped(t):
    script = 'python3 -c "print(1)" | cat; x=$(python3 -c "print(2)"); python3 -c "print(3)" >file; python3 -c "print(4)"'
    run = [t.build.cli, "run", "-q", "--", "sh", "-c", script]
    env = {**LOGS, "OTEL_EXPORTER_OTLP_ENDPOINT": t.sink.endpoint}
    t.run("run", run, agent=False, env=env)
    t.equal([log["body"] for log in t.logs(1)], ["4"], "bodies")
    t.sink.logs.clear()
    t.run("run", run, agent=False, env={**env, "REMORA_LOG_SOURCES": "redirected,stderr"})
    t.equal([log["body"] for log in t.logs(4)], ["1", "2", "3", "4"], "bodies")


@case("a program that prints faster than anything takes it is not held up, and what is lost is counted", agent_only=True)
def flood(t):
    program = "import sys\nfor i in range(300000): sys.stderr.write('line %d of many that nobody can take\\n' % i)"
    plain = output(t, "plain", ["python3", "-c", program], False, {})
    env = {**LOGS, "REMORA_EXIT_TIMEOUT": "500", "REMORA_DEBUG": "export",
           "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"http://127.0.0.1:{t.silent_server(b'')}/v1/logs"}
    status, _, said = output(t, "flood", ["python3", "-c", program], True, env)
    ours = b"".join(line for line in said.splitlines(True) if re.match(rb"remora\[\d+\] ", line))
    t.equal((status, said.replace(ours, b"") if ours else said), (plain[0], plain[2]), "status and bytes")
    counted = re.search(rb"logs: (\d+) made.*not made: (\d+) rings full", ours)
    t.check(counted is not None, ours.decode())
    t.equal(int(counted[1]) + int(counted[2]), 300000, "each call is made or counted")
    t.check(int(counted[2]) > 0, "some are lost")


@case("logs as JSON, and as gzip", agent_only=True)
def encodings(t):
    for setting in ({"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/json"}, {"OTEL_EXPORTER_OTLP_LOGS_COMPRESSION": "gzip"}):
        output(t, "x", ["python3", "-c", "import sys; print('caf\\u00e9', file=sys.stderr)"], True, {**LOGS, **setting})
        log, = t.logs(1)
        t.equal((log["body"], log["attributes"]), ("caf\u00e9", {"log.iostream": "stderr"}), "record")
        t.sink.logs.clear()


@case("without OTEL_LOGS_EXPORTER nothing that is printed leaves", ["gunicorn"])
def off(t):
    port = t.port()
    t.start("shop", ["gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir", t.dir, "--log-level", "critical",
                     "--chdir", APPS / "log-server-flask", "app:app"], port, env={"PYTHONDONTWRITEBYTECODE": "1"})
    get_all(t, port, ["/home?id=1"])
    t.spans(1)
    time.sleep(0.3)
    t.logs(0)
