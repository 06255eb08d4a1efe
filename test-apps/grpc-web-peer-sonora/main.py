"""main.py server PORT | client ADDRESS: test.Echo over gRPC-Web with sonora, behind the threads of wsgiref; see
tests/grpc/run.py for what each method and each line of the client is."""
import concurrent.futures
import socketserver
import sys
import wsgiref.simple_server

import grpc
import sonora.client
import sonora.wsgi


def seen(request, context):
    return dict(context.invocation_metadata()).get("traceparent", "none").encode()


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "nothing here")


def count(request, context):
    for _ in range(int(request)):
        yield bytes(100)


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    request_queue_size = 100


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


def same(message):
    return message


def serve(port):
    handlers = {
        "Say": grpc.unary_unary_rpc_method_handler(lambda request, context: request, same, same),
        "Seen": grpc.unary_unary_rpc_method_handler(seen, same, same),
        "Fail": grpc.unary_unary_rpc_method_handler(fail, same, same),
        "Count": grpc.unary_stream_rpc_method_handler(count, same, same),
    }
    application = sonora.wsgi.grpcWSGI(None)
    application.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", handlers),))
    with wsgiref.simple_server.make_server("127.0.0.1", int(port), application, Server, Handler) as server:
        server.serve_forever()


def unary(channel, name):
    try:
        return channel.unary_unary(f"/test.Echo/{name}", same, same)(b"hello").decode()
    except grpc.RpcError as error:
        return error.code().name


def totals(answers):
    sizes = [len(a) for a in answers]
    return f"{len(sizes)} {sum(sizes)}"


def ask(address):
    with sonora.client.insecure_web_channel(f"http://{address}") as channel, \
            concurrent.futures.ThreadPoolExecutor(50) as pool:
        print("say", unary(channel, "Say"))
        print("seen", unary(channel, "Seen"))
        print("fail", unary(channel, "Fail"))
        print("count", totals(channel.unary_stream("/test.Echo/Count", same, same)(b"100")))
        print("many", *pool.map(lambda _: unary(channel, "Seen"), range(50)))


if sys.argv[1] == "server":
    serve(sys.argv[2])
else:
    ask(sys.argv[2])
