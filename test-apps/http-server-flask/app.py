"""A Flask application for gunicorn; /call uses requests with a session that keeps connections."""
import os

import requests
from flask import Flask, Response, request

app = Flask(__name__)
session = requests.Session()
BACKEND = os.environ.get("BACKEND", "")


@app.route("/hello")
def hello():
    return "hello\n"


@app.route("/status/<int:code>")
def status(code):
    return Response(status=code)


@app.route("/echo", methods=["POST", "PUT"])
def echo():
    return Response(request.get_data(), content_type="application/octet-stream")


@app.route("/chunked")
def chunked():
    return Response(iter(["hello", " world"]))


@app.route("/call")
def call():
    return session.get(BACKEND + "/hello", params=request.args).text


@app.route("/crash")
def crash():
    raise RuntimeError("as asked")
