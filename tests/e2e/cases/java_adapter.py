"""What a Java program can see of the adapter that moved into it, and where none does."""
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from harness import ROOT, Skip, case, which

JAVA_17 = "/usr/lib/jvm/java-17-openjdk-amd64/bin/javac"


def java(t, name, *arguments, agent=True, env={}, status=0):
    """What it wrote to stdout, to stderr, and what the agent said there."""
    out = t.run(name, [which("java"), *arguments], agent, env={"REMORA_DEBUG": "trace", **env} if agent else env, status=status)
    lines = (t.dir / f"{name}.log").read_text().splitlines()
    ours = [line for line in lines if line.startswith("remora[")]
    return out, "\n".join(line for line in lines if line not in ours), "\n".join(ours)


def normal(out):
    """Without what differs from one run to the next: times, how long a client keeps its threads, what t.environment sets."""
    out = re.sub(r"^\[.*\bPATH\b.*\]$", "", out, flags=re.MULTILINE)
    return re.sub(r"(HttpClient|Keep-Alive|process reaper)[^,\]]*(, )?|@[0-9a-f]+", "", out)


@case("Java: a program that serves says the same of itself with the adapter, and ends the same", ["java", "javac"], agent_only=True)
def java_looks(t):
    classes = t.build.app("java-looks", "Looks")
    for n, options in enumerate(((), ("-Xverify:all", "-Xcheck:jni"), ("-Xshare:off", "-Xint"))):
        port = t.port()
        out, err, log = java(t, f"with{n}", *options, "-cp", classes, "Looks", port, status=3)
        plain, plain_err, _ = java(t, f"without{n}", *options, "-cp", classes, "Looks", port, agent=False, status=3)
        t.check("adapter java: in place" in log and "stays as it is" not in log and "could not" not in log, log)
        t.check(normal(out) == normal(plain), f"the same with {options}:\n{out}\n---\n{plain}")
        t.check(err == plain_err, f"the same on stderr with {options}:\n{err}\n---\n{plain_err}")


@case("Java: a program whose own native code accepts connections prints what it prints without the adapter", ["java", "javac", "cc", "curl"],
      agent_only=True)
def java_native(t):
    include = Path(which("javac")).resolve().parent.parent / "include"
    classes = t.build.app("java-native", "Native")
    library = t.build.app("java-native", "native", options=["-shared", "-fPIC", f"-I{include}", f"-I{include / 'linux'}"])
    port = t.port()
    server = t.start("server", [which("java"), "-cp", classes, "Native", library, port], port, env={"REMORA_DEBUG": "trace"})
    t.equal(t.run("curl", ["curl", "-sS", f"http://127.0.0.1:{port}/x"]), "hello\n", "the answer")
    server.popen.wait(30)
    lines = (t.dir / "server.log").read_text().splitlines()
    t.equal([line for line in lines if not line.startswith("remora[")], ["answered"], "what the program printed")
    t.check(any("adapter java: in place" in line for line in lines), lines)


@case("Java: programs that serve nobody are left alone", ["java", "javac"], agent_only=True)
def java_alone(t):
    for n, arguments in enumerate((("-version",), ("--list-modules",))):
        _, _, log = java(t, f"tool{n}", *arguments)
        t.check("adapter java" not in log, log)


@case("Java: the adapter stands aside for tracers, and where agents are forbidden", ["java", "javac"], agent_only=True)
def java_aside(t):
    classes = t.build.app("java-looks", "Looks")
    tracer = t.dir / "opentelemetry-javaagent.jar"
    with zipfile.ZipFile(tracer, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nPremain-Class: Looks\n")
        jar.write(Path(classes) / "Looks.class", "Looks.class")
    for n, (options, env) in enumerate((((f"-javaagent:{tracer}",), {}), ((), {"JAVA_TOOL_OPTIONS": f"-javaagent:{tracer}"}),
                                        (("-XX:-EnableDynamicAgentLoading",), {}), ((), {"REMORA_ADAPTERS": "node,python"}))):
        _, _, log = java(t, f"aside{n}", *options, "-cp", classes, "Looks", t.port(), env=env, status=3)
        t.check("adapter java: in place" not in log and "rewritten" not in log, log)


@case("Java: the classes that are brought along are what their source says", ["java", "javac"], agent_only=True)
def java_classes(t):
    if not os.path.exists(JAVA_17):
        raise Skip("not installed: javac of Java 17")
    made = t.dir / "classes.h"
    subprocess.run([sys.executable, ROOT / "adapters" / "java" / "generate.py", JAVA_17, made], check=True)
    t.check(made.read_text() == (ROOT / "adapters" / "java" / "classes.h").read_text(), "generate.py makes classes.h")
