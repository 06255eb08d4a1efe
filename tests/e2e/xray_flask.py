"""A Flask application that asks another service, as it is; with WITH_SDK=1 it traces itself by AWS's X-Ray SDK.

Usage: xray_flask.py PORT, with BACKEND in the environment, and the version that it answers in (HTTP, else HTTP/1.0).
"""
import os
import sys

import requests
from flask import Flask

app = Flask("backend-flask")

if os.environ.get("WITH_SDK"):
    from aws_xray_sdk.core import patch, xray_recorder
    from aws_xray_sdk.ext.flask.middleware import XRayMiddleware

    xray_recorder.configure(service="backend-flask", dynamic_naming=os.environ.get("AWS_XRAY_URL"), sampling=False)
    XRayMiddleware(app, xray_recorder)
    patch(["requests"])


@app.route("/api/activities/home")
def home():
    return {"data": requests.get(os.environ["BACKEND"] + "/items", timeout=20).text}


@app.route("/busy")
def busy():
    return "later", 429


@app.route("/broken")
def broken():
    return "no", 503


if os.environ.get("HTTP"):
    from werkzeug.serving import WSGIRequestHandler

    WSGIRequestHandler.protocol_version = os.environ["HTTP"]

app.run("127.0.0.1", int(sys.argv[1]), threaded=False)
