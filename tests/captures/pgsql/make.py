#!/usr/bin/env python3
"""Writes the captures of this folder: conversations of PostgreSQL's protocol 3, message by message."""
import struct
from pathlib import Path

HERE = Path(__file__).parent


def message(kind, *parts):
    body = b"".join(p if isinstance(p, bytes) else p.encode() + b"\0" for p in parts)
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def untyped(code, body=b""):
    return struct.pack("!ii", len(body) + 8, code) + body


def start(version=196608, **more):
    names = {"user": "shop_user", "database": "shop", "client_encoding": "UTF8", **more}
    return untyped(version, b"".join(f"{k}\0{v}\0".encode() for k, v in names.items() if v) + b"\0")


SSL, GSS, CANCEL = untyped(80877103), untyped(80877104), untyped(80877102, bytes(8))
READY = message("Z", b"I")
HELLO = (message("R", struct.pack("!i", 0)) + message("S", "server_version", "15.1") + message("K", bytes(8)) + READY)
SYNC, FLUSH = message("S"), message("H")
PARSED, BOUND, CLOSED, NODATA = message("1"), message("2"), message("3"), message("n")
ROWS = message("T", struct.pack("!h", 0)) + message("D", struct.pack("!hi", 1, 7), b"hunter2")


def done(tag):
    return message("C", tag)


def error(state="42P01", kind="E"):
    return message(kind, b"S" + b"ERROR\0" b"V" b"ERROR\0" b"C" + state.encode() + b"\0" b"Mhunter2 is wrong\0" b"R" b"f\0\0")


def query(text):
    return message("Q", text)


def parse(name, text):
    return message("P", name, text, struct.pack("!h", 0))


def bind(portal="", statement="", value=b"hunter2"):
    return message("B", portal, statement, struct.pack("!hhi", 0, 1, len(value)), value, struct.pack("!h", 0))


def execute(portal="", rows=0):
    return message("E", portal, struct.pack("!i", rows))


def describe(kind="P", name=""):
    return message("D", kind.encode() + name.encode() + b"\0")


def close(kind, name):
    return message("C", kind.encode() + name.encode() + b"\0")


def whole(text, name=""):
    return parse(name, text) + bind("", name) + describe() + execute() + SYNC


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


OPEN = (c(start()), s(HELLO))

write("simple", "One query; values and texts of errors are not shown.", *OPEN,
      c(query("SELECT * FROM orders WHERE note = 'hunter2' AND id = 5")), s(ROWS, done("SELECT 1"), READY),
      c(query("SELECT * FROM none")), s(error(), READY), c(message("X")), "end >", "end <")
write("several", "Several statements in one query are one exchange; so is an empty one.", *OPEN,
      c(query("BEGIN; UPDATE a SET b = 1; COMMIT")), s(done("BEGIN"), done("UPDATE 1"), done("COMMIT"), READY),
      c(query("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);")), s(done("INSERT 0 1") * 2, READY),
      c(query("")), s(message("I"), READY), c(query("SELECT 1; SELECT 1/0")), s(ROWS, done("SELECT 1"), error("22012"), READY))
write("extended", "Parse, Bind, Describe, Execute, Sync; the unnamed statement each time anew.", *OPEN,
      c(whole("SELECT a FROM t WHERE b = $1")), s(PARSED, BOUND, NODATA, ROWS, done("SELECT 1"), READY),
      c(whole("DELETE FROM t WHERE b IN ($1, $2)")), s(PARSED, BOUND, NODATA, done("DELETE 1"), READY),
      c(whole("")), s(PARSED, BOUND, NODATA, message("I"), READY))
write("prepared", "A statement by its name over the life of the connection, until it is closed.", *OPEN,
      c(parse("p1", "SELECT a FROM t WHERE b = $1"), describe("S", "p1"), SYNC), s(PARSED, NODATA, READY),
      c(bind("", "p1"), execute(), SYNC), s(BOUND, ROWS, done("SELECT 1"), READY),
      c(parse("p2", "INSERT INTO u VALUES ('hunter2')"), bind("", "p2"), execute(), SYNC),
      s(PARSED, BOUND, done("INSERT 0 1"), READY), c(bind("", "p1"), execute(), SYNC), s(BOUND, done("SELECT 0"), READY),
      c(close("S", "p1"), SYNC), s(CLOSED, READY), c(bind("", "p1"), execute(), SYNC), s(error("26000"), READY),
      c(parse("p1", "SELECT c FROM v"), SYNC, bind("", "p1"), execute(), SYNC), s(PARSED, READY, BOUND, done("SELECT 0"), READY))
write("prepared-twice", "Two texts for one name: either may be the server's, so neither is shown.", *OPEN,
      c(parse("p", "SELECT 1 FROM a"), SYNC), s(PARSED, READY), c(parse("p", "SELECT 1 FROM b"), SYNC), s(error("42P05"), READY),
      c(bind("", "p"), execute(), SYNC), s(BOUND, done("SELECT 1"), READY),
      c(parse("q", "SELECT 1 FROM a"), SYNC, parse("q", "SELECT 1 FROM a"), SYNC, bind("", "q"), execute(), SYNC),
      s(PARSED, READY, error("42P05"), READY, BOUND, done("SELECT 1"), READY))
write("portals", "Named portals that are run in steps, one beside the other.", *OPEN,
      c(parse("s", "SELECT a FROM big"), bind("C_1", "s"), execute("C_1", 2), SYNC),
      s(PARSED, BOUND, ROWS, message("s"), READY),
      c(whole("SELECT b FROM small")), s(PARSED, BOUND, NODATA, done("SELECT 0"), READY),
      c(execute("C_1", 2), SYNC), s(done("SELECT 2"), READY), c(close("P", "C_1"), execute("C_1"), SYNC),
      s(CLOSED, error("34000"), READY))
write("pipeline", "Many under way at once, each Sync a group; what follows an error is skipped up to the Sync.", *OPEN,
      c(whole("SELECT 1 FROM a"), whole("SELECT 1 FROM b"), parse("", "SELECT 1 FROM c"), bind(), execute(),
        parse("", "SELECT 1 FROM d"), bind(), execute(), parse("", "SELECT 1 FROM e"), bind(), execute(), SYNC,
        whole("SELECT 1 FROM f")),
      s(PARSED, BOUND, NODATA, done("SELECT 1"), READY, PARSED, BOUND, NODATA, done("SELECT 1"), READY,
        PARSED, BOUND, done("SELECT 1"), error("42703"), READY, PARSED, BOUND, NODATA, done("SELECT 1"), READY))
write("flush", "An error that comes before what it keeps from being run was sent.", *OPEN,
      c(parse("", "SELEC 1"), describe("S"), FLUSH), s(error("42601")), c(bind(), execute(), SYNC), s(READY),
      c(query("SELECT 1")), s(ROWS, done("SELECT 1"), READY))
write("parse-error", "Of a group that runs nothing, an error is nobody's.", *OPEN,
      c(parse("x", "SELECT 1 FROM none"), SYNC, whole("SELECT 1 FROM b")),
      s(error(), READY, PARSED, BOUND, NODATA, done("SELECT 1"), READY))
write("copy-in", "COPY FROM STDIN, its data in many messages, done and failed.", *OPEN,
      c(query("COPY t FROM STDIN")), s(message("G", b"\0\0\0")), c(message("d", b"hunter2\t1\n") * 3, message("c")),
      s(done("COPY 3"), READY), c(query("COPY t FROM STDIN")), s(message("G", b"\0\0\0")), c(message("f", "enough")),
      s(error("57014"), READY))
COPYING, COPY_DONE = message("G", struct.pack("!bh", 0, 0)), message("c")
COPY = [c(parse("", "COPY t FROM STDIN"), SYNC), s(PARSED, READY), c(bind(), execute(), SYNC)]
BEHIND = [c(bind(), execute(), SYNC), s(BOUND, done("COPY 2"), READY), c(query("SELECT 1")), s(ROWS, done("SELECT 1"), READY)]
write("copy-early-sync", "A Sync behind the execution of a COPY, which the server steps over, and more of them within the data.", *OPEN,
      *COPY, s(BOUND, COPYING), c(message("d", b"hunter2\n"), SYNC, FLUSH, message("d", b"hunter2\n")), c(COPY_DONE, SYNC), s(done("COPY 2"), READY),
      c(bind(), execute(), SYNC), s(BOUND, COPYING), c(COPY_DONE, SYNC), s(done("COPY 0"), READY),
      c(parse("", "SELECT"), bind(), execute(), SYNC), s(error("42601"), READY), *BEHIND[2:])
write("copy-early-done", "All of a COPY at once: a Sync before the data, and one behind it.", *OPEN,
      *COPY[:2], c(bind(), execute(), SYNC, message("d", b"hunter2\n"), COPY_DONE, SYNC), s(BOUND, COPYING, done("COPY 1"), READY), *BEHIND)
write("copy-early-question", "A question within the data of a COPY, behind a Sync: left alone.", *OPEN,
      *COPY, c(bind(), execute(), SYNC), s(BOUND, COPYING, error("08P01"), READY))
write("copy-early-error", "A COPY that fails behind an early Sync, which may have ended the error: left alone from there.", *OPEN,
      *COPY, s(BOUND, COPYING), c(message("d", b"hunter2\n")), s(error("22P02")), c(COPY_DONE, SYNC), s(READY), *BEHIND)
write("copy-error", "A COPY of the extended protocol that fails in the middle of the data.", *OPEN,
      *COPY[:2], c(bind(), execute(), FLUSH), s(BOUND, COPYING), c(message("d", b"hunter2\n")), s(error("22P02")), c(COPY_DONE, SYNC), s(READY),
      *BEHIND)
write("copy-twice", "Two statements of one query that copy, and a Sync behind an error of the next one.", *OPEN,
      c(query("COPY t FROM STDIN; COPY u FROM STDIN")), s(COPYING), c(message("d", b"hunter2\n"), COPY_DONE),
      s(done("COPY 1"), COPYING), c(message("f", "no")), s(error("57014"), READY), c(parse("", "SELECT"), bind(), execute(), SYNC),
      s(error("42601"), READY), *BEHIND[2:])
write("copy-out", "COPY TO STDOUT, also in the extended protocol.", *OPEN, c(query("COPY (SELECT 1 FROM t) TO STDOUT")),
      s(message("H", b"\0\0\0"), message("d", b"hunter2\n") * 3, message("c"), done("COPY 3"), READY),
      c(parse("", "COPY t TO STDOUT"), bind(), execute(), SYNC),
      s(PARSED, BOUND, message("H", b"\0\0\0"), message("d", b"x\n"), message("c"), done("COPY 1"), READY))
write("notices", "Notices, notifications and parameters answer nothing, wherever they come.", *OPEN,
      s(message("A", bytes(4), "channel", "hunter2")), c(query("LISTEN channel")),
      s(error("00000", "N"), message("S", "TimeZone", "UTC"), done("LISTEN"), message("A", bytes(4), "channel", ""), READY))
write("call", "The function call protocol.", *OPEN, c(message("F", bytes(14))), s(message("V", struct.pack("!i", -1)), READY),
      c(message("F", bytes(14))), s(error("42501"), READY))
write("password", "A password in the start, in clear.", c(start(version=196610)),
      s(message("v", struct.pack("!ii", 196608, 0)), message("R", struct.pack("!i", 3))), c(message("p", "hunter2")), s(HELLO),
      c(query("SELECT 1")), s(ROWS, done("SELECT 1"), READY))
write("refused", "The server does not want this user.", c(start()), s(error("28P01")), "end <")
write("no-database", "The database is called as the user.", c(start(database="")), s(HELLO), c(query("SELECT 1")),
      s(ROWS, done("SELECT 1"), READY))
write("ssl-refused", "No encryption: the start goes on in clear.", c(GSS), s(b"N"), c(SSL), s(b"N"), *OPEN,
      c(query("SELECT 1")), s(ROWS, done("SELECT 1"), READY))
write("ssl", "TLS: handed over.", c(SSL), s(b"S"), c(bytes.fromhex("1603010200010001fc0303") + bytes(range(32)) + bytes(20)))
write("gss", "Encryption by GSSAPI: left alone.", c(GSS), s(b"G"), c(b"x" * 20))
write("ssl-stuffed", "Bytes behind the answer: left alone.", c(SSL), s(b"N" + HELLO))
write("ssl-impatient", "A start before the answer: left alone.", c(SSL), c(start()), s(b"N"))
write("cancel", "A request to cancel: left alone.", c(CANCEL))
write("cancel-long", "A request to cancel of protocol 3.2, with a key of 32 bytes: left alone.", c(untyped(80877102, bytes(36))))
write("cancel-behind-ssl", "The same behind a refused SSLRequest, as libpq sends it: left alone.", c(SSL), s(b"N"),
      c(untyped(80877102, bytes(36))))
write("protocol-3-2", "Protocol 3.2: the key to cancel with has 32 bytes.", c(start(version=196610)),
      s(message("R", bytes(4)), message("S", "server_version", "18.4"), message("K", bytes(36)), READY),
      c(whole("SELECT a FROM t WHERE b = $1")), s(PARSED, BOUND, NODATA, ROWS, done("SELECT 1"), READY))
write("protocol-negotiated", "A version and options that the server does not know: it names those that it takes, and goes on.",
      c(start(version=206607, **{"_pq_.command_tag": "hunter2", "_pq_.other": ""})),
      s(message("v", struct.pack("!ii", 196610, 1), "_pq_.command_tag"), message("R", bytes(4)), message("K", bytes(36)), READY),
      c(query("SELECT 'hunter2' FROM t")), s(ROWS, done("SELECT 1"), READY))
write("protocol-negotiated-first", "The same where an option is the first parameter.",
      c(untyped(206607, b"_pq_.report\0hunter2\0user\0shop_user\0\0")),
      s(message("v", struct.pack("!ii", 196608, 1), "_pq_.report"), message("R", bytes(4)), READY),
      c(query("SELECT 1 FROM t")), s(ROWS, done("SELECT 1"), READY))
write("protocol-4", "A version that is none of ours: left alone.", c(start(version=262144)))
write("replication", "Replication: left alone.", c(start(replication="database")), s(HELLO))
write("copy-both", "Replication that nobody announced: left alone.", *OPEN, c(query("START_REPLICATION SLOT s LOGICAL 0/0")),
      s(message("W", b"\0\0\0")))
write("large", "A text of which the beginning is read, a parameter of 100,000 bytes, a row that nobody saw.", *OPEN,
      c(b"Q" + struct.pack("!i", 4 + 31 + 20000 + 3), b"INSERT INTO t VALUES (1, 'hunter"[:31]), "fill > 20000 x", c(b"')\0"),
      s(done("INSERT 0 1"), READY), c(parse("", "SELECT $1"), b"B" + struct.pack("!i", 4 + 2 + 8 + 100000 + 2), b"\0\0",
        struct.pack("!hhi", 0, 1, 100000)), "fill > 100000 x", c(b"\0\0", execute(), SYNC), s(PARSED, BOUND, b"D",
        struct.pack("!ih", 4 + 2 + 5000, 1)), "skip < 4000", "fill < 1000 y", s(done("SELECT 1"), READY))
write("secrets", "Texts whose end is in doubt are not shown any further; what is no command is not shown at all.", *OPEN,
      c(query("hunter2")), s(error("42601"), READY), c(query("SELECT 'it\\' || hunter2 || '")), s(done("SELECT 1"), READY),
      c(query("SET secret.token TO hunter2")), s(done("SET"), READY), c(query("SELECT $a$hunter2$a$, $$hunter2")),
      s(error("42601"), READY), c(query("SELECT E'a\\'hunter2', N'hunter2', U&'hunter2', x'68', /* hunter2 */ 1 -- hunter2")),
      s(done("SELECT 1"), READY))
write("unasked", "The server is ready, and nobody asked.", *OPEN, s(READY))
write("unasked-done", "Something is done that nobody asked for.", *OPEN, c(SYNC), s(done("SELECT 1")))
write("unknown-request", "A message that is none.", *OPEN, c(query("SELECT 1"), b"!\0\0\0\4"))
write("unknown-answer", "An answer that is none.", *OPEN, c(query("SELECT 1")), s(b"HTTP/1.1 400\r\n"))
write("length", "A length that is none.", *OPEN, c(b"Q\0\0\0\3"))
write("closed", "The connection ends with questions waiting and one not whole.", *OPEN,
      c(query("SELECT 1"), whole("SELECT 2 FROM t"), query("SELECT 3")[:9]), "end <")
write("reset", "The connection breaks in the middle of a row.", *OPEN, c(query("SELECT 1")), s(ROWS[:20]), "reset <")
write("terminated", "The server ends a connection in the middle of a query, and says why.", *OPEN, c(query("SELECT pg_sleep(9)")),
      s(error("57P01")), "end <")
# Connections that were there before us: the first bytes are no beginning.
write("joined", "A connection that is joined with a query; how answers end is known, the database is not.",
      c(query("SELECT * FROM orders WHERE note = 'hunter2'")), s(ROWS, done("SELECT 1"), READY), c(query("SELECT * FROM none")),
      s(error(), READY), c(whole("SELECT a FROM t WHERE b = $1")), s(PARSED, BOUND, NODATA, ROWS, done("SELECT 1"), READY),
      c(query("COPY t FROM STDIN")), s(COPYING), c(message("d", b"hunter2\n"), COPY_DONE), s(done("COPY 1"), READY))
write("joined-names", "One that is joined with an execution: names may be those of what was prepared before, so they tell nothing.",
      c(bind("", "p1"), execute(), SYNC), s(BOUND, ROWS, done("SELECT 1"), READY),
      c(parse("p1", "SELECT 'hunter2' FROM a"), bind("", "p1"), execute(), SYNC), s(error("42P05"), READY),
      c(bind("", "p1"), execute(), SYNC), s(BOUND, done("SELECT 1"), READY),
      c(parse("", "SELECT 1 FROM b"), bind("C_1"), execute("C_1"), SYNC), s(PARSED, error("42P03"), READY),
      c(whole("SELECT 1 FROM b")), s(PARSED, BOUND, NODATA, done("SELECT 1"), READY))
write("joined-notice", "What comes at any time comes before the first answer, which is an error.",
      c(whole("SELECT 1 FROM b")), s(message("A", bytes(4), "channel", "hunter2"), error("00000", "N"), error("26000"), READY),
      c(query("SELECT 1")), s(ROWS, done("SELECT 1"), READY))
write("joined-other", "A first answer that is no answer to a query: left alone.",
      c(query("SELECT 1")), s(PARSED, BOUND, done("SELECT 1"), READY))
write("joined-extended", "And none to an execution.", c(whole("SELECT 1")), s(PARSED, message("V", struct.pack("!i", -1)), READY))
write("joined-early", "An answer to the question of somebody before: what is ready then belongs to nobody.",
      c(query("SELECT 1")), s(ROWS, done("SELECT 1"), READY), s(ROWS, done("SELECT 1"), READY))
write("joined-bytes", "A first answer of another protocol.", c(query("SELECT 1")), s(b"HTTP/1.1 400\r\n"))
write("joined-sync", "A Sync by itself, as poolers send it.", c(SYNC), s(READY), c(query("SELECT 1")), s(ROWS, done("SELECT 1"), READY))
