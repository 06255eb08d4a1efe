"""Whose call is it? A server asks another one in its handlers, twenty requests at a time over one channel. Its handler
says which request it was at work on, the far one which call it was asked with: a CLIENT span may have no parent
where nobody knows, but never another request's. Nor may it have one where the handler itself was not told of its
request, as the head of that came in two reads ("untold")."""
from pair import TRACEPARENT, Checked, certificates

REQUESTS = 100


class Through(Checked):
    """`hub` is the stack of the client and of the far server, both traced."""

    def __init__(self, stack, hub, build, tls=False):
        super().__init__(f"through-{stack.name}{'-tls' if tls else ''}", build)
        self.stack, self.hub, self.tls = stack, hub, tls

    def serve(self, t, name, stack):
        port = t.port()
        t.start(name, [*stack.argv, "server", port], port, env={**stack.environment, **self.more})
        return f"127.0.0.1:{port}"

    def play(self, t):
        self.more = {"GRPC_PEER_TLS": certificates(t)} if self.tls else {}
        far = self.serve(t, "far", self.hub)
        near = self.serve(t, "near", self.stack)
        lines = t.run("client", [*self.hub.argv, "through", near, far], env={**self.hub.environment, **self.more}).splitlines()
        spans = t.spans_at_least(4 * REQUESTS)
        self.holds("each call is one span on each side", lambda: spans.count("client", client=REQUESTS)
                   .count("near", server=REQUESTS, client=REQUESTS).count("far", server=REQUESTS))
        counts = {"right": 0, "missing": 0, "wrong": 0, "untold": 0}
        self.holds("the handlers tell of their requests", lambda: self.judge(t, spans, lines, counts))
        self.holds("no call has another request for its parent", lambda: t.equal(counts["wrong"], 0, "wrong parents"))
        if self.stack.parents:
            self.holds("each call has its request for its parent", lambda: t.equal(counts["missing"], 0, "missing parents"))
        self.notes.append("parents of calls: " + ", ".join(f"{n} {what}" for what, n in counts.items()))

    def judge(self, t, spans, lines, counts):
        t.equal(len(lines), REQUESTS, "lines")
        parents = [s["parent_id"] for s in spans.of("near", "CLIENT")]
        for line in lines:
            near, far = (TRACEPARENT.fullmatch(value) for value in line.split(" "))
            t.check(near and far, f"two traceparents: {line}")
            request = spans.by_id[near[2]]
            untold = request["kind"] == "CLIENT"
            if untold:
                request, = (s for s in spans.of("near", "SERVER") if s["parent_id"] == near[2])
            if self.stack.tables and not untold:
                counts["right" if far[2] == request["span_id"] and parents.count(far[2]) == 1 else "wrong"] += 1
                continue
            call = spans.by_id[far[2]]
            call = spans.by_id[call["parent_id"]] if call["kind"] == "SERVER" else call
            t.equal((call["resource"]["service.name"], call["kind"]), ("near", "CLIENT"), "who asked")
            parent = call["parent_id"]
            counts["right" if parent == request["span_id"] else "wrong" if parent else "untold" if untold else "missing"] += 1
