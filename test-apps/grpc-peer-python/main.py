"""main.py server PORT | client ADDRESS | through ADDRESS OTHER: test.Echo with grpcio, without generated code; see tests/grpc/run.py for what
each method and each line of the client is, and for GRPC_PEER_TLS."""
import os
import signal
import sys
import threading
from concurrent import futures
from pathlib import Path

import grpc

TLS = os.environ.get("GRPC_PEER_TLS")  # the folder of key and certificates; in clear without one


def pem(name):
    return (Path(TLS) / name).read_bytes()


def channel_to(address):
    if not TLS:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(pem("ca.pem")))


def seen(request, context):
    return dict(context.invocation_metadata()).get("traceparent", "none").encode()


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "nothing here")


def slow(request, context):
    over = threading.Event()
    context.add_callback(over.set)
    over.wait(5)
    return request


channels = {}


def through(request, context):
    """What this handler was sent, and what that of another server was that it asks."""
    address = request.decode()
    if address not in channels:
        channels[address] = channel_to(address)
    other = channels[address].unary_unary("/test.Echo/Seen")(b"x")
    return seen(request, context) + b" " + other


def total(requests, context):
    return str(sum(len(r) for r in requests)).encode()


def count(request, context):
    for _ in range(int(request)):
        yield bytes(100)


def chat(requests, context):
    for request in requests:
        yield request
        yield request


def serve(port):
    handlers = {
        "Say": grpc.unary_unary_rpc_method_handler(lambda request, context: request),
        "Seen": grpc.unary_unary_rpc_method_handler(seen),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Through": grpc.unary_unary_rpc_method_handler(through),
        "Slow": grpc.unary_unary_rpc_method_handler(slow),
        "Sum": grpc.stream_unary_rpc_method_handler(total),
        "Count": grpc.unary_stream_rpc_method_handler(count),
        "Chat": grpc.stream_stream_rpc_method_handler(chat),
    }
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", handlers),))
    if TLS:
        server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(pem("key.pem"), pem("cert.pem"))]))
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
    server.start()
    server.wait_for_termination()


def unary(channel, name, timeout=None):
    try:
        return channel.unary_unary(f"/test.Echo/{name}")(b"hello", timeout=timeout).decode()
    except grpc.RpcError as error:
        return error.code().name


def totals(answers):
    sizes = [len(a) for a in answers]
    return f"{len(sizes)} {sum(sizes)}"


def cancel(channel):
    call = channel.unary_unary("/test.Echo/Slow").future(b"x")
    unary(channel, "Say")  # the server reads in order
    call.cancel()
    return "CANCELLED" if call.cancelled() else call.code().name


def ask(address):
    with channel_to(address) as channel:
        print("say", unary(channel, "Say"))
        print("seen", unary(channel, "Seen"))
        print("fail", unary(channel, "Fail"))
        print("none", unary(channel, "None"))
        print("sum", channel.stream_unary("/test.Echo/Sum")(iter([bytes(3000)] * 50)).decode())
        print("count", totals(channel.unary_stream("/test.Echo/Count")(b"100")))
        print("chat", totals(channel.stream_stream("/test.Echo/Chat")(iter([bytes(1000)] * 50))))
        print("slow", unary(channel, "Slow", timeout=0.5))
        print("cancel", cancel(channel))
        calls = [channel.unary_unary("/test.Echo/Seen").future(b"x") for _ in range(50)]
        print("many", *(call.result().decode() for call in calls))


def ask_through(address, other):
    with channel_to(address) as channel:
        for _ in range(5):
            calls = [channel.unary_unary("/test.Echo/Through").future(other.encode()) for _ in range(20)]
            for call in calls:
                print(call.result().decode())


if sys.argv[1] == "server":
    serve(sys.argv[2])
elif sys.argv[1] == "through":
    ask_through(sys.argv[2], sys.argv[3])
else:
    ask(sys.argv[2])
