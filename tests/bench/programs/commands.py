"""Programs that end at once: curl of a URL on this machine, and `true`, which has nothing to trace."""
import apps
from kinds import Command


def server(t):
    return apps.c_epoll(t, agent=False)


PROGRAMS = [Command("curl", lambda server: [apps.which("curl"), "-sS", server.url + "/hello"], server, runs=25, needs=["curl", "cc"]),
            Command("true", lambda server: ["/bin/true"], spans=0, runs=100, needs=["/bin/true"])]
