"""The exporter otlp/file: several processes to one file, rotation, a full disk; read back by the Collector's own code."""
import collections
import json
import os
import stat
import subprocess

from apps import gunicorn
from faults import losses, probe
from harness import DEADLINE, Skip, case
from receivers import build_collector
from sink import spans_from_json

ALONE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


def files(path):
    return sorted(path.parent.glob(path.name + "*"))


def read(path):
    """The spans of all of its files, each line by itself."""
    return [span for file in files(path) for line in file.read_text().splitlines() for span in spans_from_json(line.encode())]


def read_by_collector(t, path):
    program = build_collector(t.build.folder)
    lines = []
    for file in files(path):
        lines += subprocess.run([program, "traces", file], check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split(" ", 2) for line in lines]


@case("several processes append to one file, and the Collector reads every span of it", ["gunicorn", "curl"], agent_only=True)
def many(t):
    path = t.dir / "spans.jsonl"
    settings = {"OTEL_TRACES_EXPORTER": "otlp/file", "OTEL_EXPORTER_OTLP_FILE": str(path)}
    t.debug = {**t.debug, **settings}
    server = gunicorn(t, options=("--workers", "4"))
    clients = [subprocess.Popen(["curl", "-sS", *[f"{server.url}/hello"] * 25], stdout=subprocess.DEVNULL,
                                env=t.environment("curl", True, {"OTEL_SERVICE_NAME": f"curl-{i}"})) for i in range(6)]
    for client in clients:
        t.equal(client.wait(60), 0, "curl")
    t.stop()
    spans = read(path)
    t.equal({kind: sum(s["kind"] == kind for s in spans) for kind in ("SERVER", "CLIENT")}, {"SERVER": 150, "CLIENT": 150},
            "spans in the file")
    ids = {s["span_id"] for s in spans}
    t.check(all(s["parent_id"] in ids for s in spans if s["kind"] == "SERVER"), "each request is one trace")
    t.equal(stat.S_IMODE(path.stat().st_mode), 0o600, "mode")
    theirs = read_by_collector(t, path)
    t.equal(sorted(s for _, s, _ in theirs), sorted(ids), "spans for the Collector")
    t.equal(t.sink.bodies, [], "requests over the network")


@case("`remora run` writes the file for all it starts, beside another exporter", ["curl"], agent_only=True)
def relayed(t):
    path = t.dir / "spans.jsonl"
    port, _ = t.header_recorder()
    t.run("run", [t.build.find("remora"), "run", "--", "curl", "-sS", f"http://127.0.0.1:{port}/x"], agent=False,
          env={"OTEL_TRACES_EXPORTER": "otlp/file,otlp", "OTEL_EXPORTER_OTLP_TRACES_FILE": f"file://{path}",
               "OTEL_EXPORTER_OTLP_ENDPOINT": t.sink.endpoint})
    t.equal(sorted(s["span_id"] for s in read(path)), sorted(s["span_id"] for s in t.sink.wait(1, DEADLINE)), "spans in both")
    t.check("CLIENT" in [s["kind"] for s in read(path)], "the call of curl is there")


@case("rotation: several processes at once, no span lost or doubled, no more files than asked for")
def rotation(t):
    path = t.dir / "spans.jsonl"
    argv = [t.build.find("export_probe"), t.build.find("remora-export.so"), "4000", "60000", "1"]
    env = t.environment("probe", False, {**ALONE, "OTEL_TRACES_EXPORTER": "otlp/file", "OTEL_EXPORTER_OTLP_FILE": path,
                                         "OTEL_BSP_MAX_QUEUE_SIZE": 4000, "REMORA_OTLP_FILE_SIZE": 1,
                                         "REMORA_OTLP_FILE_COUNT": 100})
    probes = [subprocess.Popen([str(a) for a in argv], env=env, stdout=subprocess.PIPE) for _ in range(3)]
    for p in probes:
        stats = json.loads(p.communicate(timeout=100)[0])
        t.equal((stats["exported"], losses(stats)), (4000, {}), "statistics")
    got = files(path)
    t.check(len(got) > 3 and all(f.stat().st_size <= 1 << 20 for f in got), f"files: {[f.stat().st_size for f in got]}")
    spans = read(path)
    t.equal(len(spans), 12000, "spans")
    t.equal(set(collections.Counter(s["span_id"] for s in spans).values()), {3}, "each is there once a process")
    few = t.dir / "few.jsonl"
    probe(t, "http://127.0.0.1:1", spans=8000, run=1, OTEL_TRACES_EXPORTER="otlp/file", OTEL_EXPORTER_OTLP_FILE=few,
          OTEL_BSP_MAX_QUEUE_SIZE=8000, REMORA_OTLP_FILE_SIZE=1, REMORA_OTLP_FILE_COUNT=2)
    t.equal([f.name for f in files(few)], ["few.jsonl", "few.jsonl.1"], "files that are kept")
    t.check(0 < len(read(few)) < 8000, "the rest is gone")


@case("a disk that is full: the file holds whole lines, the spans are counted as lost", ["unshare"])
def full(t):
    script = ("mount -t tmpfs -o size=64k none $1 && shift && \"$@\"; ls -l $OTEL_EXPORTER_OTLP_FILE >&2; "
              "cp $OTEL_EXPORTER_OTLP_FILE $COPY")
    (t.dir / "disk").mkdir()
    unshare = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        raise Skip("no namespaces to be had here")
    out = t.run("probe", [*unshare, "sh", "-c", script, "sh", t.dir / "disk", t.build.find("export_probe"),
                          t.build.find("remora-export.so"), "1000", "3000"], agent=False,
                env={**ALONE, "OTEL_TRACES_EXPORTER": "otlp/file", "OTEL_EXPORTER_OTLP_FILE": t.dir / "disk" / "spans",
                     "OTEL_BSP_EXPORT_TIMEOUT": 1500, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 50, "COPY": t.dir / "copy",
                     "REMORA_DEBUG": "export"})
    stats = json.loads(out)
    got = read(t.dir / "copy")
    t.check(0 < stats["exported"] < 1000, f"some had room: {stats}")
    t.equal(len(got), stats["exported"], "spans in the file")
    t.equal(stats["exported"] + sum(losses(stats).values()), 1000, "each is counted")
    t.check("no space left" in (t.dir / "probe.log").read_text(), "the reason is in the log")


@case("settings: no file, no absolute path, logs into the file of traces; what cannot be opened is said once")
def settings(t):
    for path in ("", "spans.jsonl"):
        stats = probe(t, "http://127.0.0.1:1", flush=0, OTEL_TRACES_EXPORTER="otlp/file", OTEL_EXPORTER_OTLP_FILE=path)
        t.equal(stats, {"open": False}, "it does not open")
    t.check("has to name a file by its absolute path" in (t.dir / "probe.log").read_text(), "the message")
    stats = probe(t, "http://127.0.0.1:1", spans=1000, OTEL_TRACES_EXPORTER="otlp/file", OTEL_EXPORTER_OTLP_FILE=t.dir / "no" / "x")
    t.equal(losses(stats), {"dropped_refused": 1000}, "without a folder")
    said = (t.dir / "probe.log").read_text()
    t.equal(said.count("/no/x: cannot be opened: its folder is not there"), 1, "messages in " + said)


@case("remora check --backend: whether the file can be written to, without making it")
def checked(t):
    def check(status, **env):
        return t.run("check", [t.build.find("remora"), "check", "--backend"], agent=False, status=status,
                     env={"OTEL_TRACES_EXPORTER": "otlp/file", **env})

    path = t.dir / "spans.jsonl"
    t.check("yes: traces, otlp/file: this user may write" in check(0, OTEL_EXPORTER_OTLP_FILE=path), "it may")
    t.check(not path.exists(), "nothing is made")
    t.check(f"no: traces, otlp/file: the file {t.dir}/none/x: cannot be opened: its folder is not there" in check(
        1, OTEL_EXPORTER_OTLP_FILE=t.dir / "none" / "x"), "no folder")
    os.symlink("/etc/passwd", path)
    t.check("symbolic link" in check(1, OTEL_EXPORTER_OTLP_FILE=path), "a link")
    t.check("no: logs, otlp/file: no file is named that can be used" in check(
        1, OTEL_EXPORTER_OTLP_FILE=t.dir / "one", OTEL_LOGS_EXPORTER="otlp/file"), "one file for both")
    t.check("yes: logs, otlp/file" in check(0, OTEL_EXPORTER_OTLP_FILE=t.dir / "one", OTEL_LOGS_EXPORTER="otlp/file",
                                            OTEL_EXPORTER_OTLP_LOGS_FILE=t.dir / "two"), "a file for each")
