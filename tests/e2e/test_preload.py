#!/usr/bin/env python3
"""The preloaded object by itself, without remora run: what it says of its settings and its backend.

Usage: test_preload.py REMORA        prints TAP
"""
import http.server
import re
import shutil
import socket
import subprocess
import sys
import threading

from cli_harness import CLEAN, EXCHANGE, PATIENCE, Folder, equal, main, python, remora, test


def preloaded(code, env):
    """Runs python with the object alone, without remora run."""
    where = remora("run", "-q", "--", *python("import os; print(os.environ['LD_PRELOAD'])")).stdout.strip()
    return subprocess.run(python(code), env={**CLEAN, "LD_PRELOAD": where, **env}, text=True,
                          capture_output=True, timeout=PATIENCE)


# One request to the port named first, and the end.
CALL = ("import socket; c = socket.create_connection(('127.0.0.1', {})); c.settimeout(60);"
        "c.sendall(b'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); c.recv(9999)")


class Says:
    """A server that answers every request with one status: Says(503) as port."""

    def __init__(self, status):
        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self.server.server_port

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@test
def a_last_flush_says_where_it_went_and_what_came_of_it():
    with Says(200) as peer, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refused = closed.getsockname()[1]

        def said(port):
            return preloaded(CALL.format(peer), {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
                                                 "REMORA_DEBUG": "export", "REMORA_EXIT_TIMEOUT": "30000"}).stderr

        text = said(refused)
        equal(len(re.findall(f"http://127.0.0.1:{refused}/v1/traces: 0 spans taken, 1 not: "
                             r"errno 111 \(connection refused\)\n", text)), 1)
        assert "0 exported, 0 dropped by exporters, 1 not delivered;" in text, text
        for status, taken in ((200, 1), (400, 0), (401, 0), (503, 0), (302, 0)):
            with Says(status) as backend:
                text = said(backend)
            line = f"http://127.0.0.1:{backend}/v1/traces: {taken} spans taken, {1 - taken} refused: HTTP status {status}\n"
            equal((status, text.count(line)), (status, 1))
            assert f"{taken} exported, 0 dropped by exporters, {1 - taken} not delivered;" in text, text


@test
def without_its_exporter_a_process_says_what_still_leaves():
    with Folder() as path, Says(200) as port:
        where = remora("run", "-q", "--", *python("print(*{line.split()[-1] for line in open('/proc/self/maps')"
                                                  " if 'libremora.so' in line})")).stdout.strip()
        alone = path / "libremora.so"
        shutil.copy(where, alone)
        # The thread that misses it starts at a poll, and is waited for. What it says is in a file, to be seen.
        said = path / "said"
        code = (f"import os; os.dup2(os.open({str(said)!r}, os.O_CREAT | os.O_WRONLY | os.O_APPEND), 2); {EXCHANGE}; import select;"
                f"any('spans leave only' in open({str(said)!r}).read() or select.poll().poll(10) for _ in range(6000))")
        preloaded(code, {"LD_PRELOAD": str(alone), "REMORA_DEBUG": "export",
                         "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "REMORA_EXIT_TIMEOUT": "30000"})
        text = said.read_text()
    assert "spans leave only at the end of the process, and over plain http only: " in text, text
    assert "2 made, 0 left with a relay, 2 exported" in text, text


@test
def a_wrong_setting_is_said_by_a_process_with_a_connection_and_by_no_other():
    wrong = {"OTEL_BSP_MAX_QUEUE_SIZE": "many", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
             "OTEL_RESOURCE_ATTRIBUTES": "team"}
    equal(preloaded("print('out')", wrong).stderr, "")
    with Says(200) as port:
        said = preloaded(CALL.format(port), wrong).stderr
        equal(preloaded(CALL.format(port), {**wrong, "OTEL_LOG_LEVEL": "error"}).stderr, "")
    equal([len(re.findall(name, said)) for name in ("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_RESOURCE_ATTRIBUTES")], [1, 1])


sys.exit(main())
