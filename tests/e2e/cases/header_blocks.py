"""Header blocks that we changed, by tests/hpack/edited.c, as the decoders of others read them."""
import re
import subprocess

from harness import APPS, ROOT, case
from http2_apps import JAVA, NETTY

OURS = "00-01000000000000000000000000000000-{:016x}-01"


def told(text):
    """The heads that a reader printed, each a list of "name: value"."""
    return [head.splitlines() for head in re.split(r"^head\n", text, flags=re.M)[1:]]


def written(story):
    """The heads of a story."""
    blocks = re.split(r"^block [0-9a-f]+\n", story, flags=re.M)[1:]
    return [block.splitlines() for block in blocks]


def without_traceparent(head):
    return [field for field in head if not field.startswith("traceparent: ")]


def check(t, story, heads, what):
    wanted = written(story)
    t.equal(len(heads), len(wanted), f"heads that {what} reads")
    kept = 0
    for number, (head, want) in enumerate(zip(heads, wanted), 1):
        t.equal(without_traceparent(head), without_traceparent(want), f"head {number} as {what} reads it")
        ours = f"traceparent: {OURS.format(number)}"
        contexts = [field for field in head if field.startswith("traceparent: ")]
        kept += contexts != [ours]
        t.check(contexts == [ours] or contexts == [f for f in want if f.startswith("traceparent: ")],
                f"the context of head {number} as {what} reads it: {contexts}")
    t.check(kept < len(heads) / 2, f"most heads have ours: {kept} of {len(heads)} have another")


def python(decoder):
    return lambda t, file: t.run("reader", ["python3", APPS / "http2-reader-python" / "main.py", decoder, file], agent=False)


def go(t, file):
    return t.run("reader", [t.build.app("http2-reader-go"), file], agent=False)


def node(t, file):
    return t.run("reader", ["node", APPS / "http2-reader-node" / "main.js", file], agent=False)


def netty(t, file):
    program = t.build.app("http2-reader-java-netty", "Main", ["-cp", NETTY])
    return t.run("reader", [*JAVA, "-cp", f"{program}:{NETTY}", "Main", file], agent=False)


READERS = {"nghttp2": (python("nghttp2"), ["nghttpd"]), "hpack": (python("hpack"), ["hypercorn"]), "go": (go, ["go"]),
           "node": (node, ["node"]), "netty": (netty, ["java", "javac"])}


# Go's x/net takes a second change of the table's size in a block for an error, which nghttp2 and hpack make.
KINDS = {"go": ["requests"]}


def reader(name):
    read, needs = READERS[name]

    @case(f"{name} reads what we made of the header blocks of nghttp2 and of Python's hpack, their tables in step with ours",
          needs, agent_only=True, name=f"read_by_{name}")
    def run(t):
        for encoder in ("nghttp2", "python-hpack"):
            for kind in KINDS.get(name, ["requests", "resized"]):
                story = ROOT / "tests" / "hpack" / f"{encoder}-{kind}.story"
                file = t.dir / f"{encoder}-{kind}.bytes"
                with open(file, "wb") as out:
                    subprocess.run([t.build.folder / "tests" / "hpack" / "edited", story], stdout=out, check=True)
                check(t, story.read_text(), told(read(t, file)), f"{name} {encoder}-{kind}")


for name in READERS:
    reader(name)
