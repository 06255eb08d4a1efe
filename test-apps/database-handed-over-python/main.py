"""Connections to databases that are older than the process that uses them, as pre-forking servers and restarts have them.

main.py SYSTEM HOW PORT    SYSTEM is postgresql, mariadb or redis; says what came back

HOW is one of
  forked        the process that connected, and then a child of it, and then itself
  midway        a question is on its way while the process forks: the child ends, the parent gets the answer
  answered      the same, but the child gets the answer, and the parent closes the connection
  passed        through a Unix-domain socket (SCM_RIGHTS), to a program that was there before
  inherited     by a program that the process starts, with the environment CHILD, a JSON object
  restarted     the process starts itself anew, and goes on
  owed          as passed, while the answer to a question is on its way, which the other one reads behind one of its own

main.py SYSTEM speak FD    a program that got the connection already
main.py SYSTEM take FD     a program that gets it from the socket FD
main.py SYSTEM owe FD      the same, with an answer of before
"""
import array
import hashlib
import json
import os
import select
import socket
import struct
import subprocess
import sys


LONG_PASSWORD, WITH_DATABASE, PROTOCOL_41, TRANSACTIONS, SECURE, PLUGINS = 1, 8, 0x200, 0x2000, 0x8000, 0x80000


class Postgresql:
    """What PostgreSQL needs to hear, in its own words: libraries take over no connection."""

    def __init__(self, s):
        self.s, self.file = s, s.makefile("rb")

    @classmethod
    def connect(cls, port):
        s = socket.create_connection(("127.0.0.1", port))
        words = b"user\0shop_user\0database\0postgres\0\0"
        s.sendall(struct.pack("!ii", len(words) + 8, 196608) + words)
        me = cls(s)
        me.answer()
        return me

    def send(self, text):
        self.s.sendall(b"Q" + struct.pack("!i", len(text) + 5) + text.encode() + b"\0")

    def answer(self):
        said = []
        while True:
            head = self.file.read(5)
            body = self.file.read(struct.unpack("!i", head[1:])[0] - 4)
            if head[:1] == b"Z":
                return b" ".join(said).decode()
            if head[:1] == b"C":
                said.append(body[:-1])

    before, here, slow, after = "INSERT INTO orders VALUES (1, 'hunter2')", "SELECT note FROM orders WHERE note = 'hunter2'", \
        "SELECT pg_sleep(0.5), 'hunter2'", "DELETE FROM orders WHERE note = 'hunter2'"


class Mariadb:
    def __init__(self, s):
        self.s, self.file = s, s.makefile("rb")

    @classmethod
    def connect(cls, port):
        me = cls(socket.create_connection(("127.0.0.1", port)))
        greeting = me.packet()
        salt = greeting[greeting.index(b"\0") + 5:][:8] + greeting[greeting.index(b"\0") + 32:][:12]
        key = hashlib.sha1(b"hunter2").digest()
        proof = bytes(a ^ b for a, b in zip(key, hashlib.sha1(salt + hashlib.sha1(key).digest()).digest()))
        # As old clients do it: no flag that changes how answers end.
        flags = LONG_PASSWORD | WITH_DATABASE | PROTOCOL_41 | TRANSACTIONS | SECURE | PLUGINS
        words = struct.pack("<IIB23x", flags, 1 << 24, 45) + b"shop_user\0\x14" + proof + b"shop\0mysql_native_password\0"
        me.s.sendall(struct.pack("<I", len(words) | 1 << 24) + words)
        assert me.packet()[0] == 0
        return me

    def packet(self):
        n = struct.unpack("<I", self.file.read(4))[0] & 0xffffff
        return self.file.read(n)

    def send(self, text):
        self.s.sendall(struct.pack("<I", len(text) + 1) + b"\3" + text.encode())

    def answer(self):
        first = self.packet()
        if first[0] == 0:
            return f"{first[1]} rows"
        for _ in range(2):  # columns, then rows, each up to an EOF
            rows = 0
            while (p := self.packet())[0] != 0xfe:
                rows += 1
        return f"rows {rows}"

    before, here, slow, after = "INSERT INTO orders VALUES (1, 'hunter2')", "SELECT note FROM orders WHERE note = 'hunter2'", \
        "SELECT sleep(0.5), 'hunter2'", "DELETE FROM orders WHERE note = 'hunter2'"


class Redis:
    def __init__(self, s):
        self.s, self.file = s, s.makefile("rb")

    @classmethod
    def connect(cls, port):
        return cls(socket.create_connection(("127.0.0.1", port)))

    def send(self, text):
        words = text.split()
        self.s.sendall(f"*{len(words)}\r\n".encode() + b"".join(f"${len(w)}\r\n{w}\r\n".encode() for w in words))

    def answer(self):
        line = self.file.readline().decode().strip()
        if line[0] == "$" and line != "$-1":
            line = self.file.read(int(line[1:]) + 2).decode().strip()
        return line

    before, here, slow, after = "SELECT 3", "GET hunter2", "BLPOP hunter2 0.5", "DEL hunter2"


SYSTEMS = {"postgresql": Postgresql, "mariadb": Mariadb, "redis": Redis}


def ask(database, text):
    database.send(text)
    print(database.answer(), flush=True)


def in_child(work):
    child = os.fork()
    if child == 0:
        work()
        sys.exit(0)
    os.waitpid(child, 0)


def forked(database):
    in_child(lambda: [ask(database, database.here) for _ in range(3)])
    ask(database, database.after)


def midway(database):
    database.send(database.slow)
    in_child(lambda: None)
    print(database.answer())


def answered(database):
    database.send(database.slow)
    in_child(lambda: print(database.answer(), flush=True))
    database.s.close()


def passed(database, how="take"):
    here, there = socket.socketpair()
    taker = subprocess.Popen([sys.executable, __file__, sys.argv[1], how, str(there.fileno())], pass_fds=[there.fileno()])
    here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [database.s.fileno()]))])
    taker.wait()


def inherited(database):
    env = json.loads(os.environ["CHILD"])
    fd = database.s.fileno()
    subprocess.run([sys.executable, __file__, sys.argv[1], "speak", str(fd)], env=env, pass_fds=[fd])


def restarted(database):
    os.set_inheritable(database.s.fileno(), True)
    os.execv(sys.executable, [sys.executable, __file__, sys.argv[1], "speak", str(database.s.fileno())])


def owed(database):
    database.send(database.here)
    select.select([database.s], [], [])
    passed(database, "owe")


def main():
    system, how, number = SYSTEMS[sys.argv[1]], sys.argv[2], int(sys.argv[3])
    if how in ("speak", "take", "owe"):
        s = socket.socket(fileno=number)
        if how != "speak":
            _, about, _, _ = s.recvmsg(1, socket.CMSG_SPACE(4))
            s = socket.socket(fileno=array.array("i", about[0][2])[0])
        database = system(s)
        if how == "owe":
            database.send(database.after)
            print(database.answer(), flush=True)
            print(database.answer(), flush=True)
            return
        for text in (database.here, database.after):
            ask(database, text)
        return
    database = system.connect(number)
    ask(database, database.before)
    {"forked": forked, "midway": midway, "answered": answered, "passed": passed, "inherited": inherited,
     "restarted": restarted, "owed": owed}[how](database)


main()
