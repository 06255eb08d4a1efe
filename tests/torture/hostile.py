"""Peers that mean harm: what they send, and how they behave. Used by cases/l_hostile.py."""
import errno
import re
import select
import socket
import struct

SENDS = 1 << 16  # bytes of one call
LIMIT = 60.0     # seconds without a byte, after which a peer gives up: nothing here waits so long

OUR_LINE = re.compile(rb"^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]\r\n", re.M)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=LIMIT)


def reset(connection):
    """Ends a connection as by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def exchange(port, data, half_close=True, keep=1 << 20):
    """Sends `data` (bytes, or an iterator of them) while reading; gives (what came, how it ended).

    Of what comes only the first `keep` bytes are kept, and a count of the rest.
    """
    connection = connect(port)
    connection.setblocking(False)
    pieces = iter([data]) if isinstance(data, bytes) else iter(data)
    waiting, sent_all, got, more = b"", False, bytearray(), 0
    while True:
        if not waiting and not sent_all:
            waiting = next(pieces, b"")
            if not waiting:
                sent_all = True
                if half_close:
                    try:
                        connection.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass
        readable, writable, _ = select.select([connection], [connection] if waiting else [], [], LIMIT)
        try:
            if readable:
                came = connection.recv(SENDS)
                if not came:
                    end = "closed"
                    break
                more += max(0, len(got) + len(came) - keep)
                got += came[:keep - len(got)]
            if writable:
                waiting = waiting[connection.send(waiting[:SENDS]):]
            if not readable and not writable:
                end = "silent"
                break
        except OSError as error:
            end = "closed" if error.errno == errno.EPIPE and not waiting else "reset"
            break
    connection.close()
    return bytes(got), more, end


def plain(answer):
    """Without what differs from one moment to the next."""
    return re.sub(rb"(?mi)^date: [^\r\n]*", b"Date: x", answer)


def alike(a, b):
    """Two outcomes of exchange(): equal, or one was cut by a reset where the other goes on."""
    (got, more, end), (other, other_more, other_end) = a, b
    if "reset" not in (end, other_end):
        return (plain(got), more, end) == (plain(other), other_more, other_end)
    got, other = (plain(x[:x.rfind(b"\r\n") + 2]) for x in (got, other))
    return got.startswith(other) or other.startswith(got)


# ---- what is sent: name, bytes ----

def times(count, of):
    """`of`, a function of a number, for each number below `count`, in handy pieces."""
    piece = []
    for i in range(count):
        piece.append(of(i))
        if len(piece) == 4096:
            yield b"".join(piece)
            piece = []
    yield b"".join(piece)


def after(first, rest):
    yield first
    yield from rest


GET = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
HEAD = b"GET /hello HTTP/1.1\r\nHost: h\r\n"
POST = b"POST /hello HTTP/1.1\r\nHost: h\r\n"


def header_bomb(fields, size):
    """A head of so many fields and about so many bytes."""
    each = max(8, (size - len(HEAD)) // max(fields, 1))
    return HEAD + b"".join(b"X-%04d: %s\r\n" % (i, b"v" * (each - 10)) for i in range(fields)) + b"\r\n"


def sizes():
    """Heads about the limits of servers, and of ours (agent/observe.h)."""
    for fields in (78, 79, 80, 81, 97, 98, 99, 100, 101):
        yield f"{fields} fields", header_bomb(fields, 30 * fields)
    for size in (900, 950, 1000, 1024, 1100, 4000, 5900, 5999, 6001, 8000, 8150, 8191, 8193, 16000, 16300, 16384, 32000):
        yield f"a line of {size} bytes", HEAD + b"X: " + b"v" * (size - len(HEAD) - 7) + b"\r\n\r\n"
        yield f"lines of {size} bytes", header_bomb(20, size)


def heads():
    """Heads that readers may take in more than one way."""
    odd = (b"X\0Y: a", b"X: a\0b", b"X: a\rb", b"X\r: a", b"X : a", b": a", b"X", b" folded", b"X: a\r\n\tb", b"X: \x01\x02\x7f\xff",
           b"X: a\nY: b", b"\r\n", b"\r", b"\n", b"Content-Length: 5, 6", b"Content-Length: -1",
           b"Content-Length: 18446744073709551616", b"Content-Length: 0x10", b"Content-Length: 1_0", b"Content-Length: +5",
           b"Content-Length: 5\r\nContent-Length: 6", b"Transfer-Encoding: chunked\r\nContent-Length: 3",
           b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: xchunked", b"Transfer-Encoding:\x0bchunked",
           b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Connection: \0close", b"Host: b\r\nHost: c",
           b"Expect: 100-continue\r\nContent-Length: 3", b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
           b"Traceparent: 00-zz", b"traceparent: " + b"0" * 100000, b"tracestate: " + b"a=b," * 9000, b"baggage: " + b"%00=%0d%0a," * 900)
    for line in odd:
        yield repr(line[:40]), HEAD + line + b"\r\n\r\n0\r\n\r\n" + GET
    lines = (b"GET /hello\r\n\r\n", b"GET  /hello HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /hello HTTP/1.1 \r\nHost: h\r\n\r\n",
             b"GET /he%0d%0allo HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /hello\rX: y HTTP/1.1\r\nHost: h\r\n\r\n",
             b"GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", b"GET http://other/hello HTTP/1.1\r\nHost: h\r\n\r\n",
             b"GET /hello HTTP/9.9\r\nHost: h\r\n\r\n", b"GET /hello HTTP/1.2\r\nHost: h\r\n\r\n", b"\r\n\r\n" + GET,
             b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\nGET / x", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\x99" * 509,
             b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"\0" * 4096, b"\xff" * 4096, b"G" * 70000)
    for line in lines:
        yield repr(line[:40]), line


def bodies():
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    for size in (b"ffffffffffffffff", b"fffffffffffffffff", b"-1", b"0x5", b"5 ", b" 5", b"5;a=" + b"b" * 100000, b"", b"7fffffff",
                 b"5\n", b"00000000000000000000005", b"5;a=\n0"):
        yield f"chunk {size[:20]!r}", chunked + size + b"\r\nhello\r\n0\r\n\r\n" + GET
    yield "trailers", after(chunked + b"0\r\n", times(20000, lambda i: b"X-%d: y\r\n" % i))
    yield "small chunks", after(chunked, times(50000, lambda i: b"1\r\nx\r\n"))
    yield "length that never comes", POST + b"Content-Length: 1000000000000\r\n\r\n" + b"x" * 500000
    yield "gzip bomb", POST + b"Content-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n" + b"\x1f\x8b\x08" + b"\0" * 997


def floods():
    """Many bytes: a head without an end, and heads of many fields or of one."""
    yield "endless fields", after(HEAD, times(300000, lambda i: b"X-%d: y\r\n" % i))
    yield "endless continuation", after(HEAD + b"X: y\r\n", times(100000, lambda i: b" more of it\r\n"))
    yield "a line of 1 MB", HEAD + b"X: " + b"v" * (1 << 20) + b"\r\n\r\n"
    yield "a target of 1 MB", b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: h\r\n\r\n"
    yield "a method of 1 MB", b"G" * (1 << 20) + b" / HTTP/1.1\r\nHost: h\r\n\r\n"
    yield "5000 fields", HEAD + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n"
    yield "5000 traceparents", HEAD + b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n" * 5000 + b"\r\n"


def all_payloads():
    yield from sizes()
    yield from heads()
    yield from bodies()
    yield from floods()


# ---- how they behave ----

def slow_loris(port, connections):
    """Heads that come byte by byte, on many connections at once; every other is never finished."""
    all_of_them = [connect(port) for _ in range(connections)]
    for byte in GET[:-1]:
        for one in all_of_them:
            one.sendall(bytes([byte]))
    answers = []
    for i, one in enumerate(all_of_them):
        if i % 2:
            one.close()
            continue
        one.sendall(GET[-1:])
        answers.append(one.recv(SENDS)[:12])
        one.close()
    return answers


def resets(port):
    """RST in the middle of a head, of a body, of an answer, and before one."""
    for data in (b"GET /he", HEAD, POST + b"Content-Length: 100\r\n\r\nabc", GET, GET * 50):
        one = connect(port)
        one.sendall(data)
        reset(one)


def pipeline(port, count):
    """Requests back to back on one connection. Gives how many answers came, and how it ended."""
    request = GET.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")
    answers, tail = 0, b""
    connection = connect(port)
    connection.setblocking(False)
    block = request * 1024
    left, offset = len(request) * count, 0
    while answers < count:
        readable, writable, _ = select.select([connection], [connection] if left else [], [], LIMIT)
        try:
            if readable:
                came = connection.recv(1 << 20)
                if not came:
                    return answers, "closed"
                tail += came
                answers += tail.count(b"HTTP/1.1 200")
                tail = tail[-11:] if b"HTTP/1.1 200" not in tail[-11:] else b""
            if writable:
                n = connection.send(block[offset:offset + min(left, SENDS)])
                left, offset = left - n, (offset + n) % len(request)
            if not readable and not writable:
                return answers, "silent"
        except OSError as error:
            return answers, errno.errorcode.get(error.errno, "error")
    connection.close()
    return answers, "whole"
