"""Stacks of slow calls: of the thread that waited for them, and of no event loop."""
import http.server
import threading
import time

from harness import case
from sink import Server

# Much longer than a machine that is busy keeps a quick call waiting.
SLOW = {"REMORA_SLOW_STACK": "2500"}
ASYNC = '''
import asyncio, sys
async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    writer.write(b"GET /slow HTTP/1.1\\r\\nHost: here\\r\\nConnection: close\\r\\n\\r\\n")
    print(len(await reader.read()) > 0)
    writer.close()
asyncio.run(main())
'''
SQLITE = '''
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE t (i INTEGER)")
db.create_function("nap", 0, lambda: time.sleep(3))
print(db.execute("SELECT nap()").fetchone())
print(db.execute("SELECT 1").fetchone())
'''


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep({"/slow": 3, "/some": 0.005}.get(self.path, 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def slow_server(t):
    server = Server(("127.0.0.1", 0), Handler)
    t.closers += [server.server_close, server.shutdown]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server.server_address[1]


def stack(span):
    return span["attributes"].get("code.stacktrace")


@case("a slow call has the stack of the thread that waited for it, with functions; others have none", ["curl"], agent_only=True)
def blocking(t):
    url = f"http://127.0.0.1:{slow_server(t)}"
    for env in SLOW, {}:
        t.run("curl", ["curl", "-sS", url + "/fast", url + "/slow"], env=env)
    spans = t.spans(4).all
    t.equal([bool(stack(s)) for s in spans], [False, True, False, False], "stacks")
    text = stack(spans[1])
    t.check("    at curl_easy_perform+0x" in text and "\nbuild id of " in text and "libremora" not in text, text)


@case("a call that an event loop waited for has no stack", ["python3", "node"], agent_only=True)
def loops(t):
    port = slow_server(t)
    script = f"require('http').get('http://127.0.0.1:{port}/slow', r => r.resume())"
    t.run("node", ["node", "-e", script], env=SLOW)
    t.run("asyncio", ["python3", "-c", ASYNC, port], env=SLOW)
    spans = t.spans(2).all
    t.check(all(s["end"] - s["start"] >= 2_500_000_000 for s in spans), "they were slow")
    t.equal([stack(s) for s in spans], [None, None], "stacks")


@case("more slow calls than the rate allows are counted as attributes that are not there", ["curl"], agent_only=True)
def rate(t):
    url, count = f"http://127.0.0.1:{slow_server(t)}/some", 200
    t.run("curl", ["curl", "-sS", *[url] * count], env={"REMORA_SLOW_STACK": "4"})
    spans = t.spans(count).all
    stacks = [bool(stack(s)) for s in spans]
    t.equal([s["dropped_attributes"] for s in spans], [int(not has) for has in stacks], "dropped attributes")
    t.check(0 < sum(stacks) < count, f"{sum(stacks)} stacks")


@case("a slow query of SQLite has the stack of its step", ["python3"], agent_only=True)
def sqlite(t):
    said = t.run("sqlite", ["python3", "-c", SQLITE, t.dir / "a.db"], env=SLOW)
    t.equal(said, "(None,)\n(1,)\n", "answers")
    spans = [s for s in t.spans_at_least(3).all if s["name"].startswith("SELECT")]
    t.equal([bool(stack(s)) for s in spans], [True, False], "stacks")
    t.check("/_sqlite3." in stack(spans[0]), stack(spans[0]))


@case("below `remora run` functions are found in the relay", ["curl"], agent_only=True)
def relay(t):
    out = t.dir / "spans.json"
    url = f"http://127.0.0.1:{slow_server(t)}/slow"
    t.run("run", [t.build.cli, "run", "-q", "--json", out, "--", "curl", "-sS", url], agent=False, env=SLOW)
    t.check("    at curl_easy_perform+0x" in out.read_text(), out.read_text())
