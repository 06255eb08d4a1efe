"""What programs say by syslog becomes log records, once, and reaches the daemon as it did."""
import os
import re
import socket
import threading

from harness import case
from logs import LOGS, by_request, get_all, output, spans_and_logs

DAEMON = "/dev/log"


class Daemon:
    """A syslogd that keeps what it is sent, by anybody; only where there is none."""

    def __init__(self):
        self.messages = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(DAEMON)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while data := self.socket.recv(1 << 17):
            self.messages.append(data)

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", DAEMON)
        self.thread.join()
        self.socket.close()
        os.unlink(DAEMON)


ONE_AT_A_TIME = threading.Lock()


def alike(t, idents, run):
    """The program does and sends the same with the agent and without. The daemon may be the machine's own: then nobody asks it."""
    def of_program(message):
        return re.match(rb"<\d+>.{15} (\S+?)(\[\d+\])?: ", message) and re.search(idents, message)

    def heard(agent):
        try:
            daemon = Daemon()
        except OSError:
            return run(agent), None
        try:
            done = run(agent)
        finally:
            daemon.close()
        return done, [re.sub(rb"^(<\d+>).{15} ", rb"\1", message) for message in daemon.messages if of_program(message)]

    with ONE_AT_A_TIME:
        plain, traced = heard(False), heard(True)
    t.equal(shorter(traced), shorter(plain), "status, output, error and what the daemon gets, with the agent and without")
    return plain[0]


def shorter(value):
    return re.sub("aaaa+", lambda found: f"a * {len(found[0])}", repr(value))


IDENTS = b"log-syslog-c|before: |behind: "
SAID = [
    (13, "warning", "before openlog", 1, None),
    (17, "err", "no conversion", 3, "before"),
    (18, "crit", "a file: Permission denied, 100%", 19, "before"),
    (10, "notice", "checked 7", 3, "behind"),
    (5, "debug", "a list x", 3, "behind"),
    (5, "debug", "a checked list  3.14", 3, "behind"),
    (9, "info", "two\nlines 2", 3, "behind"),
    (9, "info", "a NUL \ufffd, and more 7", 3, "behind"),
    (21, "emerg", "counted y1", 3, "behind"),
    (9, "info", "long ", 3, "behind"),
    (19, "alert", "after closelog", 3, None),
]


@case("syslog in every way: the same on standard error and for the daemon, formatted once, and each message is one record",
      agent_only=True)
def every_way(t):
    program = t.build.app("log-syslog-c")
    env = {**LOGS, "REMORA_LOG_SOURCES": "stderr,syslog"}
    plain = alike(t, IDENTS, lambda agent: output(t, "writer", [program], agent, env if agent else {}))
    t.check(b"formatted 1 times" in plain[1], "the program counts")
    logs = t.logs(len(SAID) + 1)
    by_syslog = [log for log in logs if "log.iostream" not in log["attributes"]]
    t.equal([(log["severity"], log["severity_text"], log["body"].split("aaa")[0], log["attributes"]["syslog.facility"],
              log["attributes"].get("syslog.appname")) for log in by_syslog], SAID, "records")
    cut = by_syslog[9]
    t.equal(len(cut["body"]) + cut["attributes"]["remora.lost_bytes"], 30009, "what is cut is counted")
    t.equal([log["body"] for log in logs if "log.iostream" in log["attributes"]], ["not by syslog"], "lines")


@case("syslog is left alone where it is no source, or no logs are exported", agent_only=True)
def left_alone(t):
    program = t.build.app("log-syslog-c")
    for env in ({}, {**LOGS, "REMORA_LOG_SOURCES": "stdout"}):
        alike(t, IDENTS, lambda agent: output(t, "off", [program], agent, env if agent else {}))
    t.logs(0)


SERVER = """
import http.server, syslog, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        syslog.syslog(syslog.LOG_NOTICE, "asked for " + self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *arguments): pass
syslog.openlog("shop", syslog.LOG_PID, syslog.LOG_LOCAL1)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@case("Python's syslog: what a request says is of its span", agent_only=True)
def of_requests(t):
    port = t.port()
    t.start("shop", ["python3", "-c", SERVER, port], port, env=LOGS)
    get_all(t, port, [f"/home?id={i}" for i in range(30)])
    spans, logs = spans_and_logs(t, 30, 30)
    t.equal(by_request(t, spans, logs), 30, "records with the right span")
    t.equal({(log["severity"], log["attributes"]["syslog.facility"], log["attributes"]["syslog.appname"]) for log in logs},
            {(10, 17, "shop")}, "severity, facility and ident")


SPEAKERS = {
    "php": ["php", "-r", "openlog('app', LOG_PERROR, LOG_USER); syslog(LOG_ERR, 'php says 100%');"],
    "ruby": ["ruby", "-rsyslog", "-e", "Syslog.open('app', Syslog::LOG_PERROR); Syslog.err('%s says 100%%', 'ruby')"],
    "perl": ["perl", "-MSys::Syslog=:DEFAULT,setlogsock", "-e",
             "setlogsock('native'); openlog('app', 'perror', 'user'); syslog('err', '%s says 100%%', 'perl')"],
}


@case("what PHP, Ruby and Perl say by syslog is one record each", list(SPEAKERS), agent_only=True)
def other_runtimes(t):
    for name, argv in SPEAKERS.items():
        alike(t, b"says 100%", lambda agent: output(t, name, argv, agent, LOGS if agent else {}))
        log, = t.logs(1)
        t.equal((log["severity"], log["body"], log["attributes"].get("syslog.appname")),
                (17, f"{name} says 100%", "app"), "record")
        t.sink.logs.clear()
