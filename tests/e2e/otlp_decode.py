"""Decodes an ExportTraceServiceRequest from stdin with opentelemetry-proto; prints what it saw as JSON.

Runs under an interpreter that has the package (see cases/faults.py), with nothing of Remora's.
"""
import json
import sys

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

body = sys.stdin.buffer.read()
request = ExportTraceServiceRequest.FromString(body)
known = ExportTraceServiceRequest.FromString(body)
known.DiscardUnknownFields()
json.dump({
    "same": request.SerializeToString(deterministic=True) == body,
    "known": known.SerializeToString(deterministic=True) == body,
    "resources": [{a.key: a.value.WhichOneof("value") for a in r.resource.attributes} for r in request.resource_spans],
    "scopes": [s.scope.name for r in request.resource_spans for s in r.scope_spans],
    "spans": [{"name": s.name, "kind": s.kind, "status": s.status.code, "flags": s.flags,
               "trace_id": s.trace_id.hex(), "span_id": s.span_id.hex(), "parent_id": s.parent_span_id.hex(),
               "trace_state": s.trace_state, "start": s.start_time_unix_nano, "end": s.end_time_unix_nano,
               "dropped": s.dropped_attributes_count,
               "attributes": {a.key: a.value.WhichOneof("value") for a in s.attributes}}
              for r in request.resource_spans for c in r.scope_spans for s in c.spans],
}, sys.stdout)
