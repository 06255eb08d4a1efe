"""Servers in Perl and PHP."""
from harness import APPS, which
from programs import program, server


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
