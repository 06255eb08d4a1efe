"""main.py ADDRESS TYPE METHOD...: calls methods of test.Echo over gRPC-Web by hand, one after the other on one
connection, and prints the status of each; "-" where it gives up after the first message."""
import base64
import gzip
import http.client
import re
import struct
import sys

address, kind, *methods = sys.argv[1:]
connection = http.client.HTTPConnection(address)
hello = struct.pack(">BI", 0, 5) + b"hello"
text = "-text" in kind


def status(response):
    if response.headers["grpc-status"]:
        return response.headers["grpc-status"]
    body = response.read()
    if response.headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    if text:
        body = b"".join(base64.b64decode(piece) for piece in re.findall(b"[^=]+=*", body))
    found = re.search(rb"\x80....grpc-status:(\d+)", body, re.DOTALL)
    return found[1].decode() if found else "none"


for method in methods:
    connection.request("POST", f"/test.Echo/{method}", base64.b64encode(hello) if text else hello, {"Content-Type": kind})
    response = connection.getresponse()
    if method == "Slow":
        response.read(10)
        connection.close()
        print("-")
    else:
        print(status(response))
        response.read()
