"""Other libraries in the same process: preloads, TLS stacks, symbols, plugins (cases 10 to 16)."""
import os
import random
import ssl
import subprocess
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

from frame import PATH, USUAL, Collector, PeerHandler, case, which

BUSY = r'''
#include "torture.h"
static void *run(void *arg)
{
	void *kept[64] = { 0 };
	for (int i = 0; i < 2000; i++) {
		free(kept[i % 64]);
		kept[i % 64] = malloc(1 + i * 7 % 5000);
		if (i % 500 == 0)
			get();
	}
	for (int i = 0; i < 64; i++)
		free(kept[i]);
	return arg;
}
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, run, 0);
	settle(5);
	pthread_create(&b, 0, run, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	settle(60);
	printf("%d %d\n", get(), getuid());
	return 4;
}
'''
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
PRELOADS = {
    "jemalloc": ("libjemalloc.so.2", {}),
    "tcmalloc": ("libtcmalloc_minimal.so.4", {}),
    "fakeroot": ("libfakeroot/libfakeroot-sysv.so", {}),
    "faketime": ("faketime/libfaketime.so.1", {"FAKETIME": "2020-01-01 00:00:00"}),
    "proxychains": ("libproxychains.so.4", {"PROXYCHAINS_QUIET_MODE": "1"}),
    "torsocks": ("torsocks/libtorsocks.so", {}),
}


def preloads(t, names, times=2):
    program = t.compile("busy", BUSY)
    for name in names:
        library, env = PRELOADS[name]
        library = Path(LIBRARIES, library)
        if not library.exists():
            t.note(f"not installed: {name}")
            continue
        if name == "proxychains":  # the peer is local: the chain itself is not the point
            (t.dir / "proxychains.conf").write_text("strict_chain\nlocalnet 127.0.0.0/255.0.0.0\n[ProxyList]\n"
                                                    "socks5 127.0.0.1 1\n")
            env = {**env, "PROXYCHAINS_CONF_FILE": t.dir / "proxychains.conf"}
        if name == "torsocks":
            (t.dir / "torsocks.conf").write_text("AllowOutboundLocalhost 1\n")
            env = {"TORSOCKS_CONF_FILE": t.dir / "torsocks.conf"}
        for first in (False, True):
            t.same([program], USUAL, preload=[library], agent_first=first, env=env, times=times,
                   status=4)
            t.same(["python3", "-c", "import os, subprocess, time; print(subprocess.run(['echo', 'x'], "
                    "stdout=subprocess.PIPE).stdout, os.getuid())"], ("up",), preload=[library], agent_first=first,
                   env=env)
        t.checks += 1
    if not t.checks:
        t.skip(f"not installed: {', '.join(names)}")


@case(10, "beside another allocator, preloaded before and after it")
def c10_allocators(t):
    preloads(t, ["jemalloc", "tcmalloc"])


@case(10, "beside fakeroot and faketime, in both orders")
def c10_fakes(t):
    preloads(t, ["fakeroot", "faketime"])
    if which("fakeroot"):
        t.same(["fakeroot", "sh", "-c", "touch a; chown 12:34 a; stat -c %u:%g a; id -u; python3 -c 'import os; "
                "print(os.stat(\"a\").st_uid)'"], ("up", "stuck"))
    if which("faketime"):
        t.same(["faketime", "2001-02-03 04:05:06", "date", "-u", "+%F"], ("up",))


@case(10, "beside proxychains and torsocks, in both orders")
def c10_proxies(t):
    preloads(t, ["proxychains", "torsocks"], times=1)


class TlsPeer:
    """The peer, over TLS."""

    def __init__(self, t):
        cert, key = t.agent.certificate()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), PeerHandler)
        self.server.handle_error = lambda *_: None
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        t.closers += [self.server.server_close, self.server.shutdown]
        self.env = {"TLS_PORT": self.port, "CA": cert}


NODE = r'''
const https = require("https"), http = require("http"), crypto = require("crypto"), fs = require("fs");
const ca = fs.readFileSync(process.env.CA), agent = new https.Agent({ca});
const get = (m, options) => new Promise((ok, bad) => m.get(options, r => {
	let s = ""; r.on("data", d => s += d); r.on("end", () => ok(s)); }).on("error", bad));
(async () => {
	let sum = "";
	for (let i = 0; i < 30; i++) {
		sum += await get(https, {host: "127.0.0.1", port: process.env.TLS_PORT, path: "/" + i, agent});
		if (i % 10 == 0) {
			await get(http, {host: "127.0.0.1", port: process.env.PEER_PORT});
			const {privateKey, publicKey} = crypto.generateKeyPairSync("rsa", {modulusLength: 1024});
			const s = crypto.sign("sha256", Buffer.from("x"), privateKey);
			sum += crypto.verify("sha256", Buffer.from("x"), publicKey, s);
		}
	}
	console.log(crypto.createHash("sha256").update(sum).digest("hex"));
	process.exit(5);
})();
'''


@case(11, "node makes HTTPS calls and keys while we export over TLS", needs=["node", "openssl"])
def c11_node(t):
    peer = TlsPeer(t)
    script = t.script("calls.js", NODE)
    t.same(["node", script], ("tls",), env=peer.env, status=5, times=t.count(6, 50))
    on = t.run(["node", script], "tls", env=peer.env, wait_spans=3)
    t.check(on.spans, "nothing was exported over TLS")
    t.same(["node", script], USUAL, env=peer.env, status=5)


# Names of the libraries that the exporter contains: whoever calls one of these dies.
POISON = """SSL_CTX_new SSL_new SSL_read SSL_write SSL_connect SSL_free SSL_CTX_free OPENSSL_init_ssl OPENSSL_init_crypto
 ERR_get_error ERR_clear_error EVP_DigestInit_ex EVP_CIPHER_CTX_new CRYPTO_malloc CRYPTO_free CRYPTO_THREAD_run_once
 RAND_bytes BIO_new BIO_read X509_free TLS_client_method TLS_method
 curl_global_init curl_easy_init curl_easy_perform curl_easy_setopt curl_easy_cleanup curl_multi_init
 curl_multi_perform curl_multi_poll curl_slist_append nghttp2_session_client_new nghttp2_version
 inflate deflate inflateInit2_ deflateInit2_ crc32 adler32 ZSTD_decompress ZSTD_createDStream BrotliDecoderCreateInstance
 ares_init ares_library_init ares_init_options _Unwind_Backtrace_ unw_step unw_init_local
 protobuf_c_message_pack protobuf_c_message_unpack protobuf_c_message_get_packed_size
 protobuf_c_message_free_unpacked protobuf_c_version""".split()


@case(12, "a program that exports the exporter's names: none of them is called", needs=["gcc"])
def c12_poison(t):
    bodies = "".join(f"void *{n}(void) {{ dprintf(2, \"called {n}\\n\"); _exit(66); }}\n" for n in POISON)
    source = '#include "torture.h"\n' + bodies + r'''
int main(void)
{
	for (int i = 0; i < 3; i++)
		get(), settle(80);
	return 4;
}
'''
    program = t.compile("poison", source, "-rdynamic", "-fno-builtin")
    t.same([program], (*USUAL, "tls"), status=4)
    t.same([program], ("up", "tls"), status=4, spans=3)


TLS_CLIENT = r'''
#include "torture.h"
#include <openssl/ssl.h>
int main(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	long sum = 0;
	FAIL_IF(!ctx || !SSL_CTX_load_verify_locations(ctx, getenv("CA"), 0));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, 0);
	for (int i = 0; i < 20; i++) {
		char answer[4096];
		int n, fd;
		SSL *s = SSL_new(ctx);
		setenv("PEER_PORT", getenv("TLS_PORT"), 1);
		fd = peer_connect();
		SSL_set_fd(s, fd);
		FAIL_IF(SSL_connect(s) != 1);
		n = SSL_write(s, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 46);
		FAIL_IF(n != 46);
		while ((n = SSL_read(s, answer, sizeof(answer))) > 0)
			sum += n > 0 ? 1 : 0, sum += answer[0] == 'H';
		SSL_shutdown(s);
		SSL_free(s);
		close(fd);
		setenv("PEER_PORT", getenv("PLAIN_PORT"), 1);
		if (i % 5 == 0)
			get(), settle(20);
	}
	SSL_CTX_free(ctx);
	printf("%s %d\n", OpenSSL_version(0), sum > 20);
	return 4;
}
'''


@case(13, "a static OpenSSL that the program exports, and a shared one", needs=["openssl"])
def c13_openssl(t):
    if not os.path.exists("/usr/include/openssl/ssl.h"):
        t.skip("not installed: libssl-dev")
    peer = TlsPeer(t)
    env = {**peer.env, "PLAIN_PORT": t.peer_port}
    for name, flags in (("shared", ["-lssl", "-lcrypto"]),
                        ("static", ["-rdynamic", "-Wl,-Bstatic", "-lssl", "-lcrypto", "-Wl,-Bdynamic", "-ldl"])):
        program = t.compile(name, TLS_CLIENT, *flags)
        t.same([program], (*USUAL, "tls"), env=env, status=4)
        t.same([program], ("tls",), env=env, status=4, times=4)


@case(13, "both flavours of libcurl in one program", needs=["openssl"])
def c13_two_curls(t):
    libraries = [Path(LIBRARIES, n) for n in ("libcurl-gnutls.so.4", "libcurl.so.4")]
    if not all(p.exists() for p in libraries):
        t.skip("not installed: libcurl4, libcurl3-gnutls")
    peer = TlsPeer(t)
    program = t.compile("two", r'''
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
int main(void)
{
	char url[64];
	sprintf(url, "https://127.0.0.1:%s/", getenv("TLS_PORT"));
	printf("%d\n", get());
	printf("%ld\n", fetch("libcurl-gnutls.so.4", url));
	printf("%ld\n", fetch("libcurl.so.4", url));
	return 4;
}
''', "-ldl")
    off = t.same([program], (*USUAL, "tls"), env=peer.env, status=4)
    t.check(b"120\n120\n" in off.stdout, str(off))


PHP = r'''<?php
$ca = getenv("CA"); $sum = "";
for ($i = 0; $i < 10; $i++) {
	$c = stream_context_create(["ssl" => ["cafile" => $ca]]);
	$sum .= file_get_contents("https://127.0.0.1:" . getenv("TLS_PORT") . "/$i", false, $c);
	$sum .= file_get_contents("http://127.0.0.1:" . getenv("PEER_PORT") . "/$i");
	if (function_exists("curl_init")) {
		$h = curl_init("https://127.0.0.1:" . getenv("TLS_PORT") . "/$i");
		curl_setopt_array($h, [CURLOPT_RETURNTRANSFER => true, CURLOPT_CAINFO => $ca]);
		$sum .= curl_exec($h);
	}
	usleep(10000);
}
echo sha1($sum), "\n"; exit(5);
'''
PYTHON = r'''
import hashlib, os, ssl, time, urllib.request as u
c, sum = ssl.create_default_context(cafile=os.environ["CA"]), b""
for i in range(20):
    sum += u.urlopen("https://127.0.0.1:%s/%d" % (os.environ["TLS_PORT"], i), context=c).read()
    sum += u.urlopen("http://127.0.0.1:%s/%d" % (os.environ["PEER_PORT"], i)).read()
    time.sleep(0.01)
print(hashlib.sha1(sum).hexdigest()); raise SystemExit(5)
'''
RUBY = r'''
require "net/http"; require "digest"; sum = ""
20.times do |i|
  h = Net::HTTP.new("127.0.0.1", ENV["TLS_PORT"].to_i)
  h.use_ssl = true
  h.ca_file = ENV["CA"]
  sum += h.get("/#{i}").body + Net::HTTP.get(URI("http://127.0.0.1:#{ENV["PEER_PORT"]}/#{i}"))
  sleep 0.01
end
puts Digest::SHA1.hexdigest(sum)
exit 5
'''


@case(13, "php with streams and curl over TLS", needs=["php", "openssl"])
def c13_php(t):
    t.same(["php", t.script("calls.php", PHP)], (*USUAL, "tls"), env=TlsPeer(t).env, status=5)


@case(14, "the program ends at any moment of an export over TLS")
def c14_exit_during_export(t):
    program = t.compile("exits", r'''
#include "torture.h"
int main(int argc, char **argv)
{
	get();
	settle(0);
	usleep(atoi(argv[1]));
	switch (atoi(argv[2])) {
	case 0: return 4;
	case 1: exit(4);
	case 2: _exit(4);
	default: quick_exit(4);
	}
}
''')
    chance = random.Random(14)
    for state, count in (("tls", t.count(250, 1000)), ("up", t.count(50, 250)), ("down", 30), ("stuck", 30)):
        collector = Collector(state, t.agent)
        t.closers.append(collector.close)
        for i in range(count):
            on = t.run([program, chance.randrange(60000), i % 4], state, collector=collector)
            t.check(on.status == 4 and not on.stdout and not on.stderr, f"{state}, run {i}: {on}")
        t.note(f"collector {state}: {count} ends, {len(collector.spans())} spans arrived")


@case(15, "interpreters whose libssl is opened locally make HTTPS calls", needs=["openssl"])
def c15_interpreters(t):
    env = TlsPeer(t).env
    for program, name, text in (("python3", "calls.py", PYTHON), ("ruby", "calls.rb", RUBY)):
        if which(program):
            t.same([program, t.script(name, text)], (*USUAL, "tls"), env=env, status=5)
        else:
            t.note(f"not installed: {program}")


@case(16, "a plugin found by RUNPATH, a pending dlerror, a weak SSL_write", needs=["gcc"])
def c16_loader(t):
    folder = t.dir / "plugins"
    folder.mkdir()
    for name, text in (("libinner.so", "int inner(void) { return 40; }"),
                       ("libplugin.so", "int inner(void); int plugin(void) { return inner() + 2; }")):
        (t.dir / "p.c").write_text(text)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / name, t.dir / "p.c",
                        *(["-L", folder, "-linner", "-Wl,-rpath,$ORIGIN"] if "plugin" in name else [])], check=True,
                       env={**os.environ, "PATH": PATH})
    program = t.compile("loads", r'''
#include "torture.h"
#include <dlfcn.h>
int SSL_write(void *, const void *, int) __attribute__((weak));
const char *curl_version(void) __attribute__((weak));
int main(void)
{
	void *p = dlopen("libplugin.so", RTLD_NOW);
	int (*f)(void) = p ? dlsym(p, "plugin") : 0;
	char *e;
	Dl_info here, there;
	printf("%s %d\n", p ? "opened" : dlerror(), f ? f() : -1);
	printf("%d %d\n", SSL_write != 0, curl_version != 0);
	printf("%d %d\n", dlsym(RTLD_DEFAULT, "SSL_read") != 0, dlsym(RTLD_DEFAULT, "no_such_thing") != 0);
	/* The message of the failure above is pending: a traced exchange must leave it so. */
	get();
	settle(50);
	printf("%d\n", get());
	e = dlerror();
	printf("%s\n", e ? strstr(e, "undefined") : "no message");
	dlerror();
	get();
	e = dlerror();
	printf("%s\n", e ? e : "none");
	printf("%s\n", dlopen("libabsent.so.9", RTLD_NOW) ? "?" : dlerror());
	return 4;
}
''', "-ldl", f"-Wl,-rpath,{folder}")
    t.same([program], (*USUAL, "tls", "relay"), status=4)
