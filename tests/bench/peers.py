"""OpenTelemetry's agents for Node, Python and Java, as their own documents say to start them without a change of code.

Each is a function that returns the environment that does it. What they are made of comes once from its registry,
into deps/bench-*.
"""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from fetched import fetched, npm, run  # noqa: E402

JAVA = "io.opentelemetry.javaagent:opentelemetry-javaagent:2.22.0"
PYTHON = ("opentelemetry-distro", "opentelemetry-exporter-otlp-proto-http", "opentelemetry-instrumentation-flask",
          "opentelemetry-instrumentation-wsgi", "opentelemetry-instrumentation-aiohttp-server")
RELEASE_PYTHON = "/usr/bin/python3"  # it has the modules that the programs import


def node():
    modules = npm("bench-node", "@opentelemetry/api", "@opentelemetry/auto-instrumentations-node")
    return {"NODE_OPTIONS": f"--require {modules}/@opentelemetry/auto-instrumentations-node/build/src/register.js"}


def python():
    def make(folder):
        run(RELEASE_PYTHON, "-m", "venv", "--system-site-packages", folder)
        run(folder / "bin" / "pip", "-q", "install", *PYTHON)
    modules = next(fetched("bench-python", make).glob("lib/python3*/site-packages"))
    return {"PYTHONPATH": f"{modules}/opentelemetry/instrumentation/auto_instrumentation:{modules}"}


def java():
    folder = fetched("bench-java", lambda folder: run("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={JAVA}",
                                                     f"-DoutputDirectory={folder}"))
    return {"JAVA_TOOL_OPTIONS": f"-javaagent:{next(folder.glob('*.jar'))}"}


def versions():
    """What was measured, by name; of what was not fetched nothing."""
    def said(*command):
        return subprocess.run(command, capture_output=True, text=True).stdout
    deps = Path(__file__).resolve().parents[2] / "deps"
    pip, package = deps / "bench-python/bin/pip", deps / "bench-node/node_modules/@opentelemetry/auto-instrumentations-node/package.json"
    found = {}
    if package.exists():
        found["auto-instrumentations-node"] = said("node", "-p", f"require('{package}').version").strip()
    if pip.exists():
        listed = dict(line.split("==") for line in said(pip, "freeze", "--local").splitlines() if "==" in line)
        found["opentelemetry-distro"] = listed.get("opentelemetry-distro", "-")
    if (deps / "bench-java").exists():
        found["opentelemetry-javaagent"] = JAVA.rpartition(":")[2]
    return found


FETCH = {"node": node, "python": python, "java": java}
