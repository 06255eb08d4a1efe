"""The JDK's own HttpServer on eight threads, compiled as far as it goes."""
from kinds import HttpServer


def server(t):
    port = t.port()
    return t.start("java", ["java", "-cp", t.build.app("http-server-java", "Main"), "Main", port], port)


PROGRAMS = [HttpServer("java", server, needs=["java", "javac"], peer="java", warm_seconds=5)]
