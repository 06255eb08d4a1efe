"""Programs on libraries with an event loop: whom their callbacks work for, and that they see nothing of what tells so."""
import subprocess

from context import compare
from harness import Skip, case


def flags(package):
    found = subprocess.run(["pkg-config", "--cflags", "--libs", package], capture_output=True, text=True)
    if found.returncode:
        raise Skip(f"not installed: {package}")
    return found.stdout.split()


def right(name):
    @case(f"{name}: each call has its request for a parent", agent_only=True, name="right_" + name.replace("-", "_"))
    def run(t):
        compare(t, name)


def never_wrong(name):
    @case(f"{name}: no call has a wrong parent", agent_only=True, name="never_wrong_" + name.replace("-", "_"))
    def run(t):
        compare(t, name, missing_allowed=1)


for each in ("soup-async", "soup-pool", "libevent"):
    right(each)
for each in ("soup-line", "soup-guarded", "soup-first", "soup-fourth", "soup-tokens", "libevent-line", "libevent-made",
             "libevent-guarded", "libevent-fourth"):
    never_wrong(each)


def look(t, name, program, far, agent=True, **env):
    port = t.port()
    t.start(name, [program, port], port, agent=agent, env={"FAR": f"http://127.0.0.1:{far}/", **env})
    return [body for _, body in t.get(port, "/", "/")]


def compare_looks(t, program, *seen_parts):
    """The program's answers with the adapter, without it and without the agent, and the spans of the first two."""
    far = t.port()
    t.start("far", ["python3", "-m", "http.server", far, "--bind", "127.0.0.1"], far, agent=False)
    seen = look(t, "with", program, far, REMORA_PARENT_SOURCE="true")
    for part in seen_parts:
        t.check(part in seen[0], f"what it saw: {seen[0]}")
    t.equal(seen, look(t, "without", program, far, REMORA_ADAPTERS="none"), "without the adapter")
    t.equal(seen, look(t, "bare", program, far, agent=False), "without the agent")
    spans = t.spans(8).count("with", server=2, client=2).linked("with", "CLIENT", "with", "SERVER")
    t.equal([s["attributes"]["remora.parent.source"] for s in spans.of("with", "CLIENT")], ["header"] * 2, "how it is known")


@case("libsoup: a program finds its own headers, sources and arguments", ["pkg-config", "python3"], agent_only=True)
def soup_looks(t):
    compare_looks(t, t.build.app("soup-looks", options=flags("libsoup-3.0")), b"argument: 1", b"idle: 1, timer: 1", b"user: 1")


@case("libevent: a program finds its own headers, functions and arguments", ["pkg-config", "python3"], agent_only=True)
def libevent_looks(t):
    compare_looks(t, t.build.app("libevent-looks", options=flags("libevent")), b"timer: 1 1 1", b"user: 1")
