"""Programs with a TLS of their own, while the agent exports over TLS (cases 11, 13 and 15).

Each host makes HTTPS calls with what it brings, so that its library is busy in the same process, and plain
ones, so that there are spans: its answer and status must be the same, and the spans must arrive. Hosts that
are not here are named and not counted; ./dev torture fetches the versions of node, and the wheels.
"""
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path

from b_neighbours import LIBRARIES, NODE, PHP, PYTHON, RUBY, TLS_CLIENT, TlsPeer
from frame import HANG, PATH, Failure, case, which
from h_programs import await_port, free_port

TALLY = "TLS hosts that survived"
FETCHED = Path(__file__).resolve().parents[3] / "deps/hosts"


def survives(t, argv, times=None, states=("tls",), spans=1, **options):
    """The whole rule: equal without the agent and while it exports over TLS, and spans arrive there."""
    off = t.run(argv, **options)
    for state in (*states, *(("up", "down", "stuck") if t.full else ())):
        for _ in range(times or t.count(3, 10)):
            on = t.run(argv, state, wait_spans=spans, **options)
            t.equal(off, on, f"{Path(str(argv[0])).name}, collector {state}")
            t.check(state != "tls" or len(on.spans) >= spans, f"{len(on.spans)} spans, at least {spans} expected")
    return off


def host(t, program, *arguments, status=5, **options):
    """A trial for t.tally(): the program, if it is here and does what is meant."""
    def trial():
        if not program or not which(str(program)):
            t.skip("not here")
        off = survives(t, [program, *arguments], **options)
        t.check(off.status == status, f"not what was meant: {off}")
    return trial


@case(11, "node of every line since 12", needs=["openssl"])
def c11_nodes(t):
    env = TlsPeer(t).env
    script = t.script("calls.js", NODE)
    hosts = {"node of the system": which("node")}
    hosts |= {f.name: f / "node_modules" / f"node-linux-{kind}" / "bin/node" for f in sorted(FETCHED.glob("node-*"))
              for kind in ("x64", "arm64") if (f / "node_modules" / f"node-linux-{kind}").exists()}
    t.tally(TALLY, {name: host(t, program, script, env=env, times=t.count(4, 10)) for name, program in hosts.items()})


def pythons():
    """Every python3 there is, by the file it runs."""
    places = [Path(p) / "python3" for p in PATH.split(":")]
    places += sorted(Path("/usr/bin").glob("python3.[0-9]*")) + sorted(Path("/usr/local/bin").glob("python3.[0-9]*"))
    places += sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))
    return {str(p.resolve()): p for p in places if p.exists() and not re.search("config|shims", str(p.resolve()))}


@case(15, "every python, ruby, and perl that is here", needs=["openssl"])
def c15_languages(t):
    env = TlsPeer(t).env
    trials = {name: host(t, program, t.script("calls.py", PYTHON), env=env) for name, program in pythons().items()}
    trials["ruby"] = host(t, which("ruby"), t.script("calls.rb", RUBY), env=env)
    trials["php"] = host(t, which("php"), t.script("calls.php", PHP), env=env)
    trials["perl"] = host(t, which("perl"), t.script("calls.pl", r"""
use LWP::UserAgent; use Digest::SHA 'sha1_hex';
eval { require LWP::Protocol::https; 1 } or exit 77;
my ($sum, $ua) = ("", LWP::UserAgent->new(ssl_opts => {SSL_ca_file => $ENV{CA}}));
for my $i (1 .. 20) {
	$sum .= $ua->get("https://127.0.0.1:$ENV{TLS_PORT}/$i")->decoded_content;
	$sum .= $ua->get("http://127.0.0.1:$ENV{PEER_PORT}/$i")->decoded_content;
	select(undef, undef, undef, 0.01);
}
print sha1_hex($sum), "\n"; exit 5;
"""), env=env)
    t.tally(TALLY, trials)


JAVA = r"""
import java.io.*; import java.net.*; import java.nio.file.*; import java.security.*; import java.security.cert.*;
import javax.net.ssl.*;
class Calls {
	public static void main(String[] a) throws Exception {
		KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
		store.load(null, null);
		try (InputStream in = Files.newInputStream(Path.of(System.getenv("CA")))) {
			store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
		}
		TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
		trust.init(store);
		SSLContext context = SSLContext.getInstance("TLS");
		context.init(null, trust.getTrustManagers(), null);
		HttpsURLConnection.setDefaultSSLSocketFactory(context.getSocketFactory());
		long sum = 0;
		for (int i = 0; i < 20; i++) {
			for (String url : new String[] { "https://127.0.0.1:" + System.getenv("TLS_PORT"),
							 "http://127.0.0.1:" + System.getenv("PEER_PORT") })
				sum = sum * 31 + new String(new URL(url + "/" + i).openStream().readAllBytes()).hashCode();
			Thread.sleep(5);
		}
		KeyPairGenerator keys = KeyPairGenerator.getInstance("RSA");
		keys.initialize(2048);
		keys.generateKeyPair();
		System.out.println(sum);
		System.exit(5);
	}
}
"""


@case(11, "java", needs=["java", "javac", "openssl"])
def c11_java(t):
    t.script("Calls.java", JAVA)
    subprocess.run([which("javac"), "-nowarn", "-d", t.dir, t.dir / "Calls.java"], check=True, capture_output=True)
    env = TlsPeer(t).env
    t.tally(TALLY, {
        "java": host(t, which("java"), "-cp", t.dir, "Calls", env=env),
        "java, another compiler and collector": host(t, which("java"), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                                                     "-cp", t.dir, "Calls", env=env, times=1)})


# ---- what is compiled here ----

def exporter_names(t):
    """The functions of the libraries that the exporter contains, by its symbol table."""
    listed = subprocess.run(["nm", t.agent.stage / "remora-export.so"], capture_output=True, text=True, check=True).stdout
    names = {line.split()[2] for line in listed.splitlines() if len(line.split()) == 3 and line.split()[1] in "tT"}
    taken = set(subprocess.run("nm -D --defined-only /lib/x86_64-linux-gnu/libc.so.6 /lib/x86_64-linux-gnu/libm.so.6 | awk '{print $3}' | sed s/@.*//",
                               shell=True, capture_output=True, text=True).stdout.split())
    ours = ("rm_", "remora_", "_", "register_tm", "deregister_tm", "frame_dummy", "main")
    return sorted(n for n in names if re.fullmatch(r"[A-Za-z]\w*", n) and not n.startswith(ours) and n not in taken)


def poisoned(t):
    names = exporter_names(t)
    t.check(len(names) > 3000, f"only {len(names)} names in the exporter: is it stripped?")
    t.note(f"{len(names)} names are exported by the program as well")
    own = {"get", "settle", "threads", "main", "peer_connect", "get_over"}
    stubs = "".join(f'".globl {n}\\n.type {n},@function\\n{n}: call poison_called\\n"\n' for n in names if n not in own)
    source = f'#include "torture.h"\n#include <dlfcn.h>\n__asm__(".text\\n" {stubs});' + r"""
__asm__("poison_called: pop %rdi; and $-16, %rsp; call report_call");
void report_call(char *behind)
{
	Dl_info of = { 0 };

	dladdr(behind - 5, &of);
	dprintf(2, "called: %s\n", of.dli_sname);
	_exit(66);
}

int main(void)
{
	for (int i = 0; i < 3; i++)
		get(), settle(80);
	return 5;
}
"""
    host(t, t.compile("poison", source, "-rdynamic", "-fno-builtin", "-ldl"), spans=3)()


TWO_CURLS = r"""
#include "torture.h"
#include <dlfcn.h>
static size_t take(char *p, size_t a, size_t n, void *sum) { *(long *)sum += n; return n; }
static long fetch(const char *library, const char *url)
{
	void *h = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	void *(*init)(void) = dlsym(h, "curl_easy_init");
	int (*set)(void *, int, ...) = dlsym(h, "curl_easy_setopt"), (*perform)(void *) = dlsym(h, "curl_easy_perform");
	void (*cleanup)(void *) = dlsym(h, "curl_easy_cleanup");
	long sum = 0;
	for (int i = 0; i < 10; i++) {
		void *c = init();
		set(c, 10002, url);
		set(c, 10065, getenv("CA"));
		set(c, 20011, take);
		set(c, 10001, &sum);
		sum += 1000 * perform(c);
		cleanup(c);
		settle(5);
	}
	return sum;
}
static char url[64];
static void *other(void *arg) { return (void *)fetch("libcurl-gnutls.so.4", url); }
int main(void)
{
	pthread_t thread;
	void *sum;
	sprintf(url, "https://127.0.0.1:%s/", getenv("TLS_PORT"));
	printf("%d\n", get());
	pthread_create(&thread, NULL, other, NULL);
	printf("%ld\n", fetch("libcurl.so.4", url));
	pthread_join(thread, &sum);
	printf("%ld %d\n", (long)sum, get());
	return 5;
}
"""


@case(13, "compiled hosts: OpenSSL shared and static, sanitizers, allocators, two libcurls, the exporter's own names",
      needs=["openssl", "nm"])
def c13_compiled(t):
    if not os.path.exists("/usr/include/openssl/ssl.h"):
        t.skip("not installed: libssl-dev")
    env = {**TlsPeer(t).env, "PLAIN_PORT": t.peer_port}

    def compiled(name, source, *flags, cc="cc", extra={}, **options):
        def trial():
            try:
                program = t.compile(name, source, *flags, cc=cc)
                plain = t.run([program], env={**env, **extra})
            except Failure as why:
                t.skip(str(why).splitlines()[-1][:80])
            host(t, program, status=plain.status, env={**env, **extra}, **options)()
            t.check(plain.status in (4, 5), f"not what was meant: {plain}")
        return trial

    def beside(library, file):
        def trial():
            if not Path(LIBRARIES, file).exists():
                t.skip("not installed")
            for first in (False, True):
                compiled("beside_" + library, TLS_CLIENT, "-lssl", "-lcrypto", preload=[Path(LIBRARIES, file)],
                         agent_first=first)()
        return trial

    shared = ["-lssl", "-lcrypto"]
    asan = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
    t.tally(TALLY, {
        "shared OpenSSL": compiled("shared", TLS_CLIENT, *shared),
        "static OpenSSL, exported": compiled("static", TLS_CLIENT, "-rdynamic", "-Wl,-Bstatic", *shared, "-Wl,-Bdynamic",
                                             "-ldl"),
        "ASan of gcc, shared": compiled("asan", TLS_CLIENT, "-fsanitize=address", *shared, extra=asan),
        "ASan of gcc, static": compiled("asan_static", TLS_CLIENT, "-fsanitize=address", "-static-libasan", *shared, extra=asan),
        "ASan of clang": compiled("asan_clang", TLS_CLIENT, "-fsanitize=address", *shared, cc="clang", extra=asan),
        "TSan": compiled("tsan", TLS_CLIENT, "-fsanitize=thread", *shared),
        "jemalloc": beside("jemalloc", "libjemalloc.so.2"),
        "tcmalloc": beside("tcmalloc", "libtcmalloc_minimal.so.4"),
        "mimalloc": beside("mimalloc", "libmimalloc.so.2"),
        "both libcurls at once": compiled("two_curls", TWO_CURLS, "-ldl", spans=2),
        "all names of the exporter": lambda: poisoned(t),
    })


# ---- wheels: libraries that carry a TLS of their own ----

CALLS = """
import http.client, os, ssl, sys, time
def plain(i=0):
    c = http.client.HTTPConnection("127.0.0.1", int(os.environ["PEER_PORT"])); c.request("GET", f"/{i}")
    body = c.getresponse().read(); c.close(); time.sleep(0.005); return body
url, ca = "https://127.0.0.1:" + os.environ["TLS_PORT"] + "/", os.environ["CA"]
"""
WHEELS = {
    "psycopg2": """
import psycopg2
for i in range(10):
    plain(i)
    try:
        psycopg2.connect(host="127.0.0.1", port=os.environ["PG_PORT"], user="u", dbname="d", sslmode="verify-ca", sslrootcert=ca)
    except psycopg2.OperationalError as e:
        print(str(e).partition("FATAL")[2])
""",
    "grpcio": """
import grpc
from concurrent import futures
class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request[::-1])
pem, key = open(ca, "rb").read(), open(os.environ["KEY"], "rb").read()
server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Echo()])
port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, pem)]))
server.start()
with grpc.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(pem)) as channel:
    call = channel.unary_unary("/echo/echo")
    for i in range(20):
        print(call(b"abc%d" % i, timeout=30), plain(i))
server.stop(0).wait()
""",
    "cryptography": """
import urllib.request
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.fernet import Fernet
from cryptography import x509
context = ssl.create_default_context(cafile=ca)
for i in range(10):
    key = rsa.generate_private_key(65537, 2048)
    key.public_key().verify(key.sign(b"x", padding.PKCS1v15(), hashes.SHA256()), b"x", padding.PKCS1v15(), hashes.SHA256())
    ec.generate_private_key(ec.SECP256R1()).sign(b"x", ec.ECDSA(hashes.SHA256()))
    f = Fernet(Fernet.generate_key())
    print(f.decrypt(f.encrypt(b"secret")), plain(i), urllib.request.urlopen(url, context=context).read())
print(x509.load_pem_x509_certificate(open(ca, "rb").read()).subject)
""",
    "pyopenssl": """
import socket
from OpenSSL import SSL
for i in range(10):
    context = SSL.Context(SSL.TLS_METHOD); context.load_verify_locations(ca); context.set_verify(SSL.VERIFY_PEER)
    s = SSL.Connection(context, socket.create_connection(("127.0.0.1", int(os.environ["TLS_PORT"]))))
    s.set_connect_state(); s.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    got = b""
    try:
        while True: got += s.recv(4096)
    except (SSL.ZeroReturnError, SSL.SysCallError): pass
    print(got.rpartition(b"\\r\\n\\r\\n")[2], plain(i))
""",
    "pycurl": """
import pycurl, io
for i in range(10):
    out = io.BytesIO(); c = pycurl.Curl(); c.setopt(c.URL, url); c.setopt(c.CAINFO, ca); c.setopt(c.WRITEDATA, out)
    c.perform(); c.close(); print(out.getvalue(), plain(i))
""",
    "curl_cffi": """
from curl_cffi import requests
with requests.Session() as s:
    for i in range(10): print(s.get(url, verify=ca, impersonate="chrome").content, plain(i))
""",
    "uvloop": """
import asyncio, uvloop
async def main():
    context = ssl.create_default_context(cafile=ca)
    for i in range(10):
        r, w = await asyncio.open_connection("127.0.0.1", int(os.environ["TLS_PORT"]), ssl=context)
        w.write(b"GET / HTTP/1.0\\r\\n\\r\\n"); print((await r.read()).rpartition(b"\\r\\n\\r\\n")[2]); w.close()
        r, w = await asyncio.open_connection("127.0.0.1", int(os.environ["PEER_PORT"]))
        w.write(b"GET / HTTP/1.0\\r\\n\\r\\n"); print((await r.read()).rpartition(b"\\r\\n\\r\\n")[2]); w.close()
uvloop.run(main())
""",
}


def refusing_postgres(t):
    """A server that speaks TLS as postgres does, and lets nobody in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*t.agent.certificate())
    fields = b"SFATAL\0C28000\0Mnobody may enter\0\0"
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def talk(connection):
        try:
            connection.settimeout(HANG)
            connection.recv(8)
            connection.sendall(b"S")
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(4096)
                secure.sendall(b"E" + struct.pack(">I", len(fields) + 4) + fields)
                secure.recv(4096)
        except OSError:
            pass

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()
    t.closers.append(listener.close)
    return listener.getsockname()[1]


@case(13, "wheels of Python that carry OpenSSL, BoringSSL or a libcurl", needs=["openssl"])
def c13_wheels(t):
    python = FETCHED / "wheels/bin/python"
    if not python.exists():
        t.skip("not fetched: ./dev torture does that")
    env = {**TlsPeer(t).env, "PG_PORT": refusing_postgres(t), "KEY": t.agent.certificate()[1], "GRPC_VERBOSITY": "NONE"}
    t.tally(TALLY, {name: host(t, python, t.script(f"with_{name}.py", CALLS + text + "plain()\nsys.exit(5)\n"), env=env)
                    for name, text in WHEELS.items()})


# ---- servers ----

REDIS_MODULE = r"""
#include "torture.h"
/* A command that makes a request: the smallest module that redis takes. */
static int (*create)(void *, const char *, int (*)(void *, void **, int), const char *, int, int, int);
static int (*set_attributes)(void *, const char *, int, int);
static int (*reply)(void *, long long);

static int ask(void *context, void **argv, int argc)
{
	return reply(context, get());
}

int RedisModule_OnLoad(void *context, void **argv, int argc)
{
	int (*find)(const char *, void *) = *(void **)context;

	find("RedisModule_SetModuleAttribs", &set_attributes);
	find("RedisModule_CreateCommand", &create);
	find("RedisModule_ReplyWithLongLong", &reply);
	set_attributes(context, "torture", 1, 1);
	return create(context, "torture.ask", ask, "", 0, 0, 0);
}
"""


def redis(t):
    if not which("redis-server"):
        t.skip("not here")
    module = t.compile("torture_module.so", REDIS_MODULE, "-shared", "-fPIC")
    cert, key = t.agent.certificate()
    module.chmod(0o755)

    def once(state):
        port, said = free_port(), []
        (t.dir / "dump.rdb").unlink(missing_ok=True)
        argv = ["redis-server", "--port", "0", "--tls-port", port, "--bind", "127.0.0.1", "--tls-cert-file", cert, "--tls-key-file",
                key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no", "--dir", t.dir, "--save", "", "--loglevel", "warning",
                "--loadmodule", module]

        def during(process):
            await_port(port, process)
            for command in [*["torture.ask", "incr a"] * 10, "bgsave", "torture.ask", "memory purge", "shutdown nosave"]:
                said.append(subprocess.run(["redis-cli", "--tls", "--cacert", cert, "-p", str(port), *command.split()],
                                           capture_output=True, timeout=HANG).stdout)
                time.sleep(0.01)
        result = t.run(argv, state, during=during, wait_spans=11)
        return result.status, said, len(result.spans)

    off = once(None)
    t.check(off[1].count(b"200\n") == 11, f"not what was meant: {off}")
    for state in ("tls", *(("up", "down", "stuck") if t.full else ())):
        for _ in range(t.count(2, 5)):
            on = once(state)
            t.check(on[:2] == off[:2], f"collector {state}: {on}\nwithout: {off}")
            t.check(state != "tls" or on[2] == 11, f"{on[2]} spans of 11")


NGINX = """
daemon off;
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
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_certificate {cert};
		ssl_certificate_key {key};
		location /plain {{ proxy_pass http://127.0.0.1:{plain}; }}
		location /secure {{ proxy_pass https://127.0.0.1:{secure}; proxy_ssl_verify on; proxy_ssl_trusted_certificate {cert}; }}
	}}
}}
"""


def nginx(t, peer):
    if not which("nginx"):
        t.skip("not here")
    cert, key = t.agent.certificate()

    def once(state):
        port, said = free_port(), []
        (t.dir / "nginx.conf").write_text("user root;\n" * (os.geteuid() == 0) + NGINX.format(
            dir=t.dir, port=port, cert=cert, key=key, plain=t.peer_port, secure=peer.port))

        def during(process):
            await_port(port, process)
            for i in range(30):
                said.append(subprocess.run(["curl", "-sS", "--cacert", cert, f"https://127.0.0.1:{port}/{('plain', 'secure')[i % 2]}"],
                                           capture_output=True, timeout=HANG).stdout)
            process.terminate()
        result = t.run([which("nginx"), "-p", t.dir, "-e", t.dir / "error.log", "-c", t.dir / "nginx.conf"], state, during=during,
                       wait_spans=15)
        return result.status, said, len(result.spans)

    off = once(None)
    t.check(off[1] == [b"hello, host\n"] * 30, f"not what was meant: {off}")
    for state in ("tls", *(("up", "down", "stuck") if t.full else ())):
        on = once(state)
        t.check(on[:2] == off[:2], f"collector {state}: {on}\nwithout: {off}")
        t.check(state != "tls" or on[2] >= 15, f"{on[2]} spans of 15 requests to the plain one")


@case(13, "servers and tools that speak TLS: redis with its allocator, nginx, curl, wget, git", needs=["openssl", "curl"])
def c13_servers(t):
    peer = TlsPeer(t)
    tools = {"curl": "for i in 1 2 3 4 5; do curl -sS --cacert $CA https://127.0.0.1:$TLS_PORT/ http://127.0.0.1:$PEER_PORT/; done",
             "wget": "for i in 1 2 3 4 5; do wget -qO- --ca-certificate=$CA https://127.0.0.1:$TLS_PORT/ http://127.0.0.1:$PEER_PORT/; "
                     "done"}
    trials = {"redis": lambda: redis(t), "nginx": lambda: nginx(t, peer)}
    for name, text in tools.items():
        trials[name] = host(t, which(name) and "sh", "-c", text + "; exit 5", env=peer.env, spans=5)
    t.tally(TALLY, trials)
