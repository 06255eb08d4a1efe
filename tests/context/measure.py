"""One program under load: started, asked, judged."""
import importlib.util
import ssl
import subprocess
from pathlib import Path

from drive import FarSide, FarSideHttp2, load
from harness import which
from judge import judge
from programs import PYTHON
from tls_apps import Certificates


def why_not(program):
    """What is not installed here."""
    missing = [p for p in program.needs if not which(p)]
    for module in program.modules:
        found = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True)
        missing += [module] if found.returncode else []
    missing += ["python3-h2"] if program.http2 and not importlib.util.find_spec("h2") else []
    missing += [header for header in program.headers if not Path("/usr/include", header).exists()]
    return ", ".join(missing)


def tls_context(t):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Certificates(t).server)
    return context


def measure(t, program, requests, keeps=(True, False), env={}):
    """{(concurrency, kept): Row} of one program, started by the test `t`, which ends it."""
    far = FarSideHttp2() if program.http2 else FarSide(tls_context(t) if program.tls else None)
    t.closers.append(far.close)
    first, cells = 1, {}
    _, path = program.start(t, f"{'https' if program.tls else 'http'}://127.0.0.1:{far.port}", env)
    for concurrency, count in requests.items():
        for keep in keeps:
            load(t.processes[-1].port, path, first, count, concurrency, keep)
            cells[concurrency, keep] = range(first, first + count)
            first += count
    t.sink.wait(first - 1 + len(far.calls), 5.0)
    t.stop()
    spans = list(t.sink.wait(first - 1 + len(far.calls), 5.0))
    return {cell: judge([c for c in far.calls if c[0] in ids], spans, "server") for cell, ids in cells.items()}
