"""MongoDB as Python programs use it. main.py URI does a few things, main.py URI answered only such that are
answered, which some servers do with all; main.py URI PORT serves GET / by one command."""
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import pymongo


def work(client, answered):
    orders = client.shop.orders
    orders.insert_many([{"_id": i, "note": "hunter2"} for i in range(100)])
    print(len(list(orders.find({"note": "hunter2"}, batch_size=30))))
    print(orders.update_one({"_id": 3}, {"$set": {"note": "hunter2"}}).matched_count)
    print(orders.delete_many({"_id": {"$in": [1, 2, 3]}}).deleted_count)
    try:
        orders.insert_one({"_id": 7, "note": "hunter2"})
    except pymongo.errors.DuplicateKeyError as error:
        print(error.code)
    try:
        client.other.command("hunter2", "hunter2")
    except pymongo.errors.OperationFailure as error:
        print(error.code)
    if not answered:
        unacknowledged = orders.with_options(write_concern=pymongo.WriteConcern(w=0))
        unacknowledged.insert_one({"_id": 500, "note": "hunter2"})
    print(orders.find_one({"_id": 50}, {"note": 0})["_id"])
    client.close()


def serve(client, port):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = str(len(list(client.shop.orders.find()))).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    connected = pymongo.MongoClient(sys.argv[1], directConnection=True)
    if sys.argv[2:] in ([], ["answered"]):
        work(connected, bool(sys.argv[2:]))
    else:
        serve(connected, int(sys.argv[2]))
