#!/usr/bin/env python3
"""Runs programs of other releases' root file systems with the agent and without, and prints TAP.

  run.py [--build DIR] [--roots DIR] [RELEASE...]

A release is a folder of the roots, or "musl": a root of busybox and musl that is made here. As root. What `meson install` installs from the build folder is shown to each root under /tmp; the programs
run with that root as theirs, beside the peer and the collector, which are here. Output, status and the
number of spans are compared. The last lines, behind "#", are the table of docs/COMPATIBILITY.md.
"""
import argparse
import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in ("torture", "torture/cases", "e2e"):
    sys.path.insert(0, str(HERE.parent / folder))
from a_loading import PLAIN  # noqa: E402
from frame import PATH, PEER_BODY, Agent, Failure, Torture, which  # noqa: E402

STATES = ("up", "tls", "stuck", "relay")
SECONDS = 60.0  # until a program hangs

SHELL = "echo a; (exit 3); echo $?; ls /etc | sort | head -3; echo b >&2; seq 1000 | tail -1; exit 5"
PERL = """use IO::Socket::INET; $| = 1; print STDERR "e";
my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ENV{PEER_PORT}") or die;
print $s "GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n";
my @lines = <$s>; print $lines[-1], qx(echo child); exit 9;"""
# Both sides in one process; a subprocess; and an end long enough after the first span for the worker.
PYTHON = """
import http.client, http.server, subprocess, sys, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'own')
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
c = http.client.HTTPConnection(*server.server_address)
c.request('GET', '/')
print(c.getresponse().read(), subprocess.run(['echo', 'x'], stdout=subprocess.PIPE).stdout)
time.sleep(0.3)
sys.exit(4)
"""
# The same inside TLS, and curl.
HTTPS = """
import http.server, os, ssl, subprocess, tempfile, threading, time, urllib.request
folder = tempfile.mkdtemp(dir='/tmp')
pem = folder + '/pem'
subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', pem, '-out', pem + '.crt', '-subj',
                '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], check=True, stderr=subprocess.DEVNULL)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'own')
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(pem + '.crt', pem)
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = 'https://127.0.0.1:%d/' % server.server_address[1]
print(urllib.request.urlopen(url, context=ssl.create_default_context(cafile=pem + '.crt')).read())
print(subprocess.run(['curl', '-sS', '--http1.1', '--cacert', pem + '.crt', url], stdout=subprocess.PIPE).stdout)
time.sleep(0.3)
"""
NODE = """
const http = require('http');
const server = http.createServer((q, r) => r.end('own')).listen(0, '127.0.0.1', () => {
    http.get({port: server.address().port, host: '127.0.0.1', agent: false}, r => {
        r.on('data', d => console.log(String(d)));
        r.on('end', () => { console.error('e'); server.close(); process.exitCode = 6; });
    });
});
"""
NGINX = """
daemon off; pid {dir}/nginx.pid; error_log stderr error; worker_processes 2; user root;
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
    uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{peer}; }} }}
}}
"""

# What is run: its name in the table, its command line, and the spans it gives.
PROGRAMS = [
    ("sh", ["sh", "-c", SHELL], 0),
    ("bash", ["bash", "-c", "for i in 1 2 3; do echo $i | cat; done; read x < <(echo y); echo $x; exit 2"], 0),
    ("perl", ["perl", "-e", PERL], 1),
    ("python3", ["python3", "-c", PYTHON], 2),
    ("curl", ["sh", "-c", "curl -sS http://127.0.0.1:$PEER_PORT/x; curl -sS file:///etc/nothing; echo $?"], 1),
    ("https", ["python3", "-c", HTTPS], 4),
    ("node", ["node", "-e", NODE], 2),
    ("dpkg", ["sh", "-c", "dpkg -l | tail -n +6 | wc -l; apt-config dump | head -3; tar --version | head -1"], 0),
    ("nginx", None, 10),
]


class Installed(Agent):
    """The objects and the command as they are installed, under a folder that every root shows."""

    def __init__(self, build, stage):
        stage.chmod(0o755)
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", stage],
                       check=True, stdout=subprocess.DEVNULL)
        super().__init__(build, stage)
        self.library = next(p for p in stage.rglob("remora/libremora.so") if p.stat().st_size > 100000)
        self.cli = next(stage.rglob("bin/remora"))


class Root(Torture):
    """Programs run in another root, where /tmp is ours."""

    def __init__(self, root, agent):
        self.root = root
        super().__init__(root.name, agent)

    def run(self, argv, state=None, env={}, **options):
        def enter():
            os.chroot(self.root)
            os.chdir(self.dir)
        if state in ("up", "tls"):  # where spans are counted; a busy machine needs more than the usual time
            env = {**env, "REMORA_EXIT_TIMEOUT": 10000}
        return super().run(argv, state, env, preexec_fn=enter, seconds=SECONDS, **options)

    def has(self, program):
        return any((self.root / d / program).exists() for d in ("bin", "usr/bin", "usr/sbin", "usr/local/bin"))

    def output(self, *argv):
        return self.run(argv).stdout.decode().strip()


def ask_nginx(port):
    """Five requests to a server that starts, then its orderly end."""
    def during(process):
        deadline = time.monotonic() + SECONDS
        for _ in range(5):
            body = None
            while body is None and time.monotonic() < deadline and process.poll() is None:
                with contextlib.suppress(OSError):
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                    connection.request("GET", "/", headers={"Connection": "close"})
                    body = connection.getresponse().read()
                    continue
                time.sleep(0.02)
            if body != PEER_BODY:
                process.kill()
                raise Failure(f"nginx answered {body!r}: {process.communicate()}")
        child = int((during.dir / "nginx.pid").read_text())
        os.kill(child, 3)  # SIGQUIT: finish what is there
    return during


def nginx(t, name, spans):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    config = t.dir / "nginx.conf"
    config.write_text(NGINX.format(dir=t.dir, port=port, peer=t.peer_port))
    during = ask_nginx(port)
    during.dir = t.dir
    t.same(["nginx", "-c", config], STATES, spans=spans, status=0, during=during)


def run_program(t, name, argv, spans):
    if name == "nginx":
        nginx(t, name, spans)
    else:
        # The built-in list of programs that are left alone is not what is under test.
        t.same(argv, STATES, spans=spans, env={"REMORA_ALLOW": "*"})


def run_version(t):
    """The command itself, in a root that has nothing of the system it was linked on."""
    version = t.run([t.agent.cli, "--version"])
    t.check(version.status == 0 and version.stdout.startswith(b"remora ") and not version.stderr, str(version))


def run_command(t):
    run_version(t)
    checked = t.run([t.agent.cli, "check", "curl"])
    t.check(b"yes: " in checked.stdout and checked.status == 0, str(checked))


@contextlib.contextmanager
def mounted(root):
    """Devices, processes and our /tmp in the root; unmounted at the end also when a program fails."""
    mounts = [["--bind", "/dev", root / "dev"], ["-t", "proc", "proc", root / "proc"],
              ["--bind", tempfile.gettempdir(), root / "tmp"]]
    done = []
    try:
        for mount in mounts:
            mount[-1].mkdir(exist_ok=True)
            subprocess.run(["mount", *mount], check=True)
            done.append(mount[-1])
        yield
    finally:
        for place in reversed(done):
            subprocess.run(["umount", "-l", place], check=False)


class Report:
    def __init__(self):
        self.count = self.failed = 0
        self.rows = []

    def add(self, release, what, run, *arguments):
        """Runs one line of the report; returns what stands in the table."""
        begin, why = time.monotonic(), ""
        try:
            run(*arguments)
        except Failure as reason:
            why = str(reason)
        except Exception:  # what breaks has failed, the others go on
            why = traceback.format_exc()
        self.count += 1
        self.failed += bool(why)
        print(f"{'not ' if why else ''}ok {self.count} - {release}: {what}", flush=True)
        for line in why.splitlines():
            print(f"# {line}")
        print(f"# took {time.monotonic() - begin:.1f} s", flush=True)
        return "FAILS" if why else "same"

    def skip(self, release, why):
        self.count += 1
        print(f"ok {self.count} - {release} # SKIP {why}", flush=True)

    def table(self):
        names = [name for name, *_ in PROGRAMS]
        print("# | release | glibc | " + " | ".join(names) + " | `remora` |")
        print("# |" + "---|" * (len(names) + 3))
        for row in self.rows:
            print("# | " + " | ".join(row) + " |")


def musl_root(folder):
    """Only what a program of musl needs, and busybox. None where this system has no musl."""
    loader, busybox = Path("/lib/ld-musl-x86_64.so.1"), which("busybox")
    if not loader.exists() or not busybox or not which("musl-gcc"):
        return None
    for name in ("bin", "lib", "dev", "proc", "tmp", "etc"):
        (folder / name).mkdir()
    shutil.copy(loader, folder / "lib" / loader.name)
    shutil.copy(busybox, folder / "bin/busybox")
    for applet in ("sh", "echo", "ls", "sort", "head", "seq", "tail"):
        (folder / "bin" / applet).symlink_to("busybox")
    return folder


def run_musl(t):
    program = t.compile("plain", PLAIN, cc="musl-gcc")
    t.same([program], STATES, spans=0, status=3)
    checked = t.run([t.agent.cli, "check", program])
    t.check(checked.stdout.startswith(b"no: ") and checked.status == 1 and not checked.stderr, str(checked))


def musl(agent, report, folder):
    root = musl_root(folder)
    if not root:
        report.skip("musl", "not installed: musl-tools, busybox-static")
        return
    with mounted(root):
        t = Root(root, agent)
        try:
            report.add("musl", "busybox", run_program, t, "sh", ["sh", "-c", SHELL], 0)
            report.add("musl", "a program that makes a request", run_musl, t)
            report.add("musl", "the remora command", run_version, t)
        finally:
            t.close()


def versions(t):
    """What ran, for the reader."""
    shown = t.output("sh", "-c", "getconf GNU_LIBC_VERSION; python3 -V; perl -e 'print \"perl $^V\\n\"'; "
                     "curl -V | head -1 | cut -d' ' -f1,2; nginx -v 2>&1; echo node $(node -v)").splitlines()
    return shown[0].split()[-1] if shown else "?", ", ".join(shown)


def release(root, agent, report):
    t = Root(root, agent)
    try:
        libc, all_versions = versions(t)
        print(f"# {root.name}: {all_versions}")
        row = [root.name, libc]
        for name, argv, spans in PROGRAMS:
            if t.has(argv[0] if argv else name):
                row.append(report.add(root.name, name, run_program, t, name, argv, spans))
            else:
                row.append("-")
        row.append(report.add(root.name, "the remora command", run_command, t))
        report.rows.append(row)
    finally:
        t.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default="build")
    parser.add_argument("--roots", type=Path, default="deps/roots")
    parser.add_argument("releases", nargs="*")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("run.py: needs root, for chroot")
    os.environ["PATH"] = PATH
    names = options.releases or ["musl", *sorted(p.name for p in options.roots.glob("*") if (p / "bin/sh").exists())]

    report = Report()
    with tempfile.TemporaryDirectory(prefix="remora-releases-") as stage:
        agent = Installed(options.build.resolve(), Path(stage))
        for name in names:
            if name == "musl":
                with tempfile.TemporaryDirectory(prefix="remora-musl-") as folder:
                    musl(agent, report, Path(folder))
                continue
            root = (options.roots / name).resolve()
            with mounted(root):
                release(root, agent, report)
    print(f"1..{report.count}")
    report.table()
    return report.failed != 0


if __name__ == "__main__":
    sys.exit(main())
