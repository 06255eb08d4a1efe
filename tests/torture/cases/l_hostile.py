"""Case 45: peers that mean harm, to servers and to clients. Program and peer get what they get without
the agent, memory stays within bounds, and nothing runs for ever.
"""
import gzip
import hashlib
import os
import re
import socket
import threading
import time
from pathlib import Path

import hostile
import j_churn
from frame import HANG, Failure, case, which
from h_programs import await_port, free_port

# What the agent may keep of all this (docs/SAFETY.md), and what allocators of different runs differ by.
MEMORY_KB = 24 * 1024

SPONGE = r"""
#include "torture.h"
#include <stdbool.h>
#include <sys/epoll.h>

/*
 * A server on one epoll loop that answers each empty line, and reads to the end. When it is told to stop
 * it prints a checksum of all that each connection sent, without lines of the agent.
 */
struct one { char *bytes; size_t n, cap; unsigned matched; } all[1 << 12];
static uint64_t sums[1 << 16];
static int sum_count, stop;

static void on_term(int signal) { stop = 1; }

static size_t without_lines(char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n;) {
		bool ours = n - i >= 70 && (i == 0 || p[i - 1] == '\n') && memcmp(p + i, "traceparent: 00-", 16) == 0 &&
			    memcmp(p + i + 68, "\r\n", 2) == 0;

		if (ours)
			i += 70;
		else
			p[out++] = p[i++];
	}
	return out;
}

static void finish(int fd)
{
	struct one *c = &all[fd];
	char *copy = malloc(c->n + 1);
	uint64_t h = 14695981039346656037u;
	size_t n;

	memcpy(copy, c->bytes, c->n);
	n = without_lines(copy, c->n);
	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)copy[i]) * 1099511628211u;
	if (sum_count < 1 << 16)
		sums[sum_count++] = h;
	free(copy);
	free(c->bytes);
	memset(c, 0, sizeof(*c));
	close(fd);
}

static void answer(int fd, struct one *c, const char *p, size_t n)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	for (size_t i = 0; i < n; i++) {
		c->matched = p[i] == "\r\n\r\n"[c->matched] ? c->matched + 1 : p[i] == '\r';
		if (c->matched < 4)
			continue;
		c->matched = 0;
		for (size_t done = 0; done < sizeof(text) - 1;) {
			ssize_t r = send(fd, text + done, sizeof(text) - 1 - done, MSG_NOSIGNAL);

			if (r < 0 && errno == EAGAIN)
				poll(&(struct pollfd){ fd, POLLOUT }, 1, 1000);
			else if (r < 0)
				return;
			done += r > 0 ? (size_t)r : 0;
		}
	}
}

static void ready(int fd)
{
	static unsigned turn;
	static const size_t sizes[] = { 65536, 4096, 700, 8192, 300, 65536, 16384 };
	struct one *c = &all[fd];
	size_t want = sizes[turn++ % 7];
	ssize_t n;

	if (c->cap - c->n < want) {
		c->cap = 2 * c->cap + 65536;
		c->bytes = realloc(c->bytes, c->cap);
	}
	n = recv(fd, c->bytes + c->n, want, 0);
	if (n <= 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		finish(fd);
		return;
	}
	c->n += (size_t)n;
	answer(fd, c, c->bytes + c->n - n, (size_t)n);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN }, events[64];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), loop = epoll_create1(0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	FAIL_IF(bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(listener, 1024) != 0);
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);
	e.data.fd = listener;
	epoll_ctl(loop, EPOLL_CTL_ADD, listener, &e);
	while (!stop) {
		int n = epoll_wait(loop, events, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd != listener) {
				ready(fd);
				continue;
			}
			fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
			if (fd < 0)
				continue;
			FAIL_IF(fd >= 1 << 12);
			e.data.fd = fd;
			epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
		}
	}
	qsort(sums, sum_count, sizeof(sums[0]), by_value);
	for (int i = 0; i < sum_count; i++)
		printf("%016llx\n", (unsigned long long)sums[i]);
	return 0;
}
"""

PYTHON = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        seen = sorted((k, v[:50]) for k, v in self.headers.items() if k.lower() != "traceparent")
        body = repr((self.command, self.path[:50], len(seen), seen[:5])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_CONNECT = do_GET
    def log_message(self, *arguments):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 512
    def handle_error(self, request, address):
        pass

Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

NODE = """
const http = require('http');
http.createServer((request, response) => {
  const seen = Object.entries(request.headers).filter(([k]) => k !== 'traceparent').map(([k, v]) => [k, String(v).slice(0, 50)]).sort();
  let bytes = 0;
  request.on('data', part => { bytes += part.length; });
  request.on('end', () => response.end(JSON.stringify([request.method, request.url.slice(0, 50), seen.length, seen.slice(0, 5), bytes])));
  request.on('error', () => {});
}).listen(+process.argv[2], '127.0.0.1', 1024);
"""

NGINX = """
daemon off; {user} worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log crit;
events {{ worker_connections 1024; }}
http {{
	access_log off; keepalive_requests 10000000; lingering_close off;
	client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fcgi;
	uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
	server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 "hello\\n"; }} }}
}}
"""


def resident_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def tree(pid):
    """The process and those it started."""
    found = [pid]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += tree(int(child))
    return found


def runs(task):
    try:
        return (task / "stat").read_text().rsplit(")", 1)[1].split()[0] == "R"
    except OSError:  # it has ended
        return False


def is_asleep(pid):
    return not any(runs(task) for task in Path(f"/proc/{pid}/task").iterdir())


def settles(pids):
    """All of them come to rest: nobody spins."""
    return any(all(is_asleep(p) for p in pids) or time.sleep(0.05) for _ in range(200))


def assault(t, argv, attack, states=("up", "stuck"), stop=None):
    """Runs a server without the agent and with it; `attack(port)` gives what the peers saw.

    Returns [(state, what they saw, Result)], the one without the agent first.
    """
    rounds = []
    for state in (None, *states):
        port, seen = free_port(), {}

        def during(process):
            await_port(port, process)
            seen["peers"] = attack(port)
            pids = tree(process.pid)
            seen["idle"] = settles(pids)
            seen["memory"] = sum(resident_kb(p) for p in pids)
            seen["alive"] = process.poll() is None and bool(hostile.exchange(port, hostile.GET)[0])
            process.send_signal(stop or 15)

        result = t.run(argv(port), state, during=during, seconds=HANG * 5)
        t.check(seen["alive"], f"the server is gone (collector {state}): {result}")
        t.check(seen["idle"], f"something spins (collector {state})")
        rounds.append((state, seen, result))
    bare = rounds[0][1]
    for state, seen, _ in rounds[1:]:
        more = seen["memory"] - bare["memory"]
        t.note(f"collector {state}: {bare['memory']} KB without, {more:+} KB with the agent")
        t.check(more <= MEMORY_KB, f"{more} KB more than without the agent (collector {state})")
    return rounds


def same_answers(t, rounds):
    bare = rounds[0][1]["peers"]
    for state, seen, _ in rounds[1:]:
        for name, outcome in seen["peers"].items():
            t.check(hostile.alike(bare[name], outcome),
                    f"{name} (collector {state}): {outcome!r:.600}\nwithout the agent: {bare[name]!r:.600}")


def payloads(port):
    return {name: hostile.exchange(port, data) for name, data in hostile.all_payloads()}


def behaviours(port):
    """All that is no payload; the answers to be compared are whole or none."""
    hostile.resets(port)
    answers = hostile.slow_loris(port, 300)
    return {"slow loris": (b"\n".join(answers), 0, "closed")}


def both(port):
    return {**payloads(port), **behaviours(port)}


def sponge(t):
    program = t.compile("sponge", SPONGE)
    return lambda port: [program, port]


def python(t):
    script = t.script("server.py", PYTHON)
    return lambda port: [which("python3"), script, port]


def node(t):
    script = t.script("server.js", NODE)
    return lambda port: [which("node"), script, port]


def nginx(t):
    def argv(port):
        text = NGINX.format(dir=t.dir, port=port, user="user root;" if os.geteuid() == 0 else "")
        (t.dir / "nginx.conf").write_text(text)
        return [which("nginx"), "-p", t.dir, "-e", t.dir / "error.log", "-c", t.dir / "nginx.conf"]
    return argv


# ---- servers ----

@case(45, "a C server reads every byte of hostile clients as they sent it, and answers as without the agent")
def c45_sponge(t):
    rounds = assault(t, sponge(t), both)
    same_answers(t, rounds)
    for state, _, result in rounds[1:]:
        t.check(result.stdout == rounds[0][2].stdout, f"it read other bytes (collector {state})")
    t.check(len(rounds[0][2].stdout.split()) > 150, "the sponge saw few connections")


@case(45, "nginx answers hostile clients as without the agent", needs=["nginx"])
def c45_nginx(t):
    same_answers(t, assault(t, nginx(t), both))


@case(45, "Python's http.server answers hostile clients as without the agent", needs=["python3"])
def c45_python(t):
    same_answers(t, assault(t, python(t), both))


@case(45, "Node answers hostile clients as without the agent", needs=["node"])
def c45_node(t):
    same_answers(t, assault(t, node(t), both))


def flood(t, argv, count):
    rounds = assault(t, argv, lambda port: hostile.pipeline(port, count), states=("up",))
    for state, seen, _ in rounds:
        t.check(seen["peers"] == (count, "whole"), f"{seen['peers']} of {count} (collector {state})")


@case(45, "a million pipelined requests get a million answers of a C server")
def c45_pipeline_sponge(t):
    flood(t, sponge(t), 1000000)


@case(45, "a million pipelined requests get a million answers of nginx", needs=["nginx"])
def c45_pipeline_nginx(t):
    flood(t, nginx(t), 1000000)


@case(45, "pipelined requests by the thousand get their answers of Node and Python", needs=["node", "python3"])
def c45_pipeline_slow(t):
    flood(t, node(t), t.count(50000, 1000000))
    flood(t, python(t), t.count(20000, 1000000))


# ---- the limit that the user sets ----

@case(45, "with 16 MiB allowed, 9000 connections at once are served, within them")
def c45_limit(t):
    limit = {"REMORA_MEMORY_LIMIT": "16"}
    program = t.compile("plenty", j_churn.PLENTY.replace('puts("all of them");', '''
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kb = 0;

	while (fgets(line, sizeof(line), f))
		sscanf(line, "VmHWM: %ld", &kb);
	dprintf(2, "%ld KB\\n", kb);
	puts("all of them");'''))
    results = {state: t.run([program, t.count(4000, 9000)], state, seconds=60, env=limit) for state in (None, "up", "stuck")}
    for state, result in results.items():
        t.check((result.status, result.stdout) == (0, b"all of them\n"), f"collector {state}: {result}")
    used = {state: int(result.stderr.split()[0]) for state, result in results.items()}
    for state in ("up", "stuck"):
        more = used[state] - used[None]
        t.note(f"collector {state}: {more:+} KB at the most")
        # Besides: the rings, and a worker with its queue.
        t.check(more <= 16 * 1024 + 8 * 1024 + MEMORY_KB, f"{more} KB more at the most (collector {state})")


# ---- clients ----

def answers():
    """What a hostile server says: name, bytes (or pieces), and whether it ends by RST."""
    ok = b"HTTP/1.1 200 OK\r\n"
    bomb = gzip.compress(b"\0" * 50_000_000)
    yield "endless fields", hostile.after(ok, hostile.times(300000, lambda i: b"X-%d: y\r\n" % i)), False
    yield "a field of 1 MB", ok + b"X: " + b"v" * (1 << 20) + b"\r\n\r\n", False
    yield "5000 fields", ok + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"Content-Length: 2\r\n\r\nok", False
    yield "many 1xx", b"HTTP/1.1 100 Continue\r\n\r\n" * 20000 + ok + b"Content-Length: 2\r\n\r\nok", False
    yield "many 103", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 5000 + ok + b"Content-Length: 2\r\n\r\nok", False
    yield "only 1xx", b"HTTP/1.1 102 Wait\r\n\r\n" * 1000, False
    yield "101", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes", False
    yield "gzip bomb", ok + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb, False
    yield "more than promised", ok + b"Content-Length: 2\r\n\r\nok and more of it", False
    yield "less than promised", ok + b"Content-Length: 200\r\n\r\nshort", False
    yield "two lengths", ok + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\nhello", False
    yield "length and chunks", ok + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", False
    yield "negative length", ok + b"Content-Length: -5\r\n\r\nhello", False
    yield "immense length", ok + b"Content-Length: 99999999999999999999999\r\n\r\nhello", False
    yield "immense chunk", ok + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello", False
    yield "chunk of -1", ok + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nhello", False
    yield "chunk extension", ok + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"x" * 200000 + b"\r\nhello\r\n0\r\n\r\n", False
    yield "trailers", hostile.after(ok + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
                                    hostile.times(3000, lambda i: b"X-%d: y\r\n" % i)), False
    yield "NUL in the head", ok + b"X: a\0b\r\nContent-Length: 2\r\n\r\nok", False
    yield "bare CR", ok + b"X: a\rb\r\nContent-Length: 2\r\n\r\nok", False
    yield "space before colon", ok + b"Content-Length : 2\r\n\r\nok", False
    yield "split", ok + b"Content-Length: 0\r\n\r\n" + ok + b"Content-Length: 3\r\n\r\nno!", False
    yield "status 000", b"HTTP/1.1 000 x\r\nContent-Length: 2\r\n\r\nok", False
    yield "status 99999", b"HTTP/1.1 99999 x\r\nContent-Length: 2\r\n\r\nok", False
    yield "version 9.9", b"HTTP/9.9 200 x\r\nContent-Length: 2\r\n\r\nok", False
    yield "no HTTP", b"SSH-2.0-x\r\n", False
    yield "garbage", bytes(range(256)) * 500, False
    yield "204 with a body", b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello", False
    yield "nothing", b"", False
    yield "RST at once", b"", True
    yield "RST in the head", ok + b"X: ", True


CLIENT = """
import hashlib, sys, urllib.request
for url in sys.argv[1:]:
    try:
        with urllib.request.urlopen(url, timeout=50) as answer:
            body = answer.read()
            print(answer.status, len(body), hashlib.sha1(body).hexdigest())
    except Exception as error:
        print(type(error).__name__, str(error)[:60].replace('\\n', ' '))
"""

NODE_CLIENT = """
const http = require('http'), crypto = require('crypto');
const next = urls => {
  if (!urls.length) return;
  let done = false;
  const end = text => { if (!done) { done = true; console.log(text); next(urls.slice(1)); } };
  const request = http.get(urls[0], {agent: false}, answer => {
    const hash = crypto.createHash('sha1');
    let bytes = 0;
    answer.on('data', part => { hash.update(part); bytes += part.length; });
    answer.on('end', () => end(answer.statusCode + ' ' + bytes + ' ' + hash.digest('hex')));
    answer.on('error', error => end('body ' + error.code));
  });
  request.on('upgrade', (answer, socket) => { socket.destroy(); end('upgrade ' + answer.statusCode); });
  request.on('error', error => end(error.code));
};
next(process.argv.slice(2));
"""


class HostileServer:
    """Answers /N with the Nth of answers(), whatever else is asked, and keeps what it was asked."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.answers = [(name, data if isinstance(data, bytes) else b"".join(data), by_rst) for name, data, by_rst in answers()]
        self.asked = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        head = b""
        try:
            while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                head += more
            number = re.match(rb"GET /(\d+) ", head)
            if not number:
                return
            self.asked.append(hostile.OUR_LINE.sub(b"", head))
            _, data, by_rst = self.answers[int(number[1])]
            connection.sendall(data)
            if by_rst:
                hostile.reset(connection)
                return
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def urls(self):
        return [f"http://127.0.0.1:{self.port}/{i}" for i in range(len(self.answers))]

    def close(self):
        self.listener.close()


def harass(t, argv, normal=None):
    """A client that asks for all of it, without the agent and with it: same words, same requests."""
    server = HostileServer()
    t.closers.append(server.close)
    asked = {}
    results = {}
    for state in (None, "up", "stuck"):
        server.asked.clear()
        results[state] = t.run(argv(server.urls()), state, seconds=HANG * 2)
        asked[state] = sorted(server.asked)
    for state in ("up", "stuck"):
        t.equal(results[None], results[state], f"collector {state}", normal)
        t.check(asked[state] == asked[None], f"other requests (collector {state})")
    t.check(len(asked[None]) >= len(server.answers), f"only {len(asked[None])} requests")


def without_times(text):
    return re.sub(rb"(after|in) \d+ (ms|milliseconds|seconds)", rb"\1 N", text)


@case(45, "curl takes hostile answers as without the agent", needs=["curl"])
def c45_curl(t):
    # One after the other: it ends for good at an answer of which the fields are too much for it.
    script = t.script("each.sh", """
for url; do
	curl -sS --compressed --max-time 50 -o /dev/null -w '%{exitcode} %{http_code} %{size_download} %{size_header}\\n' "$url"
done
""")
    harass(t, lambda urls: ["sh", script, *urls], without_times)


@case(45, "Python's client takes hostile answers as without the agent", needs=["python3"])
def c45_python_client(t):
    script = t.script("client.py", CLIENT)
    harass(t, lambda urls: [which("python3"), script, *urls])


@case(45, "Node's client takes hostile answers as without the agent", needs=["node"])
def c45_node_client(t):
    script = t.script("client.js", NODE_CLIENT)
    harass(t, lambda urls: [which("node"), script, *urls])
