"""main.py PORT: the service test.Echo over gRPC, without generated code. Say answers with what it is sent, Seen
with the traceparent it was sent, Fail with NOT_FOUND, Slow after five seconds; Chat streams both ways."""
import sys
import time
from concurrent import futures

import grpc


def seen(request, context):
    return dict(context.invocation_metadata()).get("traceparent", "none").encode()


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "nothing here")


def slow(request, context):
    for _ in range(50):
        if not context.is_active():
            break
        time.sleep(0.1)
    return request


def chat(requests, context):
    for request in requests:
        yield request
        yield request


handlers = {
    "Say": grpc.unary_unary_rpc_method_handler(lambda request, context: request),
    "Seen": grpc.unary_unary_rpc_method_handler(seen),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "Slow": grpc.unary_unary_rpc_method_handler(slow),
    "Chat": grpc.stream_stream_rpc_method_handler(chat),
}
server = grpc.server(futures.ThreadPoolExecutor(16))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", handlers),))
server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
server.start()
server.wait_for_termination()
