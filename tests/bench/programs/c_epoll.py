"""A server in C on one epoll loop."""
import apps
from kinds import HttpServer

PROGRAMS = [HttpServer("c-epoll", apps.c_epoll, needs=["cc"], instructions=True)]
