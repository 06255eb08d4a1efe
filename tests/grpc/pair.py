"""A client and a server of gRPC, and what is checked of them; run.py says what their calls are."""
import itertools
import re
import traceback

from harness import Failure, Test

# What a client prints without the agent; of `slow` each stack has its own words.
LINES = {
    "say": "hello", "seen": "none", "fail": "NOT_FOUND", "none": "UNIMPLEMENTED", "sum": "150000", "count": "100 10000",
    "chat": "100 100000", "cancel": "CANCELLED", "many": " ".join(["none"] * 50),
}
# The calls that a line is.
CALLS = {
    "say": ["Say"], "seen": ["Seen"], "fail": ["Fail"], "none": ["None"], "sum": ["Sum"], "count": ["Count"],
    "chat": ["Chat"], "slow": ["Slow"], "cancel": ["Slow", "Say"], "many": ["Seen"] * 50,
}
STATUSES = {"Fail": "NOT_FOUND", "None": "UNIMPLEMENTED"}  # of other methods: OK, or it is a matter of the line
# How many messages a span tells of, the request's and the response's: where it is one, nothing is said.
MESSAGES = {"Say": (None, None), "Seen": (None, None), "Sum": (50, None), "Count": (None, 100), "Chat": (50, 100)}
SERVER_ERRORS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
TRACEPARENT = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-0[13]")


def fits(got, wanted):
    """True when each of `got` is in one of the sets `wanted`, each in another one."""
    if len(got) != len(wanted) or len(got) < 3:
        return any(all(g in w for g, w in zip(got, order)) for order in itertools.permutations(wanted)
                   if len(order) == len(got))
    return all(g in w for g, w in zip(got, wanted))


def certificates(t):
    """The folder that GRPC_PEER_TLS names: ca.pem, and key.pem and cert.pem of a server on this machine."""
    folder = t.dir / "tls"
    folder.mkdir()
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
    name = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    t.run("openssl", [*request, "-subj", "/CN=authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem"], agent=False)
    t.run("openssl", [*request, "-subj", "/CN=localhost", *name, "-addext", "basicConstraints=critical,CA:FALSE",
                      "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-keyout", folder / "key.pem",
                      "-out", folder / "cert.pem"], agent=False)
    return folder


class Checked:
    """Something whose checks are results of their own: (title, why it failed or "")."""

    def __init__(self, name, build):
        self.name, self.build = name, build
        self.results, self.notes = [], []

    def holds(self, title, check):
        try:
            why = "" if check() is not False else "no"
        except Failure as reason:
            why = str(reason)
        except Exception:  # a check that breaks has failed, the others go on
            why = traceback.format_exc()
        self.results.append((f"{self.name}: {title}", why))

    def run(self):
        t = Test(self.name, self.build)
        try:
            self.play(t)
        except Exception:
            logs = "\n".join(f"--- {log.name}\n{t.tail(log)}" for log in sorted(t.dir.glob("*.log")))
            self.results.append((f"{self.name}: goes on to its end", traceback.format_exc() + logs))
        finally:
            t.close()
        return self


class Pair(Checked):
    """Each call, with the agent and without; inside TLS only those sides have spans whose TLS the agent sees."""

    def __init__(self, client, server, build, tls=False):
        super().__init__(f"{client.name}-{server.name}{'-tls' if tls else ''}", build)
        self.client, self.server, self.tls = client, server, tls
        self.sides = {name: kind for name, kind, stack in (("client", "CLIENT", client), ("server", "SERVER", server))
                      if stack.traced and (stack.inside or not tls)}
        self.late = client.late | server.late
        self.calls = [(method, self.status(line, method)) for line in client.lines for method in CALLS[line]]

    def status(self, line, method):
        """The statuses that the call of a line may have."""
        if line in self.server.lacks and method != "Say":
            return {"UNIMPLEMENTED"}
        if method == "Slow":
            return self.late if line == "slow" else {"CANCELLED"}
        return {STATUSES.get(method, "OK")}

    def talk(self, t, agent):
        """Both programs, with the agent or without. Returns {line's name: rest of the line}."""
        port = t.port()
        more = {"GRPC_PEER_TLS": self.folder} if self.tls else {}
        server = t.start("server", [*self.server.argv, "server", port], port, agent, {**self.server.environment, **more})
        text = t.run("client", [*self.client.argv, "client", f"127.0.0.1:{port}"], agent, {**self.client.environment, **more})
        if not agent:
            server.stop()
            t.processes.remove(server)
        return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)

    def said(self, name, plain):
        """What a line may be."""
        if name == "slow":
            return self.late
        return {plain.get(name)} if name in self.server.lacks else {LINES[name]}

    def play(self, t):
        self.folder = certificates(t) if self.tls else None
        plain = self.talk(t, False)
        self.holds("the programs do what they should without the agent", lambda: self.lines(t, plain, plain))
        traced = self.talk(t, True)
        self.holds("the client prints the same with the agent", lambda: self.lines(t, traced, plain))
        self.check(t, t.spans_at_least(len(self.sides) * len(self.calls)), traced)

    def lines(self, t, got, plain):
        t.equal(tuple(got), self.client.lines, "the lines")
        for name in got:
            if got is plain or name not in ("seen", "many"):
                t.check(got[name] in self.said(name, plain), f"{name}: got {got[name]!r}")

    def check(self, t, spans, traced):
        calls = len(self.calls)
        self.holds(f"each of {calls} calls is one span on {' and '.join(self.sides) or 'no side'}",
                   lambda: [spans.count(name, **{kind.lower(): calls}) for name, kind in self.sides.items()] and None)
        self.holds("there are no other spans", lambda: t.equal(len(spans.all), calls * len(self.sides), "spans"))
        for method in sorted(set(method for method, _ in self.calls)):
            for service, kind in self.sides.items():
                self.holds(f"{kind} spans of {method} have its name and status",
                           lambda m=method, s=service, k=kind: self.attributes(t, spans, m, s, k))
        if len(self.sides) == 2:
            self.holds("each SERVER span is below the CLIENT span of its call", lambda: self.linked(t, spans))
        self.holds("what reached the handlers are the spans of their calls", lambda: self.seen(t, spans, traced))

    def attributes(self, t, spans, method, service, kind):
        got = []
        for s in spans.of(service, kind):
            if s["name"] != f"test.Echo/{method}":
                continue
            status = s["attributes"].get("rpc.response.status_code")
            error = status if (status != "OK" if kind == "CLIENT" else status in SERVER_ERRORS) else None
            got.append(self.meant(s, status) if method == "Slow" and not got else status)
            spans.attributes(s, rpc__system__name="grpc", rpc__method=f"test.Echo/{method}", error__type=error,
                             server__address="127.0.0.1", network__protocol__version=self.client.http,
                             http__request__method=None)
            t.equal(s["status"], "error" if error else "unset", "the span's status")
            if method in MESSAGES:
                t.equal(tuple(s["attributes"].get(f"remora.rpc.{way}.message_count") for way in ("request", "response")),
                        MESSAGES[method], f"messages of {method}, {kind}")
        wanted = [statuses for name, statuses in self.calls if name == method]
        t.check(fits(got, wanted), f"statuses of {method}: got {got}, want {wanted}")

    def meant(self, span, status):
        """
        A client counts its deadline from the moment of the call: where the head went out late, as it does on a busy machine,
        the stream is cancelled well before that time has passed on the wire, and the span says CANCELLED. Of the
        calls of Slow the first one has the deadline.
        """
        if "slow" not in self.client.lines or status != "CANCELLED" or not 0.3e9 < span["end"] - span["start"] < 0.476e9:
            return status
        self.notes.append(f"a {span['kind']} span of a call whose deadline came is CANCELLED: its head went out late")
        return "DEADLINE_EXCEEDED"

    @staticmethod
    def linked(t, spans):
        spans.linked("server", "SERVER", "client", "CLIENT")
        for s in spans.of("server", "SERVER"):
            t.equal(s["name"], spans.by_id[s["parent_id"]]["name"], "the method above and below")

    def seen(self, t, spans, traced):
        """
        A handler is told of its SERVER span; where that is not seen, or a head came in two reads, of the CLIENT span above
        it; of nothing where there is none.
        """
        values = [traced["seen"], *traced["many"].split()]
        own, above = ({s["span_id"]: s for s in spans.of(name, kind) if s["name"] == "test.Echo/Seen"}
                      for name, kind in (("server", "SERVER"), ("client", "CLIENT")))
        untold, calls = 0, set()
        for value in values:
            if value == "none" and not above:
                untold += 1
                continue
            match = TRACEPARENT.fullmatch(value)
            t.check(match, f"a traceparent: {value}")
            span = own.get(match[2]) or above.get(match[2])
            t.check(span, f"nobody's span: {value}")
            t.equal(match[1], span["trace_id"], "the trace")
            calls.add(span["parent_id"] if span["kind"] == "SERVER" and above else span["span_id"])
            untold += span["kind"] == "CLIENT" and "server" in self.sides
        t.equal(len(calls) + (0 if above else untold), len(values), "calls that the handlers were told of")
        if "server" in self.sides and above:
            t.check(untold <= len(values) // 4, f"{untold} of {len(values)} handlers were not told of their SERVER span")
        if untold and "server" in self.sides:
            self.notes.append(f"{untold} handlers were not told of their SERVER span: their heads came in two reads, or the buffer "
                              "had no room for a field more")
