"""One program under load: started, asked, judged."""
import importlib.util
import os
import ssl
import subprocess
import time
from pathlib import Path

import database
from drive import FarSide, FarSideHttp2, load, load_http2
from harness import which
from java_programs import JARS
from judge import judge
from node_programs import NODE, PACKAGES
from programs import PYTHON
from tls_apps import Certificates, java_keys


def why_not(program):
    """What is not installed here."""
    missing = [p for p in program.needs if not which(p)]
    for module in program.modules:
        found = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True)
        missing += [module] if found.returncode else []
    missing += ["curl"] if program.https == 2 and not which("curl") else []
    missing += ["python3-h2"] if program.http2 and not importlib.util.find_spec("h2") else []
    missing += [header for header in program.headers if not Path("/usr/include", header).exists()]
    for package in program.packages if not missing else ():
        found = subprocess.run([NODE, "-e", f"require('{package}')"], capture_output=True,
                               env={**os.environ, "NODE_PATH": PACKAGES})
        missing += [package] if found.returncode else []
    for gem in program.gems if not missing else ():
        found = subprocess.run([which("ruby"), "-e", f"require '{gem}'"], capture_output=True)
        missing += [gem] if found.returncode else []
    if program.jars and not (JARS / program.jars).exists():
        missing.append(f"the jars of {program.jars}")
    missing += [database.why_no(program.database)] if program.database and database.why_no(program.database) else []
    return ", ".join(missing)


def tls_context(certificates, http2):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if http2:
        context.set_alpn_protocols(["h2"])
    context.load_cert_chain(certificates.server)
    return context


def anybody():
    """Of a client that believes every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def quiet(calls):
    """Waits until what goes on after the last answer has been done."""
    for _ in range(20):
        before = len(calls)
        time.sleep(1)
        if len(calls) == before:
            return


def measure(t, program, requests, keeps=(True, False), env={}):
    """{(concurrency, kept): Row} of one program, started by the test `t`, which ends it."""
    far, first, cells = None, 0, {}  # who calls for nobody gives the number 0, of which there is no request
    if program.measure:
        return program.measure(t, requests, env)
    certificates = Certificates(t) if (program.tls and not program.database) or program.https else None
    if program.database:
        url = database.STARTERS[program.database](t, program.tls)
    else:
        far = (FarSideHttp2 if program.http2 else FarSide)(tls_context(certificates, program.http2) if program.tls else None)
        t.closers.append(far.close)
        url = f"{'https' if program.tls else 'http'}://127.0.0.1:{far.port}"
    if program.https:
        env = {"KEYSTORE": java_keys(certificates), **({"HTTP2": "1"} if program.https == 2 else {}), **env}
    _, path = program.start(t, url, env)
    for concurrency, count in requests.items():
        for keep in keeps:
            if program.https == 2:
                load_http2(t.processes[-1].port, path, first + 1, count, concurrency)
            else:
                load(t.processes[-1].port, path, first + 1, count, concurrency, keep, tls=anybody() if program.https else None)
            cells[concurrency, keep] = range(first + 1 if cells or not far else 0, first + count + 1)
            first += count
    if far:
        quiet(far.calls)
    calls = len(far.calls) if far else sum(map(database.calls_of, range(1, first + 1)))
    t.sink.wait(first + calls, 5.0)
    while not far and len(t.sink.wait(0, 0)) < len(t.sink.wait(1 << 30, 2.0)):
        pass  # drivers have questions of their own: nobody knows how many
    t.stop()
    spans = list(t.sink.wait(first + calls, 5.0))
    if not far:
        return {cell: database.judge(spans, "server", ids) for cell, ids in cells.items()}
    return {cell: judge([c for c in far.calls if c[0] in ids], spans, "server") for cell, ids in cells.items()}
