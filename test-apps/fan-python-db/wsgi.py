"""A WSGI application that asks the database at DB one to three times for each request, with DRIVER (see questions.py)."""
import os
import random
import time

import questions

ask = questions.asker(os.environ["DRIVER"])


def app(environ, start_response):
    number = int(environ["PATH_INFO"].rsplit("/", 1)[1])
    time.sleep(random.random() * 0.005)
    for _ in range(1 + number % 3):
        ask(number)
    start_response("200 OK", [("Content-Length", "5")])
    return [b"near\n"]
