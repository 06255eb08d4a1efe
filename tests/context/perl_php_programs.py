"""Servers in Perl and PHP."""
import apps
from harness import APPS, which
from programs import program, server, surroundings
from proxies import nginx


@program("php-fibers", "PHP, an event loop with a Fiber for each request, as ReactPHP and AMPHP", ["php"])
def php_fibers(t, far, env):
    port = t.port()
    return server(t, far, env, [which("php"), APPS / "fan-php-loop" / "main.php", port], port)


def php_ways(way, title):
    @program(f"php-server-{way}", title, ["php"])
    def run(t, far, env):
        port = t.port()
        return server(t, far, {"PHP_CLI_SERVER_WORKERS": 8, **env},
                      [which("php"), "-d", "allow_url_fopen=1", "-S", f"127.0.0.1:{port}", APPS / "fan-php" / "ways.php"], port,
                      path=f"/{way}/{{id}}")


php_ways("streams", "PHP's own server, 8 processes; streams")
php_ways("multi", "the same, curl_multi")
php_ways("fibers", "the same, Fibers of the request's own")


def fpm(name, title, script, path):
    @program(name, title, ["nginx", "php"])
    def run(t, far, env):
        _, to = apps.php_fpm(t, name="server", env=surroundings(far, env), children=8)
        return nginx(t, far, env, "", apps.to_fastcgi(f"unix:{to}", APPS / "fan-php" / script), path=path)


fpm("php-fpm", "nginx, php-fpm, 8 processes; curl", "index.php", "/fan/{id}")
for way, title in (("streams", "the same, streams"), ("multi", "the same, curl_multi"), ("fibers", "the same, Fibers of the request's own")):
    fpm(f"php-fpm-{way}", title, "ways.php", f"/{way}/{{id}}")


@program("starman", "Starman, 4 processes; LWP", ["starman"])
def starman(t, far, env):
    port = t.port()
    return server(t, far, env, [which("starman"), "--workers", 4, "--backlog", 1024, "--listen", f"127.0.0.1:{port}",
                                "--disable-keepalive", "--env", "production", APPS / "fan-perl" / "fan.psgi"], port)


@program("twiggy", "Twiggy, an event loop; AnyEvent::HTTP", ["twiggy"])
def twiggy(t, far, env):
    port = t.port()
    return server(t, far, env, [which("twiggy"), "--listen", f"127.0.0.1:{port}", "--backlog", 1024, "--env", "production",
                                APPS / "fan-perl" / "anyevent.psgi"], port)


def mojo(t, far, env, way, *command):
    port = t.port()
    return server(t, far, env, [which("perl"), APPS / "fan-perl" / "mojo.pl", *command, "-m", "production", "-b", 1024, "-l",
                                f"http://127.0.0.1:{port}"], port, path=f"/{way}/{{id}}")


@program("mojolicious", "Mojolicious, an event loop; its client", ["morbo"])
def mojolicious(t, far, env):
    return mojo(t, far, env, "fan", "daemon")


@program("mojolicious-prefork", "the same, 4 processes of an event loop, client that blocks", ["morbo"])
def mojolicious_prefork(t, far, env):
    return mojo(t, far, env, "blocking", "prefork", "-w", 4)
