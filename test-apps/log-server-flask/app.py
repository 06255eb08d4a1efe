"""A Flask application that logs: by logging, by hand, and a line for each response, as many do."""
import logging
import sys
from time import strftime

from flask import Flask, request

app = Flask(__name__)
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
log = logging.getLogger("home")


@app.after_request
def after_request(response):
    log.error("%s %s %s %s %s %s", strftime("[%Y-%b-%d %H:%M]"), request.remote_addr, request.method, request.scheme,
              request.full_path, response.status)
    return response


@app.route("/home")
def home():
    log.info("home id=%s", request.args["id"])
    # In one piece: of print's two another thread's line may come between, in Python itself.
    sys.stderr.write(f"printed id={request.args['id']}\n")
    return "home\n"


@app.route("/several")
def several():
    sys.stderr.write(f"first id={request.args['id']}\nsecond id={request.args['id']}\n")
    return "several\n"


@app.route("/crash")
def crash():
    raise RuntimeError("as asked")
