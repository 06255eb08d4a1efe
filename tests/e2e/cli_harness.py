"""What the tests of the remora command share: REMORA, the command line's first argument, run in a clean environment."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

REMORA = str(Path(sys.argv[1]).resolve())
PATIENCE = 120  # seconds until a hang is called one
TESTS = []

# What would change the behaviour under test.
CLEAN = {k: v for k, v in os.environ.items()
         if not k.startswith(("OTEL_", "REMORA_", "TRACE", "BAGGAGE", "LD_", "ASAN_"))
         and k not in ("NO_COLOR", "XDG_RUNTIME_DIR")}


def test(run):
    TESTS.append(run)
    return run


def remora(*args, env=None, stdin="", **more):
    return subprocess.run([REMORA, *args], env={**CLEAN, **(env or {})}, input=stdin, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, **more)


def python(code):
    return [sys.executable, "-c", code]


# One request to a server in the same process.
EXCHANGE = ("import http.client, http.server, threading;"
            "s = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler);"
            "threading.Thread(target=s.serve_forever, daemon=True).start();"
            "c = http.client.HTTPConnection('127.0.0.1', s.server_port); c.request('HEAD', '/');"
            "c.getresponse().read(); s.shutdown()")


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


class Folder:
    """A temporary folder: Folder() as path."""

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="remora-cli-"))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def records_of(path, resources, scopes, records):
    """(resource attributes, record) of every one in a JSON lines file."""
    def plain(attributes):
        return {a["key"]: next(iter(a["value"].values())) for a in attributes}

    found = []
    for line in path.read_text().splitlines():
        for resource in json.loads(line).get(resources, []):
            for scope in resource[scopes]:
                for record in scope[records]:
                    record["attributes"] = plain(record.get("attributes", []))
                    found.append((plain(resource["resource"]["attributes"]), record))
    return found


def spans_of(path):
    return records_of(path, "resourceSpans", "scopeSpans", "spans")


def logs_of(path):
    return records_of(path, "resourceLogs", "scopeLogs", "logRecords")


def main():
    failed = 0
    for number, run in enumerate(TESTS, 1):
        name = run.__name__.replace("_", " ")
        try:
            skip = run()
            print(f"ok {number} - {name}" + (f" # SKIP {skip}" if skip else ""), flush=True)
        except Exception:  # one broken test is one failed test
            failed += 1
            print(f"not ok {number} - {name}")
            print("\n".join("# " + line for line in traceback.format_exc().splitlines()), flush=True)
    print(f"1..{len(TESTS)}")
    return failed != 0
