"""main.py ADDRESS WHAT: calls test.Echo over gRPC and prints what came of it."""
import sys

import grpc

channel = grpc.insecure_channel(sys.argv[1])
what = sys.argv[2]

if what == "chat":
    call = channel.stream_stream("/test.Echo/Chat")
    print(sum(len(answer) for answer in call(b"x" * 1000 for _ in range(50))))
elif what == "cancel":
    call = channel.unary_unary("/test.Echo/Slow").future(b"x", wait_for_ready=True)
    channel.unary_unary("/test.Echo/Say")(b"the server reads in order")
    call.cancel()
    print(call.code().name if call.done() and not call.cancelled() else "CANCELLED")
elif what == "many":
    calls = [channel.unary_unary("/test.Echo/Seen").future(b"x") for _ in range(50)]
    print(" ".join(call.result().decode() for call in calls))
else:
    method, _, timeout = what.partition(":")
    try:
        answer = channel.unary_unary(f"/test.Echo/{method}")(b"hello", timeout=float(timeout) if timeout else None)
        print(answer.decode())
    except grpc.RpcError as error:
        print(error.code().name)
