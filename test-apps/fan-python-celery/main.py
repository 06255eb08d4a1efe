"""A Flask application whose calls are made by Celery's workers, over Redis: main:app, celery -A main worker."""
import os
import random
import time

import celery
import flask
import requests

FAR = os.environ["FAR"]
app = flask.Flask(__name__)
tasks = celery.Celery("main", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
tasks.conf.update(broker_connection_retry_on_startup=True, worker_send_task_events=False)
session = requests.Session()
session.trust_env = False


@tasks.task
def call(number, turn):
    time.sleep(random.random() * 0.005)
    session.get(f"{FAR}/call/{number}/{turn}").content


@app.get("/fan/<int:number>")
def fan(number):
    for turn in range(1 + number % 3):
        call.delay(number, turn)
    return "done"
