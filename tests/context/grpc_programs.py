"""gRPC C++, of the release's shared libraries: a server that makes two calls for each request, in one of many ways."""
import re

from judge import Row, place
from native import flags
from programs import program, surroundings

TRACEPARENT = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-0[0-3]")


def judge(lines, spans):
    """Each line is the traceparent that a handler was sent, and those that its two calls were. A handler that was not told of
    its own span, as there was no way to write it, was sent its client's: then no parent is right for its calls."""
    by_id = {s["span_id"]: s for s in spans if s["resource"]["service.name"] == "server"}
    row = Row()
    for line in lines:
        request, *calls = line.split(" ")
        told = TRACEPARENT.fullmatch(request)
        for call in calls:
            ids = TRACEPARENT.fullmatch(call)
            span = by_id.get(ids[2]) if ids else None
            found_by = span["attributes"].get("remora.parent.source", "-") if span else "-"
            if not span or span["kind"] != "CLIENT":
                row.add("wrong" if ids else "missing", "-")
            elif told and told[2] in by_id and span["parent_id"] == told[2]:
                row.add("right", found_by)
            else:
                row.add("wrong" if span["parent_id"] else "missing", found_by)
    return row


def grpc(name, title):
    def measure(t, requests, env):
        app = t.build.app("grpc-through-cpp", "main", options=flags("grpc++"))
        far, near = t.port(), t.port()
        t.start("far", [app, "far", far], far, agent=False)
        t.start("server", [app, "near", near, name, f"127.0.0.1:{far}"], near, env=surroundings("", env))
        answers, spans = {}, 0
        for concurrency, count in requests.items():
            answers[concurrency, True] = t.run("ask", [app, "ask", f"127.0.0.1:{near}", count, concurrency],
                                               env=surroundings("", env)).splitlines()
            spans += 4 * count
        t.sink.wait(spans, 5.0)
        t.stop()
        spans = t.sink.wait(spans, 5.0)
        return {cell: judge(lines, spans) for cell, lines in answers.items()}
    program(f"grpc-{name}", title, ["c++", "pkg-config"], headers=["grpcpp/grpcpp.h"], measure=measure)(None)


grpc("sync", "gRPC C++, a synchronous server, calls that block")
grpc("queue", "the same, calls on a completion queue of the handler's own, and one that blocks")
grpc("shared-queue", "the same, calls on a completion queue that all handlers take tags off")
grpc("pool", "the same, calls made by threads for all requests")
grpc("from-thread", "the same, calls by threads, made from the request's context (FromServerContext)")
grpc("callback", "gRPC C++, a callback server, calls with callbacks")
grpc("line", "the same, four calls at once, others wait for one of them")
grpc("alarm", "the same, calls made by alarms")
grpc("from-alarm", "the same, calls made from the request's context (FromServerContext)")
grpc("async", "gRPC C++, a completion queue for requests and calls, 4 threads")
grpc("stream", "the same, calls when messages come on a stream that all requests share")
