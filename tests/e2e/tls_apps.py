"""Programs that speak https: certificates, servers and clients as apps.py has them for http."""
import os
import signal
import subprocess

from apps import APACHE, NGINX, configure, script, web_root
from harness import APPS, PATH, Failure, which


class Certificates:
    """An authority and what it signed, made anew by openssl for each case."""

    def __init__(self, t):
        self.dir = t.dir
        self.ca = t.dir / "ca.pem"
        self.make("ca", "-x509", "-days", "30", "-addext", "basicConstraints=critical,CA:TRUE")
        self.server = self.signed("server", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        self.client = self.signed("client", "extendedKeyUsage=clientAuth")

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.dir, capture_output=True, text=True,
                              env={**os.environ, "PATH": PATH})
        if done.returncode != 0:
            raise Failure(f"openssl {arguments}:\n{done.stderr}")

    def make(self, name, *more):
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", *more)

    def signed(self, name, extension):
        """A PEM file with the certificate and its key."""
        self.make(name)
        (self.dir / "extensions").write_text(extension + "\n")
        self.openssl("x509", "-req", "-in", f"{name}.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-days", "30", "-extfile", "extensions", "-out", f"{name}.crt")
        whole = self.dir / f"{name}.both.pem"
        whole.write_text((self.dir / f"{name}.crt").read_text() + (self.dir / f"{name}.key").read_text())
        for file in (whole, self.dir / f"{name}.key"):
            file.chmod(0o644)
        return whole

    def trusted(self, **more):
        """The environment in which clients trust the authority."""
        return {"SSL_CERT_FILE": self.ca, "REQUESTS_CA_BUNDLE": self.ca, "CURL_CA_BUNDLE": self.ca,
                "NODE_EXTRA_CA_CERTS": self.ca, "PERL_LWP_SSL_CA_FILE": self.ca, "GIT_SSL_CAINFO": self.ca, **more}


def secure(process):
    process.url = f"https://127.0.0.1:{process.port}"
    return process


# ---- servers: of (test, certificates, agent) ----

def python(t, c, agent=True, name="python", env={}):
    port = t.port()
    return secure(t.start(name, ["python3", script("http-server-python", "py"), port], port, agent,
                          {"CERTIFICATE": c.server, **env}, stop=signal.SIGINT))


def node(t, c, agent=True, name="node", program="node", env={}):
    port = t.port()
    return secure(t.start(name, [program, script("http-server-node", "js"), port], port, agent,
                          {"CERTIFICATE": c.server, **env}))


def nginx(t, c, agent=True, name="nginx", locations="", options="", env={}):
    port = t.port()
    user = "user root;" if os.geteuid() == 0 else ""
    text = NGINX.format(user=user, workers=1, dir=t.dir, port=port, upstream="", root=web_root(t), locations=locations,
                        connections=256, keepalive="75s")
    text = text.replace(f"listen 127.0.0.1:{port} reuseport;", f"listen 127.0.0.1:{port} ssl {options}; ssl_certificate {c.server}; "
                        f"ssl_certificate_key {c.server}; ssl_client_certificate {c.ca}; ssl_verify_client optional;")
    return secure(t.start(name, ["nginx", "-p", t.dir, "-e", t.dir / "nginx.err.log", "-c",
                                 configure(t, f"{name}.conf", text)], port, agent, env, stop=signal.SIGQUIT))


def apache(t, c, agent=True):
    port = t.port()
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    text = APACHE.format(dir=t.dir, port=port, user=user, root=web_root(t), proxy="", modules="/usr/lib/apache2/modules")
    text += (f"LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\nSSLEngine on\nSSLCertificateFile {c.server}\n"
             f"SSLCertificateKeyFile {c.server}\nMutex file:{t.dir}\n")
    return secure(t.start("apache", ["apache2", "-D", "FOREGROUND", "-f", configure(t, "apache.conf", text)], port, agent))


def haproxy(t, c, agent=True, backend=None):
    port = t.port()
    out = f"server one {backend.removeprefix('https://')} ssl verify required ca-file {c.ca} verifyhost localhost" if backend else ""
    text = (f"defaults\n\tmode http\n\ttimeout connect 5s\n\ttimeout client 20s\n\ttimeout server 20s\n"
            f"frontend in\n\tbind 127.0.0.1:{port} ssl crt {c.server}\n"
            "\thttp-request return status 200 content-type text/plain string \"hello\\n\" if { path /hello }\n"
            "\thttp-request return status 404 if { path /status/404 }\n\tdefault_backend out\nbackend out\n\t" + out + "\n")
    return secure(t.start("haproxy", ["haproxy", "-db", "-f", configure(t, "haproxy.cfg", text)], port, agent,
                          stop=signal.SIGUSR1))


def gunicorn(t, c, agent=True):
    port = t.port()
    return secure(t.start("gunicorn", ["gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-tmp-dir", t.dir, "--certfile",
                                       c.server, "--chdir", APPS / "http-server-flask", "--threads", "4", "app:app"],
                          port, agent, {"PYTHONDONTWRITEBYTECODE": "1"}))


def asgi(name, *options):
    def start(t, c, agent=True):
        port = t.port()
        places = {"port": str(port), "certificate": str(c.server)}
        return secure(t.start(name, ["python3", "-m", name, *(o.format(**places) for o in options), "app:app"], port, agent,
                              {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": APPS / "http-server-asgi"},
                              stop=signal.SIGINT))
    return start


uvicorn = asgi("uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--ssl-certfile", "{certificate}", "--ssl-keyfile",
               "{certificate}", "--log-level", "warning")
hypercorn = asgi("hypercorn", "--bind", "127.0.0.1:{port}", "--certfile", "{certificate}", "--keyfile", "{certificate}")


def webrick(t, c, agent=True):
    port = t.port()
    return secure(t.start("webrick", ["ruby", script("http-server-webrick", "rb"), port], port, agent,
                          {"CERTIFICATE": c.server}))


def puma(t, c, agent=True):
    port = t.port()
    return secure(t.start("puma", ["puma", "--quiet", "--threads", "4:4", "--environment", "production", "--bind",
                                   f"ssl://127.0.0.1:{port}?key={c.dir}/server.key&cert={c.dir}/server.crt",
                                   APPS / "http-server-puma" / "config.ru"], port, agent))


# ---- Java, which encrypts by itself ----

JAVA = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1"]
PASSWORD = "hunter2"


def java_keys(c):
    store = c.dir / "server.p12"
    if not store.exists():
        c.openssl("pkcs12", "-export", "-in", c.server, "-out", store, "-passout", f"pass:{PASSWORD}")
        store.chmod(0o644)
    return store


def java_trust(c):
    """Options that make Java trust the authority."""
    store = c.dir / "trust.p12"
    if not store.exists():
        subprocess.run([which("keytool"), "-importcert", "-noprompt", "-alias", "ca", "-file", c.ca, "-keystore", store, "-storetype",
                        "PKCS12", "-storepass", PASSWORD], capture_output=True, check=True)
    return [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={PASSWORD}"]


def java(t, c, agent=True, name="java", backend=None, env={}):
    port = t.port()
    return secure(t.start(name, [*JAVA, *java_trust(c), "-cp", t.build.app("http-server-java", "Main"), "Main", port], port, agent,
                          {"KEYSTORE": java_keys(c), **({"BACKEND": backend} if backend else {}), **env}))


def java_sockets(t, c, agent=True, name="java_sockets"):
    port = t.port()
    keys = [f"-Djavax.net.ssl.keyStore={java_keys(c)}", f"-Djavax.net.ssl.keyStorePassword={PASSWORD}"]
    return secure(t.start(name, [*JAVA, *keys, "-cp", t.build.app("https-server-java-sockets", "Main"), "Main", port], port, agent))


SERVERS = {
    "java": (java, ["java", "javac"]),
    "java_sockets": (java_sockets, ["java", "javac"]),
    "python": (python, ["python3"]),
    "nginx": (nginx, ["nginx"]),
    "apache": (apache, ["apache2"]),
    "haproxy": (haproxy, ["haproxy"]),
    "gunicorn": (gunicorn, ["gunicorn"]),
    "uvicorn": (uvicorn, ["uvicorn"]),
    "hypercorn": (hypercorn, ["hypercorn"]),
    "node": (node, ["node"]),
    "webrick": (webrick, ["ruby"]),
    "puma": (puma, ["puma"]),
}


# ---- clients: of (test, certificates, url, count) ----

def scripted(interpreter, name, suffix, options=lambda c: []):
    def run(t, c, url, count):
        return t.run(name, [interpreter, *options(c), script("http-client-" + name, suffix), url, count], env=c.trusted())
    return run


def curl(t, c, url, count, name="curl", options=()):
    return t.run(name, ["curl", "-sS", "--http1.1", *options, *[url] * count], env=c.trusted())


def of_java(name):
    return lambda t, c, url, count: t.run(name, [*JAVA, *java_trust(c), "-cp", t.build.app("http-client-" + name, "Main"), "Main", url,
                                                 count])


CLIENTS = {
    "java-urlconnection": (of_java("java-urlconnection"), ["java", "javac"]),
    "java-httpclient": (of_java("java-httpclient"), ["java", "javac"]),
    "curl": (curl, ["curl"]),
    "python-urllib": (scripted("python3", "python-urllib", "py"), ["python3"]),
    "python-requests": (scripted("python3", "python-requests", "py"), ["python3"]),
    "python-httpx": (scripted("python3", "python-httpx", "py"), ["python3"]),
    "python-aiohttp": (scripted("python3", "python-aiohttp", "py"), ["python3"]),
    "node-http": (scripted("node", "node-http", "js"), ["node"]),
    "node-fetch": (scripted("node", "node-fetch", "js"), ["node"]),
    "perl-lwp": (scripted("perl", "perl-lwp", "pl"), ["perl"]),
    "php-streams": (scripted("php", "php-streams", "php", lambda c: ["-d", f"openssl.cafile={c.ca}"]), ["php"]),
    "php-curl": (scripted("php", "php-curl", "php", lambda c: ["-d", f"curl.cainfo={c.ca}"]), ["php"]),
    "ruby-nethttp": (scripted("ruby", "ruby-nethttp", "rb"), ["ruby"]),
}
