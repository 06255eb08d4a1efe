"""Flask under gunicorn with one worker, and aiohttp on asyncio."""
import signal

import apps
from harness import APPS
from kinds import HttpServer


def gunicorn(t):
    return apps.gunicorn(t, options=("--workers", "1", "--threads", "4"))


def aiohttp(t):
    port = t.port()
    return t.start("aiohttp", ["python3", APPS / "http-server-aiohttp" / "main.py", port], port, stop=signal.SIGTERM)


PROGRAMS = [HttpServer("flask-gunicorn", gunicorn, needs=["gunicorn"], peer="python"),
            HttpServer("aiohttp", aiohttp, needs=["python3"], peer="python")]
