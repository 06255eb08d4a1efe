#!/usr/bin/env python3
"""Writes the captures of this folder: conversations of MySQL's and MariaDB's protocol, packet by packet."""
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).parent
PROTOCOL_41, TLS, SECURE, LENENC, WITH_DB, LONG_PASSWORD = 1 << 9, 1 << 11, 1 << 15, 1 << 21, 1 << 3, 1
COMPRESS, DEPRECATE_EOF, ZSTD, ATTRIBUTES = 1 << 5, 1 << 24, 1 << 26, 1 << 27
SERVER = PROTOCOL_41 | SECURE | LENENC | WITH_DB | DEPRECATE_EOF | ATTRIBUTES | COMPRESS | TLS
CLIENT = PROTOCOL_41 | SECURE | LENENC | WITH_DB
MORE, CURSOR, NO_ESCAPES = 8, 0x40, 0x200


def packet(seq, *parts):
    body = b"".join(p if isinstance(p, bytes) else p.encode() for p in parts)
    return struct.pack("<I", len(body))[:3] + bytes([seq & 255]) + body


def greeting(version="5.5.5-10.11.6-MariaDB", capabilities=SERVER, protocol=10):
    return packet(0, bytes([protocol]), version + "\0", struct.pack("<I", 7), b"8letters", b"\0",
                  struct.pack("<HBHH", capabilities & 0xffff, 45, 2, capabilities >> 16), b"\x15", bytes(10), b"12letters...\0",
                  "mysql_native_password\0")


def login(seq=1, capabilities=CLIENT, database="shop", proof=b"hunter2", more=b""):
    return packet(seq, struct.pack("<IIB", capabilities, 1 << 24, 45), bytes(23), "shop_user\0", bytes([len(proof)]), proof,
                  f"{database}\0" if capabilities & WITH_DB else b"", "mysql_native_password\0", more)


def ok(seq=1, status=2, more=b"", first=b"\0"):
    return packet(seq, first, b"\1\0", struct.pack("<HH", status, 0), more)


def eof(seq, status=2):
    return packet(seq, b"\xfe", struct.pack("<HH", 0, status))


def error(seq=1, code=1146, text="#42S02hunter2 is wrong"):
    return packet(seq, b"\xff", struct.pack("<H", code), text)


def columns(seq, n=1, more=b""):
    """So many columns, and their definitions."""
    return packet(seq, bytes([n]), more) + b"".join(packet(seq + 1 + i, b"\3def\4shop\1t\1t\1a\1a\x0c", bytes(12)) for i in range(n))


def rows(seq=1, n=1, status=2, new=False, values=(b"\7hunter2",)):
    """A result, as it is with CLIENT_DEPRECATE_EOF or without."""
    said, seq = columns(seq, n), seq + 1 + n
    if not new:
        said, seq = said + eof(seq), seq + 1
    for value in values:
        said, seq = said + packet(seq, value), seq + 1
    return said + (ok(seq, status, first=b"\xfe") if new else eof(seq, status))


def command(number, *arguments):
    return packet(0, bytes([number]), *arguments)


def query(text):
    return command(3, text)


def prepare(text):
    return command(0x16, text)


def prepared(number=1, parameters=1, n=1, new=False):
    said, seq = packet(1, b"\0", struct.pack("<IHHBH", number, n, parameters, 0, 0)), 2
    for count in (parameters, n):
        for _ in range(count):
            said, seq = said + packet(seq, b"\3def\0\0\0\1?\0\x0c", bytes(12)), seq + 1
        if count and not new:
            said, seq = said + eof(seq), seq + 1
    return said


def execute(number=1, value=b"\7hunter2", cursor=0, which=0x17):
    return command(which, struct.pack("<IBI", number, cursor, 1), b"\0\1\xfd\0", value)


def of(number, statement, *more):
    return command(number, struct.pack("<I", statement), *more)


def frame(seq, data, packed=True, level=6):
    """A frame of the compressed protocol."""
    payload = zlib.compress(data, level) if packed else data
    return struct.pack("<I", len(payload))[:3] + bytes([seq & 255]) + struct.pack("<I", len(data) if packed else 0)[:3] + payload


def behind(frame):
    """The same with three bytes more in it."""
    return struct.pack("<I", len(frame) - 7 + 3)[:3] + frame[3:] + b"abc"


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


OPEN = (s(greeting()), c(login()), s(ok(2)))
MYSQL = (s(greeting("8.0.36", SERVER | LONG_PASSWORD)), c(login(capabilities=CLIENT | LONG_PASSWORD | DEPRECATE_EOF)), s(ok(2)))
ASK = (c(query("SELECT 1")), s(rows()))

write("query", "Queries; values and texts of errors are not shown.", *OPEN,
      c(query("SELECT * FROM `orders` WHERE note = 'hunter2' AND id = 5 # hunter2")), s(rows(values=[b"\7hunter2"] * 3)),
      c(query("SELECT * FROM none")), s(error()), c(query("INSERT INTO orders VALUES (1, \"hunter2\")")), s(ok()),
      c(query("SELECT 1 FROM orders WHERE 0")), s(rows(values=())), c(command(1)), "end >", "end <")
write("deprecate-eof", "Without EOF behind definitions, and an OK at the end, of MySQL; one row is empty, one without columns' names.",
      *MYSQL, c(query("SELECT a FROM t")), s(rows(new=True, values=[b"\7hunter2", b"\0", b"\xfb"])),
      c(query("SELECT a FROM t")), s(rows(new=True, values=())), c(query("DO 1")), s(ok(more=b"Rows matched: 1")))
write("large", "A query of which the beginning is read, one of more than 16 MiB, such a row, and a row that nobody saw.", *OPEN,
      c(struct.pack("<I", 1 + 31 + 20000 + 2)[:3] + b"\0\3", b"INSERT INTO t VALUES (1, 'hunter"[:31]), "fill > 20000 x", c(b"')"),
      s(ok()), c(query("SELECT b FROM big")), s(columns(1), eof(3), b"\xff\xff\xff\4\xfe"), "fill < 1000 x",
      f"skip < {0xffffff - 2001}", "fill < 1000 x",
      s(packet(5, b"\xfe\0\0\2\0"), packet(6, b"\1x"), b"\x88\x13\0\7"), "fill < 1000 x", "skip < 3000", "fill < 1000 x", s(eof(8)),
      c(b"\xff\xff\xff\0\3INSERT INTO u VALUES ('"), "fill > 5000 x",
      f"skip > {0xffffff - 6024}", "fill > 1000 x", c(b"\2\0\0\1')"), s(ok(2)), *ASK)
write("several", "Several statements in one query are one exchange with several results; so is what is called.", *OPEN,
      c(query("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)")), s(ok(1, 2 | MORE), ok(2)),
      c(query("SELECT 1; SELECT 2 FROM t; UPDATE t SET a = 1")),
      s(rows(1, status=2 | MORE), rows(6, status=2 | MORE), ok(11)), *ASK,
      c(query("CALL p(1)")), s(rows(1, status=2 | MORE), rows(6, status=2 | MORE), ok(11)), *ASK,
      c(query("SELECT 1; SELECT * FROM none; SELECT 2")), s(rows(1, status=2 | MORE), error(6)), *ASK)
write("prepared", "Statements by their ids, until they are closed; further data, a reset, a bulk.", *OPEN,
      c(prepare("SELECT a FROM t WHERE b = ? AND c = 'hunter2'")), s(prepared(1, 1, 1)), c(execute(1)), s(rows(values=[b"\0\0\7hunter2"])),
      c(prepare("INSERT INTO u VALUES (?)")), s(prepared(2, 1, 0)), c(of(0x18, 2, b"\0\0hunter2")), c(execute(2)), s(ok()),
      c(execute(1)), s(rows(values=[b"\0\0\7hunter2"])), c(of(0x1a, 1)), s(ok()), c(execute(2, which=0xfa)), s(ok()),
      c(of(0x19, 1)), c(execute(1)), s(error(code=1243)), c(prepare("SELEC")), s(error(code=1064)),
      c(prepare("COMMIT")), s(prepared(3, 0, 0)), c(execute(3)), s(ok()), c(execute(9)), s(ok()))
write("prepared-new", "The same with CLIENT_DEPRECATE_EOF.", *MYSQL,
      c(prepare("SELECT a FROM t WHERE b = ? AND c = ?")), s(prepared(1, 2, 2, new=True)), c(execute(1)),
      s(rows(n=2, new=True, values=[b"\0\0\7hunter2"])), c(prepare("DELETE FROM t")), s(prepared(2, 0, 0, new=True)),
      c(execute(2)), s(ok()), c(execute(1)), s(rows(n=2, new=True, values=())))
write("pipelined", "Commands before the answers to those before them; what is prepared is executed by MariaDB's name for it.", *OPEN,
      c(query("SELECT 1 FROM a"), query("SELECT 1 FROM b"), command(0x0e), prepare("UPDATE t SET a = ?"), execute(0xffffffff),
        prepare("DELETE FROM t WHERE a = ?"), execute(0xffffffff), query("SELECT 'a\\'hunter2'")),
      s(rows(), error(), ok(), prepared(5, 1, 0), ok(), prepared(6, 1, 0), ok(), rows()), c(execute(0xffffffff)), s(ok()),
      c(execute(5)), s(ok()))
write("cursor", "A result that is fetched in steps, with EOF and without.", *OPEN, c(prepare("SELECT a FROM t")), s(prepared(1, 0, 1)),
      c(execute(1, cursor=1)), s(columns(1), eof(3, 2 | CURSOR)), c(of(0x1c, 1, b"\2\0\0\0")),
      s(packet(1, b"\0\0\1x"), packet(2, b"\0\0\1x"), eof(3, 2 | CURSOR)), c(of(0x1c, 1, b"\2\0\0\0")), s(eof(1, 2 | 0x80)), *ASK,
      c(execute(1, cursor=1)), s(columns(1), ok(3, 2 | CURSOR, first=b"\xfe")), c(of(0x1c, 1, b"\2\0\0\0")),
      s(packet(1, b"\0\0\1x"), ok(2, 2 | 0x80, first=b"\xfe")), *ASK)
write("cached-metadata", "Definitions that the client knows are left out.", *OPEN, c(query("SELECT a FROM t")),
      s(packet(1, b"\1\0"), eof(2), packet(3, b"\7hunter2"), eof(4)), c(query("SELECT a FROM t")),
      s(packet(1, b"\1\0"), packet(2, b"\7hunter2"), ok(3, first=b"\xfe")), c(query("SELECT a FROM t")),
      s(columns(1, more=b"\1"), packet(3, b"\7hunter2"), ok(4, first=b"\xfe")))
write("infile", "LOAD DATA LOCAL INFILE: the file goes the other way, in packets; one is refused.", *OPEN,
      c(query("LOAD DATA LOCAL INFILE 'hunter2' INTO TABLE t")), s(packet(1, b"\xfbhunter2")), c(packet(2, b"hunter2\t1\n" * 5)),
      c(packet(3, b"\3SELECT 1"), packet(4)), s(ok(5)), c(query("LOAD DATA LOCAL INFILE 'hunter2' INTO TABLE t")),
      s(packet(1, b"\xfbhunter2")), c(packet(2)), s(error(3, 2)), *ASK)
FILE = b"".join(packet(i, b"\3hunter2\n" if i % 256 else b"\3SELECT 'hunter2'") for i in range(2, 600)) + packet(600)
write("infile-long", "A file of so many packets that their numbers begin anew, with what looks like a query in one that has number 0.", *OPEN,
      c(query("LOAD DATA LOCAL INFILE 'hunter2' INTO TABLE t")), s(packet(1, b"\xfbhunter2")), c(FILE), s(ok(601)), *ASK,
      c(query("LOAD DATA LOCAL INFILE 'hunter2' INTO TABLE t")), s(packet(1, b"\xfbhunter2")),
      c(b"".join(packet(i, b"x") for i in range(2, 256)) + packet(256)), s(ok(257)), *ASK)
write("infile-command", "A command in the place of a file: left alone.", *OPEN,
      c(query("LOAD DATA LOCAL INFILE 'hunter2' INTO TABLE t")), s(packet(1, b"\xfbhunter2")), *ASK)
write("database", "Which database is used: of the start, of COM_INIT_DB and USE, if they succeed; unknown where it may be another.",
      *OPEN, *ASK, c(command(2, "a")), s(ok()), *ASK, c(command(2, "none")), s(error(code=1049)), *ASK, c(query("USE `b b`;")), s(ok()), *ASK,
      c(query("use c")), s(error(code=1049)), *ASK, c(command(2, "d"), query("SELECT 1")), s(ok(), rows()), *ASK,
      c(query("SELECT 1; USE e")), s(rows(1, status=2 | MORE), ok(6)), *ASK, c(command(2, "f")), s(ok()), *ASK, c(query("DROP DATABASE f")),
      s(ok()), *ASK, c(command(2, "g")), s(ok()), c(query("/*!40100 USE h */")), s(ok()), *ASK, c(command(2, "i")), s(ok()),
      c(query("/*!40100 SET NAMES utf8 */")), s(ok()), *ASK, c(command(2, "j"), command(2, "k")), s(ok(), error(code=1049)), *ASK,
      c(command(2, "l" * 64)), s(ok()), *ASK, c(command(2, "l" * 65)), s(ok()), *ASK, c(command(2, "m")), s(ok()),
      c(query("SELECT 1 $ USE n")), s(rows(1, status=2 | MORE), ok(6)), *ASK)
write("no-database", "None in the start.", s(greeting()), c(login(capabilities=CLIENT & ~WITH_DB)), s(ok(2)), *ASK)
write("change-user", "Another user: another turn of authentication; nothing is prepared any more. COM_RESET_CONNECTION the same.", *OPEN,
      c(prepare("SELECT a FROM t")), s(prepared(1, 0, 1)), c(execute(1)), s(rows()),
      c(command(0x11, "other\0\7hunter2other_db\0\x2d\0mysql_native_password\0")), s(packet(1, b"\xfe", "plugin\0hunter2")),
      c(packet(2, "hunter2")), s(packet(3, b"\1\4")), c(packet(4, "hunter2")), s(ok(5)), *ASK, c(execute(1)), s(error(code=1243)),
      c(prepare("SELECT a FROM t")), s(prepared(1, 0, 1)), c(command(0x1f)), s(ok()), c(execute(1)), s(error(code=1243)), *ASK)
write("commands", "What is no exchange: ping, statistics, fields, options, debug, refresh, kill.", *OPEN,
      c(command(0x0e)), s(ok()), c(command(9)), s(packet(1, "Uptime: 7  Threads: 1")), c(command(4, "t\0%")),
      s(packet(1, b"\3def\4shop\1t\1t\1a\1a\x0c", bytes(12), b"\7hunter2"), eof(2)), c(command(0x1b, b"\0\0")), s(eof(1)),
      c(command(0x0d)), s(eof(1)), c(command(7, b"\1")), s(ok()), c(command(0x0c, bytes(4))), s(error(code=1094)), *ASK,
      c(command(0x0a)), s(rows()), *ASK)
write("short", "A login that ends in the middle of its name.", s(greeting()),
      c(packet(1, struct.pack("<IIB", CLIENT, 1 << 24, 45), bytes(23), "shop")), s(ok(2)), *ASK)
write("switch", "Authentication in several turns, with passwords in clear.", s(greeting()), c(login()),
      s(packet(2, b"\xfe", "caching_sha2_password\0hunter2\0")), c(packet(3, "hunter2")), s(packet(4, b"\1\4")), c(packet(5, "hunter2\0")),
      s(ok(6)), *ASK)
write("refused", "The server does not want this user.", s(greeting()), c(login()), s(error(2, 1045, "#28000")), "end <")
write("blocked", "The server wants nobody.", s(error(0, 1040, "Too many connections")), "end <")
write("tls", "TLS is asked for: handed over.", s(greeting()), c(packet(1, struct.pack("<IIB", CLIENT | TLS, 1 << 24, 45), bytes(23))),
      c(bytes.fromhex("1603010200010001fc0303") + bytes(range(32)) + bytes(20)))
write("inside-tls", "What is inside: it begins with the answer to a greeting that was in clear.",
      c(login(2, CLIENT | TLS | LONG_PASSWORD)), s(ok(3)), *ASK)
write("inside-tls-mariadb", "A client that knows MariaDB says so.", c(login(2, CLIENT | TLS)), s(ok(3)), *ASK)
PACKED = (s(greeting()), c(login(capabilities=CLIENT | COMPRESS)), s(ok(2)))
ROWS = [b"\xfc" + struct.pack("<H", 2000) + bytes(97 + (i * 7 + j * j) % 26 for j in range(2000)) for i in range(40)]
CALLED = rows(status=2 | MORE)
DATA = rows(values=ROWS)


def frames(seq, data, size, packed=True):
    """The data in frames of so many bytes."""
    return b"".join(frame(seq + i, data[at:at + size], packed) for i, at in enumerate(range(0, len(data), size)))


write("compressed", "The compressed protocol: frames that are compressed and others, which begin and end anywhere.", *PACKED,
      c(frame(0, query("SELECT 1"), False)), s(frame(1, rows())), c(frame(0, query("SELECT a FROM t WHERE b = 'hunter2'"))), s(frames(1, rows(), 5)),
      c(frames(0, query("INSERT INTO orders VALUES ('hunter2')"), 3, False)), s(frame(14, ok(), False)),
      c(frames(0, query("DELETE FROM orders"), 9)), s(frames(3, error(), 4, False)),
      c(frame(0, query("SELECT b FROM big"))), s(frames(1, rows(values=ROWS[:9]), 7000)), c(frame(0, b"", False), frame(1, query("SELECT 2"))),
      s(frame(2, rows())), c(frame(0, command(1), False)), "end >", "end <")
write("compressed-window", "A result of more than a window, whose rows repeat what lies far behind; then another question.", *PACKED,
      c(frame(0, query("SELECT b FROM big"))), s(frame(1, DATA)), c(frame(0, query("SELECT 1"))), s(frame(1, rows())))
write("compressed-numbers", "Packets take the number of the frame where the server flushed: within an answer, too.", *PACKED,
      c(frame(0, query("CALL p(1)"))), s(frame(1, CALLED), frame(2, ok(2), False)),
      c(frame(0, query("SELECT 1"))), s(frame(1, rows(200))), c(frame(0, prepare("SELECT a FROM t WHERE b = ?"))), s(frame(1, prepared(1, 1, 1))),
      c(frame(0, execute(1))), s(frame(1, rows(values=[b"\0\0\7hunter2"]))),
      c(frame(0, prepare("SELECT 5") + execute(0xffffffff))), s(frame(1, prepared(2, 0, 1)), frame(1, rows())))
write("compressed-file", "A file that the server asks for, in frames.", *PACKED, c(frame(0, query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t"))),
      s(frame(1, packet(1, b"\xfbx"), False)), c(frame(2, packet(2, b"hunter2\n" * 20)), frame(3, packet(3), False)), s(frame(4, ok(4), False)),
      c(frame(0, query("SELECT 1"))), s(frame(1, rows())))
write("compressed-tls", "Inside TLS.", c(login(2, CLIENT | TLS | COMPRESS)), s(ok(3)), c(frame(0, query("SELECT a FROM t"))), s(frame(1, rows())))
write("compressed-stored", "Blocks that zlib did not compress, and those with codes of their own.", *PACKED,
      c(frame(0, query("SELECT 'hunter2'"), level=0)), s(frame(1, rows(), level=0)), c(frame(0, query("SELECT 1 FROM t" + " " * 99), level=9)),
      s(frame(1, rows(values=[b"\7hunter2"] * 9), level=9)))
write("compressed-cut", "The connection ends within a frame.", *PACKED, c(frame(0, query("SELECT 1"))), s(frame(1, rows())[:30]), "end <")
write("compressed-zstd", "zstd: left alone, and counted.", s(greeting(capabilities=SERVER | ZSTD)), c(login(capabilities=CLIENT | ZSTD)), s(ok(2)),
      c(b"\x3c\0\0\0\x28\0\0" + b"\x28\xb5\x2f\xfd" + bytes(56)))
write("compressed-damaged", "What zlib cannot read: left alone.", *PACKED, c(frame(0, query("SELECT 1"))),
      s(frame(1, rows()).replace(b"\x78\x9c", b"\x78\x9d")))
write("compressed-length", "More than the head of a frame said: left alone.", *PACKED, c(frame(0, query("SELECT 1"))),
      s(frame(1, rows())[:4] + b"\5\0\0" + frame(1, rows())[7:]))
write("compressed-short", "Less than the head of a frame said: left alone.", *PACKED, c(frame(0, query("SELECT 1"))),
      s(frame(1, rows())[:4] + b"\xff\0\0" + frame(1, rows())[7:]), *ASK)
write("compressed-more", "Something behind the compressed data: left alone.", *PACKED, c(frame(0, query("SELECT 1"))), s(behind(frame(1, rows()))))
write("compressed-order", "A frame too many: left alone.", *PACKED, c(frame(0, query("SELECT 1"))), s(frame(5, rows())))
write("compressed-unseen", "Bytes that nobody saw: left alone.", *PACKED, c(frame(0, query("SELECT 1"))), "skip < 9")
write("compressed-early", "A question before the login is over: left alone.", s(greeting()), c(login(capabilities=CLIENT | COMPRESS), b"\5\0"), s(ok(2)))
write("old", "A server without protocol 4.1: left alone.", s(greeting("3.23.58", 0)), c(login()))
write("protocol", "A greeting of another protocol: left alone.", s(greeting(protocol=9)), c(login()))
write("replication", "Replication: left alone.", *OPEN, c(command(0x15, bytes(18))), s(ok()), c(command(0x12, bytes(20))))
write("attributes", "Attributes before a query: none, and one whose value is not shown.", s(greeting()),
      c(login(capabilities=CLIENT | ATTRIBUTES)), s(ok(2)), c(command(3, b"\0\1SELECT a FROM t")), s(rows()),
      c(command(3, b"\1\1\0\1\xfe\0\1k\7hunter2SELECT a FROM t")), s(rows()), c(query("SELECT a FROM u")), s(rows()))
write("modes", "Whether backslashes escape is the server's status; where that is doubtful nothing behind it is shown.", *OPEN,
      c(query("SELECT 'a\\'hunter2' FROM t")), s(rows()), c(query("SET sql_mode = 'NO_BACKSLASH_ESCAPES'")), s(ok(status=2 | NO_ESCAPES)),
      c(query("SELECT 'a\\' hunter2 FROM t")), s(rows(status=2 | NO_ESCAPES)), c(query("SET sql_mode = ''; SELECT 'a\\' hunter2 ', b")),
      s(ok(status=2 | MORE), rows(2)), c(query("SELECT \"a\\\"hunter2\" FROM t")), s(rows()), c(query("SELECT 'a\\'hunter2' FROM t")), s(rows()))
write("secrets", "What is no command is not shown, nor what a comment holds.", *OPEN, c(query("hunter2")), s(error(code=1064)),
      c(query("SELECT /*! 'hunter2' */ 1")), s(rows()), c(query("SELECT /*!40001 SQL_NO_CACHE */ a FROM t -- hunter2")), s(rows()),
      c(query("SET PASSWORD = 'hunter2'")), s(ok()), c(query("CREATE USER u@localhost IDENTIFIED BY 'hunter2'")), s(ok()),
      c(query("SELECT n'hunter2', _utf8mb4'hunter2', x'68', 0x68, b'01', $$hunter2$$")), s(error(code=1064)),
      c(query("CREATE PROCEDURE p() BEGIN SELECT 'hunter2' FROM t; DELETE FROM u; END")), s(ok()))
write("progress", "Reports of MariaDB in the place of an error.", *OPEN, c(query("ALTER TABLE t ENGINE = InnoDB")),
      s(packet(1, b"\xff\xff\xff\1\1\2\0\0\0\6hunter")), s(packet(2, b"\xff\xff\xff\1\2\2\0\0\0\6hunter")), s(ok(3)), *ASK)
write("row-error", "A query that fails in the middle of its rows.", *OPEN, c(query("SELECT sleep(9) FROM t")),
      s(columns(1), eof(3), packet(4, b"\0010"), error(5, 1317)), *ASK)
write("unasked", "An answer to nothing.", *OPEN, s(ok(1)))
write("farewell", "The server ends an idle connection, and says why.", *OPEN, *ASK, s(error(0, 4031)), "end <")
write("unknown-command", "A command that is none.", *OPEN, *ASK, c(command(0x77)))
write("sleep", "One that no client sends.", *OPEN, c(command(0)))
write("empty", "A command without a first byte.", *OPEN, c(packet(0)))
write("order", "A packet that is out of order, of the client.", *OPEN, *ASK, c(packet(5, b"\3SELECT 1")))
write("answer-order", "A packet that is out of order, of the server.", *OPEN, c(query("SELECT 1")), s(ok(7)))
write("early", "A command before the authentication is over.", s(greeting()), c(login()), c(query("SELECT 1")))
write("closed", "The connection ends with questions waiting and one not whole.", *OPEN,
      c(query("SELECT 1"), query("SELECT 2 FROM t"), query("SELECT 3")[:9]), "end <")
write("reset", "The connection breaks in the middle of a row.", *OPEN, c(query("SELECT 1")), s(rows()[:60]), "reset <")
# Connections that were there before us: the first bytes are no greeting.
write("joined", "A connection that is joined with a query: neither the database is known, nor whether it is MariaDB.",
      c(query("SELECT * FROM orders WHERE note = 'hunter2'")), s(rows(values=[b"\7hunter2"] * 2)), c(query("SELECT * FROM none")), s(error()),
      c(prepare("SELECT a FROM t WHERE b = ?")), s(prepared(7)), c(execute(7)), s(rows(new=True)),
      c(query("USE shop")), s(ok()), c(query("ALTER TABLE t FORCE")), s(packet(1, b"\xff\xff\xff\1\1\2\0\0\0\5hello"), ok(2)), *ASK)
write("joined-prepared", "One that is joined with the execution of what was prepared before.",
      c(execute(3)), s(rows()), c(of(0x19, 3), prepare("INSERT INTO u VALUES ('hunter2', ?)")), s(prepared(4, n=0)), c(execute(4)), s(ok()))
write("joined-ping", "One that is joined with a ping, and a database that is named then.",
      c(command(0x0e)), s(ok()), c(command(2, "shop")), s(ok()), *ASK)
write("joined-order", "A first answer with another number: left alone.", c(query("SELECT 1")), s(rows(2)))
write("joined-early", "An answer to the question of somebody before: what comes then belongs to nobody.", *ASK, s(rows()))
write("joined-attributes", "Queries of MySQL 8 that could have attributes: without them, and with some.",
      c(query(b"\0\1SELECT a FROM t")), s(rows(new=True)), c(query(b"\1\1\0\1\xfe\0\4name\7hunter2SELECT a FROM t")), s(rows(new=True)))
