"""A DNS server for tests, over UDP and TCP. Its log is the truth that spans are counted against.

What it answers is said by the first label of a name, so that every case can have names of its own:
nx* NXDOMAIN, fail* SERVFAIL, refuse* REFUSED, empty* no records, silent* nothing at all, big* more than a datagram holds
(truncated there, whole over TCP), 99 (of an address) NXDOMAIN, alias* a CNAME to an address, web* this machine; all else has one address of each family,
or a name for PTR.
Run as a program: dns_server.py ADDRESS PORT.
"""
import socket
import struct
import sys
import threading

TYPES = {1: "A", 5: "CNAME", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}
RCODES = {"nx": 3, "fail": 2, "refuse": 5, "99": 3}
A, AAAA, CNAME, PTR = 1, 28, 5, 12
BIG = 60  # addresses


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def read_name(data, at):
    labels = []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    return ".".join(labels), at + 1


def record(owner, kind, data, seconds=0):
    return owner + struct.pack(">HHIH", kind, 1, seconds, len(data)) + data


def addresses(kind, count):
    if kind == A:
        return [bytes([192, 0, 2, 1 + i]) for i in range(count)]
    return [bytes.fromhex("20010db8000000000000000000") + bytes([0, 0, 1 + i]) for i in range(count)]


class DnsServer:
    def __init__(self, address="127.0.0.1", port=0):
        self.log, self.lock, self.conns = [], threading.Lock(), []
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.udp.bind((address, port))
            self.address = self.udp.getsockname()
            try:
                self.tcp.bind(self.address)
                break
            except OSError:
                self.udp.close()
                if port:
                    raise
        self.tcp.listen(64)
        for work in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=work, daemon=True).start()

    def close(self):
        for s in (self.udp, self.tcp, *self.conns):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def asked(self, over=None):
        """(name, type, transport) of each query, in order."""
        with self.lock:
            return [q for q in self.log if over in (None, q[2])]

    def answer(self, data, transport):
        ident, flags, count = struct.unpack(">HHH", data[:6])
        name, at = read_name(data, 12)
        kind, = struct.unpack(">H", data[at:at + 2])
        question = data[12:at + 4]
        with self.lock:
            self.log.append((name.lower(), TYPES.get(kind, str(kind)), transport))
        label = name.lower().split(".")[0]
        first = label.rstrip("0123456789") or label
        if first == "silent":
            return None
        rcode, answers, truncated = RCODES.get(first, 0), [], False
        here = b"\xc0\x0c"
        if rcode or first == "empty":
            pass
        elif kind == PTR:
            answers = [record(here, PTR, encode("host.of." + name.split(".")[0] + ".test"))]
        elif kind in (A, AAAA):
            if first == "web":
                answers = [record(here, A, bytes([127, 0, 0, 1]))] if kind == A else []
            elif first == "alias":
                target = encode("real." + name.partition(".")[2])
                answers = [record(here, CNAME, target), record(target, kind, addresses(kind, 1)[0])]
            else:
                answers = [record(here, kind, a) for a in addresses(kind, BIG if first == "big" else 1)]
        if first == "big" and transport == "udp" and answers:
            truncated, answers = True, []
        head = struct.pack(">HHHHHH", ident, 0x8180 | (flags & 0x0100) | rcode | (0x0200 if truncated else 0), 1, len(answers), 0, 0)
        return head + question + b"".join(answers)

    def serve_udp(self):
        while True:
            try:
                data, peer = self.udp.recvfrom(65536)
                reply = self.answer(data, "udp")
                if reply:
                    self.udp.sendto(reply, peer)
            except OSError:
                return
            except (struct.error, IndexError):
                continue

    def serve_tcp(self):
        while True:
            try:
                conn, _ = self.tcp.accept()
            except OSError:
                return
            self.conns.append(conn)
            threading.Thread(target=self.serve_conn, args=(conn,), daemon=True).start()

    def serve_conn(self, conn):
        data = b""
        try:
            while True:
                more = conn.recv(65536)
                if not more:
                    break
                data += more
                while len(data) >= 2 and len(data) >= 2 + int.from_bytes(data[:2], "big"):
                    size = int.from_bytes(data[:2], "big")
                    reply = self.answer(data[2:2 + size], "tcp")
                    data = data[2 + size:]
                    if reply:
                        conn.sendall(len(reply).to_bytes(2, "big") + reply)
        except (OSError, struct.error, IndexError):
            pass
        conn.close()


if __name__ == "__main__":
    server = DnsServer(sys.argv[1], int(sys.argv[2]))
    print(*server.address, flush=True)
    threading.Event().wait()
