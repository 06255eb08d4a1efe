"""A Flask application that has calls made by RQ's workers for every eighth request, as each job takes a process: main:app, rq worker."""
import os
import random
import time

import flask
import redis
import requests
import rq

FAR = os.environ["FAR"]
app = flask.Flask(__name__)
queue = rq.Queue(connection=redis.Redis.from_url(os.environ["BROKER"]))
session = requests.Session()
session.trust_env = False


def call(number, turn):
    time.sleep(random.random() * 0.005)
    session.get(f"{FAR}/call/{number}/{turn}").content


@app.get("/fan/<int:number>")
def fan(number):
    jobs = [queue.enqueue("main.call", number, turn) for turn in range(1 + number % 3 if number % 8 == 0 else 0)]
    for job in jobs:
        job.latest_result(timeout=300)
    return "done"
