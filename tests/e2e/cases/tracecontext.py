"""W3C Trace Context level 2 as services show it: what comes in, what the next service receives.

The rules are those of the specification's own test suite, written anew: parse, mutate, restart,
tracestate. The services are ordinary programs without propagation of their own; Node's, an event
loop, passes on the headers it got, as a proxy does.
"""
import re

from apps import c_libcurl, node, python
from harness import case

TRACE, PARENT = "12345678901234567890123456789012", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"

# What comes in as traceparent, and whether its trace goes on.
TRACEPARENTS = [
    ("valid", [GOOD], True),
    ("unsampled", [f"00-{TRACE}-{PARENT}-00"], True),
    ("version cc", [f"cc-{TRACE}-{PARENT}-01"], True),
    ("version cc with more behind", [f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like"], True),
    ("version cc with something else behind", [f"cc-{TRACE}-{PARENT}-01.what-the-future"], False),
    ("version ff", [f"ff-{TRACE}-{PARENT}-01"], False),
    ("version 0", [f"0-{TRACE}-{PARENT}-01"], False),
    ("version of other characters", [f".0-{TRACE}-{PARENT}-01"], False),
    ("version 00 with more behind", [f"{GOOD}-what-the-future-will-be-like"], False),
    ("version 00 with a dash behind", [f"{GOOD}-"], False),
    ("trace id zero", [f"00-{'0' * 32}-{PARENT}-01"], False),
    ("trace id short", [f"00-{TRACE[:-1]}-{PARENT}-01"], False),
    ("trace id long", [f"00-{TRACE}0-{PARENT}-01"], False),
    ("trace id in capitals", [f"00-{'A' * 32}-{PARENT}-01"], False),
    ("trace id of other characters", [f"00-.{TRACE[1:]}-{PARENT}-01"], False),
    ("parent id zero", [f"00-{TRACE}-{'0' * 16}-01"], False),
    ("parent id short", [f"00-{TRACE}-{PARENT[:-1]}-01"], False),
    ("parent id long", [f"00-{TRACE}-{PARENT}0-01"], False),
    ("parent id of other characters", [f"00-{TRACE}-.{PARENT[1:]}-01"], False),
    ("flags of other characters", [f"00-{TRACE}-{PARENT}-.0"], False),
    ("flags short", [f"00-{TRACE}-{PARENT}-1"], False),
    ("flags long", [f"00-{TRACE}-{PARENT}-001"], False),
    ("twice the same", [GOOD, GOOD], False),
    ("two different ones", [GOOD, f"00-{'3' * 32}-{PARENT}-01"], False),
    ("spaces around", [f"   {GOOD}  "], True),
    ("tabs around", [f"\t{GOOD}\t"], True),
    ("empty", [""], False),
]
MEMBERS = [f"m{i}=v{i}" for i in range(33)]

# What comes in as tracestate beside a valid traceparent, and what goes out, joined.
TRACESTATES = [
    ("one member", ["foo=1"], "foo=1"),
    ("two members", ["foo=1,bar=2"], "foo=1,bar=2"),
    ("two headers are joined in order", ["foo=1", "bar=2"], "foo=1,bar=2"),
    ("empty members go", ["foo=1,,bar=2,"], "foo=1,bar=2"),
    ("spaces around members", ["foo=1 \t , \t bar=2"], "foo=1,bar=2"),
    ("all characters of a key", ["0az_-*/=1"], "0az_-*/=1"),
    ("a tenant", ["fw529a3039@dt=FfffD11b"], "fw529a3039@dt=FfffD11b"),
    ("32 members", [",".join(MEMBERS[:32])], ",".join(MEMBERS[:32])),
    ("33 members", [",".join(MEMBERS)], ""),
    ("a key in capitals", ["FOO=1"], ""),
    ("a key with a space", ["foo =1"], ""),
    ("no value", ["foo"], ""),
    ("two equals signs", ["foo=bar=baz"], ""),
    ("a value of 256 characters", ["foo=" + "x" * 256], "foo=" + "x" * 256),
    ("a value of 257 characters", ["foo=" + "x" * 257], ""),
    ("a key of 257 characters", ["x" * 257 + "=1"], ""),
]


class Service:
    def __init__(self, t, start, path, calls):
        self.t, self.path, self.calls = t, path, calls
        port, self.heads = t.header_recorder()
        self.process = start(t, f"http://127.0.0.1:{port}")

    def send(self, headers):
        """One request; returns the trace headers of each call it led to: [(traceparents, tracestates)]."""
        self.heads.clear()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"GET {self.path} HTTP/1.1\r\nHost: a\r\n{lines}Connection: close\r\n\r\n".encode()
        answer = self.t.exchange(self.process.port, head, 1 << 20)
        self.t.check(b" 200 " in answer[:15], f"the service answers 200: {answer!r}")
        self.t.equal(len(self.heads), self.calls, "calls")
        return [([v for k, v in h if k == "traceparent"], [v for k, v in h if k == "tracestate"])
                for h in self.heads]


def check_traceparents(t, service, name, values, goes_on):
    calls = service.send([("traceparent", value) for value in values])
    ids = set()
    for traceparents, _ in calls:
        t.equal(len(traceparents), 1, f"{name}: traceparent headers of the call")
        match = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0([0-3])", traceparents[0])
        t.check(match, f"{name}: a valid traceparent goes out: {traceparents[0]!r}")
        t.equal(match[1] == TRACE, goes_on, f"{name}: the trace goes on ({traceparents[0]})")
        t.check(match[2] != PARENT, f"{name}: the parent id is new")
        t.equal(int(match[3]) & 1, 0 if "-00" == values[0][-3:] and goes_on else 1, f"{name}: sampled flag")
        ids.add(match[2])
    t.equal(len(ids), len(calls), f"{name}: each call has an id of its own")
    t.equal(len({traceparents[0][3:35] for traceparents, _ in calls}), 1, f"{name}: calls share a trace")


def service_case(name, needs, start, path, calls, forwards=False):
    @case(f"W3C Trace Context, {name}: traceparent is continued or restarted as level 2 says", needs,
          agent_only=True, name=f"traceparent_{name}")
    def parse(t):
        service = Service(t, start, path, calls)
        for what, values, goes_on in TRACEPARENTS:
            # What a program passes on of its own accord is its own business.
            if forwards and (len(values) > 1 or len(values[0].strip()) != len(GOOD)):
                continue
            check_traceparents(t, service, what, values, goes_on)

    @case(f"W3C Trace Context, {name}: no traceparent starts a trace, names of headers have no case", needs,
          agent_only=True, name=f"names_{name}")
    def names(t):
        service = Service(t, start, path, calls)
        for traceparents, tracestates in service.send([("tracestate", "foo=1")] if not forwards else []):
            t.check(TRACE not in traceparents[0], "a new trace")
            t.equal(tracestates, [], "tracestate without traceparent is not passed on")
        for spelling in ("TraceParent", "TRACEPARENT", "tRaCePaReNt"):
            for traceparents, _ in service.send([(spelling, GOOD)]):
                t.equal([value[3:35] for value in traceparents], [TRACE], spelling)

    @case(f"W3C Trace Context, {name}: only the defined flags go out, the random flag unchanged", needs,
          agent_only=True, name=f"flags_{name}")
    def flags(t):
        service = Service(t, start, path, calls)
        for came, goes in (("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03"), ("fd", "01")):
            for traceparents, _ in service.send([("traceparent", f"00-{TRACE}-{PARENT}-{came}")]):
                t.equal(traceparents[0][53:], goes, f"flags {came}")

    if forwards:
        return

    @case(f"W3C Trace Context, {name}: tracestate is joined, checked and passed on", needs,
          agent_only=True, name=f"tracestate_{name}")
    def tracestate(t):
        service = Service(t, start, path, calls)
        for what, values, want in TRACESTATES:
            headers = [("traceparent", GOOD), *[("tracestate", value) for value in values]]
            for traceparents, tracestates in service.send(headers):
                t.equal(traceparents[0][3:35], TRACE, f"{what}: the trace goes on")
                t.equal(",".join(tracestates), want, f"{what}: tracestate")
        for invalid in ("00-" + "0" * 32 + f"-{PARENT}-01", "nonsense"):
            for _, tracestates in service.send([("traceparent", invalid), ("tracestate", "foo=1")]):
                t.equal(tracestates, [], "tracestate of an invalid traceparent")


service_case("c", ["cc"], c_libcurl, "/call", 2)
service_case("python", ["python3"], python, "/call", 1)
service_case("node", ["node"], node, "/forward", 1, forwards=True)


@case("baggage travels through a service unchanged", ["python3"], agent_only=True)
def baggage(t):
    port, heads = t.header_recorder()
    service = python(t, f"http://127.0.0.1:{port}")
    t.get(service.port, "/call", headers={"traceparent": GOOD, "baggage": "a=1;p=x , b=%20y"})
    t.equal([v for k, v in heads[0] if k == "baggage"], ["a=1;p=x , b=%20y"], "baggage")


PROPAGATORS = {
    "b3": ({"b3": f"{TRACE}-{PARENT}-1"}, {"b3": rf"{TRACE}-[0-9a-f]{{16}}-1"}),
    "b3multi": ({"X-B3-TraceId": TRACE, "X-B3-SpanId": PARENT, "X-B3-Sampled": "1"},
                {"x-b3-traceid": TRACE, "x-b3-spanid": "[0-9a-f]{16}", "x-b3-sampled": "1"}),
    "xray": ({"X-Amzn-Trace-Id": f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={PARENT};Sampled=1"},
             {"x-amzn-trace-id": rf"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent=[0-9a-f]{{16}};Sampled=1"}),
    "jaeger": ({"uber-trace-id": f"{TRACE}:{PARENT}:0:1"}, {"uber-trace-id": rf"{TRACE}:[0-9a-f]{{16}}:0:1"}),
}


def propagator_case(name, sent, wanted):
    @case(f"OTEL_PROPAGATORS={name}: the trace comes in and goes out in that format only", ["python3"],
          agent_only=True, name=f"propagator_{name}")
    def run(t):
        port, heads = t.header_recorder()
        at = t.port()
        from apps import script
        t.start("service", ["python3", script("http-server-python", "py"), at], at,
                env={"BACKEND": f"http://127.0.0.1:{port}", "OTEL_PROPAGATORS": name})
        t.get(at, "/call", headers=sent)
        got = dict(heads[0])
        for header, pattern in wanted.items():
            t.check(re.fullmatch(pattern, got.get(header, "")), f"{header}: {got.get(header)!r}")
            t.check(PARENT not in got[header], f"{header} has a new id")
        t.check("traceparent" not in got, "no traceparent")
        spans = t.spans(2).linked("service", "CLIENT", "service", "SERVER")
        t.equal(spans.of("service", "SERVER")[0]["parent_id"], PARENT, "the SERVER span's parent")


for name, (sent, wanted) in PROPAGATORS.items():
    propagator_case(name, sent, wanted)


@case("OTEL_PROPAGATORS=none: nothing is read, nothing is added", ["python3", "curl"], agent_only=True)
def propagator_none(t):
    port, heads = t.header_recorder()
    t.run("curl", ["curl", "-sS", f"http://127.0.0.1:{port}/"], env={"OTEL_PROPAGATORS": "none"})
    t.equal([k for k, _ in heads[0] if "trace" in k], [], "trace headers")
    t.spans(1).count("curl", client=1)
