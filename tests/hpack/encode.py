#!/usr/bin/env python3
"""Writes the HPACK test set anew: header blocks made by encoders that are not ours.

A story is one direction of one connection, block after block, with the fields that must come out.
Needs the PyPI package `hpack` and the library libnghttp2.so.14.
Usage: encode.py FOLDER
"""
import ctypes
import random
import sys
from pathlib import Path

import hpack


class PythonHpack:
    name = "python-hpack"

    def __init__(self):
        self.encoder = hpack.Encoder()

    def resize(self, size):
        self.encoder.header_table_size = size

    def encode(self, fields, huffman):
        return self.encoder.encode(
            [hpack.NeverIndexedHeaderTuple(n, v) if never else hpack.HeaderTuple(n, v)
             for n, v, never in fields], huffman=huffman)


class Field(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("value", ctypes.c_char_p), ("name_bytes", ctypes.c_size_t),
                ("value_bytes", ctypes.c_size_t), ("flags", ctypes.c_uint8)]


class Nghttp2:
    name = "nghttp2"

    def __init__(self):
        self.library = ctypes.CDLL("libnghttp2.so.14")
        self.library.nghttp2_hd_deflate_hd.restype = ctypes.c_ssize_t
        self.deflater = ctypes.c_void_p()
        self.must(self.library.nghttp2_hd_deflate_new(ctypes.byref(self.deflater), ctypes.c_size_t(65536)))

    def must(self, result):
        if result < 0:
            sys.exit(f"nghttp2: error {result}")
        return result

    def resize(self, size):
        self.must(self.library.nghttp2_hd_deflate_change_table_size(self.deflater, ctypes.c_size_t(size)))

    def encode(self, fields, huffman):
        array = (Field * len(fields))(*[Field(n, v, len(n), len(v), int(never)) for n, v, never in fields])
        room = ctypes.create_string_buffer(1 << 18)
        got = self.must(self.library.nghttp2_hd_deflate_hd(
            self.deflater, room, ctypes.c_size_t(len(room)), array, ctypes.c_size_t(len(fields))))
        return room.raw[:got]


def word(rng, n, letters=b"abcdefghijklmnopqrstuvwxyz0123456789-_./"):
    return bytes(rng.choice(letters) for _ in range(n))


def name(rng, n):
    """One that strict readers take, too."""
    return b"x-" + word(rng, n, b"abcdefghijklmnopqrstuvwxyz0123456789-")


def request(rng):
    fields = [(b":method", rng.choice([b"GET", b"GET", b"POST", b"OPTIONS"]), False),
              (b":scheme", rng.choice([b"http", b"https"]), False),
              (b":authority", rng.choice([b"example.com", b"www.example.org:8080"]), False),
              (b":path", b"/" + word(rng, rng.randrange(40)), False)]
    pool = [(b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0"),
            (b"accept", b"*/*"), (b"accept-encoding", b"gzip, deflate"), (b"te", b"trailers"),
            (b"content-type", b"application/grpc"), (b"grpc-timeout", b"%dm" % rng.randrange(9)),
            (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333%x-01" % rng.randrange(16)),
            (b"cookie", b"a=" + word(rng, rng.randrange(80))), (name(rng, 3), word(rng, 12)),
            (b"x-empty", b""), (b"if-none-match", b'"%x"' % rng.getrandbits(64))]
    fields += [(n, v, n == b"cookie" and rng.random() < 0.3)
               for n, v in rng.sample(pool, rng.randrange(len(pool)))]
    return fields


def response(rng):
    fields = [(b":status", rng.choice([b"200", b"200", b"204", b"304", b"404", b"500", b"418"]), False)]
    pool = [(b"content-type", b"text/html; charset=utf-8"), (b"server", b"nginx"),
            (b"date", b"Mon, %02d Oct 2013 20:13:21 GMT" % rng.randrange(1, 29)),
            (b"content-length", b"%d" % rng.randrange(100000)), (b"grpc-status", b"0"),
            (b"set-cookie", b"id=" + word(rng, 30) + b"; Max-Age=3600"), (b"vary", b"accept-encoding"),
            (b"x-binary", bytes(rng.randrange(256) for _ in range(rng.randrange(40)))),
            (b"location", b"https://www.example.com/" + word(rng, rng.randrange(30)))]
    return fields + [(n, v, False) for n, v in rng.sample(pool, rng.randrange(len(pool)))]


def large(rng):
    """Entries that push each other out, and some that no table has room for."""
    return [(name(rng, rng.randrange(1, 300)), word(rng, rng.randrange(1500)), rng.random() < 0.1)
            for _ in range(rng.randrange(1, 4))] + [(b"x-huge", word(rng, rng.randrange(5000)), False)]


def escaped(text):
    return "".join(chr(c) if 0x20 <= c < 0x7f and c != 0x5c else f"\\x{c:02x}" for c in text)


def story(encoder, make, blocks, resize, rng):
    lines = []
    for number in range(blocks):
        if resize and number and rng.random() < 0.3:
            for _ in range(rng.randrange(1, 3)):
                encoder.resize(rng.choice([0, 64, 200, 1000, 4096, 8192, 65536]))
        fields = make(rng)
        lines.append("block " + encoder.encode(fields, rng.random() < 0.7).hex())
        lines += [f"{escaped(n)}: {escaped(v)}" for n, v, _ in fields]
    return "\n".join(lines) + "\n"


def main():
    folder = Path(sys.argv[1])
    stories = [("requests", request, 40, False), ("responses", response, 40, False),
               ("resized", request, 40, True), ("large", large, 4, False), ("large-resized", large, 6, True)]
    for kind in (PythonHpack, Nghttp2):
        for number, (name, make, blocks, resize) in enumerate(stories):
            text = story(kind(), make, blocks, resize, random.Random(number))
            (folder / f"{kind.name}-{name}.story").write_text(f"# {kind.name}: {name}\n" + text)


main()
