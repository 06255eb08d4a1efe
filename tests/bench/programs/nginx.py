"""nginx with one worker: a file, a backend behind it, a file inside TLS."""
import apps
import tls_apps
from kinds import HttpServer


def proxy(t):
    return apps.nginx(t, apps.c_epoll(t, name="backend", agent=False).url)


def inside_tls(t):
    return tls_apps.nginx(t, tls_apps.Certificates(t))


PROGRAMS = [HttpServer("nginx", apps.nginx, needs=["nginx"], instructions=True),
            HttpServer("nginx-proxy", proxy, "/call", needs=["nginx", "cc"], spans=2, instructions=True),
            HttpServer("nginx-tls", inside_tls, needs=["nginx", "openssl"], tls=True)]
