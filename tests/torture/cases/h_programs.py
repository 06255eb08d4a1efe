"""Cases 34 and 35: servers that replace their processes, and the tools of every day."""
import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

from frame import HANG, Failure, case, which
from ports import reserve  # frame finds what the end-to-end cases share

# ---- 34: servers ----


reservations = []  # until this process ends


def free_port():
    port, reservation = reserve()
    reservations.append(reservation)
    return port


def ask(port, path="/"):
    """One request on a connection of its own: the status and the body."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=HANG)) as connection:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()


def await_port(port, process):
    for _ in range(int(HANG / 0.02)):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll():
            raise Failure(f"the server ended with {process.poll()}: {process.communicate()}")
        time.sleep(0.02)
    raise Failure("the server does not listen")


def pid_in(file):
    return int(file.read_text() or 0) if file.exists() else 0


def ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def gone(pid):
    await_change(lambda: ended(pid), False)


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def await_change(of, before):
    """Waits until of() is neither what it was nor nothing; it may not, and then that is the answer."""
    for _ in range(int(HANG / 0.02)):
        if (now := of()) and now != before:
            return now
        time.sleep(0.02)
    raise Failure(f"nothing changed: {before}")


def served(t, argv, drive, states=("up", "stuck", "relay"), env={}):
    """Starts a server, lets `drive(process, port, ask)` use it, and counts its spans."""
    def once(state):
        port = free_port()
        said, asked = [], []

        def asking(path="/"):
            asked.append(path)
            said.append(ask(port, path))

        def during(process):
            await_port(port, process)
            drive(process, port, asking)

        result = t.run(argv(port), state, env=env, during=during, wait_spans=count)
        return result, said, len(asked)

    count = 0
    off, said_off, count = once(None)
    for state in states:
        on, said_on, _ = once(state)
        t.check(on.status == off.status, f"collector {state}: {on}\nwithout the agent: {off}")
        t.check(said_on == said_off, f"other answers (collector {state}): {said_on}\nwithout: {said_off}")
        t.note(f"collector {state}: {on.seconds - off.seconds:+.2f} s")
        if state in ("up", "relay"):
            got = sum(s["kind"] == "SERVER" for s in on.spans)
            # Looking whether the port listens connects, and asks nothing.
            t.check(got == count, f"{got} SERVER spans of {count} requests (collector {state})")


NGINX = """
user root;
# What a new binary is to be started with; nginx takes all else away.
env LD_PRELOAD;
env OTEL_EXPORTER_OTLP_ENDPOINT;
env OTEL_BSP_SCHEDULE_DELAY;
env REMORA_RELAY;
worker_processes 2;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
	access_log off;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	server {{ listen 127.0.0.1:{port}; location / {{ return 200 "served\\n"; }} }}
}}
"""


@case(34, "nginx reloads, replaces its binary and quits, and no span is missing", needs=["nginx"])
def c34_nginx(t):
    if os.geteuid() != 0:
        t.skip("the configuration is for root")

    def argv(port):
        (t.dir / "nginx.conf").write_text(NGINX.format(dir=t.dir, port=port))
        return [which("nginx"), "-p", t.dir, "-e", t.dir / "error.log", "-c", t.dir / "nginx.conf"]

    def pid():
        return pid_in(t.dir / "nginx.pid")

    def drive(process, port, asking):
        first = await_change(pid, 0)
        for _ in range(10):
            asking()
        before = children(first)
        os.kill(first, signal.SIGHUP)
        await_change(lambda: [c for c in children(first) if c not in before], [])
        for _ in range(10):
            asking()
        os.kill(first, signal.SIGUSR2)  # which only a daemon heeds
        second = await_change(pid, first)
        await_change(lambda: len(children(second)) == 2, False)
        os.kill(first, signal.SIGQUIT)
        gone(first)
        for _ in range(10):
            asking()
        os.kill(second, signal.SIGQUIT)
        gone(second)

    served(t, argv, drive)


APACHE = """
ServerRoot {dir}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {dir}/apache.pid
ErrorLog {dir}/apache.log
User www-data
Group www-data
LoadModule mpm_prefork_module /usr/lib/apache2/modules/mod_mpm_prefork.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
StartServers 2
MaxConnectionsPerChild 3
DocumentRoot {dir}/www
<Directory {dir}/www>
	Require all granted
</Directory>
"""


@case(34, "apache with children of three requests restarts gracefully", needs=["apache2"])
def c34_apache(t):
    if os.geteuid() != 0 or not Path("/usr/lib/apache2/modules/mod_mpm_prefork.so").exists():
        t.skip("the configuration is for root and Debian's modules")
    (t.dir / "www").mkdir()
    (t.dir / "www" / "index.txt").write_text("served\n")

    def argv(port):
        (t.dir / "apache.conf").write_text(APACHE.format(dir=t.dir, port=port))
        return ["apache2", "-D", "FOREGROUND", "-f", t.dir / "apache.conf"]

    def drive(process, port, asking):
        parent = await_change(lambda: pid_in(t.dir / "apache.pid"), 0)  # below `remora run` it is not our child
        for _ in range(10):
            asking("/index.txt")
        before = children(parent)
        os.kill(parent, signal.SIGUSR1)
        await_change(lambda: [c for c in children(parent) if c not in before], [])
        await_port(port, process)
        for _ in range(10):
            asking("/index.txt")
        time.sleep(0.3)  # its children are killed where they are: a hair's breadth behind the answer
        os.kill(parent, signal.SIGTERM)
        gone(parent)

    served(t, argv, drive)


APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "7")])
    return [b"served\\n"]
"""


@case(34, "gunicorn's workers end after three requests", needs=["gunicorn"])
def c34_gunicorn(t):
    t.script("app.py", APP)

    def argv(port):
        return ["gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir", t.dir, "--workers", "2",
                "--max-requests", "3", "--log-level", "error", "app:app"]

    def drive(process, port, asking):
        for _ in range(20):
            asking()
        process.send_signal(signal.SIGTERM)

    served(t, argv, drive, env={"PYTHONDONTWRITEBYTECODE": "1"})


PREFORK = """
import os, select, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        global served
        served += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"served\\n")
    def log_message(self, *arguments):
        pass

# Signals are waited for, never handled: between a look for them and the next wait one would be missed.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.timeout = 0
server.socket.setblocking(False)  # another worker may be faster
served = 0
ended, end = os.pipe()

def work():
    os.close(end)
    while served < 2 and ended not in select.select([server, ended], [], [])[0]:
        server.handle_request()
    os._exit(0)

workers = set()
while True:
    while len(workers) < 3:
        if not (child := os.fork()):
            work()
        workers.add(child)
    open(sys.argv[2], "w").write("listens")
    if signal.sigwait([signal.SIGTERM, signal.SIGCHLD]) == signal.SIGTERM:
        break
    while workers and (child := os.waitpid(-1, os.WNOHANG)[0]):
        workers.discard(child)
os.close(end)
while workers:
    workers.discard(os.wait()[0])
"""


@case(34, "a server of forked workers that end by _exit after two requests")
def c34_prefork(t):
    script = t.script("prefork.py", PREFORK)
    ready = t.dir / "ready"

    def once(state):
        port = free_port()
        said = []
        ready.unlink(missing_ok=True)

        def during(process):
            # Looking whether it listens would be one of a worker's two connections.
            await_change(ready.exists, False)
            for _ in range(20):
                said.append(ask(port))
            process.send_signal(signal.SIGTERM)

        return t.run([sys.executable, script, port, ready], state, during=during, wait_spans=20 * (state in ("up", "relay"))), said

    off, said_off = once(None)
    for state in ("up", "relay", "stuck", "down"):
        on, said_on = once(state)
        t.check((on.status, said_on) == (off.status, said_off), f"collector {state}: {on}, {said_on}")
        if state in ("up", "relay"):
            t.check(len(on.spans) == 20, f"{len(on.spans)} spans of 20 requests (collector {state})")


UWSGI = ["uwsgi", "uwsgi-core", "uwsgi_python3"]


@case(34, "uwsgi's workers end after three requests, and it reloads")
def c34_uwsgi(t):
    program = next((p for p in UWSGI if which(p)), None)
    if not program:
        t.skip("not installed: uwsgi")
    t.script("app.py", APP.replace("def app", "def application"))

    def argv(port):
        return [program, "--plugin", "python3", "--http-socket", f"127.0.0.1:{port}", "--wsgi-file", t.dir / "app.py", "--master",
                "--processes", "2", "--max-requests", "3", "--die-on-term", "--disable-logging", "--logto", t.dir / "log",
                "--pidfile", t.dir / "pid", "--worker-reload-mercy", "5"]

    def drive(process, port, asking):
        for _ in range(10):
            asking()
        master = await_change(lambda: pid_in(t.dir / "pid"), 0)
        before = children(master)
        os.kill(master, signal.SIGHUP)
        await_change(lambda: len(new := [c for c in children(master) if c not in before]) >= 2 and new, False)
        for _ in range(10):
            asking()
        os.kill(master, signal.SIGTERM)
        gone(master)

    served(t, argv, drive, env={"PYTHONDONTWRITEBYTECODE": "1"})


FPM = """
[global]
error_log = {dir}/fpm.log
daemonize = no
process_control_timeout = 10
[www]
user = www-data
group = www-data
listen = {dir}/fpm.sock
listen.mode = 0666
pm = static
pm.max_children = 2
pm.max_requests = 1
clear_env = no
"""


@case(34, "php-fpm's workers end after each request, behind nginx", needs=["nginx"])
def c34_fpm(t):
    fpm = next((p for p in sorted(Path("/usr/sbin").glob("php-fpm*"))), None)
    if os.geteuid() != 0 or not fpm:
        t.skip("not root, or not installed: php-fpm")
    back = f"http://127.0.0.1:{t.peer_port}/"
    t.script("index.php", f"<?php echo file_get_contents('{back}'), getmypid() > 1;")
    (t.dir / "fpm.conf").write_text(FPM.format(dir=t.dir))
    port = free_port()
    front = ("location / { fastcgi_pass unix:%s/fpm.sock; fastcgi_param SCRIPT_FILENAME %s/index.php; "
             "fastcgi_param REQUEST_METHOD GET; }" % (t.dir, t.dir))
    (t.dir / "nginx.conf").write_text("daemon off;\n" + re.sub(r"location / .*?;.*? }", lambda _: front,
                                                             NGINX.format(dir=t.dir, port=port), count=1))
    nginx = subprocess.Popen([which("nginx"), "-p", t.dir, "-e", t.dir / "error.log", "-c", t.dir / "nginx.conf"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    t.closers.append(lambda: (nginx.terminate(), nginx.wait()))
    await_port(port, nginx)
    results = {}
    for state in (None, "up", "tls", "stuck", "down"):
        said = []
        (t.dir / "fpm.sock").unlink(missing_ok=True)

        def during(process):
            await_change(lambda: (answer := ask(port))[0] != 502 and (said.append(answer) or True), False)
            for _ in range(11):
                said.append(ask(port))
            process.send_signal(signal.SIGQUIT)
        result = t.run([fpm, "-F", "-y", t.dir / "fpm.conf"], state, during=during, wait_spans=12)
        results[state] = (result.status, said)
        t.check(results[state] == results[None] == (0, [(200, b"hello, host\n1")] * 12), f"collector {state}: {results[state]}")
        t.check(state not in ("up", "tls") or len(result.spans) == 12, f"{len(result.spans)} spans of 12 requests ({state})")


@case(34, "postgres starts, answers, restarts and stops as it does alone", needs=["postgres", "pg_ctl", "setpriv"])
def c34_postgres(t):
    if os.geteuid() != 0:
        t.skip("the server is started as another user, which only root can")
    tools = Path(os.path.realpath(which("postgres"))).parent
    data = t.dir / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    os.chown(t.dir, 65534, 65534)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    made = subprocess.run([*user, tools / "initdb", "-D", data, "-U", "torture", "-N", "-A", "trust", "--locale=C"],
                          capture_output=True, env={"PATH": os.environ["PATH"], "HOME": str(t.dir)})
    if made.returncode != 0:
        t.skip(f"initdb: {made.stderr.decode()[-200:]}")
    text = f"""
set -e
ctl() {{ {tools}/pg_ctl -D {data} -s -w -t 8 -o "-k {t.dir} -c listen_addresses= -c fsync=off" -l {t.dir}/log "$@"; }}
sql() {{ {tools}/psql -h {t.dir} -U torture -d postgres -At -c "$1"; }}
ctl start
sql "create table t as select generate_series(1, 1000) as n"
ctl restart
sql "select count(*), sum(n) from t"
sql "select 1/0" || echo "as it must"
sql "drop table t"
ctl stop
echo stopped
"""
    script = t.script("postgres.sh", text)
    t.same([*user, "sh", script], states=("up", "stuck", "relay"), status=0)


@case(34, "redis saves in a forked child", needs=["redis-server", "redis-cli"])
def c34_redis(t):
    def argv(port):
        return ["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", t.dir, "--save", "", "--daemonize", "no",
                "--loglevel", "warning"]

    results = []
    for state in (None, "up", "stuck", "relay"):
        port, said = free_port(), []

        def during(process):
            await_port(port, process)
            for line in ("set a 1", "get a", "bgsave", "incr a", "shutdown nosave"):
                said.append(subprocess.run(["redis-cli", "-p", str(port), *line.split()], capture_output=True).stdout)
                time.sleep(0.1)

        result = t.run(argv(port), state, during=during)
        results.append((result.status, said))
    t.check(all(r == results[0] for r in results), f"{results}")


# ---- 35: tools ----

def web(t):
    """A web server of the harness with a file, a git repository and an index of packages."""
    root = t.dir / "web"
    root.mkdir()
    (root / "file.bin").write_bytes(bytes(range(256)) * 2000)
    work = t.dir / "work"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"]
    env = {"PATH": os.environ["PATH"], "HOME": str(t.dir), "GIT_CONFIG_NOSYSTEM": "1",
           "GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z"}
    if which("git"):
        subprocess.run([*git, "init", "-q", work], check=True, env=env)
        for i in range(20):
            (work / f"f{i}").write_text(f"{i}\n" * 100)
        subprocess.run([*git, "-C", work, "add", "."], check=True, env=env)
        subprocess.run([*git, "-C", work, "commit", "-q", "-m", "one"], check=True, env=env)
        subprocess.run([*git, "clone", "-q", "--bare", work, root / "repo.git"], check=True, env=env)
        subprocess.run([*git, "-C", root / "repo.git", "update-server-info"], check=True, env=env)
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "http.server", str(port), "-b", "127.0.0.1", "-d", str(root)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    t.closers.append(lambda: (server.kill(), server.wait()))
    await_port(port, server)
    return f"http://127.0.0.1:{port}"


def tool(t, command, states=("up", "stuck", "relay"), spans=None, **options):
    """A shell command; what it makes in `out` is compared through its output."""
    def fresh(state):
        subprocess.run(["rm", "-rf", t.dir / "out"], check=True)
        (t.dir / "out").mkdir()
        counted = spans or 0 if state == "up" else 0
        return t.run(["sh", "-c", command], state, cwd=t.dir / "out", wait_spans=counted, **options)

    off = fresh(None)
    t.check(off.status == 0, f"{command}: {off}")
    for state in states:
        on = fresh(state)
        t.equal(off, on, f"{command}, collector {state}")
        t.note(f"{command.split()[0]}, collector {state}: {off.seconds:.2f} {on.seconds - off.seconds:+.2f} s")
        if spans is not None and state == "up":
            t.check(len(on.spans) >= spans, f"{command}: {len(on.spans)} spans, at least {spans} expected")


@case(35, "curl and wget give the same files", needs=["curl", "wget"])
def c35_download(t):
    url = web(t)
    tool(t, f"curl -sS -o a {url}/file.bin {url}/repo.git/HEAD -o b && curl -sS --http1.0 {url}/nothing -o /dev/null "
            "-w '%{http_code}\\n' && cksum a b", spans=3)
    tool(t, f"wget -q -O a {url}/file.bin && wget -q -O - {url}/file.bin | cksum && cksum a", spans=2)


@case(35, "git clones over http and from a folder", needs=["git"])
def c35_git(t):
    url = web(t)
    tool(t, f"git clone -q {url}/repo.git http && git clone -q {t.dir}/work local && git -C http log --oneline "
            "&& git -C local status --short && git -C http fsck && cat http/* local/* | cksum", spans=3)


@case(35, "make -j and a configure script", needs=["make", "cc"])
def c35_make(t):
    makefile = "objects = " + " ".join(f"f{i}.o" for i in range(24)) + "\nprog: $(objects)\n\tcc -o $@ $^\n"
    (t.dir / "Makefile").write_text(makefile)
    for i in range(24):
        (t.dir / f"f{i}.c").write_text(f"int f{i}(void) {{ return {i}; }}\n" + ("int main(void) { return 0; }\n" if not i else ""))
    configure = """
for name in stdio stdlib nothing_like_it unistd sys/socket pthread math; do
	printf '#include <%s.h>\\nint main(void) { return 0; }\\n' $name > conftest.c
	if cc -o conftest conftest.c 2>/dev/null && ./conftest; then echo "$name yes"; else echo "$name no"; fi
done
"""
    script = t.script("configure", configure)
    tool(t, "cp ../f*.c ../Makefile . && make -s -j4 && ./prog && ls *.o | cksum")
    tool(t, f"sh {script}")


@case(35, "pip installs a wheel over http")
def c35_pip(t):
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        t.skip("not installed: pip")
    url = web(t)
    name = "torture-1-py3-none-any.whl"
    with zipfile.ZipFile(t.dir / "web" / name, "w") as wheel:
        wheel.writestr("tort.py", "print('installed')\n")
        wheel.writestr("torture-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: torture\nVersion: 1\n")
        wheel.writestr("torture-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("torture-1.dist-info/RECORD", "")
    command = (f"{sys.executable} -m pip install -q --disable-pip-version-check --root-user-action ignore --no-cache-dir "
               f"--no-deps --target t {url}/{name} && PYTHONPATH=t {sys.executable} -c 'import tort'")
    tool(t, command, states=("up", "stuck"), spans=1)


@case(35, "npm installs from a folder and runs a script", needs=["npm", "node"])
def c35_npm(t):
    package = t.dir / "package"
    package.mkdir()
    (package / "package.json").write_text('{"name":"torture","version":"1.0.0","main":"i.js"}')
    (package / "i.js").write_text("module.exports = 'installed'")
    command = (f"npm install --offline --no-audit --no-fund --silent {package} && "
               "node -e \"console.log(require('torture'))\"")
    if t.run(["sh", "-c", command], cwd=t.dir, env={"npm_config_cache": t.dir / "npm"}).status != 0:
        t.skip("npm cannot install without a network here")
    tool(t, command, states=("up", "stuck"), env={"npm_config_cache": t.dir / "npm"})


@case(35, "npm installs a package over http", needs=["npm", "node", "tar"])
def c35_npm_http(t):
    url = web(t)
    package = t.dir / "package"
    package.mkdir()
    (package / "package.json").write_text('{"name":"torture","version":"1.0.0","main":"i.js"}')
    (package / "i.js").write_text("module.exports = 'installed'")
    subprocess.run(["tar", "czf", t.dir / "web" / "torture.tgz", "-C", t.dir, "package"], check=True)
    command = (f"rm -rf {t.dir}/npm; npm install --no-audit --no-fund --silent {url}/torture.tgz && "
               "node -e \"console.log(require('torture'))\"")
    tool(t, command, states=("up", "tls", "stuck"), spans=1, env={"npm_config_cache": t.dir / "npm", "npm_config_update_notifier": "false"})


@case(35, "mvn goes through a project without a network", needs=["mvn"])
def c35_mvn(t):
    (t.dir / "pom.xml").write_text("<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>torture</artifactId>"
                                   "<version>1</version><packaging>pom</packaging></project>")
    lines = f"mvn --version; cp {t.dir}/pom.xml . && mvn -o -B -q validate && echo valid; mvn -o -B -q no:such:1:goal >said || echo refused"
    tool(t, lines)


@case(35, "apt-get update from a repository over http", needs=["apt-get", "dpkg-scanpackages"])
def c35_apt(t):
    if os.geteuid() != 0:
        t.skip("apt-get is for root")
    url = web(t)
    root = t.dir / "web"
    (root / "Packages").write_text("Package: torture\nVersion: 1\nArchitecture: all\nMaintainer: t <t@t>\n"
                                   "Filename: torture.deb\nSize: 0\nDescription: t\n\n")
    state = t.dir / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d", "log"):
        (state / folder).mkdir(parents=True)
    (state / "etc" / "sources.list").write_text(f"deb [trusted=yes] {url} ./\n")
    (state / "status").write_text("")
    options = (f"-o Dir::State={state} -o Dir::State::lists={state}/lists -o Dir::State::status={state}/status "
               f"-o Dir::Cache={state}/cache -o Dir::Etc={state}/etc -o Dir::Log={state}/log "
               "-o APT::Sandbox::User=root -o Acquire::Languages=none")
    tool(t, f"rm -rf {state}/lists/*; mkdir -p {state}/lists/partial; apt-get {options} -qq update && "
            f"apt-cache {options} policy torture", spans=1)
