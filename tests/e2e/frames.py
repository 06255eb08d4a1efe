#!/usr/bin/env python3
"""A client of HTTP/2 that looks at frames. Needs python3-hpack.

  frames.py PORT clear|tls LIST_BYTES PATH...

Asks for all paths at once over one connection, each on a stream of its own, and prints what came as JSON: a list of
{"path", "heads": [{"flags", "fields", "added"}], "body": a hash of it, without PORT}. LIST_BYTES is its SETTINGS_MAX_HEADER_LIST_SIZE; 0: it says
nothing. "added" are the fields of a head that stand at the end of its block as literals that no table takes, from
server-timing on: without them a second decoder, which never sees them, must read the same.
"""
import hashlib
import json
import re
import socket
import ssl
import struct
import sys

import hpack

DATA, HEADERS, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 1, 1, 4, 8, 32
WINDOW_BYTES = 1 << 30
ADDED = re.compile(rb'\x00\x0dserver-timing\x4atraceparent;desc="[0-9a-f-]{55}"'
                   rb'(\x00\x1daccess-control-expose-headers\x0dServer-Timing)?\Z')


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def connect(port, secure):
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    if secure:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        sock = context.wrap_socket(sock, server_hostname="localhost")
        assert sock.selected_alpn_protocol() == "h2"
    return sock


def ask(sock, scheme, paths, list_bytes):
    settings = struct.pack(">HI", 4, WINDOW_BYTES) + (struct.pack(">HI", 6, list_bytes) if list_bytes else b"")
    out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings)
    out += frame(WINDOW, 0, 0, struct.pack(">I", WINDOW_BYTES))
    for i, path in enumerate(paths):
        block = b"\x82" + (b"\x87" if scheme == "https" else b"\x86") + b"\x04" + bytes([len(path)]) + path.encode()
        out += frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, block + b"\x01\x09localhost")
    sock.sendall(out)


def frames(sock):
    """What the server sends, up to the end."""
    have = b""
    while True:
        while len(have) < 9 or len(have) < 9 + int.from_bytes(have[:3], "big"):
            more = sock.recv(1 << 16)
            if not more:
                assert not have, "the last frame is whole"
                return
            have += more
        n = 9 + int.from_bytes(have[:3], "big")
        assert n <= 9 + 16384, "no frame is larger than we take"
        yield have[3], have[4], int.from_bytes(have[5:9], "big") & 0x7fffffff, have[9:n]
        have = have[n:]


def unpadded(kind, flags, payload):
    end = len(payload)
    if flags & PADDED and kind in (DATA, HEADERS, PUSH):
        end, payload = end - payload[0], payload[1:end]
        payload = payload[:end - 1]
    return payload[5:] if kind == HEADERS and flags & PRIORITY else payload


def main(port, how, list_bytes, *paths):
    sock = connect(int(port), how == "tls")
    whole, without = hpack.Decoder(), hpack.Decoder()
    streams = {2 * i + 1: {"path": path, "heads": [], "body": b""} for i, path in enumerate(paths)}
    waiting, block = set(streams), None
    ask(sock, "https" if how == "tls" else "http", paths, int(list_bytes))
    for kind, flags, stream, payload in frames(sock):
        assert block is None or (kind == CONTINUATION and stream == block[0]), "nothing comes between parts of a block"
        payload = unpadded(kind, flags, payload)
        if kind == SETTINGS and not flags & ACK:
            sock.sendall(frame(SETTINGS, ACK))
        elif kind == PING and not flags & ACK:
            sock.sendall(frame(PING, ACK, 0, payload))
        elif kind == DATA:
            streams[stream]["body"] += payload
        elif kind == HEADERS:
            block = (stream, flags, payload)
        elif kind == CONTINUATION:
            block = (stream, block[1] | flags, block[2] + payload)
        assert kind not in (RST, GOAWAY, PUSH), f"frame {kind} {payload}"
        if kind in (HEADERS, CONTINUATION) and flags & END_HEADERS:
            _, flags, coded = block
            block = None
            added = ADDED.search(coded)
            fields = whole.decode(coded)
            rest = without.decode(coded[:added.start()] if added else coded)
            assert rest == fields[:len(rest)], "ours leave the tables as they were"
            streams[stream]["heads"].append({"flags": flags, "fields": rest, "added": fields[len(rest):]})
        if kind in (DATA, HEADERS) and flags & END_STREAM and not block:
            waiting.discard(stream)
        if not waiting:
            break
    assert not waiting, f"no end of {sorted(waiting)}"
    for stream in streams.values():
        stream["body"] = hashlib.sha256(stream["body"].replace(port.encode(), b"PORT")).hexdigest()
    json.dump(list(streams.values()), sys.stdout)


main(*sys.argv[1:])
