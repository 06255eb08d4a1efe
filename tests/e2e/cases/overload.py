"""Spans that come faster than they can leave: the program answers, and no span is lost without a count."""
import re

from fault_sink import FaultSink
from harness import case

REQUESTS = 40_000
MEMORY_KB = 32 * 1024  # of a server of 2 MB: rings, queue and exporter are bounded

# What a process says of its spans when it ends (REMORA_DEBUG=export).
ACCOUNT = re.compile(r"spans: (\d+) made, (\d+) left with a relay, (\d+) exported, (\d+) dropped by exporters, "
                     r"(\d+) not delivered; not made: (\d+) ring full, (\d+) too large, (\d+) no memory")


def drive(t, url):
    said = t.run("ab", ["ab", "-q", "-k", "-c", "32", "-n", REQUESTS, url], agent=False)
    t.equal(re.findall(r"Complete requests:\s+(\d+)|Failed requests:\s+(\d+)|Non-2xx responses:\s+(\d+)", said),
            [(str(REQUESTS), "", ""), ("", "0", "")], "requests and failures")


def overload(fault, title, **settings):
    @case(title, ["ab"], agent_only=True, name=fault)
    def run(t):
        sink = FaultSink(fault)
        t.closers.append(sink.close)
        port = t.port()
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "REMORA_DEBUG": "export", "REMORA_EXIT_TIMEOUT": "500", **settings}
        server = t.start("server", [t.build.app("http-server-c-epoll"), port], port, env=env)
        drive(t, server.url + "/hello")
        most = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{server.popen.pid}/status").read())[1])
        t.check(most < MEMORY_KB, f"its memory stays bounded: {most} KB")
        t.stop()
        made, relayed, exported, dropped, late, *unmade = map(int, ACCOUNT.search(server.log.read_text()).groups())
        t.equal((made + sum(unmade), relayed), (REQUESTS, 0), "spans made and not made, one for each request")
        t.equal(made, exported + dropped + late, "exported, dropped and not delivered are all that were made")
        t.check(dropped + sum(unmade) > 0, "there were too many")
        arrived = sum(spans for _, spans in sink.counts())
        t.check(exported <= arrived, f"{exported} exported of {arrived} that the backend took")


overload("silent", "overload: a backend that never answers: each request is answered, each span is exported or counted")
overload("slow", "overload: a backend that is slow: each request is answered, each span is exported or counted",
         OTEL_BSP_MAX_QUEUE_SIZE=256, OTEL_BSP_MAX_EXPORT_BATCH_SIZE=16)


@case("overload below remora run: one relay, a backend that never answers, and two servers that do", ["ab"], agent_only=True)
def relayed(t):
    sink = FaultSink("silent")
    t.closers.append(sink.close)
    ports = [t.port(), t.port()]
    program = t.build.app("http-server-c-epoll")
    script = f"{program} {ports[0]} & {program} {ports[1]} & trap 'kill %1 %2' TERM; wait; wait"
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "REMORA_EXIT_TIMEOUT": "500"}
    host = t.start("host", [t.build.cli, "run", "--", "bash", "-c", script], ports[0], agent=False, env=env)
    with open(t.dir / "second.log", "w"):
        t.wait_for_port(type(host)("second", host.popen, ports[1], t.dir / "second.log", host.stop_signal))
    for port in ports:
        drive(t, f"http://127.0.0.1:{port}/hello")
    t.stop()
    said = host.log.read_text()
    count = re.search(r"remora: (\d+) of (\d+) spans were not delivered \(queue full (\d+), refused (\d+), timed out (\d+)\)"
                      r"(?:; (\d+) lost)?", said)
    t.check(count, f"what was lost is told: {said}")
    missing, received, full, refused, late, lost = (int(n or 0) for n in count.groups())
    # The shell is a span, too.
    t.equal(received + lost, 2 * REQUESTS + 1, "spans that the relay got, and those that found no room")
    t.equal(missing, full + refused + late, "what was not delivered, by reason")
    t.check(full + lost > 0, "there were too many")
