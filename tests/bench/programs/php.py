"""php-fpm with two children behind an nginx without the agent."""
from pathlib import Path

import apps
from kinds import HttpServer


def fpm(t):
    port = t.port()
    process, _ = apps.php_fpm(t, port=port)
    front = apps.nginx(t, agent=False, name="front", locations=apps.to_fastcgi(f"127.0.0.1:{port}"))
    process.url, process.port = front.url, front.port
    return process


PROGRAMS = [HttpServer("php-fpm", fpm, needs=["nginx", *map(str, sorted(Path("/usr/sbin").glob("php-fpm*"))[:1] or ["php-fpm"])])]
