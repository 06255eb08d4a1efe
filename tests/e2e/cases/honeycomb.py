"""A Flask application with the three variables of Honeycomb's documentation, and nothing else, set: what leaves, exactly.

In a network of its own, where api.honeycomb.io is a server of ours on port 443 whose authority the system trusts: so
names, ports, trust and headers are those of the real thing, and whatever else would leave has nowhere to go.
"""
import json
import subprocess
import sys

from fake_honeycomb import API_KEY
from harness import APPS, PATH, ROOT, Skip, case
from sink import spans_from_protobuf

HOST = "api.honeycomb.io"
THREE = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"https://{HOST}", "OTEL_EXPORTER_OTLP_HEADERS": f"x-honeycomb-team={API_KEY}",
         "OTEL_SERVICE_NAME": "backend-flask"}
# Started in its own namespaces by unshare(1), as root there.
SCRIPT = """
import json, os, subprocess, sys, time, urllib.request
fake, folder, log, env, commands = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]), json.loads(sys.argv[5])
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
for name, over in ("hosts", "/etc/hosts"), ("certs", "/etc/ssl/certs"):
    subprocess.run(["mount", "--bind", f"{folder}/{name}", over], check=True)
server = subprocess.Popen([sys.executable, fake, "443", f"{folder}/server.pem", f"{folder}/server.key", log],
                          stdout=subprocess.PIPE)
server.stdout.readline()

def requests():
    return len(open(log).readlines()) if os.path.exists(log) else 0

for command in commands:
    before, port = requests(), 5000
    program = subprocess.Popen(command, env=env, cwd=folder)
    if "check" in command:
        program.wait()
        continue
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/hello").read()
            break
        except OSError:
            time.sleep(0.05)
    for _ in range(1200):
        if requests() > before:
            break
        time.sleep(0.05)
    program.terminate()
    program.wait(60)
server.kill()
"""


def authority(t):
    """A folder as /etc/ssl/certs with one authority, a certificate of it for Honeycomb, and a hosts file."""
    def openssl(*argv):
        subprocess.run(["openssl", *argv], cwd=t.dir, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    (t.dir / "certs").mkdir()
    openssl("req", "-x509", *curve, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "certs/ca-certificates.crt")
    (t.dir / "ext").write_text(f"subjectAltName=DNS:{HOST}")
    openssl("req", *curve, "-subj", f"/CN={HOST}", "-keyout", "server.key", "-out", "server.csr")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "certs/ca-certificates.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-extfile", "ext", "-out", "server.pem")
    openssl("rehash", "certs")
    (t.dir / "hosts").write_text(f"127.0.0.1 localhost {HOST}\n")


def run(t, *commands, **more):
    """Runs them one after the other; returns what they wrote, and the requests that Honeycomb got."""
    unshare = ["unshare", "--map-root-user", "--net", "--mount"]
    if subprocess.run([*unshare, "mount", "--bind", "/etc/hosts", "/etc/hosts"], capture_output=True).returncode:
        raise Skip("no namespaces to be had here")
    authority(t)
    log = t.dir / "requests"
    env = {"PATH": PATH, "HOME": str(t.dir), "PYTHONDONTWRITEBYTECODE": "1", **THREE, **more}
    done = subprocess.run([*unshare, sys.executable, "-c", SCRIPT, ROOT / "tests" / "e2e" / "fake_honeycomb.py", t.dir, log,
                           json.dumps(env), json.dumps([[str(a) for a in c] for c in commands])],
                          env={"PATH": PATH}, capture_output=True, text=True, timeout=120)
    t.equal(done.returncode, 0, done.stderr)
    return done.stdout + done.stderr, [json.loads(line) for line in log.read_text().splitlines()]


FLASK = ["/usr/bin/python3", "-m", "flask", "--app", APPS / "http-server-flask" / "app.py", "run", "--no-reload"]


def leaves(t, requests):
    """Each request is an export, and has this and nothing else in it; returns its spans."""
    spans = []
    for r in requests:
        t.equal((r["method"], r["path"]), ("POST", "/v1/traces"), "request")
        headers = dict(r["headers"])
        t.equal(sorted(headers), ["accept", "content-length", "content-type", "host", "user-agent", "x-honeycomb-team"],
                "headers")
        t.equal((headers["host"], headers["x-honeycomb-team"], headers["content-type"], headers["accept"]),
                (HOST, API_KEY, "application/x-protobuf", "*/*"), "values")
        t.check(headers["user-agent"].startswith("remora/") and "OTel-OTLP-Exporter-C/" in headers["user-agent"], "user agent")
        spans += spans_from_protobuf(bytes.fromhex(r["body"]))
        t.check(API_KEY.encode() not in bytes.fromhex(r["body"]), "a key in a body")
    return spans


def served(t, spans):
    span = next(s for s in spans if s["kind"] == "SERVER")
    t.equal((span["name"], span["resource"]["service.name"]), ("GET", "backend-flask"), "the span")
    t.equal((span["attributes"]["url.path"], span["attributes"]["http.response.status_code"]), ("/hello", 200), "of it")


@case("three variables and LD_PRELOAD: the application's spans are at api.honeycomb.io, by its key, and nothing else is",
      ["openssl", "unshare", "ip"], agent_only=True)
def preloaded(t):
    said, requests = run(t, FLASK, LD_PRELOAD=str(t.build.library))
    served(t, leaves(t, requests))
    t.check("remora" not in said and API_KEY not in said, said)


@case("three variables and `remora run`: the same", ["openssl", "unshare", "ip"], agent_only=True)
def run_by_remora(t):
    said, requests = run(t, [t.build.find("remora"), "run", "--", *FLASK])
    served(t, leaves(t, requests))
    t.check(API_KEY not in said, said)


@case("three variables and `remora check --backend`: the key's team and environment, and what to do about a wrong key",
      ["openssl", "unshare", "ip"], agent_only=True)
def checked(t):
    check = [t.build.find("remora"), "check", "--backend"]
    said, requests = run(t, check, ["env", "OTEL_EXPORTER_OTLP_HEADERS=x-honeycomb-team=hushAnother", *check])
    t.equal([(r["method"], r["path"]) for r in requests],
            [("GET", "/1/auth"), ("POST", "/v1/traces"), ("GET", "/1/auth")], "requests")
    t.check(API_KEY not in said and "hush" not in said, "a key in " + said)
    *well, wrong = said.splitlines()
    t.check(wrong.startswith("no: traces, otlp: Honeycomb does not know the key in OTEL_EXPORTER_OTLP_HEADERS"), wrong)
    t.equal(well, [
        'yes: traces, otlp: the key is one of Honeycomb\'s team "Bootcamp", environment "Cruddur"; it may send events and '
        'create datasets', f"yes: traces, otlp: https://{HOST}/v1/traces takes spans (http/protobuf, TLS)"], "what was said")
    t.equal(list(spans_from_protobuf(bytes.fromhex(requests[1]["body"]))), [], "spans of the check")
