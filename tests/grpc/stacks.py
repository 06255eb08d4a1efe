"""The implementations of gRPC that run.py puts against each other: what each needs, and how its program in
test-apps/grpc-peer-*/ is started. What is fetched or compiled lies below the work folder and is made once.

A stack that cannot be made says why, and its pairs are skipped with that name and reason.
"""
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "test-apps"
# What apt installs belongs to the release's own programs; cargo and the like may come from elsewhere.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")
SECONDS = 3600  # a Rust tree on a busy machine


class Missing(Exception):
    """A toolchain, a package or a registry is not there."""


def which(program):
    found = shutil.which(program, path=PATH)
    if not found:
        raise Missing(f"no {program}")
    return found


def make(argv, cwd=ROOT):
    argv = [str(a) for a in argv]
    try:
        done = subprocess.run(argv, cwd=cwd, env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Missing(f"{argv[0]} took too long") from None
    if done.returncode:
        raise Missing(f"{Path(argv[0]).name} failed: {' '.join((done.stderr or done.stdout).split())[-300:]}")
    return done.stdout


def once(folder, work):
    """Makes `folder` by work(folder), whole or not at all."""
    if folder.exists():
        return folder
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    work(new)
    new.rename(folder)
    return folder


# The lines of a client's output, see run.py; gRPC-Web has no streams of the client.
ALL = ("say", "seen", "fail", "none", "sum", "count", "chat", "slow", "cancel", "many")
WEB = tuple(line for line in ALL if line not in ("sum", "chat", "slow"))


class Stack:
    """`argv` begins the command of the program, once make() is through; `environment` is what it needs beside."""
    name = ""
    lines = ALL            # what its client prints
    http = "2"             # that its client speaks
    lacks = ()             # lines of which its server has not the method: a 404, of which clients make various things
    parents = False        # that calls of its handlers have their requests for parents, however many are under way
    tables = False         # that its calls carry the SERVER span's id, in HTTP/2's compression tables, where it stays
    late = {"DEADLINE_EXCEEDED"}  # what it may call a call whose deadline came
    traced = True          # that the agent sees it at all
    inside = True          # that the agent sees what its TLS carries; else its spans are missing there, and nothing else

    def __init__(self, work):
        self.work = work / self.name
        self.argv, self.environment = [], {}

    def make(self):
        raise NotImplementedError


class Cpp(Stack):
    name = "cpp"
    parents = True

    def make(self):
        source, out = APPS / "grpc-peer-cpp" / "main.cpp", self.work / "peer"
        compiler = which("c++")
        flags = make([which("pkg-config"), "--cflags", "--libs", "grpc++"]).split()
        self.work.mkdir(parents=True, exist_ok=True)
        if not out.exists() or out.stat().st_mtime < source.stat().st_mtime:
            make([compiler, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-o", out, source, *flags, "-pthread"])
        self.argv = [out]


class Python(Stack):
    """The release's own grpcio, which uses the libraries of the release."""
    name = "python"
    parents = True
    interpreter = "/usr/bin/python3"

    def make(self):
        make([self.interpreter, "-c", "import grpc"])
        self.argv = [self.interpreter, APPS / "grpc-peer-python" / "main.py"]


class Pypi(Python):
    """The wheel, which brings its own of everything, BoringSSL too."""
    name = "pypi"
    inside = False

    def make(self):
        def fetch(folder):
            make([which("python3"), "-m", "venv", folder])
            make([folder / "bin" / "python3", "-m", "pip", "install", "-q", "--only-binary", ":all:", "grpcio"])
        once(self.work, fetch)
        self.interpreter = self.work / "bin" / "python3"
        super().make()


class Node(Stack):
    name = "node"
    parents = True

    def make(self):
        node, npm = which("node"), which("npm")
        once(self.work, lambda folder: make([npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder,
                                             "@grpc/grpc-js@1"]))
        self.argv = [node, APPS / "grpc-peer-node" / "main.js"]
        self.environment = {"NODE_PATH": self.work / "node_modules"}


class NodeHidden(Node):
    """The same where the adapter does not find it, as if it were bundled."""
    name = "node-hidden"
    parents = False

    def make(self):
        super().make()
        hidden = once(self.work.with_name(self.name + "-lib"),
                      lambda folder: shutil.copytree(self.work / "node_modules", folder, symlinks=True, dirs_exist_ok=True))
        self.environment = {"NODE_PATH": hidden}


class Java(Stack):
    """Its TLS is Java's own; that of the shaded one BoringSSL."""
    name = "java"
    parents = True
    transport, pom = "grpc-netty", "pom.xml"

    def make(self):
        java, javac, mvn = which("java"), which("javac"), which("mvn")
        app = APPS / "grpc-peer-java"
        jars = once(self.work / "jars", lambda folder: make(
            [mvn, "-q", "-B", "-f", app / self.pom, f"-Dtransport={self.transport}", "dependency:copy-dependencies",
             f"-DoutputDirectory={folder}"]))
        make([javac, "-cp", f"{jars}/*", "-d", self.work / "classes", app / "Main.java"])
        self.argv = [java, "-cp", f"{self.work}/classes:{jars}/*", "Main"]


class JavaShaded(Java):
    name = "java-shaded"
    inside = False
    transport = "grpc-netty-shaded"


class JavaOkhttp(Java):
    """Its own copy of OkHttp, for HTTP/2."""
    name = "java-okhttp"
    tables = True
    pom = "okhttp.xml"


class Rust(Stack):
    """Its server speaks gRPC-Web, too. Its TLS is rustls."""
    name = "rust"
    inside = False
    late = {"DEADLINE_EXCEEDED", "CANCELLED"}  # tonic's word for it is the second

    def make(self):
        target = self.work.parent / "rust"
        make([which("cargo"), "build", "--release", "--quiet", "--target-dir", target], APPS / "grpc-peer-rust")
        self.argv = [target / "release" / "grpc-peer"]


class Go(Stack):
    """connect-go, whose server speaks gRPC-Web, too. Go makes its system calls itself: never seen by the agent."""
    name = "go"
    traced = inside = False
    lacks = ("none",)

    def make(self):
        out = self.work.parent / "go" / "peer"
        out.parent.mkdir(parents=True, exist_ok=True)
        make([which("go"), "build", "-o", out], APPS / "grpc-peer-go")
        self.argv = [out]


class GoWrapped(Go):
    """The same with the messages of connect-node."""
    name = "go-wrapped"

    def make(self):
        super().make()
        self.environment = {"GRPC_PEER_WRAPPED": "1"}


class ConnectNode(Stack):
    """connect-node. Its messages are of protobuf, so that it speaks with itself and its like alone."""
    name = "connect-node"

    def make(self):
        node, npm = which("node"), which("npm")
        folder = once(self.work.parent / "connect-node", lambda folder: make(
            [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, "@connectrpc/connect@2",
             "@connectrpc/connect-node@2", "@bufbuild/protobuf@2"]))
        self.argv = [node, APPS / "grpc-peer-connect-node" / "main.js"]
        self.environment = {"NODE_PATH": folder / "node_modules"}


class WebConnectNode(ConnectNode):
    name = "web-connect-node"
    lines, http = WEB, "1.1"

    def make(self):
        super().make()
        self.argv += ["web", self.http]


class WebConnectNodeHttp2(WebConnectNode):
    name = "web-connect-node-http2"
    http = "2"


class WebGo(Go):
    name = "web-go"
    lines, http = WEB, "1.1"

    def make(self):
        super().make()
        self.argv += ["web", self.http]


class WebGoHttp2(WebGo):
    name = "web-go-http2"
    http = "2"


class WebRust(Rust):
    name = "web-rust"
    lines, http = WEB, "1.1"

    def make(self):
        super().make()
        self.argv += ["web", self.http]


class WebRustHttp2(WebRust):
    name = "web-rust-http2"
    http = "2"


class WebPython(Stack):
    name = "web-python"
    lines = tuple(line for line in WEB if line not in ("none", "cancel"))
    http = "1.1"
    lacks = ("none", "cancel")

    def make(self):
        def fetch(folder):
            make([which("python3"), "-m", "venv", folder])
            make([folder / "bin" / "python3", "-m", "pip", "install", "-q", "sonora"])
        once(self.work, fetch)
        self.argv = [self.work / "bin" / "python3", APPS / "grpc-web-peer-sonora" / "main.py"]


class WebNode(Stack):
    """@improbable-eng/grpc-web."""
    name = "web-node"
    lines, http = WEB, "1.1"
    form = "binary"
    packages = ("@improbable-eng/grpc-web@0.15", "@improbable-eng/grpc-web-node-http-transport@0.15", "google-protobuf@3",
                "grpc-web@2", "xhr2@0.2")

    def make(self):
        node, npm = which("node"), which("npm")
        folder = once(self.work.parent / "web-node", lambda folder: make(
            [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, *self.packages]))
        self.argv = [node, APPS / "grpc-web-peer-node" / "main.js", self.form]
        self.environment = {"NODE_PATH": folder / "node_modules"}


class WebNodeText(WebNode):
    """grpc-web, which is made for browsers, in base64."""
    name = "web-node-text"
    form = "text"


STACKS = [Cpp, Python, Pypi, Node, Java, JavaShaded, JavaOkhttp, Rust]
THROUGH = [*STACKS, NodeHidden]
# What else is put against each other.
FAR = [(Go, Python), (Python, Go), (Go, Node), (Node, Go), (ConnectNode, ConnectNode), (ConnectNode, GoWrapped),
       (GoWrapped, ConnectNode)]
FAR_WEB = [(WebConnectNode, GoWrapped), (WebConnectNodeHttp2, ConnectNode), (WebConnectNodeHttp2, GoWrapped)]
INSIDE = [s for s in STACKS if s.inside]
WEB_CLIENTS = [WebNode, WebNodeText, WebPython, WebRust, WebRustHttp2, WebGo, WebGoHttp2]
WEB_SERVERS = [Rust, WebPython, Go]
