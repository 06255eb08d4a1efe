"""Both ends of a program under test: the far side that it calls, and the load that makes it call.

Every request has an id, which the program repeats in each of its calls, as data. So the far side knows
the truth: which request a call was made for, and which span it said it came from.
"""
import asyncio
import random
import re
import subprocess
import threading
import time

FAR_DELAY_MS = 8
DEADLINE = 60.0  # of one cell
HEAD = re.compile(rb"GET /call/(\d+)/(\d+)[ ?]")
TRACEPARENT = re.compile(rb"\r\ntraceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-", re.IGNORECASE)


class FarSide:
    """An HTTP server in a thread of its own, over TLS if there is a context. `calls`: (id, trace id, span id)."""

    def __init__(self, tls=None):
        self.calls = []
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(
            asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024, ssl=tls))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                call = HEAD.match(head)
                if call:
                    ids = TRACEPARENT.search(head)
                    self.calls.append((int(call[1]), *(part.decode() for part in ids.groups())) if ids
                                      else (int(call[1]), "", ""))
                await asyncio.sleep(random.random() * FAR_DELAY_MS / 1000)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nfar")
                if b"onnection: close" in head:
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def close(self):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def end(self):
        self.server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class FarSideHttp2(FarSide):
    """The same over HTTP/2 in clear; answers streams side by side, and calls of gRPC, whose methods are the paths."""

    async def serve(self, reader, writer):
        import h2.config
        import h2.connection
        import h2.events
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        answers = set()
        try:
            connection.initiate_connection()
            writer.write(connection.data_to_send())
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        answers.add(asyncio.create_task(self.answer(connection, writer, event)))
                writer.write(connection.data_to_send())
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for answer in answers:
                answer.cancel()
            writer.close()

    async def answer(self, connection, writer, request):
        fields = dict(request.headers)
        call = re.match(r"/call/(\d+)/(\d+)", fields[":path"])
        if call:
            ids = fields.get("traceparent", "-").split("-")
            self.calls.append((int(call[1]), *(ids[1:3] if len(ids) == 4 else ("", ""))))
        await asyncio.sleep(random.random() * FAR_DELAY_MS / 1000)
        if fields.get("content-type", "").startswith("application/grpc"):
            connection.send_headers(request.stream_id, [(":status", "200"), ("content-type", "application/grpc")])
            connection.send_data(request.stream_id, bytes(5))  # a message of no bytes
            connection.send_headers(request.stream_id, [("grpc-status", "0")], end_stream=True)
        else:
            connection.send_headers(request.stream_id, [(":status", "200"), ("content-length", "3")])
            connection.send_data(request.stream_id, b"far", end_stream=True)
        writer.write(connection.data_to_send())


async def ask(reader, writer, path, keep):
    close = b"" if keep else b"Connection: close\r\n"
    writer.write(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: test\r\n" + close + b"\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(f"{path}: {head[:200]}")
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    if length:
        await reader.readexactly(int(length[1]))
    elif re.search(rb"\r\ntransfer-encoding: *chunked", head, re.IGNORECASE):
        await reader.readuntil(b"0\r\n\r\n")
    else:
        await reader.read()
        return False
    return keep and b"\r\nconnection: close" not in head.lower()


async def client(port, path, ids, keep, tls):
    reader = writer = None
    for number in ids:
        for attempt in range(3):
            fresh = writer is None
            try:
                if fresh:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
                again = await ask(reader, writer, path.format(id=number), keep)
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                # A kept connection may be closed by the server at any time between two requests.
                if attempt == 2:
                    raise
                writer = None
        if not again:
            writer.close()
            writer = None
    if writer:
        writer.close()


def load(port, path, first, count, concurrency, keep, deadline=DEADLINE, tls=None):
    """Sends `count` requests, `concurrency` at a time; ids from `first` on. Returns the seconds it took."""
    async def all_of_them():
        ids = iter(range(first, first + count))  # shared: each client takes the next
        await asyncio.wait_for(asyncio.gather(*(client(port, path, ids, keep, tls) for _ in range(concurrency))),
                               deadline)
    begin = time.monotonic()
    asyncio.run(all_of_them())
    return time.monotonic() - begin


def load_http2(port, path, first, count, concurrency, deadline=DEADLINE):
    """The same over HTTP/2 and TLS, in streams of one connection: by curl, whatever the certificate."""
    url = f"https://127.0.0.1:{port}{path.format(id=f'[{first}-{first + count - 1}]')}"
    done = subprocess.run(["curl", "-sS", "-k", "--http2", "-Z", "--parallel-max", str(concurrency), "-w", "%{http_version} %{http_code}\n",
                           "-o", "/dev/null", url], capture_output=True, text=True, timeout=deadline)
    if done.stdout.splitlines() != ["2 200"] * count:
        raise RuntimeError(f"{url}: {done.stdout[-200:]} {done.stderr[-200:]}")
