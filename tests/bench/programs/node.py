"""Node's own http server, and Express."""
from pathlib import Path

import apps
from fetched import npm
from harness import APPS
from kinds import HttpServer


def express(t):
    port = t.port()
    modules = npm("bench-express", "express@5")
    return t.start("express", ["node", APPS / "http-server-express" / "main.js", port], port, env={"NODE_PATH": modules})


PROGRAMS = [HttpServer("node", apps.node, needs=["node"], peer="node", warm_seconds=3),
            HttpServer("node-express", express, needs=["node", "npm"], peer="node", warm_seconds=3)]
