"""JSON-RPC 2.0 over HTTP as Python programs use it, with jsonrpclib.

main.py serve PORT   a counter of stock
main.py ask URL      a call, a notification, a method that is not there, three batches; prints what came back
"""
import sys

import jsonrpclib
from jsonrpclib.SimpleJSONRPCServer import SimpleJSONRPCServer


def serve(port):
    server = SimpleJSONRPCServer(("127.0.0.1", int(port)), logRequests=False)
    server.register_function(lambda name: len(name), "stock.count")
    server.register_function(lambda name: None, "stock.note")
    server.serve_forever()


def ask(url):
    server = jsonrpclib.Server(url)
    print(server.stock.count("hunter2"))
    server._notify.stock.note("hunter2")
    try:
        server.stock.price("hunter2")
    except jsonrpclib.ProtocolError as error:
        print(error.args[0][0])
    for second in ("stock.count", "stock.note", "stock.price"):
        batch = jsonrpclib.MultiCall(server)
        batch.stock.count("hunter2")
        getattr(batch, second)("rope")
        try:
            print(list(batch()))
        except jsonrpclib.ProtocolError as error:
            print(error.args[0][0])


{"serve": serve, "ask": ask}[sys.argv[1]](sys.argv[2])
