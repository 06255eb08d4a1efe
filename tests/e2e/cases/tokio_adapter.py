"""Tasks of tokio work for the request that began them, and a program that looks at itself sees nothing of what tells so."""
import re
import shutil

from fetched import cargo
from harness import case

SOURCES = {"/own": "attached", "/child": "handoff", "/blocking": "handoff", "/after": "handoff"}


def ask(t, name, program, *paths, agent=True, **env):
    """The answers, and what the program wrote."""
    port = t.port()
    server = t.start(name, [program, port], port, agent=agent, env={"RUST_BACKTRACE": "0", **env})
    return [body for _, body in t.get(port, *paths, keep_alive=False)], re.sub(r"\(\d+\)", "(thread)", server.log.read_text())


def stripped(t, program):
    copy = t.dir / "stripped"
    shutil.copy(program, copy)
    t.run("strip", ["strip", copy], agent=False)
    return copy


@case("tokio: tasks work for the request that began them, in programs that are stripped and that are not", ["cargo", "strip"],
      agent_only=True)
def tasks(t):
    program = cargo("tokio-looks")
    for name, each in (("whole", program), ("stripped", stripped(t, program))):
        _, said = ask(t, name, each, *SOURCES, REMORA_PARENT_SOURCE="true", REMORA_DEBUG="init")
        t.check("init: tokio: " in said and "left alone" not in said, f"the adapter moved in: {said}")
    spans = t.spans(2 * 3 * len(SOURCES))
    for name in ("whole", "stripped"):
        spans.count(name, server=2 * len(SOURCES), client=len(SOURCES)).linked(name, "CLIENT", name, "SERVER")
        found = {spans.by_id[s["parent_id"]]["attributes"]["url.path"]: s["attributes"]["remora.parent.source"]
                 for s in spans.of(name, "CLIENT")}
        t.equal(found, SOURCES, "how parents were found")


@case("tokio: a program sees nothing of the adapter in how it is mapped, its tasks that fail, and what it writes", ["cargo"],
      agent_only=True)
def looks(t):
    program = cargo("tokio-looks")
    with_adapter = ask(t, "with", program, "/looks", "/looks")
    t.equal(with_adapter, ask(t, "without", program, "/looks", "/looks", REMORA_ADAPTERS="none"), "without the adapter")
    t.equal(with_adapter, ask(t, "bare", program, "/looks", "/looks", agent=False), "without the agent")
    t.spans(2 * 2)
