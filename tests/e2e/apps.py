"""The programs of test-apps/ and of Debian as cases use them: compiled, configured, started.

Servers are functions of (test, backend URL or None, agent) that return a Process; the ones in
SERVERS answer /hello, /status/NNN and /echo, and /call by asking the backend. Clients are functions
of (test, URL, count) in CLIENTS.
"""
import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path

from harness import APPS, PATH, Failure, which

COMPILERS = {  # warnings are errors there too
    ".c": lambda out, source, rest: ["cc", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-o", out, source, *rest],
    ".cpp": lambda out, source, rest: ["c++", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", out, source, *rest],
    ".rs": lambda out, source, rest: ["rustc", "-O", "-o", out, source, *rest],
    ".java": lambda out, source, rest: ["javac", "-d", out, source, *rest],
    ".go": lambda out, source, rest: ["go", "build", *rest, "-o", out, source],
}
COMPILE_SECONDS = 1200  # Go compiles its whole library where there is no cache


class Build:
    """Where the agent is. Its two objects are copied to a folder that every user may read."""

    def __init__(self, folder, stage, agent):
        self.folder, self.stage = folder, stage
        stage.chmod(0o755)
        self.library = stage / "libremora.so"
        self.lock = threading.Lock()
        if agent:
            for name in ("libremora.so", "remora-export.so"):
                shutil.copy(self.find(name), stage / name)

    def find(self, name):
        found = sorted(p for p in self.folder.glob(f"*/{name}") if p.is_file())
        if not found:
            raise SystemExit(f"run.py: no {name} under {self.folder}; build first (./dev build)")
        return found[0]

    @property
    def cli(self):
        return self.find("remora")

    def app(self, name, source="main", options=(), variant=""):
        """Compiles test-apps/NAME/SOURCE.* once for each variant; returns the program (for Java: its class folder)."""
        with self.lock:
            out = self.stage / f"{name}-{source}{variant}"
            if not out.exists():
                file, = (p for p in (APPS / name).glob(source + ".*") if p.suffix in COMPILERS)
                done = subprocess.run(COMPILERS[file.suffix](str(out), str(file), list(options)),
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=self.stage,
                                      timeout=COMPILE_SECONDS, env=self.environment())
                if done.returncode != 0:
                    raise Failure(f"{file} does not compile:\n{done.stderr}")
            return out

    def environment(self):
        """For compilers. Go finds Debian's packages, and what it compiled before."""
        return {**os.environ, "PATH": os.environ["PATH"] + ":" + PATH, "GOCACHE": str(self.folder / "go-cache"),
                "GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOTOOLCHAIN": "local"}


def script(name, suffix):
    return APPS / name / f"main.{suffix}"


def backend_env(backend):
    return {"BACKEND": backend} if backend else {}


# ---- servers ----

def c_epoll(t, backend=None, agent=True, name="c-epoll", options=()):
    port = t.port()
    return t.start(name, [t.build.app("http-server-c-epoll"), port, *options], port, agent)


def c_libcurl(t, backend=None, agent=True):
    port = t.port()
    program = t.build.app("http-server-c-libcurl", options=["-lcurl"])
    return t.start("c-libcurl", [program, port], port, agent, backend_env(backend))


def cpp(t, backend=None, agent=True):
    port = t.port()
    return t.start("cpp", [t.build.app("http-server-cpp-threads"), port], port, agent, backend_env(backend))


def rust(t, backend=None, agent=True):
    port = t.port()
    return t.start("rust", [t.build.app("http-server-rust-std"), port], port, agent, backend_env(backend))


def python(t, backend=None, agent=True, name="python"):
    port = t.port()
    return t.start(name, ["python3", script("http-server-python", "py"), port], port, agent,
                   backend_env(backend), stop=signal.SIGINT)


def gunicorn(t, backend=None, agent=True, options=("--workers", "1")):
    port = t.port()
    return t.start("gunicorn", ["gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir", t.dir,
                                "--chdir", APPS / "http-server-flask", *options, "app:app"],
                   port, agent, {**backend_env(backend), "PYTHONDONTWRITEBYTECODE": "1"})


def node(t, backend=None, agent=True):
    port = t.port()
    return t.start("node", ["node", script("http-server-node", "js"), port], port, agent, backend_env(backend))


def php_builtin(t, backend=None, agent=True):
    port = t.port()
    return t.start("php", ["php", "-d", "allow_url_fopen=1", "-S", f"127.0.0.1:{port}",
                           APPS / "http-server-php" / "index.php"], port, agent, backend_env(backend),
                   stop=signal.SIGINT)


def webrick(t, backend=None, agent=True):
    port = t.port()
    return t.start("webrick", ["ruby", script("http-server-webrick", "rb"), port], port, agent,
                   backend_env(backend))


def puma(t, backend=None, agent=True):
    port = t.port()
    return t.start("puma", ["puma", "--quiet", "--threads", "4:4", "--environment", "production",
                            "--bind", f"tcp://127.0.0.1:{port}", APPS / "http-server-puma" / "config.ru"],
                   port, agent, backend_env(backend))


def java(t, backend=None, agent=True):
    port = t.port()
    classes = t.build.app("http-server-java", "Main")
    return t.start("java", ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", classes, "Main", port],
                   port, agent, backend_env(backend))


SERVERS = {
    "c_epoll": (c_epoll, ["cc"]),
    "cpp": (cpp, ["c++"]),
    "rust": (rust, []),
    "python": (python, ["python3"]),
    "gunicorn": (gunicorn, ["gunicorn"]),
    "node": (node, ["node"]),
    "php_builtin": (php_builtin, ["php"]),
    "webrick": (webrick, ["ruby"]),
    "puma": (puma, ["puma"]),
    "java": (java, ["java", "javac"]),
}


# ---- servers and proxies that are configured rather than programmed ----

def configure(t, name, text):
    file = t.dir / name
    file.write_text(text)
    return file


def web_root(t):
    root = t.dir / "www"
    root.mkdir(exist_ok=True)
    (root / "hello").write_text("hello\n")
    (root / "big").write_bytes(b"0123456789abcdef" * 65536)
    return root


NGINX = """
daemon off;
{user}
worker_processes {workers};
pid {dir}/nginx.pid;
error_log {dir}/nginx.err.log;
events {{ worker_connections {connections}; }}
http {{
	access_log off;
	default_type text/plain;
	sendfile on;
	keepalive_requests 1000000;
	keepalive_timeout {keepalive};
	client_body_temp_path {dir}/nginx-body;
	proxy_temp_path {dir}/nginx-proxy;
	fastcgi_temp_path {dir}/nginx-fastcgi;
	uwsgi_temp_path {dir}/nginx-uwsgi;
	scgi_temp_path {dir}/nginx-scgi;
	{upstream}
	server {{
		listen 127.0.0.1:{port} reuseport;
		root {root};
		location /status/404 {{ return 404; }}
		location /status/500 {{ return 500; }}
		{locations}
	}}
}}
"""


def nginx(t, backend=None, agent=True, workers=1, locations="", name="nginx", upstream="", env={}, connections=256,
          keepalive="75s"):
    port = t.port()
    if backend:
        upstream = (f"upstream backend {{ server {backend.removeprefix('http://')}; keepalive 16; "
                    "keepalive_requests 1000000; }")
        locations += ('location /call { rewrite ^/call(.*)$ /hello$1 break; proxy_pass http://backend;'
                      ' proxy_http_version 1.1; proxy_set_header Connection ""; }'
                      'location / { proxy_pass http://backend; proxy_http_version 1.1;'
                      ' proxy_set_header Connection ""; }')
    # As root the workers stay root, so that they read files wherever the tree was cloned.
    user = "user root;" if os.geteuid() == 0 else ""
    text = NGINX.format(user=user, workers=workers, dir=t.dir, port=port, upstream=upstream, root=web_root(t),
                        locations=locations, connections=connections, keepalive=keepalive)
    file = configure(t, f"{name}.conf", text)
    return t.start(name, ["nginx", "-p", t.dir, "-e", t.dir / "nginx.err.log", "-c", file], port, agent,
                   env, stop=signal.SIGQUIT)


APACHE = """
ServerRoot {dir}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {dir}/apache.pid
ErrorLog {dir}/apache.err.log
{user}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule mime_module {modules}/mod_mime.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
TypesConfig /dev/null
StartServers 1
ServerLimit 2
ThreadsPerChild 32
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
MaxKeepAliveRequests 0
DocumentRoot {root}
<Directory {root}>
	Require all granted
</Directory>
Redirect 404 /status/404
Redirect 500 /status/500
{proxy}
"""


def to_fastcgi(to, script=APPS / "http-server-php" / "index.php", more=""):
    """A location of nginx that passes all on to a FastCGI program."""
    return (f"location / {{ fastcgi_pass {to}; include /etc/nginx/fastcgi_params; fastcgi_param "
            f"SCRIPT_FILENAME {script}; fastcgi_param HTTP_PROXY \"\"; {more} }}")


def apache(t, backend=None, agent=True, more=""):
    port = t.port()
    proxy = f'ProxyPass "/call" "{backend}/hello"\nProxyPass "/echo" "{backend}/echo"\n' if backend else ""
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    text = APACHE.format(dir=t.dir, port=port, user=user, root=web_root(t), proxy=proxy + more,
                         modules="/usr/lib/apache2/modules")
    return t.start("apache", ["apache2", "-D", "FOREGROUND", "-f", configure(t, "apache.conf", text)], port, agent,
                   stop=signal.SIGTERM)


def certificate(t):
    """A key and a certificate of localhost that signs itself: key.pem, cert.pem, both.pem, cert.der."""
    if not (t.dir / "both.pem").exists():
        t.run("openssl", ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
                          "cert.pem", "-days", "30", "-subj", "/CN=localhost", "-addext",
                          "subjectAltName=DNS:localhost,IP:127.0.0.1"], agent=False)
        t.run("openssl", ["openssl", "x509", "-in", "cert.pem", "-outform", "DER", "-out", "cert.der"], agent=False)
        (t.dir / "both.pem").write_bytes((t.dir / "key.pem").read_bytes() + (t.dir / "cert.pem").read_bytes())
    return t.dir / "cert.pem"


def lighttpd_tls(t, module, backend=None, agent=True):
    """The same behind one of its four TLS modules."""
    certificate(t)
    return lighttpd(t, backend, agent, f'server.modules += ("mod_{module}")\nssl.engine = "enable"\n'
                    f'ssl.pemfile = "{t.dir}/both.pem"\nssl.privkey = "{t.dir}/key.pem"\n'
                    'server.feature-flags += ("server.h2proto" => "disable")\n')


def lighttpd(t, backend=None, agent=True, more=""):
    port = t.port()
    proxy = ""
    if backend:
        address, _, backend_port = backend.removeprefix("http://").partition(":")
        proxy = (f'server.modules += ("mod_proxy")\n$HTTP["url"] =~ "^/(call|echo)" {{ proxy.server = ("" => '
                 f'(("host" => "{address}", "port" => {backend_port})))\n'
                 'proxy.header = ("map-urlpath" => ("/call" => "/hello")) }\n')
    text = (f'server.document-root = "{web_root(t)}"\nserver.port = {port}\nserver.bind = "127.0.0.1"\n'
            f'server.errorlog = "{t.dir}/lighttpd.err.log"\nserver.max-keep-alive-requests = 100000\n'
            f'server.upload-dirs = ("{t.dir}")\n'
            'mimetype.assign = ("" => "text/plain")\nserver.modules += ("mod_redirect")\n'
            f'$HTTP["url"] == "/status/500" {{ url.redirect = ("" => "/")\nurl.redirect-code = 500 }}\n{proxy}{more}')
    return t.start("lighttpd", ["lighttpd", "-D", "-f", configure(t, "lighttpd.conf", text)], port, agent,
                   stop=signal.SIGINT)


def haproxy(t, backend, agent=True):
    port = t.port()
    text = f"""
global
	nbthread 2
defaults
	mode http
	timeout connect 5s
	timeout client 20s
	timeout server 20s
	http-reuse always
frontend in
	bind 127.0.0.1:{port}
	http-request return status 404 if {{ path /status/404 }}
	http-request return status 500 if {{ path /status/500 }}
	http-request replace-path ^/call /hello
	default_backend out
backend out
	server one {backend.removeprefix('http://')}
"""
    return t.start("haproxy", ["haproxy", "-db", "-f", configure(t, "haproxy.cfg", text)], port, agent,
                   stop=signal.SIGUSR1)


def php_fpm(t, backend=None, agent=True, port=None, env={}, children=2, name="fpm"):
    """php-fpm on a Unix socket, or on a port; returns (process, socket)."""
    program = next((p for p in map(str, sorted(Path("/usr/sbin").glob("php-fpm*"))) if which(p)), None)
    if not program:
        raise Failure("no php-fpm")
    sock = t.dir / "fpm.sock"
    user = "user = root\ngroup = root\n" if os.geteuid() == 0 else ""
    text = (f"[global]\npid = {t.dir}/fpm.pid\nerror_log = {t.dir}/fpm.err.log\n[www]\n{user}listen = {f'127.0.0.1:{port}' if port else sock}\n"
            f"listen.mode = 0666\npm = static\npm.max_children = {children}\nclear_env = no\ncatch_workers_output = yes\n"
            "decorate_workers_output = no\n")
    root_flag = ["-R"] if os.geteuid() == 0 else []
    process = t.start(name, [program, "-F", *root_flag, "-y", configure(t, "fpm.conf", text)], port, agent,
                      {**backend_env(backend), **env}, stop=signal.SIGQUIT)
    t.until("php-fpm listens", lambda: port or sock.exists())
    return process, sock


# ---- clients: each asks for `url` `count` times and prints the bodies ----

def of_script(interpreter, name, suffix):
    return lambda t, url, count: t.run(name, [interpreter, script("http-client-" + name, suffix), url, count])


def of_java(name):
    return lambda t, url, count: t.run(name, ["java", "-XX:TieredStopAtLevel=1", "-cp",
                                              t.build.app("http-client-" + name, "Main"), "Main", url, count])


def libcurl(t, url, count):
    return t.run("c-libcurl", [t.build.app("http-client-c-libcurl", options=["-lcurl"]), url, count])


def curl(t, url, count):
    return t.run("curl", ["curl", "-sS", *[url] * count])


def wget(t, url, count):
    return t.run("wget", ["wget", "-q", "-O", "-", *[url] * count])


CLIENTS = {
    "python-urllib": (of_script("python3", "python-urllib", "py"), ["python3"]),
    "python-requests": (of_script("python3", "python-requests", "py"), ["python3"]),
    "python-httpclient": (of_script("python3", "python-httpclient", "py"), ["python3"]),
    "node-http": (of_script("node", "node-http", "js"), ["node"]),
    "node-fetch": (of_script("node", "node-fetch", "js"), ["node"]),
    "java-httpclient": (of_java("java-httpclient"), ["java", "javac"]),
    "java-urlconnection": (of_java("java-urlconnection"), ["java", "javac"]),
    "perl-lwp": (of_script("perl", "perl-lwp", "pl"), ["perl"]),
    "php-streams": (of_script("php", "php-streams", "php"), ["php"]),
    "php-curl": (of_script("php", "php-curl", "php"), ["php"]),
    "ruby-nethttp": (of_script("ruby", "ruby-nethttp", "rb"), ["ruby"]),
    "c-libcurl": (libcurl, ["cc"]),
    "curl": (curl, ["curl"]),
    "wget": (wget, ["wget"]),
}
