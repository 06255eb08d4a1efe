"""nginx asked over HTTP/2 by h2load, 100 streams at once on each of four connections."""
import http2_apps
from kinds import Http2Server

PROGRAMS = [Http2Server("nginx-http2", http2_apps.nginx, "/index.html", needs=["nginx"]),
            Http2Server("nginx-http2-tls", lambda t: http2_apps.nginx(t, tls=True), "/index.html", needs=["nginx", "openssl"], tls=True)]
