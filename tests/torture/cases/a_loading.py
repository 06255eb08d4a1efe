"""Being loaded: cost, the object itself, other libcs, word sizes, privileges, tools (cases 1 to 9)."""
import os
import re
import shutil
import statistics
import subprocess
from pathlib import Path

from frame import PATH, USUAL, Agent, Collector, Failure, case, which

ONE = r'''
#include "torture.h"
int main(void) { printf("%d %d\n", get(), threads()); return 7; }
'''

# What a program of any kind of libc does; nothing of torture.h, which wants glibc.
PLAIN = r'''
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(atoi(getenv("PEER_PORT"))) };
	static char got[4096];
	int n = 0, r, fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return 1;
	write(fd, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 46);
	while ((r = read(fd, got + n, sizeof(got) - 1 - n)) > 0)
		n += r;
	puts(got[0] ? strstr(got, "\r\n\r\n") + 4 : "nothing");
	return 3;
}
'''


@case(1, "a program with one exchange is the same in every state of the collector")
def c01_one_exchange(t):
    program = t.compile("one", ONE)
    t.same([program], (*USUAL, "relay"), spans=1, status=7)
    t.same([program], ("tls",))


@case(1, "preloading adds little memory, few system calls, and nothing that is seen", alone=True)
def c01_cost(t):
    t.same(["true"], ("up",))
    program = t.compile("memory", r'''
#include "torture.h"
#include <sys/resource.h>
/* What the agent's mappings hold, what is written to in others, page faults. */
int main(void)
{
	struct rusage u;
	char line[512];
	long ours = 0, dirty = 0;
	int is_ours = 0;
	FILE *f = fopen("/proc/self/smaps", "r");

	getrusage(RUSAGE_SELF, &u);
	while (f && fgets(line, sizeof(line), f)) {
		if (strchr("0123456789abcdef", line[0]) && strchr(line, '-'))
			is_ours = strstr(line, "libremora") != NULL;
		else if (is_ours && !strncmp(line, "Rss:", 4))
			ours += atol(line + 4);
		else if (!is_ours && !strncmp(line, "Private_Dirty:", 14))
			dirty += atol(line + 14);
	}
	printf("%ld %ld %ld\n", ours, dirty, u.ru_minflt);
	return 0;
}
''')
    found = {state: [list(map(int, t.run([program], state).stdout.split())) for _ in range(15)]
             for state in (None, "up")}
    ours, dirty, faults = (statistics.median(x[i] for x in found["up"]) -
                           statistics.median(x[i] for x in found[None]) for i in range(3))
    t.note(f"a program that does nothing: the object's {ours:.0f} KiB, {dirty:.0f} KiB elsewhere, {faults:.0f} page faults")
    t.check(ours + dirty <= 160, f"{ours} and {dirty} KiB more memory in a program that does nothing")
    loop = ["sh", "-c", "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done; echo $i"]
    times = [[t.run(loop, state).seconds for _ in range(5)] for state in (None, "up")]
    t.same(loop, ("up",))
    t.note("100 execs: %.0f ms without, %.0f ms with (least of 5)" % tuple(min(x) * 1000 for x in times))
    if which("strace"):
        calls = []
        for state in (None, "up"):
            log = t.dir / "calls"
            argv = ["strace", "-f", "-o", log, "/bin/true"]
            if state:  # in the traced program only
                argv[4:4] = ["-E", f"LD_PRELOAD={t.agent.library}"]
            t.run(argv)
            calls.append(log.read_text().splitlines())
        more = len(calls[1]) - len(calls[0])
        t.note(f"true: +{more} system calls")
        names = [line.split()[1].partition("(")[0] for line in calls[1]]
        t.check(more <= 25, f"{more} more system calls in `true`: {' '.join(names)}")
        t.check("socket" not in names and "clone3" not in names, f"sockets or threads in `true`: {names}")


@case(2, "the objects need nothing and show nothing but hooks", needs=["readelf"])
def c02_object(t):
    gates = Path(__file__).resolve().parents[2] / "abi"
    names = next(iter(t.agent.build.glob("*/hook_names.h")), None)
    if not names:
        t.skip("the build folder has no hook_names.h")
    for gate in (["object.py", "readelf", t.agent.library, names],
                 ["exporter_object.py", "readelf", t.agent.stage / "remora-export.so"]):
        done = subprocess.run(["python3", gates / gate[0], *gate[1:]], capture_output=True, text=True,
                              env={**os.environ, "PATH": PATH})
        t.check("not ok" not in done.stdout and done.returncode == 0, done.stdout + done.stderr)


COMMANDS = [
    ["sh", "-c", "echo a; (exit 3); echo $?; echo b >&2; exit 5"],
    ["bash", "-c", "for i in 1 2 3; do echo $i | cat; done; wait; echo ${BASH_VERSION%%.*}"],
    ["python3", "-c", "import os, sys, subprocess, socket; print(subprocess.run(['echo', 'x'], "
     "stdout=subprocess.PIPE).stdout); sys.stderr.write('e'); os._exit(4)"],
    ["python3", "-c", "import os; from http.client import HTTPConnection as H; "
     "c = H('127.0.0.1', int(os.environ['PEER_PORT'])); c.request('GET', '/'); print(c.getresponse().read())"],
    ["sh", "-c", "curl -sS http://127.0.0.1:$PEER_PORT/x; curl -sS http://127.0.0.1:1/; echo $?"],
    ["perl", "-e", "print STDERR qq(a); print qx(echo hello); exit 9"],
    ["sh", "-c", "ls / | sort | head -3; find /etc/hosts | xargs cat | wc -l; env true; timeout 5 echo yes"],
    ["sh", "-c", "echo '1 2' | awk '{print $2+1}' | sed s/3/three/; date -u -d @0; seq 1000 | tail -1"],
    ["git", "--version"],
    ["tar", "--version"],
]


def without_times(text):
    return re.sub(rb"after \d+ ms", b"after N ms", text)


@case(3, "shells, interpreters and tools print what they print without the agent")
def c03_commands(t):
    for argv in COMMANDS:
        if which(argv[0]):
            t.same(argv, ("up", "stuck"), normal=without_times)


ROOTS = Path(__file__).resolve().parents[3] / "deps/roots"


# The exporter has to be opened before the program ends.
AWAIT = ["python3", "-c", """if 1:
    import os, time, select
    from http.client import HTTPConnection as H
    c = H('127.0.0.1', int(os.environ['PEER_PORT']))
    c.request('GET', '/')
    print(c.getresponse().read())
    select.select([], [], [], 0.001)
    time.sleep(0.5)
    os._exit(0)
"""]


def in_root(t, root, state, argv):
    """Runs a command in another root, the agent's objects being in its /remora-torture."""
    collector = Collector(state, t.agent)
    variables = {"LD_PRELOAD": "/remora-torture/libremora.so", "OTEL_BSP_SCHEDULE_DELAY": "50",
                 **collector.environment}
    if state == "tls":
        variables["OTEL_EXPORTER_OTLP_CERTIFICATE"] = "/remora-torture/cert.pem"
    # chroot itself is the host's; env sets the variables inside.
    on = t.run(["chroot", root, "/usr/bin/env", *(f"{k}={v}" for k, v in variables.items()), *argv])
    collector.close()
    return on, collector.spans()


@case(3, "the same in the root file systems of other releases")
def c03_roots(t):
    if not ROOTS.exists() or os.geteuid() != 0:
        t.skip("needs root, and deps/roots/, which ./dev test-releases makes")
    for root in sorted(p for p in ROOTS.iterdir() if (p / "bin" / "sh").exists()):
        inside = root / "remora-torture"
        inside.mkdir(exist_ok=True)
        t.closers.append(lambda inside=inside: shutil.rmtree(inside))
        for name in ("libremora.so", "remora-export.so"):
            shutil.copy(t.agent.stage / name, inside)
        for argv in [*COMMANDS, AWAIT]:
            if not any((root / d / argv[0]).exists() for d in ("bin", "usr/bin")):
                continue
            off = t.run(["chroot", root, *argv])
            for state in USUAL:
                on, spans = in_root(t, root, state, argv)
                t.equal(off, on, f"{root.name}: {' '.join(argv)} ({state})", without_times)
                if state == "up" and "curl" in argv[-1]:
                    t.check(len(spans) == 1, f"{root.name}: {len(spans)} spans of curl")
        shutil.copy(t.agent.certificate()[0], inside)
        on, spans = in_root(t, root, "tls", AWAIT)
        t.check(len(spans) == 1, f"{root.name}: the exporter does not work there: {on}")
        t.note(f"{root.name}: passed")


@case(4, "a program of musl runs unchanged", needs=["musl-gcc"])
def c04_musl(t):
    program = t.compile("plain", PLAIN, cc="musl-gcc")
    t.same([program], (*USUAL, "relay"), status=3)
    static = t.compile("plain_static", PLAIN, "-static", cc="musl-gcc")
    t.same([static], ("up",), status=3)
    for busybox in ("/bin/busybox", "/usr/bin/busybox"):
        if os.path.exists(busybox):
            t.same([busybox, "sh", "-c", "echo a | wc -c; busybox wget -qO- http://127.0.0.1:$PEER_PORT/; exit 6"],
                   ("up",), status=6)
            break


MUSL_CMAKE = Path(__file__).resolve().parents[3] / "deps/hosts/musl/cmake/data/bin/cmake"
SCRIPT = """
execute_process(COMMAND sh -c "echo child; exit 3" OUTPUT_VARIABLE said RESULT_VARIABLE status)
file(DOWNLOAD "http://127.0.0.1:$ENV{PEER_PORT}/" body STATUS got)
file(READ body text)
message("${said} ${status} ${got} ${text}")
message(FATAL_ERROR "as meant")
"""


@case(4, "a large C++ program of musl, with threads, children and a curl inside, runs unchanged")
def c04_musl_cmake(t):
    if not MUSL_CMAKE.exists() or t.run([MUSL_CMAKE, "--version"]).status != 0:
        t.skip("not fetched, which ./dev torture does, or no musl to run it")
    off = t.same([MUSL_CMAKE, "-P", t.script("said.cmake", SCRIPT)], (*USUAL, "tls", "relay"), status=1)
    t.check(b"hello, host" in off.stderr, f"not what was meant: {off}")
    t.same([MUSL_CMAKE, "-E", "sha256sum", "said.cmake"], ("up",), status=0)


GO = r'''
package main
%s
import ("fmt"; "io"; "net"; "os"; "time")
func main() {
	c, err := net.Dial("tcp", "127.0.0.1:" + os.Getenv("PEER_PORT"))
	if err != nil { fmt.Println(err); os.Exit(1) }
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	b, _ := io.ReadAll(c)
	fmt.Print(string(b[len(b)-12:]))
	for i := 0; i < 4; i++ { go func() { time.Sleep(time.Millisecond) }() }
	time.Sleep(5 * time.Millisecond)
	os.Exit(3)
}
'''


@case(5, "Go programs, with and without libc, run unchanged", needs=["go"])
def c05_go(t):
    for name, cgo, flags, head in (("pie", "0", ["-buildmode=pie"], ""), ("static", "0", [], ""),
                                   ("cgo", "1", [], 'import "C"')):
        (t.dir / f"{name}.go").write_text(GO % head)
        done = subprocess.run(["go", "build", *flags, "-o", t.dir / name, t.dir / f"{name}.go"], capture_output=True,
                              text=True, env={**os.environ, "PATH": PATH, "CGO_ENABLED": cgo, "GOFLAGS": "-mod=mod",
                                              "GO111MODULE": "off"})
        if done.returncode != 0:
            raise Failure(done.stderr)
        t.same([t.dir / name], ("up", "stuck"), status=3)


RUST = r'''
use std::io::{Read, Write};
fn main() {
    let mut c = std::net::TcpStream::connect(format!("127.0.0.1:{}", std::env::var("PEER_PORT").unwrap())).unwrap();
    c.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut s = String::new();
    c.read_to_string(&mut s).unwrap();
    std::thread::spawn(|| println!("thread")).join().unwrap();
    print!("{}", &s[s.len() - 12..]);
    std::process::exit(3);
}
'''


@case(5, "Rust programs, dynamic and static, run unchanged", needs=["rustc"])
def c05_rust(t):
    (t.dir / "r.rs").write_text(RUST)
    kinds = [("dynamic", []), ("static", ["-C", "target-feature=+crt-static"]),
             ("musl", ["--target", "x86_64-unknown-linux-musl"])]
    for name, flags in kinds:
        done = subprocess.run(["rustc", "-o", t.dir / name, t.dir / "r.rs", *flags], capture_output=True, text=True,
                              env={**os.environ, "PATH": os.environ["PATH"] + ":" + PATH})
        if done.returncode != 0:
            if name == "musl":
                t.note("rustc has no musl target here")
                continue
            raise Failure(done.stderr)
        t.same([t.dir / name], ("up", "stuck"), spans=1 if name == "dynamic" else 0, status=3)


@case(6, "a 32-bit program below a 64-bit one has nothing on its stderr")
def c06_word_size(t):
    try:
        program = t.compile("plain32", PLAIN, "-m32")
    except Failure:
        t.skip("the compiler makes no 32-bit programs (gcc-multilib)")
    t.same(["sh", "-c", f"{program}; echo $?; {program} 2>&1 | wc -l"], ("relay",))


SECURE = r'''
#include "torture.h"
#include <sys/auxv.h>
int main(void)
{
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");
	int seen = 0;
	while (f && fgets(line, sizeof(line), f))
		seen |= strstr(line, "remora") != NULL;
	printf("secure %lu agent %d status %d uid %d %d\n", getauxval(AT_SECURE), seen, get(), getuid(), geteuid());
	return 0;
}
'''


@case(7, "setuid programs and those with capabilities run without the agent and without a warning",
      needs=["setpriv"])
def c07_secure(t):
    if os.geteuid() != 0:
        t.skip("needs root")
    program = t.compile("secure", SECURE)
    program.chmod(0o4755)
    as_user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    off = t.same([*as_user, program], spans=0)
    if b"secure 1" not in off.stdout:
        t.skip("setuid files have no effect in the temporary folder")
    t.check(b"agent 0" in off.stdout and b"uid 65534 0" in off.stdout, str(off))
    if which("setcap"):
        program.chmod(0o755)
        if subprocess.run([which("setcap"), "cap_net_admin+ep", program], capture_output=True).returncode == 0:
            t.same([*as_user, program], spans=0)


@case(8, "a root without the agent's files: what was loaded goes on, quietly")
def c08_chroot(t):
    if os.geteuid() != 0:
        t.skip("needs root")
    program = t.compile("chrooted", r'''
#include "torture.h"
int main(int argc, char **argv)
{
	if (atoi(argv[2]))
		get(), settle(100);
	FAIL_IF(chroot(argv[1]) || chdir("/"));
	for (int i = 0; i < 5; i++)
		get(), settle(30);
	printf("%d\n", get());
	return 4;
}
''')
    (t.dir / "empty").mkdir()
    for first in (0, 1):
        t.same([program, t.dir / "empty", first], (*USUAL, "relay", "tls"), status=4)
    t.same([program, t.dir / "empty", 1], ("up",), spans=7)


@case(8, "the agent's folder disappears while programs run and start")
def c08_vanished(t):
    program = t.compile("patient", r'''
#include "torture.h"
int main(void)
{
	char c;
	puts("ready");
	fflush(stdout);
	FAIL_IF(read(0, &c, 1) != 1);
	for (int i = 0; i < 5; i++)
		get(), settle(30);
	printf("%d\n", get());
	return 4;
}
''')
    off = t.run([program], stdin=b"x")
    for state in USUAL:
        stage = t.dir / state
        stage.mkdir()
        agent = Agent(t.agent.build, stage)

        def vanish(process):
            process.stdout.read1(6)
            shutil.rmtree(stage)
        whole, t.agent = t.agent, agent
        try:
            on = t.run([program], state, stdin=b"x", during=vanish)
        finally:
            t.agent = whole
        on.stdout = b"ready\n" + on.stdout
        t.equal(off, on, f"the object was removed ({state})")


SANITIZED = [("asan_shared", ["-fsanitize=address"], "gcc"),
             ("asan_static", ["-fsanitize=address", "-static-libasan"], "gcc"),
             ("tsan", ["-fsanitize=thread"], "gcc"), ("ubsan", ["-fsanitize=undefined"], "gcc"),
             ("asan_clang", ["-fsanitize=address"], "clang"), ("tsan_clang", ["-fsanitize=thread"], "clang")]
THREADED = r'''
#include "torture.h"
static void *run(void *arg) { for (int i = 0; i < 5; i++) get(); free(malloc(10)); return arg; }
int main(void)
{
	pthread_t a, b;
	pthread_create(&a, 0, run, 0);
	pthread_create(&b, 0, run, 0);
	pthread_join(a, 0);
	pthread_join(b, 0);
	settle(100);
	printf("%d\n", get());
	return 4;
}
'''


@case(9, "programs with sanitizers start, run and end as without the agent", needs=["gcc"])
def c09_sanitizers(t):
    for name, flags, compiler in SANITIZED:
        try:
            program = t.compile(name, THREADED, *flags, cc=compiler)
            plain = t.run([program], env={"ASAN_OPTIONS": "detect_leaks=1"})
        except Failure as why:
            t.note(f"{name}: not here ({str(why).splitlines()[-1][:80]})")
            continue
        if plain.status != 4:
            t.note(f"{name}: does not run here ({plain.status})")
            continue
        # gcc's shared runtime wants to be the first object; `remora run` sets the option that says so.
        env = {"ASAN_OPTIONS": "verify_asan_link_order=0"} if name == "asan_shared" else {}
        t.same([program], (*USUAL, "tls"), env=env, status=4, spans=None)
        t.same([program], ("up", "relay"), env=env, spans=11)


NUMBERS = re.compile(rb"\d{2,}|0x[0-9a-f]+")


@case(9, "valgrind, gdb and strace run programs as without the agent")
def c09_tools(t):
    program = t.compile("tooled", THREADED)
    # "Possibly lost" is what a thread has that is still opening the exporter when the program ends.
    tools = {"valgrind": ["valgrind", "-q", "--error-exitcode=42", "--leak-check=full",
                          "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"],
             "strace": ["strace", "-f", "-o", "/dev/null"],
             "gdb": ["gdb", "-q", "-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex", "run",
                     "-ex", "print $_exitcode", "--args"]}
    for name, argv in tools.items():
        if not which(name):
            t.note(f"not installed: {name}")
            continue
        if name == "gdb":  # says when threads come and go, and ours is one
            for state in USUAL:
                on = t.run([*argv, program], state)
                t.check(b"200\n" in on.stdout and b"$1 = 4" in on.stdout and on.status == 0, f"gdb ({state}): {on}")
            continue
        t.same([*argv, program], USUAL, status=4,
               normal=lambda text: NUMBERS.sub(b"N", text))
