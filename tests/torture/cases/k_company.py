"""More company: preloads that replace sockets and clocks, allocators, sanitizers, debuggers, loaders
(cases 5, 9, 10 and 16, where a_loading.py and b_neighbours.py have none of it)."""
import os
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

from a_loading import THREADED
from b_neighbours import BUSY, LIBRARIES
from frame import PATH, USUAL, Failure, case, which

# ---- case 10: preloads ----

MORE_PRELOADS = {
    "mimalloc": ("libmimalloc.so.2", {}),
    "tcmalloc with its profilers": ("libtcmalloc_and_profiler.so.4", {"CPUPROFILE_FREQUENCY": "1000"}),
    "tcmalloc that checks": ("libtcmalloc_debug.so.4", {}),
    "eatmydata": ("libeatmydata.so", {}),
    "keepalive": ("/usr/lib/libkeepalive.so.0", {"KEEPALIVE": "on"}),
    "stdbuf": ("/usr/libexec/coreutils/libstdbuf.so", {"_STDBUF_O": "0"}),
    "nss_wrapper": ("libnss_wrapper.so", {}),
}


@case(10, "beside more allocators and other preloads, in both orders")
def c10_more(t):
    program = t.compile("busy", BUSY)
    for name, (library, env) in MORE_PRELOADS.items():
        library = Path(LIBRARIES, library)
        if not library.exists():
            t.note(f"not installed: {name}")
            continue
        if "profilers" in name:
            env = {**env, "CPUPROFILE": t.dir / "profile"}
        for first in (False, True):
            t.same([program], USUAL, preload=[library], agent_first=first, env=env, status=4,
                   normal=lambda text: re.sub(rb"PROFILE: .*\n", b"", text))
    if not t.checks:
        t.skip("none of them is installed")


@case(10, "beside preloads that replace the sockets, or the root")
def c10_wrappers(t):
    program = t.compile("busy", BUSY)
    if Path(LIBRARIES, "libsocket_wrapper.so").exists():
        (t.dir / "sockets").mkdir()
        client = t.script("own.py", """
import http.client, http.server, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'own')
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(('127.0.0.7', 8080), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for _ in range(5):
    c = http.client.HTTPConnection('127.0.0.7', 8080)
    c.request('GET', '/')
    print(c.getresponse().read())
    c.close()
""")
        for first in (False, True):
            t.same(["python3", client], USUAL, preload=[Path(LIBRARIES, "libsocket_wrapper.so")], agent_first=first,
                   env={"SOCKET_WRAPPER_DIR": t.dir / "sockets"}, status=0)
    else:
        t.note("not installed: socket_wrapper")
    for argv in (["trickle", "-s", "-d", "10000", "-u", "10000", program], ["fakechroot", program],
                 ["fakechroot", "fakeroot", "sh", "-c", "id -u; touch x; chown 5 x; stat -c %u x"],
                 ["eatmydata", "sh", "-c", "sync; echo done"], ["stdbuf", "-oL", "sh", "-c", "echo a | cat"],
                 ["heaptrack", "-o", t.dir / "heap", program]):
        if not which(argv[0]):
            t.note(f"not installed: {argv[0]}")
            continue
        t.same(argv, ("up", "stuck"), normal=lambda text: re.sub(rb"\d+", b"N", text))


class Socks:
    """A SOCKS5 proxy without passwords: every request goes to the peer. What was asked for is kept."""

    def __init__(self, peer_port):
        self.peer_port, self.asked = peer_port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, client):
        stream = client.makefile("rb")
        version, methods = stream.read(2)
        stream.read(methods)
        client.sendall(b"\x05\x00")
        version, command, _, kind = stream.read(4)
        address = stream.read(4 if kind == 1 else stream.read(1)[0])
        port = int.from_bytes(stream.read(2), "big")
        self.asked.append((socket.inet_ntoa(address) if kind == 1 else address.decode(), port))
        client.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        peer = socket.create_connection(("127.0.0.1", self.peer_port))
        threading.Thread(target=self.copy, args=(peer, client), daemon=True).start()
        self.copy(client, peer)

    @staticmethod
    def copy(source, target):
        with target:
            try:
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass


FAR = """
import http.client, select, time
for _ in range(3):
    c = http.client.HTTPConnection('10.9.8.7', 80)
    c.request('GET', '/')
    print(c.getresponse().read())
    c.close()
    select.select([], [], [], 0.001)
time.sleep(0.3)
"""


@case(10, "below proxychains and torsocks the program goes through the proxy, and its spans do not")
def c10_through_proxy(t):
    for name, library, variable, config in (
            ("proxychains", "libproxychains.so.4", "PROXYCHAINS_CONF_FILE",
             "strict_chain\nquiet_mode\n[ProxyList]\nsocks5 127.0.0.1 %d\n"),
            ("torsocks", "torsocks/libtorsocks.so", "TORSOCKS_CONF_FILE", "TorAddress 127.0.0.1\nTorPort %d\n")):
        library = Path(LIBRARIES, library)
        if not library.exists():
            t.note(f"not installed: {name}")
            continue
        socks = Socks(t.peer_port)
        t.closers.append(socks.listener.close)
        file = t.dir / f"{name}.conf"
        file.write_text(config % socks.port)
        for first in (False, True):
            # Behind the other, the agent sees what it says to its proxy, which is not HTTP.
            t.same(["python3", "-c", FAR], ("up", "tls", "stuck", "down"), preload=[library], agent_first=first,
                   env={variable: file}, status=0, spans=3 if first else 0)
        t.check(set(socks.asked) == {("10.9.8.7", 80)}, f"{name}: the exporter went through the proxy: {socks.asked}")
    if not t.checks:
        t.skip("neither is installed")


@case(10, "in a year that is pretended, spans still leave over TLS, and at their real time")
def c10_other_year(t):
    library = Path(LIBRARIES, "faketime/libfaketime.so.1")
    if not library.exists():
        t.skip("not installed: faketime")
    for when in ("@2001-02-03 04:05:06", "+40y", "2030-01-01 00:00:00"):
        for first in (False, True):
            argv = ["python3", "-c", "import os, time; from http.client import HTTPConnection as H; "
                    "c = H('127.0.0.1', int(os.environ['PEER_PORT'])); c.request('GET', '/'); "
                    "print(c.getresponse().read(), time.gmtime().tm_year)"]
            off = t.run(argv, preload=[library], env={"FAKETIME": when})
            on = t.run(argv, "tls", preload=[library], agent_first=first, env={"FAKETIME": when}, wait_spans=1)
            t.equal(off, on, f"FAKETIME={when}")
            t.check(len(on.spans) == 1 and abs(on.spans[0]["start"] / 1e9 - time.time()) < 3600,
                    f"FAKETIME={when}: {on.spans}")


# ---- case 9: sanitizers and debuggers ----

MORE_SANITIZED = [("lsan", ["-fsanitize=leak"], "gcc"), ("undefined", ["-fsanitize=undefined"], "clang"),
                  ("msan", ["-fsanitize=memory"], "clang"), ("lsan_clang", ["-fsanitize=leak"], "clang"),
                  ("both", ["-fsanitize=address,undefined"], "gcc"),
                  ("safe_stack", ["-fsanitize=safe-stack"], "clang"), ("split_stack", ["-fsplit-stack"], "gcc"),
                  ("profiled", ["-pg"], "gcc"), ("coverage", ["--coverage"], "gcc"),
                  ("hardened", ["-D_FORTIFY_SOURCE=3", "-O2", "-fstack-protector-all", "-fcf-protection=full"], "gcc"),
                  ("glibc_static", ["-static"], "gcc"), ("static_pie", ["-static-pie"], "gcc")]


@case(9, "programs with more sanitizers, profilers and hardenings, and static ones")
def c09_more_sanitizers(t):
    for name, flags, compiler in MORE_SANITIZED:
        try:
            program = t.compile(name, THREADED, *flags, cc=compiler)
        except Failure as why:
            t.note(f"{name}: not here ({str(why).splitlines()[-1][:80]})")
            continue
        env = {"ASAN_OPTIONS": "verify_asan_link_order=0"} if name == "both" else {}
        spans = 0 if "-static" in flags or "-static-pie" in flags else 11
        t.same([program], ("up", "stuck", "relay"), env=env, status=4, spans=spans)


def attached(t, tool, program):
    """A tool that attaches to a program with the agent while it makes exchanges, and leaves it again."""
    def during(process):
        process.stdout.read1(6)
        done = subprocess.run([*tool, str(process.pid)], capture_output=True, timeout=60,
                              env={**os.environ, "PATH": PATH})
        t.check(done.returncode == 0, f"{tool[0]}: {done.stderr[-500:]}")
        process.stdin.write(b"x")
        process.stdin.flush()
    off = t.run([program], stdin=b"", during=during)
    for state in USUAL:
        t.equal(off, t.run([program], state, stdin=b"", during=during), f"{tool[0]} attaches ({state})")


@case(9, "debuggers attach to a running program, stop it in our hooks, and leave it")
def c09_attach(t):
    program = t.compile("debugged", r"""
#include "torture.h"
int main(void)
{
	char c;
	int sum = 0;
	sum += get();
	settle(60);
	puts("ready");
	fflush(stdout);
	for (int i = 0; i < 20; i++)
		sum += get(), usleep(1000);
	FAIL_IF(read(0, &c, 1) != 1);
	printf("%d\n", sum + get());
	return 4;
}
""")
    if which("gdb"):
        attached(t, ["gdb", "-q", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex", "info threads",
                     "-ex", "thread apply all bt 3", "-ex", "detach", "-p"], program)
        plain = t.compile("stepped", THREADED)
        for state in USUAL:  # a breakpoint in each call of a hooked function, in whichever thread
            on = t.run(["gdb", "-q", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex",
                        "set breakpoint pending on", "-ex", "break connect", "-ex", "run", *["-ex", "finish"],
                        "-ex", "delete", "-ex", "continue", "-ex", "print $_exitcode", "--args", plain], state)
            t.check(b"$1 = 4" in on.stdout or b"$2 = 4" in on.stdout, f"gdb stops in connect ({state}): {on}")
    if which("timeout") and which("strace"):
        attached(t, ["sh", "-c", "timeout -s INT 1 strace -f -o /dev/null -p $0; true"], program)
    if not t.checks:
        t.skip("neither gdb nor strace is installed")


# Neither knows atomics of C: it reports those of the agent, and no other race is there to find.
SUPPRESSIONS = "".join(f"""{{
   {tool} {object}
   {tool}:{kind}
   ...
   obj:*/{object}
}}
""" for tool, kind in (("Helgrind", "Race"), ("drd", "ConflictingAccess"))
    for object in ("libremora.so", "remora-export.so"))


@case(9, "rr, ltrace, perf and the other tools of valgrind run programs as without the agent")
def c09_more_tools(t):
    program = t.compile("tooled", THREADED)
    single = t.compile("single", '#include "torture.h"\nint main(void) { printf("%d\\n", get()); return 4; }')
    suppressions = t.script("remora.supp", SUPPRESSIONS)
    quiet = ["valgrind", "-q", "--error-exitcode=42", f"--suppressions={suppressions}"]
    tools = {"helgrind": [*quiet, "--tool=helgrind"], "drd": [*quiet, "--tool=drd"],
             "callgrind": [*quiet, "--tool=callgrind", "--callgrind-out-file=/dev/null"],
             "massif": [*quiet, "--tool=massif", "--massif-out-file=/dev/null"],
             "perf": ["perf", "record", "-q", "-e", "cpu-clock", "-g", "-o", t.dir / "perf.data"],
             "ltrace": ["ltrace", "-f", "-o", "/dev/null"],
             "rr": ["rr", "record", "-n", "-o", t.dir / "recording"]}
    for name, argv in tools.items():
        if not which(argv[0]):
            t.note(f"not installed: {name}")
            continue
        run = single if name == "ltrace" else program
        off = t.run([*argv, run])
        if b"200\n" not in off.stdout:
            t.note(f"{name} does not work here: {(off.stderr or off.stdout)[-120:]!r}")
            continue
        for state in USUAL:
            if name == "rr":
                subprocess.run(["rm", "-rf", t.dir / "recording"], check=True)
            on = t.run([*argv, run], state)
            t.equal(off, on, f"{name} ({state})", lambda text: re.sub(rb"\d{2,}", b"N", text))


# ---- case 5: Go ----

GO_NET = r"""
package main
// #include <netdb.h>
// static int look(void) { struct addrinfo *r; return getaddrinfo("localhost", "80", 0, &r); }
import "C"
import ("fmt"; "io"; "net"; "net/http"; "os"; "os/exec"; "os/signal"; "syscall"; "time")
func work() int {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil { fmt.Println(err); return 1 }
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "own") }))
	for i := 0; i < 20; i++ {
		r, err := http.Get("http://" + l.Addr().String() + "/")
		if err != nil { fmt.Println(err); return 1 }
		b, _ := io.ReadAll(r.Body)
		if string(b) != "own" { return 1 }
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	<-c
	out, _ := exec.Command("echo", "child").Output()
	fmt.Print("ok ", C.look(), " ", string(out))
	time.Sleep(10 * time.Millisecond)
	return 3
}
//export Work
func Work() C.int { return C.int(work()) }
func main() { os.Exit(work()) }
"""


@case(5, "Go with C inside: lookups, servers, signals, children; as a program and as a library", needs=["go", "gcc"])
def c05_go_more(t):
    source = t.dir / "net.go"
    source.write_text(GO_NET)
    environment = {**os.environ, "PATH": PATH, "CGO_ENABLED": "1", "GO111MODULE": "off"}

    def build(out, *flags):
        done = subprocess.run(["go", "build", *flags, "-o", out, source], capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise Failure(done.stderr)
    for name, flags in (("inside", []), ("outside", ["-ldflags=-linkmode=external"]), ("pie", ["-buildmode=pie"])):
        build(t.dir / name, *flags)
        t.same([t.dir / name], (*USUAL, "relay"), env={"GODEBUG": "netdns=cgo"}, status=3)
    build(t.dir / "libwork.so", "-buildmode=c-shared")
    host = t.compile("host", r"""
#include "torture.h"
#include <dlfcn.h>
int main(int argc, char **argv)
{
	void *object;
	int before = get();
	settle(30);
	object = dlopen(argv[1], RTLD_NOW);
	FAIL_IF(!object);
	printf("%d\n", before);
	fflush(stdout);
	return ((int (*)(void))dlsym(object, "Work"))();
}
""", "-ldl")
    t.same([host, t.dir / "libwork.so"], (*USUAL, "relay"), env={"GODEBUG": "netdns=cgo"}, status=3)


# ---- case 16: the loader ----

NAMESPACES = r"""
#include "torture.h"
#include <dlfcn.h>
int main(int argc, char **argv)
{
	int a = get(), b;
	void *object = dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW);
	FAIL_IF(!object);
	settle(30);
	b = ((int (*)(void))dlsym(object, "exchange"))();
	printf("%d %d\n", a, b);
	FAIL_IF(dlclose(object));
	printf("%d\n", get());
	return 4;
}
"""


@case(16, "other ways to load: audits, namespaces, the loader by its name, its settings")
def c16_ways_to_load(t):
    program = t.compile("loaded", THREADED)
    loader = next((p for p in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if os.path.exists(p)), None)
    if loader:
        t.same([loader, program], (*USUAL, "relay"), status=4, spans=11)
        t.same([loader, "--library-path", LIBRARIES, program], ("up",), status=4, spans=11)
    for env in ({"LD_BIND_NOW": "1"}, {"LD_BIND_NOT": "1"}, {"LD_ORIGIN_PATH": "/"}, {"LD_DYNAMIC_WEAK": "1"},
                {"GLIBC_TUNABLES": "glibc.pthread.rseq=0:glibc.malloc.tcache_count=0:glibc.rtld.nns=2"},
                {"MALLOC_PERTURB_": "165", "MALLOC_CHECK_": "3", "MALLOC_ARENA_MAX": "1"}):
        t.same([program], ("up", "stuck"), env=env, status=4, spans=11)
    audit = Path(LIBRARIES, "audit/sotruss-lib.so")
    if audit.exists():
        t.same([program], USUAL, status=4, env={"LD_AUDIT": audit, "SOTRUSS_OUTNAME": t.dir / "calls"})
    else:
        t.note("not installed: sotruss")
    plugin = t.compile("plugin.so", '#include "torture.h"\nint exchange(void) { return get(); }', "-shared", "-fPIC")
    host = t.compile("namespaces", NAMESPACES, "-ldl")
    t.same([host, plugin], (*USUAL, "relay"), status=4)
