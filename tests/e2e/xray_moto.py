"""Hands X-Ray's documents, a line each, to moto's X-Ray, and prints what that makes of them as JSON.

moto takes the place of AWS: PutTraceSegments, which answers with what it could not process, and BatchGetTraces.
"""
import json
import os
import sys

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402


def main():
    documents = [line for line in sys.stdin.read().splitlines() if line]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    xray = boto3.client("xray", endpoint_url=f"http://{host}:{port}")
    refused = []
    for at in range(0, len(documents), 50):  # as many as the daemon sends at once
        refused += xray.put_trace_segments(TraceSegmentDocuments=documents[at:at + 50])["UnprocessedTraceSegments"]
    ids = sorted({json.loads(d)["trace_id"] for d in documents})
    traces = xray.batch_get_traces(TraceIds=ids)["Traces"]
    server.stop()
    json.dump({"refused": refused,
               "traces": {t["Id"]: [json.loads(s["Document"]) for s in t["Segments"]] for t in traces}}, sys.stdout)


main()
