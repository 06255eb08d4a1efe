#!/usr/bin/env python3
"""The remora command as a user meets it: what it passes on untouched, what it says, how it ends.

Usage: test_cli.py REMORA        prints TAP; needs nothing but python3 (and curl for one test)
"""
import http.server
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from cli_harness import CLEAN, EXCHANGE, PATIENCE, REMORA, Folder, equal, main, logs_of, python, remora, spans_of, test

# ---- words ----

@test
def help_and_version_go_to_standard_output():
    for args in (["--help"], ["run", "--help"], ["check", "--help"], ["list", "--help"], ["--version"]):
        result = remora(*args)
        equal((result.returncode, result.stderr), (0, ""))
        assert result.stdout.strip(), args


@test
def wrong_usage_is_one_line_and_status_2():
    for args in (["frobnicate"], ["run"], ["run", "--frobnicate", "--", "true"], ["run", "--json"],
                 ["check"], ["check", "-x"], ["check", "-b", "-x"], ["list"], ["list", "frobs"], ["list", "env", "hooks"]):
        result = remora(*args)
        equal((args, result.returncode, result.stdout), (args, 2, ""))
        equal(len(result.stderr.splitlines()), 1)


@test
def a_wrong_option_is_said_to_be_wrong_and_what_would_be_right():
    with Folder() as path:
        for args, words in ((["--json", "--", "true"], "'--json' needs a value, not '--'; --json=VALUE takes any"),
                            (["--json", "-q", "true"], "'--json' needs a value, not '-q'"),
                            (["-j", "--", "true"], "'-j' needs a value, not '--'; -jVALUE takes any"),
                            (["--service", "-q", "true"], "'--service' needs a value, not '-q'"),
                            (["--json", "-", "true"], "for standard output say --json=/dev/stdout"),
                            (["--json"], "'--json' needs a value: --json VALUE"), (["-qs"], "'-s' needs a value: -s VALUE"),
                            (["-qx", "--", "true"], "no option '-x'; options of COMMAND come behind it"),
                            (["--quiet=1", "true"], "'--quiet' takes no value; leave out =1"),
                            (["--de", "all", "true"], "no option '--de', or several begin so"), ([], "remora run -- COMMAND")):
            result = remora("run", *args, cwd=path)
            equal((args, result.returncode, result.stdout, len(result.stderr.splitlines())), (args, 2, "", 1))
            assert words in result.stderr and "(see remora run --help)" in result.stderr, (args, result.stderr)
        equal(list(path.iterdir()), [])
        equal(remora("run", "-q", "--json=-x", "--", "true", cwd=path).returncode, 0)
        equal([file.name for file in path.iterdir()], ["-x"])


@test
def output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w") as full:
        result = subprocess.run([REMORA, "list", "env"], stdout=full, stderr=subprocess.PIPE, env=CLEAN)
    assert result.returncode != 0


@test
def list_knows_hooks_protocols_exporters_and_variables():
    assert {"recv", "connect", "close"} <= set(remora("list", "hooks").stdout.split())
    protocols = [line.split()[0] for line in remora("list", "protocols").stdout.splitlines()]
    assert {"http1", "grpc", "graphql", "jsonrpc", "aws", "elasticsearch", "sqlite"} <= set(protocols), protocols
    equal(len(protocols), len(set(protocols)))
    for name in ("otlp", "console", "none"):
        assert re.search(rf"^{name}\b", remora("list", "exporters").stdout, re.M), name
    names = re.findall(r"^[A-Z_]+$", remora("list", "env").stdout, re.M)
    assert len(names) == len(set(names)) and {"OTEL_SERVICE_NAME", "REMORA_DEBUG"} <= set(names)


@test
def the_manual_page_gets_every_variable_as_valid_roff():
    rows = remora("list", "env", "--man").stdout
    for name in re.findall(r"^[A-Z_]+$", remora("list", "env").stdout, re.M):
        assert f".B {name}\n" in rows, name
    for line in rows.splitlines():
        assert not line.startswith(".") or line.startswith((".TP", ".B ")), line


# ---- the command is not disturbed ----

@test
def input_output_and_status_are_the_commands():
    result = remora("run", "--", "sh", "-c", "cat; echo err >&2; exit 7", stdin="one\ntwo\n")
    equal((result.returncode, result.stdout), (7, "one\ntwo\n"))
    assert result.stderr.startswith("err\n")


@test
def a_backend_that_does_not_answer_delays_the_end_only_as_long_as_the_user_says():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
               "OTEL_EXPORTER_OTLP_TIMEOUT": str(10000 * PATIENCE), "OTEL_BSP_EXPORT_TIMEOUT": "0",
               "REMORA_EXIT_TIMEOUT": "100"}
        result = remora("run", "--", *python("print('done')"), env=env)
    equal((result.returncode, result.stdout), (0, "done\n"))


@test
def arguments_after_the_command_are_its_own():
    equal(remora("run", "echo", "--json", "x", "--", "-q").stdout, "--json x -- -q\n")


@test
def a_command_that_is_missing_or_no_program_is_127_or_126():
    result = remora("run", "--", "no-such-command", env={"PATH": "/usr/bin:/bin"})
    equal((result.returncode, result.stdout), (127, ""))
    equal(len(result.stderr.splitlines()), 1)
    equal(remora("run", "--", "/").returncode, 126)
    equal(remora("run", "--", "sh", "-c", "exit 127").returncode, 127)


@test
def a_server_has_joined_the_relay_before_it_can_answer_anybody():
    # bash writes each line by itself: the server is to end only when it has read the last.
    request = r"printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' >/dev/tcp/127.0.0.1/$0"
    code = ("import os, signal, socket, subprocess, sys; s = socket.create_server(('127.0.0.1', 0));"
            "subprocess.Popen(['/bin/bash', '-c', sys.argv[1], str(s.getsockname()[1])], env={});"
            "s.accept()[0].recv(27, socket.MSG_WAITALL); os.kill(os.getpid(), signal.SIGKILL)")
    result = remora("run", "--debug", "relay", "--", *python(code), request)
    equal(result.returncode, -signal.SIGKILL)
    assert "joined the relay" in result.stderr, result.stderr


@test
def a_command_killed_by_a_signal_ends_us_by_the_same_signal():
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
        equal(remora("run", "-q", "--", "sh", "-c", f"kill -{int(number)} $$").returncode, -number)


STATE = """
import os, resource, signal
fields = dict(l.split(":", 1) for l in open("/proc/self/status") if l.startswith("Sig"))
print(sorted((k, v.strip()) for k, v in fields.items() if k in ("SigBlk", "SigIgn")))
print(resource.getrlimit(resource.RLIMIT_NOFILE))
print(sorted(os.listdir("/proc/self/fd")))
print(oct(os.umask(0)), os.getsid(0), os.getpgid(0) == os.getpgid(os.getppid()))
"""


@test
def signals_limits_and_descriptors_are_those_it_would_have_had():
    plain = subprocess.run(python(STATE), env=CLEAN, text=True, stdout=subprocess.PIPE, input="").stdout
    equal(remora("run", "-q", "--", *python(STATE)).stdout, plain)


@test
def a_real_time_policy_is_the_commands_alone():
    code = ("import os; mine = os.sched_getscheduler(0); task = f'/proc/{os.getppid()}/task'\n"
            "while mine and any(os.sched_getscheduler(int(t)) for t in os.listdir(task)): os.sched_yield()\nprint(mine)")
    may = subprocess.run(["chrt", "-f", "1", "true"], stderr=subprocess.DEVNULL).returncode == 0
    result = subprocess.run([*(["chrt", "-f", "1"] if may else []), REMORA, "run", "-q", "--", *python(code)], env=CLEAN,
                            text=True, stdout=subprocess.PIPE, timeout=PATIENCE)
    equal(result.stdout, f"{os.SCHED_FIFO if may else os.SCHED_OTHER}\n")


@test
def ignored_signals_stay_ignored_and_cost_no_status():
    result = subprocess.run(["sh", "-c", 'trap "" CHLD INT; exec "$@"', "sh", REMORA, "run", "-q", "--",
                             *python("import signal; print(signal.getsignal(signal.SIGINT) =="
                                     " signal.SIG_IGN); raise SystemExit(5)")],
                            env=CLEAN, text=True, stdout=subprocess.PIPE, timeout=PATIENCE)
    equal((result.returncode, result.stdout), (5, "True\n"))


@test
def the_users_own_preloads_and_sanitizer_options_come_first():
    own = next(line.split()[-1] for line in open("/proc/self/maps") if "/libc" in line)
    result = remora("run", "-q", "--", "sh", "-c", 'echo "$LD_PRELOAD $ASAN_OPTIONS"',
                    env={"LD_PRELOAD": own, "ASAN_OPTIONS": "halt_on_error=0"})
    preload, options = result.stdout.split()
    equal((preload.split(":")[0], len(preload.split(":"))), (own, 2))
    assert preload.endswith("/libremora.so")
    equal(options, "halt_on_error=0:verify_asan_link_order=0")


@test
def a_run_inside_a_run_preloads_once():
    result = remora("run", "-q", "--", REMORA, "run", "-q", "--", "sh", "-c", 'echo "$LD_PRELOAD"')
    equal((result.returncode, result.stderr, result.stdout.count("libremora.so")), (0, "", 1))


@test
def when_disabled_the_command_runs_alone():
    for name, value in (("OTEL_SDK_DISABLED", "true"), ("REMORA_DISABLED", "1")):
        result = remora("run", "--", "sh", "-c", 'echo "<$LD_PRELOAD$REMORA_RELAY$TRACEPARENT>"; exit 4',
                        env={name: value})
        equal((result.returncode, result.stdout, result.stderr), (4, "<>\n", f"remora: not traced: {name} is set\n"))
        equal(remora("run", "-q", "--", "true", env={name: value}).stderr, "")


@test
def the_relays_directory_is_gone_afterwards():
    relay = remora("run", "-q", "--", "sh", "-c", 'echo "$REMORA_RELAY"; test -S "${REMORA_RELAY%,*}"')
    equal(relay.returncode, 0)
    path, token = relay.stdout.strip().rsplit(",", 1)
    assert re.fullmatch(r"[0-9a-f]{32}", token)
    assert not Path(path).parent.exists()


@test
def what_the_command_leaves_running_is_not_waited_for():
    result = remora("run", "-q", "--", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!")
    equal(result.returncode, 0)
    os.kill(int(result.stdout), signal.SIGKILL)  # fails if it had ended


# ---- signals ----

WAITER = """
import signal, sys, time
got = []
for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(s, lambda s, f: got.append(signal.Signals(s).name))
print("ready", flush=True)
while not got:
    time.sleep(0.01)
time.sleep(0.5)
print(*got, flush=True)
sys.exit(9)
"""


@test
def signals_are_passed_on():
    for name in ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
        process = subprocess.Popen([REMORA, "run", "-q", "--", *python(WAITER)], env=CLEAN, text=True,
                                   stdout=subprocess.PIPE)
        equal(process.stdout.readline(), "ready\n")
        process.send_signal(getattr(signal, name))
        equal(process.communicate(timeout=PATIENCE)[0], name + "\n")
        equal(process.returncode, 9)


def on_terminal(args, env=None, keys=None):
    """Runs remora on a terminal of its own; types `keys` when it says ready. All it wrote, status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(REMORA, [REMORA, *args], {**CLEAN, "TERM": "xterm", "LANG": "C.UTF-8", **(env or {})})
    text = b""
    while True:
        if not select.select([terminal], [], [], PATIENCE)[0]:
            os.kill(pid, signal.SIGKILL)
        try:
            more = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        text += more
        if keys and b"ready" in text:
            os.write(terminal, keys)
            keys = None
        if not more:
            break
    os.close(terminal)
    return text.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@test
def control_c_reaches_the_command_once():
    text, status = on_terminal(["run", "-q", "--", *python(WAITER)], keys=b"\x03")
    equal((re.findall("SIG[A-Z]+", text), status), (["SIGINT"], 9))


# ---- the tree ----

@test
def colours_are_for_terminals_that_want_them():
    command = ["run", "--", "true"]
    assert "\x1b[" in on_terminal(command)[0]
    assert "\x1b[" not in on_terminal(command, {"NO_COLOR": "1"})[0]
    assert "\x1b[" not in on_terminal(command, {"TERM": "dumb"})[0]
    assert "\x1b[" not in on_terminal(["run", "--no-color", "--", "true"])[0]
    assert "\x1b[" not in remora(*command).stderr


@test
def the_tree_is_ascii_where_the_locale_is():
    assert remora("run", "--", "true", env={"LC_ALL": "C"}).stderr.isascii()
    assert not remora("run", "--", "true", env={"LC_ALL": "C.UTF-8"}).stderr.isascii()


@test
def the_tree_shows_the_command_and_a_summary():
    result = remora("run", "--", "sh", "-c", "exit 3", env={"LC_ALL": "C"})
    assert re.search(r"^trace [0-9a-f]{32}  1 span ", result.stderr, re.M), result.stderr
    assert re.search(r"^sh sh +internal ERROR 3 +=+ ", result.stderr, re.M), result.stderr
    assert "remora: 1 trace, 1 span, 1 service\n" in result.stderr


@test
def the_tree_shows_what_was_asked_for_and_the_status():
    result = remora("run", "--", *python(EXCHANGE), env={"LC_ALL": "C"})
    assert re.search(r"^ *`?-? ?\S+ HEAD 127\.0\.0\.1:\d+/\S* +client +200 +=+ ", result.stderr, re.M), result.stderr
    assert re.search(r" HEAD /\S* +server +200 +=+ ", result.stderr, re.M), result.stderr


SAYING = EXCHANGE.replace("c.request('HEAD', '/')", "import sys; sys.stderr.write('INFO about to ask\\n'); c.request('HEAD', '/')") + \
    "; import syslog; syslog.syslog(syslog.LOG_ERR, 'it is over')"


@test
def with_logs_the_tree_and_the_file_have_them_with_their_trace():
    with Folder() as folder:
        file = folder / "all.jsonl"
        result = remora("run", "--logs", "--json", str(file), "--", *python(SAYING), env={"LC_ALL": "C"})
        root, = (span for _, span in spans_of(file) if span["kind"] == 1)
        told = {log["body"]["stringValue"]: (resource, log) for resource, log in logs_of(file)}
        resource, log = told["INFO about to ask"]
        equal((log["traceId"], log["spanId"], log["severityNumber"]), (root["traceId"], root["spanId"], 9))
        assert resource["process.pid"] and log["attributes"]["log.iostream"] == "stderr", (resource, log)
        equal(told["it is over"][1]["severityNumber"], 17)
    assert re.search(r"^[| ]*\+[\d.]+ [mu]?s INFO INFO about to ask$", result.stderr, re.M), result.stderr
    assert re.search(r"^remora: .* services?; \d+ log records", result.stderr, re.M), result.stderr


@test
def without_being_asked_for_there_are_no_logs():
    with Folder() as folder:
        file = folder / "all.jsonl"
        result = remora("run", "--json", str(file), "--", *python(SAYING), env={"LC_ALL": "C"})
        equal(logs_of(file), [])
    assert "log record" not in result.stderr, result.stderr


@test
def an_endpoint_without_a_scheme_is_said_with_what_is_used_instead():
    wrong = {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318", "REMORA_EXIT_TIMEOUT": "10"}
    said = remora("run", "-q", "--", "true", env=wrong).stderr
    assert "collector:4318 does not begin with http:// or https://; http://localhost:4318 is used" in said, said
    both = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "REMORA_EXIT_TIMEOUT": "10"}
    said = remora("run", "-q", "--", "true", env=both).stderr
    assert re.search(r"TRACES_ENDPOINT: collector:4318 .*; OTEL_EXPORTER_OTLP_ENDPOINT is used", said), said


@test
def the_log_says_why_a_connection_is_left_alone():
    code = ("import socket; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname());"
            "a = s.accept()[0]; c.sendall(bytes([%s])); a.recv(100)")
    said = remora("run", "-q", "--debug", "conn", "--", *python(code % "1, 2, 3")).stderr
    assert re.search(r"fd \d+: left alone \(no protocol that we know\)", said), said


@test
def processes_that_were_not_let_in_in_time_are_told_of():
    code = f"import os, signal; os.kill(os.getppid(), signal.SIGSTOP); {EXCHANGE}; os.kill(os.getppid(), signal.SIGCONT)"
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "", "REMORA_EXIT_TIMEOUT": "10"}
    told = "remora: 1 process was not let in in time, on a busy machine: what it did is not"
    said = remora("run", "--", *python(code), env=env).stderr
    assert f"{told} shown" in said, said
    with Folder() as folder:
        file = folder / "all.jsonl"
        said = remora("run", "-q", "--json", str(file), "--", *python(code), env=env).stderr
        assert f"{told} in {file}\n" in said, said
    said = remora("run", "-q", "--", *python(code), env=env).stderr
    assert "remora" not in said, said


@test
def what_was_under_way_in_a_process_that_is_killed_is_told_of():
    code = ("import http.client, http.server, os, signal, threading\n"
            "class H(http.server.BaseHTTPRequestHandler):\n"
            "    def do_GET(self):\n"
            "        if self.path == '/die': os.kill(os.getpid(), signal.SIGKILL)\n"
            "        self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()\n"
            "    def log_message(self, *a): pass\n"
            "s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)\n"
            "threading.Thread(target=s.serve_forever, daemon=True).start()\n"
            "c = http.client.HTTPConnection('127.0.0.1', s.server_port)\n"
            "for path in '/', '/die': c.request('GET', path); c.getresponse().read()\n")
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "", "REMORA_EXIT_TIMEOUT": "10"}
    said = remora("run", "--", *python(code), env=env).stderr
    assert re.search(r"; 2 lost \(2 under way in what was killed\)$", said, re.M), said
    said = remora("run", "--", *python(code.replace("SIGKILL", "SIGCONT")), env=env).stderr
    assert "lost" not in said, said


@test
def without_requests_the_summary_says_what_may_be_the_reason():
    said = remora("run", "--", "true").stderr
    assert "refused" in said and "static, Go, setuid and denied" in said and "remora check -- true" in said, said


@test
def a_command_that_is_not_sampled_is_said_so():
    for env in ({"OTEL_TRACES_SAMPLER": "always_off"}, {"TRACEPARENT": f"00-{TRACE}-{PARENT}-00"}):
        said = remora("run", "--", "true", env=env).stderr.splitlines()
        equal([line.split(",")[0] for line in said],
              ["remora: 0 traces", "remora: the command's trace was not sampled"])


@test
def quiet_says_nothing():
    equal(remora("run", "--quiet", "--", "true").stderr, "")


@test
def a_wrong_setting_is_said_once_for_all_processes():
    code = "import subprocess, sys; [subprocess.run([sys.executable, '-c', '']) for _ in range(3)]"
    result = remora("run", "-q", "--", *python(code), env={"OTEL_BSP_MAX_QUEUE_SIZE": "many"})
    equal(len(re.findall("OTEL_BSP_MAX_QUEUE_SIZE", result.stderr)), 1)
    result = remora("run", "-q", "--", *python(code), env={"OTEL_PROPAGATORS": "b3,ottrace",
                                                           "OTEL_RESOURCE_ATTRIBUTES": "team"})
    assert re.search(r"OTEL_PROPAGATORS: 'b3,ottrace' .*left out; .*\(known: .*xray", result.stderr), result.stderr
    equal(len(re.findall(r"remora\[", result.stderr)), 2)


@test
def the_argument_of_a_sampler_is_said_to_be_wrong_in_one_line_or_none():
    def said(sampler, **env):
        return remora("run", "-q", "--", "true", env={"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_EXPORTER": "none", **env}).stderr
    for argument, wanted in (({}, ""), ({"OTEL_TRACES_SAMPLER_ARG": ""}, ""), ({"OTEL_TRACES_SAMPLER_ARG": "per_second=7"}, ""),
                             ({"OTEL_TRACES_SAMPLER_ARG": "5"}, "neither a number from 0 to 1 nor name=value"),
                             ({"OTEL_TRACES_SAMPLER_ARG": "per_second=0.5"}, "a whole number from 1")):
        line = said("parentbased_ratelimited", **argument)
        assert (wanted in line and line.count("\n") == 1) if wanted else not line, (argument, line)
    line = said("parentbased_ratelimited", OTEL_TRACES_SAMPLER_ARG="per_second=7,burst=9")
    assert "holds something unknown" in line and line.count("\n") == 1, line
    line = said("parentbased_adaptive", OTEL_TRACES_SAMPLER_ARG="per_second=5")
    assert "no number from 0 to 1" in line and line.count("\n") == 1, line


@test
def every_adapter_can_be_named():
    env = {"REMORA_ADAPTERS": "grpc,java,libevent,libsoup,node,python,ruby,tokio", "OTEL_TRACES_EXPORTER": "none"}
    equal(remora("run", "-q", "--", "true", env=env).stderr, "")


@test
def what_is_wrong_to_us_is_not_taken_from_the_command():
    result = remora("run", "-q", "--", *python("import os; print(os.environ['OTEL_EXPORTER_OTLP_PROTOCOL'])"),
                    env={"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    equal(result.stdout, "grpc\n")


@test
def the_object_of_a_build_or_install_finds_its_exporter():
    where = remora("run", "-q", "--", *python("import os; print(os.environ['LD_PRELOAD'])")).stdout.strip()
    result = subprocess.run(python(EXCHANGE), env={**CLEAN, "LD_PRELOAD": where, "OTEL_TRACES_EXPORTER": "console"},
                            text=True, capture_output=True, timeout=PATIENCE)
    kinds = sorted(json.loads(line)["kind"] for line in result.stderr.splitlines() if line.startswith("{"))
    equal(kinds, ["SpanKind.CLIENT", "SpanKind.SERVER"])


@test
def each_debug_topic_has_something_to_say():
    for topic in ("init", "conn", "http1", "trace", "export", "relay"):
        said = remora("run", "-q", "--debug", topic, "--", *python(EXCHANGE)).stderr
        assert re.search(rf"^remora\[\d+\] {topic}: ", said, re.M), (topic, said)


# ---- spans ----

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@test
def the_command_is_a_span():
    with Folder() as path:
        out = path / "spans.jsonl"
        remora("run", "-q", "--json", str(out), "--service", "shop", "--", "sh", "-c", "exit 3")
        [(resource, span)] = spans_of(out)
        equal(resource["service.name"], "shop")
        equal((span["name"], span["kind"]), ("sh", 1))
        equal(span["status"]["code"], 2)
        equal(span["attributes"]["error.type"], "3")
        equal(int(span["attributes"]["process.exit.code"]), 3)
        assert int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"])


@test
def the_command_continues_an_incoming_trace():
    with Folder() as path:
        out = path / "spans.jsonl"
        result = remora("run", "-q", "-j", str(out), "--", "sh", "-c", 'echo "$TRACEPARENT $TRACESTATE"',
                        env={"TRACEPARENT": f"00-{TRACE}-{PARENT}-01", "TRACESTATE": "a=b"})
        [(_, span)] = spans_of(out)
        equal((span["traceId"], span["parentSpanId"]), (TRACE, PARENT))
        equal(result.stdout, f"00-{TRACE}-{span['spanId']}-01 a=b\n")
        equal(span["traceState"], "a=b")


@test
def a_trace_that_is_not_sampled_stays_so():
    with Folder() as path:
        out = path / "spans.jsonl"
        result = remora("run", "-q", "-j", str(out), "--", "sh", "-c", 'echo "$TRACEPARENT"',
                        env={"TRACEPARENT": f"00-{TRACE}-{PARENT}-00"})
        assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-00\n", result.stdout), result.stdout
        equal(spans_of(out), [])


SHELLS = """
import ctypes, http.server, os, sys, urllib.request
libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
libc.popen.restype = ctypes.c_void_p
before = libc.getenv(b"TRACEPARENT")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = os.system(f"echo $TRACEPARENT >{sys.argv[1]}/system{self.path}; exit 3")
        file = libc.popen(f"echo $TRACEPARENT >{sys.argv[1]}/popen{self.path}; exit 4".encode(), b"r")
        good = (status >> 8, libc.pclose(ctypes.c_void_p(file)) >> 8, libc.getenv(b"TRACEPARENT")) == (3, 4, before)
        self.send_response(200 if good else 500)
        self.end_headers()
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
if os.fork() == 0:
    for i in range(3):
        urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{i}").read()
    os._exit(0)
for i in range(3):
    server.handle_request()
sys.exit(os.wait()[1] >> 8)
"""


@test
def what_system_and_popen_start_joins_the_request():
    with Folder() as path:
        for kind in ("system", "popen"):
            (path / kind).mkdir()
        (path / "server.py").write_text(SHELLS)
        out = path / "spans.jsonl"
        result = remora("run", "-q", "-j", str(out), "--", sys.executable, str(path / "server.py"), str(path))
        equal((result.returncode, result.stderr), (0, ""))
        requests = {s["attributes"]["url.path"]: s for _, s in spans_of(out) if s["kind"] == 2}
        for name in ("/0", "/1", "/2"):
            want = f"00-{requests[name]['traceId']}-{requests[name]['spanId']}-03\n"
            for kind in ("system", "popen"):
                equal((path / f"{kind}{name}").read_text(), want)


@test
def an_invalid_traceparent_starts_a_new_trace():
    result = remora("run", "-q", "--", "sh", "-c", 'echo "$TRACEPARENT<$TRACESTATE>"',
                    env={"TRACEPARENT": f"00-{TRACE}-0000000000000000-01", "TRACESTATE": "a=b"})
    match = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-03<>\n", result.stdout)
    assert match and match[1] != TRACE, result.stdout


@test
def a_file_that_cannot_be_made_stops_before_the_command():
    result = remora("run", "--json", "/no/such/folder/x", "--", "echo", "ran")
    equal((result.returncode, result.stdout), (125, ""))
    equal(len(result.stderr.splitlines()), 1)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@test
def a_script_that_calls_curl_three_times_is_one_trace():
    if not shutil.which("curl"):
        return "curl is not installed"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    with Folder() as path:
        out = path / "spans.jsonl"
        result = remora("run", "--json", str(out), "--", "sh", "-c",
                        f"for i in 1 2 3; do curl -s {url}$i; done", env={"LC_ALL": "C"})
        server.shutdown()
        spans = [span for _, span in spans_of(out)]
        roots = [s for s in spans if "parentSpanId" not in s]
        equal(len(roots), 1)
        calls = [s for s in spans if s["kind"] == 3]
        equal(len(calls), 3)
        equal({s["parentSpanId"] for s in calls}, {roots[0]["spanId"]})
        equal({s["traceId"] for s in spans}, {roots[0]["traceId"]})
        assert re.search(r"^remora: 1 trace, 4 spans, 2 services$", result.stderr, re.M), result.stderr
    return None


sys.exit(main())
