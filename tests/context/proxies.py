"""Servers that pass requests on over connections that all of them share."""
import os
import shutil

from harness import APPS, which
from programs import program, server, surroundings


def configured(t, name, text):
    file = t.dir / name
    file.write_text(text)
    return file


def address(far):
    return far.split("//")[1]


def nginx(t, far, env, upstream, location, path="/fan/{id}"):
    port = t.port()
    conf = configured(t, "nginx.conf", f"""daemon off; worker_processes 2; pid {t.dir}/nginx.pid; error_log {t.dir}/nginx.err;
events {{ worker_connections 2048; }}
http {{ access_log off; client_body_temp_path {t.dir}/body; proxy_temp_path {t.dir}/proxy;
  fastcgi_temp_path {t.dir}/fastcgi; uwsgi_temp_path {t.dir}/uwsgi; scgi_temp_path {t.dir}/scgi;
  proxy_http_version 1.1; proxy_set_header Connection "";
  upstream far {{ server {address(far)}; {upstream} }}
  server {{ listen 127.0.0.1:{port} backlog=1024; {location} }} }}
""")
    return server(t, far, env, [which("nginx"), "-c", conf, "-p", t.dir], port, path=path)


PASS = "location ~ ^/fan/(\\d+)$ { proxy_pass http://far/call/$1/0; }"


@program("nginx-proxy", "nginx proxy_pass, upstream keepalive", ["nginx"])
def nginx_proxy(t, far, env):
    return nginx(t, far, env, "keepalive 64;", PASS)


@program("nginx-few", "the same, four connections kept", ["nginx"])
def nginx_few(t, far, env):
    return nginx(t, far, env, "keepalive 4;", PASS)


@program("nginx-auth", "the same, an auth_request before each", ["nginx"])
def nginx_auth(t, far, env):
    return nginx(t, far, env, "keepalive 64;", """location ~ ^/fan/(\\d+)$ {
    set $number $1; auth_request /auth; proxy_pass http://far/call/$1/0; }
  location = /auth { internal; proxy_pass http://far/call/$number/1; proxy_pass_request_body off;
    proxy_set_header Content-Length ""; }""")


@program("nginx-http2", "nginx grpc_pass, upstream of HTTP/2", ["nginx"], http2=True)
def nginx_http2(t, far, env):
    return nginx(t, far, env, "keepalive 64;", """location ~ ^/fan/(\\d+)$ {
    rewrite ^/fan/(.*)$ /call/$1/0 break; grpc_pass grpc://far; }""")


def haproxy(t, far, env, options=""):
    port = t.port()
    conf = configured(t, "haproxy.cfg", f"""
global
	nbthread 2
	maxconn 2000
	no strict-limits
defaults
	mode http
	timeout connect 20s
	timeout client 60s
	timeout server 60s
	http-reuse always
frontend in
	bind 127.0.0.1:{port} backlog 1024
	http-request replace-path ^/fan/(.*)$ /call/\\1/0
	default_backend out
backend out
	server far {address(far)} {options}
""")
    return server(t, far, env, [which("haproxy"), "-db", "-f", conf], port)


@program("haproxy", "HAProxy, 2 threads, http-reuse always", ["haproxy"])
def haproxy_http1(t, far, env):
    return haproxy(t, far, env)


@program("haproxy-http2", "the same, upstream of HTTP/2", ["haproxy"], http2=True)
def haproxy_http2(t, far, env):
    return haproxy(t, far, env, "proto h2")


def apache(t, far, env, more, path="/fan/{id}"):
    port = t.port()
    modules = "/usr/lib/apache2/modules"
    conf = configured(t, "apache.conf", f"""
ServerRoot {t.dir}
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
ListenBacklog 1024
PidFile {t.dir}/apache.pid
ErrorLog {t.dir}/apache.err
User www-data
Group www-data
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
{more.format(modules=modules, dir=t.dir)}
StartServers 2
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
MaxKeepAliveRequests 0
""")
    return server(t, far, env, [which("apache2"), "-D", "FOREGROUND", "-f", conf], port, path=path)


def forward(far, scheme):
    return f'ProxyPassMatch "^/fan/(.*)$" "{scheme}://{address(far)}/call/$1/0"\n'


@program("apache", "Apache, event MPM, mod_proxy", ["apache2"])
def apache_http1(t, far, env):
    return apache(t, far, env, forward(far, "http"))


@program("apache-http2", "the same, upstream of HTTP/2", ["apache2"], http2=True)
def apache_http2(t, far, env):
    return apache(t, far, env, "LoadModule proxy_http2_module {modules}/mod_proxy_http2.so\n" + forward(far, "h2c"))


# What a CGI program is to be traced with, and FAR, must come from its server.
PASSED = ("LD_PRELOAD", "FAR", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "REMORA_PARENT_SOURCE",
          "REMORA_EXIT_TIMEOUT")
SCRIPT = APPS / "fan-cgi" / "main.sh"


@program("apache-cgi", "Apache, mod_cgid; a script that runs curl", ["apache2", "curl"])
def apache_cgi(t, far, env):
    # Below the test's own folder, where every user may go.
    shutil.copy(SCRIPT, t.dir / "fan.sh")
    return apache(t, far, env, f"""LoadModule cgid_module {{modules}}/mod_cgid.so
LoadModule alias_module {{modules}}/mod_alias.so
LoadModule env_module {{modules}}/mod_env.so
ScriptSock {{dir}}/cgid.sock
ScriptAlias /cgi {{dir}}/fan.sh
PassEnv {" ".join(PASSED)}
""", path="/cgi/{id}")


@program("nginx-fcgiwrap", "nginx, fcgiwrap, 8 processes; a script that runs curl", ["nginx", "fcgiwrap", "curl"])
def nginx_fcgiwrap(t, far, env):
    wrap = t.port()
    t.start("server", [which("fcgiwrap"), "-c", 8, "-s", f"tcp:127.0.0.1:{wrap}"], wrap, env=surroundings(far, env))
    return nginx(t, far, env, "", f"""location ~ ^/cgi(.*)$ {{ fastcgi_pass 127.0.0.1:{wrap};
    include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME {SCRIPT}; fastcgi_param PATH_INFO $1; }}""", path="/cgi/{id}")


@program("lighttpd-cgi", "lighttpd, mod_cgi; a script that runs curl", ["lighttpd", "curl"])
def lighttpd_cgi(t, far, env):
    shutil.copy(SCRIPT, t.dir / "fan.sh")
    told = ", ".join(f'"{name}" => env.{name}' for name in PASSED[1:])
    return lighttpd(t, far, env, f"""server.modules += ("mod_cgi", "mod_setenv")
cgi.assign = (".sh" => "/bin/sh")
setenv.add-environment = ({told})
""", path="/fan.sh/{id}")


@program("lighttpd", "lighttpd, mod_proxy", ["lighttpd"])
def lighttpd_proxy(t, far, env):
    host, _, far_port = address(far).partition(":")
    return lighttpd(t, far, env, f"""server.modules += ("mod_proxy")
proxy.server = ("" => (("host" => "{host}", "port" => {far_port})))
proxy.header = ("map-urlpath" => ("/fan" => "/call"))
""", path="/fan/{id}/0")


def lighttpd(t, far, env, more, path):
    port = t.port()
    conf = configured(t, "lighttpd.conf", f"""server.document-root = "{t.dir}"
server.port = {port}
server.bind = "127.0.0.1"
server.listen-backlog = 1024
server.max-connections = 2000
server.max-fds = 4096
server.max-keep-alive-requests = 100000
server.errorlog = "{t.dir}/lighttpd.err"
server.upload-dirs = ("{t.dir}")
{more}""")
    return server(t, far, env, [which("lighttpd"), "-D", "-f", conf], port, path=path)


@program("nghttpx-http2", "nghttpx, 2 threads, upstream of HTTP/2", ["nghttpx"], http2=True)
def nghttpx(t, far, env):
    port = t.port()
    host, _, far_port = address(far).partition(":")
    return server(t, far, env, [which("nghttpx"), f"--frontend=127.0.0.1,{port};no-tls", "--workers=2", "--backlog=1024",
                                f"--backend={host},{far_port};/;proto=h2", "--errorlog-file=/dev/stderr",
                                f"--conf={configured(t, 'empty.conf', '')}"], port, path="/call/{id}/0")


@program("h2o", "h2o, 2 threads, proxy.reverse.url", ["h2o"])
def h2o(t, far, env):
    port = t.port()
    conf = configured(t, "h2o.conf", f"""{"user: root" if os.geteuid() == 0 else ""}
num-threads: 2
max-connections: 2000
listen: {{ host: 127.0.0.1, port: {port} }}
pid-file: {t.dir}/h2o.pid
error-log: {t.dir}/h2o.err
hosts:
  default:
    paths:
      /fan:
        proxy.reverse.url: {far}/call
""")
    return server(t, far, env, [which("h2o"), "-c", conf], port, path="/fan/{id}/0")
