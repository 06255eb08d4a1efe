"""nginx under the test files of its modules echo, headers-more, set-misc and lua.

nginx's own source has no tests, and the packages of its modules bring theirs for Test::Nginx, which
Debian does not package: nginx/Test/Nginx/Socket.pm runs them. One part is one file of tests. nginx and
the client that drives it are both traced; nginx is started anew, with a worker, for each block.
"""
import contextlib
import socket
import subprocess
import tempfile
from pathlib import Path

from debian import version
from suite import Suite, ending, tap_results

HERE = Path(__file__).resolve().parent / "nginx"
MODULES = ("echo", "headers-more-filter", "set-misc", "lua")
LOADED = ("ndk_http", "ngx_http_set_misc", "ngx_http_lua", "ngx_http_headers_more_filter",
          "ngx_http_echo")
# The tests' certificates are from before Debian asked for keys of 2048 bits.
OPENSSL = """openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = system
[system]
CipherString = DEFAULT:@SECLEVEL=0
"""


@contextlib.contextmanager
def memcached():
    """A memcached of this part; gives its port."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with subprocess.Popen(["memcached", "-u", "nobody", "-l", "127.0.0.1", "-U", "0", "-p", str(port)]) as server:
        try:
            yield port
        finally:
            server.kill()


class Nginx(Suite):
    name = "nginx"
    packages = ("nginx-light", "memcached", "perl", *(f"libnginx-mod-http-{m}" for m in MODULES))
    limit = 1200

    def prepare(self, debian):
        for module in MODULES:
            debian.source(f"libnginx-mod-http-{module}", self.work / module)
        installed = subprocess.run(["/usr/sbin/nginx", "-v"], check=True, capture_output=True, text=True).stderr
        self.version = f"{installed.split('/')[1].strip()}, lua {version(self.work / 'lua')}"

    def parts(self):
        return [f"{module}/{path.stem}" for module in MODULES
                for path in sorted((self.work / module / "t").glob("*.t"))]

    def run(self, part, env, log):
        module, test = part.split("/")
        with tempfile.TemporaryDirectory(prefix="remora-nginx-") as folder, memcached() as port:
            settings = Path(folder, "openssl.cnf")
            settings.write_text(OPENSSL)
            status, text = self.execute(
                ["/usr/bin/perl", "-I", HERE, "-I", ".", f"t/{test}.t"],
                {**env, "OPENSSL_CONF": str(settings), "TEST_NGINX_FOLDER": folder,
                 "TEST_NGINX_BINARY": "/usr/sbin/nginx",
                 "TEST_NGINX_MODULES": " ".join(f"/usr/lib/nginx/modules/{m}_module.so" for m in LOADED),
                 "TEST_NGINX_RESOLVER": "127.0.0.1", "TEST_NGINX_MEMCACHED_PORT": str(port)},
                log, self.work / module)
        return {**tap_results(text, part), **ending(part, status)}
