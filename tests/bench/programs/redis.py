"""redis-benchmark as the program that is traced, one command at a time and sixteen in a pipeline."""
import csv

from kinds import Client

PROGRAM = "redis-benchmark"


def server(t):
    port = t.port()
    return t.start("redis", ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], port, agent=False)


def argv(*more):
    return lambda server, count: [PROGRAM, "-p", server.port, "-t", "get", "-n", count, "-c", "16", "--csv", *more]


def parse(text, count, folder):
    row = next(csv.DictReader(text.splitlines()[-2:]))
    return count, float(row["rps"]), *(float(row[f"{q}_latency_ms"]) * 1e-3 for q in ("p50", "p99"))


PROGRAMS = [Client(PROGRAM, server, argv(), parse, count=40000, needs=["redis-server", PROGRAM]),
            Client(f"{PROGRAM}-p16", server, argv("-P", "16"), parse, count=200000, needs=["redis-server", PROGRAM])]
