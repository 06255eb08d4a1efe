"""Programs that speak HTTP/2, in clear or inside TLS, as cases use them: configured and started.

Servers are functions of (test, agent, tls): those in SERVERS serve the web root below, the ones in PROXIES pass
requests on to `backend`, a URL. `tls` makes the URL of what they return one of https. Programs of test-apps/ are in SEEING
(/hello, and /seen, which answers with the traceparent that came) and CLIENTS, functions of (test, URL, counts) that
fetch it so many times at once, for each count, and return the bodies.
"""
import contextlib
import os
import re
import signal
from pathlib import Path

from apps import APACHE, backend_env, certificate, configure
from harness import APPS

LARGE = 300000


def web_root(t):
    """/index.html has 6 bytes, /large has LARGE."""
    root = t.dir / "h2-www"
    root.mkdir(exist_ok=True)
    (root / "index.html").write_text("hello\n")
    (root / "large").write_bytes(bytes(LARGE))
    return root


def secured(process, tls):
    if tls:
        process.url = f"https://127.0.0.1:{process.port}"
    return process


def key_and_certificate(t):
    cert = certificate(t)
    for name in ("key.pem", "both.pem"):
        (t.dir / name).chmod(0o644)  # some give up root before they read it
    return t.dir / "key.pem", cert


def nghttpd(t, agent=True, tls=False, name="nghttpd", options=()):
    port = t.port()
    argv = ["nghttpd", "-d", web_root(t), *options, *([] if tls else ["--no-tls"]), port]
    return secured(t.start(name, argv + ([*key_and_certificate(t)] if tls else []), port, agent), tls)


NGINX = """
daemon off; master_process on; worker_processes 2; {user} pid {dir}/{name}.pid; error_log {dir}/{name}.err.log;
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 1000000; http2_max_requests 1000000; sendfile {sendfile};
  client_header_timeout 600s; keepalive_timeout 600s;  # a handshake on a busy machine counts as the first, too
  client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
  scgi_temp_path {dir}/s; {upstream}
  server {{ listen 127.0.0.1:{port} http2 {tls}; root {root}; {locations} }} }}
"""


def nginx(t, agent=True, tls=False, name="nginx", locations="", upstream="", sendfile="off"):
    port = t.port()
    ssl = "ssl; ssl_certificate_key {}; ssl_certificate {}".format(*key_and_certificate(t)) if tls else ""
    text = NGINX.format(user="user root;" if os.geteuid() == 0 else "", dir=t.dir, port=port, root=web_root(t), tls=ssl,
                        locations=locations, upstream=upstream, name=name, sendfile=sendfile)
    return secured(t.start(name, ["nginx", "-p", t.dir, "-e", t.dir / f"{name}.err.log", "-c",
                                  configure(t, f"{name}.conf", text)], port, agent, stop=signal.SIGQUIT), tls)


H2O = """
{user}
num-threads: 2
max-connections: 20000
pid-file: {dir}/h2o.pid
error-log: {dir}/h2o.err.log
http2-idle-timeout: 60
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {port}
      {tls}
    paths:
      "/":
        {path}
"""


def h2o(t, agent=True, tls=False, path=None, name="h2o"):
    port = t.port()
    ssl = "ssl: {{key-file: {}, certificate-file: {}, minimum-version: TLSv1.2}}".format(*key_and_certificate(t)) if tls else ""
    text = H2O.format(user="user: root" if os.geteuid() == 0 else "", dir=t.dir, port=port, tls=ssl,
                      path=path or f"file.dir: {web_root(t)}")
    return secured(t.start(name, ["h2o", "-c", configure(t, f"{name}.conf", text)], port, agent), tls)


def apache(t, agent=True, tls=False, more="", name="apache"):
    port = t.port()
    modules = "/usr/lib/apache2/modules"
    text = APACHE.format(dir=t.dir, port=port, user="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
                         root=web_root(t), modules=modules, proxy=more)
    text += f"LoadModule http2_module {modules}/mod_http2.so\nProtocols h2 h2c http/1.1\nH2Direct on\n"
    if tls:
        text += (f"LoadModule ssl_module {modules}/mod_ssl.so\nSSLEngine on\nMutex file:{t.dir}\n"
                 "SSLCertificateKeyFile {}\nSSLCertificateFile {}\n".format(*key_and_certificate(t)))
    return secured(t.start(name, ["apache2", "-D", "FOREGROUND", "-f", configure(t, f"{name}.conf", text)], port, agent), tls)


SERVERS = {"nghttpd": (nghttpd, ["nghttpd"]), "nginx": (nginx, ["nginx"]), "h2o": (h2o, ["h2o"]),
           "apache": (apache, ["apache2"])}


def family(pid):
    """The process and all below it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            with contextlib.suppress(OSError):  # threads end meanwhile
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def memory_kib(pid):
    """Proportional memory of the process and all below it."""
    total = 0
    for process in family(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                total += int(line.split()[1]) if line.startswith("Pss:") else 0
    return total


def h2load(t, url, requests, connections, streams, agent=True, more=()):
    """Returns how many of the requests had no answer, or another status than 2xx."""
    clear = [] if url.startswith("https:") else ["-p", "h2c"]
    text = t.run("h2load", ["h2load", "-n", requests, "-c", connections, "-m", streams, *clear, *more, url], agent=agent)
    done = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, "
                     r"(\d+) timeout", text)
    t.check(done, f"h2load says what it did: {text[-400:]}")
    t.equal(int(done[1]), requests, "requests of h2load")
    status = re.search(r"status codes: (\d+) 2xx", text)
    return requests - min(int(done[4]), int(status[1]))


# ---- proxies: HTTP/2 in front; behind it HTTP/2, too, or HTTP/1 ----

def address(backend):
    return backend.partition("//")[2]


def nghttpx(t, backend, agent=True, tls=False, h2=True, name="nghttpx"):
    port = t.port()
    host, _, far = address(backend).partition(":")
    argv = ["nghttpx", f"--frontend=127.0.0.1,{port}{'' if tls else ';no-tls'}", "--workers=2", "--no-ocsp",
            f"--backend={host},{far};/;proto={'h2' if h2 else 'http/1.1'}{';tls' if backend.startswith('https') else ''}",
            "--insecure", "--errorlog-file=/dev/stderr", f"--conf={configure(t, 'empty.conf', '')}"]
    return secured(t.start(name, argv + ([*key_and_certificate(t)] if tls else []), port, agent), tls)


def nginx_proxy(t, backend, agent=True, tls=False, h2=True):
    """HTTP/2 behind it is for gRPC, which any request passes for."""
    to = f"grpc_pass grpc{'s' if backend.startswith('https') else ''}://far" if h2 else "proxy_pass http://far"
    return nginx(t, agent, tls, locations=f'location / {{ {to}; proxy_http_version 1.1; proxy_set_header Connection ""; }}',
                 upstream=f"upstream far {{ server {address(backend)}; keepalive 16; keepalive_requests 1000000; }}")


def h2o_proxy(t, backend, agent=True, tls=False, h2=False):
    return h2o(t, agent, tls, path=f"proxy.reverse.url: {backend}")


def apache_proxy(t, backend, agent=True, tls=False, h2=True):
    modules = "/usr/lib/apache2/modules"
    scheme = ("h2" if backend.startswith("https") else "h2c") if h2 else backend.partition(":")[0]
    more = f"LoadModule proxy_http2_module {modules}/mod_proxy_http2.so\n" if h2 else ""
    if backend.startswith("https"):
        more += "SSLProxyEngine on\nSSLProxyVerify none\nSSLProxyCheckPeerName off\n"
    return apache(t, agent, tls, more + f"ProxyPass / {scheme}://{address(backend)}/\n")


HAPROXY = """
global
  maxconn 4000
  no strict-limits
  nbthread 2
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 5s
  http-reuse always
frontend front
  bind 127.0.0.1:{port} {front}
  default_backend back
backend back
  server one {backend} {back}
"""


def haproxy(t, backend, agent=True, tls=False, h2=True):
    port = t.port()
    front, back = "proto h2", "proto h2" if h2 else ""
    if tls:
        key_and_certificate(t)
        front = f"ssl crt {t.dir}/both.pem alpn h2"
    if backend.startswith("https"):
        back = f"ssl verify none alpn {'h2' if h2 else 'http/1.1'}"
    text = HAPROXY.format(port=port, front=front, back=back, backend=address(backend))
    return secured(t.start("haproxy", ["haproxy", "-db", "-f", configure(t, "haproxy.cfg", text)], port, agent,
                           stop=signal.SIGUSR1), tls)


PROXIES = {"nghttpx": (nghttpx, ["nghttpx"]), "nginx": (nginx_proxy, ["nginx"]), "h2o": (h2o_proxy, ["h2o"]),
           "apache": (apache_proxy, ["apache2"]), "haproxy": (haproxy, ["haproxy"])}


# ---- programs of test-apps/: servers in clear that show what they were sent ----

JAVA = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1"]


def node(t, agent=True, backend=None, name="node"):
    port = t.port()
    return t.start(name, ["node", APPS / "http2-server-node" / "main.js", port], port, agent, backend_env(backend))


def hypercorn(t, agent=True):
    port = t.port()
    return t.start("hypercorn", ["hypercorn", "--bind", f"127.0.0.1:{port}", "app:app"], port, agent,
                   {"PYTHONPATH": APPS / "http2-server-hypercorn", "PYTHONDONTWRITEBYTECODE": "1"})


def go(t, agent=False):
    """Built with Go's own HTTP/2. Go makes its system calls itself: never seen by the agent."""
    port = t.port()
    return t.start("go", [t.build.app("http2-server-go"), port], port, False)


NETTY = ":".join(str(p) for p in sorted(Path("/usr/share/java").glob("netty-*.jar")) if "-4." not in p.name)


def netty_program(t):
    return [*JAVA, "-cp", f"{t.build.app('http2-peer-java-netty', 'Main', ['-cp', NETTY])}:{NETTY}", "Main"]


def netty(t, agent=True):
    port = t.port()
    return t.start("netty", [*netty_program(t), "server", port], port, agent)


SEEING = {"node": (node, ["node"]), "hypercorn": (hypercorn, ["hypercorn"]), "go": (go, ["go"]),
          "netty": (netty, ["java", "javac"])}
UPGRADES = {"hypercorn", "go"}  # the others have HTTP/2 by prior knowledge only


def nginx_seeing(t, agent=True, tls=True):
    return nginx(t, agent, tls, locations='location /hello { return 200 "hello\n"; } '
                                          'location /seen { return 200 "$http_traceparent\n"; }')


# ---- clients ----

def curl_each(t, url, counts):
    # Some releases of curl fail at a second request over one such connection.
    return "".join(t.run("client", ["curl", "-sS", "--http2-prior-knowledge", url]) for _ in range(sum(counts)))


def curl_upgrade(t, url, counts):
    return "".join(t.run("client", ["curl", "-sS", "--http2", *[url] * n]) for n in counts)


def curl_parallel(t, url, counts):
    return "".join(t.run("client", ["curl", "-sSk", "--http2", "-Z", "--parallel-max", n, *[url] * n]) for n in counts)


def of_script(interpreter, name, suffix):
    program = APPS / f"http2-client-{name}" / f"main.{suffix}"
    return lambda t, url, counts: t.run("client", [interpreter, program, url, *counts])


def libcurl(library):
    return lambda t, url, counts: t.run("client", [t.build.app("http2-client-c-libcurl", options=[f"-l{library}"],
                                                               variant=library.strip(":")), url, *counts])


def java(t, url, counts):
    """One more comes first, by Upgrade."""
    first, *rest = counts
    return t.run("client", [*JAVA, "-cp", t.build.app("http2-client-java-httpclient", "Main"), "Main", url,
                            *([first - 1] if first > 1 else []), *rest])


def netty_client(t, url, counts):
    return t.run("client", [*netty_program(t), "client", url, *counts])


def go_client(t, url, counts):
    """Never seen by the agent."""
    return t.run("go-client", [t.build.app("http2-client-go"), url, *counts], agent=False)


# The ones that speak it in clear, and inside TLS. libcurl 7.88 does not have several streams of a connection in clear.
ANYWHERE = {"node": (of_script("node", "node", "js"), ["node"]),
            "httpx": (of_script("python3", "python-httpx", "py"), ["python3"]),
            "ruby_http2": (of_script("ruby", "ruby-http2", "rb"), ["ruby"]),
            "ruby_async": (of_script("ruby", "ruby-async", "rb"), ["ruby"]),
            "perl": (of_script("perl", "perl", "pl"), ["perl"])}
CLIENTS = {"curl": (curl_each, ["curl"]), "curl_upgrade": (curl_upgrade, ["curl"]), **ANYWHERE,
           "java": (java, ["java", "javac"]), "netty": (netty_client, ["java", "javac"])}
TLS_CLIENTS = {"curl": (curl_parallel, ["curl"]), "libcurl": (libcurl("curl"), ["cc"]),
               "libcurl_gnutls": (libcurl(":libcurl-gnutls.so.4"), ["cc"]),
               "php": (of_script("php", "php-curl", "php"), ["php"]), **ANYWHERE}
