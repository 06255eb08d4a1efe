"""Does a request cost more among many? nginx with 10 and with 10,000 connections, a server with 1 and with 64 threads."""
import apps
from kinds import HttpServer


def nginx(t):
    return apps.nginx(t, connections=25000)


PROGRAMS = [*(HttpServer(f"nginx-c{count}", nginx, needs=["nginx"], connections=count) for count in (10, 10000)),
            *(HttpServer(f"threads-{count}", apps.cpp, needs=["c++"], connections=count) for count in (1, 64))]
