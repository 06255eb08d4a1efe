"""Programs behind web servers that speak FastCGI, SCGI and uwsgi: one trace through all of them."""
import threading

from apps import APPS, apache, c_epoll, lighttpd, nginx, php_fpm, script, to_fastcgi
from harness import DEADLINE, Failure, case
from mysql import NEEDS as MARIADB_NEEDS, mariadb
from postgres import postgres

WEB = APPS / "http-server-php" / "index.php"
FLASK = APPS / "http-server-flask"


def wait_for(t, process, sock):
    for _ in range(int(DEADLINE / 0.05)):
        if sock.exists():
            return
        threading.Event().wait(0.05)
    raise Failure(f"{process.name} does not listen; it said:\n{t.tail(process.log)}")


def chain(spans, front, program):
    """Each request is the web server's SERVER and CLIENT span, and the program's SERVER span."""
    return spans.roots(front, "SERVER").linked(front, "CLIENT", front, "SERVER").linked(program, "SERVER", front, "CLIENT")


def crowd(t, port, paths):
    clients = [t.thread(lambda p=p: t.get(port, *p)) for p in paths]
    for answers in clients:
        t.equal({a for a in answers()}, {(200, b"hello\n")}, "answers")


@case("nginx, php-fpm, streams and curl: one trace, the program's attributes are those of the request",
      ["nginx", "php"])
def php_fpm_behind_nginx(t):
    backend = c_epoll(t, name="backend")
    _, socket = php_fpm(t, backend.url)
    front = nginx(t, locations=to_fastcgi(f"unix:{socket}"))
    t.equal(t.get(front.port, "/call?id=1", "/curl?id=2", "/hello?sig=hunter2", headers={"User-Agent": "a browser"}),
            [(200, b"hello\n")] * 3, "three requests")
    t.equal(t.get(front.port, "/echo", method="POST", body=b"x" * 100000), [(200, b"x" * 100000)], "a body")
    t.equal(t.get(front.port, "/status/503"), [(503, b"")], "a status")
    spans = t.spans(19).count("nginx", server=5, client=5).count("fpm", server=5, client=2).count("backend", server=2)
    chain(spans, "nginx", "fpm").linked("fpm", "CLIENT", "fpm", "SERVER").linked("backend", "SERVER", "fpm", "CLIENT")
    by_path = {s["attributes"]["url.path"]: s for s in spans.of("fpm", "SERVER")}
    spans.attributes(by_path["/hello"], http__request__method="GET", http__response__status_code=200, url__scheme="http",
                     url__query="sig=REDACTED", server__address="127.0.0.1", client__address="127.0.0.1",
                     user_agent__original="a browser", network__protocol__version="1.1",
                     network__protocol__name=None, http__response__body__size=6, error__type=None)
    spans.attributes(by_path["/echo"], http__request__method="POST", http__request__body__size=100000,
                     http__response__body__size=100000)
    spans.attributes(by_path["/status/503"], http__response__status_code=503, error__type="503")
    t.equal(by_path["/status/503"]["status"], "error", "503 is the program's error")
    asked = {spans.by_id[s["parent_id"]]["attributes"]["url.path"]: s for s in spans.of("nginx", "CLIENT")}
    spans.attributes(asked["/status/503"], http__response__status_code=503, error__type="503")
    spans.attributes(asked["/hello"], url__full="http://127.0.0.1/hello?sig=REDACTED",
                     server__address=str(socket), server__port=None, network__peer__address=str(socket),
                     network__protocol__name="fastcgi", network__protocol__version=None, http__request__resend_count=None)


@case("nginx and php-fpm over TCP, 32 at once on connections that are kept: every parent is right", ["nginx", "php"])
def php_fpm_crowd(t):
    backend, port = c_epoll(t, name="backend"), t.port()
    php_fpm(t, backend.url, port=port, children=16)
    front = nginx(t, upstream=f"upstream fpm {{ server 127.0.0.1:{port}; keepalive 4; }}",
                  locations=to_fastcgi("fpm", more="fastcgi_keep_conn on;"))
    crowd(t, front.port, [[f"/{how}?id={how}{i}.{n}" for n in range(2) for how in ("call", "curl", "multi")]
                          for i in range(32)])
    spans = t.spans(32 * 6 * 5).count("nginx", server=192, client=192).count("fpm", server=192, client=192)
    chain(spans, "nginx", "fpm").linked("fpm", "CLIENT", "fpm", "SERVER").linked("backend", "SERVER", "fpm", "CLIENT")
    t.equal(spans.never_wrong("fpm"), 192, "calls of php-fpm with the right parent")
    t.equal(spans.never_wrong("nginx"), 192, "requests to php-fpm with the right parent")


@case("a context that comes in reaches what php-fpm calls, tracestate and baggage too; php reads its own span",
      ["nginx", "php"])
def php_fpm_context(t):
    port, heads = t.header_recorder()
    _, socket = php_fpm(t, f"http://127.0.0.1:{port}")
    front = nginx(t, locations=to_fastcgi(f"unix:{socket}"))
    trace = "0123456789abcdef0123456789abcdef"
    headers = {"traceparent": f"00-{trace}-0123456789abcdef-01", "tracestate": "x=y", "baggage": "a=b"}
    t.equal(t.get(front.port, "/call", headers=headers), [(200, b"hello\n")], "a call")
    (_, seen), = t.get(front.port, "/env?name=HTTP_TRACE%50ARENT", headers=headers)
    spans = t.spans(7)
    t.equal({s["trace_id"] for s in spans.all}, {trace}, "one trace")
    spans.linked("nginx", "CLIENT", "nginx", "SERVER").linked("fpm", "SERVER", "nginx", "CLIENT")
    got = dict(heads[0])
    call, = spans.of("fpm", "CLIENT")
    t.equal((got["traceparent"], got["tracestate"], got["baggage"]), (f"00-{trace}-{call['span_id']}-01", "x=y", "a=b"),
            "what the backend was sent")
    own, = (s for s in spans.of("fpm", "SERVER") if s["attributes"]["url.path"] == "/env")
    t.equal(seen.decode(), f"00-{trace}-{own['span_id']}-01", "what the program reads")


@case("nginx, php-fpm and PostgreSQL: queries are in the trace of their request", ["nginx", "php", "psql", "setpriv"])
def php_fpm_database(t):
    server = postgres(t)
    _, socket = php_fpm(t, env={"DATABASE": f"pgsql:host=127.0.0.1;port={server.port};dbname=postgres;user=shop_user"})
    front = nginx(t, locations=to_fastcgi(f"unix:{socket}"))
    crowd(t, front.port, [[f"/query?id={i}"] * 2 for i in range(8)])
    spans = t.spans(16 * 5).count("nginx", server=16, client=16).count("fpm", server=16, client=32)
    chain(spans, "nginx", "fpm").linked("fpm", "CLIENT", "fpm", "SERVER")
    said = sorted(s["attributes"]["db.query.summary"] for s in spans.of("fpm", "CLIENT"))
    t.equal(said, ["DEALLOCATE"] * 16 + ["SELECT"] * 16, "what PDO asks")


@case("nginx, php-fpm and MariaDB: queries are in the trace of their request", ["nginx", "php", *MARIADB_NEEDS])
def php_fpm_mariadb(t):
    server = mariadb(t)
    _, socket = php_fpm(t, env={"DATABASE": f"mysql:host=127.0.0.1;port={server.port};dbname=shop;user=shop_user;password=hunter2"})
    front = nginx(t, locations=to_fastcgi(f"unix:{socket}"))
    crowd(t, front.port, [[f"/query?id={i}"] * 2 for i in range(8)])
    spans = t.spans(16 * 4).count("nginx", server=16, client=16).count("fpm", server=16, client=16)
    chain(spans, "nginx", "fpm").linked("fpm", "CLIENT", "fpm", "SERVER")
    for s in spans.of("fpm", "CLIENT"):
        spans.attributes(s, db__system__name="mariadb", db__namespace="shop", db__query__text="SELECT ?", server__port=server.port)


@case("Apache and php-fpm (mod_proxy_fcgi): one trace", ["apache2", "php"])
def php_fpm_behind_apache(t):
    backend = c_epoll(t, name="backend")
    _, socket = php_fpm(t, backend.url)
    modules = "/usr/lib/apache2/modules"
    front = apache(t, more=f"LoadModule proxy_fcgi_module {modules}/mod_proxy_fcgi.so\n"
                   f'<LocationMatch "^/(call|curl|hello)">\nSetHandler "proxy:unix:{socket}|fcgi://localhost{WEB}#"\n'
                   "</LocationMatch>\n" f'ProxyFCGISetEnvIf true SCRIPT_FILENAME "{WEB}"\n')
    crowd(t, front.port, [[f"/call?id={i}", f"/curl?id={i}x"] for i in range(4)])
    spans = t.spans(40).count("apache", server=8, client=8).count("fpm", server=8, client=8)
    chain(spans, "apache", "fpm").linked("fpm", "CLIENT", "fpm", "SERVER").linked("backend", "SERVER", "fpm", "CLIENT")
    t.equal(spans.never_wrong("fpm"), 8, "calls of php-fpm with the right parent")


@case("lighttpd and php-cgi: one trace", ["lighttpd", "php-cgi"])
def php_cgi_behind_lighttpd(t):
    backend, port = c_epoll(t, name="backend"), t.port()
    t.start("php-cgi", ["php-cgi", "-b", f"127.0.0.1:{port}"], port, env={"BACKEND": backend.url, "PHP_FCGI_CHILDREN": 2})
    front = lighttpd(t, more=f'server.modules += ("mod_fastcgi", "mod_rewrite")\nurl.rewrite-once = ("^/[^?]*(.*)" => "/index.php$1")\n'
                     f'fastcgi.server = ("" => (("host" => "127.0.0.1", "port" => {port}, "check-local" => "disable", '
                     f'"docroot" => "{WEB.parent}")))\n')
    crowd(t, front.port, [[f"/call?id={i}", f"/curl?id={i}x"] for i in range(4)])
    spans = t.spans(40).count("lighttpd", server=8, client=8).count("php-cgi", server=8, client=8)
    chain(spans, "lighttpd", "php-cgi").linked("php-cgi", "CLIENT", "php-cgi", "SERVER")
    spans.linked("backend", "SERVER", "php-cgi", "CLIENT")
    t.equal(spans.never_wrong("php-cgi"), 8, "calls of php-cgi with the right parent")


@case("nginx and a CGI program in fcgiwrap: one trace, the program gets its environment", ["nginx", "fcgiwrap", "python3"])
def fcgiwrap(t):
    sock, backend = t.dir / "wrap.sock", c_epoll(t, name="backend")
    wrapper = t.start("fcgiwrap", ["fcgiwrap", "-s", f"unix:{sock}"], env={"BACKEND": backend.url})
    wait_for(t, wrapper, sock)
    program = script("cgi-python", "py")
    front = nginx(t, locations=to_fastcgi(f"unix:{sock}", program))
    t.equal(t.get(front.port, "/call?id=1", "/call?id=2", "/status/410"), [(200, b"hello\n")] * 2 + [(410, b"")], "answers")
    spans = t.spans(13).count("nginx", server=3, client=3).count("fcgiwrap", server=3, client=2)
    chain(spans, "nginx", "fcgiwrap").linked("fcgiwrap", "CLIENT", "fcgiwrap", "SERVER")
    t.equal(sorted(s["attributes"]["http.response.status_code"] for s in spans.of("fcgiwrap", "SERVER")), [200, 200, 410],
            "statuses")


def uwsgi(t, option, backend):
    sock = t.dir / "app.sock"
    server = t.start("uwsgi", ["uwsgi", "--plugin", "python3", option, sock, "--chmod-socket=666", "--master", "--threads", 4,
                               "--chdir", FLASK, "--module", "app:app", "--die-on-term"],
                     env={"BACKEND": backend.url, "PYTHONDONTWRITEBYTECODE": "1"})
    wait_for(t, server, sock)
    return sock


def behind_nginx(name, option, location):
    @case(f"nginx and uWSGI ({name}, Flask): one trace", ["nginx", "uwsgi"], name=f"uwsgi_{name}")
    def run(t):
        backend = c_epoll(t, name="backend")
        sock = uwsgi(t, option, backend)
        front = nginx(t, locations=f"location / {{ {location.format(sock=sock)} }}")
        crowd(t, front.port, [[f"/call?id={i}", "/hello"] for i in range(8)])
        t.equal(t.get(front.port, "/echo", method="POST", body=b"x" * 50000), [(200, b"x" * 50000)], "a body")
        t.equal(t.get(front.port, "/status/410"), [(410, b"")], "a status")
        spans = t.spans(18 * 3 + 16).count("nginx", server=18, client=18).count("uwsgi", server=18, client=8)
        chain(spans, "nginx", "uwsgi").linked("uwsgi", "CLIENT", "uwsgi", "SERVER")
        spans.linked("backend", "SERVER", "uwsgi", "CLIENT")
        t.equal(spans.never_wrong("uwsgi"), 8, "calls of uWSGI with the right parent")
        for s in spans.of("nginx", "CLIENT"):
            spans.attributes(s, network__protocol__name=name, server__address=str(sock))
        by_path = {s["attributes"]["url.path"]: s for s in spans.of("uwsgi", "SERVER")}
        spans.attributes(by_path["/echo"], http__request__method="POST", http__request__body__size=50000,
                         http__response__body__size=50000, client__address="127.0.0.1", network__protocol__version="1.1")
        spans.attributes(by_path["/status/410"], http__response__status_code=410, error__type=None)


SCGI = ["SCGI 1", "REQUEST_METHOD $request_method", "REQUEST_URI $request_uri", "QUERY_STRING $query_string",
        "PATH_INFO $document_uri", "CONTENT_TYPE $content_type", "SERVER_PROTOCOL $server_protocol",
        "REMOTE_ADDR $remote_addr", "SERVER_NAME $host", "SERVER_PORT $server_port"]
behind_nginx("uwsgi", "--uwsgi-socket", "include /etc/nginx/uwsgi_params; uwsgi_pass unix:{sock};")
behind_nginx("scgi", "--scgi-socket", "scgi_pass unix:{sock};" + "".join(f" scgi_param {v};" for v in SCGI))
