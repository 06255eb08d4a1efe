"""Compares what spans say with the truth."""
import re

ID = re.compile(r"/(\d+)(?:[/?]|$)")


class Row:
    def __init__(self):
        self.right = self.missing = self.wrong = 0
        self.sources = {}

    def add(self, verdict, source):
        setattr(self, verdict, getattr(self, verdict) + 1)
        self.sources[source] = self.sources.get(source, 0) + 1

    @property
    def calls(self):
        return self.right + self.missing + self.wrong


def number_of(span):
    found = ID.search(span["attributes"].get("url.path") or span["attributes"].get("url.full", ""))
    return int(found[1]) if found else None


def judge(calls, spans, service):
    """`calls` of the far side (id, trace id, span id) against the spans of one service.

    Right: the call carried the id of a CLIENT span (or, where there is none, of the SERVER span itself)
    that belongs to the SERVER span of its request. Wrong: it leads to another request, or to a span
    that does not exist. Missing: it begins a trace, or carried nothing.
    """
    by_id = {s["span_id"]: s for s in spans if s["resource"]["service.name"] == service}
    row = Row()
    for number, trace, span_id in calls:
        span = by_id.get(span_id)
        if span and span["kind"] == "CLIENT" and span["trace_id"] == trace:
            place(row, number, span, by_id)
        elif span and span["kind"] == "SERVER" and number_of(span) == number and span["trace_id"] == trace:
            row.add("right", "-")
        else:
            row.add("wrong" if span_id else "missing", "-")
    return row


def place(row, number, span, by_id):
    """Adds a CLIENT span that was made for the request of that number, or for a task that this one gave to a queue."""
    parent = by_id.get(span["parent_id"])
    while parent and parent["kind"] == "CONSUMER" and parent["trace_id"] == span["trace_id"]:
        span, parent = {**parent, "attributes": span["attributes"]}, by_id.get(parent["parent_id"])
    if parent and number_of(parent) == number and parent["trace_id"] == span["trace_id"]:
        verdict = "right"
    else:
        verdict = "wrong" if span["parent_id"] else "missing"
    row.add(verdict, span["attributes"].get("remora.parent.source", "-"))
