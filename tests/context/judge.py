"""Compares what spans say with the truth."""
import re

ID = re.compile(r"/(\d+)(?:[/?]|$)")


class Row:
    def __init__(self):
        self.right = self.missing = self.wrong = 0
        self.sources = {}

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
        source = span["attributes"].get("remora.parent.source", "-") if span else "-"
        if span and span["kind"] == "CLIENT":
            parent = by_id.get(span["parent_id"]) if span["parent_id"] else None
            dangling = bool(span["parent_id"]) and not parent
        else:
            parent, dangling = span, bool(span_id) and not span
        if parent and number_of(parent) == number and parent["trace_id"] == trace:
            row.right += 1
        elif parent or dangling:
            row.wrong += 1
        else:
            row.missing += 1
        row.sources[source] = row.sources.get(source, 0) + 1
    return row
