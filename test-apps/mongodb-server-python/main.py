"""As much of a MongoDB server as drivers need: documents in memory, found by equality, cursors, unique _id.

main.py PORT LOG: writes each command that it is asked, "database.command", to LOG. Answers are compressed as their commands are.
"""
import socketserver
import struct
import sys
import zlib

import bson

COMPRESSORS = {2: ("zlib", zlib.compress, zlib.decompress)}
try:
    import snappy
    COMPRESSORS[1] = ("snappy", snappy.compress, snappy.decompress)
except ImportError:
    pass

COLLECTIONS, CURSORS = {}, {}
HELLO = {"ismaster": True, "isWritablePrimary": True, "helloOk": True, "maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000,
         "maxWriteBatchSize": 100000, "minWireVersion": 0, "maxWireVersion": 17, "readOnly": False, "logicalSessionTimeoutMinutes": 30, "ok": 1.0}


def matches(document, wanted):
    return all(document.get(k) in v["$in"] if isinstance(v, dict) and "$in" in v else document.get(k) == v for k, v in wanted.items())


def batch(space, name, documents, size, first):
    number = 0
    if size and len(documents) > size:
        number = max(CURSORS, default=1000) + 1
        CURSORS[number] = documents[size:]
        documents = documents[:size]
    return {"cursor": {"id": bson.Int64(number), "ns": f"{space}.{name}", "firstBatch" if first else "nextBatch": documents}, "ok": 1.0}


def write_errors(command, documents, held):
    known, errors, done = {d["_id"] for d in held}, [], 0
    for i, document in enumerate(documents):
        if document["_id"] in known:
            errors.append({"index": i, "code": 11000, "errmsg": f"duplicate key: {document}"})
            continue
        held.append(document)
        known.add(document["_id"])
        done += 1
    return {"n": done, **({"writeErrors": errors} if errors else {}), "ok": 1.0}


def answer(command):
    name, space = next(iter(command)), command.get("$db")
    key = (space, command.get("collection") if name == "getMore" else command[name])
    held = COLLECTIONS.setdefault(key, []) if isinstance(key[1], str) else []
    if name.lower() in ("hello", "ismaster"):
        return {**HELLO, "compression": [n for n in command.get("compression", []) if n in {c[0] for c in COMPRESSORS.values()}]}
    if name in ("ping", "endSessions", "drop"):
        return {"ok": 1.0}
    if name == "insert":
        return write_errors(command, command["documents"], held)
    if name == "find":
        return batch(*key, [d for d in held if matches(d, command.get("filter", {}))], command.get("batchSize", 0), True)
    if name == "getMore":
        return batch(*key, CURSORS.pop(command["getMore"]), command.get("batchSize", 0), False)
    if name == "delete":
        kept = [d for d in held if not any(matches(d, one["q"]) for one in command["deletes"])]
        n = len(held) - len(kept)
        held[:] = kept
        return {"n": n, "ok": 1.0}
    if name == "update":
        found = [d for d in held for one in command["updates"] if matches(d, one["q"])]
        return {"n": len(found), "nModified": len(found), "ok": 1.0}
    return {"ok": 0.0, "errmsg": f"no such command: {name}", "code": 59, "codeName": "CommandNotFound"}


class Connection(socketserver.BaseRequestHandler):
    def all(self, n):
        data = b""
        while len(data) < n:
            more = self.request.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def sections(self, body):
        flags, at, command = struct.unpack_from("<I", body)[0], 4, {}
        end = len(body) - (4 if flags & 1 else 0)
        while at < end:
            kind, size = body[at], struct.unpack_from("<i", body, at + 1)[0]
            if kind == 0:
                command = {**bson.decode(body[at + 1:at + 1 + size]), **command}
            else:
                name, documents = body[at + 5:at + 1 + size].split(b"\0", 1)
                command[name.decode()] = bson.decode_all(documents)
            at += 1 + size
        return flags, command

    def handle(self):
        try:
            while True:
                length, number, _, code = struct.unpack("<iiii", self.all(16))
                self.one(number, code, self.all(length - 16))
        except EOFError:
            pass

    def one(self, number, code, body):
        compressor = 0
        if code == 2012:
            code, _, compressor = struct.unpack("<iiB", body[:9])
            body = COMPRESSORS[compressor][2](body[9:])
            with open(sys.argv[2] + ".compressed", "a") as log:
                log.write(COMPRESSORS[compressor][0] + "\n")
        if code == 2004:
            name, rest = body[4:].split(b"\0", 1)
            flags, command = 0, {**bson.decode(rest[8:]), "$db": name.decode().split(".")[0]}
        else:
            flags, command = self.sections(body)
            command = dict(sorted(command.items(), key=lambda item: item[0] in ("documents", "updates", "deletes")))
        with open(sys.argv[2], "a") as log:
            log.write(f"{command['$db']}.{next(iter(command))}\n")
        said = bson.encode(answer(command))
        if flags & 2:
            return
        said = bytes(8 + 4 + 4) + b"\1\0\0\0" + said if code == 2004 else bytes(5) + said
        code = 1 if code == 2004 else 2013
        if compressor:
            code, said = 2012, struct.pack("<iiB", code, len(said), compressor) + COMPRESSORS[compressor][1](said)
        self.request.sendall(struct.pack("<iiii", 16 + len(said), number + 100000, number, code) + said)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Connection).serve_forever()
