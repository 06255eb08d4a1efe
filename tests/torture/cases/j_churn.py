"""Cases 42 and 44: connections by the hundred thousand, and what is left of them in memory.

The 24 hours of case 44 are TORTURE_SOAK_SECONDS here (15): the programs report their memory, threads
and descriptors as they go, and the slope over the second half is what counts.
"""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from frame import Failure, case

SOAK = float(os.environ.get("TORTURE_SOAK_SECONDS", "15"))

PRELUDE = r"""
#include "torture.h"
#include "mill.h"
#include <sys/resource.h>
"""

# ---- 42: closed behind the agent's back ----

CHURN = PRELUDE + r"""
enum { RINGS_BYTES = 8 << 20 }; /* docs/SAFETY.md, "Memory" */

static long resident_kb(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "re");
	long kb = -1;

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	fclose(f);
	return kb;
}

static void one(int way)
{
	int fd = mill_connect();

	mill_get(fd);
	if (way == 1)
		mill_get(fd);
	if (way == 2) {
		syscall(SYS_close, fd);
	} else if (way == 3) { /* its number is taken over without a close that anybody sees */
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		syscall(SYS_dup3, null, fd, O_CLOEXEC);
		close(null);
		close(fd);
	} else if (way == 4) { /* in the middle of an answer */
		send(fd, MILL_REQUEST, 20, MSG_NOSIGNAL);
		close(fd);
	} else {
		close(fd);
	}
}

/*
 * Spans that fill all rings of the agent: no safe point has come yet, so that nobody empties them. How
 * much of their memory is in use later depends on how busy the machine is; now it is all of it.
 */
static void fill(void)
{
	static const char end[] = " HTTP/1.1\r\nHost: mill\r\n\r\n";
	static char request[1024] = "GET /";
	size_t n = sizeof(request) - sizeof(end);
	int fd = mill_connect();

	memset(request + 5, 'x', n - 5);
	memcpy(request + n, end, sizeof(end));
	for (int i = 0; i < RINGS_BYTES / 1024; i++) {
		FAIL_IF(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1);
		mill_read(fd);
	}
	close(fd);
}

/* argv: connections. Prints by how much memory grew while the second half of them came. */
int main(int argc, char **argv)
{
	int count = atoi(argv[1]);
	long early = 0;

	mill_start();
	fill();
	for (int i = 0; i < count; i++) {
		if (i == count / 2)
			early = resident_kb();
		one(i % 5);
		if (i % 1000 == 0)
			poll(NULL, 0, 0);
	}
	dprintf(2, "grown %ld KB\n", resident_kb() - early);
	dprintf(1, "threads %d\n", threads() > 2);
	return 0;
}
"""

PLENTY = PRELUDE + r"""
/* Many connections that live at once, on one exchange each, then all closed, twice over. */
int main(int argc, char **argv)
{
	int count = atoi(argv[1]), *all = calloc((size_t)count, sizeof(int));
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	mill_start();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < count; i++)
			all[i] = mill_connect();
		for (int i = 0; i < count; i++)
			mill_get(all[i]);
		for (int i = 0; i < count; i++)
			(void)(i % 2 ? close(all[i]) : (int)syscall(SYS_close, all[i]));
	}
	puts("all of them");
	return 0;
}
"""


def grown(t, program, count, state, limit_kb, **options):
    result = t.run([program, count], state, seconds=600, **options)
    # `remora run` adds a line when spans come faster than they can leave.
    found = re.match(rb"grown (-?\d+) KB\n", result.stderr)
    if not found:
        raise Failure(f"collector {state}: {result}")
    t.check(int(found[1]) <= limit_kb, f"{found[1].decode()} KB more after {count} connections (collector {state})")
    t.note(f"collector {state}: {int(found[1])} KB, {result.seconds:.1f} s")
    return result


@case(42, "200,000 connections, closed in every way, leave memory flat")
def c42_churn(t):
    program = t.compile("churn", CHURN)
    off = grown(t, program, 5000, None, 512)
    # The rings are full from the start and the queue of spans is in the first half. A relay empties the rings at
    # once: their 8 MiB may come on top at any time.
    for state, count in (("up", 200000), ("relay", 20000), ("down", 20000), ("stuck", 20000)):
        on = grown(t, program, count, state, 2048 if state != "relay" else 8192 + 2048)
        t.check((on.status, on.stdout) == (off.status, off.stdout), f"collector {state}: {on}")


@case(42, "9000 connections at once, twice over")
def c42_plenty(t):
    with open("/proc/self/limits") as limits:
        hard = next(line.split()[4] for line in limits if line.startswith("Max open files"))
    count = 9000 if hard == "unlimited" or int(hard) > 19000 else (int(hard) - 100) // 2
    t.same([t.compile("plenty", PLENTY), count], states=("up", "stuck"))


NODE = """
const http = require('http');
const agent = new http.Agent({keepAlive: true, maxSockets: 16});
const server = http.createServer((request, response) => response.end('ok'));
const count = +process.argv[2];
let done = 0, early = 0, started = 0;
server.listen(0, '127.0.0.1', () => {
  const port = server.address().port;
  const next = () => {
    if (started++ >= count) return;
    // Every third connection is closed at once, the others are kept for a while.
    const options = started % 3 ? {agent} : {agent: false};
    http.get({port, path: '/' + started % 7, ...options}, response => {
      response.resume();
      response.on('end', () => {
        if (++done === count >> 1) early = process.memoryUsage().rss;
        if (done === count) {
          console.log('done', done);
          console.error('grown', Math.round((process.memoryUsage().rss - early) / 1024), 'KB');
          process.exit(0);
        }
        next();
      });
    });
  };
  for (let i = 0; i < 16; i++) next();
});
"""


@case(42, "node, which closes through syscall(), keeps no trace of its connections", needs=["node"])
def c42_node(t):
    script = t.script("churn.js", NODE)
    results = {}
    for state in (None, "up", "stuck"):
        count = t.count(6000, 300000)  # a third of them on a connection of its own
        on = t.run(["node", script, count], state, seconds=1200)
        t.check((on.status, on.stdout) == (0, b"done %d\n" % count), f"collector {state}: {on}")
        results[state] = int(re.search(rb"grown (-?\d+) KB", on.stderr)[1])
        t.note(f"collector {state}: {results[state]} KB over the second half")
    # Its own heap grows and shrinks by tens of megabytes; a leak of ours would be beyond that.
    t.check(results["up"] <= results[None] + 40000, f"memory grew by {results}")


# ---- 44: soak ----

SERVER = PRELUDE + r"""
/* A server of threads and forked children that calls the mill for each request. */
static int listener;

static void *serve(void *arg)
{
	static __thread char bytes[4096];
	int back = mill_connect();

	for (int i = 0;; i++) {
		int fd = accept(listener, NULL, NULL);
		ssize_t n;

		while (fd >= 0 && (n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
			mill_get(back);
			if (send(fd, MILL_ANSWER, sizeof(MILL_ANSWER) - 1, MSG_NOSIGNAL) < 0)
				break;
		}
		close(fd);
		if (i % 50 == 49 && fork() == 0) {
			int own = mill_connect();

			mill_get(own);
			_exit(0);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	struct sockaddr_in mine;

	mill_start();
	mine = mill_address;
	listener = mill_listen();
	dprintf(1, "%d\n", ntohs(mill_address.sin_port));
	mill_address = mine;
	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, serve, NULL);
	for (;;)
		poll(NULL, 0, 1000);
}
"""

LOAD = PRELUDE + r"""
/* argv: port, seconds. Connections of one to twenty requests. */
int main(int argc, char **argv)
{
	time_t end = time(NULL) + atoi(argv[2]);
	long asked = 0;

	mill_address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	while (time(NULL) < end) {
		int fd = mill_connect();

		for (int i = 0; i < 1 + asked % 20; i++, asked++)
			mill_get(fd);
		close(fd);
	}
	printf("%ld\n", asked);
	return 0;
}
"""


def footprint(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return (int(re.search(r"VmRSS:\s+(\d+)", status)[1]), int(re.search(r"Threads:\s+(\d+)", status)[1]),
            len(os.listdir(f"/proc/{pid}/fd")))


@case(44, "under load with forks, memory, threads and descriptors do not grow")
def c44_soak(t):
    server, load = t.compile("server", SERVER), t.compile("load", LOAD, "-O2")
    seconds = max(4, int(SOAK))

    def during(process):
        port = process.stdout.readline().decode().strip()
        clients = [subprocess.Popen([load, port, str(seconds)], stdout=subprocess.PIPE) for _ in range(3)]
        time.sleep(seconds / 2)
        early = footprint(process.pid)
        asked = sum(int(c.communicate()[0] or 0) for c in clients)
        time.sleep(0.5)
        late = footprint(process.pid)
        seen.append((early, late, asked))
        t.check(process.poll() is None and all(c.returncode == 0 for c in clients), "the load was not served")
        process.send_signal(signal.SIGKILL)

    for state in ("up", "stuck"):
        seen = []
        t.run([server], state, during=during)
        (rss, tasks, fds), (rss2, tasks2, fds2), asked = seen[0]
        t.note(f"collector {state}: {asked} requests in {seconds} s; RSS {rss} to {rss2} KB, threads {tasks} to {tasks2}, "
               f"descriptors {fds} to {fds2}")
        t.check(asked > 1000, f"only {asked} requests")
        # Where spans come faster than they leave for a moment, the rings' 8 MiB are touched at any time.
        t.check(rss2 - rss <= 8192 + 2048, f"RSS grew from {rss} to {rss2} KB (collector {state})")
        t.check(tasks2 <= tasks and fds2 <= fds + 4, f"threads {tasks} to {tasks2}, descriptors {fds} to {fds2}")
