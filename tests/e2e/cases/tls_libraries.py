"""Inside TLS, where programs use GnuTLS, Mbed TLS, wolfSSL or NSS: as many spans as requests, headers that
arrive, and nothing else that differs."""
import re
import ssl
from pathlib import Path

from apps import c_epoll, certificate, lighttpd_tls, script
from harness import case
from proxy import Recorder

LINE = re.compile(rb"(?i)(?<=\n)traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]\r\n")
MODULES = Path("/usr/lib/lighttpd")


def need_file(t, path):
    if not Path(path).exists():
        t.skip(f"there is no {path}")


def curl(t, *urls, options=()):
    return t.run("curl", ["curl", "-sS", "--http1.1", "--cacert", "cert.pem", *options, *urls], agent=False)


# ---- servers ----

def serving(module):
    @case(f"lighttpd with mod_{module}: a SERVER span for each request, and a header that the program reads",
          ["lighttpd", "curl", "openssl"], name=f"tls_server_{module}")
    def run(t):
        need_file(t, MODULES / f"mod_{module}.so")
        backend = c_epoll(t, name="backend")
        server = lighttpd_tls(t, module, backend.url)
        url = f"https://localhost:{server.port}"
        t.equal(curl(t, *[f"{url}/hello"] * 5), "hello\n" * 5, "five over one connection")
        for _ in range(3):
            t.equal(curl(t, f"{url}/hello"), "hello\n", "one over one connection")
        t.equal(curl(t, f"{url}/call"), "hello\n", "what it passes on")
        (t.dir / "body").write_bytes(bytes(range(256)) * 512)
        curl(t, f"{url}/echo", options=["--data-binary", "@body", "-o", "answer"])
        t.equal((t.dir / "answer").read_bytes(), (t.dir / "body").read_bytes(), "a body there and back")
        spans = t.spans(14).count("lighttpd", server=10, client=2).count("backend", server=2)
        for s in spans.of("lighttpd", "SERVER"):
            spans.attributes(s, url__scheme="https", network__peer__address="127.0.0.1", error__type=None)
        # The proxied request carries on the header that was put into what lighttpd decrypted.
        spans.linked("lighttpd", "CLIENT", "lighttpd", "SERVER").linked("backend", "SERVER", "lighttpd", "CLIENT")


for name in ("gnutls", "mbedtls", "wolfssl", "nss"):
    serving(name)


def loaded(module):
    @case(f"lighttpd with mod_{module} under ab: 20 connections at once, as many spans as requests, none failed",
          ["lighttpd", "ab", "openssl"], name=f"tls_load_{module}")
    def run(t):
        need_file(t, MODULES / f"mod_{module}.so")
        server = lighttpd_tls(t, module)
        said = ""
        for options in (["-n", 200], ["-k", "-n", 1000]):
            said += t.run("ab", ["ab", "-q", *options, "-c", 20, f"https://localhost:{server.port}/hello"],
                          agent=False)
        t.equal(re.findall(r"Failed requests: +(\d+)", said), ["0", "0"], "failed requests")
        t.spans(1200).count("lighttpd", server=1200)


for name in ("gnutls", "mbedtls", "wolfssl", "nss"):
    loaded(name)


# ---- clients ----

def server_context(t):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate(t)
    context.load_cert_chain(t.dir / "cert.pem", t.dir / "key.pem")
    return context


def streams(t, drive, agent):
    server = c_epoll(t, name=f"server-{agent}", agent=False)
    recorder = Recorder(server.port, server_context(t))
    output = drive(recorder.port, agent)
    return output, [(sent.replace(b"%d" % recorder.port, b"PORT"), answered) for sent, answered in recorder.finish()]


def same_inside(t, drive, requests, lines):
    """drive(port, agent) sends as many requests; only as many header lines of ours may differ. Returns the spans."""
    plain_output, plain = streams(t, drive, False)
    if not t.agent:
        t.spans(0)
    output, traced = streams(t, drive, True)
    t.equal(output, plain_output, "output")
    t.equal(len(traced), len(plain), "connections")
    t.equal([LINE.sub(b"", sent) for sent, _ in traced], [sent for sent, _ in plain], "bytes sent, without our lines")
    t.equal([answered for _, answered in traced], [answered for _, answered in plain], "bytes received")
    t.equal(sum(len(LINE.findall(sent)) for sent, _ in traced), lines, "added header lines")
    spans = t.spans(requests)
    for s in spans.all:
        t.equal(s["kind"], "CLIENT", "kind")
        t.check(s["attributes"]["url.full"].startswith("https://localhost"), "url.full")
        spans.attributes(s, error__type=None, server__address="localhost")
    return spans


def client(name, title, needs, argv, requests=3, files=(), peer="127.0.0.1", env=lambda t: {},
           lines=None):
    """argv(t, port) is what to run; it prints what it got."""
    what = "no span" if not requests else f"a CLIENT span{'' if lines == 0 else ' and a header'} for each request"

    @case(f"{title}: {what}, else the same bytes", [*needs, "openssl"], name=f"tls_client_{name}")
    def run(t):
        for path in files:
            need_file(t, path)
        spans = same_inside(t, lambda port, agent: t.run(name, argv(t, port), agent=agent, env=env(t)), requests,
                            requests if lines is None else lines)
        for s in spans.all:
            spans.attributes(s, network__peer__address=peer)


def library(name):
    """A program of test-apps with the one thing it needs: its library's headers."""
    options = {"gnutls": ["-lgnutls"], "wolfssl": ["-lwolfssl"], "mbedtls": ["-lmbedtls", "-lmbedx509", "-lmbedcrypto"],
               "nss": ["-I/usr/include/nss", "-I/usr/include/nspr", "-lssl3", "-lnss3", "-lnspr4"]}[name]
    return lambda t: t.build.app(f"http-client-c-{name}", options=options)


def urls(port, count):
    return [f"https://localhost:{port}/hello"] * count


client("wget", "wget (GnuTLS)", ["wget"],
       lambda t, port: ["wget", "-qO-", "--ca-certificate=cert.pem", *urls(port, 3)])
for mode in ("plain", "cork", "pad", "again", "resume"):
    client(f"gnutls_{mode}", f"GnuTLS, {mode}", ["cc"], files=["/usr/include/gnutls/gnutls.h"],
           argv=lambda t, port, mode=mode: [library("gnutls")(t), port, "cert.pem", 3, mode])
client("gnutls_range", "GnuTLS, where the program hides how long its data are (no header then)", ["cc"],
       files=["/usr/include/gnutls/gnutls.h"], lines=0,
       argv=lambda t, port: [library("gnutls")(t), port, "cert.pem", 3, "range"])
client("gnutls_file", "GnuTLS, a file as a body", ["cc"], files=["/usr/include/gnutls/gnutls.h"],
       argv=lambda t, port: [library("gnutls")(t), port, "cert.pem", 2, "file"], requests=2)
client("mbedtls", "Mbed TLS", ["cc"], files=["/usr/include/mbedtls/ssl.h"],
       argv=lambda t, port: [library("mbedtls")(t), port, "cert.pem", 3])
client("wolfssl", "wolfSSL", ["cc"], files=["/usr/include/wolfssl/ssl.h"],
       argv=lambda t, port: [library("wolfssl")(t), port, "cert.pem", 3])
for mode in ("bio", "mixed"):
    client(f"wolfssl_{mode}", f"wolfSSL inside a BIO, {mode}", ["cc"], files=["/usr/include/wolfssl/ssl.h"], requests=0,
           argv=lambda t, port, mode=mode: [library("wolfssl")(t), port, "cert.pem", 3, mode])
client("nss", "NSS, the handshake made by the first write", ["cc"], files=["/usr/include/nss/ssl.h"],
       argv=lambda t, port: [library("nss")(t), port, "cert.der", 3])

for name in ("gnutls", "nss"):
    client(f"libcurl_{name}", f"libcurl's {name} build", ["cc"], files=[f"/usr/lib/x86_64-linux-gnu/libcurl-{name}.so.4"],
           argv=lambda t, port, name=name: [t.build.app("http-client-c-libcurl", options=[f"-l:libcurl-{name}.so.4"],
                                                        variant=name), f"https://localhost:{port}/hello", 3],
           env=lambda t: {"CA_FILE": str(t.dir / "cert.pem")})


client("soup", "libsoup (GIO's TLS, a GnuTLS module)", ["python3"],
       files=["/usr/lib/x86_64-linux-gnu/girepository-1.0/Soup-3.0.typelib",
              "/usr/lib/x86_64-linux-gnu/gio/modules/libgiognutls.so"],
       argv=lambda t, port: ["/usr/bin/python3", script("http-client-python-soup", "py"), *urls(port, 1),
                             t.dir / "cert.pem", 3])


@case("git clones over https (GnuTLS): each of its requests has a CLIENT span, and a SERVER span below it",
      ["git", "lighttpd", "openssl"])
def tls_git_clone(t):
    need_file(t, MODULES / "mod_gnutls.so")
    here = {"GIT_SSL_CAINFO": str(t.dir / "cert.pem"), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    server = lighttpd_tls(t, "gnutls")
    source = t.dir / "source"

    def git(*argv, agent=False):
        t.run("git", ["git", *argv], agent=agent, env=here)

    git("init", "-q", source)
    for i in range(5):
        (source / f"file{i}").write_text(f"{i}\n" * 1000)
        git("-C", source, "add", ".")
        git("-C", source, "commit", "-qm", str(i))
    git("clone", "-q", "--bare", source, t.dir / "www" / "repo.git")
    git("--git-dir", t.dir / "www" / "repo.git", "update-server-info")
    git("clone", "-q", f"https://localhost:{server.port}/repo.git", t.dir / "copy", agent=True)
    t.equal((t.dir / "copy" / "file4").read_text(), "4\n" * 1000, "what was cloned")
    spans = t.spans_at_least(20)
    clients, servers = spans.of("git", "CLIENT"), spans.of("lighttpd", "SERVER")
    t.equal(len(clients), len(servers), "requests as git and as lighttpd count them")
    spans.linked("lighttpd", "SERVER", "git", "CLIENT")


@case("gnutls-cli and gnutls-serv that speak no HTTP: the same output, no span", ["gnutls-cli", "gnutls-serv", "openssl"])
def tls_other_protocol(t):
    certificate(t)
    port = t.port()
    t.start("serv", ["gnutls-serv", "--echo", "-q", "--x509keyfile", "key.pem", "--x509certfile", "cert.pem", "-p", port], port)
    said = [t.run("cli", ["gnutls-cli", "--x509cafile", "cert.pem", "-p", port, "localhost"], agent=agent,
                  stdin=b"hello\nGET of another protocol\n") for agent in (False, True)]
    t.equal(*[[line for line in text.splitlines() if line in ("hello", "GET of another protocol")] for text in said],
            "what came back")
    t.spans(0)


@case("GnuTLS, sixteen threads whose first sessions begin at once: a CLIENT span for each request",
      ["cc", "lighttpd", "openssl"])
def tls_threads(t):
    need_file(t, MODULES / "mod_gnutls.so")
    need_file(t, "/usr/include/gnutls/gnutls.h")
    server = lighttpd_tls(t, "gnutls", agent=False)
    program = t.build.app("http-client-c-gnutls", source="threads", options=["-pthread", "-lgnutls"])
    for _ in range(4):
        t.run("threads", [program, server.port, 3])
    t.spans(4 * 16 * 3).count("threads", client=4 * 16 * 3)


def early(way, clients, lines):
    @case(f"GnuTLS, early data that the server has {way}: {clients} of four requests have a CLIENT span, all a SERVER span",
          ["cc", "openssl"], name=f"tls_early_{way}")
    def run(t):
        need_file(t, "/usr/include/gnutls/gnutls.h")
        certificate(t)
        program = t.build.app("http-client-c-gnutls", source="early", options=["-pthread", "-lgnutls"])
        said = t.run("early", [program, way, "cert.pem", "key.pem"])
        t.equal(said, f"{way}: 4 requests, {lines if t.agent else 0} lines\n", "what the program saw")
        spans = t.spans(4 + clients).count("early", client=clients, server=4)
        below = [s for s in spans.of("early", "SERVER") if s["parent_id"]]
        t.equal(len(below), clients, "SERVER spans below a CLIENT span")
        for s in spans.all:
            spans.attributes(s, error__type=None, http__response__status_code=200)


# Early data stay as they are on either side; a client whose early data are taken is left alone.
early("taken", clients=2, lines=3)
early("refused", clients=4, lines=4)


@case("GnuTLS, one thread that sends and one that reads the same session: a CLIENT span and an answer for each request",
      ["cc", "openssl"])
def tls_duplex(t):
    need_file(t, "/usr/include/gnutls/gnutls.h")
    program = t.build.app("http-client-c-gnutls", source="duplex", options=["-pthread", "-lgnutls"])
    spans = same_inside(t, lambda port, agent: t.run("duplex", [program, port, "cert.pem", 2000], agent=agent), 2000, 2000)
    for s in spans.all:
        spans.attributes(s, http__response__status_code=200)
