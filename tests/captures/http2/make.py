#!/usr/bin/env python3
"""Writes the captures of this folder anew: frames are easier to read here than in a .wire file.

Needs the PyPI package `hpack`. Afterwards: meson compile -C build golden-http2.
Usage: make.py FOLDER
"""
import base64
import struct
import sys
from pathlib import Path

import hpack

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class Side:
    def __init__(self, arrow):
        self.arrow, self.encoder = arrow, hpack.Encoder()

    def block(self, *fields, plain=()):
        """`plain` fields are literals that no table takes."""
        return self.encoder.encode([hpack.NeverIndexedHeaderTuple(*f) if f in plain else hpack.HeaderTuple(*f)
                                    for f in fields])


class Capture:
    """Lines of a .wire file, with both sides' settings behind them."""

    def __init__(self, comment, greet=True):
        self.lines = [f"# {comment}"]
        self.client, self.server = Side(">"), Side("<")
        if greet:
            self.send(self.client, PREFACE + frame(SETTINGS))
            self.send(self.server, frame(SETTINGS) + frame(SETTINGS, ACK))

    def send(self, side, data, cut=False):
        if cut:
            self.lines.append("")
        for at in range(0, len(data), 30):
            text = "".join(chr(c) if 0x20 <= c < 0x7f and c != 0x5c else f"\\x{c:02x}" for c in data[at:at + 30])
            self.lines.append(f"{side.arrow} {text}")

    def line(self, text):
        self.lines.append(text)

    def request(self, stream, *more, method="GET", path="/", end=True, plain=()):
        fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "example.com"), *more]
        self.send(self.client, frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream,
                                     self.client.block(*fields, plain=plain)))

    def response(self, stream, *more, status="200", end=True):
        self.send(self.server, frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream,
                                     self.server.block((":status", status), *more)))


TRACEPARENT = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
CAPTURES = {}


def capture(comment, greet=True):
    def add(make):
        def write():
            c = Capture(comment, greet)
            make(c)
            return c
        CAPTURES[make.__name__.replace("_", "-")] = write
        return make
    return add


@capture("One request, one response without a body.")
def get(c):
    c.request(1, ("user-agent", "test"))
    c.response(1, ("server", "test"), status="204")


@capture("Bodies in several frames, empty ones among them.")
def bodies(c):
    c.request(1, method="POST", end=False)
    c.send(c.client, frame(DATA, 0, 1, b"x" * 100) + frame(DATA, 0, 1) + frame(DATA, END_STREAM, 1, b"y" * 20))
    c.response(1, end=False)
    c.send(c.server, frame(DATA, 0, 1, b"z" * 50) + frame(WINDOW, 0, 0, b"\0\0\0\x10") + frame(DATA, END_STREAM, 1))


@capture("Three streams at once, answered in another order, the tables used by all of them.")
def streams(c):
    for stream in (1, 3, 5):
        c.request(stream, ("x-a", "value"), ("x-b", str(stream)), path=f"/{stream}")
    for stream in (5, 1, 3):
        c.response(stream, ("server", "test"), ("x-c", str(stream)), end=False)
    for stream in (1, 3, 5):
        c.send(c.server, frame(DATA, END_STREAM, stream, b"body"))


@capture("Padding and priority in every frame that may have them.")
def padded(c):
    block = c.client.block((":method", "POST"), (":scheme", "http"), (":path", "/"), ("x-a", "b"))
    c.send(c.client, frame(HEADERS, END_HEADERS | PADDED | WITH_PRIORITY, 1,
                           b"\x07" + b"\0\0\0\0\x10" + block + b"\0" * 7))
    c.send(c.client, frame(DATA, END_STREAM | PADDED, 1, b"\x05hello" + b"\0" * 5))
    c.send(c.client, frame(PRIORITY, 0, 3, b"\0\0\0\1\x20"))
    c.send(c.server, frame(HEADERS, END_HEADERS | PADDED, 1, b"\0" + c.server.block((":status", "200"))))
    c.send(c.server, frame(DATA, END_STREAM | PADDED, 1, b"\xff" + b"\0" * 255))


@capture("A frame that is nothing but padding, and padding longer than the frame: mute.")
def padding_too_long(c):
    c.request(1)
    c.send(c.server, frame(HEADERS, END_HEADERS | PADDED, 1, b"\x04" + c.server.block((":status", "200"))))


@capture("A header block in four frames, one of them empty, and a traceparent in the last.")
def continuation(c):
    block = c.client.block((":method", "GET"), (":scheme", "http"), (":path", "/long"), ("x-long", "v" * 50),
                           TRACEPARENT, plain=(TRACEPARENT,))
    c.send(c.client, frame(HEADERS, END_STREAM, 1, block[:10]) + frame(CONTINUATION, 0, 1, block[10:13]) +
           frame(CONTINUATION, 0, 1) + frame(CONTINUATION, END_HEADERS, 1, block[13:]))
    c.response(1)


@capture("An empty HEADERS frame, all fields in the CONTINUATION; the same of the response.")
def continuation_all(c):
    c.send(c.client, frame(HEADERS, END_STREAM, 1) + frame(CONTINUATION, END_HEADERS, 1, c.client.block(
        (":method", "GET"), (":scheme", "http"), (":path", "/"))))
    c.send(c.server, frame(HEADERS, 0, 1) + frame(CONTINUATION, END_HEADERS, 1, c.server.block((":status", "200"))) +
           frame(DATA, END_STREAM, 1))


@capture("Another frame in the middle of a header block: mute.")
def continuation_broken(c):
    c.send(c.client, frame(HEADERS, 0, 1, c.client.block((":method", "GET"))) + frame(PING, 0, 0, b"\0" * 8))


@capture("A CONTINUATION that continues nothing: mute.")
def continuation_alone(c):
    c.request(1)
    c.send(c.client, frame(CONTINUATION, END_HEADERS, 1))


@capture("A traceparent as plain literal, by reference to the table, and as literal that goes there.")
def traceparents(c):
    c.request(1, TRACEPARENT, plain=(TRACEPARENT,))
    c.request(3, TRACEPARENT)
    c.request(5, TRACEPARENT)
    for stream in (1, 3, 5):
        c.response(stream)


@capture("Interim responses before the final one, and trailers of both sides.")
def trailers(c):
    c.request(1, ("te", "trailers"), method="POST", end=False)
    c.response(1, status="100", end=False)
    c.response(1, ("link", "</a>"), status="103", end=False)
    c.send(c.client, frame(DATA, 0, 1, b"message"))
    c.send(c.client, frame(HEADERS, END_HEADERS | END_STREAM, 1, c.client.block(("x-checksum", "1"))))
    c.response(1, ("content-type", "application/grpc"), end=False)
    c.send(c.server, frame(DATA, 0, 1, b"answer"))
    c.send(c.server, frame(HEADERS, END_HEADERS | END_STREAM, 1, c.server.block(("grpc-status", "0"))))


@capture("The response is whole before the request is; the server then wants no more of it.")
def early_response(c):
    c.request(1, method="POST", end=False)
    c.send(c.client, frame(DATA, 0, 1, b"some"))
    c.response(1, status="413")
    c.send(c.server, frame(RST, 0, 1, b"\0\0\0\0"))
    c.send(c.client, frame(DATA, END_STREAM, 1, b"more"))
    c.request(3)
    c.response(3)


@capture("Streams reset by either side, before and after the response began.")
def resets(c):
    for stream in (1, 3, 5, 7):
        c.request(stream)
    c.response(3, end=False)
    c.send(c.client, frame(RST, 0, 1, b"\0\0\0\x08") + frame(RST, 0, 3, b"\0\0\0\x08"))
    c.send(c.server, frame(RST, 0, 5, b"\0\0\0\x07") + frame(RST, 0, 7, b"\0\1\0\0"))
    c.send(c.server, frame(DATA, END_STREAM, 3, b"too late"))
    c.request(9)
    c.response(9)


@capture("Streams that are reset after their whole response, by either side and for any reason, are no errors.")
def reset_after_response(c):
    for stream in (1, 3, 5):
        c.request(stream, method="POST", end=False)
        c.response(stream)
    c.send(c.client, frame(RST, 0, 1, b"\0\0\0\x08"))
    c.send(c.server, frame(RST, 0, 3, b"\0\0\0\0") + frame(RST, 0, 5, b"\0\0\0\x08"))
    c.send(c.client, frame(RST, 0, 3, b"\0\0\0\x05"))
    c.request(7)
    c.response(7)


@capture("The server goes away: of the later streams it will answer none.")
def goaway(c):
    for stream in (1, 3, 5):
        c.request(stream)
    c.send(c.server, frame(GOAWAY, 0, 0, b"\x7f\xff\xff\xff\0\0\0\0"))
    c.send(c.server, frame(GOAWAY, 0, 0, b"\0\0\0\1\0\0\0\0debug data"))
    c.response(1)
    c.line("end <")


@capture("The connection ends with streams under way.")
def closed(c):
    c.request(1)
    c.request(3)
    c.response(1, end=False)
    c.line("end <")


@capture("The connection breaks in the middle of a header block.")
def reset_in_block(c):
    c.request(1)
    c.send(c.client, frame(HEADERS, 0, 3, c.client.block((":method", "GET"))))
    c.line("reset >")


@capture("The client closes its side and waits.")
def half_closed(c):
    c.request(1)
    c.line("end >")
    c.response(1, end=False)
    c.send(c.server, frame(DATA, END_STREAM, 1, b"body"))
    c.line("end <")


@capture("Pushed responses are read for the tables' sake and belong to no request.")
def push(c):
    c.request(1)
    c.send(c.server, frame(PUSH, END_HEADERS, 1, b"\0\0\0\2" + c.server.block(
        (":method", "GET"), (":scheme", "http"), (":path", "/pushed"), ("x-new", "entry"))))
    c.send(c.server, frame(PUSH, PADDED, 1, b"\x02\0\0\0\4" + c.server.block((":method", "GET")) + b"\0\0") +
           frame(CONTINUATION, END_HEADERS, 1, c.server.block((":path", "/other"), ("x-other", "entry"))))
    c.response(1, ("x-new", "entry"), ("x-other", "entry"), end=False)
    c.response(2, ("x-new", "entry"), end=False)
    c.send(c.server, frame(DATA, END_STREAM, 2, b"pushed") + frame(DATA, END_STREAM, 1, b"asked"))


@capture("The tables change their sizes.")
def table_sizes(c):
    for number, size in enumerate((4096, 0, 100, 65536)):
        c.client.encoder.header_table_size = c.server.encoder.header_table_size = size
        c.request(1 + 2 * number, ("x-a", "value"), ("x-b", str(number)))
        c.response(1 + 2 * number, ("x-a", "value"))


@capture("A change of the table's size in the middle of a header block, as golang.org/x/net wrote it.")
def table_size_in_block(c):
    c.request(1)
    c.request(3)
    block = c.server.block((":status", "200"), ("x-a", "value"))
    c.send(c.server, frame(HEADERS, END_HEADERS | END_STREAM, 1, block[:1] + b"\x3f\xe1\x1f" + block[1:]))
    c.response(3, ("x-a", "value"))


@capture("A table larger than we keep: mute.")
def table_too_large(c):
    c.client.encoder.header_table_size = 65537
    c.request(1)


@capture("The client goes without a word behind its preface.", greet=False)
def preface_only(c):
    c.send(c.client, PREFACE)
    c.line("end >")


@capture("A preface with something else behind it: mute.", greet=False)
def no_settings(c):
    c.send(c.client, PREFACE + b"GET / HTTP/1.1\r\n\r\n")


@capture("A preface that is wrong in its last line: mute.", greet=False)
def wrong_preface(c):
    c.send(c.client, b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")


@capture("A server that speaks no HTTP/2: mute.", greet=False)
def no_http2_server(c):
    c.send(c.client, PREFACE + frame(SETTINGS, 0, 0, b"\0\3\0\0\0\x64\0\6\0\0\x20\0"))
    c.send(c.server, b"HTTP/1.1 400 Bad Request\r\n\r\n")


@capture("The server is faster than the client's preface.", greet=False)
def server_first(c):
    c.send(c.server, frame(SETTINGS, 0, 0, b"\0\3\0\0\0\x64"))
    c.send(c.client, PREFACE + frame(SETTINGS))
    c.request(1)
    c.response(1)


@capture("A tunnel, which is over with the answer, and one that is refused.")
def connect(c):
    c.send(c.client, frame(HEADERS, END_HEADERS, 1, c.client.block((":method", "CONNECT"), (":authority", "a:443"))))
    c.response(1, end=False)
    c.send(c.client, frame(DATA, 0, 1, b"tunnelled"))
    c.send(c.server, frame(DATA, END_STREAM, 1, b"tunnelled"))
    c.send(c.client, frame(HEADERS, END_HEADERS, 3, c.client.block((":method", "CONNECT"), (":authority", "a:443"))))
    c.response(3, status="403", end=False)
    c.send(c.server, frame(DATA, END_STREAM, 3, b"no"))


@capture("A WebSocket in a stream (RFC 8441): over with the answer.")
def extended_connect(c):
    c.send(c.client, frame(HEADERS, END_HEADERS, 1, c.client.block(
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"),
        (":authority", "example.com"))))
    c.response(1, end=False)
    c.send(c.client, frame(DATA, END_STREAM, 1, b"frame"))
    c.send(c.server, frame(DATA, END_STREAM, 1, b"frame"))


@capture("Requests without what they must have are none; the connection lives on.")
def malformed(c):
    c.send(c.client, frame(HEADERS, END_HEADERS | END_STREAM, 1, c.client.block((":method", "GET"), ("x-a", "b"))))
    c.send(c.client, frame(HEADERS, END_HEADERS | END_STREAM, 3, c.client.block(("", "no name"), (":path", "/"))))
    c.request(5, ("x-a", "b"))
    c.send(c.server, frame(HEADERS, END_HEADERS, 5, c.server.block(("no-status", "1"))))
    c.send(c.server, frame(DATA, END_STREAM, 5, b"unanswered"))


@capture("A request on an even stream: mute.")
def even_stream(c):
    c.send(c.client, frame(HEADERS, END_HEADERS | END_STREAM, 2, c.client.block((":method", "GET"))))


@capture("A header block that cannot be read: mute.")
def broken_block(c):
    c.request(1)
    c.send(c.client, frame(HEADERS, END_HEADERS | END_STREAM, 3, b"\xff\xff\xff\xff\xff"))


@capture("Content that nobody could show us (sendfile), up to the end of the frame and not beyond.")
def sendfile(c):
    c.request(1)
    c.request(3)
    c.response(1, end=False)
    c.send(c.server, frame(DATA, 0, 1, b"x" * 10)[:9])
    c.line("skip < 10")
    c.send(c.server, frame(DATA, END_STREAM, 1, b"x" * 1000)[:109])
    c.line("skip < 900")
    c.response(3, end=False)
    c.send(c.server, frame(DATA, END_STREAM, 3, b"x" * 10)[:9])
    c.line("skip < 11")


@capture("Frames of unknown kinds and settings, on any stream, are stepped over.")
def unknown(c):
    c.send(c.client, frame(0x42, 0xff, 7, b"whatever") + frame(SETTINGS, 0, 0, b"\xab\xcd\0\0\0\1"))
    c.request(1)
    c.send(c.server, frame(0x42, 0, 0, b"") + frame(PING, 0, 0, b"12345678"))
    c.response(1)


@capture("The server limits header lists.", greet=False)
def list_limit(c):
    c.send(c.client, PREFACE + frame(SETTINGS))
    c.send(c.server, frame(SETTINGS, 0, 0, b"\0\6\0\0\1\0"))
    c.request(1)
    c.response(1)


@capture("A header block of 70 KB in many frames: mute.")
def block_too_large(c):
    block = c.client.block((":method", "GET")) + b"\0\1a\x7f\x81\xff\x01"
    c.send(c.client, frame(HEADERS, 0, 1, block))
    for _ in range(7):
        c.send(c.client, frame(CONTINUATION, 0, 1)[:9].replace(b"\0\0\0", struct.pack(">I", 10000)[1:], 1))
        c.line("fill > 10000 x")


@capture("gRPC-Web: two streams at once, one of them text; frames padded, cut, and in another order than the calls.")
def grpc_web(c):
    message, trailers = b"\0\0\0\0\x05hello", b"\x80\0\0\0\x11grpc-status: 5\r\n\n"
    for stream, kind in (1, "+proto"), (3, "-text"):
        c.request(stream, ("content-type", "application/grpc-web" + kind), method="POST", path="/test.Echo/Say", end=False)
        c.send(c.client, frame(DATA, END_STREAM, stream, message))
    c.response(3, ("content-type", "application/grpc-web-text"), end=False)
    c.response(1, ("content-type", "application/grpc-web+proto"), end=False)
    text = base64.b64encode(message) + base64.b64encode(trailers)
    c.send(c.server, frame(DATA, 0, 1, message[:3]) + frame(DATA, 0, 3, text[:17])
           + frame(DATA, PADDED, 1, b"\4" + message[3:] + trailers[:9] + b"\0" * 4)
           + frame(DATA, END_STREAM, 3, text[17:]) + frame(DATA, 0, 1, trailers[9:]) + frame(DATA, END_STREAM, 1))


def main():
    folder = Path(sys.argv[1])
    for name, write in CAPTURES.items():
        (folder / f"{name}.wire").write_text("\n".join(write().lines) + "\n")


main()
