#!/usr/bin/env python3
"""Writes the captures of this folder: conversations of MongoDB's protocol, message by message."""
import random
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).parent
CHECKSUM, MORE, EXHAUST = 1, 2, 1 << 16


class Raw:
    """A value of any type, as it lies there."""

    def __init__(self, kind, data):
        self.kind, self.data = kind, data


def element(name, value):
    key = name.encode() + b"\0"
    if isinstance(value, Raw):
        return bytes([value.kind]) + key + value.data
    if isinstance(value, bool):
        return b"\x08" + key + bytes([value])
    if isinstance(value, float):
        return b"\1" + key + struct.pack("<d", value)
    if isinstance(value, int):
        return b"\x10" + key + struct.pack("<i", value)
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return b"\2" + key + struct.pack("<i", len(text)) + text
    if isinstance(value, list):
        return b"\4" + key + bson({str(i): v for i, v in enumerate(value)})
    if value is None:
        return b"\x0a" + key
    return b"\3" + key + bson(value)


def bson(fields):
    body = b"".join(element(k, v) for k, v in fields.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def message(number, answers, code, *parts):
    body = b"".join(parts)
    return struct.pack("<iiii", len(body) + 16, number, answers, code) + body


def msg(number, fields, flags=0, answers=0, more=(), before=()):
    """OP_MSG; `more`: sections of kind 1, behind the document, `before`: in front of it."""
    def section(name, documents):
        body = name.encode() + b"\0" + b"".join(bson(d) for d in documents)
        return b"\1" + struct.pack("<i", len(body) + 4) + body
    return message(number, answers, 2013, struct.pack("<I", flags), *(section(*s) for s in before), b"\0" + bson(fields),
                   *(section(*s) for s in more), b"crc!" if flags & CHECKSUM else b"")


def query(number, fields, name="admin.$cmd"):
    return message(number, 0, 2004, bytes(4), name.encode() + b"\0", struct.pack("<ii", 0, -1), bson(fields))


def reply(answers, fields):
    return message(900 + answers, answers, 1, bytes(4), bytes(8), bytes(4), struct.pack("<i", 1), bson(fields))


def answer(answers, fields=None, flags=0, number=None):
    return msg(900 + answers if number is None else number, {"n": 1, "ok": 1.0} if fields is None else fields, flags, answers)


def error(answers, code=11000):
    return answer(answers, {"ok": 0.0, "errmsg": "hunter2 is wrong", "code": code, "codeName": "Wrong"})


def compressed(data, how, size=None, cut=0):
    """The message in OP_COMPRESSED. `how`: the number of the compressor, and what it does. `cut`: so much of it is left out."""
    length, number, answers, code = struct.unpack("<iiii", data[:16])
    body = how[1](data[16:])
    return message(number, answers, 2012, struct.pack("<iiB", code, length - 16 if size is None else size, how[0]), body[:len(body) - cut])


def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


def snappy(data):
    """With each kind of element: literals of each length, copies of each distance, some of which overlap."""
    out, at, literal = varint(len(data)), 0, b""
    while at < len(data) or literal:
        best, found = 0, -1
        for start in range(max(0, at - 600), at):
            n = 0
            while n < 60 and at + n < len(data) and data[start + n] == data[at + n]:
                n += 1
            if n > best:
                best, found = n, at - start
        if literal and (best >= 4 or len(literal) == 70 or at == len(data)):
            n = len(literal)
            out, literal = out + (bytes([n - 1 << 2]) if n <= 60 else bytes([60 << 2, n - 1])) + literal, b""
        elif best < 4:
            literal += data[at:at + 1]
            at += 1
        else:
            if best <= 11:
                out += bytes([1 | best - 4 << 2 | found >> 8 << 5, found & 255])
            else:
                out += bytes([2 | best - 1 << 2]) + struct.pack("<H", found) if at % 2 else bytes([3 | best - 1 << 2]) + struct.pack("<I", found)
            at += best
    return out


NOOP, SNAPPY, ZLIB, ZSTD = (0, bytes), (1, snappy), (2, zlib.compress), (3, lambda data: b"(\xb5/\xfd" + data)


def command(name, value, **more):
    return {name: value, **more, "lsid": {"id": Raw(5, struct.pack("<i", 16) + b"\4" + bytes(16))}, "$db": "shop"}


def escaped(data):
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else f"\\x{b:02x}" for b in data)


def write(name, comment, *items):
    """Bytes of a client are ('>', bytes), of a server ('<', bytes); a text is a line of its own."""
    lines = [f"# {comment}"]
    for item in items:
        lines.append(item if isinstance(item, str) else f"{item[0]} {escaped(item[1])}")
    (HERE / f"{name}.wire").write_text("\n".join(lines) + "\n")


def c(*parts):
    return (">", b"".join(parts))


def s(*parts):
    return ("<", b"".join(parts))


HELLO = (c(query(1, {"isMaster": 1, "client": {"driver": {"name": "hunter2"}}})), s(reply(1, {"ismaster": True, "maxWireVersion": 17, "ok": 1.0})))
FIND = (c(msg(99, command("find", "orders", filter={"note": "hunter2"}))), s(answer(99, {"cursor": {"firstBatch": [{"note": "hunter2"}]}, "ok": 1.0})))

write("commands", "Commands and their collections; documents in sections of their own; values are not shown.", *HELLO,
      c(msg(2, command("insert", "orders", ordered=True), more=[("documents", [{"note": "hunter2"}, {"note": "hunter2"}])])), s(answer(2)),
      *FIND, c(msg(3, command("update", "orders"), more=[("updates", [{"q": {"note": "hunter2"}}])])), s(answer(3)),
      c(msg(4, command("delete", "orders"), before=[("deletes", [{"q": {"note": "hunter2"}}])])), s(answer(4)),
      c(msg(5, command("aggregate", "orders", pipeline=[{"$match": {"note": "hunter2"}}]))), s(answer(5)),
      c(msg(6, command("aggregate", 1, pipeline=[]))), s(answer(6)),
      c(msg(7, command("getMore", Raw(0x12, bytes(8)), collection="orders"))), s(answer(7)),
      c(msg(8, {"ping": 1, "$db": "admin"})), s(answer(8)), c(msg(9, {"hunter2": "hunter2", "$db": "shop"})), s(error(9, 59)), "end >", "end <")
write("msg-first", "A connection that begins with OP_MSG.", c(msg(1, {"hello": 1, "$db": "admin"})), s(answer(1)), *FIND)
write("authentication", "What authenticates is no exchange.", *HELLO,
      c(msg(2, {"saslStart": 1, "mechanism": "PLAIN", "payload": "hunter2", "$db": "admin"})), s(answer(2)),
      c(msg(3, {"saslContinue": 1, "payload": "hunter2", "$db": "admin"})), s(error(3, 18)), c(query(4, {"authenticate": 1, "key": "hunter2"})),
      s(reply(4, {"ok": 1.0})), *FIND)
write("errors", "Errors: of the command, of a write in it, of its concern, without a code, of other types; what only looks so.", *HELLO,
      c(msg(2, command("find", "orders"))), s(error(2, 13)),
      c(msg(3, command("insert", "orders"))), s(answer(3, {"n": 0, "writeErrors": [{"index": 0, "code": 11000, "errmsg": "hunter2"}], "ok": 1.0})),
      c(msg(4, command("insert", "orders"))), s(answer(4, {"n": 1, "writeConcernError": {"code": 64, "errmsg": "hunter2"}, "ok": 1.0})),
      c(msg(5, command("find", "orders"))), s(answer(5, {"ok": 0, "errmsg": "hunter2"})),
      c(msg(6, command("find", "orders"))), s(answer(6, {"ok": False, "code": Raw(0x12, struct.pack("<q", 50))})),
      c(msg(7, command("find", "orders"))), s(answer(7, {"cursor": {"ok": 0.0, "code": 5}, "ok": 1})),
      c(msg(8, command("find", "orders"))), s(answer(8, {"code": 5, "ok": 1.0})))
write("types", "Values of every type are stepped over.", *HELLO, c(msg(2, {
    "find": "orders", "double": 1.5, "string": "hunter2", "document": {}, "array": [1], "binary": Raw(5, struct.pack("<i", 3) + b"\0abc"),
    "undefined": Raw(6, b""), "oid": Raw(7, bytes(12)), "bool": True, "date": Raw(9, bytes(8)), "null": None, "regex": Raw(0x0b, b"hunter2\0i\0"),
    "pointer": Raw(0x0c, struct.pack("<i", 2) + b"a\0" + bytes(12)), "code": Raw(0x0d, struct.pack("<i", 2) + b"a\0"),
    "symbol": Raw(0x0e, struct.pack("<i", 2) + b"a\0"), "scope": Raw(0x0f, struct.pack("<ii", 15, 2) + b"a\0" + bson({})), "int": 7,
    "timestamp": Raw(0x11, bytes(8)), "long": Raw(0x12, bytes(8)), "decimal": Raw(0x13, bytes(16)), "min": Raw(0xff, b""), "max": Raw(0x7f, b""),
    "$db": "shop"})), s(answer(2)), c(msg(3, {"find": "orders", "none": Raw(0x44, b""), "$db": "shop"})), s(answer(3)),
    c(msg(4, {"find": "o" * 300, "$db": "shop"})), s(answer(4)), c(msg(5, {"find": Raw(2, struct.pack("<i", 0)), "$db": "shop"})), s(answer(5)))
write("unacknowledged", "Writes that ask for no answer.", *HELLO, c(msg(2, command("insert", "orders", writeConcern={"w": 0}), MORE),
      msg(3, command("insert", "orders", writeConcern={"w": 0}), MORE), msg(4, command("find", "orders"))), s(answer(4)),
      c(msg(5, {"hello": 1, "$db": "admin"}, MORE)), *FIND, c(msg(6, command("insert", "orders"), MORE)[:60]), "end >", "end <")
write("exhaust", "Answers with more to come, each of which names the one before; a hello that is answered for ever.", *HELLO,
      c(msg(2, command("getMore", Raw(0x12, bytes(8)), collection="orders"), EXHAUST)), s(answer(2, flags=MORE, number=50)),
      s(answer(50, flags=MORE, number=51), answer(51, number=52)), *FIND,
      c(msg(3, {"hello": 1, "$db": "admin"}, EXHAUST)), s(answer(3, flags=MORE, number=60)), s(answer(60, flags=MORE, number=61)), "end <")
write("checksum", "With a checksum behind it.", *HELLO, c(msg(2, command("find", "orders"), CHECKSUM)), s(answer(2, flags=CHECKSUM)))
write("query", "Commands in OP_QUERY, as old drivers send them.", *HELLO, c(query(2, {"find": "orders", "filter": {"a": "hunter2"}}, "shop.$cmd")),
      s(reply(2, {"cursor": {}, "ok": 1.0})), c(query(3, {"insert": "orders"}, "shop.$cmd")), s(reply(3, {"ok": 0.0, "code": 11000})))
write("legacy", "A query of the days before commands: left alone.", *HELLO, c(query(2, {"note": "hunter2"}, "shop.orders")))
write("compressed", "Messages that were compressed, in each way; some are not.", *HELLO, *FIND, *(m for n, how in enumerate((NOOP, SNAPPY, ZLIB)) for m in (
      c(compressed(msg(3 + n, command("find", "orders", filter={"note": "hunter2 " * 100})), how)),
      s(compressed(answer(3 + n, {"cursor": {"firstBatch": [{"note": "hunter2"}] * 50}, "ok": 1.0}), how)),
      c(compressed(msg(13 + n, command("insert", "orders"), more=[("documents", [{"note": "hunter2"}] * 100)]), how)),
      s(compressed(error(13 + n), how)), c(compressed(msg(23 + n, command("insert", "orders"), MORE), how)))), *FIND, "end >", "end <")
write("compressed-zstd", "A message that zstd compressed: left alone, and counted.", *HELLO, *FIND,
      c(compressed(msg(3, command("find", "orders")), ZSTD)), s(compressed(answer(3), ZSTD)))


def mixed(letters, n):
    return "".join(map(chr, random.Random(1).choices(range(33, 33 + letters), k=n)))


MIX = mixed(3, 17000)
BOTH = [{"find": "orders", "filter": {"note": MIX}, "$db": "hunter2"}, {"cursor": {"note": MIX}, "ok": 1.0}]
for n, how in enumerate((SNAPPY, ZLIB)):
    write(f"compressed-large-{('snappy', 'zlib')[n]}", "A command and an answer of which the beginning is unpacked, and another one behind them.", *HELLO,
          c(compressed(msg(2, BOTH[0]), how)), s(compressed(answer(2, BOTH[1]), how)), *FIND)
write("compressed-far", "A short copy of what is far away.", *HELLO,
      c(compressed(msg(2, {"find": "order", "filter": {"note": mixed(89, 400)}, "$db": "order"}), SNAPPY)), s(answer(2)))
write("compressed-query", "OP_QUERY and its answer, compressed.", *HELLO, c(compressed(query(2, {"find": "orders"}, "shop.$cmd"), ZLIB)),
      s(compressed(reply(2, {"ok": 0.0, "code": 11000}), ZLIB)))
for name, comment, broken in (
        ("size", "A message of another size than it says", compressed(msg(2, command("find", "orders")), ZLIB, size=50)),
        ("size-more", "A message that is smaller than it says", compressed(msg(2, command("find", "orders")), ZLIB, size=5000)),
        ("size-snappy", "A message of another size than it says", compressed(msg(2, command("find", "orders")), SNAPPY, size=50)),
        ("size-noop", "A message of another size than it says", compressed(msg(2, command("find", "orders")), NOOP, size=50)),
        ("cut-zlib", "A stream that does not end", compressed(msg(2, command("find", "orders")), ZLIB, cut=20)),
        ("cut-snappy", "A block that does not end", compressed(msg(2, command("find", "orders")), SNAPPY, cut=5)),
        ("size-large", "A long message that is longer than it says", compressed(msg(2, BOTH[0]), ZLIB, size=50)),
        ("unknown", "A compressor that nobody knows", compressed(msg(2, command("find", "orders")), (4, snappy))),
        ("distance", "A copy of what is not there", message(2, 0, 2012, struct.pack("<iiB", 2013, 6, 1), b"\6\x09\x40")),
        ("none", "A copy of nothing", compressed(msg(2, {}), (1, lambda data: varint(len(data)) + b"\0a\x01\0"))),
        ("damaged", "What is no stream", message(2, 0, 2012, struct.pack("<iiB", 2013, 100, 2), b"hunter2 and more")),
        ("empty", "Nothing in it", message(2, 0, 2012, struct.pack("<iiB", 2013, 0, 0))),
        ("head", "A head that is cut off", message(2, 0, 2012, struct.pack("<ii", 2013, 100))),
        ("nested", "Compressed twice", compressed(compressed(msg(2, command("find", "orders")), ZLIB), ZLIB))):
    write(f"compressed-{name}", f"{comment}: left alone, and counted.", *HELLO, c(broken))
LONG = b"x" * 20000
asked = msg(2, {"find": "orders", "filter": {"note": "x" * 20000}, "$db": "shop"}).split(LONG)
given = answer(3, {"cursor": {"note": "x" * 20000}, "ok": 1.0}).split(LONG)
write("large", "A command and an answer of which the beginning is read; of the answer not all was seen.", *HELLO,
      c(asked[0]), "fill > 20000 x", c(asked[1]), s(answer(2)), c(msg(3, command("find", "orders"))),
      s(given[0]), "fill < 8000 x", "skip < 4000", "fill < 8000 x", s(given[1]), *FIND)
write("names", "What is a command's collection, and what only looks so.", *HELLO,
      c(msg(2, {"renameCollection": "shop.orders", "to": "shop.others", "$db": "admin"})), s(answer(2)),
      c(msg(3, {"count": "orders", "collection": "hunter2", "$db": "shop"})), s(answer(3)),
      c(msg(4, {"explain": {"find": "orders"}, "$db": "shop"})), s(answer(4)),
      c(message(5, 0, 2013, bytes(4), b"\2" + struct.pack("<i", 8) + b"abc\0", b"\0" + bson(command("find", "orders")))), s(answer(5)),
      c(msg(6, {"find": Raw(2, struct.pack("<i", 100000) + b"orders\0"), "$db": "shop"})), s(answer(6)),
      c(msg(7, {"find": Raw(2, struct.pack("<i", 6) + b"orders"), "$db": "shop"})), s(answer(7)),
      c(msg(8, {"find": "orders", "end": Raw(0, b""), "$db": "shop"})), s(answer(8)))
write("errors-both", "A write and its concern failed: the first one's code counts.", *HELLO, c(msg(2, command("insert", "orders"))),
      s(answer(2, {"n": 0, "writeErrors": [{"index": 0, "code": 11000}], "writeConcernError": {"code": 64}, "ok": 1.0})))
write("half-closed", "The client sends no more, and is answered.", *HELLO, FIND[0], "end >", FIND[1], "end <")
write("length-large", "A message that is longer than any.", *HELLO, c(struct.pack("<iiii", (48 << 20) + 1, 2, 0, 2013)))
write("answer-compressed", "An answer that cannot be unpacked: left alone.", *HELLO, FIND[0],
      s(message(4, 99, 2012, struct.pack("<iiB", 2013, 100, 2), b"hunter2 and more")))
write("out-of-order", "An answer to another message.", *HELLO, c(msg(2, command("find", "orders"))), s(answer(3)))
write("out-of-stream", "A further answer that does not name the one before.", *HELLO,
      c(msg(2, command("getMore", Raw(0x12, bytes(8)), collection="orders"), EXHAUST)), s(answer(2, flags=MORE, number=50)), s(answer(2)))
write("unasked", "An answer to nothing.", *HELLO, s(answer(2)))
write("opcode", "Messages that are none.", *HELLO, c(msg(2, command("find", "orders"))), c(message(3, 0, 2002, bytes(20))))
write("length", "A length that is none.", *HELLO, c(struct.pack("<iiii", 17, 2, 0, 2013) + b"x"))
write("broken-document", "Documents that are none.", *HELLO, c(message(2, 0, 2013, bytes(4), b"\0\1\0\0\0")), s(answer(2)),
      c(message(3, 0, 2013, bytes(4), b"\1\1\0\0\0")), s(message(4, 3, 2013, bytes(4), b"\7")), c(message(5, 0, 2013, bytes(4))), s(answer(5)))
write("closed", "The connection ends with a question waiting and one not whole.", *HELLO,
      c(msg(2, command("find", "orders")), msg(3, command("find", "orders"))[:60]), "end <")
write("reset", "The connection breaks in the middle of an answer.", *HELLO, c(msg(2, command("find", "orders"))), s(answer(2)[:20]), "reset <")
