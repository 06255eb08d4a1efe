"""pgbench as the program that is traced: single selects by prepared statements, from eight clients."""
import re

import postgres
from kinds import Client

CLIENTS = 8
PROGRAM = ["pgbench", "-n", "-S", "-M", "prepared", "-c", CLIENTS]


def server(t):
    found = postgres.postgres(t)
    t.run("init", ["pgbench", "-i", "-q", found.uri], agent=False)
    return found


def argv(server, count):
    return [*PROGRAM, "-t", max(1, count // CLIENTS), server.uri]


def paced(server, rate, seconds):
    return [*PROGRAM, "-R", rate, "-T", seconds, "--log", server.uri]


def parse(text, count, folder):
    """Latencies are in its log, which it writes when they are asked for at a rate: from when each was due."""
    took = []
    for log in folder.glob("pgbench_log.*"):
        took += [int(line.split()[2]) for line in log.read_text().splitlines()]
        log.unlink()
    took.sort()
    requests = int(re.search(r"actually processed: (\d+)", text)[1])
    rate = float(re.search(r"tps = ([\d.]+)", text)[1])
    return requests, rate, *(took[int(q * (len(took) - 1))] * 1e-6 if took else None for q in (0.5, 0.99))


PROGRAMS = [Client("pgbench", server, argv, parse, count=8000, paced=paced, needs=["pgbench", "psql"])]
