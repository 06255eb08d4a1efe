"""The JDK's own HttpServer on eight threads, compiled as far as it goes. Without nodelay each answer waits 40 ms for an
acknowledgement of its head."""
from kinds import HttpServer


def server(t):
    port = t.port()
    return t.start("java", ["java", "-Dsun.net.httpserver.nodelay=true", "-cp", t.build.app("http-server-java", "Main"), "Main", port], port)


PROGRAMS = [HttpServer("java", server, needs=["java", "javac"], peer="java", warm_seconds=5)]
