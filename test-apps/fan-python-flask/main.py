"""A Flask application that asks a far side one to three times for each request, in before_request, in the view and while it streams."""
import os
import random
import time

import flask
import requests
import requests.adapters

FAR = os.environ["FAR"]
session = requests.Session()
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))
session.trust_env = False
app = flask.Flask(__name__)


def call(number, turn):
    time.sleep(random.random() * 0.005)
    session.get(f"{FAR}/call/{number}/{turn}").content


@app.before_request
def first():
    call(flask.request.view_args["number"], 0)


@app.get("/fan/<int:number>")
def fan(number):
    for turn in range(1, 1 + number % 3):
        call(number, turn)
    return "done"
